"""Manifests: round trip, and files that are torn, edited or of another version."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import TableError
from simulator.manifest import MANIFEST, Manifest, read_manifest, write_manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifest = Manifest(
        scenario={"id": "town", "title": "Größe", "days": 3},
        seed=2**62 + 1,
        replicate=2,
        city="ab12",
        tables={"summary": "cd34"},
    )
    write_manifest(manifest, tmp_path)
    return tmp_path


def edit(folder: Path, **changes: Any) -> None:
    path = folder / MANIFEST
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")


def test_round_trip(folder: Path) -> None:
    manifest = read_manifest(folder)
    assert (manifest.seed, manifest.replicate, manifest.city) == (2**62 + 1, 2, "ab12")
    assert manifest.scenario["title"] == "Größe"
    write_manifest(manifest, folder)
    assert asdict(read_manifest(folder)) == asdict(manifest)
    assert [p.name for p in folder.iterdir()] == [MANIFEST]


def test_versions_are_recorded_but_no_machine(folder: Path) -> None:
    software = read_manifest(folder).software
    assert set(software) == {"python", "platform", "platetrail", "numpy", "scipy", "numba", "polars"}
    assert "not installed" not in software.values()
    host = platform.node()
    assert not host or all(host not in value for value in software.values())


def test_layout_does_not_matter(folder: Path) -> None:
    content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / MANIFEST).write_text(json.dumps(dict(reversed(content.items()))), encoding="utf-8")
    assert read_manifest(folder).replicate == 2


@pytest.mark.parametrize("changes", [{"seed": 5}, {"tables": {}}, {"scenario": {"id": "other"}}, {"new": 1}])
def test_edited_by_hand(folder: Path, changes: dict[str, Any]) -> None:
    edit(folder, **changes)
    with pytest.raises(TableError, match=r"was changed after it was written.*--set"):
        read_manifest(folder)


def test_other_version(folder: Path) -> None:
    edit(folder, format=999, software={"platetrail": "42.0"})
    with pytest.raises(TableError, match=r"has format 999, this program reads format 1; .*\(42\.0\)"):
        read_manifest(folder)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[1]",
        '"checksum"',
        "3",
        "null",
        "{}",
        '{"checksum": 1}',
        '{"checksum": 1, "software": 3}',
    ],
)
def test_torn(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text)
    with pytest.raises(TableError, match="is torn or not a manifest"):
        read_manifest(folder)


def test_torn_in_the_middle_or_not_text(folder: Path) -> None:
    whole = (folder / MANIFEST).read_bytes()
    for part in (whole[: len(whole) // 2], whole[:-3], b"\xff\xfe"):
        (folder / MANIFEST).write_bytes(part)
        with pytest.raises(TableError, match="is torn or not a manifest"):
            read_manifest(folder)


def test_unfinished_folder(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(TableError, match=r"not a finished result folder.*platetrail run"):
            read_manifest(folder)
