"""Speed of home-work risks and of unicity on made-up traces.

``python -m experiments.bench_linking PEOPLE`` is run in a process of its own, whose memory is measured.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from numpy.typing import NDArray

from simulator.privacy.home_work_risk import home_work_risk
from simulator.privacy.traces import make_traces
from simulator.privacy.unicity import unicity

_READS_A_MONTH, _DAYS, _READERS, _OWN_PLACES = 108, 30, 176, 25


def made_up_reads(
    people: int, places: int, seed: int = 1
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return person, place and time of a month of reads.

    Everybody has 25 places of their own, drawn by Zipf's law and visited by rank to the power of -1.2.
    """
    rng = np.random.default_rng(seed)
    popularity = 1.0 / np.arange(1, places + 1)
    own = rng.choice(places, size=(people, _OWN_PLACES), p=popularity / popularity.sum())
    by_rank = np.arange(1, _OWN_PLACES + 1) ** -1.2
    person = np.repeat(np.arange(people), _READS_A_MONTH)
    rank = rng.choice(_OWN_PLACES, size=len(person), p=by_rank / by_rank.sum())
    hour = 5 + (rng.beta(2.2, 2.0, len(person)) * 17).astype(np.int64)
    time_s = rng.integers(0, _DAYS, len(person)) * 86_400 + hour * 3_600 + rng.integers(0, 3_600, len(person))
    return person, own[person, rank], time_s


def risk_seconds(people: int) -> float:
    """Return the seconds that home-work risks of some people take, best of three."""
    person, place, _ = made_up_reads(people, 2_000)
    took = []
    for _ in range(3):
        start = time.perf_counter()
        home_work_risk(person, place, n_people=people)
        took.append(time.perf_counter() - start)
    return min(took)


def unicity_seconds(people: int) -> float:
    """Return the seconds from reads to unicity of four points by reader and hour, kernels compiled."""
    unicity(make_traces(*made_up_reads(50, _READERS), n_people=50, minutes=60), 4)
    person, place, time_s = made_up_reads(people, _READERS)
    start = time.perf_counter()
    unicity(make_traces(person, place, time_s, n_people=people, minutes=60), 4)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(unicity_seconds(int(sys.argv[1])))
