"""A side's arrays as kernels take them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PlaceArrays(NamedTuple):
    """One target's hypotheses and tables: see ``Hypotheses``, ``Doors``, ``Columns`` and ``ParkedSide``."""

    edge: NDArray[np.int32]
    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    log_prior: NDArray[np.float32]
    prior: NDArray[np.float64]
    cell_prior: NDArray[np.float64]
    log_cell_prior: NDArray[np.float32]
    cell_indptr: NDArray[np.int64]
    cell_of_place: NDArray[np.int32]
    door_indptr: NDArray[np.int64]
    door_middle: NDArray[np.int64]
    door_out: NDArray[np.uint16] | NDArray[np.uint32]
    door_into: NDArray[np.uint16] | NDArray[np.uint32]
    col_indptr: NDArray[np.int64]
    col_cell: NDArray[np.int32]
    col_level: NDArray[np.uint8]
    col_first: NDArray[np.uint32]
    door_level: NDArray[np.uint8]
    place_of_edge: NDArray[np.int32]
    density: NDArray[np.float64]


class SightingArrays(NamedTuple):
    """A view's sightings, and what stands near those that are not by readers of passing traffic."""

    indptr: NDArray[np.int64]
    time_s: NDArray[np.int64]
    camera: NDArray[np.int32]
    expires_s: NDArray[np.int64]
    passed: NDArray[np.bool_]
    near_row: NDArray[np.int32]
    near_edge: NDArray[np.int32]
    near_share: NDArray[np.float32]
    near_lot: NDArray[np.bool_]


class Settings(NamedTuple):
    """Numbers that the adversary reasons with; see ``BayesAttacker``."""

    alpha: float
    home_full: float
    home_half: float
    work_full: float
    work_half: float
    work_home: float
    none_home: float
    no_work: float
    home_own: NDArray[np.float64]
    work_own: NDArray[np.float64]
    at_home: NDArray[np.float64]
    at_work: NDArray[np.float64]
    max_cells: int
