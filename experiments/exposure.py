"""The command ``exposure``: of those who came to a place by car, whose home an agency can name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.figures.write import save_one
from experiments.words import attacker_title
from simulator.adversary.attacker import ready_attacker
from simulator.archive_rules import Archive, HotListOnly, PlaceBan
from simulator.chunks import attack_setting, ground_of, truth_of
from simulator.errors import ScenarioError, did_you_mean
from simulator.manifest import write_text_whole
from simulator.people.places import PlaceKind
from simulator.privacy.criteria import right_street
from simulator.privacy.exposure import ASKED, NAMED_M, Gathering, Named, exposed, read_near
from simulator.privacy.time_to_inference import wilson
from simulator.recapture import Recaptured, recapture_run, view_of_plates
from simulator.sightings.archive import look_into
from simulator.sightings.view import DAY_S
from simulator.training import with_training
from simulator.travel.events import event_place
from simulator.travel.stays import Stays, at_place, stays_of

LATER_DAYS = 365
MOST_DAYS = 20
_LEAST_STAY_S = 300
_KINDS = tuple(k.name.lower() for k in PlaceKind if k not in (PlaceKind.HOME, PlaceKind.EXTERNAL))
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Occasion:
    """Gatherings of one sort, with the truth about who came.

    Parameters
    ----------
    title
        For tables and figures.
    gatherings
        One or several, whose counts are added up.
    came
        Plates of those who came to each.
    """

    title: str
    gatherings: tuple[Gathering, ...]
    came: tuple[NDArray[np.int32], ...]


def stays_in(taken: Recaptured) -> Stays:
    """Return all stays of a world's drivers; people without a car do not come by car."""
    world, n = taken.world, taken.world.drivers.n_drivers
    trips = taken.trips.filter(pl.col("driver_id") < n)
    return stays_of(trips, world.drivers.home_place[:n], days=world.scenario.days)


def event_occasion(taken: Recaptured, name: str | None = None, *, radius_m: float = 250.0) -> Occasion:
    """Return an event of the scenario; the first one if none is named.

    Raises
    ------
    ScenarioError
        If there is no such event.
    """
    events = {event.name: event for event in taken.world.scenario.events}
    name = next(iter(events), None) if name is None else name
    if name is None or name not in events:
        hint = did_you_mean(name or "", events) if events else "It has none: give --place instead."
        raise ScenarioError(f"The run's scenario has no event '{name}'. {hint}")
    event = events[name]
    place = event_place(event, taken.world.places)
    start_s = int((event.day - 1) * DAY_S + event.start_h * 3600)
    return _occasion(
        taken,
        stays_in(taken),
        place,
        [(event.day, start_s, start_s + int(event.hours * 3600))],
        radius_m,
        f"'{name}' on day {event.day}",
    )


def place_occasion(
    taken: Recaptured,
    kind: str,
    *,
    day: int | None = None,
    hours: tuple[float, float] = (0.0, 24.0),
    radius_m: float = 250.0,
) -> Occasion:
    """Return the busiest place of a kind on one day, or on up to 20 days that are spread over the run.

    Parameters
    ----------
    kind
        "clinic", "worship", "leisure", "shop", "work" or "school".
    day
        Which day, counted from 1; all days with visitors, or 20 of them, if left out.
    hours
        Between which hours of the day.
    radius_m
        Reads as near as this count.

    Raises
    ------
    ScenarioError
        If there is no such kind, place, day or visitor.
    """
    if kind not in _KINDS:
        raise ScenarioError(f"No kind of place is called '{kind}'. {did_you_mean(kind, _KINDS)}")
    days = taken.world.scenario.days
    if day is not None and not 1 <= day <= days:
        raise ScenarioError(f"Day {day} is not one of the {days} days of the run.")
    if not 0 <= hours[0] < hours[1] <= 24:
        raise ScenarioError(f"From {hours[0]:g} to {hours[1]:g} h is no part of a day; give 0 to 24.")
    stays, options = stays_in(taken), taken.world.places.of_kind(PlaceKind[kind.upper()])
    visits = np.bincount(stays.place[np.isin(stays.place, options)], minlength=1)
    if len(options) == 0 or visits.sum() == 0:
        raise ScenarioError(f"Nobody comes to a place of kind '{kind}' in this run.")
    place = int(visits.argmax())
    windows = [
        (d, int((d - 1) * DAY_S + hours[0] * 3600), int((d - 1) * DAY_S + hours[1] * 3600))
        for d in ([day] if day is not None else range(1, days + 1))
    ]
    busy = [w for w in windows if len(_came(stays, place, w))]
    if not busy:
        raise ScenarioError(f"Nobody came to the busiest {kind} then; choose another day or other hours.")
    chosen = [busy[i] for i in np.unique(np.linspace(0, len(busy) - 1, MOST_DAYS).astype(int))]
    when = f"on day {day}" if day is not None else f"on {len(chosen)} days"
    name = {"worship": "place of worship"}.get(kind, kind)
    return _occasion(taken, stays, place, chosen, radius_m, f"the busiest {name} {when}")


