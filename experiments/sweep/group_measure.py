"""The measure ``right-by-group``: who is found, by where the car stands at home, schedule and district."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.spatial import cKDTree

from experiments.sweep.measures import CellTables, Measure, register
from experiments.words import SCHEDULE_WORDS
from simulator.privacy.posterior import KNOWN_RADIUS_M

_PARKING_WORDS = {
    "street": "parks in the street",
    "driveway": "parks in a driveway",
    "garage": "parks in a garage",
}
_DISTRICTS = ("sparse district", "middling district", "dense district")
_NEAR_M = 1_000.0
#: All groups, in the order of pages.
GROUPS = (*_PARKING_WORDS.values(), *SCHEDULE_WORDS.values(), *_DISTRICTS)


def groups_of(drivers: pl.DataFrame) -> pl.DataFrame:
    """Return the groups that residents belong to, several each: columns ``driver_id, group``.

    A district is as dense as the number of other residents' homes within 1 km of the own; the thirds
    are those of the town's residents.
    """
    residents = drivers.filter((pl.col("kind").cast(pl.String) == "resident") & pl.col("home_on_map"))
    homes = residents.select("home_x_m", "home_y_m").to_numpy()
    near = cKDTree(homes).query_ball_point(homes, _NEAR_M, return_length=True) if len(homes) else np.empty(0)
    # Ranks, so that thirds are thirds whatever is tied.
    rank = np.argsort(np.argsort(near, kind="stable"), kind="stable")
    third = np.minimum(len(_DISTRICTS) * rank // max(len(rank), 1), len(_DISTRICTS) - 1)
    named = residents.select("driver_id")
    return pl.concat(
        [
            named.with_columns(group=residents["home_parking"].cast(pl.String).replace(_PARKING_WORDS)),
            named.with_columns(group=residents["schedule"].cast(pl.String).replace(SCHEDULE_WORDS)),
            named.with_columns(group=pl.Series([_DISTRICTS[i] for i in third], dtype=pl.String)),
        ]
    )


def _right_by_group(tables: CellTables) -> pl.DataFrame:
    return tables.chosen_beliefs.join(groups_of(tables.drivers), on="driver_id").select(
        "attacker",
        "target",
        pl.col("group").alias("criterion"),
        "day",
        "driver_id",
        (pl.col("error_m") <= KNOWN_RADIUS_M).fill_null(False).alias("value"),
    )


register(
    Measure(
        name="right-by-group",
        words="right-at-day by where the car stands at home, schedule, and homes nearby (in thirds); the "
        "criterion names the group",
        unit="share",
        values=_right_by_group,
    )
)
