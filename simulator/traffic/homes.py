"""Where the drivers of recorded traffic live and work: from a list, or by where they stand longest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.errors import TrafficError
from simulator.roads.network import RoadNetwork
from simulator.roads.osm_land_use import REACH_M, nearest_side
from simulator.roads.sumo_net import SumoStreets
from simulator.traffic.routes import DAY_S, Routes

OUTSIDE = "outside"
IN_METRES = ("vehicle", "home_x", "home_y", "work_x", "work_y")
ALONG_EDGES = ("vehicle", "home_edge", "home_pos", "work_edge", "work_pos")
NIGHT_H = (22.0, 6.0)
WORKING_H = (9.0, 17.0)
#: Who stands at one place for less in all working hours has no work place.
LEAST_WORK_S = 4 * 3600.0
_SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Spots:
    """One place for each vehicle; all arrays have shape (n_vehicles,).

    Parameters
    ----------
    known
        Whether the vehicle has such a place at all.
    edge, offset_m
        Directed edge, -1 outside the map, and metres from its tail.
    x_m, y_m
        Position, metres; NaN outside.
    """

    known: NDArray[np.bool_]
    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]


def read_homes(path: Path, routes: Routes, streets: SumoStreets) -> tuple[Spots, Spots]:
    """Read homes and work places from a CSV file.

    Parameters
    ----------
    path
        Columns ``vehicle,home_x,home_y,work_x,work_y`` in metres of the network, or ``vehicle,home_edge,
        home_pos,work_edge,work_pos``. Empty: no such place; ``outside``: beyond the network. Vehicles that
        are not listed live outside and have no work place.

    Raises
    ------
    TrafficError
        If the file is missing or no such table, names no vehicle of the traffic, or if a home or work place
        lies outside the network.
    """
    table = _table(path)
    number = {name: i for i, name in enumerate(routes.vehicle)}
    rows = [number.get(name, -1) for name in table["vehicle"].to_list()]
    here = np.array(rows) >= 0
    if not here.any():
        raise TrafficError(
            f"{path} names no vehicle of the traffic: it lists '{table['vehicle'][0]}', the traffic has "
            f"'{routes.vehicle[0]}'. Names are what the group 'vehicle' of the rule for ids finds."
        )
    if len(set(table["vehicle"])) < table.height:
        twice = table["vehicle"].value_counts().sort("count", descending=True)["vehicle"][0]
        raise TrafficError(f"{path} lists vehicle '{twice}' more than once.")
    table, at = table.filter(pl.Series(here)), np.array(rows)[here]
    found = []
    for target in ("home", "work"):
        read = _from_metres if "home_x" in table.columns else _from_edges
        found.append(read(path, table, target, at, len(number), streets))
    return found[0], found[1]


def _table(path: Path) -> pl.DataFrame:
    if not path.is_file():
        raise TrafficError(f"There is no file {path} of homes.")
    try:
        table = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise TrafficError(f"{path} is no CSV table: {error}.") from None
    if not any(set(columns) <= set(table.columns) for columns in (IN_METRES, ALONG_EDGES)):
        raise TrafficError(
            f"{path} has the columns {', '.join(table.columns)}; homes need {','.join(IN_METRES)} or "
            f"{','.join(ALONG_EDGES)}."
        )
    if not table.height:
        raise TrafficError(f"{path} lists no vehicle.")
    return table.with_columns(pl.all().str.strip_chars().fill_null(""))


def _numbers(path: Path, table: pl.DataFrame, column: str, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    values = table.select(pl.col("vehicle"), pl.col(column).cast(pl.Float64, strict=False)).filter(
        pl.Series(rows)
    )
    wrong = values.filter(pl.col(column).is_null() | ~pl.col(column).is_finite())
    if wrong.height:
        raise TrafficError(
            f"{path}: {wrong.height:,} vehicles have no number in column {column}, '{wrong['vehicle'][0]}' "
            f"for one. Where there is no such place, leave the cells empty; beyond the map write '{OUTSIDE}'."
        )
    return values[column].to_numpy()


def _from_metres(
    path: Path, table: pl.DataFrame, target: str, at: NDArray[np.int64], n: int, streets: SumoStreets
) -> Spots:
    first = table[f"{target}_x"]
    inside = ((first != "") & (first != OUTSIDE)).to_numpy()
    x, y = (_numbers(path, table, f"{target}_{axis}", inside) for axis in "xy")
    network = streets.city.network
    edge, offset = _on_streets(network, x, y)
    _refuse_outside(path, target, table["vehicle"].filter(pl.Series(inside)).to_list(), edge, streets)
    return _placed(n, at, (first != "").to_numpy(), inside, edge, offset, x, y)


def _from_edges(
    path: Path, table: pl.DataFrame, target: str, at: NDArray[np.int64], n: int, streets: SumoStreets
) -> Spots:
    first = table[f"{target}_edge"]
    inside = ((first != "") & (first != OUTSIDE)).to_numpy()
    names = first.filter(pl.Series(inside)).to_list()
    lacking = sorted({name for name in names if name not in streets.edge_of})
    if lacking:
        raise TrafficError(
            f"{path}: the network lacks {len(lacking):,} edges of {target} places, '{lacking[0]}' for one."
        )
    edge = np.array([streets.edge_of[name] for name in names], dtype=np.int32)
    _refuse_outside(path, target, table["vehicle"].filter(pl.Series(inside)).to_list(), edge, streets)
    position = _numbers(path, table, f"{target}_pos", inside)
    length = np.array([streets.length_m[name] for name in names])
    network = streets.city.network
    offset = np.clip(position / np.maximum(length, 0.1), 0.0, 1.0) * network.edge_length_m[edge]
    x, y = network.point_along(edge, offset)
    return _placed(n, at, (first != "").to_numpy(), inside, edge, offset, x, y)


def _refuse_outside(
    path: Path, target: str, names: list[str], edge: NDArray[np.integer], streets: SumoStreets
) -> None:
    outside = np.flatnonzero(edge < 0)
    if len(outside):
        shown = ", ".join(f"'{names[i]}'" for i in outside[:_SHOWN]) + (
            ", ..." if len(outside) > _SHOWN else ""
        )
        x0, y0, x1, y1 = streets.city.network.bounds_m
        raise TrafficError(
            f"{path}: the {target} places of {len(outside):,} of {len(names):,} vehicles lie further than "
            f"{REACH_M:g} m from every street that cars may use ({shown}). The network reaches from x = "
            f"{x0:.0f}, y = {y0:.0f} to x = {x1:.0f}, y = {y1:.0f} m; write '{OUTSIDE}' for places beyond it."
        )


def _on_streets(
    network: RoadNetwork, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Return the side of the street that points lie on (traffic keeps right), -1 if none is near."""
    if not len(x_m):
        return np.empty(0, np.int32), np.empty(0)
    edge = nearest_side(network, np.arange(network.n_edges), x_m, y_m).astype(np.int32)
    near, offset, _ = network.nearest_edge(x_m, y_m)
    length = network.edge_length_m[np.maximum(edge, 0)]
    back = near == network.reverse_edge[np.maximum(edge, 0)]
    offset = np.where(near == edge, offset, np.where(back, length - offset, length / 2))
    return edge, np.clip(offset, 0.0, length)


