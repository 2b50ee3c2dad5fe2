"""The posterior of plate after plate, at every checkpoint: cells first, then the streets of likely cells.

The readers at the ends of a driver's stays are draws from a habit of the driver's own, and habits scatter
around what the place makes likely: a Dirichlet-multinomial (Polya urn) with mean ``T(. | place)`` and
concentration ``alpha``. A reader's first sighting weighs ``log T``, its sixtieth hardly anything: a habit
explains it.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.adversary.bayes.events import N_CLASSES, count_stays

# Cells this much less likely than the likeliest (log) are not looked into, nor their mass counted one by one.
_CELL_DEPTH = 8.0
_MASS_DEPTH = 14.0


@njit(cache=True)
def urn(n, a):  # type: ignore[no-untyped-def]
    """Log of a (a + 1) ... (a + n - 1), by Stirling's series from the fifth factor on."""
    if n == 1:
        return np.log(a)
    if n <= 4:
        product = a
        for i in range(1, n):
            product *= a + i
        return np.log(product)
    x, y = a + 4.0, a + n
    return (
        np.log(a * (a + 1.0) * (a + 2.0) * (a + 3.0))
        + (y - 0.5) * np.log(y)
        - y
        + 1.0 / (12.0 * y)
        - ((x - 0.5) * np.log(x) - x + 1.0 / (12.0 * x))
    )


@njit(cache=True)
def gains(  # type: ignore[no-untyped-def]
    counts, touched, n_touched, own, base, none_base, alpha, temper, chance, slot, slot_key, gain
):
    """Tabulate what each touched reader says for each level of probability, against level "never".

    ``own``, shape (N_CLASSES,), is the share of stays of a class that are spent at the place (0: the class
    does not speak about this target). ``slot[side, sign]`` receives the row of ``gain`` (row 0 is all
    zero), ``slot_key`` the reverse. Returns the number of rows, and the log-likelihood of there being no
    such place.
    """
    n_signs = counts.shape[1]
    used = 1
    none = 0.0
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] <= 0.0:
            continue
        side = kind % 2
        n = counts[kind, c]
        mean = (1.0 - own[kind]) * base[side, c]
        never = urn(n, alpha * mean)
        none += temper * (urn(n, alpha * none_base[side, c]) - never)
        row = slot[side, c]
        if row == 0:
            row = used
            slot[side, c] = row
            slot_key[row] = side * n_signs + c
            gain[row] = 0.0
            used += 1
        for i in range(len(chance)):
            gain[row, i] += temper * (urn(n, alpha * (mean + own[kind] * chance[i])) - never)
    return used, none


