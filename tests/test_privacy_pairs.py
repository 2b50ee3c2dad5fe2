"""Pairs of home and work place, held against the whole table of them, written out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.adversary.attacker import Guesses
from simulator.adversary.bayes.kinds import Kinds, kind_masses, learn_kinds
from simulator.adversary.joint import OTHER_HOMES, OTHER_WORKS, Joint
from simulator.adversary.posterior import Posterior
from simulator.privacy.pairs import LEAST_PAIR_MASS, N_PAIRS, NO_WORK, disclose_pairs
from simulator.privacy.posterior import MASS_RADII_M
from simulator.streams import Stream, stream_key, uniforms


@dataclass
class Belief:
    home: Posterior
    work: Posterior
    joint: Joint


def posterior(rng: np.random.Generator, n: int, top: int, listed: int, none: float) -> Posterior:
    """One plate, one checkpoint; some hypotheses lie beyond the map, and some masses are the same."""
    mass = np.sort(rng.integers(1, 30, listed))[::-1]
    share = float(rng.choice([0.4, 0.9, 1.0])) * (1.0 - none)
    place = np.full((1, 1, top), -1, np.int32)
    place[0, 0, :listed] = rng.choice(n, listed, replace=False)
    masses = np.zeros((1, 1, top), np.float32)
    masses[0, 0, :listed] = mass / max(mass.sum(), 1) * share
    edge = np.arange(n, dtype=np.int32)
    edge[rng.random(n) < 0.3] = -1
    return Posterior(
        edge=edge,
        x_m=rng.uniform(0, 900, n),
        y_m=rng.uniform(0, 900, n),
        area_m2=np.ones(n),
        prior=rng.dirichlet(np.ones(n)),
        place=place,
        mass=masses,
        none=np.full((1, 1), none, np.float32),
    )


def belief(seed: int) -> Belief:
    rng = np.random.default_rng(seed)
    n_paired = (4, 3)
    home = posterior(rng, 14, 9, int(rng.integers(1, 9)), 0.0)
    work = posterior(rng, 11, 8, int(rng.integers(0, 8)), float(rng.choice([0.0, 0.2, 0.6])))
    homes, works = (np.full((1, 1, n), -1, np.int32) for n in n_paired)
    row = np.zeros((1, 1, n_paired[0]), np.int8)
    # Rows are of places that lie all on the map, or all beyond it.
    of: dict[bool, int] = {}
    for paired, side in ((homes, home), (works, work)):
        places = side.place[0, 0][side.place[0, 0] >= 0]
        some = rng.permutation(places)[: paired.shape[2]]
        paired[0, 0, : len(some)] = some
    for i, h in enumerate(homes[0, 0][homes[0, 0] >= 0]):
        row[0, 0, i] = of.setdefault(bool(home.edge[h] >= 0), len(of))
    lift = rng.choice([0.2, 1.0, 3.0], (1, 1, n_paired[0] + OTHER_HOMES, n_paired[1] + OTHER_WORKS))
    kinds = rng.uniform(0.2, 3.0, (1, 1, OTHER_HOMES, OTHER_WORKS)).astype(np.float32)
    joint = Joint(home=homes, row=row, work=works, lift=lift.astype(np.float32), kinds=kinds)
    return Belief(home, work, joint)


def rows(posterior: Posterior, paired: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The row of every hypothesis, listed or not."""
    found = np.where(posterior.edge >= 0, len(paired), len(paired) + 1)
    for h, r in zip(paired, row, strict=True):
        if h >= 0:
            found[h] = r
    return found


def kind_of(b: Belief) -> tuple[np.ndarray, np.ndarray]:
    return (b.home.edge < 0).astype(int), np.append((b.work.edge < 0).astype(int), 2)


def weights(b: Belief, *, listed: bool) -> np.ndarray:
    """Weights of all pairs but for kinds, shape (n_homes, n_works + 1): the last column is no work place."""
    masses = []
    for side in (b.home, b.work):
        at = side.place[0, 0][side.place[0, 0] >= 0]
        mass = np.zeros(len(side.prior))
        mass[at] = side.mass[0, 0, : len(at)]
        if not listed:
            other = side.prior.copy()
            other[at] = 0.0
            left = 1.0 - float(side.none[0, 0]) - mass.sum()
            mass += max(left, 0.0) * other / max(other.sum(), 1e-12)
        masses.append(mass)
    lift = b.joint.lift[0, 0].astype(np.float64)
    home_row = rows(b.home, b.joint.home[0, 0], b.joint.row[0, 0])
    work_row = rows(b.work, b.joint.work[0, 0], np.arange(b.joint.work.shape[2]))
    with_none = np.append(masses[1], b.work.none[0, 0])
    columns = np.append(work_row, lift.shape[1] - 1)
    return np.asarray(masses[0][:, None] * with_none * lift[home_row][:, columns])


