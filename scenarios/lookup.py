"""Find a scenario: by its name in the catalogue, or by the path of a TOML file."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

from simulator.errors import ScenarioError, did_you_mean
from simulator.scenario import Scenario
from simulator.scenario_file import load_scenario

_CATALOGUE = files("scenarios") / "catalogue"


def scenario_names() -> tuple[str, ...]:
    """Return the names of all standard scenarios, the first to try first, then by alphabet."""
    names = {
        entry.name.removesuffix(".toml") for entry in _CATALOGUE.iterdir() if entry.name.endswith(".toml")
    }
    return tuple(sorted(names, key=lambda name: (name != "first-town", name)))


def scenario_named(name: str) -> Scenario:
    """Return a standard scenario.

    Raises
    ------
    ScenarioError
        If no scenario has that name; the message gives the nearest names.
    """
    if name not in scenario_names():
        raise ScenarioError(
            f"No scenario is called '{name}'. {did_you_mean(name, scenario_names())} "
            "A file of your own is named by its path, such as ./my-town.toml."
        )
    with as_file(_CATALOGUE / f"{name}.toml") as path:
        return load_scenario(path)


def resolve(name_or_file: str | Path) -> Scenario:
    """Return a standard scenario by name, or the scenario in a TOML file.

    Whatever ends in ``.toml``, or holds a path separator, is taken for a file.

    Raises
    ------
    ScenarioError
        If there is no such scenario or file, or it cannot be used.
    """
    path = Path(name_or_file)
    if path.suffix == ".toml" or len(path.parts) > 1 or path.is_absolute():
        return load_scenario(path)
    return scenario_named(str(name_or_file))
