"""Simple attackers as recipes: which sightings count how much, and what is made of them.

One compiled kernel serves all recipes, over all plates and checkpoints of a view.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack, Guesses
from simulator.adversary.evidence import Evidence, weigh
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.adversary.places import (
    CELL_M,
    Reduction,
    centre_cluster,
    density_clusters,
    fullest_cell,
    gather_cells,
    heaviest_cluster,
    index_places,
    weighted_median,
)
from simulator.adversary.weeks import BIN_S, WeekCurve
from simulator.sightings.view import ArchiveView


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How one target is looked for.

    Parameters
    ----------
    evidence, week
        How a sighting is weighted, and the week curve that goes into it, shape (336,).
    reduction
        How weighted sightings become a place.
    day_cut_h
        Hour at which a day ends, for :attr:`Evidence.LAST_OF_DAY`.
    stay_covers_h, stay_min_h, stay_max_h
        The hour that an unseen stay must cover, and its shortest and longest length, for
        :attr:`Evidence.GAP_ENDS`.
    radius_m, min_sightings
        DBSCAN's radius (a multiple of 25 m) and least weight of a core, or the centre distance up to which
        clusters are merged.
    """

    evidence: Evidence
    week: WeekCurve
    reduction: Reduction
    day_cut_h: float = 3.0
    stay_covers_h: float = 3.0
    stay_min_h: float = 5.0
    stay_max_h: float = 20.0
    radius_m: float = 100.0
    min_sightings: int = 3


@dataclass(frozen=True, kw_only=True)
class RecipeAttacker:
    """An attacker that looks only at when and where a plate was seen.

    Parameters
    ----------
    name, title, citation
        Registry name, title for people, and the paper that the attack comes from.
    home, work
        Recipes; without one for work it looks for homes only.
    """

    name: str
    title: str
    citation: str
    home: Recipe = field(repr=False)
    work: Recipe | None = field(default=None, repr=False)
    rung: Rung = Rung.SIGHTINGS

    def infer(self, view: ArchiveView, knowledge: Knowledge) -> Attack:
        """Guess homes and work places of all plates at all checkpoints of a view.

        ``knowledge`` is not used: this attacker stands on the lowest rung.
        """
        return Attack(
            home=follow(self.home, view),
            work=None if self.work is None else follow(self.work, view),
        )


def follow(recipe: Recipe, view: ArchiveView) -> Guesses:
    """Apply a recipe to every plate and checkpoint of a view."""
    cell, x_order, y_order = _places_of(view)
    shape = (view.n_plates, view.n_checkpoints)
    x_m, y_m, confidence = (np.full(shape, np.nan, dtype=np.float32) for _ in range(3))
    hours = (recipe.day_cut_h, recipe.stay_covers_h, recipe.stay_min_h, recipe.stay_max_h)
    _follow(
        int(recipe.evidence),
        int(recipe.reduction),
        np.ascontiguousarray(recipe.week, dtype=np.float64),
        np.concatenate([[0.0], np.cumsum(recipe.week) * BIN_S]),
        np.array([round(h * 3600) for h in hours], dtype=np.int64),
        float(recipe.radius_m),
        float(recipe.min_sightings),
        int(view.start_weekday),
        _plain(view.indptr, np.int64),
        _plain(view.time_s, np.int64),
        _plain(view.x_m, np.float32),
        _plain(view.y_m, np.float32),
        _plain(view.expires_s, np.int64),
        _plain(view.checkpoint_days, np.int32),
        cell,
        x_order,
        y_order,
        x_m,
        y_m,
        confidence,
    )
    return Guesses(x_m=x_m, y_m=y_m, confidence=confidence)


#: A mean or median is supported by the weight within this distance of it.
SUPPORT_RADIUS_M = 250.0

_Index = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
# All recipes share one view's index; it goes when the view goes.
_INDEX: weakref.WeakKeyDictionary[Any, _Index] = weakref.WeakKeyDictionary()


