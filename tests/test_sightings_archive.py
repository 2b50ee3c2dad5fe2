"""The archive's rules against a slow reading of their words, and what must hold however they are combined."""

from __future__ import annotations

from itertools import permutations
from math import floor, hypot
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.archive_rules import (
    RETENTION_LADDER,
    RULE_KINDS,
    Archive,
    HotListOnly,
    LookBack,
    PlaceBan,
    PlaceRounding,
    PrivacyZone,
    Pseudonyms,
    SwitchOff,
    Thinning,
    TimeRounding,
)
from simulator.cameras.roster import Cameras
from simulator.chunks import MobileBlocks, capture, ground_of, view_of
from simulator.errors import ScenarioError
from simulator.replay import replay
from simulator.run import simulate
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict, with_overrides
from simulator.sightings.archive import Ground, effective_read_rate, look_into
from simulator.sightings.capture import Sightings
from simulator.sightings.rules import on_hot_list
from simulator.streams import Stream, stream_key, uniforms
from simulator.world import World

DAY_S = 86_400
OWNERS = ("city", "county", "firm")
N_PLATES, N_CAMERAS, DAYS = 6, 14, 40


def _ground(seed: int) -> Ground:
    """Return readers of three owners on a square of 3 km, some of them on cars."""
    rng = np.random.default_rng(seed)
    zeros = np.zeros(N_CAMERAS)
    x_m, y_m = rng.uniform(0, 3000, (2, N_CAMERAS))
    x_m[-3:] = y_m[-3:] = np.nan
    cameras = Cameras(
        kind=np.where(np.isnan(x_m), 1, 0).astype(np.uint8),
        owner=(np.arange(N_CAMERAS) % 3).astype(np.int32),
        group=np.zeros(N_CAMERAS, np.int32),
        edge=np.zeros(N_CAMERAS, np.int32),
        offset_m=zeros,
        both_directions=np.zeros(N_CAMERAS, np.bool_),
        place=np.full(N_CAMERAS, -1, np.int32),
        x_m=x_m,
        y_m=y_m,
        read_rate=np.full(N_CAMERAS, 0.9),
        parked_read_rate=zeros,
        night_penalty=zeros,
        misread_rate=zeros,
        downtime_share=zeros,
        gps_error_m=zeros,
        key=rng.integers(0, 2**32, N_CAMERAS, dtype=np.uint32),
        owners=OWNERS,
    )
    return Ground(
        cameras=cameras,
        seed=seed,
        home_x_m=rng.uniform(0, 3000, N_PLATES),
        home_y_m=rng.uniform(0, 3000, N_PLATES),
        sensitive={k: rng.uniform(0, 3000, (2, 2)) for k in ("clinic", "school", "worship")},
    )


