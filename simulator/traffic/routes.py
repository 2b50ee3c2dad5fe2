"""SUMO's vehicle routes with exit times, streamed into flat arrays.

``sumo --vehroute-output routes.xml --vehroute-output.exit-times`` writes them. Files are parsed vehicle by
vehicle with sumolib, so that no more than the arrays is ever in memory.
"""

from __future__ import annotations

import re
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
from numpy.typing import NDArray

from simulator.errors import TrafficError
from simulator.roads.sumo_net import SumoStreets, need_sumolib

DAY_S = 86_400
HOW_TO_MAKE = "sumo -n NET -r ROUTES --vehroute-output routes.xml --vehroute-output.exit-times"
_VEHICLE = ["id", "depart", "arrival", "departPos", "arrivalPos"]
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Routes:
    """All trips of all vehicles, by vehicle and time; trip arrays have shape (n_trips,).

    Parameters
    ----------
    vehicle
        Names, ascending; a vehicle's number is its place in here.
    driver
        Vehicle of each trip.
    depart_s, arrive_s
        Seconds since the first midnight.
    from_m, to_m
        Where on its first and last edge a trip starts and ends, metres from the tail, in the city's lengths.
    edge_indptr, edge, leave_s
        Directed edges of trip ``i`` are rows ``edge_indptr[i]:edge_indptr[i + 1]``, -1 where the city lacks
        them, and when each was left, seconds after departure.
    """

    vehicle: tuple[str, ...]
    driver: NDArray[np.int32]
    depart_s: NDArray[np.float64]
    arrive_s: NDArray[np.float64]
    from_m: NDArray[np.float64]
    to_m: NDArray[np.float64]
    edge_indptr: NDArray[np.int64]
    edge: NDArray[np.int32]
    leave_s: NDArray[np.float32]

    @property
    def n_trips(self) -> int:
        return len(self.driver)

    @property
    def days(self) -> int:
        """Days until the last departure, the first one included."""
        return int(self.depart_s.max() // DAY_S) + 1

    @property
    def first_edge(self) -> NDArray[np.int32]:
        """Edge that each trip starts on, -1 if the city lacks it."""
        return self.edge[self.edge_indptr[:-1]]

    @property
    def last_edge(self) -> NDArray[np.int32]:
        """Edge that each trip ends on, -1 if the city lacks it."""
        return self.edge[self.edge_indptr[1:] - 1]

    def take(self, rows: NDArray[np.integer]) -> Routes:
        """Return some of the trips, in the order given."""
        size = np.diff(self.edge_indptr)[rows]
        indptr = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        at = np.arange(indptr[-1]) + np.repeat(self.edge_indptr[rows] - indptr[:-1], size)
        return Routes(
            vehicle=self.vehicle,
            driver=self.driver[rows],
            depart_s=self.depart_s[rows],
            arrive_s=self.arrive_s[rows],
            from_m=self.from_m[rows],
            to_m=self.to_m[rows],
            edge_indptr=indptr,
            edge=self.edge[at],
            leave_s=self.leave_s[at],
        )


def id_rule(pattern: str) -> re.Pattern[str]:
    """Return the rule that finds a vehicle (and perhaps a day) in the id of a SUMO vehicle.

    Raises
    ------
    TrafficError
        If it is no regular expression, or has no group called ``vehicle``.
    """
    try:
        rule = re.compile(pattern)
    except re.error as error:
        raise TrafficError(
            f"The rule for vehicle ids '{pattern}' is no regular expression: {error}."
        ) from None
    if "vehicle" not in rule.groupindex:
        raise TrafficError(
            f"The rule for vehicle ids '{pattern}' has no group called 'vehicle'. For ids such as "
            r"'car7_3_1' write '(?P<vehicle>car\d+)_.*'."
        )
    return rule


def read_routes(paths: tuple[Path, ...], streets: SumoStreets, pattern: str) -> Routes:
    """Read the routes of one or several files.

    Parameters
    ----------
    paths
        Files of ``--vehroute-output``, plain or packed with gzip.
    streets
        The network that they were made on.
    pattern
        Regular expression that a whole id fits, with a group ``vehicle`` and perhaps a group ``day``. Where
        there is a day, times are counted from its midnight, and the lowest day is the first one. An id that
        fits without the group ``vehicle`` having part in it is left out.

    Raises
    ------
    TrafficError
        If a file is missing, torn, foreign, or has no exit times; if it drives on edges that the network
        lacks; if an id does not fit the rule; or if no vehicle ever makes a second trip.
    """
    rule = id_rule(pattern)
    read = _Reading(rule=rule, edge_of=streets.edge_of)
    for path in paths:
        for vehicle in _vehicles(path):
            read.add(vehicle, path)
    read.refuse_faulty(paths)
    return _sorted(read, streets)


def _vehicles(path: Path) -> Iterator[Any]:
    sumolib = need_sumolib(path)
    if not path.is_file():
        raise TrafficError(f"There is no routes file {path}.")
    found = 0
    try:
        packed = path.open("rb").read(2) == b"\x1f\x8b"
        with sumolib.xml.parsing.gzip.open(path) if packed else path.open("rb") as file:
            for thing in sumolib.xml.parse(
                file,
                ["vehicle", "trip", "flow"],
                element_attrs={
                    "vehicle": _VEHICLE,
                    "trip": ["id"],
                    "flow": ["id"],
                    "route": ["edges", "exitTimes"],
                },
                heterogeneous=False,
            ):
                found += 1
                if thing.name != "vehicle":
                    raise TrafficError(
                        f"{path} holds {thing.name}s: what SUMO is to drive, not what it drove. Simulate it "
                        f"with exit times: {HOW_TO_MAKE}"
                    )
                yield thing
    except (ParseError, OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise TrafficError(
            f"{path} is torn or no XML ({error}), after {found:,} vehicles. Make it again: {HOW_TO_MAKE}"
        ) from None
    if not found:
        raise TrafficError(
            f"{path} holds no vehicles: it is no vehicle routes of SUMO's. Make them with: {HOW_TO_MAKE}"
        )


def _examples(names: list[str]) -> str:
    return ", ".join(f"'{n}'" for n in names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


@dataclass(kw_only=True)
class _Faults:
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, name: str) -> None:
        self.count += 1
        if len(self.examples) <= _SHOWN and name not in self.examples:
            self.examples.append(name)


class _Reading:
    """Arrays that grow vehicle by vehicle, and what was wrong with some."""

    def __init__(self, *, rule: re.Pattern[str], edge_of: Any) -> None:
        self.rule, self.edge_of = rule, edge_of
        self.has_day = "day" in rule.groupindex
        self.number: dict[str, int] = {}
        self.driver, self.day = array("i"), array("i")
        self.depart, self.arrive = array("d"), array("d")
        self.from_pos, self.to_pos = array("d"), array("d")
        self.first_name: list[str] = []
        self.last_name: list[str] = []
        self.size, self.edge, self.leave = array("i"), array("i"), array("f")
        self.unfit, self.lacking, self.torn = _Faults(), _Faults(), _Faults()
        self.all = self.unfinished = 0

    def add(self, vehicle: Any, path: Path) -> None:
        self.all += 1
        fit = self.rule.fullmatch(vehicle.id)
        if fit is None:
            self.unfit.note(vehicle.id)
            return
        if fit["vehicle"] is None:
            return
        route = _last_route(vehicle)
        if route is None or route.exitTimes is None:
            raise TrafficError(
                f"{path}: vehicle '{vehicle.id}' has no exit times, so that nobody knows when it passed a "
                f"reader. Simulate again with them: {HOW_TO_MAKE}"
            )
        names = route.edges.split()
        try:
            edges = [self.edge_of[name] for name in names]
        except KeyError:
            for name in names:
                if name not in self.edge_of:
                    self.lacking.note(name)
            return
        try:
            leave = [float(t) for t in route.exitTimes.split()]
            depart, arrive = float(vehicle.depart), float(vehicle.arrival or -1)
            day = int(fit["day"]) if self.has_day and fit["day"] is not None else 0
        except ValueError:
            self.torn.note(vehicle.id)
            return
        if len(leave) != len(edges) or not edges:
            self.torn.note(vehicle.id)
            return
        if arrive < depart or min(leave) < 0:  # SUMO ended before the trip did
            self.unfinished += 1
            return
        self.driver.append(self.number.setdefault(fit["vehicle"], len(self.number)))
        self.day.append(day)
        self.depart.append(depart)
        self.arrive.append(arrive)
        self.from_pos.append(_position(vehicle.departPos, 0.0))
        self.to_pos.append(_position(vehicle.arrivalPos, np.inf))
        self.first_name.append(names[0])
        self.last_name.append(names[-1])
        self.size.append(len(edges))
        self.edge.extend(edges)
        self.leave.extend([t - depart for t in leave])

    def refuse_faulty(self, paths: tuple[Path, ...]) -> None:
        where = ", ".join(str(p) for p in paths)
        if self.unfit.count:
            raise TrafficError(
                f"{where}: {self.unfit.count:,} of {self.all:,} vehicle ids do not fit the rule "
                f"'{self.rule.pattern}': {_examples(self.unfit.examples)}. A rule fits the whole id; to "
                "leave some out, let it fit them without the group 'vehicle': '(?P<vehicle>car.*)|bus.*'."
            )
        if self.lacking.count:
            raise TrafficError(
                f"{where}: the network lacks {self.lacking.count:,} edges that are driven on: "
                f"{_examples(self.lacking.examples)}. Give the network that the routes were made on."
            )
        if self.torn.count:
            raise TrafficError(
                f"{where}: {self.torn.count:,} vehicles have times that are no numbers, or not one exit time "
                f"an edge: {_examples(self.torn.examples)}. Make the file again: {HOW_TO_MAKE}"
            )
        if not self.driver:
            raise TrafficError(
                f"{where}: no trip is left of {self.all:,} ({self.unfinished:,} had not ended when SUMO did)."
                " Let SUMO run until all vehicles have arrived, or give another rule for ids."
            )
        if len(self.number) == len(self.driver):
            raise TrafficError(
                f"{where}: none of {len(self.number):,} vehicles ever makes a second trip, so that there is "
                "nobody to get to know. If one vehicle has several ids, say which part of an id is the "
                r"vehicle's: --vehicle-id '(?P<vehicle>car\d+)_.*' for ids such as "
                f"'car7_3_1'; ids here are like {_examples(sorted(self.number))}."
            )


def _last_route(vehicle: Any) -> Any:
    """The route that was driven: of a vehicle that changed its route the last one."""
    for child in vehicle.getChildList():
        if child.name == "routeDistribution":
            return next((r for r in reversed(child.getChildList()) if r.exitTimes is not None), None)
        if child.name == "route":
            return child
    return None


def _position(text: str | None, other: float) -> float:
    try:
        return float(text) if text is not None else other
    except ValueError:  # "random", "base", ...
        return other


def _sorted(read: _Reading, streets: SumoStreets) -> Routes:
    names = sorted(read.number)
    rank = np.empty(len(names), dtype=np.int32)
    rank[[read.number[name] for name in names]] = np.arange(len(names), dtype=np.int32)
    day = np.array(read.day, dtype=np.float64)
    start_s = (day - day.min()) * DAY_S
    indptr = np.concatenate([[0], np.cumsum(np.array(read.size, dtype=np.int64))])
    edge = np.array(read.edge, dtype=np.int32)
    routes = Routes(
        vehicle=tuple(names),
        driver=rank[np.array(read.driver)],
        depart_s=np.array(read.depart) + start_s,
        arrive_s=np.array(read.arrive) + start_s,
        from_m=_in_city(read.from_pos, read.first_name, edge[indptr[:-1]], streets),
        to_m=_in_city(read.to_pos, read.last_name, edge[indptr[1:] - 1], streets),
        edge_indptr=indptr,
        edge=edge,
        leave_s=np.array(read.leave, dtype=np.float32),
    )
    return routes.take(np.lexsort((routes.depart_s, routes.driver)))


def _in_city(
    position: array[float], names: list[str], edge: NDArray[np.int32], streets: SumoStreets
) -> NDArray[np.float64]:
    """Turn positions along SUMO's edges, which end before junctions, into metres along the city's edges."""
    length = np.array([streets.length_m[name] for name in names])
    part = np.array(position) / np.maximum(length, 0.1)
    part = np.where(part < 0, 1.0 + part, part)  # SUMO counts negative positions from the end
    return np.where(edge >= 0, np.clip(part, 0.0, 1.0) * streets.city.network.edge_length_m[edge], 0.0)
