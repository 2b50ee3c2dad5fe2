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

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.hypotheses import Hypotheses
from simulator.adversary.bayes.routes import Labels, OtherEnds
from simulator.adversary.bayes.search import level_at
from simulator.adversary.bayes.tables import Heard
from simulator.adversary.bayes.urn import FACTORS, urn_tail
from simulator.adversary.joint import OTHER_HOMES, OTHER_WORKS

N_HOMES, N_WORKS = 24, 20
#: Cells of likely homes that are taken for the other end of commutes, and trees that stand for each.
N_ANCHORS, N_TREES = 2, 3
# A cell that holds less of the belief about home is none of them.
_LEAST_ANCHOR = 0.05
_TREE_SCALE_M = 400.0
_PAIR_POWER = 0.4
_MAX_KEYS = 32
_LEAST = 1e-30
_ONE = np.uint64(1)
# Ratios that are multiplied before a logarithm is taken: far from the limits of a float.
_KEYS_A_LOG = 8
#: Share of a worker's trips from (0) and to (1) the work place that go home, come from there.
_BETWEEN = np.array([0.5, 0.6])


class Ways(NamedTuple):
    """What is known about the ways between places, apart from any driver; passed to kernels as it is.

    Parameters
    ----------
    going, coming, going_word, coming_word
        The readers along each tree, see :class:`simulator.adversary.bayes.routes.Labels`.
    heard
        The signs along each of its words.
    trees, weight
        Trees whose other ends lie nearest to each cell of homes, and their shares, shape (n_cells, N_TREES).
    x_m, y_m
        Middle of each cell of homes, shape (n_cells,).
    reach
        The mean of exp(-distance / scale) over work places on the map, by cell of homes, shape (n_cells,).
    scale_m
        Scale of commutes, metres.
    """

    going: NDArray[np.uint16] | NDArray[np.uint32]
    coming: NDArray[np.uint16] | NDArray[np.uint32]
    going_word: NDArray[np.int32]
    coming_word: NDArray[np.int32]
    heard: Heard
    trees: NDArray[np.int32]
    weight: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    reach: NDArray[np.float64]
    scale_m: float


class PairRoom(NamedTuple):
    """Room to weigh pairs in, the same for one plate after another."""

    keys: NDArray[np.int64]
    cells: NDArray[np.int64]
    of: NDArray[np.int64]
    held: NDArray[np.float64]
    pair: NDArray[np.float64]
    base: NDArray[np.float64]
    f_work: NDArray[np.float64]
    seen: NDArray[np.float64]
    way: NDArray[np.float64]
    slot: NDArray[np.int64]
    sides: NDArray[np.int64]
    many: NDArray[np.int64]
    share: NDArray[np.float64]
    usually: NDArray[np.float64]
    f_home: NDArray[np.float64]
    words: NDArray[np.int64]


@njit(cache=True)
def room_for_pairs():  # type: ignore[no-untyped-def]
    """Return room for :func:`weigh_pairs`."""
    return PairRoom(
        np.empty(_MAX_KEYS, np.int64),
        np.empty(N_HOMES, np.int64),
        np.empty(N_HOMES, np.int64),
        np.empty(N_HOMES),
        np.empty((N_HOMES, N_WORKS)),
        np.empty((N_WORKS, _MAX_KEYS)),
        np.empty(N_WORKS),
        np.empty((2, N_WORKS)),
        np.empty((2, N_WORKS, _MAX_KEYS)),
        np.empty(_MAX_KEYS, np.int64),
        np.empty(_MAX_KEYS, np.int64),
        np.empty(_MAX_KEYS, np.int64),
        np.empty(_MAX_KEYS),
        np.empty(_MAX_KEYS),
        np.empty(N_HOMES),
        np.empty((N_WORKS, N_TREES), np.int64),
    )


class Lifts(NamedTuple):
    """Room for what pairs say, plate by plate; see :class:`simulator.adversary.joint.Joint`.

    Parameters
    ----------
    home, row, work, lift
        Shape (n_plates, n_checkpoints, ...).
    """

    home: NDArray[np.int32]
    row: NDArray[np.int8]
    work: NDArray[np.int32]
    lift: NDArray[np.float32]


def room_for_lifts(n_plates: int, n_checkpoints: int) -> Lifts:
    """Return room that says of every home and work place that they have nothing to do with each other."""
    shape = (n_plates, n_checkpoints)
    return Lifts(
        home=np.full((*shape, N_HOMES), -1, np.int32),
        row=np.zeros((*shape, N_HOMES), np.int8),
        work=np.full((*shape, N_WORKS), -1, np.int32),
        lift=np.zeros((*shape, N_HOMES + OTHER_HOMES, N_WORKS + OTHER_WORKS), np.float32),
    )


def find_ways(
    home: Hypotheses,
    work: Hypotheses,
    ends: OtherEnds,
    labels: Labels,
    heard: Heard,
    habits: Habits,
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
        going_word=labels.going_word,
        coming_word=labels.coming_word,
        heard=heard,
        trees=trees.astype(np.int32),
        weight=share / share.sum(axis=1, keepdims=True),
        x_m=home_x,
        y_m=home_y,
        reach=np.maximum(reach, 1e-12),
        scale_m=habits.commute_scale_m,
    )


