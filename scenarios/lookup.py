"""Find a scenario: by its name in the catalogue, or by the path of a TOML file."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

from scenarios.inherit import load_extended
from simulator.errors import ScenarioError, did_you_mean
from simulator.scenario import Scenario

_CATALOGUE = files("scenarios") / "catalogue"
#: Headings of the catalogue, in their order; a scenario of another topic is listed behind them.
TOPICS = ("Places", "Readers", "Retention", "Sharing", "What is stored", "People")


def scenario_names() -> tuple[str, ...]:
    """Return the names of all standard scenarios: the first to try first, then by alphabet."""
    names = {
        entry.name.removesuffix(".toml") for entry in _CATALOGUE.iterdir() if entry.name.endswith(".toml")
    }
    return tuple(sorted(names, key=lambda name: (name != "first-town", _by_number(name))))


def scenarios_by_topic() -> dict[str, list[Scenario]]:
    """Return all standard scenarios under the headings of the catalogue."""
    found: dict[str, list[Scenario]] = {topic: [] for topic in TOPICS}
    for name in scenario_names():
        scenario = scenario_named(name)
        found.setdefault(scenario.topic or "Others", []).append(scenario)
    return {topic: scenarios for topic, scenarios in found.items() if scenarios}


@cache
def scenario_named(name: str) -> Scenario:
    """Return a standard scenario.

    Raises
    ------
    ScenarioError
        If no scenario has that name; the message gives the nearest names.
    """
    with as_file(_CATALOGUE) as folder:
        return load_extended(_file_in(folder, name), lambda base: _file_in(folder, base))


def resolve(name_or_file: str | Path) -> Scenario:
    """Return a standard scenario by name, or the scenario in a TOML file.

    Whatever ends in ``.toml``, or holds a path separator, is taken for a file. Both may extend another
    scenario; what is returned is whole.

    Raises
    ------
    ScenarioError
        If there is no such scenario or file, or it cannot be used.
    """
    path = Path(name_or_file)
    if path.suffix == ".toml" or len(path.parts) > 1 or path.is_absolute():
        with as_file(_CATALOGUE) as folder:
            return load_extended(path, lambda base: _file_in(folder, base))
    return scenario_named(str(name_or_file))


def _file_in(folder: Path, name: str) -> Path:
    if name not in scenario_names():
        raise ScenarioError(
            f"No scenario is called '{name}'. {did_you_mean(name, scenario_names())} "
            "A file of your own is named by its path, such as ./my-town.toml."
        )
    return folder / f"{name}.toml"


def _by_number(name: str) -> list[tuple[int, str]]:
    """Return a key under which 7 days come before 30."""
    return [(int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]
