"""What practice teaches about kinds of pairs: home on the map or beyond it, work place there, beyond or none.

Who lives outside works here; who has been read twice in two months may be passing through. Neither the two
posteriors nor the evidence on pairs know of that. The log-odds of the kinds, beside what is believed, are a
multinomial logit (McFadden 1974) in the number of sightings and their age.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.joint import OTHER_HOMES, OTHER_WORKS, Joint, kinds_of_rows, mass_by_row, rows_of
from simulator.adversary.posterior import Posterior

#: Kinds of home and of work place: on the map, beyond it; and no work place at all.
N_HOME_KINDS, N_WORK_KINDS = OTHER_HOMES, OTHER_WORKS
_LEAST = 1e-6
# About the means of log(1 + sightings) and of log(days).
_MIDDLE = 3.0
# What a change of each log-odds costs, in drivers' log-probabilities.
_PULL = 1.0
_MOST_STEPS, _LONGEST, _FEWEST, _N_KNOWN = 40, 2.0, 150, 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Kinds:
    """What made-up drivers taught about kinds of pairs.

    Parameters
    ----------
    weights
        Log-odds of each kind beside what the posteriors say: a constant, by log(1 + sightings) and by
        log(days) (less 3 each); shape (N_HOME_KINDS, N_WORK_KINDS, 3).
    """

    weights: NDArray[np.float64]

    def odds(self, evidence: NDArray[np.float64], age: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the mass of each kind is multiplied by.

        Parameters
        ----------
        evidence, age
            Shape (n_plates, n_checkpoints), as of :func:`simulator.adversary.bayes.practice.evidence_of`.

        Returns
        -------
        numpy.ndarray
            Shape (n_plates, n_checkpoints, N_HOME_KINDS, N_WORK_KINDS), the greatest of each row 1.
        """
        log = np.einsum("pcf,kf->pck", _known(evidence, age), self.weights.reshape(-1, _N_KNOWN))
        odds = np.exp(log - log.max(axis=-1, keepdims=True))
        return np.asarray(odds.reshape(*evidence.shape, N_HOME_KINDS, N_WORK_KINDS))


def _known(evidence: NDArray[np.float64], age: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([np.ones_like(evidence), evidence - _MIDDLE, age - _MIDDLE], axis=-1)


def learn_kinds(
    mass: NDArray[np.float64],
    evidence: NDArray[np.float64],
    age: NDArray[np.float64],
    kind: NDArray[np.int64],
) -> Kinds | None:
    """Choose the kinds' log-odds by made-up drivers' true kinds; ``None``: too few of them.

    Parameters
    ----------
    mass
        What is believed about made-up drivers, see :func:`kind_masses`.
    evidence, age
        See :meth:`Kinds.odds`.
    kind
        ``home kind * N_WORK_KINDS + work kind`` of each of them, shape (n_plates,).
    """
    n_kinds = N_HOME_KINDS * N_WORK_KINDS
    if len(kind) < _FEWEST:
        return None
    belief = np.log(np.maximum(mass.reshape(-1, n_kinds), _LEAST))
    known = _known(evidence, age).reshape(-1, _N_KNOWN)
    hit = np.eye(n_kinds)[np.repeat(kind, mass.shape[1])]
    weights = np.zeros(n_kinds * _N_KNOWN)
    # Newton's method: the penalised log-likelihood is concave.
    for _ in range(_MOST_STEPS):
        log = belief + np.einsum("rf,kf->rk", known, weights.reshape(n_kinds, _N_KNOWN))
        chance = np.exp(log - log.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        slope = np.einsum("rk,rf->kf", hit - chance, known).ravel() - _PULL * weights
        bend = _PULL * np.eye(len(weights))
        for a in range(n_kinds):
            for b in range(n_kinds):
                spread = chance[:, a] * ((a == b) - chance[:, b])
                rows, columns = (slice(_N_KNOWN * i, _N_KNOWN * (i + 1)) for i in (a, b))
                bend[rows, columns] += np.einsum("r,rf,rg->fg", spread, known, known)
        step = np.linalg.solve(bend, slope)
        weights = weights + step * min(1.0, _LONGEST / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-6:
            break
    return Kinds(weights=weights.reshape(N_HOME_KINDS, N_WORK_KINDS, _N_KNOWN))


def kind_masses(joint: Joint, home: Posterior, work: Posterior) -> NDArray[np.float64]:
    """Return the mass of each kind of pair, shape (n_plates, n_checkpoints, N_HOME_KINDS, N_WORK_KINDS)."""
    mass = np.zeros((*home.place.shape[:2], N_HOME_KINDS, N_WORK_KINDS))
    _add_kinds(
        joint.home, joint.row, joint.work, joint.lift,
        home.place, home.mass, home.prior, home.edge >= 0,
        work.place, work.mass, work.prior, work.edge >= 0, work.none, mass,
    )  # fmt: skip
    return mass


@njit(cache=True)
def _add_kinds(  # type: ignore[no-untyped-def]
    homes, row, works, lifts, home_place, home_mass, home_prior, home_inside, work_place, work_mass,
    work_prior, work_inside, none, mass,
):  # fmt: skip
    n_homes, n_works = homes.shape[2], works.shape[2]
    by_row, by_column = np.empty(lifts.shape[2]), np.empty(lifts.shape[3])
    row_kind, column_kind = np.empty(len(by_row), np.int64), np.empty(len(by_column), np.int64)
    home_at, work_at, column = np.full(len(home_prior), -1), np.full(len(work_prior), -1), np.arange(n_works)
    rows, columns = np.empty(home_place.shape[2], np.int64), np.empty(work_place.shape[2], np.int64)
    home_outside, work_outside = home_prior[~home_inside].sum(), work_prior[~work_inside].sum()
    for p in range(homes.shape[0]):
        for k in range(homes.shape[1]):
            n = rows_of(home_place[p, k], home_inside, homes[p, k], row[p, k], n_homes, home_at, rows)
            mass_by_row(
                home_place[p, k], home_mass[p, k], rows, n, home_prior, home_inside, home_outside, 0.0,
                n_homes, by_row,
            )  # fmt: skip
            n = rows_of(work_place[p, k], work_inside, works[p, k], column, n_works, work_at, columns)
            mass_by_row(
                work_place[p, k], work_mass[p, k], columns, n, work_prior, work_inside, work_outside,
                none[p, k], n_works, by_column,
            )  # fmt: skip
            by_column[n_works + 2] = none[p, k]
            kinds_of_rows(homes[p, k], row[p, k], home_inside, row_kind)
            kinds_of_rows(works[p, k], column, work_inside, column_kind)
            for i in range(len(by_row)):
                if by_row[i] > 0.0:
                    for j in range(len(by_column)):
                        mass[p, k, row_kind[i], column_kind[j]] += (
                            by_row[i] * by_column[j] * lifts[p, k, i, j]
                        )
