"""The archive's rules against a slow reading of their words, and what must hold however they are combined."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
import pytest
from archive_reference import (
    DAY_S,
    DAYS,
    EACH_RULE,
    OWNERS,
    Row,
    ground_of_three,
    random_reads,
    rows_seen,
    rows_slowly,
    with_rules,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.archive_rules import (
    RULE_KINDS,
    Archive,
)
from simulator.sightings.archive import effective_read_rate, look_into
from simulator.sightings.capture import Sightings
from simulator.sightings.rules import on_hot_list
from simulator.streams import Stream, stream_key

CHECKPOINTS = (1, 2, 7, 8, 10, 14, 30, 31, DAYS)


def _hold(archive: Archive, seed: int) -> int:
    ground = ground_of_three(seed)
    reads = random_reads(ground, seed)
    found = look_into(archive, reads, ground)
    total = 0
    for day in CHECKPOINTS:
        seen = rows_seen(found, day)
        assert seen == rows_slowly(archive, reads, ground, day), (archive, day)
        total += len(seen)
    return total


@pytest.mark.parametrize("kind", RULE_KINDS)
def test_each_rule_does_what_it_says(kind: str) -> None:
    everything = _hold(with_rules(), 0)
    for options in EACH_RULE[kind]:
        seen = _hold(with_rules({"kind": kind, **options}), 0)
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
        with_rules(
            *data.draw(st.permutations(rules)),
            retention_days=data.draw(st.sampled_from([None, 1.0, 12.0])),
            shared_by_default=data.draw(st.booleans()),
            viewer=data.draw(st.sampled_from(OWNERS)),
        )
        if "purchase" not in kinds
        else with_rules(*rules, shared_by_default=False)
    )
    _hold(archive, data.draw(st.integers(0, 50)))


def test_the_order_of_rules_means_nothing() -> None:
    ground = ground_of_three(4)
    reads = random_reads(ground, 4)
    rules = [
        {"kind": "thinning", "keep_share": 0.6},
        {"kind": "time-rounding", "minutes": 60},
        {"kind": "pseudonyms", "rotation": "trip"},
        {"kind": "privacy-zone", "radius_m": 300},
    ]
    first, first_expires = look_into(with_rules(*rules), reads, ground)
    for order in permutations(rules):
        again, expires = look_into(with_rules(*order), reads, ground)
        assert np.array_equal(first_expires, expires)
        for name in ("plate", "time_s", "camera_id", "x_m", "y_m"):
            assert np.array_equal(getattr(first, name), getattr(again, name))


@given(
    st.integers(0, 1000), st.floats(0.01, 60), st.sampled_from(["retention_days", "look-back", "retention"])
)
@settings(max_examples=40, deadline=None)
def test_halving_a_span_never_shows_more(seed: int, days: float, which: str) -> None:
    ground = ground_of_three(seed)
    reads = random_reads(ground, seed)

    def shown(span: float) -> tuple[Sightings, np.ndarray]:
        if which == "retention_days":
            return look_into(with_rules(retention_days=span), reads, ground)
        owner = {"owner": "county"} if which == "retention" else {}
        return look_into(with_rules({"kind": which, "days": span, **owner}), reads, ground)

    long, short = shown(days), shown(days / 2)
    for day in CHECKPOINTS:
        assert set(rows_seen(short, day)) <= set(rows_seen(long, day))


def test_without_rules_everything_is_there_untouched_for_ever() -> None:
    ground = ground_of_three(1)
    reads = random_reads(ground, 1)
    seen, expires_s = look_into(Archive(), reads, ground)
    assert seen is reads and (expires_s > 10**12).all()


def test_who_sees_whose() -> None:
    def seen_by(viewer: str, *rules: dict[str, Any], **rest: Any) -> set[str]:
        archive = with_rules(*rules, viewer=viewer, **rest)
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
    ground = ground_of_three(8)
    reads = random_reads(ground, 8)
    for options in EACH_RULE[kind]:
        if options.get("rotation") == "trip":
            continue
        archive = with_rules({"kind": kind, **options}, retention_days=33.0)
        memory = archive.memory_days()
        assert memory is not None
        found = look_into(archive, reads, ground)
        all_of_it = look_into(Archive(), reads, ground)
        for day in CHECKPOINTS:
            assert (rows_seen(found, day) == rows_seen(all_of_it, day)) >= (day <= memory)
        assert rows_seen(found, DAYS) != rows_seen(all_of_it, DAYS), "and not much later"
    assert Archive().memory_days() is None


def test_shared_with_nobody_the_own_sightings_remain() -> None:
    ground = ground_of_three(2)
    reads = random_reads(ground, 2)
    for i, owner in enumerate(OWNERS):
        seen, _ = look_into(with_rules(viewer=owner, shared_by_default=False), reads, ground)
        own = reads.take(ground.cameras.owner[reads.camera_id] == i)
        assert np.array_equal(seen.time_s, own.time_s) and np.array_equal(seen.camera_id, own.camera_id)


def test_random_rules_keep_their_share_and_nest() -> None:
    ground = ground_of_three(3)
    reads = random_reads(ground, 3, n=20_000)
    before: set[Row] = set()
    for share in (0.05, 0.2, 0.5, 0.9):
        found = look_into(with_rules({"kind": "thinning", "keep_share": share}), reads, ground)
        assert found[0].n_sightings / 20_000 == pytest.approx(
            share, abs=4 * (share * (1 - share) / 20_000) ** 0.5
        )
        now = set(rows_seen(found, DAYS))
        assert before <= now
        before = now
    key = stream_key(7, Stream.HOT_LIST)
    plates = np.arange(50_000, dtype=np.uint32)
    assert on_hot_list(key, plates, 0.005).mean() == pytest.approx(0.005, abs=0.0013)


def test_rounded_rows_do_not_keep_the_order_of_what_was_rounded() -> None:
    ground = ground_of_three(5)
    reads = random_reads(ground, 5)
    blur = ({"kind": "time-rounding", "minutes": 1440}, {"kind": "place-rounding", "grid_m": 500})
    seen, _ = look_into(with_rules(*blur), reads, ground)
    again = np.lexsort((seen.y_m, seen.x_m, seen.camera_id, seen.time_s, seen.plate))
    assert np.array_equal(again, np.arange(seen.n_sightings))
    assert not (seen.time_s % DAY_S).any()
    assert len(np.unique(seen.time_s)) > 5, "there are days to tell apart"


def test_plates_of_nobody_have_no_zone() -> None:
    ground = ground_of_three(6)
    stray = random_reads(ground, 6, n=30)
    phantom = Sightings(**{**vars(stray), "plate": np.full(30, 2**31 + 5, np.uint32)})
    seen, _ = look_into(with_rules({"kind": "privacy-zone", "radius_m": 5000}), phantom, ground)
    assert seen.n_sightings == 30
    assert (
        look_into(with_rules({"kind": "privacy-zone", "radius_m": 5000}), stray, ground)[0].n_sightings == 0
    )


def test_public_rules_change_what_a_reader_is_known_to_show() -> None:
    cameras = ground_of_three(0).cameras
    archive = with_rules(
        {"kind": "thinning", "keep_share": 0.5, "owners": ["city"]}, {"kind": "sharing", "owner": "firm"}
    )
    rate = effective_read_rate(archive, cameras)
    assert rate[cameras.owner == 0] == pytest.approx(0.45)
    assert rate[cameras.owner == 1] == pytest.approx(0.9)
    assert (rate[cameras.owner == 2] < 1e-5).all() and (rate > 0).all()
