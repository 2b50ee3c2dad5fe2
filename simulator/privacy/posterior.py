"""How much a posterior gives away, and whether its certainty is true.

Measures: credible area; rank of the truth; the level of the smallest credible set that holds the truth, ties
broken at random, which is uniform when the posterior is calibrated (Talts, Betancourt, Simpson, Vehtari &
Gelman, "Validating Bayesian inference algorithms with simulation-based calibration", 2018); the anonymity set
(Golle & Partridge, Pervasive 2009) as the number of street sides in the 95% credible set; entropy; expected
estimation error (Shokri, Theodorakopoulos, Le Boudec & Hubaux, IEEE S&P 2011); mass near the point guess.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.adversary.attacker import Guesses
from simulator.adversary.posterior import Posterior
from simulator.streams import Stream, stream_key, uniforms

CREDIBLE_LEVEL = 0.95
MASS_RADII_M = (100, 250, 500, 1000)
KNOWN_MASS, KNOWN_RADIUS_M = 0.9, 250

#: Columns of ``beliefs`` that only attackers with a posterior fill.
POSTERIOR_COLUMNS = (
    "credible_area_m2",
    "truth_rank",
    "truth_level",
    "anonymity_set",
    "entropy_bits",
    "expected_error_m",
    "none_mass",
    *(f"mass_within_{r}m" for r in MASS_RADII_M),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Disclosure:
    """The measures, each of shape (n_drivers, n_checkpoints), by the names in :data:`POSTERIOR_COLUMNS`."""

    columns: dict[str, NDArray[np.float64]]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether the adversary holds the place for known: mass of at least 0.9 within 250 m of its guess."""
        return self.columns[f"mass_within_{KNOWN_RADIUS_M}m"] >= KNOWN_MASS


def disclose(
    posterior: Posterior,
    guesses: Guesses,
    truth: NDArray[np.int64],
    driver_id: NDArray[np.int32],
    who: NDArray[np.bool_],
    *,
    seed: int = 0,
) -> Disclosure:
    """Measure a posterior against the truth.

    Parameters
    ----------
    posterior, guesses
        Of all plates of a view.
    truth
        The true hypothesis of each driver, shape (n_plates,), -1 if it is none.
    driver_id
        Shape (n_plates,); ties are broken by a draw that belongs to the driver.
    who
        Drivers to measure, shape (n_plates,). Masses are taken as given that the place exists.
    seed
        Root seed of the tie-breaking draws.
    """
    at = np.flatnonzero(who)
    n, k = len(at), posterior.place.shape[1]
    out = np.full((len(POSTERIOR_COLUMNS), n, k), np.nan)
    _disclose(
        np.uint64(stream_key(seed, Stream.TIE_BREAK)),
        posterior.place,
        posterior.mass,
        posterior.none,
        np.ascontiguousarray(posterior.edge >= 0),
        posterior.x_m,
        posterior.y_m,
        posterior.area_m2,
        posterior.prior,
        guesses.x_m,
        guesses.y_m,
        truth,
        driver_id.astype(np.int64),
        at,
        np.array(MASS_RADII_M, dtype=np.float64),
        CREDIBLE_LEVEL,
        out,
    )
    return Disclosure(columns=dict(zip(POSTERIOR_COLUMNS, out, strict=True)))


@njit(cache=True)
def _disclose(  # type: ignore[no-untyped-def]
    key, place, mass, none, inside, x_m, y_m, area_m2, prior, guess_x, guess_y, truth, driver, at, radii,
    level, out,
):  # fmt: skip
    n_top, n_all = place.shape[2], len(prior)
    prior_sum, prior_entropy, area_sum = 0.0, 0.0, area_m2.sum()
    for h in range(n_all):
        prior_sum += prior[h]
        if prior[h] > 0:
            prior_entropy -= prior[h] * np.log(prior[h])
    for i in range(len(at)):
        p = at[i]
        for k in range(place.shape[1]):
            exists = 1.0 - none[p, k]
            if exists < 1e-6:
                exists = 1e-6
            total, entropy, error = 0.0, 0.0, 0.0
            listed_prior, listed_entropy, listed_area = 0.0, 0.0, 0.0
            area, members = 0.0, 0.0
            rank, found, below = -1, False, 0.0
            u = uniforms(key, driver[p], k, 0, 0)[0]
            n = 0
            within = np.zeros(len(radii))
            for j in range(n_top):
                h = place[p, k, j]
                if h < 0:
                    break
                n += 1
                m = mass[p, k, j] / exists
                if total < level:
                    area += area_m2[h]
                    members += 1.0
                if h == truth[p]:
                    found, rank, below = True, j + 1, total + u * m
                total += m
                if m > 0:
                    entropy -= m * np.log(m)
                listed_prior += prior[h]
                listed_area += area_m2[h]
                if prior[h] > 0:
                    listed_entropy -= prior[h] * np.log(prior[h])
                if inside[h]:
                    d = np.hypot(x_m[h] - guess_x[p, k], y_m[h] - guess_y[p, k])
                    error += m * d
                    for r in range(len(radii)):
                        if d <= radii[r]:
                            within[r] += m
            rest = min(max(1.0 - total, 0.0), 1.0)
            rest_prior = max(prior_sum - listed_prior, 1e-12)
            if total < level and rest > 0:
                part = (level - total) / rest
                area += part * max(area_sum - listed_area, 0.0)
                members += part * (n_all - n)
            if rest > 1e-9:
                spread = max(prior_entropy - listed_entropy, 0.0) / rest_prior + np.log(rest_prior)
                entropy += rest * (spread - np.log(rest))
            out[0, i, k] = area
            if truth[p] >= 0:
                # Places that are not listed are tied: any order among them will do.
                out[1, i, k] = rank if found else n + 1 + int(u * max(n_all - n - 1, 0))
                out[2, i, k] = min(below if found else total + u * rest, 1.0)
            out[3, i, k] = members
            out[4, i, k] = entropy / np.log(2.0)
            if n > 0 and guess_x[p, k] == guess_x[p, k]:
                out[5, i, k] = error
            out[6, i, k] = none[p, k]
            for r in range(len(radii)):
                out[7 + r, i, k] = within[r] * exists
