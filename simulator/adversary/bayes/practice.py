"""What the Bayesian adversary learns from drivers that it made up: shares it need not guess, and modesty.

It knows the homes and work places of made-up drivers (:class:`~simulator.adversary.training.Training`), and
so how often a sighting by a reader on a car, or at a car park, is one of the car parked at home, or at
work; and how far its posteriors can be trusted (:mod:`simulator.adversary.bayes.modesty`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.bayes.kinds import N_WORK_KINDS, Kinds, kind_masses, learn_kinds
from simulator.adversary.bayes.modesty import Modesty, learn_modesty, tame
from simulator.adversary.bayes.parked import AT_HOME, AT_WORK, Nearby, kinds_of
from simulator.adversary.joint import Joint
from simulator.adversary.posterior import Posterior, hypothesis_at
from simulator.adversary.training import Training
from simulator.sightings.view import DAY_S, ArchiveView

# What shares that are taken for granted count for, in sightings.
_PRIOR_SIGHTINGS = 4.0
_MOST = 0.95

#: Modesty about drivers whom only readers of passing traffic have seen, and about all others.
Modesties = tuple[Modesty, Modesty]


@dataclass(frozen=True, kw_only=True)
class Practice:
    """What made-up drivers taught; without any, what is taken for granted.

    Parameters
    ----------
    at_home, at_work
        Chance that a sighting is one of the car parked there, by kind
        (:mod:`simulator.adversary.bayes.parked`).
    home, work
        How posteriors are tamed; ``None``: not at all.
    kinds
        What kinds of pairs there are; ``None``: what the two posteriors say.
    home_own
        Share of stays of each class spent at home; ``None``: as taken for granted.
    """

    at_home: tuple[float, ...] = AT_HOME
    at_work: tuple[float, ...] = AT_WORK
    home: Modesties | None = None
    work: Modesties | None = None
    kinds: Kinds | None = None
    home_own: tuple[float, ...] | None = None

    def tamed(
        self,
        posterior: Posterior,
        view: ArchiveView,
        near: Nearby,
        *,
        target: Literal["home", "work"],
        none: float,
    ) -> Posterior:
        """Return a posterior of a view's plates as modest as practice has taught."""
        modesties = self.home if target == "home" else self.work
        if modesties is None:
            return posterior
        seen, aside, age = evidence_of(view, near)
        powers, doubts = (
            np.where(aside, of_aside, of_passing)
            for of_passing, of_aside in zip(
                *((m.powers(seen, age), m.doubts(seen, age)) for m in modesties), strict=True
            )
        )
        return tame(posterior, powers, doubts, none)

    def kinds_of_pairs(self, joint: Joint, view: ArchiveView, near: Nearby) -> Joint:
        """Return a joint posterior of a view's plates that knows what kinds of pairs there are."""
        if self.kinds is None:
            return joint
        seen, _, age = evidence_of(view, near)
        return replace(joint, kinds=self.kinds.odds(seen, age).astype(np.float32))


