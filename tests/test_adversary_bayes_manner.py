"""How people drive in a town, learned from which reader comes next to which."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.manner import LADDERS, TripEnds, count_trip_ends, learn_manner, log_fit
from simulator.adversary.bayes.model import imagine
from simulator.adversary.knowledge import Knowledge, Manner, Rung
from simulator.cameras.roster import ReaderKind
from simulator.chunks import attack_setting, view_of
from simulator.sightings.view import DAY_S, ArchiveView
from simulator.training import make_town, manner_of, with_training
from simulator.world import World

FEW = (40, 30, 50)


def knowledge_of(world: World) -> Knowledge:
    return attack_setting(world).knowledge


def ends_of(world: World, manner: Manner | None, n: int = 400) -> TripEnds:
    town = make_town(world, n, manner=manner)
    view = view_of(replace(town.world, scenario=world.scenario), town.reads, 0, n)
    return count_trip_ends([view], world.cameras.kind == ReaderKind.FIXED)


def counted_plainly(view: ArchiveView, passed: np.ndarray) -> dict[tuple[int, int, int], int]:  # type: ignore[type-arg]
    """Plate by plate and read by read."""
    found: dict[tuple[int, int, int], int] = {}
    now_s = int(view.checkpoint_days[-1]) * DAY_S
    for p in range(view.n_plates):
        reads = [
            (int(view.time_s[i]), int(view.camera_id[i]))
            for i in range(view.indptr[p], view.indptr[p + 1])
            if view.time_s[i] < now_s < view.expires_s[i] and passed[view.camera_id[i]]
        ]
        for side, way in ((0, 1), (1, -1)):
            ordered = reads[::way]
            for i, (t, camera) in enumerate(ordered):
                if i and abs(t - ordered[i - 1][0]) <= 3600:
                    continue
                after = ordered[i + 1] if i + 1 < len(ordered) else None
                beyond = after[1] if after and abs(after[0] - t) < 1500 else len(passed)
                key = (side, camera, beyond)
                found[key] = found.get(key, 0) + 1
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_ends_of_trips_are_counted_as_plate_by_plate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [0, 7, 1, 60, 25]
    n = sum(sizes)
    view = ArchiveView(
        plate=np.arange(len(sizes), dtype=np.uint32),
        indptr=np.cumsum([0, *sizes]).astype(np.int64),
        time_s=np.concatenate([np.sort(rng.integers(0, 4 * DAY_S // 10, k)) for k in sizes]).astype(np.int64),
        camera_id=rng.integers(0, 5, n).astype(np.int32),
        x_m=np.zeros(n, np.float32),
        y_m=np.zeros(n, np.float32),
        expires_s=np.where(rng.random(n) < 0.2, 1000, 2**62),
        checkpoint_days=np.array([1, 2], dtype=np.int32),
        start_weekday=0,
    )
    passed = np.array([True, True, False, True, True])
    got = count_trip_ends([view], passed)
    plain = counted_plainly(view, passed)
    rows = zip(got.side.tolist(), got.near.tolist(), got.beyond.tolist(), strict=True)
    assert dict(zip(rows, got.count.tolist(), strict=True)) == plain
    twice = count_trip_ends([view, view], passed)
    assert twice.n_ends == 2 * got.n_ends == 2 * sum(plain.values())


def test_traffic_tells_how_much_drivers_err_about_times(tiny_world: World) -> None:
    """Made-up people who drive by the clock, and people who hardly know, fit their own manner."""
    knowledge = knowledge_of(tiny_world)
    manners = {name: Manner(spread=spread) for name, spread in (("exact", 0.06), ("vague", 2.0))}
    traffic = {name: ends_of(tiny_world, manner) for name, manner in manners.items()}
    fit = {
        (of, by): log_fit(imagine(knowledge, Habits().in_the_manner_of(manners[by]), 0, FEW), traffic[of])
        for of in manners
        for by in manners
    }
    gain = {of: fit[of, "exact"] - fit[of, "vague"] for of in manners}
    assert gain["exact"] > gain["vague"] + 0.02


def test_the_best_of_what_is_tried_is_kept(tiny_world: World) -> None:
    knowledge, traffic = knowledge_of(tiny_world), ends_of(tiny_world, Manner(spread=0.06))
    learned = learn_manner(knowledge, traffic, Habits())
    assert learned is not None
    for name, ladder in LADDERS:
        assert getattr(learned, name) in ladder
    best = log_fit(imagine(knowledge, Habits().in_the_manner_of(learned)), traffic)
    assert best >= log_fit(imagine(knowledge, Habits()), traffic)
    assert learn_manner(knowledge, traffic, Habits()) == learned


def test_little_traffic_teaches_nothing_and_other_rungs_are_not_taught(tiny_world: World) -> None:
    none = count_trip_ends([], tiny_world.cameras.kind == ReaderKind.FIXED)
    assert none.n_ends == 0
    assert learn_manner(knowledge_of(tiny_world), none, Habits()) is None
    knowledge = replace(knowledge_of(tiny_world), manner=Manner(spread=0.5))
    assert knowledge.up_to(Rung.HABITS).manner == knowledge.manner
    assert knowledge.up_to(Rung.LAND_USE).manner is None


def test_this_projects_own_traffic_is_taken_as_surveys_have_it(tiny_world: World) -> None:
    setting = replace(attack_setting(tiny_world), names=("bayes",))
    assert manner_of(setting, tiny_world) is None
    assert with_training(setting, tiny_world).knowledge.manner is None
    assert Habits().in_the_manner_of(None) == Habits().in_the_manner_of(Manner()) == Habits()


def test_a_manner_scales_habits_and_the_people_who_are_made_up(tiny_world: World) -> None:
    manner = Manner(spread=0.5, taste=0.0, reach=3.0, aid=0.3)
    habits, plain = Habits().in_the_manner_of(manner), Habits()
    assert habits.route_spread == pytest.approx(0.5 * plain.route_spread) and habits.taste_spread == 0.0
    assert habits.errand_scale_m == pytest.approx(3 * plain.errand_scale_m)
    made, before = make_town(tiny_world, 60, manner=manner).world.scenario, tiny_world.scenario
    assert made.travel.perception_sigma == pytest.approx(0.5 * before.travel.perception_sigma)
    assert made.people.commute_scale_km == pytest.approx(3 * before.people.commute_scale_km)
