"""A small town's traffic, as ``experiments.sumo_town`` made it in ``tests/data/sumo``, and files like it."""

from __future__ import annotations

from pathlib import Path

from experiments.elsewhere import scenario_of_traffic
from simulator.world import World, build_world

DATA = Path(__file__).parent / "data" / "sumo"
NET, ROUTES, HOMES = DATA / "town.net.xml.gz", DATA / "routes.xml.gz", DATA / "homes.csv"
RULE = r"(?P<vehicle>car\d+)_.*"
HEAD, TAIL = "<routes>\n", "</routes>\n"


def world_of(**changes: object) -> World:
    given = {
        "routes": (ROUTES,), "net": NET, "vehicle_id": RULE, "homes": HOMES, "dwell": False, "drivers": None,
        "days": None, "map_file": None, "overrides": (),
    }  # fmt: skip
    return build_world(scenario_of_traffic(None, **{**given, **changes}), 3)  # type: ignore[arg-type]


def made(tmp_path: Path, text: str, name: str = "routes.xml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def vehicle(name: str, edges: str, times: str | None, depart: float = 10.0, **more: object) -> str:
    exits = f' exitTimes="{times}"' if times is not None else ""
    end = times.split()[-1] if times else "99"
    rest = "".join(f' {k}="{v}"' for k, v in more.items())
    return (
        f'<vehicle id="{name}" depart="{depart}" arrival="{end}"{rest}>'
        f'<route edges="{edges}"{exits}/></vehicle>\n'
    )
