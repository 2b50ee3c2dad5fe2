"""What a study found: the rows of its headline, a table for the terminal, and one plain sentence."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
from rich import box
from rich.table import Table

from experiments.sweep.design import levels_of
from experiments.sweep.measures import KEYS, Measure, measure_named
from experiments.sweep.results import StudyResults
from experiments.sweep.spec import Factor, Headline, Study
from experiments.words import TARGET_WORDS, attacker_title, criterion_words


def headline_rows(
    study: Study, results: pl.DataFrame, headline: Headline | None = None, *, all_attackers: bool = False
) -> pl.DataFrame:
    """Return the rows of ``results`` that the study is about, in the order of its levels.

    Parameters
    ----------
    study, results
        The study and its table.
    headline
        The study's own if left out.
    all_attackers
        Those of all attackers; otherwise of the headline's, or of the one that does best at the baseline.

    Returns
    -------
    polars.DataFrame
        Columns of ``results``; empty if the headline's measure was not taken.
    """
    wanted = headline or study.headline
    rows = results.filter((pl.col("measure") == wanted.measure) & (pl.col("target") == wanted.target))
    if wanted.criterion is not None or study.criteria[0] in rows["criterion"]:
        rows = rows.filter(pl.col("criterion") == (wanted.criterion or study.criteria[0]))
    elif rows.height:
        rows = rows.filter(pl.col("criterion") == rows["criterion"][0])
    if wanted.day is not None:
        rows = rows.filter(pl.col("day") == wanted.day)
    elif rows["day"].null_count() < rows.height:
        rows = rows.filter(pl.col("day") == pl.col("day").max())
    if not all_attackers:
        best = wanted.attacker or _best_attacker(study, rows, measure_named(wanted.measure))
        rows = rows.filter(pl.col("attacker") == best)
    return rows


def result_table(study: Study, results: StudyResults) -> Table:
    """Return the headline by level as a table, with the paired difference from the baseline."""
    rows = headline_rows(study, results.results)
    measure = measure_named(study.headline.measure)
    table = Table(
        title=headline_title(study, rows),
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    names = [factor.name for factor in study.factors]
    for factor in study.factors:
        table.add_column(factor.words)
    table.add_column("Estimate (95% interval)", justify="right")
    table.add_column("Difference, same drivers", justify="right")
    table.add_column("Drivers changed", justify="right")
    at = [*names, *KEYS]
    changes = {tuple(r[k] for k in at): r for r in results.contrasts.iter_rows(named=True)}
    for row in rows.iter_rows(named=True):
        change = changes.get(tuple(row[k] for k in at))
        table.add_row(
            *(row[name] for name in names),
            interval(row, "estimate", measure.unit),
            "–" if change is None else interval(change, "difference", measure.unit, sign=True),
            "–" if change is None else f"{change['up']:,} up, {change['down']:,} down",
        )
    return table


def finding(study: Study, results: StudyResults) -> str:
    """Return what the study found in one sentence, made of the numbers and of nothing else."""
    rows = headline_rows(study, results.results)
    known = rows.filter(pl.col("estimate").is_not_null())
    measure = measure_named(study.headline.measure)
    if not known.height:
        return f"{measure.words.capitalize()}: not reached under any of these rules."
    factor = study.factors[0]
    what = headline_title(study, rows)
    if len(study.factors) > 1 or not factor.ordered:
        low, high = (known.sort("estimate", maintain_order=True).row(i, named=True) for i in (0, -1))
        kind = " (lowest)", " (highest)"
    else:
        low, high = known.row(0, named=True), known.row(-1, named=True)
        kind = "", ""
    said = [
        f"{interval(row, 'estimate', measure.unit)} {_levels(study, row)}{word}"
        for row, word in zip((low, high), kind, strict=True)
    ]
    sentence = f"{what}: {said[0]}, {said[1]}"
    if len(study.factors) == 1 and factor.ordered and known.height > 2:
        sentence += f"; {_largest_step(factor, known, measure.unit)}"
    return sentence + "."


def interval(row: dict[str, float | None], name: str, unit: str, *, sign: bool = False) -> str:
    """Return a number with its interval: percent for shares, "not reached" where there is none."""
    values = [row[name], row["low"], row["high"]]
    if values[0] is None:
        return "not reached"
    factor, suffix = (100.0, "%") if unit == "share" else (1.0, f" {unit}")
    form = "{:+.1f}" if sign else "{:.1f}" if unit == "share" else "{:,.0f}"
    number = form.format(factor * values[0])
    ends = ["…" if v is None else form.format(factor * v) for v in values[1:]]
    return f"{number}{suffix} ({ends[0]} to {ends[1]})"


def _levels(study: Study, row: dict[str, str]) -> str:
    return ", ".join(_level(study, factor, row[factor.name]) for factor in study.factors)


def _level(study: Study, factor: Factor, label: str) -> str:
    if not factor.is_hypercube:
        return factor.phrase.replace("{}", label)
    point = levels_of(factor, study.seed)[int(label) - 1]
    return "at " + ", ".join(f"{path} = {value:.4g}" for path, value in point.set.items())


def _largest_step(factor: Factor, rows: pl.DataFrame, unit: str) -> str:
    values, labels = rows["estimate"].to_list(), rows[factor.name].to_list()
    steps = [abs(b - a) for a, b in pairwise(values)]
    i = max(range(len(steps)), key=steps.__getitem__)
    size = f"{100 * steps[i]:.1f} points" if unit == "share" else f"{steps[i]:,.0f} {unit}"
    return f"the largest step, {size}, lies between {labels[i]} and {labels[i + 1]}"


def headline_title(study: Study, rows: pl.DataFrame) -> str:
    """Return in words what the rows of a headline are about."""
    wanted, measure = study.headline, measure_named(study.headline.measure)
    if not rows.height:
        return measure.words
    row = rows.row(0, named=True)
    place = TARGET_WORDS[wanted.target]
    how = criterion_words(row["criterion"])
    when = f" by day {row['day']}" if row["day"] is not None else ""
    n = int(rows["n_drivers"].max())  # type: ignore[arg-type]
    verb = {
        "known-by-day": f"{place.capitalize()} found {how}{when}",
        "right-at-day": f"{place.capitalize()} guessed right {how} from what is left on day {row['day']}",
    }.get(wanted.measure, f"{place.capitalize()}, {how}: {measure.words}{when}")
    if row["criterion"].startswith("known-and-right"):
        verb = f"{place.capitalize()} of which the adversary was sure, and right,{when}"
    towns = "one town" if row["n_replicates"] == 1 else f"{row['n_replicates']} towns"
    return f"{verb} ({attacker_title(row['attacker'])}; {n:,} drivers in {towns})"


def _best_attacker(study: Study, rows: pl.DataFrame, measure: Measure) -> str:
    at_base = rows
    for factor in study.factors:
        if factor.baseline_label is not None:
            at_base = at_base.filter(pl.col(factor.name) == factor.baseline_label)
    ranked = at_base.filter(pl.col("estimate").is_not_null()).sort("estimate", "attacker")
    if not ranked.height:
        return str(rows["attacker"][0]) if rows.height else ""
    # More is better for the adversary in shares, less in days and metres.
    last = measure.unit in ("share", "reads")
    return str(ranked["attacker"][-1 if last else 0])
