"""How likely each reader is to be the first after a stay, or the last before it, for every node it is at.

A tour from the stay goes to another end (gravity: land use times exp(-distance / scale)) and back. The first
reader that reads the car is met on the way there, else on the way back, else on a later tour; the last before
the stay is the mirror image. Sums run over the trees of :mod:`simulator.adversary.bayes.routes`, misses
included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.reader_trees import DEPTH, read_off, words_of
from simulator.adversary.bayes.routes import Labels, OtherEnds

#: Probabilities are kept as one byte: level ``i`` stands for ``SMALLEST ** (1 - i / (LEVELS - 1))``.
LEVELS = 64
SMALLEST = 1e-3

# Chances below this part of a path's own are not followed up.
_NEGLIGIBLE = 0.03

#: Signs kept for a node; the rest of the probability counts as spread over all.
ROW = 96


@dataclass(frozen=True, kw_only=True, eq=False)
class Signs:
    """What is noticed at the end of a stay: a reader alone, or with the next reader of the same trip.

    Sign ``c < n_cameras`` stands for reader ``c`` with whatever comes next; further signs stand for pairs.

    Parameters
    ----------
    of_pair
        Sign of (nearest reader, next reader), the latter ``n_cameras`` where no more reads follow within the
        trip; -1 for pairs that no route explains, shape (n_cameras, n_cameras + 1).
    n
        Number of signs.
    """

    of_pair: NDArray[np.int32]
    n: int


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstLast:
    """For each node, the likeliest first signs of cars that leave over it (row 0), last of those that come.

    Parameters
    ----------
    sign, level
        Shape (2, n_nodes, ROW): signs, ascending, then -1, and the levels of their probabilities.
    """

    sign: NDArray[np.int32]
    level: NDArray[np.uint8]


def level_of(chance: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the nearest level of probabilities of at least :data:`SMALLEST`."""
    share = 1.0 - np.log(np.clip(chance, SMALLEST, 1.0)) / np.log(SMALLEST)
    return np.asarray(np.rint(share * (LEVELS - 1)), dtype=np.uint8)


def chance_of_levels() -> NDArray[np.float64]:
    """Return the probability that each level stands for, shape (LEVELS,)."""
    return np.asarray(SMALLEST ** (1.0 - np.arange(LEVELS) / (LEVELS - 1)))


@borrows()
def chance_of(side, s, node, sign, chance):  # type: ignore[no-untyped-def]
    """Look up the chance of a sign at a node: first after a stay (``s`` 0) or last before it (1)."""
    row = side.sign[s, node]
    low, high = 0, len(row)
    while low < high:
        middle = (low + high) // 2
        if 0 <= row[middle] < sign:
            low = middle + 1
        else:
            high = middle
    if low < len(row) and row[low] == sign:
        return chance[side.level[s, node, low]]
    return 0.0


def stay_tables(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    ends: OtherEnds,
    labels: Labels,
    signs: Signs,
    *,
    share: tuple[tuple[float, ...], tuple[float, ...]],
    scale_m: tuple[tuple[float, ...], tuple[float, ...]],
    read_rate: NDArray[np.float64],
) -> tuple[FirstLast, FirstLast]:
    """Return P(first reader after | stay) and P(last reader before | stay) for every node, by kind of stay.

    Where a car leaves a street and where it comes back are neighbours, so that the round trip is taken from
    the one node and back to it.

    Parameters
    ----------
    x_m, y_m
        Position of nodes, shape (n_nodes,), metres.
    ends, labels, signs
        The other ends of trips, the readers on the way to and from them, and what is noticed of these.
    share, scale_m
        For each kind of stay and each stratum of other ends: its share, and the scale of its decay with
        distance, metres.
    read_rate
        Chance that a pass is read, shape (n_cameras,).
    """
    zone, zone_x_m, zone_y_m = _zones(x_m, y_m, min(min(s) for s in scale_m) / 6.0)
    weight = np.stack(
        [
            _gravity(zone_x_m, zone_y_m, ends, np.array(parts), np.array(scales))
            for parts, scales in zip(share, scale_m, strict=True)
        ]
    )
    sign = np.full((2, 2, len(x_m), ROW), -1, np.int32)
    level = np.zeros(sign.shape, np.uint8)
    going, coming, coming_from = (words_of(way) for way in (labels.going, labels.coming, labels.coming_from))
    _accumulate(
        weight, zone, going, coming, coming_from, read_rate, signs.of_pair, signs.n, sign, level
    )  # fmt: skip
    first, second = (FirstLast(sign=sign[k], level=level[k]) for k in range(2))
    return first, second


