"""What all commands share on the terminal: quiet and JSON modes, progress with time left, ends of errors.

Answers go to stdout; notes, progress and errors to stderr. With ``--json``, anywhere on the command line,
stdout gets one JSON document and nothing else, also when something is wrong.
"""

from __future__ import annotations

import errno
import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

from simulator.errors import PlatetrailError

if TYPE_CHECKING:
    from rich.console import Console

#: What the exit codes of ``platetrail`` mean; docs/command-line.md is held to it.
EXIT_CODES = {
    0: "done",
    1: "a replayed table is not the same, or a fault of the program",
    2: "wrong input, or a file, folder or disk that cannot be used",
    130: "stopped with Ctrl-C; no table is left half-written",
}
EXIT_NOT_THE_SAME = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130

_JSON_FLAG = "--json"


@dataclass
class Manners:
    """How to behave: asked for before a command's name, or after it."""

    json: bool = False
    quiet: bool = False
    #: Where the one document goes; ``sys.stdout`` is then another name for stderr.
    stdout: TextIO | None = None
    answered: bool = False


MANNERS = Manners()


def _quiet(value: bool) -> bool:
    MANNERS.quiet |= value
    return MANNERS.quiet


Quiet = Annotated[bool, typer.Option("--quiet", "-q", callback=_quiet, help="No notes and no progress bar.")]
Json = Annotated[bool, typer.Option(_JSON_FLAG, help="Print one JSON document, and nothing else, to stdout.")]


def with_manners(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that also takes ``--quiet`` and ``--json``."""

    @functools.wraps(command)
    def polite(*args: Any, quiet: bool = False, as_json: bool = False, **options: Any) -> None:
        command(*args, **options)

    signature = inspect.signature(command, eval_str=True)
    ours = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=kind)
        for name, kind in (("quiet", Quiet), ("as_json", Json))
    ]
    signature = signature.replace(parameters=[*signature.parameters.values(), *ours])
    polite.__signature__ = signature  # type: ignore[attr-defined]
    polite.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    return polite


class Commands(TyperGroup):
    """The command group: turns errors that a user can mend into a message and an exit code."""

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Run a command line; in JSON mode see to it that stdout gets a document and nothing else."""
        words = sys.argv[1:] if args is None else list(args)
        given = words[: words.index("--")] if "--" in words else words
        as_json = _JSON_FLAG in given and not {"--help", "-h"} & set(given)
        MANNERS.__dict__.update(Manners(json=as_json, stdout=sys.stdout).__dict__)
        try:
            return self._main_in_json(args, options) if as_json else super().main(args, **options)
        finally:
            MANNERS.__dict__.update(Manners().__dict__)  # of this command line alone

    def _main_in_json(self, args: Sequence[str] | None, options: Mapping[str, Any]) -> NoReturn:
        with redirect_stdout(sys.stderr):
            try:
                code = super().main(args, **{**options, "standalone_mode": False})
            except Exception as error:
                if not hasattr(error, "format_message"):
                    _print_error(type(error).__name__, str(error), 1)
                    raise
                # What typer itself refuses: an unknown option, a missing argument, a value out of range.
                error.show()  # type: ignore[attr-defined]
                code = error.exit_code  # type: ignore[attr-defined]
                _print_error("UsageError", error.format_message(), code)
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stop("Stopped. No table was left half-written.", EXIT_INTERRUPTED, "Interrupted")
        except Exception as error:
            if _disk_is_full(error):
                stop(
                    f"The disk is full: make room, or choose another --out. No table is torn.\n{error}",
                    name="DiskFull",
                )
            if isinstance(error, PermissionError):
                stop(
                    f"{error.filename or 'A file'} cannot be read or written: {error.strerror}. Choose "
                    "another place, or change its permissions.",
                    name="NotPermitted",
                )
            if not isinstance(error, PlatetrailError):
                raise
            stop(str(error), name=type(error).__name__)


def answer(command: str, document: Callable[[], Mapping[str, Any]], words: Callable[[Console], None]) -> None:
    """Print a command's answer: words for people, or one JSON document.

    Parameters
    ----------
    command
        Its name.
    document
        Makes the document; frames become lists of rows, paths text, numbers that are not finite null.
    words
        Prints to a console.
    """
    if not MANNERS.json:
        from rich.console import Console

        words(Console())
        return
    from importlib.metadata import version

    _print({"command": command, "platetrail": version("platetrail"), **document()})


def note(text: str, *, quiet: bool = False) -> None:
    """Print a note to stderr, unless quiet was asked for."""
    if not (quiet or MANNERS.quiet):
        from rich.console import Console

        Console(stderr=True).print(text, highlight=False, soft_wrap=True, markup=False)


def stop(message: str, code: int = EXIT_USER_ERROR, name: str = "Error") -> NoReturn:
    """Print a message to stderr, in JSON mode also as a document, and end the command."""
    typer.echo(message, err=True)
    if MANNERS.json:
        _print_error(name, message, code)
    raise typer.Exit(code)


def _print_error(name: str, message: str, code: int) -> None:
    if not MANNERS.answered:
        _print({"error": name, "message": message, "exit_code": code})


def _print(document: Mapping[str, Any]) -> None:
    MANNERS.answered = True
    text = json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)
    print(text, file=MANNERS.stdout, flush=True)


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: a frame as a list of rows, a path as text, NaN as null."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if hasattr(value, "iter_rows"):
        return [plain(row) for row in value.iter_rows(named=True)]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(part) for part in value]
    if hasattr(value, "tolist"):  # of numpy
        return plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    return str(value)


