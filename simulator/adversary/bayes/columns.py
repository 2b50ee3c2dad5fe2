"""The tables turned over: for each sign, the cells that show it, and how likely it is at their doors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.bayes.hypotheses import Doors
from simulator.adversary.bayes.tables import FirstLast, chance_of_levels, level_of

# A cell shows a sign if it is there at least so many times as common as usual.
_RARE = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """The tables by sign. Levels are one more than those of the tables here: 0 means never.

    Parameters
    ----------
    indptr, cell, level
        Rows ``indptr[side * n_signs + c]`` up to the next are the cells, ascending, from which sign ``c`` is
        seen first (side 0) or last (side 1), and how likely in the middle of the cell.
    first, door_level
        The same of the cells' doors: level ``door_level[first[i] + d]`` is that of row ``i`` at door ``d`` of
        the cell's doors on that side. All of a cell's lie together.
    """

    indptr: NDArray[np.int64]
    cell: NDArray[np.int32]
    level: NDArray[np.uint8]
    first: NDArray[np.uint32]
    door_level: NDArray[np.uint8]


def columns_of(
    table: FirstLast, doors: Doors, weight: NDArray[np.float64], usual: NDArray[np.float64]
) -> Columns:
    """Index first and last readers by sign.

    Parameters
    ----------
    table, doors
        First and last readers at each node, and the nodes at which cells have doors.
    weight
        Each door's part of what its cell weighs, shape (n_doors,).
    usual
        How common each sign is, shape (n_signs,). Where one is rarer than usual, it says little: such cells
        are as good as never showing it.
    """
    chance, n_signs = chance_of_levels(), len(usual)
    signs, cells, levels, firsts, door_levels, n_levels = [], [], [], [], [], 0
    for side, (start, stop) in enumerate(
        ((doors.cell_indptr[:-1], doors.cell_middle), (doors.cell_middle, doors.cell_indptr[1:]))
    ):
        given = (
            table.sign[side], table.level[side], doors.node, start, stop, weight, _RARE * usual, chance,
        )  # fmt: skip
        listed = _room(*_by_cell(*given, _room(0, 0)))
        _by_cell(*given, listed)
        signs.append(listed.sign + side * n_signs)
        cells.append(listed.cell)
        # A cell weighs what its likelier places make of it: between the mean and the most.
        middle = listed.mean**0.6 * chance[listed.most] ** 0.4
        levels.append(level_of(middle) + np.uint8(1))
        firsts.append(listed.first + np.uint32(n_levels))
        door_levels.append(listed.door_level)
        n_levels += len(listed.door_level)
    sign = np.concatenate(signs)
    order = np.argsort(sign, kind="stable")
    return Columns(
        indptr=np.searchsorted(sign[order], np.arange(2 * n_signs + 1)).astype(np.int64),
        cell=np.concatenate(cells)[order],
        level=np.concatenate(levels)[order],
        first=np.concatenate(firsts)[order],
        door_level=np.concatenate(door_levels),
    )


class _Listed(NamedTuple):
    """What one side's cells show, cell by cell; see :class:`Columns`."""

    cell: NDArray[np.int32]
    sign: NDArray[np.int32]
    mean: NDArray[np.float64]
    most: NDArray[np.uint8]
    first: NDArray[np.uint32]
    door_level: NDArray[np.uint8]


def _room(n: int, size: int) -> _Listed:
    return _Listed(
        cell=np.empty(n, np.int32),
        sign=np.empty(n, np.int32),
        mean=np.empty(n, np.float64),
        most=np.empty(n, np.uint8),
        first=np.empty(n, np.uint32),
        door_level=np.zeros(size, np.uint8),
    )


@njit(cache=True)
def _by_cell(sign, level, node, start, stop, weight, least, chance, listed):  # type: ignore[no-untyped-def]
    """List the signs that each cell shows on one side; return how many in all, and at how many doors.

    Without room in ``listed`` nothing is written.
    """
    n, size, writes = 0, 0, len(listed.cell) > 0
    seen_in, number = np.full(len(least), -1), np.full(len(least), -1)
    found, sums = np.empty(len(least), np.int64), np.zeros(len(least))
    highest = np.zeros(len(least), np.uint8)
    for c in range(len(start)):
        used, n_doors = 0, stop[c] - start[c]
        for d in range(start[c], stop[c]):
            for j in range(sign.shape[1]):
                k = sign[node[d], j]
                if k < 0:
                    break
                if seen_in[k] != c:
                    seen_in[k], sums[k], highest[k] = c, 0.0, 0
                    found[used] = k
                    used += 1
                sums[k] += chance[level[node[d], j]] * weight[d]
                highest[k] = max(highest[k], level[node[d], j])
        for i in range(used):
            k = found[i]
            number[k] = -1
            if chance[highest[k]] > least[k]:
                if writes:
                    listed.cell[n], listed.sign[n], listed.first[n] = c, k, size
                    listed.mean[n], listed.most[n] = sums[k], highest[k]
                    number[k] = n
                n += 1
                size += n_doors
        if writes:
            for d in range(start[c], stop[c]):
                for j in range(sign.shape[1]):
                    k = sign[node[d], j]
                    if k < 0:
                        break
                    if number[k] >= 0:
                        at = listed.first[number[k]] + d - start[c]
                        listed.door_level[at] = level[node[d], j] + 1
    return n, size
