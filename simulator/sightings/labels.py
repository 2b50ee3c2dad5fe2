"""Sightings under labels that are not plates: pseudonyms of one period, or the ids of another network.

Labels are drawn anew and in random order, so that a label's number tells nothing about its driver. Who is
behind a label is returned beside the labels, for scoring; no attacker is given it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.archive_rules import Pseudonyms
from simulator.sightings.capture import Sightings
from simulator.sightings.label_view import LabelView
from simulator.sightings.view import DAY_S
from simulator.streams import Stream, generator

_PERIOD_DAYS = {"daily": 1, "weekly": 7, "monthly": 30}


def pseudonymise(
    sightings: Sightings, rule: Pseudonyms, *, seed: int, start_weekday: int
) -> tuple[LabelView, NDArray[np.uint32]]:
    """Give plates the labels that an archive with pseudonyms would store.

    Parameters
    ----------
    sightings
        Sorted by plate and time.
    rule
        When labels change. Under ``trip`` a label's period is the day on which the trip began.
    seed, start_weekday
        Root seed of the replicate; weekday of the first day, 0 = Monday.

    Returns
    -------
    LabelView
        What can be seen.
    NDArray
        The plate behind each label, shape (n_labels,): truth, for scoring.
    """
    plate, time_s = sightings.plate, sightings.time_s
    n = sightings.n_sightings
    period = np.zeros(n, dtype=np.int64)
    starts = np.ones(n, dtype=np.bool_)
    starts[1:] = plate[1:] != plate[:-1]
    if rule.rotation == "trip":
        starts[1:] |= np.diff(time_s) >= rule.gap_minutes * 60
        first = np.flatnonzero(starts)
        period = (time_s[first] // DAY_S)[np.cumsum(starts) - 1]
    elif rule.rotation != "never":
        period = time_s // (_PERIOD_DAYS[rule.rotation] * DAY_S)
        starts[1:] |= np.diff(period) != 0
    return _labelled(sightings, starts, period, seed, ("rotation", rule.rotation), start_weekday)


def one_network(
    sightings: Sightings, name: str, *, seed: int, start_weekday: int
) -> tuple[LabelView, NDArray[np.uint32]]:
    """Give plates the ids of one network, which no other network knows; sorted by plate and time.

    Returns are those of :func:`pseudonymise`.
    """
    starts = np.ones(sightings.n_sightings, dtype=np.bool_)
    starts[1:] = sightings.plate[1:] != sightings.plate[:-1]
    period = np.zeros(sightings.n_sightings, dtype=np.int64)
    return _labelled(sightings, starts, period, seed, ("network", name), start_weekday)


def _labelled(
    sightings: Sightings,
    starts: NDArray[np.bool_],
    period: NDArray[np.int64],
    seed: int,
    entity: tuple[str, str],
    start_weekday: int,
) -> tuple[LabelView, NDArray[np.uint32]]:
    first = np.flatnonzero(starts)
    shuffled = generator(seed, Stream.PSEUDONYMS, *entity).permutation(len(first))
    length = np.diff(np.append(first, sightings.n_sightings))[shuffled]
    indptr = np.concatenate([[0], np.cumsum(length)]).astype(np.int64)
    rows = np.arange(sightings.n_sightings) + np.repeat(first[shuffled] - indptr[:-1], length)
    view = LabelView(
        indptr=indptr,
        period=period[first[shuffled]],
        time_s=sightings.time_s[rows],
        camera_id=sightings.camera_id[rows],
        x_m=sightings.x_m[rows],
        y_m=sightings.y_m[rows],
        start_weekday=start_weekday,
    )
    return view, sightings.plate[first[shuffled]]