def _came(stays: Stays, place: int, window: tuple[int, int, int]) -> NDArray[np.int32]:
    _, from_s, until_s = window
    return at_place(stays, np.array([place]), from_s=from_s, until_s=until_s, least_s=_LEAST_STAY_S)


def _occasion(
    taken: Recaptured,
    stays: Stays,
    place: int,
    windows: Sequence[tuple[int, int, int]],
    radius_m: float,
    title: str,
) -> Occasion:
    places = taken.world.places
    return Occasion(
        title=title,
        gatherings=tuple(
            Gathering(
                x_m=float(places.x_m[place]),
                y_m=float(places.y_m[place]),
                day=day,
                from_s=from_s,
                until_s=until_s,
                radius_m=radius_m,
            )
            for day, from_s, until_s in windows
        ),
        # A plate is its driver's number.
        came=tuple(_came(stays, place, window) for window in windows),
    )


def archives_compared(archive: Archive, *, days: int) -> dict[str, Archive]:
    """Return the rules to compare: the scenario's own, then retention, hot list and place ban alone."""
    kept = {f"kept {d:g} days": Archive(retention_days=d) for d in (7.0, 30.0, 90.0) if d < days}
    compared = {
        "as in the scenario": archive,
        **kept,
        "kept for ever": Archive(),
        "hot list only": Archive(rules=(HotListOnly(name="hot-list-only"),)),
        "none near clinics etc.": Archive(rules=(PlaceBan(name="place-ban"),)),
    }
    # What the scenario does anyway need not be worked out twice.
    return {k: a for i, (k, a) in enumerate(compared.items()) if i == 0 or a != archive}


def exposure_of(taken: Recaptured, occasion: Occasion, archive: Archive, attacker: str) -> pl.DataFrame:
    """Return who is exposed under some rules, by when the agency asks.

    Parameters
    ----------
    taken
        All that was read.
    occasion
        Who gathered where.
    archive
        The rules, ``archive.viewer`` being who looks.
    attacker
        Name of the attack that finds homes.

    Returns
    -------
    polars.DataFrame
        One row a value of ``asked``: the counts of :func:`simulator.privacy.exposure.exposed`, added up over
        the gatherings, with ``precision`` (of those listed, came), ``recall`` (of those who came, listed) and
        ``share_named`` (of those who came, home named within 250 m), each with Wilson's interval ``_low``,
        ``_high``.
    """
    lists, named = _lists_and_names(taken, occasion, archive, attacker)
    rows = []
    for asked in ASKED:
        totals: dict[str, int] = {}
        for came, (listed, day) in zip(occasion.came, lists[asked], strict=True):
            for key, count in exposed(came, listed, named, as_of_day=day).items():
                totals[key] = totals.get(key, 0) + count
        rows.append(
            {
                "asked": asked,
                **totals,
                **_share("precision", totals["caught"], totals["listed"]),
                **_share("recall", totals["caught"], totals["came"]),
                **_share("share_named", totals["named_250m"], totals["came"]),
            }
        )
    return pl.DataFrame(
        rows, schema_overrides=dict.fromkeys(("precision", "recall", "share_named"), pl.Float64)
    )


