"""The study of traffic from elsewhere: is the adversary strong, and honest, on traffic of SUMO's?

``python -m experiments.elsewhere_study DIR`` prints the table of ``docs/trust.md``; DIR is what
``tests/make_sumo_town.py`` made.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.elsewhere import scenario_of_traffic
from simulator.recapture import recapture
from simulator.roads.network import RoadClass
from simulator.roads.sumo_net import read_sumo_net
from simulator.run import simulate
from simulator.sightings.capture import Sightings
from simulator.streams import replicate_seed
from simulator.traffic.routes import DAY_S, read_routes
from simulator.world import build_world

RULE = r"(?P<vehicle>car\d+)_.*"
REACH_M, SURE_MASS = 500.0, 0.9
_ATTACKERS = '["bayes", "krumm-last-destination", "krumm-weighted-median", "night-mode"]'


def first_and_last_median(reads: Sightings, n_drivers: int) -> NDArray[np.float64]:
    """Return the median position of each day's first and last reads, shape (n_drivers, 2); NaN if never read.

    What anybody can do with a list of reads and no map.
    """
    day = reads.time_s // DAY_S
    key = reads.plate.astype(np.int64) * (int(day.max(initial=0)) + 1) + day
    first = np.flatnonzero(np.diff(key, prepend=-1))
    last = np.append(first[1:], len(key)) - 1
    ends = np.concatenate([first, last])
    found = pl.DataFrame({"driver": reads.plate[ends], "x": reads.x_m[ends], "y": reads.y_m[ends]})
    middle = found.group_by("driver").agg(pl.col("x").median(), pl.col("y").median())
    out = np.full((n_drivers, 2), np.nan)
    out[middle["driver"].to_numpy()] = middle.select("x", "y").to_numpy()
    return out


def _share(hit: NDArray[np.bool_] | pl.Series) -> str:
    values = np.asarray(hit, dtype=np.float64)
    if not len(values):
        return "–"
    p = values.mean()
    return f"{p:.3f} ± {np.sqrt(p * (1 - p) / len(values)):.3f}"


def study(folder: Path, *, seed: int, readers: int | None) -> list[tuple[str, str]]:
    """Return the rows of the table: what, and how much of it."""
    net, homes = folder / "town.net.xml.gz", folder / "homes.csv"
    files = (folder / "routes.xml.gz",)
    began = time.perf_counter()
    streets = read_sumo_net(net)
    routes = read_routes(files, streets, RULE)
    took_s, peak_mb = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    network = streets.city.network
    main_km, primary_km = (
        float(network.edge_length_m[network.edge_class <= c].sum()) / 2000.0  # each direction is an edge
        for c in (RoadClass.SECONDARY, RoadClass.PRIMARY)
    )
    count = readers or round(main_km)
    rows = [
        ("junctions, trips, vehicles", f"{network.n_nodes:,}, {routes.n_trips:,}, {len(routes.vehicle):,}"),
        ("import", f"{took_s:.0f} s, {peak_mb:,.0f} MB at most"),
        ("fixed readers, km of main road, of these primary", f"{count}, {main_km:.0f}, {primary_km:.0f}"),
    ]
    scenario = scenario_of_traffic(
        None, routes=files, net=net, vehicle_id=RULE, homes=homes, dwell=False, drivers=None, days=14,
        map_file=None, overrides=(f"readers.street-readers.count={count}", f"attackers.names={_ATTACKERS}"),
    )  # fmt: skip
    run = simulate(scenario, seed=seed)
    world = build_world(run.scenario, replicate_seed(seed, 0))
    taken = recapture(world, keep_trips=False)
    inside = run.drivers["home_on_map"].to_numpy()
    truth = run.drivers.select("home_x_m", "home_y_m").to_numpy()
    guess = first_and_last_median(taken.sightings, len(truth))
    simple = np.hypot(*(guess - truth).T)[inside] <= REACH_M
    last = run.beliefs.filter(pl.col("day") == pl.col("day").max()).with_columns(
        pl.col("attacker", "target").cast(pl.String)
    )
    at_home = last.filter((pl.col("target") == "home") & pl.col("driver_id").is_in(np.flatnonzero(inside)))
    rows.append(("homes within 500 m: median of first and last readers", _share(simple)))
    for name in at_home["attacker"].unique(maintain_order=True):
        own = at_home.filter(pl.col("attacker") == name)
        rows.append((f"the same: {name}", _share(own["error_m"].fill_null(np.inf) <= REACH_M)))
    bayes = at_home.filter(pl.col("attacker") == "bayes").sort("driver_id")
    hits = (bayes["error_m"].fill_null(np.inf) <= REACH_M).to_numpy()
    draws = np.random.default_rng(seed).integers(0, len(hits), (1000, len(hits)))
    ratios = hits[draws].mean(axis=1) / np.maximum(simple[draws].mean(axis=1), 1e-9)
    rows.append(
        ("bayes over the median", f"{hits.mean() / max(simple.mean(), 1e-9):.2f} ± {ratios.std():.2f}")
    )
    for target in ("home", "work"):
        own = last.filter((pl.col("attacker") == "bayes") & (pl.col("target") == target))
        level = own["truth_level"].drop_nulls().to_numpy()
        rows += [(f"{target}: {q:.0%} sets hold", _share(level <= q)) for q in (0.5, 0.8, 0.95)]
        told = own.filter(pl.col("truth_level").is_not_null())
        sure = told.filter(pl.col("mass_within_500m") >= SURE_MASS)
        rows.append(
            (f"{target}: share claimed at 0.9 within 500 m", _share(told["mass_within_500m"] >= SURE_MASS))
        )
        rows.append((f"{target}: of these right", _share(sure["error_m"].fill_null(np.inf) <= REACH_M)))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readers", type=int, help="fixed readers; one per km of main road if left out")
    given = parser.parse_args()
    print("| what | how much |\n| --- | --- |")
    for what, amount in study(given.folder, seed=given.seed, readers=given.readers):
        print(f"| {what} | {amount} |")


if __name__ == "__main__":
    main()
