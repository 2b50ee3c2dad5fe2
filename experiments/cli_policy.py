"""Commands on what rules do to a finished run: ``utility``, ``exposure``, ``convoys`` and ``audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal import progress_bar

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that a run wrote.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress bar.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("utility")(utility)


def utility(
    folder: Run,
    events: Annotated[int, typer.Option(min=1, help="Cars sought, one a driver at most.")] = 2_000,
    delay_h: Annotated[
        float, typer.Option("--delay", min=0, help="Mean delay until a plate is listed, hours (free).")
    ] = 6.0,
    thief: Annotated[
        bool, typer.Option("--thief", help="Another driver's trips from the event on, not the own.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Show what rules cost: how often a sought car is found.

    Makes the run's reads again and compares rules on the same events; writes utility.csv and a figure.
    """
    from rich.console import Console

    from experiments.utility import report_utility

    with progress_bar(quiet=quiet) as progress:
        report = report_utility(folder, events=events, delay_h=delay_h, thief=thief, progress=progress)
    report.print_to(Console())
