"""The command ``audit``: how many lines of an access log must be read to find that a rule was broken."""

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
from simulator.manifest import read_manifest, write_text_whole
from simulator.oversight.access_log import (
    VIOLATIONS,
    AccessSetting,
    Agencies,
    access_log,
    agencies_of,
    possible_violations,
)
from simulator.oversight.audit import LOGGING_RULES, STALKING_EVIDENCE, audit
from simulator.scenario_file import scenario_from_dict
from simulator.streams import replicate_seed
from simulator.tables import read_table, write_table

VIOLATION_WORDS = {
    "unlawful-sharing": "shares against the rules",
    "misconfigured": "a partner too many",
    "beyond-look-back": "searches too far back",
    "stalking": "stalks one plate",
    "no-reason": "gives no reason",
}
LOGGING_WORDS = {
    "full": "full log",
    "no-plate": "no plate",
    "no-reason": "no reason",
    "own-agency-only": "own agency",
    "totals-by-month": "by month",
    "none": "no log",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class AuditReport:
    """What the command found.

    Parameters
    ----------
    agencies
        Who looks.
    table
        Lines needed by violation and logging rule.
    probability
        The chance that they give.
    written
        The files written.
    """

    agencies: Agencies
    table: pl.DataFrame
    probability: float
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {
            "probability": self.probability,
            "agencies": self.agencies.names,
            "table": self.table,
            "written": self.written,
        }

    def print_to(self, console: Console, *, quiet: bool = False) -> None:
        """Print the table, what it leaves out, and what was written."""
        console.print(audit_table(self.table, self.probability))
        if not quiet:
            for line in _notes(self.agencies, self.table):
                console.print(line, highlight=False)
            for path in self.written:
                console.print(str(path), highlight=False, soft_wrap=True)


def report_audit(
    folder: Path,
    *,
    setting: AccessSetting,
    draws: int,
    probability: float,
    progress: Callable[[int], None] = lambda n: None,
) -> AuditReport:
    """Audit a run; write ``access_log.parquet``, ``audit.csv`` and ``figures/audit.png`` into its folder.

    Raises
    ------
    TableError
        If the folder is unfinished, torn, or of another version.
    ScenarioError
        If the scenario has no readers.
    """
    from experiments.figures.audit import plot_audit

    manifest = read_manifest(folder)
    scenario = scenario_from_dict(manifest.scenario, where=f"the scenario in {folder}")
    owners = read_table("cameras", folder / "cameras.parquet")["owner"].value_counts(
        sort=True, name="readers"
    )
    owners = owners.sort(["readers", "owner"], descending=[True, False])
    agencies = agencies_of(scenario.archive, tuple(owners["owner"].to_list()), owners["readers"].to_numpy())
    seed = replicate_seed(manifest.seed, manifest.replicate)
    n_plates = scenario.people.vehicles_represented or scenario.people.drivers
    table = audit(
        agencies,
        setting,
        days=scenario.days,
        n_plates=n_plates,
        seed=seed,
        draws=draws,
        probability=probability,
        progress=progress,
    )
    log = access_log(agencies, setting, days=scenario.days, n_plates=n_plates, seed=seed)
    write_table("access_log", log, folder / "access_log.parquet")
    write_text_whole(folder / "audit.csv", table.write_csv())
    caption = (
        f"{scenario.id}: {len(agencies.names)} agencies, {setting.lookups_per_day:g} look-ups a day each, "
        f"{scenario.days} days, {draws} logs"
    )
    picture = save_one(
        lambda ax: plot_audit(table, probability=probability, ax=ax),
        folder / "figures" / "audit.png",
        caption=caption,
        size_in=(12.0, 6.6),
    )
    written = (folder / "access_log.parquet", folder / "audit.csv", picture)
    return AuditReport(agencies=agencies, table=table, probability=probability, written=written)


def audit_table(table: pl.DataFrame, probability: float) -> Table:
    """Return lines needed, one row a violation, one column a logging rule."""
    shown = Table(
        title=f"Log lines to sample for a {probability:.0%} chance to find the violation (95% of logs)",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0),
    )
    shown.add_column("Some agency")
    for rule in LOGGING_RULES:
        shown.add_column(LOGGING_WORDS[rule], justify="right")
    cells = {(r["violation"], r["logging"]): r for r in table.iter_rows(named=True)}
    for violation in table["violation"].unique(maintain_order=True):
        row = [_cell(cells[violation, rule]) for rule in LOGGING_RULES]
        shown.add_row(VIOLATION_WORDS[violation], *row)
    sizes = [_median_lines(table, rule) for rule in LOGGING_RULES]
    shown.add_section()
    shown.add_row("lines in the log", *sizes, style="dim")
    return shown


def _median_lines(table: pl.DataFrame, rule: str) -> str:
    lines = table.filter(pl.col("logging") == rule)["log_lines"].drop_nulls()
    return f"{np.median(lines.to_numpy()):,.0f}" if len(lines) else "–"


def _cell(row: dict[str, float | None]) -> str:
    needed, low, high = row["lines_needed"], row["low"], row["high"]
    if needed is None or low is None or high is None:
        return "never"
    return f"{needed:,.0f}" if low == high else f"{needed:,.0f}\n[dim]{low:,.0f}–{high:,.0f}[/]"


def _notes(agencies: Agencies, table: pl.DataFrame) -> list[str]:
    possible = possible_violations(agencies)
    notes = []
    if "unlawful-sharing" not in possible:
        notes.append("These rules close nobody's sightings to any agency: no sharing can be unlawful.")
    if "beyond-look-back" not in possible:
        notes.append("These rules set no limit to looking back, so none can be overstepped.")
    chosen = table.filter((pl.col("violation") == "stalking") & (pl.col("logging") == "full"))
    innocent = chosen["innocent_patterns"][0] if chosen.height else None
    if innocent is not None:
        notes.append(
            f"Stalking takes {STALKING_EVIDENCE} lines of one plate as evidence; {innocent:.0f} innocent "
            "plates (median) are looked up often enough to look like it."
        )
    assert set(possible) <= set(VIOLATIONS)
    return notes
