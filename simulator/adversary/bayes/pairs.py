"""Home and work weighed pair by pair: people drive from the one to the other, and not too far.

The tables say which reader is last before a place, wherever the car comes from. For a pair of home ``h`` and
work place ``w`` a share ``c`` of those trips is between the two, so that the mean of the driver's habit at
``w`` becomes

    T(. | w, h) = c R(. | h to w) + (1 - c s) T(. | w),    s = the sum of R,

with ``R`` the chances of signs on the imagined routes between the two: those of the trees whose other end
lies
nearest to ``h``. A pair's weight is the product of what each place weighs alone, the ratio of the urns with
these means and with the old ones, and how much likelier a commute of that length is than any. Pairs of the
likeliest places are weighed, all others count as independent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.hypotheses import Hypotheses
from simulator.adversary.bayes.routes import Labels, OtherEnds
from simulator.adversary.bayes.urn import urn_gain

N_HOMES = N_WORKS = 32
#: Cells of likely homes that are taken for the other end of commutes, and trees that stand for each.
N_ANCHORS, N_TREES = 2, 4
# A cell that holds less of the belief about home is none of them.
_LEAST_ANCHOR = 0.05
_TREE_SCALE_M = 400.0
_PAIR_POWER = 0.4
_MAX_KEYS = 32
#: Share of a worker's trips from (0) and to (1) the work place that go home, come from there.
_BETWEEN = np.array([0.5, 0.6])


class Ways(NamedTuple):
    """What is known about the ways between places, apart from any driver; passed to kernels as it is.

    Parameters
    ----------
    going, coming
        Readers along each tree, see :class:`simulator.adversary.bayes.routes.Labels`.
    trees, weight
        Trees whose other ends lie nearest to each cell of homes, and their shares, shape (n_cells, N_TREES).
    log_reach
        Log of the mean of exp(-distance / scale) over the work places on the map, by cell, shape (n_cells,).
    scale_m
        Scale of commutes, metres.
    read_rate
        Chance that a pass is read, shape (n_cameras,).
    of_pair
        Signs of pairs of readers, see :class:`simulator.adversary.bayes.tables.Signs`.
    """

    going: NDArray[np.int16]
    coming: NDArray[np.int16]
    trees: NDArray[np.int32]
    weight: NDArray[np.float64]
    log_reach: NDArray[np.float64]
    scale_m: float
    read_rate: NDArray[np.float64]
    of_pair: NDArray[np.int32]


def find_ways(
    home: Hypotheses,
    work: Hypotheses,
    ends: OtherEnds,
    labels: Labels,
    habits: Habits,
    read_rate: NDArray[np.float64],
    of_pair: NDArray[np.int32],
) -> Ways:
    """Look up what :func:`weigh_pairs` needs."""
    home_x, home_y = _centres(home)
    inside = work.edge >= 0
    work_x, work_y = _centres(work)
    cell = np.repeat(np.arange(work.n_cells), np.diff(work.cell_indptr))
    weight = np.bincount(cell, np.where(inside, work.prior, 0.0), work.n_cells).astype(np.float64)
    weight = weight / max(float(weight.sum()), 1e-300)
    reach = np.empty(home.n_cells)
    for i in range(home.n_cells):
        far_m = np.hypot(work_x - home_x[i], work_y - home_y[i])
        reach[i] = (weight * np.exp(-far_m / habits.commute_scale_m)).sum()
    tree = cKDTree(np.column_stack([ends.x_m, ends.y_m]))

    # A list of ranks gives two dimensions even for one tree.
    ranks = list(range(1, min(N_TREES, len(ends.x_m)) + 1))
    far_m, trees = (np.asarray(v) for v in tree.query(np.column_stack([home_x, home_y]), k=ranks))
    share = np.exp(-(far_m - far_m.min(axis=1, keepdims=True)) / _TREE_SCALE_M)
    return Ways(
        going=labels.going,
        coming=labels.coming,
        trees=trees.astype(np.int32),
        weight=share / share.sum(axis=1, keepdims=True),
        log_reach=np.log(np.maximum(reach, 1e-12)),
        scale_m=habits.commute_scale_m,
        read_rate=read_rate,
        of_pair=of_pair,
    )


def _centres(places: Hypotheses) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = places.cell_indptr[:-1]
    size = np.diff(places.cell_indptr)
    return np.add.reduceat(places.x_m, first) / size, np.add.reduceat(places.y_m, first) / size


@njit(cache=True)
def choose_keys(counts, touched, n_touched, own, at_sign, keys):  # type: ignore[no-untyped-def]
    """List the counts that speak about a target; ``at_sign[side, sign]`` receives 1 + the first of a sign."""
    n_signs, n = counts.shape[1], 0
    for k in range(n_touched):
        kind, c = touched[k] // n_signs, touched[k] % n_signs
        if own[kind] > 0.0 and n < len(keys):
            keys[n] = touched[k]
            if at_sign[kind % 2, c] == 0:
                at_sign[kind % 2, c] = n + 1
            n += 1
    return n


@njit(cache=True)
def alone(keys, n_keys, n_signs, at_sign, sign, level, chance, places, n_places, base):  # type: ignore[no-untyped-def]
    """Look up ``T(sign | place)`` of each key: ``base[i, k]``."""
    for i in range(n_places):
        for k in range(n_keys):
            base[i, k] = 0.0
        for side in range(2):
            for j in range(sign.shape[2]):
                c = sign[side, places[i], j]
                if c < 0:
                    break
                at = at_sign[side, c]
                if at > 0:
                    base[i, at - 1] = chance[level[side, places[i], j]]
        for k in range(n_keys):
            at = at_sign[(keys[k] // n_signs) % 2, keys[k] % n_signs]
            base[i, k] = base[i, at - 1]


@njit(cache=True)
def on_the_way(near, share, ways, side, at_sign, way):  # type: ignore[no-untyped-def]
    """Add the chances of the signs along one way, readers nearest to the place first; return that of any."""
    read_rate, of_pair = ways.read_rate, ways.of_pair
    n_cameras = len(read_rate)
    left = share
    for i in range(len(near)):
        a = near[i]
        if a < 0:
            break
        here = left * read_rate[a]
        at = at_sign[side, a]
        if at > 0:
            way[at - 1] += here
        rest = here
        for j in range(i + 1, len(near)):
            b = near[j]
            if b < 0:
                break
            pair = of_pair[a, b]
            at = at_sign[side, pair] if pair >= 0 else 0
            if at > 0:
                way[at - 1] += rest * read_rate[b]
            rest *= 1.0 - read_rate[b]
        pair = of_pair[a, n_cameras]
        at = at_sign[side, pair] if pair >= 0 else 0
        if at > 0:
            way[at - 1] += rest
        left -= here
    return share - left


@njit(cache=True)
def given_other_end(  # type: ignore[no-untyped-def]
    counts, keys, n_keys, own, usual, mixed, mixed_share, alpha, temper, at_sign, base, trees, weight, tail,
    head, places, n_places, ways, way, gain,
):  # fmt: skip
    """Fill ``gain[i]``: how much better place ``i`` explains its signs if home is at the root of some
    trees.
    """
    n_signs = counts.shape[1]
    seen = np.zeros(2)
    for i in range(n_places):
        way[:n_keys] = 0.0
        seen[:] = 0.0
        p = places[i]
        for t in range(len(trees)):
            seen[0] += on_the_way(ways.going[head[p], trees[t]], weight[t], ways, 0, at_sign, way)
            seen[1] += on_the_way(ways.coming[tail[p], trees[t]], weight[t], ways, 1, at_sign, way)
        s = 0.0
        for k in range(n_keys):
            kind, c = keys[k] // n_signs, keys[k] % n_signs
            side = kind % 2
            r = way[at_sign[side, c] - 1]
            mean = _BETWEEN[side] * r + (1.0 - _BETWEEN[side] * seen[side]) * base[i, k]
            other = (1.0 - mixed_share) * usual[c] + mixed_share * mixed[side, c]
            a = alpha * (own[kind] * base[i, k] + (1.0 - own[kind]) * other)
            b = alpha * (own[kind] * mean + (1.0 - own[kind]) * other)
            s += urn_gain(counts[kind, c], a, b)
        gain[i] = temper * _PAIR_POWER * s


@njit(cache=True)
def anchors(places, mass, n_places, cell_of_place, cells, of):  # type: ignore[no-untyped-def]
    """List the cells that hold much of the belief; ``of[i]`` is the number of a place's cell, or -1."""
    n, held = 0, np.zeros(len(cells))
    for i in range(n_places):
        c = cell_of_place[places[i]]
        of[i] = -1
        for j in range(n):
            if cells[j] == c:
                of[i] = j
        if of[i] < 0 and n < len(cells):
            cells[n] = c
            of[i] = n
            n += 1
        if of[i] >= 0:
            held[of[i]] += mass[i]
    for i in range(n_places):
        if of[i] >= 0 and held[of[i]] < _LEAST_ANCHOR:
            of[i] = -1
    return n, held


