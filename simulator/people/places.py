"""Places: doors of homes along residential streets, and the attractors that trips go to.

Almost every trip has one end at an attractor, and there are far fewer attractors than doors; routing is done
for attractors only (:mod:`simulator.travel.trees`). Attractors come first in the place numbering. A place is
on one side of a street: a car arrives at it over the tail of its directed edge and leaves it over the head.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

from simulator.errors import MapError
from simulator.roads.city import City
from simulator.scenario_parts import People
from simulator.streams import Stream, generator
from simulator.tables import SCHEMAS

DETOUR_BEYOND = 1.25  # roads beyond the map wind, too
_LOT_SHARE = {"shop": 0.8, "leisure": 0.4, "school": 0.5, "worship": 0.7, "clinic": 0.8}


class PlaceKind(IntEnum):
    """What a place is for; EXTERNAL lies beyond a gateway."""

    HOME = 0
    WORK = 1
    SHOP = 2
    LEISURE = 3
    SCHOOL = 4
    WORSHIP = 5
    CLINIC = 6
    EXTERNAL = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """All places in flat arrays of shape (n_places,): attractors are rows ``[0, n_attractors)``, then doors.

    Parameters
    ----------
    kind
        :class:`PlaceKind` codes.
    edge, offset_m
        Directed edge and distance from its tail; -1 and 0 for external places.
    x_m, y_m
        Position, metres.
    weight
        Relative attraction (attractors) or relative number of residents (doors).
    arrive_node, depart_node
        Where routes to and from the place end and start.
    beyond_m, beyond_s
        Distance and time driven beyond the gateway; 0 inside the map.
    in_lot
        Whether cars stand in a lot there, not on the street.
    tree
        Row of the place's route trees, -1 for doors, shape (n_places,).
    tree_arrive_node, tree_depart_node
        Ends of each distinct tree, shape (n_trees,).
    """

    kind: NDArray[np.uint8]
    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    weight: NDArray[np.float64]
    arrive_node: NDArray[np.int32]
    depart_node: NDArray[np.int32]
    beyond_m: NDArray[np.float64]
    beyond_s: NDArray[np.float64]
    in_lot: NDArray[np.bool_]
    tree: NDArray[np.int32]
    tree_arrive_node: NDArray[np.int32]
    tree_depart_node: NDArray[np.int32]
    n_attractors: int

    @property
    def n_places(self) -> int:
        return len(self.kind)

    def of_kind(self, kind: PlaceKind) -> NDArray[np.int64]:
        """Return the place ids of one kind."""
        return np.flatnonzero(self.kind == kind)

    def to_frame(self) -> pl.DataFrame:
        """Return the ``places`` table."""
        names = pl.Series([k.name.lower() for k in PlaceKind])
        return pl.DataFrame(
            {
                "place_id": np.arange(self.n_places),
                "kind": names.gather(self.kind).cast(SCHEMAS["places"].columns["kind"]),
                "edge_id": self.edge,
                "offset_m": self.offset_m,
                "x_m": self.x_m,
                "y_m": self.y_m,
                "weight": self.weight,
            }
        )


def build_places(people: People, city: City, seed: int) -> Places:
    """Draw attractors by land use, lay out doors, and set external places beyond the gateways.

    Raises
    ------
    MapError
        If no street has a door.
    """
    rng = generator(seed, Stream.ATTRACTORS)
    net, use = city.network, city.land_use
    kinds, edges, in_lot = [], [], []
    wanted: dict[PlaceKind, tuple[int, NDArray[np.floating], float]] = {
        PlaceKind.WORK: (people.workplaces, use.employment, people.work_lot_share),
        PlaceKind.SHOP: (people.shops, use.amenity, _LOT_SHARE["shop"]),
        # Friends and relatives live on residential streets, cinemas do not: half of each.
        PlaceKind.LEISURE: (people.leisure_places, _mix(use.amenity, use.residential), _LOT_SHARE["leisure"]),
        PlaceKind.SCHOOL: (people.schools, use.residential, _LOT_SHARE["school"]),
        PlaceKind.WORSHIP: (people.worship_places, _mix(use.amenity, use.residential), _LOT_SHARE["worship"]),
        PlaceKind.CLINIC: (people.clinics, use.amenity, _LOT_SHARE["clinic"]),
    }
    for kind, (count, weight, lot_share) in wanted.items():
        kinds.append(np.full(count, kind, dtype=np.uint8))
        edges.append(_draw_edges(rng, weight, net.edge_length_m, count))
        in_lot.append(rng.random(count) < lot_share)
    edge = np.concatenate(edges)
    offset = rng.uniform(0.1, 0.9, len(edge)) * net.edge_length_m[edge]
    # Sizes of work places and the pull of shops are very unequal.
    weight = rng.lognormal(0.0, 0.9, len(edge))

    external_gateway, external_x, external_y, beyond = _external_places(people, city, rng)
    door_edge, door_offset, door_weight = _doors(people, city)
    n_external, n_doors = len(external_gateway), len(door_edge)
    inside_edge = np.concatenate([edge, door_edge])
    inside_offset = np.concatenate([offset, door_offset])
    x, y = net.point_along(inside_edge, inside_offset)
    a = len(edge)

    def joined(attractors: NDArray, external: NDArray, doors: NDArray) -> NDArray:  # type: ignore[type-arg]
        return np.concatenate([attractors, external, doors])

    arrive = joined(net.edge_tail[edge], external_gateway, net.edge_tail[door_edge]).astype(np.int32)
    depart = joined(net.edge_head[edge], external_gateway, net.edge_head[door_edge]).astype(np.int32)
    n_attractors = a + n_external
    pairs = np.column_stack([arrive[:n_attractors], depart[:n_attractors]])
    ends, tree = np.unique(pairs, axis=0, return_inverse=True)
    return Places(
        kind=joined(
            np.concatenate(kinds), np.full(n_external, PlaceKind.EXTERNAL), np.full(n_doors, PlaceKind.HOME)
        ).astype(np.uint8),
        edge=joined(edge, np.full(n_external, -1), door_edge).astype(np.int32),
        offset_m=joined(offset, np.zeros(n_external), door_offset),
        x_m=joined(x[:a], external_x, x[a:]),
        y_m=joined(y[:a], external_y, y[a:]),
        weight=joined(weight, np.ones(n_external), door_weight),
        arrive_node=arrive,
        depart_node=depart,
        beyond_m=joined(np.zeros(a), beyond, np.zeros(n_doors)),
        beyond_s=joined(np.zeros(a), beyond * 3.6 / people.external_speed_kmh, np.zeros(n_doors)),
        in_lot=joined(np.concatenate(in_lot), np.ones(n_external, dtype=bool), np.zeros(n_doors, dtype=bool)),
        tree=np.concatenate([tree.ravel(), np.full(n_doors, -1)]).astype(np.int32),
        tree_arrive_node=ends[:, 0].astype(np.int32),
        tree_depart_node=ends[:, 1].astype(np.int32),
        n_attractors=n_attractors,
    )


def _mix(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    return a / max(float(a.sum()), 1e-9) + b / max(float(b.sum()), 1e-9)


def _draw_edges(
    rng: np.random.Generator, weight: NDArray[np.floating], length_m: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    weight = np.asarray(weight, dtype=np.float64)
    if weight.sum() <= 0:  # a map without such land use: anywhere
        weight = length_m
    return rng.choice(len(weight), size=count, p=weight / weight.sum())


def _external_places(
    people: People, city: City, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Spread places beyond the gateways, outward from the middle of the map."""
    net, gateways = city.network, city.gateway_node
    if len(gateways) == 0:
        raise MapError(f"The map of {city.name} has no road that leaves it; choose a larger extract.")
    count = max(people.external_places, len(gateways))
    gateway = gateways[np.arange(count) % len(gateways)].astype(np.int64)
    beyond = (
        1000.0
        * people.external_median_km
        * np.exp(0.9 * rng.permutation(ndtri((np.arange(count) + 0.5) / count)))
    )
    middle_x, middle_y = float(net.node_x_m.mean()), float(net.node_y_m.mean())
    bearing = np.arctan2(net.node_y_m[gateway] - middle_y, net.node_x_m[gateway] - middle_x)
    bearing = bearing + rng.normal(0.0, 0.3, count)
    crow = beyond / DETOUR_BEYOND
    return (
        gateway,
        net.node_x_m[gateway] + crow * np.cos(bearing),
        net.node_y_m[gateway] + crow * np.sin(bearing),
        beyond,
    )


def _doors(people: People, city: City) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Space doors along residential edges; the weight of an edge is shared by its doors."""
    net, residential = city.network, city.land_use.residential.astype(np.float64)
    spacing = people.address_spacing_m
    n = np.where(residential > 0, np.floor(net.edge_length_m / spacing).astype(np.int64), 0)
    if n.sum() == 0:
        raise MapError(
            f"No street of {city.name} has a door: residential streets are missing or shorter than "
            f"address_spacing_m = {spacing:g}; lower people.address_spacing_m or choose another map."
        )
    edge = np.repeat(np.arange(net.n_edges), n)
    within = np.arange(len(edge)) - np.repeat(np.cumsum(n) - n, n)
    offset = (within + 0.5) * np.repeat(net.edge_length_m / np.maximum(n, 1), n)
    return edge, offset, np.repeat(residential / np.maximum(n, 1), n)
