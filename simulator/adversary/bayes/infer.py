"""The posterior of plate after plate, at every checkpoint.

The readers at the ends of a driver's stays are draws from a habit of the driver's own, and habits scatter
around what the place makes likely: a Dirichlet-multinomial (Polya urn) with mean ``T(. | place)`` and
concentration ``alpha``. A reader's first sighting weighs ``log T``, its sixtieth hardly anything: a habit
explains it.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.events import N_CLASSES, count_stays
from simulator.adversary.bayes.pairs import room_for_pairs, weigh_pairs
from simulator.adversary.bayes.parked import park
from simulator.adversary.bayes.search import forget, level_at, make_room, posterior
from simulator.adversary.bayes.urn import FACTORS, urn_gain

_NOTED_HOMES = 10
_LEAST_NOTED = 0.02
# Likeliest places that may be guesses, and those that are looked for near them.
_CANDIDATES, _LISTED = 24, 128
# Grid of z at which log(1 + exp(z)) is tabulated; its step is that of the levels of probability.
_Z_LOW, _Z_HIGH = -9.0, 24.0


def softplus_table(step: float) -> NDArray[np.float32]:
    """Return log(1 + exp(z)) at z = -9, -9 + step, ... for :func:`gains`."""
    return np.asarray(np.log1p(np.exp(np.arange(_Z_LOW, _Z_HIGH + step, step))), np.float32)


@borrows()
def gains(  # type: ignore[no-untyped-def]
    counts, touched, n_touched, own, lists, usual, mixed, mixed_share, none_share, alpha, temper, chance,
    softplus, slot, slot_key, gain,
):  # fmt: skip
    """Tabulate what each touched sign says for each level of probability, against level "never".

    Stays of class ``k`` are spent at the place in a share ``own[k]`` of cases (0: the class does not speak
    about this target, and has a row of its own only if it is one of ``lists``); in the others, signs are as
    ``usual`` and, in a share, as ``mixed`` says. ``slot[side, sign]`` receives the row of ``gain`` (1 and
    up; column 0 is "never", all zero), ``slot_key`` the reverse. Returns the number of rows, and the
    log-likelihood of there being no such place.
    """
    n_signs = counts.shape[1]
    n_levels = len(chance)
    step = np.log(chance[1] / chance[0])
    power = np.float32(temper)
    used, none = 1, 0.0
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] <= 0.0 and lists[kind] <= 0.0:
            continue
        side = kind % 2
        row = slot[side, c]
        if row == 0:
            row = used
            slot[side, c] = row
            slot_key[row] = side * n_signs + c
            gain[row] = 0.0
            used += 1
        if own[kind] <= 0.0:
            continue
        n = counts[kind, c]
        other = (1.0 - mixed_share) * usual[c] + mixed_share * mixed[side, c]
        nowhere = (1.0 - none_share) * usual[c] + none_share * mixed[side, c]
        a = alpha * (1.0 - own[kind]) * other
        none += temper * urn_gain(n, a, alpha * nowhere)
        # log((b + i) / (a + i)) = log(1 + exp(z)), and z grows by one step a level.
        for i in range(min(n, FACTORS)):
            z = np.log(alpha * own[kind] * chance[0] / (a + i))
            at = int(np.rint((z - _Z_LOW) / step))
            low, high = min(max(-at, 0), n_levels), max(min(len(softplus) - at, n_levels), 0)
            # Pieces of one length, so that several levels are added at a time.
            mine, grows = gain[row, 1 + low : 1 + high], softplus[at + low : at + high]
            for j in range(len(mine)):
                mine[j] += power * grows[j]
            for j in range(max(low, high), n_levels):
                gain[row, 1 + j] += power * softplus[-1]
        if n > FACTORS:
            tail = temper * alpha * own[kind] * np.log((n + a) / (FACTORS + a))
            for j in range(n_levels):
                gain[row, 1 + j] += tail * chance[j]
    return used, none


@borrows()
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
    masses, no_work, lifts,
):  # fmt: skip
    """Fill ``places`` and ``masses``, shape (2 targets, n_plates, n_checkpoints, n_top), ``no_work``.

    ``lifts`` receive what the pairs say. The view, the settings, the sides and the ways between them are
    named tuples of arrays.
    """
    alpha, n_signs, n_top = setting.alpha, len(usual), places.shape[3]
    n_sightings = len(view.time_s)
    counts = np.zeros((N_CLASSES, n_signs), np.int32)
    touched = np.empty(8 * n_sightings + 8, np.int64)
    slot = np.zeros((2, n_signs), np.int64)
    visible = np.empty(n_sightings, np.int64)
    slot_key = np.zeros(2 * n_signs + 1, np.int64)
    gain = np.zeros((256, len(chance) + 1), np.float32)
    room, pair_room = make_room(home, work, setting.max_cells, len(gain)), room_for_pairs()
    mixed = np.zeros((2, n_signs))
    n_places = max(len(home.prior), len(work.prior))
    odds, day_of, where = np.zeros(n_places), np.full(n_places, -1, np.int64), np.empty(n_places, np.int64)
    home_at = np.zeros(len(home.place_of_edge))
    at_sign = np.zeros((2, n_signs), np.int32)
    for p in range(len(view.indptr) - 1):
        a, b = view.indptr[p], view.indptr[p + 1]
        for k in range(len(checkpoint_days)):
            now_s = np.int64(checkpoint_days[k]) * 86_400
            if k > 0 and _as_before(
                view.time_s[a:b], view.expires_s[a:b], np.int64(checkpoint_days[k - 1]) * 86_400, now_s
            ):
                for target in range(2):
                    _copy(places[target, p, k - 1], places[target, p, k])
                    _copy(masses[target, p, k - 1], masses[target, p, k])
                no_work[p, k] = no_work[p, k - 1]
                lifts.home[p, k], lifts.row[p, k] = lifts.home[p, k - 1], lifts.row[p, k - 1]
                lifts.work[p, k], lifts.lift[p, k] = lifts.work[p, k - 1], lifts.lift[p, k - 1]
                continue
            n_touched = count_stays(
                view.time_s[a:b], view.camera[a:b], view.passed, view.expires_s[a:b], now_s,
                start_weekday, of_pair, visible, counts, touched,
            )  # fmt: skip
            if n_touched + 1 > len(gain):
                gain = np.zeros((2 * n_touched, len(chance) + 1), np.float32)
                room = make_room(home, work, setting.max_cells, len(gain))
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
                    counts, touched, n_touched, own, setting.work_own, usual, mixed, at_home, none_home,
                    alpha, temper, chance, softplus, slot, slot_key, gain,
                )  # fmt: skip
                n_where, unseen = park(
                    view.time_s[a:b], view.expires_s[a:b], now_s, start_weekday, view.near_row[a:b],
                    view.near_edge, view.near_share, view.near_lot, side.place_of_edge, side.density,
                    at_place, home_at, odds, day_of, where,
                )  # fmt: skip
                n, looked, no_work[p, k] = posterior(
                    slots, none + unseen, nowhere, slot_key, gain, side, n_where, where, odds,
                    setting.max_cells, room, places[target, p, k], masses[target, p, k],
                )  # fmt: skip
                for i in range(n_where):
                    odds[where[i]], day_of[where[i]] = 0.0, -1
                if target == 0:
                    parked = n_where > 0
                    if parked:
                        _note_streets(home, places[0, p, k], masses[0, p, k], home_at)
                    _note_signs(
                        home, places[0, p, k], masses[0, p, k], n, chance, touched, n_touched,
                        setting.work_own, slot, mixed, room,
                    )  # fmt: skip
                    forget(looked, slots, slot, slot_key, room)
            no_work[p, k] = weigh_pairs(
                home, work, ways, counts, touched, n_touched, usual, mixed, setting.work_home,
                setting.work_own, alpha, w_temper, chance, slot, room, places[0, p, k], masses[0, p, k],
                places[1, p, k], masses[1, p, k], no_work[p, k], at_sign, pair_room,
                lifts.home[p, k], lifts.row[p, k], lifts.work[p, k], lifts.lift[p, k],
            )  # fmt: skip
            forget(looked, slots, slot, slot_key, room)
            if parked:
                _note_streets(home, places[0, p, k], np.zeros(n_top, np.float32), home_at)
            for i in range(n_touched):
                kind, c = touched[i] // n_signs, touched[i] % n_signs
                counts[kind, c] = 0
                mixed[kind % 2, c] = 0.0


@borrows()
def _copy(row, to):  # type: ignore[no-untyped-def]
    for i in range(len(row)):
        to[i] = row[i]


@borrows()
def _as_before(time_s, expires_s, before_s, now_s):  # type: ignore[no-untyped-def]
    """Return whether the same sightings are visible at two moments: then so is all that follows from them."""
    for i in range(len(time_s)):
        was = time_s[i] < before_s and expires_s[i] > before_s
        if was != (time_s[i] < now_s and expires_s[i] > now_s):
            return False
    return True


@borrows()
def _note_streets(home, places, masses, home_at):  # type: ignore[no-untyped-def]
    """Note down the streets of likely homes: a car that stands at home is not seen at work."""
    for i in range(len(places)):
        if places[i] < 0:
            break
        if home.edge[places[i]] >= 0:
            home_at[home.edge[places[i]]] = masses[i]


@borrows()
def _note_signs(  # type: ignore[no-untyped-def]
    home, places, masses, n, chance, touched, n_touched, own, slot, mixed, room
):
    """Note down the signs that the ``n`` likeliest homes make likely, where they are asked about work.

    A gap over noon may be spent at home, too: what home makes likely is no news about work.
    """
    n_signs = slot.shape[1]
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] <= 0.0:
            continue
        side, likely = kind % 2, 0.0
        for i in range(min(_NOTED_HOMES, n)):
            if masses[i] < _LEAST_NOTED:
                break
            level = level_at(home, side, places[i], slot[side, c], room)
            if level > 0:
                likely += masses[i] * chance[level - 1]
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
    x, y, its = np.empty(n_top, np.float32), np.empty(n_top, np.float32), np.empty(n_top, np.float32)
    near = np.empty(_CANDIDATES, np.float32)
    scale, none, one = np.float32(0.25 / (radius_m * radius_m)), np.float32(0.0), np.float32(1.0)
    within_m2 = np.float32(radius_m * radius_m)
    for r in range(place.shape[0]):
        if r > 0 and _equal(place[r], place[r - 1]) and _equal(mass[r], mass[r - 1]):
            out_x_m[r], out_y_m[r], out_confidence[r] = out_x_m[r - 1], out_y_m[r - 1], out_confidence[r - 1]
            continue
        n = 0
        for i in range(n_top):
            a = place[r, i]
            if a < 0:
                break
            if inside[a]:
                x[n], y[n], its[n] = x_m[a], y_m[a], mass[r, i]
                n += 1
        if n == 0:
            continue
        tried = min(n, _CANDIDATES)
        near[:] = none
        # Place by place, so that several candidates are done at a time.
        for j in range(min(n, _LISTED)):
            for i in range(tried):
                dx_m, dy_m = x[i] - x[j], y[i] - y[j]
                closeness = max(one - (dx_m * dx_m + dy_m * dy_m) * scale, none)
                near[i] += its[j] * closeness * closeness * closeness
        best = np.argmax(near[:tried])
        within = 0.0
        for j in range(n):
            dx_m, dy_m = x[best] - x[j], y[best] - y[j]
            if dx_m * dx_m + dy_m * dy_m <= within_m2:
                within += its[j]
        out_x_m[r], out_y_m[r], out_confidence[r] = x[best], y[best], within


@borrows()
def _equal(a, b):  # type: ignore[no-untyped-def]
    i = 0
    while i < len(a) and a[i] == b[i]:
        i += 1
    return i == len(a)
