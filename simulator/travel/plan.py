"""Day plans: which tours a driver makes on which day, before travel times are known.

A day is a sequence of home-based tours: work (with stops on the way there or back), calls of people who drive
for a living, school runs, worship, errands, leisure, visits. Where discretionary trips go follows exploration
and preferential return (Song, Koren, Wang & Barabasi, "Modelling the scaling properties of human mobility",
Nature Physics 2010): with S places known, a new one is tried with probability rho * S^-gamma, else a known
one is visited again in proportion to past visits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.people.drivers import Drivers, DriverKind, Schedule
from simulator.people.places import PlaceKind, Places
from simulator.scenario import WEEKDAYS, People, Scenario
from simulator.kernels import grown
from simulator.streams import Stream, stream_key, uniforms

_MAX_KNOWN = 192
_BURN_IN_VISITS = 70
_N_KINDS = len(PlaceKind)

# Relative start times of discretionary tours by hour of the day; weekdays, weekend days, night workers.
_START_WEIGHT = np.array(
    [
        [0.9, 0.6, 0.5, 0.7, 0.9, 1.2, 1.6, 2.4, 3.6, 5.6, 7.0, 7.0, 6.8, 6.4, 6.4, 6.8, 7.4, 7.4, 6.4, 4.4, 2.8, 1.8, 1.2, 0.9],
        [1.2, 0.9, 0.6, 0.6, 0.7, 0.9, 1.2, 2.2, 4.2, 6.6, 8.0, 8.0, 7.6, 7.2, 7.2, 7.0, 6.8, 6.4, 5.4, 3.8, 2.6, 2.0, 1.6, 1.4],
        [0.2, 0.2, 0.1, 0.1, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 1.0, 1.0, 2.0, 4.0, 6.0, 7.0, 8.0, 8.0, 7.0, 5.0, 2.0, 0.5, 0.2, 0.2],
    ]
)  # fmt: skip
_START_CUMULATIVE = np.cumsum(_START_WEIGHT, axis=1) / _START_WEIGHT.sum(axis=1, keepdims=True)


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
        :class:`Purpose` codes.
    depart_s
        When the driver means to leave, seconds since the first midnight; 0 means as soon as `dwell_s` is over.
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Destinations:
    """Where discretionary trips may go: gravity tables by zone of the home.

    Parameters
    ----------
    zone_of_place
        Zone of each place, shape (n_places,).
    kind_start
        Attractors of kind ``k`` are places ``kind_start[k]:kind_start[k + 1]``, shape (n_kinds + 1,).
    cumulative
        Cumulative gravity weights within each kind, shape (n_zones, n_attractors).
    """

    zone_of_place: NDArray[np.int32]
    kind_start: NDArray[np.int64]
    cumulative: NDArray[np.float32]


def build_destinations(people: People, places: Places) -> Destinations:
    """Build gravity tables (weight x exp(-distance / scale)) for square zones of half the errand scale."""
    n = places.n_attractors
    scale_m = people.errand_scale_km * 1000.0
    inside = places.kind != PlaceKind.EXTERNAL
    x0, y0 = places.x_m[inside].min(), places.y_m[inside].min()
    extent = max(np.ptp(places.x_m[inside]), np.ptp(places.y_m[inside]), 1.0)
    cell_m = max(scale_m / 2.0, extent / 40.0)
    side = int(np.ceil(extent / cell_m)) + 1
    # Homes beyond a gateway use the zone at the rim nearest to them.
    col = np.clip(((places.x_m - x0) / cell_m).astype(np.int64), 0, side - 1)
    row = np.clip(((places.y_m - y0) / cell_m).astype(np.int64), 0, side - 1)
    used, zone = np.unique(row * side + col, return_inverse=True)
    cx, cy = x0 + (used % side + 0.5) * cell_m, y0 + (used // side + 0.5) * cell_m
    distance = np.hypot(cx[:, None] - places.x_m[None, :n], cy[:, None] - places.y_m[None, :n])
    kind = places.kind[:n]
    kind_start = np.searchsorted(kind, np.arange(_N_KINDS + 1)).astype(np.int64)
    cumulative = np.empty((len(used), n), dtype=np.float32)
    for k in range(_N_KINDS):
        a, b = kind_start[k], kind_start[k + 1]
        if a == b:
            continue
        # Places beyond the map are all far; let nearness to the home's side of town still count.
        near = distance[:, a:b] - distance[:, a:b].min(axis=1, keepdims=True)
        reach = scale_m if k != PlaceKind.EXTERNAL else 6.0 * scale_m
        weight = places.weight[a:b] * np.exp(-near / reach)
        cumulative[:, a:b] = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    return Destinations(
        zone_of_place=zone.astype(np.int32).ravel(), kind_start=kind_start, cumulative=cumulative
    )


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
    travel = scenario.travel
    columns = _plan_kernel(
        a,
        b,
        scenario.days,
        WEEKDAYS.index(scenario.start_weekday),
        np.uint64(stream_key(seed, Stream.DAY_PLAN)),
        np.uint64(stream_key(seed, Stream.EXPLORATION)),
        drivers.kind,
        drivers.schedule,
        drivers.home_place,
        drivers.work_place,
        drivers.work_start_h,
        drivers.trip_rate * travel.trips_factor,
        drivers.presence,
        drivers.school_place,
        drivers.worship_place,
        places.x_m,
        places.y_m,
        places.beyond_m,
        places.kind,
        destinations.zone_of_place,
        destinations.kind_start,
        destinations.cumulative,
        travel.external_errand_share,
        travel.exploration_rho,
        travel.exploration_gamma,
        _START_CUMULATIVE,
    )
    names = ("driver", "day", "number", "from_place", "to_place", "purpose", "depart_s", "dwell_s")
    return DayPlans(**dict(zip(names, columns, strict=True)))


@njit(cache=True)
def _uniform(key, driver, day, draw):  # type: ignore[no-untyped-def]
    return uniforms(key, driver, day, draw, 0)[0]


@njit(cache=True)
def _normal(key, driver, day, draw):  # type: ignore[no-untyped-def]
    """Standard normal by Box and Muller's method."""
    u = uniforms(key, driver, day, draw, 1)
    return np.sqrt(-2.0 * np.log(u[0])) * np.cos(2.0 * np.pi * u[1])


