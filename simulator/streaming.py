"""Two passes over chunks of drivers: capture all, then attack all; in between, sightings lie on disk."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.chunks import AttackSetting, MobileBlocks, attack, capture
from simulator.scenario import Scenario
from simulator.sightings.capture import Sightings
from simulator.tables import conform
from simulator.world import Progress, World

# Bounds what one chunk holds in memory, whatever the number of days.
_CHUNK_DRIVER_DAYS = 120_000
# Smaller chunks are not worth a process each: starting one takes longer than driving so few.
_MIN_CHUNK_DRIVERS = 50
_MAX_PROCESSES_PER_CORE = 2
_N_EXAMPLES = 4
#: The tables of scores and what their rows are sorted by; text columns by first appearance.
GRAIN = {
    "beliefs": ("attacker", "target", "driver_id", "day"),
    "outcomes": ("attacker", "target", "criterion", "driver_id"),
    "claims": ("attacker", "driver_id", "day"),
    "pairs": ("attacker", "driver_id", "day", "rank"),
    "pair_beliefs": ("attacker", "driver_id", "day"),
}
_T = TypeVar("_T")


def driver_chunks(scenario: Scenario, chunk_drivers: int | None, workers: int) -> list[tuple[int, int]]:
    """Cut the people into chunks ``(first, last + 1)``, sized by memory and by the processes there are.

    No chunk holds both drivers and people without a car.
    """
    chunks = []
    for low, high in ((0, scenario.people.drivers), (scenario.people.drivers, scenario.n_people)):
        each = max(-(-(high - low) // workers), _MIN_CHUNK_DRIVERS)
        size = chunk_drivers or max(1, min(_CHUNK_DRIVER_DAYS // scenario.days, each))
        chunks += [(a, min(a + size, high)) for a in range(low, high, size)]
    return chunks


def processes(workers: int, n_chunks: int) -> int:
    """Return how many processes are worth starting."""
    return min(workers, n_chunks, _MAX_PROCESSES_PER_CORE * (os.cpu_count() or 1))


@dataclass(frozen=True, kw_only=True, eq=False)
class _CaptureReport:
    strays: Sightings
    phantoms: Sightings | None
    reads_by_camera: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _AttackReport:
    examples: pl.DataFrame
    beliefs: pl.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class Streamed:
    """What the two passes yield.

    Parameters
    ----------
    scores
        The tables in :data:`GRAIN`, by name.
    optional
        The big tables that were asked for, by name.
    example_sightings, example_beliefs
        All sightings of a few residents, with their driver_id, and the streets that they are believed in.
    reads_by_camera
        Shape (n_cameras,).
    """

    scores: dict[str, pl.DataFrame]
    optional: dict[str, pl.DataFrame]
    example_sightings: pl.DataFrame
    example_beliefs: pl.DataFrame
    reads_by_camera: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Stream:
    """One replicate's chunks, and the folder between the passes."""

    world: World
    setting: AttackSetting
    spool: Path
    chunks: list[tuple[int, int]]
    tables: frozenset[str]

    def run(self, workers: int, progress: Progress) -> Streamed:
        """Capture and attack every chunk, in this process or in several."""
        reads = np.zeros(self.world.cameras.n_cameras, dtype=np.int64)
        strays, phantoms = [], []
        with _pool(self, processes(workers, len(self.chunks))) as each:
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
            beliefs: list[pl.DataFrame] = []
            progress("attack", 0.0)
            for i, attacked in enumerate(each(_attack_chunk, jobs)):
                examples.append(attacked.examples)
                beliefs.append(attacked.beliefs)
                progress("attack", (i + 1) / len(self.chunks))
        optional: dict[str, pl.DataFrame] = {}
        if "sightings" in self.tables:
            nobodys = [sightings_frame(Sightings.concatenate(phantoms).sorted())]
            optional["sightings"] = pl.concat([self._gathered("sightings"), *nobodys])
        if "trips" in self.tables:
            optional["trips"] = self._gathered("trips")
        shown = _first_drivers(pl.concat(examples), _N_EXAMPLES)
        # Streets of a belief stay in their order, likeliest first; drivers are in order already.
        believed = pl.concat(beliefs)
        return Streamed(
            scores={table: self._gathered(table) for table in GRAIN},
            optional=optional,
            example_sightings=shown,
            example_beliefs=conform(
                "example_beliefs",
                believed.filter(pl.col("driver_id").is_in(shown["driver_id"].unique().implode())).sort(
                    pl.col("attacker").cast(pl.String), "driver_id", "target", "day", maintain_order=True
                ),
            ),
            reads_by_camera=reads,
        )

    def path(self, table: str, chunk: int) -> Path:
        """Return where a chunk's part of a table lies."""
        return self.spool / f"{table}-{chunk:06d}.parquet"

    def _gathered(self, table: str) -> pl.DataFrame:
        return gathered(table, [pl.read_parquet(self.path(table, i)) for i in range(len(self.chunks))])


