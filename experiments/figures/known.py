"""Share of homes, or of work places, that each attacker has known, against days of collecting."""

from __future__ import annotations

import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from experiments.figures.layout import fit_words, legend_beside
from experiments.figures.style import attacker_looks, axes_or_new
from experiments.words import TARGET_WORDS, criterion_words
from simulator.privacy.time_to_inference import of_kind, share_known_curve

_SCHEMA = {
    "attacker": pl.String,
    "target": pl.String,
    "criterion": pl.String,
    "kind": pl.String,
    "day": pl.Int32,
    "drivers": pl.Int32,
    "share": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
}


def known_curve(
    outcomes: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    target: str = "home",
    criterion: str = "within-250m",
    kind: str | None = "resident",
) -> pl.DataFrame:
    """Return the Kaplan-Meier share of drivers whose home or work place is known, by attacker and day.

    Parameters
    ----------
    outcomes, drivers
        Tables of a run.
    target
        ``"home"``, ``"work"`` or ``"both"``.
    criterion
        What counts as known.
    kind
        Kind of driver, all if ``None``.

    Returns
    -------
    polars.DataFrame
        ``attacker, target, criterion, kind, day, drivers, share, low, high`` (95% interval), with a row for
        every day on which some attacker came to know something, from day 0; ``kind`` is "driver" for all.
    """
    curve = share_known_curve(of_kind(outcomes, drivers, kind), criterion=criterion, target=target)
    days = curve.select("days").unique()
    every = curve.select("attacker").unique(maintain_order=True).join(days, how="cross")
    return (
        every.join(curve, on=["attacker", "days"], how="left", maintain_order="left")
        .sort("attacker", "days")
        .with_columns(pl.col("share", "share_low", "share_high", "drivers").forward_fill().over("attacker"))
        .select(
            "attacker",
            pl.lit(target).alias("target"),
            pl.lit(criterion).alias("criterion"),
            pl.lit(kind or "driver").alias("kind"),
            pl.col("days").alias("day"),
            "drivers",
            "share",
            pl.col("share_low").alias("low"),
            pl.col("share_high").alias("high"),
        )
        .cast(_SCHEMA)  # type: ignore[arg-type]
    )


def plot_known_curve(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`known_curve`: one line with its band an attacker, the best one first in the legend."""
    ax = axes_or_new(ax)
    if not data.height:
        ax.set_title("Nobody to be found")
        return ax
    target, criterion, kind, drivers = data.select("target", "criterion", "kind", "drivers").row(0)
    last = data.sort("day").group_by("attacker", maintain_order=True).last().sort("share", descending=True)
    looks = attacker_looks(last["attacker"])
    for name, end in last.select("attacker", "share").iter_rows():
        line, look = data.filter(pl.col("attacker") == name).sort("day"), looks[name]
        ax.fill_between(line["day"], line["low"], line["high"], color=look.color, alpha=0.1, linewidth=0)
        ax.plot(
            line["day"],
            line["share"],
            color=look.color,
            linestyle=look.dash,
            marker=look.marker,
            label=f"{end:.0%}  {look.label}",
        )
    end_day = data.select(pl.max("day")).item()
    ax.set_title(f"Share of {TARGET_WORDS.get(target, target)} known {criterion_words(criterion)}")
    ax.set_xlabel("Days of collecting")
    who = f"{kind}s" if target == "home" else f"{kind}s working on the map"
    ax.set_ylabel(f"Share of {drivers:,} {who}\n(band: 95% interval)")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_ylim(0, min(1.0, max(0.1, 1.08 * data.select(pl.max("high")).item())))
    ax.set_xlim(0, end_day * 1.02)
    legend_beside(fit_words(ax), title=f"Known by day {end_day}")
    return ax
