"""An organic city: blocks of varied size, dead ends, a river with few bridges, a motorway with ramps.

Junctions are drawn from a density that falls from the centres outwards and are evened out on their Delaunay
triangulation. Streets are its Urquhart graph (each triangle without its longest side), which leaves irregular
blocks and dead ends, and some of its Gabriel edges, more of them towards the centre. Main roads are shortest
paths between anchor junctions, straightened a little.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import ConvexHull, Delaunay, cKDTree

from simulator.roads.assemble import StreetPlan, assemble
from simulator.roads.city import City
from simulator.roads.motorway import Motorway, plan_motorway
from simulator.roads.network import FloatArray, RoadClass
from simulator.roads.strokes import strokes
from simulator.roads.zones import choose_gateways, zoned_land_use

Ints = NDArray[np.int64]


def organic_city(nodes: int, area_km2: float, rng: np.random.Generator) -> City:
    """Return an organic city; the area is that of the convex hull of its junctions.

    Parameters
    ----------
    nodes
        Junctions wanted.
    area_km2
        Area of the convex hull.
    rng
        Source of all its randomness.
    """
    # The plan is drawn in a unit of about one block and scaled to metres at the end.
    side = float(np.sqrt(nodes))
    tilt = float(rng.uniform(0, np.pi))
    river = _Wave(rng, side, tilt=tilt, offset=rng.uniform(-0.2, 0.2) * side)
    motorway = Motorway.draw(rng, side, tilt=tilt + np.pi / 2 + rng.uniform(-0.6, 0.6))
    ground = nodes - motorway.n_nodes
    centres = _centres(rng, side, river)
    xy = _junctions(ground, side, centres, river, rng)

    delaunay, gabriel, urquhart, length = _proximity_graphs(xy)
    a, b = delaunay[:, 0], delaunay[:, 1]
    bank = river.side_of(xy)
    wet = bank[a] != bank[b]
    bridge = _bridges(xy, a, b, wet & gabriel, river, count=int(np.clip(side / 8, 2, 14)))
    central = np.exp(
        -np.min(np.hypot(*(xy[a][:, None] - centres[None]).transpose(2, 0, 1)), axis=1) / (0.2 * side)
    )
    under = (motorway.side_of(xy[a]) != motorway.side_of(xy[b])) & (rng.random(len(a)) < 0.75)
    street = (urquhart | (gabriel & (rng.random(len(a)) < 0.05 + 0.4 * central))) & ~wet & ~under
    # Closed ends, more of them outside: a spanning tree mends only what would come apart.
    street &= rng.random(len(a)) > 0.2 * (1 - central)
    street |= bridge
    street |= _connecting(a, b, length, street, allowed=~wet | bridge, n=ground)

    road_class, rim_node = _main_roads(xy, a, b, length, street | (gabriel & ~wet), bridge, centres, rng)
    street |= road_class < RoadClass.RESIDENTIAL
    a, b, road_class = a[street], b[street], road_class[street]
    xy = _straightened(xy, a, b, road_class, bridge[street])

    line = strokes(xy[:, 0], xy[:, 1], a, b, road_class)
    ramps = plan_motorway(motorway, xy, a, b, road_class, first_street=int(line.max()) + 1)
    all_xy = np.vstack([xy, ramps.xy])
    metre = np.sqrt(area_km2 * 1e6 / ConvexHull(all_xy).volume)
    bends, bend_count = _bends(xy, a, b, road_class, bridge[street], rng)
    network, plan_node, _ = assemble(
        StreetPlan(
            x_m=all_xy[:, 0] * metre,
            y_m=all_xy[:, 1] * metre,
            a=np.concatenate([a, ramps.a]),
            b=np.concatenate([b, ramps.b]),
            road_class=np.concatenate([road_class, ramps.road_class]),
            street=np.concatenate([line, ramps.street]),
            direction=np.concatenate([np.zeros(len(a), int), np.ones(len(ramps.a), int)]),
            bend_indptr=np.concatenate(
                [[0], np.cumsum(np.concatenate([bend_count, ramps.bend_count]))]
            ).astype(np.int64),
            bend_x_m=np.concatenate([bends[:, 0], ramps.bends[:, 0]]) * metre,
            bend_y_m=np.concatenate([bends[:, 1], ramps.bends[:, 1]]) * metre,
        )
    )
    ends = np.flatnonzero(np.isin(plan_node, np.concatenate([ground + ramps.ends, rim_node])))
    water = river.line() * metre
    return City(
        name="Organic city",
        network=network,
        land_use=zoned_land_use(network, rng, centres * metre),
        gateway_node=choose_gateways(network, ends),
        water_x_m=water[:, 0],
        water_y_m=water[:, 1],
    )


class _Wave:
    """A gently meandering line across the square, as a height over a tilted axis."""

    def __init__(self, rng: np.random.Generator, side: float, *, tilt: float, offset: float) -> None:
        self.middle, self.reach, self.offset = side / 2, 0.75 * side, offset
        self.along = np.array([np.cos(tilt), np.sin(tilt)])
        self.across = np.array([-np.sin(tilt), np.cos(tilt)])
        self.height = np.array([0.06, 0.03]) * side
        self.wave = 2 * np.pi / (np.array([0.9, 0.4]) * side)
        self.phase = rng.uniform(0, 2 * np.pi, 2)

    def level(self, u: FloatArray) -> FloatArray:
        bumps = self.height * np.sin(np.multiply.outer(u, self.wave) + self.phase)
        return np.asarray(self.offset + bumps.sum(axis=-1))

    def over(self, xy: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Distance along the axis and height above the line."""
        u, v = (xy - self.middle) @ self.along, (xy - self.middle) @ self.across
        return u, v - self.level(u)

    def side_of(self, xy: FloatArray) -> NDArray[np.bool_]:
        return np.asarray(self.over(xy)[1] > 0)

    def line(self) -> FloatArray:
        """Points along the line, within the square, shape (n, 2)."""
        u = np.linspace(-self.reach, self.reach, 200)
        xy = self.middle + u[:, None] * self.along + self.level(u)[:, None] * self.across
        return np.asarray(xy[((xy >= 0) & (xy <= 2 * self.middle)).all(axis=1)])


