"""What each rule of an archive does to sightings: some are never stored, some blurred, all others expire.

Every function is a pure one of flat arrays with one element a sighting;
:mod:`simulator.sightings.archive` puts them together.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.archive_rules import Pseudonyms, SwitchOff
from simulator.sightings.view import DAY_S
from simulator.streams import uniforms

NEVER_S = np.int64(2**62)
_PERIOD_DAYS = {"daily": 1, "weekly": 7, "monthly": 30}
_Rows = NDArray[np.bool_]
_Times = NDArray[np.int64]


def after(time_s: _Times, days: float | None) -> _Times:
    """Return when sightings are gone that are kept for some days (for ever: None)."""
    if days is None:
        return np.full(len(time_s), NEVER_S)
    return time_s + np.int64(round(days * DAY_S))


def switched_off(time_s: _Times, rule: SwitchOff) -> _Rows:
    """Return which sightings fall on days without reads."""
    day = time_s // DAY_S + 1
    off = day >= rule.from_day
    return off if rule.to_day is None else off & (day <= rule.to_day)


def erased_at(time_s: _Times, rule: SwitchOff) -> _Times:
    """Return when a switch-off that erases deletes what was stored before it."""
    begins_s = np.int64((rule.from_day - 1) * DAY_S)
    # At the end of the day before, the archive is still there.
    return np.where(time_s < begins_s, begins_s + 1, NEVER_S)


def near_any(
    x_m: NDArray[np.floating],
    y_m: NDArray[np.floating],
    places: NDArray[np.float64],
    radius_m: float,
) -> _Rows:
    """Return which sightings lie within a radius of any place; ``places`` has shape (n_places, 2)."""
    if len(places) == 0 or len(x_m) == 0:
        return np.zeros(len(x_m), dtype=np.bool_)
    # A fixed reader reads at one point over and over; complex numbers sort faster than rows do.
    points, back = np.unique(x_m.astype(np.float64) + 1j * y_m, return_inverse=True)
    distance_m, _ = cKDTree(places).query(np.column_stack([points.real, points.imag]))
    return np.asarray(distance_m <= radius_m, dtype=np.bool_)[back]


def near_own_home(
    x_m: NDArray[np.floating],
    y_m: NDArray[np.floating],
    home_x_m: NDArray[np.float64],
    home_y_m: NDArray[np.float64],
    radius_m: float,
) -> _Rows:
    """Return which sightings lie within a radius of their plate's home (one a sighting; NaN: none known)."""
    return np.hypot(x_m - home_x_m, y_m - home_y_m) <= radius_m


def on_hot_list(key: int, plate: NDArray[np.uint32], share: float) -> _Rows:
    """Return whether each plate is on the hot list; a plate always gets the same answer."""
    return np.asarray(
        _draw(np.uint64(key), plate, np.zeros(len(plate), np.int64), np.zeros(len(plate), np.uint32)) < share
    )


def kept_at_random(
    key: int, plate: NDArray[np.uint32], time_s: _Times, camera_key: NDArray[np.uint32], share: float
) -> _Rows:
    """Return which sightings survive thinning; what one share keeps, any larger share keeps as well."""
    return np.asarray(_draw(np.uint64(key), plate, time_s, camera_key) < share)


def label_ends(plate: NDArray[np.uint32], time_s: _Times, rule: Pseudonyms) -> _Times:
    """Return from when on a sighting's label is no longer the one that its plate has now.

    Sightings are sorted by plate and time. A label that changes at a midnight is still the current one for
    who looks at the end of the day before.
    """
    if rule.rotation == "never":
        return np.full(len(time_s), NEVER_S)
    if rule.rotation != "trip":
        period_s = np.int64(_PERIOD_DAYS[rule.rotation] * DAY_S)
        return (time_s // period_s + 1) * period_s + 1
    ends = np.full(len(time_s), NEVER_S)
    starts = np.ones(len(time_s), dtype=np.bool_)
    starts[1:] = (plate[1:] != plate[:-1]) | (np.diff(time_s) >= rule.gap_minutes * 60)
    first = np.flatnonzero(starts)
    trip = np.cumsum(starts) - 1
    # A trip's label lasts until its plate is read on the next one.
    follows = first[1:]
    same = plate[follows] == plate[follows - 1]
    trip_end = np.full(len(first), NEVER_S)
    trip_end[:-1][same] = time_s[follows[same]] + 1
    ends[:] = trip_end[trip]
    return ends


def rounded_time(time_s: _Times, minutes: int) -> _Times:
    """Return times cut down to a step that divides a day, so that no sighting moves to another day."""
    return time_s // (60 * minutes) * (60 * minutes)


def rounded_place(value_m: NDArray[np.floating], grid_m: float) -> NDArray[np.float64]:
    """Return the middle of the square that holds a coordinate."""
    return (np.floor(value_m.astype(np.float64) / grid_m) + 0.5) * grid_m


def merged_readers(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], owner: NDArray[np.int32], grid_m: float
) -> NDArray[np.int32]:
    """Return, for each reader, the reader that stands for all of its owner's in one square.

    The one nearest to the middle does; readers on cars (NaN) stand for themselves, as their number does not
    tell where they are.
    """
    stands_for = np.arange(len(x_m), dtype=np.int32)
    fixed = np.flatnonzero(np.isfinite(x_m))
    middle_x, middle_y = rounded_place(x_m[fixed], grid_m), rounded_place(y_m[fixed], grid_m)
    off_m = np.hypot(x_m[fixed] - middle_x, y_m[fixed] - middle_y)
    order = np.lexsort((fixed, off_m, owner[fixed], middle_y, middle_x))
    square = np.column_stack([middle_x, middle_y, owner[fixed]])[order]
    new = np.ones(len(order), dtype=np.bool_)
    new[1:] = (square[1:] != square[:-1]).any(axis=1)
    stands_for[fixed[order]] = fixed[order][np.flatnonzero(new)][np.cumsum(new) - 1]
    return stands_for


@njit(cache=True)
def _draw(key, plate, time_s, camera_key):  # type: ignore[no-untyped-def]
    out = np.empty(len(plate), np.float64)
    for i in range(len(plate)):
        out[i] = uniforms(key, plate[i], time_s[i], camera_key[i], 0)[0]
    return out