def _zones(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], side_m: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return each point's square of about a side, and the middles of what lies in each square."""
    side_m = max(side_m, float(np.ptp(x_m)) / 60.0, float(np.ptp(y_m)) / 60.0, 1.0)
    column, row = ((v - v.min()) // side_m for v in (x_m, y_m))
    _, zone = np.unique(row * 1000 + column, return_inverse=True)
    n = np.bincount(zone.ravel())
    middle_x, middle_y = (np.bincount(zone.ravel(), v) / n for v in (x_m, y_m))
    return zone.ravel(), middle_x, middle_y


def _gravity(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    ends: OtherEnds,
    share: NDArray[np.float64],
    scale_m: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return the weights of other ends, shape (n_points, n_trees)."""
    far_m = np.hypot(x_m[:, None] - ends.x_m, y_m[:, None] - ends.y_m)
    weight = np.exp(-far_m / scale_m[ends.stratum]) + 1e-12
    for s in range(len(share)):
        of = ends.stratum == s
        if of.any():
            weight[:, of] *= share[s] / weight[:, of].sum(axis=1, keepdims=True)
    return weight.astype(np.float32)


def find_signs(labels: Labels, n_cameras: int) -> Signs:
    """List the pairs of readers that some imagined route passes within three readers of each other."""
    seen = np.zeros((n_cameras, n_cameras + 1), np.bool_)
    for near in (labels.going, labels.coming, labels.coming_from):
        _find_pairs(near, seen)
    of_pair = np.full(seen.shape, -1, np.int32)
    n = int(seen.sum())
    of_pair[seen] = n_cameras + np.arange(n, dtype=np.int32)
    return Signs(of_pair=of_pair, n=n_cameras + n)


@njit(cache=True)
def _find_pairs(near, seen):  # type: ignore[no-untyped-def]
    n_cameras = seen.shape[0]
    for n in range(near.shape[0]):
        for t in range(near.shape[1]):
            for i in range(near.shape[2]):
                a = near[n, t, i]
                if a < 0:
                    break
                seen[a, n_cameras] = True
                for j in range(i + 1, near.shape[2]):
                    b = near[n, t, j]
                    if b < 0:
                        break
                    seen[a, b] = True


@njit(cache=True)
def _accumulate(  # type: ignore[no-untyped-def]
    weight, zone, going, coming, coming_from, read_rate, of_pair, n_signs, sign, level
):
    n_nodes, n_trees = going.shape
    dense = np.zeros((n_signs, 2))
    # Other ends that draw a tenth of an equal share or less are left out.
    least_weight = 0.1 / n_trees
    touched = np.empty(n_signs, np.int64)
    # Many trees show a node the same readers: each such way is gone along once, for all their weights.
    table = np.full(1 << int(np.ceil(np.log2(2 * n_trees + 2))), -1, np.int32)
    group, words = np.empty(n_trees, np.int64), np.empty(n_trees, np.int64)
    way = np.empty(DEPTH, np.int64)
    total, rest = np.zeros((n_trees, 2)), np.empty(n_trees)
    for h in range(n_nodes):
        for side in range(2):
            used, n = 0, 0
            near = going[h] if side == 0 else coming[h]
            for t in range(n_trees):
                w, v = weight[0, zone[h], t], weight[1, zone[h], t]
                group[t] = -1
                if w > least_weight or v > least_weight:
                    g = _group_of(near[t], table, words, n)
                    n = max(n, g + 1)
                    group[t] = g
                    total[g, 0] += w
                    total[g, 1] += v
            for g in range(n):
                m = read_off(words[g], way)
                used, rest[g] = _add_signs(way[:m], total[g], read_rate, of_pair, dense, touched, used)
                total[g] = 0.0
            _forget(table, words, n)
            # Nobody reads on the way to the place: it is read on the way before, if at all.
            before = coming_from[h] if side == 0 else going[h]
            n = 0
            for t in range(n_trees):
                if group[t] >= 0 and rest[group[t]] > 0.2:
                    left = rest[group[t]]
                    g = _group_of(before[t], table, words, n)
                    n = max(n, g + 1)
                    total[g, 0] += left * weight[0, zone[h], t]
                    total[g, 1] += left * weight[1, zone[h], t]
            for g in range(n):
                m = read_off(words[g], way)
                seen = way[:m] if side == 0 else way[:m][::-1]
                used, _ = _add_signs(seen, total[g], read_rate, of_pair, dense, touched, used)
                total[g] = 0.0
            _forget(table, words, n)
            found = np.sort(touched[:used])
            for target in range(2):
                _keep_likeliest(
                    dense[:, target], found, len(read_rate), sign[target, side, h], level[target, side, h]
                )
            for k in range(used):
                dense[touched[k]] = 0.0


@borrows()
def _group_of(word, table, words, n):  # type: ignore[no-untyped-def]
    """Return the number of the group of ways with the same readers, ``n`` if it is new.

    ``table`` is a hash table of groups with linear probing, its size a power of two; ``words`` holds the
    readers of each group.
    """
    at = _first_slot(word, table)
    while table[at] >= 0:
        if words[table[at]] == word:
            return table[at]
        at = (at + 1) & (len(table) - 1)
    table[at], words[n] = n, word
    return n


@borrows()
def _first_slot(word, table):  # type: ignore[no-untyped-def]
    key = np.uint64(word) * np.uint64(0x9E3779B97F4A7C15)
    return np.int64(key >> np.uint64(32)) & (len(table) - 1)


@borrows()
def _forget(table, words, n):  # type: ignore[no-untyped-def]
    """Empty the hash table: all that was entered lies right after where it is searched for."""
    for g in range(n):
        at = _first_slot(words[g], table)
        while table[at] >= 0:
            table[at] = -1
            at = (at + 1) & (len(table) - 1)


@borrows()
def _add_signs(way, weight, read_rate, of_pair, dense, touched, used):  # type: ignore[no-untyped-def]
    """Add the signs along a way, readers nearest to the stay first, to the sums of both targets.

    Returns how many signs were touched by now, and the chance that no reader reads.
    """
    n_cameras, left = len(read_rate), 1.0
    for i in range(len(way)):
        a = way[i]
        if left < _NEGLIGIBLE:
            break
        here = left * read_rate[a]
        used = _add(a, here, weight, dense, touched, used)
        for j in range(i + 1, len(way)):
            b = way[j]
            if here < _NEGLIGIBLE:
                break
            if of_pair[a, b] >= 0:
                used = _add(of_pair[a, b], here * read_rate[b], weight, dense, touched, used)
            here *= 1.0 - read_rate[b]
        if here > _NEGLIGIBLE and of_pair[a, n_cameras] >= 0:
            used = _add(of_pair[a, n_cameras], here, weight, dense, touched, used)
        left *= 1.0 - read_rate[a]
    return used, left


@borrows()
def _add(sign, chance, weight, dense, touched, used):  # type: ignore[no-untyped-def]
    if dense[sign, 0] == 0.0 and dense[sign, 1] == 0.0:
        touched[used] = sign
        used += 1
    dense[sign, 0] += weight[0] * chance
    dense[sign, 1] += weight[1] * chance
    return used


@njit(cache=True)
def _keep_likeliest(dense, touched, n_cameras, sign, level):  # type: ignore[no-untyped-def]
    """Fill one row of a table with the likeliest signs; they sum to 1 over readers and over pairs.

    ``touched`` is sorted, as a row has to be for quick look-ups.
    """
    total = 0.0
    for c in touched:
        if c < n_cameras:
            total += dense[c]
    least, n = SMALLEST * total, 0
    mass = np.empty(len(touched))
    for c in touched:
        if dense[c] > least:
            mass[n] = dense[c]
            n += 1
    # Of those as likely as the last that finds room, the first find some.
    ties = 0
    if n > len(sign):
        least = np.partition(mass[:n], n - len(sign))[n - len(sign)]
        ties = len(sign) - (mass[:n] > least).sum()
    kept, singles, pairs = 0, 0.0, 0.0
    for c in touched:
        if dense[c] > least or (dense[c] == least and ties > 0):
            ties -= dense[c] == least
            sign[kept] = c
            kept += 1
            if c < n_cameras:
                singles += dense[c]
            else:
                pairs += dense[c]
    for k in range(kept):
        c = sign[k]
        chance = dense[c] / (singles if c < n_cameras else pairs)
        share = 1.0 - np.log(min(max(chance, SMALLEST), 1.0)) / np.log(SMALLEST)
        level[k] = np.uint8(np.rint(share * (LEVELS - 1)))
