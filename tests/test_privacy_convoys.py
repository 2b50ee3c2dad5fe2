"""Convoys: a slow reference, chance in closed form, and planted escorts that are found."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from experiments.cli import app
from experiments.convoys import convoys_of
from simulator.archive_rules import Archive, HotListOnly
from simulator.errors import ScenarioError
from simulator.privacy.convoys import (
    coincidences,
    convoys,
    moved_by_weeks,
    pair_key,
    plant_escorts,
    score_convoys,
)
from simulator.recapture import Recaptured, recapture
from simulator.run import simulate
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.world import build_world


@pytest.fixture(scope="module")
def taken() -> Recaptured:
    return recapture(build_world(tiny_scenario(people__drivers=120, readers__streets__count=20), 3))


def sightings(plate: np.ndarray, time_s: np.ndarray, camera: np.ndarray) -> Sightings:
    nowhere = np.zeros(len(plate), np.float32)
    return Sightings(
        plate=np.asarray(plate, np.uint32),
        time_s=np.asarray(time_s, np.int64),
        camera_id=np.asarray(camera, np.int32),
        x_m=nowhere,
        y_m=nowhere,
    )


def slow(reads: Sightings, gap_s: int) -> set[tuple[int, int, int]]:
    rows = list(zip(reads.plate.tolist(), reads.time_s.tolist(), reads.camera_id.tolist(), strict=True))
    return {
        (int(pair_key(np.uint32([p]), np.uint32([q]))[0]), min(t, u) // DAY_S, c)
        for (p, t, c), (q, u, d) in combinations(rows, 2)
        if p != q and c == d and abs(t - u) <= gap_s
    }


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 300), st.integers(0, 2)), max_size=40),
    st.integers(1, 40),
)
def test_coincidences_are_those_of_a_slow_reading(rows: list[tuple[int, int, int]], gap_s: int) -> None:
    plate, time_s, camera = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    reads = sightings(plate, time_s * 3_000, camera)
    for scaled in (gap_s, gap_s * 3_000):
        pair, day, where = coincidences(reads, gap_s=scaled)
        found = list(zip(pair.tolist(), day.tolist(), where.tolist(), strict=True))
        assert len(found) == len(set(found)) and set(found) == slow(reads, scaled)


def test_convoys_count_readers_within_days_and_days() -> None:
    pair = np.array([1, 1, 1, 2, 2, 3, 3, 3])
    day = np.array([0, 0, 5, 0, 3, 1, 1, 1])
    assert convoys(pair, day, readers=1, days=1).tolist() == [1, 2, 3]
    assert convoys(pair, day, readers=1, days=2).tolist() == [1, 2]
    assert convoys(pair, day, readers=2, days=1).tolist() == [1, 3]
    assert convoys(pair, day, readers=3, days=1).tolist() == [3]
    assert convoys(pair[:0], day[:0], readers=1, days=1).tolist() == []


def random_reads(n: int, seed: int, plates: int = 60, days: int = 28) -> Sightings:
    rng = np.random.default_rng(seed)
    return sightings(
        rng.integers(0, plates, n), rng.integers(0, days * DAY_S, n), rng.integers(0, 3, n)
    ).sorted()


def test_random_cars_coincide_as_often_as_the_closed_form_says() -> None:
    """n reads at c readers in T seconds: n(n-1)/2 pairs, near by 2 gap / T, at one reader by 1/c."""
    n, gap_s, days, plates = 12_000, 20, 28, 60
    expected = n * (n - 1) / 2 * (2 * gap_s + 1) / (days * DAY_S) / 3 * (1 - 1 / plates)
    reads = random_reads(n, 1)
    straight = len(coincidences(reads, gap_s=gap_s)[0])
    assert abs(straight - expected) < 5 * np.sqrt(expected)
    moved = [len(coincidences(reads, gap_s=gap_s, shift=k, days=days)[0]) / 2 for k in (1, 2, 3)]
    assert abs(np.mean(moved) - expected) < 5 * np.sqrt(expected / 3)


@pytest.mark.parametrize("days", [14, 20, 27, 28])
def test_moving_cars_by_weeks_loses_no_day_and_changes_no_weekday(days: int) -> None:
    times = np.arange(days) * DAY_S + 1_000 * np.arange(days)
    for shift in range(1, days // 7):
        moved = moved_by_weeks(times, shift, days, 7)
        assert sorted((moved // DAY_S).tolist()) == list(range(days))
        assert ((moved - times) % (7 * DAY_S) == 0).all() and (moved != times).all()


def test_chance_is_what_is_found_where_nobody_travels_together() -> None:
    reads = random_reads(12_000, 2)
    _, escorts = plant_escorts(
        reads, np.arange(60, dtype=np.uint32), np.ones(3), pairs=1, joint_days=1, days=28, seed=1
    )
    nobody = np.full(60, -1)
    table = score_convoys(
        reads, escorts, np.arange(60), nobody, days=28, gap_s=20, least_readers=(1,), least_days=(1,)
    )
    row = table.row(0, named=True)
    assert row["by_chance"] == pytest.approx(row["found"], rel=0.1)


def test_escorts_are_planted_beside_their_leaders_and_nowhere_else(taken: Recaptured) -> None:
    reads, days = taken.sightings, 10
    rate = np.full(taken.world.cameras.n_cameras, 0.8)
    plates = taken.world.drivers.plate
    planted, escorts = plant_escorts(reads, plates, rate, pairs=20, joint_days=5, days=days, seed=7)
    again, _ = plant_escorts(reads, plates, rate, pairs=20, joint_days=5, days=days, seed=7)
    np.testing.assert_array_equal(planted.time_s, again.time_s)
    others = ~np.isin(reads.plate, escorts.follower)
    np.testing.assert_array_equal(
        planted.take(~np.isin(planted.plate, escorts.follower)).time_s, reads.take(others).time_s
    )
    led = followed = 0
    for leader, follower, on in zip(escorts.leader, escorts.follower, escorts.day, strict=True):
        lead = reads.take((reads.plate == leader) & np.isin(reads.time_s // DAY_S, on))
        behind = planted.take((planted.plate == follower) & np.isin((planted.time_s - 15) // DAY_S, on))
        led, followed = led + lead.n_sightings, followed + behind.n_sightings
        for t, c in zip(behind.time_s, behind.camera_id, strict=True):
            gap = t - lead.time_s[lead.camera_id == c]
            assert ((gap >= 2) & (gap <= 15)).any()
    assert abs(followed - 0.8 * led) < 4 * np.sqrt(0.16 * led)


def test_stricter_rules_find_fewer_and_a_longer_gap_more(taken: Recaptured) -> None:
    table = convoys_of(taken, Archive(), pairs=20, joint_days=5)
    by = {(r["readers"], r["days"]): r for r in table.iter_rows(named=True)}
    for (readers, days), row in by.items():
        for other in ((readers + 1, days), (readers, days * 2)):
            if other in by:
                assert by[other]["found"] <= row["found"]
                assert by[other]["escorts_found"] <= row["escorts_found"]
    assert by[1, 1]["recall"] > 0.8
    assert by[2, 2]["precision"] > by[1, 1]["precision"]
    wide = convoys_of(taken, Archive(), pairs=20, joint_days=5, gap_s=120)
    assert (wide["found"] >= table["found"]).all()


def test_rules_hide_convoys(taken: Recaptured) -> None:
    hidden = convoys_of(taken, Archive(rules=(HotListOnly(name="h", share=0.0),)), pairs=20, joint_days=5)
    assert hidden["found"].sum() == 0 and hidden["recall"].max() == 0.0
    short = convoys_of(taken, Archive(retention_days=2.0), pairs=20, joint_days=5)
    free = convoys_of(taken, Archive(), pairs=20, joint_days=5)
    assert (short["found"] <= free["found"]).all() and short["found"].sum() < free["found"].sum()


def test_too_few_cars_or_days_are_refused(taken: Recaptured) -> None:
    with pytest.raises(ScenarioError, match="need 2000 cars"):
        convoys_of(taken, Archive(), pairs=1000, joint_days=1)
    with pytest.raises(ScenarioError, match="do not fit into the 10 days"):
        convoys_of(taken, Archive(), pairs=5, joint_days=11)


def test_the_command_writes_table_and_figure(tmp_path: Path) -> None:
    out = tmp_path / "run"
    simulate(tiny_scenario(attackers__names=["night-mode"]), seed=3, out=out)
    result = CliRunner().invoke(app, ["convoys", str(out), "--pairs", "5"])
    assert result.exit_code == 0, result.output
    assert pl.read_csv(out / "convoys.csv").height == 12
    assert (out / "figures" / "convoys.png").stat().st_size > 10_000
