"""Traces: the distinct points (a place in a span of time) of each person, at any resolution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

#: Side of the squares that stand for districts here, metres (an assumption: generated cities have none).
DISTRICT_M = 2_000.0
# Up to so many places x spans a table of all of them is quicker than sorting.
_TABLE = 1 << 28


@dataclass(frozen=True, kw_only=True, eq=False)
class Traces:
    """The points of some people.

    Parameters
    ----------
    indptr
        Points of person ``i`` are rows ``indptr[i]:indptr[i + 1]``, shape (n_people + 1,).
    point
        Distinct points of each person, ascending, numbered from 0; shape (n,).
    n_points
        How many distinct points there are.
    """

    indptr: NDArray[np.int64]
    point: NDArray[np.int32]
    n_points: int

    @property
    def n_people(self) -> int:
        return len(self.indptr) - 1

    @property
    def length(self) -> NDArray[np.int64]:
        """Return how many points each trace has, shape (n_people,)."""
        return np.diff(self.indptr)

    @cached_property
    def visitors(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return who was at each point: row pointers, shape (n_points + 1,), and people, ascending."""
        count = np.bincount(self.point, minlength=self.n_points)
        person = np.repeat(np.arange(self.n_people, dtype=np.int32), self.length)
        order = np.argsort(self.point, kind="stable")
        return np.concatenate([[0], np.cumsum(count)]).astype(np.int64), person[order]


def make_traces(
    person: NDArray[np.integer],
    place: NDArray[np.integer],
    time_s: NDArray[np.integer],
    *,
    n_people: int,
    minutes: float,
) -> Traces:
    """Return traces from sightings (or stays) in any order.

    Parameters
    ----------
    person
        0 to ``n_people - 1``, shape (n,).
    place
        Any code of a place: the reader, :func:`cells`, a district; shape (n,).
    time_s
        Seconds since the first midnight, shape (n,).
    n_people
        How many people there are, those without a point included.
    minutes
        Length of a span of time, from minutes to days (1,440).

    Raises
    ------
    ValueError
        If the span is not positive.
    """
    if minutes <= 0:
        raise ValueError(f"a span of {minutes} minutes is not longer than 0")
    span = np.asarray(time_s, dtype=np.int64) // max(round(minutes * 60), 1)
    if len(span) == 0:
        return Traces(
            indptr=np.zeros(n_people + 1, dtype=np.int64), point=np.empty(0, dtype=np.int32), n_points=0
        )
    code, n_places = dense(place)
    span -= span.min()
    spans = int(span.max()) + 1
    width = n_places * spans
    key = np.sort(np.asarray(person, dtype=np.int64) * width + code * spans + span)
    # np.unique would hash, which is slow where nearly all keys differ.
    key = key[np.flatnonzero(np.diff(key, prepend=-1))]
    who, at = key // width, key % width
    if width <= _TABLE:
        point, n_points = _by_table(at, width)
    else:
        distinct, point = np.unique(at, return_inverse=True)
        n_points = len(distinct)
    count = np.bincount(who, minlength=n_people)
    return Traces(
        indptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        point=point.astype(np.int32),
        n_points=n_points,
    )


def dense(code: NDArray[np.integer]) -> tuple[NDArray[np.int64], int]:
    """Number the codes that occur from 0 in their order; return the numbers and how many there are."""
    codes: NDArray[np.int64] = np.asarray(code, dtype=np.int64)
    if not len(codes):
        return codes, 0
    low, high = int(codes.min()), int(codes.max())
    if high - low < 4 * len(codes):
        return _by_table(codes - low, high - low + 1)
    distinct, number = np.unique(codes, return_inverse=True)
    return number.astype(np.int64), len(distinct)


def _by_table(code: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], int]:
    used = np.zeros(width, dtype=np.bool_)
    used[code] = True
    return (np.cumsum(used, dtype=np.int64) - 1)[code], int(used.sum())


def cells(x_m: NDArray[np.floating], y_m: NDArray[np.floating], side_m: float) -> NDArray[np.int64]:
    """Return the square of a given side in which each position lies, as a code."""
    column = np.floor(np.asarray(x_m, dtype=np.float64) / side_m).astype(np.int64)
    row = np.floor(np.asarray(y_m, dtype=np.float64) / side_m).astype(np.int64)
    return (row << 32) + (column + (1 << 31))
