"""Simulated figures beside the published ones that a scenario must meet before its results are quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.cameras.roster import ReaderKind
from simulator.chunks import Captured, MobileBlocks, capture, drive
from simulator.errors import ScenarioError
from simulator.people.drivers import DriverKind
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.streams import replicate_seed
from simulator.travel.route_quality import RouteQuality, route_quality
from simulator.travel.tours import Purpose
from simulator.travel.trips import Trips
from simulator.world import Progress, World, build_world

# The published figures span three months; so does the simulation that is held against them.
CALIBRATION_DAYS = 91
CALIBRATION_DRIVERS = 2_000


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One published figure and the band in which a simulated one is accepted."""

    id: str
    what: str
    unit: str
    published: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    """What the figures are computed from: three months of a sample of drivers."""

    world: World
    trips: Trips
    distance_m: NDArray[np.float64]
    captured: Captured
    n_drivers: int
    quality: RouteQuality

    @property
    def resident(self) -> NDArray[np.bool_]:
        return np.asarray(self.world.drivers.kind[: self.n_drivers] == DriverKind.RESIDENT)

    @property
    def of_resident(self) -> NDArray[np.bool_]:
        return np.asarray(self.resident[self.trips.driver])

    @property
    def resident_days(self) -> float:
        return float(self.resident.sum() * self.world.scenario.days)


def _relative(id: str, what: str, unit: str, published: float, tolerance: float) -> Figure:
    return Figure(
        id=id, what=what, unit=unit, published=published,
        low=published * (1 - tolerance), high=published * (1 + tolerance),
    )  # fmt: skip


def _points(id: str, what: str, published: float, points: float = 5.0) -> Figure:
    return Figure(
        id=id, what=what, unit="%", published=published, low=published - points, high=published + points
    )


_Row = tuple[Figure, float]


def _v4(s: _Sample) -> Iterable[_Row]:
    own = np.bincount(s.captured.own.plate, minlength=s.n_drivers)[: s.n_drivers]
    rate = own[s.resident] / s.world.scenario.days
    yield (
        Figure(id="V4", what="median reads of a resident", unit="a day", published=3.9, low=1.0, high=6.0),
        float(np.median(rate)),
    )
    # Where the published driver (3.9 reads a day) stands among the simulated ones.
    below = float(np.mean(rate < 3.9) * 100)
    yield (
        Figure(
            id="V4", what="residents read less than 3.9 times a day", unit="%", published=50, low=10, high=90
        ),
        below,
    )


def _reads_a_day(s: _Sample, kind: ReaderKind) -> NDArray[np.float64]:
    scale = s.world.expansion * s.world.drivers.n_drivers / s.n_drivers / s.world.scenario.days
    return np.asarray(s.captured.reads_by_camera[s.world.cameras.kind == kind] * scale)


def _v5(s: _Sample) -> Iterable[_Row]:
    reads = _reads_a_day(s, ReaderKind.FIXED)
    if len(reads):
        yield (
            Figure(id="V5", what="reads of a fixed reader, full traffic", unit="a day", published=5_000,
                   low=4_500 / 2, high=5_500 * 2),
            float(reads.mean()),
        )  # fmt: skip


def _v6(s: _Sample) -> Iterable[_Row]:
    for kind, published in ((ReaderKind.PATROL, 1_590.0), (ReaderKind.SPOTTER, 8_000.0)):
        reads = _reads_a_day(s, kind)
        if len(reads):
            name = kind.name.lower()
            yield (
                Figure(id="V6", what=f"reads of a {name} car, full traffic", unit="a day",
                       published=published, low=published / 1.5, high=published * 1.5),
                float(reads.mean()),
            )  # fmt: skip


