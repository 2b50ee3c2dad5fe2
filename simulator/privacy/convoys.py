"""Convoys: who travels with whom, by plates that the same readers read shortly after each other.

Two plates *coincide* at a reader on a day if it reads them within a gap of each other. A pair is a convoy
if it coincides at enough readers on enough days. Cars that have nothing to do with each other coincide,
too, the more so the more alike their habits: what chance does is counted on the same reads with one of the
two cars moved by whole weeks, which keeps everybody's habits and undoes every journey that was made together.

In this model no two cars travel together on purpose. Escorts are therefore planted: on some days a second
car follows a first one at a short distance all day, and is read or missed on its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.errors import ScenarioError
from simulator.privacy.time_to_inference import wilson
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.streams import Stream, generator

WEEK_DAYS = 7
_HEADWAY_S = (2, 15)
_PAIR_BITS = 32


@dataclass(frozen=True, kw_only=True)
class Escorts:
    """Pairs of cars that travel together on some days.

    Parameters
    ----------
    leader, follower
        Plates, shape (n_pairs,).
    day
        Days on which each pair travels together, counted from 0, shape (n_pairs, n_days).
    """

    leader: NDArray[np.uint32]
    follower: NDArray[np.uint32]
    day: NDArray[np.int64]

    def pair_keys(self) -> NDArray[np.int64]:
        """Return one number a pair, whichever of the two comes first."""
        return pair_key(self.leader, self.follower)


def pair_key(a: NDArray[np.uint32], b: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return one number for each unordered pair of plates."""
    low, high = np.minimum(a, b).astype(np.int64), np.maximum(a, b).astype(np.int64)
    return (low << _PAIR_BITS) | high


