"""Tables of ``platetrail reidentify`` for the terminal, and their CSV files."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
from rich import box
from rich.table import Table

from experiments.reidentification import ROTATIONS
from experiments.words import attacker_title
from simulator.errors import TableError

_TITLES = {
    "unicity": "Unicity: people singled out by points of their trace that somebody knows, %",
    "anonymity": "Anonymity sets: people who live and work where somebody does",
    "directory": "A list of residents with home and work: who is named by a pair of places",
    "pseudonyms": "Pseudonyms: labels of neighbouring periods joined by habits, %",
    "networks": "Two networks with ids of their own, joined by when and where, %",
    "looks": "Plates removed: trips followed by colour, type and make, %",
}
_MOST_COLUMNS = 5
_NOTES = {
    "unicity": "Points are drawn from each trace. Too short: people with fewer points, who are left out.",
    "anonymity": "Street: an edge in either direction; cell: 500 m; district: 2 km.",
    "directory": "Right: of single matches. Named: of all pairs. The list holds simulated people only.",
    "pseudonyms": "Right: of claimed links. Found: of drivers seen in both periods. Chance: a random label.",
    "networks": "Every other fixed reader belongs to another owner. Right, found, chance as above.",
    "looks": "Followed: every read of a trip joined to the next. As many cars as are simulated, no more.",
}


def tables_for_terminal(tables: Mapping[str, pl.DataFrame]) -> list[Table]:
    """Return one table for each frame of :func:`experiments.reidentification.reidentify`."""
    return [_BUILD[name](frame) for name, frame in tables.items() if frame.height]


def write_csv(tables: Mapping[str, pl.DataFrame], folder: Path) -> None:
    """Write each frame whole as a CSV file.

    Raises
    ------
    TableError
        If the folder or a file cannot be written.
    """
    for name, frame in tables.items():
        write_csv_file(frame, folder / f"{name}.csv")


def write_csv_file(frame: pl.DataFrame, path: Path) -> None:
    """Write one frame whole: to a temporary name, then renamed."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.write_csv(partial)
        os.replace(partial, path)
    except OSError as error:
        raise TableError(f"{path} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def percent(value: float | None) -> str:
    """Return a share in percent, a dash if there is none."""
    if value is None or math.isnan(value):
        return "–"
    return f"{100 * value:.1f}" if 0 < 100 * value < 10 else f"{100 * value:.0f}"


def _band(row: Mapping[str, float], stem: str, low: str | None = None, high: str | None = None) -> str:
    value = row[stem]
    if value is None or math.isnan(value):
        return "–"
    return f"{percent(value)} ({percent(row[low or stem + '_low'])}–{percent(row[high or stem + '_high'])})"


def _table(name: str, heads: tuple[str, ...]) -> Table:
    table = Table(
        title=_TITLES[name],
        caption=_NOTES[name],
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for i, head in enumerate(heads):
        table.add_column(head, justify="left" if i == 0 else "right")
    return table


def place_words(place: str) -> str:
    """Return a resolution in words."""
    return place if not place.isdigit() else f"{int(place):,} m"


def span_words(minutes: float) -> str:
    """Return a span of time in words."""
    if minutes % 1_440 == 0:
        return "day" if minutes == 1_440 else f"{minutes / 1440:g} days"
    return "hour" if minutes == 60 else f"{minutes:g} min"


def _unicity(frame: pl.DataFrame) -> Table:
    points = sorted(frame["points"].unique().to_list())
    if len(points) > _MOST_COLUMNS:  # no terminal is that wide; tables on disk have them all
        at = np.unique(np.geomspace(1, len(points), _MOST_COLUMNS).round().astype(int))
        points = [points[i - 1] for i in at]
    table = _table(
        "unicity", ("place", "time", *(f"{p} points" if p > 1 else "1 point" for p in points), "too short")
    )
    for (place, minutes), group in frame.group_by("place", "minutes", maintain_order=True):
        by_points = {row["points"]: row for row in group.iter_rows(named=True)}
        cells = [_band(by_points[p], "share", "low", "high") for p in points]
        table.add_row(
            place_words(str(place)), span_words(float(minutes)), *cells, str(group["too_short"].max())
        )  # type: ignore[arg-type]
    return table


def _anonymity(frame: pl.DataFrame) -> Table:
    table = _table("anonymity", ("level", "people", "median set", "alone, %"))
    for row in frame.iter_rows(named=True):
        if row.get("median") is None:
            table.add_row(row["level"], "0", "–", "–")
            continue
        median = f"{row['median']:g} ({row['median_low']:g}–{row['median_high']:g})"
        table.add_row(row["level"], f"{row['people']:,}", median, _band(row, "unique"))
    return table


def _directory(frame: pl.DataFrame) -> Table:
    table = _table("directory", ("pair", "within", "pairs", "one match", "right", "named", "no match"))
    for row in frame.iter_rows(named=True):
        who = "true home and work" if row["pair"] == "true" else attacker_title(row["pair"])
        table.add_row(
            who,
            f"{row['within_m']:,.0f} m",
            str(row["pairs"]),
            _band(row, "one_match", "one_low", "one_high"),
            *(percent(row[c]) for c in ("right_of_one", "named", "none")),
        )
    return table


def _joined(name: str, frame: pl.DataFrame, first: str) -> Table:
    table = _table(name, (first, "drivers", "claimed", "right", "found", "chance"))
    for row in frame.iter_rows(named=True):
        label = row["rotation"] if "rotation" in row else f"{row['day']}"
        table.add_row(
            label,
            f"{row['linkable']:,}",
            f"{row['claimed']:,}",
            _band(row, "precision"),
            _band(row, "recall"),
            f"{100 * row['chance']:.2g}",
        )
    return table


def _pseudonyms(frame: pl.DataFrame) -> Table:
    table = _joined("pseudonyms", frame, "labels change")
    missing = [r for r in ROTATIONS if r not in frame["rotation"].to_list()]
    if missing:
        table.caption = (
            f"{table.caption} Left out, since the data hold no two such periods: {', '.join(missing)}."
        )
    return table


def _looks(frame: pl.DataFrame) -> Table:
    table = _table("looks", ("looks noted wrongly", "trips", "followed", "steps right"))
    for row in frame.iter_rows(named=True):
        table.add_row(
            f"{percent(row['misjudged'])} %",
            f"{row['trajectories']:,}",
            _band(row, "tracked", "low", "high"),
            percent(row["steps"]),
        )
    return table


_BUILD = {
    "unicity": _unicity,
    "anonymity": _anonymity,
    "directory": _directory,
    "pseudonyms": _pseudonyms,
    "networks": lambda frame: _joined("networks", frame, "days"),
    "looks": _looks,
}
