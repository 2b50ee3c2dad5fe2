"""The archive's rules in scenario files: names, laws, the ladder of retention, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from archive_reference import (
    DAY_S,
    EACH_RULE,
    with_archive,
    with_rules,
)
from engine_town import tiny_scenario

from simulator.archive_rules import (
    RETENTION_LADDER,
    RULE_KINDS,
)
from simulator.errors import ScenarioError
from simulator.scenario_file import scenario_from_dict, with_overrides


def test_a_rule_is_changed_by_its_name_and_survives_a_round_trip() -> None:
    scenario = with_archive(
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
        rule = with_rules({"kind": kind, **EACH_RULE[kind][0]}).rules[0]
        assert rule.citation.source and rule.citation.reason
    law = {"source": "A statute", "reason": "It says so."}
    assert (
        with_rules({"kind": "look-back", "days": 1, "citation": law}).rules[0].citation.source == "A statute"
    )


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
        with_archive(tiny_scenario(), **archive)
    for word in words:
        assert word in str(caught.value)
    assert ".." not in str(caught.value) and "?." not in str(caught.value)


def test_switch_offs_may_pile_up_and_scopes_may_be_apart() -> None:
    with_archive(
        tiny_scenario(),
        rules=[
            {"kind": "switch-off", "from_day": 1, "to_day": 2},
            {"kind": "switch-off", "from_day": 5},
            {"kind": "thinning", "owners": ["city"]},
            {"kind": "thinning", "owners": ["firm"], "keep_share": 0.1},
        ],
    )
