"""Other programs' detectors of stays, homes and work places on the simulator's own days.

They know nothing of this program, so what they find is an independent look at the day plans: whoever sleeps
at home and works by day must be told by them. What each must find was set down before it was run:

- *Homes*: all detectors take the nights. Residents who sleep at home (all schedules but night and rotating
  shifts) must come out for 95 in 100.
- *Work places*: by-day detectors need somebody at work on most weekdays. With 13% of days off (simulator's
  absence), day workers must come out for 90 in 100 with trackintel. HoWDe asks for a place on 60% of the days
  with data and abstains otherwise: 80 in 100.
- Shift workers are not asked about; how many are found is shown.
"""

from __future__ import annotations

import shutil
import warnings
from functools import cache

import numpy as np
import polars as pl
import pytest
from hand_worlds import DAY_S, Verified

from scenarios import scenario_named
from simulator.chunks import drive
from simulator.people.drivers import DriverKind, Drivers, Schedule
from simulator.scenario_file import with_overrides
from simulator.travel.stays import Stays, stays_of, whereabouts
from simulator.world import World, build_world

KIND = "rival program"
DRIVERS, DAYS = 400, 42
MONDAY = np.datetime64("2024-01-01T00:00:00")
SLEEPS_AT_HOME = (Schedule.DAY, Schedule.HYBRID, Schedule.EVENING, Schedule.DRIVING, Schedule.NONE)
TRACKINTEL = "trackintel 1.4 (Martin et al. 2023, Computers, Environment and Urban Systems 101)"
OSNA = f"{TRACKINTEL}, OSNA (Efstathiades et al. 2015)"
HOWDE = "HoWDe 2.0 (De Sojo Caso et al. 2025, arXiv:2506.20679), abstentions counted as not found"

pytestmark = pytest.mark.slow


@cache
def town() -> tuple[World, Stays]:
    scenario = with_overrides(scenario_named("first-town"), {"people.drivers": DRIVERS, "days": DAYS})
    world = build_world(scenario.model_copy(update={"readers": ()}), 5)
    trips, legs = drive(world, 0, DRIVERS)
    frame = trips.to_frame(legs).with_columns(pl.col("driver_id").cast(pl.Int32))
    return world, stays_of(frame, world.drivers.home_place, days=DAYS)


def groups(drivers: Drivers) -> dict[str, np.ndarray]:
    """Who is asked about: rows of drivers."""
    resident = drivers.kind == DriverKind.RESIDENT
    works = resident & (drivers.work_place >= 0)
    return {
        "sleep at home": np.flatnonzero(resident & np.isin(drivers.schedule, SLEEPS_AT_HOME)),
        "work by day": np.flatnonzero(works & (drivers.schedule == Schedule.DAY)),
        "work at home now and then": np.flatnonzero(works & (drivers.schedule == Schedule.HYBRID)),
        "have no work place": np.flatnonzero(resident & (drivers.work_place < 0)),
        "work shifts": np.flatnonzero(
            works & np.isin(drivers.schedule, (Schedule.EVENING, Schedule.NIGHT, Schedule.ROTATING))
        ),
    }


def report(
    verified: Verified, source: str, home: dict[int, int], work: dict[int, int], *, least_work: float
) -> None:
    """Compare places named home and work (by driver) with the truth."""
    drivers = town()[0].drivers
    of = groups(drivers)

    def share(found: dict[int, int], truth: np.ndarray, rows: np.ndarray) -> float:
        return float(np.mean([found.get(int(d), -9) == truth[d] for d in rows]))

    at_home = share(home, drivers.home_place, of["sleep at home"])
    verified(
        f"Homes of {len(of['sleep at home'])} residents who sleep there, found in their stays",
        source=source,
        theirs="≥ 0.95",
        ours=f"{at_home:.3f}",
        holds=at_home >= 0.95,
    )
    by_day = share(work, drivers.work_place, of["work by day"])
    others = [share(work, drivers.work_place, of[k]) for k in ("work at home now and then", "work shifts")]
    # Not judged: what is named of people who have none.
    others.append(float(np.mean([int(d) in work for d in of["have no work place"]])))
    verified(
        f"Work places of {len(of['work by day'])} who work by day (also at home; shifts; no work: named one)",
        source=source,
        theirs=f"≥ {least_work:.2f}",
        ours=f"{by_day:.3f} ({', '.join(f'{share:.2f}' for share in others)})",
        holds=by_day >= least_work,
    )