def _placed(
    n: int,
    at: NDArray[np.int64],
    known: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    edge: NDArray[np.integer],
    offset_m: NDArray[np.float64],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
) -> Spots:
    spots = _nowhere(n)
    spots.known[at] = known
    for column, values in (
        (spots.edge, edge), (spots.offset_m, offset_m), (spots.x_m, x_m), (spots.y_m, y_m)
    ):  # fmt: skip
        column[at[inside]] = values
    return spots


def _nowhere(n: int) -> Spots:
    return Spots(
        known=np.zeros(n, dtype=np.bool_),
        edge=np.full(n, -1, dtype=np.int32),
        offset_m=np.zeros(n),
        x_m=np.full(n, np.nan),
        y_m=np.full(n, np.nan),
    )


def dwell(routes: Routes, streets: SumoStreets, *, start_weekday: int) -> tuple[Spots, Spots]:
    """Take the street where each vehicle stands longest by night for its home, by working day for its work.

    Night is 22 to 6 h, a working day Monday to Friday, 9 to 17 h. A vehicle that leaves the map at a gateway
    stands outside. Less than four working hours in all, or the home's own street, is no work place.

    Parameters
    ----------
    start_weekday
        0 for Monday.
    """
    network, n = streets.city.network, len(routes.vehicle)
    stays = _stays(routes, streets)
    vehicle, offset = stays.vehicle, stays.offset_m
    edge = np.where(stays.beyond, -1, stays.edge)
    # Both sides of a street are one place; which side is told by the longest stay.
    street = np.where(edge >= 0, np.maximum(edge, network.reverse_edge[edge]), -1).astype(np.int64)
    key = vehicle.astype(np.int64) * (network.n_edges + 1) + street + 1
    _, group = np.unique(key, return_inverse=True)
    found: list[Spots] = []
    home_group = np.full(n, -1)
    clocks = _clocks(routes.days + 1, start_weekday)
    for clock, least in zip(clocks, (0.0, LEAST_WORK_S), strict=True):
        seconds = np.interp(stays.end_s, *clock) - np.interp(stays.begin_s, *clock)
        total = np.bincount(group, seconds)[group]
        total = np.where(group == home_group[vehicle], 0.0, total)
        order = np.lexsort((seconds, total, vehicle))
        best = order[np.append(np.diff(vehicle[order]) > 0, True)]
        best = best[total[best] > least]
        if not found:
            home_group[vehicle[best]] = group[best]
        inside = edge[best] >= 0
        x, y = network.point_along(edge[best[inside]], offset[best[inside]])
        found.append(
            _placed(
                n, vehicle[best], np.ones(len(best), bool), inside, edge[best[inside]],
                offset[best[inside]], x, y,
            )
        )  # fmt: skip
    return found[0], found[1]