@njit(cache=True)
def posterior(  # type: ignore[no-untyped-def]
    counts, touched, n_touched, own, base, none_base, alpha, temper, chance, nowhere,
    cell_prior, cell_indptr, prior, col_indptr, col_cell, col_level, sign, level,
    max_cells, slot, slot_key, gain, value, seen, place, mass,
):  # fmt: skip
    """Work out one target's posterior; return how many places were looked at, and the mass of "none".

    ``nowhere`` is the prior of there being no such place, with readers as in ``none_base``. ``place`` and
    ``mass`` receive the places of the likeliest cells and their posterior probabilities.
    """
    slots, none_likelihood = gains(
        counts, touched, n_touched, own, base, none_base, alpha, temper, chance, slot, slot_key, gain
    )
    # Cells: a sum over the columns of touched readers; cells that no reader speaks for keep the value 0.
    n_seen = 0
    for r in range(1, slots):
        row = gain[r]
        j = slot_key[r]
        for i in range(col_indptr[j], col_indptr[j + 1]):
            if value[col_cell[i]] == 0.0:
                value[col_cell[i]] = 1e-9  # marks the cell as seen
                seen[n_seen] = col_cell[i]
                n_seen += 1
            value[col_cell[i]] += row[col_level[i]] + 1e-12
    top = 0.0
    for i in range(n_seen):
        value[seen[i]] = np.log(cell_prior[seen[i]]) + value[seen[i]]
        top = value[seen[i]] if i == 0 else max(top, value[seen[i]])
    if n_seen == 0:
        top = 0.0
    rest, unseen = 0.0, 1.0
    near = 0
    for i in range(n_seen):
        c = seen[i]
        unseen -= cell_prior[c]
        if value[c] > top - _MASS_DEPTH:
            rest += np.exp(value[c] - top)
        if value[c] > top - _CELL_DEPTH:
            seen[near] = c
            near += 1
        else:
            value[c] = 0.0
    rest += max(unseen, 0.0) * np.exp(-top)
    ranked = np.empty(near)
    for i in range(near):
        ranked[i] = -value[seen[i]]
    order = np.argsort(ranked)
    # Streets of the likeliest cells.
    n, total = 0, 0.0
    looked = 0.0
    for r in range(near):
        cell = seen[order[r]]
        here = np.exp(value[cell] - top)
        value[cell] = 0.0
        if r >= max_cells or looked > 0.995 * rest:
            continue
        looked += here
        for p in range(cell_indptr[cell], cell_indptr[cell + 1]):
            if n == len(place):
                break
            s = 0.0
            for side in range(2):
                for k in range(sign.shape[2]):
                    c = sign[side, p, k]
                    if c < 0:
                        break
                    s += gain[slot[side, c], level[side, p, k]]
            place[n] = p
            mass[n] = prior[p] * np.exp(s - top)
            total += mass[n]
            n += 1
    none = 0.0
    if nowhere > 0.0:
        none = nowhere / (1.0 - nowhere) * np.exp(none_likelihood - top)
    n_signs = slot.shape[1]
    for r in range(1, slots):
        slot[slot_key[r] // n_signs, slot_key[r] % n_signs] = 0
    whole = total + max(rest - looked, 0.0) + none
    for i in range(n):
        mass[i] /= whole
    return n, none / whole


@njit(cache=True)
def tempered(counts, touched, n_touched, own, full, half):  # type: ignore[no-untyped-def]
    """Return the power that a target's likelihood is taken to.

    What is wrong in the tables is wrong every day and does not average out, so that evidence grows less
    than in proportion to the number ``n`` of stays: as ``full n (1 + n / half) ** -0.6``.
    """
    n_signs = counts.shape[1]
    n = 0.0
    for k in range(n_touched):
        n += own[touched[k] // n_signs] * counts[touched[k] // n_signs, touched[k] % n_signs]
    return full * (1.0 + n / half) ** -0.6


@njit(cache=True)
def infer_plates(  # type: ignore[no-untyped-def]
    indptr, time_s, camera, expires_s, checkpoint_days, start_weekday, use, of_pair, usual,
    setting, h_own, w_own, chance,
    h_cell_prior, h_cell_indptr, h_prior, h_col_indptr, h_col_cell, h_col_level, h_sign, h_level,
    w_cell_prior, w_cell_indptr, w_prior, w_col_indptr, w_col_cell, w_col_level, w_sign, w_level,
    max_cells, places, masses, no_work,
):  # fmt: skip
    """Fill ``places`` and ``masses``, shape (2 targets, n_plates, n_checkpoints, n_top), and ``no_work``."""
    alpha, h_full, h_half, w_full, w_half, w_home, none_home, nowhere = setting
    n_signs, n_top = len(usual), places.shape[3]
    counts = np.zeros((N_CLASSES, n_signs), np.int64)
    touched = np.empty(N_CLASSES * n_signs, np.int64)
    value = np.zeros(max(len(h_cell_prior), len(w_cell_prior)))
    seen = np.empty(len(value), np.int64)
    slot = np.zeros((2, n_signs), np.int64)
    visible = np.empty(len(time_s), np.int64)
    slot_key = np.zeros(2 * n_signs + 1, np.int64)
    gain = np.zeros((2 * n_signs + 1, len(chance)))
    place, mass = np.empty(2048, np.int64), np.empty(2048)
    h_base, base, none_base = np.empty((2, n_signs)), np.empty((2, n_signs)), np.empty((2, n_signs))
    for side in range(2):
        h_base[side] = usual
    for p in range(len(indptr) - 1):
        a, b = indptr[p], indptr[p + 1]
        for k in range(len(checkpoint_days)):
            n_touched = count_stays(
                time_s[a:b], camera[a:b], use, expires_s[a:b], np.int64(checkpoint_days[k]) * 86_400,
                start_weekday, of_pair, visible, counts, touched,
            )  # fmt: skip
            h_temper = tempered(counts, touched, n_touched, h_own, h_full, h_half)
            w_temper = tempered(counts, touched, n_touched, w_own, w_full, w_half)
            # A gap over noon may be spent at home, too: what home makes likely is no news about work.
            for side in range(2):
                base[side] = (1.0 - w_home) * usual
                none_base[side] = (1.0 - none_home) * usual
            for target in range(2):
                if target == 0:
                    n, _ = posterior(
                        counts, touched, n_touched, h_own, h_base, none_base, alpha, h_temper, chance, 0.0,
                        h_cell_prior, h_cell_indptr, h_prior, h_col_indptr, h_col_cell, h_col_level,
                        h_sign, h_level, max_cells, slot, slot_key, gain, value, seen, place, mass,
                    )  # fmt: skip
                else:
                    n, no_work[p, k] = posterior(
                        counts, touched, n_touched, w_own, base, none_base, alpha, w_temper, chance, nowhere,
                        w_cell_prior, w_cell_indptr, w_prior, w_col_indptr, w_col_cell, w_col_level,
                        w_sign, w_level, max_cells, slot, slot_key, gain, value, seen, place, mass,
                    )  # fmt: skip
                order = np.argsort(-mass[:n])
                for i in range(min(n, n_top)):
                    places[target, p, k, i], masses[target, p, k, i] = place[order[i]], mass[order[i]]
                if target == 1:
                    continue
                for i in range(min(n, 24)):
                    h, m = place[order[i]], mass[order[i]]
                    for side in range(2):
                        for j in range(h_sign.shape[2]):
                            c = h_sign[side, h, j]
                            if c < 0:
                                break
                            q = m * chance[h_level[side, h, j]]
                            base[side, c] += w_home * q
                            none_base[side, c] += none_home * q
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
        for i in range(min(n_top, 32)):
            a = place[r, i]
            if a < 0:
                break
            if not inside[a]:
                continue
            near = 0.0
            for j in range(min(n_top, 160)):
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
