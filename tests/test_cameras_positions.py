"""Imported reader positions: spellings of direction, snapping to streets, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from cameras_town import grid_town, town_volume
from hypothesis import given
from hypothesis import strategies as st

from simulator.cameras.direction import COMPASS, Facing, parse_direction
from simulator.cameras.placement import place_readers
from simulator.cameras.positions import read_positions, snap_readers
from simulator.errors import ReaderError
from simulator.roads.network import RoadNetwork
from simulator.scenario_parts import FixedReaders

CITY = grid_town()

GOOD = {
    "338": [(338, 0)],
    "0": [(0, 0)],
    "360": [(0, 0)],
    "12.5": [(12.5, 0)],
    "90°": [(90, 0)],
    " 45 ": [(45, 0)],
    "338-23": [(0.5, 45)],
    "90-270": [(180, 180)],
    "270-90": [(0, 180)],
    "0-360": [(180, 360)],
    "0-359": [(179.5, 359)],
    "350 - 10": [(0, 20)],
    "10–50": [(30, 40)],
    "E-W": [(180, 180)],
    "NNW": [(337.5, 0)],
    "nw": [(315, 0)],
    "90;270": [(90, 0), (270, 0)],
    "N; S": [(0, 0), (180, 0)],
    "90;": [(90, 0)],
    "338-23;180": [(0.5, 45), (180, 0)],
}
BAD = ["forward", "north", "361", "1e2", "nan", "-45", "90-", "1-2-3", "NNNW", "90,270", "x;90", ";", "90x"]


@pytest.mark.parametrize("text", GOOD)
def test_the_four_spellings(text: str) -> None:
    assert parse_direction(text) == tuple(Facing(centre_deg=c, width_deg=w) for c, w in GOOD[text])


@pytest.mark.parametrize("text", BAD)
def test_other_spellings_are_unreadable(text: str) -> None:
    with pytest.raises(ValueError, match="unreadable direction"):
        parse_direction(text)


@given(st.floats(0, 359.9))
def test_any_bearing_in_degrees(bearing: float) -> None:
    (facing,) = parse_direction(f"{bearing:.1f}")
    assert facing.width_deg == 0
    assert abs(facing.centre_deg - bearing) <= 0.051


@given(st.integers(0, 359), st.integers(0, 359))
def test_any_sector_runs_clockwise_from_its_start_to_its_end(start: int, end: int) -> None:
    (facing,) = parse_direction(f"{start}-{end}")
    assert 0 <= facing.width_deg < 360
    assert (facing.centre_deg - facing.width_deg / 2 - start) % 360 == 0
    assert (facing.centre_deg + facing.width_deg / 2 - end) % 360 == 0


@given(st.lists(st.sampled_from(COMPASS), min_size=1, max_size=4))
def test_any_list_of_compass_letters(names: list[str]) -> None:
    assert [f.centre_deg / 22.5 for f in parse_direction(";".join(names))] == [
        COMPASS.index(n) for n in names
    ]


def bent_network() -> RoadNetwork:
    """A street that runs east from (0, 0) and bends north at (100, 0); a one-way road far off."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    for node, (x, y) in enumerate([(0, 0), (100, 100), (1000, 0), (1000, 500)]):
        graph.add_node(node, x_m=float(x), y_m=float(y))
    bend = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]
    common = {"length_m": 220.0, "speed_mps": 10.0, "road_class": "residential"}
    graph.add_edge(0, 1, geometry=bend, **common)
    graph.add_edge(1, 0, geometry=bend[::-1], **common)
    graph.add_edge(2, 3, **common)
    return RoadNetwork.from_networkx(graph)


def snap(x: float, y: float, direction: str = "") -> tuple[int, int, float, bool]:
    network = bent_network()
    facings = [parse_direction(direction) if direction else ()]
    edge, offset, both = snap_readers(network, np.array([x]), np.array([y]), facings)
    if edge[0] < 0:
        return -1, -1, 0.0, False
    return (
        int(network.edge_tail[edge[0]]),
        int(network.edge_head[edge[0]]),
        float(offset[0]),
        bool(both[0]),
    )


