"""Nothing is made and nothing is lost: books kept on real runs of several scenarios.

Each world is driven through three times with the same people: with faultless readers, with real ones that
misread nothing, and with real ones. Draws are keyed on what they decide, so that the three differ by nothing
else, and every read can be traced back to a pass. That trips join up in space and time, that legs are walks
on the streets, and that a new reader changes no other read, is tested where these are made
(tests/test_travel_*.py, tests/test_sightings_*.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import sqrt

import numpy as np
import polars as pl
import pytest
from catalogue_cut import cut_down
from engine_town import tiny_scenario
from faces_town import faces_scenario
from hand_worlds import DAY_S, Verified

from simulator.archive_rules import Archive, Pseudonyms
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.cameras.shifts import NIGHT_START_H, ROTATION_H
from simulator.chunks import Captured, MobileBlocks, capture
from simulator.recapture import Recaptured, recapture, view_of_plates
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.scenario_parts import PatrolReaders, SpotterReaders
from simulator.sightings.capture import Sightings
from simulator.world import World, build_world

KIND = "conservation"
DRIVERS, DAYS, MISREAD = 80, 7, 0.2
ON_CARS = (ReaderKind.PATROL, ReaderKind.SPOTTER)


def _cut(name: str) -> Scenario:
    return with_overrides(cut_down(name), {"people.drivers": DRIVERS, "days": DAYS})


def _all_kinds() -> Scenario:
    return tiny_scenario(
        people__drivers=DRIVERS, days=DAYS, readers__patrol__count=4, readers__spotter__count=3
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "all kinds of readers": _all_kinds,
    "faces": lambda: faces_scenario(people__drivers=DRIVERS, days=DAYS),
    "patrols-only": lambda: _cut("patrols-only"),
    "spotter-cars": lambda: _cut("spotter-cars"),
    "pseudonyms-daily": lambda: _cut("pseudonyms-daily"),
}
Row = tuple[int, int, int]  # plate, second, reader


@dataclass(frozen=True, kw_only=True)
class Books:
    """One world, driven through with faultless, clean and real readers."""

    world: World
    working: np.ndarray
    faultless: Captured
    clean: Captured
    real: Captured


def _captured(world: World, cameras: Cameras, working: np.ndarray) -> Captured:
    changed = replace(world, cameras=cameras, working=working)
    return capture(changed, 0, world.drivers.n_drivers, MobileBlocks(changed), keep_trips=True)


@cache
def books(name: str) -> Books:
    world = build_world(SCENARIOS[name](), 3)
    cameras = world.cameras
    n = cameras.n_cameras
    # A fifth of reader-days is lost and a fifth of reads is wrong, so that there is enough to count.
    working = world.working & (np.random.default_rng(1).random(world.working.shape) < 0.8)
    one, zero = np.ones(n), np.zeros(n)
    on_car = np.isin(cameras.kind, ON_CARS)
    sure = replace(
        cameras,
        read_rate=one,
        parked_read_rate=np.where(on_car, 1.0, 0.0),
        night_penalty=zero,
        misread_rate=zero,
    )
    wrong = np.where(cameras.kind == ReaderKind.FACE, 0.0, MISREAD)
    return Books(
        world=world,
        working=working,
        faultless=_captured(world, sure, np.ones_like(working)),
        clean=_captured(world, replace(cameras, misread_rate=zero), working),
        real=_captured(world, replace(cameras, misread_rate=wrong), working),
    )


def rows(*parts: Sightings) -> Counter[Row]:
    found: Counter[Row] = Counter()
    for part in parts:
        found.update(zip(part.plate.tolist(), part.time_s.tolist(), part.camera_id.tolist(), strict=True))
    return found


def where_and_when(count: Counter[Row]) -> Counter[tuple[int, int]]:
    found: Counter[tuple[int, int]] = Counter()
    for (_, second, camera), n in count.items():
        found[second, camera] += n
    return found


@pytest.fixture(scope="module")
def five() -> dict[str, Books]:
    return {name: books(name) for name in SCENARIOS}


WHERE = "five scenarios"


def test_every_read_is_one_pass(five: dict[str, Books], verified: Verified) -> None:
    extra = missed = n_passes = n_hits = 0
    for name, book in five.items():
        passes, hits = rows(book.faultless.own), rows(book.clean.own)
        assert not book.faultless.phantoms.n_sightings and not book.clean.strays.n_sightings, name
        unexplained, lost = sum((hits - passes).values()), sum((passes - hits).values())
        assert unexplained == 0, f"{name}: {unexplained} reads that no pass explains"
        assert lost > 0, name
        extra, missed = extra + unexplained, missed + lost
        n_passes, n_hits = n_passes + sum(passes.values()), n_hits + sum(hits.values())
    verified(
        f"Reads that no pass explains; passes = hits + misses ({WHERE})",
        source="each read is one pass of one car (or person) by one reader in that second",
        theirs=f"0; {n_passes:,}",
        ours=f"{extra}; {n_hits:,} + {missed:,}",
        holds=n_passes == n_hits + missed,
    )


def test_hits_are_as_many_as_rates_say(five: dict[str, Books], verified: Verified) -> None:
    """Each pass by a reader that works that day is a coin with its rate, less the loss at night."""
    expected = variance = found = 0.0
    for name, book in five.items():
        cameras, passes = book.world.cameras, book.faultless.own
        hour = passes.time_s % DAY_S / 3600
        night = (hour >= 21) | (hour < 6)
        parked = np.isin(cameras.kind, ON_CARS)[passes.camera_id] & ~_moving(book, passes)
        by_day = np.where(
            parked, cameras.parked_read_rate[passes.camera_id], cameras.read_rate[passes.camera_id]
        )
        rate = by_day - np.where(night, cameras.night_penalty[passes.camera_id], 0.0)
        rate = rate[book.working[passes.camera_id, passes.time_s // DAY_S]]
        error = sqrt((rate * (1 - rate)).sum())
        hits = book.clean.own.n_sightings
        assert abs(hits - rate.sum()) <= 4.4 * error, f"{name}: {hits} for {rate.sum():.0f}"
        expected, variance, found = expected + rate.sum(), variance + error**2, found + hits
    verified(
        f"Hits ({WHERE})",
        source="sum over passes of the read rate, moving or parked, less the loss at night",
        theirs=f"{expected:,.0f} ± {sqrt(variance):.0f}",
        ours=f"{found:,.0f}",
        holds=abs(found - expected) <= 4.4 * sqrt(variance),
    )


def _moving(book: Books, passes: Sightings) -> np.ndarray:
    """Whether the car was on a trip, by the table of trips."""
    trips = book.faultless.trips
    assert trips is not None
    trips = trips.filter(pl.col("driver_id") < book.world.drivers.n_drivers).sort("driver_id", "depart_s")
    key = trips["driver_id"].to_numpy().astype(np.int64) << 32 | trips["depart_s"].to_numpy()
    at = np.searchsorted(key, passes.plate.astype(np.int64) << 32 | passes.time_s, "right") - 1
    same = trips["driver_id"].to_numpy()[np.maximum(at, 0)] == passes.plate
    return (at >= 0) & same & (passes.time_s <= trips["arrive_s"].to_numpy()[np.maximum(at, 0)])


def test_misreads_move_reads_and_make_none(five: dict[str, Books], verified: Verified) -> None:
    """What is read wrongly is read all the same: under another driver's plate, or one that nobody has."""
    n_clean = n_own = n_strays = n_phantoms = 0
    for name, book in five.items():
        clean, own, strays = rows(book.clean.own), rows(book.real.own), rows(book.real.strays)
        phantoms = rows(book.real.phantoms)
        real = own + strays + phantoms
        lost = clean - own
        assert where_and_when(clean) == where_and_when(real), name
        assert where_and_when(lost) == where_and_when(strays + phantoms), name
        assert not own - clean and not strays & lost, name
        assert book.real.reads_by_camera.sum() == sum(real.values()), name
        assert 0 < sum(own.values()) < sum(clean.values()), name
        n_clean, n_own = n_clean + sum(clean.values()), n_own + sum(own.values())
        n_strays, n_phantoms = n_strays + sum(strays.values()), n_phantoms + sum(phantoms.values())
    verified(
        f"Reads = right + under another driver's plate + under nobody's ({WHERE})",
        source="misreading changes the plate and nothing else; a fifth of plates misread",
        theirs=f"{n_clean:,}",
        ours=f"{n_own:,} + {n_strays:,} + {n_phantoms:,}",
        holds=n_clean == n_own + n_strays + n_phantoms,
    )


