"""How likely each reader is to be the first after a stay, or the last before it, for every place of the stay.

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

#: Signs kept for a place; the rest of the probability counts as spread over all.
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
    """For each place of a stay, the likeliest first signs after it (row 0) and last signs before it (row 1).

    Parameters
    ----------
    sign, level
        Shape (2, n_places, ROW): signs, -1 where there are fewer, and the levels of their probabilities.
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


def stay_tables(
    tail: NDArray[np.int32],
    head: NDArray[np.int32],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    ends: OtherEnds,
    labels: Labels,
    signs: Signs,
    *,
    share: tuple[float, float, float, float],
    scale_m: tuple[float, float, float, float],
    read_rate: NDArray[np.float64],
) -> FirstLast:
    """Return P(first reader after | stay) and P(last reader before | stay) for every place of the stay.

    Parameters
    ----------
    tail, head
        Nodes over which a car comes to the place and leaves it, shape (n_places,).
    x_m, y_m
        Position, shape (n_places,), metres.
    ends, labels, signs
        The other ends of trips, the readers on the way to and from them, and what is noticed of these.
    share, scale_m
        For each stratum of other ends: its share, and the scale of its decay with distance, metres.
    read_rate
        Chance that a pass is read, shape (n_cameras,).

    Returns
    -------
    FirstLast
        The likeliest readers of each place.
    """
    weight, zone = _gravity(x_m, y_m, ends, np.array(share), np.array(scale_m))
    sign = np.full((2, len(tail), ROW), -1, np.int32)
    chance = np.zeros((2, len(tail), ROW), np.float32)
    _accumulate(
        tail, head, weight, zone, labels.going, labels.coming, labels.coming_from, read_rate, signs.of_pair,
        signs.n, SMALLEST, sign, chance,
    )  # fmt: skip
    return FirstLast(sign=sign, level=level_of(chance))


def _gravity(
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
    ends: OtherEnds,
    share: NDArray[np.float64],
    scale_m: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the weights of other ends, shape (n_zones, n_trees), by square zones, and each place's zone."""
    cell_m = max(float(min(scale_m)) / 6.0, float(np.ptp(x_m)) / 60.0, float(np.ptp(y_m)) / 60.0, 1.0)
    column, row = ((v - v.min()) // cell_m for v in (x_m, y_m))
    _, zone = np.unique(row * 1000 + column, return_inverse=True)
    n = np.bincount(zone.ravel())
    zx, zy = (np.bincount(zone.ravel(), v) / n for v in (x_m, y_m))
    far_m = np.hypot(zx[:, None] - ends.x_m, zy[:, None] - ends.y_m)
    weight = np.exp(-far_m / scale_m[ends.stratum]) + 1e-12
    for s in range(len(share)):
        of = ends.stratum == s
        if of.any():
            weight[:, of] *= share[s] / weight[:, of].sum(axis=1, keepdims=True)
    return weight.astype(np.float32), zone.ravel()


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
def _add(dense, touched, used, sign, mass):  # type: ignore[no-untyped-def]
    if mass <= 0.0:
        return used
    if dense[sign] == 0.0:
        touched[used] = sign
        used += 1
    dense[sign] += mass
    return used


@njit(cache=True)
def _spread(dense, touched, used, near, mass, read_rate, of_pair):  # type: ignore[no-untyped-def]
    """Give each sign along a path its chance, readers nearest to the stay first.

    Returns the number of touched signs and the chance that no reader reads.
    """
    n_cameras = len(read_rate)
    least = _NEGLIGIBLE * mass
    for i in range(len(near)):
        a = near[i]
        if a < 0 or mass < least:
            break
        here = mass * read_rate[a]
        used = _add(dense, touched, used, a, here)
        for j in range(i + 1, len(near)):
            b = near[j]
            if b < 0 or here < least:
                break
            used = _add(dense, touched, used, of_pair[a, b], here * read_rate[b])
            here *= 1.0 - read_rate[b]
        if here > least:
            used = _add(dense, touched, used, of_pair[a, n_cameras], here)
        mass *= 1.0 - read_rate[a]
    return used, mass


@njit(cache=True)
def _accumulate(  # type: ignore[no-untyped-def]
    tail, head, weight, zone, going, coming, coming_from, read_rate, of_pair, n_signs, smallest, sign, chance
):
    depth = going.shape[2]
    back = np.full(depth, -1, going.dtype)
    dense = np.zeros(n_signs)
    # Other ends that draw a tenth of an equal share or less are left out.
    least_weight = 0.1 / weight.shape[1]
    touched = np.empty(n_signs, np.int64)
    for h in range(len(tail)):
        for side in range(2):
            used = 0
            for t in range(weight.shape[1]):
                w = weight[zone[h], t]
                if w <= least_weight:
                    continue
                if side == 0:
                    used, rest = _spread(dense, touched, used, going[head[h], t], w, read_rate, of_pair)
                    if rest > 0.2 * w:
                        used, _ = _spread(
                            dense, touched, used, coming_from[tail[h], t], rest, read_rate, of_pair
                        )
                else:
                    used, rest = _spread(dense, touched, used, coming[tail[h], t], w, read_rate, of_pair)
                    if rest <= 0.2 * w:
                        continue
                    n = 0
                    for k in range(depth - 1, -1, -1):
                        if going[head[h], t, k] >= 0:
                            back[n] = going[head[h], t, k]
                            n += 1
                    used, _ = _spread(dense, touched, used, back[:n], rest, read_rate, of_pair)
            total = 0.0
            kept = 0
            for k in range(used):
                if touched[k] < len(read_rate):
                    total += dense[touched[k]]
            mass = np.empty(used)
            for k in range(used):
                if dense[touched[k]] > smallest * total:
                    touched[kept] = touched[k]
                    mass[kept] = -dense[touched[k]]
                    kept += 1
                else:
                    dense[touched[k]] = 0.0
            order = np.argsort(mass[:kept])
            # What is kept sums to 1, over readers and over pairs.
            singles, pairs = 0.0, 0.0
            for k in range(min(kept, sign.shape[2])):
                if touched[order[k]] < len(read_rate):
                    singles -= mass[order[k]]
                else:
                    pairs -= mass[order[k]]
            for k in range(kept):
                c = touched[order[k]]
                if k < sign.shape[2]:
                    sign[side, h, k] = c
                    chance[side, h, k] = -mass[order[k]] / (singles if c < len(read_rate) else pairs)
                dense[c] = 0.0
