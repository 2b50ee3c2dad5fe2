"""The study of traffic from elsewhere: is the adversary strong, and honest, on traffic of SUMO's?

``python -m experiments.elsewhere_study DIR`` makes six towns in DIR (:mod:`experiments.sumo_town`), puts
readers into each in several ways, attacks, and writes ``DIR/elsewhere.csv``; the tables of ``docs/trust.md``
are made from such a file (:mod:`experiments.elsewhere_report`). What is there already is not made again: a
town takes three to seven minutes, an attack half a minute.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.elsewhere import scenario_of_traffic
from experiments.sumo_town import make_town
from simulator.adversary.attacker import attacker_named
from simulator.adversary.posterior import Posterior
from simulator.chunks import attack_setting, truth_of, view_of
from simulator.errors import PlatetrailError
from simulator.manifest import write_text_whole
from simulator.privacy.scoring import score
from simulator.privacy.time_to_inference import wilson
from simulator.privacy.truth import Truth
from simulator.recapture import recapture
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.roads.sumo_net import read_sumo_net
from simulator.scenario import Scenario
from simulator.sightings.capture import Sightings
from simulator.streams import replicate_seed
from simulator.traffic.routes import DAY_S
from simulator.training import with_training
from simulator.world import World, build_world

RULE = r"(?P<vehicle>car\d+)_.*"
DAYS = 14
REACH_M, SURE_MASS, FEW_DAYS = 500.0, 0.9, 3
COLUMNS = {"layout": pl.String, "town": pl.String, "figure": pl.String, "n": pl.Int64}
COLUMNS |= dict.fromkeys(("value", "low", "high"), pl.Float64)


@dataclass(frozen=True, kw_only=True)
class Town:
    """What :func:`experiments.sumo_town.make_town` is told; ``side`` is in junctions."""

    side: int
    seed: int
    drivers: int = 1_500

    @property
    def name(self) -> str:
        return f"town-{self.seed}"


TOWNS = tuple(Town(side=s, seed=i + 1) for i, s in enumerate((45, 36, 60, 45, 36, 60)))


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Where readers are.

    Parameters
    ----------
    title
        In words.
    scenario
        Whose archive and kinds of readers it has.
    fixed
        Group of fixed readers, if any, the least road class that counts, and how many a kilometre of it.
    cars
        Group of readers on cars, if any, and how many a square kilometre.
    """

    title: str
    scenario: str | None = None
    fixed: tuple[str, RoadClass, int] | None = None
    cars: tuple[str, float] | None = None


# As many cars as the scenarios have: 12 and 4 on 40 km².
LAYOUTS = {
    "primary": Layout(
        title="one fixed reader a km of primary road", fixed=("street-readers", RoadClass.PRIMARY, 1)
    ),
    "main": Layout(
        title="one fixed reader a km of primary and secondary road",
        fixed=("street-readers", RoadClass.SECONDARY, 1),
    ),
    "twice": Layout(
        title="two fixed readers a km of primary and secondary road",
        fixed=("street-readers", RoadClass.SECONDARY, 2),
    ),
    "patrols": Layout(
        title="patrol cars alone, 3 on 10 km²", scenario="patrols-only", cars=("patrol-cars", 0.3)
    ),
    "spotters": Layout(
        title="spotter cars alone, 1 on 10 km²", scenario="spotter-cars", cars=("spotter-cars", 0.1)
    ),
    "fixed-and-patrols": Layout(
        title="one fixed reader a km of primary road, and 3 patrol cars on 10 km²",
        scenario="first-town",
        fixed=("street-readers", RoadClass.PRIMARY, 1),
        cars=("patrol-car", 0.3),
    ),
}


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


