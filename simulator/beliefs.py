"""The world as adversaries believe it to be, where a scenario gives them errors.

Their knowledge is taken from it, and so are the drivers that they make up. The world that is attacked stays
what it is.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.cameras.roster import ReaderKind
from simulator.roads.network import RoadClass
from simulator.scenario_parts import Beliefs
from simulator.streams import Stream, generator
from simulator.world import World

NO_ERRORS = Beliefs()


def believed(world: World) -> World:
    """Return a world with the errors of the scenario's adversaries in streets, readers and travel.

    Readers whose place they do not know keep their number, stand on no street, and read nobody.
    """
    errors = world.scenario.attackers.believes
    if errors == NO_ERRORS:
        return world
    network, cameras = world.city.network, world.cameras
    main = network.edge_class <= RoadClass.SECONDARY
    faster = np.where(main, 1.0 + errors.time_error, 1.0 / (1.0 + errors.time_error))
    speed = (network.edge_speed_mps * faster).astype(network.edge_speed_mps.dtype)
    draw = generator(world.seed, Stream.UNKNOWN_READERS).random(cameras.n_cameras)
    unknown = (draw < errors.unknown_reader_share) & (cameras.kind == ReaderKind.FIXED)
    rate = np.clip(cameras.read_rate + errors.read_rate_error, 0.02, 1.0)
    travel = {
        name: value
        for name in ("perception_sigma", "habit_share")
        if (value := getattr(errors, name)) is not None
    }
    scenario = world.scenario.model_copy(update={"travel": world.scenario.travel.model_copy(update=travel)})
    return replace(
        world,
        scenario=scenario,
        city=replace(world.city, network=replace(network, edge_speed_mps=speed)),
        cameras=replace(
            cameras,
            read_rate=np.where(unknown, 0.0, rate).astype(cameras.read_rate.dtype),
            edge=np.where(unknown, -1, cameras.edge).astype(cameras.edge.dtype),
        ),
    )
