"""How far off the guesses are, against days of collecting."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from experiments.figures.layout import fit_words, legend_beside
from experiments.figures.statistics import quantile_with_unknown
from experiments.figures.style import attacker_looks, axes_or_new
from experiments.words import TARGET_WORD, TARGET_WORDS

_LADDER_M = (10, 30, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 100_000)


def error_over_time(beliefs: pl.DataFrame, *, target: str = "home") -> pl.DataFrame:
    """Return the quartiles of the error distance over *all* drivers, by attacker and day.

    A driver of whom the attacker says nothing counts as infinitely far off, so that an attacker gains
    nothing by speaking of easy cases only; a quartile that falls among those is NaN.

    Returns
    -------
    polars.DataFrame
        ``attacker, target, day, drivers, guessed, q25_m, median_m, q75_m`` (metres).
    """
    rows = []
    chosen = beliefs.filter(pl.col("target").cast(pl.String) == target).with_columns(
        pl.col("attacker").cast(pl.String), pl.col("error_m").fill_nan(None)
    )
    for (attacker, day), group in chosen.group_by("attacker", "day"):
        errors = group["error_m"].drop_nulls().to_numpy()
        unknown = group.height - len(errors)
        q25, q50, q75 = (quantile_with_unknown(errors, q, unknown=unknown) for q in (0.25, 0.5, 0.75))
        rows.append((attacker, target, day, group.height, len(errors), q25, q50, q75))
    schema = {
        "attacker": pl.String,
        "target": pl.String,
        "day": pl.Int32,
        "drivers": pl.Int64,
        "guessed": pl.Int64,
        "q25_m": pl.Float64,
        "median_m": pl.Float64,
        "q75_m": pl.Float64,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("attacker", "day")


def plot_error_over_time(data: pl.DataFrame, *, ax: Axes | None = None, bands: int = 2) -> Axes:
    """Draw :func:`error_over_time`: medians of all attackers, quartile bands of the ``bands`` best."""
    ax = axes_or_new(ax)
    target = data["target"][0] if data.height else "home"
    last = (
        data.sort("day")
        .group_by("attacker", maintain_order=True)
        .last()
        .sort(pl.col("median_m").fill_nan(float("inf")))
    )
    looks = attacker_looks(last["attacker"])
    for rank, name in enumerate(last["attacker"]):
        line, look = data.filter(pl.col("attacker") == name).sort("day"), looks[name]
        if rank < bands:
            ax.fill_between(
                line["day"], line["q25_m"], line["q75_m"], color=look.color, alpha=0.16, linewidth=0
            )
        end = last["median_m"][rank]
        reach = f"{end:,.0f} m" if np.isfinite(end) else "no guess"
        ax.plot(
            line["day"],
            line["median_m"],
            color=look.color,
            linestyle=look.dash,
            marker=look.marker,
            label=f"{reach}  {look.label}",
        )
    words, word = TARGET_WORDS[target], TARGET_WORD[target]
    ax.set_title(f"How far off the guesses of {words} are")
    ax.set_xlabel("Days of collecting")
    ax.set_ylabel(f"Median distance from the true\n{word} over all drivers (m)")
    ax.set_yscale("log")
    banded = data.filter(pl.col("attacker").is_in(last["attacker"].head(bands).implode()))
    drawn = np.concatenate([data["median_m"], banded["q25_m"], banded["q75_m"]])
    drawn = drawn[np.isfinite(drawn)]
    low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (100.0, 1_000.0)
    ax.set_ylim(max(low, 5.0) / 1.3, max(high, 50.0) * 1.3)
    ax.yaxis.set_major_locator(FixedLocator(_LADDER_M))
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    if data.height:
        end_day = data.select(pl.max("day")).item()
        ax.set_xlim(0, end_day * 1.02)
        legend_beside(fit_words(ax), title=f"Median at day {end_day}\n(band: quartiles of the best {bands})")
    return ax
