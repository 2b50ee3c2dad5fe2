"""One replicate, from a scenario to its outcome tables, streamed over chunks of drivers."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, ReaderKind
from simulator.chunks import AttackSetting, MobileBlocks, attack, attack_setting, capture
from simulator.errors import MapError, ScenarioError, did_you_mean
from simulator.manifest import Manifest, read_manifest
from simulator.privacy.time_to_inference import summarise
from simulator.results import SPOOL_PREFIX, prepare_folder, write_results
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.scenario import Scenario, scenario_from_dict
from simulator.sightings.capture import Sightings
from simulator.streams import fresh_seed, replicate_seed
from simulator.tables import SCHEMAS, conform, content_hash, read_table
from simulator.training import with_training
from simulator.world import Progress, World, build_world

OPTIONAL_TABLES = ("sightings", "trips")
# Bounds what one chunk holds in memory, whatever the number of days.
_CHUNK_DRIVER_DAYS = 120_000
# Smaller chunks are not worth a process each: starting one takes longer than driving so few.
_MIN_CHUNK_DRIVERS = 50
_MAX_PROCESSES_PER_CORE = 2
_N_EXAMPLES = 4
# What the rows of scores are sorted by; text columns by first appearance.
_GRAIN = {
    "beliefs": ("attacker", "target", "driver_id", "day"),
    "outcomes": ("attacker", "target", "criterion", "driver_id"),
    "claims": ("attacker", "driver_id", "day"),
}
_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True, eq=False)
class Run:
    """The result of one replicate.

    Parameters
    ----------
    scenario, seed, replicate
        What was run.
    city
        The streets.
    places, drivers, cameras, beliefs, outcomes, claims, summary
        Tables; see :mod:`simulator.tables`.
    example_sightings
        All sightings of a few residents, with their driver_id, for maps.
    reads_by_camera
        Reads of each reader over all days, shape (n_cameras,).
    folder
        Where the result was written, if anywhere.
    """

    scenario: Scenario
    seed: int
    replicate: int
    city: City
    places: pl.DataFrame
    drivers: pl.DataFrame
    cameras: pl.DataFrame
    beliefs: pl.DataFrame
    outcomes: pl.DataFrame
    claims: pl.DataFrame
    summary: pl.DataFrame
    example_sightings: pl.DataFrame
    reads_by_camera: NDArray[np.int64]
    folder: Path | None = None


def simulate(
    scenario: Scenario,
    *,
    seed: int | None = None,
    replicate: int = 0,
    out: Path | None = None,
    tables: Collection[str] = (),
    workers: int = 1,
    chunk_drivers: int | None = None,
    force: bool = False,
    progress: Progress = lambda stage, done: None,
) -> Run:
    """Run one replicate.

    Parameters
    ----------
    scenario
        What to simulate.
    seed
        Root seed; drawn and recorded if left out. The same seed gives the same tables to the bit, whatever
        the number of workers and the chunk size.
    replicate
        Number of the replicate; each has a seed of its own, made from the root seed.
    out
        Folder for tables, summary and manifest; nothing is written if left out.
    tables
        Big tables to write as well: "sightings", "trips".
    workers
        Processes at most; fewer where there is too little to share out, or more than two a core.
    chunk_drivers
        Drivers a chunk, chosen by memory if left out.
    force
        Replace this program's own files in ``out``.
    progress
        Called with the name of the stage and the part of it that is done.

    Raises
    ------
    ScenarioError, MapError, ReaderError, TableError
        If the input or the folder cannot be used.
    """
    for name in tables:
        if name not in OPTIONAL_TABLES:
            raise ScenarioError(
                f"No optional table is called '{name}'. {did_you_mean(name, OPTIONAL_TABLES)}"
            )
    if workers < 1:
        raise ScenarioError(f"workers = {workers}: at least one process is needed.")
    if chunk_drivers is not None and chunk_drivers < 1:
        raise ScenarioError(f"chunk_drivers = {chunk_drivers}: a chunk holds at least one driver.")
    if (seed is not None and seed < 0) or replicate < 0:
        raise ScenarioError(
            f"seed = {seed}, replicate = {replicate}: seeds and replicates count from 0 upwards."
        )
    seed = fresh_seed() if seed is None else seed
    if out is not None:
        prepare_folder(out, force=force)
    world = build_world(scenario, replicate_seed(seed, replicate), progress)
    setting = with_training(attack_setting(world), world)
    with tempfile.TemporaryDirectory(prefix=SPOOL_PREFIX, dir=out, ignore_cleanup_errors=True) as spool:
        stream = _Stream(
            world=world,
            setting=setting,
            spool=Path(spool),
            chunks=_chunks(scenario, chunk_drivers, workers),
            tables=frozenset(tables),
        )
        run, extra = stream.run(workers, progress, seed=seed, replicate=replicate, out=out)
        if out is not None:
            progress("write", 0.0)
            written = {**_tables(run), **extra}
            write_results(
                out,
                written,
                Manifest(
                    scenario=scenario.model_dump(mode="json"),
                    seed=seed,
                    replicate=replicate,
                    city=world.city.content_hash(),
                    tables={name: content_hash(frame) for name, frame in written.items()},
                ),
            )
    return run


def load_run(folder: Path) -> Run:
    """Read a result folder back.

    Raises
    ------
    TableError
        If the folder is unfinished, torn, or of another version.
    MapError
        If its map is not the one that the run was made on.
    """
    manifest = read_manifest(folder)
    scenario = scenario_from_dict(manifest.scenario, where=f"the scenario in {folder}")
    city = build_city(scenario.streets, replicate_seed(manifest.seed, manifest.replicate))
    if city.content_hash() != manifest.city:
        raise MapError(f"The streets of {folder} cannot be made again: map or map reader have changed since.")
    frames = {
        name: read_table(name, folder / f"{name}.parquet")
        for name in ("places", "drivers", "cameras", "beliefs", "outcomes", "summary")
    }
    # Runs of earlier versions have no such table.
    claims = (
        read_table("claims", folder / "claims.parquet")
        if "claims" in manifest.tables
        else conform("claims", pl.DataFrame(schema=SCHEMAS["claims"].columns))
    )
    examples = read_table("example_sightings", folder / "example_sightings.parquet")
    reads = read_table("camera_reads", folder / "camera_reads.parquet")
    return Run(
        scenario=scenario,
        seed=manifest.seed,
        replicate=manifest.replicate,
        city=city,
        example_sightings=examples,
        reads_by_camera=reads["reads"].to_numpy(),
        folder=folder,
        claims=claims,
        **frames,
    )


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """One table of a replayed manifest."""

    table: str
    same: bool


def replay(
    folder: Path, *, workers: int = 1, progress: Progress = lambda stage, done: None
) -> list[Replayed]:
    """Run a result folder's manifest again and say of every table whether it is the same to the bit.

    Both the recorded hashes and the tables on disk are held against the new run.
    """
    manifest = read_manifest(folder)
    scenario = scenario_from_dict(manifest.scenario, where=f"the scenario in {folder}")
    with tempfile.TemporaryDirectory(prefix="platetrail-replay-") as fresh:
        simulate(
            scenario,
            seed=manifest.seed,
            replicate=manifest.replicate,
            out=Path(fresh),
            tables=[name for name in OPTIONAL_TABLES if name in manifest.tables],
            workers=workers,
            force=True,
            progress=progress,
        )
        again = read_manifest(Path(fresh))
    return [
        Replayed(
            table=name,
            same=again.tables.get(name) == digest
            and content_hash(read_table(name, folder / f"{name}.parquet")) == digest,
        )
        for name, digest in manifest.tables.items()
    ]


def _tables(run: Run) -> dict[str, pl.DataFrame]:
    return {
        "places": run.places,
        "drivers": run.drivers,
        "cameras": run.cameras,
        "beliefs": run.beliefs,
        "outcomes": run.outcomes,
        "claims": run.claims,
        "summary": run.summary,
        "example_sightings": run.example_sightings,
        # In the schema's types, as the file will have them: the manifest hashes what will be read back.
        "camera_reads": conform(
            "camera_reads",
            pl.DataFrame({"camera_id": np.arange(len(run.reads_by_camera)), "reads": run.reads_by_camera}),
        ),
    }


def _chunks(scenario: Scenario, chunk_drivers: int | None, workers: int) -> list[tuple[int, int]]:
    n = scenario.people.drivers
    each = max(-(-n // workers), _MIN_CHUNK_DRIVERS)
    size = chunk_drivers or max(1, min(_CHUNK_DRIVER_DAYS // scenario.days, each))
    return [(a, min(a + size, n)) for a in range(0, n, size)]


def _processes(workers: int, n_chunks: int) -> int:
    return min(workers, n_chunks, _MAX_PROCESSES_PER_CORE * (os.cpu_count() or 1))


def _cameras_frame(cameras: Cameras) -> pl.DataFrame:
    kinds = pl.Series([k.name.lower() for k in ReaderKind])
    frame = pl.DataFrame(
        {
            "camera_id": np.arange(cameras.n_cameras),
            "kind": kinds.gather(cameras.kind),
            "owner": pl.Series(cameras.owners, dtype=pl.String).gather(cameras.owner),
            "edge_id": cameras.edge,
            "offset_m": cameras.offset_m,
            "both_directions": cameras.both_directions,
            "x_m": cameras.x_m,
            "y_m": cameras.y_m,
            "read_rate": cameras.read_rate,
        }
    )
    return conform("cameras", frame.with_columns(pl.col("x_m", "y_m").fill_nan(None)))


@dataclass(frozen=True, kw_only=True, eq=False)
class _CaptureReport:
    strays: Sightings
    phantoms: Sightings | None
    reads_by_camera: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _AttackReport:
    examples: pl.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stream:
    """Two passes over the chunks: capture all, then attack all; in between, sightings lie on disk."""

    world: World
    setting: AttackSetting
    spool: Path
    chunks: list[tuple[int, int]]
    tables: frozenset[str]

    def run(
        self, workers: int, progress: Progress, *, seed: int, replicate: int, out: Path | None
    ) -> tuple[Run, dict[str, pl.DataFrame]]:
        world, scenario = self.world, self.world.scenario
        reads = np.zeros(world.cameras.n_cameras, dtype=np.int64)
        strays, phantoms = [], []
        with _pool(self, _processes(workers, len(self.chunks))) as each:
            progress("drive", 0.0)
            for i, report in enumerate(each(_capture_chunk, list(range(len(self.chunks))))):
                reads += report.reads_by_camera
                strays.append(report.strays)
                if report.phantoms is not None:
                    phantoms.append(report.phantoms)
                progress("drive", (i + 1) / len(self.chunks))
            found = Sightings.concatenate(strays)
            jobs = [
                (i, found.take((found.plate >= a) & (found.plate < b)))
                for i, (a, b) in enumerate(self.chunks)
            ]
            examples: list[pl.DataFrame] = []
            progress("attack", 0.0)
            for i, attacked in enumerate(each(_attack_chunk, jobs)):
                examples.append(attacked.examples)
                progress("attack", (i + 1) / len(self.chunks))
        progress("summarise", 0.0)
        outcomes = self._gathered("outcomes")
        drivers = conform("drivers", world.drivers.to_frame(world.places))
        run = Run(
            scenario=scenario,
            seed=seed,
            replicate=replicate,
            city=world.city,
            places=conform("places", world.places.to_frame()),
            drivers=drivers,
            cameras=_cameras_frame(world.cameras),
            beliefs=self._gathered("beliefs"),
            outcomes=outcomes,
            claims=self._gathered("claims"),
            summary=summarise(outcomes, drivers),
            example_sightings=_first_drivers(pl.concat(examples), _N_EXAMPLES),
            reads_by_camera=reads,
            folder=out,
        )
        extra = {}
        if "sightings" in self.tables:
            nobodys = [_sightings_frame(Sightings.concatenate(phantoms).sorted())]
            extra["sightings"] = pl.concat([self._gathered("sightings"), *nobodys])
        if "trips" in self.tables:
            extra["trips"] = self._gathered("trips")
        return run, extra

    def path(self, table: str, chunk: int) -> Path:
        return self.spool / f"{table}-{chunk:06d}.parquet"

    def _gathered(self, table: str) -> pl.DataFrame:
        parts = [pl.read_parquet(self.path(table, i)) for i in range(len(self.chunks))]
        frame = conform(table, pl.concat(parts))
        if len(parts) == 1 or table not in _GRAIN:
            return frame
        # Chunk after chunk, attackers take turns: put the rows in an order that chunks do not decide.
        order = [
            column.cast(pl.Enum(column.unique(maintain_order=True).cast(pl.String)))
            if (column := frame[name]).dtype == pl.Categorical
            else column
            for name in _GRAIN[table]
        ]
        return frame[pl.DataFrame(order).select(pl.arg_sort_by(_GRAIN[table])).to_series()]


def _capture_chunk(stream: _Stream, blocks: MobileBlocks, chunk: int) -> _CaptureReport:
    first, last = stream.chunks[chunk]
    captured = capture(stream.world, first, last, blocks, keep_trips="trips" in stream.tables)
    _sightings_frame(captured.own).write_parquet(stream.path("captured", chunk), compression="lz4")
    if captured.trips is not None:
        conform("trips", captured.trips).write_parquet(stream.path("trips", chunk), compression="lz4")
    return _CaptureReport(
        strays=captured.strays,
        phantoms=captured.phantoms if "sightings" in stream.tables else None,
        reads_by_camera=captured.reads_by_camera,
    )


def _attack_chunk(stream: _Stream, _: MobileBlocks, job: tuple[int, Sightings]) -> _AttackReport:
    chunk, strays = job
    first, last = stream.chunks[chunk]
    captured = pl.read_parquet(stream.path("captured", chunk))
    stream.path("captured", chunk).unlink()
    own = Sightings(**{name: captured[name].to_numpy() for name in captured.columns})
    sightings = Sightings.concatenate([own, strays]).sorted()
    if "sightings" in stream.tables:
        _sightings_frame(sightings).write_parquet(stream.path("sightings", chunk), compression="lz4")
    scored = attack(stream.world, stream.setting, sightings, first, last)
    for table in _GRAIN:
        getattr(scored, table).write_parquet(stream.path(table, chunk), compression="lz4")
    return _AttackReport(examples=_examples(stream.world, sightings, first, last))


def _sightings_frame(sightings: Sightings) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "plate": sightings.plate,
            "time_s": sightings.time_s,
            "camera_id": sightings.camera_id,
            "x_m": sightings.x_m,
            "y_m": sightings.y_m,
        }
    )


def _examples(world: World, sightings: Sightings, first: int, last: int) -> pl.DataFrame:
    """Return the sightings of a chunk's first few residents who live and work on the map and are seen."""
    places, drivers = world.places, world.drivers
    frame = _sightings_frame(sightings)
    home, work = drivers.home_place[first:last], drivers.work_place[first:last]
    fits = (places.edge[home] >= 0) & (work >= 0) & (places.edge[np.maximum(work, 0)] >= 0)
    wanted = pl.Series(drivers.plate[first:last][fits])
    frame = frame.filter(pl.col("plate").is_in(wanted.implode()))
    # A plate is its driver's number; see Drivers.plate.
    return _first_drivers(frame.with_columns(driver_id=pl.col("plate").cast(pl.Int32)), _N_EXAMPLES)


