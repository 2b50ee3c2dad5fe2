"""The adversary without a street map: where the ends of stays pile up, and no more.

On the lowest rungs there are no routes to reason with. What is left is a kernel density of the reads at the
ends of overnight (or noon) stays, on a square grid, tempered as on the higher rungs; it is what makes
the value of a street map measurable.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.knowledge import ReaderFacts
from simulator.adversary.posterior import Posterior
from simulator.sightings.view import DAY_S, ArchiveView

GRID_M = 250.0
BANDWIDTH_M = 1000.0
# How far a reader that stays silent speaks, and how loud: log-odds against living at it. Assumed.
READER_M = 350.0
_SILENCE = 1.0
_N_TOP = 256
_MAX_GRID = 60


def density_posterior(
    view: ArchiveView, *, noon: bool, readers: ReaderFacts | None = None, power: float = 0.2
) -> Posterior:
    """Return a posterior over a grid of points around all sightings of a view.

    Parameters
    ----------
    view
        What the agency may look at.
    noon
        Whether to use stays over weekdays' noon (work places) instead of stays over night (homes).
    readers
        Where the readers stand, if that is known: few live at a reader that never reads their plate.
    power
        The log-density of ``n`` ends of stays counts ``n ** power`` times: they are not independent.
    """
    x, y = _grid(view)
    n, k = view.n_plates, view.n_checkpoints
    top = min(_N_TOP, len(x))
    place = np.full((n, k, top), -1, dtype=np.int32)
    mass = np.zeros((n, k, top), dtype=np.float32)
    beside = _beside_readers(readers, x, y)
    for p in range(n):
        for c in range(k):
            at_x, at_y = stay_ends(view, p, c, noon=noon)
            if len(at_x) == 0:
                continue
            d2 = (x[:, None] - at_x) ** 2 + (y[:, None] - at_y) ** 2
            # A tenth of the ends have nothing to do with the place.
            log = np.log(0.9 * np.exp(-0.5 * d2 / BANDWIDTH_M**2) + 0.1 * len(x) ** -1.0).mean(axis=1)
            log *= len(at_x) ** power
            if beside is not None:
                silent = np.ones(len(beside), dtype=np.bool_)
                silent[view.camera_id[view.visible(p, c)]] = False
                log -= _SILENCE * beside[silent].sum(axis=0)
            chance = np.exp(log - log.max())
            chance /= chance.sum()
            best = np.argsort(-chance, kind="stable")[:top]
            place[p, c], mass[p, c] = best, chance[best]
    return Posterior(
        edge=np.zeros(len(x), dtype=np.int32),
        x_m=x,
        y_m=y,
        area_m2=np.full(len(x), GRID_M**2),
        prior=np.full(len(x), 1.0 / len(x)),
        place=place,
        mass=mass,
        none=np.zeros((n, k), dtype=np.float32),
        on_streets=False,
    )


def _beside_readers(
    readers: ReaderFacts | None, x_m: NDArray[np.float64], y_m: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return how near each point is to each fixed reader, shape (n_cameras, n_points), 1 at the reader."""
    if readers is None:
        return None
    d2 = (readers.x_m[:, None] - x_m) ** 2 + (readers.y_m[:, None] - y_m) ** 2
    return np.asarray(
        np.where(readers.fixed[:, None], np.exp(-0.5 * np.nan_to_num(d2, nan=1e12) / READER_M**2), 0.0)
    )


def stay_ends(
    view: ArchiveView, plate: int, checkpoint: int, *, noon: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where reads just before and just after stays over night (or a weekday's noon) were."""
    rows = view.visible(plate, checkpoint)
    time_s = view.time_s[rows]
    gap_h = np.diff(time_s) / 3600.0
    if noon:
        crosses = np.diff((time_s - int(11.5 * 3600)) // DAY_S) > 0
        weekday = (view.start_weekday + time_s[:-1] // DAY_S) % 7 < 5
        stay = np.flatnonzero(crosses & weekday & (gap_h > 3) & (gap_h < 13))
    else:
        crosses = np.diff((time_s - int(3.5 * 3600)) // DAY_S) > 0
        stay = np.flatnonzero(crosses & (gap_h > 4))
    ends = rows[np.concatenate([stay, stay + 1])] if len(stay) else rows[:0]
    return view.x_m[ends].astype(np.float64), view.y_m[ends].astype(np.float64)


def _grid(view: ArchiveView) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if len(view.x_m) == 0:
        return np.zeros(1), np.zeros(1)
    axes = []
    for v in (view.x_m.astype(np.float64), view.y_m.astype(np.float64)):
        low, high = v.min() - 1000.0, v.max() + 1000.0
        axes.append(np.linspace(low, high, int(np.clip((high - low) / GRID_M, 2, _MAX_GRID))))
    x, y = np.meshgrid(*axes)
    return x.ravel(), y.ravel()
