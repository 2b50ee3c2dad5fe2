"""From weighted sightings to one place: mean, median, fullest cell, densest cluster, nearest-centre cluster.

Positions are grouped in cells of 25 m, so that a year of reads at one reader is one point with a weight; a
cell stands where its own weighted sightings are on average. Each function returns x, y (metres) and the
share of the weight that supports the place; NaN where nothing does.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numba import njit

CELL_M = 25.0


class Reduction(IntEnum):
    """How weighted sightings become a place."""

    MEAN = 0
    MEDIAN = 1
    FULLEST_CELL = 2
    DENSITY_CLUSTER = 3
    CENTRE_CLUSTER = 4


@njit(cache=True)
def index_places(indptr, x_m, y_m, cell, x_order, y_order):  # type: ignore[no-untyped-def]
    """Number each plate's cells from 0 by (column, row); rank its sightings by x and by y."""
    for p in range(len(indptr) - 1):
        first, last = indptr[p], indptr[p + 1]
        n = last - first
        if n == 0:
            continue
        value = np.empty(n, dtype=np.float64)
        for i in range(n):
            value[i] = np.floor(x_m[first + i] / CELL_M) * 67_108_864.0 + np.floor(y_m[first + i] / CELL_M)
        order = np.argsort(value)
        number = 0
        for k in range(n):
            if k > 0 and value[order[k]] != value[order[k - 1]]:
                number += 1
            cell[first + order[k]] = number
        for i in range(n):
            value[i] = x_m[first + i]
        x_order[first:last] = np.argsort(value)
        for i in range(n):
            value[i] = y_m[first + i]
        y_order[first:last] = np.argsort(value)


@njit(cache=True)
def weighted_median(value, order, weight, n, few):  # type: ignore[no-untyped-def]
    """Value that halves the weight of the first n; midway between two where the halves meet exactly.

    ``order`` sorts all values, those beyond n too; ``few`` is working space for at least n indices.
    """
    total = 0.0
    m = 0
    for i in range(n):
        if weight[i] > 0.0:
            total += weight[i]
            few[m] = i
            m += 1
    if m * m < len(order):
        # So few that sorting them anew is faster than looking for them in the order of all.
        for k in range(1, m):
            i = few[k]
            j = k - 1
            while j >= 0 and value[few[j]] > value[i]:
                few[j + 1] = few[j]
                j -= 1
            few[j + 1] = i
        return _halfway(value, few[:m], weight, n, total)
    return _halfway(value, order, weight, n, total)


@njit(cache=True)
def _halfway(value, order, weight, n, total):  # type: ignore[no-untyped-def]
    run = 0.0
    halfway = np.nan
    for i in order:
        if i >= n or weight[i] <= 0.0:
            continue
        if not np.isnan(halfway):
            return 0.5 * (halfway + value[i])
        run += weight[i]
        if 2.0 * run > total:
            return np.float64(value[i])
        if 2.0 * run == total:
            halfway = np.float64(value[i])
    return halfway


@njit(cache=True)
def gather_cells(x, y, cell, weight, out_w, out_x, out_y, out_column, out_row):  # type: ignore[no-untyped-def]
    """Sum the weighted sightings of each cell, compacted in order; return how many cells hold any."""
    top = -1
    for i in range(len(weight)):
        top = max(top, cell[i])
    where = np.zeros((top + 1, 4))
    for i in range(len(weight)):
        if weight[i] != 0.0:
            c = cell[i]
            where[c, 0] += weight[i]
            where[c, 1] += abs(weight[i])
            where[c, 2] += abs(weight[i]) * x[i]
            where[c, 3] += abs(weight[i]) * y[i]
    n = 0
    for c in range(top + 1):
        if where[c, 1] > 0.0:
            out_w[n] = where[c, 0]
            out_x[n] = where[c, 2] / where[c, 1]
            out_y[n] = where[c, 3] / where[c, 1]
            out_column[n] = np.int64(np.floor(out_x[n] / CELL_M))
            out_row[n] = np.int64(np.floor(out_y[n] / CELL_M))
            n += 1
    return n


@njit(cache=True)
def fullest_cell(n, w, x, y):  # type: ignore[no-untyped-def]
    """Cell of the greatest weight, if positive; the share is of the positive weights."""
    best = -1
    total = 0.0
    for c in range(n):
        if w[c] > 0.0:
            total += w[c]
            if best < 0 or w[c] > w[best]:
                best = c
    if best < 0:
        return np.nan, np.nan, np.nan
    return x[best], y[best], w[best] / total


