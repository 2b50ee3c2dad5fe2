"""Fixed readers by the directed edges on which they read plates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, ReaderKind
from simulator.roads.network import RoadNetwork


def edge_cameras(
    cameras: Cameras, network: RoadNetwork
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float64]]:
    """Return the fixed readers that a car passes on each directed edge, in the order in which it does.

    Returns
    -------
    indptr
        Readers of edge ``e`` are rows ``indptr[e]:indptr[e + 1]``, shape (n_edges + 1,).
    camera
        Reader ids; a reader of both directions appears on both edges of its street.
    offset_m
        Distance from the edge's tail, metres, ascending within an edge.
    """
    fixed = np.flatnonzero(cameras.kind == ReaderKind.FIXED)
    edge, offset_m = cameras.edge[fixed], cameras.offset_m[fixed]
    back = network.reverse_edge[edge]
    both = cameras.both_directions[fixed] & (back >= 0)
    # The two directions of a street may be drawn, and so measured, a little differently.
    part = offset_m[both] / network.edge_length_m[edge[both]]
    offset_back_m = network.edge_length_m[back[both]] * (1.0 - part)
    camera = np.concatenate([fixed, fixed[both]]).astype(np.int32)
    edge = np.concatenate([edge, back[both]])
    offset_m = np.concatenate([offset_m, offset_back_m])
    order = np.lexsort((camera, offset_m, edge))
    counts = np.bincount(edge, minlength=network.n_edges)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return indptr, camera[order], offset_m[order]
