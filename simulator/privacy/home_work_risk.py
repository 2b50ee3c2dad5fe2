"""Risk of being found by one's home and work place: one over the number of people with the same pair.

R. Pellungrini, L. Pappalardo, F. Pratesi & A. Monreale (2018), A Data Mining Approach to Assess Privacy Risk
in Human Mobility Data, ACM TIST 9(3): an attacker knows the two most visited places. scikit-mobility 1.3.1
means to do the same, but its code sorts visits upwards and takes the first two, that is the *least* visited.
Both readings are offered, each under its own name.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.errors import ScenarioError, did_you_mean
from simulator.privacy.traces import dense

Reading = Literal["most-visited", "least-visited"]


def home_work_risk(
    person: NDArray[np.integer],
    place: NDArray[np.integer],
    *,
    n_people: int,
    reading: Reading = "most-visited",
) -> pl.DataFrame:
    """Return for each person how many share the pair of places, and one over it.

    Parameters
    ----------
    person, place
        One element a visit, shape (n,): 0 to ``n_people - 1``, and any code of a place.
    n_people
        How many people there are, those never seen included.
    reading
        ``most-visited``: the two most visited places stand for home and work. ``least-visited``: the two
        least visited ones, as scikit-mobility 1.3.1 does, though that is no sensible attack.

    Returns
    -------
    pl.DataFrame
        One row a person: person, places (distinct ones known, 0 to 2), matches, risk. The pair has no
        order. Of places visited equally often the one with the smaller code counts as more visited. Who has
        one place only is matched by everybody who has it in their pair, as in scikit-mobility; who has none
        has no risk.

    Raises
    ------
    ScenarioError
        If there is no such reading.
    """
    if reading not in get_args(Reading):
        raise ScenarioError(f"No reading is called '{reading}'. {did_you_mean(reading, get_args(Reading))}")
    code, n_places = dense(place)
    width = max(n_places, 1)
    key = np.asarray(person, dtype=np.int64) * width + code
    key.sort()
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    distinct, visits = key[starts], np.diff(np.append(starts, len(key)))
    who, where = distinct // width, distinct % width
    # Of equally visited places the smaller code is taken for the more visited one, in both readings.
    order = np.lexsort((where, -visits, who) if reading == "most-visited" else (-where, visits, who))
    who, where = who[order], where[order]
    first = np.searchsorted(who, np.arange(n_people + 1))
    count = np.diff(first)
    one = np.full(n_people, -1, dtype=np.int64)
    two = one.copy()
    has, both = count >= 1, count >= 2
    one[has] = where[first[:-1][has]]
    two[both] = where[first[:-1][both] + 1]
    low, high = np.minimum(one, two), np.maximum(one, two)
    pair = np.where(both, low * width + high, -1)
    matches = np.zeros(n_people, dtype=np.int64)
    _, inverse, sizes = np.unique(pair[both], return_inverse=True, return_counts=True)
    matches[both] = sizes[inverse]
    single = has & ~both
    if single.any():
        mentioned = np.bincount(one[has], minlength=width) + np.bincount(two[both], minlength=width)
        matches[single] = mentioned[one[single]]
    risk = np.where(matches > 0, 1.0 / np.maximum(matches, 1), np.nan)
    return pl.DataFrame(
        {
            "person": np.arange(n_people),
            "places": np.minimum(count, 2),
            "matches": matches,
            "risk": risk,
        }
    ).with_columns(pl.col("risk").fill_nan(None))
