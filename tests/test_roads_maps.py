"""Street maps: what is drivable, one-way, named and lived on; every file kind; the cache; bad input."""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from simulator.errors import MapError
from simulator.roads import cache
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.roads.import_map import import_map
from simulator.roads.network import RoadClass
from simulator.roads.osm_land_use import use_of_tags
from simulator.roads.osm_read import is_drivable, read_osm, speed_limit_mps, way_direction
from simulator.roads.zones import main_class_at_node
from simulator.scenario_parts import Streets

osmium = pytest.importorskip("osmium")

TOWN = Path(__file__).parent / "data" / "small-town.osm"
MAPS = Path(__file__).resolve().parents[2] / "shared" / "maps"
# Of the town: spacing of its junctions, in degrees.
LON0, LAT0, STEP_LON, STEP_LAT = 16.0, 48.0, 0.0015, 0.001


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATETRAIL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def town() -> City:
    return import_map(TOWN, fewest_nodes=10, use_cache=False)


def at(city: City, column: float, row: float) -> int:
    """The node at a place of the town's grid."""
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", city.crs, always_xy=True).transform(
        LON0 + column * STEP_LON, LAT0 + row * STEP_LAT
    )
    distance = np.hypot(city.network.node_x_m - x, city.network.node_y_m - y)
    assert distance.min() < 1.0, f"no junction at {column}, {row}"
    return int(distance.argmin())


def edge(city: City, a: tuple[float, float], b: tuple[float, float]) -> int | None:
    """The edge between two places of the town's grid, or None."""
    tail, head = at(city, *a), at(city, *b)
    found = np.flatnonzero((city.network.edge_tail == tail) & (city.network.edge_head == head))
    return int(found[0]) if len(found) else None


def must(city: City, a: tuple[float, float], b: tuple[float, float]) -> int:
    found = edge(city, a, b)
    assert found is not None, f"no edge from {a} to {b}"
    return found


def test_the_town_has_its_junctions_and_is_whole(town: City) -> None:
    town.network.validate()
    # 12 of the grid, 3 of the roundabout (one is no junction), 2 road ends, 1 on the crescent.
    assert town.network.n_nodes == 18
    # Main 3, Church 3, North 3, verticals 4, Main to the roundabout 1, ends 2, crescent 2: both ways;
    # Mill 2, Bridge 2, the roundabout 3: one way.
    assert town.network.n_edges == 2 * 18 + 7
    assert town.name == "Small Town"
    assert town.crs == "EPSG:32633"  # 16 degrees east, north of the equator


def test_one_way_streets_have_no_way_back(town: City) -> None:
    assert edge(town, (0, 0), (0, 1)) is not None and edge(town, (0, 1), (0, 0)) is None
    # oneway=-1 runs against the drawing.
    assert edge(town, (3, 0), (3, 1)) is not None and edge(town, (3, 1), (3, 0)) is None
    assert edge(town, (0, 0), (1, 0)) is not None and edge(town, (1, 0), (0, 0)) is not None


def test_roundabouts_are_one_way_without_saying_so(town: City) -> None:
    ring = [(4, 0), (4.6, 0), (4.3, 0.3)]
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        assert edge(town, a, b) is not None
        assert edge(town, b, a) is None


def test_paths_alleys_and_private_streets_are_left_out(town: City) -> None:
    for a, b in [((0, 1), (1, 2)), ((1, 1), (0, 2)), ((2, 1), (3, 2))]:
        assert edge(town, a, b) is None and edge(town, b, a) is None


def test_streets_share_an_id_by_name_and_unnamed_ones_have_their_own(town: City) -> None:
    street = town.network.edge_street
    main = {int(street[must(town, (i, 0), (i + 1, 0))]) for i in range(4)}
    main |= {int(street[must(town, (i + 1, 0), (i, 0))]) for i in range(4)}
    assert len(main) == 1
    unnamed = [must(town, (1, 0), (1, 1)), must(town, (1, 1), (1, 2))]
    assert street[unnamed[0]] != street[unnamed[1]]
    assert street[unnamed[0]] == street[town.network.reverse_edge[unnamed[0]]]
    assert street[must(town, (0, 1), (1, 1))] not in main


