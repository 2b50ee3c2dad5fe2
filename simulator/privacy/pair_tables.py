"""From joint posteriors and truth to the ``pairs`` and ``pair_beliefs`` tables."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack
from simulator.adversary.posterior import Posterior, hypothesis_at
from simulator.privacy.pairs import NO_WORK, PAIR_COLUMNS, Pairs, disclose_pairs
from simulator.privacy.truth import Truth
from simulator.sightings.view import ArchiveView
from simulator.tables import SCHEMAS, conform


def pair_tables(
    attacker: str, attack: Attack, view: ArchiveView, truth: Truth, seen: NDArray[np.int32]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Hold what an attack says about pairs of home and work place against the truth.

    Parameters
    ----------
    attacker
        The attacker's name.
    attack
        Its guesses and posteriors; without a joint posterior both tables are empty.
    view
        What it saw.
    truth
        The drivers behind the view's plates, in the same order.
    seen
        Sightings visible, shape (n_plates, n_checkpoints).

    Returns
    -------
    pairs, pair_beliefs
        The likeliest pairs of every driver and checkpoint, and one row a driver and checkpoint, drivers
        without a work place included.
    """
    home, work, joint = attack.home_posterior, attack.work_posterior, attack.joint
    if home is None or work is None or joint is None or attack.work is None:
        empty = (pl.DataFrame(schema=SCHEMAS[name].columns) for name in ("pairs", "pair_beliefs"))
        nothing, nobody = empty
        return nothing, nobody
    true_home = hypothesis_at(home, truth.home_edge, truth.home_x_m, truth.home_y_m)
    true_work = hypothesis_at(work, truth.work_edge, truth.work_x_m, truth.work_y_m)
    true_work = np.where(truth.has_work, true_work, NO_WORK)
    found = disclose_pairs(
        home, work, joint, (attack.home, attack.work), (true_home, true_work), truth.driver_id
    )
    name = pl.lit(attacker, dtype=pl.Categorical).alias("attacker")
    error_m = np.maximum(
        np.hypot(attack.home.x_m - truth.home_x_m[:, None], attack.home.y_m - truth.home_y_m[:, None]),
        np.hypot(attack.work.x_m - truth.work_x_m[:, None], attack.work.y_m - truth.work_y_m[:, None]),
    )
    n, k = seen.shape
    beliefs = pl.DataFrame(
        {
            "driver_id": np.repeat(truth.driver_id, k),
            "day": np.tile(view.checkpoint_days, n),
            "sightings_seen": np.ascontiguousarray(seen).ravel(),
            "error_m": pl.Series(error_m.ravel(), nan_to_null=True),
            **{column: pl.Series(found.columns[column].ravel(), nan_to_null=True) for column in PAIR_COLUMNS},
        }
    ).with_columns(name)
    listed = _listed(found, home, work, view, truth, true_home, true_work).with_columns(name)
    return conform("pairs", listed), conform("pair_beliefs", beliefs)


def _listed(
    found: Pairs,
    home: Posterior,
    work: Posterior,
    view: ArchiveView,
    truth: Truth,
    true_home: NDArray[np.int64],
    true_work: NDArray[np.int64],
) -> pl.DataFrame:
    plate, checkpoint, rank = np.nonzero(found.home >= 0)
    h, w = found.home[plate, checkpoint, rank], found.work[plate, checkpoint, rank]
    works = w != NO_WORK
    at = np.where(works, w, 0)
    work_x, work_y = np.where(works, work.x_m[at], np.nan), np.where(works, work.y_m[at], np.nan)
    error_m = np.maximum(
        np.hypot(home.x_m[h] - truth.home_x_m[plate], home.y_m[h] - truth.home_y_m[plate]),
        np.hypot(work_x - truth.work_x_m[plate], work_y - truth.work_y_m[plate]),
    )
    return pl.DataFrame(
        {
            "driver_id": truth.driver_id[plate],
            "day": view.checkpoint_days[checkpoint],
            "rank": rank + 1,
            "home_edge_id": home.edge[h],
            "home_x_m": home.x_m[h],
            "home_y_m": home.y_m[h],
            "work_edge_id": pl.Series(work.edge[at]).set(pl.Series(~works), None),
            "work_x_m": pl.Series(work_x, nan_to_null=True),
            "work_y_m": pl.Series(work_y, nan_to_null=True),
            "mass": found.mass[plate, checkpoint, rank],
            "right": (h == true_home[plate]) & (w == true_work[plate]),
            "error_m": pl.Series(error_m, nan_to_null=True),
        }
    )
