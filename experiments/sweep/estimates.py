"""From values of drivers in replicates to estimates with intervals, and to paired differences.

Drivers of one replicate share a town, so replicates are clusters. An estimate is the ratio of two totals over
replicates, its variance the larger of two: that between replicates (Cochran, *Sampling Techniques*, 3rd ed.,
1977, section 6.4), which holds the drivers' own variance as well, and that of drivers alone, since few
replicates may agree by luck. Student's t has one degree of freedom less than there are replicates. Shares get
Wilson's interval at the number of independent drivers that would vary as much (Korn & Graubard, "Confidence
intervals for proportions with small expected number of positive counts estimated from survey data", Survey
Methodology 24, 1998), medians the inverted interval of a share (Woodruff, "Confidence intervals for medians
and other position measures", JASA 47, 1952). With one replicate, intervals are about drivers of that town.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from experiments.sweep.measures import FOUND, KEYS, measure_named
from simulator.privacy.time_to_inference import wilson

_CONFIDENCE = 0.95
FloatArray = NDArray[np.float64]


def moments(values: pl.DataFrame) -> pl.DataFrame:
    """Return number, sum and sum of squares of one replicate's values, by :data:`KEYS`."""
    value = pl.col("value")
    return values.group_by(KEYS, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"), value.sum().alias("x"), (value * value).sum().alias("xx")
    )


def paired_moments(values: pl.DataFrame, baseline: pl.DataFrame) -> pl.DataFrame:
    """Return the moments of differences between two cells of one replicate, driver by driver.

    Measures about medians, and drivers that only one of the two cells has a value for, are left out.

    Returns
    -------
    polars.DataFrame
        As :func:`moments`, and how many drivers have a larger (``up``) or smaller (``down``) value.
    """
    both = values.join(baseline, on=[*KEYS, "driver_id"], how="inner", suffix="_base", maintain_order="left")
    change = pl.col("value") - pl.col("value_base")
    return both.group_by(KEYS, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"),
        change.sum().alias("x"),
        (change * change).sum().alias("xx"),
        (change > 0).sum().cast(pl.Int64).alias("up"),
        (change < 0).sum().cast(pl.Int64).alias("down"),
    )


def ratio_moments(values: pl.DataFrame, attacker: str) -> pl.DataFrame:
    """Return the moments of one attacker's values beside those of each other, of the same drivers.

    Parameters
    ----------
    values
        One replicate's, of measures in :data:`experiments.sweep.measures.FOUND`.
    attacker
        Whose values are ``x``; ``y`` are those of the attacker that a row is about.
    """
    at = [key for key in KEYS if key != "attacker"]
    own = values.filter(pl.col("attacker") == attacker, pl.col("measure").is_in(FOUND))
    others = values.filter(pl.col("attacker") != attacker)
    both = others.join(
        own.drop("attacker"), on=[*at, "driver_id"], how="inner", suffix="_own", maintain_order="left"
    )
    x, y = pl.col("value_own"), pl.col("value")
    return both.group_by(KEYS, maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"), x.sum().alias("x"), y.sum().alias("y"),
        (x * x).sum().alias("xx"), (x * y).sum().alias("xy"), (y * y).sum().alias("yy"),
    )  # fmt: skip


