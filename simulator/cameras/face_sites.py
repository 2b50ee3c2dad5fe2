"""Readers at places, and readers of faces: at doors, at stations, at points of streets where people walk."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulator.cameras.sites import SLOT_M, Spots, candidate_sites, gumbel_order, take_spaced, unplaced
from simulator.errors import ReaderError
from simulator.people.stations import Stations
from simulator.roads.city import City
from simulator.roads.network import RoadClass
from simulator.scenario_parts import FaceReaders, LotReaders
from simulator.streams import Stream, generator

LotPlaces = Mapping[
    str, tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
]


def at_places(group: LotReaders | FaceReaders, lot_places: LotPlaces, rng: np.random.Generator) -> Spots:
    """Set readers at the places of a kind, larger ones likelier.

    Raises
    ------
    ReaderError
        If there are fewer places than readers.
    """
    nothing = (np.empty(0, np.int32), np.empty(0), np.empty(0), np.empty(0))
    place, x_m, y_m, weight = lot_places.get(group.place_kind, nothing)
    if group.count > len(place):
        raise ReaderError(
            f"Reader group '{group.name}' asks for readers at {group.count} places of kind "
            f"'{group.place_kind}', but only {len(place)} have a "
            f"{'car park' if isinstance(group, LotReaders) else 'door'} to watch; lower its count, or let "
            "the city have more such places."
        )
    order = gumbel_order(np.asarray(weight, np.float64), rng)[: group.count]
    return unplaced(group.count, x_m=x_m[order], y_m=y_m[order], place=np.asarray(place[order], np.int32))


def face_spots(
    group: FaceReaders, city: City, doors: LotPlaces, stations: Stations | None, seed: int
) -> Spots:
    """Set readers of faces at streets, at the busiest stations first, or at the doors of places."""
    rng = generator(seed, Stream.PLACEMENT, group.name)
    if group.count == 0:
        return unplaced(0, x_m=np.empty(0), y_m=np.empty(0))
    if group.placement == "entrance":
        return at_places(group, doors, rng)
    if group.placement == "station":
        found = 0 if stations is None else stations.n_stations
        if stations is None or group.count > found:
            raise ReaderError(
                f"Reader group '{group.name}' asks for readers at {group.count} stations, but there are only "
                f"{found}; lower its count, or raise walking.stations."
            )
        at = np.lexsort((np.arange(found), -stations.weight))[: group.count]
        return unplaced(
            group.count, x_m=stations.x_m[at], y_m=stations.y_m[at], place=(-2 - at).astype(np.int32)
        )
    sites = candidate_sites(city.network, rng, slot_m=SLOT_M)
    land_use = city.land_use
    by_edge = {"amenity": land_use.amenity, "residential": land_use.residential}.get(group.along)
    weight = city.network.edge_length_m
    if by_edge is not None and by_edge.sum() > 0:
        back = city.network.reverse_edge
        weight = by_edge.astype(np.float64) + np.where(back >= 0, by_edge[back], 0.0)
    slots_on_edge = np.bincount(sites.edge, minlength=city.network.n_edges)[sites.edge]
    motorway = city.network.edge_class[sites.edge] == RoadClass.MOTORWAY
    order = gumbel_order(weight[sites.edge] / slots_on_edge, rng)
    order = order[~motorway[order]]
    if group.count > len(order):
        raise ReaderError(
            f"Reader group '{group.name}' asks for {group.count} readers, but the map has spots along its "
            f"streets for only {len(order)}; lower its count, or choose a larger map."
        )
    sites = sites.take(order)
    at = np.array(
        take_spaced(sites, group.min_spacing_m, group.count, np.ones(len(order), np.int64)), dtype=np.int64
    )
    return Spots(
        edge=sites.edge[at],
        offset_m=sites.offset_m[at],
        both_directions=sites.two_way[at],
        place=np.full(group.count, -1, np.int32),
        x_m=sites.x_m[at],
        y_m=sites.y_m[at],
        owner=[None] * group.count,
        number=np.arange(group.count),
    )
