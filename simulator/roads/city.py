"""A city: a road network with its land use, gateways and place on the globe."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from simulator.roads.network import IntArray, RoadNetwork


@dataclass(frozen=True, kw_only=True, eq=False)
class LandUse:
    """How much of each use lies along each directed edge; weights are relative, non-negative.

    Parameters
    ----------
    residential
        Share of the edge's frontage with homes times their density, shape (n_edges,).
    employment
        Weight of work places, shape (n_edges,).
    amenity
        Weight of shops, leisure and other destinations, shape (n_edges,).
    """

    residential: NDArray[np.float32]
    employment: NDArray[np.float32]
    amenity: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class City:
    """Streets, land use and the nodes where main roads leave the map.

    Parameters
    ----------
    name
        What the city is called in titles.
    network
        The streets.
    land_use
        Weights for each edge.
    gateway_node
        Nodes where main roads leave the map, shape (n_gateways,); a gateway counts as being on the map's rim.
    crs
        Projected coordinate reference system of the metres ("EPSG:32617"), or "" for a generated city.
    water_x_m, water_y_m
        A river's centre line for drawing, may be empty.
    """

    name: str
    network: RoadNetwork
    land_use: LandUse
    gateway_node: IntArray
    crs: str = ""
    water_x_m: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    water_y_m: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def content_hash(self) -> str:
        """Return a short hash of all arrays, for manifests."""
        digest = hashlib.blake2b(digest_size=12)
        for part in (self.network, self.land_use):
            for member in fields(part):
                digest.update(np.ascontiguousarray(getattr(part, member.name)).tobytes())
        digest.update(self.gateway_node.tobytes())
        return digest.hexdigest()
