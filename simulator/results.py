"""Result folders: written whole, read back, refused when they are not this program's or not finished."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from simulator.errors import TableError
from simulator.manifest import MANIFEST, Manifest, write_manifest, write_text_whole
from simulator.tables import SCHEMAS, write_table

SPOOL_PREFIX = ".spool-"
#: What other commands write beside a run's tables.
REPORT_FILES = ("utility.csv", "exposure.csv", "convoys.csv", "audit.csv", "report.html")
_OWN_FILES = frozenset({MANIFEST, "summary.csv", *REPORT_FILES, *(f"{name}.parquet" for name in SCHEMAS)})
_OWN_FOLDERS = ("figures",)


def prepare_folder(folder: Path, *, force: bool) -> None:
    """Make sure that a result can be written to a folder, before hours are spent on it.

    With ``force`` this program's own files are removed from it; whatever else lies there stays.

    Raises
    ------
    TableError
        If the folder is not empty and ``force`` is not given, or it cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = sorted(p.name for p in folder.iterdir())
        if not os.access(folder, os.W_OK):
            raise TableError(f"The output folder {folder} cannot be written to. Choose another.")
        if found and not force:
            shown = ", ".join(found[:4]) + (" ..." if len(found) > 4 else "")
            raise TableError(
                f"The output folder {folder} is not empty ({shown}). Choose another, or give --force to "
                "replace this program's own files in it."
            )
        (folder / MANIFEST).unlink(missing_ok=True)  # first: from now on the folder is unfinished
        for name in found:
            path = folder / name
            if name in _OWN_FILES:
                path.unlink(missing_ok=True)
            elif name.startswith(SPOOL_PREFIX) or name.endswith(".partial"):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
            elif name in _OWN_FOLDERS and path.is_dir():
                for picture in [
                    *path.glob("*.png"),
                    *path.glob("*.pdf"),
                    *path.glob("*.svg"),
                    *path.glob("*.csv"),
                ]:
                    picture.unlink()
    except OSError as error:
        raise TableError(f"The output folder {folder} cannot be used: {error}.") from error


def check_tables(folder: Path, manifest: Manifest) -> None:
    """Refuse a folder that lacks tables which its manifest names.

    Raises
    ------
    TableError
        Naming them, and how to get them back.
    """
    missing = [name for name in manifest.tables if not (folder / f"{name}.parquet").is_file()]
    if missing:
        files = ", ".join(f"{name}.parquet" for name in missing)
        raise TableError(
            f"{folder} is not whole: what the run wrote as {files} is gone. Copy the folder again, or make "
            f"the run again with --seed {manifest.seed}."
        )


def write_results(folder: Path, tables: Mapping[str, pl.DataFrame], manifest: Manifest) -> None:
    """Write tables, ``summary.csv`` and, last, the manifest."""
    for name, frame in tables.items():
        write_table(name, frame, folder / f"{name}.parquet")
    write_text_whole(folder / "summary.csv", tables["summary"].write_csv())
    write_manifest(manifest, folder)
