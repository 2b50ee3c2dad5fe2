"""Commands on what rules do to a finished run: ``utility``, ``exposure``, ``convoys`` and ``audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments.terminal import progress_bar

Run = Annotated[Path, typer.Argument(metavar="RUN", help="A folder that a run wrote.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress bar.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("utility")(utility)
    app.command("audit")(audit)


def utility(
    folder: Run,
    events: Annotated[int, typer.Option(min=1, help="Cars sought, one a driver at most.")] = 2_000,
    delay_h: Annotated[
        float, typer.Option("--delay", min=0, help="Mean delay until a plate is listed, hours (free).")
    ] = 6.0,
    thief: Annotated[
        bool, typer.Option("--thief", help="Another driver's trips from the event on, not the own.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Show what rules cost: how often a sought car is found.

    Makes the run's reads again and compares rules on the same events; writes utility.csv and a figure.
    """
    from rich.console import Console

    from experiments.utility import report_utility

    with progress_bar(quiet=quiet) as progress:
        report = report_utility(folder, events=events, delay_h=delay_h, thief=thief, progress=progress)
    report.print_to(Console())


def audit(
    folder: Run,
    as_: Annotated[
        str, typer.Option("--as", metavar="table|json", help="Print a table for people, or JSON.")
    ] = "table",
    lookups: Annotated[float, typer.Option(help="Lawful look-ups a day of each agency (free).")] = 20.0,
    bad_share: Annotated[
        float, typer.Option("--bad-share", help="Share of a rule breaker's look-ups that break it (free).")
    ] = 0.01,
    draws: Annotated[int, typer.Option(min=1, help="Logs to draw; intervals are over them.")] = 20,
    probability: Annotated[
        float, typer.Option(min=0.01, max=0.9999, help="Wanted chance of finding the violation.")
    ] = 0.95,
    quiet: Quiet = False,
) -> None:
    """Show how many log lines an auditor must read.

    Simulates who looked whom up in the run's archive, lawfully and not, and works out the sample that finds a
    violation under each logging rule. Writes access_log.parquet, audit.csv and a figure.
    """
    from rich.console import Console

    from experiments.audit import report_audit
    from simulator.errors import ScenarioError
    from simulator.oversight.access_log import AccessSetting

    if as_ not in ("table", "json"):
        raise ScenarioError(f"--as {as_}: choose 'table' or 'json'.")
    setting = AccessSetting(lookups_per_day=lookups, bad_share=bad_share)
    report = report_audit(folder, setting=setting, draws=draws, probability=probability)
    if as_ == "json":
        typer.echo(report.table.write_json())
    else:
        report.print_to(Console(), quiet=quiet)
