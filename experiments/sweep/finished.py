"""A finished study read back from its folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from experiments.sweep.folder import RESULTS, STUDY_FILE
from experiments.sweep.results import StudyResults
from experiments.sweep.spec import Study, study_from_dict
from simulator.errors import StudyError
from simulator.manifest import MANIFEST
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict
from simulator.tables import FORMAT_VERSION


@dataclass(frozen=True, kw_only=True, eq=False)
class FinishedStudy:
    """What a study asked, on what, and what came out.

    Parameters
    ----------
    study, scenario
        The study as it was given, and its scenario before any level changed it.
    results
        Its tables.
    software
        Versions of what made it.
    """

    study: Study
    scenario: Scenario
    results: StudyResults
    software: Mapping[str, str]


def read_study(folder: Path) -> FinishedStudy:
    """Read a study's folder.

    Raises
    ------
    StudyError
        If the folder holds no study, one that is not finished, or one of another version.
    """
    there = _told(folder)
    return FinishedStudy(
        study=study_from_dict(there["as_given"], where=str(folder / STUDY_FILE)),
        scenario=scenario_from_dict(there["scenario"], where=f"the scenario in {folder}"),
        results=_results(folder),
        software=there["software"],
    )


def holds_study(folder: Path) -> bool:
    """Return whether a folder is a study's, finished or not, and not a run's."""
    return (folder / STUDY_FILE).is_file() and not (folder / MANIFEST).is_file()


def _told(folder: Path) -> dict[str, Any]:
    path = folder / STUDY_FILE
    try:
        there: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        form = there["format"]
        missing = {"as_given", "scenario", "software"} - set(there)
    except (FileNotFoundError, NotADirectoryError):
        raise StudyError(
            f"{folder} holds no study: it has no {STUDY_FILE}. Make one with 'platetrail sweep'."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"{path} is torn or not a study's ({error}); do the study again.") from None
    if form != FORMAT_VERSION or missing:
        raise StudyError(
            f"{folder} was written by another version of the program (format {form}, this one reads "
            f"{FORMAT_VERSION}); use that version, or do the study again."
        )
    return there


def _results(folder: Path) -> StudyResults:
    frames = {}
    for name in RESULTS:
        path = folder / f"{name}.parquet"
        try:
            frames[name] = pl.read_parquet(path)
        except FileNotFoundError:
            raise StudyError(
                f"The study in {folder} is not finished: it has no {path.name}. The same 'platetrail sweep' "
                "goes on where it was."
            ) from None
        except (pl.exceptions.PolarsError, OSError) as error:
            raise StudyError(f"{path} is torn ({error}); 'platetrail sweep' writes it again.") from None
    return StudyResults(**frames)
