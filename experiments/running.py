"""The commands ``run`` and ``demo``: simulate, print the table, draw the figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from rich.console import Console

from experiments.prepare import refuse_full_folder
from experiments.replicates import clear_replicates, combine_summaries, replicate_folder, write_combined
from experiments.report_tables import summary_tables
from experiments.terminal import progress_bar
from experiments.words import attacker_title
from simulator.results import prepare_folder
from simulator.scenario import Scenario
from simulator.streams import fresh_seed

if TYPE_CHECKING:
    from simulator.run import Run

_SIDE_BY_SIDE_WIDTH = 140

Progress = Callable[[str, float], None]


def run_and_report(
    scenario: Scenario,
    *,
    out: Path,
    seed: int | None,
    workers: int,
    replicates: int,
    tables: tuple[str, ...],
    force: bool,
    quiet: bool,
) -> None:
    """Run a scenario once or several times, write everything to ``out``, print the result table."""
    console, notes = Console(), Console(stderr=True, quiet=quiet)
    refuse_full_folder(out, force=force)
    say_workers(notes, workers)
    if force:
        clear_replicates(out)
    if replicates > 1:
        prepare_folder(out, force=force)
    if seed is None:
        seed = fresh_seed()
        notes.print(f"Seed {seed}, drawn; the same run again: --seed {seed}", highlight=False)

    from simulator.run import simulate

    summaries: list[pl.DataFrame] = []
    with progress_bar(quiet=quiet, runs=replicates) as progress:
        for replicate in range(replicates):
            folder = out if replicates == 1 else replicate_folder(out, replicate)
            run = simulate(
                scenario,
                seed=seed,
                out=folder,
                workers=workers,
                replicate=replicate,
                tables=tables,
                progress=progress,
                force=force,
            )
            draw(run, folder / "figures", progress)
            summaries.append(run.summary)
    summary = summaries[0]
    if replicates > 1:
        summary = combine_summaries(summaries)
        write_combined(summaries, summary, out / "summary.csv")
    print_summary(console, summary)
    figures = out / ("figures" if replicates == 1 else "replicate-*/figures")
    if replicates > 1:
        console.print(f"Means over {replicates} replicates; intervals of the mean, from their spread.")
    notes.print(f"Results: {out}/   figures: {figures}/", highlight=False, soft_wrap=True)


def draw(run: Run, folder: Path, progress: Progress | None = None) -> tuple[Path, ...]:
    """Draw all figures of a run into a folder."""
    import matplotlib

    matplotlib.use("Agg")
    from experiments.figures import save_all

    return save_all(run, folder, progress=progress)


def print_summary(console: Console, summary: pl.DataFrame) -> None:
    """Print the share of homes and work places known, by attacker and day."""
    together = console.width >= _SIDE_BY_SIDE_WIDTH
    for target in ("home", "work"):
        for table in summary_tables(summary, target=target, together=together):
            console.print(table)
            console.print()
    for target in ("home", "work"):
        for line in headline(summary, target):
            console.print(line, highlight=False)


def headline(summary: pl.DataFrame, target: str) -> list[str]:
    """Return the result in one sentence: what the best attacker knows by the last day; none if no row."""
    chosen = summary.filter((pl.col("target") == target) & (pl.col("criterion") == "within-250m"))
    if not chosen.height:
        return []
    best = chosen.sort("day", "share", "attacker").row(-1, named=True)
    what = "of homes" if target == "home" else "of work places"
    return [
        f"By day {best['day']} the best of these attackers ({attacker_title(best['attacker'])}) "
        f"has had {best['share']:.0%} {what} within 250 m."
    ]


def say_workers(notes: Console, workers: int) -> None:
    """Say so if more processes are asked for than there are cores; it is allowed."""
    cores = os.cpu_count() or 1
    if workers > cores:
        notes.print(f"{workers} workers on {cores} cores: allowed, but more than {cores} will not be faster.")
