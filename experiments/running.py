"""The commands ``run`` and ``demo``: simulate, print the table, draw the figures."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console

from experiments.prepare import refuse_full_folder
from experiments.replicates import clear_replicates, combine_summaries, replicate_folder, write_combined
from experiments.report_tables import on_all_days, summary_tables
from experiments.terminal import note, progress_bar
from experiments.words import attacker_title
from simulator.results import prepare_folder
from simulator.scenario import Scenario
from simulator.streams import fresh_seed

if TYPE_CHECKING:
    from simulator.run import Run

_SIDE_BY_SIDE_WIDTH = 140

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ran:
    """What a command made of a scenario.

    Parameters
    ----------
    scenario, seed, replicates
        What was run.
    out
        The folder.
    summary
        Of the run, or over replicates.
    figures
        The files drawn.
    reads
        Of all readers together.
    """

    scenario: Scenario
    seed: int
    replicates: int
    out: Path
    summary: pl.DataFrame
    figures: tuple[Path, ...]
    reads: int

    def print_to(self, console: Console) -> None:
        """Print the result table."""
        print_summary(console, self.summary)
        if not self.reads:
            console.print(
                "Not a single plate was read: whatever was found, was found without the readers' help."
            )
        if self.replicates > 1:
            console.print(
                f"Means over {self.replicates} replicates; intervals of the mean, from their spread."
            )

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {
            "scenario": self.scenario.id,
            "drivers": self.scenario.people.drivers,
            "days": self.scenario.days,
            "seed": self.seed,
            "replicates": self.replicates,
            "reads": self.reads,
            "folder": self.out,
            "figures": self.figures,
            "finding": [line for target in ("home", "work") for line in headline(self.summary, target)],
            "summary": self.summary,
        }

    def where(self) -> str:
        """Say where the results are."""
        figures = self.out / ("figures" if self.replicates == 1 else "replicate-*/figures")
        return f"Results: {self.out}/   figures: {figures}/"


def run_into(
    out: Path,
    scenario: Scenario,
    *,
    seed: int | None,
    workers: int = 1,
    replicates: int = 1,
    tables: tuple[str, ...] = (),
    force: bool = False,
) -> Ran:
    """Run a scenario once or several times; write everything to a folder, figures too."""
    refuse_full_folder(out, force=force)
    say_workers(workers)
    if force:
        clear_replicates(out)
    if replicates > 1:
        prepare_folder(out, force=force)
    if seed is None:
        seed = fresh_seed()
        note(f"Seed {seed}, drawn; the same run again: --seed {seed}")

    from simulator.run import simulate

    summaries: list[pl.DataFrame] = []
    figures: list[Path] = []
    reads = 0
    with progress_bar(runs=replicates) as progress:
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
            figures += draw(run, folder / "figures", progress)
            reads += int(run.reads_by_camera.sum())
            summaries.append(run.summary)
    summary = summaries[0]
    if replicates > 1:
        summary = combine_summaries(summaries)
        write_combined(summaries, summary, out / "summary.csv")
    return Ran(
        scenario=run.scenario,
        seed=seed,
        replicates=replicates,
        out=out,
        summary=summary,
        figures=tuple(figures),
        reads=reads,
    )


def draw(
    run: Run,
    folder: Path,
    progress: Progress | None = None,
    *,
    only: tuple[str, ...] = (),
    style: str = "screen",
    kind: str = "png",
) -> tuple[Path, ...]:
    """Draw the figures of a run into a folder: those named, or all."""
    import matplotlib

    matplotlib.use("Agg")
    from experiments.figures import save_all

    return save_all(run, folder, progress=progress, only=only, style=style, kind=kind)


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
    best = on_all_days(chosen).sort("day", "share", "attacker").row(-1, named=True)
    what = "of homes" if target == "home" else "of work places"
    return [
        f"By day {best['day']} the best of these attackers ({attacker_title(best['attacker'])}) "
        f"has had {best['share']:.0%} {what} within 250 m."
    ]


def say_workers(workers: int) -> None:
    """Say so if more processes are asked for than there are cores; it is allowed."""
    cores = os.cpu_count() or 1
    if workers > cores:
        note(f"{workers} workers on {cores} cores: allowed, but more than {cores} will not be faster.")
