"""Legs: each distinct (driver, from, to, field) is routed once, as a short list of timed reader passes.

A trip later scales its leg's times by its own speed, so that a year of days costs no further routing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.kernels import grown
from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.scenario import WEEKDAYS, Scenario
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.plan import DayPlans
from simulator.travel.tours import Purpose
from simulator.travel.trees import RouteTrees


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchedEdges:
    """Fixed readers by the directed edge that they watch, in driving order.

    Parameters
    ----------
    indptr
        Readers of edge ``e`` are rows ``indptr[e]:indptr[e + 1]``, shape (n_edges + 1,).
    camera
        Reader ids.
    offset_m
        Distance from the edge's tail, metres.
    """

    indptr: NDArray[np.int64]
    camera: NDArray[np.int32]
    offset_m: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """How recorded legs, one a trip, went along their edges.

    Parameters
    ----------
    from_m, to_m
        Where on its first and its last edge each leg starts and ends, metres from the tail, shape (n_legs,).
    leave_s
        When each of the legs' edges was left, seconds after departure, one for each row of ``Legs.edge``.
    """

    from_m: NDArray[np.float64]
    to_m: NDArray[np.float64]
    leave_s: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Legs:
    """Distinct legs of some drivers, and which one each planned trip uses.

    Parameters
    ----------
    of_trip
        Leg of each planned trip, shape (n_trips,).
    duration_s, distance_m
        Mean travel time and length, shape (n_legs,).
    pass_indptr, pass_camera, pass_s
        Reader passes of leg ``i`` are rows ``pass_indptr[i]:pass_indptr[i + 1]``: the reader and the mean
        time after departure, seconds.
    edge_indptr, edge
        Directed edges of leg ``i`` in driving order; empty unless asked for. -1 on recorded legs: an edge
        that the city lacks.
    timing
        When edges were driven, of recorded legs; ``None`` where travel times follow from the edges.
    """

    of_trip: NDArray[np.int64]
    duration_s: NDArray[np.float64]
    distance_m: NDArray[np.float64]
    pass_indptr: NDArray[np.int64]
    pass_camera: NDArray[np.int32]
    pass_s: NDArray[np.float64]
    edge_indptr: NDArray[np.int64]
    edge: NDArray[np.int32]
    timing: Timing | None = None


def choose_fields(
    scenario: Scenario, plans: DayPlans, habit_share: NDArray[np.float64], seed: int
) -> NDArray[np.uint8]:
    """Return the field (period x n_variants + variant) that each planned trip is routed by.

    Each driver has a habitual variant for each pair of places, and now and then takes another. On trips other
    than commutes some follow a navigation aid instead, which is variant 0.
    """
    return _choose_fields(  # type: ignore[no-any-return]
        np.uint64(stream_key(seed, Stream.ROUTE_CHOICE)),
        plans.driver,
        plans.day,
        plans.number,
        plans.from_place,
        plans.to_place,
        plans.purpose == Purpose.COMMUTE,
        plans.depart_s,
        plans.dwell_s,
        habit_share,
        scenario.travel.navigation_share,
        scenario.travel.aid_habit_share,
        scenario.travel.route_variants + 1,
        WEEKDAYS.index(scenario.start_weekday),
    )


def route_legs(
    plans: DayPlans,
    field: NDArray[np.uint8],
    *,
    network: RoadNetwork,
    places: Places,
    trees: RouteTrees,
    watched: WatchedEdges,
    keep_edges: bool = False,
) -> Legs:
    """Route every distinct leg of the plans, one walk each; keep the edges driven if asked to."""
    # The only place of a driver's that is not an attractor is the own home: one code serves for it.
    home = places.n_attractors
    from_code = np.minimum(plans.from_place, home).astype(np.int64)
    to_code = np.minimum(plans.to_place, home).astype(np.int64)
    n_fields = 2 * trees.n_variants
    key = ((plans.driver.astype(np.int64) * (home + 1) + from_code) * (home + 1) + to_code) * n_fields + field
    _, first, of_trip = np.unique(key, return_index=True, return_inverse=True)
    # Legs of one tree are walked one after another: the tree then stays in the processor's cache.
    origin, target, leg_field = plans.from_place[first], plans.to_place[first], field[first]
    tree = np.where(places.tree[target] >= 0, places.tree[target], places.tree[origin])
    order = np.lexsort((tree, places.tree[target] >= 0, leg_field))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    first = first[order]
    duration, distance, indptr, camera, seconds, edge_indptr, edge = _walk_legs(
        plans.from_place[first],
        plans.to_place[first],
        field[first],
        trees.n_variants,
        places.tree,
        places.edge,
        places.offset_m,
        places.arrive_node,
        places.depart_node,
        places.beyond_m,
        places.beyond_s,
        network.out_indptr,
        network.edge_tail,
        network.edge_head,
        network.edge_length_m,
        trees.edge_time_s,
        trees.next_slot,
        trees.last_slot,
        trees.in_indptr,
        trees.in_edge,
        watched.indptr,
        watched.camera,
        watched.offset_m,
        keep_edges,
    )
    return Legs(
        of_trip=rank[of_trip.ravel()],
        duration_s=duration,
        distance_m=distance,
        pass_indptr=indptr,
        pass_camera=camera,
        pass_s=seconds,
        edge_indptr=edge_indptr,
        edge=edge,
    )


@njit(cache=True)
def _choose_fields(  # type: ignore[no-untyped-def]
    key, driver, day, number, from_place, to_place, commute, depart_s, dwell_s, habit_share, navigation_share,
    aid_habit_share, n_variants, start_weekday,
):  # fmt: skip
    n = len(driver)
    field = np.empty(n, np.uint8)
    clock = 0.0
    for i in range(n):
        if i == 0 or driver[i] != driver[i - 1]:
            clock = 0.0
        # The period comes from the planned time; real departures are within minutes of it.
        clock = max(depart_s[i], clock + dwell_s[i])
        habitual = uniforms(key, driver[i], from_place[i], to_place[i], 1)
        today = uniforms(key, driver[i], day[i], number[i], 2)
        variant = 1 + int(habitual[0] * (n_variants - 1))
        if habitual[1] < aid_habit_share:
            variant = 0  # the habit grew from the aid's advice
        if not commute[i] and today[2] < navigation_share:
            variant = 0
        elif today[0] >= habit_share[driver[i]]:
            variant = 1 + int(today[1] * (n_variants - 1))
        hour = (clock / 3600.0) % 24.0
        weekday = (start_weekday + int(clock // 86400.0)) % 7
        peak = weekday < 5 and (7.0 <= hour < 9.25 or 16.0 <= hour < 18.25)
        field[i] = variant + (n_variants if peak else 0)
    return field


@njit(cache=True)
def collect_edges(  # type: ignore[no-untyped-def]
    buffer, origin, target, field, tree, arrive_node, depart_node, place_edge, out_indptr, edge_tail,
    edge_head, next_slot, last_slot, in_indptr, in_edge,
):  # fmt: skip
    """Write a leg's directed edges in driving order into the buffer; return how many (-1: buffer too small).

    The edges of the places themselves come first and last; external places have none.
    """
    n = 0
    if place_edge[origin] >= 0:
        buffer[n] = place_edge[origin]
        n += 1
    start, end = depart_node[origin], arrive_node[target]
    if tree[target] >= 0:
        node, t = start, tree[target]
        while node != end:
            if n >= len(buffer) - 1:
                return -1
            e = out_indptr[node] + next_slot[field, t, node]
            buffer[n] = e
            n += 1
            node = edge_head[e]
    else:  # a home: follow the origin's tree backwards, then turn the list round
        first, node, t = n, end, tree[origin]
        while node != start:
            if n >= len(buffer) - 1:
                return -1
            e = in_edge[in_indptr[node] + last_slot[field, t, node]]
            buffer[n] = e
            n += 1
            node = edge_tail[e]
        i, j = first, n - 1
        while i < j:
            buffer[i], buffer[j] = buffer[j], buffer[i]
            i += 1
            j -= 1
    if place_edge[target] >= 0:
        buffer[n] = place_edge[target]
        n += 1
    return n


@njit(cache=True)
def _walk_legs(  # type: ignore[no-untyped-def]
    origin, target, field, n_variants, tree, place_edge, place_offset_m, arrive_node, depart_node, beyond_m,
    beyond_s, out_indptr, edge_tail, edge_head, edge_length_m, edge_time_s, next_slot, last_slot, in_indptr,
    in_edge, watched_indptr, watched_camera, watched_offset_m, keep_edges,
):  # fmt: skip
    n = len(origin)
    duration = np.empty(n, np.float64)
    distance = np.empty(n, np.float64)
    indptr = np.zeros(n + 1, np.int64)
    capacity = 8 * n + 64
    camera = np.empty(capacity, np.int32)
    seconds = np.empty(capacity, np.float64)
    buffer = np.empty(2 * len(out_indptr) + 8, np.int64)
    used = 0
    edge_indptr = np.zeros(n + 1, np.int64)
    edge_capacity = 40 * n + 64 if keep_edges else 0
    edge = np.empty(edge_capacity, np.int32)
    driven = 0
    for i in range(n):
        a, b = origin[i], target[i]
        period = 1 if field[i] >= n_variants else 0
        k = collect_edges(
            buffer, a, b, field[i], tree, arrive_node, depart_node, place_edge, out_indptr, edge_tail,
            edge_head, next_slot, last_slot, in_indptr, in_edge,
        )  # fmt: skip
        if keep_edges:
            if driven + k > edge_capacity:
                edge_capacity = 2 * edge_capacity + k
                edge = grown(edge, edge_capacity)
            for j in range(k):
                edge[driven + j] = buffer[j]
            driven += k
            edge_indptr[i + 1] = driven
        t = beyond_s[a]
        d = beyond_m[a]
        for j in range(k):
            e = buffer[j]
            length = edge_length_m[e]
            # At its ends a leg covers a part of an edge only.
            lo = place_offset_m[a] if j == 0 and place_edge[a] >= 0 else 0.0
            hi = place_offset_m[b] if j == k - 1 and place_edge[b] >= 0 else length
            pace = edge_time_s[period, e] / length
            for c in range(watched_indptr[e], watched_indptr[e + 1]):
                at = watched_offset_m[c]
                if lo < at <= hi:
                    if used == capacity:
                        capacity *= 2
                        camera = grown(camera, capacity)
                        seconds = grown(seconds, capacity)
                    camera[used] = watched_camera[c]
                    seconds[used] = t + (at - lo) * pace
                    used += 1
            t += max(hi - lo, 0.0) * pace
            d += max(hi - lo, 0.0)
        duration[i] = t + beyond_s[b]
        distance[i] = d + beyond_m[b]
        indptr[i + 1] = used
    return duration, distance, indptr, camera[:used], seconds[:used], edge_indptr, edge[:driven]
