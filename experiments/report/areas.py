"""What a belief is drawn on: the streets of a small town, square cells of a large one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.report.town import middle_of, street_of_edge
from simulator.roads.network import RoadNetwork

#: Larger towns are drawn in cells: single streets could hardly be seen, nor moved in time.
MOST_STREETS = 2_500
_CELLS_ACROSS = 70


@dataclass(frozen=True, kw_only=True, eq=False)
class Areas:
    """The pieces of a town that a belief is gathered on.

    Parameters
    ----------
    of_edge
        Area of each directed edge, shape (n_edges,).
    n
        How many areas there are.
    side_m
        Side of a cell; 0 for streets.
    columns, west_m, south_m
        The grid of cells, numbered from the south-west along rows.
    """

    of_edge: NDArray[np.int64]
    n: int
    side_m: float = 0.0
    columns: int = 0
    west_m: float = 0.0
    south_m: float = 0.0

    def told(self, network: RoadNetwork) -> dict[str, Any]:
        """Return them for a page, metres about the middle of the town."""
        if not self.side_m:
            return {"kind": "streets"}
        middle_x, middle_y = middle_of(network)
        return {
            "kind": "cells",
            "columns": self.columns,
            "rows": self.n // self.columns,
            "side": round(self.side_m, 1),
            "west": round(self.west_m - middle_x, 1),
            "south": round(self.south_m - middle_y, 1),
        }


def streets_as_areas(network: RoadNetwork) -> Areas:
    """Return streets, both directions taken together."""
    number, drawn = street_of_edge(network)
    return Areas(of_edge=number.astype(np.int64), n=len(drawn))


def areas_of(network: RoadNetwork, most_streets: int = MOST_STREETS) -> Areas:
    """Return streets, both directions taken together, or cells by the middle of each edge."""
    streets = streets_as_areas(network)
    if streets.n <= most_streets:
        return streets
    west, south, east, north = network.bounds_m
    side_m = max(east - west, north - south) / _CELLS_ACROSS
    columns, rows = int((east - west) // side_m) + 1, int((north - south) // side_m) + 1
    x_m, y_m = network.point_along(np.arange(network.n_edges), network.edge_length_m / 2)
    column = np.clip(((x_m - west) / side_m).astype(int), 0, columns - 1)
    row = np.clip(((y_m - south) / side_m).astype(int), 0, rows - 1)
    return Areas(
        of_edge=row * columns + column,
        n=columns * rows,
        side_m=side_m,
        columns=columns,
        west_m=west,
        south_m=south,
    )
