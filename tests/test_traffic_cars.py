"""Readers on cars in traffic from elsewhere: a small town written by hand, its meetings by brute force."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.elsewhere import scenario_of_traffic
from simulator.cameras.mobile import mobile_passes
from simulator.chunks import MobileBlocks, capture, drive
from simulator.errors import ScenarioError
from simulator.manifest import read_manifest
from simulator.roads.sumo_net import SumoStreets, read_sumo_net
from simulator.run import simulate
from simulator.scenario import Scenario
from simulator.sightings.meetings import meet_moving, meet_parked
from simulator.world import World, build_world

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")

DAY_S = 86_400.0
BLOCK_M = 300.0
DAYS = 3
RULE = r"(?P<vehicle>\w)\d+"
# Nine junctions, three by three, and one beyond a corner; gateways are that one, 00 and 02.
NODES = {f"{x}{y}": (BLOCK_M * x, BLOCK_M * y) for x in range(3) for y in range(3)} | {"out": (1500.0, 600.0)}
STREETS = [(f"{x}{y}", f"{x + 1}{y}") for x in range(2) for y in range(3)]
STREETS += [(f"{x}{y}", f"{x}{y + 1}") for x in range(3) for y in range(2)]
STREETS += [("22", "out")]
SIDES = [*STREETS, *((b, a) for a, b in STREETS)]
# One trip a row: car, start, where on the first edge, junctions on the way, seconds on each edge, where on
# the last edge. Car a lives on a street that ends at a gateway; b comes in from one and leaves there; c
# drives from day 1 on, and takes ten minutes for a street; the last trip of d ends after the last midnight.
Trip = tuple[str, float, float, str, list[float], float]
TRIPS: list[Trip] = [
    *(("a", d * DAY_S + 27e3, 120.0, "00 10 11 21", [30, 41.5, 39], 80.0) for d in range(DAYS)),
    *(("a", d * DAY_S + 17 * 3600, 80.0, "11 21 22 12 02 01 11 10 00",
       [20, 29, 31, 37, 35, 33, 40, 14], 180.0) for d in range(DAYS)),
    *(("b", d * DAY_S + 8 * 3600, 0.0, "out 22 12 02", [90, 30, 20], 150.0) for d in range(DAYS)),
    *(("b", d * DAY_S + 16 * 3600, 150.0, "12 02 12 22 out", [22, 33, 34, 80], 900.0) for d in range(2)),
    *(("c", DAY_S + h * 3600, 200.0, "20 21 11 10 20 21", [12, 600, 30, 28, 20], 200.0)
      for h in range(1, 23, 3)),
    ("d", 9 * 3600, 10.0, "11 12", [25], 250.0),
    ("d", 3 * DAY_S - 60, 50.0, "12 11 10", [45, 30], 20.0),
]  # fmt: skip


def edges_of(way: str) -> list[str]:
    at = way.split()
    return [f"{a}to{b}" for a, b in pairwise(at)]


def exits_of(trip: Trip) -> list[float]:
    return (trip[1] + np.cumsum(trip[4])).tolist()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("town")
    text = '<net version="1.9"><location netOffset="0,0" convBoundary="0,0,1500,600" '
    text += 'origBoundary="0,0,1500,600" projParameter="!"/>'
    for a, b in SIDES:
        (x0, y0), (x1, y1) = NODES[a], NODES[b]
        length = float(np.hypot(x1 - x0, y1 - y0))
        shape = f"{x0},{y0} {x1},{y1}"
        text += (
            f'<edge id="{a}to{b}" from="{a}" to="{b}" priority="1"><lane id="{a}to{b}_0" index="0" '
            f'speed="13.9" length="{length}" shape="{shape}"/></edge>'
        )
    for name, (x, y) in NODES.items():
        text += f'<junction id="{name}" type="priority" x="{x}" y="{y}" incLanes="" intLanes="" shape=""/>'
    (folder / "town.net.xml").write_text(text + "</net>")
    routes = "<routes>"
    for i, trip in enumerate(TRIPS):
        car, depart, start_m, way, _, end_m = trip
        times = " ".join(f"{t:.2f}" for t in exits_of(trip))
        routes += (
            f'<vehicle id="{car}{i}" depart="{depart}" arrival="{exits_of(trip)[-1]}" departPos="{start_m}" '
            f'arrivalPos="{end_m}"><route edges="{" ".join(edges_of(way))}" exitTimes="{times}"/></vehicle>'
        )
    (folder / "routes.xml").write_text(routes + "</routes>")
    (folder / "homes.csv").write_text(
        "vehicle,home_edge,home_pos,work_edge,work_pos\n"
        "a,00to10,120,11to21,80\nb,outside,,12to02,150\nc,20to21,200,,\nd,12to11,50,,\n"
    )
    return {name: folder / file for name, file in
            (("net", "town.net.xml"), ("routes", "routes.xml"), ("homes", "homes.csv"))}  # fmt: skip


def groups(**changes: Any) -> list[dict[str, Any]]:
    """A patrol and spotter cars that drive all day and miss nothing."""
    sure: dict[str, Any] = {
        "shift_hours": 24.0, "drive_share": 0.9, "read_rate": 1.0, "parked_read_rate": 1.0,
        "gps_error_m": 0.0,
        "night_penalty": 0.0, "downtime_share": 0.0, "misread_rate": 0.0, **changes,
    }  # fmt: skip
    return [
        {"kind": "patrol", "name": "patrol", "count": 12, **sure},
        {"kind": "spotter", "name": "spotter", "count": 6, **sure},
    ]


def scenario_of(files: dict[str, Path], readers: list[dict[str, Any]]) -> Scenario:
    plain = scenario_of_traffic(
        None, routes=(files["routes"],), net=files["net"], vehicle_id=RULE, homes=files["homes"], dwell=False,
        drivers=None, days=None, map_file=None, overrides=('attackers.names=["krumm-last-destination"]',),
    )  # fmt: skip
    return Scenario.model_validate({**plain.model_dump(), "readers": readers})


@pytest.fixture(scope="module")
def streets(files: dict[str, Path]) -> SumoStreets:
    return read_sumo_net(files["net"])


@pytest.fixture(scope="module")
def world(files: dict[str, Path]) -> World:
    return build_world(scenario_of(files, groups()), 5)


class Slow:
    """All meetings by plain definition: every pass held against every drive along a street and every stay."""

    def __init__(self, world: World, streets: SumoStreets) -> None:
        self.edge_of, self.network = streets.edge_of, world.city.network
        self.passes = mobile_passes(
            world.cameras, world.scenario.readers, city=world.city, edge_volume=world.volume, seed=world.seed,
            day_from=-1, day_to=DAYS,
        )  # fmt: skip
        self.edge = np.repeat(np.arange(self.network.n_edges), np.diff(self.passes.edge_indptr))

    def length_m(self, name: str) -> float:
        a, b = name.split("to")
        return float(np.hypot(*np.subtract(NODES[a], NODES[b])))

    def on(self, name: str) -> list[tuple[int, float, float]]:
        rows = np.flatnonzero(self.edge == self.edge_of[name])
        return [(int(r), float(self.passes.enter_s[r]), float(self.passes.duration_s[r])) for r in rows]

    def moving(self) -> list[tuple[int, int, float, float]]:
        """Return driver, row of the pass, time, and metres along the car's street."""
        found = []
        for trip in TRIPS:
            car, clock, start_m, way, _, end_m = trip
            names = edges_of(way)
            for k, (name, leave) in enumerate(zip(names, exits_of(trip), strict=True)):
                enter, clock = clock, leave
                length = self.length_m(name)
                lo, hi = (start_m if k == 0 else 0.0), (end_m if k == len(names) - 1 else length)
                for row, since, lasts in self.on("to".join(reversed(name.split("to")))):
                    first, last = max(enter, since), min(leave, since + lasts)
                    if last <= first:
                        continue
                    # Each step of a hundredth of a second: where is the car, where is the reader?
                    t = np.linspace(first, last, max(int((last - first) * 100), 2))
                    car_m = np.interp(t, [enter, leave], [lo, hi])
                    reader_m = np.interp(t, [since, since + lasts], [length, 0.0])
                    passed = np.flatnonzero(reader_m <= car_m)
                    if len(passed) and passed[0] > 0 and 0 <= t[passed[0]] < DAYS * DAY_S:
                        found.append(("abcd".index(car), row, float(t[passed[0]]), float(car_m[passed[0]])))
        return sorted(found)

    def parked(self) -> list[tuple[int, int, float, tuple[float, float]]]:
        """Return driver, row of the pass, time and position."""
        found = []
        for number, car in enumerate("abcd"):
            mine = sorted(t for t in TRIPS if t[0] == car)
            stays = [(0.0, mine[0][1], edges_of(mine[0][3])[0], mine[0][2])]
            ends = [t[1] for t in mine[1:]] + [DAYS * DAY_S]
            stays += [
                (exits_of(t)[-1], end, edges_of(t[3])[-1], t[5]) for t, end in zip(mine, ends, strict=True)
            ]
            for since, until, name, at_m in stays:
                if "out" in name:
                    continue
                a, b = name.split("to")
                part = at_m / self.length_m(name)
                here = tuple(np.add(NODES[a], np.multiply(part, np.subtract(NODES[b], NODES[a]))).tolist())
                for side, along in ((name, part), (f"{b}to{a}", 1 - part)):
                    for row, enter, lasts in self.on(side):
                        t = enter + along * lasts
                        if max(since, 0.0) <= t < min(until, DAYS * DAY_S):
                            found.append((number, row, t, here))
        return sorted(found)


