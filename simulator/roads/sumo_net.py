"""SUMO's road networks (``.net.xml``), read with SUMO's own sumolib into a city.

Each edge that passenger cars may use becomes a directed edge along the line that the network was made from;
junctions have no extent here. Coordinates are the network's own metres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from simulator.errors import MapError
from simulator.roads.assemble import StreetPlan
from simulator.roads.city import City, LandUse
from simulator.roads.import_map import city_of_plan, map_name
from simulator.roads.network import RoadClass
from simulator.roads.osm_read import road_class_of

# Least speeds of classes where an edge's type names none, metres a second; a second lane lifts by one class.
_LEAST_SPEED_MPS = (
    (30.0, RoadClass.MOTORWAY),
    (22.0, RoadClass.TRUNK),
    (16.0, RoadClass.PRIMARY),
    (14.0, RoadClass.SECONDARY),
    (11.2, RoadClass.TERTIARY),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class SumoStreets:
    """A city, and how SUMO's edges lie in it.

    Parameters
    ----------
    city
        The city.
    edge_of
        Directed edge of the city for each edge of the network by its id; -1 for edges that cars may not use
        or that do not connect with the others in both ways.
    length_m
        Length of each edge of the network by its id, as positions along it are measured, metres.
    """

    city: City
    edge_of: Mapping[str, int]
    length_m: Mapping[str, float]


def need_sumolib(path: Path) -> Any:
    """Return the package sumolib.

    Raises
    ------
    MapError
        If it is not installed.
    """
    try:
        import sumolib
    except ImportError:
        raise MapError(
            f"Reading {path} needs sumolib: pip install sumolib (platetrail[sumo] brings all of SUMO)."
        ) from None
    return sumolib


def read_sumo_net(path: Path) -> SumoStreets:
    """Read a ``.net.xml`` or ``.net.xml.gz`` file.

    Raises
    ------
    MapError
        If the file is missing, torn, or no network of SUMO's; if no two junctions of it can be reached from
        each other by car; or if sumolib is not installed.
    """
    sumolib = need_sumolib(path)
    if not path.is_file():
        raise MapError(f"There is no network file {path}.")
    try:
        net = sumolib.net.readNet(str(path), withConnections=False, withFoes=False, lxml=False)
        edges = net.getEdges(withInternal=False)
        usable = [e for e in edges if e.allows("passenger") and e.getFromNode() and e.getToNode()]
    except Exception as error:  # a torn or foreign file fails in many ways, deep in sumolib and its parser
        raise MapError(
            f"{path} is torn or no network of SUMO's ({str(error) or type(error).__name__}). "
            "Make it again with netconvert or netgenerate."
        ) from None
    if not usable:
        raise MapError(
            f"{path} is no network of SUMO's, or has no edge that passenger cars may use. Give the .net.xml "
            "that the routes were made on."
        )
    nodes = {node.getID(): i for i, node in enumerate(net.getNodes())}
    xy = np.array([node.getCoord()[:2] for node in net.getNodes()], dtype=np.float64)
    tail = np.array([nodes[e.getFromNode().getID()] for e in usable])
    head = np.array([nodes[e.getToNode().getID()] for e in usable])
    bends = [[point[:2] for point in e.getRawShape()[1:-1]] for e in usable]
    # Both directions of a street, and all its blocks of one name, share an id.
    names = [
        e.getName() or "\x1f".join(sorted((e.getFromNode().getID(), e.getToNode().getID()))) for e in usable
    ]
    flat = np.array([point for line in bends for point in line], dtype=np.float64).reshape(-1, 2)
    plan = StreetPlan(
        x_m=xy[:, 0],
        y_m=xy[:, 1],
        a=tail,
        b=head,
        road_class=np.array([road_class(e.getType(), e.getSpeed(), e.getLaneNumber()) for e in usable]),
        street=np.unique(names, return_inverse=True)[1],
        direction=np.ones(len(usable), dtype=np.int64),
        speed_mps=np.array([max(e.getSpeed(), 1.0) for e in usable], dtype=np.float64),
        bend_indptr=np.concatenate([[0], np.cumsum([len(line) for line in bends])]).astype(np.int64),
        bend_x_m=flat[:, 0],
        bend_y_m=flat[:, 1],
    )
    city, plan_node = city_of_plan(path, map_name(path), "", plan, [], lambda x, y: (x, y))
    city = replace(city, land_use=_guessed(city))
    return SumoStreets(
        city=city,
        edge_of={e.getID(): -1 for e in edges}
        | _edges_in(city, plan, plan_node, [e.getID() for e in usable]),
        length_m={e.getID(): float(e.getLength()) for e in edges},
    )


def _guessed(city: City) -> LandUse:
    """Return land use by road class, half of work places and shops moved to any street that has houses.

    A network says nothing of land use, and road class little: where that guess is wrong, work is to be as
    likely along any street.
    """
    use, length_m = city.land_use, city.network.edge_length_m
    anywhere = np.where(use.residential > 0, length_m, 0.0)
    if not anywhere.any():
        return use

    def half(weight: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
        share = weight / max(float(weight.sum()), 1e-9)
        mixed = (share + anywhere / anywhere.sum()) / 2 * length_m.sum()
        return np.asarray(mixed, dtype=np.float32)

    return LandUse(residential=use.residential, employment=half(use.employment), amenity=half(use.amenity))


def road_class(kind: str, speed_mps: float, lanes: int) -> RoadClass:
    """Return the class of an edge, by the ``highway`` value in its type, else by speed and lanes."""
    if kind.startswith("highway."):
        return road_class_of(kind.removeprefix("highway.").split("|")[0])
    found = next((c for least, c in _LEAST_SPEED_MPS if speed_mps >= least), RoadClass.RESIDENTIAL)
    lifted = lanes >= 2 and found in (RoadClass.SECONDARY, RoadClass.TERTIARY, RoadClass.RESIDENTIAL)
    return RoadClass(found - 1) if lifted else found


def _edges_in(city: City, plan: StreetPlan, plan_node: np.ndarray, ids: list[str]) -> dict[str, int]:  # type: ignore[type-arg]
    """Return the city's edge between the same two junctions; parallel edges count as one."""
    network = city.network
    node = np.full(len(plan.x_m), -1, dtype=np.int64)
    node[plan_node] = np.arange(network.n_nodes)
    key = network.edge_tail.astype(np.int64) * network.n_nodes + network.edge_head
    a, b = node[plan.a], node[plan.b]
    wanted = np.where((a >= 0) & (b >= 0), a * network.n_nodes + b, -1)
    at = np.minimum(np.searchsorted(key, wanted), network.n_edges - 1)
    return {name: int(e) for name, e in zip(ids, np.where(key[at] == wanted, at, -1), strict=True)}