def _centres(places: Hypotheses) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    first = places.cell_indptr[:-1]
    size = np.diff(places.cell_indptr)
    return np.add.reduceat(places.x_m, first) / size, np.add.reduceat(places.y_m, first) / size


@borrows()
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


@borrows()
def alone(work, works, n_works, keys, n_keys, slot, chance, found, base):  # type: ignore[no-untyped-def]
    """Fill ``base[i, k]`` with how likely the sign of key ``k`` is at work place ``i``, wherever home is.

    The places are of cells that were looked into, as ``found`` says, the room of that search.
    """
    n_signs = slot.shape[1]
    for k in range(n_keys):
        side, c = (keys[k] // n_signs) % 2, keys[k] % n_signs
        for i in range(n_works):
            level = level_at(work, side, works[i], slot[side, c], found)
            base[i, k] = chance[level - 1] if level > 0 else 0.0


@borrows()
def twin_of(over, places, i):  # type: ignore[no-untyped-def]
    """Return the first place over the same node: both sides of a street share some, and the next streets."""
    twin = 0
    while over[places[twin]] != over[places[i]]:
        twin += 1
    return twin


@borrows()
def chances_between(  # type: ignore[no-untyped-def]
    over, places, n_places, label, word, trees, weight, heard, at_sign, n_keys, words, seen, way
):
    """Fill the chances of any sign and of each, for each place, on the ways to or from some trees' roots."""
    # All ways first: they lie far apart in memory, and are fetched together where nothing is in between.
    for i in range(n_places):
        node = over[places[i]]
        for t in range(len(trees)):
            words[i, t] = word[trees[t], label[node, trees[t]]]
    for i in range(n_places):
        twin = twin_of(over, places, i)
        if twin < i:
            seen[i] = seen[twin]
            for k in range(n_keys):
                way[i, k] = way[twin, k]
            continue
        seen[i] = 0.0
        for k in range(n_keys):
            way[i, k] = 0.0
        for t in range(len(trees)):
            w = np.uint64(words[i, t])
            seen[i] += weight[t] * (1.0 - heard.missed[w])
            for j in range(np.uint64(heard.indptr[w]), np.uint64(heard.indptr[w + _ONE])):
                at = at_sign[np.uint64(heard.sign[j])]
                if at > 0:
                    way[i, at - 1] += weight[t] * heard.chance[j]


@borrows()
def given_other_end(  # type: ignore[no-untyped-def]
    counts, keys, n_keys, own, usual, mixed, mixed_share, alpha, temper, at_sign, base, cell, work, places,
    n_places, ways, room, gain,
):  # fmt: skip
    """Fill ``gain[i]``: how much better place ``i`` explains its signs if home is in a cell, as a factor."""
    n_signs = counts.shape[1]
    seen, way = room.seen, room.way
    trees, weight = ways.trees[cell], ways.weight[cell]
    for side in range(2):
        over = work.head if side == 0 else work.tail
        label, word = (ways.going, ways.going_word) if side == 0 else (ways.coming, ways.coming_word)
        chances_between(
            over, places, n_places, label, word, trees, weight, ways.heard, at_sign[side], n_keys,
            room.words, seen[side], way[side],
        )  # fmt: skip
    # What does not depend on the place, key by key.
    slot, share, usually, sides, many = room.slot, room.share, room.usually, room.sides, room.many
    for k in range(n_keys):
        kind, c = keys[k] // n_signs, keys[k] % n_signs
        sides[k], many[k], share[k] = kind % 2, counts[kind, c], alpha * own[kind]
        slot[k] = at_sign[kind % 2, c] - 1
        other = (1.0 - mixed_share) * usual[c] + mixed_share * mixed[kind % 2, c]
        usually[k] = alpha * (1.0 - own[kind]) * other
    for i in range(n_places):
        s, above, below = 0.0, 1.0, 1.0
        for k in range(n_keys):
            side, likely = sides[k], base[i, k]
            mean = _BETWEEN[side] * way[side, i, slot[k]] + (1.0 - _BETWEEN[side] * seen[side, i]) * likely
            a, b = share[k] * likely + usually[k], share[k] * mean + usually[k]
            for j in range(min(many[k], FACTORS)):
                above *= b + j
                below *= a + j
            if many[k] > FACTORS:
                s += urn_tail(many[k], a, b)
            if k % _KEYS_A_LOG == _KEYS_A_LOG - 1:
                s += np.log(above / below)
                above, below = 1.0, 1.0
        gain[i] = np.exp(temper * _PAIR_POWER * (s + np.log(above / below)))


@borrows()
def cells_of(places, mass, n_places, cell_of_place, cells, held, of):  # type: ignore[no-untyped-def]
    """List the cells of places, likeliest place first, and what each holds; ``of`` says which is whose."""
    n = 0
    for i in range(n_places):
        c, j = cell_of_place[places[i]], 0
        while j < n and cells[j] != c:
            j += 1
        if j == n:
            cells[n], held[n] = c, 0.0
            n += 1
        of[i] = j
        held[j] += mass[i]
    return n


@borrows()
def weigh_pairs(  # type: ignore[no-untyped-def]
    home, work, ways, counts, touched, n_touched, usual, mixed, mixed_share, own, alpha, temper, chance,
    slot, found, homes, home_mass, works, work_mass, none, at_sign, room, paired_home, row, paired_work, lift,
):  # fmt: skip
    """Scale the masses of likely homes and work places by what the pairs add; return that of no work place.

    ``homes`` and ``works`` list places, likeliest first, -1 where there are fewer; ``slot`` and ``found`` say
    what the search for the work place looked into; ``at_sign`` is all zero. The last four receive one
    plate's :class:`Lifts`.
    """
    n_homes, n_works, n_signs = 0, 0, counts.shape[1]
    while n_homes < min(len(homes), N_HOMES) and homes[n_homes] >= 0:
        n_homes += 1
    while n_works < min(len(works), N_WORKS) and works[n_works] >= 0:
        n_works += 1
    cells, held, of = room.cells, room.held, room.of
    n_cells = cells_of(homes, home_mass, n_homes, home.cell_of_place, cells, held, of)
    keys, pair, base, f_work = room.keys, room.pair, room.base, room.f_work
    pair[:] = 1.0
    n_keys = choose_keys(counts, touched, n_touched, own, at_sign, keys)
    if n_keys > 0 and n_works > 0:
        alone(work, works, n_works, keys, n_keys, slot, chance, found, base)
        for j in range(min(n_cells, N_ANCHORS)):
            if held[j] >= _LEAST_ANCHOR:
                given_other_end(
                    counts, keys, n_keys, own, usual, mixed, mixed_share, alpha, temper, at_sign, base,
                    cells[j], work, works, n_works, ways, room, pair[j],
                )  # fmt: skip
    for k in range(n_keys):
        at_sign[(keys[k] // n_signs) % 2, keys[k] % n_signs] = 0
    # Commutes are short: by the distance from the middle of the home's cell.
    for j in range(n_cells):
        if home.edge[home.cell_indptr[cells[j]]] < 0:
            continue
        x_m, y_m, reach = ways.x_m[cells[j]], ways.y_m[cells[j]], ways.reach[cells[j]]
        for w in range(n_works):
            b = works[w]
            if work.edge[b] >= 0:
                far_m = np.sqrt((x_m - work.x_m[b]) ** 2 + (y_m - work.y_m[b]) ** 2)
                pair[j, w] *= np.exp(-far_m / ways.scale_m) / reach
    other_home, other_work = 1.0, 1.0
    for j in range(n_cells):
        other_home -= held[j]
    for w in range(n_works):
        other_work -= work_mass[w]
    other_home, other_work = max(other_home, 0.0), max(other_work, 0.0)
    total, f_home = other_home, room.f_home
    f_work[:] = other_home
    for j in range(n_cells):
        f = other_work
        for w in range(n_works):
            f += work_mass[w] * pair[j, w]
            f_work[w] += held[j] * pair[j, w]
        f_home[j] = f
        total += held[j] * f
    for h in range(n_homes):
        home_mass[h] *= f_home[of[h]]
        paired_home[h], row[h] = homes[h], of[h]
    for w in range(n_works):
        work_mass[w] *= f_work[w]
        paired_work[w] = works[w]
    home_mass /= total
    work_mass /= total
    _write_lift(pair, n_cells, n_works, f_home, f_work, total, lift)
    _sort(homes, home_mass, n_homes)
    _sort(works, work_mass, n_works)
    return none / total


@borrows()
def _write_lift(pair, n_cells, n_works, f_home, f_work, total, lift):  # type: ignore[no-untyped-def]
    # How much likelier a pair is than both its marginals make it, each of which has its own factor by now.
    for w in range(n_works):
        f_work[w] = 1.0 / max(f_work[w], _LEAST)
    for j in range(N_HOMES, lift.shape[0]):
        for w in range(n_works):
            lift[j, w] = total * f_work[w]
        for w in range(N_WORKS, lift.shape[1]):
            lift[j, w] = total
    for j in range(n_cells):
        alone = total / max(f_home[j], _LEAST)
        for w in range(n_works):
            lift[j, w] = pair[j, w] * alone * f_work[w]
        for w in range(N_WORKS, lift.shape[1]):
            lift[j, w] = alone


@borrows()
def _sort(places, mass, n_changed):  # type: ignore[no-untyped-def]
    # An insertion sort, since the order hardly changes. What comes after those that changed is sorted.
    for i in range(1, len(places)):
        p, m, j = places[i], mass[i], i
        while j > 0 and mass[j - 1] < m:
            places[j], mass[j] = places[j - 1], mass[j - 1]
            j -= 1
        if j == i and i >= n_changed:
            break
        places[j], mass[j] = p, m
