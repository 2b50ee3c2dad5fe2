"""One replicate, from a scenario to its outcome tables, streamed over chunks of drivers."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.cameras.roster import Cameras, ReaderKind
from simulator.chunks import attack_setting
from simulator.errors import MapError, ScenarioError, did_you_mean
from simulator.manifest import Manifest, read_manifest
from simulator.privacy.time_to_inference import summarise
from simulator.results import SPOOL_PREFIX, check_tables, prepare_folder, write_results
from simulator.roads.build import build_city
from simulator.roads.city import City
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict
from simulator.streaming import Stream, driver_chunks
from simulator.streams import fresh_seed, replicate_seed
from simulator.tables import SCHEMAS, conform, content_hash, read_table
from simulator.training import with_training
from simulator.world import Progress, World, build_world

OPTIONAL_TABLES = ("sightings", "trips")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Run:
    """The result of one replicate.

    Parameters
    ----------
    scenario, seed, replicate
        What was run.
    city
        The streets.
    places, drivers, cameras, beliefs, outcomes, claims, pairs, pair_beliefs, summary
        Tables; see :mod:`simulator.tables`.
    example_sightings
        All sightings of a few residents, with their driver_id, for maps.
    example_beliefs
        The streets that attackers with a posterior hold likeliest for them, day by day.
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
    pairs: pl.DataFrame
    pair_beliefs: pl.DataFrame
    summary: pl.DataFrame
    example_sightings: pl.DataFrame
    example_beliefs: pl.DataFrame
    reads_by_camera: NDArray[np.int64]
    folder: Path | None = None

    def __repr__(self) -> str:
        where = f" in {self.folder}" if self.folder else ""
        return (
            f"<Run of '{self.scenario.id}'{where}: seed {self.seed}, {self.drivers.height:,} drivers, "
            f"{self.scenario.days:,} days, {self.cameras.height:,} readers, "
            f"{self.reads_by_camera.sum():,} reads>"
        )


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
    scenario = world.scenario  # traffic from elsewhere brings its own drivers and days
    setting = with_training(attack_setting(world), world)
    with tempfile.TemporaryDirectory(prefix=SPOOL_PREFIX, dir=out, ignore_cleanup_errors=True) as spool:
        streamed = Stream(
            world=world,
            setting=setting,
            spool=Path(spool),
            chunks=driver_chunks(scenario, chunk_drivers, workers),
            tables=frozenset(tables),
        ).run(workers, progress)
    progress("summarise", 0.0)
    drivers = conform("drivers", world.drivers.to_frame(world.places))
    run = Run(
        scenario=scenario,
        seed=seed,
        replicate=replicate,
        city=world.city,
        places=conform("places", world.places.to_frame()),
        drivers=drivers,
        cameras=_cameras_frame(world.cameras),
        summary=summarise(streamed.scores["outcomes"], drivers, last_day=scenario.checkpoints()[-1]),
        example_sightings=streamed.example_sightings,
        example_beliefs=streamed.example_beliefs,
        reads_by_camera=streamed.reads_by_camera,
        folder=out,
        **streamed.scores,
    )
    if out is not None:
        progress("write", 0.0)
        written = {**_tables(run), **streamed.optional}
        write_results(
            out,
            written,
            Manifest(
                scenario=scenario.model_dump(mode="json"),
                seed=seed,
                replicate=replicate,
                city=world.city.content_hash(),
                tables={name: content_hash(frame) for name, frame in written.items()},
                traffic=_sources(world),
            ),
        )
    return run


def _sources(world: World) -> dict[str, str]:
    recorded = world.recorded
    if recorded is None:
        return {}
    return {"source": "SUMO vehicle routes", "truth": recorded.truth, "content": recorded.content_hash()}


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
    check_tables(folder, manifest)
    scenario = scenario_from_dict(manifest.scenario, where=f"the scenario in {folder}")
    city = build_city(scenario.streets, replicate_seed(manifest.seed, manifest.replicate))
    if city.content_hash() != manifest.city:
        raise MapError(f"The streets of {folder} cannot be made again: map or map reader have changed since.")
    frames = {
        name: read_table(name, folder / f"{name}.parquet")
        for name in ("places", "drivers", "cameras", "beliefs", "outcomes", "summary")
    }
    # Runs of earlier versions have no such tables.
    later = {
        name: read_table(name, folder / f"{name}.parquet")
        if name in manifest.tables
        else conform(name, pl.DataFrame(schema=SCHEMAS[name].columns))
        for name in ("claims", "pairs", "pair_beliefs", "example_beliefs")
    }
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
        **later,
        **frames,
    )


def _tables(run: Run) -> dict[str, pl.DataFrame]:
    return {
        "places": run.places,
        "drivers": run.drivers,
        "cameras": run.cameras,
        "beliefs": run.beliefs,
        "outcomes": run.outcomes,
        "claims": run.claims,
        "pairs": run.pairs,
        "pair_beliefs": run.pair_beliefs,
        "summary": run.summary,
        "example_sightings": run.example_sightings,
        "example_beliefs": run.example_beliefs,
        # In the schema's types, as the file will have them: the manifest hashes what will be read back.
        "camera_reads": conform(
            "camera_reads",
            pl.DataFrame({"camera_id": np.arange(len(run.reads_by_camera)), "reads": run.reads_by_camera}),
        ),
    }


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
