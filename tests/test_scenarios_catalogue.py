"""The catalogue is valid, complete, and found by name or by path."""

from __future__ import annotations

from pathlib import Path

import pytest

import scenarios
from scenarios import resolve, scenario_named, scenario_names, scenarios_by_topic
from scenarios.lookup import TOPICS
from simulator.errors import ScenarioError
from simulator.scenario_file import load_scenario

PUBLISHED = {"V4", "V5", "V6", "V8", "V9", "V10"}


def test_names_are_ordered_as_people_count() -> None:
    names = scenario_names()
    assert names[0] == "first-town"
    assert len(names) >= 18
    assert names.index("retention-3-minutes") < names.index("retention-7-days")
    assert names.index("retention-7-days") < names.index("retention-30-days")


def test_every_scenario_is_listed_under_a_heading_of_the_catalogue() -> None:
    topics = scenarios_by_topic()
    assert tuple(topics) == TOPICS
    assert sorted(s.id for group in topics.values() for s in group) == sorted(scenario_names())


@pytest.mark.parametrize("name", scenario_names())
def test_each_scenario_explains_and_cites_itself(name: str) -> None:
    scenario = scenario_named(name)
    assert scenario.id == name
    assert scenario.question.endswith("?")
    assert len(scenario.description) > 200
    assert 1 <= len(scenario.title) <= 54  # one line of the list fits 100 columns
    assert len(name) <= 20
    assert scenario.citations
    assert all(c.source and c.reason for c in scenario.citations)
    assert set(scenario.calibrate) <= PUBLISHED


@pytest.mark.parametrize("name", scenario_names())
def test_a_copy_of_a_standard_file_is_the_same_scenario(tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy.toml"
    copy.write_text((Path(scenarios.__file__).parent / "catalogue" / f"{name}.toml").read_text())
    assert resolve(copy) == scenario_named(name)


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


def test_scenarios_of_one_city_differ_in_nothing_but_the_rules() -> None:
    base = scenario_named("kept-for-ever")
    for name in ("retention-3-minutes", "retention-7-days", "retention-30-days", "privacy-zones"):
        changed = scenario_named(name)
        for part in ("days", "streets", "people", "travel", "events", "readers", "attackers"):
            assert getattr(changed, part) == getattr(base, part), (name, part)
        assert changed.archive != base.archive


def test_sharing_scenarios_differ_in_nothing_but_who_sees_what() -> None:
    local = scenario_named("sharing-local")
    owners = {group.owner for group in local.readers}
    seen = {}
    for name in (
        "sharing-local",
        "sharing-regional",
        "sharing-national",
        "commercial-archive",
        "unlawful-sharing",
    ):
        scenario = scenario_named(name)
        assert scenario.readers == local.readers
        assert scenario.people == local.people
        seen[scenario.id] = {owner for owner in owners if scenario.archive.may_see(owner)}
    public = {owner for owner in owners if owner != "data-broker"}
    assert seen == {
        "sharing-local": {"city-police"},
        "sharing-regional": public - {"state-police"},
        "sharing-national": public,
        "commercial-archive": owners - {"state-police"},
        "unlawful-sharing": {"county-sheriff"},
    }


BASE = """
id = "base"
title = "Base"
question = "Why?"
calibrate = ["V9"]
days = 40
[[citations]]
source = "On travel"
reason = "Trips."
[[citations]]
source = "On readers"
reason = "Density."
part = "readers"
[people]
drivers = 50
shops = 7
[[readers]]
kind = "fixed"
name = "streets"
count = 5
"""


def _written(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)


def test_a_file_that_extends_another_says_only_in_what_it_differs(tmp_path: Path) -> None:
    _written(
        tmp_path,
        base=BASE,
        rules='extends = "base.toml"\nid = "rules"\ntitle = "R"\n[people]\ndrivers = 9\n'
        "[archive]\nretention_days = 7\n[[citations]]\nsource = 'A law'\nreason = 'Seven days.'\n",
        readers='extends = "rules.toml"\nid = "readers"\ntitle = "S"\n[[readers]]\nkind = "lot"\ncount = 2\n',
    )
    base, rules = resolve(tmp_path / "base.toml"), resolve(tmp_path / "rules.toml")
    assert rules.people == base.people.model_copy(update={"drivers": 9})
    assert (rules.days, rules.readers, rules.archive.retention_days) == (40, base.readers, 7)
    assert (rules.question, rules.calibrate) == ("", ())
    assert [c.source for c in rules.citations] == ["A law", "On travel", "On readers"]
    replaced = resolve(tmp_path / "readers.toml")
    assert [group.kind for group in replaced.readers] == ["lot"]
    assert [c.source for c in replaced.citations] == ["A law", "On travel"]
    assert replaced.people == rules.people


def test_a_file_may_extend_a_standard_scenario(tmp_path: Path) -> None:
    _written(tmp_path, mine='extends = "first-town"\nid = "mine"\ntitle = "Mine"\ndays = 20\n')
    mine, town = resolve(tmp_path / "mine.toml"), scenario_named("first-town")
    assert mine.days == 20
    assert (mine.people, mine.readers) == (town.people, town.readers)
    with pytest.raises(ScenarioError, match=r"extends 'first-town'; load it with scenarios\.resolve"):
        load_scenario(tmp_path / "mine.toml")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ('"first-twon"', r"mine\.toml extends 'first-twon': No scenario .*Did you mean 'first-town'"),
        ('"absent.toml"', r"mine\.toml extends 'absent\.toml', but there is no file .*absent\.toml"),
        ('"mine.toml"', r"circle: mine extends mine"),
        ('"other.toml"', r"circle: mine extends other extends mine"),
        ('["first-town"]', r"must be the name of a scenario or of a TOML file"),
        ("true", r"must be the name of a scenario or of a TOML file"),
    ],
)
def test_bases_that_cannot_be_used_are_refused(tmp_path: Path, base: str, words: str) -> None:
    _written(
        tmp_path,
        mine=f'extends = {base}\nid = "mine"\ntitle = "Mine"\n',
        other='extends = "mine.toml"\nid = "other"\ntitle = "Other"\n',
    )
    with pytest.raises(ScenarioError, match=words):
        resolve(tmp_path / "mine.toml")


def test_a_fault_in_an_extended_file_is_explained_as_in_any_other(tmp_path: Path) -> None:
    _written(tmp_path, mine='extends = "first-town"\nid = "mine"\ntitle = "M"\n[people]\ndrivrs = 3\n')
    with pytest.raises(ScenarioError, match=r"mine\.toml cannot be used:\n.*'people\.drivrs'.*'drivers'"):
        resolve(tmp_path / "mine.toml")


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
