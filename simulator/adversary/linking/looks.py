"""Tracking by looks: the plate is gone, but time, place, colour, type and make of each read are kept.

After Chen et al. (2020) on re-identification of trajectories in plate data without plates. Reads of alike
cars are joined into trips: each read gets at most one successor, such that the sum of log likelihood ratios
is largest. A pair's ratio compares "the same car went on to there, in that time" with "another car of these
looks came by". Travel times between readers are worked out on the public street map.
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


def follow_looks(reads: Detections, travel_s: NDArray[np.float64], *, days: float) -> NDArray[np.int64]:
    """Return for each read the one that the attacker takes for the same car's next, or -1; shape (n_reads,).

    Parameters
    ----------
    reads
        In order of time.
    travel_s
        :func:`reader_travel_s`.
    days
        How many days the reads span, for the rate at which other cars come by.
    """
    first, second, gain = _candidates(reads, travel_s, days)
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
    reads: Detections, travel_s: NDArray[np.float64], days: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return pairs of alike reads with a positive log likelihood ratio."""
    n_cameras = len(travel_s)
    # The next reader is a near one: chances fall with travel time, at a scale of the nearest five.
    finite = np.where(np.isfinite(travel_s), travel_s, 1e9)
    scale = np.maximum(np.sort(finite, axis=1)[:, : min(5, n_cameras)].mean(axis=1), 1.0)
    chance = np.exp(-finite / scale[:, None])
    chance /= np.maximum(chance.sum(axis=1, keepdims=True), 1e-300)
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
    way = travel_s[reads.camera_id[first], reads.camera_id[second]]
    fits = np.isfinite(way) & (apart > 0)
    first, second, apart, way = first[fits], second[fits], apart[fits], np.maximum(way[fits], 1.0)
    z = (np.log(apart) - np.log(SLOWER * way)) / SPREAD
    density = np.exp(-0.5 * z * z) / (apart * SPREAD * np.sqrt(2.0 * np.pi))
    goes = GOES_ON * chance[reads.camera_id[first], reads.camera_id[second]]
    kind = look * np.int64(n_cameras) + reads.camera_id
    _, alike, seen = np.unique(kind, return_inverse=True, return_counts=True)
    others_per_s = seen[alike[second]] / (days * 86_400.0)
    with np.errstate(divide="ignore"):
        gain = np.log(density * goes / ((1.0 - GOES_ON) * others_per_s))
    good = gain > 0.0
    return first[good], second[good], gain[good]
