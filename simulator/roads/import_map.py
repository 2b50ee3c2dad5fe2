"""Real streets: OpenStreetMap files, osmnx's own graphs, and SUMO's networks, made into a city.

``.osm``, ``.osm.gz`` and ``.osm.pbf`` files are read with osmium, ``.graphml`` files with osmnx; both belong
to the optional extra ``maps``. ``.net.xml`` files are read with sumolib, of the extra ``sumo``. All are
imported only when a map is converted, not when a kept one is loaded.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from simulator.errors import MapError
from simulator.roads.assemble import SPEED_MPS, StreetPlan, assemble
from simulator.roads.cache import cache_file, load_city, save_city
from simulator.roads.city import City
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.roads.osm_land_use import land_use_from_tags
from simulator.roads.osm_read import Use, is_drivable, missing_extra, read_osm, road_class_of, speed_limit_mps
from simulator.roads.osm_streets import Piece, Project, plan_streets, street_pieces, without_parallels
from simulator.roads.zones import choose_gateways, main_class_at_node

SUMO_SUFFIXES = (".net.xml", ".net.xml.gz")
SUFFIXES = (".osm", ".osm.gz", ".osm.pbf", ".graphml", *SUMO_SUFFIXES)
FEWEST_NODES = 50


def import_map(path: Path, *, fewest_nodes: int = FEWEST_NODES, use_cache: bool = True) -> City:
    """Return the city of a street map: its largest strongly connected, drivable part.

    Parameters
    ----------
    path
        An ``.osm``, ``.osm.gz``, ``.osm.pbf``, (osmnx) ``.graphml`` or (SUMO) ``.net.xml`` file, the last
        perhaps packed with gzip.
    fewest_nodes
        Junctions that the connected part must have at least.
    use_cache
        Whether to load and keep the converted city in the cache folder.

    Raises
    ------
    MapError
        If the file is missing, torn, of an unknown kind, or holds no connected, drivable streets; or if the
        map packages are not installed.
    """
    suffix = _suffix(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MapError(f"There is no map file {path}.{near_files(path)}") from None
    except OSError as error:
        raise MapError(f"The map {path} cannot be read: {error.strerror or error}.") from None
    name = map_name(path)
    kept = cache_file(content, suffix)
    city = load_city(kept, name) if use_cache else None
    if city is None:
        city = _converted(path, suffix, name)
        if use_cache:
            save_city(city, kept)
    if city.network.n_nodes < fewest_nodes:
        raise MapError(
            f"The streets of {path} that connect with each other have {city.network.n_nodes} junctions, "
            f"fewer than the {fewest_nodes} a simulation needs. Take a larger extract."
        )
    return city


def map_name(path: Path) -> str:
    """Return what a map's city is called: its file's name without the ending."""
    return path.name[: -len(_suffix(path))].replace("-", " ").replace("_", " ").title() or path.name


def _converted(path: Path, suffix: str, name: str) -> City:
    if suffix in SUMO_SUFFIXES:
        from simulator.roads.sumo_net import read_sumo_net

        return read_sumo_net(path).city
    return _from_graphml(path, name) if suffix == ".graphml" else _from_osm(path, name)


def _suffix(path: Path) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.lower().endswith(suffix):
            return suffix
    raise MapError(f"{path} is of no known map kind. Give a file that ends in {', '.join(SUFFIXES)}.")


def near_files(path: Path) -> str:
    """A sentence with the nearest names in the file's folder."""
    if not path.parent.is_dir():
        return f" The folder {path.parent} does not exist either."
    names = sorted(p.name for p in path.parent.iterdir() if p.name.lower().endswith(SUFFIXES))
    near = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5) or names[:5]
    return f" That folder holds {', '.join(near)}." if near else " Its folder holds no map."


def _from_osm(path: Path, name: str) -> City:
    data = read_osm(path)
    if not data.ways:
        raise MapError(
            f"{path} holds no drivable streets: no way with a highway tag that is open to cars. "
            "Take an extract with streets in it."
        )
    pieces, places = street_pieces(data.ways)
    pieces = without_parallels(pieces, places)
    project, crs = _utm(np.array(list(places.values())))
    plan = plan_streets(pieces, places, project)
    return city_of_plan(path, name, crs, plan, data.uses, project)[0]


def city_of_plan(
    path: Path, name: str, crs: str, plan: StreetPlan, uses: Sequence[Use], project: Project
) -> tuple[City, NDArray[np.int64]]:
    """Return the city of a map's streets, and the plan's node of each of its nodes.

    Raises
    ------
    MapError
        If no street is left.
    """
    try:
        network, plan_node, _ = assemble(plan)
    except MapError as error:
        raise MapError(f"The streets of {path} cannot be used: {error}") from None
    city = City(
        name=name,
        network=network,
        land_use=land_use_from_tags(network, uses, project),
        gateway_node=choose_gateways(network, _cut_roads(network, plan, plan_node), spacing_share=0.015),
        crs=crs,
    )
    return city, plan_node