@pytest.fixture(scope="module")
def slow(world: World, streets: SumoStreets) -> Slow:
    return Slow(world, streets)


def test_moving_cars_meet_readers_where_the_two_come_by_each_other(world: World, slow: Slow) -> None:
    trips, legs = drive(world, 0, 4)
    met = meet_moving(
        trips, legs, passes=slow.passes, begin_s=0.0, end_s=DAYS * DAY_S, places=world.places,
        network=world.city.network, trees=world.trees,
    )  # fmt: skip
    order = np.lexsort((met.time_s, met.pass_row, met.driver))
    expected = slow.moving()
    assert len(expected) > 60
    assert {0, 1, 2} <= {d for d, *_ in expected}
    got = list(zip(met.driver[order].tolist(), met.pass_row[order].tolist(), strict=True))
    assert got == [(d, row) for d, row, *_ in expected]
    np.testing.assert_allclose(met.time_s[order], [t for _, _, t, _ in expected], atol=0.03)
    assert (met.edge == slow.edge[met.pass_row]).all()


def test_parked_cars_stand_where_a_trip_ended_until_the_next(world: World, slow: Slow) -> None:
    trips, _ = drive(world, 0, 4)
    assert world.recorded is not None
    stands = world.recorded.stands(0, 4, DAYS)
    met = meet_parked(
        trips, first_driver=0, last_driver=4, passes=slow.passes, begin_s=0.0, end_s=DAYS * DAY_S,
        stands=stands, network=world.city.network,
    )  # fmt: skip
    order = np.lexsort((met.time_s, met.pass_row, met.driver))
    expected = slow.parked()
    assert len(expected) > 1_000
    got = list(zip(met.driver[order].tolist(), met.pass_row[order].tolist(), strict=True))
    assert got == [(d, row) for d, row, *_ in expected]
    np.testing.assert_allclose(met.time_s[order], [t for _, _, t, _ in expected], atol=0.03)
    at = np.column_stack([stands.x_m, stands.y_m])[met.spot[order]]
    np.testing.assert_allclose(at, [p for *_, p in expected], atol=0.05)


