"""Which readers recorded trips pass, and when."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulator.kernels import grown


@njit(cache=True)
def passes_of(  # type: ignore[no-untyped-def]
    edge_indptr, edge, leave_s, from_m, to_m, edge_length_m, watched_indptr, watched_camera, watched_offset_m
):
    """List the readers that trips pass and when, at an even pace on each edge; and the metres driven."""
    n = len(edge_indptr) - 1
    indptr = np.zeros(n + 1, np.int64)
    distance = np.zeros(n, np.float64)
    capacity = 8 * n + 64
    camera = np.empty(capacity, np.int32)
    seconds = np.empty(capacity, np.float64)
    used = 0
    for i in range(n):
        a, b = edge_indptr[i], edge_indptr[i + 1]
        enter = 0.0
        for k in range(a, b):
            leave, e = np.float64(leave_s[k]), edge[k]
            if e >= 0:
                length = edge_length_m[e]
                lo = from_m[i] if k == a else 0.0
                hi = to_m[i] if k == b - 1 else length
                distance[i] += max(hi - lo, 0.0)
                for c in range(watched_indptr[e], watched_indptr[e + 1]):
                    at = watched_offset_m[c]
                    if lo < at <= hi:
                        if used == capacity:
                            capacity *= 2
                            camera = grown(camera, capacity)
                            seconds = grown(seconds, capacity)
                        camera[used] = watched_camera[c]
                        seconds[used] = enter + (leave - enter) * (at - lo) / max(hi - lo, 1e-9)
                        used += 1
            enter = leave
        indptr[i + 1] = used
    return indptr, camera[:used], seconds[:used], distance
