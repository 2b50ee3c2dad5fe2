"""The world of one replicate: streets, people, routes and readers, ready to be driven through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.cameras.fixed_index import edge_cameras
from simulator.cameras.placement import place_readers
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.people.car_free import with_car_free
from simulator.people.drivers import Drivers, build_drivers
from simulator.people.places import PlaceKind, Places, build_places
from simulator.people.stations import Stations, build_stations
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.scenario import Scenario
from simulator.scenario_parts import FaceReaders
from simulator.sightings.capture import downtime
from simulator.sightings.faces import Galleries
from simulator.traffic.read import read_traffic
from simulator.traffic.recorded import Recorded
from simulator.travel.foot import (
    FootNetwork,
    WalkEnds,
    WatchedWays,
    build_foot_network,
    walk_ends,
    watch_ways,
)
from simulator.travel.legs import WatchedEdges, choose_fields
from simulator.travel.memory import Destinations, build_destinations
from simulator.travel.plan import plan_days
from simulator.travel.trees import RouteTrees, build_trees
from simulator.travel.volume import edge_volume
from simulator.travel.walks import nearest_station

Progress = Callable[[str, float], None]
Spot = tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
_SAMPLED_DRIVERS = 1_500
_SAMPLED_DAYS = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class OnFoot:
    """What people on foot need, where there are readers of faces.

    Parameters
    ----------
    destinations
        Gravity tables at walking scale.
    station_of_person
        The station that each person takes trains from, shape (n_people,).
    """

    network: FootNetwork
    ends: WalkEnds
    watched: WatchedWays
    stations: Stations
    destinations: Destinations
    station_of_person: NDArray[np.int64]
    galleries: Galleries


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """Everything that is fixed before the first day.

    Parameters
    ----------
    volume
        Vehicles a day along each directed edge, scaled to the vehicles that the drivers stand for.
    watched
        Fixed readers by edge.
    lot_camera
        Lot reader of each place or -1, shape (n_places,).
    working
        Whether each reader works on each day, shape (n_cameras, days).
    on_foot
        What people on foot need; ``None`` where nobody has to walk, since no reader reads faces.
    recorded
        Traffic of another simulator that is driven in place of this one's.
    """

    scenario: Scenario
    seed: int
    city: City
    places: Places
    drivers: Drivers
    destinations: Destinations
    trees: RouteTrees
    volume: NDArray[np.float64]
    cameras: Cameras
    watched: WatchedEdges
    lot_camera: NDArray[np.int32]
    working: NDArray[np.bool_]
    on_foot: OnFoot | None = None
    recorded: Recorded | None = None

    @property
    def has_mobile_readers(self) -> bool:
        return bool(np.isin(self.cameras.kind, (ReaderKind.PATROL, ReaderKind.SPOTTER)).any())

    @property
    def expansion(self) -> float:
        """How many vehicles of the real city one simulated driver stands for."""
        represented = self.scenario.people.vehicles_represented
        return (represented or self.drivers.n_drivers) / self.drivers.n_drivers


def build_world(
    scenario: Scenario,
    seed: int,
    progress: Progress = lambda stage, done: None,
    *,
    city: City | None = None,
    cameras_of: Callable[[Places], Cameras] | None = None,
) -> World:
    """Build the world of one replicate.

    Parameters
    ----------
    scenario, seed
        What to build, and the seed of the replicate.
    progress
        Called with the name of the stage and the part of it that is done.
    city
        Streets to use in place of the scenario's own.
    cameras_of
        Gives the readers for the places of the world, in place of the scenario's own.

    Raises
    ------
    MapError, ReaderError, TrafficError
        If the map, the readers or the traffic of the scenario cannot be used.
    """
    progress("streets", 0.0)
    if scenario.traffic is not None:
        return _recorded_world(scenario, seed, progress, cameras_of)
    city = build_city(scenario.streets, seed) if city is None else city
    progress("people", 0.0)
    places = build_places(scenario.people, city, seed)
    travel = scenario.travel
    drivers = build_drivers(
        scenario.people,
        places,
        habit_share=travel.habit_share,
        single_route_share=travel.single_route_share,
        seed=seed,
    )
    destinations = build_destinations(
        scenario.people, places, rho=travel.exploration_rho, gamma=travel.exploration_gamma
    )
    progress("routes", 0.0)
    trees = build_trees(
        city.network,
        arrive_node=places.tree_arrive_node,
        depart_node=places.tree_depart_node,
        travel=travel,
        seed=seed,
    )
    progress("readers", 0.0)
    volume = _volume(scenario, city, places, drivers, destinations, trees, seed)
    drivers = with_car_free(drivers, scenario.people, scenario.walking, places, seed)
    walked = scenario.walking.car_free > 0 or any(isinstance(g, FaceReaders) for g in scenario.readers)
    stations = build_stations(scenario.walking, city, seed) if walked else None
    cameras = (
        place_readers(
            scenario.readers,
            city=city,
            edge_volume=volume,
            lot_places=_doors(places, lots_only=True),
            seed=seed,
            doors=_doors(places),
            stations=stations,
            population=scenario.population,
        )
        if cameras_of is None
        else cameras_of(places)
    )
    indptr, camera, offset_m = edge_cameras(cameras, city.network)
    lot_camera = np.full(places.n_places, -1, dtype=np.int32)
    lots = np.flatnonzero((cameras.kind == ReaderKind.LOT) & (cameras.place >= 0))
    lot_camera[cameras.place[lots]] = lots
    return World(
        scenario=scenario,
        seed=seed,
        city=city,
        places=places,
        drivers=drivers,
        destinations=destinations,
        trees=trees,
        volume=volume,
        cameras=cameras,
        watched=WatchedEdges(indptr=indptr, camera=camera, offset_m=offset_m),
        lot_camera=lot_camera,
        working=downtime(cameras, scenario.days, seed),
        on_foot=None if stations is None else _on_foot(scenario, city, places, drivers, stations, cameras),
    )


def _recorded_world(
    scenario: Scenario, seed: int, progress: Progress, cameras_of: Callable[[Places], Cameras] | None
) -> World:
    """Build the world of traffic from elsewhere: no routes are chosen; readers stand by its volume."""
    scenario, recorded = read_traffic(scenario, seed)
    city, places, drivers = recorded.city, recorded.places, recorded.drivers
    progress("readers", 0.0)
    represented = scenario.people.vehicles_represented or drivers.n_drivers
    volume = recorded.volume(scenario.days) * represented / drivers.n_drivers
    cameras = (
        place_readers(scenario.readers, city=city, edge_volume=volume, lot_places={}, seed=seed)
        if cameras_of is None
        else cameras_of(places)
    )
    indptr, camera, offset_m = edge_cameras(cameras, city.network)
    no_node = np.empty(0, dtype=np.int32)
    return World(
        scenario=scenario,
        seed=seed,
        city=city,
        places=places,
        drivers=drivers,
        destinations=build_destinations(
            scenario.people,
            places,
            rho=scenario.travel.exploration_rho,
            gamma=scenario.travel.exploration_gamma,
        ),
        trees=build_trees(
            city.network, arrive_node=no_node, depart_node=no_node, travel=scenario.travel, seed=seed
        ),
        volume=volume,
        cameras=cameras,
        watched=WatchedEdges(indptr=indptr, camera=camera, offset_m=offset_m),
        lot_camera=np.full(places.n_places, -1, dtype=np.int32),
        working=downtime(cameras, scenario.days, seed),
        recorded=recorded,
    )


def _on_foot(
    scenario: Scenario, city: City, places: Places, drivers: Drivers, stations: Stations, cameras: Cameras
) -> OnFoot:
    network = build_foot_network(city.network)
    ends = walk_ends(network, places, stations)
    face = np.flatnonzero(cameras.kind == ReaderKind.FACE)
    # Readers at stations say so by a negative place; see Cameras.place.
    place = cameras.place[face]
    station = -2 - place
    end = np.where(place <= -2, np.where(station < stations.n_stations, places.n_places + station, -1), place)
    walking = scenario.walking
    near = scenario.people.model_copy(update={"errand_scale_km": walking.scale_km})
    gallery = np.array([getattr(g, "gallery", None) or scenario.population for g in scenario.readers] or [1])
    each = gallery[cameras.group]
    return OnFoot(
        network=network,
        ends=ends,
        watched=watch_ways(
            network, ends, camera=face, edge=cameras.edge[face], offset_m=cameras.offset_m[face], end=end
        ),
        stations=stations,
        destinations=build_destinations(
            near, places, rho=scenario.travel.exploration_rho, gamma=scenario.travel.exploration_gamma
        ),
        station_of_person=nearest_station(drivers, places, stations),
        galleries=Galleries(
            enrolled_share=np.minimum(each / scenario.population, 1.0),
            simulated_share=scenario.n_people / np.maximum(each, scenario.population),
        ),
    )


def _volume(
    scenario: Scenario,
    city: City,
    places: Places,
    drivers: Drivers,
    destinations: Destinations,
    trees: RouteTrees,
    seed: int,
) -> NDArray[np.float64]:
    """Estimate volumes from one week of a sample of drivers (they are in random order)."""
    sample = min(drivers.n_drivers, _SAMPLED_DRIVERS)
    # Without events: readers stand where they would stand anyway.
    week = scenario.model_copy(update={"days": _SAMPLED_DAYS, "events": ()})
    plans = plan_days(week, drivers, places, destinations, seed, 0, sample)
    field = choose_fields(scenario, plans, drivers.habit_share, seed)
    counts = edge_volume(plans, field, network=city.network, places=places, trees=trees)
    represented = scenario.people.vehicles_represented or drivers.n_drivers
    return counts / _SAMPLED_DAYS * represented / sample


def _doors(places: Places, *, lots_only: bool = False) -> dict[str, Spot]:
    """Return ids, coordinates and weights of the places of each kind, or of those with a car park."""
    found = {}
    for kind in (k for k in PlaceKind if k not in (PlaceKind.HOME, PlaceKind.EXTERNAL)):
        ids = places.of_kind(kind)
        if lots_only:
            ids = ids[places.in_lot[ids]]
        found[kind.name.lower()] = (
            ids.astype(np.int32),
            places.x_m[ids],
            places.y_m[ids],
            places.weight[ids],
        )
    return found
