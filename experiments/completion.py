"""What a shell completes: names of scenarios, studies, tables, figures and attackers, and folders of results.

A completion must be quick: names are those of files, and nothing heavy is imported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

# Tests hold these to what the program has.
RUN_FILE, STUDY_FILE = "manifest.json", "study.json"
BIG_TABLES = ("sightings", "trips")
FIGURE_NAMES = (
    "map",
    "homes-known",
    "work-places-known",
    "error-distance",
    "sightings-per-day",
    "days-by-kind-of-driver",
    "certainty",
    "belief-on-the-map",
)
LESSON_NAMES = ("one-car-one-week", "just-a-few-cameras", "how-long-is-too-long", "names-are-not-needed")
# So deep below what was typed, and so many folders, are looked through for results.
_DEPTH, _MOST_FOLDERS = 3, 2_000


def scenarios(incomplete: str) -> list[str]:
    """Complete the name of a standard scenario."""
    return _starting(_toml_names("scenarios", "catalogue"), incomplete)


def studies(incomplete: str) -> list[str]:
    """Complete the name of a standard study."""
    return _starting(_toml_names("experiments", "studies"), incomplete)


def lessons(incomplete: str) -> list[str]:
    """Complete the name of a lesson."""
    return _starting(LESSON_NAMES, incomplete)


def figures(incomplete: str) -> list[str]:
    """Complete the name of a standard figure."""
    return _starting(FIGURE_NAMES, incomplete)


def big_tables(incomplete: str) -> list[str]:
    """Complete a list of big tables with commas between."""
    before, comma, last = incomplete.rpartition(",")
    left = [name for name in BIG_TABLES if name not in before.split(",")]
    return [f"{before}{comma}{name}" for name in _starting(left, last)]


def run_folders(incomplete: str) -> list[str]:
    """Complete the folder of a finished run."""
    return sorted(_folders(incomplete, (RUN_FILE,)))


def result_folders(incomplete: str) -> list[str]:
    """Complete the folder of a finished run or a study."""
    return sorted(_folders(incomplete, (RUN_FILE, STUDY_FILE)))


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def _toml_names(package: str, folder: str) -> list[str]:
    spec = find_spec(package)  # not imported: that would take longer than a user waits
    places = spec.submodule_search_locations if spec else None
    return sorted(path.stem for place in places or () for path in (Path(place) / folder).glob("*.toml"))


def _folders(incomplete: str, marks: tuple[str, ...]) -> Iterator[str]:
    """Yield folders that hold one of some files and whose path begins as typed."""
    head, _ = os.path.split(incomplete)
    seen, waiting = 0, [(head, 0)]
    while waiting and seen < _MOST_FOLDERS:
        folder, depth = waiting.pop()
        try:
            inside = sorted(e.name for e in os.scandir(folder or ".") if e.is_dir())
        except OSError:
            continue
        for name in inside:
            path = os.path.join(folder, name) if folder else name
            # Along what was typed, or below it; hidden folders only when asked for by name.
            if not (path.startswith(incomplete) or incomplete.startswith(path + os.sep)):
                continue
            if name.startswith(".") and not os.path.basename(incomplete).startswith("."):
                continue
            seen += 1
            if any(os.path.isfile(os.path.join(path, mark)) for mark in marks):
                yield path
            elif depth + 1 < _DEPTH:
                waiting.append((path, depth + 1))
