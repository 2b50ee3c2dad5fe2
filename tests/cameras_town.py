"""A small hand-made town for the tests of the camera room: a grid of streets in plain metres."""

from __future__ import annotations

import networkx as nx
import numpy as np

from simulator.roads.city import City, LandUse
from simulator.roads.network import RoadClass, RoadNetwork


def grid_town(side: int = 6, block_m: float = 200.0, gateways: bool = True, crs: str = "") -> City:
    """Return a grid whose middle row is a primary and middle column a secondary road, the rest residential.

    Node ``row * side + column`` lies at (column, row) times the block length. Gateways are both ends of the
    middle row. The top row is one-way, eastward.
    """
    graph: nx.DiGraph[int] = nx.DiGraph()
    middle = side // 2
    for row in range(side):
        for column in range(side):
            graph.add_node(row * side + column, x_m=column * block_m, y_m=row * block_m)

    def street(a: int, b: int, road_class: str, speed_mps: float, one_way: bool = False) -> None:
        for u, v in [(a, b)] if one_way else [(a, b), (b, a)]:
            graph.add_edge(u, v, length_m=block_m, speed_mps=speed_mps, road_class=road_class)

    for row in range(side):
        for column in range(side):
            node = row * side + column
            if column + 1 < side:
                main = row == middle
                street(
                    node,
                    node + 1,
                    "primary" if main else "residential",
                    14.0 if main else 7.0,
                    one_way=row == side - 1,
                )
            if row + 1 < side:
                main = column == middle
                street(node, node + side, "secondary" if main else "residential", 14.0 if main else 7.0)
    network = RoadNetwork.from_networkx(graph)
    residential = (network.edge_class == RoadClass.RESIDENTIAL) * network.edge_length_m
    ends = [middle * side, middle * side + side - 1] if gateways else []
    return City(
        name="grid",
        network=network,
        land_use=LandUse(
            residential=residential.astype(np.float32),
            employment=np.ones(network.n_edges, np.float32),
            amenity=np.ones(network.n_edges, np.float32),
        ),
        gateway_node=np.array(ends, dtype=np.int32),
        crs=crs,
    )


def town_volume(city: City) -> np.ndarray:
    """Return a traffic volume that differs by road class: 5,000 a day on main roads, 200 elsewhere."""
    return np.where(city.network.edge_class < RoadClass.RESIDENTIAL, 5000.0, 200.0)
