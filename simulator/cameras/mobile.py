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

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, MobilePasses
from simulator.cameras.shifts import plan_shifts
from simulator.roads.city import City
from simulator.scenario_parts import Readers
from simulator.streams import Stream, stream_key, uniforms

DAY_S = 86_400
_CYCLE_S = 7_200.0
_OFF_BEAT = 0.02


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
    plan = plan_shifts(cameras, groups, city=city, edge_volume=edge_volume, seed=seed)
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
