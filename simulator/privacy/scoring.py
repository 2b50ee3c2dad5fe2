"""From guesses and truth to the ``beliefs``, ``outcomes`` and ``claims`` tables, and those of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack, Guesses
from simulator.adversary.posterior import hypothesis_at
from simulator.privacy.criteria import (
    ADDRESS_RANKS,
    DISTANCES_M,
    FOR_GOOD,
    POINT_CRITERIA,
    POSTERIOR_CRITERIA,
    address_rank,
    right_street,
    within,
)
from simulator.privacy.pair_tables import pair_tables
from simulator.privacy.posterior import (
    KNOWN_RADIUS_M,
    POSTERIOR_COLUMNS,
    Disclosure,
    disclose,
)
from simulator.privacy.truth import Addresses, Truth
from simulator.roads.network import RoadNetwork
from simulator.sightings.view import ArchiveView
from simulator.tables import SCHEMAS, conform

BoolArray = NDArray[np.bool_]


# Streets of an example's belief that are kept.
_EXAMPLE_STREETS = 128


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """The tables of one or several attackers on one view; ``example_beliefs`` of the drivers asked for."""

    beliefs: pl.DataFrame
    outcomes: pl.DataFrame
    claims: pl.DataFrame
    pairs: pl.DataFrame
    pair_beliefs: pl.DataFrame
    example_beliefs: pl.DataFrame

    @staticmethod
    def together(scored: Sequence[Scored]) -> Scored:
        """Return the tables of several attackers as one."""
        return Scored(**{f.name: pl.concat([getattr(s, f.name) for s in scored]) for f in fields(Scored)})


def score(
    attacker: str,
    attack: Attack,
    view: ArchiveView,
    truth: Truth,
    *,
    network: RoadNetwork,
    homes: Addresses,
    works: Addresses,
    sightings_seen: NDArray[np.int32] | None = None,
    examples: NDArray[np.int32] | None = None,
) -> Scored:
    """Hold an attack against the truth.

    Parameters
    ----------
    attacker
        The attacker's name.
    attack
        Its guesses, for the view's plates and checkpoints.
    view
        What it saw.
    truth
        The drivers behind the view's plates, in the same order.
    network
        The streets, for ``right-street``.
    homes, works
        All home addresses and all work places of the city, for ``address-top-k``.
    sightings_seen
        ``view.sightings_seen()``, shape (n_plates, n_checkpoints), if at hand already.
    examples
        Drivers whose likeliest streets are kept, street by street.

    Returns
    -------
    Scored
        ``beliefs``: one row per driver, target and checkpoint, with nulls where the attacker abstains.
        ``outcomes``: one row per driver, target and criterion. ``days`` is the first checkpoint by which
        the place is known (it became so in the time since the checkpoint before) and ``sightings`` what
        could be seen by then; where ``observed`` is false it was never known, and both are those of the
        last checkpoint. Drivers without a work place have no rows for ``work`` and ``both``; drivers who
        live or work off the map stay in, with a truth that lies off the map. ``claims``: one row per driver
        without a work place and checkpoint, with the work place that is claimed all the same. ``pairs``
        and ``pair_beliefs``: see :mod:`simulator.privacy.pair_tables`.

    Raises
    ------
    ValueError
        If truth and view are not of the same drivers, or the view has no checkpoint.
    """
    if len(truth) != view.n_plates:
        raise ValueError(f"Truth has {len(truth)} drivers, but the view has {view.n_plates} plates.")
    if view.n_checkpoints == 0:
        raise ValueError("The view has no checkpoint day: there is nothing to score.")
    seen = view.sightings_seen() if sightings_seen is None else sightings_seen
    everyone = np.ones(len(truth), dtype=bool)
    sides = [("home", attack.home, everyone, attack.home_posterior)]
    if attack.work is not None:
        sides.append(("work", attack.work, truth.has_work, attack.work_posterior))
    beliefs, outcomes = [], []
    right_of: dict[str, list[BoolArray]] = {}
    for target, guesses, who, posterior in sides:
        right, belief = _judge(target, guesses, who, truth, network, homes if target == "home" else works)
        names = POINT_CRITERIA
        disclosure = None
        if posterior is not None:
            edge, x_m, y_m = (getattr(truth, f"{target}_{part}") for part in ("edge", "x_m", "y_m"))
            hypothesis = hypothesis_at(posterior, edge, x_m, y_m)
            disclosure = disclose(posterior, guesses, hypothesis, truth.driver_id, who)
            # In the order of POSTERIOR_CRITERIA.
            right = [*right, disclosure.known, disclosure.known & right[DISTANCES_M.index(KNOWN_RADIUS_M)]]
            names = (*POINT_CRITERIA, *POSTERIOR_CRITERIA)
        right_of[target] = right
        rows = _belief_rows(attacker, target, belief, view, truth.driver_id[who], seen[who])
        beliefs.append(_with_disclosure(rows, disclosure))
        outcomes.append(
            _outcome_rows(
                attacker, target, right, names, view.checkpoint_days, truth.driver_id[who], seen[who]
            )
        )
    if attack.work is not None:
        both = [h[truth.has_work] & w for h, w in zip(right_of["home"], right_of["work"], strict=True)]
        who = truth.has_work
        outcomes.append(
            _outcome_rows(
                attacker, "both", both, names, view.checkpoint_days, truth.driver_id[who], seen[who]
            )
        )
    pairs, pair_beliefs = pair_tables(attacker, attack, view, truth, seen)
    return Scored(
        beliefs=conform("beliefs", pl.concat(beliefs)),
        outcomes=conform("outcomes", pl.concat(outcomes)),
        claims=_claims(attacker, attack.work, view, truth, seen),
        pairs=pairs,
        pair_beliefs=pair_beliefs,
        example_beliefs=_example_beliefs(attacker, attack, view, truth, examples),
    )


def _example_beliefs(
    attacker: str, attack: Attack, view: ArchiveView, truth: Truth, examples: NDArray[np.int32] | None
) -> pl.DataFrame:
    schema = SCHEMAS["example_beliefs"].columns
    parts = [pl.DataFrame(schema=schema)]
    for target, posterior in (("home", attack.home_posterior), ("work", attack.work_posterior)):
        if posterior is None or examples is None or not posterior.on_streets:
            continue
        for plate in np.flatnonzero(np.isin(truth.driver_id, examples)):
            place = posterior.place[plate, :, :_EXAMPLE_STREETS]
            checkpoint, rank = np.nonzero((place >= 0) & (posterior.edge[place] >= 0))
            parts.append(
                pl.DataFrame(
                    {
                        "attacker": [attacker] * len(rank),
                        "driver_id": np.full(len(rank), truth.driver_id[plate]),
                        "target": [target] * len(rank),
                        "day": view.checkpoint_days[checkpoint],
                        "edge_id": posterior.edge[place[checkpoint, rank]],
                        "mass": posterior.mass[plate, checkpoint, rank],
                    },
                    schema=schema,
                )
            )
    return conform("example_beliefs", pl.concat(parts))


def _claims(
    attacker: str, work: Guesses | None, view: ArchiveView, truth: Truth, seen: NDArray[np.int32]
) -> pl.DataFrame:
    """Return what is claimed about drivers who have no work place; no row if the attacker looks for none."""
    who = ~truth.has_work if work is not None else np.zeros(len(truth), dtype=bool)
    nothing = np.empty((0, view.n_checkpoints), dtype=np.float32)
    x, y, confidence = (
        (nothing,) * 3 if work is None else (work.x_m[who], work.y_m[who], work.confidence[who])
    )
    columns = (x, y, confidence, np.full(x.shape, np.nan, dtype=np.float32))
    rows = _belief_rows(attacker, "work", columns, view, truth.driver_id[who], seen[who])
    return conform("claims", rows.drop("target", "error_m"))


def _judge(
    target: str, guesses: Guesses, who: BoolArray, truth: Truth, network: RoadNetwork, addresses: Addresses
) -> tuple[list[BoolArray], tuple[NDArray[np.float32], ...]]:
    """Return, for each point criterion, whether each guess is right; and the columns of ``beliefs``."""
    true_x, true_y, edge, inside = (
        getattr(truth, f"{target}_{part}")[who] for part in ("x_m", "y_m", "edge", "inside")
    )
    x, y = (np.asarray(a[who], dtype=np.float64) for a in (guesses.x_m, guesses.y_m))
    error = np.hypot(x - true_x[:, None], y - true_y[:, None])
    edges = np.where(inside, edge, -1).astype(np.int32)
    edges = np.broadcast_to(edges[:, None], error.shape)
    on_map = np.where(inside[:, None], error, np.nan)
    rank = address_rank(x.ravel(), y.ravel(), on_map.ravel(), addresses).reshape(error.shape)
    right = [
        *(within(error, d) for d in DISTANCES_M),
        right_street(x, y, edges, error, network),
        *(rank <= k for k in ADDRESS_RANKS),
    ]
    return right, (guesses.x_m[who], guesses.y_m[who], guesses.confidence[who], error.astype(np.float32))


def _belief_rows(
    attacker: str,
    target: str,
    columns: tuple[NDArray[np.float32], ...],
    view: ArchiveView,
    driver_id: NDArray[np.int32],
    seen: NDArray[np.int32],
) -> pl.DataFrame:
    n, k = seen.shape
    x, y, confidence, error = (
        pl.Series(np.ascontiguousarray(c, dtype=np.float32).ravel(), nan_to_null=True) for c in columns
    )
    return _label(
        pl.DataFrame(
            {
                "driver_id": np.repeat(driver_id, k),
                "day": np.tile(view.checkpoint_days, n),
                "sightings_seen": np.ascontiguousarray(seen).ravel(),
                "x_m": x,
                "y_m": y,
                "confidence": confidence,
                "error_m": error,
            }
        ),
        attacker,
        target,
    )


def _with_disclosure(rows: pl.DataFrame, disclosure: Disclosure | None) -> pl.DataFrame:
    """Add the columns of attackers with a posterior; null for the others."""
    if disclosure is None:
        kinds = SCHEMAS["beliefs"].columns
        return rows.with_columns(pl.lit(None, dtype=kinds[name]).alias(name) for name in POSTERIOR_COLUMNS)
    return rows.with_columns(
        pl.Series(name, disclosure.columns[name].ravel(), nan_to_null=True) for name in POSTERIOR_COLUMNS
    )


def first_and_for_good(right: BoolArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the checkpoint of the first success, and of the last success that nothing undoes.

    Parameters
    ----------
    right
        Whether the guess is right, shape (n_drivers, n_checkpoints), n_checkpoints > 0.

    Returns
    -------
    first, for_good
        Checkpoint indices, shape (n_drivers,); n_checkpoints where it never happens.
    """
    k = right.shape[1]
    first = np.where(right.any(axis=1), right.argmax(axis=1), k)
    wrong = ~right
    last_wrong = np.where(wrong.any(axis=1), k - 1 - wrong[:, ::-1].argmax(axis=1), -1)
    return first, last_wrong + 1


def _outcome_rows(
    attacker: str,
    target: str,
    right: list[BoolArray],
    criteria: tuple[str, ...],
    checkpoint_days: NDArray[np.int32],
    driver_id: NDArray[np.int32],
    seen: NDArray[np.int32],
) -> pl.DataFrame:
    n, k = seen.shape
    names = [c + suffix for c in criteria for suffix in ("", FOR_GOOD)]
    when = np.concatenate([part for r in right for part in first_and_for_good(r)])
    shown = np.minimum(when, k - 1)
    drivers = np.tile(np.arange(n), len(names))
    criterion = pl.Series(names, dtype=pl.Categorical).gather(np.repeat(np.arange(len(names)), n))
    return _label(
        pl.DataFrame(
            {
                "driver_id": driver_id[drivers],
                "criterion": criterion,
                "days": checkpoint_days[shown],
                "sightings": seen[drivers, shown],
                "observed": when < k,
            }
        ),
        attacker,
        target,
    )


def _label(frame: pl.DataFrame, attacker: str, target: str) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(attacker, dtype=pl.Categorical).alias("attacker"), pl.lit(target).alias("target")
    )
