"""The tours of one driver and day: work, school, worship, errands, leisure, visits.

Rates, stops and hours below are assumptions, chosen so that trips a day, purposes and start times agree with
the American Driving Survey 2023 (``platetrail calibrate`` shows how well); no source gives them one by one.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.people.drivers import DriverKind, Schedule
from simulator.people.places import PlaceKind
from simulator.streams import uniforms
from simulator.travel.memory import any_place, choose_place

MAX_STOPS = 32
_MAX_TOURS = 5
_DAY_S = 86_400.0
_TOWN_SPEED_MPS = 8.5  # what drivers reckon with when they plan, as the crow flies

_ABSENCE = 0.13  # leave, illness, public holidays
_HOME_OFFICE = 0.45
_SCHOOL_ON_THE_WAY = 0.45
_SHOP_ON_THE_WAY = 0.07
_LUNCH_OUT = 0.11
_STOP_ON_THE_WAY_HOME = 0.24
_TOURS_ON_WORKDAYS, _TOURS_ON_FREE_WEEKDAYS, _TOURS_AT_WEEKENDS = 0.27, 0.82, 0.85
_TOURS_OF_IN_COMMUTERS = 0.05
_SCHOOL_RUN, _WORSHIP = 0.60, 0.55
_SECOND_STOP = 0.20
_PASSES_THROUGH = 0.55

# Relative start times of discretionary tours by hour: weekdays, weekends, days of night workers.
_START_WEIGHT = np.array(
    [
        [0.6, 0.4, 0.3, 0.5, 0.7, 0.9, 1.2, 1.8, 2.2, 3.0, 9.0, 15.0,
         15.0, 12.0, 7.0, 4.4, 3.6, 3.2, 3.0, 2.4, 1.6, 1.2, 0.9, 0.8],
        [0.8, 0.6, 0.4, 0.5, 0.6, 0.7, 0.9, 1.4, 2.2, 4.0, 9.0, 15.0,
         15.0, 12.0, 7.0, 4.4, 3.6, 3.2, 3.0, 2.2, 1.6, 1.3, 1.2, 1.2],
        [0.2, 0.2, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.0, 1.0,
         2.0, 4.0, 6.0, 7.0, 8.0, 8.0, 7.0, 5.0, 2.0, 0.5, 0.2, 0.2],
    ]
)  # fmt: skip
_START_CUMULATIVE = np.cumsum(_START_WEIGHT, axis=1) / _START_WEIGHT.sum(axis=1, keepdims=True)
_WEEKDAYS, _WEEKENDS, _NIGHT_WORK = 0, 1, 2


class Purpose(IntEnum):
    """What a trip is for; a trip home carries the purpose of the activity that it ends."""

    COMMUTE = 0
    ERRAND = 1
    LEISURE = 2
    SCHOOL = 3
    WORSHIP = 4
    CLINIC = 5
    WORK_RELATED = 6
    VISIT = 7


# numba reads module-level numbers, not enum members, as constants.
_COMMUTE, _ERRAND, _LEISURE, _SCHOOL, _WORSHIP_TRIP, _CLINIC, _WORK_RELATED, _VISIT = (
    int(p) for p in Purpose
)


class Person(NamedTuple):
    """Habits of all drivers in flat arrays, shape (n_drivers,), and coordinates of places, (n_places,)."""

    kind: NDArray[np.uint8]
    schedule: NDArray[np.uint8]
    home_place: NDArray[np.int32]
    work_place: NDArray[np.int32]
    work_start_h: NDArray[np.float64]
    trip_rate: NDArray[np.float64]
    presence: NDArray[np.float64]
    school_place: NDArray[np.int32]
    worship_place: NDArray[np.int32]
    place_x_m: NDArray[np.float64]
    place_y_m: NDArray[np.float64]
    beyond_m: NDArray[np.float64]
    beyond_s: NDArray[np.float64]
    external_share: float


class Stops(NamedTuple):
    """The trips of one day, before travel times are known.

    Parameters
    ----------
    place, purpose
        Where each trip goes and what for, shape (MAX_STOPS,).
    depart_s
        When the driver means to leave for it; 0: as soon as `dwell_s` is over.
    dwell_s
        Shortest stay before leaving, seconds.
    size
        How many count, shape (1,).
    """

    place: NDArray[np.int64]
    purpose: NDArray[np.int64]
    depart_s: NDArray[np.float64]
    dwell_s: NDArray[np.float64]
    size: NDArray[np.int64]


@njit(cache=True)
def new_stops():  # type: ignore[no-untyped-def]
    """Return room for one day's trips."""
    return Stops(
        np.empty(MAX_STOPS, np.int64),
        np.empty(MAX_STOPS, np.int64),
        np.empty(MAX_STOPS, np.float64),
        np.empty(MAX_STOPS, np.float64),
        np.zeros(1, np.int64),
    )


