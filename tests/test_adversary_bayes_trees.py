"""Trees of the Bayesian adversary against scipy's, and its tables against a sum that is easy to follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulator.adversary.bayes import tables
from simulator.adversary.bayes.reader_trees import DEPTH, NO_READER, hand_down, readers_of, words_of
from simulator.adversary.bayes.routes import Labels, OtherEnds
from simulator.adversary.bayes.tables import chance_of_levels, find_signs, stay_tables

N_READERS = 5


def random_streets(rng: np.random.Generator, n_nodes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tail, head and time of random edges, no two between the same nodes, sorted by tail."""
    pairs = np.flatnonzero(rng.random((n_nodes, n_nodes)) < 3.0 / n_nodes)
    tail, head = pairs // n_nodes, pairs % n_nodes
    some = tail != head
    # From a tenth of a second to some minutes, so that edges within a bucket and across many occur.
    return tail[some], head[some], np.exp(rng.uniform(-2.0, 5.0, int(some.sum())))


def put(word: list[int]) -> list[int]:
    return (word + [NO_READER] * DEPTH)[:DEPTH]


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60, deadline=None)
def test_readers_along_trees_are_those_of_the_quickest_ways(seed: int, towards_root: bool) -> None:
    rng = np.random.default_rng(seed)
    n_nodes = int(rng.integers(2, 40))
    tail, head, time_s = random_streets(rng, n_nodes)
    per_edge = [rng.integers(0, N_READERS, n).tolist() for n in rng.integers(0, 3, len(tail))]
    reader_indptr = np.cumsum([0, *map(len, per_edge)]).astype(np.int64)
    reader = np.array([c for row in per_edge for c in row], dtype=np.int32)
    root = int(rng.integers(n_nodes))
    start, end = (head, tail) if towards_root else (tail, head)
    order = np.argsort(start, kind="stable").astype(np.int32)
    indptr = np.searchsorted(start[order], np.arange(n_nodes + 1)).astype(np.int64)
    near, far = np.empty(n_nodes, np.int64), np.empty(n_nodes, np.int64)
    hand_down(
        time_s[order], indptr, end[order].astype(np.int32), order, root, towards_root, reader_indptr, reader,
        near, near if towards_root else far,
    )  # fmt: skip

    graph = csr_array((time_s, (start, end)), shape=(n_nodes, n_nodes))
    _, before = dijkstra(graph, indices=root, return_predecessors=True)
    edge = {(int(a), int(b)): e for e, (a, b) in enumerate(zip(start, end, strict=True))}
    for node in range(n_nodes):
        way: list[int] = []
        at = node
        while before[at] >= 0:
            its = per_edge[edge[int(before[at]), at]]
            way += its if towards_root else its[::-1]
            at = int(before[at])
        assert readers_of(near[node : node + 1])[0].tolist() == put(way)
        if not towards_root:
            assert readers_of(far[node : node + 1])[0].tolist() == put(way[::-1])


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
    labels = Labels(going=ways[0], coming=ways[1], coming_from=ways[2])
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
