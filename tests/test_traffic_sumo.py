"""Traffic of SUMO's: networks, routes with exit times, homes; on files that tests/make_sumo_town.py made."""

from __future__ import annotations

import csv
import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from experiments.elsewhere import scenario_of_traffic
from simulator.chunks import drive
from simulator.errors import MapError, PlatetrailError, TrafficError
from simulator.people.drivers import DriverKind
from simulator.people.places import PlaceKind
from simulator.roads.import_map import import_map
from simulator.roads.network import RoadClass
from simulator.roads.sumo_net import SumoStreets, read_sumo_net, road_class
from simulator.traffic.homes import behind, dwell, read_homes
from simulator.traffic.routes import DAY_S, Routes, read_routes
from simulator.world import World, build_world

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")

DATA = Path(__file__).parent / "data" / "sumo"
NET, ROUTES, HOMES = DATA / "town.net.xml.gz", DATA / "routes.xml.gz", DATA / "homes.csv"
RULE = r"(?P<vehicle>car\d+)_.*"
HEAD, TAIL = "<routes>\n", "</routes>\n"


@pytest.fixture(scope="module")
def streets() -> SumoStreets:
    return read_sumo_net(NET)


@pytest.fixture(scope="module")
def routes(streets: SumoStreets) -> Routes:
    return read_routes((ROUTES,), streets, RULE)


def world_of(**changes: object) -> World:
    given = {
        "routes": (ROUTES,), "net": NET, "vehicle_id": RULE, "homes": HOMES, "dwell": False, "drivers": None,
        "days": None, "map_file": None, "overrides": (),
    }  # fmt: skip
    return build_world(scenario_of_traffic(None, **{**given, **changes}), 3)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def world() -> World:
    return world_of()


def raw_vehicles() -> list[ElementTree.Element]:
    """Read the file whole and simply."""
    with gzip.open(ROUTES) as file:
        return list(ElementTree.parse(file).getroot().iter("vehicle"))


def made(tmp_path: Path, text: str, name: str = "routes.xml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def vehicle(name: str, edges: str, times: str | None, depart: float = 10.0, **more: object) -> str:
    exits = f' exitTimes="{times}"' if times is not None else ""
    end = times.split()[-1] if times else "99"
    rest = "".join(f' {k}="{v}"' for k, v in more.items())
    return (
        f'<vehicle id="{name}" depart="{depart}" arrival="{end}"{rest}>'
        f'<route edges="{edges}"{exits}/></vehicle>\n'
    )


# --- streets ------------------------------------------------------------------------------------------


def test_network_is_the_files_streets(streets: SumoStreets) -> None:
    network = streets.city.network
    network.validate()
    with gzip.open(NET) as file:
        root = ElementTree.parse(file).getroot()
    edges = {e.get("id"): e for e in root.iter("edge") if e.get("function") is None}
    nodes = {j.get("id"): j for j in root.iter("junction")}
    assert set(streets.edge_of) == set(edges)
    assert network.n_edges == len(edges)  # this town is connected, and has no parallel edges
    for name, e in streets.edge_of.items():
        tail, head = nodes[edges[name].get("from")], nodes[edges[name].get("to")]
        assert network.node_x_m[network.edge_tail[e]] == pytest.approx(float(tail.get("x", "")))
        assert network.node_y_m[network.edge_head[e]] == pytest.approx(float(head.get("y", "")))
        assert network.edge_speed_mps[e] == pytest.approx(float(edges[name][0].get("speed", "")))
        # SUMO's lanes end before the junctions, and turn off the middle of the street.
        assert 0 <= network.edge_length_m[e] - float(edges[name][0].get("length", "")) < 30


def test_both_ways_are_one_street_and_gateways_lie_on_the_rim(streets: SumoStreets) -> None:
    network, city = streets.city.network, streets.city
    back = network.reverse_edge
    two_way = np.flatnonzero(back >= 0)
    assert len(two_way) == network.n_edges
    assert (network.edge_street[two_way] == network.edge_street[back[two_way]]).all()
    x0, y0, x1, y1 = network.bounds_m
    x, y = network.node_x_m[city.gateway_node], network.node_y_m[city.gateway_node]
    assert np.minimum.reduce([x - x0, x1 - x, y - y0, y1 - y]).max() < 100
    assert city.land_use.residential.sum() > 0
    # Nothing is known of land use: half of all work is as likely along any street with houses.
    use, length_m = city.land_use, city.network.edge_length_m
    side = city.network.edge_class == RoadClass.RESIDENTIAL
    by_length = length_m[side].sum() / length_m[use.residential > 0].sum()
    share = use.employment[side].sum() / use.employment.sum()
    by_class = (
        0.05
        * length_m[side].sum()
        / (
            0.05 * length_m[side].sum()
            + sum(
                w * length_m[city.network.edge_class == c].sum() for c, w in ((2, 0.3), (3, 0.25), (4, 0.12))
            )
        )
    )
    assert share == pytest.approx((by_class + by_length) / 2, rel=1e-4)


def test_classes_come_from_types_else_from_speed_and_lanes() -> None:
    assert road_class("highway.primary", 5.0, 1) == RoadClass.PRIMARY
    assert road_class("highway.service|psv", 5.0, 1) == RoadClass.RESIDENTIAL
    assert road_class("", 33.0, 2) == RoadClass.MOTORWAY
    assert road_class("", 13.9, 1) == RoadClass.TERTIARY
    assert road_class("", 13.9, 2) == RoadClass.SECONDARY
    assert road_class("", 8.0, 1) == RoadClass.RESIDENTIAL


def test_a_network_is_a_map_too(
    streets: SumoStreets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATETRAIL_CACHE", str(tmp_path))
    for _ in range(2):  # converted, then from the cache
        assert import_map(NET).content_hash() == streets.city.content_hash()
    plain = tmp_path / "town.net.xml"
    plain.write_bytes(gzip.decompress(NET.read_bytes()))
    assert import_map(plain).content_hash() == streets.city.content_hash()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.decompress(NET.read_bytes())[:20_000], "torn or no network"),
        (NET.read_bytes()[:5_000], "torn or no network"),
        (b"<osm version='0.6'><node id='1' lat='1' lon='2'/></osm>", "no network of SUMO's"),
        (b"id,x,y\n1,2,3\n", "torn or no network"),
        (b"", "torn or no network"),
    ],
)
def test_torn_and_foreign_networks_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "town.net.xml"
    path.write_bytes(content)
    with pytest.raises(MapError, match=says):
        import_map(path)


