"""Trees of quickest ways, and the readers along them, handed down from the root as the tree grows.

Trees are made by the thousand, each with its own travel times, so that a node is handled in constant time:
nodes wait in buckets by their time from the root (Dial 1969; Meyer & Sanders, "Delta-stepping", Journal of
Algorithms 49, 2003, with one worker). A node that is reached quicker after its turn has another turn, and
then all that depends on it, so that in the end times are the least and readers are those of the quickest
ways.

Few edges are watched by readers. So a node is told no more than the number of the watched edge that is
nearest to it on its way, and each tree says of each watched edge which readers the ways over it pass. The
first few readers of a way are one word: reader ``i`` in its bits ``16 i`` and up, all of them set where there
is no more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows

#: Readers kept along a way: two reads are looked at, and with a read rate near 0.9 few are missed.
DEPTH = 4
NO_READER = -1
#: The word of a way without readers.
NO_READERS = np.int64(NO_READER)
_ONE = np.uint64(1)
_READER_BITS, _READER = np.int64(16), np.int64(0xFFFF)
#: Best width of a bucket in mean travel times of an edge.
BUCKET = 0.5
# A bound on the number of buckets.
_MOST_BUCKETS = 16_384


def readers_of(words: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the readers that words stand for, ``NO_READER`` where there are no more, shape (..., DEPTH)."""
    # The lowest bits first, on any machine.
    return (
        words.astype("<i8", copy=False).view("<i2").reshape(*words.shape, DEPTH).astype(np.int16, copy=False)
    )


@borrows()
def read_off(word, readers):  # type: ignore[no-untyped-def]
    """Fill in the readers that a word stands for; return their number."""
    n = 0
    while n < DEPTH and word >> _READER_BITS * n & _READER != _READER:
        readers[n] = word >> _READER_BITS * n & _READER
        n += 1
    return n


class Growth(NamedTuple):
    """The edges by which trees grow from each node; passed to kernels as it is.

    Edges into a node where ways lead towards the root, edges out of it where they lead away.

    Parameters
    ----------
    indptr
        Edges of node ``n`` are rows ``indptr[n]:indptr[n + 1]``.
    other_end
        The node that each edge leads to as the tree grows, shape (n_edges,).
    watched
        Number of each edge among those with readers, from 1, and 0 where there are none, shape (n_edges,).
    reader_indptr, reader
        Readers of watched edge ``w`` in driving order: ``reader[reader_indptr[w]:reader_indptr[w + 1]]``.
    """

    indptr: NDArray[np.int32]
    other_end: NDArray[np.int32]
    watched: NDArray[np.uint16] | NDArray[np.uint32]
    reader_indptr: NDArray[np.int64]
    reader: NDArray[np.int32]


def buckets_for(time_s: NDArray[np.float32], wide_s: float) -> tuple[np.float32, int]:
    """Return how many buckets of some width go by in a second, and a power of two of them that suffices."""
    longest_s = float(time_s.max(initial=0.0))
    wide_s = max(wide_s, longest_s / _MOST_BUCKETS, 1e-9)
    return np.float32(1.0 / wide_s), 1 << int(longest_s / wide_s + 2).bit_length()


@njit(cache=True)
def hand_down(  # type: ignore[no-untyped-def]
    time_s, buckets_a_second, n_buckets, growth, root, towards_root, nearest, near, far
):
    """Fill the watched edges nearest to each node on the way between it and a root, and the readers there.

    Parameters
    ----------
    time_s
        Times of the edges of ``growth``, not negative, shape (n_edges,).
    buckets_a_second, n_buckets
        From :func:`buckets_for` the times.
    growth
        A :class:`Growth`: edges into nodes where ways lead ``towards_root``, else edges out of them.
    nearest
        Receives numbers of watched edges, 0 where no reader is passed, shape (n_nodes,).
    near, far
        Receive, as words, the readers of the ways that have each watched edge as the nearest to their node:
        those nearest to the node first, and, where ways lead away from the root, those nearest to the root
        first; shape (n_watched + 1,). Towards the root, ``far`` may be ``near``.
    """
    n_nodes = len(nearest)
    # Nodes that wait for their turn in the same bucket, and the bucket itself, are a ring; others are alone.
    # So nothing has to be asked when one joins or leaves.
    after = np.arange(n_nodes + n_buckets, dtype=np.int32)
    _grow(
        time_s, buckets_a_second, n_buckets - 1, growth, root, towards_root, after, after.copy(),
        np.full(n_nodes, np.inf, np.float32), nearest, near, far,
    )  # fmt: skip
    # Edges that were the quickest way for a while only.
    passed = np.zeros(len(near), np.bool_)
    for n in range(n_nodes):
        passed[nearest[n]] = True
    for w in range(len(near)):
        if not passed[w]:
            near[w] = NO_READERS
            if not towards_root:
                far[w] = NO_READERS