def test_trackintel_finds_homes_and_work_places(verified: Verified) -> None:
    pd = pytest.importorskip("pandas", reason="pandas comes with the extra 'rivals': make verify")
    location = pytest.importorskip(
        "trackintel.analysis.location_identification",
        reason="trackintel comes with the extra 'rivals': make verify",
    )
    _, stays = town()
    table = pd.DataFrame(
        {
            "user_id": stays.driver.astype(np.int64),
            "location_id": stays.place.astype(np.int64),
            "started_at": pd.to_datetime(MONDAY + stays.from_s.astype("timedelta64[s]"), utc=True),
            "finished_at": pd.to_datetime(MONDAY + stays.until_s.astype("timedelta64[s]"), utc=True),
        }
    )
    for method, source in (("OSNA", OSNA), ("FREQ", f"{TRACKINTEL}, FREQ")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            named = location.location_identifier(table, method=method, pre_filter=False)
        label = {
            what: dict(
                named[named["purpose"] == what][["user_id", "location_id"]]
                .drop_duplicates()
                .itertuples(index=False, name=None)
            )
            for what in ("home", "work")
        }
        report(verified, source, label["home"], label["work"], least_work=0.90)


def test_howde_finds_homes_and_work_places(verified: Verified, monkeypatch: pytest.MonkeyPatch) -> None:
    howde = pytest.importorskip("howde", reason="HoWDe comes with the extra 'rivals': make verify")
    if shutil.which("java") is None:
        pytest.skip("HoWDe runs on Spark, which needs Java 17: install one and run make verify again")
    from pyspark.sql import SparkSession

    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    _, stays = town()
    first = int((MONDAY - np.datetime64("1970-01-01T00:00:00")).astype(int))
    long = stays.until_s - stays.from_s >= 60
    rows = zip(
        stays.driver[long].tolist(),
        stays.place[long].astype(str).tolist(),
        (stays.from_s[long] + first).tolist(),
        (stays.until_s[long] + first).tolist(),
        strict=True,
    )
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    try:
        spark.sparkContext.setLogLevel("OFF")
        given = spark.createDataFrame(list(rows), ["useruuid", "loc", "start", "end"])
        found = howde.HoWDe_labelling(given, output_format="change")
        columns = set(found.columns)
        assert {"useruuid", "detect_H_loc", "detect_W_loc"} <= columns, columns
        table = pl.DataFrame(
            [tuple(r) for r in found.select("useruuid", "detect_H_loc", "detect_W_loc").collect()],
            schema=["driver", "home", "work"],
            orient="row",
        )
    finally:
        spark.stop()

    def usual(column: str) -> dict[int, int]:
        """The place named on most days of change; HoWDe names places day by day."""
        counted = (
            table.filter(pl.col(column).is_not_null())
            .group_by("driver", column)
            .len()
            .sort("driver", "len", descending=[False, True])
            .unique("driver", keep="first", maintain_order=True)
        )
        return {int(d): int(p) for d, p in counted.select("driver", column).iter_rows()}

    report(verified, HOWDE, usual("home"), usual("work"), least_work=0.80)


def test_trackintel_finds_the_stays_themselves(verified: Verified) -> None:
    """Positions every minute with an error of 10 m: trackintel's staypoints are the simulator's stays."""
    gpd = pytest.importorskip("geopandas", reason="geopandas comes with the extra 'rivals': make verify")
    pd = pytest.importorskip("pandas", reason="pandas comes with the extra 'rivals': make verify")
    ti = pytest.importorskip("trackintel", reason="trackintel comes with the extra 'rivals': make verify")
    world, stays = town()
    some, span_s = 20, 7 * DAY_S
    residents = np.flatnonzero(world.drivers.kind == DriverKind.RESIDENT)[:some]
    time_s = np.tile(np.arange(0, span_s, 60), some)
    driver = np.repeat(residents, span_s // 60)
    x, y = whereabouts(stays, world.places, driver, time_s)
    error = np.random.default_rng(2).normal(0, 10.0, (2, len(x)))
    # A plane of metres put on the globe at the equator, where a degree is as long both ways.
    degree_m = 6_371_000.0 * np.pi / 180
    lon, lat = (x + error[0]) / degree_m, (y + error[1]) / degree_m
    fixes = gpd.GeoDataFrame(
        {
            "user_id": driver.astype(np.int64),
            "tracked_at": pd.to_datetime(MONDAY + time_s.astype("timedelta64[s]"), utc=True),
        },
        geometry=gpd.points_from_xy(lon, lat),
        crs="EPSG:4326",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fixes = ti.Positionfixes(fixes)
        _, found = fixes.generate_staypoints(
            dist_threshold=100, time_threshold=5.0, gap_threshold=15.0, include_last=True
        )
    table = pl.DataFrame(
        {
            "driver": found["user_id"].to_numpy(),
            "from_s": (found["started_at"].dt.tz_localize(None).to_numpy() - MONDAY)
            .astype("timedelta64[s]")
            .astype(np.int64),
            "until_s": (found["finished_at"].dt.tz_localize(None).to_numpy() - MONDAY)
            .astype("timedelta64[s]")
            .astype(np.int64),
            "x": found.geometry.x.to_numpy() * degree_m,
            "y": found.geometry.y.to_numpy() * degree_m,
        }
    )
    ours = np.isin(stays.driver, residents) & (stays.from_s < span_s)
    until = np.minimum(stays.until_s, span_s)
    asked = ours & (until - stays.from_s >= 20 * 60)
    hit, off_m, total = 0, [], int(asked.sum())
    for i in np.flatnonzero(asked):
        near = table.filter(
            (pl.col("driver") == int(stays.driver[i]))
            & (
                pl.min_horizontal("until_s", int(until[i]))
                - pl.max_horizontal("from_s", int(stays.from_s[i]))
                > 0
            )
        )
        px, py = world.places.x_m[stays.place[i]], world.places.y_m[stays.place[i]]
        overlap = near.with_columns(
            both=pl.min_horizontal("until_s", int(until[i]))
            - pl.max_horizontal("from_s", int(stays.from_s[i])),
            off=((pl.col("x") - px) ** 2 + (pl.col("y") - py) ** 2).sqrt(),
        ).sort("both")
        if overlap.height and overlap["both"][-1] >= 0.8 * (until[i] - stays.from_s[i]):
            off_m.append(overlap["off"][-1])
            hit += int(overlap["off"][-1] < 100)
    verified(
        f"Stays of 20 minutes or more of {some} residents in a week ({total}), found in their positions",
        source=f"{TRACKINTEL}, generate_staypoints (Li et al. 2008), 100 m, 5 min",
        theirs="≥ 0.95, within 100 m",
        ours=f"{hit / total:.3f}, median {np.median(off_m):.0f} m",
        holds=hit / total >= 0.95,
    )
