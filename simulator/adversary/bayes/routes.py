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
from numpy.typing import NDArray

from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.reader_trees import hand_down, readers_of, turn_over
from simulator.adversary.knowledge import Knowledge
from simulator.roads.network import RoadClass, RoadNetwork

# Trees that are turned over together: the more the quicker, within some 20 MB a kind of label.
_BLOCK_NODES, _FEWEST_TREES = 640_000, 16
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
    usual_s: NDArray[np.float64], edge_class: NDArray[np.integer], habits: Habits, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw one driver's idea of travel times: errors, and taste."""
    # Some follow an aid that knows the times, some know the town well, some hardly at all.
    spread = 0.0 if rng.random() < habits.aid_share else 2.0 ** rng.uniform(-1.0, 1.0)
    taste = np.exp(spread * habits.taste_spread * rng.standard_normal(len(RoadClass)))
    error = np.exp(spread * habits.route_spread * rng.standard_normal(len(usual_s)))
    return np.asarray(usual_s * error * np.take(taste, edge_class))


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """The first few readers along each tree's paths, for all nodes; -1 where there are no more.

    Shapes (n_nodes, n_trees, DEPTH): all that speaks about a node lies together.

    Parameters
    ----------
    going
        On the way from the node to the other end, nearest to the node first.
    coming
        On the way from the other end to the node, nearest to the node first.
    coming_from
        On the same way, nearest to the other end first.
    """

    going: NDArray[np.int16]
    coming: NDArray[np.int16]
    coming_from: NDArray[np.int16]


def reader_labels(
    network: RoadNetwork, ends: OtherEnds, rows: ReaderRows, habits: Habits, rng: np.random.Generator
) -> Labels:
    """Build the trees and read the readers off them."""
    n_nodes, n_trees = network.n_nodes, len(ends.arrive_node)
    order = np.argsort(network.edge_head, kind="stable").astype(np.int32)
    in_indptr = np.searchsorted(network.edge_head[order], np.arange(n_nodes + 1)).astype(np.int64)
    going, coming, coming_from = (np.empty((n_nodes, n_trees), np.int64) for _ in range(3))
    every = np.arange(network.n_edges, dtype=np.int32)
    off_peak_s, at_peak_s = (usual_times(network, slow=slow) for slow in (False, True))
    tail_of_in = network.edge_tail[order]
    at_once = max(_BLOCK_NODES // n_nodes, _FEWEST_TREES)
    for start in range(0, n_trees, at_once):
        trees = range(start, min(start + at_once, n_trees))
        # Tree by tree in a block of memory that is turned over as a whole: in the labels, nodes come first.
        near, near_in, far_in = (np.empty((len(trees), n_nodes), np.int64) for _ in range(3))
        for i, t in enumerate(trees):
            usual_s = at_peak_s if rng.random() < _SLOW_SHARE else off_peak_s
            times = perceived_times(usual_s, network.edge_class, habits, rng)
            hand_down(
                times[order], in_indptr, tail_of_in, order, ends.arrive_node[t], True, rows.indptr,
                rows.camera, near[i], near[i],
            )  # fmt: skip
            hand_down(
                times, network.out_indptr, network.edge_head, every, ends.depart_node[t], False, rows.indptr,
                rows.camera, near_in[i], far_in[i],
            )  # fmt: skip
        for labels, of_trees in ((going, near), (coming, near_in), (coming_from, far_in)):
            turn_over(of_trees, start, labels)
    return Labels(going=readers_of(going), coming=readers_of(coming), coming_from=readers_of(coming_from))
