"""A motorway across a generated city: two carriageways, a few interchanges, ramps to a main road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.roads.network import FloatArray, RoadClass

Ints = NDArray[np.int64]
_POINTS_BETWEEN = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Motorway:
    """A bent line across a square.

    Parameters
    ----------
    middle
        The square's middle coordinate, in blocks.
    along, across
        Unit vectors.
    offset, height, wave, phase
        The line's distance from the middle: ``offset + height * sin(wave * u + phase)``.
    start, stop
        Where along the axis it enters and leaves the square.
    interchange
        Places of interchanges along the axis, ascending.
    gap, ramp
        Half the distance of the carriageways, and half the distance of the exit and the entry.
    """

    middle: float
    along: FloatArray
    across: FloatArray
    offset: float
    height: float
    wave: float
    phase: float
    start: float
    stop: float
    interchange: FloatArray
    gap: float
    ramp: float

    @classmethod
    def draw(cls, rng: np.random.Generator, side: float, *, tilt: float) -> Motorway:
        """Draw a line across a square of the side (in blocks)."""
        along = np.array([np.cos(tilt), np.sin(tilt)])
        across = np.array([-np.sin(tilt), np.cos(tilt)])
        offset = float(rng.uniform(0.12, 0.24) * side * rng.choice([-1, 1]))
        height, wave, phase = 0.05 * side, 2 * np.pi / (1.1 * side), float(rng.uniform(0, 2 * np.pi))
        u = np.linspace(-0.8 * side, 0.8 * side, 1601)
        v = offset + height * np.sin(wave * u + phase)
        xy = side / 2 + u[:, None] * along + v[:, None] * across
        inside = np.flatnonzero(((xy >= 0) & (xy <= side)).all(axis=1))
        start, stop = float(u[inside[0]]), float(u[inside[-1]])
        count = int(np.clip(round(side / 14), 2, 12))
        edges = np.linspace(start, stop, count + 1)
        place = (edges[1:] + edges[:-1]) / 2 + rng.uniform(-0.12, 0.12, count) * (edges[1] - edges[0])
        return cls(
            middle=side / 2, along=along, across=across, offset=offset, height=height, wave=wave, phase=phase,
            start=start, stop=stop, interchange=place, gap=0.12, ramp=min(1.2, 0.2 * (edges[1] - edges[0])),
        )  # fmt: skip

    @property
    def n_nodes(self) -> int:
        """Nodes that it adds: both ends, and an exit and an entry a carriageway and interchange."""
        return 2 + 4 * len(self.interchange)

    def point(self, u: FloatArray, shift: float = 0.0) -> FloatArray:
        v = self.offset + self.height * np.sin(self.wave * u + self.phase) + shift
        return np.asarray(self.middle + u[:, None] * self.along + v[:, None] * self.across)

    def side_of(self, xy: FloatArray) -> NDArray[np.bool_]:
        """Tell on which side points lie, shape (n,)."""
        u, v = (xy - self.middle) @ self.along, (xy - self.middle) @ self.across
        return np.asarray(v > self.offset + self.height * np.sin(self.wave * u + self.phase))


@dataclass(frozen=True, kw_only=True, eq=False)
class MotorwayPlan:
    """Nodes and one-way edges to add to a plan whose ground nodes come first."""

    xy: FloatArray
    a: Ints
    b: Ints
    road_class: Ints
    street: Ints
    bends: FloatArray
    bend_count: Ints
    ends: Ints


def plan_motorway(
    motorway: Motorway, xy: FloatArray, a: Ints, b: Ints, road_class: Ints, *, first_street: int
) -> MotorwayPlan:
    """Lay both carriageways and join each interchange to the nearest junction of a main road.

    The carriageways meet at the two ends, which are the gateways.
    """
    ground = len(xy)
    m = len(motorway.interchange)
    main = np.unique(
        np.concatenate([a[road_class <= RoadClass.TERTIARY], b[road_class <= RoadClass.TERTIARY]])
    )
    joint = main[cKDTree(xy[main]).query(motorway.point(motorway.interchange))[1]]
    nodes = [motorway.point(np.array([motorway.start, motorway.stop]))]
    tails: list[int] = []
    heads: list[int] = []
    classes: list[int] = []
    streets: list[int] = []
    bends: list[FloatArray] = []

    def add(tail: int, head: int, kind: RoadClass, street: int, points: FloatArray) -> None:
        tails.append(tail)
        heads.append(head)
        classes.append(int(kind))
        streets.append(street)
        bends.append(points)

    for carriageway, sign in enumerate((1, -1)):
        shift = -sign * motorway.gap  # traffic keeps to the right
        place = np.sort(
            np.concatenate([motorway.interchange - motorway.ramp, motorway.interchange + motorway.ramp])
        )
        place = place[::sign]
        first = ground + 2 + carriageway * 2 * m
        nodes.append(motorway.point(place, shift))
        stops = [ground, *range(first, first + 2 * m), ground + 1]
        u = [motorway.start, *place, motorway.stop] if sign > 0 else [motorway.stop, *place, motorway.start]
        if sign < 0:
            stops[0], stops[-1] = stops[-1], stops[0]
        for i in range(2 * m + 1):
            between = np.linspace(u[i], u[i + 1], _POINTS_BETWEEN + 2)[1:-1]
            add(stops[i], stops[i + 1], RoadClass.MOTORWAY, first_street, motorway.point(between, shift))
        for k in range(m):
            junction = int(joint[k] if sign > 0 else joint[m - 1 - k])
            leave, enter = first + 2 * k, first + 2 * k + 1
            street = first_street + 1 + (carriageway * m + k) * 2
            for tail, head, at, number in (
                (leave, junction, 2 * k, street),
                (junction, enter, 2 * k + 1, street + 1),
            ):
                lane = motorway.point(np.array([place[at]]), shift)[0]
                towards = motorway.point(np.array([(place[2 * k] + place[2 * k + 1]) / 2]), 3 * shift)[0]
                curve = 0.35 * lane + 0.3 * towards + 0.35 * xy[junction]
                add(tail, head, RoadClass.LINK, number, curve[None, :])
    return MotorwayPlan(
        xy=np.vstack(nodes),
        a=np.array(tails, dtype=np.int64),
        b=np.array(heads, dtype=np.int64),
        road_class=np.array(classes, dtype=np.int64),
        street=np.array(streets, dtype=np.int64),
        bends=np.vstack(bends),
        bend_count=np.array([len(points) for points in bends], dtype=np.int64),
        ends=np.array([0, 1], dtype=np.int64),
    )