def _reads(ground: Ground, seed: int, n: int = 300) -> Sightings:
    """Return reads in bursts, as trips are, sorted."""
    rng = np.random.default_rng(seed + 1)
    camera = rng.integers(0, N_CAMERAS, n).astype(np.int32)
    trip_s = rng.integers(0, DAYS * DAY_S - 5000, n // 3)
    x_m, y_m = ground.cameras.x_m[camera], ground.cameras.y_m[camera]
    on_car = np.isnan(x_m)
    return Sightings(
        plate=rng.integers(0, N_PLATES, n).astype(np.uint32),
        time_s=rng.choice(trip_s, n) + rng.integers(0, 5000, n),
        camera_id=camera,
        x_m=np.where(on_car, rng.uniform(0, 3000, n), x_m).astype(np.float32),
        y_m=np.where(on_car, rng.uniform(0, 3000, n), y_m).astype(np.float32),
    ).sorted()


Row = tuple[int, int, int, float, float]


def _seen(found: tuple[Sightings, np.ndarray], day: int) -> list[Row]:
    """Return the rows that a view shows at the end of a day, by the rule of views."""
    s, expires_s = found
    shown = (s.time_s < day * DAY_S) & (expires_s > day * DAY_S)
    s = s.take(shown)
    rows = zip(s.plate, s.time_s, s.camera_id, s.x_m, s.y_m, strict=True)
    return sorted((int(p), int(t), int(c), float(x), float(y)) for p, t, c, x, y in rows)


def _slowly(archive: Archive, reads: Sightings, ground: Ground, day: int) -> list[Row]:
    """Return what can be seen at the end of a day, sighting by sighting, from the words of the rules."""
    now_s, cameras = day * DAY_S, ground.cameras
    stored = []
    for i in range(reads.n_sightings):
        plate, time_s, camera = int(reads.plate[i]), int(reads.time_s[i]), int(reads.camera_id[i])
        x_m, y_m = float(reads.x_m[i]), float(reads.y_m[i])
        owner = OWNERS[cameras.owner[camera]]
        if not any(
            _forbids(rule, ground, plate, time_s, camera, x_m, y_m)
            for rule in archive.rules
            if not getattr(rule, "owners", ()) or owner in rule.owners
        ):
            stored.append((plate, time_s, camera, x_m, y_m, owner))
    known = [row for row in stored if row[1] < now_s]
    for rule in archive.rules:
        if isinstance(rule, Pseudonyms):
            known = [row for row in known if _same_label(rule, row, known, now_s)]
    rows = []
    for plate, time_s, camera, x_m, y_m, owner in known:
        age_s = now_s - time_s
        kept = archive.retention_of(owner)
        if kept is not None and age_s >= round(kept * DAY_S):
            continue
        if not archive.may_see(owner):
            continue
        for rule in archive.rules:
            if isinstance(rule, LookBack) and age_s >= round(rule.days * DAY_S):
                break
            if isinstance(rule, SwitchOff) and rule.erase and (not rule.owners or owner in rule.owners):
                off_s = (rule.from_day - 1) * DAY_S
                if time_s < off_s < now_s:
                    break
        else:
            rows.append(_blurred(archive, ground, (plate, time_s, camera, x_m, y_m)))
    return sorted(rows)


def _forbids(rule: Any, ground: Ground, plate: int, time_s: int, camera: int, x_m: float, y_m: float) -> bool:
    match rule:
        case SwitchOff():
            today = time_s // DAY_S + 1
            return bool(rule.from_day <= today <= (rule.to_day or 10**9))
        case PlaceBan():
            places = [p for kind in rule.place_kinds for p in ground.sensitive[kind]]
            return any(hypot(x_m - x, y_m - y) <= rule.radius_m for x, y in places)
        case PrivacyZone():
            return hypot(x_m - ground.home_x_m[plate], y_m - ground.home_y_m[plate]) <= rule.radius_m
        case HotListOnly():
            key = np.uint64(stream_key(ground.seed, Stream.HOT_LIST))
            return bool(uniforms(key, plate, 0, 0, 0)[0] >= rule.share)
        case Thinning():
            key = np.uint64(stream_key(ground.seed, Stream.THINNING))
            return bool(
                uniforms(key, plate, time_s, int(ground.cameras.key[camera]), 0)[0] >= rule.keep_share
            )
    return False


def _same_label(rule: Pseudonyms, row: Any, known: list[Any], now_s: int) -> bool:
    """Return whether a plate carried the label that it has in the last second before now."""
    if rule.rotation == "never":
        return True
    if rule.rotation != "trip":
        period_s = {"daily": 1, "weekly": 7, "monthly": 30}[rule.rotation] * DAY_S
        return bool(row[1] // period_s == (now_s - 1) // period_s)
    times = sorted(r[1] for r in known if r[0] == row[0])
    begins = times[-1]
    for earlier in reversed(times):
        if begins - earlier >= rule.gap_minutes * 60:
            break
        begins = earlier
    return bool(row[1] >= begins)


def _blurred(archive: Archive, ground: Ground, row: Row) -> Row:
    plate, time_s, camera, x_m, y_m = row
    cameras = ground.cameras
    for rule in archive.rules:
        if isinstance(rule, TimeRounding):
            time_s -= time_s % (rule.minutes * 60)
        if isinstance(rule, PlaceRounding):

            def square(x: float, y: float, side: float = rule.grid_m) -> tuple[int, int]:
                return floor(x / side), floor(y / side)

            if not np.isnan(cameras.x_m[camera]):
                here = square(cameras.x_m[camera], cameras.y_m[camera])
                middle = ((here[0] + 0.5) * rule.grid_m, (here[1] + 0.5) * rule.grid_m)
                camera = min(
                    (
                        c
                        for c in range(N_CAMERAS)
                        if not np.isnan(cameras.x_m[c])
                        and cameras.owner[c] == cameras.owner[row[2]]
                        and square(cameras.x_m[c], cameras.y_m[c]) == here
                    ),
                    key=lambda c: (hypot(cameras.x_m[c] - middle[0], cameras.y_m[c] - middle[1]), c),
                )
            sx, sy = square(x_m, y_m)
            x_m, y_m = (sx + 0.5) * rule.grid_m, (sy + 0.5) * rule.grid_m
    return plate, time_s, camera, x_m, y_m


EACH_RULE: dict[str, list[dict[str, Any]]] = {
    "retention": [{"owner": "city", "days": 3.5}, {"owner": "firm", "days": 3 / 1440}, {"owner": "county"}],
    "look-back": [{"days": 9}, {"days": 0.25}],
    "sharing": [{"owner": "county", "partners": ["city"]}, {"owner": "firm"}],
    "purchase": [{"owner": "firm"}],
    "hot-list-only": [{"share": 0.5}, {"share": 0.4, "owners": ["city", "firm"]}],
    "pseudonyms": [
        *({"rotation": r} for r in ("never", "monthly", "weekly", "daily")),
        *({"rotation": "trip", "gap_minutes": g} for g in (5.0, 60.0, 1_500.0)),
    ],
    "time-rounding": [{"minutes": 15}, {"minutes": 1440}],
    "place-rounding": [{"grid_m": 1000}, {"grid_m": 250}, {"grid_m": 3000}],
    "thinning": [{"keep_share": 0.3}, {"keep_share": 0.5, "owners": ["county"]}],
    "place-ban": [{"radius_m": 400}, {"radius_m": 900, "place_kinds": ["clinic"], "owners": ["city"]}],
    "privacy-zone": [{"radius_m": 700}, {"radius_m": 1500, "owners": ["firm"]}],
    "switch-off": [
        {"from_day": 12},
        {"from_day": 5, "to_day": 20},
        {"from_day": 9, "erase": True, "owners": ["city"]},
        {"from_day": 8, "to_day": 8, "erase": True},
    ],
}
CHECKPOINTS = (1, 2, 7, 8, 10, 14, 30, 31, DAYS)


def _hold(archive: Archive, seed: int) -> int:
    ground = _ground(seed)
    reads = _reads(ground, seed)
    found = look_into(archive, reads, ground)
    total = 0
    for day in CHECKPOINTS:
        seen = _seen(found, day)
        assert seen == _slowly(archive, reads, ground, day), (archive, day)
        total += len(seen)
    return total


def _archive(*rules: dict[str, Any], **rest: Any) -> Archive:
    return Archive.model_validate({"viewer": "city", "rules": rules, **rest})


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_each_rule_does_what_it_says(kind: str) -> None:
    everything = _hold(_archive(), 0)
    for options in EACH_RULE[kind]:
        seen = _hold(_archive({"kind": kind, **options}), 0)
        if kind in ("purchase", "time-rounding", "place-rounding") or options in (
            {"owner": "county"},
            {"owner": "county", "partners": ["city"]},
            {"rotation": "never"},
        ):
            assert seen == everything
        else:
            assert 0 < seen < everything


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_rules_compose(data: st.DataObject) -> None:
    kinds = data.draw(st.sets(st.sampled_from(sorted(EACH_RULE)), max_size=5))
    if {"pseudonyms", "hot-list-only"} <= kinds:
        kinds.remove("hot-list-only")
    rules = [{"kind": k, **data.draw(st.sampled_from(EACH_RULE[k]))} for k in sorted(kinds)]
    archive = (
        _archive(
            *data.draw(st.permutations(rules)),
            retention_days=data.draw(st.sampled_from([None, 1.0, 12.0])),
            shared_by_default=data.draw(st.booleans()),
            viewer=data.draw(st.sampled_from(OWNERS)),
        )
        if "purchase" not in kinds
        else _archive(*rules, shared_by_default=False)
    )
    _hold(archive, data.draw(st.integers(0, 50)))


def test_the_order_of_rules_means_nothing() -> None:
    ground = _ground(4)
    reads = _reads(ground, 4)
    rules = [
        {"kind": "thinning", "keep_share": 0.6},
        {"kind": "time-rounding", "minutes": 60},
        {"kind": "pseudonyms", "rotation": "trip"},
        {"kind": "privacy-zone", "radius_m": 300},
    ]
    first, first_expires = look_into(_archive(*rules), reads, ground)
    for order in permutations(rules):
        again, expires = look_into(_archive(*order), reads, ground)
        assert np.array_equal(first_expires, expires)
        for name in ("plate", "time_s", "camera_id", "x_m", "y_m"):
            assert np.array_equal(getattr(first, name), getattr(again, name))


@given(
    st.integers(0, 1000), st.floats(0.01, 60), st.sampled_from(["retention_days", "look-back", "retention"])
)
@settings(max_examples=40, deadline=None)
def test_halving_a_span_never_shows_more(seed: int, days: float, which: str) -> None:
    ground = _ground(seed)
    reads = _reads(ground, seed)

    def shown(span: float) -> tuple[Sightings, np.ndarray]:
        if which == "retention_days":
            return look_into(_archive(retention_days=span), reads, ground)
        owner = {"owner": "county"} if which == "retention" else {}
        return look_into(_archive({"kind": which, "days": span, **owner}), reads, ground)

    long, short = shown(days), shown(days / 2)
    for day in CHECKPOINTS:
        assert set(_seen(short, day)) <= set(_seen(long, day))


def test_without_rules_everything_is_there_untouched_for_ever() -> None:
    ground = _ground(1)
    reads = _reads(ground, 1)
    seen, expires_s = look_into(Archive(), reads, ground)
    assert seen is reads and (expires_s > 10**12).all()


def test_who_sees_whose() -> None:
    def seen_by(viewer: str, *rules: dict[str, Any], **rest: Any) -> set[str]:
        archive = _archive(*rules, viewer=viewer, **rest)
        return {owner for owner in OWNERS if archive.may_see(owner)}

    chain = (
        {"kind": "sharing", "owner": "city", "partners": ["county"]},
        {"kind": "sharing", "owner": "county", "partners": ["firm"]},
    )
    assert seen_by("city", shared_by_default=False) == {"city"}
    assert seen_by("city") == set(OWNERS)
    assert seen_by("county", *chain, shared_by_default=False) == {"city", "county"}
    assert seen_by("firm", *chain, shared_by_default=False) == {"county", "firm"}, "not passed on"
    assert seen_by("federal", *chain, agencies=["federal"]) == {"firm"}
    buys = {"kind": "purchase", "owner": "firm"}
    assert seen_by("city", buys, {"kind": "sharing", "owner": "firm"}, shared_by_default=False) == {
        "city",
        "firm",
    }
    many = [f"town-{i}" for i in range(160)]
    to_all = {"kind": "sharing", "owner": "city", "partners": many}
    assert seen_by("town-159", to_all, agencies=many, shared_by_default=False) == {"city"}


@pytest.mark.parametrize("kind", ["retention", "look-back", "pseudonyms"])
def test_memory_is_the_span_in_which_nothing_disappears(kind: str) -> None:
    ground = _ground(8)
    reads = _reads(ground, 8)
    for options in EACH_RULE[kind]:
        if options.get("rotation") == "trip":
            continue
        archive = _archive({"kind": kind, **options}, retention_days=33.0)
        memory = archive.memory_days()
        assert memory is not None
        found = look_into(archive, reads, ground)
        all_of_it = look_into(Archive(), reads, ground)
        for day in CHECKPOINTS:
            assert (_seen(found, day) == _seen(all_of_it, day)) >= (day <= memory)
        assert _seen(found, DAYS) != _seen(all_of_it, DAYS), "and not much later"
    assert Archive().memory_days() is None


def test_shared_with_nobody_the_own_sightings_remain() -> None:
    ground = _ground(2)
    reads = _reads(ground, 2)
    for i, owner in enumerate(OWNERS):
        seen, _ = look_into(_archive(viewer=owner, shared_by_default=False), reads, ground)
        own = reads.take(ground.cameras.owner[reads.camera_id] == i)
        assert np.array_equal(seen.time_s, own.time_s) and np.array_equal(seen.camera_id, own.camera_id)


def test_random_rules_keep_their_share_and_nest() -> None:
    ground = _ground(3)
    reads = _reads(ground, 3, n=20_000)
    before: set[Row] = set()
    for share in (0.05, 0.2, 0.5, 0.9):
        found = look_into(_archive({"kind": "thinning", "keep_share": share}), reads, ground)
        assert found[0].n_sightings / 20_000 == pytest.approx(
            share, abs=4 * (share * (1 - share) / 20_000) ** 0.5
        )
        now = set(_seen(found, DAYS))
        assert before <= now
        before = now
    key = stream_key(7, Stream.HOT_LIST)
    plates = np.arange(50_000, dtype=np.uint32)
    assert on_hot_list(key, plates, 0.005).mean() == pytest.approx(0.005, abs=0.0013)


def test_rounded_rows_do_not_keep_the_order_of_what_was_rounded() -> None:
    ground = _ground(5)
    reads = _reads(ground, 5)
    blur = ({"kind": "time-rounding", "minutes": 1440}, {"kind": "place-rounding", "grid_m": 500})
    seen, _ = look_into(_archive(*blur), reads, ground)
    again = np.lexsort((seen.y_m, seen.x_m, seen.camera_id, seen.time_s, seen.plate))
    assert np.array_equal(again, np.arange(seen.n_sightings))
    assert not (seen.time_s % DAY_S).any()
    assert len(np.unique(seen.time_s)) > 5, "there are days to tell apart"


def test_plates_of_nobody_have_no_zone() -> None:
    ground = _ground(6)
    stray = _reads(ground, 6, n=30)
    phantom = Sightings(**{**vars(stray), "plate": np.full(30, 2**31 + 5, np.uint32)})
    seen, _ = look_into(_archive({"kind": "privacy-zone", "radius_m": 5000}), phantom, ground)
    assert seen.n_sightings == 30
    assert look_into(_archive({"kind": "privacy-zone", "radius_m": 5000}), stray, ground)[0].n_sightings == 0


def test_public_rules_change_what_a_reader_is_known_to_show() -> None:
    cameras = _ground(0).cameras
    archive = _archive(
        {"kind": "thinning", "keep_share": 0.5, "owners": ["city"]}, {"kind": "sharing", "owner": "firm"}
    )
    rate = effective_read_rate(archive, cameras)
    assert rate[cameras.owner == 0] == pytest.approx(0.45)
    assert rate[cameras.owner == 1] == pytest.approx(0.9)
    assert (rate[cameras.owner == 2] < 1e-5).all() and (rate > 0).all()


# --- in a run ------------------------------------------------------------------------------------------

RULES: list[dict[str, Any]] = [
    {"kind": "retention", "owner": "firm"},
    {"kind": "sharing", "owner": "firm", "partners": ["police"]},
    {"kind": "look-back", "days": 6},
    {"kind": "thinning", "keep_share": 0.9},
    {"kind": "place-ban", "radius_m": 60},
    {"kind": "pseudonyms", "rotation": "weekly"},
    {"kind": "place-rounding", "grid_m": 100},
    {"kind": "time-rounding", "minutes": 30},
    {"kind": "switch-off", "from_day": 4, "to_day": 4, "owners": ["police"]},
]


def _with(scenario: Scenario, **archive: Any) -> Scenario:
    return scenario_from_dict({**scenario.model_dump(mode="json"), "archive": archive})


def test_a_run_under_rules_is_the_same_when_replayed_and_however_it_is_cut(tmp_path: Path) -> None:
    simple = ["night-mode", "longest-gap", "bayes"]
    scenario = _with(tiny_scenario(attackers__names=simple), viewer="police", retention_days=8, rules=RULES)
    run = simulate(scenario, seed=3, out=tmp_path / "a")
    assert all(table.same for table in replay(tmp_path / "a"))
    assert simulate(scenario, seed=3, chunk_drivers=7).beliefs.equals(run.beliefs)
    open_to_all = simulate(tiny_scenario(attackers__names=simple), seed=3)
    assert run.reads_by_camera.tolist() == open_to_all.reads_by_camera.tolist(), "readers read all the same"
    seen = run.beliefs["sightings_seen"]
    assert 0 < seen.sum() < 0.7 * open_to_all.beliefs["sightings_seen"].sum()
    assert (seen <= open_to_all.beliefs["sightings_seen"]).all()


def test_deletion_hides_homes_and_notes_outlive_it() -> None:
    """On the last day fewer homes can be found with a week of data; notes of earlier days are not lost."""
    town = tiny_scenario(
        people__drivers=150, people__in_commuter_share=0.0, people__visitor_share=0.0, days=45,
        attackers__names=["longest-gap"],
    )  # fmt: skip
    now, noted = {}, {}
    for days in (None, 7.0, 1.0):
        run = simulate(_with(town, retention_days=days), seed=3)
        home = pl.col("target") == "home"
        last = run.beliefs.filter(home & (pl.col("day") == 45))
        now[days] = int((last["error_m"] <= 250).sum())
        first = run.outcomes.filter(home & (pl.col("criterion") == "within-250m"))
        noted[days] = int(first["observed"].sum())
    assert now[None] > now[7.0] > now[1.0]
    assert noted[7.0] > now[7.0] and noted[1.0] > now[1.0]


def test_privacy_zones_and_bans_use_the_towns_own_places(tiny_world: World) -> None:
    n = tiny_world.drivers.n_drivers
    reads = capture(tiny_world, 0, n, MobileBlocks(tiny_world)).own
    ground = ground_of(tiny_world)
    home = tiny_world.drivers.home_place
    off_m = np.hypot(
        reads.x_m - tiny_world.places.x_m[home[reads.plate]],
        reads.y_m - tiny_world.places.y_m[home[reads.plate]],
    )
    seen, _ = look_into(_archive({"kind": "privacy-zone", "radius_m": 150}), reads, ground)
    assert 0 < seen.n_sightings == (off_m > 150).sum() < reads.n_sightings
    assert {kind: len(at) for kind, at in ground.sensitive.items()} == {
        "clinic": 2,
        "school": 2,
        "worship": 2,
    }
    view = view_of(tiny_world, reads, 0, n)
    assert view.indptr[-1] == reads.n_sightings and np.array_equal(view.time_s, reads.time_s)


# --- scenario files ------------------------------------------------------------------------------------


def test_a_rule_is_changed_by_its_name_and_survives_a_round_trip() -> None:
    scenario = _with(
        tiny_scenario(),
        rules=[
            {"kind": "retention", "owner": "city", "days": 30},
            {"kind": "retention", "owner": "firm"},
            {"kind": "time-rounding"},
        ],
    )
    assert [r.name for r in scenario.archive.rules] == ["retention-1", "retention-2", "time-rounding"]
    changed = with_overrides(
        scenario, {"archive.rules.retention-1.days": 7, "archive.rules.time-rounding.minutes": 5}
    )
    assert changed.archive.retention_of("city") == 7 and changed.archive.retention_of("firm") is None
    assert changed.archive.retention_of("police") == changed.archive.retention_days is None
    assert scenario_from_dict(changed.model_dump(mode="json")) == changed


def test_every_rule_names_its_law_and_another_one_can_be_given() -> None:
    for kind in RULE_KINDS:
        rule = _archive({"kind": kind, **EACH_RULE[kind][0]}).rules[0]
        assert rule.citation.source and rule.citation.reason
    law = {"source": "A statute", "reason": "It says so."}
    assert _archive({"kind": "look-back", "days": 1, "citation": law}).rules[0].citation.source == "A statute"


def test_the_ladder_of_retention_ascends_from_three_minutes_to_for_ever() -> None:
    days = [d for d, _ in RETENTION_LADDER]
    assert days[-1] is None and days[:-1] == sorted(set(days[:-1]))
    assert days[0] * DAY_S == 180 and days[-2] == 5 * 365


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        ({"rules": [{"kind": "retenton", "owner": "city"}]}, ["archive.rules.0.kind", "'retention'"]),
        ({"rules": [{"owner": "city"}]}, ["archive.rules.0.kind", "must be one of", "switch-off"]),
        ({"rules": [{"kind": "retention", "owner": "polise"}]}, ["'retention'", "'polise'", "'police'"]),
        ({"rules": [{"kind": "retention", "owner": "city", "dys": 3}]}, ["rules.0.dys", "'days'"]),
        ({"rules": [{"kind": "thinning", "owners": ["fim"]}]}, ["'thinning'", "'fim'", "'firm'"]),
        ({"rules": [{"kind": "thinning", "keep_share": 2}]}, ["archive.rules.0.keep_share", "= 2"]),
        ({"rules": 2 * [{"kind": "retention", "owner": "city"}]}, ["both retention", "'city'", "keep one"]),
        ({"rules": 2 * [{"kind": "look-back", "days": 3}]}, ["'look-back-1' and 'look-back-2'"]),
        (
            {"rules": [{"kind": "thinning"}, {"kind": "thinning", "owners": ["city"]}]},
            ["both thinning", "keep one"],
        ),
        ({"viewer": "polise"}, ["archive.viewer = 'polise'", "archive.agencies", "'police'"]),
        ({"shared_by_default": False}, ["archive.viewer"]),
        ({"rules": [{"kind": "sharing", "owner": "city"}]}, ["'sharing'", "archive.viewer"]),
        ({"rules": [{"kind": "purchase", "owner": "firm"}]}, ["'purchase'", "archive.viewer"]),
        (
            {"viewer": "city", "rules": [{"kind": "sharing", "owner": "firm", "partners": ["polce"]}]},
            ["'sharing' shares with 'polce'", "'police'"],
        ),
        ({"viewer": "city", "rules": [{"kind": "purchase", "owner": "city"}]}, ["'city' need not buy"]),
        (
            {"rules": [{"kind": "hot-list-only"}, {"kind": "pseudonyms"}]},
            ["'hot-list-only' and 'pseudonyms' contradict", "drop one"],
        ),
        ({"rules": [{"kind": "time-rounding", "minutes": 7}]}, ["7 minutes do not divide", "60"]),
        ({"rules": [{"kind": "pseudonyms", "rotation": "hourly"}]}, ["rotation", "'hourly'", "weekly"]),
        ({"rules": [{"kind": "switch-off", "from_day": 9, "to_day": 3}]}, ["to_day = 3", "from_day = 9"]),
        ({"rules": [{"kind": "place-ban", "place_kinds": []}]}, ["place_kinds"]),
        ({"rules": 2 * [{"kind": "switch-off", "from_day": 1, "name": "a"}]}, ["'a' is used twice"]),
    ],
)
def test_what_is_refused(archive: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        _with(tiny_scenario(), **archive)
    for word in words:
        assert word in str(caught.value)
    assert ".." not in str(caught.value) and "?." not in str(caught.value)


def test_switch_offs_may_pile_up_and_scopes_may_be_apart() -> None:
    _with(
        tiny_scenario(),
        rules=[
            {"kind": "switch-off", "from_day": 1, "to_day": 2},
            {"kind": "switch-off", "from_day": 5},
            {"kind": "thinning", "owners": ["city"]},
            {"kind": "thinning", "owners": ["firm"], "keep_share": 0.1},
        ],
    )
