"""Stories as a page keeps them: each distinct picture once, and fewer days where there would be too many."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.report.pack import pack
from experiments.report.stories import STEPS, Frame, Story, some_truth
from experiments.report.town import middle_of
from simulator.recapture import Recaptured
from simulator.run import Run
from simulator.sightings.view import DAY_S
from simulator.world import World

#: A page keeps at most so many bytes of stories; plotly takes about five million more.
BUDGET_BYTES = 3_800_000
NEVER_DAY = 65_535
Middle = tuple[int, int]


def told_within_budget(
    run: Run,
    world: World,
    taken: Recaptured,
    chosen: NDArray[np.int64],
    sooner: Sequence[float] | None,
    stories: Mapping[str, Story],
    days: Sequence[int],
) -> tuple[list[dict[str, Any]], list[int]]:
    """Return the stories of all drivers and which of the days they show, by index.

    ``sooner`` is, for each driver, the share of residents who are found less well.
    Every second day is left out, checkpoints excepted, until the stories fit into :data:`BUDGET_BYTES`.
    """
    checkpoints = set(run.scenario.checkpoints())
    shown = list(range(len(days)))
    while True:
        told = [_driver(run, world, taken, chosen, p, sooner, stories, shown) for p in range(len(chosen))]
        fewer = [k for i, k in enumerate(shown) if i % 2 == 0 or days[k] in checkpoints]
        if len(json.dumps(told)) <= BUDGET_BYTES or len(fewer) == len(shown):
            return told, shown
        shown = fewer


def _driver(
    run: Run,
    world: World,
    taken: Recaptured,
    chosen: NDArray[np.int64],
    p: int,
    sooner: Sequence[float] | None,
    stories: Mapping[str, Story],
    shown: Sequence[int],
) -> dict[str, Any]:
    truth = some_truth(world, chosen[p : p + 1])
    middle = middle_of(run.city.network)
    pictures = _Pictures()
    return {
        "id": int(chosen[p]),
        "sooner_than": None if sooner is None else sooner[p],
        "reads_a_day": round(float((taken.sightings.plate == chosen[p]).sum()) / run.scenario.days, 1),
        "true": {
            "home": [round(truth.home_x_m[0]) - middle[0], round(truth.home_y_m[0]) - middle[1]],
            "work": [round(truth.work_x_m[0]) - middle[0], round(truth.work_y_m[0]) - middle[1]]
            if truth.has_work[0] and truth.work_inside[0]
            else None,
        },
        "cases": {
            key: _story(story, p, int(chosen[p]), middle, shown, pictures) for key, story in stories.items()
        },
        "pictures": pictures.packed(),
    }


class _Pictures:
    """Distinct sets of areas, each with how many of its areas lie in each step of likelihood."""

    def __init__(self) -> None:
        self._number: dict[bytes, int] = {}
        self._areas: list[NDArray[np.int32]] = []
        self._counts: list[NDArray[np.int64]] = []

    def number(self, frame: Frame) -> int:
        """Return the number of a frame's picture, entering it if it is new."""
        order = np.lexsort((frame.area, frame.step))
        area = frame.area[order]
        counts = np.bincount(frame.step, minlength=len(STEPS) + 1)
        key = area.tobytes() + counts.tobytes()
        if key not in self._number:
            self._number[key] = len(self._areas)
            self._areas.append(area)
            self._counts.append(counts)
        return self._number[key]

    def packed(self) -> dict[str, Any]:
        start = np.concatenate([[0], np.cumsum([len(s) for s in self._areas])])
        return {
            "start": pack(start),
            "area": pack(np.concatenate(self._areas) if self._areas else []),
            "count": pack(np.concatenate(self._counts) if self._counts else []),
        }


def _story(
    story: Story, p: int, driver_id: int, middle: Middle, shown: Sequence[int], pictures: _Pictures
) -> dict[str, Any]:
    view = story.view
    rows = slice(int(view.indptr[p]), int(view.indptr[p + 1]))
    on_car = ~np.isfinite(story.standing_x_m[view.camera_id[rows]])
    told: dict[str, Any] = {
        "reads": {
            # Visible from the evening of this day on, and on the evenings before the other.
            "day": pack(view.time_s[rows] // DAY_S + 1),
            "until": pack(np.minimum((view.expires_s[rows] - 1) // DAY_S, NEVER_DAY)),
            "x": pack(np.rint(view.x_m[rows]).astype(np.int64) - middle[0]),
            "y": pack(np.rint(view.y_m[rows]).astype(np.int64) - middle[1]),
            "moving": pack(on_car),
        }
    }
    for target in ("home", "work"):
        frames = [story.frames[target][p][k] for k in shown]
        mine = story.beliefs.filter(
            (pl.col("driver_id") == driver_id) & (pl.col("target").cast(pl.String) == target)
        ).sort("day")
        told[target] = {
            "picture": pack([pictures.number(f) for f in frames]),
            "beyond": [round(f.beyond, 3) for f in frames],
            "none": [round(f.none, 3) for f in frames],
            **_numbers(mine, shown, middle),
        }
    return told


def _numbers(rows: pl.DataFrame, shown: Sequence[int], middle: Middle) -> dict[str, list[Any]]:
    """Return what stands beside the map, a number a day; null where the adversary names no place."""
    if not rows.height:  # nobody works there
        empty: list[Any] = [None] * len(shown)
        return dict.fromkeys(("seen", "claimed", "error", "anonymity", "x", "y"), empty)
    rows = rows[list(shown)]

    def column(name: str, less: int = 0) -> list[Any]:
        values = rows[name].cast(pl.Float64).fill_nan(None).to_list()
        return [None if v is None else round(v - less) for v in values]

    claimed = rows["mass_within_250m"].cast(pl.Float64).fill_nan(None).to_list()
    return {
        "seen": rows["sightings_seen"].to_list(),
        "claimed": [None if v is None else round(v, 3) for v in claimed],
        "error": column("error_m"),
        "anonymity": column("anonymity_set"),
        "x": column("x_m", middle[0]),
        "y": column("y_m", middle[1]),
    }
