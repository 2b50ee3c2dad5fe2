"""Rates of the two hottest kernels, on made-up input."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numba import njit

from simulator.sightings.capture import _read_fixed
from simulator.streams import uniforms

_PASSES_OF_A_LEG = 8
_LEGS, _CAMERAS, _DAYS = 5_000, 120, 90


def capture_rate(trips: int) -> float:
    """Return sightings a second of the capture kernel on one core.

    Parameters
    ----------
    trips
        Trips of a chunk; each passes eight readers, most of which read it.
    """
    rng = np.random.default_rng(0)
    per_day = 4
    number = np.arange(trips, dtype=np.int32) % per_day
    day = (np.arange(trips, dtype=np.int32) // per_day) % _DAYS
    driver = (np.arange(trips) // (per_day * _DAYS)).astype(np.int32)
    depart_s = day * 86_400.0 + 21_600.0 * number + rng.uniform(0, 18_000, trips)
    indptr = np.arange(_LEGS + 1, dtype=np.int64) * _PASSES_OF_A_LEG
    pass_s = np.sort(rng.uniform(0, 1_500, (_LEGS, _PASSES_OF_A_LEG)), axis=1).ravel()
    pass_camera = rng.integers(0, _CAMERAS, len(pass_s)).astype(np.int32)
    place = np.zeros(trips, dtype=np.int32)
    arguments = (
        np.uint64(1), np.uint64(2), driver, day, number, depart_s, depart_s + 1_800.0,
        rng.uniform(0.9, 1.1, trips), rng.integers(0, _LEGS, trips), place, place, indptr, pass_camera,
        pass_s,
        np.array([-1], dtype=np.int32), rng.integers(0, 2**32, _CAMERAS, dtype=np.uint32),
        np.full(_CAMERAS, 0.93), np.full(_CAMERAS, 0.05), np.ones((_CAMERAS, _DAYS), dtype=bool),
    )  # fmt: skip
    sightings = len(_read_fixed(*arguments)[0])  # also compiles, or loads what was compiled
    return sightings / _best_s(lambda: _read_fixed(*arguments))


def philox_rate(counters: int) -> float:
    """Return uniforms a second of the counter-based generator on one core, four for a counter."""
    _sum_of_uniforms(np.uint64(1), 1)
    return 4 * counters / _best_s(lambda: _sum_of_uniforms(np.uint64(1), counters))


@njit(cache=True)
def _sum_of_uniforms(key, counters):  # type: ignore[no-untyped-def]
    total = 0.0
    for i in range(counters):
        u = uniforms(key, i, 0, 0, 0)
        total += u[0] + u[1] + u[2] + u[3]
    return total


def _best_s(task: Callable[[], object], times: int = 5) -> float:
    best = float("inf")
    for _ in range(times):
        start = time.perf_counter()
        task()
        best = min(best, time.perf_counter() - start)
    return best