def _utm(lonlat: NDArray[np.float64]) -> tuple[Project, str]:
    """The projection of the UTM zone around the middle of the places."""
    from pyproj import Transformer

    lon, lat = (lonlat.min(axis=0) + lonlat.max(axis=0)) / 2
    zone = int((lon + 180) // 6) % 60 + 1
    crs = f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)

    def project(
        lon_deg: NDArray[np.float64], lat_deg: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x_m, y_m = transformer.transform(lon_deg, lat_deg)
        return np.asarray(x_m, dtype=np.float64), np.asarray(y_m, dtype=np.float64)

    return project, crs


def _cut_roads(network: RoadNetwork, plan: StreetPlan, plan_node: NDArray[np.int64]) -> NDArray[np.int64]:
    """Nodes where main roads leave: near the rim, or not far from it where the road goes on beyond."""
    xy = np.column_stack([network.node_x_m, network.node_y_m])
    main = main_class_at_node(network) <= RoadClass.SECONDARY
    try:
        # The rim of the main roads: a stray lane far outside must not push it away from them.
        hull = ConvexHull(xy[main] if main.sum() >= 8 else xy)
    except QhullError:  # fewer than three junctions, or all in a line
        return np.arange(len(xy))
    # Distance to the rim: the hull's half-planes have unit normals.
    inside_m = -(xy @ hull.equations[:, :2].T + hull.equations[:, 2]).max(axis=1)
    size_m = float(np.sqrt(hull.volume))
    kept = np.zeros(len(plan.x_m), bool)
    kept[plan_node] = True
    number = np.cumsum(kept) - 1
    leaving = np.zeros(network.n_nodes, bool)
    for near, far in ((plan.a, plan.b), (plan.b, plan.a)):
        out = kept[near] & ~kept[far] & (plan.road_class <= RoadClass.SECONDARY)
        leaving[number[near[out]]] = True
    degree = np.bincount(network.edge_tail, minlength=network.n_nodes)
    leaving |= main & (degree == 1)
    return np.flatnonzero((main & (inside_m < 0.02 * size_m)) | (leaving & (inside_m < 0.1 * size_m)))


def _from_graphml(path: Path, name: str) -> City:
    try:
        import osmnx
    except ImportError:
        raise MapError(missing_extra(path)) from None
    try:
        graph = osmnx.load_graphml(path)
        if graph.number_of_edges() and not graph.graph.get("simplified", False):
            graph = osmnx.simplify_graph(graph)
    except Exception as error:  # a torn file fails in many ways, deep in three libraries
        raise MapError(f"{path} is torn or not a graph saved by osmnx ({error}). Save it again.") from None
    if not graph.number_of_edges():
        raise MapError(f"{path} holds no drivable streets: the graph has no edges.")
    try:
        geographic = osmnx.projection.is_projected(graph.graph["crs"]) is False
        pieces, places = _graph_pieces(graph)
    except (KeyError, TypeError, ValueError) as error:
        raise MapError(f"{path} is not a street graph of osmnx: {error!r} is missing or wrong.") from None
    if not pieces:
        raise MapError(f"{path} holds no drivable streets: no edge has a highway value that is open to cars.")
    pieces = without_parallels(pieces, places)
    if geographic:
        project, crs = _utm(np.array(list(places.values())))
    else:
        project, crs = (lambda x, y: (x, y)), str(graph.graph["crs"]).upper()
    return city_of_plan(path, name, crs, plan_streets(pieces, places, project), [], project)[0]


def _graph_pieces(graph: Any) -> tuple[list[Piece], dict[int, tuple[float, float]]]:
    """Edges of an osmnx graph; the two directions of a street become one two-way piece."""
    places = {int(n): (float(d["x"]), float(d["y"])) for n, d in graph.nodes(data=True)}
    open_way: dict[tuple[int, int, float], list[Piece]] = {}
    pieces = []
    for u, v, d in sorted(graph.edges(data=True), key=lambda e: e[:2]):
        highways = [
            h
            for h in _listed(d.get("highway", ""))
            if is_drivable({"highway": h, "access": _listed(d.get("access", ""))[0]})
        ]
        if not highways:
            continue
        road_class = min(road_class_of(h) for h in highways)
        bends = list(d["geometry"].coords)[1:-1] if "geometry" in d else []
        limits = [s for s in map(speed_limit_mps, _listed(d.get("maxspeed", ""))) if s]
        speed = (
            float(d["speed_kph"]) / 3.6
            if "speed_kph" in d
            else limits[0]
            if limits
            else SPEED_MPS[road_class]
        )
        piece = Piece(
            a=int(u), b=int(v), bends=[(float(p[0]), float(p[1])) for p in bends], road_class=int(road_class),
            direction=1, speed_mps=speed, name=next(iter(_listed(d.get("name") or d.get("ref") or ""))),
        )  # fmt: skip
        length = round(float(d.get("length", 0.0)), 1)
        partners = open_way.get((piece.b, piece.a, length))
        if partners and not d.get("oneway", False):
            partners.pop().direction = 0
            continue
        open_way.setdefault((piece.a, piece.b, length), []).append(piece)
        pieces.append(piece)
    return pieces, places


def _listed(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
