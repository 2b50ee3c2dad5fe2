"""What the adversary believes about a few drivers, day by day: the frames of a page or an animation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.report.areas import Areas
from experiments.report.cases import ATTACKER, Case, CaseRunner
from simulator.adversary.posterior import Posterior
from simulator.chunks import truth_of
from simulator.privacy.scoring import score
from simulator.privacy.truth import Truth
from simulator.sightings.view import ArchiveView
from simulator.world import World

#: Steps of the chance that a place lies in an area; its colour says between which two.
STEPS = (0.003, 0.01, 0.03, 0.1, 0.3)
#: Share of the belief that the coloured areas hold.
MAP_LEVEL = 0.8
MOST_FRAMES = 70


def frame_days(days: int, checkpoints: Sequence[int]) -> list[int]:
    """Return the days that a page shows: all of them, or up to 70 of a long run, checkpoints included."""
    if days <= MOST_FRAMES:
        return list(range(1, days + 1))
    spread = np.unique(np.rint(np.geomspace(1, days, MOST_FRAMES - len(checkpoints))).astype(int))
    return sorted({*spread.tolist(), *checkpoints})


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """The belief about one place on one day.

    Parameters
    ----------
    area
        Areas of the smallest set that holds 80% of the belief within the map, likeliest last, shape (n,).
    step
        How likely each is: 0 below the first of :data:`STEPS`, and so on, shape (n,).
    beyond, none
        Belief that the place lies beyond the map, and that there is none at all.
    """

    area: NDArray[np.int32]
    step: NDArray[np.uint8]
    beyond: float
    none: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Story:
    """One case, for all drivers shown.

    Parameters
    ----------
    view
        What the adversary could see.
    frames
        By target, shape (n_drivers, n_days) as nested lists.
    beliefs
        Rows of the table ``beliefs`` of the same drivers and days.
    standing_x_m
        Where the view's readers stand, NaN for those on cars, shape (n_cameras,).
    """

    view: ArchiveView
    frames: dict[str, list[list[Frame]]]
    beliefs: pl.DataFrame
    standing_x_m: NDArray[np.float64]


def some_truth(world: World, drivers: NDArray[np.int64]) -> Truth:
    """Return the truth about some drivers."""
    every = truth_of(world, 0, world.drivers.n_people)
    return replace(every, **{m.name: getattr(every, m.name)[drivers] for m in fields(every)})


def story_of(
    runner: CaseRunner,
    world: World,
    areas: Areas,
    case: Case,
    drivers: NDArray[np.int64],
    days: Sequence[int],
) -> Story:
    """Return what the Bayesian adversary believes about some drivers (ascending) in one case."""
    found = runner.attack(case, world.drivers.plate[drivers], days, (ATTACKER,))
    attack = found.attacks[ATTACKER]
    scored = score(
        ATTACKER,
        attack,
        found.view,
        some_truth(world, drivers),
        network=world.city.network,
        homes=runner.homes,
        works=runner.works,
    )
    frames = {}
    for target, posterior in (("home", attack.home_posterior), ("work", attack.work_posterior)):
        assert posterior is not None  # the Bayesian adversary has one
        frames[target] = frames_of(posterior, areas)
    return Story(
        view=found.view,
        frames=frames,
        beliefs=scored.beliefs,
        standing_x_m=world.cameras.x_m[case.readers],
    )


def frames_of(posterior: Posterior, areas: Areas) -> list[list[Frame]]:
    """Return the belief about each plate at each checkpoint, gathered on areas."""
    inside = posterior.edge >= 0
    area = np.where(inside, areas.of_edge[np.maximum(posterior.edge, 0)], areas.n)
    made: dict[bytes, Frame] = {}
    rows = []
    for p in range(posterior.place.shape[0]):
        row = []
        for k in range(posterior.place.shape[1]):
            place, mass = posterior.place[p, k], posterior.mass[p, k]
            key = place.tobytes() + mass.tobytes() + posterior.none[p, k].tobytes()
            if key not in made:
                made[key] = _frame(posterior, area, areas.n, place, mass, float(posterior.none[p, k]))
            row.append(made[key])
        rows.append(row)
    return rows


def _frame(
    posterior: Posterior,
    area: NDArray[np.int64],
    n_areas: int,
    place: NDArray[np.int32],
    mass: NDArray[np.float32],
    none: float,
) -> Frame:
    listed = place >= 0
    held = np.zeros(len(posterior.prior))
    held[place[listed]] = mass[listed]
    rest = max(1.0 - none - float(held.sum()), 0.0)
    if rest > 1e-6:
        # What the list leaves is spread over all others in proportion to the prior.
        others = posterior.prior.copy()
        others[place[listed]] = 0.0
        held += rest * others / max(others.sum(), 1e-12)
    by_area = np.bincount(area, weights=held, minlength=n_areas + 1)
    beyond, by_area = float(by_area[n_areas]), by_area[:n_areas]
    order = np.argsort(-by_area, kind="stable")
    total = np.cumsum(by_area[order])
    if not len(total) or total[-1] <= 0:
        return Frame(area=np.empty(0, np.int32), step=np.empty(0, np.uint8), beyond=beyond, none=none)
    shown = order[: int(np.searchsorted(total, MAP_LEVEL * total[-1])) + 1]
    return Frame(
        area=shown[::-1].astype(np.int32),
        step=np.searchsorted(STEPS, by_area[shown[::-1]], side="right").astype(np.uint8),
        beyond=beyond,
        none=none,
    )
