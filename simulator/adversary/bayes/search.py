"""Where a driver's place is, among all hypotheses: by cells first, then street by street in the likely ones.

What each sign is worth is known by then (:func:`simulator.adversary.bayes.infer.gains`). Of each cell it is
known how likely a sign is in the middle of it: that tells about what the cell holds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows

# What lies deeper below the likeliest (log) counts for nothing.
MASS_DEPTH = 12.0
# Slices of depth by which cells and places are counted, and leaves of a slice by which places are sorted.
_SLICES_A_UNIT, _LEAVES = 32, 32
_SLICES = int(MASS_DEPTH) * _SLICES_A_UNIT
# A place's part of the whole below which it is not listed.
_LEAST_LISTED = 1e-6
_LEAVES_A_SLICE = np.uint64(_LEAVES)
_SLICE_MASS = np.exp(-np.arange(_SLICES) / _SLICES_A_UNIT)
_MIDDLE_OF_SLICE = float(np.exp(-0.5 / _SLICES_A_UNIT))
# What part of the mass is looked for.
_ENOUGH = 0.99


class Room(NamedTuple):
    """Room to work in, the same for one plate after another.

    ``entry[r, c]`` is the row that is about cell ``c`` in the column of slot ``r``'s sign, if that is what
    the row says: else there is none. Of the cells looked into, ``cells``, number ``i`` is
    ``looked[cells[i]] == i + 1`` (0: not looked into), and levels of the sign in slot ``r`` at its doors
    start at ``at[i, r]`` of ``door_level`` (-1: it is never seen there).
    """

    middle: NDArray[np.float32]
    odds: NDArray[np.float64]
    entry: NDArray[np.int32]
    looked: NDArray[np.int32]
    cells: NDArray[np.int32]
    at: NDArray[np.int64]
    score: NDArray[np.float32]
    value: NDArray[np.float32]
    cell_leaf: NDArray[np.int16]
    cells_of_slice: NDArray[np.int64]
    leaf: NDArray[np.int16]
    of_slice: NDArray[np.int64]
    of_leaf: NDArray[np.int64]
    some: NDArray[np.int32]
    by_leaf: NDArray[np.int32]
    best: NDArray[np.int32]


@njit(cache=True)
def make_room(home, work, max_cells, slots):  # type: ignore[no-untyped-def]
    """Return room for either target, for as many cells looked into and as many signs."""
    n_cells = max(len(home.log_cell_prior), len(work.log_cell_prior))
    n_places = max(len(home.prior), len(work.prior))
    n_doors = max(np.diff(home.door_indptr).max(), np.diff(work.door_indptr).max())
    max_cells = min(max_cells, n_cells)
    return Room(
        np.empty(n_cells, np.float32),
        np.zeros(n_cells),
        np.zeros((slots, n_cells), np.int32),
        np.zeros(n_cells, np.int32),
        np.empty(n_cells + 1, np.int32),
        np.empty((max_cells, slots), np.int64),
        np.zeros(n_doors, np.float32),
        np.empty(n_places, np.float32),
        np.empty(n_cells, np.int16),
        np.zeros(_SLICES + 1, np.int64),
        np.empty(n_places, np.int16),
        np.zeros(_SLICES + 1, np.int64),
        np.zeros(_LEAVES, np.int64),
        np.empty(n_places + 1, np.int32),
        np.empty(n_places, np.int32),
        np.empty(n_places, np.int32),
    )


@borrows()
def decay(depth):  # type: ignore[no-untyped-def]
    """Return exp(-depth) of a depth from 0 to below the greatest, to 4e-8 of it.

    A tenth of all time went into the exponential function: the slice's, by table, and four terms of a series.
    """
    at = np.int64(depth * _SLICES_A_UNIT)
    x = depth - at / _SLICES_A_UNIT
    return _SLICE_MASS[np.uint64(at)] * (1.0 - x * (1.0 - x * (0.5 - x / 6.0)))


@borrows()
def _slice(log_mass, first, last, top, leaf, of_slice):  # type: ignore[no-untyped-def]
    """Number the leaf of each log-mass of some rows, from ``top`` down, and count how many each slice has."""
    a_unit, deepest = np.float32(_SLICES_A_UNIT * _LEAVES), np.float32(_SLICES * _LEAVES)
    for i in range(np.uint64(first), np.uint64(last)):
        leaf[i] = np.int16(min((top - log_mass[i]) * a_unit, deepest))
    for i in range(np.uint64(first), np.uint64(last)):
        of_slice[np.uint64(leaf[i]) // _LEAVES_A_SLICE] += 1


@borrows(fastmath={"reassoc"})
def _mass_of(of_slice, first):  # type: ignore[no-untyped-def]
    """Return the mass of what is in the slices from some slice on, each at its middle."""
    mass = 0.0
    for d in range(first, _SLICES):
        mass += of_slice[d] * _SLICE_MASS[d]
    return mass * _MIDDLE_OF_SLICE


@borrows()
def _judge_cells(slots, slot_key, gain, side, n_where, where, odds, room):  # type: ignore[no-untyped-def]
    """Fill the log-weight that each cell has about."""
    middle = room.middle
    for c in range(len(side.log_cell_prior)):
        middle[c] = side.log_cell_prior[c]
    # Numbers that are not negative are said to be so in what runs most: an index that may be negative takes
    # two more instructions each time.
    cell, level = side.col_cell, side.col_level
    for r in range(1, slots):
        row, j, entry = gain[r], slot_key[r], room.entry[r]
        for i in range(np.uint64(side.col_indptr[j]), np.uint64(side.col_indptr[j + 1])):
            its = np.uint64(cell[i])
            middle[its] += row[level[i]]
            entry[its] = i
    # Of a cell's places, those near the sighting gain.
    for i in range(n_where):
        p = where[i]
        room.odds[side.cell_of_place[p]] += side.prior[p] * odds[p]
    for i in range(n_where):
        c = side.cell_of_place[where[i]]
        middle[c] += np.float32(np.log(1.0 + room.odds[c] / side.cell_prior[c]))
        room.odds[c] = 0.0


@borrows()
def _rank_cells(n_cells, room):  # type: ignore[no-untyped-def]
    """Slice the cells by what they hold; return the best one's log-mass, and what all hold with that as 1."""
    middle = room.middle
    best = middle[0]
    for c in range(n_cells):
        if middle[c] > best:
            best = middle[c]
    room.cells_of_slice[:] = 0
    _slice(middle, 0, n_cells, best, room.cell_leaf, room.cells_of_slice)
    return best, _mass_of(room.cells_of_slice, 0)


