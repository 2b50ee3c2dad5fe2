"""The street network on foot, and where walks begin and end.

Walkers use every street both ways, whatever cars must do, and keep off motorways where there is another
way. A *segment* is a street between two junctions: one directed edge stands for both directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from simulator.people.places import Places
from simulator.people.stations import Stations
from simulator.roads.network import RoadClass, RoadNetwork

# A walk along a motorway counts so many times its length when ways are compared.
_MOTORWAY_FACTOR = 50.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FootNetwork:
    """Undirected segments with their junctions.

    Parameters
    ----------
    tail, head
        Junctions of each segment, in the direction of the edge that stands for it, shape (n_segments,).
    length_m, cost_m
        Length, and length as felt, metres.
    of_edge
        Segment of each directed edge, shape (n_edges,).
    along
        Whether an edge runs in its segment's direction, shape (n_edges,).
    edge_length_m
        Length of each directed edge, shape (n_edges,).
    indptr, segment, other
        Segments at junction ``n``, and the junctions at their other ends, are rows
        ``indptr[n]:indptr[n + 1]``.
    """

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    length_m: NDArray[np.float64]
    cost_m: NDArray[np.float64]
    of_edge: NDArray[np.int32]
    along: NDArray[np.bool_]
    edge_length_m: NDArray[np.float64]
    indptr: NDArray[np.int64]
    segment: NDArray[np.int32]
    other: NDArray[np.int32]

    def matrix(self) -> csr_array:
        """Return the symmetric matrix of costs between junctions."""
        n = len(self.indptr) - 1
        junction = np.repeat(np.arange(n), np.diff(self.indptr))
        return csr_array((self.cost_m[self.segment], (junction, self.other)), shape=(n, n))

    def position(
        self, edge: NDArray[np.integer], offset_m: NDArray[np.floating]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """Return segment and distance from its tail of points on directed edges; -1 and 0 for edge -1."""
        at = np.maximum(edge, 0)
        segment = self.of_edge[at]
        # The two directions of a street may be drawn, and so measured, a little differently.
        part = np.asarray(offset_m) / self.edge_length_m[at]
        along_m = np.where(self.along[at], part, 1.0 - part) * self.length_m[segment]
        inside = np.asarray(edge) >= 0
        return np.where(inside, segment, -1).astype(np.int32), np.where(inside, along_m, 0.0)


def build_foot_network(network: RoadNetwork) -> FootNetwork:
    """Fold the two directions of each street into one segment."""
    edge = np.arange(network.n_edges)
    back = network.reverse_edge
    stands = (back < 0) | (edge < back)
    chosen = np.flatnonzero(stands)
    segment_of = np.empty(network.n_edges, dtype=np.int32)
    segment_of[chosen] = np.arange(len(chosen), dtype=np.int32)
    segment_of[~stands] = segment_of[back[~stands]]
    tail, head = network.edge_tail[chosen], network.edge_head[chosen]
    length = network.edge_length_m[chosen]
    motorway = network.edge_class[chosen] == RoadClass.MOTORWAY
    both = np.concatenate([tail, head])
    segment = np.tile(np.arange(len(chosen), dtype=np.int32), 2)
    order = np.lexsort((segment, both))
    counts = np.bincount(both, minlength=network.n_nodes)
    return FootNetwork(
        tail=tail,
        head=head,
        length_m=length,
        cost_m=length * np.where(motorway, _MOTORWAY_FACTOR, 1.0),
        of_edge=segment_of,
        along=stands,
        edge_length_m=network.edge_length_m,
        indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        segment=segment[order],
        other=np.concatenate([head, tail])[order],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class WalkEnds:
    """Where walks begin and end: all places, then all stations.

    Parameters
    ----------
    segment, offset_m
        Segment and distance from its tail; -1 and 0 for places beyond the map, shape
        (n_places + n_stations,).
    n_places
        Stations are the rows after so many.
    """

    segment: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    n_places: int


def walk_ends(foot: FootNetwork, places: Places, stations: Stations) -> WalkEnds:
    """Put places and stations on segments."""
    segment, offset_m = foot.position(
        np.concatenate([places.edge, stations.edge]), np.concatenate([places.offset_m, stations.offset_m])
    )
    return WalkEnds(segment=segment, offset_m=offset_m, n_places=places.n_places)


@dataclass(frozen=True, kw_only=True, eq=False)
class WatchedWays:
    """Readers of faces by segment, and by the door or station that they watch.

    Parameters
    ----------
    segment_indptr, segment_camera, segment_offset_m
        Readers of segment ``s`` are rows ``segment_indptr[s]:segment_indptr[s + 1]``, ascending by distance
        from its tail, metres.
    end_indptr, end_camera
        Readers at the door of a place, or the entrance of a station, by row of :class:`WalkEnds`.
    """

    segment_indptr: NDArray[np.int64]
    segment_camera: NDArray[np.int32]
    segment_offset_m: NDArray[np.float64]
    end_indptr: NDArray[np.int64]
    end_camera: NDArray[np.int32]


def watch_ways(
    foot: FootNetwork,
    ends: WalkEnds,
    *,
    camera: NDArray[np.integer],
    edge: NDArray[np.integer],
    offset_m: NDArray[np.floating],
    end: NDArray[np.integer],
) -> WatchedWays:
    """Index readers of faces.

    Parameters
    ----------
    camera
        Reader ids, shape (n,).
    edge, offset_m
        Where readers at a street stand; edge -1 for others.
    end
        Row of :class:`WalkEnds` that other readers watch; -1 for none.
    """
    camera_id = np.asarray(camera, dtype=np.int32)
    street = np.asarray(edge) >= 0
    segment, along_m = foot.position(np.asarray(edge)[street], np.asarray(offset_m)[street])
    order = np.lexsort((camera_id[street], along_m, segment))
    counts = np.bincount(segment, minlength=len(foot.length_m))
    door = np.flatnonzero(np.asarray(end) >= 0)
    door = door[np.lexsort((camera_id[door], np.asarray(end)[door]))]
    doors = np.bincount(np.asarray(end)[door], minlength=len(ends.segment))
    return WatchedWays(
        segment_indptr=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        segment_camera=camera_id[street][order],
        segment_offset_m=along_m[order],
        end_indptr=np.concatenate([[0], np.cumsum(doors)]).astype(np.int64),
        end_camera=camera_id[door],
    )
