"""People without a car: who lives where, works where and when. This is ground truth.

They are drawn by a stream of their own and come after the drivers, so that no driver changes when they are
added. They keep the drivers' schedules and tours, which is an assumption: the counts come from a survey of
driving. What differs is where they go: to places within walking distance, or to a station.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from simulator.people.drivers import DriverKind, Drivers, Parking, Schedule, gravity
from simulator.people.places import PlaceKind, Places
from simulator.scenario_parts import People, Walking
from simulator.streams import Stream, generator

_HAS_SCHOOL, _HAS_WORSHIP = 0.22, 0.3  # as of drivers


def with_car_free(drivers: Drivers, people: People, walking: Walking, places: Places, seed: int) -> Drivers:
    """Return the drivers with people without a car after them.

    Their work places within the map are drawn by gravity at walking scale; those of train commuters lie
    beyond it. Nobody drives for a living, and nobody's car stands anywhere.
    """
    n = walking.car_free
    if n == 0:
        return drivers
    rng = generator(seed, Stream.CAR_FREE)
    scale_m = walking.scale_km * 1000.0
    weights = np.array(list(people.schedules.model_dump().values()))
    weights[Schedule.DRIVING] = 0.0
    if weights.sum() == 0:
        weights[Schedule.DAY] = 1.0
    schedule = rng.choice(7, size=n, p=weights / weights.sum())
    doors = np.arange(places.n_attractors, places.n_places)
    homes = places.weight[doors]
    home = doors[rng.choice(len(doors), size=n, p=homes / homes.sum())]
    inside, external = places.of_kind(PlaceKind.WORK), places.of_kind(PlaceKind.EXTERNAL)
    near = inside[gravity(places, home, inside, scale_m, rng)]
    far = external[rng.integers(0, len(external), n)]
    work = np.where(rng.random(n) < walking.train_commuter_share, far, near)
    start_mean = np.array([8.1, 8.4, 15.0, 22.3, 8.0, 7.3, 8.0])[schedule]
    start_sd = np.array([0.9, 0.8, 0.8, 0.6, 0.5, 0.8, 1.0])[schedule]

    def one_of(kind: PlaceKind, share: float) -> np.ndarray:  # type: ignore[type-arg]
        options = places.of_kind(kind)
        chosen = options[gravity(places, home, options, scale_m, rng)]
        return np.where(rng.random(n) < share, chosen, -1)

    school, worship = one_of(PlaceKind.SCHOOL, _HAS_SCHOOL), one_of(PlaceKind.WORSHIP, _HAS_WORSHIP)
    added = {
        "plate": np.arange(n) + drivers.n_people,
        "kind": np.full(n, DriverKind.CAR_FREE),
        "schedule": schedule,
        "parking": np.full(n, Parking.NONE),
        "visible_at_home": np.zeros(n, dtype=np.bool_),
        "home_place": home,
        "work_place": np.where(schedule == Schedule.NONE, -1, work),
        "work_start_h": start_mean + start_sd * rng.standard_normal(n),
        "trip_rate": rng.gamma(4.0, 0.25, n),
        "presence": np.ones(n),
        "habit_share": np.ones(n),
        "school_place": school,
        "worship_place": worship,
    }
    both = {}
    for member in fields(drivers):
        mine = getattr(drivers, member.name)
        both[member.name] = np.concatenate([mine, added[member.name].astype(mine.dtype)])
    return replace(drivers, **both)
