"""Tables of re-identification on a terminal."""

from __future__ import annotations

from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from experiments.reidentification_report import tables_for_terminal


@pytest.mark.parametrize("most", [1, 4, 5, 11, 64])
def test_a_terminal_shows_unicity_by_any_number_of_points(most: int) -> None:
    """Sixty-four columns fit no terminal: from the first to the last, and some between."""
    frame = pl.DataFrame(
        [
            {"place": "reader", "minutes": 60.0, "points": p, "people": 90, "too_short": p,
             "share": 0.5, "low": 0.41, "high": 0.59}
            for p in range(1, most + 1)
        ]
    )  # fmt: skip
    (table,) = tables_for_terminal({"unicity": frame})
    shown = [int(str(c.header).split()[0]) for c in table.columns[2:-1]]
    assert shown[0] == 1 and shown[-1] == most and shown == sorted(set(shown))
    assert len(shown) == most if most <= 5 else 3 <= len(shown) <= 5
    console = Console(width=110, file=StringIO())
    console.print(table)
    assert console.file.getvalue().count("50 (41–59)") == len(shown)