def people_exposed(taken: Recaptured, occasion: Occasion, archive: Archive, attacker: str) -> pl.DataFrame:
    """Return the same person by person: ``asked, visit, plate, listed, named_250m, named_500m``.

    ``visit`` numbers those who came to each gathering, the same under all rules.
    """
    lists, named = _lists_and_names(taken, occasion, archive, attacker)
    first = np.concatenate([[0], np.cumsum([len(came) for came in occasion.came])])
    parts = []
    for asked in ASKED:
        for i, (came, (listed, day)) in enumerate(zip(occasion.came, lists[asked], strict=True)):
            there = np.isin(came, listed)
            error_m = np.full(len(came), np.nan)
            error_m[there], _ = named.of(came[there].astype(np.uint32), day)
            parts.append(
                pl.DataFrame(
                    {
                        "asked": [asked] * len(came),
                        "visit": np.arange(first[i], first[i + 1], dtype=np.int32),
                        "plate": came.astype(np.uint32),
                        "listed": there,
                        "named_250m": error_m <= NAMED_M[0],
                        "named_500m": error_m <= NAMED_M[1],
                    }
                )
            )
    return pl.concat(parts)


def _lists_and_names(
    taken: Recaptured, occasion: Occasion, archive: Archive, attacker: str
) -> tuple[dict[str, list[tuple[NDArray[np.uint32], int]]], Named]:
    """Return, by time of asking, each gathering's list and the day of asking; and where those listed live."""
    world = taken.world
    stored, expires_s = look_into(archive, taken.sightings, ground_of(world))
    later = {g.day: min(g.day + LATER_DAYS, world.scenario.days) for g in occasion.gatherings}
    evening = [read_near(stored, expires_s, g, as_of_day=g.day) for g in occasion.gatherings]
    afterwards = [read_near(stored, expires_s, g, as_of_day=later[g.day]) for g in occasion.gatherings]
    everyone = np.unique(np.concatenate([*evening, *afterwards]))
    named = name_homes(taken, archive, everyone, sorted({*later, *later.values()}), attacker)
    days = [g.day for g in occasion.gatherings]
    late = [later[day] for day in days]
    lists = (
        list(zip(evening, days, strict=True)),
        list(zip(afterwards, late, strict=True)),
        list(zip(evening, late, strict=True)),
    )
    return dict(zip(ASKED, lists, strict=True)), named


def _share(name: str, part: int, whole: int) -> dict[str, float | None]:
    if whole == 0:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = (float(v) for v in wilson(part, whole))
    return {name: part / whole, f"{name}_low": low, f"{name}_high": high}


