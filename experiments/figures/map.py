"""The map: streets, readers, one driver's sightings, home and work place, and the attackers' guesses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from experiments.figures.layout import fit_words, legend_beside, pt
from experiments.figures.style import PALETTE, attacker_looks, axes_or_new
from simulator.roads.city import City
from simulator.roads.network import RoadClass

_STREET_LOOK = {
    RoadClass.MOTORWAY: ("#8d8d8d", 2.4),
    RoadClass.TRUNK: ("#9c9c9c", 2.1),
    RoadClass.PRIMARY: ("#a8a8a8", 1.7),
    RoadClass.SECONDARY: ("#b9b9b9", 1.3),
    RoadClass.TERTIARY: ("#c9c9c9", 1.0),
    RoadClass.LINK: ("#c9c9c9", 0.8),
    RoadClass.RESIDENTIAL: ("#dcdcdc", 0.7),
}
_READER_LOOK = {
    "fixed": ("^", "#444444", "Fixed reader"),
    "lot": ("P", "#444444", "Car park reader"),
    "face": ("s", "#444444", "Reader of faces"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class MapData:
    """What the map shows, as tables in metres.

    Parameters
    ----------
    city
        Streets and water.
    readers
        ``camera_id, kind, x_m, y_m`` of readers at a fixed place.
    sightings
        ``x_m, y_m, reads, moving``: the driver's sightings gathered by place.
    marks
        ``what, attacker, x_m, y_m``: the truth (attacker null) and the guesses at the last checkpoint;
        ``what`` is ``home`` or ``work``.
    driver_id
        The driver shown.
    day
        The checkpoint day of the guesses.
    """

    city: City
    readers: pl.DataFrame
    sightings: pl.DataFrame
    marks: pl.DataFrame
    driver_id: int
    day: int


def map_of_driver(
    city: City,
    *,
    cameras: pl.DataFrame,
    drivers: pl.DataFrame,
    sightings: pl.DataFrame,
    beliefs: pl.DataFrame,
    driver_id: int | None = None,
) -> MapData:
    """Gather what the map shows for one driver.

    Parameters
    ----------
    city, cameras, drivers, beliefs
        A run's city and tables.
    sightings
        Sightings with a ``driver_id`` column, of a few drivers at least.
    driver_id
        The driver; if ``None``, one with a work place and a middling number of sightings.
    """
    if driver_id is None:
        driver_id = _middling_driver(drivers, sightings)
    reads = sightings.filter(pl.col("driver_id") == driver_id)
    moving = cameras.filter(~pl.col("kind").cast(pl.String).is_in(list(_READER_LOOK)))["camera_id"].implode()
    gathered = (
        reads.with_columns(moving=pl.col("camera_id").is_in(moving))
        .with_columns(
            # A car's own position is off by metres each time; neighbours within 25 m count as one place.
            (pl.when("moving").then((pl.col(c) / 25.0).round() * 25.0).otherwise(pl.col(c))).alias(c)
            for c in ("x_m", "y_m")
        )
        .group_by("x_m", "y_m", "moving")
        .agg(reads=pl.len())
        .sort("reads", descending=True)
    )
    truth = drivers.filter(pl.col("driver_id") == driver_id)
    xy = {"x_m": pl.Float64, "y_m": pl.Float64}
    real = [
        truth.select(
            what=pl.lit(what), attacker=pl.lit(None, dtype=pl.String), x_m=f"{what}_x_m", y_m=f"{what}_y_m"
        )
        for what in ("home", "work")
    ]
    mine = beliefs.filter(pl.col("driver_id") == driver_id)
    day = mine.select(pl.max("day")).item() or 0
    guesses = mine.filter(pl.col("day") == day).select(
        pl.col("target").cast(pl.String).alias("what"), pl.col("attacker").cast(pl.String), "x_m", "y_m"
    )
    marks = pl.concat([frame.cast(xy) for frame in (*real, guesses)]).with_columns(  # type: ignore[arg-type]
        pl.col("x_m", "y_m").fill_nan(None)
    )
    return MapData(
        city=city,
        readers=cameras.select("camera_id", pl.col("kind").cast(pl.String), "x_m", "y_m").filter(
            pl.col("x_m").is_not_null() & pl.col("x_m").is_not_nan()
        ),
        sightings=gathered,
        marks=marks.drop_nulls(["x_m", "y_m"]),
        driver_id=driver_id,
        day=day,
    )


def plot_map(data: MapData, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`map_of_driver`: streets, readers, sightings by number, truth and guesses."""
    ax = axes_or_new(ax)
    handles = draw_streets(ax, data.city)
    handles += draw_readers(ax, data.readers)
    handles += _draw_sightings(ax, data.sightings)
    _frame(ax, data)
    handles += _draw_marks(ax, data.marks)
    total = int(data.sightings["reads"].sum())
    ax.set_title(f"{data.city.name}: one driver, {total:,} sightings in {data.day} days")
    legend_beside(fit_words(ax), handles=handles, labelspacing=0.55)
    return ax


