"""Reference pages made from the code: tables, scenarios, the scenario file, and the list of attackers.

``python -m experiments.docs_tables`` writes them, ``--check`` says which are out of step.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import polars as pl
from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import experiments.sweep.exposure_probe
import experiments.sweep.group_measure
import experiments.sweep.probes  # noqa: F401  (enters measures)
from experiments.column_words import COLUMN_WORDS
from experiments.sweep.measures import measure_named, measure_names
from experiments.sweep.spec import study_named, study_names
from experiments.words import attacker_order
from scenarios import scenarios_by_topic
from simulator.adversary.attacker import attacker_named
from simulator.archive_rules import RETENTION_LADDER, RULE_TYPES
from simulator.scenario import Scenario
from simulator.scenario_parts import FaceReaders, FixedReaders, LotReaders, PatrolReaders, SpotterReaders
from simulator.tables import FORMAT_VERSION, SCHEMAS

DOCS = Path(__file__).resolve().parents[1] / "docs"

_MADE = "<!-- Made from the code by `make docs`; edit the code instead. -->"
_EXTENDING = [
    "## Extending another scenario", "",
    '`extends = "kept-for-ever"` at the top of a file takes over a standard scenario, '
    '`extends = "my-town.toml"` a file in the same folder; a base may itself extend another. The file then '
    "says only in what it differs:", "",
    "- sections are laid over those of the base key by key;",
    "- lists (`[[readers]]`, `[[events]]`, `[[archive.rules]]`) replace the base's as a whole;",
    "- `[[citations]]` are added to the base's, but those that the base gives for a `part` which the file "
    "writes itself are left out;",
    "- `id`, `title`, `topic`, `question`, `description` and `calibrate` are never taken over.", "",
    "Manifests hold the result, whole. Bases that cannot be found or go round in a circle are refused.", "",
]  # fmt: skip
_READER_KINDS = (FixedReaders, PatrolReaders, SpotterReaders, LotReaders, FaceReaders)
_RUNGS = {
    "SIGHTINGS": "sightings only",
    "READERS": "sightings, readers",
    "STREETS": "sightings, readers, streets",
    "LAND_USE": "sightings, readers, streets, land use",
    "HABITS": "sightings, readers, streets, land use, travel habits of the population",
}


def pages(docs: Path = DOCS) -> dict[Path, str]:
    """Return the text that each page should have now.

    Hand-written pages with a made part are read, and returned with that part replaced.
    """
    attackers, archive, studies = docs / "attackers.md", docs / "archive.md", docs / "studies.md"
    trust, bayes = docs / "trust.md", docs / "bayes.md"
    # They make their tables with the functions here.
    from experiments.findings import findings_pages
    from experiments.own_assumptions_study import read, table
    from experiments.trust_page import trust_page

    measured = with_part(studies.read_text(encoding="utf-8"), "measures", measures_table())
    rules = with_part(archive.read_text(encoding="utf-8"), "rules", rules_table())
    return {
        archive: with_part(rules, "retention", retention_table()),
        docs / "tables.md": tables_page(),
        docs / "scenarios.md": scenarios_page(),
        docs / "scenario-file.md": scenario_file_page(),
        studies: with_part(measured, "studies", studies_table()),
        attackers: with_part(attackers.read_text(encoding="utf-8"), "attackers", attackers_table()),
        trust: trust_page(docs),
        bayes: with_part(bayes.read_text(encoding="utf-8"), "own", table(read())),
        **findings_pages(docs),
    }


def tables_page() -> str:
    """Return the page on result tables."""
    lines = [
        "# Tables", "", _MADE, "",
        "A run writes one Parquet file a table, `summary.csv` beside them, and `manifest.json` with all "
        "that is needed to make them again. Any Parquet reader opens them (polars, pandas, DuckDB, R). Times "
        "are seconds since midnight before the first day; places are metres in a plane of the map's own; ids "
        f"count from 0. This is format version {FORMAT_VERSION}; a file of another version is refused.", "",
        "`sightings` and `trips` are big and written on request: `--tables sightings,trips`. `places`, "
        "`drivers` and `trips` are the truth about simulated people, which no attacker sees.", "",
    ]  # fmt: skip
    for schema in SCHEMAS.values():
        lines += [f"## {schema.name}", "", f"One row is {schema.row}.", ""]
        rows = [
            (f"`{column}`", _dtype_words(dtype), column_words(schema.name, column))
            for column, dtype in schema.columns.items()
        ]
        lines += [*markdown_table(("column", "type", "meaning"), rows), ""]
    return "\n".join(lines)


def column_words(table: str, column: str) -> str:
    """Return what a column means.

    Raises
    ------
    LookupError
        If nobody has written that down yet.
    """
    words = COLUMN_WORDS.get(f"{table}.{column}") or COLUMN_WORDS.get(column)
    if words is None:
        raise LookupError(
            f"Say what the column '{column}' of '{table}' means: COLUMN_WORDS in experiments/column_words.py."
        )
    return words


def scenarios_page() -> str:
    """Return the page on the catalogue."""
    topics = scenarios_by_topic()
    lines = ["# The catalogue", "", _MADE, ""]
    lines += [
        "Run one with `platetrail run NAME --out DIR`, start your own with `platetrail show NAME --toml`.",
        "",
    ]
    for topic, scenarios in topics.items():
        rows = [(f"[{s.id}](#{s.id})", s.question, f"{s.people.drivers:,} × {s.days:,}") for s in scenarios]
        lines += [f"**{topic}**", "", *markdown_table(("", "question", "drivers × days"), rows), ""]
    for scenario in (s for scenarios in topics.values() for s in scenarios):
        lines += [
            f"## {scenario.id}",
            "",
            f"**{scenario.title}.** *{scenario.question}*",
            "",
            scenario.description.strip(),
            "",
            *markdown_table(("", ""), list(_catalogue_rows(scenario))),
            "",
            "Sources:",
            "",
        ]
        lines += [
            f"- {c.source}. *{c.reason}*" + (f" ({c.part})" if c.part else "") for c in scenario.citations
        ] + [""]
    return "\n".join(lines)


def _catalogue_rows(scenario: Scenario) -> Iterator[tuple[str, str]]:
    streets, people, archive = scenario.streets, scenario.people, scenario.archive
    yield (
        "streets",
        "a street map that you bring (`--map FILE`)"
        if streets.kind == "map"
        else f"generated, {streets.kind}, about {streets.nodes:,} junctions on {streets.area_km2:g} km²",
    )
    stand_for = f", for {people.vehicles_represented:,} vehicles" if people.vehicles_represented else ""
    yield "drivers simulated", f"{people.drivers:,}{stand_for}"
    if scenario.walking.car_free:
        yield "people without a car", f"{scenario.walking.car_free:,}"
    yield "days", f"{scenario.days:,}"
    groups = (f"{group.count} {group.kind} ({group.owner})" for group in scenario.readers)
    yield "readers", "; ".join(groups) or "none"
    for event in scenario.events:
        yield "event", f"{event.name} on day {event.day}"
    kept = archive.retention_days
    yield "kept", "for ever" if kept is None else f"{kept:.4g} days"
    if archive.viewer is not None:
        yield "who looks", archive.viewer
    for rule in archive.rules:
        yield "rule", _rule_words(rule)
    yield "published figures that apply", ", ".join(scenario.calibrate) or "none of its own"


def _rule_words(rule: BaseModel) -> str:
    said = rule.model_dump(exclude={"name", "kind", "citation"}, exclude_defaults=True)
    words = (
        f"{key.replace('_', ' ')} {', '.join(value) if isinstance(value, tuple) else value}"
        for key, value in said.items()
    )
    return ": ".join(filter(None, (str(getattr(rule, "kind", "")), ", ".join(words))))


def scenario_file_page() -> str:
    """Return the page on the keys of a scenario file."""
    lines = [
        "# The scenario file", "", _MADE, "",
        "A scenario is a TOML file. Only `id` and `title` must be there; all other keys have defaults. A key "
        "that does not exist is refused with the nearest right name, a value out of range with the range. "
        "`platetrail show NAME --toml` prints a file to start from; "
        "`--set people.drivers=2000` or `--set readers.street-readers.count=40` changes one value of a run. "
        "Shares lie between 0 and 1. *Free* marks a parameter that no source fixes; (M) is from memory, "
        "unverified; (S) is as reported by others.", "",
    ]  # fmt: skip
    lines += _keys("Top level", Scenario)
    lines += _EXTENDING
    for name, field in Scenario.model_fields.items():
        for part in _parts(field):
            many = get_origin(field.annotation) is tuple
            lines += _keys(f"[[{name}]]" if many else f"[{name}]", part, prefix=f"{name}.")
    lines += ["## [[readers]]", "", "One section a group of readers; `kind` says which keys it may have.", ""]
    for kind in _READER_KINDS:
        lines += _keys(f'kind = "{_kind(kind)}"', kind, level=3)
    lines += [
        "## [[archive.rules]]", "",
        "One section a rule; `kind` says which keys it may have. Each may carry a `citation` (`source`, "
        "`reason`) of the law or policy that it models, in place of its own: [archive.md](archive.md).", "",
    ]  # fmt: skip
    for rule in RULE_TYPES:
        lines += _keys(f'kind = "{_kind(rule)}"', rule, level=3)
    return "\n".join(lines).rstrip() + "\n"


def rules_table() -> str:
    """Return the list of an archive's rules with what each models."""
    rows = []
    for rule in RULE_TYPES:
        law = rule.model_fields["citation"].default
        about = " ".join((rule.__doc__ or "").split())
        rows.append((f"`{_kind(rule)}`", about, f"{law.source}. *{law.reason}*"))
    return "\n".join(markdown_table(("kind", "what it does", "models"), rows))


