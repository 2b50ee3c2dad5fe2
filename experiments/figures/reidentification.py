"""Who is singled out by a few points, and how well pseudonyms and networks are joined."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from experiments.figures.bars import interval_bars
from experiments.figures.layout import fit_words, panels, pt
from experiments.figures.style import PALETTE, axes_or_new, house_style, new_figure
from experiments.figures.write import save_figure
from experiments.reidentification_report import place_words, span_words

_MARKERS = "os^D"
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))


def plot_unicity(
    table: pl.DataFrame, *, places: tuple[str, ...] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the share singled out against the number of known points, a line a resolution.

    Parameters
    ----------
    table
        Of :func:`experiments.reidentification.unicity_table`.
    places
        Which places to draw; the finest and the coarsest if left out.
    """
    ax = axes_or_new(ax)
    known = table["place"].unique(maintain_order=True).to_list()
    places = places or tuple(dict.fromkeys((known[0], known[-1])))
    spans = sorted(table["minutes"].unique().to_list())
    for k, place in enumerate(places):
        for j, span in enumerate(spans):
            rows = table.filter(
                (pl.col("place") == place) & (pl.col("minutes") == span) & pl.col("share").is_not_null()
            )
            points, share = rows["points"].to_numpy(), rows["share"].to_numpy()
            ax.fill_between(
                points, rows["low"].to_numpy(), rows["high"].to_numpy(), color=PALETTE[j], alpha=0.15
            )
            ax.plot(points, share, color=PALETTE[j], linestyle=_DASHES[k % 4], marker=_MARKERS[k % 4],
                    label=f"{place_words(place)}, {span_words(span)}")  # fmt: skip
    ax.set_xticks(np.arange(1, int(table["points"].max()) + 1))  # type: ignore[arg-type]
    ax.set_ylim(-0.02, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel("Known points of a trace")
    ax.set_ylabel("Singled out (band: 95%)")
    ax.set_title("A few points single people out")
    fit_words(ax)
    ax.legend(title="place, time", fontsize=pt(9.5), title_fontsize=pt(9.5))
    return ax


def plot_joined(table: pl.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what is claimed and right of pseudonyms by how long they last, beside chance.

    Parameters
    ----------
    table
        Of :func:`experiments.reidentification.pseudonym_table`, one score.
    """
    ax = axes_or_new(ax)
    at = np.arange(table.height)
    for offset, stem, words, color in (
        (-0.12, "precision", "of claimed links, right", PALETTE[1]),
        (0.12, "recall", "of drivers, found", PALETTE[0]),
    ):
        value, low, high = (table[c].to_numpy() for c in (stem, f"{stem}_low", f"{stem}_high"))
        look = {"marker": "o", "color": color, "label": words}
        interval_bars(ax, value, at + offset, low=low, high=high, upright=True, **look)
    dash = {"color": "black", "markersize": pt(26), "markeredgewidth": pt(2)}
    ax.plot(at, table["chance"].to_numpy(), "_", label="chance", **dash)  # type: ignore[arg-type]
    ax.set_xticks(at, table["rotation"].to_list())
    ax.set_xlim(-0.5, table.height - 0.5)
    ax.set_ylim(-0.02, 1.02)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel("Labels change")
    ax.set_title("Habits join pseudonyms (bar: 95%)")
    fit_words(ax).legend()
    return ax


def draw_reidentification(tables: Mapping[str, pl.DataFrame], path: Path) -> Path:
    """Draw both into a PNG file."""
    matplotlib.use("Agg")
    both = tables["pseudonyms"].height > 0
    with house_style():
        figure = new_figure(14.0 if both else 8.0, 6.4)
        axes = panels(figure, 2 if both else 1, columns=2)
        plot_unicity(tables["unicity"], ax=axes[0])
        if both:
            plot_joined(tables["pseudonyms"], ax=axes[1])
        return save_figure(figure, path)
