"""A study's results folder: whose it is, which cells are done, and what is left of captures.

Every cell is a folder of tables that appears whole, by a rename. Nothing else marks a cell as done, so a kill
at any moment costs at most the cell in hand.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from experiments.sweep.design import Cell, Design, Group
from experiments.sweep.engine import engine_digest
from experiments.sweep.measures import probes_of
from simulator.errors import StudyError, TableError
from simulator.manifest import write_text_whole
from simulator.privacy.scoring import Scored
from simulator.tables import FORMAT_VERSION, read_table, write_table

STUDY_FILE = "study.json"
RESULTS = ("results", "contrasts", "ratios", "design")
PROBE = "probe-"
CELL_TABLES = ("beliefs", "outcomes", "claims", "drivers")
_OWN = (
    STUDY_FILE,
    "cells",
    "captures",
    "figures",
    *(f"{r}.{e}" for r in RESULTS for e in ("parquet", "csv")),
)


@dataclass(frozen=True, kw_only=True)
class StudyFolder:
    """Where a study's cells and results lie."""

    path: Path

    def open(self, design: Design, *, force: bool) -> None:
        """Begin a study here, or go on with it.

        Raises
        ------
        StudyError
            If the folder holds something else: another study, or files that no study wrote.
        """
        content = _content(design)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if force:
                self._clear()
            found = sorted(p.name for p in self.path.iterdir() if not p.name.startswith("."))
            if (self.path / STUDY_FILE).exists():
                self._same_study(content, probes_of(design.study.measures))
            elif found:
                shown = ", ".join(found[:4]) + (" ..." if len(found) > 4 else "")
                raise StudyError(
                    f"The folder {self.path} is not empty ({shown}) and holds no study. Choose another --out."
                )
            for name in ("cells", "captures"):
                (self.path / name).mkdir(exist_ok=True)
                for left in (self.path / name).glob("*.partial"):
                    shutil.rmtree(left, ignore_errors=True)
        except OSError as error:
            raise StudyError(f"The folder {self.path} cannot be used: {error}.") from error
        content["probes"] = list(probes_of(design.study.measures))
        content["as_given"] = design.study.model_dump(mode="json")
        write_text_whole(
            self.path / STUDY_FILE, json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second sweep out of the folder; the lock goes with the process, however it ends.

        Raises
        ------
        StudyError
            If a sweep is at work here.
        """
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            yield
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = (self.path / ".lock").open("w")
        except OSError as error:
            raise StudyError(f"The folder {self.path} cannot be used: {error}.") from error
        with lock as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StudyError(
                    f"Another sweep is at work in {self.path}; wait for it or stop it."
                ) from None
            yield

    def capture(self, group: Group) -> Path:
        """Return where a group's reads lie."""
        return self.path / "captures" / group.name

    def cell(self, cell: Cell) -> Path:
        """Return where a cell's tables lie."""
        return self.path / "cells" / cell.name

    def is_done(self, cell: Cell) -> bool:
        return self.cell(cell).is_dir()

    def missing(self, cells: Iterable[Cell]) -> tuple[Cell, ...]:
        """Return the cells that are not done."""
        return tuple(cell for cell in cells if not self.is_done(cell))

    def write(self, cell: Cell, tables: dict[str, pl.DataFrame]) -> None:
        """Write a cell's tables whole.

        Raises
        ------
        TableError
            If they cannot be written.
        """
        done = self.cell(cell)
        partial = done.with_name(f"{done.name}.{os.getpid()}.partial")
        try:
            partial.mkdir()
            for name, frame in tables.items():
                if name.startswith(PROBE):
                    frame.write_parquet(partial / f"{name}.parquet")
                else:
                    write_table(name, frame, partial / f"{name}.parquet")
            os.replace(partial, done)
        except OSError as error:
            # A process that outlived a killed sweep by a moment may have been quicker; its bits are the same.
            if done.is_dir():
                return
            raise TableError(f"Cell {done.name} could not be written to {done}: {error}.") from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def read(self, cell: Cell) -> dict[str, pl.DataFrame]:
        """Return a cell's tables.

        Raises
        ------
        TableError
            If one is missing or torn.
        """
        return {name: read_table(name, self.cell(cell) / f"{name}.parquet") for name in CELL_TABLES}

    def read_probes(self, cell: Cell, probes: Iterable[str]) -> dict[str, pl.DataFrame]:
        """Return the tables of a cell's probes.

        Raises
        ------
        TableError
            If one is missing or torn.
        """
        found = {}
        for name in probes:
            path = self.cell(cell) / f"{PROBE}{name}.parquet"
            try:
                found[name] = pl.read_parquet(path)
            except (pl.exceptions.PolarsError, OSError) as error:
                raise TableError(f"{path} is missing or torn ({error}); delete its folder.") from None
        return found

    def forget_captures(self, groups: Iterable[Group]) -> None:
        """Delete the reads of groups that have all their cells."""
        for group in groups:
            if self.capture(group).exists() and not self.missing(group.cells):
                shutil.rmtree(self.capture(group), ignore_errors=True)

    def _same_study(self, content: dict[str, Any], probes: Iterable[str]) -> None:
        path = self.path / STUDY_FILE
        try:
            there = json.loads(path.read_text(encoding="utf-8"))
            study, digest = there["study"]["id"], there["digest"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StudyError(f"{path} is torn or not a study's ({error}). Choose another --out.") from None
        if digest == content["digest"]:
            # What is looked at while the reads are there cannot be looked at later.
            new = [name for name in probes if name not in there.get("probes", [])]
            if new:
                raise StudyError(
                    f"The cells in {self.path} were done without {' and '.join(new)}, which a measure wants. "
                    "Choose another --out, or give --force to begin anew."
                )
            return
        parts = [key for key in content if key != "digest" and there.get(key) != _plain(content[key])]
        if study != content["study"]["id"]:
            what = f"results of another study, '{study}'"
        elif set(parts) <= {"software"}:
            raise StudyError(
                f"{self.path} was begun by another version of the program; cells of two versions are not "
                "comparable. Finish it with that one, choose another --out, or give --force to begin anew."
            )
        else:
            words = {"study": "seed, design or levels"}
            what = f"results of '{study}' with another {' and '.join(words.get(p, p) for p in parts)}"
        raise StudyError(
            f"{self.path} holds {what}. Choose another --out, or give --force to replace this program's own "
            "files in it."
        )

    def _clear(self) -> None:
        for name in _OWN:
            path = self.path / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _content(design: Design) -> dict[str, Any]:
    """Return what the cells of a study depend on; measures and words may change while cells stay."""
    study = design.study
    factors = {
        factor.name: {level.label: level.changes() for level in levels}
        for factor, levels in zip(study.factors, design.levels, strict=True)
    }
    content = {
        "study": {"id": study.id, "seed": study.seed, "design": study.design, "factors": factors},
        "scenario": design.scenario.model_dump(mode="json"),
        "software": {
            "platetrail": version("platetrail"),
            "engine": engine_digest(),
            "numpy": version("numpy"),
            "numba": version("numba"),
        },
        "format": FORMAT_VERSION,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return {**content, "digest": hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}


def _plain(content: Any) -> Any:
    return json.loads(json.dumps(content, default=str))


def tables_of(scored: Scored, drivers: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return what a cell keeps."""
    return {
        "beliefs": scored.beliefs,
        "outcomes": scored.outcomes,
        "claims": scored.claims,
        "drivers": drivers,
    }
