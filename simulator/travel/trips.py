"""Trips: plans carried out in time, and the stays between them.

A driver leaves when planned, or as soon as the car is there and the stay is over; so a trip ends where the
next begins, and no one is in two places.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numba import njit
from numpy.typing import NDArray

from simulator.streams import Stream, stream_key, uniforms
from simulator.tables import SCHEMAS
from simulator.travel.legs import Legs
from simulator.travel.plan import DayPlans
from simulator.travel.tours import Purpose

_TRIP_SPEED_SIGMA = 0.10


@dataclass(frozen=True, kw_only=True, eq=False)
class Trips:
    """Trips of some drivers, in order of driver and time; every array has shape (n_trips,).

    Parameters
    ----------
    driver, day, number, from_place, to_place, purpose
        As planned (:class:`simulator.travel.plan.DayPlans`).
    field, leg
        Route field and leg.
    depart_s, arrive_s
        Seconds since the first midnight.
    pace
        The trip's travel time over its leg's mean travel time.
    """

    driver: NDArray[np.int32]
    day: NDArray[np.int32]
    number: NDArray[np.int32]
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]
    purpose: NDArray[np.uint8]
    field: NDArray[np.uint8]
    leg: NDArray[np.int64]
    depart_s: NDArray[np.float64]
    arrive_s: NDArray[np.float64]
    pace: NDArray[np.float64]

    @property
    def n_trips(self) -> int:
        return len(self.driver)

    def to_frame(self, legs: Legs) -> pl.DataFrame:
        """Return the ``trips`` table."""
        purposes = pl.Series([p.name.lower().replace("_", "-") for p in Purpose])
        return pl.DataFrame(
            {
                "driver_id": self.driver,
                "day": self.day,
                "depart_s": np.floor(self.depart_s).astype(np.int64),
                "arrive_s": np.floor(self.arrive_s).astype(np.int64),
                "from_place": self.from_place,
                "to_place": self.to_place,
                "purpose": purposes.gather(self.purpose).cast(SCHEMAS["trips"].columns["purpose"]),
                "distance_m": legs.distance_m[self.leg].astype(np.float32),
            }
        )


def carry_out(plans: DayPlans, field: NDArray[np.uint8], legs: Legs, *, days: int, seed: int) -> Trips:
    """Give every planned trip its real times; trips that would start after the last day are left out."""
    depart, arrive, pace = _carry_out(
        np.uint64(stream_key(seed, Stream.TRIP_SPEED)),
        _TRIP_SPEED_SIGMA,
        plans.driver,
        plans.day,
        plans.number,
        plans.depart_s,
        plans.dwell_s,
        legs.duration_s[legs.of_trip],
    )
    kept = depart < days * 86400.0
    return Trips(
        driver=plans.driver[kept],
        day=plans.day[kept],
        number=plans.number[kept],
        from_place=plans.from_place[kept],
        to_place=plans.to_place[kept],
        purpose=plans.purpose[kept],
        field=field[kept],
        leg=legs.of_trip[kept],
        depart_s=depart[kept],
        arrive_s=arrive[kept],
        pace=pace[kept],
    )


@njit(cache=True)
def _carry_out(key, sigma, driver, day, number, plan_depart_s, dwell_s, leg_s):  # type: ignore[no-untyped-def]
    n = len(driver)
    depart = np.empty(n, np.float64)
    arrive = np.empty(n, np.float64)
    pace = np.empty(n, np.float64)
    clock = 0.0
    for i in range(n):
        if i == 0 or driver[i] != driver[i - 1]:
            clock = 0.0
        u = uniforms(key, driver[i], day[i], number[i], 0)
        z = np.sqrt(-2.0 * np.log(u[0])) * np.cos(2.0 * np.pi * u[1])
        pace[i] = np.exp(sigma * z - 0.5 * sigma * sigma)
        depart[i] = max(plan_depart_s[i], clock + dwell_s[i])
        arrive[i] = depart[i] + leg_s[i] * pace[i]
        clock = arrive[i]
    return depart, arrive, pace
