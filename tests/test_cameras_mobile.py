"""Readers on cars: walks that hang together, shifts, speeds, beats, sweeps, independence of day blocks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from cameras_town import grid_town, town_volume

from simulator.cameras.mobile import DAY_S, mobile_passes
from simulator.cameras.placement import place_readers
from simulator.cameras.roster import Cameras, MobilePasses
from simulator.cameras.shifts import divide_city, plan_shifts
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.roads.network import RoadClass
from simulator.scenario_parts import FixedReaders, PatrolReaders, Readers, SpotterReaders, Streets
from simulator.streams import Stream, stream_key, uniforms

CITY = grid_town(side=9)
NETWORK = CITY.network
PATROL = PatrolReaders(kind="patrol", name="p", count=5, drive_share=0.4, speed_kmh=36.0)
SPOTTER = SpotterReaders(kind="spotter", name="s", count=4, night_share=0.5)
GROUPS: list[Readers] = [FixedReaders(kind="fixed", name="f", count=3), PATROL, SPOTTER]


def roster(groups: list[Readers], city: City = CITY) -> Cameras:
    return place_readers(groups, city=city, edge_volume=town_volume(city), lot_places={}, seed=1)


def passes(
    groups: list[Readers] = GROUPS, day_from: int = 0, day_to: int = 6, seed: int = 1, city: City = CITY
) -> MobilePasses:
    return mobile_passes(
        roster(groups, city),
        groups,
        city=city,
        edge_volume=town_volume(city),
        seed=seed,
        day_from=day_from,
        day_to=day_to,
    )


def edge_of(found: MobilePasses) -> np.ndarray:
    return np.repeat(np.arange(len(found.edge_indptr) - 1), np.diff(found.edge_indptr))


def rows(found: MobilePasses) -> list[tuple[Any, ...]]:
    return sorted(
        zip(
            edge_of(found).tolist(),
            found.enter_s.tolist(),
            found.duration_s.tolist(),
            found.camera.tolist(),
            found.sweep.tolist(),
            strict=True,
        )
    )


PASSES = passes()
STARTS = {3: 8, 4: 16, 5: 0, 6: 8, 7: 16, 8: 8, 9: 20, 10: 8, 11: 20}  # hour, by camera


def shifts(found: MobilePasses) -> Iterator[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]:
    """Yield camera, start of shift, edges, enter_s and duration_s of each shift, in driving order."""
    edge = edge_of(found)
    for camera, start_h in STARTS.items():
        mine = np.flatnonzero(found.camera == camera)
        mine = mine[np.argsort(found.enter_s[mine], kind="stable")]
        day = (found.enter_s[mine] - start_h * 3600) // DAY_S
        for d in np.unique(day):
            m = mine[day == d]
            yield camera, int(d) * DAY_S + start_h * 3600, edge[m], found.enter_s[m], found.duration_s[m]


def test_rows_are_sorted_by_edge_then_time() -> None:
    assert PASSES.edge_indptr[-1] == len(PASSES.enter_s) > 5000
    same_edge = np.diff(edge_of(PASSES)) == 0
    assert (np.diff(PASSES.enter_s)[same_edge] >= 0).all()


def test_a_shift_is_one_unbroken_drive_without_needless_turns() -> None:
    n_shifts = 0
    for _, _, edge, enter_s, duration_s in shifts(PASSES):
        n_shifts += 1
        np.testing.assert_array_equal(NETWORK.edge_head[edge[:-1]], NETWORK.edge_tail[edge[1:]])
        # Within a bout the next edge is entered when the last is left; between bouts the car stands.
        gap = enter_s[1:] - enter_s[:-1] - duration_s[:-1]
        assert (gap > -1.001).all()
        assert (gap > 1.001).sum() == 3
        turned = NETWORK.reverse_edge[edge[:-1]] == edge[1:]
        choices = np.diff(NETWORK.out_indptr)[NETWORK.edge_tail[edge[1:]]]
        assert (choices[turned] == 1).all()
    assert n_shifts == 9 * 6


def test_shifts_keep_their_hours_and_share_of_driving() -> None:
    for _, start_s, _, enter_s, duration_s in shifts(PASSES):
        assert enter_s[0] >= start_s
        assert enter_s[-1] + duration_s[-1] <= start_s + 8 * 3600 + 1
        # Each of the four bouts ends at the last junction in time, so a street's worth may be missing.
        assert 0.4 * 8 * 3600 - 4 * 200 / 7 < duration_s.sum() <= 0.4 * 8 * 3600 + 1


def test_speed_is_the_lower_of_the_streets_and_the_cars() -> None:
    edge = edge_of(PASSES)
    own = np.where(PASSES.sweep, SPOTTER.speed_kmh, PATROL.speed_kmh) / 3.6
    expected = NETWORK.edge_length_m[edge] / np.minimum(NETWORK.edge_speed_mps[edge], own)
    np.testing.assert_allclose(PASSES.duration_s, expected, rtol=1e-6)
    assert len(np.unique(PASSES.duration_s)) > 2


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_days_do_not_depend_on_their_block(cut: int) -> None:
    assert rows(PASSES) == sorted(rows(passes(day_to=cut)) + rows(passes(day_from=cut)))


def test_a_day_is_not_like_the_other_and_the_seed_decides() -> None:
    first, second = passes(day_to=1), passes(day_from=1, day_to=2)
    assert rows(first) == rows(passes(day_to=1))
    assert rows(first) != rows(passes(day_to=1, seed=2))
    shifted = [(e, t + DAY_S, d, c, s) for e, t, d, c, s in rows(first)]
    assert shifted != rows(second)


def drive_slowly(day: int) -> list[tuple[Any, ...]]:
    """Drive all cars through one day's shifts in plain Python."""
    cameras = roster(GROUPS)
    plan = plan_shifts(cameras, GROUPS, city=CITY, edge_volume=town_volume(CITY), seed=1)
    stream = np.uint64(stream_key(1, Stream.MOBILE_ROUTES))
    length_m, speed, back = NETWORK.edge_length_m, NETWORK.edge_speed_mps, NETWORK.reverse_edge
    x, y = NETWORK.node_x_m, NETWORK.node_y_m
    found = []
    for duty in plan.duties:
        key = np.uint64(cameras.key[duty.camera])

        def unit(number: int, purpose: int, key: np.uint64 = key) -> float:
            return float(uniforms(stream, key, day, number, purpose)[0])

        beat = plan.beat[duty.territory] == duty.beat
        place = plan.base_indptr[duty.territory] + duty.beat
        centre = plan.base[place]
        chances = plan.start_cumulative[place]
        node = int(plan.start_node[place][np.flatnonzero(chances >= unit(0, 0))[0]])
        driven: Counter[int] = Counter()
        last, step = -1, 0
        for bout in range(4):
            time_s = duty.start_s + bout * 7200 + unit(bout, 1) * 7200 * (1 - duty.drive_share)
            end_s = time_s + 7200 * duty.drive_share
            while True:
                ways = np.flatnonzero(NETWORK.edge_tail == node).tolist()
                if last >= 0 and len(ways) > 1:
                    ways = [e for e in ways if e != back[last]]
                weights = []
                for e in ways:
                    times = driven[e] + (driven[int(back[e])] if back[e] >= 0 else 0)
                    weight = float(plan.likes[duty.profile][e]) / (1 + times) ** plan.fade[duty.profile]
                    head = NETWORK.edge_head[e]
                    nearer = math.dist(centre, (x[head], y[head])) < math.dist(centre, (x[node], y[node]))
                    if not beat[head] and (beat[node] or not nearer):
                        weight *= 0.02
                    weights.append(weight)
                aim = unit(step, 2) * sum(weights)
                edge = next(e for e, c in zip(ways, np.cumsum(weights), strict=True) if c > aim)
                duration_s = length_m[edge] / min(speed[edge], duty.speed_mps)
                if time_s + duration_s > end_s:
                    break
                enter_s = day * DAY_S + int(time_s)
                found.append((edge, enter_s, duration_s, duty.camera, duty.sweep))
                driven[edge] += 1
                time_s += duration_s
                node, last, step = int(NETWORK.edge_head[edge]), edge, step + 1
    return sorted(found)


