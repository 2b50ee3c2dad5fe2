"""Reading OpenStreetMap files: drivable ways, and tagged things that tell how land is used.

Needs the optional package osmium (extra ``maps``), imported when the first file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simulator.errors import MapError
from simulator.roads.network import RoadClass

_CLASS = {
    "motorway": RoadClass.MOTORWAY,
    "trunk": RoadClass.TRUNK,
    "primary": RoadClass.PRIMARY,
    "secondary": RoadClass.SECONDARY,
    "tertiary": RoadClass.TERTIARY,
    "unclassified": RoadClass.RESIDENTIAL,
    "residential": RoadClass.RESIDENTIAL,
    "living_street": RoadClass.RESIDENTIAL,
    "road": RoadClass.RESIDENTIAL,
    "motorway_link": RoadClass.LINK,
    "trunk_link": RoadClass.LINK,
    "primary_link": RoadClass.LINK,
    "secondary_link": RoadClass.LINK,
    "tertiary_link": RoadClass.TERTIARY,
}
_MPS_PER_KMH, _MPS_PER_MPH = 1 / 3.6, 0.44704
_NO_ENTRY = frozenset({"no", "private", "agricultural", "forestry", "emergency"})
_ENTRY = frozenset({"yes", "permissive", "designated", "destination", "permit", "customers"})
_USE_KEYS = ("landuse", "building", "amenity", "shop", "office")
_READ_KEYS = ("highway", *_USE_KEYS)

LonLat = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Way:
    """A drivable way: its node ids with places in the direction drawn, and what its tags say.

    ``direction`` is 0 for both, 1 along the drawing, -1 against it; ``speed_mps`` is 0 where no limit is
    tagged.
    """

    nodes: list[int]
    places: list[LonLat]
    road_class: RoadClass
    highway: str
    direction: int
    speed_mps: float
    name: str


@dataclass(frozen=True, kw_only=True)
class Use:
    """A tagged thing: a point (one place) or, for ``landuse``, an area's outline."""

    tags: dict[str, str]
    places: list[LonLat]


@dataclass(kw_only=True)
class OsmData:
    """What :func:`read_osm` found."""

    ways: list[Way] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)


def read_osm(path: Path) -> OsmData:
    """Read the drivable ways and the land use of an ``.osm``, ``.osm.gz`` or ``.osm.pbf`` file.

    Raises
    ------
    MapError
        If osmium is not installed or the file is torn.
    """
    try:
        import osmium
    except ImportError:
        raise MapError(missing_extra(path)) from None
    data = OsmData()
    try:
        objects = (
            osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY)
            .with_locations()
            .with_filter(osmium.filter.KeyFilter(*_READ_KEYS))
        )
        thing: Any
        for thing in objects:
            tags = {tag.k: tag.v for tag in thing.tags}
            if thing.is_node():
                tags.pop("landuse", None)  # land use is of areas; a point of it says nothing
                if thing.location.valid() and any(key in tags for key in _USE_KEYS):
                    place = (thing.location.lon, thing.location.lat)
                    data.uses.append(Use(tags=tags, places=[place]))
            elif "highway" in tags:
                data.ways.extend(_ways(thing, tags))
            elif thing.is_closed():
                _add_area(data, thing, tags)
    except RuntimeError as error:
        raise MapError(
            f"{path} is torn or not an OpenStreetMap file ({str(error).strip()}). Fetch or export it again."
        ) from None
    return data


def missing_extra(path: Path) -> str:
    """Return the message for a missing optional package."""
    return f"Reading {path} needs the map packages. Install them with: pip install 'platetrail[maps]'"


def is_drivable(tags: Mapping[str, str]) -> bool:
    """Tell whether private cars may use a way: a public street, not closed to motor vehicles."""
    if tags.get("highway") not in _CLASS or tags.get("area") == "yes":
        return False
    # The most specific key decides: motorcar, then motor vehicles, then vehicles, then anyone.
    for key in ("motorcar", "motor_vehicle", "vehicle", "access"):
        if tags.get(key) in _ENTRY:
            return True
        if tags.get(key) in _NO_ENTRY:
            return False
    return True


def way_direction(tags: Mapping[str, str]) -> int:
    """Return 1 or -1 for a one-way street along or against its drawing, 0 for a two-way one."""
    oneway = tags.get("oneway", "")
    if oneway in ("yes", "true", "1"):
        return 1
    if oneway in ("-1", "reverse"):
        return -1
    if oneway in ("no", "false", "0", "reversible", "alternating"):
        return 0
    implied = tags.get("junction") in ("roundabout", "circular") or tags.get("highway") == "motorway"
    return int(implied)


def speed_limit_mps(text: str) -> float:
    """Return a ``maxspeed`` value in metres a second, or 0 where it is none ("50", "35 mph", "50;30")."""
    found = re.match(r"\s*(\d+(?:\.\d+)?)\s*(mph|km/h|kmh|kph|)\s*(?:$|[;|,])", text)
    if not found:
        return 0.0
    value = float(found[1]) * (_MPS_PER_MPH if found[2] == "mph" else _MPS_PER_KMH)
    return value if 1.0 <= value <= 45.0 else 0.0


def road_class_of(highway: str) -> RoadClass:
    """Return the class of a ``highway`` value; residential for an unknown one."""
    return _CLASS.get(highway, RoadClass.RESIDENTIAL)


def _ways(way: Any, tags: dict[str, str]) -> Iterable[Way]:
    """The way in one piece, or in several where an extract lacks some of its nodes."""
    if not is_drivable(tags):
        return
    nodes: list[int] = []
    places: list[LonLat] = []
    runs = []
    for node in way.nodes:
        if not node.location.valid():
            runs.append((nodes, places))
            nodes, places = [], []
        elif not nodes or node.ref != nodes[-1]:
            nodes.append(node.ref)
            places.append((node.location.lon, node.location.lat))
    for run_nodes, run_places in [*runs, (nodes, places)]:
        if len(run_nodes) > 1:
            yield Way(
                nodes=run_nodes,
                places=run_places,
                road_class=_CLASS[tags["highway"]],
                highway=tags["highway"],
                direction=way_direction(tags),
                speed_mps=speed_limit_mps(tags.get("maxspeed", "")),
                name=tags.get("name") or tags.get("ref", ""),
            )


def _add_area(data: OsmData, way: Any, tags: dict[str, str]) -> None:
    ring = [(n.location.lon, n.location.lat) for n in way.nodes if n.location.valid()]
    if len(ring) < 4:
        return
    if "landuse" in tags:
        data.uses.append(Use(tags={"landuse": tags["landuse"]}, places=ring))
    rest = {key: value for key, value in tags.items() if key != "landuse"}
    if any(key in rest for key in _USE_KEYS):
        middle = (
            sum(p[0] for p in ring[1:]) / (len(ring) - 1),
            sum(p[1] for p in ring[1:]) / (len(ring) - 1),
        )
        data.uses.append(Use(tags=rest, places=[middle]))