# --- routes -------------------------------------------------------------------------------------------


def test_routes_are_those_of_the_file(streets: SumoStreets, routes: Routes) -> None:
    raw = raw_vehicles()
    assert routes.n_trips == len(raw)
    assert Counter(routes.vehicle[d] for d in routes.driver) == Counter(
        v.get("id", "").split("_")[0] for v in raw
    )
    expected = sorted(
        (v.get("id", "").split("_")[0], float(v.get("depart", "")), float(v.get("arrival", "")),
         [streets.edge_of[e] for e in v[0].get("edges", "").split()],
         [float(t) for t in v[0].get("exitTimes", "").split()])
        for v in raw
    )  # fmt: skip
    for i, (name, depart, arrive, edges, leave) in enumerate(expected):
        a, b = routes.edge_indptr[i], routes.edge_indptr[i + 1]
        assert routes.vehicle[routes.driver[i]] == name
        assert (routes.depart_s[i], routes.arrive_s[i]) == (depart, arrive)
        assert routes.edge[a:b].tolist() == edges
        np.testing.assert_allclose(routes.leave_s[a:b] + depart, leave)


def test_days_in_ids_move_times_and_ids_without_a_vehicle_are_left_out(
    streets: SumoStreets, tmp_path: Path
) -> None:
    edge = next(iter(streets.edge_of))
    text = HEAD + "".join(
        vehicle(name, edge, "50.0") for name in ("a_3", "a_5", "b_3", "bus.1")
    ) + TAIL  # fmt: skip
    rule = r"(?P<vehicle>[ab])_(?P<day>\d+)|bus.*"
    read = read_routes((made(tmp_path, text),), streets, rule)
    assert read.vehicle == ("a", "b")
    assert read.driver.tolist() == [0, 0, 1]
    assert read.depart_s.tolist() == [10.0, 10.0 + 2 * DAY_S, 10.0]
    assert read.days == 3


def test_a_route_changed_on_the_way_is_the_one_driven(streets: SumoStreets, tmp_path: Path) -> None:
    a, b = list(streets.edge_of)[:2]
    both = (
        f'<routeDistribution last="1"><route edges="{a}" replacedAtTime="12"/>'
        f'<route edges="{b}" exitTimes="40.0"/></routeDistribution>'
    )
    text = "".join(f'<vehicle id="x_{i}" depart="10" arrival="40">{both}</vehicle>' for i in range(2))
    read = read_routes((made(tmp_path, HEAD + text + TAIL),), streets, r"(?P<vehicle>\w)_.*")
    assert read.edge.tolist() == [streets.edge_of[b]] * 2


def refused(tmp_path: Path, streets: SumoStreets, text: str, rule: str = RULE) -> str:
    with pytest.raises(TrafficError) as caught:
        read_routes((made(tmp_path, text),), streets, rule)
    return str(caught.value)