def _places_of(view: ArchiveView) -> _Index:
    index = _INDEX.get(view)
    if index is None:
        cell, x_order, y_order = (np.empty(len(view.time_s), dtype=np.int32) for _ in range(3))
        index_places(
            _plain(view.indptr, np.int64),
            _plain(view.x_m, np.float32),
            _plain(view.y_m, np.float32),
            cell,
            x_order,
            y_order,
        )
        index = _INDEX[view] = (cell, x_order, y_order)
    return index


def _plain(array: NDArray[Any], dtype: type[np.generic]) -> NDArray[Any]:
    """Return an array of the one layout that the kernels are compiled for; mostly the array itself."""
    return np.require(array, dtype=dtype, requirements=["C", "W"])


@njit(cache=True, nogil=True)
def _follow(  # type: ignore[no-untyped-def]
    evidence, reduction, curve, running, hours_s, radius_m, min_sightings, start_weekday,
    indptr, time_s, x_m, y_m, expires_s, checkpoint_days, cell, x_order, y_order,
    out_x_m, out_y_m, out_confidence,
):  # fmt: skip
    longest = 0
    for p in range(len(indptr) - 1):
        longest = max(longest, indptr[p + 1] - indptr[p])
    weight = np.empty(longest)
    w, x, y, d2 = np.empty(longest), np.empty(longest), np.empty(longest), np.empty(longest)
    column, row = np.empty(longest, dtype=np.int64), np.empty(longest, dtype=np.int64)
    root, core = np.empty(longest, dtype=np.int64), np.empty(longest, dtype=np.bool_)
    few = np.empty(longest, dtype=np.int32)
    for p in range(len(indptr) - 1):
        a, b = indptr[p], indptr[p + 1]
        for k in range(len(checkpoint_days)):
            now_s = np.int64(checkpoint_days[k]) * 86_400
            # Rows after the checkpoint are never touched: a view is sorted by time.
            end = a + np.searchsorted(time_s[a:b], now_s)
            n = end - a
            if weigh(
                evidence, curve, running, hours_s, start_weekday,
                time_s[a:end], expires_s[a:end], now_s, weight[:n],
            ) == 0:  # fmt: skip
                continue
            if reduction <= 1:
                at_x, at_y, share = _middle(
                    reduction, x_m[a:b], y_m[a:b], x_order[a:b], y_order[a:b], weight, n, few
                )
            else:
                n = gather_cells(x_m[a:end], y_m[a:end], cell[a:end], weight[:n], w, x, y, column, row)
                if reduction == 2:
                    at_x, at_y, share = fullest_cell(n, w, x, y)
                elif reduction == 3:
                    cells = np.int64(radius_m // CELL_M)
                    density_clusters(n, w, column, row, cells, min_sightings, root, core)
                    at_x, at_y, share = heaviest_cluster(n, w, x, y, root)
                else:
                    at_x, at_y, share = centre_cluster(n, w, x, y, radius_m, root, d2)
            out_x_m[p, k] = at_x
            out_y_m[p, k] = at_y
            out_confidence[p, k] = share


@njit(cache=True)
def _middle(reduction, x_m, y_m, x_order, y_order, weight, n, few):  # type: ignore[no-untyped-def]
    """Weighted mean or median of the first n sightings, and the share of weight within 250 m of it."""
    total, sum_x, sum_y = 0.0, 0.0, 0.0
    for i in range(n):
        total += weight[i]
        sum_x += weight[i] * x_m[i]
        sum_y += weight[i] * y_m[i]
    if total <= 0.0:
        return np.nan, np.nan, np.nan
    at_x, at_y = sum_x / total, sum_y / total
    if reduction == 1:
        at_x = weighted_median(x_m, x_order, weight, n, few)
        at_y = weighted_median(y_m, y_order, weight, n, few)
    near = 0.0
    for i in range(n):
        if (x_m[i] - at_x) ** 2 + (y_m[i] - at_y) ** 2 <= SUPPORT_RADIUS_M**2:
            near += weight[i]
    return at_x, at_y, near / total
