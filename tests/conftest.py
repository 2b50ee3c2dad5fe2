"""Fixtures that several tests share: one tiny town, built once."""

from __future__ import annotations

import pytest
from engine_town import tiny_scenario

from simulator.chunks import drive
from simulator.run import Run, simulate
from simulator.scenario import Scenario
from simulator.travel.legs import Legs
from simulator.travel.trips import Trips
from simulator.world import World, build_world


@pytest.fixture(scope="session")
def tiny() -> Scenario:
    """Return a scenario of 80 junctions, 40 drivers, 10 days and all kinds of readers."""
    return tiny_scenario()


@pytest.fixture(scope="session")
def tiny_world(tiny: Scenario) -> World:
    return build_world(tiny, 3)


@pytest.fixture(scope="session")
def tiny_trips(tiny_world: World) -> tuple[Trips, Legs]:
    return drive(tiny_world, 0, tiny_world.drivers.n_drivers)


@pytest.fixture(scope="session")
def tiny_run(tiny: Scenario) -> Run:
    return simulate(tiny, seed=3)
