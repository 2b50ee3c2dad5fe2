"""Share of sought cars found under each rule, one row a rule."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.figures.bars import interval_bars, rows_of_shares, share_columns
from experiments.figures.layout import fit_words, legend_below
from experiments.figures.style import PALETTE, axes_or_new

#: Search and time of the three marks of a row, with label and marker.
MARKS = (
    ("live", "1 day", "hit within a day of listing", "o"),
    ("look-back", "any time", "last place still kept at listing", "s"),
    ("trace", "asked after 30 d", "read of the day before the event, asked 30 days later", "^"),
)


def plot_utility(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the table of :func:`simulator.usefulness.utility.utility` for several rules.

    Parameters
    ----------
    table
        Share found by rule, agency, search and time.
    ax
        Where to draw; a new figure if left out.
    """
    ax = axes_or_new(ax)
    rows = table.select("rule", "agency").unique(maintain_order=True).rows()
    several = len({agency for _, agency in rows}) > 1
    labels = [f"{rule} ({agency})" if several else rule for rule, agency in rows]
    for k, (search, within, label, marker) in enumerate(MARKS):
        chosen = table.filter((pl.col("search") == search) & (pl.col("within") == within))
        height = np.arange(len(rows)) + 0.22 * (k - 1)
        ends = share_columns(chosen, "share")
        interval_bars(ax, chosen["share"], height, **ends, marker=marker, color=PALETTE[k], label=label)
    rows_of_shares(ax, labels)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel(f"Share of {table.select(pl.max('events')).item():,} sought cars (bar: 95% interval)")
    ax.set_title("What each rule leaves of a search for a car")
    legend_below(fit_words(ax), ncols=1)
    return ax
