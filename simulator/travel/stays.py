"""Stays: where each car stands between its trips. This is ground truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.people.places import Places

_TIME_BITS = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Stays:
    """All stays of some drivers, by driver and time; every array has shape (n_stays,).

    Parameters
    ----------
    driver, place
        Who stands where. A driver's first stay is at home.
    from_s, until_s
        From the arrival to the next departure, seconds since the first midnight; the last stay ends with the
        last day.
    """

    driver: NDArray[np.int32]
    place: NDArray[np.int32]
    from_s: NDArray[np.int64]
    until_s: NDArray[np.int64]


def stays_of(trips: pl.DataFrame, home_place: NDArray[np.int32], *, days: int) -> Stays:
    """Return the stays between trips.

    Parameters
    ----------
    trips
        The ``trips`` table of all drivers, by driver and time.
    home_place
        Home of each driver, shape (n_drivers,).
    days
        Days that are simulated.
    """
    n = len(home_place)
    trip_driver = trips["driver_id"].to_numpy()
    driver = np.concatenate([np.arange(n), trip_driver])
    place = np.concatenate([home_place, trips["to_place"].to_numpy()])
    from_s = np.concatenate([np.zeros(n, np.int64), trips["arrive_s"].to_numpy()])
    rank = np.concatenate([np.full(n, -1), np.arange(len(trip_driver))])
    order = np.lexsort((rank, driver))
    # The n-th stay of a driver ends when the n-th trip begins.
    end = np.full(len(driver), days * 86_400, dtype=np.int64)
    sorted_driver = driver[order]
    follows = np.flatnonzero(sorted_driver[1:] == sorted_driver[:-1])
    end[follows] = trips["depart_s"].to_numpy()[rank[order][follows + 1]]
    return Stays(
        driver=sorted_driver.astype(np.int32),
        place=place[order].astype(np.int32),
        from_s=from_s[order],
        until_s=end,
    )


def whereabouts(
    stays: Stays, places: Places, driver: NDArray[np.integer], time_s: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where cars are at some times, metres; a moving one is put on the straight line of its trip.

    Parameters
    ----------
    driver, time_s
        Whose car, and when, shape (n,).
    """
    key = (stays.driver.astype(np.int64) << _TIME_BITS) | stays.from_s
    at = np.searchsorted(key, (driver.astype(np.int64) << _TIME_BITS) | time_s, side="right") - 1
    here = stays.place[at]
    moving = time_s >= stays.until_s[at]
    follows = np.minimum(at + 1, len(key) - 1)
    moving &= stays.driver[follows] == driver
    span_s = np.maximum(stays.from_s[follows] - stays.until_s[at], 1)
    part = np.where(moving, np.clip((time_s - stays.until_s[at]) / span_s, 0.0, 1.0), 0.0)
    there = np.where(moving, stays.place[follows], here)
    x_m = places.x_m[here] * (1 - part) + places.x_m[there] * part
    y_m = places.y_m[here] * (1 - part) + places.y_m[there] * part
    return x_m, y_m


def at_place(
    stays: Stays, place: NDArray[np.integer], *, from_s: int, until_s: int, least_s: int = 0
) -> NDArray[np.int32]:
    """Return the drivers, ascending, who stand at one of some places for at least a time within a window."""
    there = np.isin(stays.place, place)
    overlap_s = np.minimum(stays.until_s, until_s) - np.maximum(stays.from_s, from_s)
    return np.unique(stays.driver[there & (overlap_s > least_s)])
