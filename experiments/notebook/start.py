"""Where a notebook starts: run a scenario or do a study, or open the folder of one that is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from experiments.notebook.folders import folder_for
from experiments.notebook.run import Run
from experiments.notebook.study import Study
from experiments.prepare import scenario_with
from experiments.sweep import command as sweep
from experiments.sweep.cost import cost_of, refuse_if_large
from experiments.sweep.spec import study_named, study_names
from experiments.terminal import progress_bar
from scenarios import scenarios_by_topic
from simulator.run import simulate
from simulator.scenario import Scenario


def scenario(
    name_or_file: str | Path | Scenario,
    *,
    drivers: int | None = None,
    days: int | None = None,
    map: str | Path | None = None,
    set: Mapping[str, Any] | None = None,
) -> Scenario:
    """Return a scenario, with changes.

    Parameters
    ----------
    name_or_file
        A standard scenario's name, the path of a TOML file, or a scenario.
    drivers, days
        How many, in place of its own.
    map
        A street map to run on.
    set
        Other changes by dotted path, as ``--set`` on the command line:
        ``{"archive.retention_days": 7, "readers.street-readers.count": 12}``.

    Raises
    ------
    ScenarioError, MapError, ReaderError
        If it cannot be used; the message gives the nearest right names.
    """
    file = None if map is None else Path(map)
    return scenario_with(name_or_file, drivers=drivers, days=days, map_file=file, changes=set)


def run(
    name_or_file: str | Path | Scenario = "first-town",
    *,
    seed: int | None = None,
    drivers: int | None = None,
    days: int | None = None,
    map: str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    tables: Collection[str] = (),
    out: str | Path | None = None,
    force: bool = False,
    workers: int = 1,
    quiet: bool = False,
) -> Run:
    """Run a scenario.

    Parameters
    ----------
    name_or_file, drivers, days, map, set
        What to simulate, as :func:`scenario` takes it.
    seed
        Root seed; drawn if left out, and kept in ``run.seed``.
    tables
        Big tables to keep as well: ``"sightings"``, ``"trips"``.
    out
        Folder for the results, new or empty; a temporary one, which goes with the run, if left out.
    force
        Replace this program's own files in ``out``.
    workers
        Processes; results do not depend on it.
    quiet
        Show no progress bar, which only a terminal gets anyway.

    Returns
    -------
    Run
        With tables, figures, and a view of its own in notebooks.

    Raises
    ------
    PlatetrailError
        If the input or the folder cannot be used; the message says what would be right.
    """
    wanted = scenario(name_or_file, drivers=drivers, days=days, map=map, set=set)
    with folder_for(out) as folder, progress_bar(quiet=quiet) as progress:
        simulate(
            wanted, seed=seed, out=folder, tables=tables, workers=workers, force=force, progress=progress
        )
    return Run(folder, temporary=out is None)


def open_run(folder: str | Path) -> Run:
    """Open a folder that a run wrote.

    Raises
    ------
    TableError, StudyError
        If it holds no finished run, or one of another version.
    """
    return Run(folder)


def study(
    name_or_file: str | Path = "smoke",
    *,
    seed: int | None = None,
    replicates: int | None = None,
    map: str | Path | None = None,
    set: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    force: bool = False,
    workers: int = 1,
    yes: bool = False,
    quiet: bool = False,
) -> Study:
    """Do a study: many runs on the same random numbers; goes on where it was if ``out`` holds a part of it.

    Parameters
    ----------
    name_or_file
        A standard study's name, or the path of a TOML file.
    seed, replicates
        In place of the study's own.
    map
        A street map for all of it.
    set
        Changes of its scenario by dotted path.
    out
        Folder for the results; a temporary one, which goes with the study, if left out.
    force
        Begin anew over what lies in ``out``.
    workers
        Processes; results do not depend on it.
    yes
        Begin a study of very many cells or hours without asking back.
    quiet
        No notes and no progress bar.

    Raises
    ------
    PlatetrailError
        If the study or the folder cannot be used, or it is large and ``yes`` is not given.
    """
    file = None if map is None else Path(map)
    design = sweep.prepare(name_or_file, seed=seed, replicates=replicates, map_file=file, changes=set)
    refuse_if_large(cost_of(design, workers), yes=yes)
    with folder_for(out) as folder:
        sweep.carry_out(design, out=folder, workers=workers, force=force, quiet=quiet)
    return Study(folder, temporary=out is None)


def open_study(folder: str | Path) -> Study:
    """Open a folder that a study wrote.

    Raises
    ------
    StudyError
        If it holds no finished study, or one of another version.
    """
    return Study(folder)


def scenarios() -> pl.DataFrame:
    """Return the catalogue: ``name, topic, title, question, drivers, days``."""
    return pl.DataFrame(
        [
            {
                "name": found.id,
                "topic": topic,
                "title": found.title,
                "question": found.question,
                "drivers": found.people.drivers,
                "days": found.days,
            }
            for topic, group in scenarios_by_topic().items()
            for found in group
        ]
    )


def studies() -> pl.DataFrame:
    """Return the standard studies: ``name, scenario, question``."""
    found = [study_named(name) for name in study_names()]
    return pl.DataFrame([{"name": s.id, "scenario": s.scenario, "question": s.question} for s in found])
