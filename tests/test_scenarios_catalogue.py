"""The catalogue is valid, complete, and found by name or by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios import resolve, scenario_named, scenario_names
from simulator.errors import ScenarioError

PUBLISHED = {"V4", "V5", "V6", "V8", "V9", "V10"}


def test_the_first_catalogue_is_there() -> None:
    assert scenario_names()[0] == "first-town"
    assert set(scenario_names()) >= {
        "first-town",
        "norfolk-density",
        "patrols-only",
        "spotter-cars",
        "real-streets",
    }


@pytest.mark.parametrize("name", scenario_names())
def test_each_scenario_explains_and_cites_itself(name: str) -> None:
    scenario = scenario_named(name)
    assert scenario.id == name
    assert scenario.question.endswith("?")
    assert len(scenario.description) > 200
    assert scenario.citations
    assert all(c.source and c.reason for c in scenario.citations)
    assert set(scenario.calibrate) <= PUBLISHED


def test_norfolk_has_the_published_density() -> None:
    norfolk = scenario_named("norfolk-density")
    assert sum(group.count for group in norfolk.readers if group.kind == "fixed") == 176
    assert norfolk.streets.area_km2 == 138.0
    assert set(norfolk.calibrate) == {"V4", "V5", "V8", "V9", "V10"}


def test_patrols_only_has_no_fixed_reader() -> None:
    assert {group.kind for group in scenario_named("patrols-only").readers} == {"patrol"}


def test_spotters_and_patrols_differ_in_their_readers_alone() -> None:
    patrols, spotters = scenario_named("patrols-only"), scenario_named("spotter-cars")
    for part in ("days", "streets", "people", "travel", "archive", "attackers"):
        assert getattr(patrols, part) == getattr(spotters, part)


def test_a_near_miss_gets_the_right_name() -> None:
    with pytest.raises(ScenarioError, match=r"'first-twon'.*Did you mean 'first-town'"):
        resolve("first-twon")


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('id = "mine"\ntitle = "Mine"\n')
    assert resolve(path).id == "mine"
    assert resolve(str(path)).title == "Mine"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"no scenario file .*absent\.toml"):
        resolve(tmp_path / "absent.toml")


def test_a_syntax_error_is_given_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "torn.toml"
    path.write_text('id = "torn"\ntitle = "Torn"\ndays = = 3\n')
    with pytest.raises(ScenarioError, match=r"torn\.toml is not valid TOML.*line 3"):
        resolve(path)
