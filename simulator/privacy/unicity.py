"""Unicity: the share of people whom a few known points of their trace single out among all.

Y.-A. de Montjoye, C. A. Hidalgo, M. Verleysen & V. D. Blondel (2013), Unique in the Crowd: The privacy bounds
of human mobility, Scientific Reports 3. A person is singled out by p points if nobody else was at all of
them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb

import numpy as np
import polars as pl
from numba import njit

from simulator.errors import ScenarioError
from simulator.privacy.time_to_inference import wilson
from simulator.privacy.traces import Traces
from simulator.streams import Stream, stream_key, uniforms

MOST_SUBSETS = 50_000_000
_MOST_POINTS = 64


@dataclass(frozen=True, kw_only=True)
class Unicity:
    """How many people p points single out.

    Parameters
    ----------
    points
        Points known, p.
    share
        Share singled out; NaN if no trace has p points.
    low, high
        95% interval (Wilson's, with each person counted once); the share itself if exact.
    people
        People asked about.
    too_short
        People whose trace has fewer than p points; they are asked about nowhere.
    exact
        Whether every subset of every trace was looked at.
    """

    points: int
    share: float
    low: float
    high: float
    people: int
    too_short: int
    exact: bool


def unicity(
    traces: Traces,
    points: int,
    *,
    seed: int = 0,
    people: int | None = None,
    draws: int = 1,
    exact: bool = False,
) -> Unicity:
    """Return how many people some points of their own trace single out.

    Parameters
    ----------
    traces
        Everybody's traces.
    points
        How many points are known, p. Who has fewer is left out, and counted.
    seed
        Root seed of the draws.
    people
        Ask about so many people, drawn without replacement; all if left out.
    draws
        Sets of p points drawn from each trace, each without replacement.
    exact
        Look at all sets of p points of all traces instead.

    Raises
    ------
    ScenarioError
        If ``points`` is out of range, or an exact answer would take too many sets.
    """
    if not 1 <= points <= _MOST_POINTS:
        raise ScenarioError(f"Unicity of {points} points cannot be told: give between 1 and {_MOST_POINTS}.")
    long_enough = np.flatnonzero(traces.length >= points)
    too_short = traces.n_people - len(long_enough)
    if len(long_enough) == 0:
        nan = float("nan")
        return Unicity(
            points=points, share=nan, low=nan, high=nan, people=0, too_short=too_short, exact=exact
        )
    visitors = traces.visitors
    if exact:
        subsets = sum(comb(int(n), points) for n in traces.length[long_enough])
        if subsets > MOST_SUBSETS:
            raise ScenarioError(
                f"Exact unicity of {points} points would take {subsets:,} sets, more than {MOST_SUBSETS:,}: "
                "sample (exact=False), or take fewer people, points or days."
            )
        each = _exact(long_enough, points, traces.indptr, traces.point, *visitors)
        share = float(each.mean())
        return Unicity(
            points=points,
            share=share,
            low=share,
            high=share,
            people=len(each),
            too_short=too_short,
            exact=True,
        )
    asked = long_enough
    key = stream_key(seed, Stream.UNICITY)
    if people is not None and people < len(asked):
        rng = np.random.Generator(np.random.Philox(key=stream_key(seed, Stream.UNICITY, "people")))
        asked = np.sort(rng.choice(asked, size=people, replace=False))
    each = _sampled(np.uint64(key), asked, points, draws, traces.indptr, traces.point, *visitors)
    share = float(each.mean())
    low, high = wilson(share * len(each), len(each))
    return Unicity(
        points=points,
        share=share,
        low=float(low),
        high=float(high),
        people=len(each),
        too_short=too_short,
        exact=False,
    )


def unicity_curve(
    traces: Traces, points: Iterable[int], *, seed: int = 0, people: int | None = None, draws: int = 1
) -> pl.DataFrame:
    """Return unicity for several numbers of points: the fields of :class:`Unicity`, one row a number."""
    rows = [unicity(traces, p, seed=seed, people=people, draws=draws).__dict__ for p in points]
    return pl.DataFrame(rows).with_columns(pl.col("share", "low", "high").fill_nan(None))


@njit(cache=True)
def _alone(known, p, visitors_indptr, visitor):  # type: ignore[no-untyped-def]
    """Whether only one person was at all of the first p known points."""
    least = 0
    for i in range(1, p):
        a, b = known[i], known[least]
        if visitors_indptr[a + 1] - visitors_indptr[a] < visitors_indptr[b + 1] - visitors_indptr[b]:
            least = i
    found = 0
    for j in range(visitors_indptr[known[least]], visitors_indptr[known[least] + 1]):
        who = visitor[j]
        everywhere = True
        for i in range(p):
            if i == least:
                continue
            lo, end = visitors_indptr[known[i]], visitors_indptr[known[i] + 1]
            hi = end
            while lo < hi:
                middle = (lo + hi) // 2
                if visitor[middle] < who:
                    lo = middle + 1
                else:
                    hi = middle
            if lo == end or visitor[lo] != who:
                everywhere = False
                break
        if everywhere:
            found += 1
            if found > 1:
                return False
    return True


@njit(cache=True, nogil=True)
def _sampled(key, people, p, draws, indptr, point, visitors_indptr, visitor):  # type: ignore[no-untyped-def]
    share = np.empty(len(people))
    row = np.empty(p, np.int64)
    known = np.empty(p, np.int64)
    for k in range(len(people)):
        person = people[k]
        start, n = indptr[person], indptr[person + 1] - indptr[person]
        alone = 0
        for draw in range(draws):
            # Floyd's algorithm: p of n rows without replacement, without touching the others.
            for i in range(p):
                last = n - p + i
                row[i] = min(int(uniforms(key, person, draw, i, 0)[0] * (last + 1)), last)
                for j in range(i):
                    if row[j] == row[i]:
                        row[i] = last
                        break
                known[i] = point[start + row[i]]
            alone += _alone(known, p, visitors_indptr, visitor)
        share[k] = alone / draws
    return share


@njit(cache=True, nogil=True)
def _exact(people, p, indptr, point, visitors_indptr, visitor):  # type: ignore[no-untyped-def]
    share = np.empty(len(people))
    row = np.empty(p, np.int64)
    known = np.empty(p, np.int64)
    for k in range(len(people)):
        start, n = indptr[people[k]], indptr[people[k] + 1] - indptr[people[k]]
        for i in range(p):
            row[i] = i
        alone, sets = 0, 0
        while True:
            for i in range(p):
                known[i] = point[start + row[i]]
            alone += _alone(known, p, visitors_indptr, visitor)
            sets += 1
            # The next set in lexicographic order.
            i = p - 1
            while i >= 0 and row[i] == n - p + i:
                i -= 1
            if i < 0:
                break
            row[i] += 1
            for j in range(i + 1, p):
                row[j] = row[j - 1] + 1
        share[k] = alone / sets
    return share
