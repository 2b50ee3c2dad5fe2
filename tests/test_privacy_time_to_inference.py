"""Survival curves against lifelines, closed forms, and cases at the rim."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import median_survival_times, restricted_mean_survival_time
from scipy import stats

from simulator.privacy.time_to_inference import (
    compare,
    kaplan_meier,
    share_known_curve,
    share_right_now,
    summarise,
)
from simulator.tables import SCHEMAS, conform

LADDER = np.array([1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60])


def draw(seed: int, n: int, mean: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    """Days rounded up to checkpoints; some leave early, the rest are censored on day 60."""
    rng = np.random.default_rng(seed)
    known = rng.exponential(mean, n)
    left = np.where(rng.random(n) < 0.2, rng.uniform(0, 60, n), 60.0)
    observed = known <= left
    days = LADDER[np.minimum(np.searchsorted(LADDER, np.minimum(known, left)), len(LADDER) - 1)]
    return days, observed


def outcomes_of(
    days, observed, *, attacker="a", target="home", criterion="within-250m", sightings=None
) -> pl.DataFrame:
    n = len(days)
    return conform(
        "outcomes",
        pl.DataFrame(
            {
                "attacker": [attacker] * n,
                "driver_id": range(n),
                "target": [target] * n,
                "criterion": [criterion] * n,
                "days": days,
                "sightings": [4 * int(d) for d in days] if sightings is None else sightings,
                "observed": observed,
            }
        ),
    )


def residents(n: int) -> pl.DataFrame:
    return pl.DataFrame({"driver_id": range(n), "kind": ["resident"] * n, "work_on_map": [True] * n})


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 80))
def test_curve_and_band_equal_lifelines(seed, n):
    days, observed = draw(seed, n)
    curve = kaplan_meier(days, observed)
    # lifelines 0.30: KaplanMeierFitter(alpha=0.05).fit(days, observed), whose band is log(-log)
    fitter = KaplanMeierFitter(alpha=0.05).fit(days, observed)
    survival = fitter.survival_function_.loc[curve.time].to_numpy()[:, 0]
    np.testing.assert_allclose(1 - curve.share, survival, atol=1e-12)
    band = fitter.confidence_interval_.loc[curve.time].to_numpy()
    inner = (survival > 1e-9) & (survival < 1 - 1e-9)
    np.testing.assert_allclose(curve.low[inner], 1 - band[inner, 1], atol=1e-9)
    np.testing.assert_allclose(curve.high[inner], 1 - band[inner, 0], atol=1e-9)
    assert ((curve.low <= curve.share) & (curve.share <= curve.high)).all()


@pytest.mark.parametrize("seed", range(5))
def test_median_and_restricted_mean_equal_lifelines(seed):
    days, observed = draw(seed, 300)
    curve = kaplan_meier(days, observed)
    fitter = KaplanMeierFitter().fit(days, observed)
    interval = median_survival_times(fitter.confidence_interval_).to_numpy()[0]
    middle, early, late = curve.quantile()
    assert middle == fitter.median_survival_time_
    assert sorted([early, late]) == sorted(interval.tolist())
    # lifelines 0.30: restricted_mean_survival_time(fitter, t=60)
    assert curve.restricted_mean(60) == pytest.approx(restricted_mean_survival_time(fitter, t=60), rel=1e-9)


def test_without_early_leavers_the_share_is_a_plain_proportion():
    days, observed = [1, 1, 3, 7, 7, 7], [True, True, True, True, False, False]
    share, low, high = kaplan_meier(days, observed).at([0, 1, 2, 3, 7, 8])
    np.testing.assert_allclose(share[:5], [0, 2 / 6, 2 / 6, 3 / 6, 4 / 6])
    assert np.isnan(share[5]) and np.isnan(low[5]) and np.isnan(high[5])


def test_nobody_found_everybody_found_and_one_driver():
    """At the rim Wilson's interval stands in: 0 of n gives [0, z^2 / (n + z^2)]."""
    z2 = stats.norm.ppf(0.975) ** 2
    nobody = kaplan_meier([60] * 50, [False] * 50)
    share, low, high = nobody.at([7, 60])
    assert share.tolist() == [0, 0]
    assert low.tolist() == [0, 0]
    np.testing.assert_allclose(high, z2 / (50 + z2))
    assert all(math.isnan(v) for v in nobody.quantile())
    assert nobody.restricted_mean() == 60

    everybody = kaplan_meier([1] * 50, [True] * 50)
    assert everybody.at([1])[0] == 1
    np.testing.assert_allclose(everybody.at([1])[1], 50 / (50 + z2))
    assert everybody.at([1])[2] == 1
    assert everybody.quantile() == (1, 1, 1)
    assert everybody.restricted_mean() == 1

    assert kaplan_meier([5], [True]).quantile()[0] == 5
    assert kaplan_meier([5], [False]).at([5])[0] == 0
    assert kaplan_meier([], []).n == 0
    assert np.isnan(kaplan_meier([], []).at([1])[0]).all()


def test_band_holds_the_truth_as_often_as_it_says():
    """Share known by day 20 of an exponential with mean 20, over 400 samples of 80: 95% within 3 errors."""
    truth = 1 - math.exp(-21 / 20)
    held = 0
    for seed in range(400):
        days, observed = draw(seed, 80)
        _, low, high = kaplan_meier(days, observed).at([21])
        held += bool(low[0] <= truth <= high[0])
    # Early leavers are rounded up to a checkpoint as well, which costs a little.
    assert abs(held / 400 - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 400) + 0.01