def studies_table() -> str:
    """Return the list of studies."""
    from experiments.findings import kept_names

    rows, found = [], kept_names()
    for study in map(study_named, study_names()):
        factors = ", ".join(f"{factor.name} ({len(factor.labels())})" for factor in study.factors)
        page = f"[page](findings/{study.id}.md)" if study.id in found else "–"
        rows.append(
            (f"`{study.id}`", study.question, f"`{study.scenario}`", factors, str(study.replicates), page)
        )
    head = ("study", "question", "scenario", "factors (levels)", "towns", "findings")
    return "\n".join(markdown_table(head, rows))


def measures_table() -> str:
    """Return the list of measures of a study."""
    rows = [(f"`{m.name}`", m.words, m.unit) for m in map(measure_named, measure_names())]
    return "\n".join(markdown_table(("measure", "is", "unit"), rows))


def retention_table() -> str:
    """Return the ladder of retention in force."""
    rows = [("for ever" if days is None else f"{days:.4g}", where) for days, where in RETENTION_LADDER]
    return "\n".join(markdown_table(("days", "where, as reported"), rows))


def _kind(part: type[BaseModel]) -> str:
    return str(get_args(part.model_fields["kind"].annotation)[0])


def attackers_table() -> str:
    """Return the list of attackers."""
    rows = [
        (f"`{a.name}`", a.title, _RUNGS[a.rung.name], a.citation)
        for a in (attacker_named(name) for name in attacker_order())
    ]
    return "\n".join(markdown_table(("name", "title", "knows", "after"), rows))


