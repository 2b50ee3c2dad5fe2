"""The command ``quality``: for which drivers attackers are right, abstain, or name a work place in vain."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.words import attacker_title
from simulator.errors import ScenarioError
from simulator.manifest import read_manifest
from simulator.privacy.quality import SURE, quality
from simulator.results import check_tables
from simulator.tables import SCHEMAS, read_table

_HOME = ("all", "day", "hybrid", "evening", "night", "rotating", "driving", "none")
_WORK = ("all", "day", "hybrid", "evening", "night", "rotating", "driving")
_NARROW_NAMES = {"all": "all", "none": "no work", "driving": "drives"}


def print_quality(
    console: Console, folder: Path, *, day: int | None = None, within_m: float = 250.0, sure: float = SURE
) -> None:
    """Print the tables of one run.

    Parameters
    ----------
    console
        Where to print.
    folder
        A folder that a run wrote.
    day
        Checkpoint; the last if left out.
    within_m
        Distance up to which a guess is right, metres.
    sure
        Confidence from which a claim counts as sure.

    Raises
    ------
    TableError
        If the folder's tables cannot be read.
    ScenarioError
        If the day is not a checkpoint of the run.
    """
    found, has_claims = quality_of(folder, day=day, within_m=within_m, sure=sure)
    for table in quality_tables(found, within_m=within_m, sure=sure):
        console.print(table)
    if not has_claims:
        console.print(
            "False work places are not known: an earlier version made this run. Run it again to see them."
        )


def quality_of(
    folder: Path, *, day: int | None = None, within_m: float = 250.0, sure: float = SURE
) -> tuple[pl.DataFrame, bool]:
    """Return the table behind :func:`print_quality`, and whether false work places are known.

    Raises
    ------
    TableError
        If the folder's tables cannot be read.
    ScenarioError
        If the day is not a checkpoint of the run.
    """
    manifest = read_manifest(folder)
    check_tables(folder, manifest)
    beliefs, drivers = (read_table(name, folder / f"{name}.parquet") for name in ("beliefs", "drivers"))
    has_claims = "claims" in manifest.tables
    claims = (
        read_table("claims", folder / "claims.parquet")
        if has_claims
        else pl.DataFrame(schema=SCHEMAS["claims"].columns)
    )
    days = sorted(beliefs["day"].unique().to_list())
    if not days:
        raise ScenarioError(f"The run in {folder} has no guesses to look at: did anybody attack?")
    day = days[-1] if day is None else day
    if day not in days:
        raise ScenarioError(
            f"Day {day} is not a checkpoint of the run in {folder}. Choose from {', '.join(map(str, days))}."
        )
    at = pl.col("day") == day
    return quality(beliefs.filter(at), claims.filter(at), drivers, within_m=within_m, sure=sure), has_claims


def quality_tables(found: pl.DataFrame, *, within_m: float, sure: float) -> list[Table]:
    """Return tables of what :func:`simulator.privacy.quality.quality` finds at one checkpoint.

    Recall of homes, then of work places, of residents by schedule; then abstentions and false work places.
    """
    residents = found.filter(pl.col("kind") == "resident")
    tables = []
    for target, what, schedules in (("home", "Homes", _HOME), ("work", "Work places", _WORK)):
        chosen = residents.filter((pl.col("target") == target) & (pl.col("measure") == "recall"))
        title = f"{what} guessed within {within_m:,.0f} m: % of residents by schedule (95% interval)"
        tables.append(_by_schedule(chosen, title, schedules))
    tables.append(_in_vain(residents, sure))
    return [t for t in tables if t.row_count]


def _by_schedule(chosen: pl.DataFrame, title: str, schedules: Sequence[str]) -> Table:
    counts = {r["schedule"]: r["drivers"] for r in chosen.iter_rows(named=True)}
    shown = [s for s in schedules if s in counts]
    table = _table(title)
    for schedule in shown:
        word = _NARROW_NAMES.get(schedule, schedule)
        table.add_column(f"{word}\nn={counts[schedule]:,}", justify="right")
    cells = {(r["attacker"], r["schedule"]): r for r in chosen.iter_rows(named=True)}
    order = chosen.filter(pl.col("schedule") == "all").sort(["share", "attacker"], descending=[True, False])
    for attacker in order["attacker"]:
        table.add_row(attacker_title(attacker), *(_share(cells.get((attacker, s))) for s in shown))
    return table


def _in_vain(residents: pl.DataFrame, sure: float) -> Table:
    everybody = residents.filter(pl.col("schedule") == "all")
    cells = {(r["attacker"], r["target"], r["measure"]): r for r in everybody.iter_rows(named=True)}
    columns = (
        ("home", "abstained", "no home\nnamed"),
        ("work", "abstained", "no work place\nnamed"),
        ("work", "false-claim", "false\nwork place"),
        ("work", "sure-false-claim", f"the same, sure\n(from {sure:g})"),
    )
    table = _table(
        "Abstentions: % of residents with such a place; false work places: % of residents who have none"
    )
    for *_, head in columns:
        table.add_column(head, justify="right")
    for attacker in everybody["attacker"].unique(maintain_order=True).sort():
        table.add_row(attacker_title(attacker), *(_share(cells.get((attacker, t, m))) for t, m, _ in columns))
    return table


def _table(title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    table.add_column("Attacker", min_width=14)
    return table


def _share(row: dict[str, float] | None) -> str:
    if row is None:
        return "–"
    # On two lines: eight columns must fit into a narrow terminal.
    return f"{100 * row['share']:.0f}\n{100 * row['share_low']:.0f}–{100 * row['share_high']:.0f}"