def table(b: Belief) -> np.ndarray:
    """Masses of all pairs of listed places."""
    kinds = b.joint.kinds[0, 0].astype(np.float64)[np.ix_(*kind_of(b))]
    return np.asarray(weights(b, listed=True) * kinds / (weights(b, listed=False) * kinds).sum())


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_measures_are_those_of_the_whole_table(seed: int) -> None:
    b = belief(seed)
    rng = np.random.default_rng(seed + 1)
    n_works = len(b.work.prior)
    true_home, true_work = int(rng.integers(len(b.home.prior))), int(rng.integers(n_works + 1))
    guesses = tuple(
        Guesses(
            x_m=np.float32([[x]]), y_m=np.float32([[y]]), confidence=np.float32([[0.5]])
        )
        for x, y in rng.uniform(0, 900, (2, 2))
    )  # fmt: skip
    code = NO_WORK if true_work == n_works else true_work
    found = disclose_pairs(
        b.home, b.work, b.joint, (guesses[0], guesses[1]), (np.array([true_home]), np.array([code])),
        np.array([7], np.int32), seed=3,
    )  # fmt: skip
    whole = table(b)
    # The likeliest pairs.
    best = np.sort(whole.ravel())[::-1]
    expected = best[:N_PAIRS][best[:N_PAIRS] >= LEAST_PAIR_MASS]
    assert (found.home[0, 0] >= 0).sum() == len(expected)
    np.testing.assert_allclose(found.mass[0, 0, : len(expected)], expected, rtol=1e-5)
    pairs = list(zip(found.home[0, 0].tolist(), found.work[0, 0].tolist(), strict=True))[: len(expected)]
    assert len(set(pairs)) == len(pairs)
    for (h, w), m in zip(pairs, expected, strict=True):
        assert whole[h, n_works if w == NO_WORK else w] == pytest.approx(m, rel=1e-5)
    # Where the truth stands.
    is_listed = true_home in b.home.place[0, 0] and (true_work == n_works or true_work in b.work.place[0, 0])
    u = uniforms(np.uint64(stream_key(3, Stream.TIE_BREAK)), 7, 0, 1, 0)[0]
    rank, level = (found.columns[name][0, 0] for name in ("truth_rank", "truth_level"))
    if is_listed:
        m = whole[true_home, true_work]
        above, same = whole > m * (1 + 1e-5), np.abs(whole - m) <= m * 1e-5
        if m > 0:
            assert rank == above.sum() + 1
            assert level == pytest.approx(
                min(whole[above].sum() + u * whole[same].sum(), 1.0), abs=1e-5
            )  # fmt: skip
    else:
        assert np.isnan(rank)
        assert level == pytest.approx(min(max(whole.sum() + u * (1 - whole.sum()), 0), 1), abs=1e-5)
    # Both near their guesses.
    near = [
        np.hypot(side.x_m - g.x_m[0, 0], side.y_m - g.y_m[0, 0])
        for side, g in zip((b.home, b.work), guesses, strict=True)
    ]
    on_map = (b.home.edge >= 0)[:, None] & (b.work.edge >= 0)
    for radius in MASS_RADII_M:
        both = on_map & (near[0] <= radius)[:, None] & (near[1] <= radius)
        assert found.columns[f"mass_within_{radius}m"][0, 0] == pytest.approx(
            whole[:, :-1][both].sum(), abs=1e-6
        )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_every_kind_has_the_sum_of_its_pairs(seed: int) -> None:
    b = belief(seed)
    expected = np.zeros((2, 3))
    home_kind, work_kind = kind_of(b)
    np.add.at(expected, (home_kind[:, None], work_kind[None, :]), weights(b, listed=False))
    np.testing.assert_allclose(kind_masses(b.joint, b.home, b.work)[0, 0], expected, atol=1e-5)


def test_kinds_are_learned_until_as_many_are_claimed_as_there_are() -> None:
    """Made-up drivers drawn from known log-odds: the mean of what is claimed is the share of each kind."""
    rng = np.random.default_rng(2)
    n, k = 4_000, 2
    truth = Kinds(weights=rng.normal(0, 0.5, (2, 3, 3)))
    mass = rng.dirichlet(np.full(6, 0.7), (n, k)).reshape(n, k, 2, 3)
    evidence, age = rng.uniform(0, 6, (n, k)), rng.uniform(1, 5, (n, k))

    def claimed(kinds: Kinds, evidence: np.ndarray) -> np.ndarray:
        by_kind = mass * kinds.odds(evidence, age)
        return np.asarray(by_kind / by_kind.sum(axis=(2, 3), keepdims=True))

    # One kind a driver: what is known of it is the same at all checkpoints.
    mass[:, 1], evidence[:, 1], age[:, 1] = mass[:, 0], evidence[:, 0], age[:, 0]
    chance = claimed(truth, evidence)[:, 0].reshape(n, 6)
    kind = (chance.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    learned = learn_kinds(mass, evidence, age, kind)
    assert learned is not None
    after = claimed(learned, evidence)
    np.testing.assert_allclose(after.mean(axis=(0, 1)).ravel(), np.bincount(kind, minlength=6) / n, atol=1e-3)
    assert np.abs(after[:, 0].reshape(n, 6) - chance).mean() < 0.01
    assert learn_kinds(mass[:20], evidence[:20], age[:20], kind[:20]) is None
