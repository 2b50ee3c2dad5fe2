"""The world of recorded traffic: places, volume, what readers read, and options that do not go together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sumo_files import HOMES, NET, ROUTES, RULE, world_of

from experiments.elsewhere import scenario_of_traffic
from simulator.chunks import drive
from simulator.errors import PlatetrailError
from simulator.people.drivers import DriverKind
from simulator.people.places import PlaceKind
from simulator.roads.sumo_net import SumoStreets, read_sumo_net
from simulator.traffic.routes import DAY_S, Routes, read_routes
from simulator.world import World

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")


@pytest.fixture(scope="module")
def streets() -> SumoStreets:
    return read_sumo_net(NET)


@pytest.fixture(scope="module")
def routes(streets: SumoStreets) -> Routes:
    return read_routes((ROUTES,), streets, RULE)


@pytest.fixture(scope="module")
def world() -> World:
    return world_of()


def test_readers_read_each_pass_at_its_time(world: World, streets: SumoStreets) -> None:
    trips, legs = drive(world, 0, world.drivers.n_drivers)
    recorded = world.recorded
    assert recorded is not None and trips.n_trips == recorded.routes.n_trips
    network, watched = world.city.network, world.watched
    length = network.edge_length_m
    for i in range(0, trips.n_trips, 7):  # slow and obvious
        expected, enter = [], float(trips.depart_s[i])
        a, b = recorded.routes.edge_indptr[i], recorded.routes.edge_indptr[i + 1]
        for k in range(a, b):
            e, leave = recorded.routes.edge[k], float(trips.depart_s[i] + recorded.routes.leave_s[k])
            lo = recorded.routes.from_m[i] if k == a else 0.0
            hi = recorded.routes.to_m[i] if k == b - 1 else length[e]
            for c in range(watched.indptr[e], watched.indptr[e + 1]):
                at = watched.offset_m[c]
                if lo < at <= hi:
                    expected.append((watched.camera[c], enter + (leave - enter) * (at - lo) / (hi - lo)))
            enter = leave
        rows = slice(legs.pass_indptr[i], legs.pass_indptr[i + 1])
        assert legs.pass_camera[rows].tolist() == [c for c, _ in expected]
        np.testing.assert_allclose(legs.pass_s[rows] + trips.depart_s[i], [t for _, t in expected], atol=0.01)
    assert len(legs.pass_camera) > 1000


def test_chunks_of_drivers_and_days_cut_the_same_traffic(world: World) -> None:
    n, half = world.drivers.n_drivers, world.drivers.n_drivers // 2
    whole, legs = drive(world, 0, n)
    parts = [drive(world, 0, half), drive(world, half, n)]
    for name in ("driver", "depart_s", "number", "to_place"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(t, name) for t, _ in parts]), getattr(whole, name)
        )
    np.testing.assert_array_equal(np.concatenate([p.pass_camera for _, p in parts]), legs.pass_camera)
    short = replace(world, scenario=world.scenario.model_copy(update={"days": 2}))
    assert drive(short, 0, n)[0].n_trips == (whole.depart_s < 2 * DAY_S).sum()
    assert whole.number.max() < 64
    key = whole.driver.astype(np.int64) * 100_000 + whole.day * 100 + whole.number
    assert len(np.unique(key)) == whole.n_trips


def test_places_and_volume_are_the_traffics(world: World, routes: Routes) -> None:
    assert world.drivers.n_drivers == len(routes.vehicle) == world.scenario.people.drivers
    assert world.scenario.days == routes.days == 14
    edge = routes.edge
    np.testing.assert_allclose(world.volume, np.bincount(edge, minlength=len(world.volume)) / 14)
    trips, _ = drive(world, 0, world.drivers.n_drivers)
    home = world.drivers.home_place[trips.driver]
    resident = world.drivers.kind[trips.driver] == DriverKind.RESIDENT
    touches = (trips.from_place == home) | (trips.to_place == home)
    assert touches[resident].mean() > 0.85
    # A trip mostly begins where the last one ended.
    follows = trips.driver[1:] == trips.driver[:-1]
    assert (trips.from_place[1:] == trips.to_place[:-1])[follows & resident[1:]].mean() > 0.9
    kinds = set(world.places.kind[world.drivers.home_place])
    assert kinds == {PlaceKind.HOME, PlaceKind.EXTERNAL}


def test_options_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    for changes, says in (
        ({"net": None}, "needs both files"),
        ({"routes": ()}, "needs both files"),
        ({"dwell": True}, "give one of them"),
        ({"drivers": 5}, "--drivers does not go with --traffic"),
        ({"net": tmp_path / "none.net.xml"}, "There is no file"),
        ({"homes": tmp_path / "none.csv"}, "There is no file"),
        ({"net": HOMES}, "a network of SUMO's"),
    ):
        with pytest.raises(PlatetrailError, match=says):
            world_of(**changes)


def test_a_scenario_with_a_patrol_car_takes_traffic_from_elsewhere() -> None:
    given = {"routes": (ROUTES,), "net": NET, "vehicle_id": RULE, "homes": None, "dwell": True,
             "drivers": None, "days": None, "map_file": None, "overrides": ()}  # fmt: skip
    kept = scenario_of_traffic("first-town", **given)  # type: ignore[arg-type]
    assert kept.traffic is not None
    assert [group.name for group in kept.readers] == ["street-readers", "patrol-car"]


def test_nobody_from_outside_works_where_they_live(world: World) -> None:
    """Most who work beyond the map stand, on weekdays by day, at the gateway that their work lies behind."""
    places, drivers = world.places, world.drivers
    work = drivers.work_place
    away = (drivers.kind == DriverKind.RESIDENT) & (work >= 0)
    away &= places.edge[np.maximum(work, 0)] < 0
    assert away.sum() >= 5
    gate = np.isin(places.arrive_node[work[away]], world.city.gateway_node)
    assert gate.all()
