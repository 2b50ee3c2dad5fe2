"""Events: who goes changes that one day of theirs, and nothing else changes for anybody."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario

from simulator.chunks import drive
from simulator.errors import ScenarioError
from simulator.people.drivers import DriverKind
from simulator.scenario_file import scenario_from_dict
from simulator.travel.events import event_place
from simulator.travel.tours import Purpose
from simulator.world import World, build_world

RALLY = {
    "name": "rally", "day": 6, "start_h": 14.0, "hours": 2.0, "place_kind": "leisure",
    "attendance_share": 0.5,
}  # fmt: skip
WAKE = {"name": "wake", "day": 3, "start_h": 18.0, "hours": 1.0, "place_kind": "worship"}


def world_with(*events: dict[str, object], drivers: int = 200) -> World:
    return build_world(tiny_scenario(events=list(events), people__drivers=drivers), 3)


def trips_of(world: World) -> pl.DataFrame:
    trips, legs = drive(world, 0, world.drivers.n_drivers)
    return trips.to_frame(legs)


@pytest.fixture(scope="module")
def plain() -> pl.DataFrame:
    return trips_of(world_with())


@pytest.fixture(scope="module")
def rally_world() -> World:
    return world_with(RALLY)


@pytest.fixture(scope="module")
def with_rally(rally_world: World) -> pl.DataFrame:
    return trips_of(rally_world)


def attending(world: World, trips: pl.DataFrame, day: int = 5) -> set[int]:
    place = event_place(world.scenario.events[0], world.places)
    arrivals = trips.filter((pl.col("to_place") == place) & (pl.col("day") == day))
    start_s = day * 86_400 + 14 * 3600
    return set(arrivals.filter((pl.col("arrive_s") - start_s).abs() < 3600)["driver_id"].to_list())


def test_other_drivers_and_all_other_days_stay_as_they_are(
    rally_world: World, plain: pl.DataFrame, with_rally: pl.DataFrame
) -> None:
    gone = attending(rally_world, with_rally)
    assert len(gone) > 40
    elsewhere = ~pl.col("driver_id").is_in(sorted(gone))
    assert with_rally.filter(elsewhere).equals(plain.filter(elsewhere))
    # The night before and the morning after may shift by who is late; two days off nothing does.
    other_days = (pl.col("day") - 5).abs() >= 2
    assert with_rally.filter(other_days).equals(plain.filter(other_days))
    plans = ["driver_id", "from_place", "to_place", "purpose"]
    not_that_day = pl.col("day") != 5
    assert with_rally.filter(not_that_day).select(plans).equals(plain.filter(not_that_day).select(plans))


def test_who_can_come_comes_as_often_as_said(rally_world: World, with_rally: pl.DataFrame) -> None:
    gone = attending(rally_world, with_rally)
    kind = rally_world.drivers.kind
    assert not any(kind[d] == DriverKind.VISITOR for d in gone)
    # Day 6 of a week from Monday on is a Saturday: few are at work then.
    home = np.flatnonzero((kind == DriverKind.RESIDENT) & (rally_world.drivers.work_place < 0))
    share = np.mean([d in gone for d in home])
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / len(home))


def test_those_who_go_stay_for_the_event_and_go_home(rally_world: World, with_rally: pl.DataFrame) -> None:
    place = event_place(rally_world.scenario.events[0], rally_world.places)
    there = with_rally.filter((pl.col("to_place") == place) & (pl.col("day") == 5))
    leave = with_rally.filter((pl.col("from_place") == place) & (pl.col("day") == 5))
    came = there.join(leave, on="driver_id", suffix="_leave").filter(
        pl.col("driver_id").is_in(sorted(attending(rally_world, with_rally)))
        & (pl.col("purpose") == "leisure")
    )
    stay_h = (came["depart_s_leave"] - came["arrive_s"]) / 3600
    assert came.height > 40
    assert stay_h.is_between(1.79, 2.21).mean() > 0.95
    homes = rally_world.drivers.home_place[came["driver_id"].to_numpy()]
    np.testing.assert_array_equal(came["to_place_leave"].to_numpy(), homes)


def test_no_one_is_in_two_places(rally_world: World) -> None:
    trips, _ = drive(rally_world, 0, rally_world.drivers.n_drivers)
    same = trips.driver[1:] == trips.driver[:-1]
    assert (trips.from_place[1:] == trips.to_place[:-1])[same].all()
    assert (trips.depart_s[1:] >= trips.arrive_s[:-1])[same].all()
    assert (trips.purpose <= max(Purpose)).all()


def test_a_second_event_leaves_the_first_ones_guests(rally_world: World, with_rally: pl.DataFrame) -> None:
    both = world_with(WAKE, RALLY)
    later = pl.col("day") >= 5
    assert trips_of(both).filter(later).equals(with_rally.filter(later))
    assert both.cameras.n_cameras == rally_world.cameras.n_cameras
    np.testing.assert_array_equal(both.cameras.edge, rally_world.cameras.edge)


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([{"day": 11}], "only 10 days are simulated"),
        ([{"day": 1, "name": "a"}, {"day": 2, "name": "a"}], "used twice"),
        ([{"day": 1, "place_kind": "stadium"}], "events.0.place_kind"),
        ([{"day": 1, "attendance": 0.5}], "attendance_share"),
    ],
)
def test_bad_events_are_refused(events: list[dict[str, object]], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        scenario_from_dict({"id": "x", "title": "X", "days": 10, "events": events})
