"""Home-work pairs: risk, anonymity sets and directories, by hand and against slow references."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.adversary.linking.directory import Directory, look_up
from simulator.chunks import truth_of
from simulator.errors import ScenarioError
from simulator.privacy.anonymity import anonymity_sets, levels_of, set_sizes
from simulator.privacy.home_work_risk import home_work_risk
from simulator.privacy.linkability import score_lookup
from simulator.world import World

visits = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40)
Reading = Literal["most-visited", "least-visited"]


def reference(rows: list[tuple[int, int]], n: int, reading: Reading) -> list[int]:
    pairs = []
    for person in range(n):
        counts = Counter(place for who, place in rows if who == person)
        order = sorted(counts, key=lambda place: (-counts[place], place))
        pairs.append(set(order[:2] if reading == "most-visited" else order[-2:]))
    return [sum(bool(own) and own <= other for other in pairs) for own in pairs]


@settings(max_examples=150, deadline=None)
@given(visits, st.sampled_from(["most-visited", "least-visited"]))
def test_matches_equal_the_slow_reference(rows: list[tuple[int, int]], reading: Reading) -> None:
    person, place = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    got = home_work_risk(person, place, n_people=6, reading=reading)
    assert got["matches"].to_list() == reference(rows, 6, reading)
    for matches, risk in got.select("matches", "risk").iter_rows():
        assert risk == (None if matches == 0 else pytest.approx(1 / matches))


def test_the_two_readings_differ_and_an_unknown_one_is_named() -> None:
    # Two people share their two main places; one of them alone goes to the places 7 and 8 now and then.
    person = np.array([0] * 7 + [1] * 5)
    place = np.array([1, 1, 1, 2, 2, 7, 8] + [1, 1, 1, 2, 2])
    most = home_work_risk(person, place, n_people=2)
    least = home_work_risk(person, place, n_people=2, reading="least-visited")
    assert most["risk"].to_list() == [0.5, 0.5]
    assert least["risk"].to_list() == [1.0, 1.0]
    with pytest.raises(ScenarioError, match="Did you mean 'most-visited'"):
        home_work_risk(person, place, n_people=2, reading="most-visitd")  # type: ignore[arg-type]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=30))
def test_set_sizes_count_equal_pairs(pairs: list[tuple[int, int]]) -> None:
    home, work = np.array(pairs).T
    count = Counter(pairs)
    assert set_sizes(home, work).tolist() == [count[p] for p in pairs]


def test_anonymity_sets_grow_with_the_area(tiny_world: World) -> None:
    truth = truth_of(tiny_world, 0, tiny_world.drivers.n_drivers)
    frame = anonymity_sets(levels_of(truth, tiny_world.city.network))
    assert frame["level"].to_list() == ["address", "street", "cell", "district"]
    assert frame["people"].n_unique() == 1 and frame["people"][0] > 5
    assert frame["median"].is_sorted() and frame["unique"].is_sorted(descending=True)
    assert (frame["median_low"] <= frame["median"]).all() and (frame["median"] <= frame["median_high"]).all()
    assert anonymity_sets({"street": (np.empty(0, int), np.empty(0, int))})["people"].to_list() == [0]


def test_directory_finds_who_lives_and_works_near_both_places() -> None:
    home = np.array([0.0, 10.0, 0.0, 5_000.0])
    work = np.array([1_000.0, 1_000.0, 3_000.0, 1_000.0])
    zero = np.zeros(4)
    book = Directory(home_x_m=home, home_y_m=zero, work_x_m=work, work_y_m=zero)

    def ask(x_home: float, x_work: float, within_m: float) -> tuple[int, int]:
        at = [np.array([v]) for v in (x_home, 0.0, x_work, 0.0)]
        found = look_up(
            book, home_x_m=at[0], home_y_m=at[1], work_x_m=at[2], work_y_m=at[3], within_m=within_m
        )
        return int(found.matches[0]), int(found.nearest[0])

    assert ask(0, 1_000, 5) == (1, 0)
    assert ask(8, 1_000, 50) == (2, 1)
    assert ask(0, 2_900, 200) == (1, 2)
    assert ask(9_000, 1_000, 200) == (0, -1)
    assert ask(float("nan"), 1_000, 200) == (-1, -1)


def test_true_pairs_in_a_directory_name_exactly_those_who_are_alone(tiny_world: World) -> None:
    truth = truth_of(tiny_world, 0, tiny_world.drivers.n_drivers)
    rows = np.flatnonzero(truth.home_inside & truth.work_inside)
    at = {
        "home_x_m": truth.home_x_m[rows],
        "home_y_m": truth.home_y_m[rows],
        "work_x_m": truth.work_x_m[rows],
        "work_y_m": truth.work_y_m[rows],
    }
    found = look_up(Directory(**at), **at, within_m=1.0)
    size = set_sizes(np.unique(at["home_x_m"] + 1j * at["home_y_m"], return_inverse=True)[1],
                     np.unique(at["work_x_m"] + 1j * at["work_y_m"], return_inverse=True)[1])  # fmt: skip
    assert (found.matches >= size).all()
    score = score_lookup(found, np.arange(len(rows)))
    assert score.none == 0.0 and score.right_of_one == 1.0
    assert score.named == score.one_match <= (size == 1).mean() + 1e-12
    nobody = look_up(Directory(**{k: v[:0] for k, v in at.items()}), **at, within_m=1.0)
    assert score_lookup(nobody, np.full(len(rows), -1)).none == 1.0
