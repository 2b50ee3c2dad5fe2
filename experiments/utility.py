"""The command ``utility``: the share of sought cars found under each rule."""

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
from simulator.chunks import ground_of
from simulator.manifest import write_text_whole
from simulator.people.drivers import DriverKind
from simulator.recapture import Recaptured, recapture_run
from simulator.travel.stays import stays_of, whereabouts
from simulator.usefulness.rules import RuleInForce, rules_compared
from simulator.usefulness.searches import SearchEvents, draw_events
from simulator.usefulness.utility import REPORTED_WRONG_SHARE, Whereabouts, false_alerts, utility

#: The columns of the printed table: search, within, heading.
SHOWN = (
    ("live", "1 hour", "hit\n1 h"),
    ("live", "1 day", "hit\n1 d"),
    ("live", "1 week", "hit\n7 d"),
    ("look-back", "any time", "last\nplace"),
    ("look-back", "now within 1 km", "in\n1 km"),
    ("trace", "asked after 7 d", "7 d\nlate"),
    ("trace", "asked after 30 d", "30 d\nlate"),
)
_WIDE = 130
Progress = Callable[[str, float], None]


def events_of(taken: Recaptured, *, count: int, delay_h: float, thief: bool) -> SearchEvents:
    """Draw the cars sought in a world: of residents and in-commuters, not of who passes through or walks."""
    drivers = taken.world.drivers
    return draw_events(
        drivers.plate[~np.isin(drivers.kind, (DriverKind.VISITOR, DriverKind.CAR_FREE))],
        days=taken.world.scenario.days,
        seed=taken.world.seed,
        count=count,
        delay_h=delay_h,
        thief=thief,
    )


def utility_of(
    taken: Recaptured, events: SearchEvents, rules: list[RuleInForce], progress: Progress = lambda _, __: None
) -> pl.DataFrame:
    """Return :func:`simulator.usefulness.utility.utility` of several rules on the same events."""
    world = taken.world
    stays = stays_of(taken.trips, world.drivers.home_place, days=world.scenario.days)
    # A plate is its driver's number.
    x_m, y_m = whereabouts(stays, world.places, events.moves_like, events.listed_s)
    truth, ground, parts = Whereabouts(x_m=x_m, y_m=y_m), ground_of(world), []
    for i, rule in enumerate(rules):
        progress("attack", i / len(rules))
        parts.append(utility(rule, taken.sightings, taken.stray, ground, events, truth))
    return pl.concat(parts)


@dataclass(frozen=True, kw_only=True, eq=False)
class UtilityReport:
    """What the command found.

    Parameters
    ----------
    table
        Share found by rule, agency, search and time.
    alerts
        False alerts without any rule.
    written
        The files written.
    """

    table: pl.DataFrame
    alerts: dict[str, float]
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {"table": self.table, "false_alerts": self.alerts, "written": self.written}

    def print_to(self, console: Console) -> None:
        """Print the table and what was written."""
        console.print(utility_table(self.table, intervals=console.width >= _WIDE))
        console.print(alert_line(self.alerts), highlight=False)
        for path in self.written:
            console.print(str(path), highlight=False, soft_wrap=True)


def report_utility(
    folder: Path, *, events: int, delay_h: float, thief: bool, progress: Progress
) -> UtilityReport:
    """Work out the utility of a run under all rules; write ``utility.csv`` and ``figures/utility.png``."""
    from experiments.figures.utility import plot_utility

    taken = recapture_run(folder, progress)
    world = taken.world
    sought = events_of(taken, count=events, delay_h=delay_h, thief=thief)
    # Cars are sought: a driver's face, which readers of faces see, is no read of the car.
    archive = world.scenario.archive.model_copy(update={"identifiers": "plates"})
    rules = rules_compared(archive, world.cameras.owners, days=world.scenario.days)
    table = utility_of(taken, sought, rules, progress)
    plain = next(rule for rule in rules if rule.rule == "no rule")
    alerts = false_alerts(plain, taken.sightings, taken.stray, ground_of(world), sought)
    write_text_whole(folder / "utility.csv", table.write_csv())
    caption = f"{world.scenario.id}: {sought.n_events:,} sought cars, {world.scenario.days} days"
    picture = save_one(
        lambda ax: plot_utility(table, ax=ax),
        folder / "figures" / "utility.png",
        caption=caption,
        size_in=(12.5, 8.4),
    )
    return UtilityReport(table=table, alerts=alerts, written=(folder / "utility.csv", picture))


def utility_table(table: pl.DataFrame, *, intervals: bool) -> Table:
    """Return the share found, one row a rule and agency; intervals need a wide terminal."""
    n = int(table.select(pl.max("events")).item())
    band = " (95% interval)" if intervals else f", ± {100 * 0.98 / np.sqrt(n):.0f} or less"
    shown = Table(
        title=f"Sought cars found: % of {n:,} events{band}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1 if intervals else 0),
    )
    shown.add_column("Rule", no_wrap=True)
    agencies = table["agency"].n_unique() > 1
    if agencies:
        shown.add_column("Who searches")
    for _, _, head in SHOWN:
        shown.add_column(head, justify="right", no_wrap=True, min_width=6)
    cells = {(r["rule"], r["agency"], r["search"], r["within"]): r for r in table.iter_rows(named=True)}
    for rule, agency in table.select("rule", "agency").unique(maintain_order=True).iter_rows():
        row = [rule, agency] if agencies else [rule]
        row += [share_words(cells[rule, agency, search, within], intervals) for search, within, _ in SHOWN]
        shown.add_row(*row)
    return shown


def share_words(row: dict[str, float], interval: bool = True) -> str:
    """Return a share, and its interval, in per cent."""
    if row["share"] is None or np.isnan(row["share"]):
        return "–"
    if not interval:
        return f"{100 * row['share']:.0f}"
    return f"{100 * row['share']:.0f} ({100 * row['low']:.0f}–{100 * row['high']:.0f})"


def alert_line(alerts: dict[str, float]) -> str:
    """Return the false alerts in a sentence, beside what is reported."""
    if not alerts["true_alerts"] + alerts["false_alerts"]:
        return "There was no alert at all."
    low, high = REPORTED_WRONG_SHARE
    return (
        f"False alerts: {alerts['false_alerts']:,.0f} misread plates beside {alerts['true_alerts']:,.0f} "
        f"true reads of listed cars in a week, {alerts['wrong_share']:.1%} wrong ({alerts['low']:.1%}–"
        f"{alerts['high']:.1%}). Reported: {low:.0%}–{high:.0%}, from all causes (plates of other states, "
        "found cars still listed); only misreads are modelled."
    )
