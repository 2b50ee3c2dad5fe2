"""Utility, a policy's price: the share of sought cars that are found under each rule.

Three searches, for the same events under every rule:

*live*
    the first read after the plate is listed that the agency may be told of: within an hour, a day, a week;
*look-back*
    the latest read kept when the plate is listed: how fresh it is, and whether the car is still within 1 km;
*trace*
    somebody asks, days later, where the car was on the day before the event: is a read of it kept?

What is assumed: events strike drivers and hours at random; the delay until a plate is listed is a free
parameter; a hit counts as found, whether or not anybody drives out; nobody avoids readers or changes plates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.privacy.time_to_inference import wilson
from simulator.sightings.archive import Ground, look_into
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.usefulness.rules import RuleInForce, live_archive
from simulator.usefulness.searches import HOUR_S, SearchEvents, last_known, live_wait_s, traced

LIVE_WITHIN_S: Mapping[str, int] = {"1 hour": HOUR_S, "1 day": DAY_S, "1 week": 7 * DAY_S}
TRACE_DAYS = (1, 7, 30, 90, 365)
TRACE_WINDOW_S = DAY_S
NEAR_M = 1_000.0
#: Reported: so much of all alerts is wrong, for all causes; only misreads are modelled here.
REPORTED_WRONG_SHARE = (0.05, 0.35)


@dataclass(frozen=True, kw_only=True, eq=False)
class Whereabouts:
    """Where sought cars truly are when their plates are listed, metres, shape (n_events,)."""

    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]


def utility(
    in_force: RuleInForce,
    reads: Sightings,
    stray: NDArray[np.bool_],
    ground: Ground,
    events: SearchEvents,
    truth: Whereabouts,
) -> pl.DataFrame:
    """Return the share found under one rule, by search and by time.

    Parameters
    ----------
    in_force
        The rule and who searches.
    reads
        All reads under drivers' plates before any rule, by plate, time and reader.
    stray
        Which of them are another car, misread, shape (n_sightings,); such a hit finds nobody.
    ground
        What rules are measured against.
    events
        What is sought.
    truth
        Where the sought cars are when listed.

    Returns
    -------
    polars.DataFrame
        ``rule, agency, search, within, events, found, share, low, high`` with Wilson's 95% intervals (each
        driver is sought once at most, so that events are independent given the readers).
    """
    rows = []
    for search, within, found in searched(in_force, reads, stray, ground, events, truth):
        n, k = events.n_events, int(found.sum())
        low, high = (float(v) for v in wilson(k, n))
        rows.append(
            {
                "rule": in_force.rule,
                "agency": in_force.agency,
                "search": search,
                "within": within,
                "events": n,
                "found": k,
                "share": k / n,
                "low": low,
                "high": high,
            }
        )
    return pl.DataFrame(rows)


def searched(
    in_force: RuleInForce,
    reads: Sightings,
    stray: NDArray[np.bool_],
    ground: Ground,
    events: SearchEvents,
    truth: Whereabouts,
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield each search, each time, and which events it finds, shape (n_events,); see :func:`utility`."""
    usable, _ = look_into(live_archive(in_force.archive), reads.take(~stray), ground)
    wait_s = live_wait_s(usable, events.moves_like, events.listed_s)
    for within, limit_s in LIVE_WITHIN_S.items():
        yield "live", within, wait_s <= limit_s

    stored, expires_s = look_into(in_force.archive, reads, ground)
    age_s, near = _looked_back(stored, expires_s, events, truth)
    for within, limit_s in LIVE_WITHIN_S.items():
        yield "look-back", within, age_s <= limit_s
    yield "look-back", "any time", np.isfinite(age_s)
    yield "look-back", "now within 1 km", near
    for days in TRACE_DAYS:
        kept = traced(
            stored,
            expires_s,
            events.plate,
            from_s=events.event_s - TRACE_WINDOW_S,
            to_s=events.event_s,
            asked_s=events.event_s + days * DAY_S,
        )
        yield "trace", f"asked after {days} d", kept


def _looked_back(
    stored: Sightings, expires_s: NDArray[np.int64], events: SearchEvents, truth: Whereabouts
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return how old the latest kept read is at the listing (inf: none), and if it is near the car."""
    if stored.n_sightings == 0:
        return np.full(events.n_events, np.inf), np.zeros(events.n_events, dtype=np.bool_)
    at = last_known(stored, expires_s, events.plate, events.listed_s)
    as_usual = events.moves_like == events.plate
    if not as_usual.all():
        # The owner's reads end with the event; then come those of whoever drives.
        before = last_known(stored, expires_s, events.plate, np.minimum(events.event_s, events.listed_s))
        # A read before the event that is deleted by the time of the listing is of no use.
        alive = (before >= 0) & (expires_s[np.maximum(before, 0)] > events.listed_s)
        after = last_known(stored, expires_s, events.moves_like, events.listed_s, events.event_s)
        at = np.where(as_usual, at, np.where(after >= 0, after, np.where(alive, before, -1)))
    found = at >= 0
    row = np.maximum(at, 0)
    age_s = np.where(found, events.listed_s - stored.time_s[row], np.inf)
    off_m = np.hypot(stored.x_m[row] - truth.x_m, stored.y_m[row] - truth.y_m)
    return age_s, found & (off_m <= NEAR_M)


def false_alerts(
    in_force: RuleInForce,
    reads: Sightings,
    stray: NDArray[np.bool_],
    ground: Ground,
    events: SearchEvents,
    *,
    listed_days: float = 7.0,
) -> dict[str, float]:
    """Return how many alerts are another car's, misread, for each that is true.

    Parameters
    ----------
    in_force, reads, stray, ground, events
        As for :func:`utility`.
    listed_days
        For how long a plate stays on the list.

    Returns
    -------
    dict
        ``true_alerts``, ``false_alerts``, and ``wrong_share`` of all alerts with its interval ``low``,
        ``high``; NaN where there was no alert.
    """
    numbers = []
    # Whoever drives, the sought plate is what a misread lands on.
    for part, plate in ((~stray, events.moves_like), (stray, events.plate)):
        usable, _ = look_into(live_archive(in_force.archive), reads.take(part), ground)
        key = (usable.plate.astype(np.int64) << 32) | usable.time_s
        until_s = events.listed_s + int(listed_days * DAY_S)
        bounds = [
            np.searchsorted(key, (plate.astype(np.int64) << 32) | t) for t in (events.listed_s, until_s)
        ]
        numbers.append(int((bounds[1] - bounds[0]).sum()))
    true, false = numbers
    if true + false == 0:
        return {"true_alerts": 0, "false_alerts": 0, "wrong_share": np.nan, "low": np.nan, "high": np.nan}
    low, high = (float(v) for v in wilson(false, true + false))
    return {
        "true_alerts": true,
        "false_alerts": false,
        "wrong_share": false / (true + false),
        "low": low,
        "high": high,
    }