def test_speeds_come_from_limits_or_from_their_class_elsewhere_in_the_map(town: City) -> None:
    speed = town.network.edge_speed_mps
    assert speed[must(town, (0, 0), (1, 0))] == pytest.approx(50 / 3.6)
    twenty_mph = 20 * 0.44704
    assert speed[must(town, (1, 2), (2, 2))] == pytest.approx(twenty_mph)
    # The only residential limit of the map serves its other residential streets.
    assert speed[must(town, (1, 1), (2, 1))] == pytest.approx(twenty_mph)


def test_lengths_follow_bends_and_the_projection_keeps_metres(town: City) -> None:
    network = town.network
    straight, bent = must(town, (1, 1), (2, 1)), must(town, (0, 1), (1, 1))
    metres = STEP_LON * 111_320 * np.cos(np.radians(48))
    assert network.edge_length_m[straight] == pytest.approx(metres, rel=2e-3)
    assert network.edge_length_m[bent] == pytest.approx(2 * np.hypot(metres / 2, 11.1), rel=3e-3)


def test_a_crescent_beside_a_street_keeps_its_frontage(town: City) -> None:
    network = town.network
    street = network.edge_street[must(town, (0, 2), (0.8, 2.5))]
    crescent = network.edge_street == street
    assert crescent.sum() == 4
    assert edge(town, (0, 2), (1, 2)) is not None
    assert network.edge_length_m[crescent].sum() > 2 * 111 * 1.2


def test_land_use_follows_tags(town: City) -> None:
    use = town.land_use
    # Apartments stand south of Church Lane: on the right of the way east.
    east, west = must(town, (0, 1), (1, 1)), must(town, (1, 1), (0, 1))
    assert use.residential[east] == pytest.approx(use.residential[west] + 60, rel=1e-4)
    # The bakery stands north of Main Street: on the right of the way west.
    west, east = must(town, (2, 0), (1, 0)), must(town, (1, 0), (2, 0))
    assert use.amenity[west] == pytest.approx(use.amenity[east] + 40, rel=1e-4)
    assert use.employment[west] == pytest.approx(use.employment[east] + 20, rel=1e-4)
    # The industrial area lies around the east of North Road.
    inside, outside = must(town, (2, 2), (3, 2)), must(town, (1, 2), (2, 2))
    assert use.employment[inside] > 4 * use.employment[outside]
    assert use.residential[inside] < 0.1 * use.residential[outside]


def test_a_shop_beyond_reach_of_any_street_counts_nowhere(town: City) -> None:
    by_class = {RoadClass.PRIMARY: 0.2, RoadClass.SECONDARY: 0.15, RoadClass.RESIDENTIAL: 0.02}
    network = town.network
    plain = sum(
        share * network.edge_length_m[network.edge_class == kind].sum() for kind, share in by_class.items()
    )
    inside = 2 * network.edge_length_m[must(town, (2, 2), (3, 2))] * 0.02  # halved by the industrial area
    assert town.land_use.amenity.sum() == pytest.approx(plain + 40 - 0.5 * inside, rel=1e-4)


def test_gateways_are_where_main_roads_end(town: City) -> None:
    assert at(town, 7, 0) in town.gateway_node
    assert at(town, 4.3, 2.5) in town.gateway_node


def test_every_file_kind_gives_the_same_city(town: City, tmp_path: Path) -> None:
    gz, pbf = tmp_path / "small-town.osm.gz", tmp_path / "small-town.osm.pbf"
    gz.write_bytes(gzip.compress(TOWN.read_bytes()))
    with osmium.SimpleWriter(str(pbf)) as writer:
        for thing in osmium.FileProcessor(str(TOWN)):
            writer.add(thing)
    for path in (gz, pbf):
        city = import_map(path, fewest_nodes=10, use_cache=False)
        assert city.content_hash() == town.content_hash()
        assert city.name == "Small Town"


