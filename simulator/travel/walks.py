"""Days on foot: plans, the shortest ways between places and stations, and when readers are passed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from simulator.kernels import grown
from simulator.people.drivers import DriverKind, Drivers
from simulator.people.places import Places
from simulator.people.stations import Stations
from simulator.scenario import Scenario
from simulator.travel.foot import FootNetwork, WalkEnds, WatchedWays
from simulator.travel.legs import Legs
from simulator.travel.memory import Destinations
from simulator.travel.plan import DayPlans, plan_days

_DETOUR = 1.25  # what walkers reckon with when they plan
# What the day plan reckons with for drivers (see plan_work in simulator.travel.tours): walkers leave earlier.
_DRIVERS_RECKON_S, _DRIVERS_RECKON_MPS = 180.0, 8.5
_BATCH = 32  # route trees in memory at a time


def nearest_station(drivers: Drivers, places: Places, stations: Stations) -> NDArray[np.int64]:
    """Return the station nearest to each person's home, as the crow flies, shape (n_people,)."""
    tree = cKDTree(np.column_stack([stations.x_m, stations.y_m]))
    home = drivers.home_place
    return np.asarray(tree.query(np.column_stack([places.x_m[home], places.y_m[home]]))[1], dtype=np.int64)


def plan_days_on_foot(
    scenario: Scenario,
    drivers: Drivers,
    places: Places,
    stations: Stations,
    destinations: Destinations,
    seed: int,
    a: int,
    b: int,
) -> DayPlans:
    """Plan all days of people ``a`` to ``b - 1``, who have no car; `destinations` are at walking scale.

    Their tours are those of residents with a car, by the same streams under their own ids. Places beyond the
    map stand for trips by train. Who walks to work leaves early enough to be there in time.
    """
    walking = scenario.walking
    station = nearest_station(drivers, places, stations)
    home, work = drivers.home_place, np.maximum(drivers.work_place, 0)
    by_train = places.edge[work] < 0
    to_x = np.where(by_train, stations.x_m[station], places.x_m[work])
    to_y = np.where(by_train, stations.y_m[station], places.y_m[work])
    crow_m = np.hypot(to_x - places.x_m[home], to_y - places.y_m[home])
    on_foot_s = _DETOUR * crow_m / walking.speed_mps + by_train * walking.station_wait_s
    reckoned_s = _DRIVERS_RECKON_S + np.where(by_train, 0.0, crow_m / _DRIVERS_RECKON_MPS)
    walks = drivers.kind == DriverKind.CAR_FREE
    people = replace(
        drivers,
        kind=np.where(walks, DriverKind.RESIDENT, drivers.kind).astype(np.uint8),
        work_start_h=drivers.work_start_h - np.where(walks, (on_foot_s - reckoned_s) / 3600.0, 0.0),
    )
    travel = scenario.travel.model_copy(update={"external_errand_share": walking.train_tour_share})
    return plan_days(scenario.model_copy(update={"travel": travel}), people, places, destinations, seed, a, b)


