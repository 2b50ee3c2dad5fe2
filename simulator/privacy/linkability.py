"""How well labels were joined: precision, recall and what guessing would have reached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.linking.directory import Lookup
from simulator.adversary.linking.habits import Links
from simulator.privacy.time_to_inference import wilson


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Precision and recall of links, with Wilson's 95% intervals.

    Parameters
    ----------
    precision, precision_low, precision_high
        Share of claimed links that are right; NaN if none is claimed.
    recall, recall_low, recall_high
        Share of those who appear on both sides and were linked rightly, among claimed links.
    best_guess
        The same share if every best guess counts, claimed or not.
    chance
        What a random choice among the other side's labels would reach.
    linkable
        Labels whose driver appears on the other side too.
    claimed
        Links claimed.
    """

    precision: float
    precision_low: float
    precision_high: float
    recall: float
    recall_low: float
    recall_high: float
    best_guess: float
    chance: float
    linkable: int
    claimed: int


def score_links(
    links: Sequence[Links],
    earlier_driver: NDArray[np.integer],
    later_driver: NDArray[np.integer],
    sides: Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]],
) -> Joined:
    """Hold links against the truth; several rounds of links are pooled.

    Parameters
    ----------
    links
        One round of links each (pairs of periods, or two networks).
    earlier_driver, later_driver
        The driver behind each label of either side, indexed by label.
    sides
        All labels of the earlier and of the later side of each round.
    """
    claimed = right = found = linkable = 0
    chance = 0.0
    for link, (earlier, later) in zip(links, sides, strict=True):
        on_time, behind = np.unique(later_driver[later], return_counts=True)
        place = np.minimum(np.searchsorted(on_time, earlier_driver[earlier]), max(len(on_time) - 1, 0))
        there = (on_time[place] == earlier_driver[earlier]) if len(on_time) else np.zeros(len(earlier), bool)
        linkable += int(there.sum())
        chance += float((behind[place[there]] / len(later)).sum()) if there.any() else 0.0
        ok = earlier_driver[link.earlier] == later_driver[link.later]
        claimed += int(link.claimed.sum())
        right += int((ok & link.claimed).sum())
        found += int(ok.sum())
    nan = float("nan")
    p_low, p_high = wilson(right, claimed) if claimed else (nan, nan)
    r_low, r_high = wilson(right, linkable) if linkable else (nan, nan)
    return Joined(
        precision=right / claimed if claimed else nan,
        precision_low=float(p_low),
        precision_high=float(p_high),
        recall=right / linkable if linkable else nan,
        recall_low=float(r_low),
        recall_high=float(r_high),
        best_guess=found / linkable if linkable else nan,
        chance=chance / linkable if linkable else nan,
        linkable=linkable,
        claimed=claimed,
    )


@dataclass(frozen=True, kw_only=True)
class Tracked:
    """How much of the trips was followed by looks alone.

    Parameters
    ----------
    trajectories
        Trips with two reads or more.
    tracked, low, high
        Share of them in which every read was joined to the next one rightly, with Wilson's 95% interval.
    steps
        Share of all steps from read to read that were joined rightly.
    """

    trajectories: int
    tracked: float
    low: float
    high: float
    steps: float


def score_tracking(successor: NDArray[np.int64], true_successor: NDArray[np.int64]) -> Tracked:
    """Hold successors against true ones; both are -1 where a read is (taken for) the last of its trip."""
    n = len(true_successor)
    follows = true_successor >= 0
    is_first = np.ones(n, dtype=np.bool_)
    is_first[true_successor[follows]] = False
    trip = np.full(n, -1, dtype=np.int64)
    starts = np.flatnonzero(is_first & follows)
    trip[starts] = np.arange(len(starts))
    at = starts
    while len(at):  # one step of all trips at once
        onward = true_successor[at]
        going = onward >= 0
        trip[onward[going]] = trip[at[going]]
        at = onward[going]
    right = successor == true_successor
    wrong = np.bincount(trip[follows & ~right], minlength=len(starts))
    tracked = int((wrong == 0).sum()) if len(starts) else 0
    low, high = wilson(tracked, len(starts)) if len(starts) else (float("nan"), float("nan"))
    return Tracked(
        trajectories=len(starts),
        tracked=tracked / len(starts) if len(starts) else float("nan"),
        low=float(low),
        high=float(high),
        steps=float(right[follows].mean()) if follows.any() else float("nan"),
    )


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a directory gave away.

    Parameters
    ----------
    pairs
        Home-work pairs looked up.
    one_match, one_low, one_high
        Share of them with exactly one resident, with Wilson's 95% interval.
    right_of_one
        Share of those single matches that are the right resident; NaN if there is none.
    named
        Share of all pairs that were named rightly by a single match.
    among
        Median number of matches, over pairs with any.
    none
        Share without a match.
    """

    pairs: int
    one_match: float
    one_low: float
    one_high: float
    right_of_one: float
    named: float
    among: float
    none: float


def score_lookup(lookup: Lookup, resident: NDArray[np.integer]) -> Named:
    """Hold a directory's answers against the truth.

    Parameters
    ----------
    lookup
        The answers.
    resident
        The row of the directory that is right for each pair, -1 if the driver is not in it.
    """
    asked = lookup.matches >= 0
    matches, guess, truth = lookup.matches[asked], lookup.nearest[asked], np.asarray(resident)[asked]
    n, one = len(matches), matches == 1
    nan = float("nan")
    if not n:
        return Named(
            pairs=0,
            one_match=nan,
            one_low=nan,
            one_high=nan,
            right_of_one=nan,
            named=nan,
            among=nan,
            none=nan,
        )
    right = one & (guess == truth)
    low, high = wilson(int(one.sum()), n)
    return Named(
        pairs=n,
        one_match=float(one.mean()),
        one_low=float(low),
        one_high=float(high),
        right_of_one=float(right.sum() / one.sum()) if one.any() else nan,
        named=float(right.mean()),
        among=float(np.median(matches[matches > 0])) if (matches > 0).any() else nan,
        none=float((matches == 0).mean()),
    )
