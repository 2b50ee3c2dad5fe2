"""Risks of being singled out, and survival curves, by other programs on the simulator's own runs."""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from hand_worlds import DAY_S, Verified

from simulator.privacy.home_work_risk import home_work_risk
from simulator.privacy.time_to_inference import compare, kaplan_meier
from simulator.privacy.traces import make_traces
from simulator.privacy.unicity import unicity
from simulator.recapture import Recaptured, recapture
from simulator.run import simulate
from simulator.world import build_world

KIND = "rival program"
FASTMOB = "fastmob 0.3 (2026; Rust)"
LIFELINES = "lifelines 0.30 (Davidson-Pilon 2019, JOSS 4(40))"
NO_FASTMOB = "fastmob comes with the extra 'rivals': make verify"
DRIVERS = 250
MONDAY = np.datetime64("2024-01-01T00:00:00")


@cache
def reads() -> Recaptured:
    return recapture(build_world(tiny_scenario(people__drivers=DRIVERS, days=7), 9), keep_trips=False)


def table(person: np.ndarray, place: np.ndarray, time_s: np.ndarray) -> pl.DataFrame:
    """Trajectories as fastmob reads them, each place far from all others."""
    return pl.DataFrame(
        {
            "uid": person.astype(np.int64),
            "lat": (place // 300) * 0.1 - 60.0,
            "lng": (place % 300) * 0.1,
            "datetime": MONDAY + (1_000 * time_s).astype("timedelta64[ms]"),
        }
    )


def test_home_work_risks(verified: Verified) -> None:
    """fastmob follows scikit-mobility, which takes the two least-visited places, and so do we here.

    Which of places visited equally often counts as less visited is each program's own business. So that the
    question does not come up, visits are given numbers of their own: who reads a trace sees the same order of
    places, one visit more for each rank.
    """
    privacy = pytest.importorskip("fastmob.privacy", reason=NO_FASTMOB)
    taken = reads().sightings
    counted = (
        pl.DataFrame({"person": taken.plate, "place": taken.camera_id})
        .group_by("person", "place")
        .len()
        .sort("person", "len", "place")
        .with_columns(rank=pl.int_range(pl.len()).over("person") + 1)
    )
    person = np.repeat(counted["person"].to_numpy().astype(np.int64), counted["rank"].to_numpy())
    place = np.repeat(counted["place"].to_numpy().astype(np.int64), counted["rank"].to_numpy())
    ours = home_work_risk(person, place, n_people=DRIVERS, reading="least-visited").drop_nulls("risk")
    theirs = pl.DataFrame(
        privacy.home_work_risk(
            table(person, place, np.arange(len(person))), uid_col="uid", lat_col="lat", lng_col="lng"
        )
    ).sort("uid")
    assert theirs["uid"].to_list() == ours["person"].to_list()
    same = np.abs(theirs["risk"].to_numpy() - ours["risk"].to_numpy()) < 1e-12
    assert ours["risk"].n_unique() > 5
    verified(
        f"Home-work risk of {ours.height} people by their reads: people with the same risk",
        source=f"{FASTMOB}, home_work_risk, after scikit-mobility 1.3.1; ties broken beforehand",
        theirs="all",
        ours="all" if same.all() else f"{same.mean():.3f}",
        holds=bool(same.all()),
    )


@pytest.mark.parametrize("points", [1, 2, 3])
def test_unicity(points: int, verified: Verified) -> None:
    """fastmob looks at every set of known points; ours is the share of sets that nobody else has."""
    privacy = pytest.importorskip("fastmob.privacy", reason=NO_FASTMOB)
    taken = reads().sightings
    person, place, time_s = (
        taken.plate.astype(np.int64),
        taken.camera_id.astype(np.int64),
        taken.time_s.astype(np.int64),
    )
    few = (person < 60) & (time_s < 4 * DAY_S)
    # A point is a reader in an hour, once; fastmob counts rows, so that it gets each point once.
    distinct = (
        pl.DataFrame({"person": person[few], "place": place[few], "hour": time_s[few] // 3600})
        .unique()
        .sort("person", "hour", "place")
    )
    traces = make_traces(
        distinct["person"].to_numpy(),
        distinct["place"].to_numpy(),
        distinct["hour"].to_numpy() * 3600,
        n_people=60,
        minutes=60,
    )
    ours = unicity(traces, points, exact=True)
    found = pl.DataFrame(
        privacy.location_time_risk(
            table(*(distinct[c].to_numpy() for c in ("person", "place")), distinct["hour"].to_numpy() * 3600),
            points,
            time_precision="Hour",
            force_instances=True,
            uid_col="uid",
            lat_col="lat",
            lng_col="lng",
            datetime_col="datetime",
        )
    )
    long_enough = traces.length >= points
    sets = found.group_by("uid", "instance").agg(pl.col("prob").first(), pl.len())
    sets = sets.filter(pl.col("len") == points)
    each = sets.group_by("uid").agg((pl.col("prob") > 1 - 1e-9).mean().alias("alone"))
    each = each.filter(pl.col("uid").is_in(np.flatnonzero(long_enough).tolist()))
    assert each.height == ours.people
    verified(
        f"Unicity of {points} reader-hours known, all {sets.height:,} sets of {ours.people} people",
        source=f"{FASTMOB}, location_time_risk, all instances",
        theirs=f"{each['alone'].mean():.6f}",
        ours=f"{ours.share:.6f}",
        holds=abs(float(each["alone"].mean()) - ours.share) < 1e-9,  # type: ignore[arg-type]
    )


@cache
def outcomes() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two runs of different people, one with many readers and one with few."""
    few = {"attackers__names": ["night-mode", "krumm-last-destination"], "people__drivers": 120}
    many = simulate(tiny_scenario(readers__streets__count=10, **few), seed=21).outcomes
    sparse = simulate(tiny_scenario(readers__streets__count=2, readers__spotter__count=0, **few), seed=22)
    return many, sparse.outcomes


def test_survival_curves_of_a_run(verified: Verified) -> None:
    lifelines = pytest.importorskip("lifelines", reason="lifelines comes with the extra 'rivals'")
    worst, n = 0.0, 0
    for _, group in outcomes()[0].group_by("attacker", "target", "criterion"):
        days, observed = group["days"].to_numpy(), group["observed"].to_numpy()
        curve = kaplan_meier(days, observed)
        fitter = lifelines.KaplanMeierFitter().fit(days, observed)
        ours = np.asarray(curve.at(curve.time.tolist())[0])
        theirs = 1 - fitter.survival_function_at_times(curve.time).to_numpy()
        worst = max(worst, float(np.abs(ours - theirs).max()))
        n += 1
    verified(
        f"Share known by day, {n} curves of a run: largest difference",
        source=f"{LIFELINES}, KaplanMeierFitter",
        theirs="< 1e-9",
        ours=f"{worst:.0e}",
        holds=worst < 1e-9 and n > 5,
    )


def test_log_rank_of_two_runs(verified: Verified) -> None:
    statistics = pytest.importorskip("lifelines.statistics", reason="lifelines comes with the extra 'rivals'")
    a, b = outcomes()
    compared = compare(a, b).drop_nulls("p_value")
    worst, n, least = 0.0, 0, 1.0
    for row in compared.iter_rows(named=True):
        one, two = (
            frame.filter(
                (pl.col("attacker").cast(pl.String) == row["attacker"])
                & (pl.col("target").cast(pl.String) == row["target"])
                & (pl.col("criterion").cast(pl.String) == row["criterion"])
            )
            for frame in (a, b)
        )
        test = statistics.logrank_test(one["days"], two["days"], one["observed"], two["observed"])
        worst = max(worst, abs(test.test_statistic - row["statistic"] ** 2))
        least = min(least, row["p_value"])
        n += 1
    verified(
        f"Many readers against few, log-rank of {n} curves of two runs: largest difference of χ²",
        source=f"{LIFELINES}, logrank_test",
        theirs="< 1e-9",
        ours=f"{worst:.0e}",
        holds=worst < 1e-9 and n > 5 and least < 0.05,
    )