def behind(
    routes: Routes, streets: SumoStreets, home: Spots, *, start_weekday: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the junctions that homes, and work places, beyond the map would lie behind, shape (n_vehicles,).

    The one at which a vehicle stands longest by night, or by working day (see :func:`dwell`): a gateway if it
    ever stands at one, never at its home's street. Where its first trip begins, for want of any.

    Parameters
    ----------
    home
        Where vehicles live; a car that stands there by day is not at work.
    start_weekday
        0 for Monday.
    """
    network, n = streets.city.network, len(routes.vehicle)
    stays = _stays(routes, streets)
    first = np.searchsorted(routes.driver, np.arange(n))
    begins = network.edge_tail[np.maximum(routes.first_edge[first], 0)].astype(np.int64)
    own = home.edge[stays.vehicle]
    back = np.where(own >= 0, network.reverse_edge[np.maximum(own, 0)], -1)
    away = (own < 0) | ((stays.edge != own) & (stays.edge != back))
    _, group = np.unique(stays.vehicle.astype(np.int64) * network.n_nodes + stays.node, return_inverse=True)
    found: list[NDArray[np.int64]] = []
    for clock, asked in zip(_clocks(routes.days + 1, start_weekday), (np.ones_like(away), away), strict=True):
        seconds = np.where(asked, np.interp(stays.end_s, *clock) - np.interp(stays.begin_s, *clock), 0.0)
        total = np.bincount(group, seconds)[group]
        order = np.lexsort((total, stays.beyond, stays.vehicle))
        order = order[total[order] > 0.0]
        best = order[np.append(np.diff(stays.vehicle[order]) > 0, True)] if len(order) else order
        node = begins.copy()
        node[stays.vehicle[best]] = stays.node[best]
        found.append(node)
    return found[0], found[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stays:
    """Where vehicles stand before their first trip and after each of their trips; shape (n_stays,).

    ``node`` is the junction that a stay was come to by (the first one is left by), ``beyond`` whether it is a
    gateway. Clock times are seconds since the first midnight.
    """

    vehicle: NDArray[np.int32]
    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    begin_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    node: NDArray[np.int64]
    beyond: NDArray[np.bool_]


def _stays(routes: Routes, streets: SumoStreets) -> _Stays:
    network, days = streets.city.network, routes.days
    starts = np.flatnonzero(np.diff(routes.driver, prepend=-1))
    until = np.append(routes.depart_s[1:], 0.0)
    until[np.append(starts[1:], routes.n_trips) - 1] = days * DAY_S
    begin = np.concatenate([np.zeros(len(starts)), routes.arrive_s])
    first, last = routes.first_edge[starts], routes.last_edge
    node = np.concatenate([network.edge_tail[first], network.edge_head[last]]).astype(np.int64)
    gate = np.zeros(network.n_nodes, dtype=np.bool_)
    gate[streets.city.gateway_node] = True
    return _Stays(
        vehicle=np.concatenate([routes.driver[starts], routes.driver]),
        edge=np.concatenate([first, last]),
        offset_m=np.concatenate([routes.from_m[starts], routes.to_m]),
        begin_s=begin,
        end_s=np.maximum(np.concatenate([routes.depart_s[starts], until]), begin),
        node=node,
        beyond=gate[node],
    )


_Clock = tuple[NDArray[np.float64], NDArray[np.float64]]


def _clocks(days: int, start_weekday: int) -> tuple[_Clock, _Clock]:
    """Return the clocks of nights, and of working hours, over some days."""
    nights = [(day, h) for day in range(days) for h in ((0.0, NIGHT_H[1]), (NIGHT_H[0], 24.0))]
    weekdays = [day for day in range(days) if (start_weekday + day) % 7 < 5]
    return _clock(days, nights), _clock(days, [(day, WORKING_H) for day in weekdays])


def _clock(days: int, windows: list[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times, and how many seconds lay within windows (day, (from h, until h)) until each of them."""
    at, passed = [0.0], [0.0]
    for day, (from_h, until_h) in windows:
        at += [day * DAY_S + from_h * 3600.0, day * DAY_S + until_h * 3600.0]
        passed += [passed[-1], passed[-1] + (until_h - from_h) * 3600.0]
    return np.array([*at, (days + 1) * DAY_S]), np.array([*passed, passed[-1]])
