"""Whether certainty is true: claimed against held, rank of the truth, and the land left to search."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter
from scipy.stats import binom

from experiments.figures.layout import (
    figure_of,
    fit_words,
    height_em,
    is_narrow,
    legend_below,
    legend_beside,
    pt,
)
from experiments.figures.style import PALETTE, axes_or_new
from experiments.words import TARGET_WORD, TARGET_WORDS

_LINES = ("-", "--", "-.", ":")
# Height of axes, in letters, from which the legend leaves the lines free.
_LEGEND_WITHIN_EM = 17.0


def claimed_against_held(
    beliefs: pl.DataFrame, *, target: str = "home", days: tuple[int, ...] = (), attacker: str = "bayes"
) -> pl.DataFrame:
    """Return, for each claimed level, the share of drivers whose place lay in that credible set.

    Parameters
    ----------
    beliefs
        A run's table.
    target, attacker
        What is looked for, by whom.
    days
        Checkpoint days; by default up to four spread over the run.

    Returns
    -------
    polars.DataFrame
        ``target, day, drivers, claimed, held, low, high``; ``low`` and ``high`` bound 95% of the shares
        that true claims would give (binomial).
    """
    told = beliefs.filter(
        (pl.col("attacker").cast(pl.String) == attacker)
        & (pl.col("target").cast(pl.String) == target)
        & pl.col("truth_level").is_not_null()
    )
    every = sorted(told["day"].unique())
    if not days and every:
        days = tuple(sorted({every[round(i * (len(every) - 1) / 3)] for i in range(4)}))
    claimed = np.round(np.arange(0.05, 1.0, 0.05), 2)
    parts = []
    for day in days:
        level = told.filter(pl.col("day") == day)["truth_level"].to_numpy()
        n = len(level)
        parts.append(
            pl.DataFrame(
                {
                    "target": [target] * len(claimed),
                    "day": np.full(len(claimed), day, dtype=np.int32),
                    "drivers": np.full(len(claimed), n),
                    "claimed": claimed,
                    "held": [float((level <= c).mean()) if n else float("nan") for c in claimed],
                    "low": binom.ppf(0.025, max(n, 1), claimed) / max(n, 1),
                    "high": binom.ppf(0.975, max(n, 1), claimed) / max(n, 1),
                }
            )
        )
    schema = pl.Schema(
        {
            "target": pl.String,
            "day": pl.Int32,
            "drivers": pl.Int64,
            "claimed": pl.Float64,
            "held": pl.Float64,
            "low": pl.Float64,
            "high": pl.Float64,
        }
    )
    return pl.concat([p.cast(schema) for p in parts]) if parts else pl.DataFrame(schema=schema)


def plot_claimed_against_held(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`claimed_against_held`: the diagonal is honesty, below it the adversary claims too much."""
    ax = axes_or_new(ax)
    target = data["target"][0] if data.height else "home"
    ax.plot([0, 1], [0, 1], color="#8C8C8C", linewidth=pt(1.0), zorder=1)
    for i, day in enumerate(data["day"].unique().sort()):
        line = data.filter(pl.col("day") == day)
        if i == 0:
            ax.fill_between(
                line["claimed"], line["low"], line["high"], color="#8C8C8C", alpha=0.2, linewidth=0,
                label="95% of runs, if honest",
            )  # fmt: skip
        ax.plot(
            line["claimed"],
            line["held"],
            color=PALETTE[i % len(PALETTE)],
            linestyle=_LINES[i % len(_LINES)],
            label=f"{day} day{'s' if day != 1 else ''}",
        )
    ax.set_title(f"Certainty about {TARGET_WORDS[target]}")
    ax.set_xlabel("Probability claimed for a set of streets")
    ax.set_ylabel(f"Drivers whose {TARGET_WORD[target]} lies in it")
    narrow = is_narrow(figure_of(ax))
    ax.set(xlim=(0, 1), ylim=(0, 1), aspect="auto" if narrow else "equal")
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if data.height:
        fit_words(ax)
        title = "Below the line: claims too much"
        if narrow:
            legend_below(ax, title=title, alignment="left")
        elif height_em(ax) < _LEGEND_WITHIN_EM:
            legend_beside(ax, title=title)
        else:
            ax.legend(loc="upper left", title=title, alignment="left")
    return ax


