"""A scenario that is small enough for slow references."""

from __future__ import annotations

from typing import Any

from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict, with_overrides


def tiny_scenario(**overrides: Any) -> Scenario:
    """Return a scenario of 80 junctions, 40 drivers and 10 days; overrides have ``__`` in place of dots."""
    scenario = scenario_from_dict(
        {
            "id": "tiny",
            "title": "A tiny town",
            "days": 10,
            "streets": {"kind": "grid", "nodes": 80, "area_km2": 1.2},
            "people": {
                "drivers": 40,
                "workplaces": 12,
                "shops": 6,
                "leisure_places": 8,
                "schools": 2,
                "worship_places": 2,
                "clinics": 2,
                "external_places": 8,
            },
            "travel": {"route_variants": 2},
            "readers": [
                {"kind": "fixed", "name": "streets", "count": 8, "min_spacing_m": 80, "misread_rate": 0.1},
                {"kind": "patrol", "name": "patrol", "owner": "police", "count": 1},
                {"kind": "spotter", "name": "spotter", "owner": "firm", "count": 1},
                {"kind": "lot", "name": "lots", "owner": "firm", "count": 2},
            ],
        }
    )
    return with_overrides(scenario, {k.replace("__", "."): v for k, v in overrides.items()})
