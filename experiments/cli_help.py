"""Examples of every command, shown by ``--help``, and how a command is entered."""

from __future__ import annotations

from collections.abc import Callable

import typer

from experiments.terminal import EXIT_CODES, with_manners

EXAMPLES: dict[str, tuple[str, ...]] = {
    "list": ("platetrail list", "platetrail list --studies"),
    "show": ("platetrail show norfolk-density", "platetrail show first-town --toml > my-town.toml"),
    "run": (
        "platetrail run first-town --out runs/first",
        "platetrail run first-town --out runs/fewer --seed 7 --set readers.street-readers.count=12",
        "platetrail run real-streets --map city.osm.pbf --out runs/city --drivers 5000 --workers 2",
    ),
    "demo": ("platetrail demo", "platetrail demo --out runs/demo"),
    "sweep": (
        "platetrail sweep --list",
        "platetrail sweep smoke --out studies/smoke",
        "platetrail sweep retention --dry-run",
        "platetrail sweep attackers-columbus --map columbus.osm.pbf --out studies/columbus",
    ),
    "calibrate": ("platetrail calibrate norfolk-density",),
    "calibration": (
        "platetrail calibration first-town",
        "platetrail calibration first-town --own-assumptions --figure certainty.png",
    ),
    "plot": ("platetrail plot runs/first", "platetrail plot runs/first homes-known map"),
    "quality": ("platetrail quality runs/first", "platetrail quality runs/first --day 30 --within 500"),
    "replay": ("platetrail replay runs/first && echo the same to the bit",),
    "cite": ("platetrail cite", "platetrail cite first-town"),
    "bench": ("platetrail bench --quick",),
    "report": ("platetrail report runs/first", "platetrail report studies/smoke --out retention.html"),
    "animate": (
        "platetrail animate runs/first --driver 12",
        "platetrail animate runs/first --driver 12 --target work --out work.gif --speed 2",
    ),
    "lesson": (
        "platetrail lesson --list",
        "platetrail lesson one-car-one-week",
        "platetrail lesson how-long-is-too-long --copy my-lesson.py",
    ),
    "utility": ("platetrail utility runs/first", "platetrail utility runs/first --delay 24 --thief"),
    "exposure": (
        "platetrail exposure runs/first --place worship",
        "platetrail exposure runs/first --place clinic --day 12 --from 8 --to 12",
    ),
    "convoys": ("platetrail convoys runs/first", "platetrail convoys runs/first --gap 60 --pairs 20"),
    "audit": ("platetrail audit runs/first", "platetrail audit runs/first --probability 0.8"),
    "faces": ("platetrail faces runs/faces", "platetrail faces runs/faces --attackers bayes,night-mode"),
    "reidentify": (
        "platetrail reidentify first-town",
        "platetrail reidentify first-town --days 28 --out runs/linked",
    ),
    "validate": ("platetrail validate --out runs/validation", "platetrail validate --only V2,V3"),
}


def enter(app: typer.Typer, name: str, command: Callable[..., None]) -> None:
    """Add a command to the command line, with its examples and with ``--quiet`` and ``--json``."""
    app.command(name, epilog=_examples(EXAMPLES[name]))(with_manners(command))


def group_epilog() -> str:
    """Return what stands below the list of commands: first steps, and the exit codes."""
    first = (
        "platetrail demo",
        "platetrail show norfolk-density",
        "platetrail run first-town --out runs/first",
        "platetrail report runs/first",
        "platetrail run first-town --out runs/fewer --set readers.street-readers.count=12 --json",
    )
    codes = "\n".join(f"  {code:>3}  {words}" for code, words in EXIT_CODES.items())
    return f"{_examples(first)}\n\n\b\nExit codes:\n{codes}"


def _examples(lines: tuple[str, ...]) -> str:
    head = "Example:" if len(lines) == 1 else "Examples:"
    # \b keeps lines as they are; a line that is too long for a narrow terminal is cut at an option.
    return "\b\n" + head + "\n" + "\n".join(_cut(line) for line in lines)


def _cut(line: str, width: int = 76) -> str:
    if len(line) + 2 <= width:
        return f"  {line}"
    at = line.rfind(" --", 0, width - 2)
    return f"  {line[:at]} \\\n      {line[at + 1 :]}"
