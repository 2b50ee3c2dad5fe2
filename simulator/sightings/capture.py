"""Capture: passes by readers become sightings, with misses, misreads, downtime and position error.

Every draw is keyed on the reader and on the driver's trip (or stay), so that adding a reader, or a driver,
changes no other read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras
from simulator.kernels import grown
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.legs import Legs
from simulator.travel.trips import Trips

NIGHT_START_H, NIGHT_END_H = 21.0, 6.0
_NIGHT_START_S, _NIGHT_END_S = int(NIGHT_START_H * 3600), int(NIGHT_END_H * 3600)
# Of misread plates, few belong to another simulated driver; the rest are plates that nobody here has.
STRAY_SHARE = 0.1
PHANTOM_PLATE = np.uint32(1 << 31)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sightings:
    """Reads in flat arrays of shape (n_sightings,).

    Parameters
    ----------
    plate
        The plate as read. Plates of ``2**31`` and more belong to no simulated driver.
    time_s
        Whole seconds since the first midnight.
    camera_id
        Reader.
    x_m, y_m
        The position that the reader reports, metres.
    """

    plate: NDArray[np.uint32]
    time_s: NDArray[np.int64]
    camera_id: NDArray[np.int32]
    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]

    @property
    def n_sightings(self) -> int:
        return len(self.plate)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Sightings:
        """Return some of the rows."""
        return Sightings(
            plate=self.plate[rows],
            time_s=self.time_s[rows],
            camera_id=self.camera_id[rows],
            x_m=self.x_m[rows],
            y_m=self.y_m[rows],
        )

    def sorted(self) -> Sightings:
        """Return the rows by plate, time and reader."""
        return self.take(np.lexsort((self.camera_id, self.time_s, self.plate)))

    @staticmethod
    def concatenate(parts: list[Sightings]) -> Sightings:
        """Return all rows of all parts, in order."""
        return Sightings(
            plate=np.concatenate([p.plate for p in parts]),
            time_s=np.concatenate([p.time_s for p in parts]),
            camera_id=np.concatenate([p.camera_id for p in parts]),
            x_m=np.concatenate([p.x_m for p in parts]),
            y_m=np.concatenate([p.y_m for p in parts]),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """Reads before the plate is looked at: who was read, when, and which draw decides about misreading."""

    driver: NDArray[np.int32]
    time_s: NDArray[np.float64]
    camera_id: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]


def downtime(cameras: Cameras, days: int, seed: int) -> NDArray[np.bool_]:
    """Return whether each reader works on each day, shape (n_cameras, days)."""
    key = np.uint64(stream_key(seed, Stream.DOWNTIME))
    return _working(key, cameras.key, cameras.downtime_share, days)  # type: ignore[no-any-return]


def read_fixed(
    trips: Trips,
    legs: Legs,
    cameras: Cameras,
    lot_camera: NDArray[np.int32],
    working: NDArray[np.bool_],
    seed: int,
) -> Raw:
    """Read cars that pass fixed readers, and that enter and leave car parks with a reader.

    Parameters
    ----------
    lot_camera
        Lot reader of each place or -1, shape (n_places,).
    working
        Shape (n_cameras, days).
    """
    driver, time_s, camera = _read_fixed(
        np.uint64(stream_key(seed, Stream.READ_FIXED)),
        np.uint64(stream_key(seed, Stream.READ_LOT)),
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
        lot_camera,
        cameras.key,
        cameras.read_rate,
        cameras.night_penalty,
        working,
    )
    return Raw(
        driver=driver, time_s=time_s, camera_id=camera, x_m=cameras.x_m[camera], y_m=cameras.y_m[camera]
    )


def write_down(raw: Raw, plate: NDArray[np.uint32], cameras: Cameras, seed: int) -> Sightings:
    """Turn raw reads into sightings: some plates are misread, a few of them into another driver's.

    Parameters
    ----------
    plate
        Plate of each driver of the scenario, shape (n_drivers,).
    """
    read_as = _misread(
        np.uint64(stream_key(seed, Stream.MISREAD)),
        raw.driver,
        raw.time_s,
        cameras.key[raw.camera_id],
        cameras.misread_rate[raw.camera_id],
        plate,
        STRAY_SHARE,
        PHANTOM_PLATE,
    )
    return Sightings(
        plate=read_as,
        time_s=np.floor(raw.time_s).astype(np.int64),
        camera_id=raw.camera_id,
        x_m=raw.x_m.astype(np.float32),
        y_m=raw.y_m.astype(np.float32),
    )


@njit(cache=True)
def is_night(time_s):  # type: ignore[no-untyped-def]
    """Whether readers work in the dark at a time, 21 to 6 h."""
    second = np.int64(time_s) % 86_400  # in whole numbers, which is faster than remainders of floats
    return second >= _NIGHT_START_S or second < _NIGHT_END_S


@njit(cache=True)
def _working(key, camera_key, share, days):  # type: ignore[no-untyped-def]
    out = np.empty((len(camera_key), days), np.bool_)
    for c in range(len(camera_key)):
        for day in range(days):
            out[c, day] = uniforms(key, camera_key[c], day, 0, 0)[0] >= share[c]
    return out


@njit(cache=True)
def _read_fixed(  # type: ignore[no-untyped-def]
    key, lot_key, driver, day, number, depart_s, arrive_s, pace, leg, from_place, to_place, pass_indptr,
    pass_camera, pass_s, lot_camera, camera_key, read_rate, night_penalty, working,
):  # fmt: skip
    capacity = 4 * len(driver) + 64
    o_driver = np.empty(capacity, np.int32)
    o_time = np.empty(capacity, np.float64)
    o_camera = np.empty(capacity, np.int32)
    last_day = working.shape[1] - 1
    n = 0
    for i in range(len(driver)):
        a, b = pass_indptr[leg[i]], pass_indptr[leg[i] + 1]
        leaves, enters = lot_camera[from_place[i]], lot_camera[to_place[i]]
        # A trip's events: leaving a car park, the passes of readers, entering a car park.
        first = a if leaves < 0 else a - 1
        last = b if enters < 0 else b + 1
        if n + last - first > capacity:
            capacity = 2 * capacity + last - first
            o_driver, o_time, o_camera = (
                grown(o_driver, capacity),
                grown(o_time, capacity),
                grown(o_camera, capacity),
            )
        trip = (np.int64(day[i]) << 6) | (number[i] & 63)
        for event in range(first, last):
            if event < a:
                c, t, k = leaves, depart_s[i], lot_key
            elif event >= b:
                c, t, k = enters, arrive_s[i], lot_key
            else:
                c, t, k = pass_camera[event], depart_s[i] + pass_s[event] * pace[i], key
            second = np.int64(t)
            on = second // 86_400
            if on > last_day or not working[c, on]:
                continue
            rate = read_rate[c] - (night_penalty[c] if is_night(t) else 0.0)
            # A trip may pass one reader twice (there and back): the second in its time tells them apart.
            if uniforms(k, camera_key[c], driver[i], trip, second & 0xFFFF)[0] < rate:
                o_driver[n], o_time[n], o_camera[n] = driver[i], t, c
                n += 1
    return o_driver[:n], o_time[:n], o_camera[:n]


@njit(cache=True)
def _misread(key, driver, time_s, camera_key, misread_rate, plate, stray_share, phantom):  # type: ignore[no-untyped-def]
    n_drivers = len(plate)
    out = np.empty(len(driver), np.uint32)
    for i in range(len(driver)):
        u = uniforms(key, camera_key[i], driver[i], int(time_s[i]), 0)
        out[i] = plate[driver[i]]
        if u[0] < misread_rate[i]:
            if u[1] < stray_share:
                out[i] = plate[min(int(u[2] * n_drivers), n_drivers - 1)]
            else:
                out[i] = phantom + np.uint32(u[2] * 2147483647.0)
    return out
