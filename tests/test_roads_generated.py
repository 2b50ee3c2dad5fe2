"""Generated cities: size, connection, hierarchy, land use, gateways, and the same bits for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from simulator.errors import MapError
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.roads.network import RoadClass
from simulator.roads.zones import main_class_at_node
from simulator.scenario_parts import Streets

KINDS = ["grid", "ring-radial", "organic"]


def hull_km2(city: City) -> float:
    return float(ConvexHull(np.column_stack([city.network.node_x_m, city.network.node_y_m])).volume) / 1e6


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 10**6), nodes=st.integers(50, 500), area_km2=st.floats(0.3, 40.0))
@settings(max_examples=25, deadline=None)
def test_every_small_city_holds_its_promises(kind: str, seed: int, nodes: int, area_km2: float) -> None:
    city = build_city(Streets(kind=kind, nodes=nodes, area_km2=area_km2), seed)
    network = city.network
    network.validate()
    assert abs(network.n_nodes - nodes) <= 0.1 * nodes
    assert hull_km2(city) == pytest.approx(area_km2, rel=0.05)
    assert 4 <= len(city.gateway_node) <= 24
    assert len(np.unique(city.gateway_node)) == len(city.gateway_node)
    for name in ("residential", "employment", "amenity"):
        weight = getattr(city.land_use, name)
        assert weight.shape == (network.n_edges,) and weight.dtype == np.float32
        assert np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0
    fast = np.isin(network.edge_class, [RoadClass.MOTORWAY, RoadClass.TRUNK, RoadClass.LINK])
    assert not city.land_use.residential[fast].any()


@pytest.mark.parametrize("kind", KINDS)
def test_middle_sized_cities(kind: str) -> None:
    city = build_city(Streets(kind=kind, nodes=8_000, area_km2=70.0), seed=4)
    city.network.validate()
    assert city.network.n_nodes == pytest.approx(8_000, rel=0.1)
    assert hull_km2(city) == pytest.approx(70.0, rel=0.02)
    # A hierarchy: most length is quiet, a good part is not.
    length = np.bincount(city.network.edge_class, city.network.edge_length_m, minlength=7)
    assert 0.5 < length[RoadClass.RESIDENTIAL] / length.sum() < 0.9
    assert length[RoadClass.PRIMARY] > 0 and length[RoadClass.SECONDARY] > 0
    # Real towns have 2.3 to 4 directed edges a junction (Boeing 2019: mean streets a node about 2.5-3.3).
    assert 2.3 < city.network.n_edges / city.network.n_nodes < 4.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_names_a_city_to_the_bit(kind: str) -> None:
    streets = Streets(kind=kind, nodes=300, area_km2=3.0)
    one, again, other = (build_city(streets, seed).content_hash() for seed in (7, 7, 8))
    assert one == again
    assert one != other


@pytest.mark.parametrize("kind", KINDS)
def test_gateways_lie_on_main_roads_at_the_rim(kind: str) -> None:
    city = build_city(Streets(kind=kind, nodes=2_000, area_km2=20.0), seed=2)
    xy = np.column_stack([city.network.node_x_m, city.network.node_y_m])
    hull = ConvexHull(xy)
    inside_m = -(xy[city.gateway_node] @ hull.equations[:, :2].T + hull.equations[:, 2]).max(axis=1)
    assert inside_m.max() < 0.08 * np.sqrt(hull.volume)
    assert (main_class_at_node(city.network)[city.gateway_node] <= RoadClass.SECONDARY).all()


@pytest.mark.parametrize("kind", KINDS)
def test_jobs_gather_in_the_middle_and_homes_do_not(kind: str) -> None:
    city = build_city(Streets(kind=kind, nodes=2_000, area_km2=20.0), seed=6)
    network = city.network
    x, y = network.point_along(np.arange(network.n_edges), network.edge_length_m / 2)
    x0, y0, x1, y1 = network.bounds_m
    central = np.hypot(x - (x0 + x1) / 2, y - (y0 + y1) / 2) < 0.15 * (x1 - x0)

    def share(weight: np.ndarray) -> float:
        return float(weight[central].sum() / weight.sum())

    assert share(city.land_use.employment) > 1.5 * share(city.land_use.residential)


def test_weights_grow_with_the_length_of_a_block() -> None:
    small = build_city(Streets(nodes=300, area_km2=1.0), seed=1)
    large = build_city(Streets(nodes=300, area_km2=4.0), seed=1)
    np.testing.assert_allclose(large.land_use.residential, 2 * small.land_use.residential, rtol=1e-4)


def test_a_street_of_the_grid_runs_through_and_one_way_pairs_exist() -> None:
    city = build_city(Streets(nodes=900, area_km2=9.0), seed=1)
    network = city.network
    blocks = np.bincount(network.edge_street)
    assert len(blocks) < 70 and blocks.max() > 40
    one_way = network.reverse_edge < 0
    assert 0 < one_way.mean() < 0.3


def test_the_organic_city_has_a_river_with_few_bridges_a_motorway_and_dead_ends() -> None:
    city = build_city(Streets(kind="organic", nodes=3_000, area_km2=30.0), seed=2)
    network = city.network
    river = np.column_stack([city.water_x_m, city.water_y_m])
    assert len(river) > 20
    crossings = _crossings(city)
    ground = ~np.isin(network.edge_class[crossings], [RoadClass.MOTORWAY, RoadClass.LINK])
    pairs = {tuple(sorted((network.edge_tail[e], network.edge_head[e]))) for e in crossings[ground]}
    assert 2 <= len(pairs) <= 14
    motorway = network.edge_class == RoadClass.MOTORWAY
    assert motorway.sum() > 4 and (network.reverse_edge[motorway] < 0).all()
    ramps = network.edge_class == RoadClass.LINK
    # Each interchange has an exit and an entry for each carriageway.
    assert ramps.sum() % 4 == 0 and ramps.sum() >= 8
    degree = np.bincount(network.edge_tail)
    assert 0.03 < (degree == 1).mean() < 0.3


def _crossings(city: City) -> np.ndarray:
    """Edges whose straight line crosses the river's drawn line."""
    network = city.network
    px, py = network.node_x_m[network.edge_tail], network.node_y_m[network.edge_tail]
    qx, qy = network.node_x_m[network.edge_head], network.node_y_m[network.edge_head]
    hit = np.zeros(network.n_edges, bool)
    for (ax, ay), (bx, by) in zip(
        np.column_stack([city.water_x_m, city.water_y_m])[:-1],
        np.column_stack([city.water_x_m, city.water_y_m])[1:],
        strict=True,
    ):
        side_p = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
        side_q = (bx - ax) * (qy - ay) - (by - ay) * (qx - ax)
        side_a = (qx - px) * (ay - py) - (qy - py) * (ax - px)
        side_b = (qx - px) * (by - py) - (qy - py) * (bx - px)
        hit |= (side_p * side_q < 0) & (side_a * side_b < 0)
    return np.flatnonzero(hit)


def test_kind_map_without_a_file_says_how_to_give_one() -> None:
    with pytest.raises(MapError, match="--map FILE"):
        build_city(Streets(kind="map"), seed=1)