def gathered(table: str, parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Return one table of the parts that chunks yielded, in an order that chunks do not decide."""
    frame = conform(table, pl.concat(parts))
    if len(parts) == 1 or table not in GRAIN:
        return frame
    # Chunk after chunk, attackers take turns.
    order = [
        column.cast(pl.Enum(column.unique(maintain_order=True).cast(pl.String)))
        if (column := frame[name]).dtype == pl.Categorical
        else column
        for name in GRAIN[table]
    ]
    return frame[pl.DataFrame(order).select(pl.arg_sort_by(GRAIN[table])).to_series()]


def _capture_chunk(stream: Stream, blocks: MobileBlocks, chunk: int) -> _CaptureReport:
    first, last = stream.chunks[chunk]
    captured = capture(stream.world, first, last, blocks, keep_trips="trips" in stream.tables)
    sightings_frame(captured.own).write_parquet(stream.path("captured", chunk), compression="lz4")
    if captured.trips is not None:
        conform("trips", captured.trips).write_parquet(stream.path("trips", chunk), compression="lz4")
    return _CaptureReport(
        strays=captured.strays,
        phantoms=captured.phantoms if "sightings" in stream.tables else None,
        reads_by_camera=captured.reads_by_camera,
    )


def _attack_chunk(stream: Stream, _: MobileBlocks, job: tuple[int, Sightings]) -> _AttackReport:
    chunk, strays = job
    first, last = stream.chunks[chunk]
    captured = pl.read_parquet(stream.path("captured", chunk))
    stream.path("captured", chunk).unlink()
    own = Sightings(**{name: captured[name].to_numpy() for name in captured.columns})
    sightings = Sightings.concatenate([own, strays]).sorted()
    if "sightings" in stream.tables:
        sightings_frame(sightings).write_parquet(stream.path("sightings", chunk), compression="lz4")
    examples = _examples(stream.world, sightings, first, last)
    scored = attack(
        stream.world,
        stream.setting,
        sightings,
        first,
        last,
        examples=examples["driver_id"].unique().sort().to_numpy(),
    )
    for table in GRAIN:
        getattr(scored, table).write_parquet(stream.path(table, chunk), compression="lz4")
    return _AttackReport(examples=examples, beliefs=scored.example_beliefs)


def sightings_frame(sightings: Sightings) -> pl.DataFrame:
    """Return sightings as a table."""
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
    frame = sightings_frame(sightings)
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

_in_worker: tuple[Stream, MobileBlocks] | None = None


def _start_worker(stream: Stream, threads: str) -> None:
    global _in_worker
    os.environ["POLARS_MAX_THREADS"] = threads
    _in_worker = (stream, MobileBlocks(stream.world))


def _call(task: Callable[[Stream, MobileBlocks, object], _T], job: object) -> _T:
    assert _in_worker is not None
    return task(*_in_worker, job)


@contextmanager
def _pool(stream: Stream, workers: int) -> Iterator[Callable[..., Iterator]]:  # type: ignore[type-arg]
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
