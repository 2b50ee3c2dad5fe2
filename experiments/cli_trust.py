"""Commands on reads without names, and on what others measured: ``reidentify`` and ``validate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal import progress_bar

NameOrFile = Annotated[
    str, typer.Argument(metavar="NAME_OR_FILE", help="A standard scenario or a TOML file.")
]
Drivers = Annotated[int | None, typer.Option(help="Drivers to simulate.")]
Days = Annotated[int | None, typer.Option(help="Days to simulate.")]
MapFile = Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Street map to run on.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PART.FIELD=VALUE", help="Change a parameter; can repeat."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress bar.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("reidentify")(reidentify)
    app.command("validate")(validate)


def reidentify(
    name_or_file: NameOrFile,
    seed: Annotated[int, typer.Option(min=0, help="Root seed.")] = 1,
    drivers: Drivers = None,
    days: Days = None,
    points: Annotated[int, typer.Option(min=1, max=64, help="Most points of a trace that are known.")] = 4,
    map_file: MapFile = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write tables (CSV) and a figure there.")
    ] = None,
    quiet: Quiet = False,
) -> None:
    """Name people in reads without names.

    Unicity, home-work pairs, directories, pseudonyms, two networks, cars by their looks.
    """
    from rich.console import Console

    from experiments.prepare import scenario_from_options
    from experiments.reidentification import reidentify as attack
    from experiments.reidentification_report import tables_for_terminal, write_csv
    from simulator.streams import replicate_seed
    from simulator.world import build_world

    scenario = scenario_from_options(
        name_or_file, drivers=drivers, days=days, map_file=map_file, overrides=overrides or ()
    )
    with progress_bar(quiet=quiet) as progress:
        world = build_world(scenario, replicate_seed(seed, 0), progress)
        tables = attack(world, points=points, progress=progress)
    console = Console()
    for table in tables_for_terminal(tables):
        console.print(table)
        console.print()
    if out is not None:
        write_csv(tables, out)
        from experiments.figures.reidentification import draw_reidentification

        draw_reidentification(tables, out / "reidentification.png")
        typer.echo(f"Written: {out}/")


def validate(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write validation.csv and a figure there.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="V2,V3", help="Only these yardsticks; all if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Root seed.")] = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, to see that it works; says nothing about truth.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Hold results against published studies.

    Takes some minutes. Figures that do not hold are shown as such; docs/trust.md explains them.
    """
    from rich.console import Console

    from experiments.validation.report import print_and_write
    from experiments.validation.yardsticks import chosen, measure

    yardsticks = chosen(only)
    console, notes = Console(), Console(stderr=True, quiet=quiet)

    def say(stage: str, done: float) -> None:
        if stage in {y.id for y in yardsticks}:
            title = next(y.title for y in yardsticks if y.id == stage)
            notes.print(f"{stage} {title} ({done:.0%} done)", highlight=False)

    figures = measure(yardsticks, seed=seed, small=quick, progress=say)
    print_and_write(console, figures, out, quick=quick)
