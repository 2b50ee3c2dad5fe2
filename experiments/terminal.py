"""What all commands share on the terminal: consoles, progress with time left, and the end of an error."""

from __future__ import annotations

import errno
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
        except PlatetrailError as error:
            if isinstance(error.__cause__, OSError) and error.__cause__.errno == errno.ENOSPC:
                stop(f"{error}\nThe disk is full: make room, or choose another --out.")
            stop(str(error))
        except KeyboardInterrupt:
            stop("Stopped. No table was left half-written.", EXIT_INTERRUPTED)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            stop(f"The disk is full ({error}): make room, or choose another --out. Nothing is half-written.")


def stop(message: str, code: int = EXIT_USER_ERROR) -> None:
    """Print a message to stderr and end the command."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Show a bar with the stage, the share done and the time left, on stderr and only on a terminal.

    Yields
    ------
    Callable
        Takes the stage's name and the share done of the whole, 0 to 1.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description:<28}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=quiet or not console.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=1.0)
        yield lambda stage, done: progress.update(task, description=stage, completed=min(done, 1.0))
