"""Commands that show things to others: ``report``, ``animate``, ``lesson``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import ResultFolder, RunFolder
from experiments.completion import lessons
from experiments.terminal import FILM_STAGES, LOOK_STAGES, answer, note, progress_bar

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    enter(app, "report", report)
    enter(app, "animate", animate)
    enter(app, "lesson", lesson)


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


def lesson(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A lesson of the list.", autocompletion=lessons)
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the lessons.")] = False,
    copy_to: Annotated[
        Path | None,
        typer.Option("--copy", metavar="FILE.py", help="Write the notebook to a new file, to be changed."),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Port; a free one if left out.")] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
) -> None:
    """Start a lesson for a class in the browser.

    Stop it with Ctrl-C. Needs marimo: pip install 'platetrail[teach]'.
    """
    from experiments.lessons import LESSONS, lesson_named
    from experiments.lessons.start import copy, start

    if list_them or name is None:
        rows = [
            {"name": x.name, "title": x.title, "question": x.question, "minutes": x.minutes} for x in LESSONS
        ]
        answer("lesson", lambda: {"lessons": rows}, lambda console: _print_lessons(console, rows))
        return
    chosen = lesson_named(name)
    if copy_to is not None:
        path = copy(chosen, copy_to)
        note(f"Change it with: marimo edit {path}")
        answer("lesson", lambda: {"notebook": path}, lambda console: typer.echo(path))
        return
    note(f"Starting '{chosen.title}'; the first picture takes some seconds. Stop with Ctrl-C.")
    code = start(chosen, port=port, browser=not no_browser)
    if code:
        raise typer.Exit(code)
    answer("lesson", lambda: {"notebook": chosen.file}, lambda console: None)


def _print_lessons(console: Console, rows: list[dict[str, object]]) -> None:
    for row in rows:
        console.print(f"{row['name']}", style="bold", highlight=False)
        console.print(f"  {row['question']}", highlight=False)
    console.print("\nStart one: platetrail lesson NAME", highlight=False)
