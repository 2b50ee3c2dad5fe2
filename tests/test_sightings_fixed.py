"""Fixed and lot readers: capture against a plain reference, conservation, rates, misreads, added readers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine_town import tiny_scenario

from simulator.chunks import drive
from simulator.sightings.capture import PHANTOM_PLATE, STRAY_SHARE, Raw, is_night, read_fixed, write_down
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.legs import Legs
from simulator.travel.trips import Trips
from simulator.world import World, build_world

PERFECT = {
    f"readers__{group}__{key}": value
    for group in ("streets", "lots")
    for key, value in (
        ("read_rate", 1.0),
        ("night_penalty", 0.0),
        ("misread_rate", 0.0),
        ("downtime_share", 0.0),
    )
}


def passes_of(world: World, trips: Trips, legs: Legs) -> list[tuple[int, float, int, bool]]:
    """Return trip, time, reader and whether at a car park, of all that pass a reader, in plain Python."""
    found = []
    for i in range(trips.n_trips):
        leaves, enters = (int(world.lot_camera[p[i]]) for p in (trips.from_place, trips.to_place))
        if leaves >= 0:
            found.append((i, float(trips.depart_s[i]), leaves, True))
        for row in range(legs.pass_indptr[trips.leg[i]], legs.pass_indptr[trips.leg[i] + 1]):
            time_s = trips.depart_s[i] + legs.pass_s[row] * trips.pace[i]
            found.append((i, float(time_s), int(legs.pass_camera[row]), False))
        if enters >= 0:
            found.append((i, float(trips.arrive_s[i]), enters, True))
    return [f for f in found if f[1] < world.scenario.days * 86_400]


def captured(world: World, trips: Trips, legs: Legs) -> Raw:
    return read_fixed(trips, legs, world.cameras, world.lot_camera, world.working, world.seed)


def rows(raw: Raw) -> list[tuple[int, float, int]]:
    return list(zip(raw.driver.tolist(), raw.time_s.tolist(), raw.camera_id.tolist(), strict=True))


@pytest.mark.parametrize("seed", [3, 4])
def test_capture_is_the_plain_reference(tiny: object, seed: int) -> None:
    world = build_world(tiny_scenario(readers__streets__downtime_share=0.3), seed)
    trips, legs = drive(world, 0, world.drivers.n_drivers)
    cameras = world.cameras
    keys = {lot: stream_key(seed, Stream.READ_LOT if lot else Stream.READ_FIXED) for lot in (False, True)}
    expected = []
    for i, t, c, lot in passes_of(world, trips, legs):
        hour = (t / 3600) % 24
        rate = cameras.read_rate[c] - (cameras.night_penalty[c] if hour >= 21 or hour < 6 else 0)
        trip = int(trips.day[i]) * 64 + int(trips.number[i])
        u = uniforms(np.uint64(keys[lot]), int(cameras.key[c]), int(trips.driver[i]), trip, int(t) % 65_536)[
            0
        ]
        if world.working[c, int(t // 86_400)] and u < rate:
            expected.append((int(trips.driver[i]), t, c))
    assert len(expected) > 300 and rows(captured(world, trips, legs)) == expected


def test_perfect_readers_see_every_pass_and_nothing_else() -> None:
    world = build_world(tiny_scenario(**PERFECT), 3)
    trips, legs = drive(world, 0, world.drivers.n_drivers)
    raw = captured(world, trips, legs)
    assert rows(raw) == [(int(trips.driver[i]), t, c) for i, t, c, _ in passes_of(world, trips, legs)]
    written = write_down(raw, world.drivers.plate, world.cameras, world.seed)
    assert np.array_equal(written.plate, world.drivers.plate[raw.driver])
    assert np.array_equal(written.time_s, np.floor(raw.time_s))
    assert written.x_m == pytest.approx(world.cameras.x_m[raw.camera_id].astype(np.float32))


def test_every_sighting_is_explained_by_a_pass(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    trips, legs = tiny_trips
    passes = {(int(trips.driver[i]), t, c) for i, t, c, _ in passes_of(tiny_world, trips, legs)}
    read = rows(captured(tiny_world, trips, legs))
    assert set(read) < passes and len(read) == len(set(read))


def test_read_rates_by_day_and_night() -> None:
    rates = {"readers__streets__read_rate": 0.8, "readers__streets__night_penalty": 0.3}
    world = build_world(tiny_scenario(people__drivers=150, readers__streets__downtime_share=0.0, **rates), 11)
    trips, legs = drive(world, 0, 150)
    raw = captured(world, trips, legs)
    passed = np.array([(t, c) for _, t, c, lot in passes_of(world, trips, legs) if not lot])
    at_lot = world.cameras.edge[raw.camera_id] < 0
    read = raw.time_s[~at_lot]
    for night, rate in ((False, 0.8), (True, 0.5)):
        n = sum(bool(is_night(t)) == night for t in passed[:, 0])
        k = sum(bool(is_night(t)) == night for t in read)
        assert n > 100
        assert abs(k / n - rate) < 4 * np.sqrt(rate * (1 - rate) / n)


@pytest.mark.parametrize(
    ("hour", "night"),
    [(0, True), (5.9999, True), (6, False), (12, False), (20.9999, False), (21, True), (45, True)],
)
def test_night(hour: float, night: bool) -> None:
    assert bool(is_night(hour * 3600.0)) == night


def test_downtime_is_by_reader_and_day() -> None:
    world = build_world(tiny_scenario(readers__streets__downtime_share=0.25, days=400, people__drivers=1), 2)
    fixed = world.cameras.edge >= 0
    down = 1 - world.working[fixed].mean()
    assert abs(down - 0.25) < 4 * np.sqrt(0.25 * 0.75 / world.working[fixed].size)
    assert len(np.unique(world.working[fixed], axis=0)) == fixed.sum()


def test_misreads(tiny_world: World) -> None:
    """A tenth of reads are wrong; of those, few show the plate of another driver."""
    n, cameras = 40_000, tiny_world.cameras
    fixed = int(np.flatnonzero(cameras.edge >= 0)[0])
    raw = Raw(
        driver=(np.arange(n) % 40).astype(np.int32),
        time_s=np.arange(n) * 20.0,
        camera_id=np.full(n, fixed, np.int32),
        x_m=np.zeros(n),
        y_m=np.zeros(n),
    )
    plate = write_down(raw, tiny_world.drivers.plate, cameras, 5).plate
    phantom = plate >= PHANTOM_PLATE
    wrong = plate != tiny_world.drivers.plate[raw.driver]
    stray_rate = 0.1 * STRAY_SHARE * 39 / 40  # a stray may land on the driver's own plate
    for found, rate in ((phantom, 0.1 * (1 - STRAY_SHARE)), (wrong & ~phantom, stray_rate)):
        assert abs(found.mean() - rate) < 4 * np.sqrt(rate * (1 - rate) / n)
    assert len(np.unique(plate[phantom])) > 0.99 * phantom.sum()
    assert set(plate[~phantom]) <= set(tiny_world.drivers.plate)


def test_adding_a_reader_only_adds_reads(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    """Without its last fixed reader, the others' sightings are the same to the bit."""
    trips, legs = tiny_trips
    gone = int(np.flatnonzero(tiny_world.cameras.edge >= 0)[-1])
    kept = legs.pass_camera != gone
    count = np.concatenate([[0], np.cumsum(kept)])
    fewer = replace(
        legs,
        pass_indptr=count[legs.pass_indptr],
        pass_camera=legs.pass_camera[kept],
        pass_s=legs.pass_s[kept],
    )
    with_it, without = captured(tiny_world, trips, legs), captured(tiny_world, trips, fewer)
    assert (with_it.camera_id == gone).any()
    assert rows(without) == [r for r in rows(with_it) if r[2] != gone]


def test_a_new_reader_group_changes_no_other_read() -> None:
    """The same through the scenario: another group's readers draw from keys of their own."""
    few = tiny_scenario()
    data = few.model_dump(mode="json")
    extra = {**data["readers"][3], "name": "shops", "place_kind": "shop", "count": 1}
    more = few.model_validate({**data, "readers": [extra, *data["readers"]]})
    reads = []
    for scenario in (few, more):
        world = build_world(scenario, 3)
        trips, legs = drive(world, 0, world.drivers.n_drivers)
        raw = captured(world, trips, legs)
        old = world.cameras.group[raw.camera_id] != (-1 if scenario is few else 0)
        reads.append((raw.driver[old], raw.time_s[old], world.cameras.key[raw.camera_id[old]], raw.x_m[old]))
    for a, b in zip(*reads, strict=True):
        assert np.array_equal(a, b)
