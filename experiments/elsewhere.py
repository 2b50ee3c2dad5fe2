"""From ``run --traffic ... --net ...`` to a scenario that drives traffic from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenarios import resolve
from simulator.errors import ScenarioError, TrafficError
from simulator.scenario import Scenario
from simulator.scenario_file import parse_override, scenario_from_dict, with_overrides

#: What is simulated if no scenario is named: two dozen readers on the busiest streets, nothing deleted.
PLAIN: dict[str, Any] = {
    "id": "traffic",
    "title": "Traffic from elsewhere",
    "question": "How long do these readers need to learn where the drivers of this traffic live and work?",
    "days": 365,
    "readers": [{"kind": "fixed", "name": "street-readers", "owner": "town-police", "count": 24}],
}


def scenario_of_traffic(
    name_or_file: str | None,
    *,
    routes: tuple[Path, ...],
    net: Path | None,
    vehicle_id: str | None,
    homes: Path | None,
    dwell: bool,
    drivers: int | None,
    days: int | None,
    map_file: Path | None,
    overrides: Sequence[str],
) -> Scenario:
    """Return a scenario whose drivers are the vehicles of SUMO's routes.

    Readers, archive, attackers and days are the named scenario's; its drivers, trips, streets and events go.

    Raises
    ------
    ScenarioError, TrafficError
        If options are missing or contradict each other, or a file is.
    """
    if not routes or net is None:
        raise TrafficError(
            "Traffic from elsewhere needs both files: --traffic routes.xml (vehicle routes with exit times) "
            "and --net town.net.xml (the network that they were made on)."
        )
    if homes is not None and dwell:
        raise TrafficError("--homes and --dwell are two ways to tell homes; give one of them.")
    if drivers is not None or map_file is not None:
        given = "--drivers" if drivers is not None else "--map"
        raise ScenarioError(
            f"{given} does not go with --traffic, which brings drivers and streets of its own."
        )
    for path in (*routes, net, *([homes] if homes else [])):
        if not path.is_file():
            raise TrafficError(f"There is no file {path}.")
    base = resolve(name_or_file).model_dump(mode="json") if name_or_file else PLAIN
    traffic = {"routes": [str(p.absolute()) for p in routes]}
    if vehicle_id is not None:
        traffic["vehicle_id"] = vehicle_id  # type: ignore[assignment]
    if homes is not None:
        traffic["homes"] = str(homes.absolute())  # type: ignore[assignment]
    data = {
        **base,
        "calibrate": [],
        "events": [],
        "streets": {"kind": "map", "map": str(net.absolute())},
        "traffic": traffic,
    }
    changes = dict(parse_override(text) for text in overrides)
    if days is not None:
        changes["days"] = days
    # Changes first: they may take out what does not go with traffic from elsewhere.
    changed = with_overrides(scenario_from_dict({**data, "traffic": None}), changes).model_dump(mode="json")
    return scenario_from_dict({**changed, "traffic": traffic}, where="the scenario with this traffic")