@pytest.mark.parametrize(
    ("x", "y", "direction", "expected"),
    [
        # On the eastward arm, 30 of 200 drawn metres; the street is 220 m long.
        (30, 8, "", (0, 1, 33.0, True)),
        (30, 8, "E", (0, 1, 33.0, False)),
        (30, 8, "80", (0, 1, 33.0, False)),
        (30, 8, "270", (1, 0, 187.0, False)),
        (30, 8, "250-290", (1, 0, 187.0, False)),
        (30, 8, "90;270", (0, 1, 33.0, True)),
        (30, 8, "90;100", (0, 1, 33.0, False)),
        (30, 8, "0-180", (0, 1, 33.0, True)),
        # On the northward arm, where the street's local bearing counts and not that of its ends.
        (110, 50, "N", (0, 1, 165.0, False)),
        (110, 50, "S", (1, 0, 55.0, False)),
        # A one-way road has one direction to read.
        (990, 100, "", (2, 3, 44.0, False)),
        (990, 100, "S", (2, 3, 44.0, False)),
        # Near the bend, the arm along the view is preferred to the slightly nearer one across it.
        (90, 12, "N", (0, 1, 0.0, False)),
        (30, 59, "E", (0, 1, 33.0, False)),
        (30, 61, "E", (-1, -1, 0.0, False)),
    ],
)
def test_snapping_to_a_bent_street(
    x: float, y: float, direction: str, expected: tuple[int, int, float, bool]
) -> None:
    tail, head, offset_m, both = snap(x, y, direction)
    assert (tail, head, both) == (expected[0], expected[1], expected[3])
    if (x, y) == (90, 12):
        assert offset_m == pytest.approx(112 * 1.1)
    else:
        assert offset_m == pytest.approx(expected[2])


def geojson(path: Path, points: list[tuple[float, float, dict[str, Any]]], **members: Any) -> Path:
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [x, y]}, "properties": p}
        for x, y, p in points
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **members}))
    return path


METRES = {"platetrail:units": "m"}


def test_geojson_in_metres_for_a_generated_city(tmp_path: Path) -> None:
    points = [
        (300.0, 603.0, {"direction": 90, "operator": "sheriff"}),
        (301.0, 597.0, {"camera:direction": "W"}),
        (600.0, 100.0, {}),
    ]
    path = geojson(tmp_path / "r.geojson", points, **METRES)
    group = FixedReaders(kind="fixed", name="f", owner="city", placement="file", file=path)
    cameras = place_readers([group], city=CITY, edge_volume=town_volume(CITY), lot_places={}, seed=1)
    bearing = CITY.network.edge_bearing_deg(cameras.edge)
    assert bearing[:2].tolist() == [90, 270]
    np.testing.assert_allclose(cameras.offset_m[:2], [100, 99], atol=1e-9)
    assert cameras.both_directions.tolist() == [False, False, True]
    assert cameras.owners == ("sheriff", "city")
    assert cameras.owner.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(cameras.y_m, [603, 597, 100])
    # With a count, some of them are drawn, each keeping the stream of its number in the file.
    some = group.model_copy(update={"count": 2})
    drawn = place_readers([some], city=CITY, edge_volume=town_volume(CITY), lot_places={}, seed=1)
    assert drawn.n_cameras == 2
    assert set(drawn.key) < set(cameras.key)
    with pytest.raises(ReaderError, match=r"asks for 4 readers, but .* holds only 3"):
        place_readers(
            [group.model_copy(update={"count": 4})],
            city=CITY,
            edge_volume=town_volume(CITY),
            lot_places={},
            seed=1,
        )


def globe_town() -> tuple[Any, Any]:
    """The grid put at 83 degrees west, 40 north, and a function from its metres to lon, lat."""
    pyproj = pytest.importorskip("pyproj")
    city = grid_town(crs="EPSG:32617")
    east, north = pyproj.Transformer.from_crs("EPSG:4326", city.crs, always_xy=True).transform(-83.0, 40.0)
    for name, by in [
        ("node_x_m", east),
        ("geometry_x_m", east),
        ("node_y_m", north),
        ("geometry_y_m", north),
    ]:
        getattr(city.network, name)[:] += by
    back = pyproj.Transformer.from_crs(city.crs, "EPSG:4326", always_xy=True)
    return city, lambda x, y: back.transform(x + east, y + north)


