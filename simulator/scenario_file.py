"""Scenario files and dotted overrides: TOML in, a validated Scenario or a message that helps out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from simulator.archive_rules import RULE_KINDS
from simulator.errors import ScenarioError, did_you_mean
from simulator.scenario import Scenario
from simulator.scenario_parts import READER_KINDS
from simulator.validation import validated


def scenario_from_dict(data: Mapping[str, Any], *, where: str = "scenario") -> Scenario:
    """Validate a mapping.

    Raises
    ------
    ScenarioError
        Naming each faulty key, what is allowed, and the nearest right name for a misspelt one.
    """
    return validated(
        Scenario,
        data,
        error=ScenarioError,
        where=where,
        whole="scenario",
        # The tags of unions are no part of a file's path.
        tags=frozenset((*READER_KINDS, *RULE_KINDS)),
        say_kind=_say_kind,
    )


def load_scenario(path: Path) -> Scenario:
    """Read and validate a TOML file that stands alone; :func:`scenarios.resolve` knows bases, too.

    Raises
    ------
    ScenarioError
        If the file cannot be used.
    """
    data = read_scenario_file(path)
    if "extends" in data:
        raise ScenarioError(
            f"{path} extends '{data['extends']}'; load it with scenarios.resolve, which knows the catalogue."
        )
    return scenario_from_dict(data, where=str(path))


def read_scenario_file(path: Path) -> dict[str, Any]:
    """Return what a TOML file says, not yet validated; relative files are taken from the file's folder.

    Raises
    ------
    ScenarioError
        If there is no such file, or it is not TOML.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ScenarioError(f"There is no scenario file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(f"{path} is not valid TOML: {error}.") from None
    return _anchor_paths(data, path.parent)


def with_overrides(scenario: Scenario, overrides: Mapping[str, Any]) -> Scenario:
    """Return a copy with dotted fields replaced, e.g. ``{"people.drivers": 2000, "readers.0.count": 40}``.

    Raises
    ------
    ScenarioError
        If a path does not exist (the nearest names are listed) or a value is not allowed.
    """
    data = scenario.model_dump(mode="json")
    for path, value in overrides.items():
        _set_path(data, path, value)
    return scenario_from_dict(data, where="the scenario with its overrides")


def parse_override(text: str) -> tuple[str, Any]:
    """Split ``part.field=value``; the value is read as TOML, or as plain text where it is none."""
    path, sign, value = text.partition("=")
    if not sign or not path.strip():
        raise ScenarioError(f"'{text}' is not of the form part.field=value, such as people.drivers=2000.")
    try:
        return path.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return path.strip(), value.strip()


def _anchor_paths(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    parts = [data.get("streets"), data.get("traffic"), *(data.get("readers") or [])]
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("routes"), list):
            part["routes"] = [str(folder / name) for name in part["routes"]]
        for key in ("map", "file", "homes"):
            if isinstance(part, dict) and isinstance(part.get(key), str):
                part[key] = str(folder / part[key])
    return data


def _set_path(data: Any, path: str, value: Any) -> None:
    steps = path.split(".")
    at = data
    for depth, step in enumerate(steps, start=1):
        choices: list[str]
        if isinstance(at, list):
            choices = [str(i) for i in range(len(at))] + [
                str(g.get("name")) for g in at if isinstance(g, dict)
            ]
            by_name = [i for i, g in enumerate(at) if isinstance(g, dict) and g.get("name") == step]
            key: Any = by_name[0] if by_name else (int(step) if step.isdigit() else None)
            known = key is not None and key < len(at)
        elif isinstance(at, dict):
            choices, key = list(at), step
            known = step in at
        else:
            raise ScenarioError(f"'{path}' goes too deep: '{step}' is not part of a section.")
        if not known:
            raise ScenarioError(
                f"'{path}' names nothing in the scenario: '{step}' is unknown. {did_you_mean(step, choices)}"
            )
        if depth == len(steps):
            at[key] = value
            return
        at = at[key]


def _say_kind(loc: list[int | str], given: Any) -> str:
    rule = "rules" in loc
    kinds = RULE_KINDS if rule else READER_KINDS
    near = f" {did_you_mean(given, kinds)}" if rule and given else ""
    return f"must be one of {', '.join(kinds)}.{near}"
