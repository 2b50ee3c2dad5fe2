"""V1, V2, V15: how many people share a home-work pair, a few points, or their favourite places."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from experiments.validation.checks import Check, Value, over_replicates, plain, share
from experiments.validation.worlds import Context
from simulator.people.drivers import build_drivers
from simulator.people.places import build_places
from simulator.privacy.anonymity import set_sizes
from simulator.privacy.traces import Traces, cells, make_traces
from simulator.privacy.unicity import unicity
from simulator.roads.build import build_city
from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S
from simulator.streams import replicate_seed

_MONTH_DAYS = 30
#: Census tracts are drawn for about 4,000 people (from memory); the city has 238,000: 64 of 3,700.
_TRACT_SPLITS = 6
_CITY_KM2 = 138.0


def v1(context: Context) -> Iterator[Check]:
    """Median sets of workers by pair of blocks, and by pair of tracts."""
    block, tract, alone, whole = [], [], [], []
    for replicate in range(context.size.of(3, 2)):
        home, sizes = _workers(context, replicate_seed(context.seed, replicate))
        block.append(float(np.median(sizes[0])))
        tract.append(float(np.median(sizes[1])))
        alone.append(float(np.mean(sizes[1] == 1)))
        whole.append(float(len(home)))
    yield Check(id="V1", what="median set of workers by block of home and work", published=1.0,
                value=over_replicates(block), accept_low=1.0, accept_high=1.0)  # fmt: skip
    yield Check(id="V1", what="median set of workers by tract of home and work", published=21.0,
                value=over_replicates(tract), accept_low=10.0, accept_high=40.0)  # fmt: skip
    yield Check(id="V1", what="alone by tract", published=0.05, value=over_replicates(alone))
    yield Check(id="V1", what="set by county: all who live and work in the one that is simulated",
                published=34_980.0, value=over_replicates(whole))  # fmt: skip


def _workers(
    context: Context, seed: int
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return homes of all who live and work in the city, and their sets by block and by tract."""
    scenario = context.scenario("norfolk-density", people__drivers=context.size.of(180_000, 3_000))
    city = build_city(scenario.streets, seed)
    places = build_places(scenario.people, city, seed)
    travel = scenario.travel
    drivers = build_drivers(
        scenario.people,
        places,
        habit_share=travel.habit_share,
        single_route_share=travel.single_route_share,
        seed=seed,
    )
    here = places.edge[drivers.home_place] >= 0
    residents = drivers.home_place[here]
    works = here & (drivers.work_place >= 0)
    works[works] = places.edge[drivers.work_place[works]] >= 0
    home, work = drivers.home_place[works], drivers.work_place[works]
    back = city.network.reverse_edge

    def block(place: NDArray[np.int32]) -> NDArray[np.int64]:
        edge = places.edge[place]
        return np.where(back[edge] >= 0, np.minimum(edge, back[edge]), edge).astype(np.int64)

    tract = _equal_areas(places.x_m, places.y_m, residents, _TRACT_SPLITS)
    return (
        home.astype(np.int64),
        (set_sizes(block(home), block(work)), set_sizes(tract[home], tract[work])),
    )


def _equal_areas(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], residents: NDArray[np.integer], splits: int
) -> NDArray[np.int64]:
    """Divide all places into 2**splits areas with equally many residents, by halving in turn."""
    area = np.zeros(len(x_m), dtype=np.int64)
    for split in range(splits):
        axis = x_m if split % 2 == 0 else y_m
        halves = np.zeros(len(x_m), dtype=np.int64)
        for a in range(1 << split):
            inside = residents[area[residents] == a]
            if len(inside):
                halves[area == a] = axis[area == a] > np.median(axis[inside])
        area = 2 * area + halves
    return area


def v2(context: Context) -> Iterator[Check]:
    """Unicity by the hour, its fall with resolution and with the number of people."""
    reads, n = context.city_reads, context.city_world.drivers.n_drivers
    reads = reads.take(reads.time_s < _MONTH_DAYS * DAY_S)
    seed, draws = context.seed, context.size.of(10, 2)
    fine = make_traces(reads.plate.astype(np.int64), reads.camera_id, reads.time_s, n_people=n, minutes=60)
    mean_points = float(fine.length[fine.length > 0].mean())
    yield Check(id="V2", what="points a person-month", published=114.0,
                value=plain(mean_points))  # fmt: skip
    for p, published, low in ((2, 0.5, 0.5), (4, 0.95, 0.95), (11, 1.0, 0.99)):
        at = unicity(fine, p, seed=seed, draws=draws)
        yield Check(id="V2", what=f"singled out by {p} points, hourly", published=published,
                    value=Value(ours=at.share, low=at.low, high=at.high),
                    accept_low=low, accept_high=1.0)  # fmt: skip
    yield Check(id="V2", what="exponent of the fall with resolution (4 points)", published=-0.1,
                value=_exponent(context, reads, n))  # fmt: skip
    yield Check(id="V2", what="change a doubling of people (4 points, coarse)", published=math.nan,
                value=_fall_with_people(context, reads, n), accept_low=-1.0, accept_high=-1e-9)  # fmt: skip


