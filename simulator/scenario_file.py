"""Scenario files and dotted overrides: TOML in, a validated Scenario or a message that helps out."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from simulator.archive_rules import RULE_KINDS
from simulator.errors import ScenarioError, did_you_mean
from simulator.scenario import Scenario
from simulator.scenario_parts import READER_KINDS, FixedReaders

# The tags of unions are no part of a file's path.
_KINDS = frozenset((*READER_KINDS, *RULE_KINDS))


def scenario_from_dict(data: Mapping[str, Any], *, where: str = "scenario") -> Scenario:
    """Validate a mapping.

    Raises
    ------
    ScenarioError
        Naming each faulty key, what is allowed, and the nearest right name for a misspelt one.
    """
    try:
        return Scenario.model_validate(dict(data))
    except ValidationError as error:
        lines = [_explain(dict(item), data) for item in error.errors(include_url=False)]
        raise ScenarioError(
            f"{where} cannot be used:\n" + "\n".join(f"  - {line}" for line in lines)
        ) from None


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


def _explain(item: dict[str, Any], data: Mapping[str, Any]) -> str:
    # After a list's number, tags are kinds, not keys.
    path = item["loc"]
    loc = [p for i, p in enumerate(path) if not (i and isinstance(path[i - 1], int) and p in _KINDS)]
    place = ".".join(str(p) for p in loc) or "scenario"
    match item["type"]:
        case "extra_forbidden":
            return f"unknown key '{place}'. {did_you_mean(str(loc[-1]), _known_keys(loc[:-1], data))}"
        case "missing":
            return f"'{place}' is missing."
        case "union_tag_invalid" | "union_tag_not_found":
            rule = "rules" in loc
            given = item["ctx"].get("tag")
            near = f" {did_you_mean(given, RULE_KINDS)}" if rule and given else ""
            kinds = ", ".join(RULE_KINDS if rule else READER_KINDS)
            return f"'{place}.kind' must be one of {kinds}.{near}"
        case "value_error":
            said = str(item["ctx"]["error"])
            return f"{place}: {said}" + ("" if said.endswith((".", "?")) else ".")
        case _:
            shown = item.get("input")
            return f"'{place}' = {shown!r}: {item['msg'][0].lower()}{item['msg'][1:]}."


def _known_keys(loc: list[Any], data: Mapping[str, Any]) -> list[str]:
    """Return the keys that the part of a scenario at a location may have."""
    spec: Any = Scenario
    at: Any = data
    for step in loc:
        at = at[step]
        if isinstance(step, int):
            # One of a list: reader groups by their kind, other lists hold one type of part.
            options = [o for o in _models(spec) if _kind_of(o) in (None, at.get("kind"))]
            spec = options[0] if options else FixedReaders
        else:
            spec = spec.model_fields[step].annotation
    return list(getattr(spec, "model_fields", {}))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _kind_of(model: type[BaseModel]) -> Any:
    """Return the reader kind that a model is for, None for other models."""
    kind = model.model_fields.get("kind")
    return get_args(kind.annotation)[0] if kind is not None else None