def evidence_of(
    view: ArchiveView, near: Nearby
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Return log(1 + sightings visible), whether any was not by a reader of passing traffic, and their age.

    The age is log(days that the archive goes back): few sightings in many days are of a car that hardly ever
    stands where readers on cars come by. All of shape (n_plates, n_checkpoints).
    """
    plate = np.repeat(np.arange(view.n_plates), np.diff(view.indptr))
    count = np.zeros((view.n_plates, view.n_checkpoints))
    aside = np.zeros(count.shape, dtype=np.bool_)
    age = np.zeros(count.shape)
    kept_days = np.maximum((view.expires_s - view.time_s) / DAY_S, 1.0)
    for k, day in enumerate(view.checkpoint_days):
        now_s = int(day) * DAY_S
        visible = (view.time_s < now_s) & (view.expires_s > now_s)
        count[:, k] = np.bincount(plate[visible], minlength=view.n_plates)
        aside[np.unique(plate[visible & (near.row >= 0)]), k] = True
        # Of several owners the one who keeps reads longest.
        longest = np.ones(view.n_plates)
        np.maximum.at(longest, plate[visible], kept_days[visible])
        age[:, k] = np.log(np.minimum(longest, float(day)))
    return np.log1p(count), aside, age


def learn_shares(training: Training, view: ArchiveView, near: Nearby) -> Practice:
    """Estimate how often made-up cars were read where they stand at home, and at work."""
    everyone = np.ones(training.n_drivers, dtype=np.bool_)
    return Practice(
        at_home=_parked_shares(view, near, training.home_edge, everyone, AT_HOME),
        at_work=_parked_shares(view, near, training.work_edge, training.has_work, AT_WORK),
    )


def learn_modesties(
    training: Training,
    view: ArchiveView,
    near: Nearby,
    shares: Practice,
    posteriors: tuple[Posterior, Posterior],
    no_work_share: float,
) -> Practice:
    """Hold posteriors of made-up drivers against their homes and work places."""
    seen, aside, age = evidence_of(view, near)

    # Of cars that only readers of passing traffic saw, age tells nothing beside the number of sightings.
    def learn(
        posterior: Posterior, edge: NDArray[np.int32], x_m: NDArray[np.float64], y_m: NDArray[np.float64],
        who: NDArray[np.bool_], none: float,
    ) -> Modesties | None:  # fmt: skip
        truth = hypothesis_at(posterior, edge, x_m, y_m)
        rows = np.repeat((who & (truth >= 0))[:, None], view.n_checkpoints, axis=1)
        passing, other = (
            learn_modesty(posterior, truth, rows & (aside == which), seen, none, age if which else None)
            for which in (False, True)
        )
        # Too few were seen by readers on cars to learn from: what the others taught holds for them, too.
        return None if passing is None else (passing, other or passing)

    everyone = np.ones(training.n_drivers, dtype=np.bool_)
    return replace(
        shares,
        home=learn(
            posteriors[0], training.home_edge, training.home_x_m, training.home_y_m, everyone, 0.0
        ),
        work=learn(
            posteriors[1], training.work_edge, training.work_x_m, training.work_y_m, training.has_work,
            no_work_share,
        ),
    )  # fmt: skip


def learn_pairs(
    training: Training, view: ArchiveView, near: Nearby, joint: Joint, home: Posterior, work: Posterior
) -> Kinds | None:
    """Hold beliefs about kinds of pairs against made-up drivers' homes and work places."""
    seen, _, age = evidence_of(view, near)
    work_kind = np.where(training.has_work, training.work_edge < 0, N_WORK_KINDS - 1)
    kind = (training.home_edge < 0) * N_WORK_KINDS + work_kind
    return learn_kinds(kind_masses(joint, home, work), seen, age, kind)


def log_score(home: Posterior, training: Training) -> float:
    """Return the mean log-probability of made-up drivers' homes at all checkpoints (Gneiting & Raftery 2007).

    Homes that are no hypothesis do not count.
    """
    truth = hypothesis_at(home, training.home_edge, training.home_x_m, training.home_y_m)
    who = np.flatnonzero(truth >= 0)
    truth, place, mass = truth[who, None, None], home.place[who], home.mass[who].astype(np.float64)
    found = place == truth
    listed_prior = np.where(place >= 0, home.prior[np.maximum(place, 0)], 0.0).sum(axis=2)
    # What is not listed is spread by the prior.
    left = np.maximum(1.0 - mass.sum(axis=2), 0.0) / np.maximum(1.0 - listed_prior, 1e-12)
    chance = np.where(found.any(axis=2), (mass * found).sum(axis=2), left * home.prior[truth[:, :, 0]])
    return float(np.log(chance + 1e-12).mean())


def _parked_shares(
    view: ArchiveView, near: Nearby, edge: NDArray[np.int32], who: NDArray[np.bool_], taken: tuple[float, ...]
) -> tuple[float, ...]:
    plate = np.repeat(np.arange(view.n_plates), np.diff(view.indptr))
    rows = np.flatnonzero((near.row >= 0) & who[plate])
    own = edge[plate[rows], None]
    hit = ((near.edge[near.row[rows]] == own) & (own >= 0)).any(axis=1)
    kind = kinds_of(view.time_s[rows], view.start_weekday, near.lot[near.row[rows]])
    # The first sighting of a driver and kind only: a car that stands in the street is seen again and again.
    _, first = np.unique(plate[rows] * len(taken) + kind, return_index=True)
    hits = np.bincount(kind[first], hit[first], len(taken))
    tries = np.bincount(kind[first], minlength=len(taken))
    share = (hits + _PRIOR_SIGHTINGS * np.array(taken)) / (tries + _PRIOR_SIGHTINGS)
    return tuple(float(s) for s in np.clip(share, 0.0, _MOST))
