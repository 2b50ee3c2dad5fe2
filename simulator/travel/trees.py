"""Route trees: the fastest routes to and from every attractor, as drivers perceive travel times.

Drivers differ in what they think is fastest. Each *variant* perturbs the travel time of every edge
(log-normal perception errors, and a taste for road classes), in peak and off-peak hours; a *field* is a
variant in a period. For every field and every attractor one shortest-path tree in and one out is kept as a
byte a node: which of the node's out-edges (in-edges) comes next. Routes are read off by walking a tree from
the other end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from simulator.errors import MapError
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.scenario_parts import Travel
from simulator.streams import Stream, generator

OFF_PEAK, PEAK = 0, 1
_TASTE_SHARE = 0.35
_SIGMA_SPREAD = 2.5
_BATCH = 16
# Mean delay at the junction that ends an edge, by road class (signals, give-way, turning), seconds.
_JUNCTION_DELAY_S = {
    RoadClass.MOTORWAY: 0.0,
    RoadClass.TRUNK: 1.5,
    RoadClass.PRIMARY: 3.0,
    RoadClass.SECONDARY: 3.0,
    RoadClass.TERTIARY: 3.0,
    RoadClass.RESIDENTIAL: 3.0,
    RoadClass.LINK: 2.0,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class RouteTrees:
    """Trees of every attractor and field.

    Parameters
    ----------
    edge_time_s
        Actual mean travel time of each edge, shape (2 periods, n_edges), seconds.
    next_slot
        Out-edge to take at a node on the way to a tree's arrival node, as its number among the node's
        out-edges, shape (n_fields, n_trees, n_nodes); 255 at the arrival node itself.
    last_slot
        In-edge by which a node is reached from a tree's departure node, as its number among the node's
        in-edges, same shape.
    in_indptr, in_edge
        In-edges of node ``n``: ``in_edge[in_indptr[n]:in_indptr[n + 1]]``.
    """

    edge_time_s: NDArray[np.float64]
    next_slot: NDArray[np.uint8]
    last_slot: NDArray[np.uint8]
    in_indptr: NDArray[np.int64]
    in_edge: NDArray[np.int32]

    @property
    def n_variants(self) -> int:
        return int(self.next_slot.shape[0]) // 2


def edge_times(network: RoadNetwork, travel: Travel) -> NDArray[np.float64]:
    """Return mean travel times by period, shape (2, n_edges), seconds: free flow, delays and the peak."""
    delay = np.array([_JUNCTION_DELAY_S[RoadClass(c)] for c in range(len(RoadClass))])
    main = network.edge_class <= RoadClass.SECONDARY
    slow = np.where(main, travel.peak_slowdown, 1.0 + (travel.peak_slowdown - 1.0) / 3.0)
    off_peak = network.free_flow_s + delay[network.edge_class]
    return np.stack([off_peak, network.free_flow_s * slow + delay[network.edge_class]])


def perceived_times(
    network: RoadNetwork, travel: Travel, seed: int, edge_time_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return perceived edge times, shape (n_fields, n_edges): field = period x n_variants + variant.

    Variant 0 is what a navigation aid says: the actual mean times.
    """
    # Some know the town well, some hardly at all: the variants' errors spread around the given size.
    step = np.linspace(-1.0, 1.0, travel.route_variants) if travel.route_variants > 1 else np.zeros(1)
    sigma = travel.perception_sigma * _SIGMA_SPREAD**step
    fields = []
    for period in (OFF_PEAK, PEAK):
        fields.append(edge_time_s[period])  # variant 0: the navigation aid
        for variant in range(travel.route_variants):
            # The same variant errs the same way in both periods: it is one driver's idea of the town.
            rng = generator(seed, Stream.PERCEPTION, variant)
            taste = np.exp(sigma[variant] * _TASTE_SHARE * rng.standard_normal(len(RoadClass)))
            error = np.exp(sigma[variant] * rng.standard_normal(network.n_edges))
            fields.append(edge_time_s[period] * error * taste[network.edge_class])
    return np.stack(fields)


def build_trees(
    network: RoadNetwork,
    *,
    arrive_node: NDArray[np.int32],
    depart_node: NDArray[np.int32],
    travel: Travel,
    seed: int,
) -> RouteTrees:
    """Build the trees in and out of every (arrive_node, depart_node) pair, shape (n_trees,) each."""
    n_nodes, n_trees = network.n_nodes, len(arrive_node)
    times = edge_times(network, travel)
    perceived = perceived_times(network, travel, seed, times)
    order = np.argsort(network.edge_head, kind="stable").astype(np.int32)
    in_indptr = np.searchsorted(network.edge_head[order], np.arange(n_nodes + 1)).astype(np.int64)
    if max(np.diff(in_indptr).max(), np.diff(network.out_indptr).max()) >= 255:
        raise MapError("A junction has 255 streets or more; clean the map.")
    next_slot = np.empty((len(perceived), n_trees, n_nodes), dtype=np.uint8)
    last_slot = np.empty_like(next_slot)

    for field, perceived_s in enumerate(perceived):
        forward = csr_array((perceived_s, network.edge_head, network.out_indptr), shape=(n_nodes, n_nodes))
        backward = csr_array(
            (perceived_s[order], network.edge_tail[order], in_indptr), shape=(n_nodes, n_nodes)
        )
        for a in range(0, n_trees, _BATCH):  # bounds the float64 distances that scipy returns
            b = min(a + _BATCH, n_trees)
            _, before = dijkstra(forward, indices=depart_node[a:b], return_predecessors=True)
            _slots(before, in_indptr, network.edge_tail[order], last_slot[field, a:b])
            _, after = dijkstra(backward, indices=arrive_node[a:b], return_predecessors=True)
            _slots(after, network.out_indptr, network.edge_head, next_slot[field, a:b])
    return RouteTrees(
        edge_time_s=times, next_slot=next_slot, last_slot=last_slot, in_indptr=in_indptr, in_edge=order
    )


@njit(cache=True)
def _slots(neighbour, indptr, other_end, out):  # type: ignore[no-untyped-def]
    """Turn a tree's neighbour nodes into slot numbers among each node's edges; 255 at the root."""
    for t in range(neighbour.shape[0]):
        for n in range(neighbour.shape[1]):
            out[t, n] = 255
            for e in range(indptr[n], indptr[n + 1]):
                if other_end[e] == neighbour[t, n]:
                    out[t, n] = e - indptr[n]
                    break
