"""Drivers: who lives where, works where and when, and parks how. This is ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.people.places import DETOUR_BEYOND, PlaceKind, Places
from simulator.scenario_parts import People
from simulator.streams import Stream, generator
from simulator.tables import SCHEMAS


class DriverKind(IntEnum):
    """Where a driver lives, seen from the map."""

    RESIDENT = 0
    IN_COMMUTER = 1
    VISITOR = 2
    CAR_FREE = 3  # a resident without a car


class Schedule(IntEnum):
    """When a driver works."""

    DAY = 0
    HYBRID = 1
    EVENING = 2
    NIGHT = 3
    ROTATING = 4
    DRIVING = 5
    NONE = 6


class Parking(IntEnum):
    """Where the car stands at home."""

    STREET = 0
    DRIVEWAY = 1
    GARAGE = 2
    NONE = 3  # no car


@dataclass(frozen=True, kw_only=True, eq=False)
class Drivers:
    """All drivers in flat arrays of shape (n_people,); driver ids are row numbers.

    People without a car come after those with one (:mod:`simulator.people.car_free`).

    Parameters
    ----------
    plate
        Ascending with the driver id, which tells nothing: drivers are in random order. It is the label of
        a person's face, too, and of people without a car the only one.
    kind, schedule, parking
        Codes of :class:`DriverKind`, :class:`Schedule`, :class:`Parking`.
    visible_at_home
        Whether a passing reader can see the parked car at home: on the street always, in a garage never.
    home_place, work_place
        Places; ``work_place`` is -1 for drivers who have none.
    work_start_h
        Usual start of work, hour of the day.
    trip_rate
        How active the driver is: multiplies the number of tours that are not for work (mean 1).
    presence
        Share of days on which a visitor comes; 1 for others.
    habit_share
        Share of trips on the habitual route.
    school_place, worship_place
        The one school and place of worship that a driver goes to, or -1.
    """

    plate: NDArray[np.uint32]
    kind: NDArray[np.uint8]
    schedule: NDArray[np.uint8]
    parking: NDArray[np.uint8]
    visible_at_home: NDArray[np.bool_]
    home_place: NDArray[np.int32]
    work_place: NDArray[np.int32]
    work_start_h: NDArray[np.float64]
    trip_rate: NDArray[np.float64]
    presence: NDArray[np.float64]
    habit_share: NDArray[np.float64]
    school_place: NDArray[np.int32]
    worship_place: NDArray[np.int32]

    @property
    def n_people(self) -> int:
        """Drivers and people without a car."""
        return len(self.plate)

    @property
    def n_drivers(self) -> int:
        """Those who have a car; they come first."""
        return int(np.count_nonzero(self.kind != DriverKind.CAR_FREE))

    def to_frame(self, places: Places) -> pl.DataFrame:
        """Return the ``drivers`` table."""

        def names(enum: type[IntEnum], codes: NDArray[np.uint8]) -> pl.Series:
            return pl.Series([m.name.lower().replace("_", "-") for m in enum]).gather(codes)

        works = self.work_place >= 0
        work = np.maximum(self.work_place, 0)
        columns = SCHEMAS["drivers"].columns
        return pl.DataFrame(
            {
                "driver_id": np.arange(self.n_people),
                "plate": self.plate,
                "kind": names(DriverKind, self.kind).cast(columns["kind"]),
                "schedule": names(Schedule, self.schedule).cast(columns["schedule"]),
                "home_place": self.home_place,
                "work_place": pl.Series(self.work_place).replace(-1, None),
                "home_x_m": places.x_m[self.home_place],
                "home_y_m": places.y_m[self.home_place],
                "work_x_m": np.where(works, places.x_m[work], np.nan),
                "work_y_m": np.where(works, places.y_m[work], np.nan),
                "home_on_map": places.edge[self.home_place] >= 0,
                "work_on_map": pl.Series(np.where(works, places.edge[work] >= 0, False)),
                "home_parking": names(Parking, self.parking).cast(columns["home_parking"]),
            }
        ).with_columns(pl.col("work_x_m", "work_y_m").fill_nan(None))


def build_drivers(
    people: People, places: Places, *, habit_share: float, single_route_share: float, seed: int
) -> Drivers:
    """Draw all drivers.

    Work places inside the map follow an exponential gravity model of distance and size; the shape of
    commute distances is checked by ``platetrail calibrate``.
    """
    rng = generator(seed, Stream.DRIVERS)
    n = people.drivers
    kind = rng.choice(
        3,
        size=n,
        p=[
            max(1 - people.in_commuter_share - people.visitor_share, 0.0),  # 1 - 0.1 - 0.9 is below 0
            people.in_commuter_share,
            people.visitor_share,
        ],
    )
    weights = np.array(list(people.schedules.model_dump().values()))
    schedule = rng.choice(7, size=n, p=weights / weights.sum())
    # In-commuters come for work by definition; a visitor has no work place here.
    working = weights.copy()
    working[Schedule.NONE] = 0.0
    if working.sum() == 0:
        working[Schedule.DAY] = 1.0
    schedule = np.where(
        kind == DriverKind.IN_COMMUTER, rng.choice(7, size=n, p=working / working.sum()), schedule
    )
    schedule = np.where(kind == DriverKind.VISITOR, Schedule.NONE, schedule)

    home = _homes(people, places, kind, rng)
    works = schedule != Schedule.NONE
    work = np.where(works, _work_places(people, places, kind, home, rng), -1)
    start_mean = np.array([8.1, 8.4, 15.0, 22.3, 8.0, 7.3, 8.0])[schedule]
    start_sd = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.8, 1.0])[schedule]
    start = start_mean + start_sd * rng.standard_normal(n)
    parking_weights = np.array(list(people.home_parking.model_dump().values()))
    habit = np.clip(rng.beta(8 * habit_share, 8 * (1 - habit_share) + 1e-9, n), 0, 1)
    habit = np.where(rng.random(n) < single_route_share, 1.0, habit)
    parking = rng.choice(3, size=n, p=parking_weights / parking_weights.sum())
    in_view = rng.random(n) < people.driveway_visible_share
    presence = np.where(kind == DriverKind.VISITOR, rng.beta(0.6, 6.0, n), 1.0)

    def nearest_of(place_kind: PlaceKind) -> NDArray[np.int32]:
        """One of the places of a kind, near ones likelier."""
        options = places.of_kind(place_kind)
        return options[gravity(places, home, options, people.errand_scale_km * 1000.0, rng)].astype(np.int32)

    return Drivers(
        plate=np.arange(n, dtype=np.uint32),
        kind=kind.astype(np.uint8),
        schedule=schedule.astype(np.uint8),
        parking=parking.astype(np.uint8),
        visible_at_home=(parking == Parking.STREET) | ((parking == Parking.DRIVEWAY) & in_view),
        home_place=home.astype(np.int32),
        work_place=work.astype(np.int32),
        work_start_h=start,
        trip_rate=rng.gamma(4.0, 0.25, n),
        presence=presence,
        habit_share=habit,
        school_place=np.where(rng.random(n) < 0.22, nearest_of(PlaceKind.SCHOOL), -1).astype(np.int32),
        worship_place=np.where(rng.random(n) < 0.3, nearest_of(PlaceKind.WORSHIP), -1).astype(np.int32),
    )


def _homes(
    people: People, places: Places, kind: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    n = len(kind)
    doors = np.arange(places.n_attractors, places.n_places)
    weight = places.weight[doors]
    home = doors[rng.choice(len(doors), size=n, p=weight / weight.sum())]
    # Two vehicles at one address: the second of a pair of residents moves to the first one's door.
    residents = np.flatnonzero(kind == DriverKind.RESIDENT)
    residents = rng.permutation(residents)
    pairs = residents[: 2 * int(len(residents) * people.two_vehicle_household_share / 2)]
    home[pairs[1::2]] = home[pairs[0::2]]
    external = places.of_kind(PlaceKind.EXTERNAL)
    return np.where(kind == DriverKind.RESIDENT, home, external[rng.integers(0, len(external), n)])


def _work_places(
    people: People, places: Places, kind: NDArray[np.int64], home: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    inside = places.of_kind(PlaceKind.WORK)
    external = places.of_kind(PlaceKind.EXTERNAL)
    work = inside[gravity(places, home, inside, people.commute_scale_km * 1000.0, rng)]
    outward = external[gravity(places, home, external, people.commute_scale_km * 1000.0, rng)]
    leaves = (kind == DriverKind.RESIDENT) & (rng.random(len(kind)) < people.out_commuter_share)
    return np.where(leaves, outward, work)


def gravity(
    places: Places,
    home: NDArray[np.int64],
    options: NDArray[np.int64],
    scale_m: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw for each home an index into ``options`` with weight x exp(-distance / scale)."""
    u = rng.random(len(home))
    chosen = np.empty(len(home), dtype=np.int64)
    for a in range(0, len(home), 4096):  # bounds the homes x options matrix
        at = home[a : a + 4096]
        distance = np.hypot(
            places.x_m[at, None] - places.x_m[None, options], places.y_m[at, None] - places.y_m[None, options]
        )
        # Of a place beyond the map only the way to its gateway counts: how far out it lies is drawn already.
        distance -= places.beyond_m[options] / DETOUR_BEYOND
        distance -= distance.min(axis=1, keepdims=True)  # far-off homes would underflow otherwise
        cumulative = np.cumsum(places.weight[options] * np.exp(-distance / scale_m), axis=1)
        chosen[a : a + 4096] = (cumulative < u[a : a + 4096, None] * cumulative[:, -1:]).sum(axis=1)
    return chosen
