"""Findings of the studies: small committed tables, and the pages made of them.

``python -m experiments.findings keep NAME DIR`` takes the headline rows of a finished study into
``experiments/findings/NAME``; ``python -m experiments.findings audits`` works out that on audits, which needs
no sweep; ``python -m experiments.findings age`` says which of them were made with this engine.

The tables in ``docs/findings`` and the README are made of those files by :mod:`experiments.docs_tables`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

import simulator.adversary.catalogue  # noqa: F401  (enters the attackers' titles)
from experiments.docs_tables import DOCS, markdown_table, with_part
from experiments.finding_ages import FINDINGS, about, ages, ages_table, made_line, made_with
from experiments.finding_pages import AUDITS, PAGES, README_RULES, Column, Page
from experiments.finding_strength import best_rivals, strength_table
from experiments.sweep.engine import SHOWN_DIGITS, engine_digest
from experiments.sweep.folder import STUDY_FILE
from experiments.sweep.measures import measure_named
from experiments.sweep.spec import study_named
from experiments.words import attacker_title
from simulator.errors import StudyError
from simulator.manifest import write_text_whole
from simulator.oversight.access_log import AccessSetting, agencies_of
from simulator.oversight.audit import LOGGING_RULES, audit
from simulator.scenario import Scenario

TABLES, RATIOS = ("results", "contrasts"), "ratios"
_AUDIT_SCENARIO, _AUDIT_SEED, _AUDIT_DAYS, _AUDIT_DRAWS = "unlawful-sharing", 1, 60, 200
_FIGURES = ("estimate", "difference", "ratio", "low", "high", "logrank_p")


def keep(name: str, folder: Path, out: Path = FINDINGS) -> None:
    """Take the rows that a study's page shows out of a results folder.

    Raises
    ------
    StudyError
        If the folder holds no finished study of that name, or one of another seed or other levels.
    """
    if name not in PAGES:
        raise StudyError(f"There is no page of findings for '{name}'; there are: {', '.join(PAGES)}.")
    study, page = study_named(name), PAGES[name]
    try:
        there = json.loads((folder / STUDY_FILE).read_text("utf-8"))
        done, made = there["study"], made_with(there)
        tables = {table: pl.read_parquet(folder / f"{table}.parquet") for table in TABLES}
        ratios = pl.read_parquet(folder / f"{RATIOS}.parquet") if page.strength else None
    except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
        raise StudyError(
            f"{folder} holds no finished study ({error}); run 'platetrail sweep {name}'."
        ) from None
    labels = {f: list(levels) for f, levels in done["factors"].items()}
    if done["id"] != name or done["seed"] != study.seed:
        raise StudyError(
            f"{folder} holds '{done['id']}' with seed {done['seed']}, not '{name}' with {study.seed}."
        )
    if labels != {f.name: list(f.labels()) for f in study.factors}:
        raise StudyError(f"{folder} was done with other levels than '{name}' has now; run the study again.")
    towns = int(tables["results"]["n_replicates"].max())  # type: ignore[arg-type]
    if towns != study.replicates:
        raise StudyError(f"{folder} has {towns} towns, '{name}' has {study.replicates}.")
    (out / name).mkdir(parents=True, exist_ok=True)
    # Differences from the baseline are quoted of the main table alone.
    columns = {"results": page.taken(), "contrasts": page.columns}
    chosen = {t: frame.filter(_any(columns[t], frame.columns)) for t, frame in tables.items()}
    if page.strength and ratios is not None:
        chosen[RATIOS] = best_rivals(page.strength, tables["results"], ratios)
    for table, frame in chosen.items():
        rounded = [pl.col(c).round_sig_figs(5) for c in _FIGURES if c in frame.columns]
        write_text_whole(out / name / f"{table}.csv", frame.with_columns(rounded).write_csv())
    _write_about(name, {**about(study), "made": made}, out)


def kept(name: str, table: str = "results", out: Path = FINDINGS) -> pl.DataFrame:
    """Return a committed table."""
    return pl.read_csv(out / name / f"{table}.csv", infer_schema_length=None)


def kept_names(out: Path = FINDINGS) -> tuple[str, ...]:
    """Return the studies that have a committed table, in the order of the pages."""
    return tuple(name for name in PAGES if (out / name / "results.csv").is_file())


def numbers_table(page: Page, results: pl.DataFrame) -> str:
    """Return a page's table: one row a value of ``page.rows``, one column a number with its interval."""
    rows = results.select(page.rows).unique(maintain_order=True)
    if page.order:
        rows = rows.sort(pl.col(page.rows[0]).replace_strict({v: i for i, v in enumerate(page.order)}))
    head = (*page.heads, *(column.title for column in page.columns))
    lines = []
    for row in rows.iter_rows(named=True):
        at_row = results.filter(pl.all_horizontal(pl.col(k) == v for k, v in row.items()))
        found = [_number(at_row.filter(_where(column, results.columns))) for column in page.columns]
        if any(text != "–" for text in found):
            lines.append((*(_words(k, v) for k, v in row.items()), *found))
    return "\n".join(markdown_table(head, lines))