@pytest.mark.parametrize("projected", [False, True])
def test_graphml_of_osmnx(town: City, tmp_path: Path, projected: bool) -> None:
    osmnx = pytest.importorskip("osmnx")
    graph = osmnx.graph_from_xml(TOWN, retain_all=True, simplify=False)
    closed = [
        (u, v, k)
        for u, v, k, d in graph.edges(keys=True, data=True)
        if d.get("highway") in (None, "footway", "service") or d.get("access") == "private"
    ]
    graph.remove_edges_from(closed)
    graph = osmnx.add_edge_speeds(osmnx.simplify_graph(graph))
    if projected:
        graph = osmnx.project_graph(graph)
    # A graph of all ways may hold some that are not for cars.
    one, two = list(graph.nodes)[:2]
    graph.add_edge(one, two, 9, highway="footway", length=1.0, osmid=9)
    osmnx.save_graphml(graph, tmp_path / "small-town.graphml")
    city = import_map(tmp_path / "small-town.graphml", fewest_nodes=10, use_cache=False)
    city.network.validate()
    assert city.crs == town.crs
    assert city.network.n_nodes == town.network.n_nodes
    assert city.network.n_edges == town.network.n_edges
    # osmnx measures great circles on a sphere, this program the projected line: within 0.5%.
    assert city.network.edge_length_m.sum() == pytest.approx(town.network.edge_length_m.sum(), rel=5e-3)
    assert edge(city, (0, 0), (0, 1)) is not None and edge(city, (0, 1), (0, 0)) is None
    street = city.network.edge_street
    assert street[must(city, (0, 0), (1, 0))] == street[must(city, (3, 0), (2, 0))]
    assert city.network.edge_speed_mps[must(city, (0, 0), (1, 0))] == pytest.approx(50 / 3.6, rel=0.01)


@pytest.mark.parametrize(
    ("tags", "drivable"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "motorway_link"}, True),
        ({"highway": "footway"}, False),
        ({"highway": "service"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "residential", "access": "private"}, False),
        ({"highway": "residential", "access": "no", "motor_vehicle": "destination"}, True),
        ({"highway": "residential", "motor_vehicle": "no"}, False),
        ({"highway": "residential", "motorcar": "no", "access": "yes"}, False),
        ({"highway": "residential", "area": "yes"}, False),
        ({"building": "yes"}, False),
    ],
)
def test_drivable(tags: dict[str, str], drivable: bool) -> None:
    assert is_drivable(tags) is drivable


@pytest.mark.parametrize(
    ("tags", "direction"),
    [
        ({}, 0),
        ({"oneway": "yes"}, 1),
        ({"oneway": "-1"}, -1),
        ({"oneway": "no", "junction": "roundabout"}, 0),
        ({"junction": "roundabout"}, 1),
        ({"highway": "motorway"}, 1),
        ({"highway": "motorway", "oneway": "no"}, 0),
        ({"oneway": "reversible"}, 0),
    ],
)
def test_direction(tags: dict[str, str], direction: int) -> None:
    assert way_direction(tags) == direction


@pytest.mark.parametrize(
    ("text", "mps"),
    [("50", 50 / 3.6), ("35 mph", 35 * 0.44704), ("30;50", 30 / 3.6), ("none", 0.0), ("walk", 0.0), ("", 0.0)]
    + [("50 km/h", 50 / 3.6), ("5000", 0.0), ("DE:urban", 0.0), ("50 knots", 0.0)],
)
def test_speed_limits(text: str, mps: float) -> None:
    assert speed_limit_mps(text) == pytest.approx(mps)