@borrows()
def _choose_cells(n_cells, looked, most, cut, known, others, room):  # type: ignore[no-untyped-def]
    """List more cells to look into, after those of the slices down to ``cut``.

    It is those with most of the mass until there is no more worth looking for, and at most so many in all.
    ``known`` is the mass of those looked into and ``others`` about that of all others. Returns how many cells
    are listed then, down to which slice, and the mass of others.
    """
    cells, leaf, of_slice = room.cells, room.cell_leaf, room.cells_of_slice
    first, n = cut * _LEAVES, looked
    while cut < _SLICES and others > (1.0 - _ENOUGH) * (known + others) and n < most:
        if n + of_slice[cut] > most and n > 0:
            break
        its = of_slice[cut] * _SLICE_MASS[cut] * _MIDDLE_OF_SLICE
        n, known, others, cut = n + of_slice[cut], known + its, others - its, cut + 1
    n, last = looked, cut * _LEAVES
    if first == last:
        return looked, cut, max(others, 0.0)
    for c in range(n_cells):
        cells[n] = c
        n += (leaf[c] >= first) & (leaf[c] < last)
    # More than so many only in the first slice, much the same: some of them are looked into.
    others += max(n - most, 0) * _MIDDLE_OF_SLICE
    return min(n, most), cut, max(others, 0.0)


