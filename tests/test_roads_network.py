"""The road network: round trips, promises, and positions held against a slow reference."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import MapError
from simulator.roads.assemble import StreetPlan, assemble
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.roads.strokes import strokes
from simulator.scenario_parts import Streets


def plan(
    places: list[tuple[float, float]],
    streets: list[tuple[int, int, RoadClass, int]],
    bends: dict[int, list[tuple[float, float]]] | None = None,
) -> StreetPlan:
    """A street plan from (a, b, class, direction) rows; street ids are row numbers."""
    bends = bends or {}
    runs = [bends.get(i, []) for i in range(len(streets))]
    points = np.array([p for run in runs for p in run], dtype=float).reshape(-1, 2)
    xy = np.array(places, dtype=float)
    return StreetPlan(
        x_m=xy[:, 0],
        y_m=xy[:, 1],
        a=np.array([s[0] for s in streets]),
        b=np.array([s[1] for s in streets]),
        road_class=np.array([int(s[2]) for s in streets]),
        street=np.arange(len(streets)),
        direction=np.array([s[3] for s in streets]),
        bend_indptr=np.concatenate([[0], np.cumsum([len(run) for run in runs])]).astype(np.int64),
        bend_x_m=points[:, 0],
        bend_y_m=points[:, 1],
    )


def slow_point_along(network: RoadNetwork, edge: int, offset_m: float) -> tuple[float, float]:
    """Walk the polyline of one edge, segment by segment."""
    a, b = network.geometry_indptr[edge], network.geometry_indptr[edge + 1]
    points = list(zip(network.geometry_x_m[a:b], network.geometry_y_m[a:b], strict=True))
    drawn = sum(math.dist(p, q) for p, q in pairwise(points))
    left = min(max(offset_m / network.edge_length_m[edge], 0.0), 1.0) * drawn
    for p, q in pairwise(points):
        step = math.dist(p, q)
        if left <= step:
            part = left / step if step else 0.0
            return p[0] + part * (q[0] - p[0]), p[1] + part * (q[1] - p[1])
        left -= step
    return points[-1]


def slow_distance(network: RoadNetwork, x_m: float, y_m: float) -> float:
    """Distance of a point to the nearest segment of any polyline."""
    best = math.inf
    for e in range(network.n_edges):
        for i in range(network.geometry_indptr[e], network.geometry_indptr[e + 1] - 1):
            px, py = network.geometry_x_m[i], network.geometry_y_m[i]
            dx, dy = network.geometry_x_m[i + 1] - px, network.geometry_y_m[i + 1] - py
            along = ((x_m - px) * dx + (y_m - py) * dy) / max(dx * dx + dy * dy, 1e-12)
            t = min(max(along, 0.0), 1.0)
            best = min(best, math.hypot(x_m - px - t * dx, y_m - py - t * dy))
    return best


@pytest.fixture(scope="module", params=["grid", "ring-radial", "organic"])
def city(request: pytest.FixtureRequest) -> City:
    return build_city(Streets(kind=request.param, nodes=120, area_km2=1.2), seed=3)


def test_networkx_round_trip_is_exact(city: City) -> None:
    back = RoadNetwork.from_networkx(city.network.to_networkx())
    for column in fields(RoadNetwork):
        ours, theirs = getattr(city.network, column.name), getattr(back, column.name)
        np.testing.assert_array_equal(ours, theirs, err_msg=column.name)
        assert ours.dtype == theirs.dtype, column.name


def test_from_networkx_does_not_depend_on_the_order_of_edges(city: City) -> None:
    graph = city.network.to_networkx()
    other: nx.DiGraph[int] = nx.DiGraph()
    other.add_nodes_from(graph.nodes(data=True))
    other.add_edges_from(sorted(graph.edges(data=True), key=lambda e: (e[1], -e[0])))
    back = RoadNetwork.from_networkx(other)
    np.testing.assert_array_equal(back.edge_head, city.network.edge_head)
    np.testing.assert_array_equal(back.geometry_x_m, city.network.geometry_x_m)


def test_a_path_is_not_strongly_connected_and_a_ring_is() -> None:
    places = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0)]
    path = RoadNetwork.from_networkx(_graph(places, [(0, 1), (1, 2)]))
    assert not path.is_strongly_connected()
    assert RoadNetwork.from_networkx(_graph(places, [(0, 1), (1, 2), (2, 0)])).is_strongly_connected()


def _graph(places: list[tuple[float, float]], edges: list[tuple[int, int]]) -> nx.DiGraph[int]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    for n, (x, y) in enumerate(places):
        graph.add_node(n, x_m=x, y_m=y)
    for u, v in edges:
        graph.add_edge(u, v, length_m=math.dist(places[u], places[v]), speed_mps=10.0, road_class="tertiary")
    return graph


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda g: g.remove_edges_from(list(g.edges)), "no edges"),
        (lambda g: g.nodes[1].pop("y_m"), "y_m"),
        (lambda g: g.edges[0, 1].pop("length_m"), "length_m"),
        (lambda g: g.edges[0, 1].update(road_class="canal"), "CANAL"),
    ],
)
def test_from_networkx_names_what_is_wrong(spoil, says: str) -> None:  # type: ignore[no-untyped-def]
    graph = _graph([(0.0, 0.0), (100.0, 0.0)], [(0, 1), (1, 0)])
    spoil(graph)
    with pytest.raises(MapError, match=says):
        RoadNetwork.from_networkx(graph)


@pytest.mark.parametrize(
    ("column", "change", "says"),
    [
        ("edge_tail", lambda v: v[::-1].copy(), "loop|sorted"),
        ("edge_length_m", lambda v: v * 0, "edge_length_m must be positive"),
        ("edge_speed_mps", lambda v: v * np.nan, "edge_speed_mps must be positive"),
        ("node_x_m", lambda v: v + 5.0, "does not end at its nodes"),
        ("geometry_indptr", lambda v: v[:-1], "polyline"),
        ("edge_head", lambda v: v + 100_000, "outside"),
    ],
)
def test_validate_names_the_broken_promise(city: City, column: str, change, says: str) -> None:  # type: ignore[no-untyped-def]
    city.network.validate()
    broken = replace(city.network, **{column: change(getattr(city.network, column))})
    with pytest.raises(MapError, match=says):
        broken.validate()


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_point_along_equals_the_walked_polyline(city: City, seed: int) -> None:
    rng = np.random.default_rng(seed)
    edge = rng.integers(0, city.network.n_edges, 30)
    offset = rng.uniform(-0.2, 1.2, 30) * city.network.edge_length_m[edge]
    offset[:3] = 0.0, city.network.edge_length_m[edge[1]], -1.0
    x, y = city.network.point_along(edge, offset)
    slow = np.array([slow_point_along(city.network, int(e), o) for e, o in zip(edge, offset, strict=True)])
    np.testing.assert_allclose(np.column_stack([x, y]), slow, atol=1e-5)


def test_nearest_edge_is_within_ten_metres_of_the_true_distance(city: City) -> None:
    x0, y0, x1, y1 = city.network.bounds_m
    rng = np.random.default_rng(5)
    x, y = rng.uniform(x0 - 50, x1 + 50, 40), rng.uniform(y0 - 50, y1 + 50, 40)
    edge, offset, distance = city.network.nearest_edge(x, y)
    px, py = city.network.point_along(edge, offset)
    np.testing.assert_allclose(np.hypot(px - x, py - y), distance, atol=1e-6)
    true = np.array([slow_distance(city.network, a, b) for a, b in zip(x, y, strict=True)])
    assert (distance >= true - 1e-6).all()
    assert (distance <= true + 10.1).all()


def test_reverse_edge_is_an_involution_with_the_same_length(city: City) -> None:
    network = city.network
    back = network.reverse_edge
    two_way = np.flatnonzero(back >= 0)
    np.testing.assert_array_equal(back[back[two_way]], two_way)
    np.testing.assert_array_equal(network.edge_tail[back[two_way]], network.edge_head[two_way])
    # Motorway ramps excepted, both directions of a street are one street of one length.
    same = two_way[network.edge_street[two_way] == network.edge_street[back[two_way]]]
    np.testing.assert_allclose(network.edge_length_m[same], network.edge_length_m[back[same]])
    assert len(same) > 0.9 * len(two_way)


def test_assemble_keeps_bends_in_the_order_of_travel_and_measures_them() -> None:
    network, _, source = assemble(
        plan([(0, 0), (100, 0)], [(0, 1, RoadClass.PRIMARY, 0)], {0: [(0.0, 30.0), (100.0, 30.0)]})
    )
    np.testing.assert_allclose(network.edge_length_m, [160.0, 160.0])
    np.testing.assert_array_equal(network.geometry_x_m, [0, 0, 100, 100, 100, 100, 0, 0])
    np.testing.assert_array_equal(source, [0, 0])


def test_assemble_keeps_the_higher_of_parallel_streets_and_drops_loops_and_what_is_cut_off() -> None:
    square = [(0, 0), (100, 0), (100, 100), (0, 100), (900, 900)]
    network, node, source = assemble(
        plan(
            square,
            [
                (0, 1, RoadClass.RESIDENTIAL, 0),
                (0, 1, RoadClass.SECONDARY, 1),
                (1, 2, RoadClass.PRIMARY, 1),
                (2, 0, RoadClass.PRIMARY, 1),
                (3, 3, RoadClass.PRIMARY, 0),
                (2, 4, RoadClass.PRIMARY, 1),
            ],
            {4: [(5.0, 105.0)]},
        )
    )
    network.validate()
    np.testing.assert_array_equal(node, [0, 1, 2])
    assert sorted(source.tolist()) == [0, 1, 2, 3]
    forward = (network.edge_tail == 0) & (network.edge_head == 1)
    assert network.edge_class[forward].tolist() == [RoadClass.SECONDARY]
    assert network.edge_class[(network.edge_tail == 1) & (network.edge_head == 0)] == [RoadClass.RESIDENTIAL]


def test_assemble_refuses_streets_that_lead_nowhere() -> None:
    with pytest.raises(MapError, match="nothing to drive on"):
        assemble(plan([(0, 0), (100, 0)], [(0, 1, RoadClass.PRIMARY, 1)]))
    with pytest.raises(MapError, match="nothing to drive on"):
        assemble(plan([(0, 0), (100, 0)], [(0, 0, RoadClass.PRIMARY, 0)]))


def test_strokes_go_straight_on_at_a_crossing_and_end_at_a_corner() -> None:
    x = np.array([0.0, -1.0, 1.0, 0.0, 0.0, 2.0])
    y = np.array([0.0, 0.0, 0.0, -1.0, 1.0, 0.0])
    # A cross at node 0, and a block further east.
    a, b = np.array([1, 0, 3, 0, 2]), np.array([0, 2, 0, 4, 5])
    same = np.full(5, int(RoadClass.RESIDENTIAL))
    east_1, east_2, north_1, north_2, east_3 = strokes(x, y, a, b, same)
    assert east_1 == east_2 == east_3
    assert north_1 == north_2 != east_1
    other = same.copy()
    other[1] = RoadClass.PRIMARY
    assert len(set(strokes(x, y, a, b, other).tolist())) == 4