@njit(cache=True)
def weigh_pairs(  # type: ignore[no-untyped-def]
    home, work, ways, counts, touched, n_touched, usual, mixed, mixed_share, own, alpha, temper, chance,
    homes, home_mass, works, work_mass, none, at_sign,
):  # fmt: skip
    """Scale the masses of likely homes and work places by what the pairs add; return that of no work place.

    ``homes`` and ``works`` list places, likeliest first, -1 where there are fewer; ``at_sign`` is all zero.
    """
    n_homes, n_works = 0, 0
    while n_homes < min(len(homes), N_HOMES) and homes[n_homes] >= 0:
        n_homes += 1
    while n_works < min(len(works), N_WORKS) and works[n_works] >= 0:
        n_works += 1
    cells, of = np.empty(N_ANCHORS, np.int64), np.empty(n_homes, np.int64)
    n_cells, held = anchors(homes, home_mass, n_homes, home.cell_of_place, cells, of)
    keys = np.empty(_MAX_KEYS, np.int64)
    n_keys = choose_keys(counts, touched, n_touched, own, at_sign, keys)
    gain = np.zeros((N_ANCHORS, n_works))
    base, way = np.empty((n_works, n_keys)), np.empty(n_keys)
    if n_keys > 0 and held.max() >= _LEAST_ANCHOR:
        alone(
            keys, n_keys, counts.shape[1], at_sign, work.sign, work.level, chance, works, n_works, base
        )  # fmt: skip
        for j in range(n_cells):
            if held[j] >= _LEAST_ANCHOR:
                given_other_end(
                    counts, keys, n_keys, own, usual, mixed, mixed_share, alpha, temper, at_sign, base,
                    ways.trees[cells[j]], ways.weight[cells[j]], work.tail, work.head, works, n_works,
                    ways, way, gain[j],
                )  # fmt: skip
    for k in range(n_keys):
        at_sign[(keys[k] // counts.shape[1]) % 2, keys[k] % counts.shape[1]] = 0
    f_work = np.zeros(n_works)
    other_home, other_work = 1.0, 1.0
    for h in range(n_homes):
        other_home -= home_mass[h]
    for w in range(n_works):
        other_work -= work_mass[w]
    other_home, other_work = max(other_home, 0.0), max(other_work, 0.0)
    total = other_home
    for h in range(n_homes):
        a = homes[h]
        f = other_work
        for w in range(n_works):
            b = works[w]
            g = gain[of[h], w] if of[h] >= 0 else 0.0
            if home.edge[a] >= 0 and work.edge[b] >= 0:
                far_m = np.hypot(home.x_m[a] - work.x_m[b], home.y_m[a] - work.y_m[b])
                g -= far_m / ways.scale_m + ways.log_reach[home.cell_of_place[a]]
            pair = np.exp(g)
            f += work_mass[w] * pair
            f_work[w] += home_mass[h] * pair
        home_mass[h] *= f
        total += home_mass[h]
    for w in range(n_works):
        work_mass[w] *= f_work[w] + other_home
    home_mass /= total
    work_mass /= total
    _sort(homes, home_mass)
    _sort(works, work_mass)
    return none / total


@njit(cache=True)
def _sort(places, mass):  # type: ignore[no-untyped-def]
    # An insertion sort, since the order hardly changes.
    for i in range(1, len(places)):
        p, m, j = places[i], mass[i], i
        while j > 0 and mass[j - 1] < m:
            places[j], mass[j] = places[j - 1], mass[j - 1]
            j -= 1
        places[j], mass[j] = p, m
