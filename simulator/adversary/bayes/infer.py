"""The posterior of plate after plate, at every checkpoint: cells first, then the streets of likely cells.

The readers at the ends of a driver's stays are draws from a habit of the driver's own, and habits scatter
around what the place makes likely: a Dirichlet-multinomial (Polya urn) with mean ``T(. | place)`` and
concentration ``alpha``. A reader's first sighting weighs ``log T``, its sixtieth hardly anything: a habit
explains it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.events import N_CLASSES, count_stays
from simulator.adversary.bayes.parked import park

# Cells this much less likely than the likeliest (log) are not looked into, nor their mass counted one by one.
_CELL_DEPTH = 7.0
_MASS_DEPTH = 12.0
_SLICES = 56
# Grid of z at which log(1 + exp(z)) is tabulated; its step is that of the levels of probability.
_Z_LOW, _Z_HIGH = -9.0, 24.0
_FACTORS = 4


def softplus_table(step: float) -> NDArray[np.float64]:
    """Return log(1 + exp(z)) at z = -9, -9 + step, ... for :func:`gains`."""
    return np.asarray(np.log1p(np.exp(np.arange(_Z_LOW, _Z_HIGH + step, step))))


@njit(cache=True)
def urn_gain(n, a, b):  # type: ignore[no-untyped-def]
    """Log of b (b + 1) ... (b + n - 1) / (a (a + 1) ... (a + n - 1)): an urn's n draws with mean b, not a."""
    s = 0.0
    for i in range(min(n, _FACTORS)):
        s += np.log((b + i) / (a + i))
    if n > _FACTORS:
        # The other factors together: the integral of (b - a) / (i + (a + b) / 2).
        middle = 0.5 * (a + b) - 0.5
        s += (b - a) * np.log((n + middle) / (_FACTORS + middle))
    return s


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
        for i in range(min(n, _FACTORS)):
            z = np.log(alpha * own[kind] * chance[0] / (a + i))
            at = int(np.rint((z - _Z_LOW) / step))
            for j in range(n_levels):
                place = min(at + j, len(softplus) - 1)
                if place >= 0:
                    gain[row, j] += temper * softplus[place]
        if n > _FACTORS:
            tail = temper * alpha * own[kind] * np.log((n + a) / (_FACTORS + a))
            for j in range(n_levels):
                gain[row, j] += tail * chance[j]
    return used, none


