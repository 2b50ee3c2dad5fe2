"""Each check says what it verifies, against what, and what came out; ``make verify`` prints the table."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest
from hand_worlds import Verified
from rich.console import Console

from experiments.reidentification_report import write_csv_file
from experiments.verification import COLUMNS, CSV_VARIABLE, verification_rows

_KEY = "verification"


@pytest.fixture
def verified(request: pytest.FixtureRequest) -> Verified:
    """Return a function that notes a check down and fails if the two sides do not agree."""

    def note(check: str, *, source: str, theirs: object, ours: object, holds: bool) -> None:
        kind = getattr(request.module, "KIND")  # noqa: B009
        values = (kind, check, source, str(theirs), str(ours), "agrees" if holds else "DISAGREES")
        row = dict(zip(COLUMNS, values, strict=True))
        file, line, _ = request.node.location
        order = len(request.node.user_properties)
        request.node.user_properties.append((_KEY, {**row, "order": [file, line, order]}))
        assert holds, f"{check}: expected {theirs} ({source}), got {ours}"

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int) -> None:
    """Print the table; write it to the file that an environment variable names, if nothing is missing."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])]
    notes = [value for r in reports if r.when == "call" for key, value in r.user_properties if key == _KEY]
    if not notes:
        return
    notes.sort(key=lambda note: note["order"])
    frame = pl.DataFrame([{c: note[c] for c in COLUMNS} for note in notes])
    console = Console()
    console.width = max(console.width, 150)
    console.print(verification_rows(frame))
    path = os.environ.get(CSV_VARIABLE)
    if not path:
        return
    skipped = len(terminalreporter.stats.get("skipped", []))
    if exitstatus or skipped:
        terminalreporter.write_line(f"Not written: {path}, since not every check was made and held.")
        return
    write_csv_file(frame, Path(path))
    terminalreporter.write_line(f"Written: {path}")
