"""Towns small enough for pencil and paper: a line, a ring, a star. All streets are alike and two-way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import networkx as nx
import numpy as np
import polars as pl

from simulator.cameras.roster import Cameras, ReaderKind
from simulator.recapture import Recaptured, recapture
from simulator.roads.city import City, LandUse
from simulator.roads.network import RoadNetwork
from simulator.scenario_file import scenario_from_dict
from simulator.world import World, build_world

Street = tuple[int, int]
Verified = Callable[..., None]
SPEED_MPS = 10.0
#: Mean delay of a driver at the junction that ends a residential street, docs/model.md.
JUNCTION_S = 3.0
DAY_S = 86_400


def town(
    name: str,
    nodes: Sequence[tuple[float, float]],
    streets: Sequence[Street],
    *,
    homes: Mapping[Street, float],
    jobs: Sequence[Street],
    gateway: int,
) -> City:
    """Return a city; homes by weight, work and all else evenly along ``jobs``, both on both sides."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for n, (x, y) in enumerate(nodes):
        graph.add_node(n, x_m=x, y_m=y)
    for a, b in streets:
        length = float(np.hypot(nodes[a][0] - nodes[b][0], nodes[a][1] - nodes[b][1]))
        for u, v in ((a, b), (b, a)):
            graph.add_edge(u, v, length_m=length, speed_mps=SPEED_MPS, road_class="residential")
    network = RoadNetwork.from_networkx(graph)
    residential, employment = (np.zeros(network.n_edges, np.float32) for _ in range(2))
    for (a, b), weight in homes.items():
        residential[[edge_of(network, a, b), edge_of(network, b, a)]] = weight
    for a, b in jobs:
        employment[[edge_of(network, a, b), edge_of(network, b, a)]] = 1.0
    return City(
        name=name,
        network=network,
        land_use=LandUse(residential=residential, employment=employment, amenity=employment),
        gateway_node=np.array([gateway], dtype=np.int32),
    )


def edge_of(network: RoadNetwork, a: int, b: int) -> int:
    """Return the directed edge from one node to another."""
    return int(np.flatnonzero((network.edge_tail == a) & (network.edge_head == b))[0])


def readers_on(
    network: RoadNetwork, streets: Sequence[Street], *, read_rate: float, along: float = 0.5
) -> Cameras:
    """Return readers of both directions at a share of streets' lengths: no downtime, as good by night."""
    n = len(streets)
    edge = np.array([edge_of(network, a, b) for a, b in streets], dtype=np.int32)
    offset = network.edge_length_m[edge] * along
    x, y = network.point_along(edge, offset)
    zero = np.zeros(n)
    return Cameras(
        kind=np.full(n, ReaderKind.FIXED, np.uint8),
        owner=np.zeros(n, np.int32),
        group=np.zeros(n, np.int32),
        edge=edge,
        offset_m=offset,
        both_directions=np.ones(n, np.bool_),
        place=np.full(n, -1, np.int32),
        x_m=x,
        y_m=y,
        read_rate=np.full(n, read_rate),
        parked_read_rate=zero,
        night_penalty=zero,
        misread_rate=zero,
        downtime_share=zero,
        gps_error_m=zero,
        key=np.arange(1, n + 1, dtype=np.uint32),
        owners=("city",),
    )


def world_of(
    city: City,
    streets: Sequence[Street],
    *,
    read_rate: float,
    drivers: int,
    days: int,
    seed: int,
    along: float = 0.5,
) -> World:
    """Return the engine's world of a hand-made town: residents only, everybody on the fastest route."""
    scenario = scenario_from_dict(
        {
            "id": city.name,
            "title": city.name,
            "days": days,
            "people": {
                "drivers": drivers,
                "in_commuter_share": 0.0,
                "visitor_share": 0.0,
                "out_commuter_share": 0.0,
                "workplaces": 20,
                "shops": 10,
                "leisure_places": 10,
                "schools": 2,
                "worship_places": 2,
                "clinics": 2,
                "external_places": 4,
            },
            "travel": {"route_variants": 1, "perception_sigma": 0.0, "peak_slowdown": 1.0},
        }
    )
    cameras = readers_on(city.network, streets, read_rate=read_rate, along=along)
    return build_world(scenario, seed, city=city, cameras_of=lambda _: cameras)


class Drive:
    """All that happened in a world, its reads sorted into the trips on which they were made.

    Attributes
    ----------
    trips
        Trips over before the last midnight, with a column for the coordinates of both ends.
    hits
        Which reader read which trip, shape (n_trips, n_readers).
    read_s
        When, NaN where it did not; same shape.
    """

    def __init__(self, world: World) -> None:
        self.taken: Recaptured = recapture(world)
        places, end_s = world.places, world.scenario.days * DAY_S
        trips = self.taken.trips
        a, b = trips["from_place"].to_numpy(), trips["to_place"].to_numpy()
        trips = trips.with_columns(
            from_x=places.x_m[a], to_x=places.x_m[b], to_kind=places.kind[b], from_kind=places.kind[a]
        )
        self.trips = trips.filter(pl.col("arrive_s") < end_s - 1).sort("driver_id", "depart_s")
        self.world = world
        reads = self.taken.sightings
        key = self.trips["driver_id"].to_numpy().astype(np.int64) << 32 | self.trips["depart_s"].to_numpy()
        self.trip_of_read = (
            np.searchsorted(key, reads.plate.astype(np.int64) << 32 | reads.time_s, "right") - 1
        )
        on = np.maximum(self.trip_of_read, 0)
        whole = (self.trips["driver_id"].to_numpy()[on] == reads.plate) & (
            reads.time_s <= self.trips["arrive_s"].to_numpy()[on] + 1
        )
        cut_off = trips.filter(pl.col("arrive_s") >= end_s - 1)
        #: Reads that no trip explains; those of trips cut off by the end are left out.
        late = np.isin(reads.plate, cut_off["driver_id"].to_numpy()) & ~whole
        last = dict(cut_off.select("driver_id", "depart_s").rows())
        late &= reads.time_s >= np.array([last.get(int(p), end_s) for p in reads.plate])
        self.unexplained = int((~whole & ~late).sum())
        shape = (self.trips.height, world.cameras.n_cameras)
        cell = (self.trip_of_read[whole], reads.camera_id[whole])
        self.doubled = int(whole.sum() - len(np.unique(cell[0] * shape[1] + cell[1])))
        self.hits = np.zeros(shape, dtype=np.bool_)
        self.hits[cell] = True
        self.read_s = np.full(shape, np.nan)
        self.read_s[cell] = reads.time_s[whole]
