"""Of those who came to a place: listed, and named, under each rule and by when the agency asks."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.figures.bars import interval_bars, rows_of_shares, share_columns
from experiments.figures.layout import fit_words, legend_beside, pt
from experiments.figures.style import PALETTE, axes_or_new

_ASKED = {
    "that evening": ("asked that evening", "o"),
    "later": ("asked up to a year later", "s"),
    "later, by that evening's list": ("later, list kept as a note", "^"),
}


def plot_exposure(table: pl.DataFrame, *, title: str, ax: Axes | None = None) -> Axes:
    """Draw the share of those who came whose home is named, and faintly the share listed.

    Parameters
    ----------
    table
        Rows of :func:`experiments.exposure.exposure_of` with a column ``rule``.
    title
        Of the figure.
    ax
        Where to draw; a new figure if left out.
    """
    ax = axes_or_new(ax)
    rules = table["rule"].unique(maintain_order=True).to_list()
    for k, (asked, (label, marker)) in enumerate(_ASKED.items()):
        rows = table.filter(pl.col("asked") == asked)
        height = np.array([rules.index(r) for r in rows["rule"]]) + 0.24 * (k - 1)
        ax.plot(
            rows["recall"].cast(pl.Float64).to_numpy(),
            height,
            linestyle="none",
            marker=marker,
            color=PALETTE[k],
            fillstyle="none",
            markersize=pt(9),
            alpha=0.7,
        )
        share = rows["share_named"].cast(pl.Float64).fill_null(0.0).to_numpy()
        ends = share_columns(rows, "share_named")
        interval_bars(ax, share, height, **ends, marker=marker, color=PALETTE[k], label=label)
    rows_of_shares(ax, rules)
    ax.set_xlim(-0.02, 1.02)
    came = table["came"][0]
    marks = "filled: home named within 250 m (bar: 95%); open: plate listed"
    ax.set_xlabel(f"Share of the {came:,} who came by car\n{marks}")
    ax.set_title(title)
    legend_beside(fit_words(ax))
    return ax
