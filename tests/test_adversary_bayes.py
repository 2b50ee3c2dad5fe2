"""The Bayesian adversary: equal to plain enumeration, honest where its assumptions hold, and well behaved."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from math import lgamma

import numpy as np
import pytest
from cameras_town import grid_town
from scipy.stats import kstest

from simulator.adversary.attacker import Guesses
from simulator.adversary.bayes.attacker import BayesAttacker
from simulator.adversary.bayes.events import N_CLASSES, count_stays
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.infer import urn_gain
from simulator.adversary.bayes.model import Model, model_of
from simulator.adversary.bayes.own_world import draw_own_world
from simulator.adversary.bayes.tables import chance_of_levels
from simulator.adversary.knowledge import Knowledge, ReaderFacts, Rung
from simulator.adversary.posterior import Posterior, hypothesis_at
from simulator.privacy.posterior import disclose
from simulator.sightings.view import DAY_S, ArchiveView

NEVER_S = 2**62
SIDE = 9


@cache
def knowledge(n_readers: int = 12) -> Knowledge:
    """A town of 9 x 9 junctions, about 290 street sides, with readers on streets drawn at random."""
    city = grid_town(SIDE)
    net = city.network
    edge = np.random.default_rng(5).choice(net.n_edges, n_readers, replace=False).astype(np.int32)
    offset = net.edge_length_m[edge] / 2
    x, y = net.point_along(edge, offset)
    return Knowledge(
        rung=Rung.HABITS,
        readers=ReaderFacts(
            fixed=np.ones(n_readers, dtype=bool),
            edge=edge,
            offset_m=offset.astype(np.float32),
            both_directions=np.arange(n_readers) % 2 == 0,
            x_m=x,
            y_m=y,
            read_rate=np.full(n_readers, 0.9, np.float32),
        ),
        streets=net,
        gateway_node=city.gateway_node,
        land_use=city.land_use,
    )


def view_of(plates: list[list[tuple[int, int]]], days: tuple[int, ...] = (30,)) -> ArchiveView:
    """A view of plates given as (time in seconds, reader)."""
    facts = knowledge().readers
    assert facts is not None
    rows = [sorted(p) for p in plates]
    time_s = np.array([t for p in rows for t, _ in p], dtype=np.int64)
    camera = np.array([c for p in rows for _, c in p], dtype=np.int32)
    return ArchiveView(
        plate=np.arange(len(rows), dtype=np.uint32),
        indptr=np.cumsum([0, *map(len, rows)]).astype(np.int64),
        time_s=time_s,
        camera_id=camera,
        x_m=facts.x_m[camera].astype(np.float32),
        y_m=facts.y_m[camera].astype(np.float32),
        expires_s=np.full(len(time_s), NEVER_S),
        checkpoint_days=np.array(days, dtype=np.int32),
        start_weekday=0,
    )


def random_plates(seed: int, n: int) -> list[list[tuple[int, int]]]:
    """Commutes past habitual readers, with days missing and odd reads in between."""
    rng = np.random.default_rng(seed)
    plates = []
    for _ in range(n):
        usual = rng.integers(0, 12, 3)
        rows = []
        for day in range(int(rng.integers(1, 20))):
            for hour, order in ((8, usual), (17, usual[::-1])):
                for k, c in enumerate(order):
                    if rng.random() < 0.6:
                        rows.append((day * DAY_S + hour * 3600 + 240 * k + int(rng.integers(0, 99)), int(c)))
            if rng.random() < 0.3:
                rows.append((day * DAY_S + int(rng.integers(9, 23)) * 3600, int(rng.integers(0, 12))))
        plates.append(rows)
    return plates


def stay_counts(view: ArchiveView, plate: int, model: Model) -> np.ndarray:
    a, b = view.indptr[plate], view.indptr[plate + 1]
    counts = np.zeros((N_CLASSES, model.signs.n), np.int32)
    count_stays(
        view.time_s[a:b], view.camera_id[a:b], np.ones(12, bool), view.expires_s[a:b],
        np.int64(view.checkpoint_days[-1]) * DAY_S, view.start_weekday, model.signs.of_pair,
        np.empty(b - a, np.int64), counts, np.empty(4 * (b - a) + 8, np.int64),
    )  # fmt: skip
    return counts


def log_urn(n: int, a: float) -> float:
    return lgamma(a + n) - lgamma(a)


def enumerated_home(attacker: BayesAttacker, model: Model, counts: np.ndarray) -> np.ndarray:
    """Bayes' rule over every street side, one after another, from the words of the method."""
    table, chance = model.home.table, chance_of_levels()
    own = np.repeat(attacker.home_own, 2)
    full, half = attacker.home_temper
    signs = sum(own[k] * (counts[k] > 0).sum() for k in range(N_CLASSES))
    temper = full * (1 + signs / half) ** -0.6
    log = np.log(model.home.places.prior)
    for h in range(model.home.places.n):
        likely = [
            dict(zip(table.sign[s, n].tolist(), chance[table.level[s, n]].tolist(), strict=True))
            for s, n in ((0, model.home.places.head[h]), (1, model.home.places.tail[h]))
        ]
        for k in range(N_CLASSES):
            for c in np.flatnonzero(counts[k]):
                if own[k] > 0:
                    mean = (1 - own[k]) * model.usual[c] + own[k] * likely[k % 2].get(int(c), 0.0)
                    log[h] += temper * log_urn(int(counts[k, c]), attacker.alpha * mean)
    mass = np.exp(log - log.max())
    return np.asarray(mass / mass.sum())


