"""A grid city: blocks between arterials, some one-way pairs, a few blocks merged."""

from __future__ import annotations

import numpy as np

from simulator.roads.assemble import StreetPlan, assemble
from simulator.roads.city import City
from simulator.roads.network import RoadClass
from simulator.roads.zones import choose_gateways, draw_centres, zoned_land_use

_BLOCKS_BETWEEN_ARTERIALS = 5


def grid_city(nodes: int, area_km2: float, rng: np.random.Generator) -> City:
    """Return a grid city.

    Parameters
    ----------
    nodes
        Junctions wanted.
    area_km2
        Area of the bounding box.
    rng
        Source of all its randomness.
    """
    columns = max(round(np.sqrt(nodes * 1.25)), 2)
    rows = max(round(nodes / columns), 2)
    block_m = np.sqrt(area_km2 * 1e6 / ((columns - 1) * (rows - 1)))
    # Whole streets shift a little, and each junction a little more; the rim stays where it is.
    at_x = np.arange(columns) * block_m
    at_y = np.arange(rows) * block_m
    at_x[1:-1] += rng.uniform(-0.12, 0.12, columns - 2) * block_m
    at_y[1:-1] += rng.uniform(-0.12, 0.12, rows - 2) * block_m
    jitter = rng.uniform(-0.04, 0.04, (2, rows, columns)) * block_m
    jitter[0][:, [0, -1]] = 0.0
    jitter[1][[0, -1], :] = 0.0
    x = (at_x[None, :] + jitter[0]).ravel()
    y = (at_y[:, None] + jitter[1]).ravel()

    row_class, row_way = _lines(rows, rng)
    column_class, column_way = _lines(columns, rng)
    node = np.arange(rows * columns).reshape(rows, columns)
    east_a, east_b = node[:, :-1].ravel(), node[:, 1:].ravel()
    north_a, north_b = node[:-1, :].ravel(), node[1:, :].ravel()
    east_row = np.repeat(np.arange(rows), columns - 1)
    north_column = np.tile(np.arange(columns), rows - 1)
    road_class = np.concatenate([row_class[east_row], column_class[north_column]])
    direction = np.concatenate([row_way[east_row], column_way[north_column]])
    # A missing block of a quiet two-way street joins two blocks into one (a school, a yard, a park).
    missing = (rng.random(len(road_class)) < 0.05) & (road_class == RoadClass.RESIDENTIAL) & (direction == 0)
    there = np.flatnonzero(~missing)
    network, plan_node, _ = assemble(
        StreetPlan(
            x_m=x,
            y_m=y,
            a=np.concatenate([east_a, north_a])[there],
            b=np.concatenate([east_b, north_b])[there],
            road_class=road_class[there],
            street=np.concatenate([east_row, rows + north_column])[there],
            direction=direction[there],
        )
    )
    row, column = np.divmod(plan_node, columns)
    main_row, main_column = row_class[row] <= RoadClass.SECONDARY, column_class[column] <= RoadClass.SECONDARY
    ends = (main_row & ((column == 0) | (column == columns - 1))) | (
        main_column & ((row == 0) | (row == rows - 1))
    )
    centres_m = draw_centres(network, rng)
    return City(
        name="Grid city",
        network=network,
        land_use=zoned_land_use(network, rng, centres_m),
        gateway_node=choose_gateways(network, np.flatnonzero(ends)),
    )


def _lines(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Classes and directions of parallel streets: arterials every five blocks, one-way pairs between."""
    step = _BLOCKS_BETWEEN_ARTERIALS
    place = (np.arange(count) - count // 2) % step
    number = (np.arange(count) - count // 2) // step
    line_class = np.full(count, int(RoadClass.RESIDENTIAL))
    line_class[place == 0] = RoadClass.SECONDARY
    line_class[(place == 0) & (number % 2 == 0)] = RoadClass.PRIMARY
    way = np.zeros(count, dtype=np.int64)
    for first in np.flatnonzero(place == 2):
        if first > 0 and first + 1 < count - 1 and rng.random() < 0.3:
            way[first], way[first + 1] = 1, -1
            line_class[first : first + 2] = RoadClass.TERTIARY
    return line_class, way