def test_geojson_by_longitude_and_latitude(tmp_path: Path) -> None:
    city, lonlat = globe_town()
    path = geojson(tmp_path / "r.json", [(*lonlat(300, 603), {"direction": "90"})])
    found = read_positions(path, city=city)
    assert city.network.edge_bearing_deg(found.edge)[0] == pytest.approx(90)
    assert found.offset_m[0] == pytest.approx(100, abs=0.01)


def osm(path: Path, nodes: list[tuple[float, float, dict[str, str]]]) -> Path:
    rows = []
    for i, (lon, lat, tags) in enumerate(nodes, start=1):
        inner = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in tags.items())
        rows.append(f'<node id="{i}" version="1" lat="{lat}" lon="{lon}">{inner}</node>')
    path.write_text('<osm version="0.6">' + "".join(rows) + "</osm>")
    return path


ALPR = {"man_made": "surveillance", "surveillance:type": "ALPR"}


def test_osm_nodes_that_are_plate_readers(tmp_path: Path) -> None:
    pytest.importorskip("osmium")
    city, lonlat = globe_town()
    path = osm(
        tmp_path / "r.osm",
        [
            (*lonlat(300, 603), {**ALPR, "direction": "248-292", "operator": "sheriff"}),
            (*lonlat(300, 603), {"man_made": "surveillance", "surveillance:type": "camera"}),
            (*lonlat(300, 603), {"surveillance:type": "ALPR"}),
            (*lonlat(600, 100), {**ALPR, "camera:direction": "N;S"}),
        ],
    )
    found = read_positions(path, city=city)
    assert found.owner == ("sheriff", None)
    assert city.network.edge_bearing_deg(found.edge)[0] == pytest.approx(270)
    assert found.both_directions.tolist() == [False, True]
    with pytest.raises(ReaderError, match=r"node 1 has direction 'sideways'.*338-23"):
        read_positions(osm(path, [(*lonlat(300, 603), {**ALPR, "direction": "sideways"})]), city=city)
    with pytest.raises(ReaderError, match="holds no readers"):
        read_positions(osm(path, [(*lonlat(300, 603), {})]), city=city)
    path.write_text("<osm><node")
    with pytest.raises(ReaderError, match="torn or not an OSM file"):
        read_positions(path, city=city)


def test_readers_outside_the_map_are_counted_and_shown(tmp_path: Path) -> None:
    points = [(300.0, 603.0, {}), *[(5000.0 + i, 300.0, {"id": f"p{i}"}) for i in range(5)]]
    with pytest.raises(ReaderError) as error:
        read_positions(geojson(tmp_path / "r.geojson", points, **METRES), city=CITY)
    message = str(error.value)
    assert "5 of 6 readers stand further than 60 m from every street of 'grid'" in message
    assert "feature 1 (id p0) at 5000, 300; feature 2 (id p1) at 5001, 300; feature 3 (id p2)" in message
    assert "p3" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"features": [\n{]}', "is not GeoJSON: .* in line 2"),
        ("[]", "not a GeoJSON FeatureCollection"),
        (
            '{"features": [{"geometry": {"type": "LineString", "coordinates": []}}]}',
            "feature 0 is not a point",
        ),
        ('{"features": [{"geometry": {"type": "Point", "coordinates": [1]}}]}', "feature 0 is not a point"),
        ('{"features": [7]}', "feature 0 is not a point"),
        ('{"features": [], "platetrail:units": "feet"}', "'platetrail:units' is 'feet'"),
        ('{"features": []}', "lies nowhere on the globe"),
        (
            '{"platetrail:units": "m", "features": [{"properties": {"direction": "up"}, '
            '"geometry": {"type": "Point", "coordinates": [0, 0]}}]}',
            "1 unreadable direction: feature 0 has direction 'up'.*NNW",
        ),
    ],
)
def test_unusable_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.geojson"
    path.write_text(text)
    with pytest.raises(ReaderError, match=message):
        read_positions(path, city=CITY)


def test_a_missing_file_is_named_and_an_empty_one_is_a_run_without_readers(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"There is no file .*none\.geojson"):
        read_positions(tmp_path / "none.geojson", city=CITY)
    assert len(read_positions(geojson(tmp_path / "r.geojson", [], **METRES), city=CITY).edge) == 0
