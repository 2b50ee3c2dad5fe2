"""Where discretionary trips go: exploration and preferential return.

Song, Koren, Wang & Barabasi, "Modelling the scaling properties of human mobility", Nature Physics 6 (2010):
with S places known, a new one is tried with probability rho * S^-gamma, else a known one is visited again in
proportion to past visits. Here each kind of place keeps its own share of visits, and new places are drawn by
gravity (weight x exp(-distance / scale)) seen from the zone of the driver's home.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from simulator.people.places import DETOUR_BEYOND, PlaceKind, Places
from simulator.scenario_parts import People

MAX_KNOWN = 192
_N_KINDS = len(PlaceKind)


class Destinations(NamedTuple):
    """Where discretionary trips may go: gravity tables by zone of the home, and the law of exploration.

    Parameters
    ----------
    zone_of_place
        Zone of each place, shape (n_places,).
    place_kind
        Shape (n_places,).
    kind_start
        Attractors of kind ``k`` are places ``kind_start[k]:kind_start[k + 1]``, shape (n_kinds + 1,).
    cumulative
        Cumulative gravity weights within each kind, shape (n_zones, n_attractors).
    rho, gamma
        A new place is tried with probability rho * S^-gamma.
    """

    zone_of_place: NDArray[np.int32]
    place_kind: NDArray[np.uint8]
    kind_start: NDArray[np.int64]
    cumulative: NDArray[np.float32]
    rho: float
    gamma: float


class Memory(NamedTuple):
    """The places that one driver knows, in order of discovery.

    Parameters
    ----------
    known, visits
        Places and past visits, shape (MAX_KNOWN,); the first ``size[0]`` count.
    size
        How many are known, shape (1,).
    """

    known: NDArray[np.int64]
    visits: NDArray[np.float64]
    size: NDArray[np.int64]


def build_destinations(people: People, places: Places, *, rho: float, gamma: float) -> Destinations:
    """Build gravity tables for square zones of half the errand scale."""
    n = places.n_attractors
    scale_m = people.errand_scale_km * 1000.0
    inside = places.kind != PlaceKind.EXTERNAL
    x0, y0 = places.x_m[inside].min(), places.y_m[inside].min()
    extent = max(np.ptp(places.x_m[inside]), np.ptp(places.y_m[inside]), 1.0)
    cell_m = max(scale_m / 2.0, extent / 40.0)
    side = int(np.ceil(extent / cell_m)) + 1
    # Homes beyond a gateway use the zone at the rim nearest to them.
    column = np.clip(((places.x_m - x0) / cell_m).astype(np.int64), 0, side - 1)
    row = np.clip(((places.y_m - y0) / cell_m).astype(np.int64), 0, side - 1)
    used, zone = np.unique(row * side + column, return_inverse=True)
    x, y = x0 + (used % side + 0.5) * cell_m, y0 + (used // side + 0.5) * cell_m
    distance = np.hypot(x[:, None] - places.x_m[None, :n], y[:, None] - places.y_m[None, :n])
    kind_start = np.searchsorted(places.kind[:n], np.arange(_N_KINDS + 1)).astype(np.int64)
    cumulative = np.empty((len(used), n), dtype=np.float32)
    for kind in range(_N_KINDS):
        a, b = kind_start[kind], kind_start[kind + 1]
        if a == b:
            continue
        # Of a place beyond the map only the way to its gateway counts: how far out it lies is drawn already.
        near = distance[:, a:b] - places.beyond_m[a:b] / DETOUR_BEYOND
        near -= near.min(axis=1, keepdims=True)
        weight = places.weight[a:b] * np.exp(-near / scale_m)
        cumulative[:, a:b] = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
    return Destinations(
        zone_of_place=zone.astype(np.int32).ravel(),
        place_kind=places.kind,
        kind_start=kind_start,
        cumulative=cumulative,
        rho=rho,
        gamma=gamma,
    )


@njit(cache=True)
def new_memory():  # type: ignore[no-untyped-def]
    """Return the memory of somebody who knows no place."""
    return Memory(np.empty(MAX_KNOWN, np.int64), np.empty(MAX_KNOWN, np.float64), np.zeros(1, np.int64))


@njit(cache=True)
def choose_place(u_new, u_place, kind, home, memory, where):  # type: ignore[no-untyped-def]
    """Return a place of a kind, a new or a known one, and remember the visit."""
    n = memory.size[0]
    total = 0.0
    for i in range(n):
        if where.place_kind[memory.known[i]] == kind:
            total += memory.visits[i]
    tries_new = total == 0.0 or (n < MAX_KNOWN and u_new < where.rho * max(n, 1) ** (-where.gamma))
    if not tries_new:
        target = u_place * total
        for i in range(n):
            if where.place_kind[memory.known[i]] == kind:
                target -= memory.visits[i]
                if target <= 0.0:
                    memory.visits[i] += 1.0
                    return memory.known[i]
    low, high = where.kind_start[kind], where.kind_start[kind + 1]
    gravity = where.cumulative[where.zone_of_place[home], low:high]
    place = min(low + np.searchsorted(gravity, np.float32(u_place)), high - 1)
    for i in range(n):
        if memory.known[i] == place:
            memory.visits[i] += 1.0
            return place
    if n < MAX_KNOWN:
        memory.known[n] = place
        memory.visits[n] = 1.0
        memory.size[0] = n + 1
    return place


@njit(cache=True)
def any_place(u, kind, where):  # type: ignore[no-untyped-def]
    """Return a place of a kind, all alike."""
    low, high = where.kind_start[kind], where.kind_start[kind + 1]
    return min(low + int(u * (high - low)), high - 1)