def _keys(title: str, part: type[BaseModel], *, prefix: str = "", level: int = 2) -> list[str]:
    about = " ".join((part.__doc__ or "").split())
    lines = [f"{'#' * level} {title}", "", *([about, ""] if about else [])]
    rows, below = [], []
    for name, field in part.model_fields.items():
        inner = list(_parts(field))
        if name == "citation" or (name == "kind" and field.default is not PydanticUndefined):
            continue  # said once for all rules, and in the heading
        if inner or name in ("readers", "rules"):
            below += [(name, p) for p in inner] if prefix else []
            continue
        rows.append(
            (
                f"`{name}`",
                _type_words(field.annotation),
                _default(field),
                _range(field),
                field.description or "",
            )
        )
    lines += [*markdown_table(("key", "type", "default", "range", "meaning"), rows), ""]
    for name, inner_part in below:
        lines += _keys(f"[{prefix}{name}]", inner_part, prefix=f"{prefix}{name}.", level=level + 1)
    return lines


def _parts(field: FieldInfo) -> Iterator[type[BaseModel]]:
    annotation = field.annotation
    several = isinstance(annotation, UnionType) or get_origin(annotation) is tuple
    for option in get_args(annotation) if several else (annotation,):
        if isinstance(option, type) and issubclass(option, BaseModel):
            yield option


