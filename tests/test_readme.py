"""What the README promises: its commands exist, its Python runs, its links lead somewhere."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer.main
from typer.core import TyperGroup

from experiments import cli, docs_results
from scenarios import scenario_named
from simulator.scenario_file import parse_override, with_overrides

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ platetrail ([^#>\n]+)", README, re.MULTILINE)


def test_there_are_commands_to_try() -> None:
    assert len(COMMANDS) >= 10


@pytest.mark.parametrize("words", COMMANDS)
def test_each_command_is_one_that_the_program_understands(words: str) -> None:
    name, *arguments = shlex.split(words)
    group = typer.main.get_command(cli.app)
    assert isinstance(group, TyperGroup)
    context = group.commands[name].make_context(name, arguments)  # fails on unknown options or arguments
    overrides = context.params.get("overrides") or ()
    scenario = context.params.get("name_or_file")
    if scenario and not scenario.endswith(".toml"):
        with_overrides(scenario_named(scenario), dict(parse_override(text) for text in overrides))


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    small = {"people.drivers": 30, "streets.nodes": 80, "streets.area_km2": 1.2, "travel.route_variants": 2}
    names: dict[str, Any] = {"small_town": with_overrides(scenario_named("first-town"), small)}
    monkeypatch.chdir(tmp_path)
    assert 'pt.run("first-town"' in example
    exec(example.replace('"first-town"', "small_town"), names)
    run = names["run"]
    assert (run.scenario.days, run.cameras.filter(pl.col("kind") == "fixed").height) == (30, 6)
    assert run.summary["day"].max() == 30
    assert (tmp_path / "homes-known.png").stat().st_size > 10_000


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    made = "gallery/index.md"  # by `make site`, and no part of the repository
    assert not [link for link in links if link != made and not (page.parent / link).exists()]


def test_result_table_gives_percent_by_day_with_the_best_attacker_first() -> None:
    rows = [
        {"attacker": a, "target": t, "criterion": f"within-{d}m", "day": day, "share": share * day / 60}
        for a, share in (("dbscan", 0.2), ("night-mode", 0.5))
        for t in ("home", "work")
        for d in (250, 500)
        for day in (7, 30, 60)
        if (t, d) != ("work", 500)
    ]
    lines = docs_results.results_table(pl.DataFrame(rows)).splitlines()
    assert lines[2] == "| Most-seen reader at night | 6 / 25 / 50 | 6 / 25 / 50 | 6 / 25 / 50 | – / – / – |"
    assert lines[3].startswith("| Density clusters (DBSCAN) | 2 / 10 / 20 |")


def test_calibration_table_shows_the_figures_that_apply_and_names_those_that_fail() -> None:
    figure = {"id": "V9", "what": "trips", "unit": "a day", "published": 2.43, "accepted_low": 2.31,
              "accepted_high": 2.55, "simulated": 2.9, "holds": False, "applies": True}  # fmt: skip
    table = docs_results.calibration_table(pl.DataFrame([figure, figure | {"id": "V4", "applies": False}]))
    assert table.splitlines()[2:] == ["| V9 | trips, a day | 2.43 | 2.31 to 2.55 | 2.9 | **no** |"]
