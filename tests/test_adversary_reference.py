"""Each simple attacker equals a slow, obvious version of itself, written from the recipe's words."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from simulator.adversary.catalogue import SIMPLE_ATTACKERS
from simulator.adversary.evidence import Evidence
from simulator.adversary.knowledge import Knowledge
from simulator.adversary.places import Reduction
from simulator.adversary.recipe import Recipe, follow
from simulator.adversary.weeks import always, window
from simulator.sightings.view import ArchiveView

DAY_S = 86_400
NEVER_S = 2**62


def random_view(
    seed: int, *, n_plates: int = 4, per_plate: int = 25, days: int = 16, spread_m: float = 600.0
) -> ArchiveView:
    """Reads at a few readers and at random spots, some of which expire within the days."""
    rng = np.random.default_rng(seed)
    count = rng.integers(0, per_plate + 1, n_plates)
    indptr = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    n = int(indptr[-1])
    time_s = rng.integers(0, days * DAY_S, n)
    owner = np.repeat(np.arange(n_plates), count)
    time_s = time_s[np.lexsort((time_s, owner))]
    reader = rng.uniform(-spread_m, spread_m, (6, 2))
    camera = rng.integers(0, 6, n)
    xy = np.where(rng.random((n, 1)) < 0.6, reader[camera], rng.uniform(-spread_m, spread_m, (n, 2)))
    kept_s = rng.integers(DAY_S, days * DAY_S, n)
    return ArchiveView(
        plate=np.arange(n_plates, dtype=np.uint32),
        indptr=indptr,
        time_s=time_s.astype(np.int64),
        camera_id=camera.astype(np.int32),
        x_m=xy[:, 0].astype(np.float32),
        y_m=xy[:, 1].astype(np.float32),
        expires_s=np.where(rng.random(n) < 0.5, time_s + kept_s, NEVER_S).astype(np.int64),
        checkpoint_days=np.array([1, 2, 5, 9, days], dtype=np.int32),
        start_weekday=int(rng.integers(0, 7)),
    )


def at_week(recipe: Recipe, view: ArchiveView, time_s: int) -> float:
    half_hour = (time_s // 1800 + view.start_weekday * 48) % 336
    return float(recipe.week[half_hour])


def reference_weights(recipe: Recipe, view: ArchiveView, times: list[int], now_s: int) -> list[float]:
    weights = [0.0] * len(times)
    match recipe.evidence:
        case Evidence.MOMENT:
            return [at_week(recipe, view, t) for t in times]
        case Evidence.DWELL:
            for i, (start, end) in enumerate(zip(times, [*times[1:], now_s], strict=True)):
                at = start
                while at < end:  # half-hour by half-hour
                    stop = min(end, (at // 1800 + 1) * 1800)
                    weights[i] += at_week(recipe, view, at) * (stop - at)
                    at = stop
        case Evidence.LAST_OF_DAY:
            last: dict[int, int] = {}
            for i, t in enumerate(times):
                if at_week(recipe, view, t) > 0:
                    last[math.floor((t / 3600 - recipe.day_cut_h) / 24)] = i
            for i in last.values():
                weights[i] = 1.0
        case Evidence.GAP_ENDS:
            for i in range(len(times) - 1):
                a, b = times[i], times[i + 1]
                covered = [
                    m
                    for d in range(-1, now_s // DAY_S + 1)
                    if a < (m := d * DAY_S + int(recipe.stay_covers_h * 3600)) <= b
                ]
                if recipe.stay_min_h * 3600 <= b - a <= recipe.stay_max_h * 3600 and any(
                    at_week(recipe, view, m) > 0 for m in covered[-1:]
                ):
                    weights[i] += 1.0
                    weights[i + 1] += 1.0
    return weights


def reference_median(values: list[float], weights: list[float]) -> float:
    """By repeating each value as often as it weighs, where weights are whole numbers."""
    pairs = sorted((v, w) for v, w in zip(values, weights, strict=True) if w > 0)
    half = sum(w for _, w in pairs) / 2
    run = 0.0
    for k, (v, w) in enumerate(pairs):
        run += w
        if run > half:
            return v
        if run == half:
            return (v + pairs[k + 1][0]) / 2
    raise AssertionError("no weight")


def reference_cells(xs: list[float], ys: list[float], weights: list[float]) -> list[tuple[float, ...]]:
    """Per cell in order: column, row, weight, mean x, mean y."""
    members = defaultdict(list)
    for x, y, w in zip(xs, ys, weights, strict=True):
        if w != 0:
            members[math.floor(x / 25), math.floor(y / 25)].append((x, y, w))
    cells = []
    for key in sorted(members):
        total = sum(abs(w) for _, _, w in members[key])
        cells.append(
            (
                *key,
                sum(w for _, _, w in members[key]),
                sum(abs(w) * x for x, _, w in members[key]) / total,
                sum(abs(w) * y for _, y, w in members[key]) / total,
            )
        )
    return cells


def reference_guess(recipe: Recipe, view: ArchiveView, plate: int, checkpoint: int) -> tuple[float, ...]:
    nothing = (math.nan, math.nan, math.nan)
    rows = view.visible(plate, checkpoint)
    now_s = int(view.checkpoint_days[checkpoint]) * DAY_S
    times = [int(t) for t in view.time_s[rows]]
    xs, ys = [float(v) for v in view.x_m[rows]], [float(v) for v in view.y_m[rows]]
    if not times:
        return nothing
    weights = reference_weights(recipe, view, times, now_s)
    if recipe.reduction in (Reduction.MEAN, Reduction.MEDIAN):
        total = sum(weights)
        if total <= 0:
            return nothing
        if recipe.reduction == Reduction.MEAN:
            x, y = (sum(w * v for w, v in zip(weights, vs, strict=True)) / total for vs in (xs, ys))
        else:
            x, y = reference_median(xs, weights), reference_median(ys, weights)
        near = sum(w for w, a, b in zip(weights, xs, ys, strict=True) if math.hypot(a - x, b - y) <= 250)
        return x, y, near / total
    cells = reference_cells(xs, ys, weights)
    if recipe.reduction == Reduction.FULLEST_CELL:
        best = max(cells, key=lambda c: c[2], default=None)
        if best is None or best[2] <= 0:
            return nothing
        return best[3], best[4], best[2] / sum(c[2] for c in cells if c[2] > 0)
    if not cells:
        return nothing
    if recipe.reduction == Reduction.DENSITY_CLUSTER:
        table = np.array(cells)
        # sklearn 1.9: DBSCAN(eps=4, min_samples=3).fit(cells, sample_weight=weights)
        labels = (
            DBSCAN(eps=recipe.radius_m / 25, min_samples=recipe.min_sightings)
            .fit(table[:, :2], sample_weight=table[:, 2])
            .labels_
        )
        if labels.max() < 0:
            return nothing
        mass = np.bincount(labels[labels >= 0], table[labels >= 0, 2])
        won = labels == int(np.argmax(mass))
        x, y = (table[won, 2] @ table[won, 3:]) / mass.max()
        return float(x), float(y), float(mass.max() / table[:, 2].sum())
    clusters = [(w, x, y) for _, _, w, x, y in cells]
    total = sum(w for w, _, _ in clusters)
    while True:
        pairs = [
            (math.dist(clusters[i][1:], clusters[j][1:]), i, j)
            for i in range(len(clusters))
            for j in range(i + 1, len(clusters))
        ]
        if not pairs or min(pairs)[0] > recipe.radius_m:
            break
        _, i, j = min(pairs)
        (w, x, y), (v, p, q) = clusters[i], clusters.pop(j)
        clusters[i] = (w + v, (w * x + v * p) / (w + v), (w * y + v * q) / (w + v))
    w, x, y = max(clusters, key=lambda c: c[0])
    return x, y, w / total


def assert_same(recipe: Recipe, view: ArchiveView) -> None:
    guesses = follow(recipe, view)
    expected = np.array(
        [
            [reference_guess(recipe, view, p, k) for k in range(view.n_checkpoints)]
            for p in range(view.n_plates)
        ]
    )
    np.testing.assert_allclose(guesses.x_m, expected[:, :, 0], rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(guesses.y_m, expected[:, :, 1], rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(guesses.confidence, expected[:, :, 2], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [a.name for a in SIMPLE_ATTACKERS])
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), per_plate=st.integers(0, 40), spread_m=st.sampled_from([60.0, 600.0]))
def test_attackers_equal_their_reference(name, seed, per_plate, spread_m):
    view = random_view(seed, per_plate=per_plate, spread_m=spread_m)
    attacker = next(a for a in SIMPLE_ATTACKERS if a.name == name)
    for recipe in (attacker.home, attacker.work):
        assert_same(recipe, view)


@pytest.mark.parametrize("evidence", list(Evidence))
@pytest.mark.parametrize("reduction", list(Reduction))
def test_any_evidence_goes_with_any_reduction(evidence, reduction):
    """Recipes that no attacker uses yet hold too."""
    week = always() if evidence != Evidence.MOMENT else window(18, 9)
    assert_same(Recipe(evidence=evidence, week=week, reduction=reduction), random_view(7, per_plate=60))


def test_unweighted_median_is_the_usual_one():
    """One read a day weighs 1 each: the median is Python's own."""
    rng = np.random.default_rng(3)
    n = 8
    xy = rng.uniform(0, 1000, (n, 2)).astype(np.float32)
    view = ArchiveView(
        plate=np.array([5], dtype=np.uint32),
        indptr=np.array([0, n]),
        time_s=np.arange(n) * DAY_S + 70_000,
        camera_id=np.zeros(n, dtype=np.int32),
        x_m=xy[:, 0],
        y_m=xy[:, 1],
        expires_s=np.full(n, NEVER_S),
        checkpoint_days=np.arange(1, n + 1, dtype=np.int32),
        start_weekday=0,
    )
    last = next(a for a in SIMPLE_ATTACKERS if a.name == "krumm-last-destination")
    guesses = last.infer(view, Knowledge()).home
    for k in range(n):
        assert guesses.x_m[0, k] == pytest.approx(statistics.median(xy[: k + 1, 0].tolist()), rel=1e-6)
        assert guesses.y_m[0, k] == pytest.approx(statistics.median(xy[: k + 1, 1].tolist()), rel=1e-6)
