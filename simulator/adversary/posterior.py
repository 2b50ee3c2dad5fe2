"""What an attacker believes, kept small: the likeliest places of each plate and checkpoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree


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


def hypothesis_at(
    posterior: Posterior,
    edge: NDArray[np.int32],
    x_m: NDArray[np.float64],
    y_m: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return the hypothesis that stands for each of some places, shape (n_places,).

    Without a street map it is the nearest point of the grid. On the map it is the place's own street side
    (-1: not among the hypotheses); off the map, the gateway nearest to the place.
    """
    if not posterior.on_streets:
        tree = cKDTree(np.column_stack([posterior.x_m, posterior.y_m]))
        here = np.isfinite(x_m) & np.isfinite(y_m)
        found = np.full(len(x_m), -1, dtype=np.int64)
        # A place off the grid is none of its points.
        far_m, at = tree.query(np.column_stack([x_m[here], y_m[here]]))
        found[here] = np.where(far_m < 0.75 * np.sqrt(posterior.area_m2[at]), at, -1)
        return found
    inside = np.flatnonzero(posterior.edge >= 0)
    gate = np.flatnonzero(posterior.edge < 0)
    row = np.full(int(max(edge.max(initial=0), posterior.edge.max(initial=0))) + 1, -1, dtype=np.int64)
    row[posterior.edge[inside]] = inside
    found = np.where(edge >= 0, row[np.maximum(edge, 0)], -1)
    off = (edge < 0) & np.isfinite(x_m) & np.isfinite(y_m)
    if off.any() and len(gate):
        tree = cKDTree(np.column_stack([posterior.x_m[gate], posterior.y_m[gate]]))
        found[off] = gate[tree.query(np.column_stack([x_m[off], y_m[off]]))[1]]
    return np.asarray(found)
