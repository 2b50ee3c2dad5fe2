"""How often a driver is read, beside the published rate of one driver in Norfolk."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from experiments.figures.layout import figure_of, fit_words, is_narrow, legend_below, pt
from experiments.figures.style import PALETTE, axes_or_new

# V4: one driver read 526 times in 134 days by 176 fixed readers (Norfolk, Virginia, 2025, as reported).
PUBLISHED_READS_A_DAY = 3.9


def sightings_per_day(
    beliefs: pl.DataFrame, drivers: pl.DataFrame, *, retention_days: float | None = None
) -> pl.DataFrame:
    """Return each driver's mean number of visible sightings a day.

    Parameters
    ----------
    beliefs, drivers
        Tables of a run; an attacker's ``sightings_seen`` is the same for all attackers of a view.
    retention_days
        If sightings are deleted after a while, the last checkpoint before that is used.

    Returns
    -------
    polars.DataFrame
        ``driver_id, kind, day, sightings, per_day``.
    """
    days = beliefs["day"].unique().sort()
    whole = days if retention_days is None else days.filter(days <= retention_days)
    day = (whole if whole.len() else days).max()
    return (
        beliefs.filter(pl.col("day") == day)
        .group_by("driver_id")
        .agg(pl.col("day").first(), sightings=pl.col("sightings_seen").max())
        .join(drivers.select("driver_id", pl.col("kind").cast(pl.String)), on="driver_id")
        .select(
            "driver_id", "kind", "day", "sightings", (pl.col("sightings") / pl.col("day")).alias("per_day")
        )
        .sort("driver_id")
    )


def plot_sightings_per_day(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`sightings_per_day` as a histogram with its middle 80% and the published rate."""
    ax = axes_or_new(ax)
    narrow = is_narrow(figure_of(ax))
    rate = data["per_day"].to_numpy()
    rate = rate if len(rate) else np.zeros(1)
    low, median, high = np.quantile(rate, [0.1, 0.5, 0.9])
    top = max(float(np.quantile(rate, 0.995)), PUBLISHED_READS_A_DAY * 1.25)
    bins = np.linspace(0, top, 41)
    share = np.full(len(rate), 1 / len(rate))
    ax.axvspan(
        low, high, color=PALETTE[5], alpha=0.2, linewidth=0, label=f"Middle 80%: {low:.1f} to {high:.1f}"
    )
    ax.hist(np.minimum(rate, top), bins=bins.tolist(), weights=share, color=PALETTE[0], edgecolor="white")
    ax.axvline(median, color=PALETTE[6], linewidth=pt(3), label=f"Median driver: {median:.1f}")
    ax.axvline(
        PUBLISHED_READS_A_DAY,
        color=PALETTE[1],
        linestyle=(0, (4, 1.5)),
        linewidth=pt(3),
        label=f"One driver in Norfolk, VA: {PUBLISHED_READS_A_DAY}",
    )
    ax.set_title("How often a driver is read", pad=None if narrow else pt(44))
    ax.set_xlabel("Sightings a driver and day (the last bar holds all above)")
    ax.set_ylabel(f"Share of {data.height:,} drivers")
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlim(0, top)
    fit_words(ax)
    if narrow:
        legend_below(ax)
    else:
        ax.legend(loc="lower left", bbox_to_anchor=(-0.01, 1.0), ncols=3, columnspacing=1.4)
    return ax
