"""Trips: continuity, homes, weekdays, and independence from chunks."""

from __future__ import annotations

import numpy as np
import pytest
from engine_town import tiny_scenario

from simulator.chunks import drive
from simulator.people.drivers import DriverKind, Schedule
from simulator.people.places import PlaceKind
from simulator.travel.legs import Legs
from simulator.travel.tours import Purpose
from simulator.travel.trips import Trips
from simulator.world import World, build_world


def test_no_one_is_in_two_places(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    trips, legs = tiny_trips
    same = trips.driver[1:] == trips.driver[:-1]
    assert (np.diff(trips.driver) >= 0).all()
    assert np.array_equal(trips.from_place[1:][same], trips.to_place[:-1][same])
    assert (trips.depart_s[1:] > trips.arrive_s[:-1])[same].all()
    assert (trips.arrive_s > trips.depart_s).all() and (trips.from_place != trips.to_place).all()
    _, first = np.unique(trips.driver, return_index=True)
    assert np.array_equal(trips.from_place[first], tiny_world.drivers.home_place[trips.driver[first]])
    assert trips.depart_s.min() > 0 and trips.depart_s.max() < tiny_world.scenario.days * 86_400
    assert trips.arrive_s - trips.depart_s == pytest.approx(legs.duration_s[trips.leg] * trips.pace)


def test_the_only_door_that_is_visited_is_the_own_home(
    tiny_world: World, tiny_trips: tuple[Trips, Legs]
) -> None:
    trips, _ = tiny_trips
    for place in (trips.from_place, trips.to_place):
        door = tiny_world.places.kind[place] == PlaceKind.HOME
        assert np.array_equal(place[door], tiny_world.drivers.home_place[trips.driver[door]])
    assert (trips.to_place == tiny_world.drivers.home_place[trips.driver]).any()


def test_one_number_a_trip(tiny_trips: tuple[Trips, Legs]) -> None:
    """Driver, day and number key every draw of a trip; the kernels keep six bits of the number."""
    trips, _ = tiny_trips
    key = np.column_stack([trips.driver, trips.day, trips.number])
    assert len(np.unique(key, axis=0)) == trips.n_trips
    assert trips.number.max() < 64


@pytest.mark.parametrize("size", [1, 7])
def test_trips_are_the_same_whatever_the_chunk(
    tiny_world: World, tiny_trips: tuple[Trips, Legs], size: int
) -> None:
    whole, legs = tiny_trips
    n = tiny_world.drivers.n_drivers
    parts = [drive(tiny_world, a, min(a + size, n)) for a in range(0, n, size)]
    for name in (
        "driver",
        "day",
        "number",
        "from_place",
        "to_place",
        "purpose",
        "field",
        "depart_s",
        "arrive_s",
    ):
        joined = np.concatenate([getattr(trips, name) for trips, _ in parts])
        assert np.array_equal(joined, getattr(whole, name)), name
    distance = np.concatenate([part.distance_m[trips.leg] for trips, part in parts])
    assert np.array_equal(distance, legs.distance_m[whole.leg])


def test_longer_runs_begin_like_shorter_ones(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    longer = build_world(tiny_scenario(days=14), 3)
    trips, _ = drive(longer, 0, longer.drivers.n_drivers)
    early = trips.depart_s < 10 * 86_400
    assert np.array_equal(trips.depart_s[early], tiny_trips[0].depart_s)
    assert np.array_equal(trips.to_place[early], tiny_trips[0].to_place)


def test_weekdays_and_weekends() -> None:
    world = build_world(tiny_scenario(people__drivers=150, days=14, start_weekday="friday"), 7)
    trips, _ = drive(world, 0, 150)
    drivers = world.drivers
    office = np.isin(drivers.schedule, (Schedule.DAY, Schedule.HYBRID)) & (drivers.work_place >= 0)
    to_work = (trips.purpose == Purpose.COMMUTE) & (trips.to_place == drivers.work_place[trips.driver])
    weekday = (trips.day + 4) % 7
    count = np.bincount(weekday[to_work & office[trips.driver]], minlength=7)
    assert (count[5:] == 0).all() and (count[:5] > 0).all()
    day_workers = (drivers.schedule == Schedule.DAY) & (drivers.work_place >= 0)
    hours = (trips.arrive_s[to_work & day_workers[trips.driver]] / 3600) % 24
    assert 7.0 < np.median(hours) < 9.5
    night = (drivers.schedule == Schedule.NIGHT) & (drivers.work_place >= 0)
    for i in np.flatnonzero(to_work & night[trips.driver]):
        assert not 8 <= (trips.depart_s[i] / 3600) % 24 <= 18


def test_everyone_who_works_goes_to_work_and_residents_come_home(
    tiny_world: World, tiny_trips: tuple[Trips, Legs]
) -> None:
    trips, _ = tiny_trips
    drivers = tiny_world.drivers
    for d in range(drivers.n_drivers):
        mine = trips.driver == d
        if drivers.work_place[d] >= 0:
            assert (trips.to_place[mine] == drivers.work_place[d]).any()
        if drivers.kind[d] == DriverKind.RESIDENT and mine.sum() > 4:
            homeward = trips.day[mine & (trips.to_place == drivers.home_place[d])]
            assert len(np.unique(homeward)) >= 2


def test_pace_has_mean_one(tiny_trips: tuple[Trips, Legs]) -> None:
    """Log-normal with sigma 0.10 and mean 1."""
    pace = tiny_trips[0].pace
    assert abs(pace.mean() - 1.0) < 4 * 0.10 / np.sqrt(len(pace))
    assert np.log(pace).std() == pytest.approx(0.10, rel=4 / np.sqrt(2 * len(pace)))
