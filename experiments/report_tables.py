"""Result tables for the terminal, made from the table ``summary``."""

from __future__ import annotations

import math
from collections.abc import Sequence

import polars as pl
from rich import box
from rich.table import Table

from experiments.words import TARGET_WORDS, attacker_title, criterion_words

CRITERIA = ("within-250m", "within-500m")


def summary_tables(
    summary: pl.DataFrame,
    *,
    target: str,
    criteria: Sequence[str] = CRITERIA,
    days: Sequence[int] = (7, 30, 60, 90),
    together: bool = True,
) -> list[Table]:
    """Return tables of the share known, one row an attacker, the best one first.

    Parameters
    ----------
    summary
        The table of a run, or the combination of several replicates.
    target
        ``"home"``, ``"work"`` or ``"both"``.
    criteria
        What counts as known.
    days
        Days to show; those that the summary lacks are left out, its last day is always shown.
    together
        All criteria side by side in one table, or a table each, for narrow terminals.
    """
    chosen = summary.filter((pl.col("target") == target) & pl.col("criterion").is_in(list(criteria)))
    if not chosen.height:
        return []
    chosen = on_all_days(chosen)
    last = chosen.select(pl.max("day")).item()
    shown = sorted({d for d in days if d in chosen["day"].to_list()} | {last})
    order = (
        chosen.filter((pl.col("day") == last) & (pl.col("criterion") == criteria[0]))
        .sort(["share", "attacker"], descending=[True, False])["attacker"]
        .to_list()
    )
    groups = [tuple(criteria)] if together else [(c,) for c in criteria]
    return [_table(chosen, target, group, shown, order) for group in groups]


def on_all_days(summary: pl.DataFrame) -> pl.DataFrame:
    """Return a summary with a row on each of its days, for attackers who were done early, too.

    An attacker who has found everybody has no rows from then on: that share stays what it was.
    """
    keys = ["attacker", "target", "criterion"]
    to_the_end = summary.filter(pl.col("day").max().over(keys) == pl.col("day").max())
    days = to_the_end.select(pl.col("day").unique().sort())
    grid = summary.select(keys).unique(maintain_order=True).join(days, how="cross", maintain_order="left")
    # Days of the others are all here; of those done early the last row before each day is taken.
    return (
        grid.sort("day", maintain_order=True)
        .join_asof(summary.sort("day", maintain_order=True), on="day", by=keys, check_sortedness=False)
        .select(summary.columns)
    )


def calibration_table(figures: pl.DataFrame, scenario_id: str) -> Table:
    """Return simulated figures beside published ones; those that the scenario does not claim are dim.

    Parameters
    ----------
    figures
        ``id, what, unit, published, accepted_low, accepted_high, simulated, holds, applies``.
    scenario_id
        For the title.
    """
    claimed = figures.filter("applies")
    table = Table(
        title=f"{scenario_id}: {claimed['holds'].sum()} of {claimed.height} figures that apply hold",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for head in ("", "Figure", "Unit", "Published", "Accepted", "Simulated", "Holds"):
        table.add_column(head, justify="right" if head in ("Published", "Accepted", "Simulated") else "left")
    for row in figures.sort("applies", descending=True, maintain_order=True).iter_rows(named=True):
        known = row["simulated"] is not None and math.isfinite(row["simulated"])
        verdict = "yes" if row["holds"] else "NO"
        table.add_row(
            row["id"],
            row["what"],
            row["unit"],
            _figure(row["published"]),
            f"{_figure(row['accepted_low'])}–{_figure(row['accepted_high'])}",
            _figure(row["simulated"]) if known else "–",
            verdict if known else "–",
            style="" if row["applies"] else "dim",
        )
    return table


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _table(
    chosen: pl.DataFrame, target: str, criteria: Sequence[str], days: Sequence[int], order: Sequence[str]
) -> Table:
    drivers = chosen.select(pl.max("drivers")).item()
    words = " and ".join(criterion_words(c) for c in criteria)
    who = "residents" if target == "home" else "residents who work on the map"
    table = Table(
        title=f"{TARGET_WORDS[target].capitalize()} known {words}: % of {drivers:,} {who} (95% interval)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("Attacker", no_wrap=False, min_width=18)
    for criterion in criteria:
        distance = criterion_words(criterion).removeprefix("within ")
        for day in days:
            head = f"{distance}\nday {day}" if len(criteria) > 1 else f"day {day}"
            table.add_column(head, justify="right", no_wrap=True)
    for criterion in criteria:
        distance = criterion_words(criterion).removeprefix("within ")
        table.add_column(f"{distance}\nmedian days" if len(criteria) > 1 else "median days", justify="right")
    cells = {(r["attacker"], r["criterion"], r["day"]): r for r in chosen.iter_rows(named=True)}
    for place, attacker in enumerate(order):
        row = [attacker_title(attacker)]
        row += [share_words(cells.get((attacker, c, day))) for c in criteria for day in days]
        row += [_median(cells.get((attacker, c, days[-1]))) for c in criteria]
        table.add_row(*row, style="bold" if place == 0 else "")
    return table


def share_words(row: dict[str, float | None] | None) -> str:
    """Return a share in percent with its interval, a dash for none."""
    if row is None or row["share"] is None:
        return "–"
    low, high = row["share_low"], row["share_high"]
    band = "" if low is None or high is None else f" ({100 * low:.0f}–{100 * high:.0f})"
    return f"{100 * row['share']:.0f}{band}"


def _median(row: dict[str, float | None] | None) -> str:
    if row is None or row["median_days"] is None:
        return "–" if row is None else f"> {row['day']:.0f}"
    low, high = row["median_days_low"], row["median_days_high"]
    if low is None:
        return f"{row['median_days']:.0f}"
    band = f" (from {low:.0f})" if high is None else f" ({low:.0f}–{high:.0f})"
    return f"{row['median_days']:.0f}{band}"
