"""The road network: a directed, strongly connected graph in flat arrays.

Edges are sorted by tail node, so the out-edges of node ``n`` are ``out_indptr[n]:out_indptr[n + 1]``.
A one-way street has no reverse edge. Coordinates are metres in a local plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import networkx as nx
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from simulator.errors import MapError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int32]


class RoadClass(IntEnum):
    """Functional class of a street, in the order of OpenStreetMap's ``highway`` values."""

    MOTORWAY = 0
    TRUNK = 1
    PRIMARY = 2
    SECONDARY = 3
    TERTIARY = 4
    RESIDENTIAL = 5
    LINK = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadNetwork:
    """A directed road graph.

    Parameters
    ----------
    node_x_m, node_y_m
        Node coordinates, shape (n_nodes,), metres.
    edge_tail, edge_head
        Node of each directed edge's start and end, shape (n_edges,), sorted by tail, no parallel edges.
    edge_length_m
        Length along the street, shape (n_edges,), metres.
    edge_speed_mps
        Free-flow speed, shape (n_edges,), metres a second.
    edge_class
        :class:`RoadClass` codes, shape (n_edges,).
    edge_street
        Street id, shape (n_edges,): both directions of a street, and all its blocks of one name, share one.
    geometry_indptr, geometry_x_m, geometry_y_m
        Polyline of each edge, ends included: points ``geometry_indptr[e]:geometry_indptr[e + 1]``.
    """

    node_x_m: FloatArray
    node_y_m: FloatArray
    edge_tail: IntArray
    edge_head: IntArray
    edge_length_m: FloatArray
    edge_speed_mps: FloatArray
    edge_class: NDArray[np.uint8]
    edge_street: IntArray
    geometry_indptr: NDArray[np.int64]
    geometry_x_m: FloatArray
    geometry_y_m: FloatArray

    @property
    def n_nodes(self) -> int:
        return len(self.node_x_m)

    @property
    def n_edges(self) -> int:
        return len(self.edge_tail)

    @cached_property
    def out_indptr(self) -> NDArray[np.int64]:
        """Start of each node's out-edges, shape (n_nodes + 1,)."""
        return np.searchsorted(self.edge_tail, np.arange(self.n_nodes + 1)).astype(np.int64)

    @cached_property
    def reverse_edge(self) -> IntArray:
        """The edge of the opposite direction, or -1 on a one-way street, shape (n_edges,)."""
        key = self.edge_tail.astype(np.int64) * self.n_nodes + self.edge_head
        wanted = self.edge_head.astype(np.int64) * self.n_nodes + self.edge_tail
        order = np.argsort(key, kind="stable")
        at = np.minimum(np.searchsorted(key[order], wanted), self.n_edges - 1)
        found = order[at]
        return np.where(key[found] == wanted, found, -1).astype(np.int32)

    @cached_property
    def free_flow_s(self) -> FloatArray:
        """Free-flow travel time of each edge, seconds."""
        return np.asarray(self.edge_length_m / self.edge_speed_mps)

    @cached_property
    def _vertex_distance_m(self) -> FloatArray:
        """Distance of each geometry point from the start of its edge, along the drawn line."""
        step = np.hypot(np.diff(self.geometry_x_m), np.diff(self.geometry_y_m))
        run = np.concatenate([[0.0], np.cumsum(step)])
        start = self.geometry_indptr[:-1]
        return np.asarray(run - np.repeat(run[start], np.diff(self.geometry_indptr)))

    @cached_property
    def _search_line(self) -> tuple[FloatArray, FloatArray]:
        """One increasing coordinate over all edges: where each edge starts, and where each point lies."""
        along = self._vertex_distance_m
        base = np.concatenate([[0.0], np.cumsum(along[self.geometry_indptr[1:] - 1] + 1.0)])
        return base, np.repeat(base[:-1], np.diff(self.geometry_indptr)) + along

    def point_along(
        self, edge: NDArray[np.integer], offset_m: NDArray[np.floating]
    ) -> tuple[FloatArray, FloatArray]:
        """Return x and y in metres at offsets along edges (clipped to the edge).

        Parameters
        ----------
        edge
            Edge ids, shape (n,).
        offset_m
            Distance from the edge's tail along the street, shape (n,), metres.
        """
        edge = np.asarray(edge, dtype=np.int64)
        along = self._vertex_distance_m
        first, last = self.geometry_indptr[edge], self.geometry_indptr[edge + 1] - 1
        drawn = along[last]
        target = np.clip(np.asarray(offset_m) / self.edge_length_m[edge], 0.0, 1.0) * drawn
        base, place = self._search_line
        at = np.searchsorted(place, base[edge] + target, side="right") - 1
        at = np.clip(at, first, np.maximum(last - 1, first))
        nxt = np.minimum(at + 1, last)
        span = along[nxt] - along[at]
        part = np.where(span > 0, (target - along[at]) / np.where(span > 0, span, 1.0), 0.0)
        x = self.geometry_x_m[at] + part * (self.geometry_x_m[nxt] - self.geometry_x_m[at])
        y = self.geometry_y_m[at] + part * (self.geometry_y_m[nxt] - self.geometry_y_m[at])
        return x, y

    @cached_property
    def _sampled(self) -> tuple[cKDTree, IntArray, FloatArray]:
        """Points every 20 m or so along every edge, for nearest-edge queries."""
        n = np.maximum(np.ceil(self.edge_length_m / 20.0).astype(np.int64), 1)
        edge = np.repeat(np.arange(self.n_edges, dtype=np.int32), n)
        within = np.arange(len(edge)) - np.repeat(np.cumsum(n) - n, n)
        offset = (within + 0.5) * np.repeat(self.edge_length_m / n, n)
        x, y = self.point_along(edge, offset)
        return cKDTree(np.column_stack([x, y])), edge, offset

    def nearest_edge(
        self, x_m: NDArray[np.floating], y_m: NDArray[np.floating]
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Return edge ids, offsets and distances (metres) of the street points nearest to positions.

        Exact to about 10 m along the street; of the two directions of a street either may be returned.
        """
        tree, edge, offset = self._sampled
        distance, at = tree.query(np.column_stack([x_m, y_m]))
        return edge[at], offset[at], np.asarray(distance, dtype=np.float64)

    def edges_near(
        self, points_m: NDArray[np.floating], count: int, reach_m: float
    ) -> tuple[IntArray, FloatArray]:
        """Return edges with a point within reach of positions, nearest first; -1 and infinity where no more.

        Streets are sampled every 20 m or so, and an edge comes once for each of its points in reach.

        Parameters
        ----------
        points_m
            Positions, shape (n, 2), metres.
        count
            Sampled points wanted for each position.
        reach_m
            Farthest distance.

        Returns
        -------
        edge, distance_m
            Shape (n, count).
        """
        tree, edge, _ = self._sampled
        distance, at = tree.query(points_m, k=count, distance_upper_bound=reach_m)
        found = np.isfinite(distance)
        return np.where(found, edge[np.where(found, at, 0)], -1).astype(np.int32), np.asarray(distance)

    def edge_bearing_deg(self, edge: NDArray[np.integer]) -> FloatArray:
        """Return the compass bearing (degrees, clockwise from north) from tail to head of edges."""
        dx = self.node_x_m[self.edge_head[edge]] - self.node_x_m[self.edge_tail[edge]]
        dy = self.node_y_m[self.edge_head[edge]] - self.node_y_m[self.edge_tail[edge]]
        return np.asarray(np.degrees(np.arctan2(dx, dy)) % 360.0)

    @property
    def bounds_m(self) -> tuple[float, float, float, float]:
        """Smallest x, smallest y, largest x, largest y of the nodes, metres."""
        x, y = self.node_x_m, self.node_y_m
        return float(x.min()), float(y.min()), float(x.max()), float(y.max())

    def is_strongly_connected(self) -> bool:
        graph = csr_array(
            (np.ones(self.n_edges), (self.edge_tail, self.edge_head)), shape=(self.n_nodes, self.n_nodes)
        )
        return bool(connected_components(graph, connection="strong")[0] == 1)

    def validate(self) -> None:
        """Check what every part of the program relies on.

        Raises
        ------
        MapError
            Naming the first promise that is broken: order and uniqueness of edges, positive lengths and
            speeds, polylines that run from tail to head, strong connection.
        """
        n = self.n_nodes
        key = self.edge_tail.astype(np.int64) * n + self.edge_head
        first, last = self.geometry_indptr[:-1], self.geometry_indptr[1:] - 1
        if self.n_edges == 0:
            raise MapError("The network has no edges: there is nothing to drive on.")
        ends = np.concatenate([self.edge_tail, self.edge_head])
        if ends.min() < 0 or ends.max() >= n:
            raise MapError(f"Edges name nodes outside 0..{n - 1}.")
        if (self.edge_tail == self.edge_head).any():
            raise MapError(f"Edge {int(np.argmax(self.edge_tail == self.edge_head))} is a loop.")
        if (np.diff(self.edge_tail) < 0).any() or len(np.unique(key)) < len(key):
            raise MapError("Edges must be sorted by tail, with at most one from one node to another.")
        for name in ("edge_length_m", "edge_speed_mps"):
            values = getattr(self, name)
            if not (np.isfinite(values) & (values > 0)).all():
                raise MapError(f"{name} must be positive everywhere.")
        if len(self.geometry_indptr) != self.n_edges + 1 or (last - first < 1).any():
            raise MapError("Every edge needs a polyline of at least two points.")
        gap = np.hypot(
            self.geometry_x_m[np.concatenate([first, last])] - self.node_x_m[ends],
            self.geometry_y_m[np.concatenate([first, last])] - self.node_y_m[ends],
        )
        if gap.max() > 0.01:
            raise MapError(
                f"The polyline of edge {int(gap.argmax()) % self.n_edges} does not end at its nodes."
            )
        if not self.is_strongly_connected():
            raise MapError("Some junctions cannot be reached from others; keep the largest connected part.")

    def to_networkx(self) -> nx.DiGraph[int]:
        """Return a :class:`networkx.DiGraph` with all attributes; :meth:`from_networkx` reverses it."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        for n, (x, y) in enumerate(zip(self.node_x_m, self.node_y_m, strict=True)):
            graph.add_node(n, x_m=float(x), y_m=float(y))
        for e in range(self.n_edges):
            a, b = self.geometry_indptr[e], self.geometry_indptr[e + 1]
            graph.add_edge(
                int(self.edge_tail[e]),
                int(self.edge_head[e]),
                length_m=float(self.edge_length_m[e]),
                speed_mps=float(self.edge_speed_mps[e]),
                road_class=RoadClass(int(self.edge_class[e])).name.lower(),
                street=int(self.edge_street[e]),
                geometry=list(
                    zip(self.geometry_x_m[a:b].tolist(), self.geometry_y_m[a:b].tolist(), strict=True)
                ),
            )
        return graph

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph[int]) -> RoadNetwork:
        """Build a network from a graph with the attributes that :meth:`to_networkx` writes.

        Nodes need ``x_m`` and ``y_m``; edges need ``length_m``, ``speed_mps`` and ``road_class``;
        ``geometry`` defaults to a straight line, ``street`` to one id a two-way pair.

        Raises
        ------
        MapError
            If an attribute is missing or the graph has no edge.
        """
        if graph.number_of_edges() == 0:
            raise MapError("The graph has no edges: there is nothing to drive on.")
        index = {node: i for i, node in enumerate(graph.nodes)}
        try:
            xy = np.array([(d["x_m"], d["y_m"]) for _, d in graph.nodes(data=True)], dtype=np.float64)
        except KeyError as missing:
            raise MapError(f"A node of the graph lacks {missing}; give every node x_m and y_m.") from None
        edges = sorted(
            ((index[u], index[v], d) for u, v, d in graph.edges(data=True) if u != v), key=lambda e: e[:2]
        )
        if not edges:
            raise MapError("All edges of the graph are loops: there is nothing to drive on.")
        lines: list[FloatArray] = []
        pairs: dict[tuple[int, int], int] = {}
        street: list[int] = []
        for u, v, d in edges:
            pair = pairs.setdefault((min(u, v), max(u, v)), len(pairs))
            street.append(d.get("street", pair))
            lines.append(np.asarray(d.get("geometry") or [xy[u], xy[v]], dtype=np.float64))
        try:
            return cls(
                node_x_m=xy[:, 0].copy(),
                node_y_m=xy[:, 1].copy(),
                edge_tail=np.array([u for u, _, _ in edges], dtype=np.int32),
                edge_head=np.array([v for _, v, _ in edges], dtype=np.int32),
                edge_length_m=np.array([d["length_m"] for _, _, d in edges], dtype=np.float64),
                edge_speed_mps=np.array([d["speed_mps"] for _, _, d in edges], dtype=np.float64),
                edge_class=np.array(
                    [RoadClass[d["road_class"].upper()] for _, _, d in edges], dtype=np.uint8
                ),
                edge_street=np.array(street, dtype=np.int32),
                geometry_indptr=np.concatenate([[0], np.cumsum([len(line) for line in lines])]),
                geometry_x_m=np.concatenate([line[:, 0] for line in lines]),
                geometry_y_m=np.concatenate([line[:, 1] for line in lines]),
            )
        except KeyError as missing:
            raise MapError(
                f"An edge of the graph lacks {missing}, or has an unknown road class; every edge needs "
                "length_m, speed_mps and road_class."
            ) from None
