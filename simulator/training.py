"""Drivers that an adversary makes up, in order to learn from them.

A town of the same streets and land use gets other places and other people, by a seed of its own, and the same
readers. The adversary is taken to know the scenario's figures on how people live and travel; it knows nothing
about the places and people of the town that it attacks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.adversary.attacker import attacker_named
from simulator.adversary.training import Training
from simulator.beliefs import believed
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.chunks import AttackSetting, MobileBlocks, capture, truth_of, view_of
from simulator.people.places import PlaceKind, Places
from simulator.scenario import Scenario
from simulator.sightings.capture import Sightings
from simulator.streams import Stream, stream_key
from simulator.world import World, build_world

TRAINING_DRIVERS = 1_500
# Bounds the time that is spent on long scenarios; at least so many drivers are made up all the same.
_DRIVER_DAYS = 180_000
_FEWEST_DRIVERS = 400
_MOST_PLACES = {"workplaces": 300, "shops": 120, "leisure_places": 150, "schools": 30, "external_places": 80}


def with_training(setting: AttackSetting, world: World) -> AttackSetting:
    """Give the adversary drivers to learn from, if an attacker of the setting wants any."""
    if not learns(setting):
        return setting
    return replace(setting, knowledge=replace(setting.knowledge, training=make_training(world)))


def learns(setting: AttackSetting) -> bool:
    """Return whether an attacker of the setting learns from made-up drivers."""
    return any(getattr(attacker_named(name), "learns", False) for name in setting.names)


def make_training(world: World, n_drivers: int | None = None) -> Training:
    """Make up drivers and let the readers of a world see them; see :func:`make_town`."""
    return training_of(make_town(world, n_drivers), world.scenario)


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeUpTown:
    """Made-up drivers and all that readers read of them, whatever an archive then does to it."""

    world: World
    reads: Sightings


def make_town(world: World, n_drivers: int | None = None) -> MadeUpTown:
    """Make up drivers and let the readers of a world read their plates.

    Parameters
    ----------
    world
        The world that is attacked; only its scenario, streets, land use and readers are looked at.
    n_drivers
        How many; 1,500 if left out, fewer where days are many or drivers few.
    """
    # Readers that are not known of stay where they are, but are believed to read nobody.
    edge, world = world.cameras.edge, believed(world)
    scenario = world.scenario
    enough = min(TRAINING_DRIVERS, _DRIVER_DAYS // scenario.days, 2 * scenario.people.drivers)
    n = n_drivers or max(enough, _FEWEST_DRIVERS)
    people = scenario.people.model_copy(
        update={
            "drivers": n,
            "vehicles_represented": scenario.people.vehicles_represented or scenario.people.drivers,
            # Routes are what takes time, and there is one tree or two for each place.
            **{kind: min(getattr(scenario.people, kind), most) for kind, most in _MOST_PLACES.items()},
        }
    )
    seed = stream_key(world.seed, Stream.ATTACK_TRAINING) >> 1
    town = build_world(
        # Learned from drivers alone: the adversary makes up nobody without a car.
        scenario.model_copy(
            update={
                "people": people,
                "traffic": None,
                "walking": scenario.walking.model_copy(update={"car_free": 0}),
            }
        ),
        seed,
        city=world.city,
        cameras_of=lambda places: _at_their_places(replace(world.cameras, edge=edge), places),
    )
    captured = capture(town, 0, n, MobileBlocks(town))
    return MadeUpTown(world=town, reads=Sightings.concatenate([captured.own, captured.strays]).sorted())


def training_of(town: MadeUpTown, scenario: Scenario) -> Training:
    """Return what the adversary learns from: a made-up town under the archive rules of a scenario."""
    n = town.world.drivers.n_drivers
    truth = truth_of(town.world, 0, n)
    return Training(
        view=view_of(replace(town.world, scenario=scenario), town.reads, 0, n),
        reads_plates=town.world.cameras.kind != ReaderKind.FACE,
        home_x_m=truth.home_x_m,
        home_y_m=truth.home_y_m,
        home_edge=truth.home_edge,
        has_work=truth.has_work,
        work_x_m=truth.work_x_m,
        work_y_m=truth.work_y_m,
        work_edge=truth.work_edge,
    )


def _at_their_places(cameras: Cameras, places: Places) -> Cameras:
    """Return the readers, those at car parks at the car park of the made-up town that is nearest to each."""
    place: NDArray[np.int32] = np.full(cameras.n_cameras, -1, dtype=np.int32)
    lots = np.flatnonzero(cameras.kind == ReaderKind.LOT)
    parks = np.flatnonzero(places.in_lot & ~np.isin(places.kind, (PlaceKind.HOME, PlaceKind.EXTERNAL)))
    if len(lots) and len(parks):
        tree = cKDTree(np.column_stack([places.x_m[parks], places.y_m[parks]]))
        place[lots] = parks[tree.query(np.column_stack([cameras.x_m[lots], cameras.y_m[lots]]))[1]]
    return replace(cameras, place=place)
