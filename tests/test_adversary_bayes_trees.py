"""Trees of the Bayesian adversary against scipy's, and its tables against a sum that is easy to follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulator.adversary.bayes import tables
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.reader_trees import (
    DEPTH,
    NO_READER,
    Growth,
    buckets_for,
    hand_down,
    readers_of,
    turn_over,
)
from simulator.adversary.bayes.routes import Labels, OtherEnds, along_a_curve, perceived_times
from simulator.adversary.bayes.tables import chance_of_levels, find_signs, stay_tables

N_READERS = 5


def random_streets(rng: np.random.Generator, n_nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tail, head and time of random edges, no two between the same nodes, sorted by tail."""
    pairs = np.flatnonzero(rng.random((n_nodes, n_nodes)) < 3.0 / n_nodes)
    tail, head = pairs // n_nodes, pairs % n_nodes
    some = tail != head
    # From a tenth of a second to some minutes, so that edges within a bucket and across many occur.
    return tail[some], head[some], np.exp(rng.uniform(-2.0, 5.0, int(some.sum())))


def words_of(readers: np.ndarray) -> np.ndarray:
    """Return the words of readers, the lowest bits first."""
    return sum((readers[..., i].astype(np.int64) & 0xFFFF) << 16 * i for i in range(DEPTH))


