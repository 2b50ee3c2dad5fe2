"""Gatherings in a run, with the truth about who came by car: an event, or the busiest place of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.errors import ScenarioError, did_you_mean
from simulator.people.places import PlaceKind
from simulator.privacy.exposure import Gathering
from simulator.recapture import Recaptured
from simulator.sightings.view import DAY_S
from simulator.travel.events import event_place
from simulator.travel.stays import Stays, at_place, stays_of

MOST_DAYS = 20
_LEAST_STAY_S = 300
_KINDS = tuple(k.name.lower() for k in PlaceKind if k not in (PlaceKind.HOME, PlaceKind.EXTERNAL))


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
