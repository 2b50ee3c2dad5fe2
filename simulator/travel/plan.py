"""Day plans: the trips that drivers mean to make, day by day, before travel times are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.kernels import grown_rows
from simulator.people.drivers import DriverKind, Drivers
from simulator.people.places import PlaceKind, Places
from simulator.scenario import WEEKDAYS, Scenario
from simulator.streams import Stream, stream_key, uniforms
from simulator.travel.events import event_of, gatherings, plan_event
from simulator.travel.memory import Destinations, choose_place, new_memory
from simulator.travel.tours import (
    Person,
    copy_stops,
    new_stops,
    plan_free_time,
    plan_visitor,
    plan_work,
    work_hours,
)

# Visits that happened before the first day, so that habits exist from the start.
_PAST_VISITS = 70


@dataclass(frozen=True, kw_only=True, eq=False)
class DayPlans:
    """Planned trips of some drivers, in order of each driver's time; every array has shape (n_trips,).

    Parameters
    ----------
    driver
        Driver id.
    day
        Day that the plan belongs to, 0-based.
    number
        Number of the trip within the driver's day, for random streams.
    from_place, to_place
        Places.
    purpose
        :class:`simulator.travel.tours.Purpose` codes.
    depart_s
        When the driver means to leave, seconds since the first midnight; 0: as soon as `dwell_s` is over.
    dwell_s
        How long the driver stays at least before leaving, seconds.
    """

    driver: NDArray[np.int32]
    day: NDArray[np.int32]
    number: NDArray[np.int32]
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]
    purpose: NDArray[np.uint8]
    depart_s: NDArray[np.float64]
    dwell_s: NDArray[np.float64]


def plan_days(
    scenario: Scenario,
    drivers: Drivers,
    places: Places,
    destinations: Destinations,
    seed: int,
    a: int,
    b: int,
) -> DayPlans:
    """Plan all days of drivers ``a`` to ``b - 1``."""
    person = Person(
        kind=drivers.kind,
        schedule=drivers.schedule,
        home_place=drivers.home_place,
        work_place=drivers.work_place,
        work_start_h=drivers.work_start_h,
        trip_rate=drivers.trip_rate * scenario.travel.trips_factor,
        presence=drivers.presence,
        school_place=drivers.school_place,
        worship_place=drivers.worship_place,
        place_x_m=places.x_m,
        place_y_m=places.y_m,
        beyond_m=places.beyond_m,
        beyond_s=places.beyond_s,
        external_share=scenario.travel.external_errand_share,
    )
    whole, seconds = _plan(
        a,
        b,
        scenario.days,
        WEEKDAYS.index(scenario.start_weekday),
        np.uint64(stream_key(seed, Stream.DAY_PLAN)),
        np.uint64(stream_key(seed, Stream.EXPLORATION)),
        person,
        destinations,
        gatherings(scenario.events, places, seed),
    )
    driver, day, number, from_place, to_place, purpose = whole
    return DayPlans(
        driver=driver,
        day=day,
        number=number,
        from_place=from_place,
        to_place=to_place,
        purpose=purpose.astype(np.uint8),
        depart_s=seconds[0],
        dwell_s=seconds[1],
    )


@njit(cache=True)
def _remember_the_past(key, driver, person, memory, where):  # type: ignore[no-untyped-def]
    for i in range(_PAST_VISITS):
        u = uniforms(key, driver, i, 0, 0)
        kind = PlaceKind.SHOP
        if u[2] < person.external_share:
            kind = PlaceKind.EXTERNAL
        elif u[3] > 0.97:
            kind = PlaceKind.CLINIC
        elif u[3] > 0.5:
            kind = PlaceKind.LEISURE
        choose_place(u[0], u[1], kind, person.home_place[driver], memory, where)


@njit(cache=True)
def _plan_day(stops, spare, starts, key, driver, day, weekday, person, memory, where, events):  # type: ignore[no-untyped-def]
    stops.size[0] = 0
    if person.kind[driver] == DriverKind.VISITOR:
        plan_visitor(stops, key, driver, day, person, where)
        return
    begin_h, length_h = work_hours(key, driver, day, weekday, person)
    works = length_h > 0.0
    work_from, work_to = -1.0, -1.0
    if works:
        work_from, work_to = plan_work(
            stops, key, driver, day, weekday, begin_h, length_h, person, memory, where
        )
    event = event_of(events, driver, day, works, work_from, work_to, person)
    if event >= 0:
        copy_stops(spare, stops)
    plan_free_time(stops, starts, key, driver, day, weekday, works, work_from, work_to, person, memory, where)
    if event >= 0:
        copy_stops(stops, spare)
        plan_event(stops, events, event, driver, works, work_from, person)


@njit(cache=True)
def _plan(a, b, days, start_weekday, key, explore_key, person, where, events):  # type: ignore[no-untyped-def]
    # Rows: driver, day, number, from, to, purpose; and depart, dwell.
    capacity = (b - a) * days * 4 + 64
    whole, seconds = np.empty((6, capacity), np.int32), np.empty((2, capacity), np.float64)
    stops, spare, memory, starts = new_stops(), new_stops(), new_memory(), np.empty(8, np.float64)
    n = 0
    for driver in range(a, b):
        memory.size[0] = 0
        _remember_the_past(explore_key, driver, person, memory, where)
        at = person.home_place[driver]
        for day in range(days):
            weekday = (start_weekday + day) % 7
            _plan_day(stops, spare, starts, key, driver, day, weekday, person, memory, where, events)
            if n + stops.size[0] > capacity:
                capacity *= 2
                whole, seconds = grown_rows(whole, n, capacity), grown_rows(seconds, n, capacity)
            waits_until, waits_for = 0.0, 0.0
            for i in range(stops.size[0]):
                if stops.place[i] == at:  # there already: the stay goes on, what follows keeps its times
                    waits_until = max(waits_until, stops.depart_s[i])
                    waits_for += stops.dwell_s[i]
                    continue
                whole[0, n], whole[1, n], whole[2, n] = driver, day, i
                whole[3, n], whole[4, n], whole[5, n] = at, stops.place[i], stops.purpose[i]
                seconds[0, n] = max(stops.depart_s[i], waits_until)
                seconds[1, n] = stops.dwell_s[i] + waits_for
                waits_until, waits_for = 0.0, 0.0
                at = stops.place[i]
                n += 1
    return grown_rows(whole, n, n), grown_rows(seconds, n, n)
