"""What a car looks like: colour, body type and make. Ground truth, of which a reader notes what it sees.

The shares are free parameters: round guesses at a present-day fleet, from no source. Attributes are drawn
independently of one another, although some makes build only some types: real cars look alike more often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from simulator.spec import Share, Spec
from simulator.streams import Stream, generator


class VehicleShares(Spec):
    """Relative weights of colours, body types and makes (all free)."""

    colour: tuple[float, ...] = Field(
        (25, 22, 18, 12, 9, 8, 2, 2, 1, 1), description="White, black, grey, silver, blue, red and so on."
    )
    body: tuple[float, ...] = Field((45, 27, 17, 5, 4, 2), description="SUV, saloon, pick-up, van and so on.")
    make: tuple[float, ...] = Field(
        (14, 13, 10, 9, 8, 6, 5, 5, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 1),
        description="Makes, commonest first.",
    )
    misjudged: Share = Field(0.0, description="Reads whose colour, type or make is noted wrongly.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Vehicles:
    """Looks of each driver's car; arrays of shape (n_drivers,) with codes from 0."""

    colour: NDArray[np.int64]
    body: NDArray[np.int64]
    make: NDArray[np.int64]
    shares: VehicleShares

    def looks(self) -> NDArray[np.int64]:
        """Return one code for colour, type and make together, shape (n_drivers,)."""
        bodies, makes = len(self.shares.body), len(self.shares.make)
        return (self.colour * bodies + self.body) * makes + self.make


def draw_vehicles(shares: VehicleShares, n_drivers: int, seed: int) -> Vehicles:
    """Draw the looks of all cars."""
    rng = generator(seed, Stream.VEHICLES)

    def draw(weights: tuple[float, ...]) -> NDArray[np.int64]:
        p = np.array(weights, dtype=np.float64)
        return rng.choice(len(p), size=n_drivers, p=p / p.sum())

    colour, body, make = draw(shares.colour), draw(shares.body), draw(shares.make)
    return Vehicles(colour=colour, body=body, make=make, shares=shares)


def looks_as_noted(vehicles: Vehicles, driver: NDArray[np.integer], seed: int) -> NDArray[np.int64]:
    """Return the look that each read notes; a share of them is another car's, at random.

    Parameters
    ----------
    driver
        Driver of each read, shape (n_reads,).
    """
    looks = vehicles.looks()
    rng = generator(seed, Stream.VEHICLES, "noted")
    wrong = rng.random(len(driver)) < vehicles.shares.misjudged
    other = rng.integers(0, max(len(looks), 1), len(driver))
    return np.where(wrong, looks[other], looks[driver])