def test_worth_of_tagged_things() -> None:
    assert use_of_tags({"building": "house"})[0] > 0
    assert use_of_tags({"building": "yes", "shop": "bakery"})[0] == 0
    assert use_of_tags({"building": "garage"}) == (0, 0, 0)
    assert use_of_tags({"amenity": "bench"}) == (0, 0, 0)
    assert use_of_tags({"amenity": "hospital"})[1] > use_of_tags({"amenity": "cafe"})[1]


def test_a_kept_city_is_the_imported_one_and_needs_no_map_packages(tmp_path: Path) -> None:
    fresh = import_map(TOWN, fewest_nodes=10)
    kept = list((tmp_path / "cache").iterdir())
    assert len(kept) == 1 and kept[0].name.endswith(".city.npz")
    script = (
        "import sys; from pathlib import Path; from simulator.roads.import_map import import_map\n"
        f"city = import_map(Path({str(TOWN)!r}), fewest_nodes=10)\n"
        "assert not {'osmnx', 'osmium', 'geopandas', 'shapely', 'pyproj'} & set(sys.modules)\n"
        "print(city.content_hash(), city.crs, city.name)"
    )
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert out.split(maxsplit=2) == [fresh.content_hash(), fresh.crs, "Small Town\n"]


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_torn_kept_city_is_made_again(tmp_path: Path, damage: str) -> None:
    fresh = import_map(TOWN, fewest_nodes=10)
    (kept,) = (tmp_path / "cache").iterdir()
    whole = kept.read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 0xFF]) + whole[middle + 1 :]
    kept.write_bytes({"cut": whole[:middle], "flip": flipped, "empty": b""}[damage])
    assert cache.load_city(kept, "Small Town") is None
    assert import_map(TOWN, fewest_nodes=10).content_hash() == fresh.content_hash()
    assert cache.load_city(kept, "Small Town") is not None


def test_a_changed_map_is_not_taken_from_the_cache(tmp_path: Path) -> None:
    path = tmp_path / "town.osm"
    shutil.copy(TOWN, path)
    before = import_map(path, fewest_nodes=10)
    path.write_text(TOWN.read_text().replace('k="maxspeed" v="50"', 'k="maxspeed" v="30"'))
    after = import_map(path, fewest_nodes=10)
    assert after.network.edge_speed_mps.max() < before.network.edge_speed_mps.max()


def test_an_unwritable_cache_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("not a folder")
    monkeypatch.setenv("PLATETRAIL_CACHE", str(blocker / "cache"))
    assert import_map(TOWN, fewest_nodes=10).network.n_nodes == 18


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLATETRAIL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache.cache_folder() == Path("/somewhere/platetrail")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.cache_folder() == Path.home() / ".cache" / "platetrail"


