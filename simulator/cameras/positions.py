"""Reader positions from GeoJSON and OpenStreetMap files, put onto the streets of a city."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.cameras.direction import SPELLINGS, Facing, parse_direction
from simulator.errors import ReaderError
from simulator.roads.city import City
from simulator.roads.network import RoadNetwork

SNAP_M = 60.0
_UNITS_KEY = "platetrail:units"
_DIRECTION_KEYS = ("direction", "camera:direction")
_OSM_ENDINGS = (".osm", ".osm.gz", ".osm.bz2", ".osm.pbf")
# How many metres nearer a street across the reader's view must be to be taken before one along it.
_ACROSS_M = 30.0


@dataclass(frozen=True, kw_only=True, eq=False)
class ReaderPositions:
    """Imported readers on their streets; arrays of shape (n_readers,), in the order of the file.

    Parameters
    ----------
    edge, offset_m
        The directed edge whose cars are read, and where on it.
    both_directions
        Whether the opposite direction is read, too.
    x_m, y_m
        Where the reader itself stands, metres.
    owner
        The operator named in the file, or None.
    """

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    both_directions: NDArray[np.bool_]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    owner: tuple[str | None, ...]


@dataclass(frozen=True, kw_only=True)
class _Item:
    label: str
    x: float
    y: float
    direction: str | None
    operator: str | None


def read_positions(path: Path, *, city: City) -> ReaderPositions:
    """Read reader positions and put each on the nearest street.

    A reader without ``direction`` reads both directions. One that faces a bearing reads the cars that drive
    that way, whose rear plates it sees; bearings in both directions of a street, or a sector of 180 degrees
    or more, make it read both. On a one-way street it reads what there is. At a junction a street along the
    reader's view is preferred to one across it.

    Parameters
    ----------
    path
        GeoJSON (a FeatureCollection of points with optional properties ``direction`` and ``operator``), or
        OpenStreetMap data (.osm, .osm.gz, .osm.pbf), of which nodes with ``man_made=surveillance`` and
        ``surveillance:type=ALPR`` are taken. Coordinates are longitude and latitude; a FeatureCollection
        with the member ``"platetrail:units": "m"`` has metres of the city's plane instead.
    city
        The streets, and the coordinate reference system of their metres.

    Raises
    ------
    ReaderError
        If the file cannot be read, a ``direction`` is unreadable, or a reader stands further than 60 m from
        every street.
    """
    if not path.is_file():
        raise ReaderError(f"There is no file {path} of reader positions; give a GeoJSON or OSM file.")
    if path.name.lower().endswith(_OSM_ENDINGS):
        items, in_metres = _osm_items(path), False
    else:
        items, in_metres = _geojson_items(path)
    facings = _facings(path, items)
    x = np.array([item.x for item in items], dtype=np.float64)
    y = np.array([item.y for item in items], dtype=np.float64)
    if not in_metres:
        x, y = _projected(path, x, y, city)
    edge, offset, both = snap_readers(city.network, x, y, facings)
    outside = np.flatnonzero(edge < 0)
    if len(outside):
        unit = "m" if in_metres else "longitude, latitude"
        places = [f"{items[i].label} at {items[i].x:.9g}, {items[i].y:.9g}" for i in outside[:3]]
        shown = "; ".join(places) + ("; ..." if len(outside) > 3 else "")
        raise ReaderError(
            f"{path}: {len(outside)} of {len(items)} readers stand further than {SNAP_M:g} m from every "
            f"street of '{city.name}' ({unit}): {shown}. Cut the file to the map's area, use a map that "
            "covers the readers, and check that longitude comes before latitude."
        )
    return ReaderPositions(
        edge=edge,
        offset_m=offset,
        both_directions=both,
        x_m=x,
        y_m=y,
        owner=tuple(item.operator for item in items),
    )


def snap_readers(
    network: RoadNetwork,
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    facings: list[tuple[Facing, ...]],
) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.bool_]]:
    """Return edge (-1: none within 60 m), offset_m and both_directions of each reader.

    Parameters
    ----------
    network
        The streets.
    x_m, y_m
        Where the readers stand, shape (n_readers,).
    facings
        Where each of them looks; an empty tuple if unknown.
    """
    piece = _Pieces(network)
    n = len(x_m)
    edge, offset = np.full(n, -1, np.int32), np.zeros(n)
    both = np.zeros(n, np.bool_)
    for i in range(n):
        near, away_m, part = piece.near(x_m[i], y_m[i])
        if len(near) == 0:
            continue
        bearing = piece.bearing_deg[near]
        cost = away_m.copy()
        if facings[i]:
            turn = np.radians([[f.centre_deg - b for f in facings[i]] for b in bearing])
            cost += _ACROSS_M * np.abs(np.sin(turn)).min(axis=1)
        best = int(np.argmin(cost))
        at = near[best]
        forward = int(piece.edge[at])
        back = int(network.reverse_edge[forward])
        along = (piece.start_m[at] + part[best] * piece.length_m[at]) / piece.drawn_m[at]
        ways = {way for f in facings[i] for way in _ways(f, float(bearing[best]))} or {1, -1}
        chosen = back if ways == {-1} and back >= 0 else forward
        both[i] = len(ways) == 2 and back >= 0
        edge[i] = chosen
        offset[i] = network.edge_length_m[chosen] * (along if chosen == forward else 1.0 - along)
    return edge, offset, both


def _ways(facing: Facing, bearing_deg: float) -> tuple[int, ...]:
    """Along the street (1), against it (-1), or both, for a street of some bearing."""
    if facing.width_deg >= 180.0:
        return 1, -1
    turn = (facing.centre_deg - bearing_deg + 180.0) % 360.0 - 180.0
    return (1,) if abs(turn) <= 90.0 else (-1,)


class _Pieces:
    """The straight pieces of all street segments, one direction of each."""

    def __init__(self, network: RoadNetwork) -> None:
        point_edge = np.repeat(np.arange(network.n_edges), np.diff(network.geometry_indptr))
        x, y = network.geometry_x_m, network.geometry_y_m
        kept = (network.reverse_edge < 0) | (np.arange(network.n_edges) < network.reverse_edge)
        first = np.flatnonzero((point_edge[:-1] == point_edge[1:]) & kept[point_edge[:-1]])
        self.edge = point_edge[first]
        self.x, self.y = x[first], y[first]
        self.dx, self.dy = x[first + 1] - self.x, y[first + 1] - self.y
        self.length_m = np.hypot(self.dx, self.dy)
        drawn = np.bincount(self.edge, self.length_m, minlength=network.n_edges)
        self.drawn_m = np.maximum(drawn[self.edge], 1e-9)
        run = np.cumsum(self.length_m) - self.length_m
        is_first = np.concatenate([[True], self.edge[1:] != self.edge[:-1]])
        self.start_m = run - run[np.maximum.accumulate(np.where(is_first, np.arange(len(run)), 0))]
        self.bearing_deg = np.degrees(np.arctan2(self.dx, self.dy)) % 360.0

    def near(
        self, x_m: float, y_m: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Pieces within reach: their numbers, distances, and the part of each before the nearest point."""
        rx, ry = x_m - self.x, y_m - self.y
        squared = np.where(self.length_m > 0, self.length_m**2, 1.0)
        with np.errstate(invalid="ignore"):
            part = np.clip((rx * self.dx + ry * self.dy) / squared, 0.0, 1.0)
            away = np.hypot(rx - part * self.dx, ry - part * self.dy)
            within = np.flatnonzero(away <= SNAP_M)
        return within, away[within], part[within]