def name_homes(
    taken: Recaptured, archive: Archive, plates: NDArray[np.uint32], days: Sequence[int], attacker: str
) -> Named:
    """Let an attack find the homes of some plates under some rules, as of some days."""
    world = taken.world
    scenario = world.scenario.model_copy(
        update={
            "archive": archive,
            "attackers": world.scenario.attackers.model_copy(update={"names": (attacker,)}),
        }
    )
    ruled = replace(world, scenario=scenario)
    found = ready_attacker(attacker)
    shape = (len(plates), len(days))
    if len(plates) == 0:
        return Named(
            plate=plates,
            days=np.array(days, dtype=np.int32),
            error_m=np.empty(shape),
            right_street=np.empty(shape, dtype=np.bool_),
        )
    setting = with_training(attack_setting(ruled), ruled)
    view = view_of_plates(taken, archive, plates, days)
    home = found.infer(view, setting.knowledge.up_to(found.rung)).home
    truth, who = truth_of(world, 0, world.drivers.n_people), plates.astype(np.int64)
    x_m, y_m = home.x_m.astype(np.float64), home.y_m.astype(np.float64)
    error_m = np.hypot(x_m - truth.home_x_m[who, None], y_m - truth.home_y_m[who, None])
    edge = np.broadcast_to(np.where(truth.home_inside, truth.home_edge, -1)[who, None], shape)
    return Named(
        plate=plates,
        days=np.array(days, dtype=np.int32),
        error_m=error_m,
        right_street=right_street(x_m, y_m, edge.astype(np.int32), error_m, world.city.network),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class ExposureReport:
    """What the command found.

    Parameters
    ----------
    occasion
        Who gathered where.
    table
        Exposure by rule and time of asking.
    attacker
        Who found the homes.
    readers_near
        Fixed readers within the radius of the place.
    written
        The files written.
    """

    occasion: Occasion
    table: pl.DataFrame
    attacker: str
    readers_near: int
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {
            "occasion": self.occasion.title,
            "attacker": self.attacker,
            "fixed_readers_near": self.readers_near,
            "table": self.table,
            "written": self.written,
        }

    def print_to(self, console: Console) -> None:
        """Print the table and what was written."""
        console.print(exposure_table(self.table, self.occasion.title))
        console.print(
            "came: of the plates listed, those who came. found, named: of those who came, listed, and listed "
            f"with the home within 250 m ({attacker_title(self.attacker)}). others: passers-by. later: after "
            "a year, or at the end of the run; by list: later, with the list of that evening kept.",
            highlight=False,
        )
        radius_m, n = self.occasion.gatherings[0].radius_m, self.readers_near
        stand = "1 fixed reader stands" if n == 1 else f"{n or 'No'} fixed readers stand"
        hint = "" if n else ", so that few can be listed; try a wider --radius"
        console.print(f"{stand} within {radius_m:g} m of the place{hint}.", highlight=False)
        for path in self.written:
            console.print(str(path), highlight=False, soft_wrap=True)


def report_exposure(
    folder: Path,
    occasion_of: Callable[[Recaptured], Occasion],
    *,
    attacker: str,
    agency: str | None,
    progress: Progress,
) -> ExposureReport:
    """Work out exposure in a run; write ``exposure.csv`` and ``figures/exposure.png`` into its folder."""
    from experiments.figures.exposure import plot_exposure

    ready_attacker(attacker)
    taken = recapture_run(folder, progress)
    scenario = taken.world.scenario
    archive = scenario.archive
    if agency is not None:
        known = {*taken.world.cameras.owners, *archive.agencies}
        if agency not in known:
            raise ScenarioError(f"No agency of this run is called '{agency}'. {did_you_mean(agency, known)}")
        archive = archive.seen_by(agency)
    occasion = occasion_of(taken)
    compared, parts = archives_compared(archive, days=scenario.days), []
    for i, (rule, rules) in enumerate(compared.items()):
        progress("attack", i / len(compared))
        part = exposure_of(taken, occasion, rules, attacker)
        parts.append(part.select(pl.lit(rule).alias("rule"), pl.all()))
    table = pl.concat(parts)
    write_text_whole(folder / "exposure.csv", table.write_csv())
    caption = f"{scenario.id}: {scenario.days} days, homes by {attacker_title(attacker)}"
    picture = save_one(
        lambda ax: plot_exposure(table, title=f"Who came to {occasion.title}", ax=ax),
        folder / "figures" / "exposure.png",
        caption=caption,
        size_in=(12.0, 7.0),
    )
    written = (folder / "exposure.csv", picture)
    cameras, place = taken.world.cameras, occasion.gatherings[0]
    near = np.hypot(cameras.x_m - place.x_m, cameras.y_m - place.y_m) <= place.radius_m
    return ExposureReport(
        occasion=occasion,
        table=table,
        attacker=attacker,
        readers_near=int(np.count_nonzero(near)),  # readers on cars have no place of their own
        written=written,
    )


def exposure_table(table: pl.DataFrame, title: str) -> Table:
    """Return exposure, one row a rule and time of asking."""
    came = table["came"][0]
    shown = Table(
        title=f"{came:,} drivers came by car to {title}",
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 0),
    )
    shown.add_column("Rule", no_wrap=True)
    shown.add_column("Asked", no_wrap=True)
    heads = ("plates\nlisted", "came\n%", "found\n%", "named\n%", "95%", "others\nlisted", "others\nnamed")
    for head in heads:
        shown.add_column(head, justify="right", no_wrap=True, min_width=6)
    last = None
    for row in table.iter_rows(named=True):
        if last not in (None, row["rule"]):
            shown.add_section()
        shown.add_row(
            row["rule"] if row["rule"] != last else "",
            {ASKED[0]: "evening", ASKED[1]: "later", ASKED[2]: "by list"}[row["asked"]],
            f"{row['listed']:,}",
            _percent(row["precision"]),
            _percent(row["recall"]),
            _percent(row["share_named"]),
            f"{_percent(row['share_named_low'])}–{_percent(row['share_named_high'])}",
            f"{row['accused']:,}",
            f"{row['accused_named']:,}",
        )
        last = row["rule"]
    return shown


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"
