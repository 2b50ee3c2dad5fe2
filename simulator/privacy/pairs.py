"""What a joint posterior over home and work gives away, and whether its certainty is true.

The same measures as of one place (:mod:`simulator.privacy.posterior`), with a pair for a place: the likeliest
pairs; the rank of the true one; the level of the smallest credible set of pairs that holds it, ties broken at
random; the mass of both places being near their guesses. No work place at all is one more partner of every
home, so that all drivers count, whether they work or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.attacker import Guesses
from simulator.adversary.joint import OTHER_HOMES, OTHER_WORKS, Joint, kinds_of_rows, mass_by_row, rows_of
from simulator.adversary.posterior import Posterior
from simulator.privacy.posterior import MASS_RADII_M
from simulator.streams import Stream, stream_key, uniforms

#: Pairs that are listed, and the least mass that one of them must have.
N_PAIRS, LEAST_PAIR_MASS = 5, 0.01
#: In place of a work place: there is none.
NO_WORK = -2
#: Measures of a joint posterior.
PAIR_COLUMNS = ("truth_rank", "truth_level", *(f"mass_within_{r}m" for r in MASS_RADII_M))
# Masses that differ by less are the same.
_SAME = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """The likeliest pairs of each plate and checkpoint, and what they are measured to be worth.

    Parameters
    ----------
    home, work
        Hypotheses, likeliest pair first, ``home`` -1 where there are fewer, ``work`` :data:`NO_WORK` for no
        work place at all; shape (n_plates, n_checkpoints, N_PAIRS).
    mass
        Their posterior probabilities, the same shape.
    columns
        The measures by the names in :data:`PAIR_COLUMNS`, each of shape (n_plates, n_checkpoints). NaN: the
        true pair is not a hypothesis, or (rank) not among the listed homes and work places.
    """

    home: NDArray[np.int32]
    work: NDArray[np.int32]
    mass: NDArray[np.float32]
    columns: dict[str, NDArray[np.float64]]


def disclose_pairs(
    home: Posterior,
    work: Posterior,
    joint: Joint,
    guesses: tuple[Guesses, Guesses],
    truth: tuple[NDArray[np.int64], NDArray[np.int64]],
    driver_id: NDArray[np.int32],
    *,
    seed: int = 0,
) -> Pairs:
    """List the likeliest pairs, and measure a joint posterior against the truth.

    Parameters
    ----------
    home, work, joint
        Of all plates of a view.
    guesses
        Of homes, and of work places.
    truth
        True homes and work places, shape (n_plates,) each; -1 for what is no hypothesis, :data:`NO_WORK`.
    driver_id
        Shape (n_plates,); ties are broken by a draw that belongs to the driver.
    seed
        Root seed of the tie-breaking draws.
    """
    n, k = home.place.shape[:2]
    homes, works = (np.full((n, k, N_PAIRS), -1, np.int32) for _ in range(2))
    mass = np.zeros((n, k, N_PAIRS), np.float32)
    out = np.full((len(PAIR_COLUMNS), n, k), np.nan)
    _disclose_pairs(
        np.uint64(stream_key(seed, Stream.TIE_BREAK)),
        joint.home, joint.row, joint.work, joint.lift, joint.kinds,
        home.place, home.mass, home.prior, home.edge >= 0, home.x_m, home.y_m, guesses[0].x_m, guesses[0].y_m,
        work.place, work.mass, work.prior, work.edge >= 0, work.x_m, work.y_m, guesses[1].x_m, guesses[1].y_m,
        work.none, truth[0], truth[1], driver_id.astype(np.int64), np.array(MASS_RADII_M, dtype=np.float64),
        homes, works, mass, out,
    )  # fmt: skip
    return Pairs(home=homes, work=works, mass=mass, columns=dict(zip(PAIR_COLUMNS, out, strict=True)))


@njit(cache=True)
def _disclose_pairs(  # type: ignore[no-untyped-def]
    key, paired_home, row_of_paired, paired_work, lifts, kinds,
    home_place, home_mass, home_prior, home_inside, home_x, home_y, home_guess_x, home_guess_y,
    work_place, work_mass, work_prior, work_inside, work_x, work_y, work_guess_x, work_guess_y,
    none, true_home, true_work, driver, radii, top_home, top_work, top_mass, out,
):  # fmt: skip
    n_rows, n_columns = lifts.shape[2], lifts.shape[3]
    n_paired = n_columns - OTHER_WORKS
    home_at, work_at, column_of = np.full(len(home_x), -1), np.full(len(work_x), -1), np.arange(n_paired)
    rows, columns = np.empty(home_place.shape[2], np.int64), np.empty(work_place.shape[2], np.int64)
    # Work places with a column of their own, then none at all: what each has, and which it is.
    own, which = np.empty((n_rows, n_paired + 1)), np.empty(n_paired + 1, np.int64)
    # All other work places on the map and beyond it, likeliest first, and the sum of the first ones.
    n_top = work_place.shape[2]
    n_other, other, upto = np.empty(2, np.int64), np.empty((2, n_top)), np.zeros((2, n_top + 1))
    which_other, best = np.empty((2, n_top), np.int64), np.empty(n_rows)
    lift = np.empty((n_rows, n_columns))
    by_row, by_column = np.empty(n_rows), np.empty(n_columns)
    row_kind, column_kind = np.empty(n_rows, np.int64), np.empty(n_columns, np.int64)
    home_outside, work_outside = home_prior[~home_inside].sum(), work_prior[~work_inside].sum()
    near_home, near_work = np.empty((len(radii), n_rows)), np.empty((len(radii), n_columns))
    for p in range(home_place.shape[0]):
        for k in range(home_place.shape[1]):
            h_mass, w_mass = home_mass[p, k], work_mass[p, k]
            n_homes = rows_of(
                home_place[p, k], home_inside, paired_home[p, k], row_of_paired[p, k],
                n_rows - OTHER_HOMES, home_at, rows,
            )  # fmt: skip
            n_works = rows_of(
                work_place[p, k], work_inside, paired_work[p, k], column_of, n_paired, work_at, columns
            )
            mass_by_row(
                home_place[p, k], h_mass, rows, n_homes, home_prior, home_inside, home_outside, 0.0,
                n_rows - OTHER_HOMES, by_row,
            )  # fmt: skip
            mass_by_row(
                work_place[p, k], w_mass, columns, n_works, work_prior, work_inside, work_outside, none[p, k],
                n_paired, by_column,
            )  # fmt: skip
            by_column[n_paired + 2] = none[p, k]
            kinds_of_rows(paired_home[p, k], row_of_paired[p, k], home_inside, row_kind)
            kinds_of_rows(paired_work[p, k], column_of, work_inside, column_kind)
            whole = 0.0
            for r in range(n_rows):
                for c in range(n_columns):
                    lift[r, c] = lifts[p, k, r, c] * kinds[p, k, row_kind[r], column_kind[c]]
                    whole += by_row[r] * by_column[c] * lift[r, c]
            lift /= max(whole, 1e-12)
            n_own, n_other[:] = 0, 0
            for j in range(n_works):
                w, c = work_place[p, k, j], columns[j]
                if c < n_paired:
                    which[n_own] = w
                    for r in range(n_rows):
                        own[r, n_own] = w_mass[j] * lift[r, c]
                    n_own += 1
                else:
                    c -= n_paired
                    other[c, n_other[c]], which_other[c, n_other[c]] = w_mass[j], w
                    upto[c, n_other[c] + 1] = upto[c, n_other[c]] + w_mass[j]
                    n_other[c] += 1
            which[n_own] = NO_WORK
            for r in range(n_rows):
                own[r, n_own] = none[p, k] * lift[r, n_paired + 2]
            n_own += 1
            lift_other = lift[:, n_paired : n_paired + 2]
            for r in range(n_rows):
                best[r] = 0.0
                for c in range(2):
                    if n_other[c] > 0:
                        best[r] = max(best[r], other[c, 0] * lift_other[r, c])
                for j in range(n_own):
                    best[r] = max(best[r], own[r, j])
            _list_pairs(
                home_place[p, k], h_mass, rows, n_homes, own, which, n_own, other, which_other, n_other,
                lift_other, best, top_home[p, k], top_work[p, k], top_mass[p, k],
            )  # fmt: skip
            if true_home[p] >= 0 and true_work[p] != -1:
                true = -1.0
                for i in range(n_homes):
                    if home_place[p, k, i] == true_home[p]:
                        r = rows[i]
                        for j in range(n_own):
                            if which[j] == true_work[p]:
                                true = h_mass[i] * own[r, j]
                        for c in range(2):
                            for j in range(n_other[c]):
                                if which_other[c, j] == true_work[p]:
                                    true = h_mass[i] * lift_other[r, c] * other[c, j]
                above, level_from, level_to = _standing(
                    true, h_mass, rows, n_homes, own, n_own, other, upto, n_other, lift_other
                )
                u = uniforms(key, driver[p], k, 1, 0)[0]
                if true >= 0.0:
                    out[0, p, k] = above + 1
                out[1, p, k] = min(max(level_from + u * (level_to - level_from), 0.0), 1.0)
            _near(
                home_place[p, k], h_mass, rows, n_homes, home_inside, home_x, home_y, home_guess_x[p, k],
                home_guess_y[p, k], radii, near_home,
            )  # fmt: skip
            _near(
                work_place[p, k], w_mass, columns, n_works, work_inside, work_x, work_y, work_guess_x[p, k],
                work_guess_y[p, k], radii, near_work,
            )  # fmt: skip
            for d in range(len(radii)):
                both = 0.0
                for r in range(n_rows):
                    if near_home[d, r] > 0.0:
                        for c in range(n_columns):
                            both += near_home[d, r] * near_work[d, c] * lift[r, c]
                out[2 + d, p, k] = both


@njit(cache=True)
def _list_pairs(  # type: ignore[no-untyped-def]
    home_place, home_mass, rows, n_homes, own, which, n_own, other, which_other, n_other, lift_other, best,
    top_home, top_work, top_mass,
):  # fmt: skip
    most, least = best.max(), LEAST_PAIR_MASS
    for i in range(n_homes):
        # Homes are in order: no later one can do better.
        if home_mass[i] * most < least:
            break
        r = rows[i]
        if home_mass[i] * best[r] < least:
            continue
        for j in range(n_own):
            _insert(home_place[i], which[j], home_mass[i] * own[r, j], top_home, top_work, top_mass)
        for c in range(2):
            for j in range(n_other[c]):
                m = home_mass[i] * lift_other[r, c] * other[c, j]
                if m < least:
                    break
                _insert(home_place[i], which_other[c, j], m, top_home, top_work, top_mass)
        least = max(least, top_mass[-1])


@njit(cache=True)
def _insert(home, work, mass, top_home, top_work, top_mass):  # type: ignore[no-untyped-def]
    j = len(top_mass) - 1
    if mass <= top_mass[j] or mass < LEAST_PAIR_MASS:
        return
    while j > 0 and top_mass[j - 1] < mass:
        top_home[j], top_work[j], top_mass[j] = top_home[j - 1], top_work[j - 1], top_mass[j - 1]
        j -= 1
    top_home[j], top_work[j], top_mass[j] = home, work, mass


@njit(cache=True)
def _standing(true, home_mass, rows, n_homes, own, n_own, other, upto, n_other, lift_other):  # type: ignore[no-untyped-def]
    """Return how many pairs are likelier than the true one, and the levels between which it may stand.

    A true pair that is not listed (negative mass) stands somewhere behind all that are.
    """
    high, low = true * (1.0 + _SAME), true * (1.0 - _SAME)
    above, more, same = 0, 0.0, 0.0
    for i in range(n_homes):
        r, h = rows[i], home_mass[i]
        for j in range(n_own):
            m = h * own[r, j]
            if m > high:
                above += 1
                more += m
            elif m >= low:
                same += m
        for c in range(2):
            m = h * lift_other[r, c]
            if m > 0.0:
                a = _count_above(other[c], n_other[c], high / m)
                b = _count_above(other[c], n_other[c], low / m)
                above += a
                more += m * upto[c, a]
                same += m * (upto[c, b] - upto[c, a])
    return above, more, more + same if true >= 0.0 else 1.0


@njit(cache=True)
def _count_above(values, n, least):  # type: ignore[no-untyped-def]
    """Return how many of ``n`` falling values are above ``least``."""
    a, b = 0, n
    while a < b:
        middle = (a + b) // 2
        if values[middle] > least:
            a = middle + 1
        else:
            b = middle
    return a


@njit(cache=True)
def _near(place, mass, rows, n, inside, x_m, y_m, guess_x, guess_y, radii, near):  # type: ignore[no-untyped-def]
    """Fill the mass of each row's places within each radius of a guess."""
    near[:] = 0.0
    if guess_x != guess_x:
        return
    for i in range(n):
        h = place[i]
        if inside[h]:
            far_m = np.hypot(x_m[h] - guess_x, y_m[h] - guess_y)
            for d in range(len(radii)):
                if far_m <= radii[d]:
                    near[d, rows[i]] += mass[i]
