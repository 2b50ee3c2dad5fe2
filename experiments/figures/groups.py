"""Days until a home or work place is known, by kind of driver and schedule, censoring shown as what it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.figures.layout import figure_of, fit_words, has_room, is_narrow, pt
from experiments.figures.statistics import quantile_with_unknown
from experiments.figures.style import PALETTE, attacker_looks, axes_or_new
from experiments.words import SCHEDULE_WORDS, TARGET_WORD, criterion_words
from simulator.privacy.time_to_inference import of_kind

_LADDER = ("within-250m", "within-500m", "within-1000m")


def best_attacker(outcomes: pl.DataFrame, *, target: str, criterion: str) -> str | None:
    """Return the attacker that reached the criterion for most drivers, ``None`` if there is no row."""
    ranked = (
        _chosen(outcomes, target, criterion)
        .group_by("attacker")
        .agg(pl.col("observed").mean())
        .sort(["observed", "attacker"], descending=[True, False])
    )
    return str(ranked["attacker"][0]) if ranked.height else None


def telling_criterion(outcomes: pl.DataFrame, *, target: str, least_share: float = 0.3) -> str:
    """Return the strictest distance that the best attacker reached for a good share of drivers.

    Where hardly anybody is found within 250 m, days until then tell no groups apart; a wider distance does.
    """
    for criterion in _LADDER:
        shares = _chosen(outcomes, target, criterion).group_by("attacker").agg(pl.col("observed").mean())
        if shares.height and shares.select(pl.max("observed")).item() >= least_share:
            return criterion
    return _LADDER[-1]


def days_by_group(
    outcomes: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    criterion: str = "within-250m",
    attacker: str | None = None,
    target: str = "home",
    kind: str | None = None,
    smallest_group: int = 10,
) -> pl.DataFrame:
    """Return quantiles of the days to inference by group of drivers.

    All drivers are watched for the same span, so a censored driver lies above every observed one and
    quantiles need no Kaplan-Meier estimate; one that falls among the censored is NaN ("not within the span").

    Parameters
    ----------
    outcomes, drivers
        Tables of a run.
    criterion
        A criterion of ``outcomes``.
    attacker
        Whose results; the one that knows most drivers at the end if ``None``.
    target
        ``"home"`` or ``"work"``.
    kind
        Kind of driver, all if ``None``.
    smallest_group
        Groups with fewer drivers are left out.

    Returns
    -------
    polars.DataFrame
        ``group, attacker, target, criterion, drivers, known, share_known, q10, q25, median, q75, q90,
        span_days``, sorted by share known.
    """
    outcomes = of_kind(outcomes, drivers, kind)
    attacker = attacker or best_attacker(outcomes, target=target, criterion=criterion)
    schedule = pl.col("schedule").cast(pl.String)
    kind_of = pl.col("kind").cast(pl.String)
    named = drivers.select(
        "driver_id",
        group=pl.when(kind_of == "resident")
        .then(schedule.replace(SCHEDULE_WORDS))
        .when(kind_of == "in-commuter")
        .then(pl.lit("lives outside, works here"))
        .otherwise(pl.lit("visitor")),
    )
    rows = []
    chosen = _chosen(outcomes, target, criterion).filter(pl.col("attacker") == pl.lit(attacker, pl.String))
    span = outcomes.select(pl.max("days")).item() or 0
    for (group,), part in chosen.join(named, on="driver_id").group_by("group"):
        if part.height < smallest_group:
            continue
        known = part.filter("observed")["days"].to_numpy()
        unknown = part.height - len(known)
        quantiles = [quantile_with_unknown(known, q, unknown=unknown) for q in (0.1, 0.25, 0.5, 0.75, 0.9)]
        share = len(known) / part.height
        rows.append((group, attacker, target, criterion, part.height, len(known), share, *quantiles, span))
    schema = {
        "group": pl.String,
        "attacker": pl.String,
        "target": pl.String,
        "criterion": pl.String,
        "drivers": pl.Int64,
        "known": pl.Int64,
        "share_known": pl.Float64,
        "q10": pl.Float64,
        "q25": pl.Float64,
        "median": pl.Float64,
        "q75": pl.Float64,
        "q90": pl.Float64,
        "span_days": pl.Int64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort(
        ["share_known", "group"], descending=[True, False]
    )


def plot_days_by_group(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`days_by_group`: one row a group, an arrow where quantiles lie beyond the simulated span."""
    ax = axes_or_new(ax)
    if not data.height:
        ax.set_title("No group of drivers is large enough to show")
        return ax
    rows = data.sort(["share_known", "group"]).to_dicts()
    span = float(max(row["span_days"] for row in rows))
    for y, row in enumerate(rows):
        _draw_group(ax, row, y, span)
    narrow = is_narrow(figure_of(ax))
    shares = [f"{1 - row['share_known']:.0%} not known, n = {row['drivers']:,}" for row in rows]
    names = [row["group"] for row in rows]
    ax.set_yticks(
        range(len(rows)), list(map("\n".join, zip(names, shares, strict=True))) if narrow else names
    )
    for y, share in enumerate(() if narrow else shares):
        ax.text(span * 1.07, y, share, va="center", fontsize=pt(12.5), clip_on=False)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlim(0, span * 1.05)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("Days of collecting")
    first = rows[0]
    title = (
        f"Days until a driver's {TARGET_WORD[first['target']]} is known {criterion_words(first['criterion'])}"
    )
    attacker = attacker_looks([first["attacker"]])[first["attacker"]].label.replace("\n", " ")
    key = f"Attacker: {attacker}. Dot: median, bar: quartiles, line: middle 80%, arrow: beyond the run"
    if narrow or not has_room(ax, key, pt(12.5)):
        # The key goes where there is room to break it over lines.
        ax.set_xlabel(f"Days of collecting\n{key}")
        ax.set_title(title)
    else:
        ax.set_title(title, pad=pt(34))
        ax.text(0, 1.025, key, transform=ax.transAxes, fontsize=pt(12.5), color="#444444")
    return fit_words(ax)


def _draw_group(ax: Axes, row: dict[str, Any], y: int, span: float) -> None:
    q10, q25, q75, q90 = (row[q] if np.isfinite(row[q]) else span for q in ("q10", "q25", "q75", "q90"))
    blue = PALETTE[0]
    ax.plot([q10, q90], [y, y], color=blue, linewidth=pt(3), solid_capstyle="butt")
    ax.plot([q25, q75], [y, y], color=blue, alpha=0.45, linewidth=pt(15), solid_capstyle="butt")
    if np.isfinite(row["median"]):
        ax.plot(row["median"], y, marker="o", markersize=pt(11), color=PALETTE[1], zorder=4)
    if not np.isfinite(row["q90"]):
        arrow = {"arrowstyle": "-|>", "color": blue, "linewidth": pt(3), "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (span * 1.045, y), (span * 0.985, y), arrowprops=arrow, annotation_clip=False)


def _chosen(outcomes: pl.DataFrame, target: str, criterion: str) -> pl.DataFrame:
    return outcomes.with_columns(
        pl.col("attacker").cast(pl.String),
        pl.col("target").cast(pl.String),
        pl.col("criterion").cast(pl.String),
    ).filter((pl.col("target") == target) & (pl.col("criterion") == criterion))
