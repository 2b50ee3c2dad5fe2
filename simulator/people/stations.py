"""Railway stations: where trips of people without a car leave the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import MapError
from simulator.roads.city import City
from simulator.roads.network import RoadClass
from simulator.scenario_parts import Walking
from simulator.streams import Stream, generator


@dataclass(frozen=True, kw_only=True, eq=False)
class Stations:
    """Entrances of stations, one each, in flat arrays of shape (n_stations,).

    Parameters
    ----------
    edge, offset_m
        Directed edge and distance from its tail, metres.
    x_m, y_m
        Position, metres.
    weight
        Homes and work places along the street, relative; the larger, the busier.
    """

    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    weight: NDArray[np.float64]

    @property
    def n_stations(self) -> int:
        return len(self.edge)


def build_stations(walking: Walking, city: City, seed: int) -> Stations:
    """Draw stations where people live and work, spread over the town.

    Streets are put in random order, weighted by homes and work places, and taken in that order unless a
    station is near; how near follows from the area and the number, and gives way where streets run out.

    Raises
    ------
    MapError
        If the map has fewer streets than stations are wanted.
    """
    rng = generator(seed, Stream.STATIONS)
    net, use = city.network, city.land_use
    weight = np.zeros(net.n_edges)
    for part in (use.residential.astype(np.float64), use.employment.astype(np.float64)):
        weight += part / max(float(part.sum()), 1e-9)
    # A little of everything, so that maps without land use have stations, too.
    weight = weight / max(float(weight.sum()), 1e-9) + 1e-3 / net.n_edges
    allowed = np.flatnonzero((net.edge_class != RoadClass.MOTORWAY) & (net.edge_class != RoadClass.LINK))
    if len(allowed) < walking.stations:
        raise MapError(
            f"{city.name} has streets for {len(allowed)} stations only; lower walking.stations = "
            f"{walking.stations}, or choose a larger map."
        )
    order = allowed[np.argsort(-(np.log(weight[allowed]) + rng.gumbel(size=len(allowed))), kind="stable")]
    offset = rng.uniform(0.2, 0.8, net.n_edges) * net.edge_length_m
    x, y = net.point_along(order, offset[order])
    x0, y0, x1, y1 = net.bounds_m
    spacing_m = 0.6 * np.sqrt((x1 - x0) * (y1 - y0) / walking.stations)
    taken: list[int] = []
    while len(taken) < walking.stations:
        for i in range(len(order)):
            if i in taken:
                continue
            near = np.hypot(x[taken] - x[i], y[taken] - y[i]) < spacing_m
            if not near.any():
                taken.append(i)
                if len(taken) == walking.stations:
                    break
        spacing_m = spacing_m / 2 if spacing_m > 1 else -1.0
    edge = order[taken]
    return Stations(
        edge=edge.astype(np.int32), offset_m=offset[edge], x_m=x[taken], y_m=y[taken], weight=weight[edge]
    )
