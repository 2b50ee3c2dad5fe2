"""Plates against faces: shares by group against counts by hand, the command, its refusals."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from engine_town import tiny_scenario
from faces_town import faces_scenario
from rich.console import Console
from typer.testing import CliRunner

from experiments.cli import app
from experiments.faces import (
    GROUPS,
    IDENTIFIERS,
    beliefs_by_identifiers,
    best_attackers,
    newly_trackable,
    report_faces,
    shares_trackable,
)
from experiments.sweep.measures import CellTables, driver_values
from simulator.privacy.time_to_inference import wilson
from simulator.recapture import recapture_run
from simulator.run import Run, simulate

NAMES = ["krumm-largest-cluster", "longest-gap", "prior-alone"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return simulate(
        faces_scenario(attackers__names=NAMES), seed=8, out=tmp_path_factory.mktemp("runs") / "faces"
    )


@pytest.fixture(scope="module")
def beliefs(run: Run) -> pl.DataFrame:
    assert run.folder is not None
    return beliefs_by_identifiers(recapture_run(run.folder))


def test_the_view_by_both_is_the_one_of_the_run(run: Run, beliefs: pl.DataFrame) -> None:
    keys = ["attacker", "driver_id", "day"]
    mine = beliefs.filter(pl.col("identifiers") == "both").drop("identifiers").sort(keys)
    theirs = run.beliefs.filter(pl.col("target") == "home").with_columns(pl.col("attacker").cast(pl.String))
    assert mine.equals(theirs.sort(keys))


def test_shares_are_those_counted_by_hand(run: Run, beliefs: pl.DataFrame) -> None:
    table = shares_trackable(beliefs, run.drivers)
    assert set(table["group"]) <= set(GROUPS)
    walkers = [r["driver_id"] for r in run.drivers.iter_rows(named=True) if r["kind"] == "car-free"]
    for identifiers in IDENTIFIERS:
        rows = [
            r
            for r in beliefs.iter_rows(named=True)
            if r["identifiers"] == identifiers and r["attacker"] == "longest-gap" and r["day"] == 10
        ]
        near = sum(
            r["error_m"] is not None and r["error_m"] <= 500 for r in rows if r["driver_id"] in walkers
        )
        got = table.filter(
            (pl.col("identifiers") == identifiers)
            & (pl.col("attacker") == "longest-gap")
            & (pl.col("day") == 10)
            & (pl.col("group") == "all without a car")
            & (pl.col("measure") == "within-500m")
        ).row(0, named=True)
        assert got["people"] == len(walkers) == 30
        assert got["share"] == pytest.approx(near / 30)
        low, high = wilson(near, 30)
        assert (got["low"], got["high"]) == (pytest.approx(float(low)), pytest.approx(float(high)))
    # The groups without a car, and those of drivers, add up to their wholes.
    people = table.filter((pl.col("measure") == "seen") & (pl.col("day") == 10)).group_by("group").first()
    size = dict(people.select("group", "people").iter_rows())
    assert sum(n for g, n in size.items() if g.startswith("no car")) == size["all without a car"]
    assert sum(n for g, n in size.items() if g.startswith("car in")) == size["all drivers"]


def test_new_are_those_found_by_faces_and_not_by_plates(run: Run, beliefs: pl.DataFrame) -> None:
    table = shares_trackable(beliefs, run.drivers)
    best = best_attackers(table, measure="within-500m", day=10)
    assert "prior-alone" not in best.values()
    newly = newly_trackable(beliefs, run.drivers, best, within_m=500, day=10)
    for row in newly.iter_rows(named=True):
        cell = table.filter(
            (pl.col("group") == row["group"]) & (pl.col("measure") == "within-500m") & (pl.col("day") == 10)
        )
        car = not row["group"].startswith(("no car", "all without"))
        share = {
            i: cell.filter((pl.col("identifiers") == i) & (pl.col("attacker") == best[i, car]))["share"][0]
            for i in ("plates", row["identifiers"])
        }
        gain = share[row["identifiers"]] - share["plates"]
        assert row["gained"] - row["lost"] == pytest.approx(gain, abs=1e-9)
    walkers = newly.filter(pl.col("group") == "all without a car")
    assert (walkers["gained"] > 0).all() and (walkers["lost"] == 0).all()


def test_the_command_prints_and_writes(run: Run) -> None:
    assert run.folder is not None
    report = report_faces(run.folder, within_m=500, progress=lambda stage, done: None)
    console = Console(width=80, record=True)
    report.print_to(console)
    text = console.export_text()
    assert "all without a car" in text and "…" not in text
    assert all(path.stat().st_size > 1000 for path in report.written)
    assert pl.read_csv(run.folder / "faces.csv").height == report.table.height


def test_a_run_without_readers_of_faces_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "plain"
    simulate(tiny_scenario(people__drivers=5, days=2, attackers__names=["night-mode"]), seed=1, out=out)
    result = CliRunner().invoke(app, ["faces", str(out), "-q"])
    assert result.exit_code == 2
    assert "no reader of faces" in result.output and "Traceback" not in result.output


def test_a_study_measures_people_without_a_car(run: Run) -> None:
    tables = CellTables(
        beliefs=run.beliefs, outcomes=run.outcomes, claims=run.claims, drivers=run.drivers,
        criteria=("within-250m",), days=(10,),
    )  # fmt: skip
    values = driver_values(tables, ["right-at-day-no-car", "right-at-day"])
    walkers = set(run.drivers.filter(pl.col("kind") == "car-free")["driver_id"])
    by_measure = {m: set(f["driver_id"]) for (m,), f in values.group_by("measure")}
    assert by_measure["right-at-day-no-car"] == walkers
    assert not by_measure["right-at-day"] & walkers
