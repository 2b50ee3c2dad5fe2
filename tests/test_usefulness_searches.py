"""Searches for cars: slow references, closed forms, and what must not change when a rule is added."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from experiments.utility import events_of, utility_of
from simulator.archive_rules import Archive, HotListOnly, Purchase, Sharing, Thinning
from simulator.chunks import ground_of
from simulator.errors import ScenarioError
from simulator.recapture import Recaptured, recapture
from simulator.sightings.archive import look_into
from simulator.sightings.capture import STRAY_SHARE
from simulator.sightings.view import DAY_S
from simulator.travel.stays import stays_of, whereabouts
from simulator.usefulness.rules import EVERYONE, RuleInForce, live_archive, rules_compared
from simulator.usefulness.searches import draw_events, last_known, live_wait_s, traced
from simulator.usefulness.utility import Whereabouts, false_alerts, utility
from simulator.world import World


@pytest.fixture(scope="module")
def taken(tiny_world: World) -> Recaptured:
    return recapture(tiny_world)


@pytest.fixture(scope="module")
def searches(taken: Recaptured) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    return rng.integers(0, 40, 300).astype(np.uint32), rng.integers(0, 10 * DAY_S, 300)


@pytest.mark.parametrize("rules", [Archive(), Archive(retention_days=0.7), Archive(rules=(Thinning(),))])
def test_searches_agree_with_a_slow_reading(
    taken: Recaptured, searches: tuple[np.ndarray, np.ndarray], rules: Archive
) -> None:
    plate, now_s = searches
    stored, expires_s = look_into(rules, taken.sightings, ground_of(taken.world))
    rows = list(zip(stored.plate, stored.time_s, expires_s, strict=True))
    wait, last = live_wait_s(stored, plate, now_s), last_known(stored, expires_s, plate, now_s)
    late = traced(stored, expires_s, plate, from_s=now_s - 7200, to_s=now_s, asked_s=now_s + 3600)
    for i, (p, t) in enumerate(zip(plate, now_s, strict=True)):
        after = [s - t for q, s, _ in rows if q == p and s >= t]
        assert wait[i] == (min(after) if after else np.inf)
        before = [(s, k) for k, (q, s, e) in enumerate(rows) if q == p and s < t and e > t]
        assert last[i] == (max(before)[1] if before else -1)
        assert late[i] == any(q == p and t - 7200 <= s < t and e > t + 3600 for q, s, e in rows)


def test_searching_an_empty_archive_finds_nothing(taken: Recaptured) -> None:
    nothing = taken.sightings.take(np.zeros(taken.sightings.n_sightings, dtype=bool))
    plate, when = np.array([3], dtype=np.uint32), np.array([DAY_S])
    assert live_wait_s(nothing, plate, when)[0] == np.inf
    assert last_known(nothing, np.empty(0, np.int64), plate, when)[0] == -1


def shares(taken: Recaptured, archive: Archive, **kwargs: object) -> dict[tuple[str, str], float]:
    events = events_of(taken, count=1000, delay_h=6.0, thief=bool(kwargs.get("thief", False)))
    rule = RuleInForce(rule="x", agency=EVERYONE, archive=archive)
    table = utility_of(taken, events, [rule])
    return {(r["search"], r["within"]): r["share"] for r in table.iter_rows(named=True)}


def test_more_retention_never_finds_less(taken: Recaptured) -> None:
    ladder = [shares(taken, Archive(retention_days=d)) for d in (0.002, 0.5, 1.0, 3.0, 30.0, None)]
    for less, more in pairwise(ladder):
        assert all(more[k] >= less[k] for k in less if k[1] != "now within 1 km")
        live = [k for k in less if k[0] == "live"]
        assert all(more[k] == less[k] for k in live)
    assert ladder[-1]["look-back", "any time"] > ladder[0]["look-back", "any time"]


def test_hot_list_only_leaves_live_hits_and_nothing_to_look_back_at(taken: Recaptured) -> None:
    free, bound = shares(taken, Archive()), shares(taken, Archive(rules=(HotListOnly(share=0.0),)))
    assert all(bound[k] == free[k] for k in free if k[0] == "live")
    assert all(bound[k] == 0 for k in free if k[0] != "live")
    assert free["live", "1 week"] > 0


def test_who_is_not_shared_with_finds_less(taken: Recaptured) -> None:
    owners = taken.world.cameras.owners
    alone = shares(taken, Archive(viewer="firm", shared_by_default=False))
    together = shares(taken, Archive(viewer="firm", shared_by_default=True))
    assert set(owners) == {"city", "firm", "police"}
    assert all(together[k] >= alone[k] for k in alone if k[1] != "now within 1 km")
    assert together["live", "1 day"] > alone["live", "1 day"]


def test_a_rule_for_one_agency_is_not_anothers() -> None:
    archive = Archive(
        viewer="police",
        shared_by_default=False,
        rules=(Sharing(name="s", owner="city", partners=("county",)), Purchase(name="p", owner="firm")),
        agencies=("county",),
    )
    seen = {
        a: [archive.seen_by(a).may_see(o) for o in ("city", "police", "firm")] for a in ("police", "county")
    }
    assert seen == {"police": [False, True, True], "county": [True, False, False]}


def test_what_is_compared_live_keeps_only_rules_of_collection() -> None:
    archive = Archive(retention_days=1.0, rules=(HotListOnly(name="h"), Thinning(name="t")))
    live = live_archive(archive)
    assert live.retention_days is None
    assert [rule.name for rule in live.rules] == ["t"]


def test_misreads_find_listed_cars_as_often_as_chance_says(taken: Recaptured) -> None:
    """Misread with rate m, into some driver's plate with share s: m s / (1 - m) for each true read."""
    rule = RuleInForce(rule="x", agency=EVERYONE, archive=Archive())
    events = draw_events(taken.world.drivers.plate, days=10, seed=1, delay_h=0.0)
    early = events.__class__(
        plate=events.plate,
        moves_like=events.plate,
        event_s=np.zeros_like(events.event_s),
        listed_s=np.zeros_like(events.listed_s),
    )
    found = false_alerts(rule, taken.sightings, taken.stray, ground_of(taken.world), early, listed_days=10.0)
    assert found["false_alerts"] == taken.stray.sum()
    rate = taken.world.cameras.misread_rate[taken.sightings.camera_id[~taken.stray]]
    expected = float((rate * STRAY_SHARE / (1 - rate)).sum())
    assert abs(found["false_alerts"] - expected) < 4 * np.sqrt(expected)


