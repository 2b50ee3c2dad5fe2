"""Events: one day's visit of many drivers to one place, in place of what they would have done.

An event takes the place of an attending driver's free time on its day. The free time is planned all the same
and then thrown away, so that habits, and with them all other days, stay what they are without the event; who
attends is a draw of its own. Runs with and without an event can therefore be compared driver by driver.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.errors import ScenarioError
from simulator.people.drivers import DriverKind
from simulator.people.places import PlaceKind, Places
from simulator.scenario_parts import Event
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.tours import Purpose, go, move_front, reckoned_s

_LEISURE = int(Purpose.LEISURE)
_SPREAD_S = 900.0  # people come up to a quarter of an hour early or late
_STAY_SPREAD = 0.1


class Gatherings(NamedTuple):
    """Events in flat arrays, shape (n_events,).

    Parameters
    ----------
    key
        Kernel key of each event's own stream.
    place
        Where it is held.
    day
        Its day, counted from 0.
    start_s, stay_s
        When it starts, seconds since the first midnight, and how long people stay, seconds.
    share
        Chance that a driver who could come does.
    """

    key: NDArray[np.uint64]
    place: NDArray[np.int64]
    day: NDArray[np.int64]
    start_s: NDArray[np.float64]
    stay_s: NDArray[np.float64]
    share: NDArray[np.float64]


def event_place(event: Event, places: Places) -> int:
    """Return the place that an event is held at.

    Raises
    ------
    ScenarioError
        If the map has no place of that kind.
    """
    options = places.of_kind(PlaceKind[event.place_kind.upper()])
    if len(options) == 0:
        raise ScenarioError(f"Event '{event.name}': there is no place of kind '{event.place_kind}'.")
    x_m, y_m = (v[places.edge >= 0] for v in (places.x_m, places.y_m))
    wanted_x = x_m.min() + event.x * (x_m.max() - x_m.min())
    wanted_y = y_m.min() + event.y * (y_m.max() - y_m.min())
    return int(options[np.hypot(places.x_m[options] - wanted_x, places.y_m[options] - wanted_y).argmin()])


def gatherings(events: tuple[Event, ...], places: Places, seed: int) -> Gatherings:
    """Return the events of a scenario for the kernels."""
    return Gatherings(
        key=np.array([stream_key(seed, Stream.EVENT_ATTENDANCE, e.name) for e in events], dtype=np.uint64),
        place=np.array([event_place(e, places) for e in events], dtype=np.int64),
        day=np.array([e.day - 1 for e in events], dtype=np.int64),
        start_s=np.array([(e.day - 1) * 86_400.0 + e.start_h * 3600.0 for e in events], dtype=np.float64),
        stay_s=np.array([e.hours * 3600.0 for e in events], dtype=np.float64),
        share=np.array([e.attendance_share for e in events], dtype=np.float64),
    )


@njit(cache=True)
def event_of(events, driver, day, works, work_from, work_to, person):  # type: ignore[no-untyped-def]
    """Return the first event of the day that a driver attends, or -1."""
    if person.kind[driver] == DriverKind.VISITOR:
        return -1
    for e in range(len(events.day)):
        if events.day[e] != day or uniforms(events.key[e], driver, 0, 0, 0)[0] >= events.share[e]:
            continue
        way_s = reckoned_s(person.home_place[driver], events.place[e], person) + _SPREAD_S
        begin, end = events.start_s[e] - way_s, events.start_s[e] + events.stay_s[e] + way_s
        if not works or end <= work_from or begin >= work_to:
            return e
    return -1


@njit(cache=True)
def plan_event(stops, events, event, driver, works, work_from, person):  # type: ignore[no-untyped-def]
    """Add the tour to an event to a day that holds work, or nothing."""
    n_work = stops.size[0]
    home, place = person.home_place[driver], events.place[event]
    u = uniforms(events.key[event], driver, 1, 0, 0)
    leave = events.start_s[event] - reckoned_s(home, place, person) + _SPREAD_S * (2.0 * u[0] - 1.0)
    stay = events.stay_s[event] * (1.0 + _STAY_SPREAD * (2.0 * u[1] - 1.0))
    # Not before the day begins: the trips of a driver are in order of time.
    go(stops, place, _LEISURE, max(leave, events.day[event] * 86_400.0 + 1.0), 300.0)
    go(stops, home, _LEISURE, 0.0, stay)
    if works and events.start_s[event] < work_from:
        move_front(stops, n_work, stops.size[0])