@njit(cache=True)
def posterior(  # type: ignore[no-untyped-def]
    slots, none_likelihood, nowhere, slot, slot_key, gain, cell_prior, log_cell_prior, cell_indptr, prior,
    col_indptr, col_cell, col_level, col_first, col_size, row_place, row_level, n_where, where, missed,
    odds, cell_of_place, max_cells, value, seen, score, place, mass,
):  # fmt: skip
    """Work out one target's posterior; return how many places were looked at, and the mass of "none".

    ``nowhere`` is the prior of there being no such place, with readers as in ``none_base``. ``place`` and
    ``mass`` receive the places of the likeliest cells and their posterior probabilities. The places near
    sightings by readers on cars are ``where[:n_where]``; see :mod:`simulator.adversary.bayes.parked`.
    """
    # Cells: a sum over the columns of touched signs; cells that no sign speaks for keep the value 0.
    n_seen = 0
    for r in range(1, slots):
        row = gain[r]
        j = slot_key[r]
        for i in range(col_indptr[j], col_indptr[j + 1]):
            c = col_cell[i]
            if value[c] == 0.0:
                value[c] = 1e-9  # marks the cell as seen
                seen[n_seen] = c
                n_seen += 1
            value[c] += row[col_level[i]] + 1e-12
    for i in range(n_where):
        p = where[i]
        c = cell_of_place[p]
        if value[c] == 0.0:
            value[c] = 1e-9
            seen[n_seen] = c
            n_seen += 1
        # Of a cell's places, those near the sighting gain; places of one cell are taken one after the other.
        value[c] += np.log(1.0 + prior[p] / cell_prior[c] * odds[p] * (1.0 - missed[p]))
    top = -1e300 if n_seen else 0.0
    for i in range(n_seen):
        c = seen[i]
        value[c] += log_cell_prior[c]
        top = max(top, value[c])
    # The likeliest cells are told by counting how many, and how much mass, lie in each slice of depth.
    deep = np.zeros(_SLICES, np.int64)
    weight = np.zeros(_SLICES)
    rest, unseen = 0.0, 1.0
    near = 0
    for i in range(n_seen):
        c = seen[i]
        unseen -= cell_prior[c]
        below = top - value[c]
        here = np.exp(-below) if below < _MASS_DEPTH else 0.0
        rest += here
        if below < _CELL_DEPTH:
            seen[near] = c
            near += 1
            at = int(below * (_SLICES / _CELL_DEPTH))
            deep[at] += 1
            weight[at] += here
        else:
            value[c] = 0.0
    rest += max(unseen, 0.0) * np.exp(-top)
    cut, cells, looked = 0, 0, 0.0
    while cut < _SLICES and looked < 0.995 * rest and (cut == 0 or cells + deep[cut] <= max_cells):
        cells += deep[cut]
        looked += weight[cut]
        cut += 1
    n, looked = 0, 0.0
    for i in range(near):
        cell = seen[i]
        size = cell_indptr[cell + 1] - cell_indptr[cell]
        below = top - value[cell]
        if int(below * (_SLICES / _CELL_DEPTH)) >= cut or n + size > len(place):
            value[cell] = 0.0
            continue
        looked += np.exp(-below)
        for p in range(cell_indptr[cell], cell_indptr[cell + 1]):
            place[n] = p
            n += 1
    # Streets of the likeliest cells: the same sum over the places' own entries.
    for r in range(1, slots):
        row = gain[r]
        j = slot_key[r]
        for i in range(col_indptr[j], col_indptr[j + 1]):
            if value[col_cell[i]] != 0.0:
                for q in range(col_first[i], col_first[i] + col_size[i]):
                    score[row_place[q]] += row[row_level[q]]
    for i in range(n_where):
        p = where[i]
        if value[cell_of_place[p]] != 0.0:
            score[p] += np.log(1.0 + odds[p] * (1.0 - missed[p]))
    for i in range(near):
        value[seen[i]] = 0.0
    total = 0.0
    for i in range(n):
        p = place[i]
        mass[i] = prior[p] * np.exp(score[p] - top)
        total += mass[i]
        score[p] = 0.0
    none = 0.0
    if nowhere > 0.0:
        none = nowhere / (1.0 - nowhere) * np.exp(none_likelihood - top)
    n_signs = slot.shape[1]
    for r in range(1, slots):
        slot[slot_key[r] // n_signs, slot_key[r] % n_signs] = 0
    whole = total + max(rest - looked, 0.0) + none
    kept = 0
    for i in range(n):
        if mass[i] > 1e-6 * whole:
            place[kept], mass[kept] = place[i], mass[i] / whole
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
    indptr, time_s, camera, expires_s, checkpoint_days, start_weekday, use, of_pair, usual, setting,
    mobile_row, near_edge, near_weight, h_own,
    w_own, chance, softplus, h_sign, h_level,
    h_cell_prior, h_log_prior, h_cells, h_prior, h_col_indptr, h_col_cell, h_col_level, h_col_first,
    h_col_size, h_row_place, h_row_level,
    w_cell_prior, w_log_prior, w_cells, w_prior, w_col_indptr, w_col_cell, w_col_level, w_col_first,
    w_col_size, w_row_place, w_row_level,
    h_place_of_edge, h_cell_of_place, h_odds, h_at, w_place_of_edge, w_cell_of_place, w_odds, w_at,
    max_cells, places, masses, no_work,
):  # fmt: skip
    """Fill ``places`` and ``masses``, shape (2 targets, n_plates, n_checkpoints, n_top), and ``no_work``."""
    alpha, h_full, h_half, w_full, w_half, w_home, none_home, nowhere = setting
    n_signs, n_top = len(usual), places.shape[3]
    counts = np.zeros((N_CLASSES, n_signs), np.int32)
    touched = np.empty(2 * len(time_s) * 4 + 8, np.int64)
    value = np.zeros(max(len(h_cell_prior), len(w_cell_prior)))
    score = np.zeros(max(len(h_prior), len(w_prior)))
    seen = np.empty(len(value), np.int64)
    slot = np.zeros((2, n_signs), np.int64)
    visible = np.empty(len(time_s), np.int64)
    slot_key = np.zeros(2 * n_signs + 1, np.int64)
    gain = np.zeros((1024, len(chance)))
    place, mass = np.empty(2048, np.int64), np.empty(2048)
    mixed = np.zeros((2, n_signs))
    missed, day_of = np.ones(len(score)), np.full(len(score), -1, np.int64)
    where = np.empty(len(score), np.int64)
    for p in range(len(indptr) - 1):
        a, b = indptr[p], indptr[p + 1]
        if 4 * (b - a) + 8 > gain.shape[0]:
            gain = np.zeros((4 * (b - a) + 8, len(chance)))
        for k in range(len(checkpoint_days)):
            now_s = np.int64(checkpoint_days[k]) * 86_400
            n_touched = count_stays(
                time_s[a:b], camera[a:b], use, expires_s[a:b], now_s,
                start_weekday, of_pair, visible, counts, touched,
            )  # fmt: skip
            h_temper = tempered(counts, touched, n_touched, h_own, h_full, h_half)
            w_temper = tempered(counts, touched, n_touched, w_own, w_full, w_half)
            for target in range(2):
                if target == 0:
                    slots, none = gains(
                        counts, touched, n_touched, h_own, usual, mixed, 0.0, 0.0, alpha, h_temper, chance,
                        softplus, slot, slot_key, gain,
                    )  # fmt: skip
                    n_where = park(
                        time_s[a:b], expires_s[a:b], now_s, start_weekday, mobile_row[a:b], near_edge,
                        near_weight, h_place_of_edge, h_at, missed, day_of, where,
                    )  # fmt: skip
                    n, _ = posterior(
                        slots, none, 0.0, slot, slot_key, gain, h_cell_prior, h_log_prior, h_cells, h_prior,
                        h_col_indptr, h_col_cell, h_col_level, h_col_first, h_col_size, h_row_place,
                        h_row_level, n_where, where, missed, h_odds, h_cell_of_place, max_cells, value,
                        seen, score, place, mass,
                    )  # fmt: skip
                else:
                    slots, none = gains(
                        counts, touched, n_touched, w_own, usual, mixed, w_home, none_home, alpha, w_temper,
                        chance, softplus, slot, slot_key, gain,
                    )  # fmt: skip
                    n_where = park(
                        time_s[a:b], expires_s[a:b], now_s, start_weekday, mobile_row[a:b], near_edge,
                        near_weight, w_place_of_edge, w_at, missed, day_of, where,
                    )  # fmt: skip
                    n, no_work[p, k] = posterior(
                        slots, none, nowhere, slot, slot_key, gain, w_cell_prior, w_log_prior, w_cells,
                        w_prior, w_col_indptr, w_col_cell, w_col_level, w_col_first, w_col_size,
                        w_row_place, w_row_level, n_where, where, missed, w_odds, w_cell_of_place,
                        max_cells, value, seen, score, place, mass,
                    )  # fmt: skip
                for i in range(n_where):
                    missed[where[i]], day_of[where[i]] = 1.0, -1
                order = np.argsort(-mass[:n])
                for i in range(min(n, n_top)):
                    places[target, p, k, i], masses[target, p, k, i] = place[order[i]], mass[order[i]]
                # A gap over noon may be spent at home, too: what home makes likely is no news about work.
                for i in range(min(n_top, 10)):
                    h = places[0, p, k, i]
                    if h < 0:
                        break
                    m = masses[0, p, k, i] if target == 0 else 0.0
                    for side in range(2):
                        for j in range(h_sign.shape[2]):
                            c = h_sign[side, h, j]
                            if c < 0:
                                break
                            if target == 0:
                                mixed[side, c] += m * chance[h_level[side, h, j]]
                            else:
                                mixed[side, c] = 0.0
            for i in range(n_touched):
                counts[touched[i] // n_signs, touched[i] % n_signs] = 0


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