@njit(cache=True)
def density_clusters(n, w, column, row, radius_cells, min_weight, root, core):  # type: ignore[no-untyped-def]
    """DBSCAN over weighted cells in order of (column, row): fill ``root`` with clusters, -1 for noise.

    A cluster is called by its first core cell. A border cell goes to the first-called cluster in reach.
    """
    reach = radius_cells * radius_cells
    for i in range(n):
        mass = 0.0
        j = i
        while j >= 0 and column[i] - column[j] <= radius_cells:
            if (column[i] - column[j]) ** 2 + (row[i] - row[j]) ** 2 <= reach:
                mass += w[j]
            j -= 1
        j = i + 1
        while j < n and column[j] - column[i] <= radius_cells:
            if (column[i] - column[j]) ** 2 + (row[i] - row[j]) ** 2 <= reach:
                mass += w[j]
            j += 1
        core[i] = mass >= min_weight
        root[i] = i if core[i] else -1
    for i in range(n):
        if not core[i]:
            continue
        j = i + 1
        while j < n and column[j] - column[i] <= radius_cells:
            if core[j] and (column[i] - column[j]) ** 2 + (row[i] - row[j]) ** 2 <= reach:
                a, b = i, j
                while root[a] != a:
                    a = root[a]
                while root[b] != b:
                    b = root[b]
                root[max(a, b)] = min(a, b)
            j += 1
    for i in range(n):
        if core[i]:
            a = i
            while root[a] != a:
                a = root[a]
            root[i] = a
    for i in range(n):
        if core[i]:
            continue
        for step in (-1, 1):
            j = i + step
            while 0 <= j < n and abs(column[j] - column[i]) <= radius_cells:
                if (
                    core[j]
                    and (column[i] - column[j]) ** 2 + (row[i] - row[j]) ** 2 <= reach
                    and (root[i] < 0 or root[j] < root[i])
                ):
                    root[i] = root[j]
                j += step


@njit(cache=True)
def heaviest_cluster(n, w, x, y, root):  # type: ignore[no-untyped-def]
    """Weighted centroid of the cluster of the greatest weight, the first-called of equals."""
    total = 0.0
    best = -1
    mass = np.zeros(n)
    for i in range(n):
        total += w[i]
        if root[i] >= 0:
            mass[root[i]] += w[i]
    for i in range(n):
        if mass[i] > 0.0 and (best < 0 or mass[i] > mass[best]):
            best = i
    if best < 0:
        return np.nan, np.nan, np.nan
    sum_x = 0.0
    sum_y = 0.0
    for i in range(n):
        if root[i] == best:
            sum_x += w[i] * x[i]
            sum_y += w[i] * y[i]
    return sum_x / mass[best], sum_y / mass[best], mass[best] / total


@njit(cache=True)
def _nearest_after(i, n, w, x, y, limit_m):  # type: ignore[no-untyped-def]
    best = -1
    best_d2 = limit_m * limit_m
    for j in range(i + 1, n):
        if w[j] > 0.0:
            d2 = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2
            if d2 < best_d2 or (best < 0 and d2 <= best_d2):
                best, best_d2 = j, d2
    return best, best_d2


@njit(cache=True)
def centre_cluster(n, w, x, y, limit_m, near, near_d2):  # type: ignore[no-untyped-def]
    """Merge the two clusters whose centres are nearest until none are within the limit; return the heaviest.

    Overwrites ``w``, ``x`` and ``y``. ``near`` and ``near_d2`` are working space.
    """
    total = 0.0
    for i in range(n):
        total += w[i]
    for i in range(n):
        if w[i] > 0.0:
            near[i], near_d2[i] = _nearest_after(i, n, w, x, y, limit_m)
        else:
            near[i] = -1
    while True:
        a = -1
        for i in range(n):
            if near[i] >= 0 and (a < 0 or near_d2[i] < near_d2[a]):
                a = i
        if a < 0:
            break
        b = near[a]
        both = w[a] + w[b]
        x[a] = (w[a] * x[a] + w[b] * x[b]) / both
        y[a] = (w[a] * y[a] + w[b] * y[b]) / both
        w[a] = both
        w[b] = 0.0
        near[b] = -1
        near[a], near_d2[a] = _nearest_after(a, n, w, x, y, limit_m)
        for i in range(b):
            if w[i] <= 0.0 or i == a:
                continue
            if near[i] == a or near[i] == b:
                near[i], near_d2[i] = _nearest_after(i, n, w, x, y, limit_m)
            elif i < a:
                d2 = (x[i] - x[a]) ** 2 + (y[i] - y[a]) ** 2
                if d2 <= limit_m * limit_m and (near[i] < 0 or d2 < near_d2[i]):
                    near[i], near_d2[i] = a, d2
    best = -1
    for i in range(n):
        if w[i] > 0.0 and (best < 0 or w[i] > w[best]):
            best = i
    if best < 0:
        return np.nan, np.nan, np.nan
    return x[best], y[best], w[best] / total
