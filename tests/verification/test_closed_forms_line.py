"""A straight road: homes at its left end, everything else at its right end, readers in between.

Whoever drives from one end to the other passes every reader once, so that all that is read is a table of
independent coins with the read rate for heads.
"""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
from hand_worlds import DAY_S, JUNCTION_S, SPEED_MPS, Drive, Verified, town, world_of
from scipy import stats

from simulator.archive_rules import Archive, HotListOnly, Thinning
from simulator.people.places import PlaceKind
from simulator.recapture import view_of_plates

KIND = "closed form"
RATE, READERS, DAYS = 0.6, 5, 14
NEVER_IN_1E5 = 4.4  # standard errors


def line(
    rate: float,
    readers: int,
    *,
    drivers: int,
    seed: int,
    lengths: tuple[float, ...] = (),
    along: float = 0.5,
) -> Drive:
    """Home street, as many streets with a reader as wanted, street of jobs, way out of town."""
    step = (400.0, *(lengths or (300.0,) * readers), 400.0, 200.0)
    nodes = [(float(x), 0.0) for x in np.concatenate([[0.0], np.cumsum(step)])]
    streets = [(i, i + 1) for i in range(len(step))]
    last = len(nodes) - 1
    city = town("line", nodes, streets, homes={streets[0]: 1.0}, jobs=[streets[-2]], gateway=last)
    return Drive(
        world_of(city, streets[1:-2], read_rate=rate, drivers=drivers, days=DAYS, seed=seed, along=along)
    )


@cache
def many() -> Drive:
    return line(RATE, READERS, drivers=300, seed=5)


def crossing(drive: Drive) -> np.ndarray:
    """Trips from one end of the road to the other: by the coordinates of their ends and nothing else."""
    middle = 400.0 + 300.0 * drive.world.cameras.n_cameras / 2
    return ((drive.trips["from_x"] < middle) != (drive.trips["to_x"] < middle)).to_numpy()


def near(found: float, wanted: float, error: float) -> bool:
    return abs(found - wanted) <= NEVER_IN_1E5 * error


def test_only_trips_along_the_road_are_read_and_at_most_once_by_each(verified: Verified) -> None:
    drive = many()
    outside = int(drive.hits[~crossing(drive)].sum())
    assert crossing(drive).sum() > 5_000 and (~crossing(drive)).sum() > 100
    verified(
        "Line: reads of trips that pass no reader; reads outside trips; a reader twice in one pass",
        source="each trip crosses the road once or not at all",
        theirs="0, 0, 0",
        ours=f"{outside}, {drive.unexplained}, {drive.doubled}",
        holds=outside == drive.unexplained == drive.doubled == 0,
    )


def test_mean_and_variance_of_reads(verified: Verified) -> None:
    drive = many()
    hits = drive.hits[crossing(drive)]
    n = hits.size
    error = sqrt(RATE * (1 - RATE) / n)
    verified(
        f"Line: reads per pass of a reader ({n:,} passes)",
        source="Binomial mean p",
        theirs=RATE,
        ours=f"{hits.mean():.4f} ± {error:.4f}",
        holds=near(hits.mean(), RATE, error),
    )
    per_trip = hits.sum(axis=1)
    variance = READERS * RATE * (1 - RATE)
    # Variance of the sample variance of a binomial: its fourth central moment less the squared variance.
    fourth = stats.binom(READERS, RATE).stats(moments="k") * variance**2 + 3 * variance**2
    error = sqrt((fourth - variance**2) / len(per_trip))
    verified(
        f"Line: variance of the number of {READERS} readers that read a trip",
        source="Binomial variance n p (1 - p)",
        theirs=f"{variance:.3f}",
        ours=f"{per_trip.var():.3f} ± {error:.3f}",
        holds=near(per_trip.var(), variance, error),
    )
    seen = np.bincount(per_trip, minlength=READERS + 1)
    wanted = stats.binom(READERS, RATE).pmf(np.arange(READERS + 1)) * len(per_trip)
    p = stats.chisquare(seen, wanted).pvalue
    verified(
        f"Line: trips by how many of {READERS} readers read them (χ², p-value)",
        source="Binomial probabilities",
        theirs="> 0.0001",
        ours=f"{p:.2f}",
        holds=p > 1e-4,
    )


