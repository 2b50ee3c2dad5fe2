"""A result folder run again from its manifest, and held against itself."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from simulator.manifest import read_manifest
from simulator.results import check_tables
from simulator.run import OPTIONAL_TABLES, simulate
from simulator.scenario_file import scenario_from_dict
from simulator.tables import content_hash, read_table
from simulator.world import Progress


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
    check_tables(folder, manifest)
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