@njit(cache=True)
def go(stops, place, purpose, depart_s, dwell_s):  # type: ignore[no-untyped-def]
    """Add a trip to the day."""
    n = stops.size[0]
    stops.place[n], stops.purpose[n], stops.depart_s[n], stops.dwell_s[n] = place, purpose, depart_s, dwell_s
    stops.size[0] = n + 1


@njit(cache=True)
def _normal(key, driver, day, draw):  # type: ignore[no-untyped-def]
    """Standard normal by Box and Muller's method."""
    u = uniforms(key, driver, day, draw, 1)
    return np.sqrt(-2.0 * np.log(u[0])) * np.cos(2.0 * np.pi * u[1])


@njit(cache=True)
def plan_visitor(stops, key, driver, day, person, where):  # type: ignore[no-untyped-def]
    """Plan a visitor's day, if it is one: through the town, or to a place in it, and back."""
    u = uniforms(key, driver, day, 0, 0)
    if u[0] >= person.presence[driver]:
        return
    start = day * _DAY_S + 3600.0 * (6.0 + 7.0 * (u[1] + u[2]))
    v = uniforms(key, driver, day, 1, 0)
    kind = PlaceKind.SHOP
    if v[0] < _PASSES_THROUGH:
        kind = PlaceKind.EXTERNAL
    elif v[1] < 0.6:
        kind = PlaceKind.LEISURE
    go(stops, any_place(v[2], kind, where), _VISIT, start, 120.0)
    stay = 10_800.0 * np.exp(0.7 * _normal(key, driver, day, 3))
    go(stops, person.home_place[driver], _VISIT, 0.0, stay)


