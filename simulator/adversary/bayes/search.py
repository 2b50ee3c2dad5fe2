"""Where a driver's place is, among all hypotheses: branch and bound over cells, then street by street.

What each sign is worth is known by then (:func:`simulator.adversary.bayes.infer.gains`). Of each cell it is
known how likely a sign is in the middle of it and at most: that tells about what the cell holds, and the most
that one of its streets can have.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.tables import LEVELS

# Cells none of whose places can be within this of the likeliest place (log) are not looked into, and what
# lies deeper than the second figure counts for nothing.
_LOOK_DEPTH = 7.0
MASS_DEPTH = 12.0
# Slices of depth by which places are sorted, and a place's part of the whole below which it is not listed.
_SLICES_A_UNIT = 32
_SLICES = int(MASS_DEPTH) * _SLICES_A_UNIT
_LEAST_LISTED = 1e-6
# Numbers that are not negative are said to be so in what runs most: an index that may be negative takes two
# more instructions each time.
_ONE, _LEVEL_BITS, _LEVEL_MASK = np.uint64(1), np.uint64(np.log2(LEVELS)), np.uint64(LEVELS - 1)
_SLICE_MASS = np.exp(-np.arange(_SLICES) / _SLICES_A_UNIT)
# What part of the mass is looked for.
_ENOUGH = 0.99


class Room(NamedTuple):
    """Room to work in, the same for one plate after another."""

    high: NDArray[np.float64]
    middle: NDArray[np.float64]
    held_by: NDArray[np.float64]
    odds: NDArray[np.float64]
    chosen: NDArray[np.int8]
    cells: NDArray[np.int64]
    score: NDArray[np.float64]
    place: NDArray[np.int64]
    value: NDArray[np.float64]
    deep: NDArray[np.int64]
    weight: NDArray[np.float64]
    best: NDArray[np.int64]
    mass: NDArray[np.float64]


@njit(cache=True)
def make_room(home, work):  # type: ignore[no-untyped-def]
    """Return room for either target."""
    n_cells = max(len(home.cell_prior), len(work.cell_prior))
    n_places = max(len(home.prior), len(work.prior))
    return Room(
        np.empty(n_cells),
        np.empty(n_cells),
        np.empty(n_cells),
        np.zeros(n_cells),
        np.zeros(n_cells, np.int8),
        np.empty(n_cells, np.int64),
        np.zeros(max(home.door_indptr[-1], work.door_indptr[-1])),
        np.empty(n_places, np.int64),
        np.empty(n_places),
        np.zeros(_SLICES + 1, np.int64),
        np.zeros(_SLICES + 1),
        np.empty(n_places, np.int64),
        np.empty(n_places),
    )


@borrows()
def decay(depth):  # type: ignore[no-untyped-def]
    """Return exp(-depth) of a depth from 0 to below the greatest, to 4e-8 of it.

    A tenth of all time went into the exponential function: the slice's, by table, and four terms of a series.
    """
    at = np.uint64(depth * _SLICES_A_UNIT)
    x = depth - np.float64(at) / _SLICES_A_UNIT
    return _SLICE_MASS[at] * (1.0 - x * (1.0 - x * (0.5 - x / 6.0)))


@borrows()
def _judge_cells(slots, slot_key, gain, side, n_where, where, odds, room):  # type: ignore[no-untyped-def]
    """Fill the log-weight that each cell has about, and the most that one of its places can have."""
    high, middle = room.high, room.middle
    for c in range(len(side.cell_prior)):
        high[c], middle[c] = side.log_most_prior[c], side.log_cell_prior[c]
    cell, most, level = side.col_cell, side.col_most, side.col_level
    for r in range(1, slots):
        row, j = gain[r], slot_key[r]
        for i in range(np.uint64(side.col_indptr[j]), np.uint64(side.col_indptr[j + 1])):
            its = np.uint64(cell[i])
            high[its] += row[most[i]]
            middle[its] += row[level[i]]
    for i in range(n_where):
        p = where[i]
        c = side.cell_of_place[p]
        # Of a cell's places, those near the sighting gain.
        high[c] += np.log(1.0 + odds[p])
        room.odds[c] += side.prior[p] / side.cell_prior[c] * odds[p]
    for i in range(n_where):
        c = side.cell_of_place[where[i]]
        middle[c] += np.log(1.0 + room.odds[c])
        room.odds[c] = 0.0


@borrows()
def _look_into(first, last, slots, slot_key, gain, side, odds, n, top, room):  # type: ignore[no-untyped-def]
    """Weigh the places of the cells ``first`` up to ``last``; return how many there are now, and the most."""
    chosen, score, cell, entries = room.chosen, room.score, side.col_cell, side.row
    for i in range(first, last):
        chosen[room.cells[i]] = 2
    # A column is sorted by cell: of few cells it is searched, for many it is read through.
    few = last - first == 1
    for r in range(1, slots):
        row, j = gain[r], slot_key[r]
        a, b = side.col_indptr[j], side.col_indptr[j + 1]
        if few and b > a:
            a += np.searchsorted(cell[a:b], room.cells[first])
            b = min(a + 1, b)
        for i in range(np.uint64(a), np.uint64(b)):
            c = np.uint64(cell[i])
            if chosen[c] == 2:
                door = np.uint64(side.door_indptr[c])
                for q in range(np.uint64(side.col_first[i]), np.uint64(side.col_first[i + _ONE])):
                    entry = np.uint64(entries[q])
                    score[door + (entry >> _LEVEL_BITS)] += row[entry & _LEVEL_MASK]
    log_prior, out, into, place, value = side.log_prior, side.door_out, side.door_into, room.place, room.value
    for i in range(first, last):
        c = room.cells[i]
        chosen[c] = 1
        for p in range(np.uint64(side.cell_indptr[c]), np.uint64(side.cell_indptr[c + 1])):
            v = log_prior[p] + score[np.uint64(out[p])] + score[np.uint64(into[p])]
            if odds[p] > 0.0:
                v += np.log(1.0 + odds[p])
            place[n], value[n] = p, v
            n += 1
            top = max(top, v)
        for d in range(side.door_indptr[c], side.door_indptr[c + 1]):
            score[d] = 0.0
    return n, top


@borrows()
def _choose_cells(n_cells, start, most, top, known, room):  # type: ignore[no-untyped-def]
    """List the cells to look into, from row ``start`` on; return their number, and the best one's log-mass.

    ``room.held_by`` receives what each cell holds about, with the best as 1.
    Those looked into hold ``known`` times the mass of the likeliest place. It is those with most of the mass
    until there is no more worth looking for, and at most so many; the bound tells which cannot hold a likely
    place.
    """
    high, middle, deep, weight, held_by = room.high, room.middle, room.deep, room.weight, room.held_by
    best = middle[0]
    for c in range(n_cells):
        best = max(best, middle[c])
    deep[:] = 0
    weight[:] = 0.0
    whole, n = known * np.exp(top - best), 0
    weight[_SLICES] = whole
    for c in range(n_cells):
        below = best - middle[c]
        held_by[c] = decay(below) if below < MASS_DEPTH else 0.0
        if room.chosen[c] == 0 and held_by[c] > 0.0 and high[c] >= top - _LOOK_DEPTH:
            at = np.uint64(below * _SLICES_A_UNIT)
            whole += held_by[c]
            room.cells[start + n] = c
            n += 1
            deep[at] += 1
            weight[at] += held_by[c]
    cut, held, looked = 0, 0, weight[_SLICES]
    while cut < _SLICES and looked < _ENOUGH * whole and (cut == 0 or held + deep[cut] <= most):
        held += deep[cut]
        looked += weight[cut]
        cut += 1
    kept = 0
    for i in range(n):
        c = room.cells[start + i]
        if int((best - middle[c]) * _SLICES_A_UNIT) < cut:
            room.cells[start + kept] = c
            kept += 1
    return kept, best


@borrows()
def _list_best(n, n_top, top, room):  # type: ignore[no-untyped-def]
    """Sort the likeliest of ``n`` weighed places into ``room.best``; return their number.

    What is not listed is summed up by slices of depth, each at its middle; that sum is returned, too.
    """
    deep, value, best = room.deep, room.value, room.best
    deep[:] = 0
    for i in range(n):
        below = (top - value[i]) * _SLICES_A_UNIT
        if below < _SLICES:
            deep[np.uint64(below)] += 1
    cut, listed = 0, 0
    while cut < _SLICES and listed < n_top:
        listed += deep[cut]
        cut += 1
    rest = 0.0
    for d in range(cut, _SLICES):
        rest += deep[d] * _SLICE_MASS[d]
    rest *= np.exp(-0.5 / _SLICES_A_UNIT)
    start = 0
    for d in range(cut):
        start, deep[d] = start + deep[d], start
    for i in range(n):
        below = (top - value[i]) * _SLICES_A_UNIT
        if below < cut:
            slice_ = np.uint64(below)
            best[np.uint64(deep[slice_])] = i
            deep[slice_] += 1
    # Slices are in order, so that an insertion sort has little left to do.
    for k in range(1, listed):
        i, j = best[k], k
        its = value[np.uint64(i)]
        while j > 0 and value[np.uint64(best[j - 1])] < its:
            best[j] = best[j - 1]
            j -= 1
        best[j] = i
    return listed, rest


@borrows()
def posterior(  # type: ignore[no-untyped-def]
    slots, none_likelihood, nowhere, slot, slot_key, gain, side, n_where, where, odds, max_cells, n_top, room
):
    """Work out one target's posterior; return how many places are listed, and the mass of "none".

    ``nowhere`` is the prior of there being no such place. Places and their masses, likeliest first, are
    ``room.best`` and ``room.mass``. The places near sightings by readers on cars are ``where[:n_where]``; see
    :mod:`simulator.adversary.bayes.parked`. Branch and bound: cells are judged first by the most that one of
    their places can reach, and only those are looked into that may hold one of the likeliest.
    """
    if slots == 1 and n_where == 0:
        # Nothing speaks about it: the belief is the prior, and needs no list.
        none = nowhere * np.exp(none_likelihood)
        return 0, none / (1.0 - nowhere + none)
    n_cells = len(side.cell_prior)
    _judge_cells(slots, slot_key, gain, side, n_where, where, odds, room)
    room.cells[0] = np.argmax(room.high[:n_cells])
    n, top = _look_into(0, 1, slots, slot_key, gain, side, odds, 0, -1e300, room)
    known = 0.0
    for i in range(n):
        below = top - room.value[i]
        known += decay(below) if below < MASS_DEPTH else 0.0
    more, best = _choose_cells(n_cells, 1, max_cells, top, known, room)
    looked = 1 + more
    n, top = _look_into(1, looked, slots, slot_key, gain, side, odds, n, top, room)
    listed, whole = _list_best(n, n_top, top, room)
    for i in range(listed):
        room.mass[i] = decay(top - room.value[room.best[i]])
        whole += room.mass[i]
    others = 0.0
    for c in range(n_cells):
        if room.chosen[c] == 0:
            others += room.held_by[c]
    whole += others * np.exp(best - top)
    for i in range(looked):
        room.chosen[room.cells[i]] = 0
    none = nowhere / (1.0 - nowhere) * np.exp(none_likelihood - top) if nowhere > 0.0 else 0.0
    whole += none
    n_signs = slot.shape[1]
    for r in range(1, slots):
        slot[slot_key[r] // n_signs, slot_key[r] % n_signs] = 0
    kept = 0
    while kept < min(listed, n_top) and room.mass[kept] > _LEAST_LISTED * whole:
        room.best[kept] = room.place[room.best[kept]]
        room.mass[kept] /= whole
        kept += 1
    return kept, none / whole
