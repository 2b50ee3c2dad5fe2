"""Time to inference: how many days, or sightings, until a place is known.

Drivers whose place is not known by the last checkpoint are *censored*: known to have held out so long, and
no more. The share known is 1 - S with S from Kaplan & Meier, "Nonparametric estimation from incomplete
observations", JASA 53 (1958), and intervals on the log(-log S) scale from Greenwood's variance
(Kalbfleisch & Prentice, *The Statistical Analysis of Failure Time Data*), both by
:func:`scipy.stats.ecdf`. Where those are undefined, since nobody or everybody is found yet, Wilson's
interval for a proportion (JASA 22, 1927) stands in. The days are checkpoint days, so "known by day 30" is
exact and times in between are rounded up to the next checkpoint. By sightings, a driver is censored at as
many as were made, so those curves lean on the often seen where they are long.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from simulator.tables import conform

FloatArray = NDArray[np.float64]

SUMMARY_DAYS = (7, 30, 60, 90, 365)
_GROUP = ["attacker", "target", "criterion"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """The share known against time, a right-continuous step function.

    Parameters
    ----------
    time
        Distinct times at which someone was found or left, ascending, shape (n,).
    share, low, high
        Share known from that time on, and its interval, shape (n,).
    n
        Number of drivers.
    """

    time: FloatArray
    share: FloatArray
    low: FloatArray
    high: FloatArray
    n: int

    @property
    def known_until(self) -> float:
        """Time up to which it is known: for ever once all are found, else as long as anyone was watched."""
        if not self.n:
            return 0.0
        return float("inf") if self.share[-1] == 1.0 else float(self.time[-1])

    def at(self, time: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return share, low and high at times; NaN beyond :attr:`known_until`."""
        when = np.asarray(time, dtype=np.float64)
        k = np.searchsorted(self.time, when, side="right")
        nobody = float(wilson(0, self.n)[1]) if self.n else float("nan")
        beyond = (when > self.known_until) if self.n else np.ones(when.shape, dtype=bool)
        out = []
        for values, before in (
            (self.share, 0.0),
            (self.low, 0.0),
            (self.high, nobody),
        ):
            padded = np.concatenate([[before], values])
            out.append(np.where(beyond, np.nan, padded[k]))
        return out[0], out[1], out[2]

    def quantile(self, share: float = 0.5) -> tuple[float, float, float]:
        """Return the time by which a share is known, and its interval; NaN for what is not reached.

        The interval inverts the band: from where the upper curve reaches the share to where the lower does
        (Brookmeyer & Crowley, "A confidence interval for the median survival time", Biometrics 38, 1982).
        """
        found = [np.flatnonzero(c >= share - 1e-12) for c in (self.share, self.high, self.low)]
        middle, early, late = (float(self.time[f[0]]) if len(f) else float("nan") for f in found)
        return middle, early, late

    def restricted_mean(self, until: float | None = None) -> float:
        """Return the mean time to being known, counting at most ``until`` (default: the last time).

        The area under 1 - share from 0 (Irwin, "The standard error of an estimate of expectation of life",
        Journal of Hygiene 47, 1949).
        """
        if not self.n:
            return float("nan")
        end = float(self.time[-1]) if until is None else float(until)
        edges = np.concatenate([[0.0], np.minimum(self.time, end), [end]])
        held_out = np.concatenate([[1.0], 1.0 - self.share])
        return float((np.diff(edges) * held_out).sum())


def kaplan_meier(time: ArrayLike, observed: ArrayLike, *, confidence: float = 0.95) -> Curve:
    """Estimate the share known against time.

    Parameters
    ----------
    time
        When each driver's place became known, or how long it is known to have held out, shape (n,).
    observed
        True where it became known, shape (n,).
    confidence
        Level of the (pointwise) interval.
    """
    when = np.asarray(time, dtype=np.float64)
    event = np.asarray(observed, dtype=bool)
    if len(when) == 0:
        nothing = np.empty(0)
        return Curve(time=nothing, share=nothing, low=nothing, high=nothing, n=0)
    survival = stats.ecdf(stats.CensoredData(uncensored=when[event], right=when[~event])).sf
    times = np.asarray(survival.quantiles, dtype=np.float64)
    share = 1.0 - np.asarray(survival.probabilities, dtype=np.float64)
    with warnings.catch_warnings():
        # The formula is undefined where S is 0 or 1; those places are filled below.
        warnings.simplefilter("ignore", RuntimeWarning)
        band: Any = survival.confidence_interval(confidence_level=confidence, method="log-log")
    low = 1.0 - np.asarray(band.high.probabilities, dtype=np.float64)
    high = 1.0 - np.asarray(band.low.probabilities, dtype=np.float64)
    # Nobody or everybody is found: a plain proportion of those who did not leave before.
    rim = np.flatnonzero(~np.isfinite(low))
    stayed = len(when) - np.searchsorted(np.sort(when[~event]), times[rim])
    low[rim], high[rim] = wilson(np.round(share[rim]) * stayed, stayed, confidence=confidence)
    return Curve(time=times, share=share, low=low, high=high, n=len(when))


