"""Pictures that only lessons need; all others are the standard figures."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from experiments.figures.belief_map import BeliefMap, plot_belief
from experiments.figures.layout import fit_words, legend_beside, pt
from experiments.figures.map import MapData, draw_readers, draw_streets, plot_map
from experiments.figures.style import PALETTE

_GUESS = {"color": "#000000", "linestyle": (0, (2, 1.5))}


def draw_guess(ax: Axes, share: float) -> None:
    """Draw the guess of the class as a level line."""
    ax.axhline(share, label=f"Our guess: {share:.0%}", linewidth=pt(2), zorder=1, **_GUESS)  # type: ignore[arg-type]


def draw_reads(figure: Figure, data: MapData, *, truth: bool) -> Axes:
    """Draw where and how often one car was read, with the truth or without; never what attackers guess."""
    keep = data.marks.filter(pl.col("attacker").is_null() & pl.lit(truth))
    ax = plot_map(replace(data, marks=keep), ax=figure.add_subplot())
    reads, places = int(data.sightings["reads"].sum()), data.sightings.height
    ax.set_title(f"One car: {reads} reads at {places} places by day {data.day}")
    return ax


def draw_belief(figure: Figure, belief: BeliefMap, day: int, readers: pl.DataFrame, *, truth: bool) -> Axes:
    """Draw where somebody who looks would search after some days, the likelier the darker."""
    ax = plot_belief(belief if truth else replace(belief, truth_m=None), day, ax=figure.add_subplot())
    handles = [
        *draw_readers(ax, readers),
        Line2D([], [], color="#440154", linewidth=pt(6), label="Very likely here"),
        Line2D([], [], color="#5ec962", linewidth=pt(2), label="Perhaps here"),
        Line2D([], [], color="#D9D9D9", linewidth=pt(1), label="Unlikely"),
    ]
    if truth:
        look = {"marker": "o", "color": "#D55E00", "markerfacecolor": "none", "linestyle": "none"}
        handles.append(
            Line2D([], [], label="The true home", markersize=pt(12), markeredgewidth=pt(2), **look)  # type: ignore[arg-type]
        )
    if not belief.beliefs.filter(pl.col("day") == day).height:
        ax.set_title(f"After {day} day{'s' if day != 1 else ''}: too few reads to say anything")
    legend_beside(ax, handles=handles)
    return ax


def draw_town(figure: Figure, city: object, readers: pl.DataFrame) -> Axes:
    """Draw streets and readers."""
    ax = figure.add_subplot()
    draw_streets(ax, city)  # type: ignore[arg-type]
    ax.autoscale_view()
    handles = draw_readers(ax, readers)
    x0, y0, x1, y1 = city.network.bounds_m  # type: ignore[attr-defined]
    ax.set(aspect="equal", xlim=(x0 - 50, x1 + 50), ylim=(y0 - 50, y1 + 50), xticks=[], yticks=[])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_title(f"{readers.height} readers in a town of {(x1 - x0) / 1000:.1f} by {(y1 - y0) / 1000:.1f} km")
    legend_beside(fit_words(ax), handles=handles)
    return ax


def draw_right_by_day(figure: Figure, rows: pl.DataFrame, *, guess: float | None = None) -> Axes:
    """Draw the share of homes guessed right on each day, a line with a band a name.

    Parameters
    ----------
    rows
        ``name, day, share, share_low, share_high, drivers``.
    guess
        Of the class.
    """
    ax = figure.add_subplot()
    for color, name in zip(PALETTE, rows["name"].unique(maintain_order=True), strict=False):
        line = rows.filter(pl.col("name") == name)
        ax.fill_between(
            line["day"], line["share_low"], line["share_high"], color=color, alpha=0.15, linewidth=0
        )
        ax.plot(line["day"], line["share"], color=color, marker="o", label=name)
    if guess is not None:
        draw_guess(ax, guess)
    ax.set_xticks(rows["day"].unique().sort().to_list())
    ax.set_ylim(0, 1)
    ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    ax.set_xlabel("Days of collecting")
    ax.set_ylabel(f"Share of {rows['drivers'][0]} residents\n(band: 95% interval)")
    ax.set_title("Homes guessed right within 250 m")
    legend_beside(fit_words(ax))
    return ax


def draw_archive(figure: Figure, reads: pl.DataFrame, *, day: int, kept_days: float) -> Axes:
    """Draw one car's reads day by day: those still in the archive on a day, and those deleted by then.

    Parameters
    ----------
    reads
        With a column ``day``.
    day
        The evening on which somebody looks.
    kept_days
        After how many days a read is deleted.
    """
    ax = figure.add_subplot()
    counts = reads.filter(pl.col("day") <= day).group_by("day").len().sort("day")
    there = counts.filter(pl.col("day") > day - kept_days)
    gone = counts.filter(pl.col("day") <= day - kept_days)
    ax.bar(gone["day"], gone["len"], color="#d0d0d0", label=f"Deleted: {gone['len'].sum()} reads")
    ax.bar(there["day"], there["len"], color=PALETTE[0], label=f"In the archive: {there['len'].sum()} reads")
    ax.axvline(day + 0.5, linewidth=pt(2), label="Somebody looks", **_GUESS)  # type: ignore[arg-type]
    last, most = reads["day"].max(), reads.group_by("day").len()["len"].max()
    ax.set_xlim(0.3, float(last) + 1)  # type: ignore[arg-type]
    ax.set_ylim(0, float(most) + 1)  # type: ignore[arg-type]
    ax.set_xlabel("Day")
    ax.set_ylabel("Reads of this car")
    ax.set_title(f"What is left in the evening of day {day}")
    legend_beside(fit_words(ax))
    return ax


def draw_left(figure: Figure, left: pl.DataFrame, *, title: str) -> Axes:
    """Draw how many cars fit after each known point of one car.

    Parameters
    ----------
    left
        ``points, cars``.
    title
        What is drawn.
    """
    ax = figure.add_subplot()
    bars = ax.bar(left["points"], left["cars"], color=PALETTE[0], width=0.6)
    ax.bar_label(bars, padding=4)
    ax.set_xticks(left["points"].to_list())
    ax.set_ylim(0, 1.12 * float(left["cars"].max()))  # type: ignore[arg-type]
    ax.set_xlabel("Places and times that are known of the car")
    ax.set_ylabel("Cars that fit")
    ax.set_title(title)
    fit_words(ax)
    return ax
