"""Routes as the adversary imagines them: trees to and from sampled other ends, and the readers along them.

Drivers err in what they think is fastest, so route choice is a probit: every tree has its own perturbed
travel times (Daganzo & Sheffi, Transportation Science 1977), and a mixture over many trees gives the
probability of each reader. Only the readers nearest along the way matter to a stay at a node: the first that
a car meets when it leaves, and the last when it comes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.reader_trees import BUCKET, Growth, buckets_for, hand_down, turn_over
from simulator.adversary.knowledge import Knowledge
from simulator.roads.network import RoadClass, RoadNetwork

# Trees that are turned over together: as many as lie in some lines of the cache, and in few megabytes.
_BLOCK_NODES, _FEWEST_TREES = 640_000, 32
# Errors are drawn from the standard normal distribution in so many steps of equal probability.
_NORMAL = ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)
# Mean delay at the junction that ends an edge, seconds: handbook values for signals and turning.
_JUNCTION_DELAY_S = np.array([0.0, 1.5, 3.0, 3.0, 3.0, 3.0, 2.0])
# Share of trees with main roads slowed down, as at the peak.
_SLOW_SHARE = 0.35


@dataclass(frozen=True, kw_only=True, eq=False)
class OtherEnds:
    """Sampled other ends of trips, one tree each.

    Parameters
    ----------
    arrive_node, depart_node
        Where a car arrives at the place and where it leaves, shape (n_trees,).
    stratum
        0 work place, 1 shop or the like, 2 house, 3 gateway, shape (n_trees,).
    x_m, y_m
        Position, shape (n_trees,).
    """

    arrive_node: NDArray[np.int32]
    depart_node: NDArray[np.int32]
    stratum: NDArray[np.int8]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ReaderRows:
    """Fixed readers of edge ``e``, in driving order: ``camera[indptr[e]:indptr[e + 1]]``."""

    indptr: NDArray[np.int64]
    camera: NDArray[np.int32]
    offset_m: NDArray[np.float64]


def reader_rows(knowledge: Knowledge, network: RoadNetwork) -> ReaderRows:
    """Index the fixed readers that traffic passes by (readers of car parks are left out)."""
    facts = knowledge.readers
    if facts is None:
        return ReaderRows(
            indptr=np.zeros(network.n_edges + 1, np.int64), camera=np.empty(0, np.int32), offset_m=np.empty(0)
        )
    on = facts.fixed & (facts.edge >= 0)
    if facts.lot is not None:
        on &= ~facts.lot
    ids = np.flatnonzero(on).astype(np.int32)
    edge, offset = facts.edge[ids], facts.offset_m[ids].astype(np.float64)
    back = np.where(facts.both_directions[ids], network.reverse_edge[edge], -1)
    two = back >= 0
    back_offset = network.edge_length_m[back[two]] - offset[two]
    edge = np.concatenate([edge, back[two]])
    camera = np.concatenate([ids, ids[two]])
    offset = np.concatenate([offset, back_offset])
    order = np.lexsort((offset, edge))
    return ReaderRows(
        indptr=np.searchsorted(edge[order], np.arange(network.n_edges + 1)).astype(np.int64),
        camera=camera[order].astype(np.int32),
        offset_m=offset[order],
    )


def sample_other_ends(
    knowledge: Knowledge, network: RoadNetwork, rng: np.random.Generator, per_stratum: tuple[int, int, int]
) -> OtherEnds:
    """Draw other ends from land use (from street length where it is not known), and every gateway."""
    use, length = knowledge.land_use, network.edge_length_m
    gateways = (
        np.empty(0, np.int64) if knowledge.gateway_node is None else knowledge.gateway_node.astype(np.int64)
    )
    weights = [length] * 3 if use is None else [use.employment, use.amenity, use.residential]
    arrive: list[NDArray[Any]] = []
    depart: list[NDArray[Any]] = []
    stratum, x, y = [], [], []
    for s, (count, weight) in enumerate(zip(per_stratum, weights, strict=True)):
        edge = stratified_draw(np.asarray(weight, np.float64), length, count, rng)
        arrive.append(network.edge_tail[edge])
        depart.append(network.edge_head[edge])
        stratum.append(np.full(count, s, np.int8))
        x.append((network.node_x_m[network.edge_tail[edge]] + network.node_x_m[network.edge_head[edge]]) / 2)
        y.append((network.node_y_m[network.edge_tail[edge]] + network.node_y_m[network.edge_head[edge]]) / 2)
    if len(gateways):
        # Several trees a gateway, since each has one draw of perceived times.
        many = np.repeat(gateways, max(1, min(8, 160 // len(gateways))))
        arrive.append(many)
        depart.append(many)
        stratum.append(np.full(len(many), 3, np.int8))
        x.append(network.node_x_m[many])
        y.append(network.node_y_m[many])
    return OtherEnds(
        arrive_node=np.concatenate(arrive).astype(np.int32),
        depart_node=np.concatenate(depart).astype(np.int32),
        stratum=np.concatenate(stratum),
        x_m=np.concatenate(x),
        y_m=np.concatenate(y),
    )


def stratified_draw(
    weight: NDArray[np.float64], fallback: NDArray[np.float64], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw edges in proportion to weight, one from each of equal slices: less noise than at random."""
    weight = weight if weight.sum() > 0 else np.asarray(fallback, np.float64)
    cumulative = np.cumsum(weight) / weight.sum()
    points = (np.arange(count) + rng.random(count)) / count
    return np.minimum(np.searchsorted(cumulative, points), len(weight) - 1)