def dense(posterior: Posterior, plate: int, checkpoint: int = -1) -> np.ndarray:
    """The whole posterior, what is not listed spread by the prior."""
    listed = posterior.place[plate, checkpoint] >= 0
    at = posterior.place[plate, checkpoint][listed]
    mass = np.zeros(len(posterior.prior))
    mass[at] = posterior.mass[plate, checkpoint][listed]
    other = posterior.prior.copy()
    other[at] = 0.0
    left = max(1.0 - float(posterior.none[plate, checkpoint]) - mass.sum(), 0.0)
    return mass + left * other / max(other.sum(), 1e-12)


def test_equals_enumeration_of_every_home() -> None:
    attacker, known = BayesAttacker(), knowledge()
    model = model_of(known, attacker.habits)
    assert model.home.places.n <= 400
    view = view_of(random_plates(1, 40))
    posterior = attacker.infer(view, known).home_posterior
    assert posterior is not None
    distance = [
        0.5
        * np.abs(dense(posterior, p) - enumerated_home(attacker, model, stay_counts(view, p, model))).sum()
        for p in range(view.n_plates)
    ]
    assert np.median(distance) <= 0.05
    assert np.quantile(distance, 0.9) <= 0.15


@pytest.mark.parametrize("n", [1, 2, 4, 5, 20, 300])
@pytest.mark.parametrize(("a", "b"), [(1e-4, 0.5), (0.2, 1.3), (0.01, 0.01)])
def test_urn_gain_is_a_ratio_of_gamma_functions(n: int, a: float, b: float) -> None:
    assert urn_gain(n, a, b) == pytest.approx(log_urn(n, b) - log_urn(n, a), abs=0.03)


def test_tables_sum_to_one_over_readers_and_over_pairs() -> None:
    model = model_of(knowledge(), Habits())
    chance = chance_of_levels()[model.home.table.level]
    sign = model.home.table.sign
    for mine in ((sign >= 0) & (sign < 12), sign >= 12):
        total = np.where(mine, chance, 0.0).sum(axis=2)
        assert np.median(total) == pytest.approx(1.0, abs=0.03)
        assert total.max() < 1.15


def test_habits_count_once() -> None:
    """Sixty repeats of a commute say little more than thirty did."""
    commute = [(d * DAY_S + h * 3600 + 60 * k, c) for d in range(60) for h, c, k in ((8, 3, 0), (17, 3, 0))]
    view = view_of([commute], (2, 30, 60))
    posterior = BayesAttacker().infer(view, knowledge()).home_posterior
    assert posterior is not None
    entropy = []
    for k in range(3):
        mass = dense(posterior, 0, k)
        entropy.append(-(mass * np.log2(np.maximum(mass, 1e-300))).sum())
    assert 0 <= entropy[1] - entropy[2] < 0.4 * (entropy[0] - entropy[1])


@pytest.mark.parametrize("how", ["no sightings", "all deleted"])
def test_without_evidence_the_belief_is_the_prior(how: str) -> None:
    view = view_of(random_plates(2, 2) if how == "all deleted" else [[], []])
    if how == "all deleted":
        view = replace(view, expires_s=np.zeros(len(view.time_s), dtype=np.int64))
    attack = BayesAttacker().infer(view, knowledge())
    posterior = attack.home_posterior
    assert posterior is not None and attack.work_posterior is not None
    assert np.isnan(attack.home.x_m).all()
    np.testing.assert_allclose(dense(posterior, 0), posterior.prior, atol=1e-9)
    np.testing.assert_allclose(attack.work_posterior.none, Habits().no_work_share, atol=1e-6)


def test_one_sighting_and_unexplained_reads_are_no_error() -> None:
    odd = [(d * DAY_S + 3 * 3600 + 977 * d, (7 * d) % 12) for d in range(12)]
    attack = BayesAttacker().infer(view_of([[(30_000, 4)], odd]), knowledge())
    for posterior in (attack.home_posterior, attack.work_posterior):
        assert posterior is not None
        assert np.isfinite(posterior.mass).all()
        assert (posterior.mass.sum(axis=2) + posterior.none < 1 + 1e-5).all()