def _centres(rng: np.random.Generator, side: float, river: _Wave) -> FloatArray:
    """A centre on the river's edge and two or three sub-centres, shape (n, 2)."""
    u = rng.uniform(-0.1, 0.1) * side
    bank = river.middle + u * river.along + (river.level(np.array(u)) + 0.06 * side) * river.across
    centre = 0.5 * bank + 0.5 * side / 2
    count = int(rng.integers(2, 4))
    angle = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count + rng.uniform(-0.4, 0.4, count)
    reach = rng.uniform(0.22, 0.36, count)[:, None] * side
    around = np.clip(
        centre + reach * np.column_stack([np.cos(angle), np.sin(angle)]), 0.12 * side, 0.88 * side
    )
    return np.vstack([centre, around])


def _junctions(
    n: int, side: float, centres: FloatArray, river: _Wave, rng: np.random.Generator
) -> FloatArray:
    """Junctions: dense in the centres, thin outside, none in the river; evened out, shape (n, 2)."""
    drawn, total = [], 0
    peak = np.array([2.2] + [0.8] * (len(centres) - 1))
    width = np.array([0.16] + [0.09] * (len(centres) - 1)) * side
    while total < n:
        xy = rng.uniform(0, side, (4 * n, 2))
        far = np.hypot(*(xy[:, None] - centres[None]).transpose(2, 0, 1))
        density = 0.45 + (peak * np.exp(-0.5 * (far / width) ** 2)).sum(axis=1)
        keep = (rng.random(len(xy)) * 3.5 < density) & (np.abs(river.over(xy)[1]) > 0.45)
        drawn.append(xy[keep])
        total += int(keep.sum())
    xy = np.vstack(drawn)[:n]
    for _ in range(3):
        triangles = Delaunay(xy).simplices
        sides = triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
        count = np.bincount(sides.ravel(), minlength=n)
        mean = (
            np.column_stack(
                [
                    (
                        np.bincount(sides[:, 0], xy[sides[:, 1], k], n)
                        + np.bincount(sides[:, 1], xy[sides[:, 0], k], n)
                    )
                    for k in (0, 1)
                ]
            )
            / np.maximum(count, 1)[:, None]
        )
        moved = 0.4 * xy + 0.6 * np.where(count[:, None] > 0, mean, xy)
        on_rim = np.unique(ConvexHull(xy).vertices)
        moved[on_rim] = xy[on_rim]
        dry = np.abs(river.over(moved)[1]) > 0.4
        same_bank = river.side_of(moved) == river.side_of(xy)
        xy = np.where((dry & same_bank)[:, None], moved, xy)
    return xy