def wilson(
    successes: ArrayLike, trials: ArrayLike, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return Wilson's interval for proportions, elementwise; trials are positive.

    As ``scipy.stats.binomtest(k, n).proportion_ci(method="wilson")``, which would work out a p-value first:
    thousands of these intervals go into one summary.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    z = float(stats.norm.ppf(0.5 + confidence / 2.0))
    middle = (k + z * z / 2.0) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(k * (n - k) / n + z * z / 4.0)
    # Rounding must not keep a bound from where nobody, or everybody, is found.
    return np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)


def of_kind(frame: pl.DataFrame, drivers: pl.DataFrame, kind: str | None) -> pl.DataFrame:
    """Return the rows (with a ``driver_id``) of drivers of one kind; of all if ``kind`` is ``None``.

    Rows about work places (targets "work" and "both") are kept only for drivers who work on the map: places
    beyond it cannot be found by a point on it, and their share is the scenario's choice, not a result.
    """
    id_column = pl.col("driver_id").cast(pl.Int32)
    if kind is not None:
        chosen = drivers.filter(pl.col("kind").cast(pl.String) == kind).select(id_column)
        frame = frame.join(chosen, on="driver_id", how="semi")
    if "target" not in frame.columns or not frame.height:
        return frame
    on_map = drivers.filter("work_on_map").select(id_column)
    about_home = pl.col("target").cast(pl.String) == "home"
    return frame.filter(about_home | pl.col("driver_id").is_in(on_map["driver_id"].implode()))


def summarise(
    outcomes: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    days: Sequence[int] = SUMMARY_DAYS,
    kind: str | None = "resident",
    last_day: int | None = None,
) -> pl.DataFrame:
    """Summarise outcomes: the table ``summary``.

    Parameters
    ----------
    outcomes
        The table ``outcomes``.
    drivers
        The table ``drivers`` (columns driver_id and kind are enough).
    days
        Days at which the share known is wanted; those after the last checkpoint are left out, the last
        checkpoint is always there.
    kind
        Kind of driver to keep, ``None`` for all.
    last_day
        The last checkpoint; the last day in ``outcomes`` if left out.

    Returns
    -------
    pl.DataFrame
        One row per attacker, target, criterion and day. The medians are null where not reached, and
        their upper ends where the lower band never reaches one half.
    """
    rows: list[dict[str, object]] = []
    if last_day is None and outcomes.height:
        last_day = int(outcomes["days"].max())  # type: ignore[arg-type]
    for key, group in _groups(of_kind(outcomes, drivers, kind)):
        observed = group["observed"].to_numpy()
        curve = kaplan_meier(group["days"].to_numpy(), observed)
        sightings = kaplan_meier(group["sightings"].to_numpy(), observed)
        # Whoever finds all of them early has found them on the last day, too.
        last = int(min(curve.known_until, last_day or curve.time[-1]))
        wanted = sorted({d for d in days if d < last} | {last})
        median = curve.quantile()
        share, low, high = curve.at(wanted)
        rows.extend(
            {
                **key,
                "drivers": curve.n,
                "day": day,
                "share": share[i],
                "share_low": low[i],
                "share_high": high[i],
                "median_days": median[0],
                "median_days_low": median[1],
                "median_days_high": median[2],
                "median_sightings": sightings.quantile()[0],
                "restricted_mean_days": curve.restricted_mean(),
            }
            for i, day in enumerate(wanted)
        )
    columns = [
        *_GROUP,
        *("drivers", "day", "share", "share_low", "share_high"),
        *("median_days", "median_days_low", "median_days_high", "median_sightings", "restricted_mean_days"),
    ]
    frame = pl.DataFrame(rows, infer_schema_length=None) if rows else pl.DataFrame({c: [] for c in columns})
    return conform("summary", frame).fill_nan(None)