def mass_near(
    posterior: Posterior, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mass of places on the map within 500 m of some points, at the last checkpoint.

    Parameters
    ----------
    x_m, y_m
        One point for each plate, shape (n_plates,).
    """
    place, mass = posterior.place[:, -1], posterior.mass[:, -1].astype(np.float64)
    listed = np.maximum(place, 0)
    off = np.hypot(posterior.x_m[listed] - x_m[:, None], posterior.y_m[listed] - y_m[:, None])
    near = (place >= 0) & (posterior.edge[listed] >= 0) & (off <= REACH_M)
    return np.asarray((mass * near).sum(axis=1))


def km_of_road(network: RoadNetwork, least: RoadClass) -> float:
    """Return the length of the streets of a class or a greater one; each direction is an edge."""
    return float(network.edge_length_m[network.edge_class <= least].sum()) / 2_000.0


def _scenario(layout: Layout, folder: Path, network: RoadNetwork) -> Scenario:
    overrides = []
    if layout.fixed is not None:
        group, least, per_km = layout.fixed
        overrides.append(f"readers.{group}.count={round(per_km * km_of_road(network, least))}")
    if layout.cars is not None:
        group, per_km2 = layout.cars
        x0, y0, x1, y1 = network.bounds_m
        overrides.append(f"readers.{group}.count={max(round(per_km2 * (x1 - x0) * (y1 - y0) / 1e6), 1)}")
    return scenario_of_traffic(
        layout.scenario, routes=(folder / "routes.xml.gz",), net=folder / "town.net.xml.gz", vehicle_id=RULE,
        homes=folder / "homes.csv", dwell=False, drivers=None, days=DAYS, map_file=None, overrides=overrides,
    )  # fmt: skip


Row = tuple[str, int, float, float, float]


def _share(figure: str, hit: NDArray[np.bool_]) -> Row:
    n, k = len(hit), int(hit.sum())
    low, high = wilson(k, max(n, 1))
    return figure, n, k / n if n else np.nan, float(low) if n else np.nan, float(high) if n else np.nan


def _number(figure: str, value: float) -> Row:
    return figure, 0, float(value), np.nan, np.nan


def _ratio(figure: str, of: NDArray[np.bool_], over: NDArray[np.bool_], seed: int) -> Row:
    """Return a ratio of two shares of the same drivers, with a bootstrap's interval."""
    draws = np.random.default_rng(seed).integers(0, len(of), (2_000, len(of)))
    ratios = of[draws].mean(axis=1) / np.maximum(over[draws].mean(axis=1), 1e-9)
    low, high = np.quantile(ratios, (0.025, 0.975))
    return figure, len(of), float(of.mean() / max(over.mean(), 1e-9)), float(low), float(high)


def figures_of(layout: Layout, folder: Path, seed: int) -> list[Row]:
    """Put readers into a town, attack, and hold the attack against the truth."""
    network = read_sumo_net(folder / "town.net.xml.gz").city.network
    world = build_world(_scenario(layout, folder, network), replicate_seed(seed, 0))
    reads = recapture(world, keep_trips=False).sightings
    n = world.drivers.n_drivers
    rows = [
        _number("vehicles", n),
        _number("trips", 0 if world.recorded is None else world.recorded.routes.n_trips),
        _number("readers", world.cameras.n_cameras),
        _number("km of primary road", km_of_road(network, RoadClass.PRIMARY)),
        _number("km of primary and secondary road", km_of_road(network, RoadClass.SECONDARY)),
        _number("reads a vehicle and day", reads.n_sightings / n / DAYS),
    ]
    return rows + _judged(world, reads, truth_of(world, 0, n), seed)


def _judged(world: World, reads: Sightings, truth: Truth, seed: int) -> list[Row]:
    setting = with_training(attack_setting(world), world)
    view = view_of(world, reads, 0, len(truth))
    view = replace(view, checkpoint_days=view.checkpoint_days[-1:])
    inside = truth.home_inside
    # By name, so that the attacker's beliefs are at hand as well as how they score.
    attacks = {
        name: attacker_named(name).infer(view, setting.knowledge.up_to(attacker_named(name).rung))
        for name in ("bayes", "krumm-last-destination")
    }
    beliefs = {
        name: score(
            name, made, view, truth, network=world.city.network, homes=setting.homes, works=setting.works
        ).beliefs.sort("driver_id")
        for name, made in attacks.items()
    }

    def error_m(name: str, target: str) -> NDArray[np.float64]:
        own = beliefs[name].filter(pl.col("target").cast(pl.String) == target)
        return own["error_m"].fill_null(np.inf).to_numpy().astype(np.float64)

    guess = first_and_last_median(reads, len(truth))
    simple = (np.hypot(guess[:, 0] - truth.home_x_m, guess[:, 1] - truth.home_y_m) <= REACH_M)[inside]
    off_m = error_m("bayes", "home")[inside]
    found = off_m <= REACH_M
    rows = [
        _share("median of first and last readers", simple),
        _share("last destination", error_m("krumm-last-destination", "home")[inside] <= REACH_M),
        _share("bayes", found),
        _ratio("bayes over the median", found, simple, seed),
        _number("ratio if all homes were found", 1.0 / max(float(simple.mean()), 1e-9)),
    ]
    posterior = attacks["bayes"].home_posterior
    assert posterior is not None
    days = _days_read(reads, len(truth))[inside]
    near = mass_near(posterior, truth.home_x_m, truth.home_y_m)[inside]
    rows += [
        _share("never read", days == 0),
        _share("read on fewer than three days", days < FEW_DAYS),
        _share("bayes, read on fewer than three days", found[days < FEW_DAYS]),
        _share("bayes, read on three days or more", found[days >= FEW_DAYS]),
        _share("bayes, within 1 km", off_m <= 2 * REACH_M),
        _number("median error of those not found, m", float(np.median(off_m[~found]))),
        _number("belief within 500 m of home", float(near.mean())),
        _number("the same, of those not found", float(near[~found].mean())),
    ]
    for target in ("home", "work"):
        own = beliefs["bayes"].filter(pl.col("target").cast(pl.String) == target)
        told = own.filter(pl.col("truth_level").is_not_null())
        level, claim = told["truth_level"].to_numpy(), told["mass_within_500m"].to_numpy()
        right = told["error_m"].fill_null(np.inf).to_numpy() <= REACH_M
        rows += [_share(f"{target}: {q:.0%} sets hold", level <= q) for q in (0.5, 0.8, 0.95)]
        here = inside if target == "home" else truth.work_inside
        here = here[told["driver_id"].to_numpy()]
        rows += [
            _share(f"{target}: 95% sets hold, place {where}", level[part] <= 0.95)
            for where, part in (("in town", here), ("outside", ~here))
        ]
        rows += [
            _share(f"{target}: claimed at 0.9 within 500 m", claim >= SURE_MASS),
            _share(f"{target}: of these right", right[claim >= SURE_MASS]),
            _share(f"{target}: within 500 m, of all", right),
            _number(f"{target}: mean claim within 500 m", float(claim.mean())),
        ]
    return rows


def _days_read(reads: Sightings, n_drivers: int) -> NDArray[np.int64]:
    pair = np.unique(reads.plate.astype(np.int64) * DAYS + reads.time_s // DAY_S)
    return np.bincount(pair // DAYS, minlength=n_drivers)


def study(
    folder: Path, *, layouts: Sequence[str], towns: Sequence[Town], seed: int, done: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Yield the rows of each layout and town that is not done, making towns that are missing."""
    for town in towns:
        for name in layouts:
            if done.filter(pl.col("layout") == name, pl.col("town") == town.name).height:
                continue
            made = folder / town.name
            if not (made / "homes.csv").is_file():
                print(f"making {town.name}", file=sys.stderr)
                make_town(made, side=town.side, drivers=town.drivers, days=DAYS, seed=town.seed)
            rows = [(name, town.name, *row) for row in figures_of(LAYOUTS[name], made, seed)]
            frame = pl.DataFrame(rows, schema=COLUMNS, orient="row")
            yield frame.with_columns(pl.col("value", "low", "high").fill_nan(None))


def main(arguments: list[str] | None = None) -> int:
    """Make the table, as far as it is not made yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, help="where towns are, or will be")
    parser.add_argument("--layout", action="append", choices=list(LAYOUTS), help="all, if left out")
    parser.add_argument("--town", action="append", type=int, choices=[t.seed for t in TOWNS])
    parser.add_argument("--seed", type=int, default=1, help="of readers, reads and made-up people")
    parser.add_argument(
        "--csv", type=Path, help="DIR/elsewhere.csv, if left out; what is in it is not redone"
    )
    given = parser.parse_args(arguments)
    path = given.csv or given.folder / "elsewhere.csv"
    done = pl.read_csv(path, schema=COLUMNS) if path.is_file() else pl.DataFrame(schema=COLUMNS)
    towns = [t for t in TOWNS if not given.town or t.seed in given.town]
    try:
        for rows in study(
            given.folder, layouts=given.layout or list(LAYOUTS), towns=towns, seed=given.seed, done=done
        ):
            print(rows.row(0)[:2], rows.filter(pl.col("figure") == "bayes over the median")["value"].item())
            done = pl.concat([done, rows])
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text_whole(path, done.write_csv(float_precision=6))
    except PlatetrailError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
