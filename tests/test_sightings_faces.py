"""Readers of faces: who is recognised, who is taken for somebody else, and what of it an agency sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from faces_town import SURE, faces_scenario
from pydantic import ValidationError

from simulator.cameras.roster import ReaderKind
from simulator.errors import ReaderError, ScenarioError
from simulator.recapture import recapture
from simulator.run import Run, simulate
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.scenario_parts import FaceReaders
from simulator.sightings.capture import PHANTOM_PLATE, is_night
from simulator.sightings.faces import Galleries, enrolment, recognise
from simulator.streams import Stream, stream_key, uniforms
from simulator.tables import content_hash
from simulator.travel.parking import Encounters
from simulator.world import World, build_world

TABLES = ("sightings", "trips")
BY_DRIVER = ("beliefs", "outcomes", "claims")


@pytest.fixture(scope="module")
def world() -> World:
    return build_world(faces_scenario(face=SURE), 5)


@pytest.fixture(scope="module")
def sure_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = with_overrides(faces_scenario(face=SURE), {"attackers.names": ["night-mode", "bayes"]})
    return simulate(scenario, seed=5, tables=TABLES, out=tmp_path_factory.mktemp("runs") / "sure")


def _crowd(world: World, n: int = 40_000) -> Encounters:
    face = int(np.flatnonzero(world.cameras.kind == ReaderKind.FACE)[0])
    i = np.arange(n)
    return Encounters(
        person=(i % 70).astype(np.int32),
        trip=(i // 70).astype(np.int64),
        time_s=43_200.0 + (i % 70) + 86_400.0 * ((i // 70) % 10),
        camera=np.full(n, face, dtype=np.int32),
    )


def _search(world: World, *, hit: float, chance: float, enrolled: float = 1.0, simulated: float = 1.0):  # type: ignore[no-untyped-def]
    n = world.cameras.n_cameras
    cameras = replace(world.cameras, read_rate=np.full(n, hit), misread_rate=np.full(n, chance))
    galleries = Galleries(enrolled_share=np.full(n, enrolled), simulated_share=np.full(n, simulated))
    return recognise(_crowd(world), cameras, galleries, np.ones((n, 10), np.bool_), 70, 11)


@pytest.mark.parametrize(("rate", "entries"), [(1e-4, 100), (1e-4, 1_000), (1e-4, 20_000), (1e-3, 3_000)])
def test_false_matches_grow_with_the_gallery_as_they_must(world: World, rate: float, entries: int) -> None:
    """Nobody is recognised, so that each search gives a false match with chance 1 - (1 - f)^G."""
    group = FaceReaders(kind="face", false_match_rate=rate, gallery=entries)
    chance = group.false_match_chance(population=7)
    assert chance == pytest.approx(1 - (1 - rate) ** entries, rel=1e-9)
    got = _search(world, hit=0.0, chance=chance)
    n = 40_000
    spread = np.sqrt(chance * (1 - chance) / n)
    assert got.sightings.n_sightings / n == pytest.approx(chance, abs=4 * spread)
    assert (got.sightings.plate != got.person).all()
    assert (got.sightings.plate < 70).all()


def test_hits_and_false_matches_together(world: World) -> None:
    got = _search(world, hit=0.7, chance=0.2, simulated=0.3)
    right = got.sightings.plate == got.person
    assert right.sum() / 40_000 == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / 40_000))
    assert (~right).sum() / 40_000 == pytest.approx(0.3 * 0.2, abs=4 * np.sqrt(0.06 * 0.94 / 40_000))
    nobodys = got.sightings.plate >= PHANTOM_PLATE
    assert nobodys.sum() / (~right).sum() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / (~right).sum()))


def test_only_the_enrolled_are_recognised_and_smaller_galleries_nest(world: World) -> None:
    number = enrolment(70, 11)
    for share in (0.2, 0.6):
        got = _search(world, hit=1.0, chance=0.5, enrolled=share)
        enrolled = np.flatnonzero(number < share)
        own = got.sightings.plate == got.person
        assert set(got.sightings.plate[own]) == set(enrolled)
        assert np.isin(got.sightings.plate[got.sightings.plate < 70], enrolled).all()


def test_searches_against_a_slow_telling(world: World) -> None:
    met, n = _crowd(world, 3_000), world.cameras.n_cameras
    cameras = replace(world.cameras, read_rate=np.full(n, 0.6), misread_rate=np.full(n, 0.4))
    cameras = replace(cameras, night_penalty=np.full(n, 0.3))
    met = replace(met, time_s=met.time_s + 3_600.0 * (met.person % 12))
    galleries = Galleries(enrolled_share=np.full(n, 0.7), simulated_share=np.full(n, 0.8))
    working = np.ones((n, 11), np.bool_)
    working[:, 3] = False
    got = recognise(met, cameras, galleries, working, 70, 11)
    read_key = np.uint64(stream_key(11, Stream.READ_FACE))
    false_key = np.uint64(stream_key(11, Stream.FALSE_MATCH))
    number, expected = enrolment(70, 11), []
    for who, trip, time_s, c in zip(met.person, met.trip, met.time_s, met.camera, strict=True):
        second = int(time_s)
        if second // 86_400 == 3:
            continue
        rate = 0.6 - 0.3 * is_night(time_s)
        label = (cameras.key[c], who, trip, second & 0xFFFF)
        if number[who] < 0.7 and uniforms(read_key, *label)[0] < rate:
            expected.append((who, second, who))
            continue
        u = uniforms(false_key, *label)
        if u[0] >= 0.4:
            continue
        taken_for = int(PHANTOM_PLATE) + int(u[1] * 2147483647.0)
        if u[2] < 0.8:
            for attempt in range(64):
                others = [p for p in range(70) if p != who]
                other = others[int(uniforms(false_key, who, trip, second & 0xFFFF, attempt + 1)[0] * 69)]
                if number[other] < 0.7:
                    taken_for = other
                    break
        expected.append((who, second, taken_for))
    found = sorted(zip(got.person, got.sightings.time_s, got.sightings.plate, strict=True))
    assert [tuple(map(int, row)) for row in found] == sorted(tuple(map(int, row)) for row in expected)


def test_another_group_of_cameras_only_adds_reads(world: World) -> None:
    """And of a larger gallery false matches alone come from elsewhere: what was right stays right."""
    scenario = faces_scenario(face={"false_match_rate": 1e-2, "gallery": 90})
    data = scenario.model_dump(mode="json")
    more = {"kind": "face", "name": "more", "count": 9, "along": "residential", "owner": "homes"}
    few = _all_reads(scenario)
    many = _all_reads(with_overrides(scenario, {"readers": [*data["readers"], more]}))
    old = many.filter(pl.col("camera_id") < few["camera_id"].max() + 1)
    assert old.equals(few) and many.height > few.height + 100
    larger = _all_reads(faces_scenario(face={"false_match_rate": 1e-2, "gallery": 9_000}))
    assert larger.filter(~pl.col("stray")).equals(few.filter(~pl.col("stray")))
    assert few["stray"].sum() > 10


def _all_reads(scenario: Scenario) -> pl.DataFrame:
    world = build_world(scenario, 5)
    taken = recapture(world)
    face = np.flatnonzero(world.cameras.kind == ReaderKind.FACE)
    reads = pl.DataFrame({k: getattr(taken.sightings, k) for k in ("plate", "time_s", "camera_id")})
    reads = reads.with_columns(stray=pl.Series(taken.stray))
    return reads.filter(pl.col("camera_id").is_in(face))


def test_reads_at_stations_and_doors_are_as_many_as_trips(sure_run: Run) -> None:
    """Counted another way: from the table of trips, without any walk."""
    places, drivers, cameras = sure_run.places, sure_run.drivers, sure_run.cameras
    sightings = pl.read_parquet(sure_run.folder / "sightings.parquet")
    trips = pl.read_parquet(sure_run.folder / "trips.parquet")
    kind = dict(zip(places["place_id"], places["kind"], strict=True))
    car_free = set(drivers.filter(pl.col("kind") == "car-free")["driver_id"])
    trips = trips.with_columns(
        out=pl.col("from_place").replace_strict(kind, return_dtype=pl.String),
        to=pl.col("to_place").replace_strict(kind, return_dtype=pl.String),
        on_foot=pl.col("driver_id").is_in(car_free),
    )
    rows = cameras.filter(pl.col("kind") == "face").with_row_index("number")
    stations = rows.filter(pl.col("owner") == "railway")["camera_id"]
    shops = rows.filter(pl.col("owner") == "mall")["camera_id"]
    until_s = 10 * 86_400
    # Nobody is under way so late that a read would fall after the last day.
    assert (trips.filter("on_foot")["arrive_s"] < until_s).all()
    by_train = trips.filter(
        pl.col("on_foot") & ((pl.col("out") == "external") != (pl.col("to") == "external"))
    )
    reads = sightings.filter(pl.col("camera_id").is_in(stations.implode()))
    assert len(reads) == len(by_train) > 50
    assert set(reads["plate"]) <= car_free
    visits = (trips["out"] == "shop").sum() + (trips["to"] == "shop").sum()
    at_doors = sightings.filter(pl.col("camera_id").is_in(shops.implode()))
    late = trips.filter((pl.col("to") == "shop") & (pl.col("arrive_s") > until_s - 3_600)).height
    assert visits - late <= len(at_doors) <= visits
    # Each reader sees people where it stands, and nobody's plate.
    seen = at_doors.join(cameras.select("camera_id", cx="x_m", cy="y_m"), on="camera_id")
    assert ((seen["x_m"] - seen["cx"]).abs() < 0.01).all() and ((seen["y_m"] - seen["cy"]).abs() < 0.01).all()


def _of_drivers(frame: pl.DataFrame, n: int) -> pl.DataFrame:
    keys = [k for k in ("attacker", "driver_id", "target", "criterion", "day") if k in frame.columns]
    return (
        frame.filter(pl.col("driver_id") < n).with_columns(pl.col(pl.Categorical).cast(pl.String)).sort(keys)
    )


def test_plates_are_read_as_if_nobody_walked() -> None:
    """People on foot and readers of faces are added: not a bit changes for who looks at plates."""
    names = ["night-mode", "krumm-weighted-median", "bayes", "prior-alone"]
    plain = with_overrides(tiny_scenario(), {"attackers.names": names, "streets.kind": "organic"})
    added = faces_scenario(
        face={"false_match_rate": 1e-3}, archive__identifiers="plates", attackers__names=names
    )
    assert added.readers[: len(plain.readers)] == plain.readers
    before, after = simulate(plain, seed=8), simulate(added, seed=8)
    assert after.reads_by_camera[before.cameras.height :].sum() > 100
    assert np.array_equal(after.reads_by_camera[: before.cameras.height], before.reads_by_camera)
    for name in BY_DRIVER:
        assert _of_drivers(getattr(after, name), 40).equals(_of_drivers(getattr(before, name), 40)), name
    unseen = after.beliefs.filter(pl.col("driver_id") >= 40)
    assert (unseen["sightings_seen"] == 0).all()


@pytest.mark.parametrize(("workers", "chunk_drivers"), [(1, 7), (2, 25)])
def test_same_bits_however_the_work_is_cut(workers: int, chunk_drivers: int) -> None:
    scenario = faces_scenario(face={"false_match_rate": 1e-3}, attackers__names=["night-mode"], days=4)
    whole = simulate(scenario, seed=8)
    cut = simulate(scenario, seed=8, workers=workers, chunk_drivers=chunk_drivers)
    for name in ("drivers", "beliefs", "outcomes", "summary"):
        assert content_hash(getattr(cut, name)) == content_hash(getattr(whole, name))


def test_views_by_plates_by_faces_and_by_both() -> None:
    seen = {}
    for identifiers in ("plates", "faces", "both"):
        run = simulate(
            faces_scenario(archive__identifiers=identifiers, attackers__names=["night-mode", "bayes"]), seed=8
        )
        last = run.beliefs.filter(
            pl.col("day") == 10,
            pl.col("attacker").cast(pl.String) == "night-mode",
            pl.col("target") == "home",
        ).sort("driver_id")
        seen[identifiers] = last["sightings_seen"].to_numpy()
        bayes = run.beliefs.filter(pl.col("attacker").cast(pl.String) == "bayes")
        # Its tables are about cars: of people without one it says nothing.
        assert bayes.filter(pl.col("driver_id") >= 40)["x_m"].is_null().all()
        assert bayes.filter(pl.col("driver_id") < 40)["x_m"].is_null().all() == (identifiers == "faces")
    assert np.array_equal(seen["plates"] + seen["faces"], seen["both"])
    assert (
        (seen["plates"][40:] == 0).all() and (seen["faces"][:40] > 0).any() and (seen["faces"][40:] > 0).any()
    )


def test_bad_input_is_refused_with_a_way_out() -> None:
    with pytest.raises(ScenarioError, match=r"a face stays the same.*archive\.identifiers = 'plates'"):
        faces_scenario(archive__rules=[{"kind": "pseudonyms", "rotation": "daily"}])
    faces_scenario(
        archive__rules=[{"kind": "pseudonyms", "rotation": "daily"}], archive__identifiers="plates"
    )
    with pytest.raises(ScenarioError, match=r"no reader reads faces; add readers of kind 'face'"):
        tiny_scenario(archive__identifiers="faces")
    with pytest.raises(
        ReaderError, match=r"'trains' asks for readers at 3 stations.*only 2.*walking\.stations"
    ):
        build_world(faces_scenario(readers__trains__count=3), 1)
    with pytest.raises(ReaderError, match=r"'doors' asks for readers at 7 places.*only 6 have a door"):
        build_world(faces_scenario(readers__doors__count=7), 1)
    with pytest.raises(ScenarioError, match=r"misread_rate"):
        faces_scenario(face={"misread_rate": 0.1})
    with pytest.raises(ValidationError):
        FaceReaders(kind="face", false_match_rate=0.5)
