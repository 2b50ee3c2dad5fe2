"""The command ``convoys``: who travels with whom, as far as readers can tell, and how often that is wrong."""

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

from experiments.figures.write import save_one
from simulator.archive_rules import Archive
from simulator.cameras.roster import ReaderKind
from simulator.chunks import ground_of
from simulator.manifest import write_text_whole
from simulator.people.drivers import DriverKind
from simulator.people.places import PlaceKind
from simulator.privacy.convoys import plant_escorts, score_convoys
from simulator.recapture import Recaptured, recapture_run
from simulator.sightings.archive import look_into
from simulator.sightings.view import DAY_S

Progress = Callable[[str, float], None]


def convoys_of(
    taken: Recaptured, archive: Archive, *, pairs: int, joint_days: int, gap_s: int = 30
) -> pl.DataFrame:
    """Return how well convoys are told from what may be seen at the end of a run.

    Parameters
    ----------
    taken
        All that was read.
    archive
        The rules, ``archive.viewer`` being who looks.
    pairs, joint_days
        Escorts that are planted, and days that each pair travels together.
    gap_s
        Two reads as near as this coincide.
    """
    world = taken.world
    drivers, days = world.drivers, world.scenario.days
    reads, escorts = plant_escorts(
        taken.sightings,
        drivers.plate[drivers.kind == DriverKind.RESIDENT],
        world.cameras.read_rate,
        pairs=pairs,
        joint_days=joint_days,
        days=days,
        seed=world.seed,
    )
    standing = np.isin(world.cameras.kind, (ReaderKind.FIXED, ReaderKind.LOT))
    stored, expires_s = look_into(archive, reads.take(standing[reads.camera_id]), ground_of(world))
    seen = stored.take((expires_s > days * DAY_S) & (stored.time_s < days * DAY_S))
    # Those who live beyond the map at one place are no household.
    outside = world.places.kind[drivers.home_place] == PlaceKind.EXTERNAL
    home = np.where(outside, -1 - np.arange(drivers.n_people), drivers.home_place)
    return score_convoys(seen, escorts, home, drivers.work_place, days=days, gap_s=gap_s)


@dataclass(frozen=True, kw_only=True, eq=False)
class ConvoyReport:
    """What the command found.

    Parameters
    ----------
    table
        From :func:`convoys_of`.
    gap_s, joint_days
        As asked.
    expansion
        Vehicles that one simulated driver stands for.
    written
        The files written.
    """

    table: pl.DataFrame
    gap_s: int
    joint_days: int
    expansion: float
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {
            "gap_s": self.gap_s,
            "joint_days": self.joint_days,
            "expansion": self.expansion,
            "table": self.table,
            "written": self.written,
        }

    def print_to(self, console: Console) -> None:
        """Print the table and what was written."""
        console.print(convoy_table(self.table, gap_s=self.gap_s, joint_days=self.joint_days))
        share = self.table["all_household_share"][0]
        if share is not None:
            console.print(
                f"by chance: expected with one car moved by whole weeks. Of all pairs {share:.2%} share a "
                "home; nobody but the escorts travels together on purpose.",
                highlight=False,
            )
        if self.expansion > 1.5:
            console.print(
                f"One driver here stands for {self.expansion:,.0f}: in the whole traffic there would be "
                f"{self.expansion**2:,.0f} times as many pairs by chance.",
                highlight=False,
            )
        for path in self.written:
            console.print(str(path), highlight=False, soft_wrap=True)


def report_convoys(
    folder: Path, *, pairs: int, joint_days: int, gap_s: int, progress: Progress
) -> ConvoyReport:
    """Look for convoys in a run; write ``convoys.csv`` and ``figures/convoys.png`` into its folder."""
    from experiments.figures.convoys import plot_convoys

    taken = recapture_run(folder, progress)
    scenario = taken.world.scenario
    table = convoys_of(taken, scenario.archive, pairs=pairs, joint_days=joint_days, gap_s=gap_s)
    write_text_whole(folder / "convoys.csv", table.write_csv())
    caption = (
        f"{scenario.id}: {scenario.people.drivers:,} drivers, {scenario.days} days; {pairs} escorts on "
        f"{joint_days} days each, reads within {gap_s} s"
    )
    picture = save_one(
        lambda ax: plot_convoys(table, ax=ax), folder / "figures" / "convoys.png", caption=caption
    )
    return ConvoyReport(
        table=table,
        gap_s=gap_s,
        joint_days=joint_days,
        expansion=taken.world.expansion,
        written=(folder / "convoys.csv", picture),
    )


def convoy_table(table: pl.DataFrame, *, gap_s: int, joint_days: int) -> Table:
    """Return what rules of several strictness find, one row a rule."""
    n = table["escorts"][0]
    shown = Table(
        title=f"Pairs read within {gap_s} s; {n} escorts on {joint_days} days each",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1),
    )
    heads = ("readers\na day", "days", "pairs\nfound", "by\nchance", "escorts\nfound", "right\n%")
    for head in (*heads, "same\nhome", "same\nwork"):
        shown.add_column(head, justify="right", no_wrap=True)
    last = None
    for row in table.iter_rows(named=True):
        if last not in (None, row["readers"]):
            shown.add_section()
        last = row["readers"]
        chance, precision = row["by_chance"], row["precision"]
        shown.add_row(
            f"≥ {row['readers']}",
            f"≥ {row['days']}",
            f"{row['found']:,}",
            "–" if chance is None else f"{chance:,.0f}",
            f"{row['escorts_found']}",
            "–" if precision is None else f"{100 * precision:.1f}",
            f"{row['households']:,}",
            f"{row['colleagues']:,}",
        )
    return shown
