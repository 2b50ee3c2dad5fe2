"""Shares with interval bars, a row a rule or group: what figures on rules and on people have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from experiments.figures.layout import pt


def interval_bars(
    ax: Axes,
    share: ArrayLike,
    at: ArrayLike,
    *,
    low: ArrayLike,
    high: ArrayLike,
    upright: bool = False,
    **look: Any,
) -> None:
    """Draw points with their intervals.

    Parameters
    ----------
    ax
        Where to draw.
    share, low, high
        Values and ends of their intervals, all of shape (n,).
    at
        Places on the other axis, shape (n,).
    upright
        Values on the vertical axis; on the horizontal one if not.
    look
        Of :meth:`matplotlib.axes.Axes.errorbar`: ``color``, ``marker``, ``label`` ...
    """
    values = np.asarray(share, dtype=np.float64)
    # An interval may miss its share by rounding; a bar cannot have a negative length.
    ends = np.maximum([values - np.asarray(low), np.asarray(high) - values], 0.0)
    whole: dict[str, Any] = {
        "linestyle": "none",
        "markersize": pt(8),
        "capsize": pt(3),
        "elinewidth": pt(1.6),
    }
    if upright:
        ax.errorbar(at, values, yerr=ends, **(whole | look))
    else:
        ax.errorbar(values, at, xerr=ends, **(whole | look))


def share_columns(rows: pl.DataFrame, name: str) -> dict[str, Any]:
    """Return ``low`` and ``high`` of a share as keywords for :func:`interval_bars`, missing ones as 0."""
    prefix = f"{name}_" if f"{name}_low" in rows.columns else ""
    return {end: rows[f"{prefix}{end}"].cast(pl.Float64).fill_null(0.0).to_numpy() for end in ("low", "high")}


def rows_of_shares(ax: Axes, labels: Sequence[str]) -> None:
    """Name the rows, the first on top, and count shares in percent."""
    ax.set_yticks(np.arange(len(labels)), labels)
    ax.set_ylim(len(labels) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
