"""Published yardsticks: ours over the accepted band, one line a figure."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes

from experiments.figures.layout import pt
from experiments.figures.style import PALETTE, axes_or_new, house_style, new_figure
from experiments.figures.write import save_figure


def places_in_band(figures: pl.DataFrame) -> pl.DataFrame:
    """Return judged figures on the scale of their accepted band, 0 its lower and 1 its upper end.

    Figures of which only a bound or a direction is asked are left out; bands of one value are 0.1 wide.

    Returns
    -------
    pl.DataFrame
        id, what, holds, at, low, high, published: places in the band, blank where there is none.
    """
    rows = []
    for row in figures.filter(pl.col("holds").is_not_null()).iter_rows(named=True):
        low, high = row["accept_low"], row["accept_high"]
        if high == float("inf") or 0 < low < 1e-6 or -1e-6 < high < 0:
            continue
        if high - low < 1e-12:
            low, high = low - 0.05, high + 0.05
        entry = {"id": row["id"], "what": row["what"], "holds": row["holds"]}
        for key, name in (("ours", "at"), ("low", "low"), ("high", "high"), ("published", "published")):
            entry[name] = None if row[key] is None else (row[key] - low) / (high - low)
        rows.append(entry)
    numbers = dict.fromkeys(("at", "low", "high", "published"), pl.Float64)
    return pl.DataFrame(rows, schema={"id": pl.String, "what": pl.String, "holds": pl.Boolean, **numbers})


def plot_places_in_band(data: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`places_in_band`; what lies far outside is drawn at the rim."""
    ax = axes_or_new(ax)
    reach = 0.6
    y = np.arange(data.height)[::-1]
    ax.axvspan(0, 1, color="#E8EEF4", zorder=0)
    for place, row in zip(y, data.iter_rows(named=True), strict=True):
        at = float(np.clip(row["at"], -reach, 1 + reach))
        color = PALETTE[0] if row["holds"] else PALETTE[1]
        if row["low"] is not None:
            ends = np.clip([row["low"], row["high"]], -reach, 1 + reach)
            ax.plot(ends, [place, place], color=color, linewidth=pt(3), solid_capstyle="round")
        marker = "o" if at == row["at"] else ("<" if at < 0 else ">")
        ax.plot(at, place, marker=marker, color=color, markersize=pt(9), linestyle="none")
        if row["published"] is not None and -reach <= row["published"] <= 1 + reach:
            ax.plot(row["published"], place, "|", color="black", markersize=pt(16), markeredgewidth=pt(2))
    ax.set_yticks(y, [f"{row['id']}  {row['what']}" for row in data.iter_rows(named=True)], fontsize=pt(10))
    ax.set_xticks([0, 1], ["lower end", "upper end"])
    ax.set_xlim(-reach - 0.05, 1 + reach + 0.05)
    ax.set_ylim(-0.7, data.height - 0.3)
    ax.set_xlabel("Place in the accepted band (shaded)")
    ax.grid(axis="y", visible=False)
    for holds, words in ((True, "ours, holds"), (False, "ours, does not hold")):
        ax.plot([], [], "o", color=PALETTE[0] if holds else PALETTE[1], label=words)
    ax.plot([], [], "|", color="black", markersize=pt(14), markeredgewidth=pt(2), label="published")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    return ax


def draw_validation(figures: pl.DataFrame, path: Path) -> Path:
    """Draw the figure into a PNG file."""
    matplotlib.use("Agg")
    data = places_in_band(figures)
    with house_style():
        figure = new_figure(12.5, 1.8 + 0.34 * max(data.height, 4))
        plot_places_in_band(data, ax=figure.add_subplot())
        return save_figure(figure, path)
