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


@njit(cache=True)
def grown_rows(array, n, capacity):  # type: ignore[no-untyped-def]
    """Return a copy of the first ``n`` columns of a two-dimensional array, with room for ``capacity``."""
    out = np.empty((array.shape[0], capacity), array.dtype)
    for row in range(array.shape[0]):
        for i in range(n):
            out[row, i] = array[row, i]
    return out
