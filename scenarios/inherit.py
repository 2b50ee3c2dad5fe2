"""Scenario files that extend another: a file says only in what it differs from its base.

``extends = "kept-for-ever"`` names a standard scenario, ``extends = "town.toml"`` a file in the same folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from simulator.errors import ScenarioError
from simulator.scenario import Scenario
from simulator.scenario_file import read_scenario_file, scenario_from_dict

# What a scenario says about itself is never its base's.
_OWN = ("id", "title", "topic", "question", "description", "calibrate")


def load_extended(path: Path, standard: Callable[[str], Path]) -> Scenario:
    """Read a scenario file and all that it extends.

    Parameters
    ----------
    path
        The file.
    standard
        Gives the file of a standard scenario by name, or raises ScenarioError.

    Raises
    ------
    ScenarioError
        If a file cannot be read, a base is unknown, bases go round in a circle, or the result is no scenario.
    """
    return scenario_from_dict(_resolved(path, standard, ()), where=str(path))


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Lay a file over its base.

    Sections are merged key by key, lists (reader groups, rules, events) replaced as a whole. Citations of
    the base are kept, but for those of a section that the file writes itself.
    """
    kept = {key: value for key, value in base.items() if key not in _OWN}
    result = _laid_over(kept, own)
    cited = base.get("citations", ())
    if isinstance(cited, list) and isinstance(own.get("citations", []), list):
        still = [c for c in cited if not (isinstance(c, Mapping) and c.get("part") and c["part"] in own)]
        result["citations"] = [*own.get("citations", ()), *still]
    return result


def _laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        below = base.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            value = _laid_over(below, value)
        result[key] = value
    return result


def _resolved(path: Path, standard: Callable[[str], Path], below: tuple[Path, ...]) -> dict[str, Any]:
    chain = (*below, path.absolute())
    own = read_scenario_file(path)
    if "extends" not in own:
        return own
    base = own.pop("extends")
    if not isinstance(base, str) or not base:
        raise ScenarioError(f"{path}: extends = {base!r} must be the name of a scenario or of a TOML file.")
    found = _base_file(path, base, standard)
    if found.absolute() in chain:
        round_trip = " extends ".join(p.name.removesuffix(".toml") for p in (*chain, found))
        raise ScenarioError(f"{path}: scenarios cannot extend each other in a circle: {round_trip}.")
    return merged(_resolved(found, standard, chain), own)


def _base_file(path: Path, base: str, standard: Callable[[str], Path]) -> Path:
    if base.endswith(".toml"):
        found = path.parent / base
        if not found.is_file():
            raise ScenarioError(f"{path} extends '{base}', but there is no file {found}.")
        return found
    try:
        return standard(base)
    except ScenarioError as error:
        raise ScenarioError(f"{path} extends '{base}': {error}") from None
