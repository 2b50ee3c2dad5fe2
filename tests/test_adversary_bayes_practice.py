"""Practice: what made-up drivers teach, and posteriors that are tamed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.adversary.bayes.attacker import TRUSTED_MORE, BayesAttacker
from simulator.adversary.bayes.modesty import Modesty, learn_modesty, tame
from simulator.adversary.bayes.parked import Nearby
from simulator.adversary.bayes.practice import Practice, evidence_of, log_score
from simulator.adversary.knowledge import Manner
from simulator.adversary.posterior import Posterior
from simulator.chunks import MobileBlocks, attack_setting, capture, view_of
from simulator.sightings.rules import NEVER_S
from simulator.sightings.view import ArchiveView
from simulator.training import make_training
from simulator.world import World


def some_posterior(seed: int, n: int, *, none: float = 0.0, size: int = 40, listed: int = 25) -> Posterior:
    """Posteriors of ``n`` plates over a row of places, with priors and lists of their own."""
    rng = np.random.default_rng(seed)
    prior = rng.dirichlet(np.ones(size))
    likelihood = np.exp(2.0 * rng.standard_normal((n, size)))
    mass = likelihood * prior * (1 - none)
    empty = none * np.exp(rng.standard_normal(n)) if none else np.zeros(n)
    whole = mass.sum(axis=1) + empty
    mass, empty = mass / whole[:, None], empty / whole
    place = np.argsort(-mass, axis=1)[:, :listed]
    return Posterior(
        edge=np.arange(size, dtype=np.int32),
        x_m=np.arange(size) * 100.0,
        y_m=np.zeros(size),
        area_m2=np.ones(size),
        prior=prior,
        place=place[:, None, :].astype(np.int32),
        mass=np.take_along_axis(mass, place, axis=1)[:, None, :].astype(np.float32),
        none=empty[:, None].astype(np.float32),
    )


def tamed_plainly(
    posterior: Posterior, plate: int, power: float, doubt: float, none: float
) -> tuple[dict[int, float], float]:
    """Every hypothesis on its own: prior times likelihood to a power, then the mixture."""
    listed = posterior.place[plate, 0]
    mass = posterior.mass[plate, 0].astype(float)
    others = np.setdiff1d(np.arange(len(posterior.prior)), listed)
    left = 1 - mass.sum() - posterior.none[plate, 0]
    belief = dict(zip(listed.tolist(), mass, strict=True))
    belief |= {int(h): left * posterior.prior[h] / posterior.prior[others].sum() for h in others}

    def to_the(t: float) -> tuple[dict[int, float], float]:
        prior = {h: (1 - none) * posterior.prior[h] for h in belief}
        raised = {h: prior[h] * (belief[h] / prior[h]) ** t for h in belief}
        empty = none * (posterior.none[plate, 0] / none) ** t if none else 0.0
        whole = sum(raised.values()) + empty
        return {h: m / whole for h, m in raised.items()}, empty / whole

    (sharp, empty), (tamer, tamer_empty) = to_the(power), to_the(0.25 * power)
    mixed = {h: (1 - doubt) * sharp[h] + doubt * tamer[h] for h in listed.tolist()}
    return mixed, (1 - doubt) * empty + doubt * tamer_empty


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    power=st.floats(0.2, 2.0),
    doubt=st.floats(0.0, 1.0),
    none=st.sampled_from([0.0, 0.4]),
)
def test_taming_equals_the_plain_way(seed: int, power: float, doubt: float, none: float) -> None:
    posterior = some_posterior(seed, 3, none=none)
    shape = (3, 1)
    got = tame(posterior, np.full(shape, power), np.full(shape, doubt), none)
    for plate in range(3):
        masses, empty = tamed_plainly(posterior, plate, power, doubt, none)
        found = dict(zip(got.place[plate, 0].tolist(), got.mass[plate, 0].tolist(), strict=True))
        assert found == pytest.approx(masses, rel=1e-3, abs=1e-6)
        assert got.none[plate, 0] == pytest.approx(empty, rel=1e-3, abs=1e-6)
        assert (np.diff(got.mass[plate, 0]) <= 0).all()


def test_power_1_without_doubt_changes_nothing() -> None:
    posterior = some_posterior(3, 20)
    got = tame(posterior, np.ones((20, 1)), np.zeros((20, 1)), 0.0)
    np.testing.assert_array_equal(got.place, posterior.place)
    np.testing.assert_allclose(got.mass, posterior.mass, rtol=1e-4)


@pytest.mark.parametrize("boast", [0.5, 1.0, 2.0])
def test_learns_by_how_much_posteriors_boast(boast: float) -> None:
    """Truths drawn from honest posteriors, which are then shown to a power: the reverse power is learnt."""
    n, size = 1_500, 40
    honest = some_posterior(7, n, listed=size)
    rng = np.random.default_rng(8)
    truth = np.array(
        [rng.choice(honest.place[i, 0], p=(m := honest.mass[i, 0].astype(float)) / m.sum()) for i in range(n)]
    )
    shown = tame(honest, np.full((n, 1), boast), np.zeros((n, 1)), 0.0)
    learnt = learn_modesty(shown, truth, np.ones((n, 1), dtype=bool), np.full((n, 1), 2.0), 0.0)
    assert learnt is not None
    got = tame(shown, learnt.powers(np.full((n, 1), 2.0)), learnt.doubts(np.full((n, 1), 2.0)), 0.0)

    def held(posterior: Posterior, level: float) -> float:
        before = np.cumsum(posterior.mass[:, 0], axis=1) - posterior.mass[:, 0]
        at = (posterior.place[:, 0] == truth[:, None]).argmax(axis=1)
        return float(
            (before[np.arange(n), at] + rng.random(n) * posterior.mass[np.arange(n), 0, at] <= level).mean()
        )

    for level in (0.5, 0.8, 0.95):
        assert abs(held(got, level) - level) < 0.03
    if boast == 2.0:
        assert held(shown, 0.8) < 0.7


def test_learns_that_old_evidence_boasts_more() -> None:
    """Half of the posteriors are honest, the other half, of as many sightings in more days, boast."""
    n, size = 2_000, 40
    honest = some_posterior(9, n, listed=size)
    rng = np.random.default_rng(10)
    truth = np.array(
        [rng.choice(honest.place[i, 0], p=(m := honest.mass[i, 0].astype(float)) / m.sum()) for i in range(n)]
    )
    old = np.arange(n)[:, None] % 2 == 1
    shown = tame(honest, np.where(old, 2.0, 1.0), np.zeros((n, 1)), 0.0)
    seen, age, every = np.full((n, 1), 2.0), np.where(old, 4.0, 1.0), np.ones((n, 1), dtype=bool)
    learnt = learn_modesty(shown, truth, every, seen, 0.0, age)
    assert learnt is not None and learnt.aging < 0
    young, aged = learnt.powers(np.full(2, 2.0), np.array([1.0, 4.0]))
    assert abs(young - 1.0) < 0.15 and abs(aged - 0.5) < 0.1
    blind = learn_modesty(shown, truth, every, seen, 0.0)
    assert blind is not None and blind.aging == 0.0 and 0.5 < blind.powers(seen)[0, 0] < 1.0


def test_the_age_of_evidence_is_how_far_the_archive_goes_back() -> None:
    """Reads that are kept for ever are of all days, others of as many as they are kept."""
    day = 86_400
    time_s = np.array([1, 3, 2, 2], dtype=np.int64) * day
    view = ArchiveView(
        plate=np.arange(3, dtype=np.uint32),
        indptr=np.array([0, 2, 3, 4]),
        time_s=time_s,
        camera_id=np.zeros(4, np.int32),
        x_m=np.zeros(4, np.float32),
        y_m=np.zeros(4, np.float32),
        expires_s=np.array([NEVER_S, NEVER_S, time_s[2] + 7 * day, time_s[3] + 7 * day]),
        checkpoint_days=np.array([1, 5, 60], np.int32),
        start_weekday=0,
    )
    near = Nearby(
        row=np.array([-1, 0, 1, -1], np.int32),
        edge=np.zeros((2, 1), np.int32),
        share=np.ones((2, 1), np.float32),
        lot=np.zeros(2, np.bool_),
    )
    seen, aside, age = evidence_of(view, near)
    np.testing.assert_allclose(np.expm1(seen), [[0, 2, 2], [0, 1, 0], [0, 1, 0]])
    np.testing.assert_array_equal(aside, [[False, True, True], [False, True, False], [False] * 3])
    np.testing.assert_allclose(np.exp(age), [[1, 5, 60], [1, 5, 1], [1, 5, 1]])


def test_too_few_rows_teach_nothing() -> None:
    posterior = some_posterior(1, 20)
    assert (
        learn_modesty(posterior, np.zeros(20, np.int64), np.ones((20, 1), bool), np.ones((20, 1)), 0.0)
        is None
    )


def test_modesty_by_hand() -> None:
    modesty = Modesty(power=0.5, growth=0.1, doubt=0.0)
    assert modesty.powers(np.array([0.0, 1.0])) == pytest.approx([0.5, 0.5 * np.exp(0.1)])
    assert modesty.doubts(np.array([3.0])) == pytest.approx([0.5])
    assert Modesty().doubts(np.array([3.0])) == pytest.approx([0.0])
    aging = Modesty(doubt=0.0, aging=-0.5, doubt_aging=1.0)
    assert aging.powers(np.array([3.0]), 2.0) == pytest.approx([np.exp(-1.0)])
    assert aging.doubts(np.array([3.0]), 2.0) == pytest.approx([1 / (1 + np.exp(-2.0))])


def test_log_score_equals_the_plain_way(tiny_world: World) -> None:
    training = make_training(tiny_world, 30)
    posterior = some_posterior(5, 30)
    training = replace(training, home_edge=np.arange(30, dtype=np.int32) % 40)
    training.home_edge[3] = -1  # beyond the map, where no hypothesis is
    logs = []
    for i in np.flatnonzero(training.home_edge >= 0):
        listed, home = posterior.place[i, 0].tolist(), int(training.home_edge[i])
        mass = posterior.mass[i, 0].astype(float)
        others = np.setdiff1d(np.arange(40), listed)
        left = (1 - mass.sum()) * posterior.prior[home] / posterior.prior[others].sum()
        logs.append(np.log(mass[listed.index(home)] if home in listed else left))
    assert log_score(posterior, training) == pytest.approx(np.mean(logs), abs=1e-4)


def test_trust_in_stays_at_home_is_practised_on_traffic_from_elsewhere_alone(tiny_world: World) -> None:
    known = replace(attack_setting(tiny_world).knowledge, training=make_training(tiny_world, 200))
    assert BayesAttacker()._practice(known).home_own is None
    elsewhere = replace(known, manner=Manner(), training=replace(known.training))  # type: ignore[type-var]
    chosen = BayesAttacker()._practice(elsewhere).home_own
    assert chosen is None or chosen in TRUSTED_MORE
    # What practice taught goes before what is taken for granted.
    sure = BayesAttacker(home_own=TRUSTED_MORE[-1])
    assert sure._settings(Practice()).home_own.tolist() == np.repeat(TRUSTED_MORE[-1], 2).tolist()
    told = Practice(home_own=TRUSTED_MORE[0])
    assert sure._settings(told).home_own.tolist() == np.repeat(TRUSTED_MORE[0], 2).tolist()


def test_practice_is_about_made_up_drivers_only(tiny_world: World) -> None:
    """Other people under the same readers teach the same; with practice, beliefs change, and only then."""
    setting = attack_setting(tiny_world)
    captured = capture(tiny_world, 0, 20, MobileBlocks(tiny_world))
    view = view_of(tiny_world, captured.own, 0, 20)
    attacker = BayesAttacker()
    training = make_training(tiny_world, 200)
    known = replace(setting.knowledge, training=training)
    first, again = attacker.infer(view, known), BayesAttacker().infer(view, known)
    np.testing.assert_array_equal(first.home.x_m, again.home.x_m)
    plain = attacker.infer(view, setting.knowledge)
    assert first.home_posterior is not None and plain.home_posterior is not None
    assert not np.array_equal(first.home_posterior.mass, plain.home_posterior.mass)
    practice = attacker._practice(known)
    assert practice.home is not None
    assert all(0.1 <= p <= 3.0 for p in practice.home[0].powers(np.linspace(0, 7, 5)))
