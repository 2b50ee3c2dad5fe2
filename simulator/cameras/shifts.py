"""Who drives when and where: shifts, beats and the streets that each kind of car likes.

*Patrol cars* work three shifts, eight hours apart, in turn by their number in the group. The cars of one
shift divide the city into beats, rarely leave their own, and prefer main roads and the surroundings of some
junctions drawn by traffic volume (hot spots). A shift begins at a random junction of the beat. *Spotter cars*
have no beat: each shift begins at a junction drawn by the homes around it and sweeps on from there,
residential streets first. The preferences below are free: no source fixes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.cameras.roster import Cameras
from simulator.roads.city import City
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.scenario_parts import PatrolReaders, Readers, SpotterReaders
from simulator.streams import Stream, generator

ROTATION_H = 8.0
NIGHT_START_H = 20.0
_HOT_SPOT_REACH_M = 300.0

# How much a car likes a street, by class (motorway, trunk, primary, secondary, tertiary, residential, link).
_PATROL_LIKES = np.array([0.2, 2.0, 3.0, 2.5, 1.5, 1.0, 0.5])
_SPOTTER_LIKES = np.array([0.01, 0.05, 0.15, 0.25, 0.5, 1.0, 0.05])
# Weights are divided by (1 + drives this shift) to this power.
_PATROL_FADE, _SPOTTER_FADE = 1.0, 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Beats:
    """A part of the city for each car that is on duty at the same time.

    Parameters
    ----------
    base_x_m, base_y_m
        Where each beat's centre lies, shape (n_beats,).
    beat
        The beat of each node, shape (n_nodes,): the one with the nearest centre.
    """

    base_x_m: NDArray[np.float64]
    base_y_m: NDArray[np.float64]
    beat: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Duty:
    """What one car does on every day: row numbers point into :class:`Plan`'s tables."""

    camera: int
    start_s: int
    length_s: float
    drive_share: float
    speed_mps: float
    profile: int
    territory: int
    beat: int
    sweep: bool


class Plan:
    """Tables that several cars share: street weights, beats, and nodes where shifts begin."""

    def __init__(self) -> None:
        self.likes: list[NDArray[np.float32]] = []
        self.fade: list[float] = []
        self.beat: list[NDArray[np.int32]] = []
        self.base: list[tuple[float, float]] = []
        self.base_indptr = [0]
        self.start_node: list[NDArray[np.int32]] = []
        self.start_cumulative: list[NDArray[np.float64]] = []
        self.start_indptr = [0]
        self.duties: list[Duty] = []

    def add_profile(self, likes: NDArray[np.float64], fade: float) -> int:
        self.likes.append(likes.astype(np.float32))
        self.fade.append(fade)
        return len(self.likes) - 1

    def add_territory(self, beats: Beats, start_weight: NDArray[np.float64]) -> int:
        """Add beats and, for each of them, its nodes with the weights at which shifts begin there."""
        self.beat.append(beats.beat)
        for b in range(len(beats.base_x_m)):
            node = np.flatnonzero(beats.beat == b).astype(np.int32)
            weight = start_weight[node] if start_weight[node].sum() > 0 else np.ones(len(node))
            self.base.append((float(beats.base_x_m[b]), float(beats.base_y_m[b])))
            self.start_node.append(node)
            self.start_cumulative.append(np.cumsum(weight) / weight.sum())
            self.start_indptr.append(self.start_indptr[-1] + len(node))
        self.base_indptr.append(len(self.base))
        return len(self.beat) - 1


def plan_shifts(
    cameras: Cameras,
    groups: Sequence[Readers],
    *,
    city: City,
    edge_volume: NDArray[np.float64],
    seed: int,
) -> Plan:
    """Lay down what each car does on every day; parameters as for ``mobile_passes``."""
    plan = Plan()
    for index, group in enumerate(groups):
        members = np.flatnonzero(cameras.group == index)
        if len(members) == 0:
            continue
        if isinstance(group, PatrolReaders):
            _plan_patrol(plan, group, members, city.network, edge_volume, seed)
        elif isinstance(group, SpotterReaders):
            _plan_spotter(plan, group, members, city)
    return plan


