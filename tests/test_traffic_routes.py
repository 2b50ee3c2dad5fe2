"""SUMO's vehicle routes with exit times: one vehicle over many trips and days, and what is refused."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sumo_files import HEAD, NET, ROUTES, RULE, TAIL, made, vehicle

from simulator.errors import TrafficError
from simulator.roads.sumo_net import SumoStreets, read_sumo_net
from simulator.traffic.routes import DAY_S, Routes, read_routes

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")


@pytest.fixture(scope="module")
def streets() -> SumoStreets:
    return read_sumo_net(NET)


@pytest.fixture(scope="module")
def routes(streets: SumoStreets) -> Routes:
    return read_routes((ROUTES,), streets, RULE)


def raw_vehicles() -> list[ElementTree.Element]:
    """Read the file whole and simply."""
    with gzip.open(ROUTES) as file:
        return list(ElementTree.parse(file).getroot().iter("vehicle"))


def test_routes_are_those_of_the_file(streets: SumoStreets, routes: Routes) -> None:
    raw = raw_vehicles()
    assert routes.n_trips == len(raw)
    assert Counter(routes.vehicle[d] for d in routes.driver) == Counter(
        v.get("id", "").split("_")[0] for v in raw
    )
    expected = sorted(
        (v.get("id", "").split("_")[0], float(v.get("depart", "")), float(v.get("arrival", "")),
         [streets.edge_of[e] for e in v[0].get("edges", "").split()],
         [float(t) for t in v[0].get("exitTimes", "").split()])
        for v in raw
    )  # fmt: skip
    for i, (name, depart, arrive, edges, leave) in enumerate(expected):
        a, b = routes.edge_indptr[i], routes.edge_indptr[i + 1]
        assert routes.vehicle[routes.driver[i]] == name
        assert (routes.depart_s[i], routes.arrive_s[i]) == (depart, arrive)
        assert routes.edge[a:b].tolist() == edges
        np.testing.assert_allclose(routes.leave_s[a:b] + depart, leave)


def test_days_in_ids_move_times_and_ids_without_a_vehicle_are_left_out(
    streets: SumoStreets, tmp_path: Path
) -> None:
    edge = next(iter(streets.edge_of))
    text = HEAD + "".join(
        vehicle(name, edge, "50.0") for name in ("a_3", "a_5", "b_3", "bus.1")
    ) + TAIL  # fmt: skip
    rule = r"(?P<vehicle>[ab])_(?P<day>\d+)|bus.*"
    read = read_routes((made(tmp_path, text),), streets, rule)
    assert read.vehicle == ("a", "b")
    assert read.driver.tolist() == [0, 0, 1]
    assert read.depart_s.tolist() == [10.0, 10.0 + 2 * DAY_S, 10.0]
    assert read.days == 3


def test_a_route_changed_on_the_way_is_the_one_driven(streets: SumoStreets, tmp_path: Path) -> None:
    a, b = list(streets.edge_of)[:2]
    both = (
        f'<routeDistribution last="1"><route edges="{a}" replacedAtTime="12"/>'
        f'<route edges="{b}" exitTimes="40.0"/></routeDistribution>'
    )
    text = "".join(f'<vehicle id="x_{i}" depart="10" arrival="40">{both}</vehicle>' for i in range(2))
    read = read_routes((made(tmp_path, HEAD + text + TAIL),), streets, r"(?P<vehicle>\w)_.*")
    assert read.edge.tolist() == [streets.edge_of[b]] * 2


def refused(tmp_path: Path, streets: SumoStreets, text: str, rule: str = RULE) -> str:
    with pytest.raises(TrafficError) as caught:
        read_routes((made(tmp_path, text),), streets, rule)
    return str(caught.value)


def test_bad_routes_are_refused_with_a_way_out(tmp_path: Path, streets: SumoStreets) -> None:
    edge = next(iter(streets.edge_of))
    good = vehicle("car1_0", edge, "50.0") + vehicle("car1_1", edge, "50.0")
    torn = refused(tmp_path, streets, HEAD + good)
    assert "torn" in torn and "2 vehicles" in torn
    assert "no vehicles" in refused(tmp_path, streets, "<osm><way id='1'/></osm>")
    assert "torn or no XML" in refused(tmp_path, streets, "vehicle,time\n1,2\n")
    no_times = refused(tmp_path, streets, HEAD + vehicle("car1_0", edge, None) + TAIL)
    assert "car1_0" in no_times and "--vehroute-output.exit-times" in no_times
    trips = refused(tmp_path, streets, HEAD + '<trip id="1" depart="0"/>' + TAIL)
    assert "holds trips" in trips and "--vehroute-output" in trips
    lacking = refused(tmp_path, streets, HEAD + good + vehicle("car2_0", f"{edge} nowhere1", "1 2") + TAIL)
    assert "lacks 1 edges" in lacking and "'nowhere1'" in lacking
    unfit = refused(
        tmp_path, streets, HEAD + good + "".join(vehicle(f"bus{i}", edge, "9") for i in range(5)) + TAIL
    )
    assert "5 of 7" in unfit and "'bus0', 'bus1', 'bus2', ..." in unfit
    assert "1 vehicles have times" in refused(
        tmp_path, streets, HEAD + good + vehicle("car9_1", edge, "1 2") + TAIL
    )
    alone = refused(tmp_path, streets, HEAD + good + TAIL, "(?P<vehicle>.*)")
    assert "second trip" in alone and "--vehicle-id" in alone and "'car1_0'" in alone
    left = refused(tmp_path, streets, HEAD + '<vehicle id="car1_0" depart="5" arrival="-1"><route '
                   f'edges="{edge}" exitTimes="-1"/></vehicle>' + TAIL)  # fmt: skip
    assert "no trip is left of 1" in left
    assert "no regular expression" in refused(tmp_path, streets, HEAD + TAIL, "(?P<vehicle>")
    assert "no group called 'vehicle'" in refused(tmp_path, streets, HEAD + TAIL, "car.*")
    with pytest.raises(TrafficError, match="There is no routes file"):
        read_routes((tmp_path / "none.xml",), streets, RULE)
    cut = tmp_path / "cut.xml.gz"
    cut.write_bytes(ROUTES.read_bytes()[:30_000])
    with pytest.raises(TrafficError, match="torn"):
        read_routes((cut,), streets, RULE)
