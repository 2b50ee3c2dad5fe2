"""A Polya urn: what repeats of a habit are worth."""

from __future__ import annotations

import numpy as np

from simulator.adversary.bayes.borrow import borrows

#: Factors that are worked out one by one.
FACTORS = 4


@borrows()
def urn_gain(n, a, b):  # type: ignore[no-untyped-def]
    """Log of b (b + 1) ... (b + n - 1) / (a (a + 1) ... (a + n - 1)): an urn's n draws with mean b, not a."""
    above, below = 1.0, 1.0
    for i in range(min(n, FACTORS)):
        above *= b + i
        below *= a + i
    s = np.log(above / below)
    return s + urn_tail(n, a, b) if n > FACTORS else s


@borrows()
def urn_tail(n, a, b):  # type: ignore[no-untyped-def]
    """Log of the factors beyond the first, of more draws than that: the integral of (b - a) / (i + mean)."""
    middle = 0.5 * (a + b) - 0.5
    return (b - a) * np.log((n + middle) / (FACTORS + middle))