def divide_city(network: RoadNetwork, n_beats: int, rng: np.random.Generator) -> Beats:
    """Divide the nodes among cars into beats of near-by nodes: Lloyd's algorithm from far-apart starts.

    There are as many beats as cars, or as nodes if there are fewer nodes. Every node is in one beat, and
    every beat has a node.
    """
    xy = np.column_stack([network.node_x_m, network.node_y_m])
    n_beats = min(n_beats, len(xy))
    centre = np.empty((n_beats, 2))
    centre[0] = xy[rng.integers(len(xy))]
    distance = np.hypot(*(xy - centre[0]).T)
    for k in range(1, n_beats):
        centre[k] = xy[int(np.argmax(distance))]
        distance = np.minimum(distance, np.hypot(*(xy - centre[k]).T))
    for _ in range(20):
        beat = np.asarray(cKDTree(centre).query(xy)[1])
        size = np.bincount(beat, minlength=n_beats)
        moved = np.column_stack([np.bincount(beat, xy[:, a], minlength=n_beats) for a in (0, 1)])
        centre = np.where(size[:, None] > 0, moved / np.maximum(size, 1)[:, None], centre)
    beat = np.asarray(cKDTree(centre).query(xy)[1], dtype=np.int32)
    for empty in np.flatnonzero(np.bincount(beat, minlength=n_beats) == 0):
        # Only where nodes lie upon one another: take one from the largest beat.
        largest = int(np.argmax(np.bincount(beat, minlength=n_beats)))
        beat[np.flatnonzero(beat == largest)[0]] = empty
    return Beats(base_x_m=centre[:, 0].copy(), base_y_m=centre[:, 1].copy(), beat=np.asarray(beat, np.int32))


def _plan_patrol(
    plan: Plan,
    group: PatrolReaders,
    members: NDArray[np.int64],
    network: RoadNetwork,
    edge_volume: NDArray[np.float64],
    seed: int,
) -> None:
    """Three shifts, eight hours apart; the cars of each shift have a beat each and together all the city."""
    rng = generator(seed, Stream.MOBILE_ROUTES, group.name)
    likes = _PATROL_LIKES[network.edge_class] * (1 + 4 * _hot_spot_pull(network, edge_volume, rng))
    profile = plan.add_profile(likes, _PATROL_FADE)
    for turn in range(3):
        on_duty = members[turn::3]
        if len(on_duty) == 0:
            continue
        beats = divide_city(
            network, len(on_duty), generator(seed, Stream.MOBILE_ROUTES, group.name, "beats", turn)
        )
        territory = plan.add_territory(beats, np.ones(network.n_nodes))
        for i, camera in enumerate(on_duty):
            plan.duties.append(
                Duty(
                    camera=int(camera),
                    start_s=round((group.shift_start_h + ROTATION_H * turn) % 24 * 3600),
                    length_s=group.shift_hours * 3600,
                    drive_share=group.drive_share,
                    speed_mps=group.speed_kmh / 3.6,
                    profile=profile,
                    territory=territory,
                    beat=i % len(beats.base_x_m),
                    sweep=False,
                )
            )


def _hot_spot_pull(
    network: RoadNetwork, edge_volume: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Pull of some busy junctions on each edge, shape (n_edges,): 1 at a hot spot, less around it."""
    volume = np.bincount(network.edge_head, edge_volume, minlength=network.n_nodes)
    n_spots = max(1, network.n_nodes // 50)
    with np.errstate(divide="ignore"):
        hot = np.argsort(-(np.log(volume) + rng.gumbel(size=network.n_nodes)), kind="stable")[:n_spots]
    xy = np.column_stack([network.node_x_m, network.node_y_m])
    distance_m = cKDTree(xy[hot]).query(xy[network.edge_head])[0]
    pull: NDArray[np.float64] = np.exp(-distance_m / _HOT_SPOT_REACH_M)
    return pull


def _plan_spotter(plan: Plan, group: SpotterReaders, members: NDArray[np.int64], city: City) -> None:
    """Every shift begins where somebody may live, and sweeps on from there."""
    network = city.network
    profile = plan.add_profile(_SPOTTER_LIKES[network.edge_class], _SPOTTER_FADE)
    homes = np.bincount(network.edge_head, city.land_use.residential, minlength=network.n_nodes)
    if homes.sum() == 0:
        residential = network.edge_length_m * (network.edge_class == RoadClass.RESIDENTIAL)
        homes = np.bincount(network.edge_head, residential, minlength=network.n_nodes)
    everywhere = Beats(
        base_x_m=np.zeros(1), base_y_m=np.zeros(1), beat=np.zeros(network.n_nodes, dtype=np.int32)
    )
    territory = plan.add_territory(everywhere, homes.astype(np.float64))
    # Spreads the night cars evenly over the numbers, so that car i works the same whatever the count.
    nth = np.floor(np.arange(len(members) + 1) * group.night_share + 1e-9)
    by_night = np.diff(nth) > 0
    for camera, night in zip(members, by_night, strict=True):
        plan.duties.append(
            Duty(
                camera=int(camera),
                start_s=round((NIGHT_START_H if night else group.shift_start_h) * 3600),
                length_s=group.shift_hours * 3600,
                drive_share=group.drive_share,
                speed_mps=group.speed_kmh / 3.6,
                profile=profile,
                territory=territory,
                beat=0,
                sweep=True,
            )
        )
