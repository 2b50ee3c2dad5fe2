"""Small pieces that several numba kernels share."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True)
def grown(array, capacity):  # type: ignore[no-untyped-def]
    """Return a copy of a one-dimensional array with room for ``capacity`` values."""
    out = np.empty(capacity, array.dtype)
    out[: len(array)] = array
    return out
