"""Meetings of cars with readers on cars: who comes by whom, when and where, read or not.

A moving car meets a reader that drives the same street the other way at the same time; a parked car is met by
a reader that drives past its place on either side of the street. Where trips are recorded, with the time at
which each edge was left, a moving car meets a reader where the two come by each other, both at an even pace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import MobilePasses
from simulator.kernels import grown, grown_rows
from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.travel.legs import Legs
from simulator.travel.stands import Stands
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
    spot
        Where a parked car stands, a row of :class:`simulator.travel.stands.Stands`; -1 for moving cars.
    """

    driver: NDArray[np.int64]
    time_s: NDArray[np.float64]
    pass_row: NDArray[np.int64]
    edge: NDArray[np.int64]
    spot: NDArray[np.int64]


def _meetings(found: NDArray[np.int64], time_s: NDArray[np.float64]) -> Meetings:
    return Meetings(driver=found[0], time_s=time_s, pass_row=found[1], edge=found[2], spot=found[3])


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
    if legs.timing is not None:
        return _meetings(
            *_meet_recorded(
                begin_s,
                end_s,
                trips.driver,
                trips.depart_s,
                trips.leg,
                legs.edge_indptr,
                legs.edge,
                legs.timing.leave_s,
                legs.timing.from_m,
                legs.timing.to_m,
                network.edge_length_m,
                network.reverse_edge,
                passes.edge_indptr,
                passes.enter_s,
                passes.duration_s,
            )
        )
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
    stands: Stands,
    network: RoadNetwork,
) -> Meetings:
    """Return the meetings of parked cars that can be seen, between two times.

    A car in a lot is met by readers that sweep lots only; one at home, as its driver's home allows.
    ``stands`` are those of ``trips``.
    """
    return _meetings(
        *_meet_parked(
            begin_s,
            end_s,
            first_driver,
            np.searchsorted(trips.driver, np.arange(first_driver, last_driver + 1)).astype(np.int64),
            trips.depart_s,
            trips.arrive_s,
            stands.after_trip,
            stands.first,
            stands.first_in_sight,
            stands.edge,
            stands.offset_m,
            stands.in_lot,
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
def _meet_recorded(  # type: ignore[no-untyped-def]
    begin_s, end_s, driver, depart_s, leg, leg_edge_indptr, leg_edge, leave_s, from_m, to_m, edge_length_m,
    reverse_edge, pass_indptr, enter_s, duration_s,
):  # fmt: skip
    capacity, n = 1024, 0
    found, time_s = np.empty((4, capacity), np.int64), np.empty(capacity, np.float64)
    busy = _busy_hours(pass_indptr, enter_s, duration_s, begin_s, end_s)
    longest_s = float(duration_s.max()) if len(duration_s) else 0.0
    for i in range(len(driver)):
        first, last = leg_edge_indptr[leg[i]], leg_edge_indptr[leg[i] + 1] - 1
        if depart_s[i] >= end_s or depart_s[i] + leave_s[last] < begin_s:
            continue
        leaves = depart_s[i]
        for j in range(first, last + 1):
            enters, e = leaves, leg_edge[j]
            leaves = depart_s[i] + leave_s[j]
            other = reverse_edge[e] if e >= 0 else -1
            if other < 0 or not _is_busy(busy, other, enters - begin_s, leaves - begin_s):
                continue
            length_m = edge_length_m[e]
            lo = from_m[leg[i]] if j == first else 0.0
            hi = max(to_m[leg[i]] if j == last else length_m, lo)
            speed = (hi - lo) / max(leaves - enters, 1e-9)
            row, end = pass_indptr[other], pass_indptr[other + 1]
            row = _first_after(enter_s, row, end, enters - longest_s)
            while row < end and enter_s[row] < leaves:
                reader_speed = length_m / duration_s[row]
                since = max(enters, enter_s[row])
                until = min(leaves, enter_s[row] + duration_s[row])
                # How far the reader is ahead of the car; they meet when it is so no longer.
                ahead_m = length_m - reader_speed * (since - enter_s[row]) - lo - speed * (since - enters)
                t = since + ahead_m / (reader_speed + speed)
                if ahead_m > 0.0 and t <= until and begin_s <= t < end_s:
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
    begin_s, end_s, first_driver, indptr, depart_s, arrive_s, after_trip, first_spot, first_in_sight,
    spot_edge, spot_offset_m, in_lot, edge_length_m, reverse_edge, pass_indptr, enter_s, duration_s, sweep,
):  # fmt: skip
    capacity, n = 1024, 0
    found, time_s = np.empty((4, capacity), np.int64), np.empty(capacity, np.float64)
    for p in range(len(indptr) - 1):
        driver = first_driver + p
        a, b = indptr[p], indptr[p + 1]
        for i in range(a, b + 1):  # the stay before trip i; the last one ends with the simulation
            spot = first_spot[driver] if i == a else after_trip[i - 1]
            since = begin_s if i == a else max(arrive_s[i - 1], begin_s)
            until = end_s if i == b else min(depart_s[i], end_s)
            from_street = first_in_sight[driver] if spot == first_spot[driver] else not in_lot[spot]
            e = spot_edge[spot]
            if e < 0 or since >= until or not (from_street or in_lot[spot]):
                continue
            part = spot_offset_m[spot] / edge_length_m[e]
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
                        found[0, n], found[1, n], found[2, n], found[3, n] = driver, row, drives, spot
                        time_s[n] = t
                        n += 1
                    row += 1
    return found[:, :n], time_s[:n]