def test_bad_routes_are_refused_with_a_way_out(tmp_path: Path, streets: SumoStreets) -> None:
    edge = next(iter(streets.edge_of))
    good = vehicle("car1_0", edge, "50.0") + vehicle("car1_1", edge, "50.0")
    torn = refused(tmp_path, streets, HEAD + good)
    assert "torn" in torn and "2 vehicles" in torn
    assert "no vehicles" in refused(tmp_path, streets, "<osm><way id='1'/></osm>")
    assert "torn or no XML" in refused(tmp_path, streets, "vehicle,time\n1,2\n")
    no_times = refused(tmp_path, streets, HEAD + vehicle("car1_0", edge, None) + TAIL)
    assert "car1_0" in no_times and "--vehroute-output.exit-times" in no_times
    trips = refused(tmp_path, streets, HEAD + '<trip id="1" depart="0"/>' + TAIL)
    assert "holds trips" in trips and "--vehroute-output" in trips
    lacking = refused(tmp_path, streets, HEAD + good + vehicle("car2_0", f"{edge} nowhere1", "1 2") + TAIL)
    assert "lacks 1 edges" in lacking and "'nowhere1'" in lacking
    unfit = refused(
        tmp_path, streets, HEAD + good + "".join(vehicle(f"bus{i}", edge, "9") for i in range(5)) + TAIL
    )
    assert "5 of 7" in unfit and "'bus0', 'bus1', 'bus2', ..." in unfit
    assert "1 vehicles have times" in refused(
        tmp_path, streets, HEAD + good + vehicle("car9_1", edge, "1 2") + TAIL
    )
    alone = refused(tmp_path, streets, HEAD + good + TAIL, "(?P<vehicle>.*)")
    assert "second trip" in alone and "--vehicle-id" in alone and "'car1_0'" in alone
    left = refused(tmp_path, streets, HEAD + '<vehicle id="car1_0" depart="5" arrival="-1"><route '
                   f'edges="{edge}" exitTimes="-1"/></vehicle>' + TAIL)  # fmt: skip
    assert "no trip is left of 1" in left
    assert "no regular expression" in refused(tmp_path, streets, HEAD + TAIL, "(?P<vehicle>")
    assert "no group called 'vehicle'" in refused(tmp_path, streets, HEAD + TAIL, "car.*")
    with pytest.raises(TrafficError, match="There is no routes file"):
        read_routes((tmp_path / "none.xml",), streets, RULE)
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(ROUTES.read_bytes()[:30_000])
    with pytest.raises(TrafficError, match="torn"):
        read_routes((cut,), streets, RULE)


# --- homes and work places ----------------------------------------------------------------------------


def test_listed_homes_lie_on_their_own_side_of_the_street(streets: SumoStreets, routes: Routes) -> None:
    home, work = read_homes(HOMES, routes, streets)
    network = streets.city.network
    with HOMES.open(newline="") as file:
        listed = {row["vehicle"]: row for row in csv.DictReader(file)}
    for i, name in enumerate(routes.vehicle):
        row = listed[name]
        for spots, target in ((home, "home"), (work, "work")):
            at = row[f"{target}_x"]
            assert spots.known[i] == (at != "")
            assert (spots.edge[i] >= 0) == (at not in ("", "outside"))
    at = np.flatnonzero(home.edge >= 0)
    x, y = network.point_along(home.edge[at], home.offset_m[at])
    assert np.hypot(x - home.x_m[at], y - home.y_m[at]).max() < 15
    # Most days end at home, on that side of the street.
    ends = np.zeros((len(routes.vehicle), network.n_edges))
    np.add.at(ends, (routes.driver, routes.last_edge), 1)
    most = ends.argmax(axis=1)[at]
    assert (most == home.edge[at]).mean() > 0.95


