"""The probe ``exposure``: of those who came to an event, a clinic or a place of worship, who is exposed.

As of ``platetrail exposure``, for each attacker of the cell; see docs/exposure.md. It is about the scenario's
first event, if it has any, and the busiest clinic and place of worship, where a person counts once for each
day there.
"""

from __future__ import annotations

from contextlib import suppress

import polars as pl

from experiments.exposure import people_exposed
from experiments.occasions import Occasion, event_occasion, place_occasion
from experiments.sweep.measures import CellTables, Measure, register
from experiments.sweep.probes import register_probe, taken_of
from simulator.adversary.attacker import default_attacker_names
from simulator.errors import ScenarioError, StudyError
from simulator.recapture import Recaptured
from simulator.scenario import Scenario
from simulator.shared_capture import SharedCapture

_AT = {"clinic": " at the busiest clinic", "worship": " at the busiest place of worship"}


def _occasions(taken: Recaptured) -> dict[str, Occasion]:
    """Return what people came to, by the words that say where; those of an event need none."""
    found = {"": event_occasion(taken)} if taken.world.scenario.events else {}
    for kind, where in _AT.items():
        # In a small town nobody may come.
        with suppress(ScenarioError):
            found[where] = place_occasion(taken, kind)
    return found


def _exposure(shared: SharedCapture, scenario: Scenario) -> pl.DataFrame:
    """Return, for each who came, attacker and time of asking, whether listed and named.

    Raises
    ------
    StudyError
        If there is no event, and nobody comes to a clinic or a place of worship.
    """
    taken = taken_of(shared.world)
    occasions = _occasions(taken)
    if not occasions:
        raise StudyError(
            f"Scenario '{scenario.id}' has no event, clinic or place of worship that anybody comes to: leave "
            "out the measures 'visitors-listed' and 'visitors-named', or set people.clinics."
        )
    names = scenario.attackers.names or default_attacker_names()
    # All know the same, and the look at this cell has made it already.
    setting = shared.setting_of(scenario)
    return pl.concat(
        people_exposed(taken, occasion, scenario.archive, name, setting).select(
            pl.lit(name).alias("attacker"), pl.lit(where).alias("at"), pl.all()
        )
        for name in names
        for where, occasion in occasions.items()
    )


def _values(tables: CellTables, column: str, words: str) -> pl.DataFrame:
    return tables.probes["exposure"].select(
        "attacker",
        pl.lit("visitor").alias("target"),
        pl.format(words, "at", "asked").alias("criterion"),
        pl.lit(0).alias("day"),
        pl.col("visit").alias("driver_id"),
        pl.col(column).alias("value"),
    )


register_probe("exposure", _exposure)
register(
    Measure(
        name="visitors-listed",
        words="share of those who came (event, clinic, place of worship) who are listed, by when one asks",
        unit="share",
        values=lambda tables: _values(tables, "listed", "listed{}, {}"),
        probe="exposure",
    )
)
register(
    Measure(
        name="visitors-named",
        words="share of them who are listed and whose home is named within 250 m",
        unit="share",
        values=lambda tables: _values(tables, "named_250m", "named within 250 m{}, {}"),
        probe="exposure",
    )
)
