"""Anonymity sets of home-work pairs: how many people live and work where somebody does.

P. Golle & K. Partridge (2009), On the Anonymity of Home/Work Location Pairs, Pervasive Computing, LNCS 5538.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from simulator.privacy.time_to_inference import wilson
from simulator.privacy.traces import DISTRICT_M, cells
from simulator.privacy.truth import Truth
from simulator.roads.network import RoadNetwork

#: Side of the squares of the level "cell", metres.
CELL_M = 500.0

Pair = tuple[NDArray[np.int64], NDArray[np.int64]]


def set_sizes(home: NDArray[np.integer], work: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the number of people with the same home and work codes as each, oneself included; shape (n,)."""
    _, h = np.unique(home, return_inverse=True)
    codes, w = np.unique(work, return_inverse=True)
    _, pair, size = np.unique(
        h.astype(np.int64) * max(len(codes), 1) + w, return_inverse=True, return_counts=True
    )
    return np.asarray(size[pair], dtype=np.int64)


def anonymity_sets(levels: Mapping[str, Pair]) -> pl.DataFrame:
    """Return how large anonymity sets are at several levels.

    Parameters
    ----------
    levels
        Home and work codes of everybody, by level.

    Returns
    -------
    pl.DataFrame
        level, people, median, median_low, median_high, unique, unique_low, unique_high: the median set size
        with a distribution-free 95% interval (from the binomial law of order statistics), and the share of
        people who are alone, with Wilson's. Both intervals take people as drawn from many more.
    """
    rows = []
    for level, (home, work) in levels.items():
        size = set_sizes(home, work)
        if not len(size):
            rows.append({"level": level, "people": 0})
            continue
        median = float(np.median(size))
        test: Any = stats.quantile_test(size, q=median, p=0.5)
        band = test.confidence_interval(0.95)
        alone = int((size == 1).sum())
        low, high = wilson(alone, len(size))
        rows.append(
            {
                "level": level,
                "people": len(size),
                "median": median,
                # Too few people for a bound: the extremes are all that can be said.
                "median_low": float(band.low) if np.isfinite(band.low) else float(size.min()),
                "median_high": float(band.high) if np.isfinite(band.high) else float(size.max()),
                "unique": alone / len(size),
                "unique_low": float(low),
                "unique_high": float(high),
            }
        )
    return pl.DataFrame(rows, schema_overrides={"people": pl.Int64})


def levels_of(truth: Truth, network: RoadNetwork) -> dict[str, Pair]:
    """Return codes of home and work of all who live and work on the map: address, street, cell, district.

    An address is a door to the metre, a street an edge in either direction, a cell a square of 500 m, a
    district one of 2 km.
    """
    inside = truth.home_inside & truth.work_inside
    home_x, home_y = truth.home_x_m[inside], truth.home_y_m[inside]
    work_x, work_y = truth.work_x_m[inside], truth.work_y_m[inside]

    def street(edge: NDArray[np.int32]) -> NDArray[np.int64]:
        back = network.reverse_edge[edge]
        return np.where(back >= 0, np.minimum(edge, back), edge).astype(np.int64)

    levels: dict[str, Pair] = {
        "address": (cells(home_x, home_y, 1.0), cells(work_x, work_y, 1.0)),
        "street": (street(truth.home_edge[inside]), street(truth.work_edge[inside])),
    }
    for level, side_m in (("cell", CELL_M), ("district", DISTRICT_M)):
        levels[level] = (cells(home_x, home_y, side_m), cells(work_x, work_y, side_m))
    return levels
