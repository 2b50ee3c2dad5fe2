"""Quantiles that count what is unknown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def quantile_with_unknown(values: NDArray[np.floating], q: float, *, unknown: int) -> float:
    """Return a quantile when ``unknown`` further values lie above all others; NaN if it falls among them.

    That is how abstentions (infinitely far) and censored times (later than the end) count.
    """
    everything = np.concatenate([np.sort(np.asarray(values, dtype=np.float64)), np.full(unknown, np.inf)])
    if not len(everything):
        return float("nan")
    value = float(everything[min(int(np.ceil(q * len(everything))) - 1, len(everything) - 1)])
    return value if np.isfinite(value) else float("nan")
