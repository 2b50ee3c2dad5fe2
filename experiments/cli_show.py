"""Commands that show a finished run or study to others: ``report``, ``animate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import ResultFolder, RunFolder
from experiments.terminal import FILM_STAGES, LOOK_STAGES, answer, note, progress_bar


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    enter(app, "report", report)
    enter(app, "animate", animate)


def report(
    folder: ResultFolder,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="The page; report.html in the folder if left out."),
    ] = None,
    drivers: Annotated[
        int,
        typer.Option(min=1, max=12, help="Drivers to choose from on the page, from hard to easy to find."),
    ] = 4,
) -> None:
    """Write one web page that explains a run, or a study.

    It opens in any browser and needs no network: the town, a driver's days, what the adversary
    believes, curves, and what other rules would change.
    """
    from experiments.report.command import report as write

    with progress_bar(stages=LOOK_STAGES) as progress:
        path = write(folder, out=out, n_drivers=drivers, progress=progress)
    answer("report", lambda: {"page": path}, lambda console: typer.echo(path))


def animate(
    folder: RunFolder,
    driver: Annotated[int, typer.Option(help="Number of the driver.")],
    target: Annotated[str, typer.Option(metavar="home|work", help="What the adversary looks for.")] = "home",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE.mp4|FILE.gif", help="The film; in RUN/figures if left out."),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.2, max=30, help="Days a second.")] = 5.0,
) -> None:
    """Film the adversary closing in on one driver.

    A frame a day. MP4 where ffmpeg is present, else a GIF.
    """
    from experiments.animate import animate as film

    with progress_bar(stages=FILM_STAGES) as progress:
        path, by = film(folder, driver=driver, target=target, out=out, frames_per_s=speed, progress=progress)
    note(f"Written by {by}.")
    answer("animate", lambda: {"film": path, "written_by": by}, lambda console: typer.echo(path))
