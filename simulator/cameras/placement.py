"""Where readers stand: from a scenario's reader groups to the roster of readers.

A *site* is a spot where a fixed reader may stand. Sites are ordered at random by the Gumbel trick (weighted
sampling without replacement; Efraimidis & Spirakis, "Weighted random sampling with a reservoir", 2006, in its
logarithmic form) and then taken in that order, except those too near to a reader of the same group. All
random numbers of a site are drawn before any is taken, so a group with one reader more keeps all the others
where they were; and each group has a stream of its own, so groups never move each other's readers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.cameras.face_sites import LotPlaces, at_places, face_spots
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.cameras.sites import (
    SLOT_M,
    Sites,
    Spots,
    candidate_sites,
    gumbel_order,
    rings,
    street_volume,
    take_spaced,
    unplaced,
)
from simulator.errors import ReaderError
from simulator.people.stations import Stations
from simulator.roads.city import City
from simulator.roads.network import RoadClass, RoadNetwork
from simulator.scenario_parts import (
    FaceReaders,
    FixedReaders,
    LotReaders,
    PatrolReaders,
    Readers,
    SpotterReaders,
)
from simulator.streams import Stream, generator

_KIND = {
    "fixed": ReaderKind.FIXED,
    "patrol": ReaderKind.PATROL,
    "spotter": ReaderKind.SPOTTER,
    "lot": ReaderKind.LOT,
    "face": ReaderKind.FACE,
}
_ARTERIALS = (RoadClass.TRUNK, RoadClass.PRIMARY, RoadClass.SECONDARY)


def place_readers(
    groups: Sequence[Readers],
    *,
    city: City,
    edge_volume: NDArray[np.float64],
    lot_places: LotPlaces,
    seed: int,
    doors: LotPlaces | None = None,
    stations: Stations | None = None,
    population: int = 0,
) -> Cameras:
    """Place all readers of a scenario.

    Parameters
    ----------
    groups
        The scenario's reader groups; their names must differ, since a name is what splits the streams.
    city
        The streets.
    edge_volume
        Vehicles a day along each directed edge, shape (n_edges,).
    lot_places
        For each kind of place ("work", "shop", ...) its place ids, x and y in metres and weights, the larger
        the likelier to have readers at its car park.
    seed
        Root seed of the replicate.
    doors
        The same as ``lot_places`` for all places of each kind, whose doors readers of faces may watch.
    stations
        Railway stations, whose entrances they may watch.
    population
        Entries of a gallery of faces, for groups that do not say how many.

    Raises
    ------
    ReaderError
        If a group asks for more readers than fit, or its file of positions cannot be used.
    """
    owners: dict[str, int] = {}
    rows = []
    for index, group in enumerate(groups):
        spots = (
            face_spots(group, city, doors or {}, stations, seed)
            if isinstance(group, FaceReaders)
            else _spots(group, city, edge_volume, lot_places, seed)
        )
        codes = [owners.setdefault(name or group.owner, len(owners)) for name in spots.owner]
        rows.append(_rows(index, group, spots, codes, population))
    return Cameras(
        **{name: np.concatenate([row[name] for row in rows] or [empty]) for name, empty in _EMPTY.items()},
        owners=tuple(owners),
    )


_EMPTY: dict[str, NDArray[np.generic]] = {
    "kind": np.empty(0, np.uint8),
    "owner": np.empty(0, np.int32),
    "group": np.empty(0, np.int32),
    "edge": np.empty(0, np.int32),
    "offset_m": np.empty(0),
    "both_directions": np.empty(0, np.bool_),
    "place": np.empty(0, np.int32),
    "x_m": np.empty(0),
    "y_m": np.empty(0),
    "read_rate": np.empty(0),
    "parked_read_rate": np.empty(0),
    "night_penalty": np.empty(0),
    "misread_rate": np.empty(0),
    "downtime_share": np.empty(0),
    "gps_error_m": np.empty(0),
    "key": np.empty(0, np.uint32),
}


def _rows(
    index: int, group: Readers, spots: Spots, owner: list[int], population: int
) -> dict[str, NDArray[np.generic]]:
    on_car = group if isinstance(group, PatrolReaders | SpotterReaders) else None
    columns = {
        "kind": _KIND[group.kind],
        "owner": owner,
        "group": index,
        "edge": spots.edge,
        "offset_m": spots.offset_m,
        "both_directions": spots.both_directions,
        "place": spots.place,
        "x_m": spots.x_m,
        "y_m": spots.y_m,
        "read_rate": group.hit_rate if isinstance(group, FaceReaders) else group.read_rate,
        "parked_read_rate": on_car.parked_read_rate if on_car else 0.0,
        "night_penalty": group.night_penalty,
        "misread_rate": (
            group.false_match_chance(population) if isinstance(group, FaceReaders) else group.misread_rate
        ),
        "downtime_share": group.downtime_share,
        "gps_error_m": on_car.gps_error_m if on_car else 0.0,
        "key": [reader_key(group.name, int(i)) for i in spots.number],
    }
    return {
        name: np.broadcast_to(np.asarray(value, _EMPTY[name].dtype), spots.n_readers)
        for name, value in columns.items()
    }


def reader_key(group_name: str, number: int) -> int:
    """Return the 32-bit random-stream id of a reader, given its group and its number in the group."""
    digest = hashlib.blake2b(f"{group_name}:{number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


def _spots(
    group: Readers, city: City, edge_volume: NDArray[np.float64], lot_places: LotPlaces, seed: int
) -> Spots:
    rng = generator(seed, Stream.PLACEMENT, group.name)
    if isinstance(group, LotReaders):
        return at_places(group, lot_places, rng)
    if not isinstance(group, FixedReaders):
        n = group.count
        nowhere = np.full(n, np.nan)
        return unplaced(n, x_m=nowhere, y_m=nowhere)
    if group.placement == "file":
        return _file_spots(group, city, rng)
    if group.count == 0:
        return unplaced(0, x_m=np.empty(0), y_m=np.empty(0))
    return _PLACEMENTS[group.placement](group, city, edge_volume, rng)


def _file_spots(group: FixedReaders, city: City, rng: np.random.Generator) -> Spots:
    from simulator.cameras.positions import read_positions

    assert group.file is not None
    found = read_positions(group.file, city=city)
    n = len(found.edge)
    if group.count > n:
        raise ReaderError(
            f"Reader group '{group.name}' asks for {group.count} readers, but {group.file} holds only {n}; "
            "lower its count, or leave it out to take all of them."
        )
    # A count of 0 means that the file decides.
    number = np.arange(n) if group.count == 0 else np.sort(rng.permutation(n)[: group.count])
    return Spots(
        edge=found.edge[number],
        offset_m=found.offset_m[number],
        both_directions=found.both_directions[number],
        place=np.full(len(number), -1, np.int32),
        x_m=found.x_m[number],
        y_m=found.y_m[number],
        owner=[found.owner[i] for i in number],
        number=number,
    )


def _by_volume(
    group: FixedReaders, city: City, volume: NDArray[np.float64], rng: np.random.Generator
) -> Spots:
    sites = candidate_sites(city.network, rng)
    order = gumbel_order(street_volume(city.network, sites.edge, volume) ** group.volume_exponent, rng)
    return _take(group, city.network, sites.take(order), "street segments")


def _district(
    group: FixedReaders, city: City, volume: NDArray[np.float64], rng: np.random.Generator
) -> Spots:
    sites = candidate_sites(city.network, rng)
    order = gumbel_order(street_volume(city.network, sites.edge, volume) ** group.volume_exponent, rng)
    sites = sites.take(order)
    x0, y0, x1, y1 = city.network.bounds_m
    centre = x0 + group.district_x * (x1 - x0), y0 + group.district_y * (y1 - y0)
    inside = np.hypot(sites.x_m - centre[0], sites.y_m - centre[1]) <= group.district_radius_km * 1000
    return _take(group, city.network, sites.take(inside), "street segments inside its district")


def _random(group: FixedReaders, city: City, volume: NDArray[np.float64], rng: np.random.Generator) -> Spots:
    return _along_length(group, city, np.ones(city.network.n_edges, np.bool_), rng, "spots along the streets")


def _arterial(
    group: FixedReaders, city: City, volume: NDArray[np.float64], rng: np.random.Generator
) -> Spots:
    arterial = np.isin(city.network.edge_class, [int(c) for c in _ARTERIALS])
    return _along_length(group, city, arterial, rng, "spots along its trunk, primary and secondary roads")


def _along_length(
    group: FixedReaders, city: City, allowed: NDArray[np.bool_], rng: np.random.Generator, what: str
) -> Spots:
    sites = candidate_sites(city.network, rng, slot_m=SLOT_M)
    slots_on_edge = np.bincount(sites.edge, minlength=city.network.n_edges)[sites.edge]
    order = gumbel_order(city.network.edge_length_m[sites.edge] / slots_on_edge, rng)
    sites = sites.take(order)
    return _take(group, city.network, sites.take(allowed[sites.edge]), what)


def _cordon(group: FixedReaders, city: City, volume: NDArray[np.float64], rng: np.random.Generator) -> Spots:
    """Main roads at the gateways first, the busiest first, then ring by ring inwards; small streets last."""
    network = city.network
    if len(city.gateway_node) == 0:
        raise ReaderError(
            f"Reader group '{group.name}' wants a cordon, but no main road leaves the map '{city.name}'; use "
            "another placement, such as volume or arterial."
        )
    sites = candidate_sites(network, rng)
    ring = rings(network, city.gateway_node)
    tail, head = network.edge_tail[sites.edge], network.edge_head[sites.edge]
    small = network.edge_class[sites.edge] == RoadClass.RESIDENTIAL
    nearer = np.minimum(ring[tail], ring[head])
    noise = rng.random(len(small))
    order = np.lexsort((noise, -street_volume(network, sites.edge, volume), nearer, small))
    inbound = np.where(ring[tail] <= ring[head], 0, 1)[order]
    return _take(group, network, sites.take(order), "places on its rings", inbound=inbound)


_PLACEMENTS: dict[str, Callable[[FixedReaders, City, NDArray[np.float64], np.random.Generator], Spots]] = {
    "volume": _by_volume,
    "district": _district,
    "random": _random,
    "arterial": _arterial,
    "cordon": _cordon,
}


def _take(
    group: FixedReaders,
    network: RoadNetwork,
    sites: Sites,
    what: str,
    *,
    inbound: NDArray[np.integer] | None = None,
) -> Spots:
    """Take sites in their order, spaced out, and give each reader its direction or both.

    With ``inbound`` (0 where the site's own edge leads into the city, 1 where its reverse does) a site whose
    reader does not read both directions gets two readers, the inbound one first.
    """
    share = group.both_directions_share
    if inbound is None:
        both = sites.two_way & (sites.both_u < share)
        per_site = np.ones(len(both), np.int64)
        flip = sites.two_way & ~both & (sites.flip_u < 0.5)
    else:
        # Pairs count twice, so this share of sites makes `share` of the readers read both directions.
        both = sites.two_way & (sites.both_u < 2 * share / (1 + share))
        per_site = np.where(sites.two_way & ~both, 2, 1)
        flip = sites.two_way & ~both & (inbound == 1)
    if group.count > per_site.sum():
        raise ReaderError(
            f"Reader group '{group.name}' asks for {group.count} readers, but the map has {what} for only "
            f"{per_site.sum()}; lower its count" + _WAY_OUT.get(group.placement, ", or choose a larger map.")
        )
    at = np.array(take_spaced(sites, group.min_spacing_m, group.count, per_site), dtype=np.int64)
    second = np.concatenate([np.arange(n) for n in per_site[at]] or [np.empty(0, np.int64)]) == 1
    at = np.repeat(at, per_site[at])[: group.count]
    flipped = flip[at] ^ second[: group.count]
    edge, offset = sites.edge[at], sites.offset_m[at]
    reverse = np.where(flipped, network.reverse_edge[edge], edge)
    length, length_reverse = network.edge_length_m[edge], network.edge_length_m[reverse]
    offset = np.where(flipped, length_reverse * (1 - offset / length), offset)
    return Spots(
        edge=reverse.astype(np.int32),
        offset_m=offset,
        both_directions=both[at],
        place=np.full(group.count, -1, np.int32),
        x_m=sites.x_m[at],
        y_m=sites.y_m[at],
        owner=[None] * group.count,
        number=np.arange(group.count),
    )


_WAY_OUT = {
    "district": ", or enlarge district_radius_km.",
    "arterial": ", or choose another placement.",
}
