"""Made-up drivers with known homes, for attackers that learn from examples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.sightings.view import ArchiveView


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """What an adversary makes up for practice: drivers of a town like the one that it attacks.

    None of them is a driver that is attacked; see :mod:`simulator.training`.

    Parameters
    ----------
    view
        What readers at the places of the real ones see of them.
    reads_plates
        Which readers read plates, not faces, shape (n_cameras,).
    home_x_m, home_y_m, home_edge
        Where they live, shape (n_plates,), metres; beyond the map the edge is -1.
    has_work
        Whether they have a work place, shape (n_plates,).
    work_x_m, work_y_m, work_edge
        Where they work; NaN for no work place.
    """

    view: ArchiveView
    reads_plates: NDArray[np.bool_]
    home_x_m: NDArray[np.float64]
    home_y_m: NDArray[np.float64]
    home_edge: NDArray[np.int32]
    has_work: NDArray[np.bool_]
    work_x_m: NDArray[np.float64]
    work_y_m: NDArray[np.float64]
    work_edge: NDArray[np.int32]

    @property
    def n_drivers(self) -> int:
        return len(self.home_x_m)
