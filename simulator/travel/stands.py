"""Stands: the spots at which cars stand between trips, where a reader that drives past may read them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.people.drivers import Drivers
from simulator.people.places import Places
from simulator.travel.trips import Trips


@dataclass(frozen=True, kw_only=True, eq=False)
class Stands:
    """Spots, and who stands at which before the first trip and after each one.

    Parameters
    ----------
    edge, offset_m
        Directed edge of each spot, -1 where no reader on these streets drives past, and metres from its
        tail, shape (n_spots,).
    x_m, y_m
        Position of each spot, metres, shape (n_spots,).
    in_lot
        Whether a spot lies in a lot, which only some readers sweep, shape (n_spots,).
    first
        Spot of each driver's car before the first trip, shape (n_drivers,).
    first_in_sight
        Whether a car can be read there from the street, whenever it stands there, shape (n_drivers,).
    after_trip
        Spot after each trip, shape (n_trips,).
    """

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    in_lot: NDArray[np.bool_]
    first: NDArray[np.int32]
    first_in_sight: NDArray[np.bool_]
    after_trip: NDArray[np.int32]


def stands_at_places(trips: Trips, drivers: Drivers, places: Places) -> Stands:
    """Let cars stand at the places that trips lead to, and at home before the first one."""
    return Stands(
        edge=places.edge,
        offset_m=places.offset_m,
        x_m=places.x_m,
        y_m=places.y_m,
        in_lot=places.in_lot,
        first=drivers.home_place,
        first_in_sight=drivers.visible_at_home,
        after_trip=trips.to_place,
    )
