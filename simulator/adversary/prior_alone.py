"""The baseline that looks at no sighting: where most homes, or most jobs, are.

What an attacker finds beyond this it has from the reads.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.adversary.attacker import Attack, Guesses
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.errors import ScenarioError
from simulator.roads.city import LandUse
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import ArchiveView

#: Distance within which a prior's mass is the confidence of its guess.
CONFIDENCE_RADIUS_M = 250.0
# Streets are cut into pieces no longer than this, and a piece counts by its middle.
_PIECE_M = 50.0

#: Where, metres, and the share of homes (work places) within 250 m of it.
Point = tuple[float, float, float]
# Worked out once for what is known of a town; goes when that goes.
_WORKED_OUT: weakref.WeakKeyDictionary[LandUse | RoadNetwork, dict[float, tuple[Point, Point]]] = (
    weakref.WeakKeyDictionary()
)


@dataclass(frozen=True, kw_only=True)
class PriorAloneAttacker:
    """Guesses the same point for every plate: the one with most homes (work places) near it.

    That point minimises the expected loss where a guess costs nothing within ``radius_m`` of the truth, and
    the same everywhere else. It never abstains.

    Parameters
    ----------
    name, title, citation, rung
        As of every attacker.
    radius_m
        The radius of that loss, metres; between the criteria of 250 and 500 m.
    """

    name: str = "prior-alone"
    title: str = "Land use alone"
    citation: str = "This project; the prior of the Bayesian adversary, without a sighting"
    rung: Rung = Rung.LAND_USE
    radius_m: float = 400.0

    def infer(self, view: ArchiveView, knowledge: Knowledge) -> Attack:
        """Return the same guess for all plates and checkpoints.

        Without land use, streets count by length; ``confidence`` is the share of all homes (work places) on
        the map that lie within 250 m of the guess.

        Raises
        ------
        ScenarioError
            If not even the streets are known.
        """
        streets, land_use = knowledge.streets, knowledge.land_use
        if streets is None:
            raise ScenarioError(
                f"Attacker '{self.name}' needs a street map, and it was given knowledge of the rung "
                f"'{knowledge.rung.name.lower()}' only: give it at least that of streets."
            )
        shape = (view.n_plates, view.n_checkpoints)
        known = _WORKED_OUT.setdefault(streets if land_use is None else land_use, {})
        if self.radius_m not in known:
            homes = None if land_use is None else land_use.residential
            jobs = None if land_use is None else land_use.employment
            known[self.radius_m] = (
                densest_point(streets, homes, self.radius_m),
                densest_point(streets, jobs, self.radius_m),
            )
        home, work = known[self.radius_m]
        return Attack(home=_everywhere(home, shape), work=_everywhere(work, shape))


def densest_point(streets: RoadNetwork, weight: NDArray[np.floating] | None, radius_m: float) -> Point:
    """Return the point of the streets with most weight within a radius.

    Parameters
    ----------
    streets
        The streets; candidates are points every 50 m along them.
    weight
        Weight of each directed edge, spread evenly along it, shape (n_edges,); by length if ``None`` or
        nowhere positive.
    radius_m
        The radius, metres.

    Returns
    -------
    x_m, y_m, share
        The point, metres, and the share of all weight within 250 m of it. The first such point by edge
        and position, if several are as good.
    """
    length_m = streets.edge_length_m
    mass = np.asarray(length_m if weight is None else weight, dtype=np.float64)
    if mass.sum() <= 0:
        mass = length_m
    used = np.flatnonzero(mass > 0)
    pieces = np.maximum(np.ceil(length_m[used] / _PIECE_M), 1).astype(np.int64)
    edge = np.repeat(used, pieces)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    offset_m = (number + 0.5) * length_m[edge] / np.repeat(pieces, pieces)
    x_m, y_m = streets.point_along(edge, offset_m)
    share = (mass[used] / pieces / mass.sum()).repeat(pieces)
    # Both sides of a street have the same middles: one search for each point.
    points, which = np.unique(np.round(np.column_stack([x_m, y_m]), 1), axis=0, return_inverse=True)
    share = np.bincount(which.reshape(-1), share, len(points))
    tree = cKDTree(points)
    found = tree.query_ball_point(points, radius_m)
    near = np.array([share[rows].sum() for rows in found])
    best = int(near.argmax())
    inside = tree.query_ball_point(points[best], CONFIDENCE_RADIUS_M)
    return float(points[best, 0]), float(points[best, 1]), float(share[inside].sum())


def _everywhere(point: Point, shape: tuple[int, int]) -> Guesses:
    x_m, y_m, confidence = (np.full(shape, value, dtype=np.float32) for value in point)
    return Guesses(x_m=x_m, y_m=y_m, confidence=confidence)