def _v8(s: _Sample) -> Iterable[_Row]:
    residents, commute = s.of_resident, s.trips.purpose == Purpose.COMMUTE
    fastest, excess = s.quality.fastest, s.quality.excess_s
    yield _points("V8", "trips on the fastest route", 34.0), 100 * fastest[residents].mean()
    yield _points("V8", "commutes on the fastest route", 13.5), 100 * fastest[residents & commute].mean()
    yield _points("V8", "trips with less than 30 s excess", 50.0), 100 * (excess[residents] < 30).mean()
    yield _points("V8", "trips with less than 5 min excess", 90.0), 100 * (excess[residents] < 300).mean()
    routines = _routines(s)
    few = routines.filter(pl.col("number") < 7)  # the survey saw about 7 such trips a subject
    distinct = few.group_by("driver").agg(pl.col("route").n_unique().alias("routes"), pl.len().alias("trips"))
    yield (
        _points("V8", "distinct routes per home-work trip", 100 * 249 / 657),
        100 * float(distinct["routes"].sum()) / max(float(distinct["trips"].sum()), 1.0),
    )
    favourite = (
        routines.group_by("driver", "route")
        .agg(pl.len().alias("trips"), pl.col("excess").mean())
        .sort("driver", "trips", "route")
        .group_by("driver", maintain_order=True)
        .agg(pl.col("excess").last(), pl.len().alias("routes"))
    )
    # The source does not say how alike two routes must be to count as one: here, within a tenth of the time.
    yield (
        _points("V8", "routines whose favourite is not the recommended route", 53.0),
        100 * float(np.mean(favourite["excess"].to_numpy() > 0.1)) if favourite.height else 0.0,
    )
    yield (
        _points("V8", "routines on one single route", 100 / 3),
        100 * float(np.mean(favourite["routes"].to_numpy() == 1)) if favourite.height else 0.0,
    )


def _routines(s: _Sample) -> pl.DataFrame:
    """Trips of residents from home straight to work, numbered for each driver."""
    drivers, trips = s.world.drivers, s.trips
    rows = np.flatnonzero(
        s.of_resident
        & (trips.from_place == drivers.home_place[trips.driver])
        & (trips.to_place == drivers.work_place[trips.driver])
    )
    frame = pl.DataFrame(
        {
            "driver": trips.driver[rows],
            "route": s.quality.fingerprint[rows],
            "excess": s.quality.excess_s[rows] / np.maximum(s.quality.fastest_s[rows], 1.0),
        }
    )
    return frame.with_columns(number=pl.int_range(pl.len()).over("driver")).filter(
        pl.len().over("driver") >= 10
    )


def _v9(s: _Sample) -> Iterable[_Row]:
    residents = s.of_resident
    trips, days = s.trips, s.resident_days
    minutes = ((trips.arrive_s - trips.depart_s)[residents]).sum() / 60
    yield _relative("V9", "trips of a driver", "a day", 2.43, 0.05), residents.sum() / days
    yield _relative("V9", "driving of a driver", "min a day", 60.7, 0.05), minutes / days
    yield (
        _relative("V9", "distance of a driver", "km a day", 46.8, 0.05),
        s.distance_m[residents].sum() / 1000 / days,
    )
    purpose = trips.purpose[residents]
    yield _relative("V9", "commute trips", "%", 22.5, 0.05), 100 * (purpose == Purpose.COMMUTE).mean()
    yield _relative("V9", "errand trips", "%", 31.1, 0.05), 100 * (purpose == Purpose.ERRAND).mean()
    hour = trips.depart_s[residents] / 3600 % 24
    bands = {
        "11-15 h": ((hour >= 11) & (hour < 15), 26.1),
        "15-19 h": ((hour >= 15) & (hour < 19), 27.6),
        "03-07 h": ((hour >= 3) & (hour < 7), 6.7),
        "23-03 h": ((hour >= 23) | (hour < 3), 4.5),
        "07-11 and 19-23 h": (((hour >= 7) & (hour < 11)) | ((hour >= 19) & (hour < 23)), 35.1),
    }
    for name, (inside, published) in bands.items():
        yield _relative("V9", f"trips that start {name}", "%", published, 0.05), 100 * inside.mean()


