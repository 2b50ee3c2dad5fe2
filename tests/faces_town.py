"""A tiny town with people on foot and readers of faces."""

from __future__ import annotations

from typing import Any

from engine_town import tiny_scenario

from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict, with_overrides

#: Readers that recognise everybody, by day and by night, and nobody for somebody else.
SURE = {"hit_rate": 1.0, "night_penalty": 0.0, "downtime_share": 0.0, "false_match_rate": 0.0}


def faces_scenario(*, car_free: int = 30, face: dict[str, Any] | None = None, **overrides: Any) -> Scenario:
    """Return the tiny town with people without a car, and readers at streets, all stations and all shops."""
    data = tiny_scenario().model_dump(mode="json")
    data["streets"]["kind"] = "organic"
    data["walking"] = {"car_free": car_free, "stations": 2}
    data["readers"] = [
        *data["readers"],
        {"kind": "face", "name": "ways", "count": 12, "along": "any", **(face or {})},
        {
            "kind": "face",
            "name": "trains",
            "count": 2,
            "placement": "station",
            "owner": "railway",
            **(face or {}),
        },
        {
            "kind": "face",
            "name": "doors",
            "count": 6,
            "placement": "entrance",
            "owner": "mall",
            **(face or {}),
        },
    ]
    return with_overrides(scenario_from_dict(data), {k.replace("__", "."): v for k, v in overrides.items()})
