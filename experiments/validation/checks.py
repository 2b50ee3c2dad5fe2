"""The checks that yardsticks consist of, and their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from simulator.privacy.time_to_inference import wilson
from simulator.streams import Stream, generator

_RESAMPLES = 999


@dataclass(frozen=True, kw_only=True)
class Value:
    """A figure of ours with its 95% interval."""

    ours: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Check:
    """One published figure beside ours.

    Parameters
    ----------
    id
        The yardstick that it belongs to.
    what
        What is measured, with its unit.
    published
        The published figure as a number; NaN if it is an order or a direction.
    value
        Ours.
    accept_low, accept_high
        Where ours must lie; both NaN for a figure that is shown and not judged.
    """

    id: str
    what: str
    published: float
    value: Value
    accept_low: float = math.nan
    accept_high: float = math.nan

    @property
    def judged(self) -> bool:
        return not (math.isnan(self.accept_low) and math.isnan(self.accept_high))

    @property
    def holds(self) -> bool | None:
        """Return whether ours lies in the accepted band; ``None`` if it is not judged."""
        if not self.judged:
            return None
        return bool(self.accept_low <= self.value.ours <= self.accept_high)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large the simulations are; small ones only show that everything works."""

    small: bool

    def of(self, full: int, small: int) -> int:
        """Return one of two numbers."""
        return small if self.small else full


def plain(value: float) -> Value:
    """Return a figure without an interval."""
    return Value(ours=float(value), low=math.nan, high=math.nan)


def share(successes: float, trials: int) -> Value:
    """Return a share with Wilson's interval."""
    if trials == 0:
        return Value(ours=math.nan, low=math.nan, high=math.nan)
    low, high = wilson(successes, trials)
    return Value(ours=successes / trials, low=float(low), high=float(high))


def bootstrap(
    sample: NDArray[np.floating], statistic: Callable[..., NDArray[np.floating]], *, seed: int, name: str
) -> Value:
    """Return a statistic of one sample with its percentile bootstrap interval (scipy's)."""
    at = float(statistic(sample))
    if len(sample) < 2:
        return Value(ours=at, low=math.nan, high=math.nan)
    result = stats.bootstrap(
        (sample,),
        statistic,
        n_resamples=_RESAMPLES,
        method="percentile",
        rng=generator(seed, Stream.VALIDATION, "bootstrap", name),
    )
    band = result.confidence_interval
    return Value(ours=at, low=float(band.low), high=float(band.high))


def over_replicates(values: list[float]) -> Value:
    """Return the mean of independent replicates with Student's interval."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return Value(ours=mean, low=math.nan, high=math.nan)
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Value(ours=mean, low=mean - half, high=mean + half)
