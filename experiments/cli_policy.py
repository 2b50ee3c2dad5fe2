"""Commands on what rules do to a finished run: ``utility``, ``exposure``, ``audit``, ``faces``."""

from __future__ import annotations

from typing import Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import RunFolder
from experiments.terminal import LOOK_STAGES, MANNERS, answer, count_bar, progress_bar


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (
        ("utility", utility),
        ("exposure", exposure),
        ("convoys", convoys),
        ("audit", audit),
        ("faces", faces),
    ):
        enter(app, name, command)


def utility(
    folder: RunFolder,
    events: Annotated[int, typer.Option(min=1, help="Cars sought, one a driver at most.")] = 2_000,
    delay_h: Annotated[
        float, typer.Option("--delay", min=0, help="Mean delay until a plate is listed, hours (free).")
    ] = 6.0,
    thief: Annotated[
        bool, typer.Option("--thief", help="Another driver's trips from the event on, not the own.")
    ] = False,
) -> None:
    """Show what rules cost: how often a sought car is found.

    Makes the run's reads again and compares rules on the same events; writes utility.csv and a figure.
    """
    from experiments.prepare import COPY_FIRST, refuse_unwritable
    from experiments.utility import report_utility

    refuse_unwritable(folder, COPY_FIRST)
    with progress_bar(stages=LOOK_STAGES) as progress:
        report = report_utility(folder, events=events, delay_h=delay_h, thief=thief, progress=progress)
    answer("utility", report.document, report.print_to)


def exposure(
    folder: RunFolder,
    event: Annotated[
        str | None, typer.Option(metavar="NAME", help="An event of the scenario; the first if left out.")
    ] = None,
    place: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Or the busiest place of a kind: clinic, worship, leisure ..."),
    ] = None,
    day: Annotated[int | None, typer.Option(help="One day of that place; up to 20 days if left out.")] = None,
    from_h: Annotated[float, typer.Option("--from", help="From this hour of the day on.")] = 0.0,
    to_h: Annotated[float, typer.Option("--to", help="Until this hour.")] = 24.0,
    radius_m: Annotated[float, typer.Option("--radius", min=1, help="Reads so near count, m.")] = 250.0,
    attacker: Annotated[str, typer.Option(help="The attack that finds homes.")] = "bayes",
    agency: Annotated[str | None, typer.Option(help="Who looks; the scenario's viewer if left out.")] = None,
) -> None:
    """Show whom an agency can name of those who came.

    To a rally, a clinic, a place of worship: whose plate was read there, whose home is known from all else,
    that evening and up to a year later. Writes exposure.csv and a figure.
    """
    from experiments.exposure_report import report_exposure
    from experiments.occasions import event_occasion, place_occasion
    from experiments.prepare import COPY_FIRST, refuse_unwritable
    from simulator.errors import ScenarioError
    from simulator.recapture import Recaptured

    refuse_unwritable(folder, COPY_FIRST)
    if event is not None and place is not None:
        raise ScenarioError("--event and --place exclude each other; give one.")

    def occasion(taken: Recaptured):  # type: ignore[no-untyped-def]
        if place is None and (event is not None or taken.world.scenario.events):
            return event_occasion(taken, event, radius_m=radius_m)
        return place_occasion(taken, place or "clinic", day=day, hours=(from_h, to_h), radius_m=radius_m)

    with progress_bar(stages=LOOK_STAGES) as progress:
        report = report_exposure(folder, occasion, attacker=attacker, agency=agency, progress=progress)
    answer("exposure", report.document, report.print_to)


def convoys(
    folder: RunFolder,
    gap_s: Annotated[int, typer.Option("--gap", min=1, max=3600, help="Reads so near coincide, s.")] = 30,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs that truly travel together, planted.")] = 50,
    joint_days: Annotated[int, typer.Option("--days", min=1, help="Days that each pair does so.")] = 4,
) -> None:
    """Show who seems to travel with whom.

    Pairs of plates that the same readers read together, against cars that truly do and against chance. Writes
    convoys.csv and a figure.
    """
    from experiments.convoys import report_convoys
    from experiments.prepare import COPY_FIRST, refuse_unwritable

    refuse_unwritable(folder, COPY_FIRST)
    with progress_bar(stages=LOOK_STAGES) as progress:
        report = report_convoys(folder, pairs=pairs, joint_days=joint_days, gap_s=gap_s, progress=progress)
    answer("convoys", report.document, report.print_to)


def audit(
    folder: RunFolder,
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
) -> None:
    """Show how many log lines an auditor must read.

    Simulates who looked whom up in the run's archive, lawfully and not, and works out the sample that finds a
    violation under each logging rule. Writes access_log.parquet, audit.csv and a figure.
    """
    from experiments.audit import report_audit
    from experiments.prepare import COPY_FIRST, refuse_unwritable
    from simulator.errors import ScenarioError
    from simulator.oversight.access_log import AccessSetting

    refuse_unwritable(folder, COPY_FIRST)
    if as_ not in ("table", "json"):
        raise ScenarioError(f"--as {as_}: choose 'table' or 'json'.")
    setting = AccessSetting(lookups_per_day=lookups, bad_share=bad_share)
    with count_bar(draws) as done:
        report = report_audit(
            folder,
            setting=setting,
            draws=draws,
            probability=probability,
            progress=lambda n: done(n, "drawing logs"),
        )
    if as_ == "json" and not MANNERS.json:  # the table alone, as before --json was there
        typer.echo(report.table.write_json())
        return
    answer("audit", report.document, lambda console: report.print_to(console, quiet=MANNERS.quiet))


def faces(
    folder: RunFolder,
    within_m: Annotated[int, typer.Option("--within", help="250 or 500, m.")] = 250,
    attackers: Annotated[
        str | None, typer.Option(help="Attackers with commas between; those of the run if left out.")
    ] = None,
) -> None:
    """Compare plates, faces, and both: who is tracked home.

    Makes the run's reads again and attacks them three times; writes faces.csv and a figure.
    """
    from experiments.faces import report_faces
    from experiments.prepare import COPY_FIRST, refuse_unwritable

    refuse_unwritable(folder, COPY_FIRST)
    names = [name.strip() for name in attackers.split(",") if name.strip()] if attackers else []
    with progress_bar(stages=LOOK_STAGES) as progress:
        report = report_faces(folder, within_m=within_m, attackers=names, progress=progress)
    answer("faces", report.document, report.print_to)
