"""Small made-up tables of a run, for the tests of figures and result tables."""

from __future__ import annotations

from types import SimpleNamespace

import networkx as nx
import numpy as np
import polars as pl

from scenarios import scenario_named
from simulator.privacy.time_to_inference import summarise
from simulator.roads.city import City, LandUse
from simulator.roads.network import RoadNetwork
from simulator.tables import SCHEMAS

ATTACKERS = (
    "night-mode",
    "weighted-centroid",
    "dbscan",
    "krumm-largest-cluster",
    "krumm-best-time",
    "krumm-weighted-median",
    "krumm-last-destination",
    "longest-gap",
    "bayes",
)
#: The attacker that says how sure it is, and is honest.
SURE = len(ATTACKERS) - 1
DAYS = (1, 3, 7, 14, 30, 60)


def small_city() -> City:
    """A 12 by 10 grid of 200 m blocks whose every fifth street is a main road."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    columns, rows = 12, 10
    for i in range(columns):
        for j in range(rows):
            graph.add_node(j * columns + i, x_m=200.0 * i, y_m=200.0 * j)
    for i in range(columns):
        for j in range(rows):
            for di, dj in ((1, 0), (0, 1)):
                if i + di < columns and j + dj < rows:
                    main = (dj and i % 5 == 2) or (di and j % 5 == 2)
                    look = {"length_m": 200.0, "speed_mps": 13.9 if main else 8.3}
                    look["road_class"] = "primary" if main else "residential"
                    a, b = j * columns + i, (j + dj) * columns + i + di
                    graph.add_edge(a, b, **look)
                    graph.add_edge(b, a, **look)
    network = RoadNetwork.from_networkx(graph)
    ones = np.ones(network.n_edges, dtype=np.float32)
    return City(
        name="Testville",
        network=network,
        land_use=LandUse(residential=ones, employment=ones, amenity=ones),
        gateway_node=np.array([0], dtype=np.int32),
        water_x_m=np.array([900.0, 950.0, 900.0]),
        water_y_m=np.array([0.0, 900.0, 1800.0]),
    )


def made_up_run(drivers: int = 200, seed: int = 5) -> SimpleNamespace:
    """What a figure reads of a run, drawn at random; better attackers come later in ``ATTACKERS``."""
    rng = np.random.default_rng(seed)
    ids = np.arange(drivers, dtype=np.int32)
    xy = {f"{p}_{c}_m": rng.uniform(0, 1800, drivers) for p in ("home", "work") for c in "xy"}
    schedule = rng.choice(["day", "night", "none", "hybrid"], drivers, p=[0.5, 0.1, 0.3, 0.1])
    for c in "xy":
        xy[f"work_{c}_m"][schedule == "none"] = np.nan
    kind = rng.choice(["resident", "in-commuter", "visitor"], drivers, p=[0.8, 0.12, 0.08])
    truth = pl.DataFrame(
        {
            "driver_id": ids,
            "plate": ids + 1000,
            "kind": kind,
            "schedule": schedule,
            "home_place": ids,
            "work_place": ids,
            **xy,
            "home_on_map": kind == "resident",
            "work_on_map": schedule != "none",
            "home_parking": rng.choice(["street", "driveway", "garage"], drivers),
        }
    ).cast(dict(SCHEMAS["drivers"].columns))
    beliefs, outcomes = [], []
    rate = rng.gamma(2.0, 2.0, drivers)
    for target in ("home", "work"):
        has = ~np.isnan(xy[f"{target}_x_m"])
        for k, attacker in enumerate(ATTACKERS):
            noise = rng.lognormal(7.2 - 0.2 * k, 1.0, drivers)
            first = np.full(drivers, -1)
            for day in DAYS:
                error = noise * (0.5 + 2.0 / np.sqrt(day)) * rng.uniform(0.9, 1.1, drivers)
                angle = rng.uniform(0, 2 * np.pi, drivers)
                error[rng.random(drivers) < 0.6 / day] = np.nan
                first = np.where((first < 0) & (error <= 250), day, first)
                beliefs.append(
                    pl.DataFrame(
                        {
                            "attacker": attacker,
                            "driver_id": ids,
                            "target": target,
                            "day": day,
                            "sightings_seen": np.floor(rate * day).astype(np.int32),
                            "x_m": xy[f"{target}_x_m"] + error * np.cos(angle),
                            "y_m": xy[f"{target}_y_m"] + error * np.sin(angle),
                            "confidence": rng.random(drivers),
                            "error_m": error,
                            "truth_level": rng.random(drivers)
                            if k == len(ATTACKERS) - 1
                            else [None] * drivers,
                            "credible_area_m2": [1e6 / day if k == SURE else None] * drivers,
                        },
                        schema_overrides={"truth_level": pl.Float32, "credible_area_m2": pl.Float32},
                    ).filter(pl.Series(has))
                )
            outcomes.append(
                pl.DataFrame(
                    {
                        "attacker": attacker,
                        "driver_id": ids,
                        "target": target,
                        "criterion": "within-250m",
                        "days": np.where(first > 0, first, DAYS[-1]),
                        "sightings": np.floor(rate * 60).astype(np.int32),
                        "observed": first > 0,
                    }
                ).filter(pl.Series(has))
            )
    cameras = pl.DataFrame(
        {
            "camera_id": np.arange(13),
            "kind": ["fixed"] * 11 + ["lot", "patrol"],
            "owner": "city",
            "edge_id": -1,
            "offset_m": 0.0,
            "both_directions": True,
            "x_m": [*rng.uniform(0, 2200, 12), np.nan],
            "y_m": [*rng.uniform(0, 1800, 12), np.nan],
            "read_rate": 0.9,
        }
    ).cast(dict(SCHEMAS["cameras"].columns))
    seen = []
    for driver in range(5):
        at = rng.integers(0, 13, 40 + 40 * driver)
        seen.append(
            pl.DataFrame(
                {
                    "driver_id": np.int32(driver),
                    "plate": np.uint32(driver + 1000),
                    "time_s": np.sort(rng.integers(0, 60 * 86_400, len(at))),
                    "camera_id": at.astype(np.int32),
                    "x_m": np.where(at == 12, rng.uniform(0, 2200, len(at)), np.array(cameras["x_m"])[at]),
                    "y_m": np.where(at == 12, rng.uniform(0, 1800, len(at)), np.array(cameras["y_m"])[at]),
                }
            )
        )
    return SimpleNamespace(
        scenario=scenario_named("first-town"),
        seed=seed,
        replicate=0,
        city=small_city(),
        drivers=truth,
        cameras=cameras,
        beliefs=pl.concat(beliefs),
        outcomes=pl.concat(outcomes),
        summary=summarise(pl.concat(outcomes), truth),
        example_sightings=pl.concat(seen),
        example_beliefs=pl.DataFrame(
            {
                "attacker": [ATTACKERS[SURE]] * 4,
                "driver_id": [2] * 4,
                "target": ["home"] * 4,
                "day": [DAYS[0], DAYS[0], DAYS[-1], DAYS[-1]],
                "edge_id": [0, 1, 2, 3],
                "mass": [0.5, 0.2, 0.8, 0.1],
            }
        ),
        folder=None,
    )