def _proximity_graphs(xy: FloatArray) -> tuple[Ints, NDArray[np.bool_], NDArray[np.bool_], FloatArray]:
    """Delaunay edges, shape (n, 2), which of them are Gabriel and Urquhart edges, and their lengths."""
    triangles = Delaunay(xy).simplices.astype(np.int64)
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
    opposite = triangles[:, [2, 0, 1]]
    length = np.hypot(*(xy[sides[..., 0]] - xy[sides[..., 1]]).transpose(2, 0, 1))
    middle = (xy[sides[..., 0]] + xy[sides[..., 1]]) / 2
    crowded = np.hypot(*(xy[opposite] - middle).transpose(2, 0, 1)) < length / 2 - 1e-12
    longest = np.zeros_like(crowded)
    longest[np.arange(len(triangles)), length.argmax(axis=1)] = True
    edges, number = np.unique(sides.reshape(-1, 2), axis=0, return_inverse=True)
    number = number.ravel()
    gabriel = np.bincount(number, crowded.ravel(), len(edges)) == 0
    urquhart = np.bincount(number, longest.ravel(), len(edges)) == 0
    return edges, gabriel, urquhart, np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T)


def _bridges(
    xy: FloatArray, a: Ints, b: Ints, possible: NDArray[np.bool_], river: _Wave, *, count: int
) -> NDArray[np.bool_]:
    """The crossing nearest to each of a few even places along the river."""
    bridge = np.zeros(len(a), bool)
    crossing = np.flatnonzero(possible)
    if len(crossing):
        u = river.over((xy[a[crossing]] + xy[b[crossing]]) / 2)[0]
        place = np.linspace(u.min(), u.max(), 2 * count + 1)[1::2]
        bridge[crossing[np.abs(u[:, None] - place).argmin(axis=0)]] = True
    return bridge


def _connecting(
    a: Ints, b: Ints, length: FloatArray, street: NDArray[np.bool_], *, allowed: NDArray[np.bool_], n: int
) -> NDArray[np.bool_]:
    """The fewest, shortest further edges that join the streets into one piece (a spanning tree's)."""
    use = np.flatnonzero(allowed)
    # Streets that exist cost next to nothing, so that the tree takes new ones only where it must.
    cost = np.where(street[use], 1e-9, 1.0) * length[use]
    number = csr_array((use + 1.0, (a[use], b[use])), shape=(n, n))
    tree = minimum_spanning_tree(csr_array((cost, (a[use], b[use])), shape=(n, n))).tocoo()
    chosen = np.asarray(number[tree.row, tree.col]).ravel().astype(np.int64) - 1
    needed = np.zeros(len(a), bool)
    needed[chosen] = True
    return needed


