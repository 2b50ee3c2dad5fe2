"""The table that holds one attacker beside the best other one, by level, target and distance."""

from __future__ import annotations

import polars as pl

from experiments.docs_tables import markdown_table
from experiments.finding_pages import Strength
from experiments.words import TARGET_WORDS, attacker_title, criterion_words

_TARGETS = ("home", "work")


def best_rivals(strength: Strength, results: pl.DataFrame, ratios: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of ``ratios`` that are about the best other attacker.

    The best is the one with the highest share in these very towns, so that a ratio to it is, if anything,
    too low: a rival that is best by luck counts as the best.

    Parameters
    ----------
    strength
        Which table.
    results, ratios
        Tables of a finished study.
    """
    at = [strength.factor, "target", "criterion", "day"]
    ours = (
        pl.col("measure") == strength.measure,
        pl.col("criterion").is_in(strength.criteria),
        pl.col("day").is_in(strength.days),
        pl.col("target").is_in(_TARGETS),
        pl.col("attacker") != strength.attacker,
    )
    best = (
        results.filter(*ours)
        .sort("estimate", descending=True, maintain_order=True)
        .unique(at, keep="first", maintain_order=True)
    )
    return ratios.filter(*ours).join(best, on=[*at, "attacker"], how="semi", maintain_order="left")


def strength_table(strength: Strength, results: pl.DataFrame, ratios: pl.DataFrame) -> str:
    """Return the table in Markdown: shares on the last day in per cent, ratios on all days.

    Parameters
    ----------
    strength
        Which table.
    results
        A study's results.
    ratios
        Those of :func:`best_rivals`.
    """
    days, attacker = strength.days, attacker_title(strength.attacker)
    alone = attacker_title(strength.alone)
    head = (
        strength.head,
        "",
        *(f"{who}, day {days[-1]}, %" for who in (attacker, "best simple attacker")),
        "which is",
        f"{alone}, %",
        *(f"{attacker} over the best simple one, day {day}" for day in days),
    )
    shares = {
        tuple(row[k] for k in (strength.factor, "target", "criterion", "day", "attacker")): row
        for row in results.filter(pl.col("measure") == strength.measure).iter_rows(named=True)
    }
    rivals = {
        tuple(row[k] for k in (strength.factor, "target", "criterion", "day")): row
        for row in ratios.iter_rows(named=True)
    }
    lines = []
    for level in results[strength.factor].unique(maintain_order=True):
        for target in _TARGETS:
            for criterion in strength.criteria:
                at = (level, target, criterion)
                rival = rivals[*at, days[-1]]["attacker"]
                lines.append(
                    (
                        str(level),
                        f"{TARGET_WORDS[target]} {criterion_words(criterion)}",
                        _share(shares[*at, days[-1], strength.attacker]),
                        _share(shares[*at, days[-1], rival]),
                        attacker_title(rival),
                        _share(shares[*at, days[-1], strength.alone]),
                        *(_ratio(rivals[*at, day]) for day in days),
                    )
                )
    return "\n".join(markdown_table(head, lines))


def _share(row: dict[str, float]) -> str:
    value, low, high = (f"{100 * row[k]:.1f}" for k in ("estimate", "low", "high"))
    return f"{value} ({low}–{high})"


def _ratio(row: dict[str, float | None]) -> str:
    if row["ratio"] is None:
        return "–"
    value, low, high = (f"{row[k]:.1f}" for k in ("ratio", "low", "high"))
    return f"{value} ({low}–{high})"
