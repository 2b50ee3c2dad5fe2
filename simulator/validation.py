"""A mapping made into a validated spec, or a message that names each fault and the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from simulator.errors import PlatetrailError, did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Location = list[int | str]


def validated(
    model: type[Model],
    data: Mapping[str, Any],
    *,
    error: type[PlatetrailError],
    where: str,
    whole: str,
    tags: frozenset[str] = frozenset(),
    say_kind: Callable[[Location, Any], str] | None = None,
) -> Model:
    """Validate a mapping.

    Parameters
    ----------
    model
        What it is to be.
    data
        The mapping.
    error
        Raised if it cannot be used.
    where
        What the message says cannot be used, a file perhaps.
    whole
        What a fault of no part in particular is said to be in.
    tags
        Values of ``kind`` by which lists tell their parts apart; they are no part of a file's path.
    say_kind
        Returns what is said of a part, at a location, of an unknown kind.

    Raises
    ------
    PlatetrailError
        As ``error``, naming each faulty key, what is allowed, and the nearest right name for a misspelt one.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as faults:
        found = faults.errors(include_url=False)
        lines = []
        for item in found:
            # A list whose parts are at fault is also said to be too short.
            if item["type"] == "too_short" and any(_is_within(other["loc"], item["loc"]) for other in found):
                continue
            path = item["loc"]
            after_list = [i > 0 and isinstance(path[i - 1], int) for i in range(len(path))]
            loc = [p for p, after in zip(path, after_list, strict=True) if not (after and p in tags)]
            place = ".".join(map(str, loc)) or whole
            match item["type"]:
                case "extra_forbidden":
                    known = _keys_at(model, loc[:-1], data)
                    line = f"unknown key '{place}'. {did_you_mean(str(loc[-1]), known)}"
                case "missing":
                    line = f"'{place}' is missing."
                case "union_tag_invalid" | "union_tag_not_found" if say_kind is not None:
                    line = f"'{place}.kind' {say_kind(loc, item['ctx'].get('tag'))}"
                case "value_error":
                    said = str(item["ctx"]["error"])
                    line = f"{place}: {said}" + ("" if said.endswith((".", "?")) else ".")
                case _:
                    line = f"'{place}' = {item.get('input')!r}: {item['msg'][0].lower()}{item['msg'][1:]}."
            lines.append(f"  - {line}")
        raise error(f"{where} cannot be used:\n" + "\n".join(lines)) from None


def _is_within(loc: tuple[int | str, ...], outer: tuple[int | str, ...]) -> bool:
    return len(loc) > len(outer) and loc[: len(outer)] == outer


def _keys_at(model: type[BaseModel], loc: Location, data: Mapping[str, Any]) -> list[str]:
    """Return the keys that the part at a location may have."""
    spec: type[BaseModel] = model
    annotation: Any = model
    at: Any = data
    for step in loc:
        at = at[step]
        if isinstance(step, str):
            annotation = spec.model_fields[step].annotation
        options = _models(annotation)
        # Parts of a list by their kind; others hold one type of part.
        kind = at.get("kind") if isinstance(at, Mapping) else None
        fitting = [option for option in options if _kind_of(option) in (None, kind)]
        spec = (fitting or options)[0]
    return list(spec.model_fields)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _kind_of(model: type[BaseModel]) -> Any:
    """Return the kind that a part of a list is for, None for other models."""
    kind = model.model_fields.get("kind")
    tags = get_args(kind.annotation) if kind is not None else ()
    return tags[0] if len(tags) == 1 else None
