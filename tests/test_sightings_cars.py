"""Readers on cars: a brute-force reference over all passes, blocks of days, garages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.cameras.mobile import mobile_passes
from simulator.cameras.roster import MobilePasses
from simulator.people.drivers import Parking
from simulator.sightings.capture import Raw
from simulator.sightings.mobile import read_from_cars
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.legs import Legs, collect_edges
from simulator.travel.stands import stands_at_places
from simulator.travel.trips import Trips
from simulator.world import World

DAY_S = 86_400


def passes_of(world: World, day_from: int, day_to: int) -> MobilePasses:
    return mobile_passes(
        world.cameras, world.scenario.readers, city=world.city, edge_volume=world.volume, seed=world.seed,
        day_from=day_from - 1, day_to=day_to,
    )  # fmt: skip


def read(world: World, trips: tuple[Trips, Legs], day_from: int, day_to: int) -> Raw:
    return read_from_cars(
        *trips, first_driver=0, last_driver=world.drivers.n_drivers,
        passes=passes_of(world, day_from, day_to),
        day_from=day_from, day_to=day_to,
        stands=stands_at_places(trips[0], world.drivers, world.places), places=world.places,
        network=world.city.network, trees=world.trees, cameras=world.cameras, working=world.working,
        seed=world.seed,
    )  # fmt: skip


def rows(raw: Raw) -> list[tuple[int, float, int]]:
    return sorted(
        (d, round(t, 3), c)
        for d, t, c in zip(raw.driver.tolist(), raw.time_s.tolist(), raw.camera_id.tolist(), strict=True)
    )


def reference(world: World, driven: tuple[Trips, Legs], days: int) -> list[tuple[int, float, int]]:
    """Every pass held against every stay and every driven edge, by plain definition."""
    trips, _ = driven
    net, places, cameras, drivers = world.city.network, world.places, world.cameras, world.drivers
    passes = passes_of(world, 0, days)
    edge_of = np.repeat(np.arange(net.n_edges), np.diff(passes.edge_indptr))
    moving, parked = (np.uint64(stream_key(world.seed, s)) for s in (Stream.READ_MOVING, Stream.READ_PARKED))
    found = []

    def look(key: np.uint64, rate: np.ndarray, driver: int, row: int, t: float) -> None:
        c, hour = int(passes.camera[row]), (t / 3600) % 24
        if 0 <= t < days * DAY_S and world.working[c, int(t // DAY_S)]:
            chance = rate[c] - (cameras.night_penalty[c] if hour >= 21 or hour < 6 else 0)
            enter, e = int(passes.enter_s[row]), int(edge_of[row])
            if uniforms(key, int(cameras.key[c]), driver, enter, e)[0] < chance:
                found.append((driver, round(t, 3), c))

    for driver in range(drivers.n_drivers):
        mine = np.flatnonzero(trips.driver == driver)
        home = int(drivers.home_place[driver])
        stays = [home, *trips.to_place[mine].tolist()]
        begins = [0.0, *trips.arrive_s[mine].tolist()]
        ends = [*trips.depart_s[mine].tolist(), days * float(DAY_S)]
        for place, since, until in zip(stays, begins, ends, strict=True):
            e = int(places.edge[place])
            if e < 0:
                continue
            on_street = bool(drivers.visible_at_home[driver]) if place == home else not places.in_lot[place]
            for side in {e, int(net.reverse_edge[e])} - {-1}:
                part = places.offset_m[place] / net.edge_length_m[e]
                part = part if side == e else 1 - part
                for row in np.flatnonzero(edge_of == side):
                    t = float(passes.enter_s[row]) + part * float(passes.duration_s[row])
                    in_lot = places.in_lot[place] and passes.sweep[row]
                    if since <= t < until and (on_street or in_lot):
                        look(parked, cameras.parked_read_rate, driver, int(row), t)
        for i in mine:
            found_edges = np.empty(2 * net.n_nodes + 8, np.int64)
            a, b, field = int(trips.from_place[i]), int(trips.to_place[i]), int(trips.field[i])
            k = collect_edges(
                found_edges, a, b, field, places.tree, places.arrive_node, places.depart_node, places.edge,
                net.out_indptr, net.edge_tail, net.edge_head, world.trees.next_slot, world.trees.last_slot,
                world.trees.in_indptr, world.trees.in_edge,
            )  # fmt: skip
            clock = trips.depart_s[i] + trips.pace[i] * places.beyond_s[a]
            for j, e in enumerate(found_edges[:k]):
                part = 1.0
                if j == 0 and places.edge[a] >= 0:
                    part = 1 - places.offset_m[a] / net.edge_length_m[e]
                elif j == k - 1 and places.edge[b] >= 0:
                    part = places.offset_m[b] / net.edge_length_m[e]
                leaves = (
                    clock + trips.pace[i] * part * world.trees.edge_time_s[field // world.trees.n_variants, e]
                )
                for row in np.flatnonzero((edge_of == net.reverse_edge[e]) & (net.reverse_edge[e] >= 0)):
                    enter = float(passes.enter_s[row])
                    out = enter + float(passes.duration_s[row])
                    if enter < leaves and out > clock:
                        t = 0.5 * (max(clock, enter) + min(leaves, out))
                        look(moving, cameras.read_rate, driver, int(row), t)
                clock = leaves
    return sorted(found)


def test_cars_read_what_brute_force_finds(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    got, expected = rows(read(tiny_world, tiny_trips, 0, 2)), reference(tiny_world, tiny_trips, 2)
    assert len(expected) > 50
    assert [(d, c) for d, _, c in got] == [(d, c) for d, _, c in expected]
    assert [t for _, t, _ in got] == pytest.approx([t for _, t, _ in expected], abs=0.01)


@pytest.mark.parametrize("block", [1, 3])
def test_blocks_of_days_make_no_difference(
    tiny_world: World, tiny_trips: tuple[Trips, Legs], block: int
) -> None:
    parts = [rows(read(tiny_world, tiny_trips, a, min(a + block, 10))) for a in range(0, 10, block)]
    assert sorted(row for part in parts for row in part) == rows(read(tiny_world, tiny_trips, 0, 10))


def test_a_car_in_a_garage_is_never_read(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    """Read rate 0 for moving cars: whatever is read is parked; where all park in garages, not at home."""
    trips, _ = tiny_trips
    drivers = tiny_world.drivers
    assert not drivers.visible_at_home[drivers.parking == Parking.GARAGE].any()
    assert drivers.visible_at_home[drivers.parking == Parking.STREET].all()
    blind = replace(tiny_world.cameras, read_rate=np.zeros(tiny_world.cameras.n_cameras))
    at_home = {}
    for visible in (False, True):
        people = replace(drivers, visible_at_home=np.full(drivers.n_drivers, visible))
        raw = read(replace(tiny_world, cameras=blind, drivers=people), tiny_trips, 0, 10)
        count = 0
        for d, t in zip(raw.driver, raw.time_s, strict=True):
            mine = trips.driver == d
            before = np.flatnonzero(mine & (trips.arrive_s <= t))
            place = drivers.home_place[d] if len(before) == 0 else trips.to_place[before[-1]]
            assert not (mine & (trips.depart_s <= t) & (t < trips.arrive_s)).any(), "read in a drive"
            count += place == drivers.home_place[d]
        at_home[visible] = count
    assert at_home[False] == 0 and at_home[True] > 20


def test_positions_carry_the_gps_error(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    n = tiny_world.cameras.n_cameras
    exact = read(
        replace(tiny_world, cameras=replace(tiny_world.cameras, gps_error_m=np.zeros(n))), tiny_trips, 0, 10
    )
    noisy = read(
        replace(tiny_world, cameras=replace(tiny_world.cameras, gps_error_m=np.full(n, 8.0))),
        tiny_trips,
        0,
        10,
    )
    assert rows(exact) == rows(noisy)
    error = np.concatenate([noisy.x_m - exact.x_m, noisy.y_m - exact.y_m])
    assert error.std() == pytest.approx(8.0, rel=4 / np.sqrt(2 * len(error)))
    assert abs(error.mean()) < 4 * 8.0 / np.sqrt(len(error))
