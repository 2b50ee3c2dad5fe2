"""Strokes: runs of blocks that a driver would call one street, since they go straight on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def strokes(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    a: NDArray[np.integer],
    b: NDArray[np.integer],
    road_class: NDArray[np.integer],
    *,
    bend_limit_deg: float = 40.0,
) -> NDArray[np.int64]:
    """Return a street id for each undirected block; two blocks of a class join where each is the other's
    straightest continuation and the bend is within the limit (the "every best fit" rule of Jiang, Zhao &
    Yin, "Self-organized natural roads", 2008).

    Parameters
    ----------
    x_m, y_m
        Junctions, shape (n_nodes,).
    a, b
        Ends of blocks, shape (n_blocks,).
    road_class
        Classes, shape (n_blocks,).
    bend_limit_deg
        Sharpest bend within a street, degrees.
    """
    n = len(a)
    end_node = np.concatenate([a, b]).astype(np.int64)
    other = np.concatenate([b, a]).astype(np.int64)
    block = np.tile(np.arange(n), 2)
    heading = np.arctan2(y_m[other] - y_m[end_node], x_m[other] - x_m[end_node])
    order = np.argsort(end_node, kind="stable")
    degree = np.bincount(end_node, minlength=len(x_m))
    start = np.cumsum(degree) - degree
    # All ordered pairs of block ends that meet at one junction.
    mates = degree[end_node[order]]
    first = np.repeat(order, mates)
    within = np.arange(len(first)) - np.repeat(np.cumsum(mates) - mates, mates)
    second = order[np.repeat(start[end_node[order]], mates) + within]
    fits = (first != second) & (road_class[block[first]] == road_class[block[second]])
    first, second = first[fits], second[fits]
    turn = np.abs((heading[first] - heading[second]) % (2 * np.pi) - np.pi)
    near = turn <= np.radians(bend_limit_deg)
    first, second, turn = first[near], second[near], turn[near]
    by_turn = np.lexsort((second, turn, first))
    first, second = first[by_turn], second[by_turn]
    best = np.full(2 * n, -1)
    top = np.ones(len(first), bool)
    top[1:] = first[1:] != first[:-1]
    best[first[top]] = second[top]
    mutual = np.flatnonzero((best >= 0) & (best[best] == np.arange(2 * n)))
    links = coo_array((np.ones(len(mutual)), (block[mutual], block[best[mutual]])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.int64)
