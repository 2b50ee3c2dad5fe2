"""Faces: people who pass readers of faces become sightings, with misses, false matches and downtime.

A search compares a face with every entry of a gallery and yields one person at most. Whoever is enrolled is
recognised with the hit rate. Else each of the ``G`` entries matches with chance ``f``, independently, so that
the chance of any false match is ``1 - (1 - f)^G``: it grows with the gallery. That is the false positive
identification rate of P. Grother, M. Ngan & K. Hanaoka, NISTIR 8271, if entries match independently. Of those
on whom it falls, the simulated people are as many as their share of the gallery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras
from simulator.kernels import grown
from simulator.sightings.capture import PHANTOM_PLATE, Sightings, is_night
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.foot import WatchedWays
from simulator.travel.legs import Legs
from simulator.travel.parking import Encounters
from simulator.travel.trips import Trips

# A false match that falls on nobody enrolled so many times falls on somebody who is not simulated.
_TRIES = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Galleries:
    """What each reader's faces are compared with; arrays of shape (n_cameras,).

    Parameters
    ----------
    enrolled_share
        Share of people who are in the gallery.
    simulated_share
        Share of the gallery that is simulated people.
    """

    enrolled_share: NDArray[np.float64]
    simulated_share: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Recognised:
    """Sightings of faces, and who was before the camera, shape (n_sightings,)."""

    sightings: Sightings
    person: NDArray[np.int32]


def on_walks(trips: Trips, legs: Legs, watched: WatchedWays, days: int) -> Encounters:
    """Return whom people on foot pass: readers on their ways, and at the doors where ways begin and end.

    Parameters
    ----------
    legs
        Legs walked (:func:`simulator.travel.walks.walk_legs`).
    """
    person, trip, time_s, camera = _on_walks(
        days * 86_400.0,
        trips.driver,
        trips.day,
        trips.number,
        trips.depart_s,
        trips.arrive_s,
        trips.pace,
        trips.leg,
        trips.from_place,
        trips.to_place,
        legs.pass_indptr,
        legs.pass_camera,
        legs.pass_s,
        watched.end_indptr,
        watched.end_camera,
    )
    return Encounters(person=person, trip=trip, time_s=time_s, camera=camera)


def recognise(
    met: Encounters,
    cameras: Cameras,
    galleries: Galleries,
    working: NDArray[np.bool_],
    n_people: int,
    seed: int,
) -> Recognised:
    """Search every face; return the searches that yielded somebody, by person, time and reader.

    Parameters
    ----------
    working
        Whether each reader works on each day, shape (n_cameras, days).
    n_people
        Simulated people; ids count from 0.
    """
    order = np.lexsort((met.camera, met.time_s, met.person))
    person, time_s, camera = met.person[order], met.time_s[order], met.camera[order]
    read_as, found = _search(
        np.uint64(stream_key(seed, Stream.READ_FACE)),
        np.uint64(stream_key(seed, Stream.FALSE_MATCH)),
        enrolment(n_people, seed),
        person,
        met.trip[order],
        time_s,
        camera,
        cameras.key,
        cameras.read_rate,
        cameras.night_penalty,
        cameras.misread_rate,
        galleries.enrolled_share,
        galleries.simulated_share,
        working,
        PHANTOM_PLATE,
    )
    camera = camera[found]
    return Recognised(
        sightings=Sightings(
            plate=read_as[found],
            time_s=np.floor(time_s[found]).astype(np.int64),
            camera_id=camera,
            x_m=cameras.x_m[camera].astype(np.float32),
            y_m=cameras.y_m[camera].astype(np.float32),
        ),
        person=person[found],
    )


def enrolment(n_people: int, seed: int) -> NDArray[np.float64]:
    """Return each person's number in (0, 1): galleries hold those below their share, so smaller ones nest."""
    return _enrolment(np.uint64(stream_key(seed, Stream.READ_FACE, "enrolment")), n_people)  # type: ignore[no-any-return]


@njit(cache=True)
def _enrolment(key, n_people):  # type: ignore[no-untyped-def]
    out = np.empty(n_people, np.float64)
    for i in range(n_people):
        out[i] = uniforms(key, i, 0, 0, 0)[0]
    return out


@njit(cache=True)
def _on_walks(  # type: ignore[no-untyped-def]
    until_s, person, day, number, depart_s, arrive_s, pace, leg, from_place, to_place, pass_indptr,
    pass_camera, pass_s, end_indptr, end_camera,
):  # fmt: skip
    capacity = 4 * len(person) + 64
    o_person, o_trip = np.empty(capacity, np.int32), np.empty(capacity, np.int64)
    o_time, o_camera = np.empty(capacity, np.float64), np.empty(capacity, np.int32)
    n = 0
    for i in range(len(person)):
        trip = (np.int64(day[i]) << 6) | (number[i] & 63)
        a, b = pass_indptr[leg[i]], pass_indptr[leg[i] + 1]
        out_a, out_b = end_indptr[from_place[i]], end_indptr[from_place[i] + 1]
        in_a, in_b = end_indptr[to_place[i]], end_indptr[to_place[i] + 1]
        most = b - a + out_b - out_a + in_b - in_a
        if n + most > capacity:
            capacity = 2 * capacity + most
            o_person, o_trip = grown(o_person, capacity), grown(o_trip, capacity)
            o_time, o_camera = grown(o_time, capacity), grown(o_camera, capacity)
        for j in range(most):
            if j < b - a:
                c, t = pass_camera[a + j], depart_s[i] + pass_s[a + j] * pace[i]
            elif j < b - a + out_b - out_a:
                c, t = end_camera[out_a + j - (b - a)], depart_s[i]
            else:
                c, t = end_camera[in_a + j - (b - a) - (out_b - out_a)], arrive_s[i]
            if t < until_s:
                o_person[n], o_trip[n], o_time[n], o_camera[n] = person[i], trip, t, c
                n += 1
    return o_person[:n], o_trip[:n], o_time[:n], o_camera[:n]


@njit(cache=True)
def _search(  # type: ignore[no-untyped-def]
    key, false_key, enrolment, person, trip, time_s, camera, camera_key, hit_rate, night_penalty,
    false_chance, enrolled_share, simulated_share, working, phantom,
):  # fmt: skip
    n_people = len(enrolment)
    read_as = np.empty(len(person), np.uint32)
    found = np.zeros(len(person), np.bool_)
    for i in range(len(person)):
        c, who, second = camera[i], person[i], np.int64(time_s[i])
        if not working[c, second // 86_400]:
            continue
        rate = hit_rate[c] - (night_penalty[c] if is_night(time_s[i]) else 0.0)
        enrolled = enrolment[who] < enrolled_share[c]
        if enrolled and uniforms(key, camera_key[c], who, trip[i], second & 0xFFFF)[0] < rate:
            read_as[i], found[i] = who, True
            continue
        u = uniforms(false_key, camera_key[c], who, trip[i], second & 0xFFFF)
        if u[0] >= false_chance[c]:
            continue
        found[i] = True
        read_as[i] = phantom + np.uint32(u[1] * 2147483647.0)
        if u[2] >= simulated_share[c] or n_people < 2:
            continue
        for attempt in range(_TRIES):
            v = uniforms(false_key, who, trip[i], second & 0xFFFF, attempt + 1)
            other = min(int(v[0] * (n_people - 1)), n_people - 2)
            other += 1 if other >= who else 0
            if enrolment[other] < enrolled_share[c]:
                read_as[i] = other
                break
    return read_as, found
