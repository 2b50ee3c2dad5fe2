"""Share whose home is known by plates, by faces, by both, one row a group of people."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.figures.bars import interval_bars, rows_of_shares, share_columns
from experiments.figures.layout import figure_of, fit_words, is_narrow, legend_below
from experiments.figures.style import PALETTE, axes_or_new

_LOOK = {
    "plates": (PALETTE[0], "o", "looked up by plates"),
    "faces": (PALETTE[1], "s", "looked up by faces"),
    "both": (PALETTE[2], "^", "by both, plate and face linked"),
}


def plot_trackable(data: pl.DataFrame, *, within_m: float, ax: Axes | None = None) -> Axes:
    """Draw shares by group and identifiers with their intervals.

    Parameters
    ----------
    data
        Rows of :func:`experiments.faces.shares_trackable`: one attacker a view, one day, one measure.
    within_m
        The distance that the measure is about, metres.
    ax
        Where to draw; a new figure if left out.
    """
    ax = axes_or_new(ax)
    groups = data.select("group", "people").unique(maintain_order=True).rows()
    row_of = {group: row for row, (group, _) in enumerate(groups)}
    for k, (identifiers, (color, marker, label)) in enumerate(_LOOK.items()):
        part = data.filter(pl.col("identifiers") == identifiers)
        height = np.array([row_of[g] for g in part["group"]]) + 0.2 * (k - 1)
        ends = share_columns(part, "share")
        interval_bars(ax, part["share"], height, **ends, marker=marker, color=color, label=label)
    for group, row in row_of.items():
        if group.startswith("all"):
            ax.axhspan(row - 0.45, row + 0.45, color="#eeeeee", zorder=0, linewidth=0)
    rows_of_shares(ax, [f"{group} ({people:,})" for group, people in groups])
    ax.set_xlim(left=-0.01)
    ax.set_xlabel(f"Share whose home is known within {within_m:g} m (bar: 95% interval)")
    ax.set_title("Plates against faces: who can be tracked home")
    legend_below(fit_words(ax), ncols=1 if is_narrow(figure_of(ax)) else 3)
    return ax