def _v10(s: _Sample) -> Iterable[_Row]:
    residents, trips = s.of_resident, s.trips
    frame = pl.DataFrame({"driver": trips.driver[residents], "day": trips.day[residents],
                          "from": trips.from_place[residents], "to": trips.to_place[residents]})  # fmt: skip
    visits = frame.group_by("driver", "to").len()
    familiar = visits.filter(pl.col("len") >= 2).group_by("driver").len()["len"]
    yield (
        Figure(id="V10", what="familiar places (visited twice or more in 3 months)", unit="",
               published=25, low=15, high=35),
        float(familiar.mean() or 0.0),  # type: ignore[arg-type]
    )  # fmt: skip
    yield _points("V10", "driver-days within the 17 commonest motifs", 90.0), 100 * _motif_share(frame, 17)


def _motif_share(frame: pl.DataFrame, count: int) -> float:
    """Share of active driver-days whose motif is among the commonest: trips between places, labels forgotten.

    A motif is the directed graph of a day's trips between distinct places. Numbering the places in order of
    first visit from the day's first place identifies it for days that start at home.
    """
    days = frame.group_by("driver", "day", maintain_order=True).agg(pl.col("from").first(), pl.col("to"))
    shapes: dict[tuple[tuple[int, int], ...], int] = {}
    for start, stops in zip(days["from"].to_list(), days["to"].to_list(), strict=True):
        number = {start: 0}
        at, edges = 0, set()
        for stop in stops:
            nxt = number.setdefault(stop, len(number))
            edges.add((at, nxt))
            at = nxt
        key = tuple(sorted(edges))
        shapes[key] = shapes.get(key, 0) + 1
    commonest = sorted(shapes.values(), reverse=True)[:count]
    return sum(commonest) / max(sum(shapes.values()), 1)


_FIGURES: dict[str, Callable[[_Sample], Iterable[_Row]]] = {
    "V4": _v4, "V5": _v5, "V6": _v6, "V8": _v8, "V9": _v9, "V10": _v10,
}  # fmt: skip


def calibrate(
    scenario: Scenario,
    *,
    seed: int = 1,
    drivers: int = CALIBRATION_DRIVERS,
    days: int = CALIBRATION_DAYS,
    progress: Progress = lambda stage, done: None,
) -> pl.DataFrame:
    """Simulate three months of a sample of a scenario's drivers and compare them with published figures.

    Parameters
    ----------
    scenario
        The scenario; its readers and traffic are simulated as they are.
    seed
        Root seed.
    drivers
        Drivers simulated, whatever the scenario's own number; they stand for the same vehicles.
    days
        Days simulated.

    Returns
    -------
    pl.DataFrame
        One row per figure: id, what, unit, published, accepted_low, accepted_high, simulated, holds, applies
        (whether the scenario claims this figure for itself).
    """
    if scenario.traffic is not None:
        raise ScenarioError("Traffic from elsewhere is not this program's to calibrate; take out [traffic].")
    # A fixed sample, also of small scenarios: the figures' standard errors should not decide.
    people = scenario.people
    sampled = {
        "days": days,
        "people.drivers": drivers,
        "people.vehicles_represented": people.vehicles_represented or people.drivers,
    }
    world = build_world(with_overrides(scenario, sampled), replicate_seed(seed, 0), progress)
    progress("drive", 0.0)
    trips, legs = drive(world, 0, drivers)
    captured = capture(world, 0, drivers, MobileBlocks(world))
    quality = route_quality(
        trips.from_place, trips.to_place, trips.field,
        network=world.city.network, places=world.places, trees=world.trees,
    )  # fmt: skip
    sample = _Sample(
        world=world,
        trips=trips,
        distance_m=legs.distance_m[trips.leg],
        captured=captured,
        n_drivers=drivers,
        quality=quality,
    )
    rows = [
        {
            "id": figure.id,
            "what": figure.what,
            "unit": figure.unit,
            "published": figure.published,
            "accepted_low": figure.low,
            "accepted_high": figure.high,
            "simulated": float(value),
            "holds": bool(figure.low <= value <= figure.high),
            "applies": figure.id in scenario.calibrate,
        }
        for compute in _FIGURES.values()
        for figure, value in compute(sample)
    ]
    return pl.DataFrame(rows)
