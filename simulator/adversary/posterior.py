"""What an attacker believes, kept small: the likeliest places of each plate and checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Posterior:
    """A posterior over places, for each plate and checkpoint.

    Parameters
    ----------
    edge, x_m, y_m, area_m2, prior
        The hypotheses: directed edge (-1: beyond a gateway), position, land, prior; shape (n_hypotheses,).
    place
        The likeliest hypotheses, likeliest first, -1 where there are fewer; shape (n_plates, n_checkpoints,
        n_top).
    mass
        Their posterior probabilities, the same shape.
    on_streets
        Whether hypotheses are streets; if not, ``edge`` says nothing and places are points of a grid.
    none
        Posterior probability that there is no such place at all, shape (n_plates, n_checkpoints).

    Notes
    -----
    What ``mass`` and ``none`` leave is spread over all other hypotheses in proportion to the prior.
    """

    edge: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    area_m2: NDArray[np.float64]
    prior: NDArray[np.float64]
    place: NDArray[np.int32]
    mass: NDArray[np.float32]
    none: NDArray[np.float32]
    on_streets: bool = True
