"""Arguments and options that several commands share, and what a shell completes for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.completion import RUN_FILE, STUDY_FILE, result_folders, run_folders, scenarios, studies
from simulator.errors import StudyError

NameOrFile = Annotated[
    str,
    typer.Argument(
        metavar="NAME_OR_FILE", help="A standard scenario or a TOML file.", autocompletion=scenarios
    ),
]
NameOrFileOrNone = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME_OR_FILE",
        help="A standard scenario or a TOML file; may be left out with --traffic.",
        autocompletion=scenarios,
    ),
]
NameOrStudy = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME_OR_STUDY", help="A study of the list, or a TOML file.", autocompletion=studies
    ),
]


def _not_a_study(folder: Path) -> Path:
    """Refuse a study's folder where a run's is needed."""
    if (folder / STUDY_FILE).is_file() and not (folder / RUN_FILE).is_file():
        raise StudyError(
            f"{folder} holds a study, not a run: of a study's runs only results are kept. Give the folder of "
            "a run ('platetrail run' makes one); 'platetrail report' makes a page of a study."
        )
    return folder


RunFolder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A folder that a run wrote.",
        autocompletion=run_folders,
        callback=_not_a_study,
    ),
]
ResultFolder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN_OR_STUDY", help="A folder that a run or a sweep wrote.", autocompletion=result_folders
    ),
]
RootSeed = Annotated[int | None, typer.Option(min=0, help="Root seed; one is drawn and printed if left out.")]
Seed = Annotated[int, typer.Option(min=0, help="Root seed.")]
Drivers = Annotated[int | None, typer.Option(help="Drivers to simulate.")]
Days = Annotated[int | None, typer.Option(help="Days to simulate.")]
MapFile = Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Street map to run on.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; results do not depend on it.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PART.FIELD=VALUE", help="Change a parameter; can repeat."),
]
