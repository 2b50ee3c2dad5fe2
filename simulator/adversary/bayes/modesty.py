"""Posteriors tamed until their certainty is true of drivers that the adversary made up itself.

A composite likelihood, with tables that are wrong in the same way every day, claims too much or too little,
and how much depends on town, readers and number of sightings. The likelihood is therefore taken to a power
that grows or falls with the number of sightings (temperature scaling: Guo, Pleiss, Sun & Weinberger, "On
Calibration of Modern Neural Networks", 2017) and with the days that they are of, and a share of the mass
goes to a much tamer posterior, for drivers of whom the model has it all wrong. Power and share are chosen
by the logarithmic score of the true places (Gneiting & Raftery, JASA 2007) and by how often credible sets
hold them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from simulator.adversary.posterior import Posterior

LEVELS = np.array([0.5, 0.8, 0.95])
_POWER_RANGE = (0.1, 3.0)
_FEWEST_ROWS = 150
_MOST_ROWS = 2_000
_N_LISTED = 160
_USUAL_DOUBT = float(logit(0.05))
# What coverage counts beside the logarithmic score, in groups of drivers by number of sightings, and by days.
_COVERAGE_WEIGHT = 3.0
_GROUPS = 3
# Of power, growth, doubt and its growth, aging and that of doubt: what a change costs, and a first step.
_PULL = np.array([1.0, 20.0, 0.05, 1.0, 20.0, 1.0])
_STEPS = np.array([0.3, 0.1, 1.0, 0.3, 0.1, 0.3])
_LOOKS_A_PARAMETER = 32.5


@dataclass(frozen=True, kw_only=True)
class Modesty:
    """How posteriors of one target are tamed.

    Parameters
    ----------
    power, growth, aging
        The likelihood is taken to the power ``power * exp(growth * evidence + aging * age)``.
    doubt, doubt_growth, doubt_aging
        The tamer posterior has the share of mass whose log-odds are
        ``doubt + doubt_growth * evidence + doubt_aging * age``.
    """

    power: float = 1.0
    growth: float = 0.0
    doubt: float = -math.inf
    doubt_growth: float = 0.0
    aging: float = 0.0
    doubt_aging: float = 0.0

    def doubts(
        self, evidence: NDArray[np.floating], age: NDArray[np.floating] | float = 0.0
    ) -> NDArray[np.float64]:
        """Return the share of the tamer posterior for each amount of evidence, and age of it."""
        return np.asarray(expit(self.doubt + self.doubt_growth * evidence + self.doubt_aging * age))

    def powers(
        self, evidence: NDArray[np.floating], age: NDArray[np.floating] | float = 0.0
    ) -> NDArray[np.float64]:
        """Return the power for each amount of evidence, and age of it."""
        exponent = self.growth * evidence + self.aging * age
        return np.asarray(np.clip(self.power * np.exp(exponent), *_POWER_RANGE))


def tame(
    posterior: Posterior, powers: NDArray[np.float64], doubt: NDArray[np.float64], none: float
) -> Posterior:
    """Take likelihoods to a power, and mix with a tamer posterior.

    Parameters
    ----------
    powers, doubt
        Shape (n_plates, n_checkpoints).
    none
        Prior probability that there is no such place.
    """
    place, mass, nowhere = posterior.place.copy(), posterior.mass.copy(), posterior.none.copy()
    _tame(place, mass, nowhere, posterior.prior, powers, doubt, none)
    return replace(posterior, place=place, mass=mass, none=nowhere)


def learn_modesty(
    posterior: Posterior,
    truth: NDArray[np.int64],
    rows: NDArray[np.bool_],
    evidence: NDArray[np.float64],
    none: float,
    age: NDArray[np.float64] | None = None,
) -> Modesty | None:
    """Choose power, doubt and how they change by made-up drivers' true places; ``None``: too few of them.

    Parameters
    ----------
    posterior
        Of made-up drivers.
    truth
        Their true hypotheses, shape (n_plates,).
    rows
        Plates and checkpoints to learn from, shape (n_plates, n_checkpoints).
    evidence
        The same shape.
    none
        Prior probability that there is no such place.
    age
        The same shape as ``evidence``; if left out, age does not matter.
    """
    plate, checkpoint = np.nonzero(rows)
    if len(plate) < _FEWEST_ROWS:
        return None
    every = -(-len(plate) // _MOST_ROWS)
    plate, checkpoint = plate[::every], checkpoint[::every]
    place, mass = posterior.place[plate, checkpoint], posterior.mass[plate, checkpoint]
    # No row says more than its first places and the mass of all others.
    place, mass = np.ascontiguousarray(place[:, :_N_LISTED]), np.ascontiguousarray(mass[:, :_N_LISTED])
    nowhere, known = posterior.none[plate, checkpoint], evidence[plate, checkpoint]
    old = np.zeros(len(plate)) if age is None else age[plate, checkpoint]
    group, n_groups = _thirds(known), _GROUPS
    if age is not None:
        group, n_groups = group * _GROUPS + _thirds(old), _GROUPS * _GROUPS
    sizes = np.maximum(np.bincount(group, minlength=n_groups), 1)
    n = len(plate)
    count, at = np.empty(n, np.int64), np.empty(n, np.int64)
    left, left_prior = np.empty(n), np.empty(n)
    log_ratio, listed_prior = np.empty(mass.shape), np.empty(mass.shape)
    _prepare(
        place, mass, nowhere, posterior.prior, truth[plate], count, left, left_prior, at, log_ratio,
        listed_prior,
    )  # fmt: skip
    truth_prior = posterior.prior[truth[plate]]
    log_chance, level = np.empty(n), np.empty(n)

    size = 4 if age is None else 6
    start = np.tile([0.0, 0.0, _USUAL_DOUBT, 0.0, 0.0, 0.0][:size], (size + 1, 1))
    start[1:] += np.diag(_STEPS[:size])

    def of(parameters: NDArray[np.float64]) -> Modesty:
        power, growth, doubt, doubt_growth, *aging = (float(p) for p in parameters)
        old, older_doubt = aging or (0.0, 0.0)
        return Modesty(
            power=math.exp(power), growth=growth, doubt=doubt, doubt_growth=doubt_growth,
            aging=old, doubt_aging=older_doubt,
        )  # fmt: skip

    def loss(parameters: NDArray[np.float64]) -> float:
        modesty = of(parameters)
        _judge(
            count, left, left_prior, at, log_ratio, listed_prior, nowhere, truth_prior,
            modesty.powers(known, old), modesty.doubts(known, old), none, log_chance, level,
        )  # fmt: skip
        # A weak pull towards no change: a few hundred made-up drivers are not to decide on their own.
        pull = (parameters - start[0]) ** 2 @ _PULL[:size]
        off = 0.0
        for claimed in LEVELS:
            held = np.bincount(group, level <= claimed, n_groups) / sizes
            off += float(((held - claimed) ** 2 * sizes).sum() / (claimed * (1 - claimed)) / len(level))
        return float(-log_chance.mean() + _COVERAGE_WEIGHT * off + pull / len(level))

    looks = int(_LOOKS_A_PARAMETER * size)
    found = minimize(
        loss, start[0], method="Nelder-Mead",
        options={"xatol": 5e-3, "fatol": 1e-5, "maxfev": looks, "initial_simplex": start},
    )  # fmt: skip
    return of(found.x)


def _thirds(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.searchsorted(np.quantile(values, np.arange(1, _GROUPS) / _GROUPS), values)


@njit(cache=True)
def _ratios(place, mass, none, prior, log_ratio, listed_prior):  # type: ignore[no-untyped-def]
    """Fill one row's log-ratios of posterior to prior, and the priors.

    Returns the number of places, and posterior and prior of all other places.
    """
    left, left_prior, n = 1.0 - none, 1.0, 0
    for i in range(len(place)):
        if place[i] < 0:
            break
        a = max(prior[place[i]], 1e-30)
        listed_prior[i], log_ratio[i] = a, np.log(max(mass[i], 1e-20) / a)
        left -= mass[i]
        left_prior -= prior[place[i]]
        n += 1
    return n, max(left, 1e-9), max(left_prior, 1e-12)


@njit(cache=True)
def _sharp_and_tame(  # type: ignore[no-untyped-def]
    n, log_ratio, listed_prior, left, left_prior, none, power, none_prior, sharp, tamer
):
    """Fill the masses of one row's places under the power and a quarter of it.

    Returns what all other places have, and "none", under each.
    """
    q = 0.25 * power
    # Priors of places are given that there is one.
    scale, scale_tame = (1.0 - none_prior) ** (1.0 - power), (1.0 - none_prior) ** (1.0 - q)
    x = (left / left_prior) ** q
    rest_tame = scale_tame * left_prior * x
    rest = scale * left_prior * x**4
    nowhere, nowhere_tame = 0.0, 0.0
    if none_prior > 0.0:
        y = (max(none, 1e-12) / none_prior) ** q
        nowhere_tame, nowhere = none_prior * y, none_prior * y**4
    whole, whole_tame = rest + nowhere, rest_tame + nowhere_tame
    for i in range(n):
        y = np.exp(q * log_ratio[i])
        tamer[i], sharp[i] = scale_tame * listed_prior[i] * y, scale * listed_prior[i] * y**4
        whole += sharp[i]
        whole_tame += tamer[i]
    for i in range(n):
        sharp[i] /= whole
        tamer[i] /= whole_tame
    return rest / whole, rest_tame / whole_tame, nowhere / whole, nowhere_tame / whole_tame


@njit(cache=True)
def _tame(place, mass, none, prior, powers, doubt, none_prior):  # type: ignore[no-untyped-def]
    sharp, tamer = np.empty(place.shape[2]), np.empty(place.shape[2])
    log_ratio, listed_prior = np.empty(place.shape[2]), np.empty(place.shape[2])
    for p in range(place.shape[0]):
        for k in range(place.shape[1]):
            d = doubt[p, k]
            n, left, left_prior = _ratios(place[p, k], mass[p, k], none[p, k], prior, log_ratio, listed_prior)
            _, _, nowhere, nowhere_tame = _sharp_and_tame(
                n, log_ratio, listed_prior, left, left_prior, none[p, k], powers[p, k], none_prior, sharp,
                tamer,
            )  # fmt: skip
            none[p, k] = (1.0 - d) * nowhere + d * nowhere_tame
            # Likeliest first: an insertion sort, since the order hardly changes.
            for i in range(n):
                m, h = (1.0 - d) * sharp[i] + d * tamer[i], place[p, k, i]
                j = i
                while j > 0 and mass[p, k, j - 1] < m:
                    mass[p, k, j], place[p, k, j] = mass[p, k, j - 1], place[p, k, j - 1]
                    j -= 1
                mass[p, k, j], place[p, k, j] = m, h


@njit(cache=True)
def _prepare(place, mass, none, prior, truth, count, left, left_prior, at, log_ratio, listed_prior):  # type: ignore[no-untyped-def]
    """Work out what does not depend on the powers: ratios, and where each row's truth stands, or -1."""
    for r in range(len(truth)):
        count[r], left[r], left_prior[r] = _ratios(
            place[r], mass[r], none[r], prior, log_ratio[r], listed_prior[r]
        )
        at[r] = -1
        for i in range(count[r]):
            if place[r, i] == truth[r]:
                at[r] = i


