"""Commands on how far to trust: ``reidentify``, ``calibrate``, ``calibration`` and ``validate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import Days, Drivers, MapFile, NameOrFile, Overrides, Seed, Workers
from experiments.terminal import LOOK_STAGES, RUN_STAGES, answer, count_bar, note, progress_bar

if TYPE_CHECKING:
    from rich.console import Console


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (
        ("reidentify", reidentify),
        ("calibrate", calibrate),
        ("calibration", calibration),
        ("validate", validate),
    ):
        enter(app, name, command)


def reidentify(
    name_or_file: NameOrFile,
    seed: Seed = 1,
    drivers: Drivers = None,
    days: Days = None,
    points: Annotated[int, typer.Option(min=1, max=64, help="Most points of a trace that are known.")] = 4,
    map_file: MapFile = None,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write tables (CSV) and a figure there.")
    ] = None,
) -> None:
    """Name people in reads without names.

    Unicity, home-work pairs, directories, pseudonyms, two networks, cars by their looks.
    """
    from experiments.prepare import refuse_unwritable, scenario_from_options
    from experiments.reidentification import reidentify as attack
    from experiments.reidentification_report import tables_for_terminal, write_csv
    from simulator.streams import replicate_seed
    from simulator.world import build_world

    scenario = scenario_from_options(
        name_or_file, drivers=drivers, days=days, map_file=map_file, overrides=overrides or ()
    )
    if out is not None:
        refuse_unwritable(out, "Choose another --out.")
    with progress_bar(stages=LOOK_STAGES) as progress:
        world = build_world(scenario, replicate_seed(seed, 0), progress)
        tables = attack(world, points=points, progress=progress)
    if out is not None:
        write_csv(tables, out)
        from experiments.figures.reidentification import draw_reidentification

        draw_reidentification(tables, out / "reidentification.png")

    def words(console: Console) -> None:
        for table in tables_for_terminal(tables):
            console.print(table)
            console.print()

    answer(
        "reidentify",
        lambda: {"scenario": scenario.id, "seed": seed, "tables": tables, "folder": out},
        words,
    )
    if out is not None:
        note(f"Written: {out}/")


def calibrate(
    name_or_file: NameOrFile,
    seed: Seed = 1,
    drivers: Annotated[int, typer.Option(min=1, help="Drivers to simulate, at most all.")] = 2_000,
    days: Annotated[int, typer.Option(min=7, help="Days; most published figures span three months.")] = 91,
    map_file: MapFile = None,
    overrides: Overrides = None,
) -> None:
    """Compare simulated with published figures.

    Prints both with the accepted band, and which hold.
    """
    from experiments.prepare import scenario_from_options

    scenario = scenario_from_options(name_or_file, map_file=map_file, overrides=overrides or ())
    from experiments.calibration import calibrate as compare
    from experiments.report_tables import calibration_table

    with progress_bar(stages={**RUN_STAGES, "drive": 1.0}) as progress:
        figures = compare(scenario, seed=seed, drivers=drivers, days=days, progress=progress)
    answer(
        "calibrate",
        lambda: {"scenario": scenario.id, "seed": seed, "figures": figures},
        lambda console: console.print(calibration_table(figures, scenario.id)),
    )


def calibration(
    name_or_file: NameOrFile,
    seed: Seed = 1,
    drivers: Drivers = None,
    days: Days = None,
    map_file: MapFile = None,
    workers: Workers = 1,
    overrides: Overrides = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw claimed against held into this PNG file.")
    ] = None,
    own: Annotated[
        bool,
        typer.Option(
            "--own-assumptions", help="On drivers drawn from the adversary's own model; see docs/bayes.md."
        ),
    ] = False,
) -> None:
    """Compare how sure the adversary is with how often it is right.

    Prints, for claims of 50, 80 and 95%, the share of drivers for whom they held.
    """
    from experiments.honesty import coverage, own_assumptions, study
    from experiments.honesty_report import coverage_table, draw_claimed_against_held
    from experiments.prepare import refuse_unwritable, scenario_from_options

    scenario = scenario_from_options(
        name_or_file, drivers=drivers, days=days, map_file=map_file, overrides=overrides or ()
    )
    if figure is not None:
        refuse_unwritable(figure.parent, "Name another place with --figure.")
    with progress_bar(stages=LOOK_STAGES if own else RUN_STAGES) as progress:
        beliefs = (
            own_assumptions(scenario, seed=seed, drivers=drivers or 1_000, progress=progress)
            if own
            else study(scenario, seed=seed, workers=workers, progress=progress)
        )
    held = coverage(beliefs)
    if figure is not None:
        draw_claimed_against_held(beliefs, figure)
    answer(
        "calibration",
        lambda: {"scenario": scenario.id, "seed": seed, "held": held, "figure": figure},
        lambda console: console.print(coverage_table(held, scenario.id)),
    )
    if figure is not None:
        note(f"Figure: {figure}")


def validate(
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write validation.csv and a figure there.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="V2,V3", help="Only these yardsticks; all if left out.")
    ] = None,
    seed: Seed = 1,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, to see that it works; says nothing about truth.")
    ] = False,
) -> None:
    """Hold results against published studies.

    Takes some minutes. Figures that do not hold are shown as such; docs/trust.md explains them.
    """
    from experiments.prepare import refuse_unwritable
    from experiments.validation.report import print_figures, write_figures
    from experiments.validation.yardsticks import chosen, measure, verdicts

    yardsticks = chosen(only)
    if out is not None:
        refuse_unwritable(out, "Choose another --out.")
    titles = {y.id: f"{y.id} {y.title}" for y in yardsticks}
    with count_bar(len(yardsticks)) as show:
        figures = measure(
            yardsticks, seed=seed, small=quick, progress=lambda name, done: show(done, titles[name])
        )
    written = () if out is None else write_figures(figures, out)
    answer(
        "validate",
        lambda: {"quick": quick, "holds": verdicts(figures), "figures": figures, "written": written},
        lambda console: print_figures(console, figures, quick=quick),
    )
    if written:
        note(f"Written: {', '.join(map(str, written))}")
