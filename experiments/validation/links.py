"""V7, V11, V12, V13: readers on cars, two networks, cars without plates, pseudonyms that change daily."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from experiments.reidentification import capture_all, track_looks, two_networks
from experiments.validation.checks import Check, Value, bootstrap, over_replicates, plain, share
from experiments.validation.worlds import Context
from simulator.adversary.linking.habits import habit_counts, link_periods
from simulator.archive_rules import Pseudonyms
from simulator.scenario import WEEKDAYS
from simulator.sightings.labels import pseudonymise
from simulator.sightings.view import DAY_S
from simulator.streams import Stream, generator, replicate_seed
from simulator.world import World, build_world

#: 4.6 M reads at 1,590 a car and day (V6) are 2,900 car-days: 33 cars on 88 days.
PATROL_CARS, PATROL_DAYS = 33, 88
PLATES, READS = 1_100_000, 4_600_000
#: Of 1.1 M plates about 300,000 can be the city's own (from memory); the others come through.
VISITORS, IN_COMMUTERS = 0.63, 0.10
#: Vehicles a square kilometre, as in the city of V4.
VEHICLES_PER_KM2 = 180_000 / 138
_TOWN_KM2, _TOWNS = 4.0, 6
DENSITIES = (64, 32, 16, 8)


def v7(context: Context) -> Iterator[Check]:
    """Reads a plate under readers on cars, over all plates seen."""
    world = build_world(
        context.scenario(
            "patrols-only",
            days=context.size.of(PATROL_DAYS, 14),
            streets__area_km2=2.0 if context.size.small else 145.0,
            streets__nodes=context.size.of(6_000, 120),
            people__drivers=context.size.of(3_000, 200),
            people__vehicles_represented=PLATES,
            people__visitor_share=VISITORS,
            people__in_commuter_share=IN_COMMUTERS,
            **{"readers__patrol-cars__count": PATROL_CARS},
        ),
        context.seed,
        context.progress,
    )
    reads = capture_all(world)
    cars = PATROL_CARS * world.scenario.days
    a_car_and_day = reads.n_sightings * world.expansion / cars
    # In order of time, as many as the archive held.
    enough = round(READS / world.expansion)
    if reads.n_sightings > enough:
        reads = reads.take(reads.time_s <= np.partition(reads.time_s, enough)[enough])
    count = np.bincount(reads.plate, minlength=world.drivers.n_drivers)
    seen = count[count > 0].astype(np.float64)
    yield Check(id="V7", what="mean reads a plate seen", published=4.2,
                value=bootstrap(seen, np.mean, seed=context.seed, name="reads"),
                accept_low=3.0, accept_high=6.0)  # fmt: skip
    yield Check(id="V7", what="plates seen once (reported, not judged)", published=math.nan,
                value=share(int((seen == 1).sum()), len(seen)))  # fmt: skip
    yield Check(id="V7", what="mean over median reads a plate (very skewed)", published=math.nan,
                value=bootstrap(seen, _skew, seed=context.seed, name="skew"),
                accept_low=1.3, accept_high=math.inf)  # fmt: skip
    yield Check(id="V7", what="reads a car and day, full traffic (V6)", published=1_590.0,
                value=plain(a_car_and_day))  # fmt: skip


def _skew(sample: NDArray[np.floating], axis: int = -1) -> NDArray[np.floating]:
    return np.asarray(np.mean(sample, axis=axis) / np.maximum(np.median(sample, axis=axis), 1.0))


def v11(context: Context) -> Iterator[Check]:
    """Share of drivers linked between two networks after 1, 4 and 11 weeks."""
    world, reads = context.city_world, context.city_reads
    rng = generator(context.seed, Stream.VALIDATION, "networks")
    fixed = np.flatnonzero(world.cameras.edge >= 0)
    first = np.zeros(world.cameras.n_cameras, dtype=np.bool_)
    first[rng.permutation(fixed)[: len(fixed) // 2]] = True
    weeks = [week for week in (1, 2, 4, 7, 11) if 7 * week <= world.scenario.days]
    found = two_networks(world, reads, first, [7 * week for week in weeks])
    bands = {1: (0.168, 0.05, 0.35), 4: (0.55, 0.35, 0.8), 11: (0.95, 0.8, 1.0)}
    for week, row in zip(weeks, found.iter_rows(named=True), strict=True):
        published, low, high = bands.get(week, (math.nan, math.nan, math.nan))
        yield Check(id="V11", what=f"linked after {week} week{'s' if week > 1 else ''}", published=published,
                    value=Value(ours=row["recall"], low=row["recall_low"], high=row["recall_high"]),
                    accept_low=low, accept_high=high)  # fmt: skip
    few = world.drivers.n_drivers // 4
    fewer = two_networks(world, reads.take((reads.plate < few) & (reads.time_s < 7 * DAY_S)), first, [7])
    row = fewer.row(0, named=True)
    yield Check(id="V11", what=f"linked after 1 week, of {few:,} drivers", published=math.nan,
                value=Value(ours=row["recall"], low=row["recall_low"], high=row["recall_high"]))  # fmt: skip
    rising = np.diff(found["recall"].to_numpy())
    yield Check(id="V11", what="smallest rise from one of these weeks to the next", published=math.nan,
                value=plain(rising.min() if len(rising) else math.nan),
                accept_low=1e-9, accept_high=1.0)  # fmt: skip


def v12(context: Context) -> Iterator[Check]:
    """Share of trips followed by looks, with fewer and fewer readers, in several towns."""
    towns = [replicate_seed(context.seed, town) for town in range(context.size.of(_TOWNS, 2))]
    right: list[list[float]] = []
    for readers in DENSITIES:
        tracked = [track_looks(_town(context, readers, seed)) for seed in towns]
        right.append([t.steps for t in tracked])
        most = readers == DENSITIES[0]
        yield Check(id="V12", what=f"trips followed, {readers / 4:g} readers a km²",
                    published=0.94 if most else math.nan,
                    value=over_replicates([t.tracked for t in tracked]),
                    accept_low=0.9 if most else math.nan, accept_high=1.0 if most else math.nan)  # fmt: skip
        yield Check(id="V12", what=f"steps right, {readers / 4:g} readers a km²", published=math.nan,
                    value=over_replicates(right[-1]))  # fmt: skip
    fall = [dense - sparse for dense, sparse in zip(right[0], right[-1], strict=True)]
    yield Check(id="V12", what="fall of right steps from the densest to the sparsest", published=math.nan,
                value=over_replicates(fall), accept_low=1e-9, accept_high=1.0)  # fmt: skip


def _town(context: Context, readers: int, seed: int) -> World:
    """Return 4 km² with all of its vehicles on one Tuesday."""
    vehicles = context.size.of(round(VEHICLES_PER_KM2 * _TOWN_KM2), 400)
    return build_world(
        context.scenario(
            "norfolk-density",
            days=1,
            start_weekday="tuesday",
            streets__area_km2=2.0 if context.size.small else _TOWN_KM2,
            streets__nodes=context.size.of(400, 120),
            people__drivers=vehicles,
            people__vehicles_represented=vehicles,
            **{
                "readers__street-readers__count": readers // context.size.of(1, 2),
                "readers__street-readers__min_spacing_m": 80.0,
            },
        ),
        seed,
        context.progress,
    )


def v13(context: Context) -> Iterator[Check]:
    """Share of daily pseudonyms joined to the next day's, by how popular the label's readers are."""
    world = context.city_world
    reads = context.city_reads
    reads = reads.take(reads.plate < context.size.of(5_000, 300))
    weekday = WEEKDAYS.index(world.scenario.start_weekday)
    view, plate = pseudonymise(reads, Pseudonyms(rotation="daily"), seed=context.seed, start_weekday=weekday)
    counts = habit_counts(view)
    label = view.label()
    popularity, right, often = [], [], []
    for day in range(int(view.period.max())):
        if (weekday + day) % 7 > 3:  # from a weekday to the next
            continue
        # Each label takes its best match alone: many days are worth more here than one-to-one assignment.
        links = link_periods(view, day, day + 1, counts=counts, one_to_one=False)
        today = view.period[label] == day
        pairs = np.unique(view.camera_id[today].astype(np.int64) * view.n_labels + label[today])
        busy = np.bincount(pairs // view.n_labels, minlength=world.cameras.n_cameras)
        total = np.bincount(label[today], weights=busy[view.camera_id[today]], minlength=view.n_labels)
        mean = total / np.maximum(np.bincount(label[today], minlength=view.n_labels), 1)
        there = links.earlier[np.isin(plate[links.earlier], plate[view.period == day + 1])]
        popularity.append(mean[there])
        right.append((plate[links.earlier] == plate[links.later])[np.isin(links.earlier, there)])
        often.append(np.diff(view.indptr)[there])
    ok, quarter = np.concatenate(right), _quarters(np.concatenate(popularity), np.concatenate(often))
    values = [share(int(ok[quarter == q].sum()), int((quarter == q).sum())) for q in range(4)]
    for q, words in enumerate(("least popular", "second", "third", "most popular")):
        yield Check(id="V13", what=f"joined to the next day, {words} quarter of routes", published=math.nan,
                    value=values[q])  # fmt: skip
    apart = values[0].ours - values[3].ours
    # Standard error of the difference of two independent shares.
    ends = [(values[q].ours, int((quarter == q).sum())) for q in (0, 3)]
    error = math.sqrt(sum(p * (1 - p) / max(n, 1) for p, n in ends))
    yield Check(id="V13", what="least less most popular quarter", published=math.nan,
                value=Value(ours=apart, low=apart - 1.96 * error, high=apart + 1.96 * error),
                accept_low=1e-9, accept_high=1.0)  # fmt: skip


def _quarters(popularity: NDArray[np.float64], reads: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the quarter of popularity among labels with as many reads: popular routes have more readers."""
    quarter = np.empty(len(popularity), dtype=np.int64)
    group = np.minimum(reads, 8)
    for size in np.unique(group):
        rows = np.flatnonzero(group == size)
        rank = np.argsort(np.argsort(popularity[rows], kind="stable"), kind="stable")
        quarter[rows] = 4 * rank // len(rows)
    return quarter
