"""A ring-radial city: ring roads around a centre, radials that double in number as the rings widen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from simulator.roads.assemble import StreetPlan, assemble
from simulator.roads.city import City
from simulator.roads.network import FloatArray, RoadClass
from simulator.roads.zones import choose_gateways, draw_centres, zoned_land_use

_ARC_BENDS = 2


def ring_radial_city(nodes: int, area_km2: float, rng: np.random.Generator) -> City:
    """Return a ring-radial city; the area is that of the convex hull of its junctions.

    Parameters
    ----------
    nodes
        Junctions wanted.
    area_km2
        Area within the outermost ring.
    rng
        Source of all its randomness.
    """
    per_ring = _nodes_per_ring(nodes)
    rings = len(per_ring)
    start = np.concatenate([[0, 1], 1 + np.cumsum(per_ring)])  # node ids; 0 is the centre
    ring = np.concatenate([[0], np.repeat(np.arange(1, rings + 1), per_ring)])
    turn = np.concatenate([[0.0], *(np.arange(n) / n for n in per_ring)])

    # Streets along rings, then along radials (from each node outwards to the same angle).
    along_a = np.arange(1, len(ring))
    along_b = np.where(along_a + 1 < start[ring[along_a] + 1], along_a + 1, start[ring[along_a]])
    inner = np.flatnonzero((ring < rings) & (ring > 0))
    ratio = np.concatenate([[1], per_ring[1:] // per_ring[:-1]])[ring[inner]]
    outward = start[ring[inner] + 1] + (inner - start[ring[inner]]) * ratio
    first = np.arange(1, 1 + per_ring[0])
    radial_a = np.concatenate([np.zeros(len(first), int), inner])
    radial_b = np.concatenate([first, outward])

    ring_class, ring_way = _rings(rings, rng)
    radial_level = np.log2(_denominator(turn[radial_b], per_ring[0]))
    radial_class = np.select(
        [radial_level == 0, radial_level == 1],
        [np.where(_index(turn[radial_b], per_ring[0]) % 2 == 0, RoadClass.PRIMARY, RoadClass.SECONDARY)]
        + [np.full(len(radial_b), int(RoadClass.TERTIARY))],
        RoadClass.RESIDENTIAL,
    )
    road_class = np.concatenate([ring_class[ring[along_a]], radial_class])
    direction = np.concatenate([ring_way[ring[along_a]], np.zeros(len(radial_a), int)])
    a, b = np.concatenate([along_a, radial_a]), np.concatenate([along_b, radial_b])
    street = np.concatenate([ring[along_a], rings + 1 + np.unique(turn[radial_b], return_inverse=True)[1]])
    on_rim = np.concatenate([ring[along_a] == rings, np.zeros(len(radial_a), bool)])
    quiet = (road_class == RoadClass.RESIDENTIAL) & (direction == 0)
    # A node whose radial is missing still hangs on its ring, so rim blocks and radials go apart.
    is_ring = np.arange(len(a)) < len(along_a)
    there = ~(quiet & (rng.random(len(a)) < np.where(on_rim, 0.4, np.where(is_ring, 0.06, 0.0))))

    x, y, bends_x, bends_y = _place(ring, turn, rings, a, b, is_ring, area_km2, rng)
    kept_bends = there[:, None] & is_ring[:, None] & np.ones((1, _ARC_BENDS), bool)
    network, plan_node, _ = assemble(
        StreetPlan(
            x_m=x,
            y_m=y,
            a=a[there],
            b=b[there],
            road_class=road_class[there],
            street=street[there],
            direction=direction[there],
            bend_indptr=np.concatenate([[0], np.cumsum(kept_bends.sum(axis=1)[there])]).astype(np.int64),
            bend_x_m=bends_x[kept_bends],
            bend_y_m=bends_y[kept_bends],
        )
    )
    on_main = _denominator(turn[plan_node], per_ring[0]) == 1
    centres_m = draw_centres(network, rng)
    centres_m[0] = x[0], y[0]
    return City(
        name="Ring-radial city",
        network=network,
        land_use=zoned_land_use(network, rng, centres_m),
        gateway_node=choose_gateways(network, np.flatnonzero(on_main & (ring[plan_node] == rings))),
    )


def _nodes_per_ring(nodes: int) -> NDArray[np.int64]:
    """Junctions on each ring: doubled whenever the ring's number reaches a power of two."""
    best, best_miss = np.array([8]), float("inf")
    for base in range(6, 13):
        doubling = base * 2 ** np.floor(np.log2(np.arange(1, 600))).astype(np.int64)
        total = 1 + np.cumsum(doubling)
        at = int(np.argmin(np.abs(total - nodes)))
        miss = abs(int(total[at]) - nodes) + 0.004 * nodes * abs(base - 8)
        if miss < best_miss:
            best, best_miss = doubling[: at + 1], miss
    return best


