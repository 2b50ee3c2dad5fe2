"""Arguments and options that several commands share, and what a shell completes for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.completion import result_folders, run_folders, scenarios, studies

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
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A folder that a run wrote.", autocompletion=run_folders)
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