def level_histogram(
    beliefs: pl.DataFrame,
    *,
    target: str = "home",
    day: int | None = None,
    attacker: str = "bayes",
    bins: int = 20,
) -> pl.DataFrame:
    """Return the histogram of the truth's level (a rank scaled to 1), flat when beliefs are true.

    Returns
    -------
    polars.DataFrame
        ``target, day, level`` (middle of the bin), ``drivers, expected, low, high`` (95% if honest).
    """
    told = beliefs.filter(
        (pl.col("attacker").cast(pl.String) == attacker)
        & (pl.col("target").cast(pl.String) == target)
        & pl.col("truth_level").is_not_null()
    )
    day = day if day is not None else (told.select(pl.max("day")).item() if told.height else 0)
    level = told.filter(pl.col("day") == day)["truth_level"].to_numpy()
    count, edges = np.histogram(level, bins=bins, range=(0.0, 1.0))
    n = len(level)
    return pl.DataFrame(
        {
            "target": [target] * bins,
            "day": np.full(bins, day, dtype=np.int32),
            "level": (edges[1:] + edges[:-1]) / 2,
            "drivers": count,
            "expected": np.full(bins, n / bins),
            "low": binom.ppf(0.025, n, 1 / bins),
            "high": binom.ppf(0.975, n, 1 / bins),
        }
    )


def plot_level_histogram(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`level_histogram` with the band of honest histograms."""
    ax = axes_or_new(ax)
    width = 1.0 / max(data.height, 1)
    ax.bar(data["level"], data["drivers"], width=0.92 * width, color=PALETTE[0])
    if data.height:
        ax.axhspan(data["low"][0], data["high"][0], color="#8C8C8C", alpha=0.25, linewidth=0)
        ax.axhline(data["expected"][0], color="#8C8C8C", linewidth=pt(1.0))
        word = TARGET_WORD[data["target"][0]]
        ax.set_title(f"Where the true {word} ranks in the belief after {data['day'][0]} days")
    ax.set_xlabel("Level of the smallest credible set that holds the truth")
    ax.set_ylabel("Drivers")
    ax.set_xlim(0, 1)
    return fit_words(ax)


def credible_area_over_time(
    beliefs: pl.DataFrame, *, target: str = "home", attacker: str = "bayes"
) -> pl.DataFrame:
    """Return quartiles over drivers of the land in the 95% credible set.

    Returns
    -------
    polars.DataFrame
        ``target, day, drivers, q25_km2, median_km2, q75_km2``.
    """
    area = pl.col("credible_area_m2").cast(pl.Float64) / 1e6
    return (
        beliefs.filter(
            (pl.col("attacker").cast(pl.String) == attacker)
            & (pl.col("target").cast(pl.String) == target)
            & pl.col("credible_area_m2").is_not_null()
        )
        .group_by("day")
        .agg(
            pl.len().cast(pl.Int64).alias("drivers"),
            area.quantile(0.25).alias("q25_km2"),
            area.median().alias("median_km2"),
            area.quantile(0.75).alias("q75_km2"),
        )
        .sort("day")
        .with_columns(pl.lit(target).alias("target"))
        .select("target", "day", "drivers", "q25_km2", "median_km2", "q75_km2")
    )


def plot_credible_area(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`credible_area_over_time`: median and quartiles."""
    ax = axes_or_new(ax)
    floor = 1e-4
    low, mid, high = (np.maximum(data[c].to_numpy(), floor) for c in ("q25_km2", "median_km2", "q75_km2"))
    ax.fill_between(
        data["day"], low, high, color=PALETTE[0], alpha=0.18, linewidth=0, label="half of all drivers"
    )
    ax.plot(data["day"], mid, color=PALETTE[0], marker="o", label="median")
    word = TARGET_WORD[data["target"][0]] if data.height else TARGET_WORD["home"]
    ax.set_title(f"Land still to search for a {word}")
    ax.set_xlabel("Days of collecting")
    ax.set_ylabel("Land along the streets of the\n95% credible set (km²)")
    ax.set_yscale("log")
    for axis in (ax.yaxis.set_major_formatter, ax.yaxis.set_minor_formatter):
        axis(FuncFormatter(lambda km2, _: f"{km2:g}"))
    if data.height:
        ax.legend(loc="upper right")
    return fit_words(ax)
