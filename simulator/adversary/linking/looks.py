"""Tracking by looks: the plate is gone, but time, place, colour, type and make of each read are kept.

After Chen et al. (2020) on re-identification of trajectories in plate data without plates. Reads of alike
cars are joined into trips: each read gets at most one successor, such that the sum of log likelihood ratios
is largest. A pair's ratio compares "the same car went on to there, in that time" with "another car of these
looks came by". Travel times between readers are worked out on the public street map; where cars go on to from
a reader, and how much longer they take, is learnt from the reads themselves, in a few rounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components, dijkstra

from simulator.adversary.knowledge import ReaderFacts
from simulator.roads.network import RoadNetwork

#: Real over free-flow travel time: median and log standard deviation (assumed).
SLOWER = 1.2
SPREAD = 0.35
#: A car not read again for so long has arrived, seconds (assumed).
LONGEST_S = 1_800.0
#: Share of reads that are followed by another on the same trip (assumed).
GOES_ON = 0.7
#: Rounds of joining and learning; how many joined pairs the map's guess counts for (assumed).
ROUNDS = 3
PRIOR_PAIRS = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """Reads without plates in order of time; all arrays have shape (n_reads,).

    Parameters
    ----------
    time_s, camera_id
        When and by which reader.
    look
        Code of colour, type and make as noted.
    """

    time_s: NDArray[np.int64]
    camera_id: NDArray[np.int32]
    look: NDArray[np.int64]


def reader_travel_s(network: RoadNetwork, readers: ReaderFacts) -> NDArray[np.float64]:
    """Return free-flow seconds from each fixed reader to each other, shape (n_cameras, n_cameras).

    Which way a car went past a reader of both directions is not noted, so the quicker way counts; infinite to
    and from readers on cars, and from a reader to itself.
    """
    n = len(readers.edge)
    best = np.full((n, n), np.inf)
    fixed = np.flatnonzero(readers.fixed & (readers.edge >= 0))
    if not len(fixed):
        return best
    edge_s = network.edge_length_m / network.edge_speed_mps
    shape = (network.n_nodes, network.n_nodes)
    order = np.argsort(-edge_s, kind="stable")  # of parallel edges the quickest is written last
    graph = sparse.csr_array(
        sparse.coo_array(
            _quickest(network.edge_tail[order], network.edge_head[order], edge_s[order]), shape=shape
        )
    )
    edge, at_m, camera = readers.edge[fixed], readers.offset_m[fixed].astype(np.float64), fixed
    back = network.reverse_edge[edge]
    both = readers.both_directions[fixed] & (back >= 0)
    part = at_m[both] / network.edge_length_m[edge[both]]
    edge = np.concatenate([edge, back[both]])
    at_m = np.concatenate([at_m, (1.0 - part) * network.edge_length_m[back[both]]])
    camera = np.concatenate([camera, camera[both]])
    speed = network.edge_speed_mps[edge]
    nodes, start = np.unique(network.edge_head[edge], return_inverse=True)
    between = dijkstra(graph, indices=nodes)[start][:, network.edge_tail[edge]]
    total = ((network.edge_length_m[edge] - at_m) / speed)[:, None] + between + (at_m / speed)[None, :]
    ahead = (edge[:, None] == edge[None, :]) & (at_m[None, :] > at_m[:, None])
    total = np.where(ahead, (at_m[None, :] - at_m[:, None]) / speed[:, None], total)
    np.minimum.at(best, (camera[:, None], camera[None, :]), total)
    np.fill_diagonal(best, np.inf)
    return best


def _quickest(
    tail: NDArray[np.int32], head: NDArray[np.int32], seconds: NDArray[np.float64]
) -> tuple[NDArray[np.float64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    pair = tail.astype(np.int64) << 32 | head
    pairs, last = np.unique(pair[::-1], return_index=True)
    return seconds[::-1][last], (pairs >> 32, pairs & 0xFFFFFFFF)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Flow:
    """Where cars go on to from each reader, and how long they take; shape (n_cameras, n_cameras) each.

    ``chance`` is the share of reads that are followed by one at the other reader, ``log_s`` and ``spread``
    mean and standard deviation of the logarithm of the seconds in between.
    """

    chance: NDArray[np.float64]
    log_s: NDArray[np.float64]
    spread: NDArray[np.float64]


def _flow_on_the_map(travel_s: NDArray[np.float64]) -> _Flow:
    """Guess the flow: chances fall with travel time, at a scale of the nearest five readers."""
    finite = np.where(np.isfinite(travel_s), np.maximum(travel_s, 1.0), 1e9)
    scale = np.maximum(np.sort(finite, axis=1)[:, :5].mean(axis=1), 1.0)
    chance = np.exp(-finite / scale[:, None])
    chance *= GOES_ON / np.maximum(chance.sum(axis=1, keepdims=True), 1e-300)
    return _Flow(chance=chance, log_s=np.log(SLOWER * finite), spread=np.full(travel_s.shape, SPREAD))


def _flow_as_joined(reads: Detections, successor: NDArray[np.int64], on_map: _Flow) -> _Flow:
    """Learn the flow from joined reads; the map's guess counts for a few pairs more."""
    n = len(on_map.chance)
    first = np.flatnonzero(successor >= 0)
    second = successor[first]
    pair = reads.camera_id[first].astype(np.int64) * n + reads.camera_id[second]
    log_s = np.log(np.maximum(reads.time_s[second] - reads.time_s[first], 1).astype(np.float64))

    def total(weights: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        return np.bincount(pair, weights=weights, minlength=n * n).reshape(n, n).astype(np.float64)

    seen = np.bincount(reads.camera_id, minlength=n).astype(np.float64)[:, None]
    pairs = total() + PRIOR_PAIRS
    mean = (total(log_s) + PRIOR_PAIRS * on_map.log_s) / pairs
    off = (log_s - mean.ravel()[pair]) ** 2
    return _Flow(
        chance=(total() + PRIOR_PAIRS * on_map.chance) / (seen + PRIOR_PAIRS),
        log_s=mean,
        spread=np.sqrt((total(off) + PRIOR_PAIRS * SPREAD**2) / pairs),
    )


def follow_looks(
    reads: Detections, travel_s: NDArray[np.float64], *, days: float, rounds: int = ROUNDS
) -> NDArray[np.int64]:
    """Return for each read the one that the attacker takes for the same car's next, or -1; shape (n_reads,).

    Parameters
    ----------
    reads
        In order of time.
    travel_s
        :func:`reader_travel_s`.
    days
        How many days the reads span, for the rate at which other cars come by.
    rounds
        How often reads are joined; between rounds the attacker learns from what it joined.
    """
    on_map = flow = _flow_on_the_map(travel_s)
    successor = np.full(len(reads.time_s), -1, dtype=np.int64)
    for _ in range(rounds):
        successor = _join(reads, *_candidates(reads, travel_s, flow, days))
        flow = _flow_as_joined(reads, successor, on_map)
    return successor


def _join(
    reads: Detections, first: NDArray[np.int64], second: NDArray[np.int64], gain: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Choose pairs such that no read is used twice on a side and the gain is largest."""
    n = len(reads.time_s)
    successor = np.full(n, -1, dtype=np.int64)
    if not len(first):
        return successor
    # Reads that no candidate pair joins, however long the way round, can be matched apart.
    graph = sparse.coo_array((np.ones(len(first)), (first, second + n)), shape=(2 * n, 2 * n))
    _, part = connected_components(graph, directed=False)
    order = np.argsort(part[first], kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(part[first[order]])) + 1):
        left, i = np.unique(first[rows], return_inverse=True)
        right, j = np.unique(second[rows], return_inverse=True)
        # Pairs that are no candidates gain nothing, and so stand for "no successor".
        matrix = np.zeros((len(left), len(right)))
        matrix[i, j] = gain[rows]
        a, b = linear_sum_assignment(matrix, maximize=True)
        taken = matrix[a, b] > 0.0
        successor[left[a[taken]]] = right[b[taken]]
    return successor


def _candidates(
    reads: Detections, travel_s: NDArray[np.float64], flow: _Flow, days: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs of alike reads with a positive log likelihood ratio."""
    n_cameras = len(travel_s)
    ends = np.clip(1.0 - flow.chance.sum(axis=1), 0.02, 1.0)
    _, look = np.unique(reads.look, return_inverse=True)
    order = np.lexsort((reads.time_s, look))
    key = look[order].astype(np.int64) * (1 << 40) + reads.time_s[order]
    until = np.searchsorted(key, key + int(LONGEST_S), side="right")
    here = np.arange(len(order))
    count = until - here - 1
    i = np.repeat(here, count)
    j = i + 1 + np.arange(len(i)) - np.repeat(np.cumsum(count) - count, count)
    first, second = order[i], order[j]
    apart = (reads.time_s[second] - reads.time_s[first]).astype(np.float64)
    a, b = reads.camera_id[first], reads.camera_id[second]
    fits = np.isfinite(travel_s[a, b]) & (apart > 0)
    first, second, apart, a, b = first[fits], second[fits], apart[fits], a[fits], b[fits]
    z = (np.log(apart) - flow.log_s[a, b]) / flow.spread[a, b]
    density = np.exp(-0.5 * z * z) / (apart * flow.spread[a, b] * np.sqrt(2.0 * np.pi))
    kind = look * np.int64(n_cameras) + reads.camera_id
    _, alike, seen = np.unique(kind, return_inverse=True, return_counts=True)
    others_per_s = seen[alike[second]] / (days * 86_400.0)
    with np.errstate(divide="ignore"):
        gain = np.log(density * flow.chance[a, b] / (ends[a] * others_per_s))
    good = gain > 0.0
    return first[good], second[good], gain[good]
