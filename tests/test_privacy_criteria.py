"""Criteria for point guesses against brute force, and scoring of hand-made attacks."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.adversary.attacker import Attack, Guesses
from simulator.privacy.criteria import CRITERIA, POINT_CRITERIA, address_rank, right_street
from simulator.privacy.scoring import first_and_for_good, score
from simulator.privacy.truth import Addresses, Truth
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import ArchiveView
from simulator.tables import SCHEMAS


@pytest.fixture(scope="module")
def network() -> RoadNetwork:
    """A grid of 6 x 6 crossings, 200 m apart; street ids: rows 0-5 are 0-5, columns 0-5 are 6-11."""
    graph: nx.DiGraph = nx.DiGraph()
    for i in range(6):
        for j in range(6):
            graph.add_node((i, j), x_m=200.0 * i, y_m=200.0 * j)
    for i in range(6):
        for j in range(6):
            for to, street in (((i + 1, j), j), ((i, j + 1), 6 + i)):
                if to in graph:
                    for a, b in (((i, j), to), (to, (i, j))):
                        graph.add_edge(
                            a, b, length_m=200.0, speed_mps=10.0, road_class="residential", street=street
                        )
    return RoadNetwork.from_networkx(graph)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(0, 300), worst=st.sampled_from([1, 10, 100]))
def test_address_rank_counts_the_addresses_that_are_as_near(seed, n, worst):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 40, (2, n)) * 20.0  # whole steps, so that ties and shared doors occur
    guess_x, guess_y = rng.uniform(-100, 900, (2, 30))
    error_m = np.hypot(guess_x - x[0], guess_y - y[0]) if n else rng.uniform(0, 900, 30)
    error_m[:3] = np.nan
    got = address_rank(guess_x, guess_y, error_m, Addresses(x_m=x, y_m=y), worst=worst)
    for k in range(30):
        as_near = int((np.hypot(x - guess_x[k], y - guess_y[k]) <= error_m[k] + 0.02).sum())
        expected = worst + 1 if np.isnan(error_m[k]) else min(max(as_near, 1), worst + 1)
        if n:
            assert got[k] == expected


def test_ties_count_against_the_adversary():
    """Halfway between two doors, the true one is not the top one."""
    addresses = Addresses(x_m=np.array([0.0, 10.0, 500.0]), y_m=np.zeros(3))
    rank = address_rank(np.array([5.0, 4.0]), np.zeros(2), np.array([5.0, 4.0]), addresses)
    assert rank.tolist() == [2, 1]


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_right_street_equals_a_search_without_shortcuts(network, seed):
    rng = np.random.default_rng(seed)
    n = 60
    true_edge = rng.integers(0, network.n_edges, n).astype(np.int32)
    true_edge[:5] = -1
    x, y = rng.uniform(-500, 1500, (2, n))
    error_m = np.ones(n)
    error_m[5:8] = np.nan
    edge, _, distance_m = network.nearest_edge(x, y)
    expected = (
        (true_edge >= 0)
        & np.isfinite(error_m)
        & (network.edge_street[edge] == network.edge_street[true_edge])
        & (distance_m <= 250.0)
    )
    np.testing.assert_array_equal(right_street(x, y, true_edge, error_m, network), expected)


@given(
    st.integers(1, 8).flatmap(lambda k: st.lists(st.lists(st.booleans(), min_size=k, max_size=k), min_size=1))
)
def test_first_and_for_good_by_the_words(rows):
    first, for_good = first_and_for_good(np.array(rows))
    for row, a, b in zip(rows, first, for_good, strict=True):
        assert a == (row.index(True) if True in row else len(row))
        assert b == next((k for k in range(len(row)) if all(row[k:])), len(row))


def guesses(points: list[list[tuple[float, float]]]) -> Guesses:
    xy = np.array(points, dtype=np.float32)
    return Guesses(x_m=xy[:, :, 0], y_m=xy[:, :, 1], confidence=np.ones(xy.shape[:2], dtype=np.float32))


NOTHING = (np.nan, np.nan)


@pytest.fixture
def case(network):
    """Three drivers and three checkpoints: a resident with work, one without, and one from off the map."""
    edge = network.nearest_edge(np.array([300.0, 700.0]), np.array([0.0, 400.0]))[0]
    truth = Truth(
        driver_id=np.array([7, 8, 9], dtype=np.int32),
        home_x_m=np.array([300.0, 700.0, -30_000.0]),
        home_y_m=np.array([0.0, 400.0, 0.0]),
        home_edge=np.array([edge[0], edge[1], -1], dtype=np.int32),
        home_inside=np.array([True, True, False]),
        has_work=np.array([True, False, True]),
        work_x_m=np.array([700.0, np.nan, 300.0]),
        work_y_m=np.array([400.0, np.nan, 0.0]),
        work_edge=np.array([edge[1], -1, edge[0]], dtype=np.int32),
        work_inside=np.array([True, False, True]),
    )
    view = ArchiveView(
        plate=np.array([70, 80, 90], dtype=np.uint32),
        indptr=np.array([0, 3, 3, 4]),
        time_s=np.array([10, 86_410, 5 * 86_400, 20]),
        camera_id=np.zeros(4, dtype=np.int32),
        x_m=np.zeros(4, dtype=np.float32),
        y_m=np.zeros(4, dtype=np.float32),
        expires_s=np.full(4, 2**62),
        checkpoint_days=np.array([1, 3, 7], dtype=np.int32),
        start_weekday=0,
    )
    attack = Attack(
        home=guesses(
            [
                [(300.0, 0.0), NOTHING, (300.0, 60.0)],
                [NOTHING, NOTHING, NOTHING],
                [(0.0, 0.0), (0.0, 0.0), (-29_900.0, 0.0)],
            ]
        ),
        work=guesses(
            [
                [(0.0, 0.0), (700.0, 400.0), (700.0, 420.0)],
                [(1.0, 1.0), (1.0, 1.0), (1.0, 1.0)],
                [(300.0, 0.0), (300.0, 0.0), (300.0, 0.0)],
            ]
        ),
    )
    doors = Addresses(x_m=np.array([300.0, 700.0]), y_m=np.array([0.0, 400.0]))
    return attack, view, truth, doors


def outcome(frame: pl.DataFrame, driver: int, target: str, criterion: str) -> tuple:
    rows = frame.filter(
        (pl.col("driver_id") == driver)
        & (pl.col("target").cast(pl.String) == target)
        & (pl.col("criterion").cast(pl.String) == criterion)
    )
    assert len(rows) == 1
    return rows.select("days", "sightings", "observed").row(0)


def test_outcomes_of_a_hand_made_attack(case, network):
    attack, view, truth, doors = case
    frame = score("someone", attack, view, truth, network=network, homes=doors, works=doors).outcomes
    assert frame.schema == pl.DataFrame(schema=SCHEMAS["outcomes"].columns).schema
    # Found on day 1, lost on day 3 (an abstention), found again by day 7.
    assert outcome(frame, 7, "home", "within-100m") == (1, 1, True)
    assert outcome(frame, 7, "home", "within-100m-for-good") == (7, 3, True)
    assert outcome(frame, 7, "work", "within-100m-for-good") == (3, 2, True)
    # Both: the home is not known on day 3, the work place not on day 1.
    assert outcome(frame, 7, "both", "within-100m") == (7, 3, True)
    assert outcome(frame, 7, "home", "right-street") == (1, 1, True)
    assert outcome(frame, 7, "home", "address-top-1") == (1, 1, True)
    # Never seen, never found: censored at the last checkpoint.
    assert outcome(frame, 8, "home", "within-1000m") == (7, 0, False)
    # From off the map: near the true point counts by distance only, there is no street and no door.
    assert outcome(frame, 9, "home", "within-100m") == (7, 1, True)
    assert outcome(frame, 9, "home", "right-street") == (7, 1, False)
    assert outcome(frame, 9, "home", "address-top-100") == (7, 1, False)
    assert outcome(frame, 9, "work", "within-100m-for-good") == (1, 1, True)
    # Who has no work place has no rows for it.
    assert frame.filter(pl.col("target").cast(pl.String) != "home")[
        "driver_id"
    ].unique().sort().to_list() == [7, 9]
    assert len(frame) == (3 + 2 + 2) * len(CRITERIA)


def test_beliefs_of_a_hand_made_attack(case, network):
    attack, view, truth, doors = case
    frame = score("someone", attack, view, truth, network=network, homes=doors, works=doors).beliefs
    assert frame.schema == pl.DataFrame(schema=SCHEMAS["beliefs"].columns).schema
    home = frame.filter((pl.col("driver_id") == 7) & (pl.col("target").cast(pl.String) == "home"))
    assert home["day"].to_list() == [1, 3, 7]
    assert home["sightings_seen"].to_list() == [1, 2, 3]
    assert home["error_m"].to_list() == [0.0, None, 60.0]
    assert home["x_m"].to_list() == [300.0, None, 300.0]
    assert len(frame) == 9 + 6


def test_an_attacker_of_homes_only_has_no_work_rows(case, network):
    attack, view, truth, doors = case
    scored = score(
        "someone", Attack(home=attack.home, work=None), view, truth, network=network, homes=doors, works=doors
    )
    assert scored.outcomes["target"].cast(pl.String).unique().to_list() == ["home"]
    assert scored.beliefs["target"].cast(pl.String).unique().to_list() == ["home"]


def test_looser_criteria_are_met_no_later(network):
    """Within 1,000 m comes no later than within 100 m; first no later than for good."""
    rng = np.random.default_rng(5)
    n, k = 200, 6
    edge = rng.integers(0, network.n_edges, n).astype(np.int32)
    x, y = network.point_along(edge, rng.uniform(0, 200, n))
    truth = Truth(
        driver_id=np.arange(n, dtype=np.int32),
        home_x_m=x, home_y_m=y, home_edge=edge, home_inside=np.ones(n, dtype=bool),
        has_work=np.zeros(n, dtype=bool),
        work_x_m=x, work_y_m=y, work_edge=edge, work_inside=np.ones(n, dtype=bool),
    )  # fmt: skip
    view = ArchiveView(
        plate=np.arange(n, dtype=np.uint32), indptr=np.zeros(n + 1, dtype=np.int64),
        time_s=np.empty(0, dtype=np.int64), camera_id=np.empty(0, dtype=np.int32),
        x_m=np.empty(0, dtype=np.float32), y_m=np.empty(0, dtype=np.float32),
        expires_s=np.empty(0, dtype=np.int64),
        checkpoint_days=np.arange(1, k + 1, dtype=np.int32), start_weekday=0,
    )  # fmt: skip
    spread = rng.exponential(200.0, (n, k))
    attack = Attack(
        home=Guesses(
            x_m=(x[:, None] + spread * rng.normal(size=(n, k))).astype(np.float32),
            y_m=(y[:, None] + spread * rng.normal(size=(n, k))).astype(np.float32),
            confidence=np.ones((n, k), dtype=np.float32),
        ),
        work=None,
    )
    doors = Addresses(x_m=x, y_m=y)
    frame = score("x", attack, view, truth, network=network, homes=doors, works=doors).outcomes
    when = (
        frame.with_columns(
            pl.when("observed").then("days").otherwise(99).alias("when"), pl.col("criterion").cast(pl.String)
        )
        .pivot(on="criterion", index="driver_id", values="when")
        .drop("driver_id")
    )
    for loose, strict in (
        ("within-1000m", "within-500m"),
        ("within-500m", "within-250m"),
        ("within-250m", "within-100m"),
        ("address-top-100", "address-top-10"),
        ("address-top-10", "address-top-1"),
        *((c, c + "-for-good") for c in POINT_CRITERIA),
    ):
        assert (when[loose] <= when[strict]).all(), (loose, strict)
        assert (when[loose] < when[strict]).any(), (loose, strict)


def test_truth_of_other_drivers_is_refused(case, network):
    attack, view, truth, doors = case
    with pytest.raises(ValueError, match=r"3 drivers.*2 plates"):
        score(
            "someone", attack, replace(view, plate=view.plate[:2]), truth,
            network=network, homes=doors, works=doors,
        )  # fmt: skip