@njit(cache=True)
def work_hours(key, driver, day, weekday, person):  # type: ignore[no-untyped-def]
    """Return when work starts and how long it lasts (hours); a length of 0 on days off."""
    schedule = person.schedule[driver]
    if person.work_place[driver] < 0:
        return 0.0, 0.0
    u = uniforms(key, driver, day, 0, 0)
    if u[1] < _ABSENCE:
        return 0.0, 0.0
    begin_h, length_h = person.work_start_h[driver], 8.6
    if schedule == Schedule.DAY or schedule == Schedule.HYBRID or schedule == Schedule.DRIVING:
        if weekday >= 5 or (schedule == Schedule.HYBRID and u[0] < _HOME_OFFICE):
            return 0.0, 0.0
    else:
        # Shifts fill the week: five days of seven, the free ones differ from driver to driver.
        if (weekday + driver) % 7 >= 5:
            return 0.0, 0.0
        length_h = 8.2
        if schedule == Schedule.ROTATING:
            begin_h = 6.0 + 8.0 * ((day // 7 + driver) % 3)
    return begin_h + 0.2 * _normal(key, driver, day, 1), length_h + 0.5 * _normal(key, driver, day, 2)


@njit(cache=True)
def reckoned_s(a, b, person):  # type: ignore[no-untyped-def]
    """Return how long drivers reckon that the way from one place to another takes, seconds."""
    beyond = person.beyond_m[a] + person.beyond_m[b]
    crow = np.hypot(person.place_x_m[a] - person.place_x_m[b], person.place_y_m[a] - person.place_y_m[b])
    return 180.0 + max(crow - 0.8 * beyond, 0.0) / _TOWN_SPEED_MPS + person.beyond_s[a] + person.beyond_s[b]


@njit(cache=True)
def plan_work(stops, key, driver, day, weekday, begin_h, length_h, person, memory, where):  # type: ignore[no-untyped-def]
    """Plan the way to work, calls or lunch, and the way home; return when the tour starts and ends."""
    home, work = person.home_place[driver], person.work_place[driver]
    schedule = person.schedule[driver]
    night = schedule == Schedule.NIGHT
    midnight = day * _DAY_S
    end = midnight + (begin_h + length_h) * 3600.0
    leave = midnight + begin_h * 3600.0 - reckoned_s(home, work, person)
    u = uniforms(key, driver, day, 3, 0)
    school = person.school_place[driver]
    start = leave
    if school >= 0 and weekday < 5 and not night and u[0] < _SCHOOL_ON_THE_WAY:
        start = leave - 600.0
        go(stops, school, _SCHOOL, start, 120.0)
        go(stops, work, _COMMUTE, 0.0, 240.0)
    elif u[0] > 1.0 - _SHOP_ON_THE_WAY:
        start = leave - 900.0
        go(stops, choose_place(u[1], u[2], PlaceKind.SHOP, home, memory, where), _ERRAND, start, 120.0)
        go(stops, work, _COMMUTE, 0.0, 420.0)
    else:
        go(stops, work, _COMMUTE, leave, 120.0)
    if schedule == Schedule.DRIVING:
        for call in range(2 + int(3.0 * u[3])):
            v = uniforms(key, driver, day, 4 + call, 0)
            kind = PlaceKind.SHOP if v[0] < 0.5 else PlaceKind.LEISURE
            go(stops, any_place(v[1], kind, where), _WORK_RELATED, 0.0, 1200.0 + 3000.0 * v[2])
        go(stops, home, _COMMUTE, end, 900.0)
        return start, end + 2400.0
    v = uniforms(key, driver, day, 9, 0)
    if v[0] < _LUNCH_OUT and not night:
        noon = midnight + (begin_h + 0.45 * length_h) * 3600.0
        go(stops, choose_place(v[1], v[2], PlaceKind.SHOP, home, memory, where), _ERRAND, noon, 1800.0)
        go(stops, work, _ERRAND, 0.0, 1500.0)
    w = uniforms(key, driver, day, 10, 0)
    if w[0] < _STOP_ON_THE_WAY_HOME:
        errand = w[3] < 0.50
        purpose = _ERRAND if errand else _LEISURE
        kind = PlaceKind.SHOP if errand else PlaceKind.LEISURE
        go(stops, choose_place(w[1], w[2], kind, home, memory, where), purpose, end, 1800.0)
        go(stops, home, purpose, 0.0, 1500.0 * np.exp(0.5 * _normal(key, driver, day, 11)))
    else:
        go(stops, home, _COMMUTE, end, 1800.0)
    return start, end + 2400.0


@njit(cache=True)
def _tour_starts(starts, key, driver, day, weekday, works, work_from, work_to, person):  # type: ignore[no-untyped-def]
    """Write when the day's discretionary tours start, in order; return how many, and the fixed one's time."""
    midnight = day * _DAY_S
    rate = _TOURS_OF_IN_COMMUTERS
    if person.kind[driver] == DriverKind.RESIDENT:
        rate = (
            _TOURS_ON_WORKDAYS if works else (_TOURS_ON_FREE_WEEKDAYS if weekday < 5 else _TOURS_AT_WEEKENDS)
        )
    rate *= person.trip_rate[driver]
    wanted, term = 0, np.exp(-rate)
    total, u = term, uniforms(key, driver, day, 20, 0)
    while u[0] > total and wanted < _MAX_TOURS:  # Poisson by inversion
        wanted += 1
        term *= rate / wanted
        total += term
    table = _WEEKDAYS if weekday < 5 else _WEEKENDS
    if works and person.schedule[driver] == Schedule.NIGHT:
        table = _NIGHT_WORK
    for i in range(wanted):
        v = uniforms(key, driver, day, 30 + i, 0)
        start = midnight + 3600.0 * (min(np.searchsorted(_START_CUMULATIVE[table], v[0]), 23) + v[1])
        if works and work_from - 3600.0 < start < work_to:
            start = work_to + 600.0 + 9000.0 * v[2]  # rather after work
        _insert(starts, i, start)
    fixed = -1.0
    if not works and person.kind[driver] == DriverKind.RESIDENT:
        if weekday < 5 and person.school_place[driver] >= 0 and u[1] < _SCHOOL_RUN:
            fixed = midnight + 3600.0 * (7.5 + 0.7 * u[2])
        elif weekday == 6 and person.worship_place[driver] >= 0 and u[1] < _WORSHIP:
            fixed = midnight + 3600.0 * (9.0 + 1.5 * u[2])
    if fixed >= 0.0:
        _insert(starts, wanted, fixed)
        wanted += 1
    return wanted, fixed


@njit(cache=True)
def _discretionary_stop(key, driver, day, draw, person, memory, where):  # type: ignore[no-untyped-def]
    """Return place, purpose and typical stay (seconds) of an errand, leisure, a visit or a clinic."""
    u = uniforms(key, driver, day, draw, 0)
    purpose, kind, typical_s = _CLINIC, PlaceKind.CLINIC, 3000.0
    if u[0] < 0.285:
        purpose, kind, typical_s = _ERRAND, PlaceKind.SHOP, 2000.0
    elif u[0] < 0.68:
        purpose, kind, typical_s = _LEISURE, PlaceKind.LEISURE, 5400.0
    elif u[0] < 0.97:
        purpose, kind, typical_s = _VISIT, PlaceKind.LEISURE, 7200.0
    if purpose != _CLINIC and u[1] < person.external_share:
        kind = PlaceKind.EXTERNAL
        typical_s *= 1.3
    return choose_place(u[2], u[3], kind, person.home_place[driver], memory, where), purpose, typical_s


@njit(cache=True)
def plan_free_time(  # type: ignore[no-untyped-def]
    stops, starts, key, driver, day, weekday, works, work_from, work_to, person, memory, where,
):  # fmt: skip
    """Plan school runs, worship and discretionary tours around work, all in order of time."""
    home = person.home_place[driver]
    n_work = stops.size[0]
    tours, fixed = _tour_starts(starts, key, driver, day, weekday, works, work_from, work_to, person)
    before_work = n_work
    for i in range(tours):
        if starts[i] == fixed and weekday < 5:
            place, purpose, typical_s = person.school_place[driver], _SCHOOL, 400.0
        elif starts[i] == fixed:
            place, purpose, typical_s = person.worship_place[driver], _WORSHIP_TRIP, 4800.0
        else:
            place, purpose, typical_s = _discretionary_stop(
                key, driver, day, 40 + 3 * i, person, memory, where
            )
        go(stops, place, purpose, starts[i], 300.0)
        stay = typical_s * np.exp(0.5 * _normal(key, driver, day, 42 + 3 * i))
        v = uniforms(key, driver, day, 41 + 3 * i, 0)
        if v[0] < _SECOND_STOP:
            go(stops, choose_place(v[1], v[2], PlaceKind.SHOP, home, memory, where), _ERRAND, 0.0, stay)
            stay, purpose = 900.0 + 1200.0 * v[3], _ERRAND
        go(stops, home, purpose, 0.0, stay)
        if works and starts[i] < work_from:
            before_work = stops.size[0]
    if works and before_work > n_work:
        move_front(stops, n_work, before_work)


@njit(cache=True)
def move_front(stops, a, b):  # type: ignore[no-untyped-def]
    """Put stops ``a`` to ``b - 1`` before the first ``a``, one stop at a time."""
    for i in range(a, b):
        place, purpose = stops.place[i], stops.purpose[i]
        depart_s, dwell_s = stops.depart_s[i], stops.dwell_s[i]
        for j in range(i, i - a, -1):
            stops.place[j], stops.purpose[j] = stops.place[j - 1], stops.purpose[j - 1]
            stops.depart_s[j], stops.dwell_s[j] = stops.depart_s[j - 1], stops.dwell_s[j - 1]
        at = i - a
        stops.place[at], stops.purpose[at] = place, purpose
        stops.depart_s[at], stops.dwell_s[at] = depart_s, dwell_s


@njit(cache=True)
def copy_stops(to, stops):  # type: ignore[no-untyped-def]
    """Write one day's trips over another's."""
    n = stops.size[0]
    to.place[:n], to.purpose[:n] = stops.place[:n], stops.purpose[:n]
    to.depart_s[:n], to.dwell_s[:n] = stops.depart_s[:n], stops.dwell_s[:n]
    to.size[0] = n


@njit(cache=True)
def _insert(starts, n, start):  # type: ignore[no-untyped-def]
    """Insert a start into the first ``n``, which are in order."""
    while n > 0 and starts[n - 1] > start:
        starts[n] = starts[n - 1]
        n -= 1
    starts[n] = start
