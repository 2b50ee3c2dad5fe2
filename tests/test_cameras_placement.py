"""Placement of readers: what each placement prefers, spacing, determinism, independence of groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cameras_town import grid_town, town_volume

from simulator.cameras.fixed_index import edge_cameras
from simulator.cameras.placement import place_readers
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.errors import ReaderError
from simulator.roads.network import RoadClass
from simulator.scenario_parts import FixedReaders, LotReaders, PatrolReaders, Readers, SpotterReaders

CITY = grid_town()
NETWORK = CITY.network
VOLUME = town_volume(CITY)
LOTS = {
    "work": (
        np.arange(10, 30, dtype=np.int32),
        np.linspace(0, 1000, 20),
        np.linspace(0, 500, 20),
        np.where(np.arange(20) < 5, 0.0, 1.0),
    )
}


def place(*groups: Readers, city: Any = CITY, volume: Any = VOLUME, seed: int = 1) -> Cameras:
    return place_readers(groups, city=city, edge_volume=volume, lot_places=LOTS, seed=seed)


def fixed(**fields: Any) -> FixedReaders:
    return FixedReaders(**{"kind": "fixed", "name": "a", "count": 8, "min_spacing_m": 0.0, **fields})


def street_of(edge: np.ndarray) -> np.ndarray:
    back = NETWORK.reverse_edge[edge]
    return np.where(back >= 0, np.minimum(edge, back), edge)


PLACEMENTS = ["volume", "cordon", "arterial", "random", "district"]


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_positions_lie_on_their_edges_clear_of_junctions(placement: str) -> None:
    cameras = place(fixed(placement=placement, count=12))
    x, y = NETWORK.point_along(cameras.edge, cameras.offset_m)
    np.testing.assert_allclose(cameras.x_m, x, atol=1e-6)
    np.testing.assert_allclose(cameras.y_m, y, atol=1e-6)
    assert (cameras.offset_m >= 5).all()
    assert (cameras.offset_m <= NETWORK.edge_length_m[cameras.edge] - 5).all()
    assert not (cameras.both_directions & (NETWORK.reverse_edge[cameras.edge] < 0)).any()


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_one_more_reader_and_another_group_leave_the_others_where_they_are(placement: str) -> None:
    spacing = {"min_spacing_m": 180.0}
    few = place(fixed(placement=placement, count=9, **spacing))
    more = place(
        SpotterReaders(kind="spotter", name="s", count=2),
        fixed(name="b", placement="random", count=5),
        fixed(placement=placement, count=14, **spacing),
    )
    mine = np.flatnonzero(more.group == 2)[:9]
    for name in ("edge", "offset_m", "both_directions", "x_m", "y_m", "key"):
        np.testing.assert_array_equal(getattr(more, name)[mine], getattr(few, name))


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_the_seed_decides(placement: str) -> None:
    first, again, other = (place(fixed(placement=placement), seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(first.offset_m, again.offset_m)
    assert not np.array_equal(first.offset_m, other.offset_m)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_first_reader_by_volume_follows_the_closed_form(exponent: float) -> None:
    # P(first reader on a main road) = sum of volume^exponent there over the sum everywhere.
    edge = np.arange(NETWORK.n_edges)
    street, at = np.unique(street_of(edge), return_index=True)
    weight = np.bincount(street_of(edge), VOLUME, minlength=NETWORK.n_edges)[street] ** exponent
    main = NETWORK.edge_class[edge[at]] < RoadClass.RESIDENTIAL
    expected = weight[main].sum() / weight.sum()
    n = 1500
    hits = sum(
        NETWORK.edge_class[place(fixed(name=str(i), count=1, volume_exponent=exponent)).edge[0]]
        < RoadClass.RESIDENTIAL
        for i in range(n)
    )
    assert abs(hits / n - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


def test_random_readers_are_uniform_along_the_length() -> None:
    # One reader a seed; on a grid of equal blocks, each street is as likely and offsets are uniform.
    found = [place(fixed(name=str(i), placement="random", count=1)) for i in range(1500)]
    offsets = np.array([c.offset_m[0] for c in found])
    # Uniform on [5, 195]: mean 100, standard deviation 190 / sqrt(12).
    assert abs(offsets.mean() - 100) < 4 * 190 / np.sqrt(12 * len(offsets))
    streets = len(np.unique(street_of(np.arange(NETWORK.n_edges))))
    counts = np.bincount(street_of(np.array([c.edge[0] for c in found])), minlength=NETWORK.n_edges)
    chi2 = ((counts[counts > 0] - 1500 / streets) ** 2).sum() / (1500 / streets)
    assert chi2 < streets + 4 * np.sqrt(2 * streets)


def test_directions_and_both_directions_share() -> None:
    cameras = place(fixed(placement="random", count=400, both_directions_share=0.3))
    two_way = NETWORK.reverse_edge[cameras.edge] >= 0
    n = two_way.sum()
    assert abs(cameras.both_directions[two_way].mean() - 0.3) < 4 * np.sqrt(0.21 / n)
    single = two_way & ~cameras.both_directions
    lower = cameras.edge[single] < NETWORK.reverse_edge[cameras.edge[single]]
    assert abs(lower.mean() - 0.5) < 4 * np.sqrt(0.25 / single.sum())


def test_arterial_readers_stand_on_main_roads_only() -> None:
    cameras = place(fixed(placement="arterial", count=40))
    assert np.isin(NETWORK.edge_class[cameras.edge], [RoadClass.PRIMARY, RoadClass.SECONDARY]).all()


def test_spacing_is_kept_while_it_can_be_and_then_halved() -> None:
    def smallest_gap(cameras: Cameras) -> float:
        gap = np.hypot(cameras.x_m[:, None] - cameras.x_m[None], cameras.y_m[:, None] - cameras.y_m[None])
        return float(gap[~np.eye(len(gap), dtype=bool)].min())

    assert smallest_gap(place(fixed(count=8, min_spacing_m=250.0))) >= 250
    tight = smallest_gap(place(fixed(count=20, min_spacing_m=400.0)))
    assert tight < 400
    assert tight >= 100


def test_cordon_begins_at_the_gateways_and_moves_inwards() -> None:
    for share in (0.0, 1.0):
        cameras = place(fixed(placement="cordon", count=2 if share else 4, both_directions_share=share))
        ends = np.stack([NETWORK.edge_tail[cameras.edge], NETWORK.edge_head[cameras.edge]])
        assert np.isin(ends, CITY.gateway_node).any(axis=0).all()
        assert (NETWORK.edge_class[cameras.edge] == RoadClass.PRIMARY).all()
        inbound = np.isin(NETWORK.edge_tail[cameras.edge], CITY.gateway_node)
        assert cameras.both_directions.all() or inbound.sum() == 2
    cameras = place(fixed(placement="cordon", count=5, both_directions_share=1.0))
    # The primary road has five blocks from gateway to gateway: two at the rim, two a ring further in.
    block = np.sort(np.floor(cameras.x_m[:4].reshape(2, 2) / 200), axis=1)
    assert block.tolist() == [[0, 4], [1, 3]]


def test_cordon_share_of_readers_that_read_both_directions() -> None:
    shares = [
        place(fixed(name=str(i), placement="cordon", count=40, both_directions_share=0.5)).both_directions
        for i in range(40)
    ]
    assert abs(np.concatenate(shares).mean() - 0.5) < 0.06


def test_cordon_without_gateways_is_refused() -> None:
    with pytest.raises(ReaderError, match="no main road leaves the map 'grid'"):
        place(fixed(placement="cordon"), city=grid_town(gateways=False))


def test_district_readers_stand_inside_it() -> None:
    cameras = place(
        fixed(placement="district", count=6, district_x=0.25, district_y=0.25, district_radius_km=0.3)
    )
    assert (np.hypot(cameras.x_m - 250, cameras.y_m - 250) <= 300).all()


@pytest.mark.parametrize("placement", [*PLACEMENTS, "lot"])
def test_too_many_readers_are_refused_with_the_number_that_fits(placement: str) -> None:
    def group(count: int) -> Readers:
        if placement == "lot":
            return LotReaders(kind="lot", name="a", count=count)
        return fixed(placement=placement, count=count, min_spacing_m=150.0, district_radius_km=0.4)

    with pytest.raises(ReaderError, match=r"'a' asks for .*5000.*only") as error:
        place(group(5000))
    fits = int(str(error.value).split("only ")[1].split()[0].strip(";"))
    assert place(group(fits)).n_cameras == fits
    with pytest.raises(ReaderError):
        place(group(fits + 1))


def test_lot_readers_take_places_by_weight() -> None:
    cameras = place(LotReaders(kind="lot", name="l", count=15))
    # The first five places weigh nothing, the other fifteen the same.
    np.testing.assert_array_equal(np.sort(cameras.place), np.arange(15, 30))
    at = cameras.place - 10
    np.testing.assert_array_equal(cameras.x_m, LOTS["work"][1][at])
    assert (cameras.edge == -1).all()
    with pytest.raises(ReaderError, match="kind 'shop', but only 0"):
        place(LotReaders(kind="lot", name="l", place_kind="shop", count=1))


def test_roster_carries_the_groups_fields() -> None:
    cameras = place(
        fixed(owner="city", count=2, misread_rate=0.07),
        PatrolReaders(kind="patrol", name="p", owner="police", count=3, gps_error_m=9.0),
        LotReaders(kind="lot", name="l", owner="city", count=1),
    )
    assert cameras.kind.tolist() == [0, 0, 1, 1, 1, 3]
    assert cameras.owners == ("city", "police")
    assert cameras.owner.tolist() == [0, 0, 1, 1, 1, 0]
    assert cameras.group.tolist() == [0, 0, 1, 1, 1, 2]
    assert cameras.gps_error_m.tolist() == [0, 0, 9, 9, 9, 0]
    np.testing.assert_allclose(cameras.parked_read_rate, [0, 0, 0.35, 0.35, 0.35, 0])
    np.testing.assert_allclose(cameras.misread_rate[:3], [0.07, 0.07, 0.05])
    assert np.isnan(cameras.x_m[cameras.kind == ReaderKind.PATROL]).all()
    assert len(np.unique(cameras.key)) == 6


def test_no_readers_at_all() -> None:
    for groups in ([], [fixed(count=0), PatrolReaders(kind="patrol", name="p", count=0)]):
        cameras = place(*groups)
        assert cameras.n_cameras == 0
        assert cameras.key.dtype == np.uint32
        indptr, camera, _ = edge_cameras(cameras, NETWORK)
        assert indptr.tolist() == [0] * (NETWORK.n_edges + 1)
        assert len(camera) == 0


def test_edge_cameras_equal_a_slow_reference() -> None:
    cameras = place(
        fixed(placement="random", count=90),
        LotReaders(kind="lot", name="l", count=3),
        fixed(name="c", count=9),
    )
    indptr, camera, offset_m = edge_cameras(cameras, NETWORK)
    for e in range(NETWORK.n_edges):
        passed = []
        for c in np.flatnonzero(cameras.kind == ReaderKind.FIXED):
            if cameras.edge[c] == e:
                passed.append((float(cameras.offset_m[c]), int(c)))
            elif cameras.both_directions[c] and NETWORK.reverse_edge[cameras.edge[c]] == e:
                passed.append((200.0 - float(cameras.offset_m[c]), int(c)))
        rows = slice(indptr[e], indptr[e + 1])
        assert camera[rows].tolist() == [c for _, c in sorted(passed)]
        np.testing.assert_allclose(offset_m[rows], [o for o, _ in sorted(passed)])
    # A reader is at the same spot whichever way one drives past it.
    x, y = NETWORK.point_along(np.repeat(np.arange(NETWORK.n_edges), np.diff(indptr)), offset_m)
    np.testing.assert_allclose(x, cameras.x_m[camera], atol=1e-6)
    np.testing.assert_allclose(y, cameras.y_m[camera], atol=1e-6)
