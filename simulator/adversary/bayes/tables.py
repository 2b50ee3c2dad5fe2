"""How likely each reader is to be the first after a stay, or the last before it, for every node it is at.

A tour from the stay goes to another end (gravity: land use times exp(-distance / scale)) and back. The first
reader that reads the car is met on the way there, else on the way back, else on a later tour; the last before
the stay is the mirror image. Sums run over the trees of :mod:`simulator.adversary.bayes.routes`, misses
included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows
from simulator.adversary.bayes.reader_trees import DEPTH, read_off, readers_of
from simulator.adversary.bayes.routes import Labels, OtherEnds, along_a_curve

#: Probabilities are kept as one byte: level ``i`` stands for ``SMALLEST ** (1 - i / (LEVELS - 1))``.
#: Their number is a power of two.
LEVELS = 64
SMALLEST = 1e-3

# Chances below this part of a path's own are not followed up.
_NEGLIGIBLE = 0.03

# What a way leaves unread is followed up on the way back, if it is more than this.
_FOLLOWED = 0.2
_ONE = np.uint64(1)
# Nodes whose rows are made and sorted together, within some megabytes.
_NODES_AT_ONCE = 2_000

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
    share = 1.0 - np.log(np.clip(chance, SMALLEST, 1.0)) / math.log(SMALLEST)
    return np.asarray(np.rint(share * (LEVELS - 1)), dtype=np.uint8)


def chance_of_levels() -> NDArray[np.float64]:
    """Return the probability that each level stands for, shape (LEVELS,)."""
    return np.asarray(SMALLEST ** (1.0 - np.arange(LEVELS) / (LEVELS - 1)))


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
        ],
        axis=-1,
    )
    heard = hear_words(labels.words, read_rate, signs.of_pair)
    sign = np.empty((2, 2, len(x_m), ROW), np.int32)
    level = np.empty(sign.shape, np.uint8)
    # Neighbours one after another: they are shown much the same ways.
    nodes = along_a_curve(x_m, y_m)
    for start in range(0, len(nodes), _NODES_AT_ONCE):
        some = nodes[start : start + _NODES_AT_ONCE]
        found = np.full((2, 2, len(some), ROW), -1, np.int32)
        chance = np.full(found.shape, SMALLEST, np.float32)
        _accumulate(
            some, weight, zone, labels.going, labels.coming, labels.going_word, labels.coming_word,
            labels.coming_from_word, heard, len(read_rate), signs.n, found, chance,
        )  # fmt: skip
        sign[:, :, some], level[:, :, some] = _sorted_rows(found, chance)
    first, second = (FirstLast(sign=sign[k], level=level[k]) for k in range(2))
    return first, second


def _sorted_rows(
    sign: NDArray[np.int32], chance: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return rows of signs, ascending and then -1, and the levels of their chances, the least ones of -1."""
    # As one number each, so that they are sorted together; -1 is the greatest without a sign.
    key = sign.astype(np.uint32) * np.uint32(LEVELS) + level_of(chance)
    key.sort(axis=-1)
    return key.view(np.int32) // LEVELS, (key & np.uint32(LEVELS - 1)).astype(np.uint8)


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
    _find_pairs(readers_of(labels.words), seen)
    of_pair = np.full(seen.shape, -1, np.int32)
    n = int(seen.sum())
    of_pair[seen] = n_cameras + np.arange(n, dtype=np.int32)
    return Signs(of_pair=of_pair, n=n_cameras + n)


@njit(cache=True)
def _find_pairs(ways, seen):  # type: ignore[no-untyped-def]
    n_cameras = seen.shape[0]
    for w in range(ways.shape[0]):
        for i in range(ways.shape[1]):
            a = ways[w, i]
            if a < 0:
                break
            seen[a, n_cameras] = True
            for j in range(i + 1, ways.shape[1]):
                b = ways[w, j]
                if b < 0:
                    break
                seen[a, b] = True


