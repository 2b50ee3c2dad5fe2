"""Joining pseudonyms of two periods by habits: who is seen where, at what time of day and week.

The score of two labels is a log likelihood ratio: the later label's sightings under the earlier one's
frequencies (mixed with everybody's) against everybody's. With a prior of one over the number of labels it
says when a pair is likelier right than not. Cosine similarity of TF-IDF weights is offered beside it.
After S. Gambs, M.-O. Killijian & M. Núñez del Prado Cortez (2014), De-anonymization attack on geolocated
data, Journal of Computer and System Sciences 80(8), with reader frequencies in place of Markov chains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment

from simulator.errors import ScenarioError
from simulator.sightings.label_view import LabelView

Score = Literal["likelihood", "cosine"]
#: Share of a label's sightings that its own past explains; the rest is everybody's (assumed).
HABIT_SHARE = 0.7
#: One-to-one assignment is cubic in labels; beyond this many, each label takes its best match alone.
MOST_ASSIGNED = 4_000
_BAND_S = 3 * 3600
_BANDS = 86_400 // _BAND_S


@dataclass(frozen=True, kw_only=True, eq=False)
class Links:
    """Pairs of labels that an attacker takes for one driver.

    Parameters
    ----------
    earlier, later
        Labels, shape (n_links,).
    score
        Log posterior odds that the pair is right (likelihood), or similarity (cosine).
    claimed
        Whether the attacker stands by the pair: odds above 1, or a similarity above 0.
    asked
        How many labels of the earlier period were to be linked.
    candidates
        How many labels of the later period there were to choose from.
    """

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    score: NDArray[np.float64]
    claimed: NDArray[np.bool_]
    asked: int
    candidates: int


def habit_counts(view: LabelView) -> sparse.csr_array:
    """Return how often each label was seen by reader, three hours of the day, and weekday or weekend.

    Shape (n_labels, n_readers x 16).
    """
    weekend = (view.start_weekday + view.time_s // 86_400) % 7 >= 5
    band = view.time_s % 86_400 // _BAND_S
    feature = (view.camera_id.astype(np.int64) * 2 + weekend) * _BANDS + band
    width = 2 * _BANDS * (int(view.camera_id.max()) + 1) if len(view.camera_id) else 1
    # A copy: summing duplicates in place would write into the view's own row pointers.
    rows = view.indptr.copy()
    counts = sparse.csr_array(
        (np.ones(len(feature)), feature, rows), shape=(view.n_labels, width), dtype=np.float64
    )
    counts.sum_duplicates()
    return counts


def link_periods(
    view: LabelView,
    earlier: int,
    later: int,
    *,
    score: Score = "likelihood",
    counts: sparse.csr_array | None = None,
    one_to_one: bool = True,
) -> Links:
    """Join the labels of two periods.

    Parameters
    ----------
    view
        Sightings under pseudonyms.
    earlier, later
        Periods, as in :attr:`LabelView.period`.
    score
        ``likelihood`` or ``cosine``.
    counts
        :func:`habit_counts` of the view, to make them once.
    one_to_one
        Each label of the later period is given away once (optimal assignment); else each earlier label takes
        its best match, as where a driver has several labels a period.

    Raises
    ------
    ScenarioError
        If the view has fewer than two periods, or not these.
    """
    used = np.unique(view.period)
    if len(used) < 2:
        raise ScenarioError(
            "There is nothing to link: the pseudonyms last longer than the data, all sightings fall into "
            f"{len(used)} period. Simulate more days, or let pseudonyms change more often."
        )
    for period in (earlier, later):
        if period not in used:
            raise ScenarioError(
                f"No label was used in period {period}; there are periods {used[0]} to {used[-1]}."
            )
    counts = habit_counts(view) if counts is None else counts
    a, b = np.flatnonzero(view.period == earlier), np.flatnonzero(view.period == later)
    matrix = (
        _log_odds(counts[a], counts[b]) if score == "likelihood" else _cosine(counts[a], counts[b], counts)
    )
    if one_to_one and max(len(a), len(b)) <= MOST_ASSIGNED:
        row, column = linear_sum_assignment(matrix, maximize=True)
    else:
        row, column = np.arange(len(a)), np.argmax(matrix, axis=1)
    best = matrix[row, column]
    return Links(
        earlier=a[row],
        later=b[column],
        score=best,
        claimed=best > 0.0,
        asked=len(a),
        candidates=len(b),
    )


def _log_odds(past: sparse.csr_array, present: sparse.csr_array) -> NDArray[np.float64]:
    """Return log posterior odds of each pair, shape (n_past, n_present)."""
    everybody = np.asarray(past.sum(axis=0) + present.sum(axis=0), dtype=np.float64).ravel()
    everybody = (everybody + 1e-3) / (everybody + 1e-3).sum()
    total = np.maximum(np.asarray(past.sum(axis=1), dtype=np.float64).ravel(), 1.0)
    gain = past.tocoo()
    # log((1 - h) + h p/q) less log(1 - h), which is not zero only where the past has a sighting.
    ratio = (gain.data / total[gain.row]) / everybody[gain.col]
    weight = np.log1p(HABIT_SHARE / (1.0 - HABIT_SHARE) * ratio)
    ratios = sparse.csr_array((weight, (gain.row, gain.col)), shape=past.shape)
    seen = np.asarray(present.sum(axis=1), dtype=np.float64).ravel()
    odds = (ratios @ present.T).toarray() + np.log(1.0 - HABIT_SHARE) * seen[None, :]
    return np.asarray(odds - np.log(present.shape[0]), dtype=np.float64)


def _cosine(
    past: sparse.csr_array, present: sparse.csr_array, everybody: sparse.csr_array
) -> NDArray[np.float64]:
    """Return the cosine of TF-IDF weights of each pair, shape (n_past, n_present)."""
    in_labels = np.bincount(everybody.indices, minlength=everybody.shape[1])
    rarity = np.log(everybody.shape[0] / np.maximum(in_labels, 1)) + 1.0

    def unit(counts: sparse.csr_array) -> sparse.csr_array:
        weighted = sparse.csr_array(counts.multiply(rarity[None, :]))
        norm = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1), dtype=np.float64).ravel())
        return sparse.csr_array(sparse.diags_array(1.0 / np.maximum(norm, 1e-12)) @ weighted)

    return np.asarray((unit(past) @ unit(present).T).toarray(), dtype=np.float64)
