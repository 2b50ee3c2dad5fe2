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

#: Readers kept for a place; the rest of the probability counts as spread over all readers.
ROW = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class FirstLast:
    """For each place of a stay, the likeliest first readers after it (row 0) and last readers before it (1).

    Parameters
    ----------
    reader, level
        Shape (2, n_places, ROW): reader ids, -1 where there are fewer, and the levels of their probabilities.
    """

    reader: NDArray[np.int16]
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
    ends, labels
        The other ends of trips, and the readers on the way to and from them.
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
    width = min(ROW, len(read_rate))
    reader = np.full((2, len(tail), ROW), -1, np.int16)
    chance = np.zeros((2, len(tail), ROW), np.float32)
    _accumulate(
        tail,
        head,
        weight,
        zone,
        labels.going,
        labels.coming,
        labels.coming_from,
        read_rate,
        width,
        SMALLEST,
        reader,
        chance,
    )
    return FirstLast(reader=reader, level=level_of(chance))


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


@njit(cache=True)
def _spread(out, near, mass, read_rate):  # type: ignore[no-untyped-def]
    """Give each reader of a path, nearest first, its chance to be the first to read; return what is left."""
    for k in range(near.shape[0]):
        c = near[k]
        if c < 0:
            break
        out[c] += mass * read_rate[c]
        mass *= 1.0 - read_rate[c]
    return mass


@njit(cache=True)
def _accumulate(  # type: ignore[no-untyped-def]
    tail, head, weight, zone, going, coming, coming_from, read_rate, width, smallest, reader, chance
):
    depth = going.shape[2]
    back = np.empty(depth, going.dtype)
    dense = np.empty((2, len(read_rate)))
    for h in range(len(tail)):
        dense[:] = 0.0
        for t in range(weight.shape[1]):
            w = weight[zone[h], t]
            rest = _spread(dense[0], going[head[h], t], w, read_rate)
            _spread(dense[0], coming_from[tail[h], t], rest, read_rate)
            rest = _spread(dense[1], coming[tail[h], t], w, read_rate)
            used = 0
            for k in range(depth - 1, -1, -1):
                if going[head[h], t, k] >= 0:
                    back[used] = going[head[h], t, k]
                    used += 1
            _spread(dense[1], back[:used], rest, read_rate)
        for side in range(2):
            total = dense[side].sum()
            if total <= 0.0:
                continue
            for k in range(width):
                c = np.argmax(dense[side])
                if dense[side, c] <= smallest * total:
                    break
                reader[side, h, k] = c
                chance[side, h, k] = dense[side, c] / total
                dense[side, c] = 0.0