@njit(cache=True)
def _choose_place(
    u_new, u_place, kind, zone, known, count, n_known, place_kind, kind_start, cumulative, rho, gamma
):  # type: ignore[no-untyped-def]
    """Explore or return; updates the driver's known places and returns the place and how many are known."""
    total = 0.0
    for i in range(n_known):
        if place_kind[known[i]] == kind:
            total += count[i]
    new = total == 0.0 or (n_known < _MAX_KNOWN and u_new < rho * max(n_known, 1) ** (-gamma))
    if not new:
        target = u_place * total
        for i in range(n_known):
            if place_kind[known[i]] == kind:
                target -= count[i]
                if target <= 0.0:
                    count[i] += 1.0
                    return known[i], n_known
    lo, hi = kind_start[kind], kind_start[kind + 1]
    place = lo + np.searchsorted(cumulative[zone, lo:hi], np.float32(u_place))
    place = min(place, hi - 1)
    for i in range(n_known):
        if known[i] == place:
            count[i] += 1.0
            return place, n_known
    if n_known < _MAX_KNOWN:
        known[n_known] = place
        count[n_known] = 1.0
        n_known += 1
    return place, n_known


@njit(cache=True)
def _plan_kernel(  # type: ignore[no-untyped-def]
    a, b, days, start_weekday, key, explore_key, kind, schedule, home_place, work_place, work_start_h, trip_rate,
    presence, school_place, worship_place, x_m, y_m, beyond_m, place_kind, zone_of_place, kind_start, cumulative,
    external_share, rho, gamma, start_cumulative,
):  # fmt: skip
    capacity = (b - a) * days * 4 + 64
    o_driver = np.empty(capacity, np.int32)
    o_day = np.empty(capacity, np.int32)
    o_number = np.empty(capacity, np.int32)
    o_from = np.empty(capacity, np.int32)
    o_to = np.empty(capacity, np.int32)
    o_purpose = np.empty(capacity, np.uint8)
    o_depart = np.empty(capacity, np.float64)
    o_dwell = np.empty(capacity, np.float64)
    n = 0
    known = np.empty(_MAX_KNOWN, np.int64)
    count = np.empty(_MAX_KNOWN, np.float64)
    # One day's trips before they are written: to, purpose, depart, dwell; at most 24.
    t_to = np.empty(32, np.int64)
    t_purpose = np.empty(32, np.int64)
    t_depart = np.empty(32, np.float64)
    t_dwell = np.empty(32, np.float64)
    starts = np.empty(8, np.float64)
    for driver in range(a, b):
        home, work = home_place[driver], work_place[driver]
        zone = zone_of_place[home]
        resident = kind[driver] == DriverKind.RESIDENT
        visitor = kind[driver] == DriverKind.VISITOR
        n_known = 0
        for i in range(_BURN_IN_VISITS):
            u = uniforms(explore_key, driver, i, 0, 2)
            what = PlaceKind.SHOP
            if u[2] < external_share:
                what = PlaceKind.EXTERNAL
            elif u[3] > 0.97:
                what = PlaceKind.CLINIC
            elif u[3] > 0.5:
                what = PlaceKind.LEISURE
            _, n_known = _choose_place(
                u[0], u[1], what, zone, known, count, n_known, place_kind, kind_start, cumulative, rho, gamma
            )
        at = home
        for day in range(days):
            weekday = (start_weekday + day) % 7
            midnight = day * 86400.0
            m = 0  # trips of the day
            draw = 0  # the day's next draw
            weekend = weekday >= 5
            if visitor:
                if _uniform(key, driver, day, draw) >= presence[driver]:
                    continue
                u = uniforms(key, driver, day, 1, 2)
                start = midnight + 3600.0 * (6.0 + 14.0 * 0.5 * (u[0] + u[1]))
                passes = u[2] < 0.55
                what = PlaceKind.EXTERNAL if passes else (PlaceKind.LEISURE if u[3] < 0.6 else PlaceKind.SHOP)
                lo, hi = kind_start[what], kind_start[what + 1]
                w = uniforms(key, driver, day, 2, 2)
                if hi > lo:
                    t_to[0] = min(lo + int(w[0] * (hi - lo)), hi - 1)
                    t_purpose[0] = Purpose.VISIT
                    t_depart[0] = start
                    t_dwell[0] = 120.0
                    t_to[1] = home
                    t_purpose[1] = Purpose.VISIT
                    t_depart[1] = 0.0
                    t_dwell[1] = np.exp(np.log(10800.0) + 0.7 * _normal(key, driver, day, 3))
                    m = 2
            else:
                # Work
                works = False
                job = schedule[driver]
                begin_h, length_h = work_start_h[driver], 8.6
                if work >= 0:
                    u = uniforms(key, driver, day, 0, 2)
                    if job == Schedule.DAY or job == Schedule.HYBRID or job == Schedule.DRIVING:
                        works = not weekend
                        if job == Schedule.HYBRID and u[0] < 0.45:
                            works = False
                    else:
                        # Five days of seven, the free ones shifting from driver to driver.
                        works = (weekday + driver) % 7 < 5
                    if job == Schedule.ROTATING:
                        shift = (day // 7 + driver) % 3
                        begin_h = 6.0 + 8.0 * shift
                        length_h = 8.2
                    if job == Schedule.EVENING or job == Schedule.NIGHT:
                        length_h = 8.2
                    if u[1] < 0.10:  # leave, illness, public holidays
                        works = False
                    begin_h += 0.2 * _normal(key, driver, day, 1)
                    length_h += 0.5 * _normal(key, driver, day, 2)
                work_from, work_to = -1.0, -1.0
                if works:
                    crow = np.hypot(x_m[home] - x_m[work], y_m[home] - y_m[work])
                    inside = max(crow - 0.8 * (beyond_m[home] + beyond_m[work]), 0.0)
                    estimate = 180.0 + inside / 8.5 + (beyond_m[home] + beyond_m[work]) / 22.0
                    leave = midnight + begin_h * 3600.0 - estimate
                    u = uniforms(key, driver, day, 3, 2)
                    first_depart = leave
                    school = school_place[driver]
                    if school >= 0 and not weekend and job != Schedule.NIGHT and resident and u[0] < 0.45:
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = (
                            school,
                            Purpose.SCHOOL,
                            leave - 600.0,
                            120.0,
                        )
                        first_depart = leave - 600.0
                        m += 1
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = work, Purpose.COMMUTE, 0.0, 240.0
                        m += 1
                    elif u[0] > 0.90:
                        place, n_known = _choose_place(
                            u[1], u[2], PlaceKind.SHOP, zone, known, count, n_known, place_kind, kind_start,
                            cumulative, rho, gamma,
                        )  # fmt: skip
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = (
                            place,
                            Purpose.ERRAND,
                            leave - 900.0,
                            120.0,
                        )
                        first_depart = leave - 900.0
                        m += 1
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = work, Purpose.COMMUTE, 0.0, 420.0
                        m += 1
                    else:
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = work, Purpose.COMMUTE, leave, 120.0
                        m += 1
                    end = midnight + (begin_h + length_h) * 3600.0
                    if job == Schedule.DRIVING:
                        calls = 2 + int(3.0 * u[3])
                        for c in range(calls):
                            v = uniforms(key, driver, day, 4 + c, 2)
                            what = PlaceKind.SHOP if v[0] < 0.5 else PlaceKind.LEISURE
                            lo, hi = kind_start[what], kind_start[what + 1]
                            t_to[m] = min(lo + int(v[1] * (hi - lo)), hi - 1)
                            t_purpose[m] = Purpose.WORK_RELATED
                            t_depart[m] = 0.0
                            t_dwell[m] = 1200.0 + 3000.0 * v[2]
                            m += 1
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = home, Purpose.COMMUTE, end, 900.0
                        m += 1
                    else:
                        w = uniforms(key, driver, day, 9, 2)
                        lunch = w[3] < 0.06 and job != Schedule.NIGHT
                        if lunch:
                            place, n_known = _choose_place(
                                w[1], w[2], PlaceKind.SHOP, zone, known, count, n_known, place_kind, kind_start,
                                cumulative, rho, gamma,
                            )  # fmt: skip
                            mid = midnight + (begin_h + 0.45 * length_h) * 3600.0
                            t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = (
                                place,
                                Purpose.ERRAND,
                                mid,
                                1800.0,
                            )
                            m += 1
                            t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = work, Purpose.ERRAND, 0.0, 1500.0
                            m += 1
                        v = uniforms(key, driver, day, 10, 2)
                        if v[0] < 0.27:
                            what = PlaceKind.SHOP if v[3] < 0.75 else PlaceKind.LEISURE
                            place, n_known = _choose_place(
                                v[1], v[2], what, zone, known, count, n_known, place_kind, kind_start, cumulative,
                                rho, gamma,
                            )  # fmt: skip
                            p = Purpose.ERRAND if what == PlaceKind.SHOP else Purpose.LEISURE
                            t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = place, p, end, 1800.0
                            m += 1
                            stay = np.exp(np.log(1500.0) + 0.5 * _normal(key, driver, day, 11))
                            t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = home, p, 0.0, stay
                            m += 1
                        else:
                            t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = (
                                home,
                                Purpose.COMMUTE,
                                end,
                                1800.0,
                            )
                            m += 1
                    work_from, work_to = first_depart, end + 2400.0
                n_work = m
                # Discretionary tours
                if resident:
                    rate = trip_rate[driver] * (0.33 if works else (0.95 if not weekend else 0.90))
                else:
                    rate = 0.05 * trip_rate[driver]
                tours = 0
                u0 = _uniform(key, driver, day, 20)
                term = np.exp(-rate)
                total = term
                while u0 > total and tours < 5:  # Poisson by inversion
                    tours += 1
                    term *= rate / tours
                    total += term
                table = 2 if job == Schedule.NIGHT and works else (1 if weekend else 0)
                n_tours = 0
                for i in range(tours):
                    u = uniforms(key, driver, day, 30 + i, 2)
                    hour = np.searchsorted(start_cumulative[table], u[0])
                    start = midnight + 3600.0 * (min(hour, 23) + u[1])
                    if work_to > 0 and work_from - 3600.0 < start < work_to:
                        # Working hours: rather after work, in the evening.
                        start = work_to + 600.0 + 9000.0 * u[2]
                    starts[n_tours] = start
                    n_tours += 1
                fixed_kind = 0  # 1 school run, 2 worship, made of the day's first extra tour
                u = uniforms(key, driver, day, 21, 2)
                if not works and not weekend and school_place[driver] >= 0 and resident and u[0] < 0.6:
                    starts[n_tours] = midnight + 3600.0 * (7.5 + 0.7 * u[1])
                    fixed_kind = 1
                elif weekday == 6 and worship_place[driver] >= 0 and resident and not works and u[0] < 0.55:
                    starts[n_tours] = midnight + 3600.0 * (9.0 + 1.5 * u[1])
                    fixed_kind = 2
                fixed_at = -1.0
                if fixed_kind > 0:
                    fixed_at = starts[n_tours]
                    n_tours += 1
                ordered = np.sort(starts[:n_tours])
                for i in range(n_tours):
                    u = uniforms(key, driver, day, 40 + 3 * i, 2)
                    v = uniforms(key, driver, day, 41 + 3 * i, 2)
                    if ordered[i] == fixed_at:
                        place = school_place[driver] if fixed_kind == 1 else worship_place[driver]
                        p = Purpose.SCHOOL if fixed_kind == 1 else Purpose.WORSHIP
                        typical = 400.0 if fixed_kind == 1 else 4800.0
                    else:
                        if u[0] < 0.50:
                            p, what, typical = Purpose.ERRAND, PlaceKind.SHOP, 2000.0
                        elif u[0] < 0.75:
                            p, what, typical = Purpose.LEISURE, PlaceKind.LEISURE, 5400.0
                        elif u[0] < 0.97:
                            p, what, typical = Purpose.VISIT, PlaceKind.LEISURE, 7200.0
                        else:
                            p, what, typical = Purpose.CLINIC, PlaceKind.CLINIC, 3000.0
                        if u[1] < external_share and p != Purpose.CLINIC:
                            what = PlaceKind.EXTERNAL
                            typical *= 1.3
                        place, n_known = _choose_place(
                            u[2], u[3], what, zone, known, count, n_known, place_kind, kind_start, cumulative,
                            rho, gamma,
                        )  # fmt: skip
                    t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = place, p, ordered[i], 300.0
                    m += 1
                    stay = typical * np.exp(0.5 * _normal(key, driver, day, 42 + 3 * i))
                    if v[0] < 0.25 and m < 26:
                        place, n_known = _choose_place(
                            v[1], v[2], PlaceKind.SHOP, zone, known, count, n_known, place_kind, kind_start,
                            cumulative, rho, gamma,
                        )  # fmt: skip
                        t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = place, Purpose.ERRAND, 0.0, stay
                        m += 1
                        stay = 900.0 + 1200.0 * v[3]
                        p = Purpose.ERRAND
                    t_to[m], t_purpose[m], t_depart[m], t_dwell[m] = home, p, 0.0, stay
                    m += 1
                # Tours before work are written first: rotate the work block behind them.
                if n_work > 0 and m > n_work:
                    early = n_work
                    while early < m:
                        if t_depart[early] > 0.0 and t_depart[early] >= work_from:
                            break
                        early += 1
                    if early > n_work:
                        order = np.concatenate(
                            (np.arange(n_work, early), np.arange(0, n_work), np.arange(early, m))
                        )
                        t_to[:m] = t_to[:m][order]
                        t_purpose[:m] = t_purpose[:m][order]
                        t_depart[:m] = t_depart[:m][order]
                        t_dwell[:m] = t_dwell[:m][order]
            if n + m > capacity:
                capacity *= 2
                o_driver = grown(o_driver, capacity)
                o_day = grown(o_day, capacity)
                o_number = grown(o_number, capacity)
                o_from = grown(o_from, capacity)
                o_to = grown(o_to, capacity)
                o_purpose = grown(o_purpose, capacity)
                o_depart = grown(o_depart, capacity)
                o_dwell = grown(o_dwell, capacity)
            carry_depart, carry_dwell = 0.0, 0.0
            for i in range(m):
                if t_to[i] == at:  # already there: the stay goes on, and what follows keeps its times
                    carry_depart = max(carry_depart, t_depart[i])
                    carry_dwell += t_dwell[i]
                    continue
                o_driver[n], o_day[n], o_number[n] = driver, day, i
                o_from[n], o_to[n], o_purpose[n] = at, t_to[i], t_purpose[i]
                o_depart[n] = max(t_depart[i], carry_depart)
                o_dwell[n] = t_dwell[i] + carry_dwell
                carry_depart, carry_dwell = 0.0, 0.0
                at = t_to[i]
                n += 1
    return (
        o_driver[:n], o_day[:n], o_number[:n], o_from[:n], o_to[:n], o_purpose[:n], o_depart[:n], o_dwell[:n],
    )  # fmt: skip
