"""A ring with everything but homes beyond one junction of it: two ways round, the shorter one is taken."""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
from hand_worlds import Drive, Verified, town, world_of
from scipy import stats

from simulator.people.places import PlaceKind

KIND = "closed form"
BLOCKS, BLOCK_M, STUB_M = 15, 200.0, 300.0
EAST, WEST = 0, 1


@cache
def ring() -> Drive:
    """Junction 0 leads to the street of jobs; readers stand on the ring's two streets next to it."""
    # A polygon's sides are its chords, so that every block has the wanted length.
    radius = BLOCK_M / (2 * np.sin(np.pi / BLOCKS))
    angle = 2 * np.pi * np.arange(BLOCKS) / BLOCKS
    nodes = [(float(radius * np.cos(a)), float(radius * np.sin(a))) for a in angle]
    nodes += [(radius + STUB_M, 0.0), (radius + STUB_M + 100.0, 0.0)]
    round_it = [(i, (i + 1) % BLOCKS) for i in range(BLOCKS)]
    streets = [*round_it, (0, BLOCKS), (BLOCKS, BLOCKS + 1)]
    homes = dict.fromkeys(round_it[1:-1], 1.0)
    city = town("ring", nodes, streets, homes=homes, jobs=[(0, BLOCKS)], gateway=BLOCKS + 1)
    world = world_of(city, [round_it[0], round_it[-1]], read_rate=1.0, drivers=260, days=7, seed=6)
    return Drive(world)


def blocks_each_way(drive: Drive, node: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks between a junction of the ring and junction 0: past the east reader, past the west reader."""
    return node, BLOCKS - node


def ends_at_the_stub(drive: Drive, column: str) -> np.ndarray:
    place = drive.trips[column].to_numpy()
    edge = drive.world.places.edge[place]
    tail = drive.world.city.network.edge_tail[np.maximum(edge, 0)]
    head = drive.world.city.network.edge_head[np.maximum(edge, 0)]
    return (edge < 0) | (np.maximum(tail, head) >= BLOCKS)


def test_the_shorter_way_round_is_read(verified: Verified) -> None:
    drive = ring()
    network, places = drive.world.city.network, drive.world.places
    wrong, n, lengths_off = 0, 0, 0.0
    for home_column, far_column, over in (
        ("from_place", "to_place", network.edge_head),
        ("to_place", "from_place", network.edge_tail),
    ):
        rows = ~ends_at_the_stub(drive, home_column) & ends_at_the_stub(drive, far_column)
        home = drive.trips[home_column].to_numpy()[rows]
        # A car leaves its side of the street over the head, and comes to it over the tail.
        east, west = blocks_each_way(drive, over[places.edge[home]])
        side = np.where(east < west, EAST, WEST)
        wanted = np.eye(2, dtype=bool)[side]
        wrong += int((drive.hits[rows] != wanted).any(axis=1).sum())
        n += int(rows.sum())
        far = drive.trips[far_column].to_numpy()[rows]
        inside = places.edge[far] >= 0
        offset, edge = places.offset_m[home], places.edge[home]
        own = BLOCK_M - offset if home_column == "from_place" else offset
        far_edge, far_offset = places.edge[far], places.offset_m[far]
        if far_column == "to_place":  # over the tail: from junction 0 at once, or round by the stub's end
            stub = np.where(network.edge_tail[far_edge] == 0, far_offset, STUB_M + far_offset)
        else:
            stub = np.where(network.edge_head[far_edge] == 0, STUB_M - far_offset, 2 * STUB_M - far_offset)
        length = own + np.minimum(east, west) * BLOCK_M + stub
        off = np.abs(length - drive.trips["distance_m"].to_numpy()[rows])[inside]
        lengths_off = max(lengths_off, float(off.max()))
        assert edge.min() >= 0
    verified(
        f"Ring of {BLOCKS} blocks: trips read on another side than the shorter one ({n:,} trips)",
        source="compare k blocks with 15 - k",
        theirs=0,
        ours=wrong,
        holds=wrong == 0 and n > 1_000,
    )
    verified(
        "Ring: largest difference of a trip's length, m",
        source="rest of the home's block + the fewer blocks + way along the street of jobs",
        theirs="< 0.01",
        ours=f"{lengths_off:.4f}",
        holds=lengths_off < 0.01,
    )


def test_sides_split_at_the_antipode(verified: Verified) -> None:
    """Homes leave east up to junction 7 and come home from the east up to junction 7: 13 blocks of homes."""
    drive = ring()
    rows = ~ends_at_the_stub(drive, "from_place") & ends_at_the_stub(drive, "to_place")
    first_by_driver = (drive.trips["from_kind"].to_numpy() == PlaceKind.HOME) & rows
    driver = drive.trips["driver_id"].to_numpy()[first_by_driver]
    _, first = np.unique(driver, return_index=True)
    east = drive.hits[first_by_driver][first][:, EAST]
    # Street i lies between junctions i and i + 1; of its two sides one is left over i, one over i + 1. East
    # is the way out from junctions 1 to 7: streets 1 to 6 with both sides, street 7 with one, of 13 streets.
    share = (6 + 0.5) / 13
    error = sqrt(share * (1 - share) / len(east))
    # Couples share an address, so that fewer homes than drivers are drawn.
    error *= sqrt(2)
    verified(
        f"Ring: share of {len(east)} drivers who leave home eastwards",
        source="6½ of 13 streets of homes lie nearer by the east",
        theirs=f"{share:.3f}",
        ours=f"{east.mean():.3f} ± {error:.3f}",
        holds=abs(east.mean() - share) < 4 * error,
    )
    # Who lives in the street at the antipode leaves one way and comes home by the other, or both by one.
    places, network = drive.world.places, drive.world.city.network
    home = drive.world.drivers.home_place
    tail, head = network.edge_tail[places.edge[home]], network.edge_head[places.edge[home]]
    across = (np.minimum(tail, head) == 7)[drive.trips["driver_id"].to_numpy()]
    out = across & first_by_driver
    back = (
        across & ends_at_the_stub(drive, "from_place") & (drive.trips["to_kind"] == PlaceKind.HOME).to_numpy()
    )
    out_east, back_east = drive.hits[out][:, EAST], drive.hits[back][:, EAST]
    leaves_east = (head == 7)[drive.trips["driver_id"].to_numpy()]
    holds = bool((out_east == leaves_east[out]).all() and (back_east != leaves_east[back]).all())
    verified(
        f"Ring: drivers of the street opposite ({int(out.sum())} trips out, {int(back.sum())} back)",
        source="out by the head of their side of the street, home by its tail: other ways round",
        theirs="never the same way",
        ours="never the same way" if holds else "not always",
        holds=holds and out.sum() > 10 and back.sum() > 10,
    )
    p = stats.binomtest(int(east.sum()), len(east), share).pvalue
    assert p > 1e-5
