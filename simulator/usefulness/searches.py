"""Searches for a car: by live hits on a hot list, by looking back, and by tracing it long afterwards.

Every search is a pure function of flat arrays, so that any view and any rule can be measured by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import ScenarioError
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.streams import Stream, generator

HOUR_S = 3_600
WEEK_DAYS = 7
_Times = NDArray[np.int64]
_TIME_BITS = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class SearchEvents:
    """Cars that are stolen, or whose drivers go missing; every array has shape (n_events,).

    Parameters
    ----------
    plate
        The plate that is sought.
    moves_like
        The plate whose car makes the trips that the sought one makes from the event on: its own where the
        driver goes on as usual, another driver's where a thief drives.
    event_s
        When it happens, seconds since the first midnight.
    listed_s
        When the plate is put on the hot list.
    """

    plate: NDArray[np.uint32]
    moves_like: NDArray[np.uint32]
    event_s: _Times
    listed_s: _Times

    @property
    def n_events(self) -> int:
        return len(self.plate)


def draw_events(
    plates: NDArray[np.uint32],
    *,
    days: int,
    seed: int,
    count: int = 2_000,
    delay_h: float = 6.0,
    thief: bool = False,
) -> SearchEvents:
    """Draw events at random times in the second half of a span, the last week excepted, one a plate at most.

    Parameters
    ----------
    plates
        Plates that may be sought, shape (n,).
    days
        Days that are simulated.
    seed
        Root seed of the replicate; what is drawn depends on no rule, so that rules are compared on the same
        events.
    count
        Events; no more than there are plates.
    delay_h
        Mean of the exponential delay until the plate is listed, hours (free).
    thief
        Whether somebody else drives from the event on: the trips of another driver drawn at random.

    Raises
    ------
    ScenarioError
        If there is nobody to seek, or too few days to seek them for a week.
    """
    if len(plates) == 0:
        raise ScenarioError("There is no driver whose plate could be sought.")
    if count < 1 or not delay_h >= 0:
        raise ScenarioError(
            f"A search needs 1 event or more and a delay of 0 hours or more, not {delay_h:g}."
        )
    if days < WEEK_DAYS + 2:
        raise ScenarioError(
            f"Searches last a week, and {days} days are simulated: run at least {WEEK_DAYS + 2} days."
        )
    rng = generator(seed, Stream.SEARCH_EVENTS)
    order = rng.permutation(len(plates))
    host = plates[rng.integers(0, len(plates), len(plates))]
    first, last = (days - WEEK_DAYS) / 2 * DAY_S, (days - WEEK_DAYS) * DAY_S
    when = rng.uniform(first, last, len(plates))
    delay = rng.exponential(1.0, len(plates)) * delay_h * HOUR_S
    chosen = order[:count]
    # Listed within the span, so that the week that follows is simulated.
    listed = np.minimum(when + delay, last)
    sought = plates[chosen].astype(np.uint32)
    return SearchEvents(
        plate=sought,
        moves_like=host[chosen].astype(np.uint32) if thief else sought,
        event_s=when[chosen].astype(np.int64),
        listed_s=np.maximum(listed[chosen], when[chosen]).astype(np.int64),
    )


def _key(plate: NDArray[np.uint32], time_s: _Times) -> _Times:
    return (plate.astype(np.int64) << _TIME_BITS) | np.maximum(time_s, 0)


def live_wait_s(usable: Sightings, plate: NDArray[np.uint32], listed_s: _Times) -> NDArray[np.float64]:
    """Return the seconds from each listing to the first usable read of the plate, inf if there is none.

    Parameters
    ----------
    usable
        Reads that are compared with the hot list and may be told to who seeks, by plate and time.
    plate, listed_s
        What is sought and from when on, shape (n_events,).
    """
    key = _key(usable.plate, usable.time_s)
    at = np.searchsorted(key, _key(plate, listed_s), side="left")
    inside = np.minimum(at, max(len(key) - 1, 0))
    if len(key) == 0:
        return np.full(len(plate), np.inf)
    found = (at < len(key)) & (usable.plate[inside] == plate)
    return np.where(found, usable.time_s[inside] - listed_s, np.inf)


def last_known(
    stored: Sightings,
    expires_s: _Times,
    plate: NDArray[np.uint32],
    now_s: _Times,
    since_s: _Times | None = None,
) -> NDArray[np.int64]:
    """Return the row of the latest read of each plate before now that is not deleted by now, or -1.

    Parameters
    ----------
    stored, expires_s
        A view's reads, by plate and time, and when each is gone.
    plate, now_s
        What is looked up, and when, shape (n_searches,).
    since_s
        Reads before this are of no interest; from the first on if left out.
    """
    key = _key(stored.plate, stored.time_s)
    begin_s = np.zeros_like(now_s) if since_s is None else since_s
    low = np.searchsorted(key, _key(plate, begin_s), side="left")
    high = np.searchsorted(key, _key(plate, now_s), side="left")
    out = np.full(len(plate), -1, dtype=np.int64)
    # Nearly always the latest read is still there; the few others step back together.
    at, open_ = high - 1, np.arange(len(plate))
    while len(open_):
        open_ = open_[at[open_] >= low[open_]]
        kept = expires_s[at[open_]] > now_s[open_]
        out[open_[kept]] = at[open_[kept]]
        open_ = open_[~kept]
        at[open_] -= 1
    return out


def traced(
    stored: Sightings,
    expires_s: _Times,
    plate: NDArray[np.uint32],
    *,
    from_s: _Times,
    to_s: _Times,
    asked_s: _Times,
) -> NDArray[np.bool_]:
    """Return whether a read of each plate in a span of time is still there when somebody asks later."""
    key = _key(stored.plate, stored.time_s)
    low = np.searchsorted(key, _key(plate, from_s), side="left")
    high = np.searchsorted(key, _key(plate, to_s), side="left")
    number = high - low
    rows = np.repeat(low, number) + np.arange(number.sum()) - np.repeat(np.cumsum(number) - number, number)
    event = np.repeat(np.arange(len(plate)), number)
    kept = expires_s[rows] > asked_s[event]
    return np.asarray(np.bincount(event[kept], minlength=len(plate)) > 0, dtype=np.bool_)
