"""Meetings of cars with readers on cars: who comes by whom, when and where, read or not.

A moving car meets a reader that drives the same street the other way at the same time; a parked car is met by
a reader that drives past its place on either side of the street.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import MobilePasses
from simulator.kernels import grown, grown_rows
from simulator.people.drivers import Drivers
from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.travel.legs import Legs
from simulator.travel.trees import RouteTrees
from simulator.travel.trips import Trips

# No reader takes longer than this over one edge; bounds the search for passes under way.
_LONGEST_PASS_S = 1_800


@dataclass(frozen=True, kw_only=True, eq=False)
class Meetings:
    """Meetings in flat arrays of shape (n_meetings,).

    Parameters
    ----------
    driver
        Who is met.
    time_s
        When, seconds since the first midnight.
    pass_row
        Row of the reader's pass in :class:`simulator.cameras.roster.MobilePasses`.
    edge
        The directed edge that the reader drives.
    place
        Where a parked car stands; -1 for moving cars.
    """

    driver: NDArray[np.int64]
    time_s: NDArray[np.float64]
    pass_row: NDArray[np.int64]
    edge: NDArray[np.int64]
    place: NDArray[np.int64]


def _meetings(found: NDArray[np.int64], time_s: NDArray[np.float64]) -> Meetings:
    return Meetings(driver=found[0], time_s=time_s, pass_row=found[1], edge=found[2], place=found[3])


def meet_moving(
    trips: Trips,
    legs: Legs,
    *,
    passes: MobilePasses,
    begin_s: float,
    end_s: float,
    places: Places,
    network: RoadNetwork,
    trees: RouteTrees,
) -> Meetings:
    """Return the meetings of driving cars between two times; the legs must have kept their edges."""
    return _meetings(
        *_meet_moving(
            begin_s,
            end_s,
            trips.driver,
            trips.depart_s,
            trips.arrive_s,
            trips.pace,
            trips.from_place,
            trips.to_place,
            trips.field,
            trips.leg,
            trees.n_variants,
            places.edge,
            places.offset_m,
            places.beyond_s,
            network.edge_length_m,
            network.reverse_edge,
            trees.edge_time_s,
            legs.edge_indptr,
            legs.edge,
            passes.edge_indptr,
            passes.enter_s,
            passes.duration_s,
        )
    )


def meet_parked(
    trips: Trips,
    *,
    first_driver: int,
    last_driver: int,
    passes: MobilePasses,
    begin_s: float,
    end_s: float,
    drivers: Drivers,
    places: Places,
    network: RoadNetwork,
) -> Meetings:
    """Return the meetings of parked cars that can be seen, between two times.

    A car in a lot is met by readers that sweep lots only; one at home, as its driver's home allows.
    """
    return _meetings(
        *_meet_parked(
            begin_s,
            end_s,
            first_driver,
            np.searchsorted(trips.driver, np.arange(first_driver, last_driver + 1)).astype(np.int64),
            trips.depart_s,
            trips.arrive_s,
            trips.to_place,
            drivers.home_place,
            drivers.visible_at_home,
            places.edge,
            places.offset_m,
            places.in_lot,
            network.edge_length_m,
            network.reverse_edge,
            passes.edge_indptr,
            passes.enter_s,
            passes.duration_s,
            passes.sweep,
        )
    )


@njit(cache=True)
def _first_after(enter_s, lo, hi, time_s):  # type: ignore[no-untyped-def]
    """First row in ``lo:hi`` that is entered at or after a time (bisection)."""
    while lo < hi:
        mid = (lo + hi) // 2
        if enter_s[mid] < time_s:
            lo = mid + 1
        else:
            hi = mid
    return lo


@njit(cache=True)
def _busy_hours(pass_indptr, enter_s, duration_s, begin_s, end_s):  # type: ignore[no-untyped-def]
    """Mark for each edge the hours with a reader on it, a bit an hour: most moving cars meet none."""
    hours = int((end_s - begin_s) / 3600.0) + 2
    busy = np.zeros((len(pass_indptr) - 1, hours // 64 + 1), np.uint64)
    for e in range(len(pass_indptr) - 1):
        for row in range(pass_indptr[e], pass_indptr[e + 1]):
            first = max(int((enter_s[row] - begin_s) // 3600.0), 0)
            last = min(int((enter_s[row] + duration_s[row] - begin_s) // 3600.0), hours - 1)
            for hour in range(first, last + 1):
                busy[e, hour // 64] |= np.uint64(1) << np.uint64(hour % 64)
    return busy


@njit(cache=True)
def _is_busy(busy, edge, from_s, to_s):  # type: ignore[no-untyped-def]
    """Whether a reader is on an edge in the hours between two times (seconds since the block's start)."""
    last = min(int(to_s // 3600.0), busy.shape[1] * 64 - 1)
    for hour in range(max(int(from_s // 3600.0), 0), last + 1):
        if busy[edge, hour // 64] >> np.uint64(hour % 64) & np.uint64(1):
            return True
    return False


@njit(cache=True)
def _meet_moving(  # type: ignore[no-untyped-def]
    begin_s, end_s, driver, depart_s, arrive_s, pace, from_place, to_place, field, leg, n_variants,
    place_edge, place_offset_m, beyond_s, edge_length_m, reverse_edge, edge_time_s, leg_edge_indptr, leg_edge,
    pass_indptr, enter_s, duration_s,
):  # fmt: skip
    capacity, n = 1024, 0
    found, time_s = np.empty((4, capacity), np.int64), np.empty(capacity, np.float64)
    busy = _busy_hours(pass_indptr, enter_s, duration_s, begin_s, end_s)
    for i in range(len(driver)):
        if arrive_s[i] < begin_s or depart_s[i] >= end_s:
            continue
        period = 1 if field[i] >= n_variants else 0
        first, last = leg_edge_indptr[leg[i]], leg_edge_indptr[leg[i] + 1] - 1
        leaves = depart_s[i] + pace[i] * beyond_s[from_place[i]]
        for j in range(first, last + 1):
            e = leg_edge[j]
            part = 1.0  # at its ends a leg covers a part of an edge only
            if j == first and place_edge[from_place[i]] >= 0:
                part = 1.0 - place_offset_m[from_place[i]] / edge_length_m[e]
            elif j == last and place_edge[to_place[i]] >= 0:
                part = place_offset_m[to_place[i]] / edge_length_m[e]
            enters = leaves
            leaves = enters + pace[i] * part * edge_time_s[period, e]
            other = reverse_edge[e]
            if other < 0 or not _is_busy(busy, other, enters - begin_s, leaves - begin_s):
                continue
            row, end = pass_indptr[other], pass_indptr[other + 1]
            row = _first_after(enter_s, row, end, enters - _LONGEST_PASS_S)
            while row < end and enter_s[row] < leaves:
                reader_leaves = enter_s[row] + duration_s[row]
                t = 0.5 * (max(enters, enter_s[row]) + min(leaves, reader_leaves))
                if reader_leaves > enters and begin_s <= t < end_s:
                    if n == capacity:
                        capacity *= 2
                        found, time_s = grown_rows(found, n, capacity), grown(time_s, capacity)
                    found[0, n], found[1, n], found[2, n], found[3, n] = driver[i], row, other, -1
                    time_s[n] = t
                    n += 1
                row += 1
    return found[:, :n], time_s[:n]


@njit(cache=True)
def _meet_parked(  # type: ignore[no-untyped-def]
    begin_s, end_s, first_driver, indptr, depart_s, arrive_s, to_place, home_place, visible_at_home,
    place_edge, place_offset_m, in_lot, edge_length_m, reverse_edge, pass_indptr, enter_s, duration_s, sweep,
):  # fmt: skip
    capacity, n = 1024, 0
    found, time_s = np.empty((4, capacity), np.int64), np.empty(capacity, np.float64)
    for p in range(len(indptr) - 1):
        driver = first_driver + p
        a, b = indptr[p], indptr[p + 1]
        for i in range(a, b + 1):  # the stay before trip i; the last one ends with the simulation
            place = home_place[driver] if i == a else to_place[i - 1]
            since = begin_s if i == a else max(arrive_s[i - 1], begin_s)
            until = end_s if i == b else min(depart_s[i], end_s)
            from_street = visible_at_home[driver] if place == home_place[driver] else not in_lot[place]
            e = place_edge[place]
            if e < 0 or since >= until or not (from_street or in_lot[place]):
                continue
            part = place_offset_m[place] / edge_length_m[e]
            for drives, along in ((e, part), (reverse_edge[e], 1.0 - part)):
                if drives < 0:
                    continue
                row, end = pass_indptr[drives], pass_indptr[drives + 1]
                row = _first_after(enter_s, row, end, since - _LONGEST_PASS_S)
                while row < end and enter_s[row] < until:
                    t = enter_s[row] + along * duration_s[row]
                    if since <= t < until and (from_street or sweep[row]):
                        if n == capacity:
                            capacity *= 2
                            found, time_s = grown_rows(found, n, capacity), grown(time_s, capacity)
                        found[0, n], found[1, n], found[2, n], found[3, n] = driver, row, drives, place
                        time_s[n] = t
                        n += 1
                    row += 1
    return found[:, :n], time_s[:n]
