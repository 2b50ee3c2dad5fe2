"""Attacks that join labels: what they see, slow references, worlds where the answer is known, and chance."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from cameras_town import grid_town
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.adversary.knowledge import ReaderFacts
from simulator.adversary.linking.habits import habit_counts, link_periods
from simulator.adversary.linking.looks import Detections, follow_looks, reader_travel_s
from simulator.adversary.linking.networks import link_networks
from simulator.archive_rules import Pseudonyms
from simulator.chunks import MobileBlocks, capture
from simulator.errors import ScenarioError
from simulator.people.vehicles import VehicleShares, draw_vehicles, looks_as_noted
from simulator.privacy.linkability import score_links, score_tracking
from simulator.sightings.capture import Sightings
from simulator.sightings.label_view import LabelView
from simulator.sightings.labels import one_network, pseudonymise
from simulator.world import World


def sightings_of(rows: list[tuple[int, int, int]]) -> Sightings:
    """(plate, time, reader) in any order; readers stand a kilometre apart on a line."""
    plate, time_s, camera = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3).T
    return Sightings(
        plate=plate.astype(np.uint32),
        time_s=time_s,
        camera_id=camera.astype(np.int32),
        x_m=(camera * 1000.0).astype(np.float32),
        y_m=np.zeros(len(camera), dtype=np.float32),
    )


@pytest.fixture(scope="module")
def reads(tiny_world: World) -> Sightings:
    return capture(tiny_world, 0, tiny_world.drivers.n_drivers, MobileBlocks(tiny_world)).own


def labelled(reads: Sightings, rotation: str) -> tuple[LabelView, np.ndarray]:
    return pseudonymise(reads, Pseudonyms(rotation=rotation), seed=1, start_weekday=0)  # type: ignore[arg-type]


@pytest.mark.parametrize("rotation", ["never", "monthly", "weekly", "daily", "trip"])
def test_labels_hold_all_sightings_of_one_plate_in_one_period(reads: Sightings, rotation: str) -> None:
    view, plate = labelled(reads, rotation)
    assert view.indptr[-1] == reads.n_sightings and (np.diff(view.indptr) > 0).all()
    rows = {
        (int(p), int(t), int(c)) for p, t, c in zip(reads.plate, reads.time_s, reads.camera_id, strict=True)
    }
    label = view.label()
    again = zip(plate[label], view.time_s, view.camera_id, strict=True)
    assert {(int(p), int(t), int(c)) for p, t, c in again} == rows
    inside = np.diff(label) == 0
    assert (np.diff(view.time_s)[inside] >= 0).all()
    if rotation in ("daily", "weekly"):
        length_s = 86_400 * (1 if rotation == "daily" else 7)
        assert (view.time_s // length_s == view.period[label]).all()
        assert len(set(zip(plate.tolist(), view.period.tolist(), strict=True))) == view.n_labels
    if rotation == "trip":
        assert (np.diff(view.time_s)[inside] < 1800).all()
        assert view.n_labels > len(np.unique(reads.plate)) * 3


def test_label_numbers_tell_nothing_about_plates(reads: Sightings) -> None:
    _, plate = labelled(reads, "daily")
    assert abs(np.corrcoef(np.arange(len(plate)), plate)[0, 1]) < 4 / np.sqrt(len(plate))


def test_pseudonyms_longer_than_the_data_leave_nothing_to_link(reads: Sightings) -> None:
    for rotation in ("monthly", "never"):
        with pytest.raises(ScenarioError, match=r"longer than the data.*Simulate more days"):
            link_periods(labelled(reads, rotation)[0], 0, 1)
    with pytest.raises(ScenarioError, match="period 9; there are periods 0 to 1"):
        link_periods(labelled(reads, "weekly")[0], 0, 9)


@pytest.mark.parametrize("score", ["likelihood", "cosine"])
@pytest.mark.parametrize("one_to_one", [True, False])
def test_drivers_with_readers_of_their_own_are_all_linked(score: str, one_to_one: bool) -> None:
    rows = [(d, day * 86_400 + 30_000 + d, d) for d in range(12) for day in range(14)]
    view, plate = labelled(sightings_of(rows), "weekly")
    links = link_periods(view, 0, 1, score=score, one_to_one=one_to_one)  # type: ignore[arg-type]
    assert (plate[links.earlier] == plate[links.later]).all() and links.claimed.all()
    sides = [(np.flatnonzero(view.period == 0), np.flatnonzero(view.period == 1))]
    joined = score_links([links], plate, plate, sides)
    assert (joined.precision, joined.recall, joined.best_guess) == (1.0, 1.0, 1.0)
    assert joined.chance == pytest.approx(1 / 12) and joined.linkable == 12


def test_drivers_with_the_same_habits_are_linked_no_better_than_by_chance() -> None:
    rng = np.random.default_rng(3)
    rows = [(d, int(day * 86_400 + rng.integers(86_400)), int(rng.integers(6)))
            for d in range(200) for day in range(14) for _ in range(3)]  # fmt: skip
    view, plate = labelled(sightings_of(rows), "weekly")
    links = link_periods(view, 0, 1)
    right = (plate[links.earlier] == plate[links.later]).sum()
    assert right <= 6  # Poisson with mean 1
    assert links.claimed.mean() < 0.25


def test_log_odds_equal_a_slow_likelihood_ratio() -> None:
    rng = np.random.default_rng(5)
    rows = [(d, int(day * 86_400 + 28_800 + rng.integers(40_000)), int((d + rng.integers(3)) % 5))
            for d in range(6) for day in range(14)]  # fmt: skip
    view, _ = labelled(sightings_of(rows), "weekly")
    counts = habit_counts(view).toarray()
    a, b = np.flatnonzero(view.period == 0), np.flatnonzero(view.period == 1)
    everybody = counts.sum(axis=0) + 1e-3
    everybody /= everybody.sum()
    odds = np.array([[sum(counts[j, f] * np.log((0.7 * counts[i, f] / counts[i].sum() + 0.3 * everybody[f])
                                                / everybody[f]) for f in range(counts.shape[1])) - np.log(6)
                      for j in b] for i in a])  # fmt: skip
    links = link_periods(view, 0, 1, one_to_one=False)
    assert links.later.tolist() == b[odds.argmax(axis=1)].tolist()
    assert links.score == pytest.approx(odds.max(axis=1))


def test_real_habits_are_linked_far_above_chance(reads: Sightings) -> None:
    view, plate = labelled(reads, "weekly")
    links = link_periods(view, 0, 1)
    sides = [(np.flatnonzero(view.period == 0), np.flatnonzero(view.period == 1))]
    joined = score_links([links], plate, plate, sides)
    assert joined.recall_low > 5 * joined.chance
    assert joined.precision > joined.chance


# --- networks ------------------------------------------------------------------------------------------


def networks(rows_a: list[tuple[int, int, int]], rows_b: list[tuple[int, int, int]]):  # type: ignore[no-untyped-def]
    a, driver_a = one_network(sightings_of(rows_a), "a", seed=1, start_weekday=0)
    b, driver_b = one_network(sightings_of(rows_b), "b", seed=1, start_weekday=0)
    return a, driver_a, b, driver_b


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5_000), st.integers(0, 4)), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5_000), st.integers(0, 4)), min_size=1, max_size=12),
)
def test_network_links_equal_a_slow_reference(rows_a, rows_b) -> None:  # type: ignore[no-untyped-def]
    a, driver_a, b, driver_b = networks(rows_a, rows_b)
    links = link_networks(a, b, window_s=600, radius_m=1_000.0, top_speed_mps=5.0)

    def reads(rows, who):  # type: ignore[no-untyped-def]
        return [(t, c * 1000.0) for plate, t, c in rows if plate == who]

    def value(i: int, j: int) -> tuple[int, int]:
        mine, other = reads(rows_a, int(driver_a[i])), reads(rows_b, int(driver_b[j]))
        close = [[(abs(t - u), abs(x - z)) for u, z in other if abs(t - u) <= 600] for t, x in mine]
        matches = sum(any(d <= 1000 for _, d in row) for row in close)
        return matches, sum(any(d > 1000 + 5 * dt for dt, d in row) for row in close)

    best = {}
    for i in range(a.n_labels):
        scores = sorted(
            (m - alibis for m, alibis in (value(i, j) for j in range(b.n_labels)) if m), reverse=True
        )
        if scores:
            lead = scores[0] - max(scores[1] if len(scores) > 1 else 0, 0) if scores[0] > 0 else -1
            best[i] = (scores[0], lead)
    assert sorted(links.earlier.tolist()) == sorted(best)
    for i, j, lead in zip(links.earlier, links.later, links.score, strict=True):
        m, alibis = value(int(i), int(j))
        assert (m - alibis, lead) == best[int(i)]


def test_two_networks_over_the_same_trips_are_joined_and_longer_is_better() -> None:
    rng = np.random.default_rng(7)
    rows_a, rows_b = [], []
    for driver in range(150):
        for day in range(20):
            t = int(day * 86_400 + 21_600 + rng.integers(3_600))
            reader = int(rng.integers(12))
            rows_a.append((driver, t, reader))
            rows_b.append((driver, t + 120, min(reader + 1, 12)))
    a, driver_a, b, driver_b = networks(rows_a, rows_b)

    def found(day: int) -> float:
        links = link_networks(a.until(day), b.until(day))
        ok = driver_a[links.earlier] == driver_b[links.later]
        return float((ok & links.claimed).mean())

    shares = [found(day) for day in (1, 4, 20)]
    assert shares == sorted(shares) and shares[0] < 0.7 < 0.95 < shares[-1]


def test_networks_that_share_nobody_are_not_joined_with_confidence() -> None:
    a, _, b, _ = networks([(1, 0, 0)], [(2, 50_000, 9)])
    links = link_networks(a, b)
    assert len(links.earlier) == 0 and links.asked == links.candidates == 1


# --- looks ---------------------------------------------------------------------------------------------


def facts(edge: np.ndarray, offset_m: np.ndarray, both: bool = True) -> ReaderFacts:
    n = len(edge)
    return ReaderFacts(
        fixed=np.ones(n, bool),
        edge=edge.astype(np.int32),
        offset_m=offset_m.astype(np.float32),
        both_directions=np.full(n, both),
        x_m=np.zeros(n),
        y_m=np.zeros(n),
        read_rate=np.ones(n, np.float32),
    )


def test_travel_times_between_readers_equal_networkx() -> None:
    network = grid_town().network
    rng = np.random.default_rng(0)
    edge = rng.choice(network.n_edges, 12, replace=False)
    at_m = rng.uniform(20, 180, 12)
    graph: nx.DiGraph[int] = nx.DiGraph()
    for e in range(network.n_edges):
        seconds = network.edge_length_m[e] / network.edge_speed_mps[e]
        graph.add_edge(int(network.edge_tail[e]), int(network.edge_head[e]), s=seconds)
    got = reader_travel_s(network, facts(edge, at_m, both=False))
    for i in range(12):
        for j in range(12):
            if i == j:
                assert np.isinf(got[i, j])
                continue
            a, b = edge[i], edge[j]
            between = nx.dijkstra_path_length(
                graph, int(network.edge_head[a]), int(network.edge_tail[b]), weight="s"
            )
            rest = (network.edge_length_m[a] - at_m[i]) / network.edge_speed_mps[a]
            assert got[i, j] == pytest.approx(rest + between + at_m[j] / network.edge_speed_mps[b], rel=1e-5)
    assert (reader_travel_s(network, facts(edge, at_m)) <= got + 1e-9).all()


def test_a_lone_car_is_followed_and_cars_of_other_looks_never_are() -> None:
    way = np.array([[np.inf, 100.0, 200.0], [100.0, np.inf, 100.0], [200.0, 100.0, np.inf]])
    reads = Detections(
        time_s=np.array([0, 5, 120, 130, 240, 5_000]),
        camera_id=np.array([0, 0, 1, 1, 2, 0], dtype=np.int32),
        look=np.array([7, 8, 7, 9, 7, 7]),
    )
    assert follow_looks(reads, way, days=1.0).tolist() == [2, -1, 4, -1, -1, -1]
    nothing = Detections(time_s=reads.time_s[:0], camera_id=reads.camera_id[:0], look=reads.look[:0])
    assert len(follow_looks(nothing, way, days=1.0)) == 0


def test_nobody_follows_or_is_followed_twice() -> None:
    rng = np.random.default_rng(2)
    n = 400
    reads = Detections(
        time_s=np.sort(rng.integers(0, 20_000, n)),
        camera_id=rng.integers(0, 5, n).astype(np.int32),
        look=rng.integers(0, 3, n),
    )
    way = np.where(np.eye(5, dtype=bool), np.inf, 120.0)
    successor = follow_looks(reads, way, days=0.25)
    followed = successor[successor >= 0]
    assert len(followed) > 20 and len(np.unique(followed)) == len(followed)
    kept = np.flatnonzero(successor >= 0)
    assert (reads.look[kept] == reads.look[successor[kept]]).all()
    assert (reads.time_s[kept] < reads.time_s[successor[kept]]).all()


def test_flow_is_learnt_where_the_map_is_wrong() -> None:
    """Cars of reader 0 go on to reader 2 in 180 s, where the map says 100; reader 1 has cars of its own."""
    rng = np.random.default_rng(4)
    way = np.where(np.eye(3, dtype=bool), np.inf, 100.0)
    starts = np.sort(rng.integers(0, 86_400, 250))
    arrives = starts + np.round(180 * np.exp(0.08 * rng.standard_normal(250))).astype(int)
    others = rng.integers(0, 86_400, 250)
    time_s = np.concatenate([starts, arrives, others])
    camera = np.repeat([0, 2, 1], 250)
    order = np.argsort(time_s, kind="stable")
    place = np.empty(750, dtype=np.int64)
    place[order] = np.arange(750)
    reads = Detections(
        time_s=time_s[order], camera_id=camera[order].astype(np.int32), look=np.zeros(750, dtype=np.int64)
    )
    right = [
        float((follow_looks(reads, way, days=1.0, rounds=n)[place[:250]] == place[250:500]).mean())
        for n in (1, 3)
    ]
    assert right[0] < 0.5 and right[1] > 0.9


def test_tracking_counts_whole_trips() -> None:
    truth = np.array([1, 2, -1, 4, -1, -1])
    assert score_tracking(truth, truth).tracked == 1.0
    one_wrong = score_tracking(np.array([1, 5, -1, 4, -1, -1]), truth)
    assert (one_wrong.trajectories, one_wrong.tracked) == (2, 0.5)
    assert one_wrong.steps == pytest.approx(2 / 3)
    assert score_tracking(np.full(2, -1), np.full(2, -1)).trajectories == 0


def test_looks_follow_their_shares_and_are_misjudged_as_often_as_said() -> None:
    shares = VehicleShares(colour=(3, 1), body=(1,), make=(1, 1), misjudged=0.2)
    cars = draw_vehicles(shares, 20_000, seed=1)
    assert np.mean(cars.colour == 0) == pytest.approx(0.75, abs=4 * 0.0031)
    assert len(np.unique(cars.looks())) == 4
    driver = np.arange(20_000)
    wrong = np.mean(looks_as_noted(cars, driver, 1) != cars.looks()[driver])
    # A wrongly noted look is another car's: alike with probability (0.75² + 0.25²) / 2.
    assert wrong == pytest.approx(0.2 * (1 - 0.625 / 2), abs=4 * 0.003)
    exact = draw_vehicles(VehicleShares(), 100, seed=1)
    assert (looks_as_noted(exact, np.arange(100), 1) == exact.looks()).all()


# --- the command ---------------------------------------------------------------------------------------


def test_the_command_prints_all_tables_and_writes_them(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    import polars as pl
    from typer.testing import CliRunner

    from experiments.cli import app

    small = ["--drivers", "60", "--days", "14", "--set", "streets.nodes=80", "--set", "streets.area_km2=1.2"]
    words = ["reidentify", "first-town", *small, "--points", "40", "--out", str(tmp_path / "out"), "-q"]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    for words_there in ("Unicity", "Anonymity sets", "list of residents", "weekly", "Two networks", "colour"):
        assert words_there in result.output
    assert (tmp_path / "out" / "reidentification.png").stat().st_size > 10_000
    assert {p.stem for p in (tmp_path / "out").glob("*.csv")} == {
        "unicity", "anonymity", "directory", "pseudonyms", "networks", "looks",
    }  # fmt: skip
    curve = pl.read_csv(tmp_path / "out" / "unicity.csv").filter(pl.col("points") == 40)
    assert curve["too_short"].min() > 0  # type: ignore[operator]
    # Fourteen days hold no two months: that rotation is left out.
    assert pl.read_csv(tmp_path / "out" / "pseudonyms.csv")["rotation"].to_list() == [
        "weekly",
        "daily",
        "trip",
    ]
    assert "no two such periods: monthly" in " ".join(result.output.split())
    nobody = ["--set", "readers.street-readers.count=0", "--set", "readers.patrol-car.count=0"]
    refused = CliRunner().invoke(app, ["reidentify", "first-town", *small, *nobody, "-q"])
    assert refused.exit_code == 2 and "No plate was read in 14 days" in refused.output