def _disk_is_full(error: BaseException | None) -> bool:
    """Return whether a full disk is behind an error; polars tells so in words only."""
    while error is not None:
        if getattr(error, "errno", None) == errno.ENOSPC or os.strerror(errno.ENOSPC) in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False


# Stages in their order, with the share of the time that each took where it was measured.
_WORLD = {"streets": 0.03, "people": 0.02, "routes": 0.25, "readers": 0.18, "drive": 0.12}
RUN_STAGES = {**_WORLD, "attack": 0.10, "summarise": 0.18, "write": 0.02, "figures": 0.10}
#: Of commands that make a run's reads again and then look at them many times.
LOOK_STAGES = {**_WORLD, "attack": 1.2, "figures": 0.05}
#: Of a film, most of whose time goes into drawing.
FILM_STAGES = {**_WORLD, "figures": 6.0}


def share_of_run(stage: str, done: float, stages: Mapping[str, float] = RUN_STAGES) -> float:
    """Return the share of a whole run that is done when a part of a stage is; 0 for an unknown stage."""
    if stage not in stages:
        return 0.0
    before = list(stages)[: list(stages).index(stage)]
    return (sum(stages[name] for name in before) + stages[stage] * done) / sum(stages.values())


@contextmanager
def progress_bar(
    *, quiet: bool = False, runs: int = 1, stages: Mapping[str, float] = RUN_STAGES
) -> Iterator[Callable[[str, float], None]]:
    """Show a bar with the stage, the share done and the time left, on stderr and only on a terminal.

    Parameters
    ----------
    quiet
        Show nothing.
    runs
        How many runs the bar is for; the next one begins when the stage falls back.
    stages
        Stages of a run in their order, with the time that each takes beside the others.

    Yields
    ------
    Callable
        Takes a stage's name and the part of that stage that is done, 0 to 1.
    """
    run, last = 0, 0.0
    with _bar(quiet=quiet, total=float(runs), counted=False) as show:

        def step(stage: str, done: float) -> None:
            nonlocal run, last
            share = share_of_run(stage, done, stages)
            if share < last and run + 1 < runs:
                run, last = run + 1, share
            last = max(last, share)
            show(run + last, stage if runs == 1 else f"{run + 1}/{runs} {stage}")

        yield step


@contextmanager
def count_bar(total: int, *, quiet: bool = False) -> Iterator[Callable[[int, str], None]]:
    """Show a bar that counts, with the time left; takes how many are done and what is being done."""
    with _bar(quiet=quiet, total=total, counted=True) as show:
        yield show


@contextmanager
def _bar(*, quiet: bool, total: float, counted: bool) -> Iterator[Callable[[float, str], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn() if counted else TaskProgressColumn(),
        TimeRemainingColumn(elapsed_when_finished=False),
    )
    hidden = quiet or MANNERS.quiet or not console.is_terminal or console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as progress:
        task = progress.add_task("starting", total=total)
        yield lambda done, what: progress.update(task, completed=done, description=what)
