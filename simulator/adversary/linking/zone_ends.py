"""Privacy zones undone: tracks that are cut where they enter a circle around the home point at its middle.

After Hassan et al. (2018) on privacy zones of fitness networks. All cuts lie at one distance from the hidden
home, and no visible point lies nearer. Among all doors of the street map the one is taken whose distances to
the cuts agree best with one of the radii that the service offers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def zone_centre(
    cuts: FloatArray, visible: FloatArray, doors: FloatArray, radii_m: FloatArray, *, step_m: float
) -> tuple[int, float, float]:
    """Return the likeliest middle of a privacy zone.

    Parameters
    ----------
    cuts
        First or last visible points of tracks that begin or end in the zone, shape (n_cuts, 2), metres.
    visible
        Visible points of all tracks, shape (n, 2).
    doors
        Where the home may be, shape (n_doors, 2).
    radii_m
        Radii that the service offers.
    step_m
        How far apart points of a track are: a cut lies up to so much outside the circle.

    Returns
    -------
    tuple
        Row of the door (-1: none is possible), radius, and how well the cuts agree with it: root mean square
        of their distances from the circle, metres.
    """
    if not len(cuts) or not len(doors):
        return -1, float("nan"), float("nan")
    best = (-1, float("nan"), np.inf)
    from_cuts = np.hypot(doors[:, None, 0] - cuts[None, :, 0], doors[:, None, 1] - cuts[None, :, 1])
    for radius in radii_m:
        # A cut is on average half a step outside.
        off = from_cuts - (radius + 0.5 * step_m)
        misfit = np.sqrt((off**2).mean(axis=1))
        for door in np.argsort(misfit, kind="stable")[:200]:
            if misfit[door] >= best[2]:
                break
            nearest = np.min((visible[:, 0] - doors[door, 0]) ** 2 + (visible[:, 1] - doors[door, 1]) ** 2)
            if nearest >= (radius - 2.0 * step_m) ** 2:
                best = (int(door), float(radius), float(misfit[door]))
                break
    return best
