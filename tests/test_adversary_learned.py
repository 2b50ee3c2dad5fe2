"""The learned attacker: better than no sightings, the same for a seed, and blind to the drivers attacked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from test_adversary_behaviour import make_view

from simulator import training
from simulator.adversary import attacker as registry
from simulator.adversary.attacker import Extra, attacker_named, default_attacker_names, ready_attacker
from simulator.chunks import AttackSetting, MobileBlocks, attack_setting, capture, truth_of, view_of
from simulator.errors import ScenarioError
from simulator.people.places import PlaceKind
from simulator.run import simulate
from simulator.sightings.view import ArchiveView
from simulator.training import make_training, with_training
from simulator.world import World, build_world

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def town() -> World:
    """A town wide enough that 250 m are a small part of it."""
    scenario = tiny_scenario(
        streets__nodes=250,
        streets__area_km2=6.0,
        people__drivers=250,
        people__workplaces=30,
        attackers__names=("learned", "prior-alone"),
        readers__streets__count=25,
    )
    return build_world(scenario, 11)


@pytest.fixture(scope="module")
def setting(town: World) -> AttackSetting:
    plain = attack_setting(town)
    return replace(plain, knowledge=replace(plain.knowledge, training=make_training(town, 400)))


@pytest.fixture(scope="module")
def view(town: World) -> ArchiveView:
    n = town.drivers.n_drivers
    return view_of(town, capture(town, 0, n, MobileBlocks(town)).own, 0, n)


def test_it_finds_more_homes_than_land_use_alone(town, setting, view):
    truth = truth_of(town, 0, town.drivers.n_drivers)
    found = {}
    for name in setting.names:
        guess = attacker_named(name).infer(view, setting.knowledge).home
        error_m = np.hypot(guess.x_m[:, -1] - truth.home_x_m, guess.y_m[:, -1] - truth.home_y_m)
        found[name] = (error_m[truth.home_inside] <= 250).mean()
    assert found["learned"] > 1.5 * found["prior-alone"]


def test_its_confidence_is_near_the_share_that_is_right(town, setting, view):
    truth = truth_of(town, 0, town.drivers.n_drivers)
    guess = attacker_named("learned").infer(view, setting.knowledge).home
    error_m = np.hypot(guess.x_m - truth.home_x_m[:, None], guess.y_m - truth.home_y_m[:, None])
    given = np.isfinite(error_m)
    assert given.any()
    assert ((guess.confidence[given] >= 0) & (guess.confidence[given] <= 1)).all()
    assert abs((error_m[given] <= 250).mean() - guess.confidence[given].mean()) < 0.12


def test_the_same_seed_gives_the_same_guesses(town, setting, view):
    """Made-up drivers are made anew, and the trees with them."""
    again = replace(setting.knowledge, training=make_training(town, 400))
    one, two = (attacker_named("learned").infer(view, k) for k in (setting.knowledge, again))
    for a, b in ((one.home, two.home), (one.work, two.work)):
        for part in ("x_m", "y_m", "confidence"):
            np.testing.assert_array_equal(getattr(a, part), getattr(b, part))


def test_it_does_not_learn_from_the_drivers_it_attacks(town, setting):
    """Other people in other homes in the same streets: what it learns from stays the same to the bit."""
    rng = np.random.default_rng(1)
    drivers = town.drivers
    other = replace(
        town,
        drivers=replace(
            drivers,
            home_place=rng.permutation(drivers.home_place),
            work_place=rng.permutation(drivers.work_place),
            schedule=rng.permutation(drivers.schedule),
        ),
    )
    learnt, again = setting.knowledge.training, make_training(other, 400)
    assert learnt is not None
    for part in ("time_s", "camera_id", "indptr"):
        np.testing.assert_array_equal(getattr(learnt.view, part), getattr(again.view, part))
    np.testing.assert_array_equal(learnt.home_x_m, again.home_x_m)
    # Work places are made up, too: hardly any stands where one of the town does.
    at_work = learnt.work_x_m[np.isfinite(learnt.work_x_m)]
    assert len(at_work) and np.isin(at_work, town.places.x_m[town.places.kind == PlaceKind.WORK]).mean() < 0.2


def test_a_plate_that_is_never_seen_is_not_guessed(setting, view):
    unseen = make_view([[]], [int(d) for d in view.checkpoint_days])
    attack = attacker_named("learned").infer(unseen, setting.knowledge)
    assert attack.work is not None
    assert np.isnan(attack.home.x_m).all() and np.isnan(attack.work.confidence).all()


def test_it_attacks_only_where_it_is_named(tiny_world: World):
    assert "learned" not in default_attacker_names()
    assert "prior-alone" in default_attacker_names()
    plain = replace(attack_setting(tiny_world), names=("prior-alone", "night-mode"))
    assert with_training(plain, tiny_world) is plain


def test_without_made_up_drivers_it_says_how_to_get_them(setting, view):
    with pytest.raises(ScenarioError, match="with_training"):
        attacker_named("learned").infer(view, replace(setting.knowledge, training=None))


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch):
    absent = Extra(name="learned", module="a_module_that_nobody_has", package="scikit-learn")
    monkeypatch.setitem(registry._EXTRA, "learned", absent)
    with pytest.raises(ScenarioError, match=r"'learned' needs scikit-learn.*platetrail\[learned\]"):
        ready_attacker("learned")


def test_a_run_makes_up_drivers_where_the_attacker_is_named(monkeypatch):
    monkeypatch.setattr(training, "TRAINING_DRIVERS", 100)
    monkeypatch.setattr(training, "_FEWEST_DRIVERS", 100)
    run = simulate(tiny_scenario(attackers__names=("learned",)), seed=3)
    assert run.beliefs.filter(pl.col("error_m").is_not_null()).height > 0
