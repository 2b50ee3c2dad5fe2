"""The town in a page: streets, readers by kind, and the rounds of patrol and spotter cars."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.report.pack import pack
from simulator.chunks import MOBILE_BLOCK_DAYS, MobileBlocks
from simulator.roads.city import City
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import DAY_S
from simulator.world import World

# Bends that lie nearer to the straight line than this are not drawn.
_STRAIGHT_M = 4.0
# Rounds of so many (car, day) are worked out; beyond that only the streets of the first days are shown.
_MOST_ROUNDS = 400
STANDING = {"fixed": "street reader", "lot": "car park reader", "face": "reader of faces"}


def street_of_edge(network: RoadNetwork) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the drawn street of each directed edge, and the edge that each street is drawn by."""
    once = (network.reverse_edge < 0) | (np.arange(network.n_edges) < network.reverse_edge)
    drawn = np.flatnonzero(once)
    number = np.full(network.n_edges, -1, dtype=np.int32)
    number[drawn] = np.arange(len(drawn))
    other = number < 0
    number[other] = number[network.reverse_edge[other]]
    return number, drawn


def middle_of(network: RoadNetwork) -> tuple[int, int]:
    """Return the point that a page counts whole metres from."""
    west, south, east, north = network.bounds_m
    return round((west + east) / 2), round((south + north) / 2)


def town_of(city: City, cameras: pl.DataFrame) -> dict[str, Any]:
    """Return streets and standing readers, whole metres about the middle of the town."""
    network = city.network
    _, drawn = street_of_edge(network)
    west, south, east, north = network.bounds_m
    middle = middle_of(network)
    indptr, x_m, y_m = _polylines(network, drawn)
    standing = cameras.filter(pl.col("x_m").is_not_null() & pl.col("x_m").is_finite())
    readers = {
        kind: {
            "x": [round(v) - middle[0] for v in rows["x_m"]],
            "y": [round(v) - middle[1] for v in rows["y_m"]],
            "owner": rows["owner"].to_list(),
        }
        for kind in STANDING
        if (rows := standing.filter(pl.col("kind").cast(pl.String) == kind)).height
    }
    return {
        "middle": middle,
        "bounds": [
            round(v) for v in (west - middle[0], south - middle[1], east - middle[0], north - middle[1])
        ],
        "start": pack(indptr),
        "x": pack(np.rint(x_m).astype(np.int64) - middle[0]),
        "y": pack(np.rint(y_m).astype(np.int64) - middle[1]),
        "class": pack(network.edge_class[drawn]),
        "water": {
            "x": [round(v) - middle[0] for v in city.water_x_m.tolist()],
            "y": [round(v) - middle[1] for v in city.water_y_m.tolist()],
        },
        "readers": readers,
    }


def _polylines(
    network: RoadNetwork, edges: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the lines of some edges; those that are straight but for some metres by their ends alone."""
    first, after = network.geometry_indptr[edges], network.geometry_indptr[edges + 1]
    count = after - first
    owner = np.repeat(np.arange(len(edges)), count)
    start = np.concatenate([[0], np.cumsum(count)])
    at = np.arange(int(start[-1])) - np.repeat(start[:-1], count) + np.repeat(first, count)
    x, y = network.geometry_x_m[at], network.geometry_y_m[at]
    x0, y0, x1, y1 = (v[owner] for v in (x[start[:-1]], y[start[:-1]], x[start[1:] - 1], y[start[1:] - 1]))
    span = np.maximum(np.hypot(x1 - x0, y1 - y0), 1e-9)
    off_m = np.abs((x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)) / span
    straight = np.maximum.reduceat(off_m, start[:-1]) < _STRAIGHT_M if len(edges) else np.empty(0, bool)
    end = np.zeros(len(x), dtype=np.bool_)
    end[start[:-1]] = end[start[1:] - 1] = True
    kept = end | ~straight[owner]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=len(edges)))])
    return indptr, x[kept], y[kept]


def rounds_of(world: World, days: list[int]) -> dict[str, Any]:
    """Return the streets that readers on cars drove along on each of some days.

    Returns
    -------
    dict
        ``start, street``: the streets of day ``k`` are ``street[start[k]:start[k + 1]]``; ``each_day`` is
        false where there are too many rounds, and the streets of the first days stand for all.
    """
    if not world.has_mobile_readers:
        return {"each_day": True, "start": pack(np.zeros(len(days) + 1)), "street": pack([])}
    number, _ = street_of_edge(world.city.network)
    cars = int((~np.isfinite(world.cameras.x_m)).sum())
    each_day = cars * world.scenario.days <= _MOST_ROUNDS
    until = world.scenario.days if each_day else min(MOBILE_BLOCK_DAYS, world.scenario.days)
    blocks, driven, when = MobileBlocks(world), [], []
    for day in range(0, until, MOBILE_BLOCK_DAYS):
        last = min(day + MOBILE_BLOCK_DAYS, until)
        passes = blocks.passes(day, last)
        edge = np.repeat(np.arange(world.city.network.n_edges), np.diff(passes.edge_indptr))
        on = passes.enter_s // DAY_S
        within = (on >= day) & (on < last)
        driven.append(number[edge[within]])
        when.append(on[within] + 1)
    street, day_of = np.concatenate(driven), np.concatenate(when)
    if not each_day:
        every = np.unique(street)
        return {"each_day": False, "start": pack([0, len(every)]), "street": pack(every)}
    rounds = [np.unique(street[day_of == day]) for day in days]
    start = np.concatenate([[0], np.cumsum([len(r) for r in rounds])])
    return {"each_day": True, "start": pack(start), "street": pack(np.concatenate(rounds))}