def put(word: list[int]) -> list[int]:
    return (word + [NO_READER] * DEPTH)[:DEPTH]


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([0.01, 1.0, 20.0, 1e9]))
@settings(max_examples=60, deadline=None)
def test_readers_along_trees_are_those_of_the_quickest_ways(
    seed: int, towards_root: bool, bucket_s: float
) -> None:
    rng = np.random.default_rng(seed)
    n_nodes = int(rng.integers(2, 40))
    tail, head, time_s = random_streets(rng, n_nodes)
    time_s = time_s.astype(np.float32)
    per_edge = [rng.integers(0, N_READERS, n).tolist() for n in rng.integers(0, 3, len(tail))]
    watched = np.array([n > 0 for n in map(len, per_edge)], dtype=bool)
    root = int(rng.integers(n_nodes))
    start, end = (head, tail) if towards_root else (tail, head)
    order = np.argsort(start, kind="stable")
    number = np.where(watched, np.cumsum(watched), 0)
    growth = Growth(
        indptr=np.searchsorted(start[order], np.arange(n_nodes + 1)).astype(np.int32),
        other_end=end[order].astype(np.int32),
        watched=number[order].astype(np.uint16),
        reader_indptr=np.cumsum([0, 0, *(len(row) for row in per_edge if row)]).astype(np.int64),
        reader=np.array([c for row in per_edge for c in row], dtype=np.int32),
    )
    nearest = np.empty(n_nodes, np.uint16)
    near, far = np.empty((2, watched.sum() + 1), np.int64)
    buckets = buckets_for(time_s, bucket_s)
    hand_down(
        time_s[order], *buckets, growth, root, towards_root, nearest, near, near if towards_root else far
    )

    graph = csr_array((time_s.astype(np.float64), (start, end)), shape=(n_nodes, n_nodes))
    reached_s, before = dijkstra(graph, indices=root, return_predecessors=True)
    other = np.isfinite(reached_s[start]) & (before[end] != start)
    later_s = (reached_s[start] + time_s)[other] - reached_s[end[other]]
    assume(later_s.min(initial=1.0) > 1e-3)  # no ties but for rounding
    edge = {(int(a), int(b)): e for e, (a, b) in enumerate(zip(start, end, strict=True))}
    passed = {0}
    for node in range(n_nodes):
        way: list[int] = []
        at, first = node, 0
        while before[at] >= 0:
            e = edge[int(before[at]), at]
            way += per_edge[e] if towards_root else per_edge[e][::-1]
            first = first or int(number[e])
            at = int(before[at])
        assert nearest[node] == first
        passed.add(first)
        assert readers_of(near[first : first + 1])[0].tolist() == put(way)
        if not towards_root:
            assert readers_of(far[first : first + 1])[0].tolist() == put(way[::-1])
    # What was a quickest way only for a while leaves no words.
    unused = np.setdiff1d(np.arange(len(near)), list(passed))
    assert (readers_of(near[unused]) == NO_READER).all()


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_labels_are_turned_over(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_trees, n_nodes, n_labels = rng.integers(1, (9, 90, 6))
    of_trees = rng.integers(0, n_labels, (n_trees, n_nodes)).astype(np.uint16)
    node = rng.permutation(n_nodes)
    labels = np.full((n_nodes, n_trees + 3), 99, np.uint16)
    turn_over(of_trees, node, 2, labels)
    np.testing.assert_array_equal(labels[node, 2:-1], of_trees.T)
    assert (labels[:, [0, 1, -1]] == 99).all()


def test_points_along_a_curve_are_all_there_and_near_each_other() -> None:
    x_m, y_m = np.random.default_rng(0).uniform(0, 1_000, (2, 4_000))
    order = along_a_curve(x_m, y_m)
    np.testing.assert_array_equal(np.sort(order), np.arange(4_000))
    step_m = np.hypot(np.diff(x_m[order]), np.diff(y_m[order]))
    # One of 4,000 points has its nearest neighbour some 8 m away; any other point is half a kilometre away.
    assert np.median(step_m) < 25.0


def test_perceived_times_err_as_habits_say() -> None:
    """Without an aid, logarithms of errors are normal, with a spread of their own for each driver."""
    rng = np.random.default_rng(0)
    usual_s, edge_class = np.full(50_000, 10.0, np.float32), np.repeat([2, 5], 25_000).astype(np.uint8)
    habits = Habits(aid_share=0.0)
    for _ in range(20):
        log_error = np.log(perceived_times(usual_s, edge_class, habits, rng).astype(np.float64) / 10.0)
        spread = log_error[:25_000].std() / habits.route_spread
        assert 0.49 < spread < 2.03
        assert log_error[25_000:].std() == pytest.approx(spread * habits.route_spread, rel=0.03)
        # Three parts of a thousand lie beyond three standard deviations.
        one = log_error[:25_000] - log_error[:25_000].mean()
        assert (np.abs(one) > 3.0 * one.std()).mean() == pytest.approx(0.0027, abs=0.0015)
    np.testing.assert_array_equal(perceived_times(usual_s, edge_class, Habits(aid_share=1.0), rng), usual_s)


def test_words_and_readers_are_each_others_inverse() -> None:
    readers = np.array([[3, 2, 0, NO_READER], [NO_READER] * DEPTH, [32_766, 1, 7, 9]], np.int16)
    np.testing.assert_array_equal(readers_of(words_of(readers)), readers)


def noticed(way: list[int], read_rate: np.ndarray) -> tuple[dict[tuple[int, ...], float], float]:
    """Chance of each reader to be the nearest that reads, and of each next to it; and that none reads."""
    out: dict[tuple[int, ...], float] = {}
    left = 1.0
    for i, a in enumerate(way):
        here = left * read_rate[a]
        left *= 1.0 - read_rate[a]
        out[a,] = out.get((a,), 0.0) + here
        for b in way[i + 1 :]:
            out[a, b] = out.get((a, b), 0.0) + here * read_rate[b]
            here *= 1.0 - read_rate[b]
        out[a, -1] = out.get((a, -1), 0.0) + here
    return out, left


@pytest.mark.parametrize("side", [0, 1])
def test_tables_are_sums_over_trees(side: int) -> None:
    """One tree after another, with all that is rare left in."""
    rng = np.random.default_rng(side)
    n_nodes, n_trees = 12, 40
    ways = rng.integers(0, N_READERS, (3, n_nodes, n_trees, DEPTH)).astype(np.int16)
    for way in ways.reshape(-1, DEPTH):
        # No reader twice on a way, and few on many.
        way[:] = put(list(dict.fromkeys(way.tolist()))[: rng.integers(0, 3)])
    # Each node is the only one behind a watched edge of its own.
    words, row = np.unique(words_of(ways), return_inverse=True)
    of_word = np.concatenate([np.zeros((3, 1, n_trees), int), row.reshape(3, n_nodes, n_trees)], axis=1)
    number = np.repeat(np.arange(1, n_nodes + 1, dtype=np.uint16)[:, None], n_trees, axis=1)
    going_word, coming_word, coming_from_word = of_word.astype(np.int32).transpose(0, 2, 1)
    labels = Labels(
        going=number, coming=number, going_word=going_word, coming_word=coming_word,
        coming_from_word=coming_from_word, words=words,
    )  # fmt: skip
    read_rate = rng.uniform(0.5, 0.95, N_READERS)
    x_m, y_m = rng.uniform(0, 100, (2, n_nodes))
    ends = OtherEnds(
        arrive_node=np.zeros(n_trees, np.int32), depart_node=np.zeros(n_trees, np.int32),
        stratum=np.zeros(n_trees, np.int8), x_m=np.zeros(n_trees), y_m=np.zeros(n_trees),
    )  # fmt: skip
    # So long a scale that all other ends weigh the same.
    signs = find_signs(labels, N_READERS)
    table, _ = stay_tables(
        x_m, y_m, ends, labels, signs, share=((1.0,), (1.0,)), scale_m=((1e9,), (1e9,)), read_rate=read_rate
    )
    assert signs.n < tables.ROW, "no sign may be left out"
    for node in range(n_nodes):
        total: dict[tuple[int, ...], float] = {}
        for t in range(n_trees):
            near, before = (ways[0], ways[2]) if side == 0 else (ways[1], ways[0])
            one, left = noticed([c for c in near[node, t].tolist() if c >= 0], read_rate)
            two: dict[tuple[int, ...], float] = {}
            if left > 0.2:
                way = [c for c in before[node, t].tolist() if c >= 0]
                two, _ = noticed(way if side == 0 else way[::-1], read_rate)
            for part, weight in ((one, 1.0), (two, left)):
                for sign, chance in part.items():
                    total[sign] = total.get(sign, 0.0) + weight * chance
        sums = [sum(v for s, v in total.items() if len(s) == size) for size in (1, 2)]
        got = table.sign[side, node]
        chance_got = dict(
            zip(got.tolist(), chance_of_levels()[table.level[side, node]].tolist(), strict=True)
        )
        for sign, chance in total.items():
            of = sign[0] if len(sign) == 1 else int(signs.of_pair[sign[0], sign[1]])
            expected = chance / sums[len(sign) - 1]
            # Levels are 11% apart, and paths rarer than 3% are not followed up.
            assert chance_got.get(of, 0.0) == pytest.approx(expected, rel=0.12, abs=0.02), (node, sign)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_rows_keep_the_likeliest_signs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_cameras, n = 30, int(rng.integers(1, 300))
    touched = rng.permutation(400)[:n]
    sums = np.zeros((400, 2), np.float32)
    sums[touched] = np.exp(rng.normal(0.0, 2.0, (n, 2)))
    likely, at = np.empty(401, np.float32), np.empty(401, np.int64)
    for target in range(2):
        mass = sums[:, target].astype(np.float64)
        least = tables.SMALLEST * mass[:n_cameras].sum()
        kept = [c for c in np.argsort(-mass) if mass[c] > least][: tables.ROW]
        of = {one: sum(mass[c] for c in kept if (c < n_cameras) == one) for one in (True, False)}
        sign, chance = np.full(tables.ROW, -1, np.int32), np.full(tables.ROW, tables.SMALLEST, np.float32)
        tables._keep_likeliest(
            sums, touched, target, n_cameras, likely, likely.view(np.int32), at, sign, chance
        )
        rows, levels = tables._sorted_rows(sign[None], chance[None])
        assert rows[0].tolist() == sorted(int(c) for c in kept) + [-1] * (tables.ROW - len(kept))
        expected = [tables.level_of(np.array(mass[c] / of[c < n_cameras])) for c in sorted(kept)]
        np.testing.assert_allclose(levels[0], expected + [0] * (tables.ROW - len(kept)), atol=1)