def test_the_kernel_drives_as_the_slow_reference() -> None:
    fast, slow = rows(passes(day_from=2, day_to=3)), drive_slowly(2)
    assert [r[:2] + r[3:] for r in fast] == [r[:2] + r[3:] for r in slow]
    np.testing.assert_allclose([r[2] for r in fast], [r[2] for r in slow], rtol=1e-6)


@pytest.mark.parametrize("kind", ["grid", "ring-radial", "organic"])
def test_readers_and_cars_in_generated_cities(kind: Any) -> None:
    city = build_city(Streets(kind=kind, nodes=400, area_km2=4.0), 3)
    placements = ("volume", "cordon", "arterial", "random", "district")
    fixed = [FixedReaders(kind="fixed", name=p, count=8, placement=p) for p in placements]
    groups: list[Readers] = [*fixed, PATROL, SPOTTER]
    cameras = roster(groups, city)
    assert cameras.n_cameras == 5 * 8 + 5 + 4
    found = passes(groups, day_to=1, city=city)
    edge = edge_of(found)
    for camera in range(40, 49):
        mine = np.flatnonzero(found.camera == camera)
        walk = edge[mine[np.argsort(found.enter_s[mine], kind="stable")]]
        assert len(walk) > 100
        np.testing.assert_array_equal(city.network.edge_head[walk[:-1]], city.network.edge_tail[walk[1:]])


