"""Where a driver may live or work: one side of a street, or somewhere beyond a gateway; and cells of them.

A car leaves a place by the head of its directed edge and comes to it by the tail, so the two sides of a
street are different hypotheses. Cells group neighbours, so that most of a city can be ruled out without
looking at each street.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.roads.network import RoadNetwork

# Width of a strip of land that goes with one side of a street, for areas.
FRONTAGE_M = 30.0
# Street sides that a cell holds on average.
_IN_A_CELL = 80.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypotheses:
    """All hypotheses of one target, sorted by cell.

    Parameters
    ----------
    edge
        Directed edge, -1 for places beyond a gateway, shape (n,).
    tail, head
        Nodes over which a car comes and leaves (the gateway twice for places beyond it), shape (n,).
    x_m, y_m
        The middle of the edge, or the gateway, shape (n,), metres.
    prior
        Sums to 1, shape (n,).
    area_m2
        Land that goes with it, 0 beyond gateways, shape (n,).
    cell_indptr
        Hypotheses of cell ``i`` are rows ``cell_indptr[i]:cell_indptr[i + 1]``, shape (n_cells + 1,).
    """

    edge: NDArray[np.int32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    prior: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    cell_indptr: NDArray[np.int64]

    @property
    def n(self) -> int:
        return len(self.edge)

    @property
    def n_cells(self) -> int:
        return len(self.cell_indptr) - 1


def build_hypotheses(
    network: RoadNetwork,
    weight: NDArray[np.floating] | None,
    gateway_node: NDArray[np.int32] | None,
    outside_share: float,
) -> Hypotheses:
    """List the hypotheses of one target.

    Parameters
    ----------
    network
        The streets.
    weight
        Land use of each edge; where it is not known, length.
    gateway_node
        Where main roads leave the map.
    outside_share
        Prior probability of a place beyond the map, shared by the gateways.
    """
    weight = np.asarray(network.edge_length_m if weight is None else weight, np.float64)
    if weight.sum() <= 0:
        weight = network.edge_length_m
    edge = np.flatnonzero(weight > 0)
    gate = np.empty(0, np.int64) if gateway_node is None else np.unique(gateway_node).astype(np.int64)
    outside = outside_share if len(gate) else 0.0
    tail, head = network.edge_tail[edge], network.edge_head[edge]
    middle = network.point_along(edge, network.edge_length_m[edge] / 2)
    x, y = (
        np.concatenate([m, v[gate]])
        for m, v in zip(middle, (network.node_x_m, network.node_y_m), strict=True)
    )
    prior = np.concatenate(
        [weight[edge] / weight[edge].sum() * (1 - outside), np.full(len(gate), outside / max(len(gate), 1))]
    )
    # Street sides that are left over the same junction are of one cell; each gateway is a cell of its own.
    side_m = np.sqrt(_IN_A_CELL * np.ptp(x) * np.ptp(y) / max(len(edge), 1)) + 1.0
    left_over = np.concatenate([head, gate])
    column, row = ((v[left_over] - v.min()) // side_m for v in (network.node_x_m, network.node_y_m))
    key = row * 1e6 + column
    key[len(edge) :] = 1e13 + np.arange(len(gate))
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1.0))
    all_edge = np.concatenate([edge, np.full(len(gate), -1)])
    area = np.concatenate([network.edge_length_m[edge] * FRONTAGE_M, np.zeros(len(gate))])
    return Hypotheses(
        edge=all_edge[order].astype(np.int32),
        tail=np.concatenate([tail, gate])[order].astype(np.int32),
        head=np.concatenate([head, gate])[order].astype(np.int32),
        x_m=x[order],
        y_m=y[order],
        prior=prior[order],
        area_m2=area[order],
        cell_indptr=np.append(starts, len(order)).astype(np.int64),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Doors:
    """The nodes over which cars leave the places of each cell, and those over which they come.

    A cell that a car can come to over another cell's node has a door of its own there.

    Parameters
    ----------
    node, side
        Node of each door, and 0 where cars leave over it, 1 where they come; shape (n_doors,).
    cell_indptr, cell_middle
        Doors of cell ``i`` are rows ``cell_indptr[i]:cell_indptr[i + 1]``, from ``cell_middle[i]`` on those
        of side 1; shapes (n_cells + 1,) and (n_cells,).
    out, into
        Door by which a car leaves each hypothesis and comes to it, counted from its cell's first, shape (n,).
    """

    node: NDArray[np.int32]
    side: NDArray[np.int8]
    cell_indptr: NDArray[np.int64]
    cell_middle: NDArray[np.int64]
    out: NDArray[np.uint16] | NDArray[np.uint32]
    into: NDArray[np.uint16] | NDArray[np.uint32]


def doors_of(places: Hypotheses) -> Doors:
    """List the doors of each cell, cell by cell."""
    cell = np.repeat(np.arange(places.n_cells), np.diff(places.cell_indptr))
    n_nodes = int(max(places.head.max(), places.tail.max())) + 1
    key = (np.concatenate([cell, cell]) * 2 + np.repeat([0, 1], places.n)) * n_nodes
    found, door = np.unique(key + np.concatenate([places.head, places.tail]), return_inverse=True)
    bounds = np.searchsorted(found // n_nodes, np.arange(2 * places.n_cells + 1)).astype(np.int64)
    indptr, middle = bounds[::2].copy(), bounds[1::2].copy()
    first = indptr[cell]
    # Kept in few bytes, since it is reading them that takes time.
    few = np.diff(indptr).max() < 2**16
    out, into = door[: places.n] - first, door[places.n :] - first
    return Doors(
        node=(found % n_nodes).astype(np.int32),
        side=(found // n_nodes % 2).astype(np.int8),
        cell_indptr=indptr,
        cell_middle=middle,
        out=out.astype(np.uint16) if few else out.astype(np.uint32),
        into=into.astype(np.uint16) if few else into.astype(np.uint32),
    )
