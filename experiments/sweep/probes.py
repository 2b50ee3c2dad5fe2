"""Probes: looks at a cell's reads and archive that no attacker takes, for measures beside time to inference.

A probe is a function of the shared reads and a scenario, called once a cell while the reads are there; its
table stays with the cell as ``probe-NAME.parquet`` and reaches measures as ``tables.probes[NAME]``.
"""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
import polars as pl

from experiments.sweep.measures import CellTables, Measure, register
from experiments.utility import events_of
from simulator.chunks import ground_of
from simulator.errors import StudyError, did_you_mean
from simulator.recapture import Recaptured, recapture
from simulator.scenario import Scenario
from simulator.shared_capture import SharedCapture
from simulator.travel.stays import stays_of, whereabouts
from simulator.usefulness.rules import EVERYONE, RuleInForce
from simulator.usefulness.searches import SearchEvents
from simulator.usefulness.utility import Whereabouts, searched
from simulator.world import World, build_world

Probe = Callable[[SharedCapture, Scenario], pl.DataFrame]
_PROBES: dict[str, Probe] = {}
_SOUGHT_CARS, _DELAY_H = 2_000, 6.0


def register_probe(name: str, probe: Probe) -> None:
    """Enter a probe under its name; a name can be taken once."""
    if name in _PROBES:
        raise ValueError(f"A probe named '{name}' is registered already.")
    _PROBES[name] = probe


def probe_named(name: str) -> Probe:
    """Return a probe.

    Raises
    ------
    StudyError
        If there is none of that name; the message gives the nearest names.
    """
    if name not in _PROBES:
        raise StudyError(f"No probe is called '{name}'. {did_you_mean(name, _PROBES)}")
    return _PROBES[name]


_TAKEN: WeakKeyDictionary[World, Recaptured] = WeakKeyDictionary()


def taken_of(world: World) -> Recaptured:
    """Return all reads and trips of a world, made once for all cells of a group."""
    if world not in _TAKEN:
        # A world that came from another machine has no routes; whoever drives again needs them.
        whole = build_world(world.scenario, world.seed) if world.trees is None else world
        _TAKEN[world] = recapture(whole)
    return _TAKEN[world]


# --- how useful the archive is: cars that are sought ---------------------------------------------------

_Sought = tuple[Recaptured, SearchEvents, Whereabouts]
_SOUGHT: WeakKeyDictionary[World, _Sought] = WeakKeyDictionary()


def _sought(world: World) -> _Sought:
    """Return reads with trips and the cars that are sought, the same for all cells of a group."""
    if world not in _SOUGHT:
        taken = taken_of(world)
        whole = taken.world
        events = events_of(taken, count=_SOUGHT_CARS, delay_h=_DELAY_H, thief=False)
        stays = stays_of(taken.trips, whole.drivers.home_place, days=whole.scenario.days)
        x_m, y_m = whereabouts(stays, whole.places, events.moves_like, events.listed_s)
        _SOUGHT[world] = taken, events, Whereabouts(x_m=x_m, y_m=y_m)
    return _SOUGHT[world]


def _searches(shared: SharedCapture, scenario: Scenario) -> pl.DataFrame:
    """Return, for each car sought and each search, whether it is found; the event's number is its id."""
    taken, events, truth = _sought(shared.world)
    rule = RuleInForce(rule=scenario.id, agency=scenario.archive.viewer or EVERYONE, archive=scenario.archive)
    ground = ground_of(shared.world_of(scenario))
    found = searched(rule, taken.sightings, taken.stray, ground, events, truth)
    return pl.concat(
        pl.DataFrame(
            {
                "search": [search] * events.n_events,
                "within": [within] * events.n_events,
                "event": np.arange(events.n_events, dtype=np.int32),
                "found": hit,
            }
        )
        for search, within, hit in found
    )


def _cars_found(tables: CellTables) -> pl.DataFrame:
    return tables.probes["searches"].select(
        pl.lit("agency").alias("attacker"),
        pl.lit("car").alias("target"),
        pl.format("{}, {}", "search", "within").alias("criterion"),
        pl.lit(0).alias("day"),
        pl.col("event").alias("driver_id"),
        pl.col("found").alias("value"),
    )


register_probe("searches", _searches)
register(
    Measure(
        name="cars-found",
        words="share of sought cars found, by search (see docs/utility.md); what a rule costs",
        unit="share",
        values=_cars_found,
        probe="searches",
    )
)