def _coarse(context: Context, reads: Sightings, n: int, *, times_area: int, hours: int) -> Traces:
    """Return traces with cells of some readers' area and spans of some hours."""
    world = context.city_world
    area_km2 = _CITY_KM2 if not context.size.small else world.scenario.streets.area_km2
    side_m = 1000.0 * math.sqrt(times_area * area_km2 / world.cameras.n_cameras)
    return make_traces(
        reads.plate.astype(np.int64),
        cells(reads.x_m, reads.y_m, side_m),
        reads.time_s,
        n_people=n,
        minutes=60.0 * hours,
    )


def _exponent(context: Context, reads: Sightings, n: int) -> Value:
    """Fit unicity = c (area x hours)^b over a grid from 1 to 15 times either, as the study did."""
    steps = (1, 4, 15) if not context.size.small else (1, 4)
    size, level = [], []
    for times_area in steps:
        for hours in steps:
            traces = _coarse(context, reads, n, times_area=times_area, hours=hours)
            at = unicity(traces, 4, seed=context.seed, draws=1).share
            if at > 0:
                size.append(math.log(times_area * hours))
                level.append(math.log(at))
    fit = stats.linregress(size, level)
    half = float(stats.t.ppf(0.975, max(len(size) - 2, 1)) * fit.stderr)
    return Value(ours=float(fit.slope), low=float(fit.slope) - half, high=float(fit.slope) + half)


def _fall_with_people(context: Context, reads: Sightings, n: int) -> Value:
    """Fit the change of unicity a doubling of people, at 8 readers' area and 8 hours."""
    halvings = np.arange(context.size.of(5, 2))
    level = []
    for k in halvings:
        some = n >> int(k)
        traces = _coarse(context, reads.take(reads.plate < some), some, times_area=8, hours=8)
        level.append(unicity(traces, 4, seed=context.seed, draws=4).share)
    if len(halvings) < 3:
        return plain(level[0] - level[1])
    fit = stats.linregress(-halvings, level)
    half = float(stats.t.ppf(0.975, len(level) - 2) * fit.stderr)
    return Value(ours=float(fit.slope), low=float(fit.slope) - half, high=float(fit.slope) + half)


def v15(context: Context) -> Iterator[Check]:
    """How many people their one, two, three most-visited readers single out in a month."""
    reads, n = context.city_reads, context.city_world.drivers.n_drivers
    reads = reads.take(reads.time_s < _MONTH_DAYS * DAY_S)
    top = _favourites(reads.plate.astype(np.int64), reads.camera_id.astype(np.int64), n, 3)
    values = []
    for k in (1, 2, 3):
        known = (top[:, :k] >= 0).all(axis=1)
        sets = np.sort(top[known, :k], axis=1)
        _, back, size = np.unique(sets, axis=0, return_inverse=True, return_counts=True)
        values.append(share(int((size[back.ravel()] == 1).sum()), int(known.sum())))
    yield Check(id="V15", what="unique by the top 1 reader (rarely)", published=math.nan, value=values[0],
                accept_low=0.0, accept_high=0.1)  # fmt: skip
    for k in (2, 3):
        more, less = values[k - 1], values[k - 2]
        step = Value(ours=more.ours - less.ours, low=more.low - less.high, high=more.high - less.low)
        yield Check(id="V15", what=f"more unique by the top {k} than by the top {k - 1}", published=math.nan,
                    value=step, accept_low=1e-9, accept_high=1.0)  # fmt: skip
    yield Check(id="V15", what="unique by the top 2", published=math.nan, value=values[1])
    yield Check(id="V15", what="unique by the top 3 (usually)", published=math.nan, value=values[2])


def _favourites(
    person: NDArray[np.int64], place: NDArray[np.int64], n_people: int, k: int
) -> NDArray[np.int64]:
    """Return each person's k most visited places, -1 where there are fewer; shape (n_people, k)."""
    width = int(place.max()) + 1
    key, visits = np.unique(person * width + place, return_counts=True)
    who, where = key // width, key % width
    order = np.lexsort((where, -visits, who))
    who, where = who[order], where[order]
    rank = np.arange(len(who)) - np.searchsorted(who, who)
    top = np.full((n_people, k), -1, dtype=np.int64)
    kept = rank < k
    top[who[kept], rank[kept]] = where[kept]
    return top
