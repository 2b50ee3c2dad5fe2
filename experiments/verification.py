"""What ``make verify`` found: its table on the terminal and in docs/trust.md.

The checks are in ``tests/verification``; ``make verify`` runs them with the rival programs and writes
``docs/verification.csv``, from which ``make docs`` makes the table of the page.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.table import Table

from experiments.docs_tables import DOCS, markdown_table

CSV = DOCS / "verification.csv"
CSV_VARIABLE = "PLATETRAIL_VERIFICATION_CSV"
COLUMNS = ("kind", "check", "source", "theirs", "ours", "verdict")
_HEAD = ("", "checked", "against", "theirs", "ours", "verdict")


def verification_rows(frame: pl.DataFrame) -> Table:
    """Return the table for the terminal."""
    table = Table(title="Verification", title_justify="left", show_lines=False)
    for name in _HEAD:
        table.add_column(name, overflow="fold")
    for before, row in zip(_before(frame), frame.select(COLUMNS).rows(), strict=True):
        table.add_row(*before, *row[1:], style="" if row[-1] == "agrees" else "bold red")
    return table


def verification_table(path: Path = CSV) -> str:
    """Return the table of the page, made from the last complete ``make verify``."""
    frame = pl.read_csv(path, infer_schema=False)
    rows = [(*before, *row[1:]) for before, row in zip(_before(frame), frame.rows(), strict=True)]
    return "\n".join(markdown_table(_HEAD, rows))


def _before(frame: pl.DataFrame) -> list[tuple[str]]:
    """Return the kind of each check where it differs from the one above."""
    kinds = frame["kind"].to_list()
    return [("" if i and kinds[i - 1] == kind else str(kind),) for i, kind in enumerate(kinds)]
