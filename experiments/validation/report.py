"""The validation table for the terminal, ``validation.csv`` and a figure."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.reidentification_report import write_csv_file
from experiments.validation.yardsticks import YARDSTICKS, verdicts


def validation_table(figures: pl.DataFrame) -> Table:
    """Return measured yardsticks as a table; figures that are shown and not judged are dim."""
    held = verdicts(figures)
    table = Table(
        title=f"{sum(held.values())} of {len(held)} published yardsticks hold",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption="A yardstick holds if all of its judged figures do. Intervals: 95%; '–': not judged.",
        caption_justify="left",
    )
    for head in ("", "Figure", "Published", "Accepted", "Ours", "Holds"):
        table.add_column(head, justify="left" if head in ("", "Figure", "Holds") else "right")
    before = ""
    for row in figures.iter_rows(named=True):
        if row["id"] != before:
            before = row["id"]
            title = f"{YARDSTICKS[before].title} [{YARDSTICKS[before].status}]".replace("[", "\\[")
            verdict = ("yes" if held[before] else "NO") if before in held else "–"
            table.add_row(before, title, "", "", "", verdict, style="bold")
        table.add_row("", *cells_of(row), style="" if row["holds"] is not None else "dim")
    return table


def cells_of(row: dict[str, float]) -> tuple[str, str, str, str, str]:
    """Return what, published, accepted, ours with its interval, and verdict of one figure as text."""
    low, high = row["accept_low"], row["accept_high"]
    if row["holds"] is None:
        accepted = "–"
    elif high == float("inf"):
        accepted = f"≥ {number(low)}"
    elif 0 < low < 1e-6:
        accepted = "> 0"
    elif -1e-6 < high < 0:
        accepted = "< 0"
    elif low == high:
        accepted = number(low)
    else:
        accepted = f"{number(low)} to {number(high)}"
    ours = number(row["ours"])
    if row["low"] is not None:
        ours += f" ({number(row['low'])} to {number(row['high'])})"
    verdict = "–" if row["holds"] is None else ("yes" if row["holds"] else "NO")
    return str(row["what"]), number(row["published"]), accepted, ours, verdict


def number(value: float | None) -> str:
    """Return a number with three figures; a dash if there is none."""
    if value is None:
        return "–"
    if abs(value) >= 1e6:
        return "none found"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_figures(console: Console, figures: pl.DataFrame, *, quick: bool = False) -> None:
    """Print the table, and what does not hold."""
    console.print(validation_table(figures))
    failed = [key for key, ok in verdicts(figures).items() if not ok]
    if quick:
        console.print("Quick sizes are too small to judge by; leave out --quick.", highlight=False)
    elif failed:
        verb = "does" if len(failed) == 1 else "do"
        console.print(f"{', '.join(failed)} {verb} not hold: docs/trust.md says why.", highlight=False)


def write_figures(figures: pl.DataFrame, out: Path) -> tuple[Path, Path]:
    """Write ``validation.csv`` and the figure into a folder; return both paths."""
    from experiments.figures.validation import draw_validation

    table, picture = out / "validation.csv", out / "validation.png"
    write_csv_file(figures, table)
    draw_validation(figures, picture)
    return table, picture
