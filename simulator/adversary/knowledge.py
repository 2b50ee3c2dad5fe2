"""What an adversary knows besides the sightings: a ladder of public facts, never the truth about a driver."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.training import Training
from simulator.roads.city import LandUse
from simulator.roads.network import RoadNetwork


class Rung(IntEnum):
    """The ladder of knowledge; each rung includes those before it."""

    SIGHTINGS = 0
    READERS = 1
    STREETS = 2
    LAND_USE = 3
    HABITS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class ReaderFacts:
    """The readers as their operator lists them: where they are and what they are believed to read.

    All arrays have shape (n_cameras,) and are indexed by camera id.

    Parameters
    ----------
    fixed
        True for readers at a fixed place.
    edge, offset_m
        The directed edge that a fixed reader watches and where on it; -1 for mobile readers.
    both_directions
        Whether it also reads the opposite direction.
    x_m, y_m
        Position of fixed readers, metres; NaN for mobile ones.
    read_rate
        Believed share of passing plates that are read.
    lot
        True for readers at the entry of a car park, which through traffic does not pass; ``None``: none is.
    face
        True for readers of faces, which people on foot pass and cars do not; ``None``: none is.
    """

    fixed: NDArray[np.bool_]
    edge: NDArray[np.int32]
    offset_m: NDArray[np.float32]
    both_directions: NDArray[np.bool_]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    read_rate: NDArray[np.float32]
    lot: NDArray[np.bool_] | None = None
    face: NDArray[np.bool_] | None = None

    @property
    def reads_plates(self) -> NDArray[np.bool_]:
        """True for readers of plates, shape (n_cameras,)."""
        return np.ones(len(self.fixed), dtype=np.bool_) if self.face is None else ~self.face

    @cached_property
    def of_plates(self) -> ReaderFacts:
        """The readers of plates alone, numbered anew from 0 in their order; always the same object."""
        if self.reads_plates.all():
            return self
        some: dict[str, Any] = {}
        for member in fields(self):
            values = getattr(self, member.name)
            some[member.name] = None if values is None else values[self.reads_plates]
        return ReaderFacts(**some)


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How people drive in the town that is attacked, against what travel surveys say of people elsewhere.

    Learned from traffic that this project did not make
    (:func:`simulator.adversary.bayes.manner.learn_manner`); the numbers left out are those of elsewhere.

    Parameters
    ----------
    spread
        Times the usual spread of perceived travel times.
    taste
        Times the usual spread of drivers' liking of whole road classes, beside that of travel times.
    reach
        Times the usual distances of trips.
    aid
        Times the usual share of trips on the fastest route, as told by an aid.
    """

    spread: float = 1.0
    taste: float = 1.0
    reach: float = 1.0
    aid: float = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Knowledge:
    """Public facts that an attacker may use; a part above its rung is ``None``.

    ``training`` is no fact: drivers that the adversary made up by all it knows, for attackers that learn.
    ``manner`` is what the traffic itself taught about how people drive; ``None``: as surveys have it.
    """

    rung: Rung = Rung.SIGHTINGS
    readers: ReaderFacts | None = None
    streets: RoadNetwork | None = None
    gateway_node: NDArray[np.int32] | None = None
    land_use: LandUse | None = None
    training: Training | None = None
    manner: Manner | None = None

    def up_to(self, rung: Rung) -> Knowledge:
        """Return what is known at a lower rung."""
        return Knowledge(
            rung=rung,
            readers=self.readers if rung >= Rung.READERS else None,
            streets=self.streets if rung >= Rung.STREETS else None,
            gateway_node=self.gateway_node if rung >= Rung.STREETS else None,
            land_use=self.land_use if rung >= Rung.LAND_USE else None,
            training=self.training if rung >= Rung.HABITS else None,
            manner=self.manner if rung >= Rung.HABITS else None,
        )
