"""Linking two sensor networks: the same cars under ids of two archives, joined by where and when they were.

D. Kondor, B. Hashemian, Y.-A. de Montjoye & C. Ratti (2018), Towards matching user mobility traces in
large-scale datasets, IEEE Transactions on Big Data. Two sightings *match* if they are near in time and place;
a sighting that the other id could not have made in time is an *alibi*. The pair with the most matches, less
its alibis, is taken for one driver.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.adversary.linking.habits import Links
from simulator.sightings.label_view import LabelView

#: How far apart in time two sightings of one car may match, seconds (free).
WINDOW_S = 600
#: How far apart in place, metres (free).
RADIUS_M = 1_000.0
#: Faster than this between two sightings, as the crow flies, nobody is, metres a second (assumed).
TOP_SPEED_MPS = 40.0
_SHORTLIST = 5


def link_networks(
    a: LabelView,
    b: LabelView,
    *,
    window_s: int = WINDOW_S,
    radius_m: float = RADIUS_M,
    top_speed_mps: float = TOP_SPEED_MPS,
) -> Links:
    """Find for each label of one network the label of the other that is the same car.

    Parameters
    ----------
    a, b
        Sightings of the two networks over the same days.
    window_s, radius_m
        When two sightings match.
    top_speed_mps
        What tells an alibi.

    Returns
    -------
    Links
        Best label of ``b`` for each label of ``a`` that has a match. ``score`` is matches less alibis, less
        those of the runner-up: a pair is claimed if that is above 0, so that it is alone at the top.
    """
    first, second, matches = _matches(a, b, window_s, radius_m)
    links = _nobody(a, b)
    if not len(first):
        return links
    order = np.lexsort((second, -matches, first))
    first, second, matches = first[order], second[order], matches[order]
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    rank = np.arange(len(first)) - np.repeat(starts, np.diff(np.append(starts, len(first))))
    kept = rank < _SHORTLIST
    first, second, matches = first[kept], second[kept], matches[kept]
    alibis = _alibis(
        first, second, a.indptr, a.time_s, a.x_m, a.y_m, b.indptr, b.time_s, b.x_m, b.y_m,
        np.int64(window_s), float(top_speed_mps), float(radius_m),
    )  # fmt: skip
    score = (matches - alibis).astype(np.float64)
    order = np.lexsort((second, -score, first))
    first, second, score = first[order], second[order], score[order]
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    alone = np.diff(np.append(starts, len(first))) < 2
    runner_up = np.where(alone, 0.0, score[np.minimum(starts + 1, len(score) - 1)])
    lead = np.where(score[starts] > 0, score[starts] - np.maximum(runner_up, 0.0), -1.0)
    return Links(
        earlier=first[starts],
        later=second[starts],
        score=lead,
        claimed=lead > 0.0,
        asked=links.asked,
        candidates=links.candidates,
    )


def _nobody(a: LabelView, b: LabelView) -> Links:
    none = np.empty(0, dtype=np.int64)
    return Links(
        earlier=none,
        later=none,
        score=np.empty(0),
        claimed=np.empty(0, dtype=np.bool_),
        asked=a.n_labels,
        candidates=b.n_labels,
    )


def _matches(
    a: LabelView, b: LabelView, window_s: int, radius_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of labels with sightings that match, and how many of a's sightings do."""
    places_a, at_a = np.unique(a.x_m + 1j * a.y_m.astype(np.float64), return_inverse=True)
    places_b, at_b = np.unique(b.x_m + 1j * b.y_m.astype(np.float64), return_inverse=True)
    empty = np.empty(0, dtype=np.int64)
    if not len(places_a) or not len(places_b):
        return empty, empty, empty
    tree = cKDTree(np.column_stack([places_b.real, places_b.imag]))
    near = tree.query_ball_point(np.column_stack([places_a.real, places_a.imag]), radius_m)
    # Sightings of b by place and time, as one ascending key.
    span = int(max(a.time_s.max(), b.time_s.max())) + 2 * window_s + 2
    key = at_b.astype(np.int64) * span + b.time_s
    order = np.argsort(key, kind="stable")
    key, label_b = key[order], b.label()[order]
    label_a = a.label()
    found = []
    for place, others in enumerate(near):
        rows = np.flatnonzero(at_a == place)
        for other in others:
            base = np.int64(other) * span
            # Times before the first second lie in no other place's range.
            lo = np.searchsorted(key, base + np.maximum(a.time_s[rows] - window_s, 0))
            hi = np.searchsorted(key, base + a.time_s[rows] + window_s, side="right")
            count = hi - lo
            which = np.repeat(np.arange(len(rows)), count)
            within = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
            found.append(np.column_stack([rows[which], label_b[lo[which] + within]]))
    hits = np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)
    # A sighting matches a label once, however often the other network saw it nearby.
    distinct = np.unique(hits[:, 0] * np.int64(b.n_labels) + hits[:, 1])
    pair = label_a[distinct // b.n_labels] * np.int64(b.n_labels) + distinct % b.n_labels
    pairs, matches = np.unique(pair, return_counts=True)
    return pairs // b.n_labels, pairs % b.n_labels, matches


@njit(cache=True, nogil=True)
def _alibis(  # type: ignore[no-untyped-def]
    first, second, a_indptr, a_time, a_x, a_y, b_indptr, b_time, b_x, b_y, window_s, top_speed, slack_m,
):  # fmt: skip
    """Count for each pair the sightings of a that one of b within the window makes impossible."""
    out = np.zeros(len(first), np.int64)
    for k in range(len(first)):
        lo = b_indptr[second[k]]
        end = b_indptr[second[k] + 1]
        for i in range(a_indptr[first[k]], a_indptr[first[k] + 1]):
            while lo < end and b_time[lo] < a_time[i] - window_s:
                lo += 1
            j = lo
            while j < end and b_time[j] <= a_time[i] + window_s:
                apart = np.hypot(a_x[i] - b_x[j], a_y[i] - b_y[j])
                if apart > slack_m + top_speed * abs(a_time[i] - b_time[j]):
                    out[k] += 1
                    break
                j += 1
    return out