def test_readers_and_drivers_are_independent(verified: Verified) -> None:
    """Every reader and every driver has the same rate, and readers do not follow each other."""
    drive = many()
    hits, driver = drive.hits[crossing(drive)], drive.trips["driver_id"].to_numpy()[crossing(drive)]
    passes = np.bincount(driver) * READERS
    read = np.bincount(driver, hits.sum(axis=1))[passes > 0]
    passes = passes[passes > 0]
    spread = ((read - passes * RATE) ** 2 / (passes * RATE * (1 - RATE))).sum()
    p = 2 * min(stats.chi2(len(passes)).cdf(spread), stats.chi2(len(passes)).sf(spread))
    correlation = np.corrcoef(hits.T)[np.triu_indices(READERS, 1)]
    error = 1 / sqrt(len(hits))
    verified(
        "Line: scatter of drivers' reads about the mean (χ², p-value); largest correlation of two readers",
        source="independent draws",
        theirs=f"> 0.0001; < {NEVER_IN_1E5 * error:.3f}",
        ours=f"{p:.2f}; {np.abs(correlation).max():.3f}",
        holds=p > 1e-4 and np.abs(correlation).max() < NEVER_IN_1E5 * error,
    )


def test_share_of_drivers_seen_after_n_days(verified: Verified) -> None:
    """One weak reader: who has passed it k times has been read with chance 1 - (1 - p)^k."""
    rate = 0.15
    drive = line(rate, 1, drivers=600, seed=8)
    cross = crossing(drive)
    trips = drive.trips.with_columns(cross=cross, hit=drive.hits[:, 0]).filter("cross")
    driver, depart = trips["driver_id"].to_numpy(), trips["depart_s"].to_numpy()
    hit = trips["hit"].to_numpy()
    said, found, ok = [], [], True
    for day in (1, 3, 7, 14):
        early = depart < day * DAY_S
        passes = np.bincount(driver[early], minlength=600)
        chance = 1 - (1 - rate) ** passes
        seen = np.bincount(driver[early], hit[early], minlength=600) > 0
        error = sqrt((chance * (1 - chance)).sum()) / 600
        ok &= near(seen.mean(), chance.mean(), error)
        said.append(f"{chance.mean():.3f}")
        found.append(f"{seen.mean():.3f}")
    verified(
        "Line, one reader of rate 0.15: share of drivers read at least once after 1, 3, 7, 14 days",
        source="1 - (1 - p)^k after k passes",
        theirs=", ".join(said),
        ours=", ".join(found),
        holds=ok,
    )


def test_waiting_times_are_geometric(verified: Verified) -> None:
    drive, most = many(), 8
    cross = crossing(drive)
    driver, hits = drive.trips["driver_id"].to_numpy()[cross], drive.hits[cross]
    first, between = [], []
    first_wanted, between_wanted = np.zeros(most), np.zeros(most)
    k = np.arange(1, most + 1)
    for d in np.unique(driver):
        passes = int((driver == d).sum())
        law = RATE * (1 - RATE) ** (k - 1)
        first_wanted += READERS * np.where(k <= passes, law, 0.0)
        # A read, and the next one k passes later, can begin at any but the last k passes.
        between_wanted += READERS * np.maximum(passes - k, 0) * RATE * law
        for reader in range(READERS):
            at = np.flatnonzero(hits[driver == d, reader])
            first.extend(at[:1] + 1)
            between.extend(np.diff(at))
    for gaps, wanted, words in (
        (first, first_wanted, "to the first read"),
        (between, between_wanted, "from one read to the next"),
    ):
        seen = np.bincount(gaps, minlength=most + 1)[1 : most + 1]
        p = stats.chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue
        verified(
            f"Line: passes {words}, 1, 2, 3 … ({len(gaps):,}; χ², p-value {p:.2f})",
            source="geometric law p (1 - p)^(k - 1)",
            theirs=", ".join(f"{w:,.0f}" for w in wanted[:3]),
            ours=", ".join(f"{w:,}" for w in seen[:3]),
            holds=p > 1e-4 and near(seen.sum(), wanted.sum(), sqrt(wanted.sum())),
        )


