"""Of those who came to a place: listed, and named, under each rule and by when the agency asks."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

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
        share, low, high = (
            rows[c].cast(pl.Float64).fill_null(0.0).to_numpy()
            for c in ("share_named", "share_named_low", "share_named_high")
        )
        ax.plot(
            rows["recall"].cast(pl.Float64).to_numpy(),
            height,
            linestyle="none",
            marker=marker,
            color=PALETTE[k],
            fillstyle="none",
            markersize=9,
            alpha=0.7,
        )
        ax.errorbar(
            share,
            height,
            xerr=np.maximum([share - low, high - share], 0.0),
            fmt=marker,
            color=PALETTE[k],
            markersize=8,
            capsize=3,
            linewidth=1.6,
            label=label,
        )
    ax.set_yticks(np.arange(len(rules)), rules)
    ax.invert_yaxis()
    ax.set_xlim(-0.02, 1.02)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    came = table["came"][0]
    marks = "filled: home named within 250 m (bar: 95%); open: plate listed"
    ax.set_xlabel(f"Share of the {came:,} who came by car\n{marks}")
    ax.set_title(title)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0))
    return ax