def _facings(path: Path, items: list[_Item]) -> list[tuple[Facing, ...]]:
    facings: list[tuple[Facing, ...]] = []
    unreadable = []
    for item in items:
        try:
            facings.append(parse_direction(item.direction) if item.direction else ())
        except ValueError:
            unreadable.append(f"{item.label} has direction '{item.direction}'")
    if unreadable:
        shown = "; ".join(unreadable[:3]) + ("; ..." if len(unreadable) > 3 else "")
        raise ReaderError(
            f"{path}: {len(unreadable)} unreadable direction{'s' * (len(unreadable) > 1)}: {shown}. "
            f"Write {SPELLINGS}, or leave it out for a reader of both directions."
        )
    return facings


def _geojson_items(path: Path) -> tuple[list[_Item], bool]:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise ReaderError(
            f"{path} is not GeoJSON: {error.msg} in line {error.lineno}; mend it, or give an OSM file."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ReaderError(f"{path} cannot be read as GeoJSON: {error}.") from None
    if not isinstance(data, dict) or not isinstance(data.get("features"), list):
        raise ReaderError(f"{path} is not a GeoJSON FeatureCollection; give one whose features are points.")
    units = data.get(_UNITS_KEY, "degrees")
    if units not in ("m", "degrees"):
        raise ReaderError(f"{path}: '{_UNITS_KEY}' is {units!r}; write \"m\", or leave it out for degrees.")
    return [_geojson_item(path, i, feature) for i, feature in enumerate(data["features"])], units == "m"


def _geojson_item(path: Path, index: int, feature: Any) -> _Item:
    feature = feature if isinstance(feature, dict) else {}
    properties = feature.get("properties") or {}
    geometry = feature.get("geometry") or {}
    name = feature.get("id", properties.get("id", properties.get("@id")))
    label = f"feature {index}" + (f" (id {name})" if name is not None else "")
    try:
        if geometry["type"] != "Point":
            raise ValueError(geometry["type"])
        x, y = (float(value) for value in geometry["coordinates"][:2])
    except (KeyError, TypeError, ValueError):
        raise ReaderError(
            f"{path}: {label} is not a point with two coordinates; give each reader as a Point."
        ) from None
    return _Item(label=label, x=x, y=y, **_tags(properties))


def _tags(tags: Any) -> dict[str, str | None]:
    values = [tags.get(key) for key in _DIRECTION_KEYS]
    direction = next((str(v).strip() for v in values if v is not None and str(v).strip()), None)
    operator = tags.get("operator")
    return {"direction": direction, "operator": str(operator).strip() or None if operator else None}


def _osm_items(path: Path) -> list[_Item]:
    try:
        import osmium
    except ImportError:
        raise ReaderError(
            f"Reading {path} needs osmium; install platetrail with its 'maps' extra: "
            "pip install 'platetrail[maps]'."
        ) from None
    items = []
    try:
        nodes = osmium.FileProcessor(str(path), osmium.osm.NODE).with_filter(
            osmium.filter.TagFilter(("surveillance:type", "ALPR"))
        )
        for node in nodes:
            if not isinstance(node, osmium.osm.Node) or node.tags.get("man_made") != "surveillance":
                continue
            items.append(
                _Item(label=f"node {node.id}", x=node.location.lon, y=node.location.lat, **_tags(node.tags))
            )
    except (RuntimeError, osmium.InvalidLocationError) as error:
        raise ReaderError(f"{path} is torn or not an OSM file: {error}; fetch it again.") from None
    if not items:
        raise ReaderError(
            f"{path} holds no readers: no node has both man_made=surveillance and surveillance:type=ALPR. "
            "Give another file, or another placement such as volume."
        )
    return items


def _projected(
    path: Path, x: NDArray[np.float64], y: NDArray[np.float64], city: City
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not city.crs:
        raise ReaderError(
            f"{path} gives readers by longitude and latitude, but '{city.name}' is a generated city that "
            f'lies nowhere on the globe; add the member "{_UNITS_KEY}": "m" to the FeatureCollection and '
            "give metres, or use real streets."
        )
    try:
        from pyproj import Transformer
    except ImportError:
        raise ReaderError(
            f"Putting {path} onto the map needs pyproj; install platetrail with its 'maps' extra: "
            "pip install 'platetrail[maps]'."
        ) from None
    transformer = Transformer.from_crs("EPSG:4326", city.crs, always_xy=True)
    east, north = transformer.transform(x, y)
    return np.asarray(east, np.float64), np.asarray(north, np.float64)
