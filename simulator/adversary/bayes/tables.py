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


@njit(cache=True)
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
    _accumulate(
        weight, zone, labels.going, labels.coming, labels.coming_from, read_rate, signs.of_pair, signs.n,
        sign, level,
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
def _along(near, mass, read_rate, of_pair, sign, chance, used):  # type: ignore[no-untyped-def]
    """List the signs along a path and the chance of each, readers nearest to the stay first.

    Returns the number of signs listed, and the chance that no reader reads.
    """
    n_cameras = len(read_rate)
    least = _NEGLIGIBLE * mass
    for i in range(len(near)):
        a = near[i]
        if a < 0 or mass < least:
            break
        here = mass * read_rate[a]
        sign[used], chance[used] = a, here
        used += 1
        for j in range(i + 1, len(near)):
            b = near[j]
            if b < 0 or here < least:
                break
            if of_pair[a, b] >= 0:
                sign[used], chance[used] = of_pair[a, b], here * read_rate[b]
                used += 1
            here *= 1.0 - read_rate[b]
        if here > least and of_pair[a, n_cameras] >= 0:
            sign[used], chance[used] = of_pair[a, n_cameras], here
            used += 1
        mass *= 1.0 - read_rate[a]
    return used, mass


@njit(cache=True)
def _accumulate(  # type: ignore[no-untyped-def]
    weight, zone, going, coming, coming_from, read_rate, of_pair, n_signs, sign, level
):
    n_nodes, n_trees, depth = going.shape
    back = np.full(depth, -1, going.dtype)
    dense = np.zeros((n_signs, 2))
    # Other ends that draw a tenth of an equal share or less are left out.
    least_weight = 0.1 / n_trees
    touched = np.empty(n_signs, np.int64)
    # A path of ``depth`` readers shows one sign a reader, one a pair, and one of a reader that is the last.
    some = 2 * (2 * depth + depth * depth)
    one, its = np.empty(some, np.int64), np.empty(some)
    for h in range(n_nodes):
        for side in range(2):
            used = 0
            for t in range(n_trees):
                w, v = weight[0, zone[h], t], weight[1, zone[h], t]
                if w <= least_weight and v <= least_weight:
                    continue
                near = going[h, t] if side == 0 else coming[h, t]
                n, rest = _along(near, 1.0, read_rate, of_pair, one, its, 0)
                if rest > 0.2:
                    if side == 0:
                        n, _ = _along(coming_from[h, t], rest, read_rate, of_pair, one, its, n)
                    else:
                        m = 0
                        for k in range(depth - 1, -1, -1):
                            if going[h, t, k] >= 0:
                                back[m] = going[h, t, k]
                                m += 1
                        n, _ = _along(back[:m], rest, read_rate, of_pair, one, its, n)
                for k in range(n):
                    c = one[k]
                    if dense[c, 0] == 0.0 and dense[c, 1] == 0.0:
                        touched[used] = c
                        used += 1
                    dense[c, 0] += w * its[k]
                    dense[c, 1] += v * its[k]
            for target in range(2):
                _keep_likeliest(
                    dense[:, target], touched, used, len(read_rate), sign[target, side, h],
                    level[target, side, h],
                )  # fmt: skip
            for k in range(used):
                dense[touched[k]] = 0.0


@njit(cache=True)
def _keep_likeliest(dense, touched, used, n_cameras, sign, level):  # type: ignore[no-untyped-def]
    """Fill one row of a table with the likeliest signs; they sum to 1 over readers and over pairs."""
    total = 0.0
    for k in range(used):
        if touched[k] < n_cameras:
            total += dense[touched[k]]
    kept = 0
    those, mass = np.empty(used, np.int64), np.empty(used)
    for k in range(used):
        if dense[touched[k]] > SMALLEST * total:
            those[kept], mass[kept] = touched[k], -dense[touched[k]]
            kept += 1
    order = np.argsort(mass[:kept])[: len(sign)]
    # A row is sorted by sign, for quick look-ups.
    order = order[np.argsort(those[order])]
    singles, pairs = 0.0, 0.0
    for k in order:
        if those[k] < n_cameras:
            singles -= mass[k]
        else:
            pairs -= mass[k]
    for k in range(len(order)):
        c = those[order[k]]
        sign[k] = c
        chance = -mass[order[k]] / (singles if c < n_cameras else pairs)
        share = 1.0 - np.log(min(max(chance, SMALLEST), 1.0)) / np.log(SMALLEST)
        level[k] = np.uint8(np.rint(share * (LEVELS - 1)))