def ratios_over_replicates(replicates: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Combine the moments of :func:`ratio_moments` into ratios of totals with 95% intervals.

    The variance of a ratio is that of the residuals x − ratio · y (Cochran 1977, section 6.4), between
    replicates or of drivers alone, whichever is larger; the interval is even about its logarithm.

    Returns
    -------
    polars.DataFrame
        :data:`KEYS`, ``ratio, low, high, n_drivers, n_replicates``; null where one of the two found nobody.
    """
    n, x, y = pl.col("n"), pl.col("x"), pl.col("y")
    total = (
        pl.concat(replicates)
        .group_by(KEYS, maintain_order=True)
        .agg(
            n.sum(), x.sum(), y.sum(), pl.col("xx", "xy", "yy").sum(), pl.len().alias("r"),
            (x * x).sum().alias("x2"), (x * y).sum().alias("x1y1"), (y * y).sum().alias("y2"),
        )
    )  # fmt: skip
    size, r, top, base, xx, xy, yy, x2, x1y1, y2 = (
        total[c].to_numpy().astype(np.float64)
        for c in ("n", "r", "x", "y", "xx", "xy", "yy", "x2", "x1y1", "y2")
    )
    ratio = top / np.where(base > 0, base, np.nan)
    between = np.where(r > 1, r / np.maximum(r - 1, 1) * (x2 - 2 * ratio * x1y1 + ratio**2 * y2), 0.0)
    within = size / np.maximum(size - 1, 1) * (xx - 2 * ratio * xy + ratio**2 * yy)
    error = np.sqrt(np.maximum(np.maximum(between, within), 0.0)) / np.where(base > 0, base, np.nan)
    # The delta method's, since ratios are skewed to the right.
    reach = np.exp(_quantile(size, r) * error / np.where(top > 0, ratio, np.nan))
    found = {"ratio": np.where(top > 0, ratio, np.nan), "low": ratio / reach, "high": ratio * reach}
    return total.select(
        *KEYS,
        *(pl.Series(name, value).fill_nan(None) for name, value in found.items()),
        n.cast(pl.Int32).alias("n_drivers"),
        pl.col("r").cast(pl.Int32).alias("n_replicates"),
    )


def over_replicates(replicates: Sequence[pl.DataFrame], *, shares: bool = True) -> pl.DataFrame:
    """Combine the moments of replicates into estimates with 95% intervals.

    Parameters
    ----------
    replicates
        Moments of each replicate.
    shares
        Whether values of measures with the unit "share" are 0 or 1 (differences are not).

    Returns
    -------
    polars.DataFrame
        :data:`KEYS`, ``estimate, low, high, n_drivers, n_replicates``, and ``up, down`` where given.
    """
    x, n = pl.col("x"), pl.col("n")
    stacked = pl.concat(replicates)
    counted = [pl.col(c).sum() for c in ("up", "down") if c in stacked.columns]
    total = stacked.group_by(KEYS, maintain_order=True).agg(
        n.sum(),
        x.sum(),
        pl.col("xx").sum(),
        (x * x).sum().alias("x2"),
        (x * n).sum().alias("xn"),
        (n.cast(pl.Float64) ** 2).sum().alias("n2"),
        pl.len().alias("r"),
        *counted,
    )
    size, r = total["n"].to_numpy().astype(np.float64), total["r"].to_numpy().astype(np.float64)
    estimate, variance = _estimate(
        size, r, *(total[c].to_numpy().astype(np.float64) for c in ("x", "xx", "x2", "xn", "n2"))
    )
    t = _quantile(size, r)
    half = t * np.sqrt(variance)
    low, high = estimate - half, estimate + half
    if shares:
        # Differences can be negative; what is measured cannot.
        low = np.maximum(low, 0.0)
        is_share = np.array([measure_named(name).unit == "share" for name in total["measure"]], dtype=bool)
        if is_share.any():
            low[is_share], high[is_share] = share_interval(
                estimate[is_share], variance[is_share], size[is_share], t[is_share]
            )
    return total.select(
        *KEYS,
        pl.Series("estimate", estimate),
        pl.Series("low", low),
        pl.Series("high", high),
        pl.col("n").cast(pl.Int32).alias("n_drivers"),
        pl.col("r").cast(pl.Int32).alias("n_replicates"),
        *(pl.col(c.meta.output_name()).cast(pl.Int32) for c in counted),
    )


def share_interval(
    share: FloatArray, variance: FloatArray, drivers: FloatArray, t: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's interval at the effective number of drivers; where all agree, at their real number."""
    z = float(stats.norm.ppf(0.5 + _CONFIDENCE / 2))
    mixed = (share > 0) & (share < 1) & (variance > 0)
    effective = np.where(mixed, share * (1 - share) / np.where(variance > 0, variance, 1.0), drivers)
    effective = np.minimum(effective, drivers) * (z / t) ** 2
    low, high = wilson(share * effective, effective)
    return np.where(share <= 0, 0.0, low), np.where(share >= 1, 1.0, high)


def pooled_share(n: FloatArray, share: FloatArray) -> tuple[float, float, float]:
    """Return a share over replicates, and its interval, from those of single ones and the drivers of each."""
    x = n * share
    r, size = np.array([float(len(n))]), np.array([n.sum()])
    pooled, variance = _estimate(size, r, x.sum(), x.sum(), (x * x).sum(), (x * n).sum(), (n * n).sum())
    low, high = share_interval(pooled, variance, size, _quantile(size, r))
    return float(pooled[0]), float(low[0]), float(high[0])


def median_over_replicates(values: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return medians with intervals of the values of all replicates; null where infinite, not reached.

    Parameters
    ----------
    values
        Values of measures about medians, one table a replicate.
    """
    stacked = pl.concat([v.with_columns(pl.lit(i).alias("replicate")) for i, v in enumerate(values)])
    rows = []
    for key, group in stacked.group_by(KEYS, maintain_order=True):
        value, replicate = group["value"].to_numpy(), group["replicate"].to_numpy()
        low, middle, high = _median(value, replicate)
        rows.append(
            {
                **dict(zip(KEYS, key, strict=True)),
                "estimate": middle,
                "low": low,
                "high": high,
                "n_drivers": len(value),
                "n_replicates": len(np.unique(replicate)),
            }
        )
    schema: dict[str, Any] = {**dict.fromkeys(KEYS[:-1], pl.String), "day": pl.Int32}
    schema |= dict.fromkeys(("estimate", "low", "high"), pl.Float64)
    schema |= dict.fromkeys(("n_drivers", "n_replicates"), pl.Int32)
    return pl.DataFrame(rows, schema=schema)


def _median(
    value: FloatArray, replicate: NDArray[np.integer]
) -> tuple[float | None, float | None, float | None]:
    ordered = np.sort(value)
    middle = _at(ordered, 0.5)
    below = (value <= (np.inf if middle is None else middle)).astype(np.float64)
    if middle is None:
        below = np.isfinite(value).astype(np.float64)
    n = np.bincount(replicate).astype(np.float64)
    x = np.bincount(replicate, below)
    n, x = n[n > 0], x[n > 0]
    size, r = np.array([n.sum()]), np.array([float(len(n))])
    share, variance = _estimate(size, r, x.sum(), x.sum(), (x * x).sum(), (x * n).sum(), (n * n).sum())
    low, high = share_interval(share, variance, size, _quantile(size, r))
    # The interval of the share below the median, moved onto one half.
    return (
        _at(ordered, max(0.5 - float(share[0] - low[0]), 0.0)),
        middle,
        _at(ordered, min(0.5 + float(high[0] - share[0]), 1.0)),
    )


def _at(ordered: FloatArray, share: float) -> float | None:
    k = min(max(int(np.ceil(share * len(ordered))) - 1, 0), len(ordered) - 1)
    return float(ordered[k]) if np.isfinite(ordered[k]) else None


def _estimate(
    n: FloatArray, r: FloatArray, x: Any, xx: Any, x2: Any, xn: Any, n2: Any
) -> tuple[FloatArray, FloatArray]:
    """Return estimates and their variances from totals over replicates."""
    mean = x / n
    spread = np.maximum(x2 - 2 * mean * xn + mean**2 * n2, 0.0)
    between = np.where(r > 1, r / np.maximum(r - 1, 1) * spread / n**2, 0.0)
    within = np.maximum(xx / n - mean**2, 0.0) / np.maximum(n - 1, 1)
    return mean, np.maximum(between, within)


def _quantile(n: FloatArray, r: FloatArray) -> FloatArray:
    freedom = np.where(r > 1, r - 1, np.maximum(n - 1, 1))
    return np.asarray(stats.t.ppf(0.5 + _CONFIDENCE / 2, freedom))
