"""Land use and gateways of generated cities: a centre, sub-centres, industry, parks, and the rim."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.roads.city import LandUse
from simulator.roads.network import RoadClass, RoadNetwork

#: Frontage that a class of street offers to homes, work places and amenities (RoadClass order).
_HOMES = np.array([0.0, 0.0, 0.15, 0.35, 0.7, 1.0, 0.0])
_WORK = np.array([0.0, 0.05, 1.0, 1.0, 0.7, 0.4, 0.0])
_AMENITY = np.array([0.0, 0.0, 1.0, 1.0, 0.6, 0.15, 0.0])
MOST_GATEWAYS = 24
FEWEST_GATEWAYS = 4


def zoned_land_use(network: RoadNetwork, rng: np.random.Generator, centres_m: NDArray[np.float64]) -> LandUse:
    """Give each directed edge its weights: density at its middle, times its class's frontage, times length.

    Parameters
    ----------
    network
        The streets.
    rng
        Draws the places of industry and parks and the unevenness of housing.
    centres_m
        Coordinates of the centre (first row) and sub-centres, shape (n_centres, 2), metres.
    """
    every = np.arange(network.n_edges)
    x, y = network.point_along(every, network.edge_length_m / 2)
    x0, y0, x1, y1 = network.bounds_m
    size_m = float(np.sqrt((x1 - x0) * (y1 - y0)))

    def bump(cx: float, cy: float, radius_m: float) -> NDArray[np.float64]:
        return np.asarray(np.exp(-0.5 * ((x - cx) ** 2 + (y - cy) ** 2) / radius_m**2))

    core = bump(centres_m[0, 0], centres_m[0, 1], 0.09 * size_m)
    sub = np.zeros_like(core)
    for cx, cy in centres_m[1:]:
        sub = np.maximum(sub, bump(cx, cy, 0.05 * size_m))
    industry, park = np.zeros_like(core), np.zeros_like(core)
    for field, count, radius in ((industry, rng.integers(1, 4), 0.06), (park, rng.integers(2, 5), 0.035)):
        for _ in range(count):
            angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.42)
            cx = (x0 + x1) / 2 + reach * (x1 - x0) * np.cos(angle)
            cy = (y0 + y1) / 2 + reach * (y1 - y0) * np.sin(angle)
            np.maximum(field, bump(cx, cy, radius * size_m), out=field)
    # A smooth, uneven field: a few plane waves, from whole districts down to neighbourhoods.
    uneven = np.zeros_like(core)
    for wavelength in (0.5, 0.3, 0.17, 0.1):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        k = 2 * np.pi / (wavelength * size_m)
        uneven += 0.35 * np.sin(k * (x * np.cos(angle) + y * np.sin(angle)) + phase)

    from_centre = np.hypot(x - centres_m[0, 0], y - centres_m[0, 1])
    built = 1.0 - 0.95 * park
    living = 0.25 + np.exp(-from_centre / (0.3 * size_m)) + 0.3 * sub
    residential = living * np.exp(uneven) * (1 - 0.7 * core) * (1 - 0.9 * industry) * built
    employment = (0.06 + 4.0 * core + 2.5 * sub + 2.0 * industry) * built
    amenity = (0.08 + 3.0 * core + 3.0 * sub) * (1 - 0.7 * industry) * built

    kind, length_m = network.edge_class, network.edge_length_m
    return LandUse(
        residential=(residential * _HOMES[kind] * length_m).astype(np.float32),
        employment=(employment * np.maximum(_WORK[kind], 0.7 * industry * _HOMES[kind]) * length_m).astype(
            np.float32
        ),
        amenity=(amenity * _AMENITY[kind] * length_m).astype(np.float32),
    )


def draw_centres(network: RoadNetwork, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a centre near the middle and 2 or 3 sub-centres around it, shape (3 or 4, 2), metres."""
    x0, y0, x1, y1 = network.bounds_m
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    span = np.array([x1 - x0, y1 - y0])
    centre = middle + rng.uniform(-0.05, 0.05, 2) * span
    count = int(rng.integers(2, 4))
    angle = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count + rng.uniform(-0.4, 0.4, count)
    reach = rng.uniform(0.22, 0.36, count)
    around = centre + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None] * span
    return np.vstack([centre, around])


def main_class_at_node(network: RoadNetwork) -> NDArray[np.int64]:
    """Return the highest (smallest) class of the streets at each node; LINK where nothing else is."""
    best = np.full(network.n_nodes, int(RoadClass.LINK))
    np.minimum.at(best, network.edge_tail, network.edge_class)
    np.minimum.at(best, network.edge_head, network.edge_class)
    return best


def choose_gateways(
    network: RoadNetwork, candidates: NDArray[np.integer], *, spacing_share: float = 0.02
) -> NDArray[np.int32]:
    """Choose 4 to 24 gateways among candidate nodes on the rim, higher classes first, spaced apart.

    If there are too few candidates, the outermost nodes in evenly spread directions are added, so that a
    map without main roads has ways out too.
    """
    x, y = network.node_x_m, network.node_y_m
    x0, y0, x1, y1 = network.bounds_m
    spacing_m = spacing_share * 2 * ((x1 - x0) + (y1 - y0))
    rank = main_class_at_node(network)
    ordered = np.unique(np.asarray(candidates, dtype=np.int64))
    ordered = ordered[np.argsort(rank[ordered], kind="stable")]
    chosen: list[int] = []
    for node in ordered:
        if len(chosen) < MOST_GATEWAYS and _far_from(x, y, chosen, node, spacing_m):
            chosen.append(int(node))
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    for angle in np.arange(8) * np.pi / 4:
        if len(chosen) >= FEWEST_GATEWAYS:
            break
        node = int(np.argmax((x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)))
        if node not in chosen:
            chosen.append(node)
    return np.array(sorted(chosen), dtype=np.int32)


def _far_from(
    x: NDArray[np.float64], y: NDArray[np.float64], chosen: list[int], node: np.int64, spacing_m: float
) -> bool:
    return not chosen or float(np.min(np.hypot(x[chosen] - x[node], y[chosen] - y[node]))) >= spacing_m
