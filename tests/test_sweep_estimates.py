"""Estimates of studies against closed forms, and their intervals against what they promise."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from experiments.sweep.estimates import (
    median_over_replicates,
    moments,
    over_replicates,
    paired_moments,
    ratio_moments,
    ratios_over_replicates,
)
from experiments.sweep.measures import measure_named, measure_names
from simulator.privacy.time_to_inference import wilson


def values(value: np.ndarray, measure: str = "known-by-day") -> pl.DataFrame:
    return pl.DataFrame({"value": np.asarray(value, dtype=float)}).select(
        pl.lit("bayes").alias("attacker"), pl.lit("home").alias("target"), pl.lit("c").alias("criterion"),
        pl.lit(measure).alias("measure"), pl.lit(7, dtype=pl.Int32).alias("day"),
        pl.int_range(pl.len(), dtype=pl.Int32).alias("driver_id"), "value",
    )  # fmt: skip


def estimate(replicates: list[np.ndarray], measure: str = "known-by-day") -> dict[str, float]:
    return over_replicates([moments(values(v, measure)) for v in replicates]).row(0, named=True)


def test_one_town_gives_wilsons_interval_of_its_drivers() -> None:
    got = estimate([np.repeat([1, 0], [300, 1700])])
    low, high = wilson(300, 2000)
    assert got["estimate"] == pytest.approx(0.15)
    # Student's t of 1999 degrees of freedom, and n - 1 in place of n.
    assert (got["low"], got["high"]) == (
        pytest.approx(float(low), rel=2e-3),
        pytest.approx(float(high), rel=2e-3),
    )
    assert estimate([np.zeros(500)])["low"] == 0.0
    assert estimate([np.zeros(500)])["high"] == pytest.approx(float(wilson(0, 500)[1]), rel=0.01)


def test_equal_towns_give_students_interval_of_their_means() -> None:
    """Cochran (1977), section 6.4, with equal sizes: the variance of the mean of means."""
    rng = np.random.default_rng(1)
    towns = [rng.normal(20 + 5 * rng.normal(), 3, 400) for _ in range(6)]
    means = [town.mean() for town in towns]
    got = estimate(towns, "restricted-mean-days")
    half = stats.t.ppf(0.975, 5) * np.std(means, ddof=1) / np.sqrt(6)
    assert got["estimate"] == pytest.approx(np.mean(means))
    assert got["high"] - got["estimate"] == pytest.approx(half)
    assert (got["n_drivers"], got["n_replicates"]) == (2400, 6)


def test_towns_that_agree_by_luck_leave_the_drivers_variance() -> None:
    town = np.arange(100.0)
    got = estimate([town, town[::-1]], "restricted-mean-days")
    half = stats.t.ppf(0.975, 1) * np.sqrt(town.var() / 199)
    assert got["high"] - got["estimate"] == pytest.approx(half)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    truth, n_towns, n_drivers, rounds = 0.1, 8, 150, 400
    held = 0
    for _ in range(rounds):
        shares = rng.beta(2, 18, n_towns)  # mean 0.1, towns differ much
        got = estimate([rng.random(n_drivers) < p for p in shares])
        held += got["low"] <= truth <= got["high"]
    # 95% within three standard errors; skewed towns cost a few points.
    assert 0.90 <= held / rounds <= 0.99


def test_medians_hold_the_truth_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    held, rounds = 0, 200
    for _ in range(rounds):
        towns = [values(rng.exponential(1.0, 120), "median-error-m") for _ in range(5)]
        got = median_over_replicates(towns).row(0, named=True)
        held += got["low"] <= np.log(2) <= got["high"]
    assert held / rounds >= 0.92
    everything = np.concatenate([t["value"].to_numpy() for t in towns])
    assert got["estimate"] == pytest.approx(np.quantile(everything, 0.5, method="inverted_cdf"))


def test_a_median_that_is_not_reached_is_null() -> None:
    days = np.repeat([5.0, np.inf], [40, 60])
    got = median_over_replicates([values(days, "median-days")]).row(0, named=True)
    assert got["estimate"] is None and got["high"] is None
    few = median_over_replicates([values(np.repeat([5.0, np.inf], [49, 51]), "median-days")])
    assert few.row(0, named=True)["low"] == 5.0, "half may well be known by then"


def test_differences_are_of_the_same_drivers() -> None:
    rng = np.random.default_rng(3)
    base = [rng.normal(10, 8, 200) for _ in range(4)]
    other = [b - 1 + rng.normal(0, 0.1, 200) for b in base]
    pairs = [
        paired_moments(values(o, "restricted-mean-days"), values(b, "restricted-mean-days"))
        for o, b in zip(other, base, strict=True)
    ]
    got = over_replicates(pairs, shares=False).row(0, named=True)
    assert got["estimate"] == pytest.approx(np.mean(np.concatenate(other) - np.concatenate(base)))
    assert got["high"] - got["low"] < 0.1, "what drivers differ by among themselves does not count"
    assert got["down"] == 800 and got["up"] == 0


def ratio_of(ours: list[np.ndarray], theirs: list[np.ndarray]) -> dict[str, float]:
    towns = [
        pl.concat(
            [values(a), values(b).with_columns(attacker=pl.lit("simple"))]  # the same drivers
        )
        for a, b in zip(ours, theirs, strict=True)
    ]
    return ratios_over_replicates([ratio_moments(t, "bayes") for t in towns]).row(0, named=True)


def test_a_ratio_is_of_totals_with_the_variance_of_its_residuals() -> None:
    """Cochran (1977), section 6.4: towns as clusters, by hand."""
    counts = np.array([[30, 8], [60, 9], [12, 9], [38, 7]])
    ours, theirs = ([np.repeat([1, 0], [k, 100 - k]) for k in counts[:, i]] for i in (0, 1))
    got = ratio_of(ours, theirs)
    ratio = counts[:, 0].sum() / counts[:, 1].sum()
    residual = counts[:, 0] - ratio * counts[:, 1]
    error = np.sqrt(4 * np.var(residual, ddof=1)) / counts[:, 1].sum()
    assert got["attacker"] == "simple" and (got["n_drivers"], got["n_replicates"]) == (400, 4)
    assert got["ratio"] == pytest.approx(ratio)
    assert np.log(got["high"] / ratio) == pytest.approx(stats.t.ppf(0.975, 3) * error / ratio)
    assert got["low"] * got["high"] == pytest.approx(ratio**2)


def test_a_ratio_of_one_town_is_about_its_drivers() -> None:
    rng = np.random.default_rng(4)
    ours, theirs = rng.random(2_000) < 0.4, rng.random(2_000) < 0.1
    got = ratio_of([ours], [theirs])
    draws = rng.integers(0, 2_000, (2_000, 2_000))
    low, high = np.quantile(ours[draws].mean(axis=1) / theirs[draws].mean(axis=1), (0.025, 0.975))
    assert got["low"] == pytest.approx(low, rel=0.03) and got["high"] == pytest.approx(high, rel=0.03)
    same = ratio_of([ours], [ours])
    assert (same["low"], same["ratio"], same["high"]) == (1.0, 1.0, 1.0), "the same drivers are found"
    nobody = ratio_of([ours], [np.zeros(2_000)])
    assert nobody["ratio"] is None and nobody["low"] is None and nobody["high"] is None


def test_ratios_hold_the_truth_as_often_as_they_say() -> None:
    rng, held, rounds = np.random.default_rng(9), 0, 400
    for _ in range(rounds):
        easy = rng.beta(4, 36, 10)  # the share that the simple attacker finds in each of ten towns
        times = rng.normal(4.0, 0.8, 10)
        theirs = [rng.random(300) < p for p in easy]
        ours = [rng.random(300) < p * k for p, k in zip(easy, times, strict=True)]
        got = ratio_of(ours, theirs)
        held += got["low"] <= 4.0 <= got["high"]
    assert 0.90 <= held / rounds <= 0.99


def test_every_measure_has_words() -> None:
    for name in measure_names():
        assert measure_named(name).words
