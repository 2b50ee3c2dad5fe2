"""What an attacker believes about home and work together, kept small: how far they depend on each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

#: Rows of ``lift`` for homes that have none of their own: those on the map, those beyond it.
OTHER_HOMES = 2
#: Columns likewise: work places on the map, those beyond it, and none at all.
OTHER_WORKS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Joint:
    """What makes one posterior over pairs of the posteriors of homes and of work places.

    A home ``h`` and a work place ``w`` weigh ``home.mass[h] * work.mass[w] * lift * kinds``, with
    ``work.none`` in place of ``work.mass[w]`` for no work place at all. Their probability is that over the
    sum for all pairs; what the two posteriors do not list is spread by the prior.

    Parameters
    ----------
    home
        Homes that go with some work places better than with others, -1 where there are fewer; shape
        (n_plates, n_checkpoints, n_homes).
    row
        The row of ``lift`` that each of these homes has, the same shape.
    work
        Work places, each with a column of ``lift``, shape (n_plates, n_checkpoints, n_works).
    lift
        How many times likelier a pair is than if home and work had nothing to do with each other, shape
        (n_plates, n_checkpoints, n_homes + OTHER_HOMES, n_works + OTHER_WORKS).
    kinds
        The same for kinds of home (on the map, beyond it) and of work place (and none), shape (n_plates,
        n_checkpoints, OTHER_HOMES, OTHER_WORKS).
    """

    home: NDArray[np.int32]
    row: NDArray[np.int8]
    work: NDArray[np.int32]
    lift: NDArray[np.float32]
    kinds: NDArray[np.float32]


@njit(cache=True)
def rows_of(place, inside, paired, row, n_paired, row_at, rows):  # type: ignore[no-untyped-def]
    """Fill the rows of one plate's listed places; return their number.

    ``place`` and ``paired`` end at the first -1; ``row_at``, one entry a hypothesis, is all -1 before and
    after.
    """
    for i in range(len(paired)):
        if paired[i] < 0:
            break
        row_at[paired[i]] = row[i]
    n = 0
    while n < len(place) and place[n] >= 0:
        h = place[n]
        rows[n] = row_at[h]
        if rows[n] < 0:
            rows[n] = n_paired if inside[h] else n_paired + 1
        n += 1
    for i in range(len(paired)):
        if paired[i] < 0:
            break
        row_at[paired[i]] = -1
    return n


@njit(cache=True)
def kinds_of_rows(paired, row, inside, kind):  # type: ignore[no-untyped-def]
    """Fill the kind of each row: on the map, beyond it; and, the last column, no work place."""
    n_paired = len(paired)
    kind[:n_paired] = 0
    for i in range(n_paired):
        if paired[i] < 0:
            break
        if not inside[paired[i]]:
            kind[row[i]] = 1
    for i in range(n_paired, len(kind)):
        kind[i] = i - n_paired


@njit(cache=True)
def mass_by_row(place, mass, rows, n, prior, inside, outside, none, n_paired, by_row):  # type: ignore[no-untyped-def]
    """Fill the mass of each row; what is not listed is spread by the prior, on the map and beyond it."""
    by_row[:] = 0.0
    left, left_prior, left_outside = 1.0 - none, 1.0, outside
    for i in range(n):
        by_row[rows[i]] += mass[i]
        left -= mass[i]
        its = prior[place[i]]
        left_prior -= its
        if not inside[place[i]]:
            left_outside -= its
    if left > 0.0:
        beyond = left * min(max(left_outside, 0.0) / max(left_prior, 1e-12), 1.0)
        by_row[n_paired] += left - beyond
        by_row[n_paired + 1] += beyond