def test_last_reader_before_home(verified: Verified) -> None:
    """The j-th reader from home is the last to read a trip home with chance p (1 - p)^(j - 1)."""
    drive = many()
    home = crossing(drive) & (drive.trips["to_kind"] == PlaceKind.HOME).to_numpy()
    hits = drive.hits[home]
    last = np.where(hits.any(axis=1), hits.argmax(axis=1), READERS)  # readers are numbered from home
    wanted = np.append(RATE * (1 - RATE) ** np.arange(READERS), (1 - RATE) ** READERS)
    seen = np.bincount(last, minlength=READERS + 1)
    p = stats.chisquare(seen, wanted * len(last)).pvalue
    verified(
        f"Line: which of {READERS} readers is the last before home ({len(last):,} trips; χ², p-value)",
        source="p (1 - p)^(j - 1) for the j-th from home, (1 - p)^5 for none",
        theirs="> 0.0001",
        ours=f"{p:.2f}",
        holds=p > 1e-4,
    )


def test_times_between_readers_are_distance_over_speed(verified: Verified) -> None:
    """Three readers, streets of unequal length: both spans of a trip follow from its pace."""
    along, lengths = 0.3, (500.0, 900.0, 1300.0)
    drive = line(1.0, 3, drivers=60, seed=3, lengths=lengths, along=along)
    cross = crossing(drive)
    at = drive.read_s[cross]
    outward = (drive.trips["from_x"] < drive.trips["to_x"]).to_numpy()[cross]
    assert np.isfinite(at).all() and outward.any() and not outward.all()
    # From a reader to its street's end, the junction's delay spread over the street, and on; both ways alike.
    whole_s = [length / SPEED_MPS + JUNCTION_S for length in lengths]
    near_s = (1 - along) * whole_s[0] + along * whole_s[1]
    far_s = (1 - along) * whole_s[1] + along * whole_s[2]
    spans = np.abs(np.diff(at, axis=1))
    pace = spans.sum(axis=1) / (near_s + far_s)
    # Times are cut down to whole seconds.
    worst = np.abs(spans - pace[:, None] * [near_s, far_s]).max()
    error = 0.10 / sqrt(len(pace))
    verified(
        f"Line: seconds between three readers, mean over {len(pace):,} trips; worst misfit of a single one",
        source="length / speed + junction delay, times a pace of mean 1 and spread 0.10",
        theirs=f"{near_s + far_s:.1f}; < 2",
        ours=f"{spans.sum(axis=1).mean():.1f} ± {error * (near_s + far_s):.1f}; {worst:.1f}",
        holds=near(pace.mean(), 1.0, error) and worst < 2.0,
    )


