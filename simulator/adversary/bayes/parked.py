"""Sightings by readers on cars, and at car parks: a car that is read there stands there, or drives by.

A car that is read by a passing patrol or spotter car at night most likely stands at home, and by day, on
weekdays, perhaps at work; otherwise it is anywhere on the streets. With ``q`` the chance that a sighting of
that hour is one of the car parked at the place, a street ``e`` that holds a share ``s`` of the streets'
points
around the sighting is by a factor of ``1 + q / (1 - q) * s * (all streets' length / length of e)`` likelier
to
be the place than a street elsewhere: the density of sightings along one's own street, against that along all
streets. A reader's own way through the town cancels out. Sightings of one day at one street count once, and
those of several days add up, since any habit repeats.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.hypotheses import Hypotheses
from simulator.adversary.knowledge import ReaderFacts
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import DAY_S, ArchiveView

_REACH_M = 40.0
_POSITION_ERROR_M = 10.0
_NEIGHBOURS = 16
_SHORTEST_M = 15.0
NIGHT, DAY, WORKING_HOURS, LOT = 0, 1, 2, 3
#: Chance that a sighting is one of the car parked at home, and, of those who have a work place, at work: by
#: readers on cars at night, by day, on weekdays between 8 and 17 h; then the same at the entry of a car park.
#: What an adversary takes for granted that has had no practice (:mod:`simulator.adversary.bayes.practice`).
AT_HOME = (0.7, 0.4, 0.3, 0.01, 0.01, 0.01)
AT_WORK = (0.03, 0.06, 0.35, 0.3, 0.3, 0.6)


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearby:
    """Streets near the sightings by readers on cars.

    Parameters
    ----------
    row
        Row of each sighting of the view in the other arrays, -1 for readers that traffic passes by, shape
        (n_sightings,).
    edge, share
        Directed edges near it, -1 where there are fewer, and how well they fit, summing to 1 a row, shape
        (n_rows, 16).
    lot
        Whether the reader is one of a car park, shape (n_rows,).
    """

    row: NDArray[np.int32]
    edge: NDArray[np.int32]
    share: NDArray[np.float32]
    lot: NDArray[np.bool_]


def nearby(view: ArchiveView, readers: ReaderFacts, network: RoadNetwork) -> Nearby:
    """Find the streets near all sightings but those by readers that traffic passes by."""
    at_lot = np.zeros(len(readers.fixed), dtype=np.bool_) if readers.lot is None else readers.lot
    aside = np.flatnonzero((~readers.fixed | at_lot)[view.camera_id])
    row = np.full(len(view.camera_id), -1, dtype=np.int32)
    row[aside] = np.arange(len(aside), dtype=np.int32)
    edge = np.full((max(len(aside), 1), _NEIGHBOURS), -1, dtype=np.int32)
    share = np.zeros(edge.shape, dtype=np.float32)
    if len(aside):
        points = np.column_stack([view.x_m[aside], view.y_m[aside]]).astype(np.float64)
        found, far_m = network.edges_near(points, _NEIGHBOURS, _REACH_M)
        # A street has several sampled points: the nearest one, which comes first, stands for it.
        for j in range(_NEIGHBOURS):
            again = (found[:, :j] == found[:, j : j + 1]).any(axis=1)
            edge[:, j] = np.where(again, -1, found[:, j])
        fit = np.exp(-0.5 * (np.maximum(far_m - 10.0, 0.0) / _POSITION_ERROR_M) ** 2)
        fit = np.where(edge >= 0, fit, 0.0)
        share[:] = fit / np.maximum(fit.sum(axis=1, keepdims=True), 1e-9)
    return Nearby(row=row, edge=edge, share=share, lot=at_lot[view.camera_id[aside]])


@dataclass(frozen=True, kw_only=True, eq=False)
class ParkedSide:
    """What sightings by readers on cars need to know about one target.

    Parameters
    ----------
    place_of_edge
        Hypothesis of each directed edge, -1 where there is none, shape (n_edges,).
    cell_of_place
        Cell of each hypothesis, shape (n,).
    density
        All streets' length over the hypothesis' own, 0 beyond gateways, shape (n,).
    """

    place_of_edge: NDArray[np.int32]
    cell_of_place: NDArray[np.int32]
    density: NDArray[np.float64]


def parked_side(places: Hypotheses, network: RoadNetwork) -> ParkedSide:
    """Index a target's hypotheses by street."""
    place = np.full(network.n_edges, -1, dtype=np.int32)
    inside = np.flatnonzero(places.edge >= 0)
    place[places.edge[inside]] = inside
    density = np.zeros(places.n)
    length = network.edge_length_m[places.edge[inside]]
    density[inside] = network.edge_length_m.sum() / np.maximum(length, _SHORTEST_M)
    cell = np.repeat(np.arange(places.n_cells, dtype=np.int32), np.diff(places.cell_indptr))
    return ParkedSide(place_of_edge=place, cell_of_place=cell, density=density)


@borrows()
def kind_of(time_s, start_weekday, lot):  # type: ignore[no-untyped-def]
    """Return the kind of a sighting: by hour, and whether at a car park."""
    hour = (time_s % DAY_S) // 3600
    kind = DAY
    if hour >= 22 or hour < 6:
        kind = NIGHT
    elif 8 <= hour < 17 and (start_weekday + time_s // DAY_S) % 7 < 5:
        kind = WORKING_HOURS
    return kind + LOT if lot else kind


@njit(cache=True)
def kinds_of(time_s, start_weekday, lot):  # type: ignore[no-untyped-def]
    """Return the kinds of many sightings."""
    kind = np.empty(len(time_s), np.int64)
    for i in range(len(time_s)):
        kind[i] = kind_of(time_s[i], start_weekday, lot[i])
    return kind


@borrows()
def park(  # type: ignore[no-untyped-def]
    time_s, expires_s, now_s, start_weekday, row, near_edge, near_share, near_lot, place_of_edge, density,
    at_place, elsewhere, odds, day_of, where,
):  # fmt: skip
    """Gather, for the places near visible sightings, the odds that one of these was of the parked car.

    ``odds`` (0 everywhere on entry) receives them, ``where`` the places touched; their number is returned,
    and the log-likelihood of there being no such place. ``day_of`` is -1 everywhere on entry;
    ``elsewhere[e]`` is the chance that the car's other place is at edge ``e``: a car that stands at home is
    not seen at work.
    """
    used, nowhere, counted_day = 0, 0.0, -1
    for i in range(len(time_s)):
        if time_s[i] >= now_s:
            break
        r = row[i]
        if r < 0 or expires_s[i] <= now_s:
            continue
        day = time_s[i] // DAY_S
        other = 0.0
        for j in range(near_edge.shape[1]):
            e = near_edge[r, j]
            if e >= 0:
                other += elsewhere[e]
        q = at_place[kind_of(time_s[i], start_weekday, near_lot[r])] * (1.0 - min(other, 1.0))
        if day != counted_day:
            nowhere -= np.log(1.0 - q)
            counted_day = day
        ratio = q / (1.0 - q)
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
            odds[p] += ratio * density[p] * near_share[r, j]
    return used, nowhere