def _type_words(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Annotated:
        return _type_words(get_args(annotation)[0])
    if origin is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    if origin in (Union, UnionType):
        return " or ".join(_type_words(a) for a in get_args(annotation) if a is not NoneType)
    if origin is tuple:
        return f"list of {_type_words(get_args(annotation)[0])}"
    names = {bool: "true or false", int: "integer", float: "number", str: "text", Path: "path"}
    return names.get(annotation, str(getattr(annotation, "__name__", annotation)))


def _default(field: FieldInfo) -> str:
    value = field.default
    if value is PydanticUndefined:
        return "must be given"
    if value is None or value in ((), ""):
        return "–"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ", ".join(f'"{v}"' for v in value)
    return (
        f'"{value}"' if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else f"{value:,}"
    )


def _range(field: FieldInfo) -> str:
    low = high = ""
    for rule in _rules(field):
        if isinstance(rule, Ge):
            low = f"≥ {rule.ge:,}"
        elif isinstance(rule, Gt):
            low = f"> {rule.gt:,}"
        elif isinstance(rule, Le):
            high = f"≤ {rule.le:,}"
        elif isinstance(rule, Lt):
            high = f"< {rule.lt:,}"
        elif isinstance(rule, MinLen):
            low = "not empty"
    return ", ".join(filter(None, (low, high)))


def _rules(field: FieldInfo) -> Iterator[Any]:
    yield from field.metadata
    # An optional number keeps its bounds inside the union.
    for option in get_args(field.annotation):
        if get_origin(option) is Annotated:
            for rule in get_args(option)[1:]:
                yield from rule.metadata if isinstance(rule, FieldInfo) else (rule,)


def _dtype_words(dtype: Any) -> str:
    if isinstance(dtype, pl.Enum):
        return "one of " + ", ".join(dtype.categories)
    return {"String": "text", "Categorical": "text"}.get(str(dtype), str(dtype).lower())


def markdown_table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table."""

    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return [line(head), "|" + " --- |" * len(head), *map(line, rows)]


def with_part(text: str, name: str, part: str) -> str:
    """Replace what stands between ``<!-- made: name -->`` and ``<!-- end -->``."""
    found = re.search(rf"(<!-- made: {name} -->\n).*?<!-- end -->", text, flags=re.DOTALL)
    if found is None:
        raise LookupError(f"The page has no part '<!-- made: {name} -->' … '<!-- end -->'.")
    return f"{text[: found.end(1)]}{part}\n<!-- end -->{text[found.end() :]}"


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with ``--check`` return 1 if one is out of step."""
    parser = argparse.ArgumentParser(prog="python -m experiments.docs_tables", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a page is out of step")
    check = parser.parse_args(arguments).check
    stale = []
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"Out of step with the code: {', '.join(stale)}. Run 'make docs'.", file=sys.stderr)
    elif stale:
        print(f"Written: {', '.join(stale)}")
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