class Heard(NamedTuple):
    """The signs along each word of readers in its order, and then along each word backwards.

    Readers nearest to the stay come first. Worked out once, since each way is shown to many nodes.

    Parameters
    ----------
    indptr, sign, chance
        Signs of way ``w`` are rows ``indptr[w]:indptr[w + 1]``, with the chance of each.
    missed
        Chance that no reader reads, shape (2 * n_words,).
    """

    indptr: NDArray[np.int64]
    sign: NDArray[np.int32]
    chance: NDArray[np.float32]
    missed: NDArray[np.float32]


@njit(cache=True)
def hear_words(words, read_rate, of_pair):  # type: ignore[no-untyped-def]
    """Return what is heard along each word; see :class:`Heard`."""
    n_ways = 2 * len(words)
    # Each reader with whatever comes next, with nothing, and with each reader beyond.
    most = n_ways * (DEPTH * (DEPTH + 3) // 2)
    indptr, n = np.zeros(n_ways + 1, np.int64), 0
    sign, chance = np.empty(most, np.int32), np.empty(most, np.float32)
    missed, way = np.empty(n_ways, np.float32), np.empty(DEPTH, np.int64)
    for w in range(n_ways):
        m = read_off(words[w % len(words)], way)
        seen = way[:m] if w < len(words) else way[:m][::-1]
        n, missed[w] = _hear(seen, read_rate, of_pair, sign, chance, n)
        indptr[w + 1] = n
    return Heard(indptr, sign[:n].copy(), chance[:n].copy(), missed)


@borrows()
def _hear(way, read_rate, of_pair, sign, chance, n):  # type: ignore[no-untyped-def]
    """List the signs along a way after ``n`` others; return how many there are now, and what is missed."""
    n_cameras, left = len(read_rate), 1.0
    for i in range(len(way)):
        a = way[i]
        if left < _NEGLIGIBLE:
            break
        here = left * read_rate[a]
        sign[n], chance[n] = a, here
        n += 1
        for j in range(i + 1, len(way)):
            b = way[j]
            if here < _NEGLIGIBLE:
                break
            if of_pair[a, b] >= 0:
                sign[n], chance[n] = of_pair[a, b], here * read_rate[b]
                n += 1
            here *= 1.0 - read_rate[b]
        if here > _NEGLIGIBLE and of_pair[a, n_cameras] >= 0:
            sign[n], chance[n] = of_pair[a, n_cameras], here
            n += 1
        left *= 1.0 - read_rate[a]
    return n, left


@njit(cache=True)
def _accumulate(  # type: ignore[no-untyped-def]
    nodes, weight, zone, going, coming, going_word, coming_word, coming_from_word, heard, n_cameras, n_signs,
    sign, chance,
):  # fmt: skip
    missed, n_ways, n_trees = heard.missed, len(heard.missed), going.shape[1]
    # Many trees show a node the same readers: each such way is gone along once, for all their weights.
    mass, sums = np.zeros((n_ways, 2), np.float32), np.zeros((n_signs, 2), np.float32)
    # Lists with room for one that does not count: to write it in any case is quicker than to guess wrongly.
    ways, followed = np.empty(n_ways + 1, np.int64), np.empty(n_trees + 1, np.int64)
    touched, at = np.empty(n_signs + 1, np.int64), np.empty(n_signs + 1, np.int64)
    likely = np.empty(n_signs + 1, np.float32)
    for i in range(len(nodes)):
        h = nodes[i]
        its = weight[zone[h]]
        for side in range(2):
            # Nobody reads on the way from the place: then on the way back, as it is driven. So with the way
            # to the place, which is listed away from it, and the way there before, driven towards it.
            if side == 0:
                n = _weigh_ways(
                    its, going[h], going_word, coming[h], coming_from_word, 0, missed, mass, ways, followed
                )
            else:
                n = _weigh_ways(
                    its, coming[h], coming_word, going[h], going_word, n_ways // 2, missed, mass, ways,
                    followed,
                )  # fmt: skip
            used = _add_signs(ways[:n], mass, heard, sums, touched)
            for target in range(2):
                _keep_likeliest(
                    sums, touched[:used], target, n_cameras, likely, likely.view(np.int32), at,
                    sign[target, side, i], chance[target, side, i],
                )  # fmt: skip
            for k in range(used):
                sums[np.uint64(touched[k])] = 0.0


@borrows()
def _weigh_ways(  # type: ignore[no-untyped-def]
    weight, near, near_word, before, before_word, shift, missed, mass, ways, followed
):
    """Sum the weights of trees by the ways that they show, and list these; return their number."""
    n, m = 0, 0
    # Other ends that draw a tenth of an equal share or less are left out.
    least_weight = 0.1 / len(near)
    for t in range(len(near)):
        if weight[t, 0] > least_weight or weight[t, 1] > least_weight:
            way = np.uint64(near_word[t, np.uint64(near[t])])
            n = _weigh(way, weight[t, 0], weight[t, 1], mass, ways, n)
            followed[np.uint64(m)] = t
            m += missed[way] > _FOLLOWED
    for i in range(m):
        k = np.uint64(followed[i])
        left = missed[np.uint64(near_word[k, np.uint64(near[k])])]
        way = np.uint64(before_word[k, np.uint64(before[k])] + shift)
        n = _weigh(way, left * weight[k, 0], left * weight[k, 1], mass, ways, n)
    return n


@borrows()
def _weigh(way, w, v, mass, ways, n):  # type: ignore[no-untyped-def]
    ways[np.uint64(n)] = way
    n += (mass[way, 0] == 0.0) & (mass[way, 1] == 0.0)
    mass[way, 0] += w
    mass[way, 1] += v
    return n


@borrows()
def _add_signs(ways, mass, heard, sums, touched):  # type: ignore[no-untyped-def]
    """Add the signs along ways to the sums of both targets, list them, and forget the ways' masses."""
    used = 0
    for i in range(len(ways)):
        way = np.uint64(ways[i])
        w, v = mass[way, 0], mass[way, 1]
        mass[way, 0] = mass[way, 1] = 0.0
        for k in range(np.uint64(heard.indptr[way]), np.uint64(heard.indptr[way + _ONE])):
            c = np.uint64(heard.sign[k])
            touched[np.uint64(used)] = c
            used += (sums[c, 0] == 0.0) & (sums[c, 1] == 0.0)
            sums[c, 0] += w * heard.chance[k]
            sums[c, 1] += v * heard.chance[k]
    return used


@borrows()
def _keep_likeliest(  # type: ignore[no-untyped-def]
    sums, touched, target, n_cameras, likely, likely_bits, at, sign, chance
):
    """Fill one row of a table with the likeliest signs; they sum to 1 over readers and over pairs."""
    total = np.float32(0.0)
    for i in range(len(touched)):
        c = np.uint64(touched[i])
        total += sums[c, target] if c < n_cameras else np.float32(0.0)
    least, n = np.float32(SMALLEST) * total, 0
    for i in range(len(touched)):
        c = np.uint64(touched[i])
        likely[np.uint64(n)], at[np.uint64(n)] = sums[c, target], c
        n += sums[c, target] > least
    # Of those as likely as the last that finds room, the first find some.
    cut, ties = np.int32(0), 0
    if n > len(sign):
        cut = _greatest(likely_bits[:n], len(sign))
        ties = len(sign)
        for k in range(n):
            ties -= likely_bits[k] > cut
    kept, singles, pairs = 0, np.float32(0.0), np.float32(0.0)
    for k in range(n):
        if likely_bits[k] > cut or (likely_bits[k] == cut and ties > 0):
            ties -= likely_bits[k] == cut
            sign[kept], chance[kept] = at[k], likely[k]
            kept += 1
            if at[k] < n_cameras:
                singles += likely[k]
            else:
                pairs += likely[k]
    for k in range(kept):
        chance[k] /= singles if sign[k] < n_cameras else pairs


@borrows()
def _greatest(bits, rank):  # type: ignore[no-untyped-def]
    """Return the ``rank``-th greatest of some positive floats, all as bits, which are in the same order."""
    low, high = np.int32(0), np.int32(np.iinfo(np.int32).max)
    while high - low > 1:
        middle, n = low + (high - low) // 2, 0
        for k in range(len(bits)):
            n += bits[k] >= middle
        if n >= rank:
            low = middle
        else:
            high = middle
    return low
