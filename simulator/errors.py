"""Errors that a user can mend: each message names the thing, the place and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PlatetrailError(Exception):
    """Base of all errors that are the input's fault, shown without a traceback."""


class ScenarioError(PlatetrailError):
    """A scenario, or a part of it, cannot be used."""


class MapError(PlatetrailError):
    """A street map is missing, torn, or holds nothing to drive on."""


class TrafficError(PlatetrailError):
    """Traffic from another simulator, or the list of homes that goes with it, cannot be used."""


class ReaderError(PlatetrailError):
    """Reader positions cannot be used."""


class TableError(PlatetrailError):
    """A table or result folder is missing, torn, or of another version."""


class StudyError(PlatetrailError):
    """A study of many runs, or its results folder, cannot be used."""


class ClusterError(PlatetrailError):
    """A cluster cannot be reached, or went away."""


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """Return a sentence with the nearest right names, or all of them if none is near."""
    choices = sorted(choices)
    near = difflib.get_close_matches(name, choices, n=3, cutoff=0.5)
    if near:
        return "Did you mean " + " or ".join(f"'{n}'" for n in near) + "?"
    return "Choices: " + ", ".join(choices) + "."
