"""The probe ``exposure``: of those who came to the scenario's first event, or to a clinic, who is exposed.

As of ``platetrail exposure``, for each attacker of the cell; see docs/exposure.md. Without an event in the
scenario it is about the busiest clinic, and a person counts once for each day there.
"""

from __future__ import annotations

import polars as pl

from experiments.exposure import Occasion, event_occasion, people_exposed, place_occasion
from experiments.sweep.measures import CellTables, Measure, register
from experiments.sweep.probes import register_probe, taken_of
from simulator.adversary.attacker import default_attacker_names
from simulator.recapture import Recaptured
from simulator.scenario import Scenario
from simulator.shared_capture import SharedCapture


def _occasion(taken: Recaptured) -> Occasion:
    return event_occasion(taken) if taken.world.scenario.events else place_occasion(taken, "clinic")


def _exposure(shared: SharedCapture, scenario: Scenario) -> pl.DataFrame:
    """Return, for each who came, attacker and time of asking, whether listed and named."""
    taken = taken_of(shared.world)
    occasion = _occasion(taken)
    names = scenario.attackers.names or default_attacker_names()
    return pl.concat(
        people_exposed(taken, occasion, scenario.archive, name).select(
            pl.lit(name).alias("attacker"), pl.all()
        )
        for name in names
    )


def _values(tables: CellTables, column: str, words: str) -> pl.DataFrame:
    return tables.probes["exposure"].select(
        "attacker",
        pl.lit("visitor").alias("target"),
        pl.format(f"{words}, {{}}", "asked").alias("criterion"),
        pl.lit(0).alias("day"),
        pl.col("visit").alias("driver_id"),
        pl.col(column).alias("value"),
    )


register_probe("exposure", _exposure)
register(
    Measure(
        name="visitors-listed",
        words="share of those who came to the event (or a clinic) whose plate is listed, by when one asks",
        unit="share",
        values=lambda tables: _values(tables, "listed", "listed"),
        probe="exposure",
    )
)
register(
    Measure(
        name="visitors-named",
        words="share of them who are listed and whose home is named within 250 m",
        unit="share",
        values=lambda tables: _values(tables, "named_250m", "named within 250 m"),
        probe="exposure",
    )
)
