"""Unicity against brute force, closed forms, and what must hold whatever the traces."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.errors import ScenarioError
from simulator.privacy.traces import Traces, cells, make_traces
from simulator.privacy.unicity import MOST_SUBSETS, unicity, unicity_curve

People = list[list[tuple[int, int]]]  # (place, hour) of each person


def traces_of(people: People, minutes: float = 60, coarser: int = 1) -> Traces:
    person = np.repeat(np.arange(len(people)), [len(p) for p in people])
    flat = np.array([point for p in people for point in p], dtype=np.int64).reshape(-1, 2)
    return make_traces(
        person, flat[:, 0] // coarser, flat[:, 1] * 3600 + 1799, n_people=len(people), minutes=minutes
    )


def brute_force(people: People, p: int, hours: int = 1) -> float:
    """Share of sets of p points, person by person, that nobody else has; the definition, word by word."""
    sets = [{(place, hour // hours) for place, hour in person} for person in people]
    shares = []
    for i, own in enumerate(sets):
        subsets = list(combinations(sorted(own), p))
        if subsets:
            alone = [not any(j != i and set(s) <= other for j, other in enumerate(sets)) for s in subsets]
            shares.append(np.mean(alone))
    return float(np.mean(shares)) if shares else float("nan")


point = st.tuples(st.integers(0, 3), st.integers(0, 5))
tiny_worlds = st.lists(st.lists(point, max_size=6), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None)
@given(tiny_worlds, st.integers(1, 4), st.sampled_from([1, 2, 3]))
def test_exact_unicity_equals_the_definition(people: People, p: int, hours: int) -> None:
    got = unicity(traces_of(people, 60 * hours), p, exact=True)
    # Spans are counted from the first sighting's, so that the whole world starts at a whole span.
    first = min((hour // hours for person in people for _, hour in person), default=0)
    assert got.share == pytest.approx(
        brute_force([[(a, h - first * hours) for a, h in x] for x in people], p, hours), nan_ok=True
    )
    assert got.people + got.too_short == len(people)


@settings(max_examples=60, deadline=None)
@given(tiny_worlds, st.integers(1, 4))
def test_more_points_never_single_out_fewer(people: People, p: int) -> None:
    """By the same people: who is too short for p + 1 points is left out of both."""
    long = [x for x in people if len(set(x)) >= p + 1]
    others = [x for x in people if len(set(x)) < p + 1]
    world = traces_of(long + others)
    if long:
        few, many = (_exact_of_first(world, q, len(long)) for q in (p, p + 1))
        assert many >= few - 1e-12


def _exact_of_first(world: Traces, p: int, n: int) -> float:
    from simulator.privacy.unicity import _exact

    return float(_exact(np.arange(n), p, world.indptr, world.point, *world.visitors).mean())


@settings(max_examples=60, deadline=None)
@given(tiny_worlds.filter(lambda w: any(w)))
def test_coarser_places_never_single_out_more_at_the_whole_trace(people: People) -> None:
    """Knowing a whole trace: who is alone when blurred was alone before."""
    fine = [{(a, h) for a, h in x} for x in people]
    coarse = [{(a // 2, h) for a, h in x} for x in people]
    for i in range(len(people)):
        alone = not any(fine[i] <= other for j, other in enumerate(fine) if j != i)
        blurred = not any(coarse[i] <= other for j, other in enumerate(coarse) if j != i)
        assert alone or not blurred
    for coarser, sets in ((1, fine), (2, coarse)):
        world = traces_of(people, coarser=coarser)
        assert list(world.length) == [len(s) for s in sets]


def crowd(seed: int, n_people: int = 300, n_points: int = 40) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(n_people), n_points)
    x, y = rng.uniform(0, 8_000, (2, len(person)))
    return person, x, y, rng.integers(0, 7 * 86_400, len(person))


def test_coarser_space_and_time_single_out_fewer_in_a_crowd() -> None:
    person, x, y, time_s = crowd(1)

    def share(side_m: float, minutes: float) -> float:
        world = make_traces(person, cells(x, y, side_m), time_s, n_people=300, minutes=minutes)
        return unicity(world, 3, seed=1, draws=20).share

    by_space = [share(side, 240) for side in (250, 1_000, 4_000)]
    by_time = [share(2_000, minutes) for minutes in (30, 240, 1_440, 10_080)]
    assert by_space == sorted(by_space, reverse=True) and by_space[0] > by_space[-1]
    assert by_time == sorted(by_time, reverse=True) and by_time[0] > by_time[-1]


def test_sampled_unicity_agrees_with_the_exact_one() -> None:
    person, x, y, time_s = crowd(2, 200, 12)
    world = make_traces(person, cells(x, y, 2_000), time_s, n_people=200, minutes=720)
    exact = unicity(world, 2, exact=True)
    sampled = unicity(world, 2, seed=5, draws=200)
    assert 0.1 < exact.share < 0.9
    # 200 people, 200 draws each: a standard error below 0.5 / sqrt(40,000).
    assert abs(sampled.share - exact.share) < 4 * 0.0025
    once = [unicity(world, 2, seed=s) for s in range(40)]
    assert np.mean([u.low <= exact.share <= u.high for u in once]) > 0.85


def test_closed_forms() -> None:
    apart = [[(i, h) for h in range(5)] for i in range(4)]
    assert unicity(traces_of(apart), 1, exact=True).share == 1.0
    alike = [[(0, h) for h in range(5)]] * 4
    assert unicity(traces_of(alike), 5, exact=True).share == 0.0
    # One of five hours apart: a set of p points gives a person away if it holds that hour, p / 5 of them.
    almost = [[(i if h == 0 else 9, h) for h in range(5)] for i in range(4)]
    for p in range(1, 6):
        assert unicity(traces_of(almost), p, exact=True).share == pytest.approx(p / 5)
        assert unicity(traces_of(almost), p, seed=3, draws=4_000).share == pytest.approx(p / 5, abs=0.02)


def test_relabelling_people_and_places_changes_nothing() -> None:
    person, x, y, time_s = crowd(3, 60, 8)
    place = cells(x, y, 2_000)
    rng = np.random.default_rng(0)
    new_person = rng.permutation(60)[person]
    _, code = np.unique(place, return_inverse=True)
    new_place = rng.permutation(code.max() + 1)[code]
    a = unicity(make_traces(person, place, time_s, n_people=60, minutes=360), 2, exact=True)
    b = unicity(make_traces(new_person, new_place, time_s, n_people=60, minutes=360), 2, exact=True)
    assert a.share == pytest.approx(b.share)


def test_more_points_than_a_trace_has_are_counted_and_not_fatal() -> None:
    people: People = [[(0, 0)], [(0, 0), (1, 1), (2, 2)], []]
    curve = unicity_curve(traces_of(people), [1, 3, 4])
    assert curve["too_short"].to_list() == [1, 2, 3]
    assert curve["people"].to_list() == [2, 1, 0]
    assert curve["share"].to_list()[2] is None
    empty = make_traces(np.empty(0, int), np.empty(0, int), np.empty(0, int), n_people=2, minutes=60)
    assert unicity(empty, 1).too_short == 2


def test_what_cannot_be_asked_is_refused_with_the_way_out() -> None:
    world = traces_of([[(0, 0)]])
    with pytest.raises(ScenarioError, match="between 1 and"):
        unicity(world, 0)
    person, x, y, time_s = crowd(4, 20, 100)
    big = make_traces(person, cells(x, y, 100), time_s, n_people=20, minutes=15)
    with pytest.raises(ScenarioError, match=f"{MOST_SUBSETS:,}.*sample"):
        unicity(big, 6, exact=True)
    with pytest.raises(ValueError, match="longer than 0"):
        make_traces(person, person, time_s, n_people=20, minutes=0)


def test_codes_are_the_same_whether_tabled_or_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    person, x, y, time_s = crowd(6, 30, 20)
    tabled = make_traces(person, cells(x, y, 500), time_s, n_people=30, minutes=60)
    monkeypatch.setattr("simulator.privacy.traces._TABLE", 0)
    by_sorting = make_traces(person, cells(x, y, 500), time_s, n_people=30, minutes=60)
    assert (tabled.point == by_sorting.point).all() and tabled.n_points == by_sorting.n_points
