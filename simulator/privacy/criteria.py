"""When a point guess counts as knowing a place.

============================  ==========================================================================
``within-100m`` … ``-1000m``  the guess is no farther from the place than that
``right-street``              the street nearest to the guess is the place's own, and within 250 m of it
``address-top-1``, ``-10``,   no more than that many addresses, the true one included, are as near to the
``-100``                      guess as the true one (ties count against the adversary)
``known-to-adversary``        the attacker itself is sure: posterior mass of at least 0.9 within 250 m of its
                              guess (for attackers with a posterior; right or not)
``known-and-right``           the same, and the guess is within 250 m of the place
============================  ==========================================================================

Each also exists *for good* (``within-250m-for-good``): right at a checkpoint and at all later ones.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulator.privacy.truth import Addresses, FloatArray
from simulator.roads.network import RoadNetwork

DISTANCES_M = (100, 250, 500, 1000)
ADDRESS_RANKS = (1, 10, 100)
RIGHT_STREET_M = 250.0
FOR_GOOD = "-for-good"

POINT_CRITERIA = (
    *(f"within-{d}m" for d in DISTANCES_M),
    "right-street",
    *(f"address-top-{k}" for k in ADDRESS_RANKS),
)
POSTERIOR_CRITERIA = ("known-to-adversary", "known-and-right")
CRITERIA = (*POINT_CRITERIA, *(c + FOR_GOOD for c in POINT_CRITERIA))

#: A guess is stored in 32 bits; two points of a map are the same if they are this near.
SAME_POINT_M = 0.02

BoolArray = NDArray[np.bool_]


def within(error_m: FloatArray, distance_m: float) -> BoolArray:
    """Return whether errors are within a distance; an abstention (NaN) is not."""
    return error_m <= distance_m


def right_street(
    x_m: FloatArray,
    y_m: FloatArray,
    true_edge: NDArray[np.int32],
    error_m: FloatArray,
    network: RoadNetwork,
) -> BoolArray:
    """Return whether the street nearest to each guess, and within 250 m, is the true edge's street.

    Parameters
    ----------
    x_m, y_m, error_m
        Guesses and their errors, any one shape, metres; NaN where the attacker abstains.
    true_edge
        Edge of the true place, the same shape; -1 where there is none on the map.
    network
        The streets.
    """
    right = np.zeros(error_m.shape, dtype=bool)
    low_x, high_x, low_y, high_y = _street_boxes(network)
    street = network.edge_street[np.maximum(true_edge, 0)]
    with np.errstate(invalid="ignore"):
        # Most guesses are far from the true street altogether; only the rest need a search.
        near = (
            (true_edge >= 0)
            & np.isfinite(error_m)
            & (x_m >= low_x[street] - RIGHT_STREET_M)
            & (x_m <= high_x[street] + RIGHT_STREET_M)
            & (y_m >= low_y[street] - RIGHT_STREET_M)
            & (y_m <= high_y[street] + RIGHT_STREET_M)
        )
    if not near.any():
        return right
    points, which = np.unique(np.stack([x_m[near], y_m[near]], axis=1), axis=0, return_inverse=True)
    edge, _, distance_m = network.nearest_edge(points[:, 0], points[:, 1])
    which = which.reshape(-1)
    right[near] = (network.edge_street[edge][which] == street[near]) & (distance_m[which] <= RIGHT_STREET_M)
    return right


def address_rank(
    x_m: FloatArray,
    y_m: FloatArray,
    error_m: FloatArray,
    addresses: Addresses,
    *,
    worst: int = ADDRESS_RANKS[-1],
) -> NDArray[np.int64]:
    """Return how many addresses are at least as near to each guess as the true one, itself included.

    Parameters
    ----------
    x_m, y_m, error_m
        Guesses and their distances from the true address, shape (n,), metres; NaN where abstaining.
    addresses
        All addresses, the true ones among them.
    worst
        Ranks beyond this are not worked out: they are given as ``worst + 1``, like those of abstentions.

    Returns
    -------
    ndarray
        Ranks from 1, shape (n,).
    """
    rank = np.full(error_m.shape, worst + 1, dtype=np.int64)
    at = np.flatnonzero(np.isfinite(error_m))
    radius_m = error_m[at] + SAME_POINT_M
    at = at[addresses.at_least_within(x_m[at], y_m[at], radius_m) <= worst]
    if len(at) and len(addresses.x_m):
        count = addresses.tree.query_ball_point(
            np.column_stack([x_m[at], y_m[at]]), error_m[at] + SAME_POINT_M, return_length=True
        )
        rank[at] = np.clip(count, 1, worst + 1)
    return rank


@lru_cache(maxsize=4)
def _street_boxes(network: RoadNetwork) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return the bounding box of each street (by id): least and greatest x, least and greatest y, metres."""
    street = np.repeat(network.edge_street, np.diff(network.geometry_indptr))
    n = int(network.edge_street.max(initial=-1)) + 1
    low_x, low_y = np.full(n, np.inf), np.full(n, np.inf)
    high_x, high_y = np.full(n, -np.inf), np.full(n, -np.inf)
    np.minimum.at(low_x, street, network.geometry_x_m)
    np.minimum.at(low_y, street, network.geometry_y_m)
    np.maximum.at(high_x, street, network.geometry_x_m)
    np.maximum.at(high_y, street, network.geometry_y_m)
    return low_x, high_x, low_y, high_y