def test_what_is_met_is_read_there_whatever_the_chunks(world: World, slow: Slow) -> None:
    blocks = MobileBlocks(world)
    whole = capture(world, 0, 4, blocks).own
    expected = sorted(
        [(d, int(t)) for d, _, t, _ in slow.moving()] + [(d, int(t)) for d, _, t, _ in slow.parked()]
    )
    got = np.array(sorted(zip(whole.plate.tolist(), whole.time_s.tolist(), strict=True)))
    # Times are written in whole seconds, and the slow reference is a hundredth late.
    assert got.shape == (len(expected), 2)
    assert (got[:, 0] == [d for d, _ in expected]).all()
    assert np.abs(got[:, 1] - [t for _, t in expected]).max() <= 1
    parts = [capture(world, i, i + 1, blocks).own for i in range(4)]
    for name in ("plate", "time_s", "camera_id", "x_m", "y_m"):
        np.testing.assert_array_equal(np.concatenate([getattr(p, name) for p in parts]), getattr(whole, name))


def test_reads_on_the_whole_days_are_those_of_each_day(world: World) -> None:
    """A shorter run reads the same on its days, cars whose first trip comes later included."""
    short = replace(world, scenario=world.scenario.model_copy(update={"days": 1}))
    one, all_days = (capture(w, 0, 4, MobileBlocks(w)).own for w in (short, world))
    first = all_days.take(all_days.time_s < DAY_S)
    for name in ("plate", "time_s", "camera_id", "x_m", "y_m"):
        np.testing.assert_array_equal(getattr(one, name), getattr(first, name))
    assert (one.plate == 2).any()


