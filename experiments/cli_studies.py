"""The command ``sweep``: many runs on the same random numbers, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import MapFile, NameOrStudy, Overrides, Workers
from experiments.terminal import MANNERS, answer, note


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    enter(app, "sweep", sweep)


def list_studies(command: str) -> None:
    """Answer with the studies that come with the program."""
    from experiments.notebook.start import studies
    from experiments.sweep.command import print_studies

    answer(command, lambda: {"studies": studies()}, print_studies)


def sweep(
    name_or_study: NameOrStudy = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; begun ones go on.")
    ] = None,
    workers: Workers = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Scheduler of a dask cluster to work on.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Root seed, in place of the study's.")] = None,
    replicates: Annotated[int | None, typer.Option(min=1, help="Towns, in place of the study's.")] = None,
    map_file: MapFile = None,
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take; do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin a large study without asking back.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew over what lies in DIR.")] = False,
    list_them: Annotated[bool, typer.Option("--list", help="List the studies.")] = False,
) -> None:
    """Do a study: many runs on the same random numbers.

    Can be stopped, or killed, at any moment: the same command goes on where it was.
    """
    from experiments.running import say_workers
    from experiments.sweep.command import carry_out, prepare, print_study, study_document
    from experiments.sweep.cost import cost_of, refuse_if_large
    from simulator.errors import StudyError

    if list_them:
        list_studies("sweep")
        return
    if name_or_study is None:
        raise StudyError("Which study? 'platetrail sweep --list' shows them; a file is named by its path.")
    if out is None and not dry_run:
        raise StudyError("Where to? Name a folder for the results: --out DIR.")
    design = prepare(
        name_or_study, seed=seed, replicates=replicates, map_file=map_file, overrides=overrides or ()
    )
    cost = cost_of(design, workers)
    if out is None or dry_run:
        answer(
            "sweep",
            lambda: {"study": design.study.id, "cost": vars(cost)},
            lambda console: console.print(
                f"{design.study.title}: {cost.words()}", highlight=False, soft_wrap=True
            ),
        )
        return
    refuse_if_large(cost, yes=yes)
    say_workers(workers)
    results, figures = carry_out(
        design, out=out, workers=workers, cluster=cluster, force=force, quiet=MANNERS.quiet, cost=cost
    )
    answer(
        "sweep",
        lambda: study_document(design.study, results, out, figures),
        lambda console: print_study(console, design.study, results),
    )
    drawn = "".join(f"   {path}" for path in figures)
    note(f"Results: {out}/results.parquet, contrasts.parquet{drawn}")
