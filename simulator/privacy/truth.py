"""Ground truth that guesses are held against; made by the run from its people, never seen by an adversary."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """Where the drivers of a view's plates live and work, in the order of the view's plates.

    All arrays have shape (n_drivers,).

    Parameters
    ----------
    driver_id
        Driver of each plate.
    home_x_m, home_y_m
        Home, metres; for people from outside the map a point beyond its rim (or NaN: then never found).
    home_edge
        Directed edge that the home is on, -1 outside the map.
    home_inside
        Whether the home is on the map.
    has_work
        Whether there is a work place; the ``work_*`` arrays hold anything (NaN, -1) where not.
    work_x_m, work_y_m, work_edge, work_inside
        The same for the work place.
    """

    driver_id: NDArray[np.int32]
    home_x_m: FloatArray
    home_y_m: FloatArray
    home_edge: NDArray[np.int32]
    home_inside: NDArray[np.bool_]
    has_work: NDArray[np.bool_]
    work_x_m: FloatArray
    work_y_m: FloatArray
    work_edge: NDArray[np.int32]
    work_inside: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.driver_id)


@dataclass(frozen=True, kw_only=True, eq=False)
class Addresses:
    """All doors of one kind in the city (home addresses, or work places), among which a guess must choose.

    Parameters
    ----------
    x_m, y_m
        Position of each address, shape (n_addresses,), metres.
    """

    x_m: FloatArray
    y_m: FloatArray

    #: Side of the counting grid's cells.
    _GRID_M = 50.0

    @cached_property
    def tree(self) -> cKDTree:
        """Search tree over the addresses."""
        return cKDTree(np.column_stack([self.x_m, self.y_m]))

    @cached_property
    def _count_below(self) -> tuple[float, float, NDArray[np.int64]]:
        """West and south of the counting grid, and how many addresses lie in all cells before each corner."""
        if len(self.x_m) == 0:
            return 0.0, 0.0, np.zeros((1, 1), dtype=np.int64)
        west, south = float(self.x_m.min()), float(self.y_m.min())
        column = ((self.x_m - west) // self._GRID_M).astype(np.int64)
        row = ((self.y_m - south) // self._GRID_M).astype(np.int64)
        grid = np.zeros((column.max() + 2, row.max() + 2), dtype=np.int64)
        np.add.at(grid, (column + 1, row + 1), 1)
        return west, south, grid.cumsum(axis=0).cumsum(axis=1)

    def at_least_within(self, x_m: FloatArray, y_m: FloatArray, radius_m: FloatArray) -> NDArray[np.int64]:
        """Return how many addresses at least are within a radius of points, by whole grid cells only."""
        west, south, below = self._count_below
        half = radius_m / np.sqrt(2.0)

        def corner(value: FloatArray, origin: float, size: int, up: bool) -> NDArray[np.int64]:
            at = (value - origin) / self._GRID_M
            return np.clip(np.ceil(at) if up else np.floor(at), 0, size - 1).astype(np.int64)

        left = corner(x_m - half, west, below.shape[0], True)
        right = np.maximum(corner(x_m + half, west, below.shape[0], False), left)
        bottom = corner(y_m - half, south, below.shape[1], True)
        top = np.maximum(corner(y_m + half, south, below.shape[1], False), bottom)
        inside = below[right, top] - below[left, top] - below[right, bottom] + below[left, bottom]
        return np.asarray(inside, dtype=np.int64)
