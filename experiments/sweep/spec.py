"""The study file: which levels of which factors are compared, on how many replicates, by which measures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from simulator.errors import StudyError, did_you_mean
from simulator.spec import Citation, Spec
from simulator.validation import validated

_STUDIES = files("experiments") / "studies"
_SLUG = r"^[a-z0-9][a-z0-9-]*$"


def _flat(changes: Any, prefix: str = "") -> Any:
    """Turn nested tables into dotted keys; lists of tables stay as they are."""
    if not isinstance(changes, Mapping):
        return changes
    flat: dict[str, Any] = {}
    for key, value in changes.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


class Level(Spec):
    """One level of a factor: a label and what it changes in the scenario."""

    label: str = Field(min_length=1, description="What it is called in tables and figures.")
    set: dict[str, Any] = Field({}, description="Changes, as of --set: dotted path = value.")
    unset: tuple[str, ...] = Field((), description="Dotted paths that are emptied (no retention, say).")
    at: float | None = Field(None, description="Where it stands on an axis, for ladders.")

    @field_validator("set", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return _flat(value)

    def changes(self) -> dict[str, Any]:
        """Return all changes by dotted path."""
        return {**self.set, **dict.fromkeys(self.unset)}


class Dimension(Spec):
    """One parameter of a Latin hypercube."""

    path: str = Field(description="Dotted path of the parameter.")
    low: float = Field(description="Least value.")
    high: float = Field(description="Largest value.")
    scale: Literal["linear", "log"] = Field("linear", description="Even in the value or in its logarithm.")
    integer: bool = Field(False, description="Round to whole numbers.")

    @model_validator(mode="after")
    def _a_range(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"high = {self.high:g} must be larger than low = {self.low:g}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f'low = {self.low:g}: scale = "log" needs values above 0')
        return self


class Factor(Spec):
    """What is varied: a list of levels, a ladder of values of one parameter, or a Latin hypercube."""

    name: str = Field(pattern=_SLUG, description="Name of its column in the results.")
    title: str = Field("", description="Its name on axes; made of the name if left out.")
    phrase: str = Field("with {}", description="How a sentence names a level; {} stands for the label.")
    unit: str = Field("", description="Unit of the values, for axes.")
    ordered: bool = Field(False, description="Levels are steps of a ladder, in their order.")
    baseline: str | None = Field(
        None, description="Label of the level that others are compared with; the first if left out."
    )
    levels: tuple[Level, ...] = Field((), description="See [[factors.levels]].")
    path: str | None = Field(None, description="In place of levels: the parameter that takes 'values'.")
    values: tuple[Any, ...] = Field((), description="Its values.")
    points: int = Field(0, ge=0, description="Points of a Latin hypercube over 'dimensions'.")
    dimensions: tuple[Dimension, ...] = Field((), description="See [[factors.dimensions]].")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [bool(self.levels), bool(self.path or self.values), bool(self.points or self.dimensions)]
        if sum(kinds) != 1:
            raise ValueError(
                f"factor '{self.name}' needs one of: 'levels'; 'path' and 'values'; 'points' and 'dimensions'"
            )
        if kinds[1] and not (self.path and self.values):
            raise ValueError(f"factor '{self.name}': 'path' and 'values' go together")
        if kinds[2] and not (self.points and self.dimensions):
            raise ValueError(f"factor '{self.name}': 'points' and 'dimensions' go together")
        labels = self.labels()
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(f"factor '{self.name}': level '{label}' is there twice; make labels unique")
        if self.is_hypercube and self.baseline is not None:
            raise ValueError(f"factor '{self.name}': the points of a Latin hypercube have no baseline")
        if self.baseline is not None and self.baseline not in labels:
            raise ValueError(
                f"factor '{self.name}': baseline '{self.baseline}' is no level. "
                f"{did_you_mean(self.baseline, labels)}"
            )
        return self

    @property
    def is_hypercube(self) -> bool:
        return bool(self.points)

    @property
    def words(self) -> str:
        """Its name for people."""
        return self.title or self.name.replace("-", " ").capitalize()

    def labels(self) -> tuple[str, ...]:
        """Return the labels of all levels, in order; the points of a hypercube are numbered from 1."""
        if self.is_hypercube:
            return tuple(str(i + 1) for i in range(self.points))
        return tuple(level.label for level in self.levels) or tuple(map(_label, self.values))

    @property
    def baseline_label(self) -> str | None:
        """The level that others are compared with; ``None`` for a Latin hypercube."""
        return None if self.is_hypercube else self.baseline or self.labels()[0]


class Headline(Spec):
    """The number that the figure and the finding are about."""

    measure: str = Field(description="A measure of the study; the first if left out.")
    target: Literal["home", "work", "both", "visitor", "car"] = Field(
        "home", description="Whose place; visitors and sought cars have measures of their own."
    )
    criterion: str | None = Field(None, description="The first of the study's if left out.")
    attacker: str | None = Field(None, description="The best at the baseline if left out.")
    day: int | None = Field(None, ge=1, description="The last that there is if left out.")


class Study(Spec):
    """A study: one scenario, its factors, and what is measured."""

    id: str = Field(pattern=_SLUG, description="Name; lower-case letters, digits and hyphens.")
    title: str = Field(description="Title for people.")
    question: str = Field("", description="The question that it answers.")
    description: str = Field("", description="What is compared and why.")
    citations: tuple[Citation, ...] = ()
    scenario: str = Field(description="A scenario of the catalogue, or the path of a TOML file.")
    seed: int = Field(1, ge=0, description="Root seed; cells of one replicate share its random numbers.")
    replicates: int = Field(1, ge=1, le=10_000, description="Towns drawn anew.")
    design: Literal["grid", "one-at-a-time"] = Field(
        "grid", description="Every level with every other, or one factor off its baseline at a time."
    )
    set: dict[str, Any] = Field({}, description="Changes that all cells share, as of --set.")
    measures: tuple[str, ...] = Field(
        ("known-by-day", "right-at-day", "median-days", "restricted-mean-days", "median-error-m"),
        min_length=1,
        description="What is measured.",
    )
    criteria: tuple[str, ...] = Field(
        ("within-250m", "within-250m-for-good", "known-and-right"),
        min_length=1,
        description="What counts as known.",
    )
    days: tuple[int, ...] = Field(
        (7, 30, 90, 365), min_length=1, description="Days of measures by day; the last one is always there."
    )
    factors: tuple[Factor, ...] = Field(min_length=1, description="See [[factors]].")
    headline: Headline = Headline(measure="known-by-day")
    second: Headline | None = Field(None, description="Drawn beside the headline, of the same form.")
    second_against_first: bool = Field(
        False, description="Also drawn: the second headline against the first, a point a level."
    )

    @field_validator("set", mode="before")
    @classmethod
    def _dotted(cls, value: Any) -> Any:
        return _flat(value)

    @model_validator(mode="before")
    @classmethod
    def _headline_is_the_first_measure(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        measures = data.get("measures") or cls.model_fields["measures"].default
        named = {part: data.get(part) for part in ("headline", "second")}
        if named["headline"] is None:
            named["headline"] = {}
        filled = {
            part: {"measure": measures[0], **given}
            for part, given in named.items()
            if isinstance(given, Mapping)
        }
        return {**data, **filled}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [factor.name for factor in self.factors]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"factor name '{name}' is used twice; names must be unique")
            if name in RESULT_COLUMNS:
                raise ValueError(f"no factor can be called '{name}': the results have such a column")
        if self.second_against_first and (self.second is None or len(self.factors) != 1):
            raise ValueError("second_against_first needs a [second] headline, and one factor")
        if self.design == "one-at-a-time" and any(factor.is_hypercube for factor in self.factors):
            raise ValueError('design = "one-at-a-time" needs baselines, which Latin hypercubes have not')
        return self


#: Columns of ``results`` beside those of the factors.
RESULT_COLUMNS = (
    *("study", "attacker", "target", "criterion", "measure", "unit", "day"),
    *("estimate", "low", "high", "n_drivers", "n_replicates"),
)


def study_names() -> tuple[str, ...]:
    """Return the names of the studies that come with the program, 'smoke' first."""
    names = {e.name.removesuffix(".toml") for e in _STUDIES.iterdir() if e.name.endswith(".toml")}
    return tuple(sorted(names, key=lambda name: (name != "smoke", name)))


def study_named(name: str) -> Study:
    """Return a study that comes with the program.

    Raises
    ------
    StudyError
        If there is none of that name; the message gives the nearest names.
    """
    if name not in study_names():
        raise StudyError(
            f"No study is called '{name}'. {did_you_mean(name, study_names())} "
            "A file of your own is named by its path, such as ./my-study.toml."
        )
    with as_file(_STUDIES / f"{name}.toml") as path:
        return load_study(path)


def resolve_study(name_or_file: str | Path) -> Study:
    """Return a study by name, or from a TOML file (whatever ends in ``.toml`` or holds a separator)."""
    path = Path(name_or_file)
    if path.suffix == ".toml" or len(path.parts) > 1 or path.is_absolute():
        return load_study(path)
    return study_named(str(name_or_file))


def load_study(path: Path) -> Study:
    """Read and validate a study file; the path of a scenario file is taken from the study's folder.

    Raises
    ------
    StudyError
        If there is no such file, or it cannot be used; the message names what is at fault.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise StudyError(f"There is no study file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"{path} cannot be read: {error}.") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path} is not valid TOML: {error}.") from None
    named = data.get("scenario")
    if isinstance(named, str) and named.endswith(".toml"):
        data["scenario"] = str(path.parent / named)
    return study_from_dict(data, where=str(path))


def study_from_dict(data: Mapping[str, Any], *, where: str = "study") -> Study:
    """Validate a mapping.

    Raises
    ------
    StudyError
        Naming each faulty key, what is allowed, and the nearest right name for a misspelt one.
    """
    return validated(Study, data, error=StudyError, where=where, whole="study")


def _label(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