@borrows()
def _look_into(  # type: ignore[no-untyped-def]
    first, last, slots, slot_key, gain, side, n_where, where, odds, top, room
):
    """Weigh the places of the cells ``first`` up to ``last``; return the most that one has by now."""
    looked, score, at, value, door_level = room.looked, room.score, room.at, room.value, side.door_level
    log_prior, out, into, indptr = side.log_prior, side.door_out, side.door_into, side.cell_indptr
    n_signs = len(side.col_indptr) // 2
    for i in range(first, last):
        c = room.cells[i]
        looked[c] = i + 1
        for r in range(1, slots):
            j, k = slot_key[r], room.entry[r, c]
            there = side.col_indptr[j] <= k and k < side.col_indptr[j + 1] and side.col_cell[k] == c
            at[i, r] = side.col_first[k] if there else -1
    for i in range(first, last):
        c = room.cells[i]
        n_out = side.door_middle[c] - side.door_indptr[c]
        n_doors = side.door_indptr[c + 1] - side.door_indptr[c]
        score[:n_doors] = 0.0
        for s in range(2):
            # The doors over which cars leave, then those over which they come.
            a, b = (0, n_out) if s == 0 else (n_out, n_doors)
            one = 0
            for r in range(1, slots):
                if at[i, r] < 0 or (slot_key[r] >= n_signs) != s:
                    continue
                if one == 0:
                    one = r
                    continue
                # Two signs at a time, so that sums are fetched and put back half as often.
                row, other = gain[one], gain[r]
                skip, skip_other = np.uint64(at[i, one] - a), np.uint64(at[i, r] - a)
                for d in range(np.uint64(a), np.uint64(b)):
                    score[d] += row[door_level[skip + d]] + other[door_level[skip_other + d]]
                one = 0
            if one > 0:
                row, skip = gain[one], np.uint64(at[i, one] - a)
                for d in range(np.uint64(a), np.uint64(b)):
                    score[d] += row[door_level[skip + d]]
        for p in range(np.uint64(indptr[c]), np.uint64(indptr[c + 1])):
            value[p] = log_prior[p] + score[out[p]] + score[into[p]]
    for i in range(n_where):
        if looked[side.cell_of_place[where[i]]] > first:
            value[where[i]] += np.float32(np.log(1.0 + odds[where[i]]))
    for i in range(first, last):
        c = room.cells[i]
        for p in range(np.uint64(indptr[c]), np.uint64(indptr[c + 1])):
            if value[p] > top:
                top = value[p]
    return top


@borrows()
def _slice_places(n_looked, indptr, top, room):  # type: ignore[no-untyped-def]
    """Slice the weighed places; return their mass, with the likeliest as 1."""
    room.of_slice[:] = 0
    for i in range(n_looked):
        c = room.cells[i]
        _slice(room.value, indptr[c], indptr[c + 1], top, room.leaf, room.of_slice)
    return _mass_of(room.of_slice, 0)


@borrows()
def _list_best(n_looked, indptr, n_top, room):  # type: ignore[no-untyped-def]
    """Sort the likeliest of the sliced places into ``room.best``; return their number.

    What is not listed is summed up by slices of depth; that sum is returned, too.
    """
    value, leaf, some, by_leaf, best = room.value, room.leaf, room.some, room.by_leaf, room.best
    of_slice, of_leaf = room.of_slice, room.of_leaf
    cut, listed = _SLICES, 0
    for d in range(_SLICES):
        its = of_slice[d]
        of_slice[d] = listed
        listed += its
        if listed >= n_top:
            cut = d + 1
            break
    kept, below = np.uint64(0), cut * _LEAVES
    for i in range(n_looked):
        c = room.cells[i]
        for p in range(np.uint64(indptr[c]), np.uint64(indptr[c + 1])):
            some[kept] = p
            kept += np.uint64(leaf[p] < below)
    # By leaf within the slice first, then by slice, each in the order they are in.
    of_leaf[:] = 0
    for k in range(kept):
        of_leaf[np.uint64(leaf[np.uint64(some[k])]) % _LEAVES_A_SLICE] += 1
    before = 0
    for d in range(_LEAVES):
        its = of_leaf[d]
        of_leaf[d] = before
        before += its
    for k in range(kept):
        its = np.uint64(leaf[np.uint64(some[k])]) % _LEAVES_A_SLICE
        by_leaf[np.uint64(of_leaf[its])] = some[k]
        of_leaf[its] += 1
    for k in range(kept):
        its = np.uint64(leaf[np.uint64(by_leaf[k])]) // _LEAVES_A_SLICE
        best[np.uint64(of_slice[its])] = by_leaf[k]
        of_slice[its] += 1
    # Leaves are thin, so that an insertion sort has little left to do.
    for k in range(1, listed):
        p, j = best[k], k
        its = value[np.uint64(p)]
        while j > 0 and value[np.uint64(best[j - 1])] < its:
            best[j] = best[j - 1]
            j -= 1
        best[j] = p
    return listed, _mass_of(of_slice, cut)


