"""Quality by schedule and kind: counted by hand, and nobody in a denominator who should not be."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from experiments.quality import print_quality, quality_tables
from simulator.adversary.attacker import Attack, Guesses
from simulator.chunks import MobileBlocks, attack_setting, capture, truth_of, view_of
from simulator.errors import ScenarioError
from simulator.privacy.quality import quality
from simulator.privacy.scoring import score
from simulator.privacy.time_to_inference import wilson
from simulator.run import Run, simulate


def hand_made() -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Six residents and an in-commuter: 0, 1 work at night, 2 by day, 3 by day off the map, 4, 5 do not."""
    kinds = ["resident"] * 6 + ["in-commuter"]
    schedules = ["night", "night", "day", "day", "none", "none", "day"]
    drivers = pl.DataFrame(
        {
            "driver_id": range(7),
            "kind": kinds,
            "schedule": schedules,
            "home_on_map": [True] * 6 + [False],
            "work_on_map": [True, True, True, False, False, False, True],
        }
    )
    home = [(0, 100.0), (1, 300.0), (2, None), (3, 250.0), (4, 10.0), (5, 20.0), (6, 5.0)]
    work = [(0, None), (1, 50.0), (2, 400.0), (3, 9_000.0), (6, 10.0)]
    beliefs = pl.DataFrame(
        [
            {"attacker": "a", "target": t, "driver_id": d, "day": 7, "error_m": e, "confidence": 0.4,
             "x_m": None if e is None else 1.0}
            for t, rows in (("home", home), ("work", work)) for d, e in rows
        ]
    )  # fmt: skip
    claims = pl.DataFrame(
        {
            "attacker": ["a", "a"],
            "driver_id": [4, 5],
            "day": [7, 7],
            "x_m": [1.0, None],
            "confidence": [0.9, None],
        }
    )
    return beliefs, claims, drivers


def row(found: pl.DataFrame, **key: object) -> dict:
    chosen = found.filter(*(pl.col(name) == value for name, value in key.items()))
    assert chosen.height == 1
    return chosen.row(0, named=True)


def test_shares_are_of_the_drivers_whom_they_are_about():
    found = quality(*hand_made())
    home = {"target": "home", "kind": "resident"}
    assert row(found, **home, measure="recall", schedule="all")["share"] == pytest.approx(4 / 6)
    assert row(found, **home, measure="recall", schedule="night")["share"] == pytest.approx(1 / 2)
    assert row(found, **home, measure="abstained", schedule="all")["share"] == pytest.approx(1 / 6)
    # The in-commuter's home is off the map: no row for that kind at all.
    assert not found.filter(pl.col("target") == "home", pl.col("kind") == "in-commuter").height
    work = {"target": "work", "measure": "recall"}
    assert row(found, **work, kind="resident", schedule="night")["share"] == pytest.approx(1 / 2)
    # Driver 3 works off the map and is not counted; the in-commuter works here.
    assert row(found, **work, kind="resident", schedule="day")["drivers"] == 1
    assert row(found, **work, kind="all", schedule="day")["share"] == pytest.approx(1 / 2)


def test_false_claims_are_of_those_who_have_no_work_place():
    beliefs, claims, drivers = hand_made()
    found = quality(beliefs, claims, drivers, sure=0.9)
    false = {"measure": "false-claim", "kind": "all", "schedule": "all"}
    assert row(found, **false)["share"] == 0.5
    assert row(found, **false)["drivers"] == 2
    assert row(found, **{**false, "measure": "sure-false-claim"})["share"] == 0.5
    surer = quality(beliefs, claims, drivers, sure=0.91)
    assert row(surer, **{**false, "measure": "sure-false-claim"})["share"] == 0.0


def test_intervals_are_wilsons():
    found = quality(*hand_made())
    low, high = wilson(found["share"].to_numpy() * found["drivers"].to_numpy(), found["drivers"].to_numpy())
    np.testing.assert_allclose(found["share_low"], low)
    np.testing.assert_allclose(found["share_high"], high)


def test_claims_of_a_run_are_about_every_driver_without_a_work_place(tiny_run: Run):
    idle = tiny_run.drivers.filter(pl.col("work_place").is_null())["driver_id"].to_list()
    days = tiny_run.beliefs["day"].unique().to_list()
    for _, rows in tiny_run.claims.group_by(pl.col("attacker").cast(pl.String)):
        assert sorted(rows["driver_id"].unique().to_list()) == idle
        assert rows.height == len(idle) * len(days)
    working = tiny_run.beliefs.filter(pl.col("target") == "work")["driver_id"].unique()
    assert not set(working.to_list()) & set(idle)
    # The baseline never abstains, so it names a work place of everybody.
    baseline = tiny_run.claims.filter(pl.col("attacker").cast(pl.String) == "prior-alone")
    assert baseline["x_m"].null_count() == 0


def test_an_attacker_of_homes_only_claims_nothing(tiny_world):
    setting = attack_setting(tiny_world)
    seen = capture(tiny_world, 0, 40, MobileBlocks(tiny_world)).own
    view, truth = view_of(tiny_world, seen, 0, 40), truth_of(tiny_world, 0, 40)
    guess = Guesses(
        **{p: np.zeros((40, view.n_checkpoints), np.float32) for p in ("x_m", "y_m", "confidence")}
    )
    network = tiny_world.city.network
    scored = score("x", Attack(home=guess, work=None), view, truth, network=network, homes=setting.homes,
                   works=setting.works)  # fmt: skip
    assert scored.claims.height == 0


def test_the_command_prints_recall_by_schedule_and_false_claims(tiny, tmp_path):
    simulate(tiny, seed=3, out=tmp_path / "run")
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_quality(console, tmp_path / "run")
    text = console.export_text()
    assert "Homes guessed within 250 m" in text and "night" in text and "false" in text
    assert "…" not in text
    with pytest.raises(ScenarioError, match="Day 4 is not a checkpoint"):
        print_quality(console, tmp_path / "run", day=4)


def test_tables_put_the_best_attacker_first_and_leave_out_empty_ones():
    tables = quality_tables(quality(*hand_made()), within_m=250.0, sure=0.5)
    assert len(tables) == 3
    assert not quality_tables(quality(*(f.clear() for f in hand_made())), within_m=250.0, sure=0.5)
