"""Exposure: counted by hand on a few reads, and never less with longer memory."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from typer.testing import CliRunner

from experiments.cli import app
from experiments.exposure import exposure_of, name_homes, people_exposed
from experiments.occasions import Occasion, event_occasion, place_occasion
from simulator.archive_rules import Archive, HotListOnly
from simulator.chunks import ground_of
from simulator.errors import ScenarioError
from simulator.privacy.exposure import Gathering, Named, exposed, read_near
from simulator.recapture import Recaptured, recapture
from simulator.run import simulate
from simulator.sightings.archive import look_into
from simulator.sightings.capture import Sightings
from simulator.sightings.rules import NEVER_S
from simulator.sightings.view import DAY_S
from simulator.world import build_world

RALLY = {"name": "rally", "day": 6, "start_h": 14.0, "hours": 2.0, "attendance_share": 0.4}

STUDY = """
id = "exposed"
title = "Exposed"
question = "Who is named?"
scenario = "first-town"
seed = 1
replicates = 1
measures = ["visitors-listed", "visitors-named"]
[set]
days = 20
people.drivers = 120
attackers.names = ["night-mode"]
events = [{ name = "rally", day = 13, attendance_share = 0.5 }]
[headline]
measure = "visitors-named"
[[factors]]
name = "kept"
levels = [
    { label = "ever", unset = ["archive.retention_days"] },
    { label = "1 day", set = { archive.retention_days = 1 } },
]
"""


@pytest.fixture(scope="module")
def taken() -> Recaptured:
    scenario = tiny_scenario(events=[RALLY], people__drivers=150, readers__streets__count=25)
    return recapture(build_world(scenario, 3))


@pytest.fixture(scope="module")
def rally(taken: Recaptured) -> Occasion:
    return event_occasion(taken)


def reads(rows: list[tuple[int, int, float]]) -> Sightings:
    plate, time_s, x_m = zip(*rows, strict=True)
    return Sightings(
        plate=np.array(plate, np.uint32),
        time_s=np.array(time_s, np.int64),
        camera_id=np.zeros(len(rows), np.int32),
        x_m=np.array(x_m, np.float32),
        y_m=np.zeros(len(rows), np.float32),
    )


GATHERING = Gathering(x_m=0.0, y_m=0.0, day=1, from_s=50_000, until_s=60_000, radius_m=100.0, margin_s=1_000)


def test_only_reads_near_in_time_and_still_there_are_listed() -> None:
    seen = reads(
        [
            (1, 55_000, 0.0),
            (2, 55_000, 101.0),
            (3, 48_999, 0.0),
            (4, 49_000, 0.0),
            (5, 61_000, 100.0),
            (6, 55_000, 0.0),
        ]
    )
    expires = np.full(6, NEVER_S)
    expires[5] = DAY_S  # gone at the end of the day
    assert read_near(seen, expires, GATHERING, as_of_day=1).tolist() == [1, 4, 5]
    expires[0] = 3 * DAY_S
    assert read_near(seen, expires, GATHERING, as_of_day=3).tolist() == [4, 5]


def test_counts_by_hand() -> None:
    named = Named(
        plate=np.array([1, 4, 5, 7], np.uint32),
        days=np.array([1, 9], np.int32),
        error_m=np.array([[np.nan, 10.0], [300.0, 300.0], [250.0, 900.0], [5.0, 5.0]]),
        right_street=np.array([[False, True], [True, False], [False, False], [True, True]]),
    )
    came, listed = np.array([1, 2, 4, 5]), np.array([1, 4, 5, 7], np.uint32)
    assert exposed(came, listed, named, as_of_day=1) == {
        "came": 4, "listed": 4, "caught": 3, "named_250m": 1, "named_500m": 2, "right_street": 1,
        "accused": 1, "accused_named": 1,
    }  # fmt: skip
    later = exposed(came, listed, named, as_of_day=9)
    assert (later["named_250m"], later["named_500m"], later["right_street"]) == (1, 2, 1)


def test_who_came_was_there(taken: Recaptured, rally: Occasion) -> None:
    (gathering,), (came,) = rally.gatherings, rally.came
    assert len(came) > 20
    trips = taken.trips.filter(pl.col("driver_id").is_in(came.tolist()) & (pl.col("day") <= 5))
    places = taken.world.places
    for driver in came:
        mine = trips.filter((pl.col("driver_id") == driver) & (pl.col("arrive_s") < gathering.until_s))
        x_m = places.x_m[mine["to_place"].to_numpy()]
        y_m = places.y_m[mine["to_place"].to_numpy()]
        assert np.hypot(x_m - gathering.x_m, y_m - gathering.y_m).min() < 1.0


def test_longer_memory_never_lists_fewer(taken: Recaptured, rally: Occasion) -> None:
    tables = [
        exposure_of(taken, rally, Archive(retention_days=d), "night-mode")
        for d in (0.02, 0.6, 2.0, 5.0, None)
    ]
    for less, more in pairwise(tables):
        assert (more["caught"] >= less["caught"]).all()
        assert (more["listed"] >= less["listed"]).all()
    first, last = tables[0], tables[-1]
    assert first["listed"].sum() == 0 < last["caught"][0]
    assert last["named_250m"].sum() > 0
    # Four days later, a memory of two days has lost the day; a list kept as a note has not.
    two = {r["asked"]: r["listed"] for r in tables[2].iter_rows(named=True)}
    assert two["later"] == 0 < two["that evening"] == two["later, by that evening's list"]


def test_person_by_person_adds_up_to_the_counts(taken: Recaptured) -> None:
    shops = place_occasion(taken, "shop")
    for archive in (Archive(), Archive(retention_days=2.0)):
        people = people_exposed(taken, shops, archive, "night-mode")
        counts = exposure_of(taken, shops, archive, "night-mode")
        sums = people.group_by("asked", maintain_order=True).agg(
            pl.len(), pl.col("listed", "named_250m", "named_500m").sum()
        )
        wanted = counts.select("asked", "came", "caught", "named_250m", "named_500m")
        assert sums.rows() == wanted.rows()
        assert people.filter(pl.col("asked") == "later")["visit"].to_list() == list(range(counts["came"][0]))


def test_hot_list_only_names_nobody(taken: Recaptured, rally: Occasion) -> None:
    table = exposure_of(taken, rally, Archive(rules=(HotListOnly(name="h", share=0.0),)), "night-mode")
    assert table["listed"].sum() == 0 and table["share_named"].max() == 0.0
    assert table["precision"].null_count() == 3


def test_listing_agrees_with_a_slow_reading(taken: Recaptured, rally: Occasion) -> None:
    gathering = rally.gatherings[0]
    stored, expires_s = look_into(Archive(), taken.sightings, ground_of(taken.world))
    slow = {
        int(plate)
        for plate, t, x, y in zip(stored.plate, stored.time_s, stored.x_m, stored.y_m, strict=True)
        if gathering.from_s - 1800 <= t <= gathering.until_s + 1800
        and (x - gathering.x_m) ** 2 + (y - gathering.y_m) ** 2 <= 250.0**2
    }
    assert set(read_near(stored, expires_s, gathering, as_of_day=6).tolist()) == slow


def test_homes_are_named_from_the_view_of_these_plates_alone(taken: Recaptured) -> None:
    some = np.array([3, 7, 90], dtype=np.uint32)
    alone = name_homes(taken, Archive(), some, [6, 10], "night-mode")
    everyone = name_homes(taken, Archive(), np.arange(150, dtype=np.uint32), [6, 10], "night-mode")
    np.testing.assert_array_equal(alone.error_m, everyone.error_m[some])


def test_places_without_visitors_and_wrong_names_are_refused(taken: Recaptured) -> None:
    assert len(place_occasion(taken, "leisure").gatherings) > 3
    with pytest.raises(ScenarioError, match="Did you mean 'clinic'"):
        place_occasion(taken, "clinics")
    with pytest.raises(ScenarioError, match="not one of the 10 days"):
        place_occasion(taken, "clinic", day=11)
    with pytest.raises(ScenarioError, match="no part of a day"):
        place_occasion(taken, "shop", hours=(12.0, 10.0))
    with pytest.raises(ScenarioError, match="Did you mean 'rally'"):
        event_occasion(taken, "raly")


def test_the_command_writes_table_and_figure(tmp_path: Path) -> None:
    out = tmp_path / "run"
    simulate(tiny_scenario(attackers__names=["night-mode"], events=[RALLY]), seed=3, out=out)
    result = CliRunner().invoke(app, ["exposure", str(out), "--attacker", "night-mode"])
    assert result.exit_code == 0, result.output
    assert "came by car to 'rally' on day 6" in result.stdout
    assert pl.read_csv(out / "exposure.csv")["rule"][0] == "as in the scenario"
    assert (out / "figures" / "exposure.png").stat().st_size > 10_000
    for extra, said in (
        (["--place", "shop", "--event", "rally"], "exclude each other"),
        (["--agency", "citty"], "'city'"),
        (["--attacker", "bayez"], "'bayes'"),
    ):
        refused = CliRunner().invoke(app, ["exposure", str(out), *extra])
        assert refused.exit_code == 2 and said in refused.output


def test_a_study_measures_exposure(tmp_path: Path) -> None:
    """As of the command: the same people under every rule, and fewer are listed where less is kept."""
    file = tmp_path / "study.toml"
    file.write_text(STUDY)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["sweep", str(file), "--out", str(out), "--quiet"])
    assert result.exit_code == 0, result.output
    results = pl.read_parquet(out / "results.parquet").with_columns(pl.col("criterion").cast(pl.String))
    listed = results.filter(
        (pl.col("measure") == "visitors-listed") & (pl.col("criterion") == "listed, later")
    )
    shares = dict(listed.select("kept", "estimate").rows())
    assert shares["1 day"] == 0.0 < shares["ever"]
    named = results.filter(pl.col("measure") == "visitors-named")
    places = ["", " at the busiest clinic", " at the busiest place of worship"]
    asked = ["that evening", "later", "later, by that evening's list"]
    assert set(named["criterion"]) == {f"named within 250 m{at}, {when}" for at in places for when in asked}
    both = named.with_columns(pl.col("criterion").str.replace("named within 250 m", "listed")).join(
        results.filter(pl.col("measure") == "visitors-listed"), on=["kept", "criterion"], suffix="_listed"
    )
    assert both.height == named.height == 2 * 3 * 3
    assert (both["estimate"] <= both["estimate_listed"]).all()
    assert (both["n_drivers"] == both["n_drivers_listed"]).all()
    # A person counts once a day at the clinic, so that there are more visits than people at the rally.
    visits = dict(named.filter(pl.col("kept") == "ever").select("criterion", "n_drivers").rows())
    assert visits["named within 250 m, later"] == listed["n_drivers"][0]
    assert all(visits[f"named within 250 m{at}, later"] > 0 for at in places)
