"""A chunk of drivers through the whole flow: trips, sightings, then attacks and their scores.

Chunks are independent but for misreads that land on a driver of another chunk (*strays*): capture therefore
runs for all chunks before the first attack, and hands the strays over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.adversary import catalogue as _attackers_are_registered_by_import  # noqa: F401
from simulator.adversary.attacker import attacker_named, default_attacker_names, ready_attacker
from simulator.adversary.knowledge import Knowledge, ReaderFacts, Rung
from simulator.beliefs import believed
from simulator.cameras.mobile import mobile_passes
from simulator.cameras.roster import MobilePasses, ReaderKind
from simulator.people.places import PlaceKind
from simulator.privacy.scoring import Scored, score
from simulator.privacy.truth import Addresses, Truth
from simulator.scenario import WEEKDAYS
from simulator.sightings.archive import Ground, effective_read_rate, look_into
from simulator.sightings.capture import PHANTOM_PLATE, Raw, Sightings, read_fixed, write_down
from simulator.sightings.faces import on_walks, recognise
from simulator.sightings.mobile import read_from_cars
from simulator.sightings.view import ArchiveView
from simulator.travel.legs import Legs, choose_fields, route_legs
from simulator.travel.parking import Encounters, walk_from_cars
from simulator.travel.plan import plan_days
from simulator.travel.stands import stands_at_places
from simulator.travel.trips import Trips, carry_out
from simulator.travel.walks import plan_days_on_foot, walk_legs
from simulator.world import OnFoot, World

# Readers on cars are joined in blocks of so many days, which bounds their passes in memory.
MOBILE_BLOCK_DAYS = 15
_KEPT_PASSES = 2_000_000
_NO_READS = Raw(
    driver=np.empty(0, np.int32),
    time_s=np.empty(0),
    camera_id=np.empty(0, np.int32),
    x_m=np.empty(0),
    y_m=np.empty(0),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Captured:
    """What capture of one chunk yields.

    Parameters
    ----------
    own
        Sightings under the plates of the chunk's own drivers, sorted by plate, time and reader.
    strays
        Misreads that landed on a driver's plate of any chunk, in order of the driver who was misread.
    phantoms
        Misreads as plates that nobody here has.
    reads_by_camera
        Shape (n_cameras,).
    trips
        The ``trips`` table, if asked for.
    """

    own: Sightings
    strays: Sightings
    phantoms: Sightings
    reads_by_camera: NDArray[np.int64]
    trips: pl.DataFrame | None


def drive(world: World, first: int, last: int) -> tuple[Trips, Legs]:
    """Let drivers ``first`` to ``last - 1`` live through all days."""
    scenario, seed = world.scenario, world.seed
    if world.recorded is not None:
        return world.recorded.drive(first, last, scenario.days, world.watched)
    plans = plan_days(scenario, world.drivers, world.places, world.destinations, seed, first, last)
    field = choose_fields(scenario, plans, world.drivers.habit_share, seed)
    legs = route_legs(
        plans,
        field,
        network=world.city.network,
        places=world.places,
        trees=world.trees,
        watched=world.watched,
        keep_edges=world.has_mobile_readers,
    )
    return carry_out(plans, field, legs, days=scenario.days, seed=seed), legs


class MobileBlocks:
    """Passes of readers on cars by block of days, made once a process as long as they fit a bound."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: dict[tuple[int, int], MobilePasses] = {}

    def passes(self, day_from: int, day_to: int) -> MobilePasses:
        """Return passes that cover some days, shifts begun the evening before included."""
        key = (day_from, day_to)
        if key in self._kept:
            return self._kept[key]
        world = self._world
        made = mobile_passes(
            world.cameras,
            world.scenario.readers,
            city=world.city,
            edge_volume=world.volume,
            seed=world.seed,
            day_from=day_from - 1,
            day_to=day_to,
        )
        if sum(len(p.enter_s) for p in self._kept.values()) + len(made.enter_s) <= _KEPT_PASSES:
            self._kept[key] = made
        return made


