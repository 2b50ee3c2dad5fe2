"""Land use of a real map: tagged areas and things, put on the streets they lie at.

Weights are in metres of frontage: a street's own length counts by its class and by the tagged area it lies
in, and each building, shop or office adds the frontage it is worth to the nearest side of a street.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.roads.city import LandUse
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.roads.osm_read import Use
from simulator.roads.osm_streets import Project

REACH_M = 150.0
_SAMPLE_M = 20.0

#: Share of a street's length that counts for homes, work and amenities, by class, where no area is tagged.
_BY_CLASS = np.array(
    [
        (0, 0, 0),
        (0, 0.05, 0),
        (0.15, 0.3, 0.2),
        (0.35, 0.25, 0.15),
        (0.7, 0.12, 0.06),
        (1, 0.05, 0.02),
        (0, 0, 0),
    ]
)
#: Factors of a tagged area on homes, work and amenities; the last of several areas that hold a street counts.
_BY_AREA: dict[str, tuple[float, float, float]] = {
    "residential": (1.3, 0.6, 0.8),
    "commercial": (0.15, 10.0, 5.0),
    "retail": (0.15, 6.0, 12.0),
    "industrial": (0.03, 8.0, 0.5),
    "railway": (0.0, 1.0, 0.0),
    "port": (0.0, 5.0, 0.3),
    "military": (0.1, 2.0, 0.1),
    "institutional": (0.2, 6.0, 2.0),
    "education": (0.2, 6.0, 2.0),
    "religious": (0.2, 1.0, 4.0),
    "cemetery": (0.0, 0.1, 0.1),
    "recreation_ground": (0.05, 0.3, 2.0),
}
_OPEN_LAND = {
    "forest",
    "farmland",
    "meadow",
    "grass",
    "orchard",
    "vineyard",
    "farmyard",
    "quarry",
    "landfill",
    "basin",
    "reservoir",
    "allotments",
}
_OPEN_LAND_FACTOR = (0.1, 0.2, 0.2)
_HOME_M = {
    "apartments": 60.0,
    "dormitory": 60.0,
    "terrace": 40.0,
    "house": 15.0,
    "residential": 15.0,
    "detached": 15.0,
    "semidetached_house": 15.0,
    "bungalow": 15.0,
    "cabin": 15.0,
    "static_caravan": 15.0,
    "farm": 10.0,
    "yes": 10.0,
}
_WORK_M = {
    "office": 60.0,
    "commercial": 40.0,
    "industrial": 60.0,
    "warehouse": 40.0,
    "retail": 25.0,
    "hospital": 150.0,
    "school": 40.0,
    "university": 80.0,
    "public": 40.0,
    "government": 60.0,
    "hotel": 40.0,
}
_AMENITY_WORK_M = {
    "hospital": 150.0,
    "university": 80.0,
    "college": 60.0,
    "school": 40.0,
    "clinic": 30.0,
    "townhall": 60.0,
    "police": 30.0,
}
_NO_DESTINATION = {
    "parking",
    "parking_space",
    "parking_entrance",
    "bench",
    "waste_basket",
    "bicycle_parking",
    "post_box",
    "telephone",
    "recycling",
    "drinking_water",
    "fountain",
    "toilets",
    "shelter",
    "vending_machine",
    "grit_bin",
    "hunting_stand",
    "atm",
    "clock",
    "charging_station",
}


def use_of_tags(tags: Mapping[str, str]) -> tuple[float, float, float]:
    """Return what a tagged point or building is worth for homes, work and amenities, metres of frontage."""
    home = work = amenity = 0.0
    if "shop" in tags and tags["shop"] != "vacant":
        work, amenity = work + 20.0, amenity + 40.0
    if "office" in tags:
        work += 40.0
    kind = tags.get("amenity", "")
    if kind and kind not in _NO_DESTINATION:
        work, amenity = work + _AMENITY_WORK_M.get(kind, 12.0), amenity + 25.0
    building = tags.get("building", "no")
    work += _WORK_M.get(building, 0.0) if not work else 0.0
    if building == "retail" and not amenity:
        amenity += 40.0
    if building in _HOME_M and not (building == "yes" and (work or amenity)):
        home += _HOME_M[building]
    return home, work, amenity


def land_use_from_tags(network: RoadNetwork, uses: Sequence[Use], project: Project) -> LandUse:
    """Return the weights of each directed edge.

    Parameters
    ----------
    network
        The streets.
    uses
        Tagged points, buildings (their middles) and land-use outlines.
    project
        From longitudes and latitudes to the network's metres.
    """
    weight = _BY_CLASS[network.edge_class] * network.edge_length_m[:, None]
    weight *= _area_factors(network, uses, project)
    points = [
        (use.places[0], worth)
        for use in uses
        if "landuse" not in use.tags
        for worth in [use_of_tags(use.tags)]
    ]
    points = [(place, worth) for place, worth in points if any(worth)]
    allowed = np.flatnonzero(
        (network.edge_class >= RoadClass.PRIMARY) & (network.edge_class <= RoadClass.RESIDENTIAL)
    )
    if points and len(allowed):
        lonlat = np.array([place for place, _ in points])
        x_m, y_m = project(lonlat[:, 0], lonlat[:, 1])
        edge = nearest_side(network, allowed, x_m, y_m)
        at = edge >= 0
        worth = np.array([w for _, w in points])
        for k in range(3):
            weight[:, k] += np.bincount(edge[at], worth[at, k], network.n_edges)
    if not weight[:, 0].any():
        weight[:, 0] = network.edge_length_m
    residential, employment, amenity = weight.T.astype(np.float32)
    return LandUse(
        residential=np.ascontiguousarray(residential),
        employment=np.ascontiguousarray(employment),
        amenity=np.ascontiguousarray(amenity),
    )


def nearest_side(
    network: RoadNetwork, allowed: NDArray[np.integer], x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return the directed edge of the nearest street that has each point on its right, or -1 beyond reach.

    On a one-way street both sides belong to its only edge.
    """
    count = np.maximum(np.ceil(network.edge_length_m[allowed] / _SAMPLE_M).astype(np.int64), 1)
    edge = np.repeat(allowed.astype(np.int64), count)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
    length_m = network.edge_length_m[edge]
    offset_m = (within + 0.5) * length_m / np.repeat(count, count)
    px, py = network.point_along(edge, offset_m)
    distance_m, at = cKDTree(np.column_stack([px, py])).query(
        np.column_stack([x_m, y_m]), distance_upper_bound=REACH_M
    )
    found = np.isfinite(distance_m)
    at = np.where(found, at, 0)
    best = edge[at]
    ahead_x, ahead_y = network.point_along(best, np.minimum(offset_m[at] + 2.0, length_m[at]))
    behind_x, behind_y = network.point_along(best, np.maximum(offset_m[at] - 2.0, 0.0))
    left = (ahead_x - behind_x) * (y_m - py[at]) - (ahead_y - behind_y) * (x_m - px[at]) > 0
    back = network.reverse_edge[best].astype(np.int64)
    return np.where(found, np.where(left & (back >= 0), back, best), -1)


def _area_factors(network: RoadNetwork, uses: Sequence[Use], project: Project) -> NDArray[np.float64]:
    """Factors of the tagged area around each edge's middle, shape (n_edges, 3); ones where there is none."""
    factor = np.ones((network.n_edges, 3))
    areas = [use for use in uses if "landuse" in use.tags]
    known = [use for use in areas if use.tags["landuse"] in _BY_AREA or use.tags["landuse"] in _OPEN_LAND]
    if not known:
        return factor
    import shapely

    shapes = []
    for use in known:
        ring = np.array(use.places)
        shapes.append(shapely.Polygon(np.column_stack(project(ring[:, 0], ring[:, 1]))))
    size = shapely.area(np.array(shapes))
    every = np.arange(network.n_edges)
    middle = shapely.points(*network.point_along(every, network.edge_length_m / 2))
    edge, area = shapely.STRtree(shapes).query(middle, predicate="intersects")
    # Small areas lie within large ones and say more: they are written last.
    order = np.argsort(-size[area], kind="stable")
    values = np.array([_BY_AREA.get(use.tags["landuse"], _OPEN_LAND_FACTOR) for use in known])
    for e, k in zip(edge[order], area[order], strict=True):
        factor[e] = values[k]
    return factor
