"""All sightings and trips of a finished run, made again from its manifest.

A run's folder holds its results, not the reads behind them: those are a pure function of scenario and
seed, and making them again is quicker than keeping them. Measures that need more than an attack does (who
was where, who was read beside whom) start from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.archive_rules import Archive
from simulator.chunks import MobileBlocks, capture, ground_of
from simulator.errors import MapError
from simulator.manifest import read_manifest
from simulator.scenario import WEEKDAYS
from simulator.scenario_file import scenario_from_dict
from simulator.sightings.archive import look_into
from simulator.sightings.capture import Sightings
from simulator.sightings.view import ArchiveView
from simulator.streaming import driver_chunks
from simulator.streams import replicate_seed
from simulator.tables import SCHEMAS, conform
from simulator.world import Progress, World, build_world


def _silent(stage: str, done: float) -> None:
    """Show no progress."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Recaptured:
    """A world with all that was read in it, before any rule of an archive.

    Parameters
    ----------
    world
        The world.
    sightings
        All reads under the plates of simulated drivers, by plate, time and reader.
    stray
        Which of them are another driver's car, misread, shape (n_sightings,). This is truth.
    trips
        The ``trips`` table. This is truth.
    """

    world: World
    sightings: Sightings
    stray: NDArray[np.bool_]
    trips: pl.DataFrame


def recapture(
    world: World,
    progress: Progress = _silent,
    *,
    plates: NDArray[np.uint32] | None = None,
    keep_trips: bool = True,
) -> Recaptured:
    """Drive through a world and keep all reads and trips.

    Parameters
    ----------
    plates
        Keep reads under these plates alone, misreads that landed on them included, and so little memory.
    keep_trips
        Whether to keep trips; without them the table is empty.
    """
    blocks = MobileBlocks(world)
    chunks = driver_chunks(world.scenario, None, 1)
    own, strays, trips = [], [], []
    progress("drive", 0.0)
    for i, (first, last) in enumerate(chunks):
        captured = capture(world, first, last, blocks, keep_trips=keep_trips)
        own.append(_of_plates(captured.own, plates))
        strays.append(_of_plates(captured.strays, plates))
        if captured.trips is not None:
            trips.append(conform("trips", captured.trips))
        progress("drive", (i + 1) / len(chunks))
    reads = Sightings.concatenate([*own, *strays])
    stray = np.zeros(reads.n_sightings, dtype=np.bool_)
    stray[sum(s.n_sightings for s in own) :] = True
    order = np.lexsort((reads.camera_id, reads.time_s, reads.plate))
    return Recaptured(
        world=world,
        sightings=reads.take(order),
        stray=stray[order],
        trips=pl.concat(trips, how="vertical") if trips else pl.DataFrame(schema=SCHEMAS["trips"].columns),
    )


def _of_plates(reads: Sightings, plates: NDArray[np.uint32] | None) -> Sightings:
    return reads if plates is None else reads.take(np.isin(reads.plate, plates))


def recapture_run(folder: Path, progress: Progress = _silent) -> Recaptured:
    """Make the reads and trips of a result folder again.

    Raises
    ------
    TableError
        If the folder is unfinished, torn, or of another version.
    MapError
        If its map is not the one that the run was made on.
    """
    manifest = read_manifest(folder)
    scenario = scenario_from_dict(manifest.scenario, where=f"the scenario in {folder}")
    world = build_world(scenario, replicate_seed(manifest.seed, manifest.replicate), progress)
    if world.city.content_hash() != manifest.city:
        raise MapError(f"The streets of {folder} cannot be made again: map or map reader have changed since.")
    return recapture(world, progress)


def view_of_plates(
    taken: Recaptured,
    archive: Archive,
    plates: NDArray[np.uint32],
    checkpoint_days: Sequence[int],
) -> ArchiveView:
    """Return the view of some plates, under any rules and as of any days.

    Parameters
    ----------
    taken
        What was read.
    archive
        The rules, ``archive.viewer`` being who looks.
    plates
        Ascending, shape (n_plates,).
    checkpoint_days
        Days after which the agency looks, ascending.
    """
    reads = taken.sightings
    chosen = reads.take(np.isin(reads.plate, plates))
    seen, expires_s = look_into(archive, chosen, ground_of(taken.world))
    after_last = np.uint64(plates[-1]) + np.uint64(1) if len(plates) else np.uint64(0)
    bounds = np.append(plates.astype(np.uint64), after_last)
    return ArchiveView(
        plate=plates,
        indptr=np.searchsorted(seen.plate.astype(np.uint64), bounds).astype(np.int64),
        time_s=seen.time_s,
        camera_id=seen.camera_id,
        x_m=seen.x_m,
        y_m=seen.y_m,
        expires_s=expires_s,
        checkpoint_days=np.array(checkpoint_days, dtype=np.int32),
        start_weekday=WEEKDAYS.index(taken.world.scenario.start_weekday),
    )