OSM = '<?xml version="1.0"?>\n<osm version="0.6" generator="hand">{}</osm>\n'
TWO_NODES = '<node id="1" lon="1" lat="1" version="1"/><node id="2" lon="1.001" lat="1" version="1"/>'
WAY = '<way id="1" version="1"><nd ref="1"/><nd ref="2"/><tag k="highway" v="{}"/>{}</way>'


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("town.osm", OSM.format(TWO_NODES), "no drivable streets"),
        ("town.osm", OSM.format(TWO_NODES + WAY.format("footway", "")), "no drivable streets"),
        ("town.osm", OSM.format(WAY.format("primary", "")), "no drivable streets"),
        (
            "town.osm",
            OSM.format(TWO_NODES + WAY.format("primary", '<tag k="oneway" v="yes"/>')),
            "nothing to drive",
        ),
        ("town.osm", OSM.format(TWO_NODES + WAY.format("primary", "")), "2 junctions, fewer than the 50"),
        ("town.osm", OSM.format(TWO_NODES)[:60], "torn"),
        ("town.osm", "", "torn"),
        ("town.osm.gz", "this is not gzip", "torn"),
        ("town.osm.pbf", "this is not protobuf at all", "torn"),
        ("town.graphml", "<graphml><graph>", "torn"),
        (
            "town.graphml",
            '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns"/>',
            "torn",
        ),
        ("town.shp", "", r"no known map kind.*\.osm\.pbf"),
    ],
)
def test_bad_maps_get_a_message(tmp_path: Path, name: str, content: str, says: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(MapError, match=f"(?s){says}") as caught:
        import_map(path)
    assert str(path) in str(caught.value)


def test_a_torn_pbf_gets_a_message(tmp_path: Path) -> None:
    whole = tmp_path / "whole.osm.pbf"
    with osmium.SimpleWriter(str(whole)) as writer:
        for thing in osmium.FileProcessor(str(TOWN)):
            writer.add(thing)
    torn = tmp_path / "torn.osm.pbf"
    torn.write_bytes(whole.read_bytes()[:-40])
    with pytest.raises(MapError, match="torn"):
        import_map(torn)


def test_a_missing_map_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "columbus.osm.pbf").write_text("")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(MapError, match=r"There is no map file .*colombus.*holds columbus\.osm\.pbf\."):
        build_city(Streets(kind="map", map=tmp_path / "colombus.osm.pbf"), seed=1)
    with pytest.raises(MapError, match="does not exist either"):
        import_map(tmp_path / "no" / "columbus.osm.pbf")
    (tmp_path / "folder.osm").mkdir()
    with pytest.raises(MapError, match="cannot be read"):
        import_map(tmp_path / "folder.osm")


@pytest.mark.parametrize("name", ["town.osm", "town.graphml"])
def test_without_the_map_packages_the_message_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copy(TOWN, tmp_path / name)
    monkeypatch.setitem(sys.modules, "osmium", None)
    monkeypatch.setitem(sys.modules, "osmnx", None)
    with pytest.raises(MapError, match=r"pip install 'platetrail\[maps\]'"):
        import_map(tmp_path / name)


def test_ways_with_missing_nodes_are_cut_there(tmp_path: Path) -> None:
    text = TOWN.read_text()
    # Node 2 of Main Street is missing, as at the edge of an extract.
    cut = "\n".join(line for line in text.splitlines() if '<node id="2"' not in line)
    (tmp_path / "cut.osm").write_text(cut)
    runs = [way.nodes for way in read_osm(tmp_path / "cut.osm").ways if way.name == "Main Street"]
    assert runs == [[3, 4], [4, 20]]


@pytest.mark.parametrize(
    ("name", "nodes", "edges"),
    # Counts of another converter; that for Monaco was only "about 300 to 1,000".
    [("krems.osm.gz", 313, 624), ("andorra.osm.pbf", 1_231, 2_504), ("monaco.osm.pbf", None, None)],
)
def test_real_maps(name: str, nodes: int | None, edges: int | None) -> None:
    if not (MAPS / name).exists():
        pytest.skip("the big maps are not here")
    city = import_map(MAPS / name)
    city.network.validate()
    if nodes and edges:
        assert city.network.n_nodes == pytest.approx(nodes, rel=0.1)
        assert city.network.n_edges == pytest.approx(edges, rel=0.1)
    assert 4 <= len(city.gateway_node) <= 24
    assert (main_class_at_node(city.network)[city.gateway_node] <= RoadClass.SECONDARY).all()
    assert (city.network.edge_speed_mps > 3).all() and (city.network.edge_speed_mps < 42).all()
    for weight in (city.land_use.residential, city.land_use.employment, city.land_use.amenity):
        assert np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0


@pytest.mark.slow
def test_columbus() -> None:
    path = MAPS / "columbus.osm.pbf"
    if not path.exists():
        pytest.skip("the big maps are not here")
    city = import_map(path)
    city.network.validate()
    assert city.network.n_nodes == pytest.approx(14_091, rel=0.05)
    assert city.network.n_edges == pytest.approx(38_515, rel=0.05)
    assert import_map(path).content_hash() == city.content_hash()
