"""What all commands share on the terminal: consoles, progress with time left, and the end of an error."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from simulator.errors import PlatetrailError

EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


class Commands(TyperGroup):
    """The command group: turns errors that a user can mend into a message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stop("Stopped. No table was left half-written.", EXIT_INTERRUPTED)
        except Exception as error:
            if _disk_is_full(error):
                stop(f"The disk is full: make room, or choose another --out. No table is torn.\n{error}")
            if not isinstance(error, PlatetrailError):
                raise
            stop(str(error))


def _disk_is_full(error: BaseException | None) -> bool:
    """Return whether a full disk is behind an error; polars tells so in words only."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


def stop(message: str, code: int = EXIT_USER_ERROR) -> None:
    """Print a message to stderr and end the command."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


# Stages of a run in their order, with the share of the time that each took where it was measured.
_STAGES = {
    "streets": 0.03,
    "people": 0.02,
    "routes": 0.25,
    "readers": 0.18,
    "drive": 0.12,
    "attack": 0.10,
    "summarise": 0.18,
    "write": 0.02,
    "figures": 0.10,
}


def share_of_run(stage: str, done: float) -> float:
    """Return the share of a whole run that is done when a part of a stage is; 0 for an unknown stage."""
    if stage not in _STAGES:
        return 0.0
    before = list(_STAGES)[: list(_STAGES).index(stage)]
    return (sum(_STAGES[name] for name in before) + _STAGES[stage] * done) / sum(_STAGES.values())


@contextmanager
def progress_bar(*, quiet: bool, runs: int = 1) -> Iterator[Callable[[str, float], None]]:
    """Show a bar with the stage, the share done and the time left, on stderr and only on a terminal.

    Parameters
    ----------
    quiet
        Show nothing.
    runs
        How many runs the bar is for; the next one begins when the stage falls back.

    Yields
    ------
    Callable
        Takes a stage's name and the part of that stage that is done, 0 to 1.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<16}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    run, last = 0, 0.0
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=float(runs))

        def step(stage: str, done: float) -> None:
            nonlocal run, last
            share = share_of_run(stage, done)
            run += share < last
            last = share
            label = stage if runs == 1 else f"{run + 1}/{runs} {stage}"
            progress.update(task, description=label, completed=run + share)

        yield step
