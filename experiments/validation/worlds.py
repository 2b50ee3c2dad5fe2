"""The worlds that several yardsticks share, built once, and dense tracks of their drivers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from experiments.reidentification import capture_all
from experiments.validation.checks import Size
from scenarios import scenario_named
from simulator.people.drivers import DriverKind
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.sightings.capture import Sightings
from simulator.streams import Stream, generator, replicate_seed
from simulator.travel.legs import Legs, choose_fields, route_legs
from simulator.travel.plan import plan_days
from simulator.travel.trips import Trips, carry_out
from simulator.world import Progress, World, build_world

#: The reads that V2, V11, V13 and V15 look at: eleven weeks.
READ_DAYS = 77
#: As many as some minutes allow; most of these studies had a million people or more.
CITY_DRIVERS = 20_000
TRACK_DAYS = 14


@dataclass(frozen=True, kw_only=True, eq=False)
class Tracks:
    """GPS-like points of some drivers' trips, in order of driver and time; arrays have shape (n_points,).

    Parameters
    ----------
    driver
        Row in ``drivers``.
    trip
        Row in ``trips``.
    time_s, x_m, y_m
        When and where.
    drivers
        Driver ids.
    trips
        All trips of the drivers up to the last one of ``drivers``.
    """

    driver: NDArray[np.int64]
    trip: NDArray[np.int64]
    time_s: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    drivers: NDArray[np.int64]
    trips: Trips


class Context:
    """What yardsticks are measured in: size, seed, and shared worlds."""

    def __init__(self, size: Size, seed: int, progress: Progress = lambda stage, done: None) -> None:
        self.size = size
        self.seed = replicate_seed(seed, 0)
        self.progress = progress

    def scenario(self, name: str, **changes: object) -> Scenario:
        """Return a standard scenario with changes (``__`` for dots), small if all is small."""
        small = {
            "streets.nodes": 120,
            "streets.area_km2": 2.0,
            "people.workplaces": 40,
            "people.shops": 20,
            "people.leisure_places": 20,
            "people.external_places": 20,
            "travel.route_variants": 2,
        }
        base = with_overrides(scenario_named(name), small if self.size.small else {})
        return with_overrides(base, {k.replace("__", "."): v for k, v in changes.items()})

    @cached_property
    def city_world(self) -> World:
        """A city of 138 km² with 176 fixed readers."""
        changes: dict[str, object] = {
            "people__drivers": self.size.of(CITY_DRIVERS, 300),
            "days": self.size.of(READ_DAYS, 28),
        }
        if self.size.small:
            changes["readers__street-readers__count"] = 24
        return build_world(self.scenario("norfolk-density", **changes), self.seed, self.progress)

    @cached_property
    def city_reads(self) -> Sightings:
        """All reads of that city."""
        self.progress("drive", 0.0)
        return capture_all(self.city_world)


def dense_tracks(world: World, *, residents: int, days: int, spacing_m: float, gps_m: float) -> Tracks:
    """Return points along the drives of some residents, as a logger in the car would note them.

    Parameters
    ----------
    residents
        How many residents, the first ones in the (random) order of drivers.
    spacing_m
        Metres driven from one point to the next; the first lies at random within the first spacing.
    gps_m
        Standard deviation of each coordinate.
    """
    drivers = np.flatnonzero(world.drivers.kind == DriverKind.RESIDENT)[:residents]
    trips, legs = _drive(world, int(drivers[-1]) + 1, days)
    rng = generator(world.seed, Stream.VALIDATION, "tracks", str(spacing_m))
    phase = rng.random(trips.n_trips)
    network, places = world.city.network, world.places
    parts: list[tuple[NDArray[np.float64], ...]] = []
    row_of = np.full(int(drivers[-1]) + 1, -1, dtype=np.int64)
    row_of[drivers] = np.arange(len(drivers))
    for trip in np.flatnonzero(row_of[trips.driver] >= 0):
        leg = trips.leg[trip]
        edge = legs.edge[legs.edge_indptr[leg] : legs.edge_indptr[leg + 1]]
        if not len(edge):
            continue
        a, b = trips.from_place[trip], trips.to_place[trip]
        start = places.offset_m[a] if places.edge[a] >= 0 else 0.0
        length = network.edge_length_m[edge]
        end = length.sum() - (length[-1] - places.offset_m[b] if places.edge[b] >= 0 else 0.0)
        at = np.arange(start + phase[trip] * spacing_m, end, spacing_m)
        if not len(at):
            continue
        behind = np.cumsum(length) - length
        which = np.searchsorted(behind, at, side="right") - 1
        x, y = network.point_along(edge[which], at - behind[which])
        out_s, in_s = places.beyond_s[a] * trips.pace[trip], places.beyond_s[b] * trips.pace[trip]
        inside_s = trips.arrive_s[trip] - trips.depart_s[trip] - out_s - in_s
        time_s = trips.depart_s[trip] + out_s + inside_s * (at - start) / max(end - start, 1.0)
        parts.append(
            (np.full(len(at), float(row_of[trips.driver[trip]])), np.full(len(at), float(trip)), time_s, x, y)
        )
    driver, of_trip, time_s, x, y = (np.concatenate(column) for column in zip(*parts, strict=True))
    noise = rng.normal(0.0, gps_m, (2, len(x)))
    return Tracks(
        driver=driver.astype(np.int64),
        trip=of_trip.astype(np.int64),
        time_s=time_s,
        x_m=x + noise[0],
        y_m=y + noise[1],
        drivers=drivers,
        trips=trips,
    )


def _drive(world: World, until: int, days: int) -> tuple[Trips, Legs]:
    """Return trips with the edges driven, which runs keep only for readers on cars."""
    scenario = world.scenario.model_copy(update={"days": min(days, world.scenario.days)})
    plans = plan_days(scenario, world.drivers, world.places, world.destinations, world.seed, 0, until)
    field = choose_fields(scenario, plans, world.drivers.habit_share, world.seed)
    legs = route_legs(
        plans,
        field,
        network=world.city.network,
        places=world.places,
        trees=world.trees,
        watched=world.watched,
        keep_edges=True,
    )
    return carry_out(plans, field, legs, days=scenario.days, seed=world.seed), legs
