"""Traffic of SUMO's through the whole program, as a user runs it."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.elsewhere_study import first_and_last_median
from simulator.manifest import read_manifest
from simulator.recapture import recapture_run
from simulator.replay import replay
from simulator.run import load_run

pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")

DATA = Path(__file__).parent / "data" / "sumo"
ROUTES = DATA / "routes.xml.gz"
GIVEN = [
    "run", "--traffic", str(DATA / "routes.xml.gz"), "--net", str(DATA / "town.net.xml.gz"),
    "--vehicle-id", r"(?P<vehicle>car\d+)_.*", "--seed", "1", "-q", "--days", "5",
    "--set", 'attackers.names=["krumm-last-destination", "longest-gap"]',
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sumo") / "run"
    done = CliRunner().invoke(app, [*GIVEN, "--homes", str(DATA / "homes.csv"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    return out


def test_a_run_knows_the_traffics_people_and_says_where_from(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["traffic"]["truth"] == "homes and work places: the list homes.csv"
    run = load_run(folder)
    driven = set(re.findall(r'<vehicle id="(car\d+)_', gzip.decompress(ROUTES.read_bytes()).decode()))
    homes = pl.read_csv(DATA / "homes.csv", infer_schema=False).sort("vehicle")
    homes = homes.filter(pl.col("vehicle").is_in(driven))
    assert run.drivers.height == homes.height == run.scenario.people.drivers
    listed = homes["home_x"].cast(pl.Float64, strict=False)
    inside = run.drivers["home_on_map"]
    assert (inside == listed.is_not_null()).all()
    assert (run.drivers["home_x_m"] - listed).abs().max() < 0.01
    assert run.reads_by_camera.sum() > 1000
    known = run.summary.filter((pl.col("target") == "home") & (pl.col("criterion") == "within-500m"))
    assert known["share"].max() > 0.05


def test_the_run_can_be_replayed_and_its_reads_made_again(folder: Path) -> None:
    assert all(verdict.same for verdict in replay(folder))
    again = recapture_run(folder)
    assert again.sightings.n_sightings >= 0.95 * load_run(folder).reads_by_camera.sum()
    assert again.trips["day"].max() == 4


def test_dwell_is_told_in_the_manifest(tmp_path: Path) -> None:
    out = tmp_path / "run"
    done = CliRunner().invoke(app, [*GIVEN, "--dwell", "--days", "2", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "longest stays" in read_manifest(out).traffic["truth"]


def test_median_of_first_and_last_reads_by_hand(folder: Path) -> None:
    reads = recapture_run(folder).sightings
    n = load_run(folder).drivers.height
    found = first_and_last_median(reads, n)
    for driver in range(n):
        own = reads.take(reads.plate == driver)
        if not own.n_sightings:
            assert np.isnan(found[driver]).all()
            continue
        days = own.time_s // 86_400
        ends = [
            rows[k] for day in np.unique(days) for rows in (np.flatnonzero(days == day),) for k in (0, -1)
        ]
        assert found[driver].tolist() == [np.median(own.x_m[ends]), np.median(own.y_m[ends])]
