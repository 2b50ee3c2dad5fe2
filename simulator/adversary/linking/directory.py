"""A directory attack: a home-work pair is looked up in a list of residents with their home and work place.

After P. Golle & K. Partridge (2009), On the Anonymity of Home/Work Location Pairs, and the reverse white
pages of J. Krumm (2007), Inference Attacks on Location Tracks. The list is public knowledge here: an address
book with employers, a leaked register. Names are row numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Directory:
    """Residents with their home and work place, metres; all arrays have shape (n_residents,)."""

    home_x_m: FloatArray
    home_y_m: FloatArray
    work_x_m: FloatArray
    work_y_m: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Lookup:
    """What a directory says about each pair.

    Parameters
    ----------
    matches
        How many residents live and work near enough, shape (n_pairs,); -1 where there was no pair to look up.
    nearest
        The resident nearest in both, among the matches; -1 if there is none.
    """

    matches: NDArray[np.int64]
    nearest: NDArray[np.int64]


def look_up(
    directory: Directory,
    *,
    home_x_m: FloatArray,
    home_y_m: FloatArray,
    work_x_m: FloatArray,
    work_y_m: FloatArray,
    within_m: float,
) -> Lookup:
    """Look up home-work pairs; NaN in any of the four is an attacker who abstains.

    Parameters
    ----------
    directory
        The list.
    home_x_m, home_y_m, work_x_m, work_y_m
        The pairs, inferred or true, shape (n_pairs,).
    within_m
        How near both must be.
    """
    pairs = np.column_stack([home_x_m, home_y_m, work_x_m, work_y_m]).astype(np.float64)
    n = len(pairs)
    matches, nearest = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    asked = np.flatnonzero(np.isfinite(pairs).all(axis=1))
    matches[asked] = 0
    listed = np.column_stack([directory.home_x_m, directory.home_y_m, directory.work_x_m, directory.work_y_m])
    known = np.flatnonzero(np.isfinite(listed).all(axis=1))
    if not len(known) or not len(asked):
        return Lookup(matches=matches, nearest=nearest)
    near = cKDTree(listed[known, :2]).query_ball_point(pairs[asked, :2], within_m)
    for row, neighbours in zip(asked, near, strict=True):
        resident = known[np.sort(np.asarray(neighbours, dtype=np.int64))]
        from_work = np.hypot(*(listed[resident, 2:] - pairs[row, 2:]).T)
        resident = resident[from_work <= within_m]
        matches[row] = len(resident)
        if len(resident):
            nearest[row] = resident[np.argmin(((listed[resident] - pairs[row]) ** 2).sum(axis=1))]
    return Lookup(matches=matches, nearest=nearest)
