"""Homes and work places of recorded cars: from a list, by dwelling, behind gateways."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from sumo_files import HEAD, HOMES, NET, ROUTES, RULE, TAIL, made, vehicle

from simulator.errors import TrafficError
from simulator.roads.sumo_net import SumoStreets, read_sumo_net
from simulator.traffic.homes import behind, dwell, read_homes
from simulator.traffic.routes import DAY_S, Routes, read_routes

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")


@pytest.fixture(scope="module")
def streets() -> SumoStreets:
    return read_sumo_net(NET)


@pytest.fixture(scope="module")
def routes(streets: SumoStreets) -> Routes:
    return read_routes((ROUTES,), streets, RULE)


def test_listed_homes_lie_on_their_own_side_of_the_street(streets: SumoStreets, routes: Routes) -> None:
    home, work = read_homes(HOMES, routes, streets)
    network = streets.city.network
    with HOMES.open(newline="") as file:
        listed = {row["vehicle"]: row for row in csv.DictReader(file)}
    for i, name in enumerate(routes.vehicle):
        row = listed[name]
        for spots, target in ((home, "home"), (work, "work")):
            at = row[f"{target}_x"]
            assert spots.known[i] == (at != "")
            assert (spots.edge[i] >= 0) == (at not in ("", "outside"))
    at = np.flatnonzero(home.edge >= 0)
    x, y = network.point_along(home.edge[at], home.offset_m[at])
    assert np.hypot(x - home.x_m[at], y - home.y_m[at]).max() < 15
    # Most days end at home, on that side of the street.
    ends = np.zeros((len(routes.vehicle), network.n_edges))
    np.add.at(ends, (routes.driver, routes.last_edge), 1)
    most = ends.argmax(axis=1)[at]
    assert (most == home.edge[at]).mean() > 0.95


def test_homes_by_edge_and_by_metres_agree(streets: SumoStreets, routes: Routes, tmp_path: Path) -> None:
    edge = list(streets.edge_of)[5]
    text = f"vehicle,home_edge,home_pos,work_edge,work_pos\ncar1,{edge},30,outside,\n"
    home, work = read_homes(made(tmp_path, text, "a.csv"), routes, streets)
    i = routes.vehicle.index("car1")
    assert home.edge[i] == streets.edge_of[edge] and work.known[i] and work.edge[i] == -1
    assert home.known.sum() == 1
    part = 30 / streets.length_m[edge]
    assert home.offset_m[i] == pytest.approx(part * streets.city.network.edge_length_m[home.edge[i]])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vehicle,home_x,home_y\ncar1,1,2\n", "has the columns"),
        ("vehicle,home_x,home_y,work_x,work_y\nCar1,1,2,,\n", "names no vehicle of the traffic"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,2,,\ncar1,1,2,,\n", "'car1' more than once"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,90000,2,,\ncar2,1,2,,\n", "1 of 2 vehicles lie further"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,2,5000,9\n", "work places of 1 of 1"),
        ("vehicle,home_x,home_y,work_x,work_y\ncar1,1,here,,\n", "no number in column home_y, 'car1'"),
        ("vehicle,home_edge,home_pos,work_edge,work_pos\ncar1,nowhere,2,,\n", "lacks 1 edges of home"),
        ("vehicle,home_x,home_y,work_x,work_y\n", "lists no vehicle"),
    ],
)
def test_bad_lists_of_homes_are_refused(
    streets: SumoStreets, routes: Routes, tmp_path: Path, text: str, says: str
) -> None:
    with pytest.raises(TrafficError, match=re.escape(says)):
        read_homes(made(tmp_path, text, "homes.csv"), routes, streets)


def test_dwell_finds_most_homes_and_work_places_of_the_list(streets: SumoStreets, routes: Routes) -> None:
    network = streets.city.network
    for found, listed in zip(
        dwell(routes, streets, start_weekday=0), read_homes(HOMES, routes, streets), strict=True
    ):
        both = (listed.edge >= 0) & (found.edge >= 0)
        street = network.edge_street
        assert (street[found.edge[both]] == street[listed.edge[both]]).mean() > 0.9
        assert both.sum() > 0.9 * (listed.edge >= 0).sum()


def test_dwell_by_hand(streets: SumoStreets, tmp_path: Path) -> None:
    network, gates = streets.city.network, set(streets.city.gateway_node.tolist())
    inner = [
        name for name, e in streets.edge_of.items()
        if not {int(network.edge_tail[e]), int(network.edge_head[e])} & gates
    ]  # fmt: skip
    home, work = inner[0], next(n for n in inner if not set(n.split("to")) & set(inner[0].split("to")))
    text = HEAD
    for day in range(3):
        for k, (hour, a, b) in enumerate(((8, home, work), (17, work, home))):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car1_{day}_{k}", f"{a} {b}", f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    read = read_routes((made(tmp_path, text + TAIL),), streets, RULE)
    homes, works = dwell(read, streets, start_weekday=0)
    assert homes.edge.tolist() == [streets.edge_of[home]]
    assert works.edge.tolist() == [streets.edge_of[work]]
    # On a weekend nobody works.
    assert not dwell(read, streets, start_weekday=5)[1].known.any() or read.days > 2


def test_places_beyond_the_map_lie_where_cars_leave_it(streets: SumoStreets, tmp_path: Path) -> None:
    """A resident who works beyond the map works behind the gateway driven to, not behind home."""
    network, gates = streets.city.network, set(streets.city.gateway_node.tolist())
    names, edge_of = list(streets.edge_of), streets.edge_of
    ends = {
        name: (int(network.edge_tail[edge_of[name]]), int(network.edge_head[edge_of[name]])) for name in names
    }
    out = next(n for n in names if ends[n][1] in gates)
    gate, gate_tail = ends[out][1], ends[out][0]
    into = next(n for n in names if ends[n] == (gate, gate_tail))
    other = next(n for n in names if ends[n][1] in gates - {gate})
    home = next(n for n in names if not set(ends[n]) & gates)
    text = HEAD
    for day in range(3):
        # Out to work and back; in the evening once to another gateway, for longer than to work.
        legs = [(8, f"{home} {out}"), (16, f"{into} {home}"), (17, f"{home} {other}")]
        legs = legs if day == 1 else legs[:2]
        for k, (hour, edges) in enumerate(legs):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car1_{day}_{k}", edges, f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    for day in range(2):  # somebody who comes from there
        for k, (hour, edges) in enumerate(((7, f"{into} {home}"), (18, f"{home} {out}"))):
            t = day * DAY_S + hour * 3600
            text += vehicle(f"car2_{day}_{k}", edges, f"{t + 60} {t + 120}", t, arrivalPos="20.0")
    listed = "vehicle,home_edge,home_pos,work_edge,work_pos\n"
    listed += f"car1,{home},20,outside,\ncar2,outside,,{home},20\n"
    read = read_routes((made(tmp_path, text + TAIL),), streets, RULE)
    homes, _ = read_homes(made(tmp_path, listed, "homes.csv"), read, streets)
    home_node, work_node = behind(read, streets, homes, start_weekday=0)
    assert work_node[0] == gate and home_node[1] == gate
    # A Saturday and a Sunday tell nothing about work: then it is where the first trip begins.
    weekend = read.take(np.flatnonzero(read.depart_s < 2 * DAY_S))
    own = network.edge_tail[edge_of[home]]
    assert behind(weekend, streets, homes, start_weekday=5)[1][0] == own
