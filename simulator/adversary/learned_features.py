"""What the learned attacker makes of a view: numbers for each plate and checkpoint, and candidate points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.recipe import RecipeAttacker, follow
from simulator.sightings.view import DAY_S, ArchiveView

FloatArray = NDArray[np.float64]

_HOUR_S = 3_600
_HOURS_A_BIN = 3
#: Stays: the hour that they must cover, shortest and longest length (hours), weekdays only.
_STAYS = {"home": (3, 5, 20, False), "work": (12, 3, 12, True)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Features:
    """Features of one target.

    Parameters
    ----------
    table
        Shape (n_plates * n_checkpoints, n_features); NaN for what a plate does not show.
    x_m, y_m
        Candidate points, shape (n_plates * n_checkpoints, n_candidates), metres; NaN where there is none.
    seen
        Whether the plate shows any sighting at all, shape (n_plates * n_checkpoints,).
    """

    table: FloatArray
    x_m: FloatArray
    y_m: FloatArray
    seen: NDArray[np.bool_]


def features_of(view: ArchiveView, simple: tuple[RecipeAttacker, ...]) -> dict[str, Features]:
    """Return the features of homes and of work places for all plates and checkpoints of a view.

    Parameters
    ----------
    view
        The sightings.
    simple
        Attackers whose guesses are candidates, and with their confidence also features.
    """
    shared = np.concatenate([_counts(view, k) for k in range(view.n_checkpoints)], axis=1)
    shared = shared.reshape(view.n_plates * view.n_checkpoints, -1)
    guesses: dict[str, list[FloatArray]] = {"home": [], "work": []}
    for attacker in simple:
        for target, recipe in (("home", attacker.home), ("work", attacker.work)):
            if recipe is not None:
                found = follow(recipe, view)
                parts = (found.x_m, found.y_m, found.confidence)
                guesses[target] += [p.ravel().astype(np.float64) for p in parts]
    for target in guesses:
        ends = np.concatenate([_stay_ends(view, k, target) for k in range(view.n_checkpoints)], axis=1)
        guesses[target] += list(ends.reshape(view.n_plates * view.n_checkpoints, -1).T)
    # What is said about one place helps to tell the other: each table holds both.
    everything = np.column_stack([shared, *guesses["home"], *guesses["work"]])
    return {
        target: Features(
            table=everything,
            x_m=np.column_stack(columns[0::3]),
            y_m=np.column_stack(columns[1::3]),
            seen=shared[:, 1] > 0,
        )
        for target, columns in guesses.items()
    }


def _visible(view: ArchiveView, checkpoint: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows that can be seen at a checkpoint, and the plate (by number) of each."""
    now_s = int(view.checkpoint_days[checkpoint]) * DAY_S
    rows = np.flatnonzero((view.time_s < now_s) & (view.expires_s > now_s))
    owner = np.repeat(np.arange(view.n_plates), np.diff(view.indptr))
    return rows, owner[rows]


def _counts(view: ArchiveView, checkpoint: int) -> FloatArray:
    """Return day, sightings, days seen, means and spreads, and shares by time of the week.

    Shape (n_plates, 1, n_features).
    """
    rows, owner = _visible(view, checkpoint)
    n = view.n_plates
    time_s, x_m, y_m = view.time_s[rows], view.x_m[rows].astype(float), view.y_m[rows].astype(float)
    count = np.bincount(owner, minlength=n).astype(np.float64)
    day = time_s // DAY_S
    some = np.maximum(count, 1)
    days_seen = np.bincount(np.unique(np.column_stack([owner, day]), axis=0)[:, 0], minlength=n)
    none = np.where(count > 0, 1.0, np.nan)
    mean_x, mean_y = (np.bincount(owner, v, n) / some * none for v in (x_m, y_m))
    spread = [
        np.sqrt(np.bincount(owner, (v - m[owner]) ** 2, n) / some) * none
        for v, m in ((x_m, mean_x), (y_m, mean_y))
    ]
    weekend = ((day + view.start_weekday) % 7 >= 5).astype(np.int64)
    n_bins = 24 // _HOURS_A_BIN
    when = weekend * n_bins + time_s % DAY_S // (_HOURS_A_BIN * _HOUR_S)
    share = np.bincount(owner * 2 * n_bins + when, minlength=n * 2 * n_bins).reshape(n, -1) / some[:, None]
    columns = [np.full(n, float(view.checkpoint_days[checkpoint])), count, days_seen, mean_x, mean_y, *spread]
    return np.column_stack([*columns, share])[:, None, :]


def _stay_ends(view: ArchiveView, checkpoint: int, target: str) -> FloatArray:
    """Return medians of the last reads before stays and of the first reads after, each with their number.

    Shape (n_plates, 1, 6): x, y, number before; x, y, number after.
    """
    rows, owner = _visible(view, checkpoint)
    covers_h, shortest_h, longest_h, weekdays = _STAYS[target]
    if len(rows) < 2:
        return np.full((view.n_plates, 1, 6), np.nan)
    before, after = rows[:-1], rows[1:]
    gap_s = view.time_s[after] - view.time_s[before]
    anchor_day = (view.time_s[after] - covers_h * _HOUR_S) // DAY_S
    stay = (
        (owner[:-1] == owner[1:])
        & (gap_s >= shortest_h * _HOUR_S)
        & (gap_s <= longest_h * _HOUR_S)
        & (anchor_day * DAY_S + covers_h * _HOUR_S > view.time_s[before])
    )
    if weekdays:
        stay &= (anchor_day + view.start_weekday) % 7 < 5
    columns = []
    for end in (before, after):
        who, at = owner[:-1][stay], end[stay]
        number = np.bincount(who, minlength=view.n_plates).astype(np.float64)
        columns += [_medians(who, view.x_m[at], number), _medians(who, view.y_m[at], number), number]
    return np.column_stack(columns)[:, None, :]


def _medians(group: NDArray[np.int64], value: NDArray[np.float32], number: FloatArray) -> FloatArray:
    """Return the (lower) median of each group, groups ascending; NaN for empty ones."""
    order = np.lexsort((value, group))
    start = np.cumsum(number) - number
    middle = np.maximum(start + np.ceil(number / 2) - 1, 0).astype(np.int64)
    out = np.full(len(number), np.nan)
    some = number > 0
    out[some] = value[order][middle[some]]
    return out