@borrows()
def posterior(  # type: ignore[no-untyped-def]
    slots, none_likelihood, nowhere, slot_key, gain, side, n_where, where, odds, max_cells, room, places,
    masses,
):  # fmt: skip
    """Work out one target's posterior; ``places`` and ``masses`` receive the likeliest.

    ``nowhere`` is the prior of there being no such place. The places near sightings by readers on cars are
    ``where[:n_where]``; see :mod:`simulator.adversary.bayes.parked`. Returns how many places are listed, how
    many cells were looked into, and the mass of "none". What was looked into is known until :func:`forget`.
    """
    if slots == 1 and n_where == 0:
        # Nothing speaks about it: the belief is the prior, and needs no list.
        none = nowhere * np.exp(none_likelihood)
        return 0, 0, none / (1.0 - nowhere + none)
    _judge_cells(slots, slot_key, gain, side, n_where, where, odds, room)
    n_cells = len(side.log_cell_prior)
    middle, others = _rank_cells(n_cells, room)
    looked, cut, known, top = 0, 0, 0.0, np.float32(-np.inf)
    # What cells hold about may be far from what they hold, and then there is more that is worth looking for.
    while True:
        more, cut, others = _choose_cells(n_cells, looked, max_cells, cut, known, others, room)
        if more == looked:
            break
        top = _look_into(looked, more, slots, slot_key, gain, side, n_where, where, odds, top, room)
        looked = more
        known = _slice_places(looked, side.cell_indptr, top, room) * np.exp(np.float64(top - middle))
    listed, whole = _list_best(looked, side.cell_indptr, len(places), room)
    none = nowhere / (1.0 - nowhere) * np.exp(none_likelihood - top) if nowhere > 0.0 else 0.0
    whole += others * np.exp(np.float64(middle - top)) + none
    for i in range(min(listed, len(places))):
        masses[i] = decay(np.float64(top - room.value[np.uint64(room.best[i])]))
        places[i] = room.best[i]
        whole += masses[i]
    for i in range(len(places), listed):
        whole += decay(np.float64(top - room.value[np.uint64(room.best[i])]))
    n, a_whole = 0, np.float32(1.0 / whole)
    for i in range(min(listed, len(places))):
        masses[i] *= a_whole
        n += masses[i] > _LEAST_LISTED
    places[n:] = -1
    masses[n:] = 0.0
    return n, looked, none / whole


@borrows()
def level_at(side, s, place, r, room):  # type: ignore[no-untyped-def]
    """Return the level of the sign in slot ``r`` where cars leave a weighed place, or come (``s`` 1)."""
    c = np.uint64(side.cell_of_place[place])
    at = room.at[np.uint64(room.looked[c] - 1), r]
    if at < 0:
        return np.uint8(0)
    if s == 0:
        return side.door_level[np.uint64(at) + side.door_out[place]]
    n_out = np.uint64(side.door_middle[c] - side.door_indptr[c])
    return side.door_level[np.uint64(at) + side.door_into[place] - n_out]


@borrows()
def forget(looked, slots, slot, slot_key, room):  # type: ignore[no-untyped-def]
    """Make room for the next posterior."""
    n_signs = slot.shape[1]
    for i in range(looked):
        room.looked[room.cells[i]] = 0
    for r in range(1, slots):
        slot[slot_key[r] // n_signs, slot_key[r] % n_signs] = 0