def test_same_traces_same_beliefs_and_order_of_plates_does_not_matter() -> None:
    plates = random_plates(3, 6)
    plates[4] = plates[1]
    forward = BayesAttacker().infer(view_of(plates), knowledge())
    backward = BayesAttacker().infer(view_of(plates[::-1]), knowledge())
    for a, b in (
        (forward.home_posterior, backward.home_posterior),
        (forward.work_posterior, backward.work_posterior),
    ):
        assert a is not None and b is not None
        np.testing.assert_array_equal(a.mass, b.mass[::-1])
        np.testing.assert_array_equal(a.place, b.place[::-1])
        np.testing.assert_array_equal(a.mass[4], a.mass[1])


@pytest.mark.parametrize("rung", list(Rung))
def test_every_rung_of_knowledge_gives_beliefs(rung: Rung) -> None:
    attack = BayesAttacker().infer(view_of(random_plates(4, 5)), knowledge().up_to(rung))
    assert attack.home_posterior is not None
    assert (attack.home_posterior.mass.sum(axis=2) > 0.5).any()
    assert np.isfinite(attack.home.x_m).any()


def test_readers_that_stay_silent_speak_against_living_there() -> None:
    view = view_of([[(d * DAY_S + h * 3600, 3) for d in range(5) for h in (8, 18)]])
    below, with_readers = (
        BayesAttacker().infer(view, knowledge().up_to(rung)).home_posterior
        for rung in (Rung.SIGHTINGS, Rung.READERS)
    )
    assert below is not None and with_readers is not None
    facts = knowledge().readers
    assert facts is not None
    silent = np.delete(np.arange(12), 3)
    near = np.hypot(
        below.x_m[:, None] - facts.x_m[silent], below.y_m[:, None] - facts.y_m[silent]
    ).min(axis=1) < 150  # fmt: skip
    assert near.any() and not near.all()
    assert dense(with_readers, 0)[near].sum() < dense(below, 0)[near].sum()


@pytest.mark.parametrize("work", [False, True])
def test_certainty_is_true_where_the_assumptions_are(work: bool) -> None:
    """Simulation-based calibration, and credible sets that hold as often as they claim."""
    known, n = knowledge(), 800
    own = draw_own_world(known, np.random.default_rng(11), n_plates=n, checkpoint_days=(7, 21), work=work)
    attack = own.attacker.infer(own.view, known)
    posterior, guesses = (
        (attack.work_posterior, attack.work) if work else (attack.home_posterior, attack.home)
    )
    assert posterior is not None and guesses is not None
    found = disclose(posterior, guesses, own.truth, np.arange(n), np.ones(n, dtype=bool))
    for k in range(2):
        level = found.columns["truth_level"][:, k]
        assert kstest(level, "uniform").pvalue > 0.01
        for claimed in (0.5, 0.8, 0.95):
            assert abs((level <= claimed).mean() - claimed) < 0.03 + 2 * np.sqrt(claimed * (1 - claimed) / n)
    assert np.median(found.columns["truth_rank"][:, 1]) < 25


def test_measures_of_a_posterior_by_hand() -> None:
    """Four places in a row, a hundred metres apart: 0.5, 0.3, 0.15, 0.05."""
    posterior = Posterior(
        edge=np.arange(4, dtype=np.int32),
        x_m=np.array([0.0, 100.0, 200.0, 300.0]),
        y_m=np.zeros(4),
        area_m2=np.full(4, 10.0),
        prior=np.full(4, 0.25),
        place=np.array([[[0, 1, 2, 3]]], dtype=np.int32),
        mass=np.array([[[0.5, 0.3, 0.15, 0.05]]], dtype=np.float32),
        none=np.zeros((1, 1), dtype=np.float32),
    )
    guess = Guesses(
        x_m=np.zeros((1, 1), np.float32),
        y_m=np.zeros((1, 1), np.float32),
        confidence=np.ones((1, 1), np.float32),
    )
    got = disclose(posterior, guess, np.array([1]), np.array([0]), np.array([True])).columns
    one = {name: float(column[0, 0]) for name, column in got.items()}
    assert one["truth_rank"] == 2
    assert 0.5 <= one["truth_level"] <= 0.8
    assert one["credible_area_m2"] == pytest.approx(30.0)
    assert one["anonymity_set"] == 3
    assert one["entropy_bits"] == pytest.approx(1.6477, abs=1e-3)  # -sum p log2 p
    assert one["expected_error_m"] == pytest.approx(0.3 * 100 + 0.15 * 200 + 0.05 * 300)
    assert one["mass_within_100m"] == pytest.approx(0.8)
    assert one["mass_within_250m"] == pytest.approx(0.95)
    assert hypothesis_at(posterior, np.array([2, 9]), np.zeros(2), np.zeros(2)).tolist() == [2, -1]
