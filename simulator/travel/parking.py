"""From the car to the door and back: where a car is left, and which readers of faces its driver walks past.

A car in the street stands some metres along the streets from the place that its driver goes to; one in a lot
as far, but within the lot, where no reader of a street looks; one in a driveway or garage stands at the door.
A car is left where it was: the way back leads past the same readers. Readers of plates keep taking cars to
stand at the place itself (:mod:`simulator.sightings.meetings`), so that looking at faces changes no plate's
read; the two differ by the distance walked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.kernels import grown
from simulator.people.drivers import Drivers, Parking
from simulator.people.places import Places
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.foot import FootNetwork, WalkEnds, WatchedWays
from simulator.travel.trips import Trips


@dataclass(frozen=True, kw_only=True, eq=False)
class Encounters:
    """People who pass readers of faces; arrays of shape (n_encounters,).

    Parameters
    ----------
    person
        Person id.
    trip
        Code of the trip that the walk belongs to, for random streams.
    time_s
        Seconds since the first midnight.
    camera
        Reader.
    """

    person: NDArray[np.int32]
    trip: NDArray[np.int64]
    time_s: NDArray[np.float64]
    camera: NDArray[np.int32]


def walk_from_cars(
    trips: Trips,
    *,
    first_driver: int,
    last_driver: int,
    mean_m: float,
    speed_mps: float,
    drivers: Drivers,
    places: Places,
    foot: FootNetwork,
    ends: WalkEnds,
    watched: WatchedWays,
    days: int,
    seed: int,
) -> Encounters:
    """Return whom drivers ``first_driver`` to ``last_driver - 1`` pass between their cars and doors.

    Parameters
    ----------
    trips
        All trips of these drivers, by driver and time.
    mean_m
        Mean distance between car and door; it is exponential, and never more than half a stay's walk.
    """
    at_home = np.where(drivers.parking == Parking.STREET, 1, 0).astype(np.uint8)
    person, trip, time_s, camera = _park_and_walk(
        np.uint64(stream_key(seed, Stream.PARKING_WALK)),
        mean_m,
        speed_mps,
        days * 86_400.0,
        first_driver,
        np.searchsorted(trips.driver, np.arange(first_driver, last_driver + 1)).astype(np.int64),
        trips.day,
        trips.number,
        trips.depart_s,
        trips.arrive_s,
        trips.to_place,
        drivers.home_place,
        at_home,
        places.in_lot,
        ends.segment,
        ends.offset_m,
        foot.tail,
        foot.head,
        foot.length_m,
        foot.indptr,
        foot.segment,
        foot.other,
        watched.segment_indptr,
        watched.segment_camera,
        watched.segment_offset_m,
        watched.end_indptr,
        watched.end_camera,
    )
    return Encounters(person=person, trip=trip, time_s=time_s, camera=camera)


@njit(cache=True)
def _stroll(  # type: ignore[no-untyped-def]
    key, driver, stay, start, length_m, end_segment, end_offset_m, seg_tail, seg_head, seg_length_m, indptr,
    segment, other, watched_indptr, watched_camera, watched_offset_m, camera, away_m,
):  # fmt: skip
    """Walk away from a place along the streets, at random at junctions and never straight back.

    ``camera`` and ``away_m`` receive the readers passed within ``length_m`` and how far away they are;
    returns how many, and how far the walk came (less than ``length_m`` where a street ends).
    """
    s, at = end_segment[start], end_offset_m[start]
    u = uniforms(key, driver, stay, 0, 1)
    to_head = u[0] < 0.5
    gone, used, step = 0.0, 0, 1
    while True:
        end = seg_length_m[s] if to_head else 0.0
        reach = min(abs(end - at), length_m - gone)
        stop = at + reach if to_head else at - reach
        for c in range(watched_indptr[s], watched_indptr[s + 1]):
            where = watched_offset_m[c]
            if (at < where <= stop or stop <= where < at) and used < len(camera):
                camera[used], away_m[used] = watched_camera[c], gone + abs(where - at)
                used += 1
        gone += reach
        if gone >= length_m:
            return used, gone
        node = seg_head[s] if to_head else seg_tail[s]
        ways = indptr[node + 1] - indptr[node] - 1
        if ways <= 0:
            return used, gone
        pick = min(int(uniforms(key, driver, stay, step, 1)[0] * ways), ways - 1)
        for k in range(indptr[node], indptr[node + 1]):
            if segment[k] == s:
                continue
            if pick == 0:
                s = segment[k]
                break
            pick -= 1
        to_head = seg_tail[s] == node
        at = 0.0 if to_head else seg_length_m[s]
        step += 1


@njit(cache=True)
def _park_and_walk(  # type: ignore[no-untyped-def]
    key, mean_m, speed_mps, until_s, first_driver, trip_indptr, day, number, depart_s, arrive_s, to_place,
    home_place, street_at_home, in_lot, end_segment, end_offset_m, seg_tail, seg_head, seg_length_m, indptr,
    segment, other, watched_indptr, watched_camera, watched_offset_m, end_indptr, end_camera,
):  # fmt: skip
    capacity = 4 * len(day) + 64
    o_person, o_trip = np.empty(capacity, np.int32), np.empty(capacity, np.int64)
    o_time, o_camera = np.empty(capacity, np.float64), np.empty(capacity, np.int32)
    camera, away_m = np.empty(256, np.int32), np.empty(256, np.float64)
    n = 0
    for d in range(len(trip_indptr) - 1):
        driver = first_driver + d
        first, last = trip_indptr[d], trip_indptr[d + 1]
        # Stay i follows trip i - 1 and ends with trip i; the first began before the first day, at home.
        for i in range(first, last + 1):
            place = home_place[driver] if i == first else to_place[i - 1]
            if end_segment[place] < 0:
                continue
            stay = np.int64(1) << 31
            from_s, to_s = -np.inf, np.inf
            if i > first:
                stay = (np.int64(day[i - 1]) << 6) | (number[i - 1] & 63)
                from_s = arrive_s[i - 1]
            if i < last:
                to_s = depart_s[i]
            in_street = not in_lot[place]
            walks = True
            if place == home_place[driver]:
                in_street = street_at_home[driver] == 1
                walks = in_street
            length_m = 0.0
            if walks and mean_m > 0.0:
                length_m = -mean_m * np.log(uniforms(key, driver, stay, 0, 0)[0])
                length_m = min(length_m, 0.5 * speed_mps * max(to_s - from_s, 0.0))
            used = 0
            if in_street and length_m > 0.0:
                used, length_m = _stroll(
                    key, driver, stay, place, length_m, end_segment, end_offset_m, seg_tail, seg_head,
                    seg_length_m, indptr, segment, other, watched_indptr, watched_camera, watched_offset_m,
                    camera, away_m,
                )  # fmt: skip
            doors = end_indptr[place + 1] - end_indptr[place]
            if n + 2 * (used + doors) > capacity:
                capacity = 2 * capacity + 2 * (used + doors)
                o_person, o_trip = grown(o_person, capacity), grown(o_trip, capacity)
                o_time, o_camera = grown(o_time, capacity), grown(o_camera, capacity)
            for way in range(2):
                if (way == 0 and i == first) or (way == 1 and i == last):
                    continue
                for j in range(used + doors):
                    c = camera[j] if j < used else end_camera[end_indptr[place] + j - used]
                    walked_s = (length_m - (away_m[j] if j < used else 0.0)) / speed_mps
                    t = from_s + walked_s if way == 0 else to_s - walked_s
                    if 0.0 <= t < until_s:
                        o_person[n], o_trip[n], o_time[n], o_camera[n] = driver, stay, t, c
                        n += 1
    return o_person[:n], o_trip[:n], o_time[:n], o_camera[:n]