def _denominator(turn: FloatArray, base: int) -> NDArray[np.int64]:
    """1 for the main radials, 2 for those halfway between, 4, 8, ... for finer ones."""
    part = turn * base
    level = np.ones(len(turn), np.int64)
    for _ in range(12):
        whole = np.abs(part * level - np.round(part * level)) < 1e-6
        level = np.where(whole, level, level * 2)
    return level


def _index(turn: FloatArray, base: int) -> NDArray[np.int64]:
    return np.round(turn * base).astype(np.int64)


def _rings(rings: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Classes and directions of the rings (index 0 unused): beltway, main ring every four, one-way pairs."""
    number = np.arange(rings + 1)
    ring_class = np.full(rings + 1, int(RoadClass.RESIDENTIAL))
    ring_class[number % 4 == 2] = RoadClass.SECONDARY
    if rings >= 8:
        ring_class[round(0.7 * rings)] = RoadClass.TRUNK
    way = np.zeros(rings + 1, np.int64)
    for k in range(3, rings - 1):
        pair = slice(k, k + 2)
        if (
            (ring_class[pair] == RoadClass.RESIDENTIAL).all()
            and not way[k - 1 : k + 1].any()
            and rng.random() < 0.25
        ):
            way[pair] = 1, -1
    return ring_class, way


def _place(
    ring: NDArray[np.int64],
    turn: FloatArray,
    rings: int,
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    is_ring: NDArray[np.bool_],
    area_km2: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Coordinates of nodes and of arc bends, shape (n_streets, bends), in an unevenly stretched plane."""
    phase = rng.uniform(0, 2 * np.pi, 4)

    def warp(radius: FloatArray, angle: FloatArray) -> tuple[FloatArray, FloatArray]:
        angle = angle + 0.12 * np.sin(angle + phase[0]) + 0.05 * np.sin(2 * angle + phase[1])
        radius = radius * (1 + 0.08 * np.sin(2 * angle + phase[2]) + 0.05 * np.sin(3 * angle + phase[3]))
        return radius * np.cos(angle), radius * np.sin(angle)

    shift = rng.uniform(-0.1, 0.1, (2, len(ring)))
    shift[:, 0] = 0.0
    x, y = warp(ring.astype(float), 2 * np.pi * turn)
    hull = ConvexHull(np.column_stack([x + shift[0], y + shift[1]]))
    scale = np.sqrt(area_km2 * 1e6 / hull.volume)

    part = np.arange(1, _ARC_BENDS + 1) / (_ARC_BENDS + 1)
    span = np.where(is_ring, (turn[b] - turn[a]) % 1.0, 0.0)
    angle = 2 * np.pi * (turn[a][:, None] + part[None, :] * span[:, None])
    bend_x, bend_y = warp(np.broadcast_to(ring[a][:, None].astype(float), angle.shape), angle)
    bend_x = bend_x + shift[0][a][:, None] * (1 - part) + shift[0][b][:, None] * part
    bend_y = bend_y + shift[1][a][:, None] * (1 - part) + shift[1][b][:, None] * part
    return (x + shift[0]) * scale, (y + shift[1]) * scale, bend_x * scale, bend_y * scale