def test_another_group_changes_no_drive() -> None:
    alone = passes([SPOTTER], day_to=2)
    both = passes([PATROL, SPOTTER], day_to=2)
    assert [(e, t, d) for e, t, d, _, _ in rows(alone)] == [(e, t, d) for e, t, d, _, s in rows(both) if s]


def test_day_before_the_first_brings_the_small_hours() -> None:
    early = passes(day_from=-1, day_to=0)
    after_midnight = early.enter_s >= 0
    assert after_midnight.any()
    assert set(early.camera[after_midnight].tolist()) <= {4, 7, 9, 11}


def test_beats_partition_the_city_among_the_cars_on_duty() -> None:
    plan = plan_shifts(roster(GROUPS), GROUPS, city=CITY, edge_volume=town_volume(CITY), seed=1)
    by_shift: dict[tuple[int, int], list[int]] = {}
    for duty in plan.duties:
        if not duty.sweep:
            by_shift.setdefault((duty.start_s, duty.territory), []).append(duty.beat)
    # Five cars on three shifts: 2, 2 and 1.
    assert sorted(map(len, by_shift.values())) == [1, 2, 2]
    for (_, territory), beats in by_shift.items():
        assert sorted(beats) == np.unique(plan.beat[territory]).tolist()


@pytest.mark.parametrize("n_beats", [1, 2, 7, 81, 200])
def test_beats_are_the_nodes_nearest_to_their_centre(n_beats: int) -> None:
    beats = divide_city(NETWORK, n_beats, np.random.default_rng(5))
    n = min(n_beats, NETWORK.n_nodes)
    assert np.unique(beats.beat).tolist() == list(range(n))
    away = np.hypot(NETWORK.node_x_m[:, None] - beats.base_x_m, NETWORK.node_y_m[:, None] - beats.base_y_m)
    np.testing.assert_allclose(away[np.arange(len(away)), beats.beat], away.min(axis=1))


def test_patrols_stay_near_their_beat_and_favour_main_roads() -> None:
    plan = plan_shifts(roster(GROUPS), GROUPS, city=CITY, edge_volume=town_volume(CITY), seed=1)
    edge = edge_of(PASSES)
    for duty in plan.duties:
        if duty.sweep:
            continue
        mine = edge[PASSES.camera == duty.camera]
        inside = plan.beat[duty.territory][NETWORK.edge_head[mine]] == duty.beat
        assert inside.mean() > 0.8
    main = NETWORK.edge_class < RoadClass.RESIDENTIAL
    patrol_share = main[edge[~PASSES.sweep]].mean()
    spotter_share = main[edge[PASSES.sweep]].mean()
    assert patrol_share > 1.5 * main.mean()
    assert spotter_share < main.mean()


def test_spotters_sweep_more_streets_than_a_plain_walk_would() -> None:
    # A walk that only avoids turning back, over the same town and number of steps, in plain Python.
    rng = np.random.default_rng(7)
    back = NETWORK.reverse_edge
    swept, plain = [], []
    for camera, _, edge, _, _ in shifts(PASSES):
        if camera < 8:
            continue
        edge = edge[: NETWORK.n_edges // 2]
        swept.append(len(np.unique(np.where(back[edge] >= 0, np.minimum(edge, back[edge]), edge))))
        at, seen = int(edge[0]), set()
        for _ in range(len(edge)):
            seen.add(min(at, int(back[at])) if back[at] >= 0 else at)
            out = np.arange(*NETWORK.out_indptr[NETWORK.edge_head[at] : NETWORK.edge_head[at] + 2])
            out = out[out != back[at]] if len(out) > 1 else out
            at = int(rng.choice(out))
        plain.append(len(seen))
    assert np.mean(swept) > 1.1 * np.mean(plain)


def test_no_cars_and_no_days() -> None:
    none: list[Readers] = [PATROL.model_copy(update={"count": 0}), SPOTTER.model_copy(update={"count": 0})]
    for found in (passes(none), passes([]), passes(day_to=0)):
        assert len(found.enter_s) == 0
        assert found.edge_indptr.tolist() == [0] * (NETWORK.n_edges + 1)


def test_a_long_shift_of_a_slow_car_and_more_cars_than_junctions() -> None:
    tiny = grid_town(side=3)
    slow = PATROL.model_copy(update={"shift_hours": 24.0, "drive_share": 1.0, "speed_kmh": 5.0})
    found = passes([slow], day_to=1, city=tiny)
    driven = found.duration_s[found.camera == 0].sum()
    # Twelve bouts without a break; each may lose less than the time of one block, 144 s.
    assert DAY_S - 12 * 144 < driven <= DAY_S + 1
    many = PATROL.model_copy(update={"count": 40})
    assert set(passes([many], day_to=1, city=tiny).camera.tolist()) == set(range(40))