def spread_out(
    x: NDArray[np.float64], y: NDArray[np.float64], *, gap: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return positions for marks: those that would cover one another stand in a ring around their place.

    Parameters
    ----------
    x, y
        Where the marks belong, shape (n,).
    gap
        Marks nearer to each other than this would overlap.
    """
    n = len(x)
    if n < 2:
        return x.copy(), y.copy()
    near = np.hypot(x[:, None] - x, y[:, None] - y) < gap
    cluster = connected_components(csr_array(near.astype(np.int8)), directed=False)[1]
    shown_x, shown_y = x.copy(), y.copy()
    for c in range(int(cluster.max()) + 1):
        members = np.flatnonzero(cluster == c)
        k = len(members)
        if k > 1:
            middle_x, middle_y = x[members].mean(), y[members].mean()
            radius = max(1.1 * gap, 0.5 * gap / np.sin(np.pi / k))
            turn = np.arctan2(y[members] - middle_y, x[members] - middle_x)
            angle = 0.4 + 2 * np.pi * np.argsort(np.argsort(turn, kind="stable"), kind="stable") / k
            shown_x[members] = middle_x + radius * np.cos(angle)
            shown_y[members] = middle_y + radius * np.sin(angle)
    return shown_x, shown_y


def _middling_driver(drivers: pl.DataFrame, sightings: pl.DataFrame) -> int:
    worker = pl.col("work_x_m").is_not_null() & pl.col("work_x_m").is_not_nan()
    counts = sightings.group_by("driver_id").len().join(drivers, on="driver_id", how="left")
    for frame in (counts.filter(worker), counts):
        if frame.height:
            return int(frame.sort("len", "driver_id")["driver_id"][frame.height // 2])
    return int(drivers["driver_id"][0])


def draw_streets(ax: Axes, city: City) -> list[Line2D]:
    """Draw water and streets, main roads on top; no handle for a legend."""
    net = city.network
    if len(city.water_x_m):
        ax.plot(
            city.water_x_m, city.water_y_m, color="#cfe6f5", linewidth=pt(9), solid_capstyle="round", zorder=0
        )
    once = (net.reverse_edge < 0) | (np.arange(net.n_edges) < net.reverse_edge)
    points = np.column_stack([net.geometry_x_m, net.geometry_y_m])
    # The lesser streets first, so that main roads lie on top.
    for road_class in sorted(_STREET_LOOK, key=lambda c: _STREET_LOOK[c][1]):
        color, width = _STREET_LOOK[road_class]
        chosen = np.flatnonzero(once & (net.edge_class == int(road_class)))
        lines = [points[net.geometry_indptr[e] : net.geometry_indptr[e + 1]] for e in chosen]
        ax.add_collection(LineCollection(lines, colors=color, linewidths=pt(width), zorder=1), autolim=False)
    return []


def draw_readers(ax: Axes, readers: pl.DataFrame) -> list[Line2D]:
    """Draw readers at a fixed place, and return their handles for a legend."""
    handles = []
    for kind, (marker, color, label) in _READER_LOOK.items():
        part = readers.filter(pl.col("kind") == kind)
        if not part.height:
            continue
        size = pt(9 if part.height <= 80 else 6)
        look = {
            "marker": marker,
            "color": color,
            "markersize": size,
            "linestyle": "none",
            "markeredgecolor": "white",
        }
        ax.plot(part["x_m"], part["y_m"], zorder=3, **look)  # type: ignore[arg-type]
        handles.append(Line2D([], [], label=f"{label} ({part.height})", **look))  # type: ignore[arg-type]
    return handles


def _draw_sightings(ax: Axes, sightings: pl.DataFrame) -> list[Line2D]:
    handles = []
    top = float(sightings.select(pl.max("reads")).item() or 1)
    for moving, color, label in ((False, PALETTE[5], "Read here"), (True, PALETTE[4], "Read by a car")):
        part = sightings.filter(pl.col("moving") == moving)
        if not part.height:
            continue
        area = pt(1.0) ** 2 * (50 + 900 * part["reads"].to_numpy() / max(top, 12.0))
        ax.scatter(part["x_m"], part["y_m"], s=area, color=color, alpha=0.4, linewidths=0, zorder=2)
        most = part.select(pl.max("reads")).item()
        handles.append(
            Line2D(
                [], [], linestyle="none", marker="o", markersize=pt(15), color=color, alpha=0.5,
                markeredgewidth=0,
                label=f"{label} (up to {most}×)" if most > 1 else f"{label} (once)",
            )
        )  # fmt: skip
    return handles


def _draw_marks(ax: Axes, marks: pl.DataFrame) -> list[Line2D]:
    """Draw the truth and the guesses; those beyond the frame go to its rim, as the legend says."""
    (x0, x1), (y0, y1) = sorted(ax.get_xlim()), sorted(ax.get_ylim())
    inset = 0.012 * (x1 - x0)
    shapes = {"home": "o", "work": "s"}
    handles = []
    for what, marker, size in (("home", "p", 27), ("work", "s", 21)):
        part = marks.filter((pl.col("what") == what) & pl.col("attacker").is_null())
        if not part.height:
            continue
        look = {"marker": marker, "color": "white", "markeredgecolor": "black", "linestyle": "none"}
        x, y = np.clip(part["x_m"], x0 + inset, x1 - inset), np.clip(part["y_m"], y0 + inset, y1 - inset)
        ax.plot(x, y, zorder=5, markersize=pt(size), markeredgewidth=pt(2.5), **look)  # type: ignore[arg-type]
        ax.annotate(
            what[0].upper(),
            (float(x[0]), float(y[0])),
            ha="center",
            va="center",
            fontsize=pt(11),
            weight="bold",
            zorder=8,
        )
        label = f"True {'home' if what == 'home' else 'work place'}"
        handles.append(Line2D([], [], label=label, markersize=pt(13), markeredgewidth=pt(2), **look))  # type: ignore[arg-type]
    guesses = marks.filter(pl.col("attacker").is_not_null())
    looks = attacker_looks(guesses["attacker"])
    x, y = np.clip(guesses["x_m"], x0 + inset, x1 - inset), np.clip(guesses["y_m"], y0 + inset, y1 - inset)
    beyond = bool((x != guesses["x_m"].to_numpy()).any() or (y != guesses["y_m"].to_numpy()).any())
    shown_x, shown_y = spread_out(x, y, gap=0.017 * max(x1 - x0, y1 - y0))
    for i, (what, attacker) in enumerate(guesses.select("what", "attacker").iter_rows()):
        color = looks[attacker].color
        ax.plot([x[i], shown_x[i]], [y[i], shown_y[i]], color=color, linewidth=pt(1.2), zorder=5.5)
        ax.plot(
            shown_x[i], shown_y[i], marker=shapes[what], markersize=pt(10), color=color, zorder=6,
            markeredgecolor="white", markeredgewidth=pt(1.2), linestyle="none",
        )  # fmt: skip
    if guesses.height:
        handles.append(Line2D([], [], linestyle="none", label="Guesses: ● home  ■ work"))
        if beyond:
            handles.append(Line2D([], [], linestyle="none", label="(at the rim: farther out)"))
        dot: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": pt(10)}
        handles += [Line2D([], [], color=look.color, label=look.label, **dot) for look in looks.values()]
    return handles


def _frame(ax: Axes, data: MapData) -> None:
    x0, y0, x1, y1 = data.city.network.bounds_m
    pad = 0.03 * max(x1 - x0, y1 - y0)
    ax.set_xlim(x0 - pad, x1 + pad)
    ax.set_ylim(y0 - pad, y1 + pad)
    ax.set_aspect("equal", anchor="W")
    ax.grid(visible=False)
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ladder_m = np.array([50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000])
    length_m = float(ladder_m[max(int(np.searchsorted(ladder_m, (x1 - x0) / 4)) - 1, 0)])
    at_x, at_y = x0, y0 - 0.4 * pad
    ax.plot(
        [at_x, at_x + length_m], [at_y, at_y], color="black", linewidth=pt(4), solid_capstyle="butt", zorder=7
    )
    words = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    ax.annotate(
        words, (at_x + length_m / 2, at_y), (0, 5), textcoords="offset points", ha="center", fontsize=pt(13),
        zorder=7,
        bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none", "pad": 1},
    )  # fmt: skip