def usual_times(network: RoadNetwork, *, slow: bool) -> NDArray[np.float64]:
    """Return the times of edges with their junctions, at the peak with slow main roads, seconds."""
    main = network.edge_class <= RoadClass.SECONDARY
    slower = np.where(main, 1.35, 1.12) if slow else 1.0
    return np.asarray(network.free_flow_s * slower + _JUNCTION_DELAY_S[network.edge_class])


def perceived_times(
    usual_s: NDArray[np.float32], edge_class: NDArray[np.integer], habits: Habits, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw one driver's idea of travel times: errors, and taste."""
    # Some follow an aid that knows the times, some know the town well, some hardly at all.
    if rng.random() < habits.aid_share:
        return usual_s
    spread = 2.0 ** rng.uniform(-1.0, 1.0)
    taste = np.exp(spread * habits.taste_spread * rng.standard_normal(len(RoadClass))).astype(np.float32)
    error = np.exp(np.float32(spread * habits.route_spread) * _NORMAL)
    step = rng.integers(0, len(error), len(usual_s), np.uint16)
    return np.asarray(_times(usual_s, edge_class, taste, error, step), np.float32)


@njit(cache=True)
def _times(usual_s, edge_class, taste, error, step):  # type: ignore[no-untyped-def]
    time_s = np.empty_like(usual_s)
    for k in range(len(time_s)):
        time_s[k] = usual_s[k] * taste[edge_class[k]] * error[step[k]]
    return time_s


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """The first few readers along each tree's paths, for all nodes.

    An edge is *watched* if it has readers. Which watched edge is nearest on the way, and the tree, tell all
    readers on it; so that nodes are labelled with that, which takes an eighth of the memory that words take.

    Parameters
    ----------
    going
        Number of the watched edge nearest to the node on the way from it to the other end, from 1, and 0
        where none is passed, shape (n_nodes, n_trees): all that speaks about a node lies together.
    coming
        The same of the way from the other end to the node.
    going_word, coming_word
        Row in ``words`` of the readers on the ways of tree ``t`` with label ``w``, nearest to the node first:
        ``going_word[t, w]``, shape (n_trees, n_watched + 1).
    coming_from_word
        On the same ways as ``coming_word``, nearest to the other end first.
    words
        All different words of readers, see :mod:`simulator.adversary.bayes.reader_trees`.
    """

    going: NDArray[np.uint16] | NDArray[np.uint32]
    coming: NDArray[np.uint16] | NDArray[np.uint32]
    going_word: NDArray[np.int32]
    coming_word: NDArray[np.int32]
    coming_from_word: NDArray[np.int32]
    words: NDArray[np.int64]


def reader_labels(
    network: RoadNetwork, ends: OtherEnds, rows: ReaderRows, habits: Habits, rng: np.random.Generator
) -> Labels:
    """Build the trees and read the readers off them."""
    n_nodes, n_trees = network.n_nodes, len(ends.arrive_node)
    # Trees see nodes in an order in which neighbours lie close together in memory, and edges by their tails.
    node = along_a_curve(network.node_x_m, network.node_y_m)
    rank = np.empty(n_nodes, np.int32)
    rank[node] = np.arange(n_nodes)
    edge = np.argsort(rank[network.edge_tail], kind="stable")
    into = np.argsort(rank[network.edge_head[edge]], kind="stable")
    outwards = _growth(rank[network.edge_tail], rank[network.edge_head], edge, rows, n_nodes)
    inwards = _growth(rank[network.edge_head], rank[network.edge_tail], edge[into], rows, n_nodes)
    edge_class = network.edge_class[edge]
    off_peak_s, at_peak_s = (
        usual_times(network, slow=slow)[edge].astype(np.float32) for slow in (False, True)
    )
    bucket_s = BUCKET * float(off_peak_s.mean())

    going, coming = (np.empty((n_nodes, n_trees), outwards.watched.dtype) for _ in range(2))
    near, near_in, far_in = (np.empty((n_trees, len(outwards.reader_indptr) - 1), np.int64) for _ in range(3))
    at_once = max(_BLOCK_NODES // n_nodes, _FEWEST_TREES)
    for start in range(0, n_trees, at_once):
        trees = range(start, min(start + at_once, n_trees))
        # Tree by tree in a block of memory that is turned over as a whole: in the labels, nodes come first.
        of_going, of_coming = (np.empty((len(trees), n_nodes), going.dtype) for _ in range(2))
        for i, t in enumerate(trees):
            usual_s = at_peak_s if rng.random() < _SLOW_SHARE else off_peak_s
            times = perceived_times(usual_s, edge_class, habits, rng)
            buckets = buckets_for(times, bucket_s)
            arrive, depart = rank[ends.arrive_node[t]], rank[ends.depart_node[t]]
            hand_down(times[into], *buckets, inwards, arrive, True, of_going[i], near[t], near[t])
            hand_down(times, *buckets, outwards, depart, False, of_coming[i], near_in[t], far_in[t])
        turn_over(of_going, node, start, going)
        turn_over(of_coming, node, start, coming)
    words, row = np.unique(np.stack([near, near_in, far_in]), return_inverse=True)
    going_word, coming_word, coming_from_word = row.reshape(3, *near.shape).astype(np.int32)
    return Labels(
        going=going,
        coming=coming,
        going_word=going_word,
        coming_word=coming_word,
        coming_from_word=coming_from_word,
        words=words,
    )


def _growth(
    start: NDArray[np.int32],
    end: NDArray[np.int32],
    edge: NDArray[np.int64],
    rows: ReaderRows,
    n_nodes: int,
) -> Growth:
    """Return the edges by which trees grow, in an order in which their starts ascend."""
    n_readers = np.diff(rows.indptr)
    some = n_readers > 0
    number = np.where(some, np.cumsum(some), 0)
    few = some.sum() < np.iinfo(np.uint16).max
    return Growth(
        indptr=np.searchsorted(start[edge], np.arange(n_nodes + 1)).astype(np.int32),
        other_end=end[edge],
        watched=number[edge].astype(np.uint16) if few else number[edge].astype(np.uint32),
        reader_indptr=np.concatenate([[0, 0], np.cumsum(n_readers[some])]),
        reader=rows.camera,
    )


def along_a_curve(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return an order of points in which neighbours mostly follow each other (Morton 1966)."""
    side_m = max(float(np.ptp(x_m)), float(np.ptp(y_m)), 1.0) / 1023
    column, row = (((v - v.min()) / side_m).astype(np.int64) for v in (x_m, y_m))
    # The bits of both in turn.
    key = np.zeros(len(x_m), np.int64)
    for i in range(10):
        key |= (column >> i & 1) << 2 * i | (row >> i & 1) << 2 * i + 1
    return np.argsort(key, kind="stable")
