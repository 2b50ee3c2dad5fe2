"""Route trees and legs against networkx and a plain walk."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from engine_town import tiny_scenario

from simulator.roads.build import build_city
from simulator.scenario_parts import Streets
from simulator.streams import Stream, generator
from simulator.travel.legs import Legs, collect_edges
from simulator.travel.trees import OFF_PEAK, PEAK, build_trees, edge_times, perceived_times
from simulator.travel.trips import Trips
from simulator.travel.volume import edge_volume
from simulator.world import World, build_world


def graph_of(world: World, field: int) -> nx.DiGraph[int]:
    """Return the streets with perceived times of a field as weights."""
    network, travel = world.city.network, world.scenario.travel
    weight = perceived_times(network, travel, world.seed, edge_times(network, travel))[field]
    graph: nx.DiGraph[int] = nx.DiGraph()
    for e in range(network.n_edges):
        graph.add_edge(int(network.edge_tail[e]), int(network.edge_head[e]), w=float(weight[e]), e=e)
    return graph


def walked(world: World, origin: int, target: int, field: int) -> list[int]:
    """Return the edges of a leg as the kernel finds them."""
    places, network, trees = world.places, world.city.network, world.trees
    buffer = np.empty(2 * network.n_nodes + 8, np.int64)
    k = collect_edges(
        buffer, origin, target, field, places.tree, places.arrive_node, places.depart_node, places.edge,
        network.out_indptr, network.edge_tail, network.edge_head, trees.next_slot, trees.last_slot,
        trees.in_indptr, trees.in_edge,
    )  # fmt: skip
    return [int(e) for e in buffer[:k]]


@pytest.mark.parametrize("kind", ["grid", "ring-radial", "organic"])
def test_routes_cost_what_networkx_says(kind: str) -> None:
    world = build_world(tiny_scenario(streets__kind=kind, streets__nodes=100, people__drivers=20), 5)
    places, rng = world.places, generator(9, Stream.CITY)
    for field in range(2 * world.trees.n_variants):
        graph = graph_of(world, field)
        for _ in range(25):
            attractor = int(rng.integers(places.n_attractors))
            other = int(rng.integers(places.n_places))
            for a, b in ((attractor, other), (other, attractor)):
                edges = walked(world, a, b, field)
                ends = [e for e in (places.edge[a], places.edge[b]) if e >= 0]
                inner = edges[1 if places.edge[a] >= 0 else 0 : len(edges) - (places.edge[b] >= 0)]
                assert len(edges) == len(inner) + len(ends)
                start, end = int(places.depart_node[a]), int(places.arrive_node[b])
                at, cost = start, 0.0
                for e in inner:  # the edges join up
                    assert world.city.network.edge_tail[e] == at
                    at = int(world.city.network.edge_head[e])
                    cost += graph.edges[world.city.network.edge_tail[e], at]["w"]
                assert at == end
                best = nx.shortest_path_length(graph, start, end, weight="w")
                assert cost == pytest.approx(best, rel=1e-9)


def test_legs_are_a_plain_walk(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    """Every leg's time, length and passes by a walk along the networkx path, in plain Python."""
    trips, legs = tiny_trips
    world = tiny_world
    places, network, watched, times = world.places, world.city.network, world.watched, world.trees.edge_time_s
    graphs = [graph_of(world, f) for f in range(2 * world.trees.n_variants)]
    _, first = np.unique(trips.leg, return_index=True)
    n_passes = 0
    for i in first[:: max(1, len(first) // 250)]:
        a, b, field, leg = (int(v[i]) for v in (trips.from_place, trips.to_place, trips.field, trips.leg))
        graph, period = graphs[field], PEAK if field >= world.trees.n_variants else OFF_PEAK
        path = nx.shortest_path(graph, int(places.depart_node[a]), int(places.arrive_node[b]), weight="w")
        pieces = [(graph.edges[u, v]["e"], 0.0, None) for u, v in pairwise(path)]
        if places.edge[a] >= 0:
            pieces.insert(0, (int(places.edge[a]), float(places.offset_m[a]), None))
        if places.edge[b] >= 0:
            pieces.append((int(places.edge[b]), 0.0, float(places.offset_m[b])))
        clock, length, passes = places.beyond_s[a], places.beyond_m[a], []
        for e, lo, until in pieces:
            hi = float(network.edge_length_m[e]) if until is None else until
            pace = times[period, e] / network.edge_length_m[e]
            for c, at in zip(watched.camera, watched.offset_m, strict=True):
                row = np.flatnonzero((watched.camera == c) & (watched.offset_m == at))
                if any(watched.indptr[e] <= r < watched.indptr[e + 1] for r in row) and lo < at <= hi:
                    passes.append((clock + (at - lo) * pace, int(c)))
            clock += (hi - lo) * pace
            length += hi - lo
        clock += places.beyond_s[b]
        length += places.beyond_m[b]
        assert legs.duration_s[leg] == pytest.approx(clock)
        assert legs.distance_m[leg] == pytest.approx(length)
        rows = slice(legs.pass_indptr[leg], legs.pass_indptr[leg + 1])
        found = sorted(zip(legs.pass_s[rows].tolist(), legs.pass_camera[rows].tolist(), strict=True))
        assert [c for _, c in found] == [c for _, c in sorted(passes)]
        assert [t for t, _ in found] == pytest.approx([t for t, _ in sorted(passes)])
        n_passes += len(passes)
    assert n_passes > 100


def test_without_perception_errors_every_route_is_the_fastest() -> None:
    scenario = tiny_scenario(travel__route_variants=1, travel__perception_sigma=0.0)
    world = build_world(scenario, 5)
    times = edge_times(world.city.network, scenario.travel)
    perceived = perceived_times(world.city.network, scenario.travel, 5, times)
    n = world.trees.n_variants
    assert all(np.array_equal(perceived[f], times[PEAK if f >= n else OFF_PEAK]) for f in range(2 * n))
    assert np.array_equal(world.trees.next_slot[0], world.trees.next_slot[1])


def test_times_by_period() -> None:
    city = build_city(Streets(nodes=80, area_km2=1.0), 1)
    travel = tiny_scenario(travel__peak_slowdown=2.0).travel
    off_peak, peak = edge_times(city.network, travel)
    assert (off_peak >= city.network.free_flow_s).all() and (peak > off_peak).all()
    none = tiny_scenario(travel__peak_slowdown=1.0).travel
    assert np.array_equal(*edge_times(city.network, none))


def test_a_variant_errs_the_same_in_both_periods_and_differs_from_others(tiny_world: World) -> None:
    network, travel = tiny_world.city.network, tiny_world.scenario.travel
    times = edge_times(network, travel)
    perceived = perceived_times(network, travel, 1, times)
    n = tiny_world.trees.n_variants
    assert len(perceived) == 2 * n == 2 * (travel.route_variants + 1)
    assert np.array_equal(perceived[0], times[OFF_PEAK]) and np.array_equal(perceived[n], times[PEAK])
    assert perceived[:n] / times[OFF_PEAK] == pytest.approx(perceived[n:] / times[PEAK])
    assert not np.allclose(perceived[1], perceived[2])


def test_trees_do_not_depend_on_their_batches(tiny_world: World) -> None:
    places, trees = tiny_world.places, tiny_world.trees
    some = np.array([3, 1, 0])
    alone = build_trees(
        tiny_world.city.network,
        arrive_node=places.tree_arrive_node[some],
        depart_node=places.tree_depart_node[some],
        travel=tiny_world.scenario.travel,
        seed=tiny_world.seed,
    )
    assert np.array_equal(alone.next_slot, trees.next_slot[:, some])
    assert np.array_equal(alone.last_slot, trees.last_slot[:, some])


def test_volume_counts_the_edges_of_trips(tiny_world: World, tiny_trips: tuple[Trips, Legs]) -> None:
    trips, _ = tiny_trips
    expected = np.zeros(tiny_world.city.network.n_edges)
    for i in range(trips.n_trips):
        edges = walked(tiny_world, int(trips.from_place[i]), int(trips.to_place[i]), int(trips.field[i]))
        np.add.at(expected, edges, 1)  # a trip round the block drives on its first edge again
    counted = edge_volume(
        trips,  # type: ignore[arg-type]  # trips have the columns of plans that count
        trips.field,
        network=tiny_world.city.network,
        places=tiny_world.places,
        trees=tiny_world.trees,
    )
    assert np.array_equal(counted, expected)
