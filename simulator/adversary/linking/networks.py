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
    first, second, matches = _shortlist(a, b, window_s, radius_m)
    links = _nobody(a, b)
    if not len(first):
        return links
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


def _shortlist(
    a: LabelView, b: LabelView, window_s: int, radius_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return for each label of a those of b with the most matches, and how many of a's sightings match."""
    places_a, at_a = np.unique(a.x_m + 1j * a.y_m.astype(np.float64), return_inverse=True)
    places_b, at_b = np.unique(b.x_m + 1j * b.y_m.astype(np.float64), return_inverse=True)
    if not len(places_a) or not len(places_b):
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, empty
    tree = cKDTree(np.column_stack([places_b.real, places_b.imag]))
    near = tree.query_ball_point(np.column_stack([places_a.real, places_a.imag]), radius_m)
    order = np.lexsort((b.time_s, at_b))
    return _most_matches(  # type: ignore[no-any-return]
        a.indptr,
        at_a.astype(np.int64),
        a.time_s,
        np.concatenate([[0], np.cumsum([len(n) for n in near])]).astype(np.int64),
        np.concatenate([np.asarray(n, dtype=np.int64) for n in near]),
        np.searchsorted(at_b[order], np.arange(len(places_b) + 1)).astype(np.int64),
        b.time_s[order],
        b.label()[order],
        b.n_labels,
        np.int64(window_s),
    )


@njit(cache=True, nogil=True)
def _most_matches(  # type: ignore[no-untyped-def]
    a_indptr, a_place, a_time, near_indptr, near, b_indptr, b_time, b_label, n_b, window_s
):
    """Keep the labels of b that match the most sightings of each label of a; ties: the smaller label."""
    n_a = len(a_indptr) - 1
    first = np.empty(_SHORTLIST * n_a, np.int64)
    second = np.empty(_SHORTLIST * n_a, np.int64)
    matches = np.empty(_SHORTLIST * n_a, np.int64)
    count = np.zeros(n_b, np.int64)
    counted_for = np.full(n_b, -1, np.int64)
    touched = np.empty(n_b, np.int64)
    n = 0
    for i in range(n_a):
        met = 0
        for row in range(a_indptr[i], a_indptr[i + 1]):
            for k in range(near_indptr[a_place[row]], near_indptr[a_place[row] + 1]):
                lo, end = b_indptr[near[k]], b_indptr[near[k] + 1]
                j = lo + np.searchsorted(b_time[lo:end], a_time[row] - window_s)
                while j < end and b_time[j] <= a_time[row] + window_s:
                    label = b_label[j]
                    # A sighting matches a label once, however often the other network saw it nearby.
                    if counted_for[label] != row:
                        counted_for[label] = row
                        if count[label] == 0:
                            touched[met] = label
                            met += 1
                        count[label] += 1
                    j += 1
        start = n
        for k in range(met):
            label, value = touched[k], count[touched[k]]
            count[label] = 0
            at = n
            while at > start and (
                matches[at - 1] < value or (matches[at - 1] == value and second[at - 1] > label)
            ):
                at -= 1
            if at - start >= _SHORTLIST:
                continue
            last = min(n, start + _SHORTLIST - 1)
            for q in range(last, at, -1):
                second[q], matches[q] = second[q - 1], matches[q - 1]
            first[last], second[at], matches[at] = i, label, value
            n = last + 1
    return first[:n], second[:n], matches[:n]


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