def test_summary_rows():
    days, observed = [1, 1, 3, 7, 60, 60], [True, True, True, True, True, False]
    drivers = pl.DataFrame(
        {"driver_id": range(6), "kind": ["resident"] * 5 + ["visitor"], "work_on_map": [True] * 6}
    )
    frame = summarise(outcomes_of(days, observed), drivers, days=(7, 30, 90))
    assert frame.schema == pl.DataFrame(schema=SCHEMAS["summary"].columns).schema
    assert frame["day"].to_list() == [7, 30, 60]
    assert frame["drivers"].unique().to_list() == [5]
    assert frame["share"].to_list() == pytest.approx([0.8, 0.8, 1.0])
    assert frame["median_days"].unique().to_list() == [3.0]
    assert frame["median_sightings"].unique().to_list() == [12.0]
    assert frame["restricted_mean_days"][0] == pytest.approx((1 + 1 + 3 + 7 + 60) / 5)
    everyone = summarise(outcomes_of(days, observed), drivers, kind=None)
    assert everyone["drivers"].unique().to_list() == [6]


def test_who_finds_all_early_has_a_row_for_the_last_day():
    early, late = [1, 3, 3, 3], [7, 7, 60, 60]
    outcomes = pl.concat(
        [
            outcomes_of(early, [True] * 4),
            outcomes_of(late, [True, True, False, False], attacker="b"),
        ]
    )
    frame = summarise(outcomes, residents(4))
    assert frame["day"].to_list() == [7, 30, 60] * 2
    assert frame["share"].to_list() == [1.0] * 3 + [0.5] * 3
    assert frame["restricted_mean_days"].to_list() == pytest.approx([2.5] * 3 + [33.5] * 3)
    alone = summarise(outcomes_of(early, [True] * 4), residents(4), last_day=60)
    assert alone["day"].to_list() == [7, 30, 60]
    assert alone["share_low"].null_count() == 0


def test_summary_of_the_unfound_has_nulls_not_nans():
    frame = summarise(outcomes_of([60] * 4, [False] * 4), residents(4))
    assert frame["share"].to_list() == [0.0, 0.0, 0.0]
    assert frame["median_days"].null_count() == len(frame)
    assert frame.select(pl.selectors.float().is_nan().any()).row(0) == (False,) * 8


def test_summary_of_no_outcomes_is_empty():
    frame = summarise(outcomes_of([], []), residents(0))
    assert frame.is_empty()
    assert frame.columns == list(SCHEMAS["summary"].columns)


@pytest.mark.parametrize("seed", range(4))
def test_log_rank_equals_lifelines(seed):
    (days_a, seen_a), (days_b, seen_b) = draw(seed, 120, 15.0), draw(seed + 100, 90, 30.0)
    row = compare(outcomes_of(days_a, seen_a), outcomes_of(days_b, seen_b)).row(0, named=True)
    # lifelines 0.30: logrank_test(days_a, days_b, seen_a, seen_b)
    expected = logrank_test(days_a, days_b, seen_a, seen_b)
    assert row["statistic"] ** 2 == pytest.approx(expected.test_statistic, rel=1e-9)
    assert row["p_value"] == pytest.approx(expected.p_value, rel=1e-6)
    assert row["statistic"] > 0  # a is found sooner
    assert (row["drivers_a"], row["drivers_b"]) == (120, 90)


def test_comparison_where_nobody_is_found_has_no_p_value():
    row = compare(outcomes_of([9, 9], [False, False]), outcomes_of([9], [False])).row(0, named=True)
    assert row["p_value"] is None
    assert row["share_a"] == 0


def test_share_known_curve_starts_at_zero_and_grows():
    days, observed = draw(1, 200)
    frame = pl.concat([outcomes_of(days, observed), outcomes_of(days, observed, attacker="b", target="work")])
    curve = share_known_curve(frame)
    assert curve["attacker"].unique().to_list() == ["a"]
    assert curve["days"][0] == 0 and curve["share"][0] == 0
    assert (curve["share"].diff().drop_nulls() >= 0).all()
    assert (curve["share_low"] <= curve["share"]).all() and (curve["share"] <= curve["share_high"]).all()
    by_sightings = share_known_curve(frame, by="sightings", target="work")
    assert by_sightings["attacker"].unique().to_list() == ["b"]
    assert by_sightings["sightings"].max() == 4 * days.max()
    assert share_known_curve(frame, criterion="right-street").columns == curve.columns


def test_share_right_now_can_fall_and_counts_abstentions_as_wrong():
    beliefs = pl.DataFrame(
        {
            "attacker": ["a"] * 8,
            "driver_id": [0, 1, 2, 3] * 2,
            "target": ["home"] * 8,
            "day": [1] * 4 + [7] * 4,
            "error_m": [10.0, 20.0, 250.0, 900.0, 10.0, None, None, 300.0],
        }
    )
    frame = share_right_now(beliefs)
    assert frame["share"].to_list() == [0.75, 0.25]
    assert frame["abstained"].to_list() == [0.0, 0.5]
    # Wilson (1927), JASA 22: centre (k + z^2 / 2) / (n + z^2)
    z2 = stats.norm.ppf(0.975) ** 2
    assert (frame["share_low"][0] + frame["share_high"][0]) / 2 == pytest.approx((3 + z2 / 2) / (4 + z2))