def walk_legs(
    plans: DayPlans,
    station_of_person: NDArray[np.int64],
    *,
    speed_mps: float,
    station_wait_s: float,
    foot: FootNetwork,
    ends: WalkEnds,
    places: Places,
    watched: WatchedWays,
) -> Legs:
    """Walk every distinct leg of the plans the shortest way; a trip beyond the map goes to the own station.

    Returns
    -------
    Legs
        Durations and distances include trains; passes are those of readers at streets and stations, without
        the doors of places.
    """
    home = places.n_attractors
    from_code = np.minimum(plans.from_place, home).astype(np.int64)
    to_code = np.minimum(plans.to_place, home).astype(np.int64)
    key = (plans.driver.astype(np.int64) * (home + 1) + from_code) * (home + 1) + to_code
    _, first, of_trip = np.unique(key, return_index=True, return_inverse=True)
    person = plans.driver[first]
    from_place, to_place = plans.from_place[first], plans.to_place[first]

    def end_of(place: NDArray[np.int32]) -> NDArray[np.int64]:
        own = ends.n_places + station_of_person[person]
        return np.where(places.edge[place] >= 0, place, own).astype(np.int64)

    origin, target = end_of(from_place), end_of(to_place)
    # One end is no home, and there are few of those: trees of shortest ways are grown from there.
    is_hub = (np.arange(len(ends.segment)) < home) | (np.arange(len(ends.segment)) >= ends.n_places)
    backward = ~is_hub[target]  # the tree is grown from the origin
    hub, other = np.where(backward, origin, target), np.where(backward, target, origin)
    order = np.argsort(hub, kind="stable")
    matrix = foot.matrix()
    n = len(first)
    duration, distance = np.zeros(n), np.zeros(n)
    counts = np.zeros(n, dtype=np.int64)
    leg, camera, seconds = [], [], []
    hubs = np.unique(hub)
    bounds = np.searchsorted(hub[order], hubs[::_BATCH])
    for low, high in zip(bounds, np.append(bounds[1:], n), strict=True):
        rows = order[low:high]
        segment = ends.segment[hub[rows]]
        sources, at = np.unique(np.concatenate([foot.tail[segment], foot.head[segment]]), return_inverse=True)
        cost_m, before = dijkstra(matrix, directed=True, indices=sources, return_predecessors=True)
        half = len(rows)
        out = _walk(
            at[:half],
            at[half:],
            np.atleast_2d(cost_m),
            np.atleast_2d(before),
            other[rows],
            hub[rows],
            backward[rows],
            places.beyond_s[from_place[rows]],
            places.beyond_s[to_place[rows]],
            ends.n_places,
            speed_mps,
            station_wait_s,
            ends.segment,
            ends.offset_m,
            foot.tail,
            foot.head,
            foot.length_m,
            foot.cost_m,
            foot.indptr,
            foot.segment,
            foot.other,
            watched.segment_indptr,
            watched.segment_camera,
            watched.segment_offset_m,
            watched.end_indptr,
            watched.end_camera,
        )
        duration[rows], distance[rows], passes = out[0], out[1], out[2]
        counts[rows] = passes
        leg.append(np.repeat(rows, passes))
        camera.append(out[3])
        seconds.append(out[4])
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    into = np.argsort(np.concatenate([np.empty(0, np.int64), *leg]), kind="stable")
    return Legs(
        of_trip=np.asarray(of_trip).ravel(),
        duration_s=duration,
        distance_m=distance + places.beyond_m[from_place] + places.beyond_m[to_place],
        pass_indptr=indptr,
        pass_camera=np.concatenate([np.empty(0, np.int32), *camera])[into],
        pass_s=np.concatenate([np.empty(0), *seconds])[into],
        edge_indptr=np.zeros(n + 1, dtype=np.int64),
        edge=np.empty(0, dtype=np.int32),
    )


@njit(cache=True)
def _pieces(  # type: ignore[no-untyped-def]
    a, b, tail_row, head_row, cost_m, before, end_segment, end_offset_m, seg_tail, seg_head, seg_length_m,
    seg_cost_m, indptr, segment, other, piece, low, high,
):  # fmt: skip
    """Write the shortest way from end ``a`` to end ``b`` as pieces of segments; return how many.

    ``piece`` receives segments, ``low`` and ``high`` where on them (metres from the tail) the walk is on and
    off. ``tail_row``, ``head_row``: rows of ``cost_m`` and ``before`` grown from the junctions of ``b``.
    """
    sa, sb = end_segment[a], end_segment[b]
    oa, ob = end_offset_m[a], end_offset_m[b]
    factor_a, factor_b = seg_cost_m[sa] / seg_length_m[sa], seg_cost_m[sb] / seg_length_m[sb]
    best, out_at_head, in_at_head = np.inf, False, False
    if sa == sb:
        best = abs(oa - ob) * factor_a
    direct = sa == sb
    for x in range(2):
        node = seg_head[sa] if x == 1 else seg_tail[sa]
        leaving = (seg_length_m[sa] - oa if x == 1 else oa) * factor_a
        for y in range(2):
            row = head_row if y == 1 else tail_row
            entering = (seg_length_m[sb] - ob if y == 1 else ob) * factor_b
            total = leaving + cost_m[row, node] + entering
            if total < best:
                best, direct, out_at_head, in_at_head = total, False, x == 1, y == 1
    if direct:
        piece[0], low[0], high[0] = sa, oa, ob
        return 1
    n = 1
    piece[0], low[0], high[0] = sa, oa, (seg_length_m[sa] if out_at_head else 0.0)
    node = seg_head[sa] if out_at_head else seg_tail[sa]
    row = head_row if in_at_head else tail_row
    goal = seg_head[sb] if in_at_head else seg_tail[sb]
    while node != goal:
        after = before[row, node]
        for k in range(indptr[node], indptr[node + 1]):
            if other[k] == after:
                s = segment[k]
                piece[n] = s
                if seg_tail[s] == node:
                    low[n], high[n] = 0.0, seg_length_m[s]
                else:
                    low[n], high[n] = seg_length_m[s], 0.0
                n += 1
                break
        node = after
    piece[n], low[n], high[n] = sb, (seg_length_m[sb] if in_at_head else 0.0), ob
    return n + 1


