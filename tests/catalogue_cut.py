"""Cut-down runs of the catalogue's scenarios, seen through nothing but the tables that they write."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from scenarios import scenario_named
from simulator.roads.network import RoadNetwork
from simulator.run import simulate
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.tables import read_table

DRIVERS, DAYS, SEED = 200, 14, 11
_PLACES = {
    "work": "workplaces",
    "shop": "shops",
    "leisure": "leisure_places",
    "school": "schools",
    "worship": "worship_places",
    "clinic": "clinics",
}
# As many days as a rule needs to bite; rules that need years are cut down as well.
_MORE: dict[str, dict[str, Any]] = {
    "federal-look-back": {
        "days": 40,
        "archive.rules.look-back.days": 20,
        "readers.passing-spotter.downtime_share": 0.5,
    },
    "retention-30-days": {"days": 40},
    "commercial-archive": {"days": 40},
    "small-town": {"days": 40},
    "unlawful-sharing": {"days": 30},
    "sensitive-place-ban": {"days": 30},
    "moratorium": {"days": 75},
    "hot-list-only": {"archive.rules.hot-list-only.share": 0.1},
    "rally": {"events.rally.day": 13},
    "faces-at-the-station": {"walking.car_free": 80},
    "real-streets": {
        # Stands in for the map that a user brings.
        "streets.kind": "grid",
        "streets.nodes": 600,
        "streets.area_km2": 12.0,
    },
}
# Everybody takes the fastest route at all hours, so that routes can be found again by other means.
_ONE_ROUTE = {
    "travel.route_variants": 1,
    "travel.perception_sigma": 0.0,
    "travel.peak_slowdown": 1.0,
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Cut:
    """A cut-down run: the scenario as it is in the catalogue and as it was run, streets, tables."""

    name: str
    full: Scenario
    scenario: Scenario
    network: RoadNetwork
    tables: dict[str, pl.DataFrame]

    def __getitem__(self, table: str) -> pl.DataFrame:
        return self.tables[table]


def cut_down(name: str) -> Scenario:
    """Return a standard scenario with few drivers, days and places, and everybody on the fastest route."""
    full = scenario_named(name)
    watched = {getattr(group, "place_kind", None) for group in full.readers}
    places = {
        f"people.{field}": max(3, getattr(full.people, field) // 6)
        for kind, field in _PLACES.items()
        if kind not in watched
    }
    changes = {
        "people.drivers": DRIVERS,
        "days": DAYS,
        "attackers.names": ["night-mode"],
        "people.external_places": 24,
        **places,
        **_ONE_ROUTE,
        **_MORE.get(name, {}),
    }
    return with_overrides(full, changes)


@lru_cache(maxsize=1)
def cut(name: str) -> Cut:
    """Run a cut-down scenario and read its tables back."""
    scenario = cut_down(name)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        run = simulate(scenario, seed=SEED, out=out, tables=("sightings", "trips"))
        tables = {path.stem: read_table(path.stem, path) for path in out.glob("*.parquet")}
    return Cut(
        name=name,
        full=scenario_named(name),
        scenario=scenario,
        network=run.city.network,
        tables=tables,
    )
