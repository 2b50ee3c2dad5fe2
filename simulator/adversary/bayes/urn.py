"""A Polya urn: what repeats of a habit are worth."""

from __future__ import annotations

import numpy as np
from numba import njit

#: Factors that are worked out one by one.
FACTORS = 4


@njit(cache=True)
def urn_gain(n, a, b):  # type: ignore[no-untyped-def]
    """Log of b (b + 1) ... (b + n - 1) / (a (a + 1) ... (a + n - 1)): an urn's n draws with mean b, not a."""
    above, below = 1.0, 1.0
    for i in range(min(n, FACTORS)):
        above *= b + i
        below *= a + i
    s = np.log(above / below)
    if n > FACTORS:
        # The other factors together: the integral of (b - a) / (i + (a + b) / 2).
        middle = 0.5 * (a + b) - 0.5
        s += (b - a) * np.log((n + middle) / (FACTORS + middle))
    return s
