"""Candidate spots for fixed readers, their random order and their spacing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.roads.network import RoadNetwork

_CLEAR_OF_JUNCTION_M = 5.0
SLOT_M = 25.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Sites:
    """Candidate spots on streets; arrays of shape (n_sites,). A two-way street has sites on one edge only."""

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    two_way: NDArray[np.bool_]
    both_u: NDArray[np.float64]
    flip_u: NDArray[np.float64]

    def take(self, keep: NDArray[np.generic]) -> Sites:
        return Sites(**{name: value[keep] for name, value in vars(self).items()})


def segments(network: RoadNetwork) -> NDArray[np.int32]:
    """One edge of each street segment: the lower id of the two where it is two-way."""
    edge = np.arange(network.n_edges, dtype=np.int32)
    return edge[(network.reverse_edge < 0) | (edge < network.reverse_edge)]


def candidate_sites(network: RoadNetwork, rng: np.random.Generator, *, slot_m: float = np.inf) -> Sites:
    """One site per segment, or one per slot of about ``slot_m``, at a random offset within it."""
    segment = segments(network)
    length = network.edge_length_m[segment]
    n_slots = (
        np.ones(len(segment), np.int64) if np.isinf(slot_m) else np.ceil(length / slot_m).astype(np.int64)
    )
    n_slots = np.maximum(n_slots, 1)
    edge = np.repeat(segment, n_slots)
    slot = np.arange(len(edge)) - np.repeat(np.cumsum(n_slots) - n_slots, n_slots)
    length, n_slots = np.repeat(length, n_slots), np.repeat(n_slots, n_slots)
    clear = np.minimum(_CLEAR_OF_JUNCTION_M, length / 2)
    offset = clear + (slot + rng.random(len(edge))) / n_slots * (length - 2 * clear)
    x, y = network.point_along(edge, offset)
    return Sites(
        edge=edge,
        offset_m=offset,
        x_m=x,
        y_m=y,
        two_way=network.reverse_edge[edge] >= 0,
        both_u=rng.random(len(edge)),
        flip_u=rng.random(len(edge)),
    )


def street_volume(
    network: RoadNetwork, edge: NDArray[np.int32], volume: NDArray[np.float64]
) -> NDArray[np.float64]:
    reverse = network.reverse_edge[edge]
    total: NDArray[np.float64] = volume[edge] + np.where(reverse >= 0, volume[reverse], 0.0)
    return total


def gumbel_order(weight: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Order of a weighted sample without replacement; weightless items come last, in random order."""
    noise = rng.gumbel(size=len(weight))
    with np.errstate(divide="ignore"):
        return np.lexsort((-noise, -(np.log(weight) + noise))).astype(np.int64)


def rings(network: RoadNetwork, gateway: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number of street segments between each node and its nearest gateway, shape (n_nodes,)."""
    ring = np.full(network.n_nodes, np.iinfo(np.int32).max, np.int64)
    ring[gateway] = 0
    for step in range(1, network.n_nodes):
        before = ring[network.edge_head] == step - 1
        after = ring[network.edge_tail] == step - 1
        front = np.concatenate([network.edge_tail[before], network.edge_head[after]])
        front = front[ring[front] > step]
        if len(front) == 0:
            break
        ring[front] = step
    return ring


def take_spaced(sites: Sites, spacing_m: float, count: int, per_site: NDArray[np.int64]) -> list[int]:
    """Take sites in order, none nearer than the spacing to one taken; halve it when all are tried."""
    xy = np.column_stack([sites.x_m, sites.y_m])
    tree = cKDTree(xy)
    taken: list[int] = []
    n_readers = 0
    free = np.ones(len(xy), np.bool_)
    while n_readers < count:
        blocked = ~free
        if taken and spacing_m > 0:
            near = cKDTree(xy[taken]).query(xy, distance_upper_bound=spacing_m)[0]
            blocked |= near < spacing_m
        for i in np.flatnonzero(~blocked):
            if blocked[i]:
                continue
            taken.append(int(i))
            free[i] = False
            n_readers += int(per_site[i])
            if n_readers >= count:
                break
            if spacing_m > 0:
                blocked[tree.query_ball_point(xy[i], spacing_m * (1 - 1e-12))] = True
        spacing_m = spacing_m / 2 if spacing_m > 1 else 0.0
    return taken


@dataclass(frozen=True, kw_only=True, eq=False)
class Spots:
    """Where one group's readers stand; arrays of shape (n_readers,)."""

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    both_directions: NDArray[np.bool_]
    place: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    owner: Sequence[str | None]
    number: NDArray[np.int64]

    @property
    def n_readers(self) -> int:
        return len(self.edge)


def unplaced(
    n: int, *, x_m: NDArray[np.float64], y_m: NDArray[np.float64], place: NDArray[np.int32] | None = None
) -> Spots:
    """Return spots that are at no street: on cars, or at places."""
    return Spots(
        edge=np.full(n, -1, np.int32),
        offset_m=np.zeros(n),
        both_directions=np.zeros(n, np.bool_),
        place=np.full(n, -1, np.int32) if place is None else place,
        x_m=x_m,
        y_m=y_m,
        owner=[None] * n,
        number=np.arange(n),
    )
