"""Weights over the half-hours of a week: what an attacker believes about when people are where.

A *week curve* has 336 numbers, one for each half-hour from Monday 00:00. All curves here are the simple
attackers' own assumptions, not measurements, and are the same for everyone: whoever works at night is
misread, as the published attacks misread them.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

BIN_S = 1_800
BINS_A_DAY = 48
BINS_A_WEEK = 7 * BINS_A_DAY
WEEK_S = BINS_A_WEEK * BIN_S

WeekCurve = NDArray[np.float64]

#: Assumed chance of being at home by hour of the day: highest before dawn, lowest about noon (free).
AT_HOME_BY_HOUR = (
    *(0.95, 0.96, 0.97, 0.97, 0.96, 0.94, 0.88, 0.74, 0.56, 0.46, 0.42, 0.40),
    *(0.40, 0.39, 0.39, 0.41, 0.48, 0.59, 0.67, 0.72, 0.78, 0.85, 0.90, 0.93),
)


def always() -> WeekCurve:
    """Return a curve of ones."""
    return np.ones(BINS_A_WEEK)


def window(start_h: float, end_h: float, *, weekdays_only: bool = False) -> WeekCurve:
    """Return 1 between two hours of the day (past midnight if the end comes first), 0 elsewhere."""
    hour = np.arange(BINS_A_DAY) / 2.0
    inside = (hour >= start_h) & (hour < end_h) if start_h <= end_h else (hour >= start_h) | (hour < end_h)
    return _over_week(inside.astype(np.float64), weekdays_only=weekdays_only)


def bump(centre_h: float, half_width_h: float, *, weekdays_only: bool = False) -> WeekCurve:
    """Return a raised cosine about an hour of the day, 1 at its centre, 0 at and beyond its half width."""
    middle = np.arange(BINS_A_DAY) / 2.0 + 0.25
    away = np.abs((middle - centre_h + 12.0) % 24.0 - 12.0)
    day = np.where(away < half_width_h, 0.5 + 0.5 * np.cos(np.pi * away / half_width_h), 0.0)
    return _over_week(day, weekdays_only=weekdays_only)


def more_than_usual(curve: WeekCurve) -> WeekCurve:
    """Return a curve less its mean: positive when its place is likelier than at a random moment."""
    return np.asarray(curve - curve.mean(), dtype=np.float64)


def at_home() -> WeekCurve:
    """Return :data:`AT_HOME_BY_HOUR` on every day of the week."""
    return _over_week(np.repeat(AT_HOME_BY_HOUR, 2), weekdays_only=False)


def _over_week(day: WeekCurve, *, weekdays_only: bool) -> WeekCurve:
    week = np.tile(day, 7)
    if weekdays_only:
        week[5 * BINS_A_DAY :] = 0.0
    return week


@njit(cache=True)
def curve_at(curve, week_time_s):  # type: ignore[no-untyped-def]
    """Value of a week curve at a moment counted from any Monday 00:00."""
    return curve[(week_time_s % 604_800) // 1_800]


@njit(cache=True)
def curve_integral(curve, running, week_time_s):  # type: ignore[no-untyped-def]
    """Integral of a week curve from Monday 00:00 to a moment; ``running`` sums it up to each bin, seconds."""
    weeks = week_time_s // 604_800
    within = week_time_s - weeks * 604_800
    at = within // 1_800
    return weeks * running[336] + running[at] + curve[at] * (within - at * 1_800)
