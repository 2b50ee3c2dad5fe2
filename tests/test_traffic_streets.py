"""SUMO's networks as streets of a town, and as maps."""

from __future__ import annotations

import gzip
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sumo_files import NET

from simulator.errors import MapError
from simulator.roads.import_map import import_map
from simulator.roads.network import RoadClass
from simulator.roads.sumo_net import SumoStreets, read_sumo_net, road_class

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")


@pytest.fixture(scope="module")
def streets() -> SumoStreets:
    return read_sumo_net(NET)


def test_network_is_the_files_streets(streets: SumoStreets) -> None:
    network = streets.city.network
    network.validate()
    with gzip.open(NET) as file:
        root = ElementTree.parse(file).getroot()
    edges = {e.get("id"): e for e in root.iter("edge") if e.get("function") is None}
    nodes = {j.get("id"): j for j in root.iter("junction")}
    assert set(streets.edge_of) == set(edges)
    assert network.n_edges == len(edges)  # this town is connected, and has no parallel edges
    for name, e in streets.edge_of.items():
        tail, head = nodes[edges[name].get("from")], nodes[edges[name].get("to")]
        assert network.node_x_m[network.edge_tail[e]] == pytest.approx(float(tail.get("x", "")))
        assert network.node_y_m[network.edge_head[e]] == pytest.approx(float(head.get("y", "")))
        assert network.edge_speed_mps[e] == pytest.approx(float(edges[name][0].get("speed", "")))
        # SUMO's lanes end before the junctions, and turn off the middle of the street.
        assert 0 <= network.edge_length_m[e] - float(edges[name][0].get("length", "")) < 30


def test_both_ways_are_one_street_and_gateways_lie_on_the_rim(streets: SumoStreets) -> None:
    network, city = streets.city.network, streets.city
    back = network.reverse_edge
    two_way = np.flatnonzero(back >= 0)
    assert len(two_way) == network.n_edges
    assert (network.edge_street[two_way] == network.edge_street[back[two_way]]).all()
    x0, y0, x1, y1 = network.bounds_m
    x, y = network.node_x_m[city.gateway_node], network.node_y_m[city.gateway_node]
    assert np.minimum.reduce([x - x0, x1 - x, y - y0, y1 - y]).max() < 100
    assert city.land_use.residential.sum() > 0
    # Nothing is known of land use: half of all work is as likely along any street with houses.
    use, length_m = city.land_use, city.network.edge_length_m
    side = city.network.edge_class == RoadClass.RESIDENTIAL
    by_length = length_m[side].sum() / length_m[use.residential > 0].sum()
    share = use.employment[side].sum() / use.employment.sum()
    by_class = (
        0.05
        * length_m[side].sum()
        / (
            0.05 * length_m[side].sum()
            + sum(
                w * length_m[city.network.edge_class == c].sum() for c, w in ((2, 0.3), (3, 0.25), (4, 0.12))
            )
        )
    )
    assert share == pytest.approx((by_class + by_length) / 2, rel=1e-4)


def test_classes_come_from_types_else_from_speed_and_lanes() -> None:
    assert road_class("highway.primary", 5.0, 1) == RoadClass.PRIMARY
    assert road_class("highway.service|psv", 5.0, 1) == RoadClass.RESIDENTIAL
    assert road_class("", 33.0, 2) == RoadClass.MOTORWAY
    assert road_class("", 13.9, 1) == RoadClass.TERTIARY
    assert road_class("", 13.9, 2) == RoadClass.SECONDARY
    assert road_class("", 8.0, 1) == RoadClass.RESIDENTIAL


def test_a_network_is_a_map_too(
    streets: SumoStreets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATETRAIL_CACHE", str(tmp_path))
    for _ in range(2):  # converted, then from the cache
        assert import_map(NET).content_hash() == streets.city.content_hash()
    plain = tmp_path / "town.net.xml"
    plain.write_bytes(gzip.decompress(NET.read_bytes()))
    assert import_map(plain).content_hash() == streets.city.content_hash()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (gzip.decompress(NET.read_bytes())[:20_000], "torn or no network"),
        (NET.read_bytes()[:5_000], "torn or no network"),
        (b"<osm version='0.6'><node id='1' lat='1' lon='2'/></osm>", "no network of SUMO's"),
        (b"id,x,y\n1,2,3\n", "torn or no network"),
        (b"", "torn or no network"),
    ],
)
def test_torn_and_foreign_networks_are_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "town.net.xml"
    path.write_bytes(content)
    with pytest.raises(MapError, match=says):
        import_map(path)
