"""Traffic volumes: how many vehicles a day drive along each edge, from a sample of planned trips."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.travel.legs import collect_edges
from simulator.travel.plan import DayPlans
from simulator.travel.trees import RouteTrees


def edge_volume(
    plans: DayPlans, field: NDArray[np.uint8], *, network: RoadNetwork, places: Places, trees: RouteTrees
) -> NDArray[np.float64]:
    """Return how often the planned trips drive along each directed edge, shape (n_edges,)."""
    return _count(  # type: ignore[no-any-return]
        plans.from_place,
        plans.to_place,
        field,
        network.n_edges,
        places.tree,
        places.arrive_node,
        places.depart_node,
        places.edge,
        network.out_indptr,
        network.edge_tail,
        network.edge_head,
        trees.next_slot,
        trees.last_slot,
        trees.in_indptr,
        trees.in_edge,
    )


@njit(cache=True)
def _count(  # type: ignore[no-untyped-def]
    origin, target, field, n_edges, tree, arrive_node, depart_node, place_edge, out_indptr, edge_tail,
    edge_head, next_slot, last_slot, in_indptr, in_edge,
):  # fmt: skip
    count = np.zeros(n_edges, np.float64)
    buffer = np.empty(2 * len(out_indptr) + 8, np.int64)
    for i in range(len(origin)):
        k = collect_edges(
            buffer, origin[i], target[i], field[i], tree, arrive_node, depart_node, place_edge, out_indptr,
            edge_tail, edge_head, next_slot, last_slot, in_indptr, in_edge,
        )  # fmt: skip
        for j in range(k):
            count[buffer[j]] += 1.0
    return count
