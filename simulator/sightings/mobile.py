"""Readers on cars: they read oncoming cars, and parked cars that stand beside the street they drive."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, MobilePasses
from simulator.kernels import grown
from simulator.people.drivers import Drivers
from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.sightings.capture import Raw, is_night
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.legs import Legs
from simulator.travel.trees import RouteTrees
from simulator.travel.trips import Trips

DAY_S = 86_400.0
# No reader takes longer than this over one edge; bounds the search for passes under way.
_LONGEST_PASS_S = 1_800


def read_from_cars(
    trips: Trips,
    legs: Legs,
    *,
    first_driver: int,
    last_driver: int,
    passes: MobilePasses,
    day_from: int,
    day_to: int,
    drivers: Drivers,
    places: Places,
    network: RoadNetwork,
    trees: RouteTrees,
    cameras: Cameras,
    working: NDArray[np.bool_],
    seed: int,
) -> Raw:
    """Read the moving and parked cars of drivers ``first_driver`` to ``last_driver - 1`` during some days.

    Parameters
    ----------
    trips
        All trips of these drivers, by driver and time.
    legs
        Their legs, with the edges kept.
    passes
        Passes that cover the days, shifts begun the evening before included.
    day_from, day_to
        Days, counted from 0, half-open; reads outside are left to other blocks.
    """
    indptr = np.searchsorted(trips.driver, np.arange(first_driver, last_driver + 1)).astype(np.int64)
    x, y = network.node_x_m, network.node_y_m
    driver, time_s, camera, x_m, y_m = _read_from_cars(
        np.uint64(stream_key(seed, Stream.READ_MOVING)),
        np.uint64(stream_key(seed, Stream.READ_PARKED)),
        np.uint64(stream_key(seed, Stream.GPS_ERROR)),
        first_driver,
        indptr,
        day_from * DAY_S,
        day_to * DAY_S,
        trips.depart_s,
        trips.arrive_s,
        trips.pace,
        trips.from_place,
        trips.to_place,
        trips.field,
        trips.leg,
        trees.n_variants,
        drivers.home_place,
        drivers.visible_at_home,
        places.edge,
        places.offset_m,
        places.beyond_s,
        places.in_lot,
        places.x_m,
        places.y_m,
        network.edge_tail,
        network.edge_head,
        network.edge_length_m,
        network.reverse_edge,
        x,
        y,
        trees.edge_time_s,
        legs.edge_indptr,
        legs.edge,
        passes.edge_indptr,
        passes.enter_s,
        passes.duration_s,
        passes.camera,
        passes.sweep,
        cameras.key,
        cameras.read_rate,
        cameras.parked_read_rate,
        cameras.night_penalty,
        cameras.gps_error_m,
        working,
    )
    return Raw(driver=driver, time_s=time_s, camera_id=camera, x_m=x_m, y_m=y_m)


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
def _read_from_cars(  # type: ignore[no-untyped-def]
    moving_key, parked_key, gps_key, first_driver, indptr, begin_s, end_s, depart_s, arrive_s, pace,
    from_place, to_place, field, leg, n_variants, home_place, visible_at_home, place_edge, place_offset_m,
    beyond_s, in_lot, place_x, place_y, edge_tail, edge_head, edge_length_m, reverse_edge, node_x, node_y,
    edge_time_s, leg_edge_indptr, leg_edge, pass_indptr, enter_s, duration_s, pass_camera, sweep, camera_key,
    read_rate, parked_read_rate, night_penalty, gps_error_m, working,
):  # fmt: skip
    capacity = 1024
    o_driver = np.empty(capacity, np.int32)
    o_time = np.empty(capacity, np.float64)
    o_camera = np.empty(capacity, np.int32)
    o_x = np.empty(capacity, np.float64)
    o_y = np.empty(capacity, np.float64)
    busy = _busy_hours(pass_indptr, enter_s, duration_s, begin_s, end_s)
    n = 0
    for p in range(len(indptr) - 1):
        driver = first_driver + p
        a, b = indptr[p], indptr[p + 1]
        for i in range(a, b + 1):
            # The stay before trip i (the last one ends with the simulation).
            place = home_place[driver] if i == a else to_place[i - 1]
            since = begin_s if i == a else max(arrive_s[i - 1], begin_s)
            until = end_s if i == b else min(depart_s[i], end_s)
            if since >= end_s:
                break
            e = place_edge[place]
            seen_from_street = not in_lot[place]
            if place == home_place[driver]:
                seen_from_street = visible_at_home[driver]
            if e >= 0 and since < until and (seen_from_street or in_lot[place]):
                for side in range(2):
                    drive = e if side == 0 else reverse_edge[e]
                    if drive < 0:
                        continue
                    along = place_offset_m[place] / edge_length_m[e]
                    if side == 1:
                        along = 1.0 - along
                    hi = pass_indptr[drive + 1]
                    row = _first_after(enter_s, pass_indptr[drive], hi, since - _LONGEST_PASS_S)
                    while row < hi and enter_s[row] < until:
                        t = enter_s[row] + along * duration_s[row]
                        c = pass_camera[row]
                        on = int(t // 86400.0)
                        if since <= t < until and (seen_from_street or sweep[row]) and working[c, on]:
                            u = uniforms(parked_key, camera_key[c], driver, enter_s[row], drive)
                            if u[0] < parked_read_rate[c] - (night_penalty[c] if is_night(t) else 0.0):
                                if n == capacity:
                                    capacity *= 2
                                    o_driver, o_time = grown(o_driver, capacity), grown(o_time, capacity)
                                    o_camera = grown(o_camera, capacity)
                                    o_x, o_y = grown(o_x, capacity), grown(o_y, capacity)
                                dx, dy = _gps_error(
                                    gps_key, camera_key[c], driver, enter_s[row], gps_error_m[c]
                                )
                                o_driver[n], o_time[n], o_camera[n] = driver, t, c
                                o_x[n], o_y[n] = place_x[place] + dx, place_y[place] + dy
                                n += 1
                        row += 1
            if i == b or arrive_s[i] < begin_s or depart_s[i] >= end_s:
                continue
            # Trip i: which readers come the other way?
            first, k = leg_edge_indptr[leg[i]], leg_edge_indptr[leg[i] + 1] - leg_edge_indptr[leg[i]]
            period = 1 if field[i] >= n_variants else 0
            t0 = depart_s[i] + pace[i] * beyond_s[from_place[i]]
            for j in range(k):
                e = leg_edge[first + j]
                part = 1.0
                if j == 0 and place_edge[from_place[i]] >= 0:
                    part = 1.0 - place_offset_m[from_place[i]] / edge_length_m[e]
                elif j == k - 1 and place_edge[to_place[i]] >= 0:
                    part = place_offset_m[to_place[i]] / edge_length_m[e]
                t1 = t0 + pace[i] * part * edge_time_s[period, e]
                opposite = reverse_edge[e]
                if opposite >= 0 and _is_busy(busy, opposite, t0 - begin_s, t1 - begin_s):
                    hi = pass_indptr[opposite + 1]
                    row = _first_after(enter_s, pass_indptr[opposite], hi, t0 - _LONGEST_PASS_S)
                    while row < hi and enter_s[row] < t1:
                        leaves = enter_s[row] + duration_s[row]
                        if leaves > t0:
                            t = 0.5 * (max(t0, enter_s[row]) + min(t1, leaves))
                            c = pass_camera[row]
                            if begin_s <= t < end_s and working[c, int(t // 86400.0)]:
                                u = uniforms(moving_key, camera_key[c], driver, enter_s[row], opposite)
                                if u[0] < read_rate[c] - (night_penalty[c] if is_night(t) else 0.0):
                                    if n == capacity:
                                        capacity *= 2
                                        o_driver, o_time = grown(o_driver, capacity), grown(o_time, capacity)
                                        o_camera = grown(o_camera, capacity)
                                        o_x, o_y = grown(o_x, capacity), grown(o_y, capacity)
                                    at = (t - enter_s[row]) / max(duration_s[row], 1e-3)
                                    tail, head = edge_tail[opposite], edge_head[opposite]
                                    dx, dy = _gps_error(
                                        gps_key, camera_key[c], driver, enter_s[row], gps_error_m[c]
                                    )
                                    o_driver[n], o_time[n], o_camera[n] = driver, t, c
                                    o_x[n] = node_x[tail] + at * (node_x[head] - node_x[tail]) + dx
                                    o_y[n] = node_y[tail] + at * (node_y[head] - node_y[tail]) + dy
                                    n += 1
                        row += 1
                t0 = t1
    return o_driver[:n], o_time[:n], o_camera[:n], o_x[:n], o_y[:n]


@njit(cache=True)
def _gps_error(key, camera_key, driver, second, sigma_m):  # type: ignore[no-untyped-def]
    """Two normal errors by Box and Muller's method, metres."""
    u = uniforms(key, camera_key, driver, second, 0)
    r = sigma_m * np.sqrt(-2.0 * np.log(u[0]))
    return r * np.cos(2.0 * np.pi * u[1]), r * np.sin(2.0 * np.pi * u[1])
