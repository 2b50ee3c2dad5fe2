"""The command ``exposure``: rules compared, as a table, a figure and a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.exposure import archives_compared, exposure_of
from experiments.figures.write import save_one
from experiments.occasions import Occasion
from experiments.words import attacker_title
from simulator.adversary.attacker import ready_attacker
from simulator.errors import ScenarioError, did_you_mean
from simulator.manifest import write_text_whole
from simulator.privacy.exposure import ASKED
from simulator.recapture import Recaptured, recapture_run

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureReport:
    """What the command found.

    Parameters
    ----------
    occasion
        Who gathered where.
    table
        Exposure by rule and time of asking.
    attacker
        Who found the homes.
    readers_near
        Fixed readers within the radius of the place.
    written
        The files written.
    """

    occasion: Occasion
    table: pl.DataFrame
    attacker: str
    readers_near: int
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {
            "occasion": self.occasion.title,
            "attacker": self.attacker,
            "fixed_readers_near": self.readers_near,
            "table": self.table,
            "written": self.written,
        }

    def print_to(self, console: Console) -> None:
        """Print the table and what was written."""
        console.print(exposure_table(self.table, self.occasion.title))
        console.print(
            "came: of the plates listed, those who came. found, named: of those who came, listed, and listed "
            f"with the home within 250 m ({attacker_title(self.attacker)}). others: passers-by. later: after "
            "a year, or at the end of the run; by list: later, with the list of that evening kept.",
            highlight=False,
        )
        radius_m, n = self.occasion.gatherings[0].radius_m, self.readers_near
        stand = "1 fixed reader stands" if n == 1 else f"{n or 'No'} fixed readers stand"
        hint = "" if n else ", so that few can be listed; try a wider --radius"
        console.print(f"{stand} within {radius_m:g} m of the place{hint}.", highlight=False)
        for path in self.written:
            console.print(str(path), highlight=False, soft_wrap=True)


def report_exposure(
    folder: Path,
    occasion_of: Callable[[Recaptured], Occasion],
    *,
    attacker: str,
    agency: str | None,
    progress: Progress,
) -> ExposureReport:
    """Work out exposure in a run; write ``exposure.csv`` and ``figures/exposure.png`` into its folder."""
    from experiments.figures.exposure import plot_exposure

    ready_attacker(attacker)
    taken = recapture_run(folder, progress)
    scenario = taken.world.scenario
    archive = scenario.archive
    if agency is not None:
        known = {*taken.world.cameras.owners, *archive.agencies}
        if agency not in known:
            raise ScenarioError(f"No agency of this run is called '{agency}'. {did_you_mean(agency, known)}")
        archive = archive.seen_by(agency)
    occasion = occasion_of(taken)
    compared, parts = archives_compared(archive, days=scenario.days), []
    for i, (rule, rules) in enumerate(compared.items()):
        progress("attack", i / len(compared))
        part = exposure_of(taken, occasion, rules, attacker)
        parts.append(part.select(pl.lit(rule).alias("rule"), pl.all()))
    table = pl.concat(parts)
    write_text_whole(folder / "exposure.csv", table.write_csv())
    caption = f"{scenario.id}: {scenario.days} days, homes by {attacker_title(attacker)}"
    picture = save_one(
        lambda ax: plot_exposure(table, title=f"Who came to {occasion.title}", ax=ax),
        folder / "figures" / "exposure.png",
        caption=caption,
        size_in=(12.0, 7.0),
    )
    written = (folder / "exposure.csv", picture)
    cameras, place = taken.world.cameras, occasion.gatherings[0]
    near = np.hypot(cameras.x_m - place.x_m, cameras.y_m - place.y_m) <= place.radius_m
    return ExposureReport(
        occasion=occasion,
        table=table,
        attacker=attacker,
        readers_near=int(np.count_nonzero(near)),  # readers on cars have no place of their own
        written=written,
    )


def exposure_table(table: pl.DataFrame, title: str) -> Table:
    """Return exposure, one row a rule and time of asking."""
    came = table["came"][0]
    shown = Table(
        title=f"{came:,} drivers came by car to {title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0),
    )
    shown.add_column("Rule", no_wrap=True)
    shown.add_column("Asked", no_wrap=True)
    heads = ("plates\nlisted", "came\n%", "found\n%", "named\n%", "95%", "others\nlisted", "others\nnamed")
    for head in heads:
        shown.add_column(head, justify="right", no_wrap=True, min_width=6)
    last = None
    for row in table.iter_rows(named=True):
        if last not in (None, row["rule"]):
            shown.add_section()
        shown.add_row(
            row["rule"] if row["rule"] != last else "",
            {ASKED[0]: "evening", ASKED[1]: "later", ASKED[2]: "by list"}[row["asked"]],
            f"{row['listed']:,}",
            _percent(row["precision"]),
            _percent(row["recall"]),
            _percent(row["share_named"]),
            f"{_percent(row['share_named_low'])}–{_percent(row['share_named_high'])}",
            f"{row['accused']:,}",
            f"{row['accused_named']:,}",
        )
        last = row["rule"]
    return shown


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"
