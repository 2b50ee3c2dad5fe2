"""Readers on cars: which of their meetings with cars become reads, and the position that they report."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, MobilePasses
from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.sightings.capture import Raw, is_night
from simulator.sightings.meetings import Meetings, meet_moving, meet_parked
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.legs import Legs
from simulator.travel.stands import Stands
from simulator.travel.trees import RouteTrees
from simulator.travel.trips import Trips

DAY_S = 86_400.0


def read_from_cars(
    trips: Trips,
    legs: Legs,
    *,
    first_driver: int,
    last_driver: int,
    passes: MobilePasses,
    day_from: int,
    day_to: int,
    stands: Stands,
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
    stands
        Where the cars stand between these trips.
    """
    begin_s, end_s = day_from * DAY_S, day_to * DAY_S
    moving = meet_moving(
        trips,
        legs,
        passes=passes,
        begin_s=begin_s,
        end_s=end_s,
        places=places,
        network=network,
        trees=trees,
    )
    parked = meet_parked(
        trips,
        first_driver=first_driver,
        last_driver=last_driver,
        passes=passes,
        begin_s=begin_s,
        end_s=end_s,
        stands=stands,
        network=network,
    )
    # A moving car is read where the reader is by then, a parked one where it stands.
    part = (moving.time_s - passes.enter_s[moving.pass_row]) / passes.duration_s[moving.pass_row]
    along_m = part * network.edge_length_m[moving.edge]
    moving_x, moving_y = network.point_along(moving.edge, along_m)
    reads = [
        _reads(
            moving, Stream.READ_MOVING, cameras.read_rate, moving_x, moving_y, passes, cameras, working, seed
        ),
        _reads(
            parked,
            Stream.READ_PARKED,
            cameras.parked_read_rate,
            stands.x_m[parked.spot],
            stands.y_m[parked.spot],
            passes,
            cameras,
            working,
            seed,
        ),
    ]
    return Raw(
        driver=np.concatenate([r.driver for r in reads]),
        time_s=np.concatenate([r.time_s for r in reads]),
        camera_id=np.concatenate([r.camera_id for r in reads]),
        x_m=np.concatenate([r.x_m for r in reads]),
        y_m=np.concatenate([r.y_m for r in reads]),
    )


def _reads(
    meetings: Meetings,
    stream: Stream,
    read_rate: NDArray[np.float64],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    passes: MobilePasses,
    cameras: Cameras,
    working: NDArray[np.bool_],
    seed: int,
) -> Raw:
    camera = passes.camera[meetings.pass_row]
    read, error_x, error_y = _decide(
        np.uint64(stream_key(seed, stream)),
        np.uint64(stream_key(seed, Stream.GPS_ERROR)),
        meetings.driver,
        meetings.time_s,
        passes.enter_s[meetings.pass_row],
        meetings.edge,
        camera,
        cameras.key,
        read_rate,
        cameras.night_penalty,
        cameras.gps_error_m,
        working,
    )
    return Raw(
        driver=meetings.driver[read].astype(np.int32),
        time_s=meetings.time_s[read],
        camera_id=camera[read],
        x_m=(x_m + error_x)[read],
        y_m=(y_m + error_y)[read],
    )


@njit(cache=True)
def _decide(  # type: ignore[no-untyped-def]
    key,
    gps_key,
    driver,
    time_s,
    enter_s,
    edge,
    camera,
    camera_key,
    read_rate,
    night_penalty,
    gps_error_m,
    working,
):
    """Draw for each meeting whether the plate is read, and the normal errors of its position, metres."""
    n = len(driver)
    read = np.empty(n, np.bool_)
    error_x, error_y = np.zeros(n, np.float64), np.zeros(n, np.float64)
    for i in range(n):
        c = camera[i]
        rate = read_rate[c] - (night_penalty[c] if is_night(time_s[i]) else 0.0)
        u = uniforms(key, camera_key[c], driver[i], enter_s[i], edge[i])
        read[i] = working[c, int(time_s[i] // DAY_S)] and u[0] < rate
        if read[i]:  # Box and Muller's method
            v = uniforms(gps_key, camera_key[c], driver[i], enter_s[i], 0)
            r = gps_error_m[c] * np.sqrt(-2.0 * np.log(v[0]))
            error_x[i], error_y[i] = r * np.cos(2.0 * np.pi * v[1]), r * np.sin(2.0 * np.pi * v[1])
    return read, error_x, error_y