def test_segment_of_the_home(verified: Verified) -> None:
    """Homes on every other street: the last of faultless readers on the way home is the next to the right."""
    n = 6
    nodes = [(300.0 * i, 0.0) for i in range(2 * n + 3)]
    streets = [(i, i + 1) for i in range(2 * n + 2)]
    city = town(
        "segments",
        nodes,
        streets,
        homes={s: 1.0 + i for i, s in enumerate(streets[0 : 2 * n : 2])},
        jobs=[streets[2 * n]],
        gateway=2 * n + 2,
    )
    world = world_of(city, streets[1 : 2 * n : 2], read_rate=1.0, drivers=120, days=7, seed=4)
    drive = Drive(world)
    home_x = world.places.x_m[world.drivers.home_place]
    right_end = 300.0 * 2 * n
    trips = drive.trips
    driver = trips["driver_id"].to_numpy()
    home = ((trips["from_x"] >= right_end) & (trips["to_kind"] == PlaceKind.HOME)).to_numpy()
    last = np.where(drive.hits[home], np.arange(n), n).min(axis=1)  # numbered from the left
    wanted = (home_x[driver[home]] // 600.0).astype(int)
    out = ((trips["to_x"] >= right_end) & (trips["from_kind"] == PlaceKind.HOME)).to_numpy()
    first = np.where(drive.hits[out], np.arange(n), n).min(axis=1)
    wrong = int((last != wanted).sum() + (first != home_x[driver[out]] // 600.0).sum())
    assert len(np.unique(wanted)) == n
    verified(
        f"Line of {n} home streets: last reader before home, first after ({len(last) + len(first):,} trips)",
        source="the next reader to the right of the home",
        theirs="0 others",
        ours=f"{wrong} others",
        holds=wrong == 0 and len(last) > 300,
    )
    counts = np.bincount((home_x // 600.0).astype(int), minlength=n)
    p = stats.chisquare(counts, np.arange(1, n + 1) / np.arange(1, n + 1).sum() * 120).pvalue
    verified(
        "Line: drivers by street of their home (χ², p-value)",
        source="residential weights 1 to 6",
        theirs="> 0.0001",
        ours=f"{p:.2f}",
        holds=p > 1e-4,
    )


def test_reads_kept_under_retention(verified: Verified) -> None:
    """Seven days of retention: visible is what was passed in the last seven days, times the rate."""
    drive = many()
    passed_s = drive.trips["depart_s"].to_numpy()[crossing(drive)]
    plates = drive.world.drivers.plate
    days = np.arange(1, DAYS + 1)
    view = view_of_plates(drive.taken, Archive(retention_days=7.0), plates, days.tolist())
    visible = view.sightings_seen().sum(axis=0)
    reads_a_week = READERS * RATE * ((passed_s >= 7 * DAY_S) & (passed_s < 14 * DAY_S)).sum()
    window = [
        READERS * ((passed_s < d * DAY_S) & (passed_s >= (d - 7) * DAY_S)).sum() for d in (3, 7, 10, 14)
    ]
    seen = visible[[2, 6, 9, 13]]
    # A pass on both sides of midnight: a handful of trips.
    ok = all(near(s, RATE * w, sqrt(RATE * (1 - RATE) * w) + 2) for s, w in zip(seen, window, strict=True))
    verified(
        "Line: reads in view under 7 days' retention on days 3, 7, 10, 14",
        source="p × passes of the last 7 days: rises for R days, then steady",
        theirs=", ".join(f"{RATE * w:,.0f}" for w in window),
        ours=", ".join(f"{s:,}" for s in seen),
        holds=ok and abs(visible[13] / reads_a_week - 1) < 0.05 and visible[6] > 1.9 * visible[2],
    )


def test_hot_list_and_thinning_on_the_line(verified: Verified) -> None:
    drive = many()
    plates, n = drive.world.drivers.plate, 300
    passes = int(crossing(drive).sum()) * READERS

    def seen(*rules: HotListOnly | Thinning) -> np.ndarray:
        return view_of_plates(drive.taken, Archive(rules=rules), plates, [DAYS]).sightings_seen()[:, 0]

    whole, thinned = seen(), seen(Thinning(keep_share=0.25))
    error = sqrt(0.15 * 0.85 / passes)
    verified(
        "Line: reads per pass when a quarter of reads is kept",
        source="p × k",
        theirs=0.15,
        ours=f"{thinned.sum() / passes:.4f} ± {error:.4f}",
        holds=near(thinned.sum() / passes, 0.15, error),
    )
    listed = seen(HotListOnly(share=0.3))
    share = float((listed > 0).mean() / (whole > 0).mean())
    untouched = bool((listed[listed > 0] == whole[listed > 0]).all())
    verified(
        "Line: share of plates in view under a hot list of 30%; a listed plate's reads",
        source="Binomial; a plate is on the list or not",
        theirs="0.3; all",
        ours=f"{share:.3f} ± {sqrt(0.21 / n):.3f}; {'all' if untouched else 'some'}",
        holds=near(share, 0.3, sqrt(0.21 / n)) and untouched,
    )
