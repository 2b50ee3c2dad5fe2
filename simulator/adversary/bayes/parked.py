"""Sightings by readers on cars, and at car parks: a car that is read there stands there, or drives by.

A car that is read by a passing patrol or spotter car at night most likely stands at home, and by day, on
weekdays, perhaps at work; otherwise it is anywhere on the streets. So a sighting speaks for the street
sides within its position error, by ``log(1 + R (1 - prod(1 - q)))``: ``q`` is the chance that a sighting of
that hour is one of the parked car at the place, ``R`` how much likelier a car is read on its own street
than on any street. Sightings of one day at one street count once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.hypotheses import Hypotheses
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import DAY_S, ArchiveView

_REACH_M = 40.0
_POSITION_ERROR_M = 10.0
_NEIGHBOURS = 16
# How much likelier at most, since patrols do not drive everywhere alike.
_MOST = 1_000.0
# Chance that a sighting by a reader on a car is one of the car parked at home (work): at night, by day, and
# on weekdays between 8 and 17 h.
_AT_HOME = np.array([0.5, 0.12, 0.06])
_AT_WORK = np.array([0.02, 0.04, 0.25])


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearby:
    """Streets near the sightings by readers on cars.

    Parameters
    ----------
    row
        Row of each sighting of the view in the other arrays, -1 for readers that traffic passes by, shape
        (n_sightings,).
    edge, weight
        Directed edges near it, -1 where there are fewer, and how well they fit, shape (n_rows, 16).
    """

    row: NDArray[np.int32]
    edge: NDArray[np.int32]
    weight: NDArray[np.float32]


def nearby(view: ArchiveView, passed: NDArray[np.bool_], network: RoadNetwork) -> Nearby:
    """Find the streets near all sightings but those by readers that traffic passes by."""
    mobile = np.flatnonzero(~passed[view.camera_id])
    row = np.full(len(view.camera_id), -1, dtype=np.int32)
    row[mobile] = np.arange(len(mobile), dtype=np.int32)
    edge = np.full((max(len(mobile), 1), _NEIGHBOURS), -1, dtype=np.int32)
    weight = np.zeros(edge.shape, dtype=np.float32)
    if len(mobile):
        points = np.column_stack([view.x_m[mobile], view.y_m[mobile]]).astype(np.float64)
        found, far_m = network.edges_near(points, _NEIGHBOURS, _REACH_M)
        # A street has several sampled points: the nearest one, which comes first, stands for it.
        for j in range(_NEIGHBOURS):
            again = (found[:, :j] == found[:, j : j + 1]).any(axis=1)
            edge[:, j] = np.where(again, -1, found[:, j])
        fit = np.exp(-0.5 * (np.maximum(far_m - 10.0, 0.0) / _POSITION_ERROR_M) ** 2)
        weight[:] = np.where(edge >= 0, fit, 0.0)
    return Nearby(row=row, edge=edge, weight=weight)


@dataclass(frozen=True, kw_only=True, eq=False)
class ParkedSide:
    """What sightings by readers on cars need to know about one target.

    Parameters
    ----------
    place_of_edge
        Hypothesis of each directed edge, -1 where there is none, shape (n_edges,).
    cell_of_place
        Cell of each hypothesis, shape (n,).
    odds
        ``R`` of each hypothesis, shape (n,).
    at_place
        ``q`` by kind of hour: night, day, weekday's working hours, shape (3,).
    """

    place_of_edge: NDArray[np.int32]
    cell_of_place: NDArray[np.int32]
    odds: NDArray[np.float64]
    at_place: NDArray[np.float64]


def parked_side(places: Hypotheses, network: RoadNetwork, *, work: bool) -> ParkedSide:
    """Index a target's hypotheses by street."""
    place = np.full(network.n_edges, -1, dtype=np.int32)
    inside = np.flatnonzero(places.edge >= 0)
    place[places.edge[inside]] = inside
    odds = np.zeros(places.n)
    length = network.edge_length_m[places.edge[inside]]
    odds[inside] = np.minimum(network.edge_length_m.sum() / length, _MOST)
    cell = np.repeat(np.arange(places.n_cells, dtype=np.int32), np.diff(places.cell_indptr))
    return ParkedSide(
        place_of_edge=place, cell_of_place=cell, odds=odds, at_place=_AT_WORK if work else _AT_HOME
    )


@njit(cache=True)
def park(  # type: ignore[no-untyped-def]
    time_s, expires_s, now_s, start_weekday, row, near_edge, near_weight, place_of_edge, at_place, missed,
    day_of, where,
):  # fmt: skip
    """Gather, for the places near visible sightings, the chance that none of these was of the parked car.

    ``missed`` (1 everywhere on entry) receives that chance, ``where`` the places touched; their number is
    returned. ``day_of`` is -1 everywhere on entry.
    """
    used = 0
    for i in range(len(time_s)):
        if time_s[i] >= now_s:
            break
        r = row[i]
        if r < 0 or expires_s[i] <= now_s:
            continue
        day = time_s[i] // DAY_S
        hour = (time_s[i] % DAY_S) // 3600
        kind = 1
        if hour >= 22 or hour < 6:
            kind = 0
        elif 8 <= hour < 17 and (start_weekday + day) % 7 < 5:
            kind = 2
        for j in range(near_edge.shape[1]):
            e = near_edge[r, j]
            if e < 0:
                continue
            p = place_of_edge[e]
            if p < 0 or day_of[p] == day:
                continue
            if day_of[p] < 0:
                if used == len(where):
                    continue
                where[used] = p
                used += 1
            day_of[p] = day
            missed[p] *= 1.0 - at_place[kind] * near_weight[r, j]
    return used
