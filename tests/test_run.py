"""Whole runs: the same bits however the work is cut, folders, replays, interruptions, ground truth."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario

from simulator.adversary.attacker import attacker_named
from simulator.chunks import MobileBlocks, attack, attack_setting, capture, view_of
from simulator.errors import ScenarioError, TableError
from simulator.manifest import MANIFEST, read_manifest
from simulator.replay import replay
from simulator.run import Run, load_run, simulate
from simulator.scenario import Scenario
from simulator.tables import ADDED_TABLES, SCHEMAS, content_hash, read_table, write_table
from simulator.world import World

ALL = ("sightings", "trips")
WRITTEN = [name for name in SCHEMAS if name not in ADDED_TABLES]


@pytest.fixture(scope="module")
def folder(tiny: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "one"
    simulate(tiny, seed=3, out=out, tables=ALL)
    return out


def test_a_folder_holds_every_table_and_nothing_else(folder: Path) -> None:
    names = {p.name for p in folder.iterdir()}
    assert names == {MANIFEST, "summary.csv", *(f"{name}.parquet" for name in WRITTEN)}
    manifest = read_manifest(folder)
    for name, digest in manifest.tables.items():
        assert content_hash(read_table(name, folder / f"{name}.parquet")) == digest
    summary = read_table("summary", folder / "summary.parquet")
    assert pl.read_csv(folder / "summary.csv").height == summary.height > 0


@pytest.mark.parametrize(("workers", "chunk_drivers"), [(1, 1), (1, 7), (1, 40), (2, None), (2, 7)])
def test_same_bits_however_the_work_is_cut(
    tiny: Scenario, folder: Path, tmp_path: Path, workers: int, chunk_drivers: int | None
) -> None:
    out = tmp_path / "again"
    simulate(tiny, seed=3, out=out, tables=ALL, workers=workers, chunk_drivers=chunk_drivers)
    assert read_manifest(out).tables == read_manifest(folder).tables


def test_seeds_and_replicates_differ(tiny: Scenario, tiny_run: Run) -> None:
    hashes = {content_hash(tiny_run.beliefs)}
    for seed, number in ((4, 0), (3, 1), (3, 2)):
        run = simulate(tiny, seed=seed, replicate=number)
        assert (run.seed, run.replicate) == (seed, number)
        hashes.add(content_hash(run.beliefs))
    assert len(hashes) == 4


def test_a_seed_is_drawn_and_recorded(tmp_path: Path) -> None:
    few = tiny_scenario(people__drivers=3, days=2)
    run = simulate(few, out=tmp_path / "a")
    assert read_manifest(tmp_path / "a").seed == run.seed
    assert simulate(few, seed=run.seed).outcomes.equals(run.outcomes)
    assert simulate(few).seed != run.seed


def test_without_readers_nobody_is_found(tiny: Scenario, tmp_path: Path) -> None:
    blind = tiny.model_copy(update={"readers": ()})
    run = simulate(blind, seed=3, out=tmp_path / "blind", tables=ALL)
    assert run.cameras.height == 0 and len(run.reads_by_camera) == 0
    # Only the baseline that looks at no reads at all still guesses.
    by_reads = pl.col("attacker").cast(pl.String) != "prior-alone"
    beliefs, summary = run.beliefs.filter(by_reads), run.summary.filter(by_reads)
    assert beliefs["x_m"].is_null().all() and (run.beliefs["sightings_seen"] == 0).all()
    assert not run.outcomes.filter(by_reads)["observed"].any()
    assert (summary["share"] == 0).all() and summary["median_days"].is_null().all()
    for name in WRITTEN:
        frame = read_table(name, tmp_path / "blind" / f"{name}.parquet")
        assert frame.height > 0 or name in (
            "sightings",
            "example_sightings",
            "example_beliefs",
            "pairs",
            "camera_reads",
            "cameras",
        )
    assert load_run(tmp_path / "blind").summary.equals(run.summary)


def test_drivers_and_days_at_their_least() -> None:
    run = simulate(tiny_scenario(people__drivers=1, days=1), seed=1)
    assert run.drivers.height == 1 and run.scenario.days == 1
    assert set(run.beliefs["day"]) == {1}


def test_folders_that_hold_something_are_refused(tiny: Scenario, tmp_path: Path) -> None:
    few = tiny_scenario(people__drivers=3, days=2)
    out = tmp_path / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(TableError, match=r"is not empty \(notes\.txt\).*--force"):
        simulate(few, seed=1, out=out)
    assert [p.name for p in out.iterdir()] == ["notes.txt"]
    (out / "figures").mkdir()
    (out / "figures" / "old.png").write_text("ours")
    (out / "figures" / "mine.txt").write_text("mine")
    simulate(few, seed=1, out=out, force=True, tables=ALL)
    first = read_manifest(out)
    simulate(few, seed=2, out=out, force=True)
    assert (out / "notes.txt").read_text() == "mine" and (out / "figures" / "mine.txt").exists()
    assert not (out / "figures" / "old.png").exists()
    assert not (out / "trips.parquet").exists(), "a table of the run before would not fit the new ones"
    assert read_manifest(out).tables["places"] != first.tables["places"]
    (tmp_path / "file").write_text("")
    with pytest.raises(TableError, match="cannot be used"):
        simulate(few, seed=1, out=tmp_path / "file", force=True)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"tables": ["sighting"]}, "No optional table is called 'sighting'.*'sightings'"),
        ({"workers": 0}, "at least one process"),
        ({"chunk_drivers": 0}, "at least one driver"),
        ({"chunk_drivers": -5}, "at least one driver"),
        ({"seed": -1}, "count from 0 upwards"),
        ({"replicate": -1}, "count from 0 upwards"),
    ],
)
def test_bad_requests(tiny: Scenario, tmp_path: Path, asked: dict[str, int], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        simulate(tiny, out=tmp_path / "out", **asked)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_load_run_gives_back_what_was_run(folder: Path, tiny_run: Run) -> None:
    back = load_run(folder)
    assert back.scenario == tiny_run.scenario and (back.seed, back.replicate) == (3, 0)
    assert back.folder == folder and tiny_run.folder is None
    for name in ("places", "drivers", "cameras", "beliefs", "outcomes", "summary", "example_sightings"):
        assert content_hash(getattr(back, name)) == content_hash(getattr(tiny_run, name)), name
    assert np.array_equal(back.reads_by_camera, tiny_run.reads_by_camera)
    assert back.city.content_hash() == tiny_run.city.content_hash()


def test_replay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    simulate(tiny_scenario(people__drivers=5, days=3), seed=8, replicate=1, out=out, tables=["trips"])
    again = replay(out)
    assert {r.table for r in again} == {name for name in WRITTEN if name != "sightings"}
    assert all(r.same for r in again)
    trips = read_table("trips", out / "trips.parquet")
    write_table("trips", trips.with_columns(pl.col("depart_s") + 1), out / "trips.parquet")
    assert {r.table for r in replay(out) if not r.same} == {"trips"}


@pytest.mark.parametrize("stage", ["streets", "drive", "attack", "summarise", "write"])
def test_interrupted_runs_leave_nothing(stage: str, tmp_path: Path) -> None:
    def stop(at: str, done: float) -> None:
        if at == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(tiny_scenario(people__drivers=3, days=2), seed=1, out=tmp_path / "out", progress=stop)
    assert list((tmp_path / "out").iterdir()) == []


def test_example_sightings_are_of_residents_who_work_here(tiny_run: Run) -> None:
    shown = tiny_run.example_sightings["driver_id"].unique()
    chosen = tiny_run.drivers.filter(pl.col("driver_id").is_in(shown.implode()))
    assert 1 <= chosen.height <= 4
    assert (chosen["kind"] == "resident").all() and chosen["work_place"].is_not_null().all()


# --- retention and ground truth ------------------------------------------------------------------------


def test_shorter_retention_shows_less(tiny_world: World) -> None:
    n = tiny_world.drivers.n_drivers
    sightings = capture(tiny_world, 0, n, MobileBlocks(tiny_world)).own
    before, all_seen = None, view_of(tiny_world, sightings, 0, n)
    for days in (20.0, 8.0, 4.0, 2.0, 1.0, 0.5):
        archive = tiny_world.scenario.archive.model_copy(update={"retention_days": days})
        world = replace(tiny_world, scenario=tiny_world.scenario.model_copy(update={"archive": archive}))
        view = view_of(world, sightings, 0, n)
        shown = [set(view.visible(p, k).tolist()) for p in range(n) for k in range(view.n_checkpoints)]
        if before is None:
            assert np.array_equal(view.sightings_seen(), all_seen.sightings_seen()), "longer than the run"
        else:
            assert all(now <= then for now, then in zip(shown, before, strict=True))
            assert sum(map(len, shown)) < sum(map(len, before))
        before = shown


def test_guesses_do_not_depend_on_the_truth(tiny_world: World) -> None:
    """After capture, homes and work places are moved about: scores change, guesses do not."""
    n = tiny_world.drivers.n_drivers
    sightings = capture(tiny_world, 0, n, MobileBlocks(tiny_world)).own
    rng = np.random.default_rng(1)
    drivers, places = tiny_world.drivers, tiny_world.places
    elsewhere = replace(
        drivers,
        home_place=rng.integers(places.n_attractors, places.n_places, n).astype(np.int32),
        work_place=np.where(drivers.work_place >= 0, rng.permutation(drivers.work_place), -1).astype(
            np.int32
        ),
        schedule=rng.permutation(drivers.schedule),
        kind=rng.permutation(drivers.kind),
    )
    other = replace(tiny_world, drivers=elsewhere)
    beliefs = []
    for world in (tiny_world, other):
        found = attack(world, attack_setting(world), sightings, 0, n).beliefs
        beliefs.append(found.filter(pl.col("target") == "home"))
    guesses = ["attacker", "driver_id", "day", "sightings_seen", "x_m", "y_m", "confidence"]
    assert beliefs[0].select(guesses).equals(beliefs[1].select(guesses))
    assert not beliefs[0]["error_m"].equals(beliefs[1]["error_m"])


def test_no_attacker_sees_truth_in_what_it_is_given(tiny_world: World) -> None:
    """Plates reach attackers in driver order: relabelled views give the same guesses, relabelled."""
    n = tiny_world.drivers.n_drivers
    sightings = capture(tiny_world, 0, n, MobileBlocks(tiny_world)).own
    view, setting = view_of(tiny_world, sightings, 0, n), attack_setting(tiny_world)
    order = np.random.default_rng(2).permutation(n)
    rows = [np.arange(view.indptr[p], view.indptr[p + 1]) for p in order]
    at = np.concatenate(rows)
    shuffled = replace(
        view,
        indptr=np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64),
        time_s=view.time_s[at],
        camera_id=view.camera_id[at],
        x_m=view.x_m[at],
        y_m=view.y_m[at],
        expires_s=view.expires_s[at],
    )
    for name in setting.names:
        attacker = attacker_named(name)
        knowledge = setting.knowledge.up_to(attacker.rung)
        one, two = attacker.infer(view, knowledge), attacker.infer(shuffled, knowledge)
        np.testing.assert_array_equal(one.home.x_m[order], two.home.x_m, err_msg=name)


def test_rooms_import_one_way() -> None:
    """The import contracts of pyproject.toml: no way up, and no truth for an adversary."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout
