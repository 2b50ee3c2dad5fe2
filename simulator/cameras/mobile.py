"""Where readers on cars drive: shifts, beats and sweeps, as walks over the streets.

A car's shift is a walk whose every step is a pure function of the seed, the car, the day and the step's
number. Days are therefore independent: the passes of a block of days are the union of the passes of its
parts. At a junction the next street is drawn with weights that fall with the number of times that the shift
has already driven it. For spotter cars the fall is steep, which makes the walk close to *least used first*,
a local rule that covers all streets evenly (Cooper, Ilcinkas, Klasing & Kosowski, "Derandomizing random walks
in undirected graphs using locally fair exploration strategies", Distributed Computing 24, 2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.cameras.roster import Cameras, MobilePasses
from simulator.roads.city import City
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.scenario import PatrolReaders, Readers, SpotterReaders
from simulator.streams import Stream, generator, stream_key, uniforms

DAY_S = 86_400
ROTATION_H = 8.0
NIGHT_START_H = 20.0
_CYCLE_S = 7_200.0
_HOT_SPOT_REACH_M = 300.0

# How much a car likes a street, by class (motorway, trunk, primary, secondary, tertiary, residential, link).
_PATROL_LIKES = np.array([0.2, 2.0, 3.0, 2.5, 1.5, 1.0, 0.5])
_SPOTTER_LIKES = np.array([0.01, 0.05, 0.15, 0.25, 0.5, 1.0, 0.05])
# Weights are divided by (1 + drives this shift) to this power.
_PATROL_FADE, _SPOTTER_FADE = 1.0, 4.0
_OFF_BEAT = 0.02


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
class _Duty:
    """What one car does on every day: row numbers point into :class:`_Plan`'s tables."""

    camera: int
    start_s: int
    length_s: float
    drive_share: float
    speed_mps: float
    profile: int
    territory: int
    beat: int
    sweep: bool


class _Plan:
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
        self.duties: list[_Duty] = []

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


def mobile_passes(
    cameras: Cameras,
    groups: Sequence[Readers],
    *,
    city: City,
    edge_volume: NDArray[np.float64],
    seed: int,
    day_from: int,
    day_to: int,
) -> MobilePasses:
    """Drive all patrol and spotter cars through the shifts that *start* on some days.

    A shift that runs past midnight belongs to the day on which it starts. So ``enter_s`` may lie after the
    last day's end, and the small hours of ``day_from`` are driven by shifts of the day before: whoever needs
    all passes of days ``[a, b)`` asks for shifts of ``[a - 1, b)``. Day -1 is a day like any other.

    Parameters
    ----------
    cameras, groups
        The roster and the scenario's reader groups that it was placed for, in the same order.
    city
        The streets.
    edge_volume
        Vehicles a day along each directed edge, shape (n_edges,); patrols' hot spots are drawn by it.
    seed
        Root seed of the replicate.
    day_from, day_to
        Days, counted from 0, half-open.
    """
    network = city.network
    plan = _Plan()
    for index, group in enumerate(groups):
        members = np.flatnonzero(cameras.group == index)
        if len(members) == 0:
            continue
        if isinstance(group, PatrolReaders):
            _plan_patrol(plan, group, members, network, edge_volume, seed)
        elif isinstance(group, SpotterReaders):
            _plan_spotter(plan, group, members, city)
    days = np.arange(day_from, day_to, dtype=np.int64)
    if not plan.duties or len(days) == 0:
        return _sorted(
            network.n_edges,
            np.empty(0, np.int32),
            np.empty(0, np.int64),
            np.empty(0, np.float32),
            np.empty(0, np.int32),
            np.empty(0, np.bool_),
        )
    duties = plan.duties
    edge, enter_s, duration_s, duty = _drive(
        np.uint64(stream_key(seed, Stream.MOBILE_ROUTES)),
        days,
        cameras.key[[d.camera for d in duties]].astype(np.uint64),
        np.array([d.start_s for d in duties], np.float64),
        np.array([d.length_s for d in duties]),
        np.array([d.drive_share for d in duties]),
        np.array([d.speed_mps for d in duties]),
        np.array([d.profile for d in duties], np.int64),
        np.array([d.territory for d in duties], np.int64),
        np.array([d.beat for d in duties], np.int64),
        np.stack(plan.likes),
        np.array(plan.fade),
        np.stack(plan.beat),
        np.array(plan.base_indptr, np.int64),
        np.array(plan.base),
        np.array(plan.start_indptr, np.int64),
        np.concatenate(plan.start_node),
        np.concatenate(plan.start_cumulative),
        network.out_indptr,
        network.edge_head,
        network.reverse_edge,
        network.edge_length_m,
        network.edge_speed_mps,
        network.node_x_m,
        network.node_y_m,
    )
    camera = np.array([d.camera for d in duties], np.int32)[duty]
    sweep = np.array([d.sweep for d in duties], np.bool_)[duty]
    return _sorted(network.n_edges, edge, enter_s, duration_s, camera, sweep)


def _sorted(
    n_edges: int,
    edge: NDArray[np.int32],
    enter_s: NDArray[np.int64],
    duration_s: NDArray[np.float32],
    camera: NDArray[np.int32],
    sweep: NDArray[np.bool_],
) -> MobilePasses:
    order = np.lexsort((camera, enter_s, edge))
    return MobilePasses(
        edge_indptr=np.concatenate([[0], np.cumsum(np.bincount(edge, minlength=n_edges))]).astype(np.int64),
        enter_s=enter_s[order],
        duration_s=duration_s[order],
        camera=camera[order],
        sweep=sweep[order],
    )


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
    plan: _Plan,
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
                _Duty(
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


def _plan_spotter(plan: _Plan, group: SpotterReaders, members: NDArray[np.int64], city: City) -> None:
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
            _Duty(
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


@njit(cache=True)
def _drive(  # type: ignore[no-untyped-def]
    stream,
    days,
    key,
    start_s,
    length_s,
    drive_share,
    speed_mps,
    profile,
    territory,
    beat,
    likes,
    fade,
    node_beat,
    base_indptr,
    base,
    start_indptr,
    start_node,
    start_cumulative,
    out_indptr,
    edge_head,
    reverse_edge,
    edge_length_m,
    edge_speed_mps,
    node_x_m,
    node_y_m,
):
    """Walk every duty on every day; return edge, enter_s, duration_s and duty number of each pass."""
    size = 1024
    edge_out = np.empty(size, np.int32)
    enter_out = np.empty(size, np.int64)
    duration_out = np.empty(size, np.float32)
    duty_out = np.empty(size, np.int32)
    n = 0
    drives = np.zeros(len(edge_head), np.int32)
    weight = np.empty(64)
    for duty in range(len(key)):
        like, power = likes[profile[duty]], fade[profile[duty]]
        home, own = node_beat[territory[duty]], beat[duty]
        place = base_indptr[territory[duty]] + own
        base_x, base_y = base[place]
        first, last = start_indptr[place], start_indptr[place + 1]
        n_bouts = max(1, int(np.ceil(length_s[duty] / _CYCLE_S)))
        cycle_s = length_s[duty] / n_bouts
        bout_s = cycle_s * drive_share[duty]
        for day in days:
            shift_first = n
            # Counter lanes: car, day, step, purpose (0 start of the shift, 1 bouts, 2 turns).
            u = _unit(stream, key[duty], day, 0, 0)
            at = np.searchsorted(start_cumulative[first:last], u)
            node = start_node[first + min(at, last - first - 1)]
            previous = -1
            step = 0
            for bout in range(n_bouts):
                u = _unit(stream, key[duty], day, bout, 1)
                time_s = start_s[duty] + bout * cycle_s + u * (cycle_s - bout_s)
                end_s = time_s + bout_s
                while True:
                    low, high = out_indptr[node], out_indptr[node + 1]
                    if high - low > len(weight):
                        weight = np.empty(high - low)
                    total = 0.0
                    came_from = reverse_edge[previous] if previous >= 0 else -1
                    outside = home[node] != own
                    here_m = (node_x_m[node] - base_x) ** 2 + (node_y_m[node] - base_y) ** 2
                    for e in range(low, high):
                        w = 0.0
                        if e != came_from or high - low == 1:
                            back = reverse_edge[e]
                            seen = drives[e] + (drives[back] if back >= 0 else 0)
                            w = like[e] / (1.0 + seen) ** power
                            head = edge_head[e]
                            if home[head] != own:
                                there_m = (node_x_m[head] - base_x) ** 2 + (node_y_m[head] - base_y) ** 2
                                # Leaving the beat is rare; a car outside turns back towards its centre.
                                if not outside or there_m >= here_m:
                                    w *= _OFF_BEAT
                        weight[e - low] = w
                        total += w
                    if total <= 0.0:
                        break
                    u = _unit(stream, key[duty], day, step, 2)
                    aim = u * total
                    chosen = high - 1
                    while chosen > low and weight[chosen - low] == 0.0:
                        chosen -= 1
                    for e in range(low, high):
                        aim -= weight[e - low]
                        if aim < 0.0:
                            chosen = e
                            break
                    pace = min(edge_speed_mps[chosen], speed_mps[duty])
                    duration_s = edge_length_m[chosen] / pace
                    if time_s + duration_s > end_s:
                        break
                    if n == size:
                        size *= 2
                        edge_out = _grown(edge_out, size)
                        enter_out = _grown(enter_out, size)
                        duration_out = _grown(duration_out, size)
                        duty_out = _grown(duty_out, size)
                    edge_out[n] = chosen
                    enter_out[n] = day * DAY_S + np.int64(np.floor(time_s))
                    duration_out[n] = duration_s
                    duty_out[n] = duty
                    n += 1
                    drives[chosen] += 1
                    time_s += duration_s
                    node = edge_head[chosen]
                    previous = chosen
                    step += 1
            for i in range(shift_first, n):
                drives[edge_out[i]] = 0
    return edge_out[:n], enter_out[:n], duration_out[:n], duty_out[:n]


@njit(cache=True)
def _unit(stream, car, day, number, purpose):  # type: ignore[no-untyped-def]
    return uniforms(stream, car, day, number, purpose)[0]


@njit(cache=True)
def _grown(array, size):  # type: ignore[no-untyped-def]
    bigger = np.empty(size, array.dtype)
    bigger[: len(array)] = array
    return bigger