@njit(cache=True)
def _judge(  # type: ignore[no-untyped-def]
    count, left, left_prior, at, log_ratio, listed_prior, none, truth_prior, powers, doubts, none_prior,
    log_chance, level,
):  # fmt: skip
    """Fill the log-probability of each row's truth, given that it exists, and the level of its credible set.

    Ties are broken by an even sequence in place of draws: the multiples of the golden ratio.
    """
    sharp, tamer = np.empty(log_ratio.shape[1]), np.empty(log_ratio.shape[1])
    for r in range(len(at)):
        n = count[r]
        rest, rest_tame, nowhere, nowhere_tame = _sharp_and_tame(
            n, log_ratio[r], listed_prior[r], left[r], left_prior[r], none[r], powers[r], none_prior, sharp,
            tamer,
        )  # fmt: skip
        doubt = doubts[r]
        u = (r * 0.6180339887498949) % 1.0
        exists = max(1.0 - (1.0 - doubt) * nowhere - doubt * nowhere_tame, 1e-6)
        if at[r] >= 0:
            own = (1.0 - doubt) * sharp[at[r]] + doubt * tamer[at[r]]
            below = u * own
            for i in range(n):
                m = (1.0 - doubt) * sharp[i] + doubt * tamer[i]
                if i != at[r] and m > own:
                    below += m
        else:
            others = (1.0 - doubt) * rest + doubt * rest_tame
            own = others * truth_prior[r] / left_prior[r]
            below = exists - u * others
        log_chance[r] = np.log(own / exists + 1e-12)
        level[r] = below / exists