def test_no_read_outside_working_days_and_shifts(five: dict[str, Books], verified: Verified) -> None:
    idle = outside = would_be = on_cars = 0
    for name, book in five.items():
        reads, clean = book.faultless.own, book.clean.own
        off = ~book.working
        idle += int(off[clean.camera_id, clean.time_s // DAY_S].sum())
        would_be += int(off[reads.camera_id, reads.time_s // DAY_S].sum())
        n_on_cars, n_outside = _outside_shifts(book)
        on_cars, outside = on_cars + n_on_cars, outside + n_outside
        assert idle == 0 and outside == 0, name
    verified(
        f"Reads on readers' days off ({would_be:,} passes); of {on_cars:,} on cars, outside shifts",
        source="who does not work reads nothing",
        theirs="0; 0",
        ours=f"{idle}; {outside}",
        holds=idle == 0 and outside == 0 and would_be > 0 and on_cars > 0,
    )


def _outside_shifts(book: Books) -> tuple[int, int]:
    """Count the reads of readers on cars, and those outside the hours that the scenario gives them."""
    world, reads = book.world, book.faultless.own
    hour = reads.time_s % DAY_S / 3600
    n = outside = 0
    for index, group in enumerate(world.scenario.readers):
        for i, camera in enumerate(np.flatnonzero(world.cameras.group == index)):
            if isinstance(group, PatrolReaders):
                starts = [group.shift_start_h + ROTATION_H * (i % 3)]
            elif isinstance(group, SpotterReaders):  # by day or by night, but not both
                starts = [group.shift_start_h, NIGHT_START_H]
            else:
                continue
            mine = hour[reads.camera_id == camera]
            n += len(mine)
            outside += min(int(((mine - start) % 24 >= group.shift_hours).sum()) for start in starts)
    return n, outside


def test_each_read_is_in_view_for_its_days_and_then_gone(verified: Verified) -> None:
    """Over looks at the end of every day: so many times is each read seen, and by nobody else."""
    wanted, got, daily, n = [0, 0, 0], [0, 0, 0], 0, 0
    for name in ("all kinds of readers", "pseudonyms-daily"):
        world = books(name).world
        taken = recapture(world, keep_trips=False)
        day = taken.sightings.time_s // DAY_S  # counted from 0
        n += taken.sightings.n_sightings
        for i in range(3):
            wanted[i] += int(np.minimum(i + 1, DAYS - day).sum())
            got[i] += int(_seen(taken, Archive(retention_days=i + 1.0)).sum())
        daily += int(_seen(taken, Archive(rules=(Pseudonyms(rotation="daily", name="p"),))).sum())
    verified(
        "Looks × reads in view under 1, 2, 3 days' retention (two scenarios)",
        source="each read is in view on R days, or until the last",
        theirs=", ".join(f"{w:,}" for w in wanted),
        ours=", ".join(f"{g:,}" for g in got),
        holds=got == wanted,
    )
    verified(
        "Looks × reads in view under daily pseudonyms (two scenarios)",
        source="each read goes by the label of its own day",
        theirs=f"{n:,}",
        ours=f"{daily:,}",
        holds=daily == n,
    )


def test_owners_without_sharing_add_up_to_all(verified: Verified) -> None:
    world = books("all kinds of readers").world
    taken = recapture(world, keep_trips=False)
    alone = [_seen(taken, Archive(viewer=o, shared_by_default=False)) for o in world.cameras.owners]
    whole = _seen(taken, Archive())
    verified(
        f"Reads in view of each of {len(alone)} owners without sharing",
        source="what stays + what is kept from view = all",
        theirs=f"{whole[-1]:,}",
        ours=" + ".join(f"{a[-1]:,}" for a in alone),
        holds=len(alone) > 1 and bool((np.sum(alone, axis=0) == whole).all()),
    )


def _seen(taken: Recaptured, archive: Archive) -> np.ndarray:
    """Return how many reads are in view at the end of each day."""
    plates = taken.world.drivers.plate[: taken.world.drivers.n_drivers]
    view = view_of_plates(taken, archive, plates, range(1, DAYS + 1))
    return view.sightings_seen().sum(axis=0)
