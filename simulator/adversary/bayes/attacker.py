"""The Bayesian adversary as an attacker: home and work of every plate, with its certainty."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack, Guesses
from simulator.adversary.bayes.arrays import Settings, SightingArrays
from simulator.adversary.bayes.habits import UNKNOWN_HABITS, Habits
from simulator.adversary.bayes.infer import infer_plates, point_guesses, softplus_table
from simulator.adversary.bayes.model import Side, model_of
from simulator.adversary.bayes.pairs import room_for_lifts
from simulator.adversary.bayes.parked import Nearby, nearby
from simulator.adversary.bayes.practice import (
    Practice,
    learn_modesties,
    learn_pairs,
    learn_shares,
    log_score,
)
from simulator.adversary.bayes.sparse_knowledge import density_posterior
from simulator.adversary.bayes.tables import chance_of_levels
from simulator.adversary.joint import OTHER_HOMES, OTHER_WORKS, Joint
from simulator.adversary.knowledge import Knowledge, ReaderFacts, Rung
from simulator.adversary.posterior import Posterior
from simulator.adversary.training import Training
from simulator.sightings.view import ArchiveView

# Three to one: a guess is worth more than silence as long as there may well be a place to find.
_NOWHERE = 0.75
_PRACTICE_CHECKPOINTS = 5
#: Shares of stays at home that practice tries beside ``home_own``, as long as it gets better.
TRUSTED_MORE = ((0.65, 0.5, 0.1, 0.0, 0.0), (0.8, 0.6, 0.1, 0.0, 0.0), (0.9, 0.75, 0.1, 0.0, 0.0))


_PRACTICES: weakref.WeakKeyDictionary[Training, dict[BayesAttacker, Practice]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class BayesAttacker:
    """Tables of first and last readers, habits as Polya urns, and likelihoods tempered for honesty.

    Parameters
    ----------
    name, title, citation, rung
        As of every attacker.
    habits
        The population figures that it reasons with.
    alpha
        Concentration of a driver's habits about what the place makes likely.
    home_temper, work_temper
        Power of the composite likelihood of the first sign, and the number of different signs by which it
        has lost a third. Ends of stays are not independent pieces of evidence given the place, and what is
        wrong in the tables is wrong every day: counting all in full would claim too much (Pauli, Racugno &
        Ventura 2011; Ribatet, Cooley & Davison 2012). Chosen by coverage on a few seeds of
        ``norfolk-density`` and of a ring-radial city.
    home_own, work_own
        Share of stays of each class (:mod:`simulator.adversary.bayes.events`) spent at home, at work. On
        traffic that this project did not write, practice may put more trust in stays at home.
    work_home
        Of noon gaps that are not spent at work, the share spent at home.
    none_home
        Share of noon gaps spent at home by somebody without a work place.
    guess_radius_m
        A point guess is the likely place with most mass within about this distance.
    max_cells, n_top
        Cells that are looked into, and places that are kept with their mass.
    learns
        It practises on made-up drivers, if its knowledge has any.
    """

    name: str = "bayes"
    title: str = "Bayesian adversary"
    citation: str = (
        "This project; route choice as a probit after C. F. Daganzo & Y. Sheffi (1977), On Stochastic Models "
        "of Traffic Assignment, Transportation Science 11(3)"
    )
    rung: Rung = Rung.HABITS
    habits: Habits = field(default=Habits(), repr=False)
    alpha: float = 1.5
    home_temper: tuple[float, float] = (0.54, 5.5)
    work_temper: tuple[float, float] = (0.6, 2.5)
    home_own: tuple[float, ...] = (0.5, 0.35, 0.1, 0.0, 0.0)
    work_own: tuple[float, ...] = (0.0, 0.0, 0.0, 0.5, 0.4)
    work_home: float = 0.6
    none_home: float = 0.65
    guess_radius_m: float = 400.0
    max_cells: int = 12
    n_top: int = 256
    learns: bool = True

    def infer(self, view: ArchiveView, knowledge: Knowledge) -> Attack:
        """Return guesses and posteriors of homes and work places of all plates at all checkpoints of a view.

        Without streets or readers it falls back on :mod:`simulator.adversary.bayes.sparse_knowledge`; without
        land use, streets count by length; below the rung of habits, distance does not matter to trips.
        """
        readers, streets = knowledge.readers, knowledge.streets
        if streets is None or readers is None:
            home, work = (density_posterior(view, noon=noon, readers=readers) for noon in (False, True))
            return Attack(
                home=guesses_of(home, self.guess_radius_m),
                work=guesses_of(work, self.guess_radius_m),
                home_posterior=home,
                work_posterior=work,
            )
        # Its tables are about cars: it looks at no reads of faces, and takes the readers for those of plates.
        view, readers = view.of_cameras(readers.reads_plates), readers.of_plates
        if readers is not knowledge.readers:
            knowledge = replace(knowledge, readers=readers)
        near = nearby(view, readers, streets)
        practice = self._practice(knowledge)
        home, work, joint = self._posteriors(view, near, knowledge, practice)
        return Attack(
            home=guesses_of(home, self.guess_radius_m),
            work=guesses_of(work, self.guess_radius_m),
            home_posterior=home,
            work_posterior=work,
            joint=practice.kinds_of_pairs(joint, view, near),
        )

    def _practice(self, knowledge: Knowledge) -> Practice:
        """Return what made-up drivers taught, worked out once for each lot of them."""
        if knowledge.training is None:
            return Practice()
        done = _PRACTICES.setdefault(knowledge.training, {})
        if self not in done:
            done[self] = self._practise(knowledge, knowledge.training)
        return done[self]

    def _practise(self, knowledge: Knowledge, training: Training) -> Practice:
        readers, streets = knowledge.readers, knowledge.streets
        assert readers is not None and streets is not None
        # Made-up drivers were read by all readers there are, of faces too; those are left out here as above.
        view = training.view.of_cameras(training.reads_plates)
        some = np.unique(np.linspace(0, view.n_checkpoints - 1, _PRACTICE_CHECKPOINTS).round().astype(int))
        view = replace(view, checkpoint_days=view.checkpoint_days[some])
        near = nearby(view, readers, streets)
        no_work = self.habits.no_work_share

        def practised(shares: Practice) -> tuple[Posterior, Practice]:
            home, work, joint = self._posteriors(view, near, knowledge, shares)
            practice = learn_modesties(training, view, near, shares, (home, work), no_work)
            tamed = (
                practice.tamed(home, view, near, target="home", none=0.0),
                practice.tamed(work, view, near, target="work", none=no_work),
            )
            kinds = learn_pairs(training, view, near, joint, *tamed)
            return home, replace(practice, kinds=kinds)

        def score(home: Posterior, practice: Practice) -> float:
            return log_score(practice.tamed(home, view, near, target="home", none=0.0), training)

        home, practice = practised(learn_shares(training, view, near))
        if knowledge.manner is None:
            return practice
        best = score(home, practice)
        for home_own in TRUSTED_MORE:
            home, tried = practised(replace(learn_shares(training, view, near), home_own=home_own))
            reached = score(home, tried)
            if reached <= best:
                break
            best, practice = reached, tried
        return practice

    def _posteriors(
        self, view: ArchiveView, near: Nearby, knowledge: Knowledge, practice: Practice
    ) -> tuple[Posterior, Posterior, Joint]:
        readers = knowledge.readers
        assert readers is not None
        habits = self.habits.in_the_manner_of(knowledge.manner)
        model = model_of(knowledge, habits if knowledge.rung >= Rung.HABITS else UNKNOWN_HABITS)
        shape = (2, view.n_plates, view.n_checkpoints, self.n_top)
        place = np.full(shape, -1, dtype=np.int32)
        mass = np.zeros(shape, dtype=np.float32)
        no_work = np.zeros(shape[1:3], dtype=np.float32)
        lifts = room_for_lifts(view.n_plates, view.n_checkpoints)
        chance = chance_of_levels()
        infer_plates(
            _sightings(view, readers, near),
            np.require(view.checkpoint_days, np.int32, "C"),
            int(view.start_weekday),
            model.signs.of_pair,
            model.usual,
            self._settings(practice),
            model.home_arrays,
            model.work_arrays,
            model.ways,
            chance,
            softplus_table(float(np.log(chance[1] / chance[0]))),
            place,
            mass,
            no_work,
            lifts,
        )
        home = _posterior(model.home, place[0], mass[0], np.zeros_like(no_work))
        work = _posterior(model.work, place[1], mass[1], no_work)
        return (
            practice.tamed(home, view, near, target="home", none=0.0),
            practice.tamed(work, view, near, target="work", none=self.habits.no_work_share),
            Joint(**lifts._asdict(), kinds=np.ones((*shape[1:3], OTHER_HOMES, OTHER_WORKS), np.float32)),
        )

    def _settings(self, practice: Practice) -> Settings:
        return Settings(
            alpha=self.alpha,
            home_full=self.home_temper[0],
            home_half=self.home_temper[1],
            work_full=self.work_temper[0],
            work_half=self.work_temper[1],
            work_home=self.work_home,
            none_home=self.none_home,
            no_work=self.habits.no_work_share,
            home_own=np.repeat(practice.home_own or self.home_own, 2),
            work_own=np.repeat(self.work_own, 2),
            at_home=np.array(practice.at_home),
            at_work=np.array(practice.at_work),
            max_cells=self.max_cells,
        )


def _sightings(view: ArchiveView, readers: ReaderFacts, near: Nearby) -> SightingArrays:
    return SightingArrays(
        indptr=np.require(view.indptr, np.int64, "C"),
        time_s=np.require(view.time_s, np.int64, "C"),
        camera=np.require(view.camera_id, np.int32, "C"),
        expires_s=np.require(view.expires_s, np.int64, "C"),
        passed=readers.fixed if readers.lot is None else readers.fixed & ~readers.lot,
        near_row=near.row,
        near_edge=near.edge,
        near_share=near.share,
        near_lot=near.lot,
    )


def _posterior(
    side: Side, place: NDArray[np.int32], mass: NDArray[np.float32], none: NDArray[np.float32]
) -> Posterior:
    places = side.places
    return Posterior(
        edge=places.edge,
        x_m=places.x_m,
        y_m=places.y_m,
        area_m2=places.area_m2,
        prior=places.prior,
        place=place,
        mass=mass,
        none=none,
    )


def guesses_of(posterior: Posterior, radius_m: float) -> Guesses:
    """Return the points with most mass near them; none where it is three to one that there is no such place.

    Among likely places, the point is the one that minimises the expected loss of who counts a guess as right
    if it is near enough, by a smooth kernel of about ``radius_m`` metres.
    """
    n, k, top = posterior.place.shape
    x, y, confidence = (np.full(n * k, np.nan, dtype=np.float32) for _ in range(3))
    point_guesses(
        posterior.place.reshape(n * k, top), posterior.mass.reshape(n * k, top), posterior.edge >= 0,
        posterior.x_m, posterior.y_m, radius_m, x, y, confidence,
    )  # fmt: skip
    nowhere = posterior.none.ravel() > _NOWHERE
    x[nowhere] = y[nowhere] = confidence[nowhere] = np.nan
    return Guesses(x_m=x.reshape(n, k), y_m=y.reshape(n, k), confidence=confidence.reshape(n, k))
