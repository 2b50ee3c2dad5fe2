"""People: doors, gravity, and shares of the scenario within four standard errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_town import tiny_scenario

from simulator.errors import MapError
from simulator.people.drivers import DriverKind, Drivers, Parking, Schedule, build_drivers, gravity
from simulator.people.places import PlaceKind, Places, build_places
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.scenario import Scenario
from simulator.scenario_parts import People, Streets
from simulator.streams import Stream, generator

N = 20_000


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(Streets(nodes=120, area_km2=4.0), 1)


@pytest.fixture(scope="module")
def people() -> People:
    shares = {"two_vehicle_household_share": 0.4, "in_commuter_share": 0.1, "visitor_share": 0.05}
    return tiny_scenario(people__drivers=N, **{f"people__{k}": v for k, v in shares.items()}).people


@pytest.fixture(scope="module")
def places(people: People, city: City) -> Places:
    return build_places(people, city, 1)


@pytest.fixture(scope="module")
def drivers(people: People, places: Places) -> Drivers:
    return build_drivers(people, places, habit_share=0.75, single_route_share=0.33, seed=1)


def assert_share(found: np.ndarray, expected: float) -> None:
    assert abs(found.mean() - expected) <= 4 * np.sqrt(expected * (1 - expected) / len(found))


def test_kinds_schedules_and_parking_follow_the_scenario(people: People, drivers: Drivers) -> None:
    assert_share(drivers.kind == DriverKind.IN_COMMUTER, 0.1)
    assert_share(drivers.kind == DriverKind.VISITOR, 0.05)
    resident = drivers.kind == DriverKind.RESIDENT
    weights = people.schedules.model_dump()
    for name, weight in weights.items():
        of = drivers.schedule == Schedule[name.upper()]
        assert_share(of[resident], weight / sum(weights.values()))
    at_work = sum(weights.values()) - weights["none"]
    commuter = drivers.kind == DriverKind.IN_COMMUTER
    assert_share(drivers.schedule[commuter] == Schedule.DAY, weights["day"] / at_work)
    assert (drivers.schedule[commuter] != Schedule.NONE).all()
    assert (drivers.schedule[drivers.kind == DriverKind.VISITOR] == Schedule.NONE).all()
    for name, weight in people.home_parking.model_dump().items():
        assert_share(drivers.parking == Parking[name.upper()], weight)
    driveway = drivers.visible_at_home[drivers.parking == Parking.DRIVEWAY]
    assert_share(driveway, people.driveway_visible_share)


def test_homes_and_work_places(people: People, places: Places, drivers: Drivers) -> None:
    resident = drivers.kind == DriverKind.RESIDENT
    assert (places.kind[drivers.home_place[resident]] == PlaceKind.HOME).all()
    assert (places.kind[drivers.home_place[~resident]] == PlaceKind.EXTERNAL).all()
    works = drivers.schedule != Schedule.NONE
    assert np.array_equal(drivers.work_place >= 0, works)
    outside = places.kind[drivers.work_place] == PlaceKind.EXTERNAL
    assert_share(outside[works & resident], people.out_commuter_share)
    assert not outside[works & ~resident].any(), "in-commuters work here"
    assert np.array_equal(np.sort(drivers.plate), np.arange(N)), "one plate each"


def test_habits_and_activity_have_their_means(drivers: Drivers) -> None:
    assert_share(drivers.habit_share == 1.0, 0.33)
    other = drivers.habit_share[drivers.habit_share < 1.0]
    assert abs(other.mean() - 0.75) < 4 * other.std() / np.sqrt(len(other))
    assert abs(drivers.trip_rate.mean() - 1.0) < 4 * drivers.trip_rate.std() / np.sqrt(N)


def test_households_of_two_share_an_address(city: City) -> None:
    """With far more doors than drivers, hardly anyone shares an address by chance."""
    base = tiny_scenario(people__drivers=400, people__address_spacing_m=4.0).people
    places = build_places(base, city, 1)
    doors = len(places.of_kind(PlaceKind.HOME))
    for share in (0.0, 0.5):
        people = base.model_copy(update={"two_vehicle_household_share": share})
        drivers = build_drivers(people, places, habit_share=0.75, single_route_share=0.3, seed=2)
        home = drivers.home_place[drivers.kind == DriverKind.RESIDENT]
        _, count = np.unique(home, return_counts=True)
        sharing = count[count > 1].sum() / len(home)
        by_chance = 4 * len(home) / doors  # doors are not equally likely
        assert share - 0.01 <= sharing <= share + by_chance


def test_shares_that_add_up_to_one_but_for_rounding(places: Places, people: People) -> None:
    """1 - 0.1 - 0.9 is a little below 0 in floating point."""
    all_others = people.model_copy(update={"in_commuter_share": 0.1, "visitor_share": 0.9, "drivers": 50})
    drivers = build_drivers(all_others, places, habit_share=0.75, single_route_share=0.3, seed=2)
    assert not (drivers.kind == DriverKind.RESIDENT).any()


def test_more_drivers_do_not_need_other_places(city: City, people: People, places: Places) -> None:
    again = build_places(people.model_copy(update={"drivers": 3}), city, 1)
    assert np.array_equal(again.x_m, places.x_m) and np.array_equal(again.tree, places.tree)


def test_gravity_is_its_closed_form(places: Places) -> None:
    """Three options at 0, 1 and 2 km with weights 1, 2, 4: P ~ weight x exp(-distance / scale)."""
    x = np.array([0.0, 1000.0, 2000.0, 0.0])
    line = replace(
        places, x_m=x, y_m=np.zeros(4), weight=np.array([1.0, 2.0, 4.0, 1.0]), beyond_m=np.zeros(4)
    )
    home = np.full(30_000, 3)
    chosen = gravity(line, home, np.arange(3), 1500.0, generator(1, Stream.DRIVERS))
    weight = np.array([1.0, 2.0, 4.0]) * np.exp(-np.array([0.0, 1.0, 2.0]) / 1.5)
    for option, expected in enumerate(weight / weight.sum()):
        assert_share(chosen == option, expected)


def test_doors_are_evenly_spaced_on_residential_streets(city: City, people: People, places: Places) -> None:
    net, doors = city.network, places.of_kind(PlaceKind.HOME)
    edge, offset = places.edge[doors], places.offset_m[doors]
    assert (city.land_use.residential[edge] > 0).all()
    for e in np.unique(edge):
        at = np.sort(offset[edge == e])
        gap = net.edge_length_m[e] / len(at)
        assert people.address_spacing_m <= gap < 2 * people.address_spacing_m
        assert np.diff(at) == pytest.approx(gap) and at[0] == pytest.approx(gap / 2)
    every = np.flatnonzero((city.land_use.residential > 0) & (net.edge_length_m >= people.address_spacing_m))
    assert set(edge) == set(every)
    weight = np.bincount(edge, places.weight[doors], net.n_edges)
    assert weight[every] == pytest.approx(city.land_use.residential[every], rel=1e-5)


def test_places_lie_on_their_edges(city: City, places: Places) -> None:
    net, inside = city.network, places.edge >= 0
    x, y = net.point_along(places.edge[inside], places.offset_m[inside])
    assert places.x_m[inside] == pytest.approx(x) and places.y_m[inside] == pytest.approx(y)
    assert np.array_equal(places.arrive_node[inside], net.edge_tail[places.edge[inside]])
    assert np.array_equal(places.depart_node[inside], net.edge_head[places.edge[inside]])
    outside = places.kind == PlaceKind.EXTERNAL
    assert np.array_equal(outside, ~inside) and (places.beyond_m[outside] > 0).all()
    assert set(places.arrive_node[outside]) <= set(city.gateway_node.tolist())
    tree = places.tree[: places.n_attractors]
    assert np.array_equal(places.tree_arrive_node[tree], places.arrive_node[: places.n_attractors])
    assert np.array_equal(places.tree_depart_node[tree], places.depart_node[: places.n_attractors])
    assert (places.tree[places.n_attractors :] == -1).all()


def test_counts_of_places(tiny: Scenario, city: City, places: Places) -> None:
    wanted = {"work": 12, "shop": 6, "leisure": 8, "school": 2, "worship": 2, "clinic": 2}
    for name, count in wanted.items():
        assert len(places.of_kind(PlaceKind[name.upper()])) == count
    assert len(places.of_kind(PlaceKind.EXTERNAL)) >= 8


def test_maps_without_doors_or_ways_out(city: City, people: People) -> None:
    nobody = replace(city, land_use=replace(city.land_use, residential=np.zeros(city.network.n_edges)))
    with pytest.raises(MapError, match=r"No street of .* has a door.*address_spacing_m"):
        build_places(people, nobody, 1)
    with pytest.raises(MapError, match="no road that leaves it"):
        build_places(people, replace(city, gateway_node=np.empty(0, np.int32)), 1)
