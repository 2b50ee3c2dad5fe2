"""Scenarios: what is refused and in which words, overrides, checkpoints, round trips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from simulator.errors import ScenarioError
from simulator.scenario import CHECKPOINT_DAYS, Scenario
from simulator.scenario_file import load_scenario, parse_override, scenario_from_dict, with_overrides
from simulator.scenario_parts import FixedReaders

LEAST: dict[str, Any] = {"id": "town", "title": "A town"}
FIXED = {"kind": "fixed", "count": 3}


def refusal(**parts: Any) -> str:
    """Return the words in which a scenario is refused."""
    with pytest.raises(ScenarioError) as caught:
        scenario_from_dict({**LEAST, **parts}, where="town.toml")
    message = str(caught.value)
    assert message.startswith("town.toml cannot be used:\n  - ")
    return message


@pytest.mark.parametrize(
    ("parts", "words"),
    [  # unknown keys: the place, and the nearest right name
        ({"pepole": {}}, ["unknown key 'pepole'", "Did you mean 'people'?"]),
        ({"people": {"driver": 5}}, ["unknown key 'people.driver'", "'drivers'"]),
        ({"people": {"schedules": {"nite": 1}}}, ["unknown key 'people.schedules.nite'", "'night'"]),
        ({"citations": [{"sorce": "a", "reason": "b"}]}, ["'citations.0.sorce'", "'source'", "is missing"]),
        ({"readers": [FIXED, {"kind": "lot", "place_knd": "a"}]}, ["'readers.1.place_knd'", "'place_kind'"]),
        ({"readers": [{"kind": "patrol", "shift_start": 8}]}, ["'readers.0.shift_start'", "'shift_start_h'"]),
        ({"readers": [{**FIXED, "gps_error_m": 5}]}, ["'readers.0.gps_error_m'"]),
        # wrong kinds
        ({"readers": [{"kind": "lott"}]}, ["'readers.0.kind' must be one of fixed, patrol, spotter, lot"]),
        ({"readers": [{"count": 3}]}, ["'readers.0.kind' must be one of"]),
        ({"readers": FIXED}, ["'readers'", "tuple"]),
        ({"people": 5}, ["'people' = 5"]),
        ({"days": "many"}, ["'days' = 'many'", "integer"]),
        ({"days": 1.5}, ["'days' = 1.5", "integer"]),
        ({"start_weekday": "Monday"}, ["'start_weekday' = 'Monday'", "'monday'"]),
        ({"streets": {"kind": "hexagons"}}, ["'streets.kind'", "'grid'", "'organic'"]),
        ({"id": "A Town"}, ["'id' = 'A Town'"]),
        # ranges: what is allowed
        ({"days": 0}, ["'days' = 0", "greater than or equal to 1"]),
        ({"people": {"visitor_share": 1.2}}, ["'people.visitor_share' = 1.2", "less than or equal to 1"]),
        ({"people": {"visitor_share": float("nan")}}, ["'people.visitor_share'", "finite"]),
        ({"archive": {"retention_days": 0}}, ["'archive.retention_days' = 0", "greater than 0"]),
        ({"archive": {"retention_days": float("inf")}}, ["'archive.retention_days' = inf", "finite"]),
        ({"readers": [{**FIXED, "misread_rate": 0.9}]}, ["'readers.0.misread_rate' = 0.9", "0.5"]),
        ({"streets": {"nodes": 3}}, ["'streets.nodes' = 3", "50"]),
        # parts that do not fit each other
        ({"people": {"in_commuter_share": 0.7, "visitor_share": 0.7}}, ["people:", "more than 1"]),
        ({"readers": [{**FIXED, "placement": "file"}]}, ["readers.0:", "give both or neither"]),
        ({"readers": [{**FIXED, "file": "a.geojson"}]}, ["readers.0:", "give both or neither"]),
        ({"streets": {"kind": "grid", "map": "a.osm"}}, ["streets:", 'set kind = "map"']),
        ({"readers": [{**FIXED, "name": "a"}, {"kind": "lot", "name": "a"}]}, ["'a' is used twice"]),
        ({"attackers": {"checkpoint_days": [5, 3]}}, ["checkpoint_days must ascend"]),
        ({"attackers": {"checkpoint_days": [0, 3]}}, ["start at 1"]),
        ({"people": {"home_parking": {"street": 0, "driveway": 0, "garage": 0}}}, ["all weights are 0"]),
    ],
)  # fmt: skip
def test_refusals_name_place_and_way_out(parts: dict[str, Any], words: list[str]) -> None:
    message = refusal(**parts)
    for word in words:
        assert word in message


def test_schedules_that_are_all_zero_are_refused() -> None:
    zeros = dict.fromkeys(("day", "hybrid", "evening", "night", "rotating", "driving", "none"), 0)
    assert "people.schedules: all weights are 0" in refusal(people={"schedules": zeros})


def test_every_fault_is_told_at_once() -> None:
    message = refusal(days=0, pepole={}, people={"visitor_share": 2})
    assert message.count("\n  - ") == 3


def test_missing_keys() -> None:
    with pytest.raises(ScenarioError, match=r"'id' is missing.*\n.*'title' is missing"):
        scenario_from_dict({})


def test_a_scenario_cannot_be_changed() -> None:
    scenario = scenario_from_dict(LEAST)
    with pytest.raises(ValidationError):
        scenario.days = 3  # type: ignore[misc]


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    with pytest.raises(ScenarioError, match=r"There is no scenario file .*town\.toml"):
        load_scenario(path)
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path)
    path.write_bytes(b'id = "\xff"')
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(path)
    path.write_text('id = "town"\ntitle = "A town"\ndays = = 3\n')
    with pytest.raises(ScenarioError, match=r"town\.toml is not valid TOML: .*line 3"):
        load_scenario(path)
    path.write_text('id = "town"\ntitle = "A town"\n[people]\ndrivrs = 3\n')
    with pytest.raises(ScenarioError, match=r"town\.toml cannot be used:\n.*'people\.drivrs'.*'drivers'"):
        load_scenario(path)


def test_files_that_a_scenario_names_lie_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "town.toml"
    path.write_text(
        'id = "town"\ntitle = "A town"\n[streets]\nkind = "map"\nmap = "streets.osm"\n'
        '[[readers]]\nkind = "fixed"\nplacement = "file"\nfile = "readers.geojson"\n'
    )
    scenario = load_scenario(path)
    assert scenario.streets.map == tmp_path / "streets.osm"
    reader = scenario.readers[0]
    assert isinstance(reader, FixedReaders) and reader.file == tmp_path / "readers.geojson"


@pytest.fixture
def town() -> Scenario:
    return scenario_from_dict(
        {**LEAST, "readers": [{**FIXED, "name": "streets"}, {"kind": "lot"}, {"kind": "patrol", "count": 2}]}
    )


def test_groups_get_names(town: Scenario) -> None:
    assert [g.name for g in town.readers] == ["streets", "lot-2", "patrol-3"]
    made = Scenario(
        id="town", title="A town", readers=(FixedReaders(kind="fixed"), FixedReaders(kind="fixed"))
    )
    assert [g.name for g in made.readers] == ["fixed-1", "fixed-2"]


def test_overrides(town: Scenario) -> None:
    changed = with_overrides(
        town,
        {
            "people.drivers": 7,
            "people.schedules.night": 0.5,
            "readers.0.count": 4,
            "readers.patrol-3.count": 1,
            "readers.streets.owner": "county",
            "archive.retention_days": 2.5,
            "days": 3,
        },
    )
    assert changed.people.drivers == 7 and changed.people.schedules.night == 0.5 and changed.days == 3
    assert [g.count for g in changed.readers] == [4, 1, 1]
    assert changed.readers[0].owner == "county" and changed.archive.retention_days == 2.5
    assert town.people.drivers == 500, "the original stays"
    assert with_overrides(changed, {"archive.retention_days": None}).archive.retention_days is None


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("people.driver", ["'people.driver' names nothing", "'drivers'"]),
        ("poeple.drivers", ["'poeple' is unknown", "'people'"]),
        ("readers.street.count", ["'street' is unknown", "'streets'"]),
        ("readers.9.count", ["'9' is unknown"]),
        ("readers.0.cont", ["'cont' is unknown", "'count'"]),
        ("readers.0.0", ["'0' is unknown"]),
        ("readers.0.0.count", ["'0' is unknown"]),
        ("days.of.rain", ["goes too deep", "'of'"]),
        ("", ["'' is unknown"]),
    ],
)
def test_overrides_of_nothing(town: Scenario, path: str, words: list[str]) -> None:
    with pytest.raises(ScenarioError) as caught:
        with_overrides(town, {path: 1})
    for word in words:
        assert word in str(caught.value)


def test_overrides_are_validated(town: Scenario) -> None:
    with pytest.raises(ScenarioError, match=r"with its overrides cannot be used:\n.*'people\.drivers' = 0"):
        with_overrides(town, {"people.drivers": 0})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("people.drivers=2000", ("people.drivers", 2000)),
        ("days = 3", ("days", 3)),
        ("archive.retention_days=0.5", ("archive.retention_days", 0.5)),
        ("start_weekday=friday", ("start_weekday", "friday")),
        ('title="a = b"', ("title", "a = b")),
        ("attackers.checkpoint_days=[1, 2]", ("attackers.checkpoint_days", [1, 2])),
        ("description=", ("description", "")),
    ],
)
def test_parse_override(text: str, expected: tuple[str, Any]) -> None:
    assert parse_override(text) == expected


@pytest.mark.parametrize("text", ["people.drivers", "=3", " = 3", ""])
def test_parse_override_refuses(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"not of the form part\.field=value"):
        parse_override(text)


@pytest.mark.parametrize(
    ("days", "ladder", "expected"),
    [
        (1, [], (1,)),
        (5, [], (1, 2, 3, 5)),
        (6, [], (1, 2, 3, 5, 6)),
        (4000 - 350, [], (*CHECKPOINT_DAYS, 3650)),
        (10, [4, 8], (4, 8, 10)),
        (8, [4, 8, 16], (4, 8)),
    ],
)
def test_checkpoints(days: int, ladder: list[int], expected: tuple[int, ...]) -> None:
    scenario = scenario_from_dict({**LEAST, "days": days, "attackers": {"checkpoint_days": ladder}})
    assert scenario.checkpoints() == expected


def test_round_trip_through_json(town: Scenario, tmp_path: Path) -> None:
    assert scenario_from_dict(town.model_dump(mode="json")) == town
    on_a_map = with_overrides(town, {"streets.kind": "map", "streets.map": str(tmp_path / "a.osm")})
    assert scenario_from_dict(on_a_map.model_dump(mode="json")) == on_a_map