@borrows()
def _grow(  # type: ignore[no-untyped-def]
    time_s, buckets_a_second, mask, growth, root, towards_root, after, ahead, reached_s, nearest, near, far
):
    indptr, other_end, watched = growth.indptr, growth.other_end, growth.watched
    n_nodes = len(nearest)
    nearest[:] = 0
    near[0] = far[0] = NO_READERS
    reached_s[root] = 0.0
    after[n_nodes] = ahead[n_nodes] = root
    after[root] = ahead[root] = n_nodes
    waiting, now = 1, 0
    while waiting > 0:
        # What is known not to be negative is said to be so: an index that may be takes two more instructions.
        bucket = np.uint64(n_nodes + (now & mask))
        n = np.uint64(after[bucket])
        if n == bucket:
            now += 1
            continue
        b = np.uint64(after[n])
        after[bucket], ahead[b] = b, bucket
        after[n] = ahead[n] = n
        waiting -= 1
        at_s, mine = reached_s[n], nearest[n]
        for k in range(np.uint64(indptr[n]), np.uint64(indptr[n + _ONE])):
            other, then_s = np.uint64(other_end[k]), at_s + time_s[k]
            if then_s < reached_s[other]:
                reached_s[other] = then_s
                nearest[other] = mine
                if watched[k] > 0:
                    nearest[other] = watched[k]
                    _pass_readers(growth, mine, watched[k], towards_root, near, far)
                a, b = np.uint64(ahead[other]), np.uint64(after[other])
                waiting += a == other
                after[a], ahead[b] = b, a
                bucket = np.uint64(n_nodes + (np.int64(then_s * buckets_a_second) & mask))
                b = np.uint64(after[bucket])
                after[bucket] = ahead[b] = other
                after[other], ahead[other] = b, bucket


@borrows()
def _pass_readers(growth, before, edge, towards_root, near, far):  # type: ignore[no-untyped-def]
    """Fill the words of the ways over a watched edge from those of the ways to its nearer end."""
    a, b = growth.reader_indptr[edge], growth.reader_indptr[edge + 1]
    word = near[before]
    if towards_root:
        for k in range(b - 1, a - 1, -1):
            word = word << _READER_BITS | growth.reader[k]
    else:
        beyond = far[before]
        for k in range(a, b):
            word = word << _READER_BITS | growth.reader[k]
            beyond = _append(beyond, growth.reader[k])
        far[edge] = beyond
    near[edge] = word


@borrows()
def _append(word, reader):  # type: ignore[no-untyped-def]
    for i in range(DEPTH):
        if word >> _READER_BITS * i & _READER == _READER:
            return word & ~(_READER << _READER_BITS * i) | np.int64(reader) << _READER_BITS * i
    return word


@njit(cache=True)
def turn_over(of_trees, node, first, labels):  # type: ignore[no-untyped-def]
    """Copy a block of trees' labels, shape (n, n_nodes), to ``labels[node, first : first + n]``."""
    n_nodes, some = of_trees.shape[1], 32  # labels that lie in one line of the cache
    for start in range(0, n_nodes, some):
        for t in range(of_trees.shape[0]):
            for i in range(start, min(start + some, n_nodes)):
                labels[node[i], first + t] = of_trees[t, i]