def test_homes_by_edge_and_by_metres_agree(streets: SumoStreets, routes: Routes, tmp_path: Path) -> None:
    edge = list(streets.edge_of)[5]
    text = f"vehicle,home_edge,home_pos,work_edge,work_pos\ncar1,{edge},30,outside,\n"
    home, work = read_homes(made(tmp_path, text, "a.csv"), routes, streets)
    i = routes.vehicle.index("car1")
    assert home.edge[i] == streets.edge_of[edge] and work.known[i] and work.edge[i] == -1
    assert home.known.sum() == 1
    part = 30 / streets.length_m[edge]
    assert home.offset_m[i] == pytest.approx(part * streets.city.network.edge_length_m[home.edge[i]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vehicle,home_x,home_y\ncar1,1,2\n", "has the columns"),
        ("vehicle,home_x,home_y,work_x,work_y\nCar1,1,2,,\n", "names no vehicle of the traffic"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,2,,\ncar1,1,2,,\n", "'car1' more than once"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,90000,2,,\ncar2,1,2,,\n", "1 of 2 vehicles lie further"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,2,5000,9\n", "work places of 1 of 1"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,here,,\n", "no number in column home_y, 'car1'"),
        ("vehicle,home_edge,home_pos,work_edge,work_pos\ncar1,nowhere,2,,\n", "lacks 1 edges of home"),
        ("vehicle,home_x,home_y,work_x,work_y\n", "lists no vehicle"),
    ],
)
def test_bad_lists_of_homes_are_refused(
    streets: SumoStreets, routes: Routes, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(TrafficError, match=re.escape(says)):
        read_homes(made(tmp_path, text, "homes.csv"), routes, streets)


def test_dwell_finds_most_homes_and_work_places_of_the_list(streets: SumoStreets, routes: Routes) -> None:
    network = streets.city.network
    for found, listed in zip(
        dwell(routes, streets, start_weekday=0), read_homes(HOMES, routes, streets), strict=True
    ):
        both = (listed.edge >= 0) & (found.edge >= 0)
        street = network.edge_street
        assert (street[found.edge[both]] == street[listed.edge[both]]).mean() > 0.9
        assert both.sum() > 0.9 * (listed.edge >= 0).sum()


def test_dwell_by_hand(streets: SumoStreets, tmp_path: Path) -> None:
    network, gates = streets.city.network, set(streets.city.gateway_node.tolist())
    inner = [
        name for name, e in streets.edge_of.items()
        if not {int(network.edge_tail[e]), int(network.edge_head[e])} & gates
    ]  # fmt: skip
    home, work = inner[0], next(n for n in inner if not set(n.split("to")) & set(inner[0].split("to")))
    text = HEAD
    for day in range(3):
        for k, (hour, a, b) in enumerate(((8, home, work), (17, work, home))):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car1_{day}_{k}", f"{a} {b}", f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    read = read_routes((made(tmp_path, text + TAIL),), streets, RULE)
    homes, works = dwell(read, streets, start_weekday=0)
    assert homes.edge.tolist() == [streets.edge_of[home]]
    assert works.edge.tolist() == [streets.edge_of[work]]
    # On a weekend nobody works.
    assert not dwell(read, streets, start_weekday=5)[1].known.any() or read.days > 2


def test_places_beyond_the_map_lie_where_cars_leave_it(streets: SumoStreets, tmp_path: Path) -> None:
    """A resident who works beyond the map works behind the gateway driven to, not behind home."""
    network, gates = streets.city.network, set(streets.city.gateway_node.tolist())
    names, edge_of = list(streets.edge_of), streets.edge_of
    ends = {
        name: (int(network.edge_tail[edge_of[name]]), int(network.edge_head[edge_of[name]])) for name in names
    }
    out = next(n for n in names if ends[n][1] in gates)
    gate, gate_tail = ends[out][1], ends[out][0]
    into = next(n for n in names if ends[n] == (gate, gate_tail))
    other = next(n for n in names if ends[n][1] in gates - {gate})
    home = next(n for n in names if not set(ends[n]) & gates)
    text = HEAD
    for day in range(3):
        # Out to work and back; in the evening once to another gateway, for longer than to work.
        legs = [(8, f"{home} {out}"), (16, f"{into} {home}"), (17, f"{home} {other}")]
        legs = legs if day == 1 else legs[:2]
        for k, (hour, edges) in enumerate(legs):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car1_{day}_{k}", edges, f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    for day in range(2):  # somebody who comes from there
        for k, (hour, edges) in enumerate(((7, f"{into} {home}"), (18, f"{home} {out}"))):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car2_{day}_{k}", edges, f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    listed = "vehicle,home_edge,home_pos,work_edge,work_pos\n"
    listed += f"car1,{home},20,outside,\ncar2,outside,,{home},20\n"
    read = read_routes((made(tmp_path, text + TAIL),), streets, RULE)
    homes, _ = read_homes(made(tmp_path, listed, "homes.csv"), read, streets)
    home_node, work_node = behind(read, streets, homes, start_weekday=0)
    assert work_node[0] == gate and home_node[1] == gate
    # A Saturday and a Sunday tell nothing about work: then it is where the first trip begins.
    weekend = read.take(np.flatnonzero(read.depart_s < 2 * DAY_S))
    own = network.edge_tail[edge_of[home]]
    assert behind(weekend, streets, homes, start_weekday=5)[1][0] == own


def test_nobody_from_outside_works_where_they_live(world: World) -> None:
    """Most who work beyond the map stand, on weekdays by day, at the gateway that their work lies behind."""
    places, drivers = world.places, world.drivers
    work = drivers.work_place
    away = (drivers.kind == DriverKind.RESIDENT) & (work >= 0)
    away &= places.edge[np.maximum(work, 0)] < 0
    assert away.sum() >= 5
    gate = np.isin(places.arrive_node[work[away]], world.city.gateway_node)
    assert gate.all()


# --- the world, and what readers read -----------------------------------------------------------------


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
