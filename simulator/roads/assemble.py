"""From a plan of streets to a road network: both directions, geometry, largest strongly connected part."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from simulator.errors import MapError
from simulator.roads.network import RoadClass, RoadNetwork

#: Free-flow speeds of generated streets by class, metres a second, waiting at junctions included.
SPEED_MPS = {
    RoadClass.MOTORWAY: 27.0,
    RoadClass.TRUNK: 20.0,
    RoadClass.PRIMARY: 14.0,
    RoadClass.SECONDARY: 12.5,
    RoadClass.TERTIARY: 11.0,
    RoadClass.RESIDENTIAL: 8.3,
    RoadClass.LINK: 14.0,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class StreetPlan:
    """Streets between junctions, undirected until :func:`assemble` makes their directions.

    Parameters
    ----------
    x_m, y_m
        Junctions, shape (n_nodes,), metres.
    a, b
        Ends of each street, shape (n_streets,).
    road_class
        :class:`RoadClass` codes, shape (n_streets,).
    street
        Street ids, shape (n_streets,), any integers.
    direction
        0 two-way, 1 from ``a`` to ``b`` only, -1 from ``b`` to ``a`` only, shape (n_streets,).
    speed_mps
        Speeds, shape (n_streets,), or empty for the class's usual speed.
    bend_indptr, bend_x_m, bend_y_m
        Points between the ends, from ``a`` to ``b``: ``bend_indptr[s]:bend_indptr[s + 1]``; empty for
        straight lines only.
    """

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    a: NDArray[np.integer]
    b: NDArray[np.integer]
    road_class: NDArray[np.integer]
    street: NDArray[np.integer]
    direction: NDArray[np.integer]
    speed_mps: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    bend_indptr: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    bend_x_m: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    bend_y_m: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def assemble(plan: StreetPlan) -> tuple[RoadNetwork, NDArray[np.int64], NDArray[np.int64]]:
    """Return the network, the plan's node of each of its nodes, and the plan's street of each of its edges.

    Loops are dropped; of parallel streets in one direction the one of the highest class stays, then the
    shortest. What lies outside the largest strongly connected component is left out.

    Raises
    ------
    MapError
        If no street is left.
    """
    n = len(plan.x_m)
    a, b = plan.a.astype(np.int64), plan.b.astype(np.int64)
    indptr = plan.bend_indptr if len(plan.bend_indptr) else np.zeros(len(a) + 1, np.int64)
    length_m = _lengths_m(plan, a, b, indptr)

    ahead, back = np.flatnonzero(plan.direction >= 0), np.flatnonzero(plan.direction <= 0)
    source = np.concatenate([ahead, back])
    tail, head = np.concatenate([a[ahead], b[back]]), np.concatenate([b[ahead], a[back]])
    backward = np.concatenate([np.zeros(len(ahead), bool), np.ones(len(back), bool)])

    best_first = np.lexsort((source, length_m[source], plan.road_class[source], tail * n + head))
    key = (tail * n + head)[best_first]
    first = np.ones(len(key), bool)
    first[1:] = key[1:] != key[:-1]
    keep = best_first[first]
    keep = keep[(tail[keep] != head[keep]) & (length_m[source[keep]] > 0)]
    if len(keep) == 0:
        raise MapError("There is no street between two different junctions: there is nothing to drive on.")

    graph = csr_array((np.ones(len(keep)), (tail[keep], head[keep])), shape=(n, n))
    label = connected_components(graph, connection="strong")[1]
    main = label == np.bincount(label).argmax()
    keep = keep[main[tail[keep]] & main[head[keep]]]
    if len(keep) == 0:
        raise MapError("No two junctions can be reached from each other: there is nothing to drive on.")
    node = np.flatnonzero(main)
    new_id = np.cumsum(main) - 1

    # ``keep`` is in order of (tail, head) already: it comes from sorting by the edge's key.
    source, backward = source[keep], backward[keep]
    geometry = _geometry(plan, indptr, tail[keep], head[keep], source, backward)
    speed_mps = (
        plan.speed_mps[source]
        if len(plan.speed_mps)
        else np.array([SPEED_MPS[c] for c in RoadClass])[plan.road_class[source]]
    )
    network = RoadNetwork(
        node_x_m=plan.x_m[node].astype(np.float64),
        node_y_m=plan.y_m[node].astype(np.float64),
        edge_tail=new_id[tail[keep]].astype(np.int32),
        edge_head=new_id[head[keep]].astype(np.int32),
        edge_length_m=length_m[source],
        edge_speed_mps=speed_mps,
        edge_class=plan.road_class[source].astype(np.uint8),
        edge_street=np.unique(plan.street[source], return_inverse=True)[1].astype(np.int32),
        geometry_indptr=geometry[0],
        geometry_x_m=geometry[1],
        geometry_y_m=geometry[2],
    )
    return network, node, source


def _lengths_m(
    plan: StreetPlan, a: NDArray[np.int64], b: NDArray[np.int64], indptr: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Lengths of the streets along their bends, summed street by street."""
    _, x, y = _geometry(plan, indptr, a, b, np.arange(len(a)), np.zeros(len(a), bool))
    points = np.diff(indptr) + 2
    step = np.concatenate([np.hypot(np.diff(x), np.diff(y)), [0.0]])
    step[np.cumsum(points) - 1] = 0.0  # from the end of one street to the start of the next
    return np.asarray(np.add.reduceat(step, np.cumsum(points) - points)) if len(a) else np.empty(0)


def _geometry(
    plan: StreetPlan,
    indptr: NDArray[np.int64],
    tail: NDArray[np.int64],
    head: NDArray[np.int64],
    source: NDArray[np.int64],
    backward: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Polylines of directed edges: tail, bends in the order of travel, head."""
    bends = np.diff(indptr)[source]
    out = np.concatenate([[0], np.cumsum(bends + 2)]).astype(np.int64)
    x, y = np.empty(out[-1]), np.empty(out[-1])
    x[out[:-1]], y[out[:-1]] = plan.x_m[tail], plan.y_m[tail]
    x[out[1:] - 1], y[out[1:] - 1] = plan.x_m[head], plan.y_m[head]
    within = np.arange(bends.sum()) - np.repeat(np.cumsum(bends) - bends, bends)
    start, step = np.where(backward, indptr[source + 1] - 1, indptr[source]), np.where(backward, -1, 1)
    bend = np.repeat(start, bends) + np.repeat(step, bends) * within
    at = np.repeat(out[:-1] + 1, bends) + within
    x[at], y[at] = plan.bend_x_m[bend], plan.bend_y_m[bend]
    return out, x, y