def test_tables_do_not_depend_on_chunks_and_workers(files: dict[str, Path], tmp_path: Path) -> None:
    scenario = scenario_of(files, groups(read_rate=0.7, misread_rate=0.2, gps_error_m=6.0))
    hashes = []
    for name, given in (("a", {}), ("b", {"chunk_drivers": 1, "workers": 2})):
        simulate(scenario, seed=3, out=tmp_path / name, tables=["sightings", "trips"], **given)  # type: ignore[arg-type]
        hashes.append(read_manifest(tmp_path / name).tables)
    assert hashes[0] == hashes[1] and "sightings" in hashes[0]


def test_the_command_runs_with_patrols(files: dict[str, Path], tmp_path: Path) -> None:
    town = tmp_path / "town.toml"
    town.write_text(
        'id = "handmade"\ntitle = "Hand-made"\n[[readers]]\nkind = "patrol"\nname = "beat"\ncount = 3\n'
        '[[readers]]\nkind = "lot"\nname = "car-parks"\ncount = 2\n'
    )
    given = [
        "run", str(town), "--traffic", str(files["routes"]), "--net", str(files["net"]),
        "--vehicle-id", RULE, "--homes", str(files["homes"]), "--seed", "1", "-q",
        "--out", str(tmp_path / "run"),
    ]  # fmt: skip
    refused = CliRunner().invoke(app, given)
    assert refused.exit_code == 2
    assert "'car-parks' is of kind 'lot'" in " ".join(refused.output.split())
    done = CliRunner().invoke(app, [*given, "--set", "readers.car-parks.count=0"])
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["traffic"]["source"] == "SUMO vehicle routes"
    reads = pl.read_parquet(tmp_path / "run" / "camera_reads.parquet")
    assert reads["reads"].sum() > 20


@pytest.mark.parametrize(("kind", "says"), [("lot", "stand in a car park"), ("face", "who walks where")])
def test_readers_that_would_need_more_than_is_recorded_are_refused(
    files: dict[str, Path], kind: str, says: str
) -> None:
    with pytest.raises((ScenarioError, ValueError), match=says):
        scenario_of(files, [{"kind": kind, "name": "x", "count": 1}])