def share_known_curve(
    outcomes: pl.DataFrame,
    *,
    criterion: str = "within-250m",
    target: str = "home",
    by: str = "days",
    start: bool = True,
) -> pl.DataFrame:
    """Return the share known against days (or sightings) with its band, for every attacker.

    Parameters
    ----------
    outcomes
        The table ``outcomes``, of the drivers wanted (see :func:`of_kind`).
    criterion, target
        What counts as known.
    by
        ``"days"`` or ``"sightings"``.
    start
        Begin each curve with a row at 0.

    Returns
    -------
    pl.DataFrame
        Columns attacker, ``by``, share, share_low, share_high, drivers.
    """
    chosen = outcomes.filter(
        (pl.col("criterion").cast(pl.String) == criterion) & (pl.col("target").cast(pl.String) == target)
    )
    parts = []
    for key, group in _groups(chosen):
        curve = kaplan_meier(group[by].to_numpy(), group["observed"].to_numpy())
        zero = [0.0] if start and curve.time[0] > 0 else []
        parts.append(
            pl.DataFrame(
                {
                    "attacker": [key["attacker"]] * (len(curve.time) + len(zero)),
                    by: np.concatenate([zero, curve.time]),
                    "share": np.concatenate([zero, curve.share]),
                    "share_low": np.concatenate([zero, curve.low]),
                    "share_high": np.concatenate([zero, curve.high]),
                    "drivers": np.full(len(curve.time) + len(zero), curve.n, dtype=np.int32),
                }
            )
        )
    empty = {"attacker": pl.String, by: pl.Float64, "share": pl.Float64, "share_low": pl.Float64}
    return (
        pl.concat(parts)
        if parts
        else pl.DataFrame(schema={**empty, "share_high": pl.Float64, "drivers": pl.Int32})
    )


def share_right_now(beliefs: pl.DataFrame, *, within_m: float = 250.0, target: str = "home") -> pl.DataFrame:
    """Return the share of drivers whose place is guessed right at each checkpoint, with Wilson's interval.

    Unlike the share known, it can fall: what was right once may be wrong now. Abstentions are not right.

    Returns
    -------
    pl.DataFrame
        Columns attacker, day, share, share_low, share_high, drivers, abstained (share), median_error_m.
    """
    counts = (
        beliefs.filter(pl.col("target").cast(pl.String) == target)
        .group_by(pl.col("attacker").cast(pl.String), "day")
        .agg(
            pl.len().alias("drivers"),
            (pl.col("error_m") <= within_m).fill_null(False).sum().alias("right"),
            pl.col("error_m").is_null().mean().alias("abstained"),
            pl.col("error_m").median().alias("median_error_m"),
        )
        .sort("attacker", "day")
    )
    low, high = wilson(counts["right"].to_numpy(), counts["drivers"].to_numpy())
    return counts.select(
        "attacker",
        "day",
        (pl.col("right") / pl.col("drivers")).alias("share"),
        pl.Series("share_low", low, dtype=pl.Float64),
        pl.Series("share_high", high, dtype=pl.Float64),
        "drivers",
        "abstained",
        "median_error_m",
    )


def compare(outcomes_a: pl.DataFrame, outcomes_b: pl.DataFrame) -> pl.DataFrame:
    """Compare two scenarios by the log-rank test, for each attacker, target and criterion they share.

    Mantel, "Evaluation of survival data and two new rank order statistics arising in its consideration",
    Cancer Chemotherapy Reports 50 (1966), by :func:`scipy.stats.logrank`. The two must be samples of
    different drivers (or independent replicates).

    Returns
    -------
    pl.DataFrame
        Columns attacker, target, criterion, drivers_a, drivers_b, share_a, share_b (at the last time both
        were watched), statistic (a standard normal score under equality; positive where the places of
        ``a`` are found sooner), p_value (null where nobody is found in either).
    """
    groups_b = {tuple(key.values()): group for key, group in _groups(outcomes_b)}
    rows = []
    for key, a in _groups(outcomes_a):
        b = groups_b.get(tuple(key.values()))
        if b is None:
            continue
        curves = [kaplan_meier(g["days"].to_numpy(), g["observed"].to_numpy()) for g in (a, b)]
        last = min(*(c.known_until for c in curves), max(float(c.time[-1]) for c in curves))
        statistic, p_value = None, None
        if a["observed"].any() or b["observed"].any():
            test = stats.logrank(_censored(a), _censored(b))
            if np.isfinite(test.statistic):
                statistic, p_value = float(test.statistic), float(test.pvalue)
        rows.append(
            {
                **key,
                "drivers_a": curves[0].n,
                "drivers_b": curves[1].n,
                "share_a": float(curves[0].at(last)[0]),
                "share_b": float(curves[1].at(last)[0]),
                "statistic": statistic,
                "p_value": p_value,
            }
        )
    text = dict.fromkeys(_GROUP, pl.String)
    numbers = {"share_a": pl.Float64, "share_b": pl.Float64, "statistic": pl.Float64, "p_value": pl.Float64}
    return pl.DataFrame(rows, schema={**text, "drivers_a": pl.Int32, "drivers_b": pl.Int32, **numbers})


def _censored(group: pl.DataFrame) -> stats.CensoredData:
    days, observed = group["days"].to_numpy().astype(np.float64), group["observed"].to_numpy()
    return stats.CensoredData(uncensored=days[observed], right=days[~observed])


def _groups(outcomes: pl.DataFrame) -> list[tuple[dict[str, str], pl.DataFrame]]:
    """Split outcomes by attacker, target and criterion, in order of first appearance."""
    return [
        (dict(zip(_GROUP, map(str, key), strict=True)), group)
        for key, group in outcomes.group_by(_GROUP, maintain_order=True)
    ]
