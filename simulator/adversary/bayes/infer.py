"""The posterior of plate after plate, at every checkpoint: cells first, then the streets of likely cells.

The readers at the ends of a driver's stays are draws from a habit of the driver's own, and habits scatter
around what the place makes likely: a Dirichlet-multinomial (Polya urn) with mean ``T(. | place)`` and
concentration ``alpha``. A reader's first sighting weighs ``log T``, its sixtieth hardly anything: a habit
explains it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.events import N_CLASSES, count_stays
from simulator.adversary.bayes.pairs import weigh_pairs
from simulator.adversary.bayes.parked import park
from simulator.adversary.bayes.tables import LEVELS, chance_of
from simulator.adversary.bayes.urn import FACTORS, urn_gain

# Cells none of whose places can be within this of the likeliest place (log) are not looked into, and what
# lies deeper than the second figure counts for nothing.
_LOOK_DEPTH = 7.0
_MASS_DEPTH = 12.0
# Slices of depth by which places are sorted, and a place's part of the whole below which it is not listed.
_SLICES_A_UNIT = 16
_SLICES = int(_MASS_DEPTH) * _SLICES_A_UNIT
_LEAST_LISTED = 1e-6
_SURE_CELLS = 1
# What part of the mass is looked for.
_ENOUGH = 0.995
_NOTED_HOMES = 10
_LEAST_NOTED = 0.02
# Grid of z at which log(1 + exp(z)) is tabulated; its step is that of the levels of probability.
_Z_LOW, _Z_HIGH = -9.0, 24.0


class Room(NamedTuple):
    """Room to work in, the same for one plate after another."""

    high: NDArray[np.float64]
    middle: NDArray[np.float64]
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


def softplus_table(step: float) -> NDArray[np.float64]:
    """Return log(1 + exp(z)) at z = -9, -9 + step, ... for :func:`gains`."""
    return np.asarray(np.log1p(np.exp(np.arange(_Z_LOW, _Z_HIGH + step, step))))


@njit(cache=True)
def gains(  # type: ignore[no-untyped-def]
    counts, touched, n_touched, own, usual, mixed, mixed_share, none_share, alpha, temper, chance, softplus,
    slot, slot_key, gain,
):  # fmt: skip
    """Tabulate what each touched sign says for each level of probability, against level "never".

    Stays of class ``k`` are spent at the place in a share ``own[k]`` of cases (0: the class does not speak
    about this target); in the others, signs are as ``usual`` and, in a share, as ``mixed`` says.
    ``slot[side, sign]`` receives the row of ``gain`` (row 0 is all zero), ``slot_key`` the reverse. Returns
    the number of rows, and the log-likelihood of there being no such place.
    """
    n_signs = counts.shape[1]
    n_levels = len(chance)
    step = np.log(chance[1] / chance[0])
    used = 1
    none = 0.0
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] <= 0.0:
            continue
        side = kind % 2
        n = counts[kind, c]
        other = (1.0 - mixed_share) * usual[c] + mixed_share * mixed[side, c]
        nowhere = (1.0 - none_share) * usual[c] + none_share * mixed[side, c]
        a = alpha * (1.0 - own[kind]) * other
        none += temper * urn_gain(n, a, alpha * nowhere)
        row = slot[side, c]
        if row == 0:
            row = used
            slot[side, c] = row
            slot_key[row] = side * n_signs + c
            gain[row] = 0.0
            used += 1
        # log((b + i) / (a + i)) = log(1 + exp(z)), and z grows by one step a level.
        for i in range(min(n, FACTORS)):
            z = np.log(alpha * own[kind] * chance[0] / (a + i))
            at = int(np.rint((z - _Z_LOW) / step))
            for j in range(n_levels):
                place = min(at + j, len(softplus) - 1)
                if place >= 0:
                    gain[row, j] += temper * softplus[place]
        if n > FACTORS:
            tail = temper * alpha * own[kind] * np.log((n + a) / (FACTORS + a))
            for j in range(n_levels):
                gain[row, j] += tail * chance[j]
    return used, none


@njit(cache=True)
def make_room(home, work):  # type: ignore[no-untyped-def]
    """Return room for either target."""
    n_cells = max(len(home.cell_prior), len(work.cell_prior))
    n_places = max(len(home.prior), len(work.prior))
    return Room(
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


@njit(cache=True)
def _judge_cells(slots, slot_key, gain, side, n_where, where, odds, room):  # type: ignore[no-untyped-def]
    """Fill the log-weight that each cell has about, and the most that one of its places can have."""
    high, middle = room.high, room.middle
    for c in range(len(side.cell_prior)):
        high[c], middle[c] = side.log_most_prior[c], side.log_cell_prior[c]
    for r in range(1, slots):
        row, j = gain[r], slot_key[r]
        for i in range(side.col_indptr[j], side.col_indptr[j + 1]):
            c = side.col_cell[i]
            high[c] += row[side.col_most[i]]
            middle[c] += row[side.col_level[i]]
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


@njit(cache=True)
def _look_into(first, last, slots, slot_key, gain, side, odds, n, top, room):  # type: ignore[no-untyped-def]
    """Weigh the places of the cells ``first`` up to ``last``; return how many there are now, and the most."""
    for i in range(first, last):
        room.chosen[room.cells[i]] = 2
    # A column is sorted by cell: of few cells it is searched, for many it is read through.
    few = last - first == 1
    for r in range(1, slots):
        row, j = gain[r], slot_key[r]
        a, b = side.col_indptr[j], side.col_indptr[j + 1]
        if few and b > a:
            a += np.searchsorted(side.col_cell[a:b], room.cells[first])
            b = min(a + 1, b)
        for i in range(a, b):
            if room.chosen[side.col_cell[i]] == 2:
                for q in range(side.col_first[i], side.col_first[i] + side.col_size[i]):
                    entry = side.row[q]
                    room.score[entry // LEVELS] += row[entry % LEVELS]
    for i in range(first, last):
        c = room.cells[i]
        room.chosen[c] = 1
        for p in range(side.cell_indptr[c], side.cell_indptr[c + 1]):
            v = side.log_prior[p] + room.score[side.door_out[p]] + room.score[side.door_into[p]]
            if odds[p] > 0.0:
                v += np.log(1.0 + odds[p])
            room.place[n], room.value[n] = p, v
            n += 1
            top = max(top, v)
        for d in range(side.door_indptr[c], side.door_indptr[c + 1]):
            room.score[d] = 0.0
    return n, top


@njit(cache=True)
def _choose_cells(n_cells, start, most, top, room):  # type: ignore[no-untyped-def]
    """List the cells to look into, from row ``start`` on; return their number.

    It is those with most of the mass until there is no more worth looking for, and at most so many; the bound
    tells which cannot hold a likely place.
    """
    high, middle, deep, weight = room.high, room.middle, room.deep, room.weight
    best = middle[0]
    for c in range(n_cells):
        best = max(best, middle[c])
    deep[:] = 0
    weight[:] = 0.0
    whole, n = 0.0, 0
    for c in range(n_cells):
        below = best - middle[c]
        if below >= _MASS_DEPTH:
            continue
        mass = np.exp(-below)
        whole += mass
        at = int(below * _SLICES_A_UNIT)
        if room.chosen[c] == 0 and high[c] >= top - _LOOK_DEPTH:
            room.cells[start + n] = c
            n += 1
            deep[at] += 1
            weight[at] += mass
        elif room.chosen[c] == 0:
            whole -= mass
        else:
            weight[_SLICES] += mass
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
    return kept


@njit(cache=True)
def _list_best(n, n_top, top, room):  # type: ignore[no-untyped-def]
    """Sort the likeliest of ``n`` weighed places into ``room.best``; return their number.

    What is not listed is summed up by slices of depth, each at its middle; that sum is returned, too.
    """
    deep = room.deep
    deep[:] = 0
    for i in range(n):
        below = (top - room.value[i]) * _SLICES_A_UNIT
        if below < _SLICES:
            deep[int(below)] += 1
    cut, listed = 0, 0
    while cut < _SLICES and listed < n_top:
        listed += deep[cut]
        cut += 1
    rest = 0.0
    for d in range(cut, _SLICES):
        if deep[d] > 0:
            rest += deep[d] * np.exp(-(d + 0.5) / _SLICES_A_UNIT)
    start = 0
    for d in range(cut):
        start, deep[d] = start + deep[d], start
    for i in range(n):
        below = (top - room.value[i]) * _SLICES_A_UNIT
        if below < cut:
            d = int(below)
            room.best[deep[d]] = i
            deep[d] += 1
    # Slices are in order, so that an insertion sort has little left to do.
    for k in range(1, listed):
        i, j = room.best[k], k
        while j > 0 and room.value[room.best[j - 1]] < room.value[i]:
            room.best[j] = room.best[j - 1]
            j -= 1
        room.best[j] = i
    return listed, rest


@njit(cache=True)
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
    sure = min(_SURE_CELLS, n_cells)
    for i in range(sure):
        best = -1
        for c in range(n_cells):
            if room.chosen[c] == 0 and (best < 0 or room.high[c] > room.high[best]):
                best = c
        room.cells[i], room.chosen[best] = best, 1
    n, top = _look_into(0, sure, slots, slot_key, gain, side, odds, 0, -1e300, room)
    looked = sure + _choose_cells(n_cells, sure, max_cells, top, room)
    n, top = _look_into(sure, looked, slots, slot_key, gain, side, odds, n, top, room)
    listed, whole = _list_best(n, n_top, top, room)
    for i in range(listed):
        room.mass[i] = np.exp(room.value[room.best[i]] - top)
        whole += room.mass[i]
    # What the other cells hold is judged by their middles, which are too high where signs are many, since no
    # one street shows them all: by as much as in the cells that were looked into.
    judged, left = 0.0, 0.0
    for c in range(n_cells):
        if room.middle[c] > top - _MASS_DEPTH:
            if room.chosen[c] == 0:
                left += np.exp(room.middle[c] - top)
            else:
                judged += np.exp(room.middle[c] - top)
    if judged > 0.0:
        whole += left * min(whole / judged, 1.0)
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


@njit(cache=True)
def tempered(counts, touched, n_touched, own, full, half):  # type: ignore[no-untyped-def]
    """Return the power that a target's likelihood is taken to.

    What is wrong in the tables is wrong every day and does not average out, so that evidence grows less
    than in proportion to the number ``n`` of different signs: as ``full n (1 + n / half) ** -0.6``. Repeats
    of a sign are the urn's business.
    """
    n_signs = counts.shape[1]
    n = 0.0
    for k in range(n_touched):
        n += own[touched[k] // n_signs]
    return full * (1.0 + n / half) ** -0.6


@njit(cache=True)
def infer_plates(  # type: ignore[no-untyped-def]
    view, checkpoint_days, start_weekday, of_pair, usual, setting, home, work, ways, chance, softplus, places,
    masses, no_work,
):  # fmt: skip
    """Fill ``places`` and ``masses``, shape (2 targets, n_plates, n_checkpoints, n_top), and ``no_work``.

    The view, the settings, the sides and the ways between them are named tuples of arrays.
    """
    alpha, n_signs, n_top = setting.alpha, len(usual), places.shape[3]
    n_sightings = len(view.time_s)
    counts = np.zeros((N_CLASSES, n_signs), np.int32)
    touched = np.empty(8 * n_sightings + 8, np.int64)
    slot = np.zeros((2, n_signs), np.int64)
    visible = np.empty(n_sightings, np.int64)
    slot_key = np.zeros(2 * n_signs + 1, np.int64)
    gain = np.zeros((1024, len(chance)))
    room = make_room(home, work)
    mixed = np.zeros((2, n_signs))
    n_places = len(room.value)
    odds, day_of, where = np.zeros(n_places), np.full(n_places, -1, np.int64), np.empty(n_places, np.int64)
    home_at = np.zeros(len(home.place_of_edge))
    at_sign = np.zeros((2, n_signs), np.int32)
    for p in range(len(view.indptr) - 1):
        a, b = view.indptr[p], view.indptr[p + 1]
        if 4 * (b - a) + 8 > gain.shape[0]:
            gain = np.zeros((4 * (b - a) + 8, len(chance)))
        for k in range(len(checkpoint_days)):
            now_s = np.int64(checkpoint_days[k]) * 86_400
            n_touched = count_stays(
                view.time_s[a:b], view.camera[a:b], view.passed, view.expires_s[a:b], now_s,
                start_weekday, of_pair, visible, counts, touched,
            )  # fmt: skip
            h_temper = tempered(
                counts, touched, n_touched, setting.home_own, setting.home_full, setting.home_half
            )
            w_temper = tempered(
                counts, touched, n_touched, setting.work_own, setting.work_full, setting.work_half
            )
            for target in range(2):
                side, at_place = (home, setting.at_home) if target == 0 else (work, setting.at_work)
                own, temper = (setting.home_own, h_temper) if target == 0 else (setting.work_own, w_temper)
                at_home, none_home, nowhere = 0.0, 0.0, 0.0
                if target == 1:
                    at_home, none_home, nowhere = setting.work_home, setting.none_home, setting.no_work
                slots, none = gains(
                    counts, touched, n_touched, own, usual, mixed, at_home, none_home, alpha, temper, chance,
                    softplus, slot, slot_key, gain,
                )  # fmt: skip
                n_where, unseen = park(
                    view.time_s[a:b], view.expires_s[a:b], now_s, start_weekday, view.near_row[a:b],
                    view.near_edge, view.near_share, view.near_lot, side.place_of_edge, side.density,
                    at_place, home_at, odds, day_of, where,
                )  # fmt: skip
                n, no_work[p, k] = posterior(
                    slots, none + unseen, nowhere, slot, slot_key, gain, side, n_where, where, odds,
                    setting.max_cells, n_top, room,
                )  # fmt: skip
                for i in range(n_where):
                    odds[where[i]], day_of[where[i]] = 0.0, -1
                for i in range(n):
                    places[target, p, k, i], masses[target, p, k, i] = room.best[i], room.mass[i]
                if target == 0:
                    _note_home(
                        home, places[0, p, k], masses[0, p, k], chance, counts, touched, n_touched,
                        setting.work_own, home_at, mixed, 1.0,
                    )  # fmt: skip
            listed = places[0, p, k].copy(), masses[0, p, k].copy()
            no_work[p, k] = weigh_pairs(
                home, work, ways, counts, touched, n_touched, usual, mixed, setting.work_home,
                setting.work_own, alpha, w_temper, chance, places[0, p, k], masses[0, p, k],
                places[1, p, k], masses[1, p, k], no_work[p, k], at_sign,
            )  # fmt: skip
            _note_home(
                home, listed[0], listed[1], chance, counts, touched, n_touched, setting.work_own, home_at,
                mixed, 0.0,
            )  # fmt: skip
            for i in range(n_touched):
                counts[touched[i] // n_signs, touched[i] % n_signs] = 0


@njit(cache=True)
def _note_home(  # type: ignore[no-untyped-def]
    home, places, masses, chance, counts, touched, n_touched, own, home_at, mixed, scale
):
    """Note down what is believed about home for the work place's turn; with ``scale`` 0, forget it.

    A car that stands at home is not seen at work; and a gap over noon may be spent at home, too: what home
    makes likely is no news about work.
    """
    for i in range(len(places)):
        if places[i] < 0:
            break
        if home.edge[places[i]] >= 0:
            home_at[home.edge[places[i]]] = scale * masses[i]
    n_signs = counts.shape[1]
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] <= 0.0:
            continue
        side, likely = kind % 2, 0.0
        if scale > 0.0:
            for i in range(min(_NOTED_HOMES, len(places))):
                if places[i] < 0 or masses[i] < _LEAST_NOTED:
                    break
                node = home.head[places[i]] if side == 0 else home.tail[places[i]]
                likely += masses[i] * chance_of(home, side, node, c, chance)
        mixed[side, c] = likely


@njit(cache=True)
def point_guesses(  # type: ignore[no-untyped-def]
    place, mass, inside, x_m, y_m, radius_m, out_x_m, out_y_m, out_confidence
):
    """Guess, for each row, the likely place with most posterior mass near it.

    Mass counts by a smooth kernel of the radius' size, since a radius is not meant to the metre; the
    confidence is the plain mass within it. Places beyond a gateway are near to nothing: a guess is always
    on the map.
    """
    n_top = place.shape[1]
    for r in range(place.shape[0]):
        best, best_at = 0.0, -1
        for i in range(min(n_top, 24)):
            a = place[r, i]
            if a < 0:
                break
            if not inside[a]:
                continue
            near = 0.0
            for j in range(min(n_top, 128)):
                b = place[r, j]
                if b < 0:
                    break
                q = ((x_m[a] - x_m[b]) ** 2 + (y_m[a] - y_m[b]) ** 2) / (radius_m * radius_m)
                if q < 4.0 and inside[b]:
                    near += mass[r, j] * (1.0 - 0.25 * q) ** 3
            if near > best:
                best, best_at = near, a
        if best_at < 0:
            continue
        within = 0.0
        for j in range(n_top):
            b = place[r, j]
            if b < 0:
                break
            d2 = (x_m[best_at] - x_m[b]) ** 2 + (y_m[best_at] - y_m[b]) ** 2
            if inside[b] and d2 <= radius_m * radius_m:
                within += mass[r, j]
        out_x_m[r], out_y_m[r], out_confidence[r] = x_m[best_at], y_m[best_at], within
