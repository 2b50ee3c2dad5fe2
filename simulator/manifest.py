"""The manifest: what made a result folder, so that it can be made again."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from simulator.errors import TableError
from simulator.tables import FORMAT_VERSION

MANIFEST = "manifest.json"
_RECORDED = ("platetrail", "numpy", "scipy", "numba", "polars")


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Provenance of a result folder.

    Parameters
    ----------
    scenario
        The scenario as a JSON-ready mapping.
    seed, replicate
        Root seed of the run and number of the replicate.
    city
        Content hash of the streets.
    tables
        Content hash of each table written.
    traffic
        Of traffic from elsewhere: its source, where homes and work places were taken from, and a hash of
        its content. Empty for traffic of this program's own.
    software
        Versions; no host name or path of a machine is recorded.
    """

    scenario: Mapping[str, Any]
    seed: int
    replicate: int
    city: str
    tables: Mapping[str, str]
    traffic: Mapping[str, str] = field(default_factory=dict)
    software: Mapping[str, str] = field(default_factory=lambda: _software())
    format: int = FORMAT_VERSION


def _software() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _checksum(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def write_text_whole(path: Path, text: str) -> None:
    """Write a text file under a temporary name, then rename it."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    except OSError as error:
        raise TableError(f"{path} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``manifest.json``; it is written last, so a folder that has one is complete."""
    content = asdict(manifest)
    write_text_whole(
        folder / MANIFEST,
        json.dumps({**content, "checksum": _checksum(content)}, indent=2, ensure_ascii=False) + "\n",
    )


def read_manifest(folder: Path) -> Manifest:
    """Read a folder's manifest.

    Raises
    ------
    TableError
        If there is none, it is torn, was edited by hand, or is of another format version.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        checksum, written_by = content.pop("checksum"), content["software"].get("platetrail", "unknown")
    except (FileNotFoundError, NotADirectoryError):
        raise TableError(
            f"{folder} is not a finished result folder: it has no {MANIFEST}. Make one with 'platetrail run'."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise TableError(f"{path} is torn or not a manifest ({error}); make the run again.") from None
    if content.get("format") != FORMAT_VERSION:
        raise TableError(
            f"{folder} has format {content.get('format')}, this program reads format {FORMAT_VERSION}; "
            f"use the version that wrote it ({written_by}), or run again."
        )
    if checksum != _checksum(content):
        raise TableError(
            f"{path} was changed after it was written (its checksum does not fit), so it no longer says what "
            "made these tables. Put the original back; to vary a scenario use 'platetrail run ... --set'."
        )
    return Manifest(**content)
