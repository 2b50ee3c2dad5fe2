"""Reference pages in docs/ are in step with the code, and say of a key what the schema enforces."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from experiments import docs_tables
from scenarios import scenario_named, scenario_names
from simulator.errors import ScenarioError
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides


def test_pages_are_in_step_with_the_code() -> None:
    stale = [path.name for path, text in docs_tables.pages().items() if path.read_text("utf-8") != text]
    assert not stale, f"run 'make docs': {stale}"


def test_check_reports_a_stale_page_and_the_plain_command_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in docs_tables.pages():
        copy = tmp_path / path.relative_to(docs_tables.DOCS.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text("utf-8") + "\nold words\n", "utf-8")
    made = docs_tables.pages(tmp_path / "docs")
    monkeypatch.setattr(docs_tables, "pages", lambda: made)
    assert docs_tables.main(["--check"]) == 1
    assert "tables.md" in capsys.readouterr().err
    assert docs_tables.main([]) == 0
    assert docs_tables.main(["--check"]) == 0


def test_a_column_without_words_is_named() -> None:
    with pytest.raises(LookupError, match="'hat_size' of 'drivers'"):
        docs_tables.column_words("drivers", "hat_size")


@pytest.mark.parametrize("name", scenario_names())
def test_catalogue_page_tells_each_scenario_with_its_sources(name: str) -> None:
    page = docs_tables.scenarios_page()
    scenario = scenario_named(name)
    assert scenario.question in page
    assert all(citation.source in page and citation.reason in page for citation in scenario.citations)


def _rows(title: str) -> dict[str, list[str]]:
    """Return the cells of the rows under a heading of the scenario page, by key."""
    section = re.split(r"^#+ ", docs_tables.scenario_file_page(), flags=re.MULTILINE)
    body = next(part for part in section if part.startswith(f"{title}\n"))
    cells = [
        [c.strip() for c in row.split(" | ")] for row in re.findall(r"^\| (`.*) \|$", body, re.MULTILINE)
    ]
    return {row[0].strip("`"): row for row in cells}


@pytest.mark.parametrize("part", ["people", "travel", "streets"])
def test_ranges_on_the_page_are_those_that_are_enforced(part: str) -> None:
    scenario = Scenario(id="a", title="A")
    tried = 0
    for key, row in _rows(f"[{part}]").items():
        bound = re.search(r"([≥>]) ([\d.,]+)", row[3])
        if bound is None:
            continue
        lowest = float(bound[2].replace(",", "").rstrip("."))
        with pytest.raises(ScenarioError, match=key):
            with_overrides(scenario, {f"{part}.{key}": lowest - 1})
        tried += 1
    assert tried >= 2


def test_page_lists_the_four_kinds_of_readers_and_nested_parts() -> None:
    assert _rows("[people.schedules]")["night"][1] == "number"
    assert '"volume"' in _rows('kind = "fixed"')["placement"][1]
    assert _rows("Top level")["id"][2] == "must be given"
    assert "name" in _rows('kind = "lot"')