def plant_escorts(
    reads: Sightings,
    plates: NDArray[np.uint32],
    read_rate: NDArray[np.float64],
    *,
    pairs: int,
    joint_days: int,
    days: int,
    seed: int,
) -> tuple[Sightings, Escorts]:
    """Let some cars follow others on some days; return the reads with theirs, and who follows whom.

    Parameters
    ----------
    reads
        All reads, by plate, time and reader.
    plates
        Cars that lead or follow, each in one pair at most, shape (n,).
    read_rate
        Chance that each reader reads a passing car, shape (n_cameras,).
    pairs, joint_days
        Pairs, and days that each travels together.
    days
        Days that are simulated.
    seed
        Root seed of the replicate.

    Raises
    ------
    ScenarioError
        If there are too few cars or days.
    """
    if 2 * pairs > len(plates):
        raise ScenarioError(
            f"{pairs} pairs need {2 * pairs} cars, and there are {len(plates)}: plant at most "
            f"{len(plates) // 2} pairs (--pairs), or simulate more drivers."
        )
    if not 1 <= joint_days <= days:
        raise ScenarioError(f"{joint_days} days together do not fit into the {days} days of the run.")
    rng = generator(seed, Stream.CONVOYS)
    chosen = rng.permutation(plates)[: 2 * pairs].astype(np.uint32)
    leader, follower = chosen[:pairs], chosen[pairs:]
    day = np.argsort(rng.random((pairs, days)), axis=1)[:, :joint_days]
    together = np.zeros((pairs, days), dtype=np.bool_)
    np.put_along_axis(together, day, True, axis=1)
    slot = {int(p): i for i, p in enumerate(leader)} | {int(p): i for i, p in enumerate(follower)}
    index = np.full(int(reads.plate.max(initial=0)) + 1, -1)
    for plate, i in slot.items():
        if plate < len(index):
            index[plate] = i
    pair, on = index[reads.plate], np.minimum(reads.time_s // DAY_S, days - 1)
    joint = (pair >= 0) & together[np.maximum(pair, 0), on]
    leads = joint & np.isin(reads.plate, leader)
    # The follower's own day is given up for the leader's.
    kept = reads.take(~(joint & np.isin(reads.plate, follower)))
    copy = reads.take(leads)
    copy = copy.take(rng.random(copy.n_sightings) < read_rate[copy.camera_id])
    behind_s = rng.integers(_HEADWAY_S[0], _HEADWAY_S[1] + 1, copy.n_sightings)
    copy = replace(copy, plate=follower[index[copy.plate]], time_s=copy.time_s + behind_s)
    escorts = Escorts(leader=leader, follower=follower, day=day)
    return Sightings.concatenate([kept, copy]).sorted(), escorts


def coincidences(
    reads: Sightings, *, gap_s: int, shift: int = 0, days: int = 0, period_days: int = WEEK_DAYS
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Return which pairs of plates coincide at which reader on which day, each once.

    Parameters
    ----------
    reads
        Reads in any order.
    gap_s
        Two reads as near in time as this coincide.
    shift, days, period_days
        If a shift is given, cars are held against others moved by so many periods, around in the days of the
        run that fall on the same day of the period: pairs by chance. Each unordered pair is then tried both
        ways round.

    Returns
    -------
    pair, day, camera
        Key of the pair, day of the (earlier) read counted from 0, and reader, sorted, shape (n,).
    """
    plate, time_s, camera = reads.plate, reads.time_s, reads.camera_id
    moved = np.zeros(len(plate), dtype=np.bool_)
    if shift:
        inside = time_s < days * DAY_S
        plate, time_s, camera = plate[inside], time_s[inside], camera[inside]
        moved = np.repeat([False, True], len(plate))
        time_s = np.concatenate([time_s, moved_by_weeks(time_s, shift, days, period_days)])
        plate, camera = np.tile(plate, 2), np.tile(camera, 2)
    order = np.lexsort((plate, time_s, camera))
    plate, time_s, camera, moved = plate[order], time_s[order], camera[order], moved[order]
    pairs, on_days, cameras = [], [], []
    ahead = 1
    while ahead < len(plate):
        near = (camera[ahead:] == camera[:-ahead]) & (time_s[ahead:] - time_s[:-ahead] <= gap_s)
        if not near.any():
            break  # further ahead is later still
        if shift:
            near &= moved[ahead:] != moved[:-ahead]
        first = np.flatnonzero(near & (plate[ahead:] != plate[:-ahead]))
        a, b = plate[first], plate[first + ahead]
        if shift:
            # Which of the two was moved keeps the two ways round apart.
            a, b = np.where(moved[first], b, a), np.where(moved[first], a, b)
            pairs.append((a.astype(np.int64) << _PAIR_BITS) | b.astype(np.int64))
        else:
            pairs.append(pair_key(a, b))
        on_days.append(time_s[first] // DAY_S)
        cameras.append(camera[first])
        ahead += 1
    if not pairs:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int32)
    pair, day, where = np.concatenate(pairs), np.concatenate(on_days), np.concatenate(cameras)
    order = np.lexsort((where, day, pair))
    pair, day, where = pair[order], day[order], where[order]
    new = np.ones(len(pair), dtype=np.bool_)
    new[1:] = (pair[1:] != pair[:-1]) | (day[1:] != day[:-1]) | (where[1:] != where[:-1])
    return pair[new], day[new], where[new]


def moved_by_weeks(
    time_s: NDArray[np.int64], shift: int, days: int, period_days: int = WEEK_DAYS
) -> NDArray[np.int64]:
    """Return times moved by whole periods, around in the days of their own weekday: no day is lost."""
    turn, weekday = np.divmod(time_s // DAY_S, period_days)
    turns = -((weekday - days) // period_days)  # how many days there are of that weekday
    day = (turn + shift) % turns * period_days + weekday
    return np.asarray(day * DAY_S + time_s % DAY_S, dtype=np.int64)


def convoys(pair: NDArray[np.int64], day: NDArray[np.int64], *, readers: int, days: int) -> NDArray[np.int64]:
    """Return the pairs, ascending, that coincide at enough readers a day on enough days.

    Parameters
    ----------
    pair, day
        From :func:`coincidences`, one row a pair, day and reader, sorted.
    readers
        Different readers on one day.
    days
        Days with so many.
    """
    if len(pair) == 0:
        return pair
    starts = np.ones(len(pair), dtype=np.bool_)
    starts[1:] = (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])
    first = np.flatnonzero(starts)
    number = np.diff(np.append(first, len(pair)))
    who, times = np.unique(pair[first[number >= readers]], return_counts=True)
    return np.asarray(who[times >= days], dtype=np.int64)


def score_convoys(
    reads: Sightings,
    escorts: Escorts,
    home: NDArray[np.integer],
    work: NDArray[np.integer],
    *,
    days: int,
    gap_s: int = 30,
    least_readers: tuple[int, ...] = (1, 2, 3, 4),
    least_days: tuple[int, ...] = (1, 2, 4),
    shifts: int = 3,
) -> pl.DataFrame:
    """Return what is found by rules of several strictness, against escorts, households and chance.

    Parameters
    ----------
    reads
        Reads that the agency may see, of fixed readers: a car that drives past parked ones reads
        neighbours, who do not travel.
    escorts
        Who truly travels together.
    home, work
        Home and work place of each plate, -1 for none, shape (n_plates,).
    days
        Days that are simulated.
    gap_s
        Two reads as near as this coincide.
    least_readers, least_days
        Strictness.
    shifts
        How many weeks to move cars by, at most, for chance.

    Returns
    -------
    polars.DataFrame
        ``readers, days, found`` (pairs), ``by_chance`` (expected found), ``escorts`` (that there are),
        ``escorts_found``, ``recall``, ``precision`` (found pairs that are escorts), ``households`` and
        ``colleagues`` (found pairs that share home or work place), with the shares ``household_share`` and
        ``all_household_share`` (of all pairs there could be).
    """
    pair, day, _ = coincidences(reads, gap_s=gap_s)
    # A run of less than two weeks is moved by days.
    period_days = WEEK_DAYS if days >= 2 * WEEK_DAYS else 1
    moved = [
        coincidences(reads, gap_s=gap_s, shift=k, days=days, period_days=period_days)[:2]
        for k in range(1, min(shifts, days // period_days - 1) + 1)
    ]
    truth, low_bits = escorts.pair_keys(), np.int64((1 << _PAIR_BITS) - 1)
    seen = np.unique(reads.plate)
    all_pairs = len(seen) * (len(seen) - 1) / 2
    _, sizes = np.unique(home[seen], return_counts=True)
    everyones_share = float((sizes * (sizes - 1) / 2).sum() / all_pairs) if all_pairs else None
    rows = []
    for n_readers in least_readers:
        for n_days in least_days:
            found = convoys(pair, day, readers=n_readers, days=n_days)
            chance = [len(convoys(p, d, readers=n_readers, days=n_days)) / 2 for p, d in moved]
            a, b = found >> _PAIR_BITS, found & low_bits
            right = np.isin(found, truth)
            others = ~right
            together = home[a] == home[b]
            colleagues = (work[a] == work[b]) & (work[a] >= 0)
            rows.append(
                {
                    "readers": n_readers,
                    "days": n_days,
                    "found": len(found),
                    "by_chance": float(np.mean(chance)) if chance else None,
                    "escorts": len(truth),
                    "escorts_found": int(right.sum()),
                    "recall": right.sum() / len(truth) if len(truth) else None,
                    **_interval("recall", int(right.sum()), len(truth)),
                    "precision": right.sum() / len(found) if len(found) else None,
                    **_interval("precision", int(right.sum()), len(found)),
                    "households": int((together & others).sum()),
                    "colleagues": int((colleagues & others).sum()),
                    "household_share": float(together[others].mean()) if others.any() else None,
                    "all_household_share": everyones_share,
                }
            )
    bands = [f"{name}_{end}" for name in ("recall", "precision") for end in ("low", "high")]
    floats = ("by_chance", "recall", "precision", "household_share", "all_household_share", *bands)
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(floats, pl.Float64))


def _interval(name: str, part: int, whole: int) -> dict[str, float | None]:
    """Return Wilson's 95% interval of a share; nothing of nothing."""
    if whole == 0:
        return {f"{name}_low": None, f"{name}_high": None}
    low, high = wilson(part, whole)
    return {f"{name}_low": float(low), f"{name}_high": float(high)}
