"""Convoys: how many escorts are found, and how much of what is found is true, by strictness."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from experiments.figures.bars import interval_bars
from experiments.figures.layout import fit_words, legend_beside, pt
from experiments.figures.style import PALETTE, axes_or_new


def plot_convoys(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw recall (lines) and precision (dashed) against the readers that a pair must share in a day.

    Parameters
    ----------
    table
        From :func:`simulator.privacy.convoys.score_convoys`.
    ax
        Where to draw; a new figure if left out.
    """
    ax = axes_or_new(ax)
    for k, days in enumerate(table["days"].unique(maintain_order=True)):
        rows = table.filter(pl.col("days") == days)
        readers = rows["readers"].to_list()
        often = "on one day" if days == 1 else f"on {days} days or more"
        for name, marker, dash, label in (
            ("recall", "o", "-", "escorts found"),
            ("precision", "s", "--", "pairs that are escorts"),
        ):
            share, low, high = (
                rows[c].cast(pl.Float64).fill_null(float("nan")).to_numpy()
                for c in (name, f"{name}_low", f"{name}_high")
            )
            interval_bars(
                ax,
                share,
                np.array(readers) + 0.03 * (k - 1),
                low=low,
                high=high,
                upright=True,
                marker=marker,
                linestyle=dash,
                fillstyle="full" if name == "recall" else "none",
                color=PALETTE[k],
                linewidth=pt(2.2),
                elinewidth=pt(1.2),
                markersize=pt(6),
                label=f"{label}: {often}",
            )
    ax.set_xticks(table["readers"].unique(maintain_order=True).to_list())
    ax.set_ylim(-0.02, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel("Readers that must read both within a day")
    ax.set_ylabel(f"Share of {table['escorts'][0]} escorts, or of pairs found\n(bar: 95% interval)")
    ax.set_title("Who travels with whom: found, and true")
    legend_beside(fit_words(ax))
    return ax
