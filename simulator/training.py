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
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.manner import count_trip_ends, learn_manner
from simulator.adversary.knowledge import Manner
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
# Plates that are looked at to learn how people drive, in groups of neighbours by name.
_SURVEYED_TOGETHER, _SURVEYED_GROUPS = 100, 30
_MOST_PLACES = {"workplaces": 300, "shops": 120, "leisure_places": 150, "schools": 30, "external_places": 80}


def with_training(setting: AttackSetting, world: World) -> AttackSetting:
    """Give the adversary drivers to learn from, if an attacker of the setting wants any.

    Where the traffic is not this project's, it first learns from the traffic how people drive there, and
    makes up drivers who drive so.
    """
    if not learns(setting):
        return setting
    manner = manner_of(setting, world)
    training = training_of(make_town(world, manner=manner), world.scenario)
    return replace(setting, knowledge=replace(setting.knowledge, training=training, manner=manner))


def learns(setting: AttackSetting) -> bool:
    """Return whether an attacker of the setting learns from made-up drivers."""
    return any(getattr(attacker_named(name), "learns", False) for name in setting.names)


def manner_of(setting: AttackSetting, world: World) -> Manner | None:
    """Return how people drive in a world of recorded traffic, as its reads tell; ``None`` in any other.

    The plates of up to 3,000 vehicles are looked at, under the archive's rules, as of the last day.
    """
    if world.recorded is None:
        return None
    n, blocks = world.drivers.n_drivers, MobileBlocks(world)
    # Neighbours in the order of names may be alike: many small groups of them.
    starts = np.unique(np.linspace(0, max(n - _SURVEYED_TOGETHER, 0), _SURVEYED_GROUPS).astype(int))
    edges = np.minimum(starts + _SURVEYED_TOGETHER, np.append(starts[1:], n))
    views = [
        view_of(world, capture(world, int(a), int(b), blocks).own, int(a), int(b))
        for a, b in zip(starts, edges, strict=True)
    ]
    passed = world.cameras.kind == ReaderKind.FIXED
    return learn_manner(setting.knowledge, count_trip_ends(views, passed), Habits())


def make_training(world: World, n_drivers: int | None = None) -> Training:
    """Make up drivers and let the readers of a world see them; see :func:`make_town`."""
    return training_of(make_town(world, n_drivers), world.scenario)


@dataclass(frozen=True, kw_only=True, eq=False)
class MadeUpTown:
    """Made-up drivers and all that readers read of them, whatever an archive then does to it."""

    world: World
    reads: Sightings


def make_town(world: World, n_drivers: int | None = None, *, manner: Manner | None = None) -> MadeUpTown:
    """Make up drivers and let the readers of a world read their plates.

    Parameters
    ----------
    world
        The world that is attacked; only its scenario, streets, land use and readers are looked at.
    n_drivers
        How many; 1,500 if left out, fewer where days are many or drivers few.
    manner
        How they drive; by the scenario's figures if left out.
    """
    # Readers that are not known of stay where they are, but are believed to read nobody.
    edge, world = world.cameras.edge, believed(world)
    scenario = world.scenario if manner is None else _driving_so(world.scenario, manner)
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


def _driving_so(scenario: Scenario, manner: Manner) -> Scenario:
    """Return a scenario whose drivers err as much, and go as far, as a manner has it."""
    people, travel = scenario.people, scenario.travel
    return scenario.model_copy(
        update={
            "people": people.model_copy(
                update={
                    "commute_scale_km": people.commute_scale_km * manner.reach,
                    "errand_scale_km": people.errand_scale_km * manner.reach,
                }
            ),
            "travel": travel.model_copy(update={"perception_sigma": travel.perception_sigma * manner.spread}),
        }
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
