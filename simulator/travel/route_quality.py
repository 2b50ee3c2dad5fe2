"""How good the chosen routes are: their identity, and their excess over the fastest route.

Used to hold simulated route choice against observed route choice (Zhu & Levinson, "Do people use the shortest
path?", PLoS ONE 2015; Lima, Stanojevic, Papagiannaki, Rodriguez & Gonzalez, "Understanding individual routing
behaviour", J. R. Soc. Interface 2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulator.people.places import Places
from simulator.roads.network import RoadNetwork
from simulator.travel.legs import collect_edges
from simulator.travel.trees import RouteTrees


@dataclass(frozen=True, kw_only=True, eq=False)
class RouteQuality:
    """Every array has shape (n_routes,).

    Parameters
    ----------
    fingerprint
        Equal for routes over the same edges, and in practice only for these.
    excess_s
        Mean travel time over that of the fastest route between the same ends, seconds.
    fastest_s
        Mean travel time of that fastest route, seconds.
    """

    fingerprint: NDArray[np.uint64]
    excess_s: NDArray[np.float64]
    fastest_s: NDArray[np.float64]

    @property
    def fastest(self) -> NDArray[np.bool_]:
        """Whether the route is the fastest one (rounding errors aside)."""
        return self.excess_s < 1e-6


def route_quality(
    from_place: NDArray[np.int32],
    to_place: NDArray[np.int32],
    field: NDArray[np.uint8],
    *,
    network: RoadNetwork,
    places: Places,
    trees: RouteTrees,
) -> RouteQuality:
    """Judge the routes between pairs of places, each by the field that it was chosen in."""
    fingerprint, time_s = _routes(
        from_place,
        to_place,
        field,
        trees.n_variants,
        places.tree,
        places.arrive_node,
        places.depart_node,
        places.edge,
        network.out_indptr,
        network.edge_tail,
        network.edge_head,
        trees.edge_time_s,
        trees.next_slot,
        trees.last_slot,
        trees.in_indptr,
        trees.in_edge,
    )
    fastest = np.empty(len(from_place))
    period = (field >= trees.n_variants).astype(np.int64)
    to_home = places.tree[to_place] < 0
    for p in range(2):
        graph = csr_array(
            (trees.edge_time_s[p], network.edge_head, network.out_indptr),
            shape=(network.n_nodes, network.n_nodes),
        )
        for backward in (False, True):
            rows = np.flatnonzero((period == p) & (to_home != backward))
            if len(rows) == 0:
                continue
            tree = places.tree[to_place[rows] if backward else from_place[rows]]
            other = (places.depart_node[from_place] if backward else places.arrive_node[to_place])[rows]
            ends = places.tree_arrive_node if backward else places.tree_depart_node
            for t in np.unique(tree):
                of_tree = tree == t
                seconds = dijkstra(graph.T.tocsr() if backward else graph, indices=ends[t])
                fastest[rows[of_tree]] = seconds[other[of_tree]]
    return RouteQuality(fingerprint=fingerprint, excess_s=time_s - fastest, fastest_s=fastest)


@njit(cache=True)
def _routes(  # type: ignore[no-untyped-def]
    origin, target, field, n_variants, tree, arrive_node, depart_node, place_edge, out_indptr, edge_tail,
    edge_head, edge_time_s, next_slot, last_slot, in_indptr, in_edge,
):  # fmt: skip
    n = len(origin)
    fingerprint, time_s = np.empty(n, np.uint64), np.empty(n, np.float64)
    buffer = np.empty(2 * len(out_indptr) + 8, np.int64)
    for i in range(n):
        a, b = origin[i], target[i]
        k = collect_edges(
            buffer, a, b, field[i], tree, arrive_node, depart_node, place_edge, out_indptr, edge_tail,
            edge_head, next_slot, last_slot, in_indptr, in_edge,
        )  # fmt: skip
        # The edges of the places themselves are the same on every route.
        first = 1 if place_edge[a] >= 0 else 0
        last = k - 1 if place_edge[b] >= 0 else k
        period = 1 if field[i] >= n_variants else 0
        total, mark = 0.0, np.uint64(0)
        for j in range(first, last):
            total += edge_time_s[period, buffer[j]]
            word = np.uint64(buffer[j] + 1) * np.uint64(0x9E3779B97F4A7C15)
            word ^= word >> np.uint64(29)
            mark += word * np.uint64(0xBF58476D1CE4E5B9)
        fingerprint[i], time_s[i] = mark, total
    return fingerprint, time_s
