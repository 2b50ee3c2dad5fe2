"""How people drive in a town, learned from its traffic: by which reader comes next to which.

Surveys say how people drive elsewhere. Traffic tells how they drive here, without a word about anybody: of
all trips whose first read is at a reader, how many are read at each other one next, and which readers are
first or last on a trip at all. That depends on how much drivers err about travel times, on their likings, and
on how far they go; the manner under which those counts are likeliest (maximum likelihood, one number after
another) is taken for that of the town.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.bayes.events import SAME_TRIP_S, STAY_S
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.model import Imagined, imagine, signs_seen
from simulator.adversary.knowledge import Knowledge, Manner
from simulator.sightings.view import ArchiveView

#: Fewer ends of trips than that teach nothing.
FEWEST_ENDS = 2_000
#: What is tried, from 1 on to either side as long as it gets better; one number after another.
LADDERS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("spread", (0.06, 0.15, 0.35, 0.6, 1.0, 1.5, 2.0)),
    ("taste", (0.0, 0.35, 1.0, 2.0)),
    ("reach", (0.3, 1.0, 3.0)),
    ("aid", (0.0, 0.3, 1.0, 2.0)),
)
# Of all reads, those that no imagined route explains.
_ODD_SHARE = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class TripEnds:
    """How often a trip was first read at one reader and next at another, and the mirror image at its end.

    Parameters
    ----------
    side
        0 after a stay, 1 before one, shape (n,).
    near, beyond
        The reader next to the stay, and the one beyond it on the same trip (``n_cameras``: none), shape (n,).
    count
        How often, shape (n,).
    """

    side: NDArray[np.int64]
    near: NDArray[np.int64]
    beyond: NDArray[np.int64]
    count: NDArray[np.int64]

    @property
    def n_ends(self) -> int:
        """Ends of trips in all."""
        return int(self.count.sum())


def count_trip_ends(views: Sequence[ArchiveView], passed: NDArray[np.bool_]) -> TripEnds:
    """Count the ends of trips in all that some views show on their last day.

    Parameters
    ----------
    views
        Of any plates.
    passed
        Which readers traffic passes by; reads by others do not count, shape (n_cameras,).
    """
    n_cameras = len(passed)
    keys = [np.empty(0, dtype=np.int64)]
    for view in views:
        now_s = int(view.checkpoint_days[-1]) * 86_400
        plate = np.repeat(np.arange(view.n_plates), np.diff(view.indptr))
        visible = (view.time_s < now_s) & (view.expires_s > now_s) & passed[view.camera_id]
        plate, time_s, camera = plate[visible], view.time_s[visible], view.camera_id[visible].astype(np.int64)
        gap_s = np.where(np.diff(plate) == 0, np.diff(time_s), np.iinfo(np.int64).max)
        # A plate's first read is after a stay, too, and its last one before.
        before = np.concatenate([[np.iinfo(np.int64).max], gap_s])[: len(camera)]
        after = np.concatenate([gap_s, [np.iinfo(np.int64).max]])[: len(camera)]
        for side, (stay, trip, step) in enumerate(((before, after, 1), (after, before, -1))):
            at = np.flatnonzero(stay > STAY_S)
            follows = trip[at] < SAME_TRIP_S
            beyond = np.where(follows, camera[np.clip(at + step, 0, len(camera) - 1)], n_cameras)
            keys.append((side * n_cameras + camera[at]) * (n_cameras + 1) + beyond)
    key, count = np.unique(np.concatenate(keys), return_counts=True)
    return TripEnds(
        side=key // (n_cameras + 1) // max(n_cameras, 1),
        near=key // (n_cameras + 1) % max(n_cameras, 1),
        beyond=key % (n_cameras + 1),
        count=count.astype(np.int64),
    )


def learn_manner(knowledge: Knowledge, ends: TripEnds, habits: Habits) -> Manner | None:
    """Return the manner of driving that makes the ends of trips likeliest; ``None``: too few to tell.

    Parameters
    ----------
    knowledge
        Streets, readers and, if known, land use.
    ends
        Of the town's traffic.
    habits
        Of people elsewhere.
    """
    if ends.n_ends < FEWEST_ENDS:
        return None

    def fit_of(manner: Manner) -> float:
        return log_fit(imagine(knowledge, habits.in_the_manner_of(manner)), ends)

    best = Manner()
    best_fit = fit_of(best)
    for name, ladder in LADDERS:
        start = ladder.index(1.0)
        for rungs in (ladder[:start][::-1], ladder[start + 1 :]):
            moved = False
            for value in rungs:
                tried = replace(best, **{name: value})
                fit = fit_of(tried)
                if fit <= best_fit:
                    break
                best, best_fit, moved = tried, fit, True
            if moved:
                break
    return best


def log_fit(imagined: Imagined, ends: TripEnds) -> float:
    """Return the mean log-probability of the ends of trips, under the mean of all homes and work places."""
    of_pair, n_cameras = imagined.signs.of_pair, imagined.signs.of_pair.shape[0]
    near, beyond = np.nonzero(of_pair >= 0)
    sign = of_pair[near, beyond]
    home, work = (signs_seen(target, imagined.signs.n) for target in (imagined.home, imagined.work))
    total = 0.0
    for side in range(2):
        seen = home[side] + work[side] + 1e-12
        alone = seen[:n_cameras] / seen[:n_cameras].sum()
        whole = np.bincount(near, seen[sign], n_cameras)
        rows = ends.side == side
        a, b = ends.near[rows], ends.beyond[rows]
        pair = of_pair[a, b]
        then = np.where(pair >= 0, seen[np.maximum(pair, 0)] / np.maximum(whole[a], 1e-300), 0.0)
        first_log = np.log((1.0 - _ODD_SHARE) * alone[a] + _ODD_SHARE / n_cameras)
        next_log = np.log((1.0 - _ODD_SHARE) * then + _ODD_SHARE / (n_cameras + 1))
        total += float(((first_log + next_log) * ends.count[rows]).sum())
    return total / max(ends.n_ends, 1)