def _first_drivers(frame: pl.DataFrame, count: int) -> pl.DataFrame:
    chosen = frame["driver_id"].unique().sort().head(count)
    return frame.filter(pl.col("driver_id").is_in(chosen.implode()))


# --- processes -----------------------------------------------------------------------------------------

_in_worker: tuple[_Stream, MobileBlocks] | None = None


def _start_worker(stream: _Stream, threads: str) -> None:
    global _in_worker
    os.environ["POLARS_MAX_THREADS"] = threads
    _in_worker = (stream, MobileBlocks(stream.world))


def _call(task: Callable[[_Stream, MobileBlocks, object], _T], job: object) -> _T:
    assert _in_worker is not None
    return task(*_in_worker, job)


@contextmanager
def _pool(stream: _Stream, workers: int) -> Iterator[Callable[..., Iterator]]:  # type: ignore[type-arg]
    """Yield ``each(task, jobs)``, which gives results in order, from this process or from several."""
    if workers <= 1:
        blocks = MobileBlocks(stream.world)
        yield lambda task, jobs: (task(stream, blocks, job) for job in jobs)
        return
    # Forked children would inherit the locks of polars' and numba's threads; spawned ones start clean.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(stream, "1"))
    try:
        yield lambda task, jobs: pool.map(partial(_call, task), jobs)
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