def capture(
    world: World, first: int, last: int, blocks: MobileBlocks, *, keep_trips: bool = False
) -> Captured:
    """Simulate people ``first`` to ``last - 1``, all drivers or all without a car; read plates and faces."""
    if first >= world.drivers.n_drivers:
        trips, legs = walk(world, first, last)
        reads = _NO_READS
    else:
        trips, legs = drive(world, first, last)
        reads = _read_plates(world, trips, legs, first, last, blocks)
    written = write_down(reads, world.drivers.plate[: world.drivers.n_drivers], world.cameras, world.seed)
    person = reads.driver
    if world.on_foot is not None:
        met = _met_on_foot(world, world.on_foot, trips, legs, first, last)
        faces = recognise(
            met,
            world.cameras,
            world.on_foot.galleries,
            world.working,
            world.drivers.n_people,
            world.seed,
        )
        written = Sightings.concatenate([written, faces.sightings])
        person = np.concatenate([person, faces.person])
    own_plate = world.drivers.plate[person]
    phantom = written.plate >= PHANTOM_PLATE
    stray = ~phantom & (written.plate != own_plate)
    return Captured(
        own=written.take(~phantom & ~stray).sorted(),
        strays=written.take(stray),
        phantoms=written.take(phantom),
        reads_by_camera=np.bincount(written.camera_id, minlength=world.cameras.n_cameras),
        trips=trips.to_frame(legs) if keep_trips else None,
    )


def walk(world: World, first: int, last: int) -> tuple[Trips, Legs]:
    """Let people ``first`` to ``last - 1``, who have no car, live through all days."""
    scenario, on_foot = world.scenario, world.on_foot
    assert on_foot is not None  # since there is somebody without a car
    plans = plan_days_on_foot(
        scenario,
        world.drivers,
        world.places,
        on_foot.stations,
        on_foot.destinations,
        world.seed,
        first,
        last,
    )
    legs = walk_legs(
        plans,
        on_foot.station_of_person,
        speed_mps=scenario.walking.speed_mps,
        station_wait_s=scenario.walking.station_wait_s,
        foot=on_foot.network,
        ends=on_foot.ends,
        places=world.places,
        watched=on_foot.watched,
    )
    field = np.zeros(len(plans.driver), dtype=np.uint8)
    return carry_out(plans, field, legs, days=scenario.days, seed=world.seed), legs


def _met_on_foot(
    world: World, on_foot: OnFoot, trips: Trips, legs: Legs, first: int, last: int
) -> Encounters:
    if first >= world.drivers.n_drivers:
        return on_walks(trips, legs, on_foot.watched, world.scenario.days)
    return walk_from_cars(
        trips,
        first_driver=first,
        last_driver=last,
        mean_m=world.scenario.walking.parking_m,
        speed_mps=world.scenario.walking.speed_mps,
        drivers=world.drivers,
        places=world.places,
        foot=on_foot.network,
        ends=on_foot.ends,
        watched=on_foot.watched,
        days=world.scenario.days,
        seed=world.seed,
    )


def _read_plates(world: World, trips: Trips, legs: Legs, first: int, last: int, blocks: MobileBlocks) -> Raw:
    raws = [read_fixed(trips, legs, world.cameras, world.lot_camera, world.working, world.seed)]
    if world.has_mobile_readers:
        if world.recorded is None:
            stands = stands_at_places(trips, world.drivers, world.places)
        else:
            stands = world.recorded.stands(first, last, world.scenario.days)
        for day in range(0, world.scenario.days, MOBILE_BLOCK_DAYS):
            until = min(day + MOBILE_BLOCK_DAYS, world.scenario.days)
            raws.append(
                read_from_cars(
                    trips,
                    legs,
                    first_driver=first,
                    last_driver=last,
                    passes=blocks.passes(day, until),
                    day_from=day,
                    day_to=until,
                    stands=stands,
                    places=world.places,
                    network=world.city.network,
                    trees=world.trees,
                    cameras=world.cameras,
                    working=world.working,
                    seed=world.seed,
                )
            )
    return _in_order(raws)


def _in_order(raws: list[Raw]) -> Raw:
    """Put all reads in an order that does not depend on blocks or chunks: driver, time, reader."""
    driver = np.concatenate([r.driver for r in raws])
    time_s = np.concatenate([r.time_s for r in raws])
    camera = np.concatenate([r.camera_id for r in raws])
    order = np.lexsort((camera, time_s, driver))
    return Raw(
        driver=driver[order],
        time_s=time_s[order],
        camera_id=camera[order],
        x_m=np.concatenate([r.x_m for r in raws])[order],
        y_m=np.concatenate([r.y_m for r in raws])[order],
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class AttackSetting:
    """What attacks need beside a chunk's sightings; made once a run."""

    names: tuple[str, ...]
    knowledge: Knowledge
    homes: Addresses
    works: Addresses


def attack_setting(world: World) -> AttackSetting:
    """Collect the adversary's public knowledge, and the addresses that guesses are ranked among.

    Raises
    ------
    ScenarioError
        If the scenario names an unknown attacker, or one whose optional package is missing.
    """
    places, imagined = world.places, believed(world)
    cameras = imagined.cameras
    names = world.scenario.attackers.names or default_attacker_names()
    for name in names:
        ready_attacker(name)
    facts = ReaderFacts(
        fixed=np.isin(cameras.kind, (ReaderKind.FIXED, ReaderKind.LOT)),
        edge=cameras.edge,
        offset_m=cameras.offset_m.astype(np.float32),
        both_directions=cameras.both_directions,
        x_m=cameras.x_m,
        y_m=cameras.y_m,
        read_rate=effective_read_rate(world.scenario.archive, cameras).astype(np.float32),
        lot=cameras.kind == ReaderKind.LOT,
        face=cameras.kind == ReaderKind.FACE,
    )
    doors, work = places.of_kind(PlaceKind.HOME), places.of_kind(PlaceKind.WORK)
    return AttackSetting(
        names=names,
        knowledge=Knowledge(
            rung=Rung.HABITS,
            readers=facts,
            streets=imagined.city.network,
            gateway_node=world.city.gateway_node,
            land_use=world.city.land_use,
        ),
        homes=Addresses(x_m=places.x_m[doors], y_m=places.y_m[doors]),
        works=Addresses(x_m=places.x_m[work], y_m=places.y_m[work]),
    )


def ground_of(world: World) -> Ground:
    """Collect the facts that an archive's rules are measured against."""
    places, home = world.places, world.drivers.home_place
    sensitive = {
        kind.name.lower(): np.column_stack([places.x_m[ids], places.y_m[ids]])
        for kind in (PlaceKind.CLINIC, PlaceKind.SCHOOL, PlaceKind.WORSHIP)
        for ids in (places.of_kind(kind),)
    }
    return Ground(
        cameras=world.cameras,
        seed=world.seed,
        # A plate is its driver's number; see Drivers.plate.
        home_x_m=places.x_m[home],
        home_y_m=places.y_m[home],
        sensitive=sensitive,
    )


def view_of(world: World, sightings: Sightings, first: int, last: int) -> ArchiveView:
    """Return the archive's view of the plates of drivers ``first`` to ``last - 1`` at all checkpoints."""
    plate = world.drivers.plate[first:last]
    seen, expires_s = look_into(world.scenario.archive, sightings, ground_of(world))
    return ArchiveView(
        plate=plate,
        indptr=np.searchsorted(seen.plate, np.append(plate, plate[-1] + 1)).astype(np.int64),
        time_s=seen.time_s,
        camera_id=seen.camera_id,
        x_m=seen.x_m,
        y_m=seen.y_m,
        expires_s=expires_s,
        checkpoint_days=np.array(world.scenario.checkpoints(), dtype=np.int32),
        start_weekday=WEEKDAYS.index(world.scenario.start_weekday),
    )


def truth_of(world: World, first: int, last: int) -> Truth:
    """Return where drivers ``first`` to ``last - 1`` live and work."""
    places = world.places
    home, work = world.drivers.home_place[first:last], world.drivers.work_place[first:last]
    has_work, at = work >= 0, np.maximum(work, 0)
    return Truth(
        driver_id=np.arange(first, last, dtype=np.int32),
        home_x_m=places.x_m[home],
        home_y_m=places.y_m[home],
        home_edge=places.edge[home],
        home_inside=places.edge[home] >= 0,
        has_work=has_work,
        work_x_m=np.where(has_work, places.x_m[at], np.nan),
        work_y_m=np.where(has_work, places.y_m[at], np.nan),
        work_edge=np.where(has_work, places.edge[at], -1).astype(np.int32),
        work_inside=has_work & (places.edge[at] >= 0),
    )


def attack(
    world: World,
    setting: AttackSetting,
    sightings: Sightings,
    first: int,
    last: int,
    *,
    examples: NDArray[np.int32] | None = None,
    pairs: bool = True,
) -> Scored:
    """Let all attackers loose on a chunk's plates; return what they believe, held against the truth.

    Parameters
    ----------
    sightings
        All sightings under the chunk's plates, strays included, by plate, time and reader.
    examples
        Drivers whose likeliest streets are kept.
    pairs
        Whether pairs of home and work place are held against the truth, too, which takes as long as all else.
    """
    view, truth = view_of(world, sightings, first, last), truth_of(world, first, last)
    seen = view.sightings_seen()
    scored = []
    for name in setting.names:
        attacker = attacker_named(name)
        guesses = attacker.infer(view, setting.knowledge.up_to(attacker.rung))
        scored.append(
            score(
                name,
                guesses if pairs else replace(guesses, joint=None),
                view,
                truth,
                network=world.city.network,
                homes=setting.homes,
                works=setting.works,
                sightings_seen=seen,
                examples=examples,
            )
        )
    return Scored.together(scored)
