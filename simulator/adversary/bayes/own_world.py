"""Drivers drawn from the Bayesian adversary's own assumptions, to test its certainty where these are true.

Places come from its prior, the signs at both ends of every stay from an urn about its tables: what is drawn
is public knowledge run forwards, no simulated person. (Talts, Betancourt, Simpson, Vehtari & Gelman,
"Validating Bayesian inference algorithms with simulation-based calibration", 2018.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.bayes.attacker import BayesAttacker
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.model import model_of
from simulator.adversary.bayes.tables import chance_of_levels
from simulator.adversary.knowledge import Knowledge
from simulator.sightings.view import DAY_S, ArchiveView

NEVER_S = 2**62
_SURE = 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class OwnWorld:
    """Traces made from the adversary's assumptions.

    Parameters
    ----------
    attacker
        The adversary with just these assumptions, untempered.
    view
        The traces.
    truth
        Hypothesis that each trace was made from, shape (n_plates,).
    """

    attacker: BayesAttacker
    view: ArchiveView
    truth: NDArray[np.int64]


def draw_own_world(
    knowledge: Knowledge,
    rng: np.random.Generator,
    *,
    n_plates: int,
    checkpoint_days: tuple[int, ...],
    work: bool = False,
    habits: Habits | None = None,
) -> OwnWorld:
    """Draw traces of one stay a day, over night (at home) or over noon (at work).

    Parameters
    ----------
    knowledge
        Streets and readers, at least.
    work
        Whether work places are drawn, not homes.
    """
    habits = habits or Habits(no_work_share=0.0)
    sure, no = (_SURE, 0.0, 0.0, 0.0, 0.0), (0.0,) * 5
    attacker = BayesAttacker(
        habits=habits,
        home_own=no if work else sure,
        work_own=(0.0, 0.0, 0.0, _SURE, 0.0) if work else no,
        home_temper=(1.0, float("inf")),
        work_temper=(1.0, float("inf")),
        work_home=0.0,
        none_home=0.0,
        # All but exact: what is tested is the model, not the shortcuts that make it quick.
        max_cells=10_000,
        n_top=1_500,
        learns=False,
    )
    model = model_of(knowledge, habits)
    side = model.work if work else model.home
    truth = rng.choice(side.places.n, size=n_plates, p=side.places.prior)
    near, beyond = np.nonzero(model.signs.of_pair >= 0)
    first = model.signs.of_pair.shape[0]
    days = max(checkpoint_days)
    times, cameras, counts = [], [], []
    for place in truth:
        drawn = []
        for s in range(2):
            likely = np.zeros(model.signs.n)
            node = (side.places.head, side.places.tail)[s][place]
            known = side.table.sign[s, node] >= 0
            likely[side.table.sign[s, node, known]] = chance_of_levels()[side.table.level[s, node, known]]
            mean = (1.0 - _SURE) * model.usual[first:] + _SURE * likely[first:]
            habit = rng.dirichlet(np.maximum(attacker.alpha * mean / mean.sum(), 1e-9))
            drawn.append(rng.choice(len(habit), size=days, p=habit))
        rows = []
        for day in range(days):
            # After a night the first trip leaves at 8 h and the last one comes at 18 h; at work the reverse.
            leave, come = (17, 9) if work else (8, 18)
            for s, hour, way in ((0, leave, 1), (1, come, -1)):
                a, b = near[drawn[s][day]], beyond[drawn[s][day]]
                rows.append((day * DAY_S + hour * 3600, a))
                if b < first:
                    rows.append((day * DAY_S + hour * 3600 + way * 300, b))
        rows.sort()
        times.append([t for t, _ in rows])
        cameras.append([c for _, c in rows])
        counts.append(len(rows))
    n = sum(counts)
    facts = knowledge.readers
    assert facts is not None
    camera = np.array([c for row in cameras for c in row], dtype=np.int32)
    view = ArchiveView(
        plate=np.arange(n_plates, dtype=np.uint32),
        indptr=np.cumsum([0, *counts]).astype(np.int64),
        time_s=np.array([t for row in times for t in row], dtype=np.int64),
        camera_id=camera,
        x_m=facts.x_m[camera].astype(np.float32),
        y_m=facts.y_m[camera].astype(np.float32),
        expires_s=np.full(n, NEVER_S),
        checkpoint_days=np.array(checkpoint_days, dtype=np.int32),
        # Noon counts on weekdays only: the traces are dated so that their first day is a Monday.
        start_weekday=0,
    )
    return OwnWorld(attacker=attacker, view=view, truth=truth)