def audits_table(results: pl.DataFrame) -> str:
    """Return lines needed with their middle 95%, one row a violation, one column a logging rule."""
    from experiments.audit import LOGGING_WORDS, VIOLATION_WORDS

    cells = {(r["violation"], r["logging"]): r for r in results.iter_rows(named=True)}
    rows = []
    for violation in results["violation"].unique(maintain_order=True):
        found = []
        for rule in LOGGING_RULES:
            row = cells[violation, rule]
            needed, low, high = row["lines_needed"], row["low"], row["high"]
            found.append("never" if needed is None else f"{needed:,.0f} ({low:,.0f}–{high:,.0f})")
        rows.append((VIOLATION_WORDS[violation], *found))
    return "\n".join(markdown_table(("some agency", *(LOGGING_WORDS[r] for r in LOGGING_RULES)), rows))


def audit_findings(out: Path = FINDINGS) -> None:
    """Work out the committed table on audits: many logs of the agencies of one scenario."""
    from scenarios import scenario_named

    scenario: Scenario = scenario_named(_AUDIT_SCENARIO)
    readers: dict[str, int] = {}
    for group in scenario.readers:
        readers[group.owner] = readers.get(group.owner, 0) + (group.count or 0)
    owners = sorted(readers, key=lambda owner: (-readers[owner], owner))
    table = audit(
        agencies_of(scenario.archive, tuple(owners), pl.Series([readers[o] for o in owners]).to_numpy()),
        AccessSetting(),
        days=_AUDIT_DAYS,
        n_plates=scenario.people.vehicles_represented or scenario.people.drivers,
        seed=_AUDIT_SEED,
        draws=_AUDIT_DRAWS,
    )
    (out / AUDITS).mkdir(parents=True, exist_ok=True)
    rounded = [pl.col(c).round_sig_figs(5) for c, t in table.schema.items() if t == pl.Float64]
    write_text_whole(out / AUDITS / "results.csv", table.with_columns(rounded).write_csv())
    _write_about(AUDITS, {"study": AUDITS, "made": {"engine": engine_digest()}}, out)


def findings_pages(docs: Path = DOCS, out: Path = FINDINGS) -> dict[Path, str]:
    """Return the text that each page of findings, and the README, should have now."""
    pages = {}
    for name in kept_names(out):
        path = docs / "findings" / f"{name}.md"
        page, results = PAGES[name], kept(name, out=out)
        made = numbers_table(page, results) + "\n\n" + made_line(name, out)
        text = with_part(path.read_text("utf-8"), "numbers", made)
        for part, more in page.more.items():
            text = with_part(text, part, numbers_table(more, results))
        if page.strength is not None:
            found = strength_table(page.strength, results, kept(name, RATIOS, out))
            text = with_part(text, "strength", found)
        pages[path] = text
    if (out / AUDITS / "results.csv").is_file():
        path = docs / "findings" / f"{AUDITS}.md"
        made = audits_table(kept(AUDITS, out=out)) + "\n\n" + made_line(AUDITS, out)
        pages[path] = with_part(path.read_text("utf-8"), "numbers", made)
    if "rules" in kept_names(out):
        readme = docs.parent / "README.md"
        made = numbers_table(README_RULES, kept("rules", out=out))
        pages[readme] = with_part(readme.read_text("utf-8"), "rules", made)
    return pages


def _write_about(name: str, content: dict[str, Any], out: Path) -> None:
    write_text_whole(out / name / STUDY_FILE, json.dumps(content, indent=1) + "\n")


def _any(columns: Iterable[Column], known: list[str]) -> pl.Expr:
    return pl.any_horizontal(_where(column, known) for column in columns)


def _where(column: Column, known: list[str]) -> pl.Expr:
    return pl.all_horizontal(pl.col(k) == v for k, v in column.where.items() if k in known)


def _number(rows: pl.DataFrame) -> str:
    """Return one number with its interval; per cent for shares."""
    if not rows.height:
        return "–"
    if rows.height > 1:
        raise LookupError(f"A column of a findings page names {rows.height} rows, not one: {rows.row(0)}.")
    row = rows.row(0, named=True)
    unit = measure_named(row["measure"]).unit
    values = [row[k] for k in ("estimate", "low", "high")]
    if values[0] is None:
        return "not reached" if values[1] is None else f"not reached ({figure(values[1], unit)} at least)"
    low, high = ("…" if v is None else figure(v, unit) for v in values[1:])
    return f"{figure(values[0], unit)} ({low}–{high})"


def figure(value: float, unit: str) -> str:
    """Return a number as pages show it: shares in per cent with one decimal, all else to three digits."""
    if unit == "share":
        return f"{100 * value:.1f}"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def _words(column: str, value: str) -> str:
    return attacker_title(value) if column == "attacker" else str(value)


def main(arguments: list[str] | None = None) -> None:
    """Keep a study's table, work out that on audits, or say how old the kept ones are."""
    parser = argparse.ArgumentParser(prog="python -m experiments.findings", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    keeps = commands.add_parser("keep", help="take a finished study's headline rows")
    keeps.add_argument("name", choices=tuple(PAGES))
    keeps.add_argument("folder", type=Path, help="the --out of its sweep")
    commands.add_parser(AUDITS, help="work out the table on audits")
    commands.add_parser("age", help="say which kept tables were made with this engine")
    commands.add_parser("engine", help="print the first digits of this engine's digest")
    chosen = parser.parse_args(arguments)
    if chosen.command == AUDITS:
        audit_findings()
        return
    if chosen.command == "engine":
        print(engine_digest()[:SHOWN_DIGITS])
        return
    if chosen.command == "age":
        Console().print(ages_table(ages()))
        return
    try:
        keep(chosen.name, chosen.folder)
    except StudyError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
