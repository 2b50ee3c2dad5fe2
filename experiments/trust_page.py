"""The made parts of docs/trust.md: verification, calibration, honesty, and traffic from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from experiments.docs_tables import DOCS, markdown_table, with_part
from experiments.elsewhere_report import tables as tables_of_traffic
from experiments.findings import kept
from experiments.verification import verification_table

#: The scenario whose calibration the page shows; the others are in docs/calibration.md.
CALIBRATED = "calibration norfolk-density"
# A few of the days; the page of findings has all.
_DAYS = (7, 30, 90)
_LEVELS = ("50", "80", "95")
_TARGETS = {"home": "homes", "work": "work places"}


def trust_page(docs: Path) -> str:
    """Return the page with its made parts as they should be now."""
    text = (docs / "trust.md").read_text(encoding="utf-8")
    calibration = part_of((DOCS / "calibration.md").read_text(encoding="utf-8"), CALIBRATED)
    for name, part in (
        ("verification", verification_table()),
        ("calibration", calibration),
        ("honesty", sets_table(kept("honesty"))),
        ("elsewhere", tables_of_traffic()),
    ):
        text = with_part(text, name, part)
    return text


def part_of(text: str, name: str) -> str:
    """Return what stands between ``<!-- made: name -->`` and ``<!-- end -->``."""
    found = re.search(rf"<!-- made: {name} -->\n(.*?)\n<!-- end -->", text, flags=re.DOTALL)
    if found is None:
        raise LookupError(f"The page has no part '<!-- made: {name} -->' … '<!-- end -->'.")
    return found[1]


def sets_table(results: pl.DataFrame) -> str:
    """Return how often credible sets hold the truth, in per cent: one row a density and day."""
    own = results.filter(pl.col("measure") == "calibration", pl.col("attacker") == "bayes")
    cells = {
        (r["readers"], r["day"], r["target"], r["criterion"]): r
        for r in own.with_columns(pl.col("readers").cast(pl.Int64)).iter_rows(named=True)
    }
    head = ("fixed readers", "day", *(f"{words}: {q}%" for words in _TARGETS.values() for q in _LEVELS))
    rows = []
    for readers, day in sorted({key[:2] for key in cells if key[1] in _DAYS}):
        found = (cells.get((readers, day, t, f"credible-{q}")) for t in _TARGETS for q in _LEVELS)
        rows.append((str(readers), str(day), *map(_percent, found)))
    return "\n".join(markdown_table(head, rows))


def _percent(row: dict[str, float] | None) -> str:
    if row is None:
        return "–"
    value, low, high = (f"{100 * row[k]:.0f}" for k in ("estimate", "low", "high"))
    return f"{value} ({low}–{high})"