@njit(cache=True)
def _walk(  # type: ignore[no-untyped-def]
    tail_row, head_row, cost_m, before, start, hub, backward, beyond_from_s, beyond_to_s, n_places,
    speed_mps, wait_s, end_segment, end_offset_m, seg_tail, seg_head, seg_length_m, seg_cost_m, indptr,
    segment, other, watched_indptr, watched_camera, watched_offset_m, end_indptr, end_camera,
):  # fmt: skip
    n = len(start)
    duration, distance = np.empty(n), np.empty(n)
    passes = np.zeros(n, np.int64)
    capacity = 4 * n + 64
    camera, seconds = np.empty(capacity, np.int32), np.empty(capacity)
    longest = len(indptr) + 4
    piece, low, high = np.empty(longest, np.int64), np.empty(longest), np.empty(longest)
    used = 0
    for i in range(n):
        k = _pieces(
            start[i], hub[i], tail_row[i], head_row[i], cost_m, before, end_segment, end_offset_m, seg_tail,
            seg_head, seg_length_m, seg_cost_m, indptr, segment, other, piece, low, high,
        )  # fmt: skip
        a, b = (hub[i], start[i]) if backward[i] else (start[i], hub[i])
        most = end_indptr[a + 1] - end_indptr[a] + end_indptr[b + 1] - end_indptr[b]
        for j in range(k):
            most += watched_indptr[piece[j] + 1] - watched_indptr[piece[j]]
        if used + most > capacity:
            capacity = 2 * capacity + most
            camera, seconds = grown(camera, capacity), grown(seconds, capacity)
        before_leg = used
        t = beyond_from_s[i]
        d = 0.0
        if a >= n_places and a != b:  # out of the station
            for c in range(end_indptr[a], end_indptr[a + 1]):
                camera[used], seconds[used] = end_camera[c], t
                used += 1
        for j in range(k):
            p = k - 1 - j if backward[i] else j
            s = piece[p]
            on, off = (high[p], low[p]) if backward[i] else (low[p], high[p])
            first, last = watched_indptr[s], watched_indptr[s + 1]
            for c in range(first, last):
                # Readers are in the order of the segment: turn it round if the walk goes the other way.
                r = c if on <= off else last - 1 - (c - first)
                at = watched_offset_m[r]
                if on < at <= off or off <= at < on:
                    camera[used], seconds[used] = watched_camera[r], t + abs(at - on) / speed_mps
                    used += 1
            t += abs(off - on) / speed_mps
            d += abs(off - on)
        if b >= n_places and a != b:  # into the station
            for c in range(end_indptr[b], end_indptr[b + 1]):
                camera[used], seconds[used] = end_camera[c], t
                used += 1
        if b >= n_places:
            t += wait_s
        duration[i] = t + beyond_to_s[i]
        distance[i] = d
        passes[i] = used - before_leg
    return duration, distance, passes, camera[:used], seconds[:used]
