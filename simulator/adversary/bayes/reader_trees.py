"""Trees of quickest ways, and the readers along them, handed down from the root as the tree grows.

Trees are made by the thousand, each with its own travel times, so that a node is handled in constant time:
nodes wait in buckets by their time from the root (Dial 1969; Meyer & Sanders, "Delta-stepping", Journal of
Algorithms 49, 2003, with one worker). A node that is reached quicker after its turn has another turn, and
then all that depends on it, so that in the end times are the least and readers are those of the quickest
ways.

The first few readers of a way are one word: reader ``i`` in its bits ``16 i`` and up, all of them set where
there is no more. So they are passed on by a shift.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.borrow import borrows

#: Readers kept along a way: two reads are looked at, and with a read rate near 0.9 few are missed.
DEPTH = 4
NO_READER = -1
_NONE, _ONE = np.int64(NO_READER), np.uint64(1)
_READER_BITS, _READER = np.int64(16), np.int64(0xFFFF)
# Width of a bucket in mean travel times of an edge, and a bound on the number of buckets.
_BUCKET = 0.5
_MOST_BUCKETS = 16_384


def readers_of(words: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return the readers that words stand for, ``NO_READER`` where there are no more, shape (..., DEPTH)."""
    # The lowest bits first, on any machine.
    return (
        words.astype("<i8", copy=False).view("<i2").reshape(*words.shape, DEPTH).astype(np.int16, copy=False)
    )


def words_of(readers: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the words of readers, the inverse of :func:`readers_of`."""
    return readers.astype("<i2", copy=False).view("<i8")[..., 0].astype(np.int64, copy=False)


@borrows()
def read_off(word, readers):  # type: ignore[no-untyped-def]
    """Fill in the readers that a word stands for; return their number."""
    n = 0
    while n < DEPTH and word >> _READER_BITS * n & _READER != _READER:
        readers[n] = word >> _READER_BITS * n & _READER
        n += 1
    return n


@njit(cache=True)
def hand_down(  # type: ignore[no-untyped-def]
    time_s, indptr, other_end, edge_id, root, towards_root, reader_indptr, reader, near, far
):
    """Fill the first few readers on the way between each node and a root.

    Parameters
    ----------
    time_s, other_end, edge_id
        Of the edges by which a tree grows from each node, shape (n_edges,): edges into it where ways lead
        ``towards_root``, edges out of it where they lead away. Times are not negative.
    indptr
        Those of node ``n`` are rows ``indptr[n]:indptr[n + 1]``.
    reader_indptr, reader
        Readers of edge ``e`` in driving order: ``reader[reader_indptr[e]:reader_indptr[e + 1]]``.
    near, far
        Receive, as words, the readers nearest to the node first, and, where ways lead away from the root,
        those nearest to the root first; shape (n_nodes,).
    """
    n_nodes = len(near)
    near[:] = _NONE
    if not towards_root:
        far[:] = _NONE
    longest_s, mean_s = 0.0, 0.0
    for k in range(len(time_s)):
        longest_s = max(longest_s, time_s[k])
        mean_s += time_s[k] / len(time_s)
    wide_s = max(_BUCKET * mean_s, longest_s / _MOST_BUCKETS, 1e-9)
    a_second = 1.0 / wide_s
    mask = 1
    while mask < longest_s / wide_s + 2:
        mask = 2 * mask + 1
    first = np.full(mask + 1, -1, np.int32)
    after, ahead = np.empty(n_nodes, np.int32), np.empty(n_nodes, np.int32)
    bucket = np.full(n_nodes, -1, np.int64)
    reached_s = np.full(n_nodes, np.inf)
    before, via = np.full(n_nodes, -1, np.int32), np.empty(n_nodes, np.int32)
    reached_s[root] = 0.0
    first[0], after[root], ahead[root], bucket[root] = root, -1, -1, 0
    waiting, now = 1, 0
    while waiting > 0:
        while first[np.uint64(now & mask)] < 0:
            now += 1
        # What is known not to be negative is said to be so: an index that may be takes two more instructions.
        n = np.uint64(first[np.uint64(now & mask)])
        _take_out(n, bucket, first, after, ahead)
        waiting -= 1
        if before[n] >= 0:
            m, edge = np.uint64(before[n]), np.uint64(via[n])
            a, b = reader_indptr[edge], reader_indptr[edge + _ONE]
            near[n] = near[m]
            if towards_root:
                for k in range(b - 1, a - 1, -1):
                    near[n] = near[n] << _READER_BITS | reader[k]
            else:
                far[n] = far[m]
                for k in range(a, b):
                    near[n] = near[n] << _READER_BITS | reader[k]
                    far[n] = _append(far[n], reader[k])
        for k in range(np.uint64(indptr[n]), np.uint64(indptr[n + _ONE])):
            other, then_s = np.uint64(other_end[k]), reached_s[n] + time_s[k]
            if then_s < reached_s[other]:
                reached_s[other], before[other], via[other] = then_s, n, edge_id[k]
                to = np.int64(then_s * a_second) & mask
                if bucket[other] == to:
                    continue
                if bucket[other] >= 0:
                    _take_out(other, bucket, first, after, ahead)
                    waiting -= 1
                next_one = first[np.uint64(to)]
                after[other], ahead[other], bucket[other] = next_one, -1, to
                if next_one >= 0:
                    ahead[np.uint64(next_one)] = other
                first[np.uint64(to)] = other
                waiting += 1


@borrows()
def _take_out(n, bucket, first, after, ahead):  # type: ignore[no-untyped-def]
    a, b = ahead[n], after[n]
    if a >= 0:
        after[np.uint64(a)] = b
    else:
        first[np.uint64(bucket[n])] = b
    if b >= 0:
        ahead[np.uint64(b)] = a
    bucket[n] = -1


@borrows()
def _append(word, reader):  # type: ignore[no-untyped-def]
    for i in range(DEPTH):
        if word >> _READER_BITS * i & _READER == _READER:
            return word & ~(_READER << _READER_BITS * i) | np.int64(reader) << _READER_BITS * i
    return word


@njit(cache=True)
def turn_over(of_trees, first, labels):  # type: ignore[no-untyped-def]
    """Copy a block of trees' words, shape (n, n_nodes), to ``labels[:, first : first + n]``."""
    n_nodes, some = of_trees.shape[1], 8  # words that lie in one line of the cache
    for start in range(0, n_nodes, some):
        for t in range(of_trees.shape[0]):
            for node in range(start, min(start + some, n_nodes)):
                labels[node, first + t] = of_trees[t, node]
