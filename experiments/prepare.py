"""From what a user typed to a scenario that can run, refusing early what could only fail late."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scenarios import resolve
from simulator.errors import MapError, ReaderError, ScenarioError, TableError, did_you_mean
from simulator.results import REPORT_FILES
from simulator.scenario import Scenario
from simulator.scenario_file import parse_override, with_overrides

BIG_TABLES = ("sightings", "trips")


def scenario_from_options(
    name_or_file: str,
    *,
    drivers: int | None = None,
    days: int | None = None,
    map_file: Path | None = None,
    overrides: Sequence[str] = (),
) -> Scenario:
    """Return a scenario with the command line's changes; ``overrides`` are ``part.field=value``.

    Raises
    ------
    ScenarioError
        If the scenario or a change cannot be used, or it needs a map and has none.
    MapError, ReaderError
        If a file that it names does not exist.
    """
    changes = dict(parse_override(text) for text in overrides)
    return scenario_with(name_or_file, drivers=drivers, days=days, map_file=map_file, changes=changes)


def scenario_with(
    scenario: str | Path | Scenario,
    *,
    drivers: int | None = None,
    days: int | None = None,
    map_file: Path | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Scenario:
    """Return a scenario that can run: by name, from a file or as it is, with changes by dotted path.

    Raises
    ------
    ScenarioError
        If the scenario or a change cannot be used, or it needs a map and has none.
    MapError, ReaderError
        If a file that it names does not exist.
    """
    if not isinstance(scenario, Scenario):
        scenario = resolve(scenario)
    changes = dict(changes or {})
    if drivers is not None:
        changes["people.drivers"] = drivers
    if days is not None:
        changes["days"] = days
    if map_file is not None:
        changes["streets.kind"] = "map"
        changes["streets.map"] = str(map_file.absolute())
    if changes:
        scenario = with_overrides(scenario, changes)
    check_files(scenario)
    _check_attackers(scenario)
    return scenario


def big_tables(text: str | None) -> tuple[str, ...]:
    """Return the names in a comma-separated list of optional tables.

    Raises
    ------
    ScenarioError
        If one is unknown.
    """
    names = tuple(name.strip() for name in (text or "").split(",") if name.strip())
    for name in names:
        if name not in BIG_TABLES:
            raise ScenarioError(
                f"--tables: no optional table is called '{name}'. {did_you_mean(name, BIG_TABLES)}"
            )
    return names


def refuse_full_folder(out: Path, *, force: bool) -> None:
    """Refuse an output folder that is a file or, without ``force``, not empty.

    Raises
    ------
    TableError
        Saying so.
    """
    if out.exists() and not out.is_dir():
        raise TableError(f"{out} is a file; --out needs a folder.")
    if not force and out.is_dir() and any(out.iterdir()):
        raise TableError(
            f"The folder {out} is not empty. Choose another --out, or give --force to replace the results "
            "that platetrail wrote there (other files stay)."
        )


def refuse_unwritable(folder: Path, instead: str) -> None:
    """Refuse a folder that cannot be written to, or made, before time is spent.

    Parameters
    ----------
    folder
        Where results are to go; it need not be there yet.
    instead
        What to do about it, a sentence.

    Raises
    ------
    TableError
        Naming the folder, or the one above it that stands in the way.
    """
    there = next((f for f in (folder, *folder.absolute().parents) if f.exists()), folder)
    if not there.is_dir():
        raise TableError(f"{there} is a file; a folder is needed. {instead}")
    if not os.access(there, os.W_OK):
        raise TableError(f"{there} cannot be written to. {instead}")


#: What to do about a read-only folder of a run, for commands that put their tables into it.
COPY_FIRST = "This command puts its results there: copy the run to a folder of your own first."


def holds_own_results(out: Path) -> bool:
    """Return whether a folder holds nothing but what a run writes, finished or not."""
    own = {"manifest.json", "summary.csv", "figures", *REPORT_FILES}
    return out.is_dir() and all(
        path.name in own or path.suffix in (".parquet", ".partial") or path.name.startswith(".spool-")
        for path in out.iterdir()
    )


def check_files(scenario: Scenario) -> None:
    """Refuse a scenario that names a file which is not there, or needs a map and has none.

    Raises
    ------
    ScenarioError, MapError, ReaderError
        Naming the scenario or group, and what is missing.
    """
    streets = scenario.streets
    if streets.kind == "map" and streets.map is None:
        raise ScenarioError(
            f"Scenario '{scenario.id}' takes its streets from a map: give one with --map FILE "
            "(.osm, .osm.gz, .osm.pbf or .graphml)."
        )
    if streets.map is not None and not streets.map.is_file():
        from simulator.roads.import_map import near_files

        raise MapError(f"There is no map file {streets.map}.{near_files(streets.map)}")
    for group in scenario.readers:
        file = getattr(group, "file", None)
        if file is not None and not file.is_file():
            raise ReaderError(f"Reader group '{group.name}': there is no file {file} with reader positions.")


def _check_attackers(scenario: Scenario) -> None:
    if scenario.attackers.names:
        import simulator.adversary.catalogue  # noqa: F401  (enters the attackers)
        from simulator.adversary.attacker import ready_attacker

        for name in scenario.attackers.names:
            ready_attacker(name)
