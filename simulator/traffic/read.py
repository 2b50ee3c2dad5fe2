"""From the files of a scenario's ``[traffic]`` to recorded traffic, with its places and drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulator.errors import TrafficError
from simulator.people.drivers import DriverKind, Drivers, Parking, Schedule
from simulator.people.places import PlaceKind, Places, build_places
from simulator.roads.sumo_net import read_sumo_net
from simulator.scenario import WEEKDAYS, Scenario
from simulator.traffic.homes import Spots, behind, dwell, read_homes
from simulator.traffic.recorded import Recorded
from simulator.traffic.routes import Routes, read_routes

if TYPE_CHECKING:
    from simulator.roads.city import City

# A trip that starts or ends so near to the driver's home, or work place, on its street does so there.
_AT_PLACE_M = 150.0


def read_traffic(scenario: Scenario, seed: int) -> tuple[Scenario, Recorded]:
    """Read the traffic of a scenario; return the scenario with its drivers and days, and the traffic.

    Parameters
    ----------
    scenario
        With ``traffic``, and a network of SUMO's as its map.
    seed
        Root seed: places that the traffic does not tell of (doors that nobody here lives at) are drawn.

    Raises
    ------
    MapError, TrafficError
        If a file cannot be used, or readers are asked for that this traffic cannot be read by.
    """
    files, net = scenario.traffic, scenario.streets.map
    assert files is not None and net is not None  # the scenario was checked
    streets = read_sumo_net(net)
    routes = read_routes(files.routes, streets, files.vehicle_id)
    start_weekday = WEEKDAYS.index(scenario.start_weekday)
    if files.homes is not None:
        home, work = read_homes(files.homes, routes, streets)
        truth = f"homes and work places: the list {files.homes.name}"
    else:
        home, work = dwell(routes, streets, start_weekday=start_weekday)
        truth = "homes: the street of the longest stays by night; work places: by working day"
    scenario = fitted(scenario, routes)
    places = build_places(scenario.people, streets.city, seed)
    entry = behind(routes, streets, home, start_weekday=start_weekday)
    places, drivers, ends = _people(places, streets.city, routes, (home, work), entry)
    return scenario, Recorded(
        city=streets.city,
        places=places,
        drivers=drivers,
        routes=routes,
        from_place=ends[0],
        to_place=ends[1],
        truth=truth,
    )


def fitted(scenario: Scenario, routes: Routes) -> Scenario:
    """Return the scenario with as many drivers as the traffic has vehicles, and at most its days.

    Raises
    ------
    TrafficError
        If a driver makes more trips on a day than random streams tell apart.
    """
    n = len(routes.vehicle)
    represented = scenario.people.vehicles_represented
    people = scenario.people.model_copy(
        update={
            "drivers": n,
            "vehicles_represented": represented if represented and represented > n else None,
        }
    )
    per_day = np.unique(
        routes.driver.astype(np.int64) * 10_000 + (routes.depart_s // 86_400).astype(int), return_counts=True
    )
    if per_day[1].max() > 64:
        name = routes.vehicle[int(per_day[0][per_day[1].argmax()] // 10_000)]
        raise TrafficError(
            f"Vehicle '{name}' makes {per_day[1].max()} trips on a day, more than 64: is the rule for "
            "vehicle ids so wide that several vehicles count as one?"
        )
    return scenario.model_copy(update={"people": people, "days": min(scenario.days, routes.days)})


def _people(
    base: Places,
    city: City,
    routes: Routes,
    spots: tuple[Spots, Spots],
    entry: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> tuple[Places, Drivers, tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """Append homes, work places and all other ends of trips to the town's places.

    ``spots`` and ``entry`` are of homes and of work places; the latter tells behind which junction those
    beyond the map lie.
    """
    n, network = len(routes.vehicle), city.network
    home, work = spots
    home_place = base.n_places + np.arange(n)
    works = np.flatnonzero(work.known)
    work_place = np.full(n, -1)
    work_place[works] = base.n_places + n + np.arange(len(works))
    # All other ends of trips: one place a street, whichever side they are on.
    street = np.maximum(np.arange(network.n_edges), network.reverse_edge)
    ends_on = np.concatenate([routes.first_edge, routes.last_edge])
    stops = np.unique(street[ends_on[ends_on >= 0]])
    stop_base = base.n_places + n + len(works)
    stop_of = np.full(network.n_edges + 1, stop_base, dtype=np.int64)
    stop_of[stops] = stop_base + np.arange(len(stops))
    x, y = network.point_along(stops, network.edge_length_m[stops] / 2)
    places = appended(
        base,
        city,
        kind=np.concatenate(
            [
                np.where(home.edge >= 0, PlaceKind.HOME, PlaceKind.EXTERNAL),
                np.where(work.edge[works] >= 0, PlaceKind.WORK, PlaceKind.EXTERNAL),
                np.full(len(stops), PlaceKind.LEISURE),
            ]
        ),
        edge=np.concatenate([home.edge, work.edge[works], stops]),
        offset_m=np.concatenate([home.offset_m, work.offset_m[works], network.edge_length_m[stops] / 2]),
        x_m=np.concatenate([home.x_m, work.x_m[works], x]),
        y_m=np.concatenate([home.y_m, work.y_m[works], y]),
        entry_node=np.concatenate([entry[0], entry[1][works], np.zeros(len(stops), int)]),
    )

    def end(edge: NDArray[np.int32], at_m: NDArray[np.float64]) -> NDArray[np.int32]:
        found = stop_of[np.where(edge >= 0, street[edge], -1)]
        for spot, place in ((work, work_place), (home, home_place)):
            theirs = spot.edge[routes.driver]
            back = np.where(theirs >= 0, network.reverse_edge[theirs], -1)
            length = network.edge_length_m[np.maximum(theirs, 0)]
            along = np.where(edge == theirs, at_m, length - at_m)
            near = np.abs(along - spot.offset_m[routes.driver]) <= _AT_PLACE_M
            here = (edge >= 0) & ((edge == theirs) | (edge == back)) & near
            found = np.where(here & (place[routes.driver] >= 0), place[routes.driver], found)
        return found.astype(np.int32)

    resident = home.edge >= 0
    drivers = Drivers(
        plate=np.arange(n, dtype=np.uint32),
        kind=np.where(
            resident, DriverKind.RESIDENT, np.where(work.known, DriverKind.IN_COMMUTER, DriverKind.VISITOR)
        ).astype(np.uint8),
        schedule=np.where(work.known, Schedule.DAY, Schedule.NONE).astype(np.uint8),
        parking=np.full(n, Parking.STREET, dtype=np.uint8),
        visible_at_home=np.ones(n, dtype=np.bool_),
        home_place=home_place.astype(np.int32),
        work_place=work_place.astype(np.int32),
        work_start_h=np.full(n, 8.0),
        trip_rate=np.ones(n),
        presence=np.ones(n),
        habit_share=np.ones(n),
        school_place=np.full(n, -1, dtype=np.int32),
        worship_place=np.full(n, -1, dtype=np.int32),
    )
    ends = end(routes.first_edge, routes.from_m), end(routes.last_edge, routes.to_m)
    return places, drivers, ends


def appended(
    base: Places,
    city: City,
    *,
    kind: NDArray[np.integer],
    edge: NDArray[np.integer],
    offset_m: NDArray[np.float64],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    entry_node: NDArray[np.integer],
) -> Places:
    """Return places with more of them at the end; those beyond the map lie at their entry node."""
    network, inside, at = city.network, edge >= 0, np.maximum(edge, 0)
    n = len(kind)

    def joined(column: NDArray, more: NDArray) -> NDArray:  # type: ignore[type-arg]
        return np.concatenate([column, more.astype(column.dtype)])

    return Places(
        kind=joined(base.kind, kind),
        edge=joined(base.edge, edge),
        offset_m=joined(base.offset_m, offset_m),
        x_m=joined(base.x_m, np.where(inside, x_m, network.node_x_m[entry_node])),
        y_m=joined(base.y_m, np.where(inside, y_m, network.node_y_m[entry_node])),
        weight=joined(base.weight, np.zeros(n)),
        arrive_node=joined(base.arrive_node, np.where(inside, network.edge_tail[at], entry_node)),
        depart_node=joined(base.depart_node, np.where(inside, network.edge_head[at], entry_node)),
        beyond_m=joined(base.beyond_m, np.zeros(n)),
        beyond_s=joined(base.beyond_s, np.zeros(n)),
        in_lot=joined(base.in_lot, np.zeros(n)),
        tree=joined(base.tree, np.full(n, -1)),
        tree_arrive_node=base.tree_arrive_node,
        tree_depart_node=base.tree_depart_node,
        n_attractors=base.n_attractors,
    )