def test_a_misread_finds_nobody(taken: Recaptured) -> None:
    events = draw_events(taken.world.drivers.plate, days=10, seed=1)
    where = Whereabouts(x_m=np.zeros(events.n_events), y_m=np.zeros(events.n_events))
    rule = RuleInForce(rule="x", agency=EVERYONE, archive=Archive())
    everything_astray = np.ones(taken.sightings.n_sightings, dtype=bool)
    table = utility(rule, taken.sightings, everything_astray, ground_of(taken.world), events, where)
    assert table.filter(pl.col("search") == "live")["found"].sum() == 0


def test_a_thief_is_seen_where_the_other_driver_goes(taken: Recaptured) -> None:
    usual = events_of(taken, count=1000, delay_h=6.0, thief=False)
    stolen = events_of(taken, count=1000, delay_h=6.0, thief=True)
    np.testing.assert_array_equal(usual.event_s, stolen.event_s)
    np.testing.assert_array_equal(usual.moves_like, usual.plate)
    assert (stolen.moves_like != stolen.plate).mean() > 0.8
    assert 0 < shares(taken, Archive(), thief=True)["live", "1 week"] <= 1


def test_events_fall_into_the_span_one_a_plate() -> None:
    plates = np.arange(500, dtype=np.uint32)
    events = draw_events(plates, days=30, seed=9, count=400, delay_h=5.0)
    assert events.n_events == 400 == len(set(events.plate.tolist()))
    assert events.event_s.min() >= 11.5 * DAY_S and events.listed_s.max() <= 23 * DAY_S
    delay_h = (events.listed_s - events.event_s) / 3600
    assert delay_h.min() >= 0 and 3.5 < delay_h.mean() < 5.5  # cut off at the end of the span
    with pytest.raises(ScenarioError, match="at least 9 days"):
        draw_events(plates, days=8, seed=1)


def test_rules_compared_name_every_agency(taken: Recaptured) -> None:
    owners = taken.world.cameras.owners
    plain = rules_compared(Archive(), owners, days=30)
    assert plain[0].agency == EVERYONE
    assert {r.agency for r in plain if r.rule == "nobody shares"} == set(owners)
    ruled = rules_compared(Archive(viewer="city", agencies=("federal",)), owners, days=30)
    assert {r.agency for r in ruled if r.rule == "as in the scenario"} == {*owners, "federal"}


def test_stays_fill_the_time_between_trips(taken: Recaptured) -> None:
    world = taken.world
    stays = stays_of(taken.trips, world.drivers.home_place, days=10)
    assert len(stays.driver) == taken.trips.height + world.drivers.n_drivers
    one = taken.trips.filter(pl.col("driver_id") == 7)
    mine = stays.driver == 7
    np.testing.assert_array_equal(stays.place[mine][1:], one["to_place"].to_numpy())
    np.testing.assert_array_equal(stays.until_s[mine][:-1], one["depart_s"].to_numpy())
    np.testing.assert_array_equal(stays.from_s[mine][1:], one["arrive_s"].to_numpy())
    depart, arrive = one["depart_s"].to_numpy(), one["arrive_s"].to_numpy()
    driver = np.full(len(depart), 7)
    x_m, y_m = whereabouts(stays, world.places, driver, depart - 1)
    start = one["from_place"].to_numpy()
    np.testing.assert_allclose(x_m, world.places.x_m[start])
    halfway_x, _ = whereabouts(stays, world.places, driver, (depart + arrive) // 2)
    end = one["to_place"].to_numpy()
    middle = (world.places.x_m[start] + world.places.x_m[end]) / 2
    assert np.abs(halfway_x - middle).max() < 0.05 * np.ptp(world.places.x_m)
    del y_m