def _main_roads(
    xy: FloatArray,
    a: Ints,
    b: Ints,
    length: FloatArray,
    usable: NDArray[np.bool_],
    bridge: NDArray[np.bool_],
    centres: FloatArray,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Classes of all edges, and the rim's junctions where main roads end.

    Primary roads join the centre to sub-centres and the rim; secondary and tertiary roads are paths between
    neighbouring anchors of a coarse and a finer mesh.
    """
    n = len(xy)
    road_class = np.full(len(a), int(RoadClass.RESIDENTIAL))
    road_class[bridge] = RoadClass.SECONDARY
    tree = cKDTree(xy)
    use = np.flatnonzero(usable)
    lookup = csr_array(
        (np.r_[use, use] + 1.0, (np.r_[a[use], b[use]], np.r_[b[use], a[use]])), shape=(n, n)
    ).tocoo()
    edge_at = dict(
        zip(
            (lookup.row.astype(np.int64) * n + lookup.col).tolist(),
            (lookup.data - 1).astype(int).tolist(),
            strict=True,
        )
    )

    side = float(np.sqrt(n))
    turn = np.arange(8) * np.pi / 4 + rng.uniform(-0.3, 0.3, 8)
    rim = side / 2 + 0.75 * side * np.column_stack([np.cos(turn), np.sin(turn)])
    rim_node = np.asarray(tree.query(np.clip(rim, 0, side))[1], dtype=np.int64)
    centre_node = np.asarray(tree.query(centres)[1], dtype=np.int64)
    star = [(int(centre_node[0]), int(t)) for t in np.concatenate([centre_node[1:], rim_node])]
    meshes = [(RoadClass.PRIMARY, star)]
    for mesh_class, per_anchor in ((RoadClass.SECONDARY, 110), (RoadClass.TERTIARY, 30)):
        pairs = _anchor_pairs(xy, max(n // per_anchor, 3), rng)
        meshes.append((mesh_class, pairs))
    for mesh_class, pairs in meshes:
        # Roads that are main roads already attract the next ones.
        ease = np.array([0.55, 0.55, 0.55, 0.7, 0.8, 1.0, 1.0])[road_class[use]]
        cost = length[use] * ease
        graph = coo_array(
            (np.r_[cost, cost], (np.r_[a[use], b[use]], np.r_[b[use], a[use]])), shape=(n, n)
        ).tocsr()
        for edge in _path_edges(graph, xy, pairs, edge_at):
            road_class[edge] = min(road_class[edge], mesh_class)
    return road_class, rim_node


def _anchor_pairs(xy: FloatArray, count: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Neighbouring pairs of evenly spread anchor junctions: the Gabriel graph of a random subset."""
    anchors = np.sort(rng.permutation(len(xy))[: max(count, 4)])
    edges, gabriel, _, _ = _proximity_graphs(xy[anchors])
    return [(int(anchors[i]), int(anchors[j])) for i, j in edges[gabriel]]


def _path_edges(
    graph: csr_array, xy: FloatArray, pairs: list[tuple[int, int]], edge_at: dict[int, int]
) -> set[int]:
    """Edges on shortest paths of the pairs, worked out in batches of sources of similar reach."""
    n = len(xy)
    goals: dict[int, list[int]] = {}
    for source, goal in pairs:
        goals.setdefault(int(source), []).append(int(goal))
    reach = {s: float(np.hypot(*(xy[to] - xy[s]).T).max()) for s, to in goals.items()}
    sources, found = sorted(goals, key=lambda s: (reach[s], s)), set()
    batch = max(1, 2_000_000 // n)
    for at in range(0, len(sources), batch):
        part = sources[at : at + batch]
        # A detour of more than twice the distance is no main road; the limit keeps big cities fast.
        before = dijkstra(graph, indices=part, return_predecessors=True, limit=2 * reach[part[-1]] + 3)[1]
        for row, source in enumerate(part):
            trail = before[row]
            for goal in goals[source]:
                node = goal
                while node != source and trail[node] >= 0:
                    found.add(edge_at[int(trail[node]) * n + node])
                    node = int(trail[node])
    return found


def _straightened(
    xy: FloatArray, a: Ints, b: Ints, road_class: Ints, bridge: NDArray[np.bool_]
) -> FloatArray:
    """Junctions on one main road moved towards the line between their neighbours on it."""
    main = np.flatnonzero(road_class < RoadClass.RESIDENTIAL)
    fixed = np.zeros(len(xy), bool)
    fixed[a[bridge]] = fixed[b[bridge]] = True
    count = np.bincount(np.r_[a[main], b[main]], minlength=len(xy))
    movable = (count == 2) & ~fixed
    for _ in range(2):
        total = np.column_stack(
            [
                np.bincount(np.r_[a[main], b[main]], np.r_[xy[b[main], k], xy[a[main], k]], len(xy))
                for k in (0, 1)
            ]
        )
        xy = np.where(movable[:, None], 0.6 * xy + 0.4 * total / np.maximum(count, 1)[:, None], xy)
    return xy


def _bends(
    xy: FloatArray, a: Ints, b: Ints, road_class: Ints, bridge: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[FloatArray, Ints]:
    """One point off the middle of each quiet street; main roads and bridges stay straight."""
    bent = (road_class >= RoadClass.RESIDENTIAL) & ~bridge
    off = rng.normal(0, 0.05, len(a)).clip(-0.12, 0.12)[bent]
    along = xy[b[bent]] - xy[a[bent]]
    points = (xy[a[bent]] + xy[b[bent]]) / 2 + off[:, None] * np.column_stack([-along[:, 1], along[:, 0]])
    return points, bent.astype(np.int64)
