"""Walks: the shortest ways, whatever cars must do; readers in passing; from car to door and back."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from cameras_town import grid_town
from faces_town import SURE, faces_scenario
from scipy import stats

from simulator.chunks import drive, walk
from simulator.people.drivers import DriverKind, Parking
from simulator.people.places import PlaceKind
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.foot import build_foot_network
from simulator.travel.parking import walk_from_cars
from simulator.travel.tours import Purpose
from simulator.world import World, build_world


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(faces_scenario(face=SURE), 5)


def _walkable(world: World) -> nx.Graph:
    """Streets without direction, cut at every place, station and reader of faces: nodes are what is there."""
    foot, ends, graph = world.on_foot.network, world.on_foot.ends, nx.Graph()
    watched = world.on_foot.watched
    for s in range(len(foot.length_m)):
        cuts = [(0.0, ("junction", foot.tail[s])), (foot.length_m[s], ("junction", foot.head[s]))]
        cuts += [(ends.offset_m[e], ("end", e)) for e in np.flatnonzero(ends.segment == s)]
        rows = range(watched.segment_indptr[s], watched.segment_indptr[s + 1])
        cuts += [(watched.segment_offset_m[r], ("reader", watched.segment_camera[r])) for r in rows]
        cuts.sort(key=lambda cut: cut[0])
        for (a, u), (b, v) in pairwise(cuts):
            graph.add_edge(u, v, length_m=b - a)
    return graph


def test_walks_are_the_shortest_and_pass_the_readers_on_the_way(world: World) -> None:
    scenario, places, on_foot = world.scenario, world.places, world.on_foot
    first, last = world.drivers.n_drivers, world.drivers.n_people
    trips, legs = walk(world, first, last)
    graph = _walkable(world)
    for leg, row in zip(*np.unique(trips.leg, return_index=True), strict=True):
        a, b = trips.from_place[row], trips.to_place[row]
        station = places.n_places + on_foot.station_of_person[trips.driver[row]]
        start, goal = (station if places.edge[p] < 0 else p for p in (a, b))
        path = nx.shortest_path(graph, ("end", start), ("end", goal), weight="length_m")
        steps = [graph.edges[edge]["length_m"] for edge in pairwise(path)]
        beyond_m = places.beyond_m[a] + places.beyond_m[b]
        assert legs.distance_m[leg] == pytest.approx(sum(steps) + beyond_m, abs=1e-6)
        speed = scenario.walking.speed_mps
        waits = scenario.walking.station_wait_s if places.edge[b] < 0 else 0.0
        beyond_s = places.beyond_s[a] + places.beyond_s[b]
        assert legs.duration_s[leg] == pytest.approx(sum(steps) / speed + waits + beyond_s)
        expected = [
            (node[1], places.beyond_s[a] + walked / speed)
            for node, walked in zip(path, np.concatenate([[0.0], np.cumsum(steps)]), strict=True)
            if node[0] == "reader"
        ]
        rows = slice(legs.pass_indptr[leg], legs.pass_indptr[leg + 1])
        at_station = np.isin(legs.pass_camera[rows], on_foot.watched.end_camera)
        assert list(legs.pass_camera[rows][~at_station]) == [camera for camera, _ in expected]
        assert legs.pass_s[rows][~at_station] == pytest.approx([time for _, time in expected])
        assert at_station.sum() == (start != goal) * ((places.edge[a] < 0) + (places.edge[b] < 0))


def test_one_way_streets_are_walked_both_ways() -> None:
    network = grid_town(side=3).network
    foot = build_foot_network(network)
    one_way = np.flatnonzero(network.reverse_edge < 0)
    assert len(one_way) == 2 and len(foot.length_m) == 12
    matrix = foot.matrix().todense()
    assert np.array_equal(matrix, matrix.T)
    # A point a quarter down an edge is three quarters down its reverse: the same spot of one segment.
    edge = int(np.flatnonzero(network.reverse_edge >= 0)[0])
    there = foot.position(np.array([edge]), np.array([50.0]))
    back = foot.position(np.array([network.reverse_edge[edge]]), np.array([150.0]))
    assert there[0] == back[0] and there[1] == pytest.approx(back[1])


def test_people_without_a_car_live_here_and_walk(world: World) -> None:
    drivers, places = world.drivers, world.places
    added = slice(drivers.n_drivers, None)
    assert drivers.n_people - drivers.n_drivers == 30
    assert (drivers.kind[added] == DriverKind.CAR_FREE).all()
    assert (drivers.parking[added] == Parking.NONE).all() and not drivers.visible_at_home[added].any()
    assert (places.kind[drivers.home_place[added]] == PlaceKind.HOME).all()
    trips, legs = walk(world, drivers.n_drivers, drivers.n_people)
    inside = (places.edge[trips.from_place] >= 0) & (places.edge[trips.to_place] >= 0)
    speed = legs.distance_m[trips.leg] / (trips.arrive_s - trips.depart_s)
    assert stats.gmean(speed[inside]) == pytest.approx(world.scenario.walking.speed_mps, rel=0.03)
    # Who walks to work is there on time: the tour begins earlier than a driver's would.
    work = drivers.work_place[trips.driver]
    direct = (trips.from_place == drivers.home_place[trips.driver]) & (trips.to_place == work)
    direct &= inside & (trips.purpose == Purpose.COMMUTE) & (drivers.schedule[trips.driver] == 0)
    late_h = (trips.arrive_s[direct] / 3600.0) % 24.0 - drivers.work_start_h[trips.driver[direct]]
    assert direct.sum() > 10 and abs(np.median(late_h)) < 0.2


def test_distance_between_car_and_door_is_exponential() -> None:
    """Seen from doors: a reader there sees people a walk after they park, whose mean is the parameter."""
    scenario = faces_scenario(face=SURE, car_free=0, people__drivers=150, people__visitor_share=0.0)
    world = build_world(scenario, 6)
    trips, _ = drive(world, 0, 150)
    on_foot = world.on_foot
    met = walk_from_cars(
        trips, first_driver=0, last_driver=150, mean_m=25.0, speed_mps=1.25, drivers=world.drivers,
        places=world.places, foot=on_foot.network, ends=on_foot.ends, watched=on_foot.watched, days=10,
        seed=world.seed,
    )  # fmt: skip
    by_door = np.isin(met.camera, on_foot.watched.end_camera)
    arrivals = {(d, (int(day) << 6) | int(k)): t for d, day, k, t in zip(
        trips.driver, trips.day, trips.number, trips.arrive_s, strict=True)}  # fmt: skip
    # Entering and leaving belong to one stay, whose trip arrived before: the smaller difference is the entry.
    walked: dict[tuple[int, int], float] = {}
    for who, trip, time_s in zip(met.person[by_door], met.trip[by_door], met.time_s[by_door], strict=True):
        gone = (time_s - arrivals[who, trip]) * 1.25
        walked[who, trip] = min(gone, walked.get((who, trip), np.inf))
    distances = np.array(list(walked.values()))
    walks = distances[distances < 200]  # of a stay begun before, only the way out is seen
    assert len(walks) > 100
    assert walks.mean() == pytest.approx(25.0, abs=4 * 25.0 / np.sqrt(len(walks)))


def test_walks_from_cars_against_a_slow_telling(world: World) -> None:
    trips, _ = drive(world, 0, 40)
    on_foot, drivers, places = world.on_foot, world.drivers, world.places
    foot, ends, watched = on_foot.network, on_foot.ends, on_foot.watched
    speed, mean_m = 1.35, 150.0
    met = walk_from_cars(
        trips, first_driver=0, last_driver=40, mean_m=mean_m, speed_mps=speed, drivers=drivers,
        places=places, foot=foot, ends=ends, watched=watched, days=10, seed=world.seed,
    )  # fmt: skip
    key = np.uint64(stream_key(world.seed, Stream.PARKING_WALK))

    def passed(driver: int, stay: int, place: int, length_m: float) -> tuple[list[tuple[int, float]], float]:
        segment, at = int(ends.segment[place]), float(ends.offset_m[place])
        heads_up = uniforms(key, driver, stay, 0, 1)[0] < 0.5
        seen, gone, step = [], 0.0, 1
        while True:
            end = float(foot.length_m[segment]) if heads_up else 0.0
            stop = at + np.sign(end - at) * min(abs(end - at), length_m - gone)
            for r in range(watched.segment_indptr[segment], watched.segment_indptr[segment + 1]):
                where = watched.segment_offset_m[r]
                if min(at, stop) <= where <= max(at, stop) and where != at:
                    seen.append((int(watched.segment_camera[r]), gone + abs(where - at)))
            gone += abs(stop - at)
            if gone >= length_m - 1e-9:
                return seen, gone
            node = foot.head[segment] if heads_up else foot.tail[segment]
            rows = range(foot.indptr[node], foot.indptr[node + 1])
            ways = [foot.segment[k] for k in rows if foot.segment[k] != segment]
            if not ways:
                return seen, gone
            segment = int(ways[int(uniforms(key, driver, stay, step, 1)[0] * len(ways))])
            heads_up = bool(foot.tail[segment] == node)
            at = 0.0 if heads_up else float(foot.length_m[segment])
            step += 1

    expected = []
    for driver in range(40):
        mine = np.flatnonzero(trips.driver == driver)
        stays = [(None, int(drivers.home_place[driver]), -np.inf)]
        stays += [(i, int(trips.to_place[i]), float(trips.arrive_s[i])) for i in mine]
        leaves = [float(trips.depart_s[i]) for i in mine] + [np.inf]
        for (row, place, from_s), to_s in zip(stays, leaves, strict=True):
            if places.edge[place] < 0:
                continue
            stay = 1 << 31 if row is None else (int(trips.day[row]) << 6) | int(trips.number[row])
            home = place == drivers.home_place[driver]
            street = drivers.parking[driver] == Parking.STREET if home else not places.in_lot[place]
            length_m = 0.0
            if street or not home:
                length_m = min(
                    -mean_m * np.log(uniforms(key, driver, stay, 0, 0)[0]), speed * (to_s - from_s) / 2
                )
            seen, length_m = passed(driver, stay, place, length_m) if street else ([], length_m)
            rows = range(watched.end_indptr[place], watched.end_indptr[place + 1])
            seen = seen + [(int(watched.end_camera[r]), 0.0) for r in rows]
            for camera, away_m in seen:
                walked_s = (length_m - away_m) / speed
                times = [t for t in (from_s + walked_s, to_s - walked_s) if 0 <= t < 10 * 86_400]
                expected += [(driver, stay, t, camera) for t in times]
    found = sorted(zip(met.person, met.trip, met.time_s, met.camera, strict=True))
    expected.sort()
    assert len(found) == len(expected) > 200
    assert np.allclose(np.array(found), np.array(expected), rtol=0, atol=1e-6)


def test_longer_walks_pass_more_readers(world: World) -> None:
    trips, _ = drive(world, 0, 40)
    on_foot = world.on_foot

    def count(mean_m: float) -> int:
        met = walk_from_cars(
            trips, first_driver=0, last_driver=40, mean_m=mean_m, speed_mps=1.35, drivers=world.drivers,
            places=world.places, foot=on_foot.network, ends=on_foot.ends, watched=on_foot.watched, days=10,
            seed=world.seed,
        )  # fmt: skip
        return int((~np.isin(met.camera, on_foot.watched.end_camera)).sum())

    assert count(0.0) == 0 < count(60.0) < count(300.0)


def test_garage_owners_are_not_met_in_their_street(world: World) -> None:
    trips, _ = drive(world, 0, 40)
    on_foot, n = world.on_foot, world.drivers.n_people
    away = replace(world.places, in_lot=np.ones_like(world.places.in_lot))
    for parking, seen in ((Parking.GARAGE, False), (Parking.STREET, True)):
        drivers = replace(world.drivers, parking=np.full(n, parking, np.uint8))
        met = walk_from_cars(
            trips, first_driver=0, last_driver=40, mean_m=200.0, speed_mps=1.35, drivers=drivers,
            places=away, foot=on_foot.network, ends=on_foot.ends, watched=on_foot.watched, days=10,
            seed=world.seed,
        )  # fmt: skip
        in_street = ~np.isin(met.camera, on_foot.watched.end_camera)
        assert in_street.any() == seen
