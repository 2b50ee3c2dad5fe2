"""The archive's rules in whole runs: replayed, in chunks, what deletion hides, and the town's own places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from archive_reference import (
    with_archive,
    with_rules,
)
from engine_town import tiny_scenario

from simulator.chunks import MobileBlocks, capture, ground_of, view_of
from simulator.replay import replay
from simulator.run import simulate
from simulator.sightings.archive import look_into
from simulator.world import World

RULES: list[dict[str, Any]] = [
    {"kind": "retention", "owner": "firm"},
    {"kind": "sharing", "owner": "firm", "partners": ["police"]},
    {"kind": "look-back", "days": 6},
    {"kind": "thinning", "keep_share": 0.9},
    {"kind": "place-ban", "radius_m": 60},
    {"kind": "pseudonyms", "rotation": "weekly"},
    {"kind": "place-rounding", "grid_m": 100},
    {"kind": "time-rounding", "minutes": 30},
    {"kind": "switch-off", "from_day": 4, "to_day": 4, "owners": ["police"]},
]


def test_a_run_under_rules_is_the_same_when_replayed_and_however_it_is_cut(tmp_path: Path) -> None:
    simple = ["night-mode", "longest-gap", "bayes"]
    scenario = with_archive(
        tiny_scenario(attackers__names=simple), viewer="police", retention_days=8, rules=RULES
    )
    run = simulate(scenario, seed=3, out=tmp_path / "a")
    assert all(table.same for table in replay(tmp_path / "a"))
    assert simulate(scenario, seed=3, chunk_drivers=7).beliefs.equals(run.beliefs)
    open_to_all = simulate(tiny_scenario(attackers__names=simple), seed=3)
    assert run.reads_by_camera.tolist() == open_to_all.reads_by_camera.tolist(), "readers read all the same"
    seen = run.beliefs["sightings_seen"]
    assert 0 < seen.sum() < 0.7 * open_to_all.beliefs["sightings_seen"].sum()
    assert (seen <= open_to_all.beliefs["sightings_seen"]).all()


def test_deletion_hides_homes_and_notes_outlive_it() -> None:
    """On the last day fewer homes can be found with a week of data; notes of earlier days are not lost."""
    town = tiny_scenario(
        people__drivers=150, people__in_commuter_share=0.0, people__visitor_share=0.0, days=45,
        attackers__names=["longest-gap"],
    )  # fmt: skip
    now, noted = {}, {}
    for days in (None, 7.0, 1.0):
        run = simulate(with_archive(town, retention_days=days), seed=3)
        home = pl.col("target") == "home"
        last = run.beliefs.filter(home & (pl.col("day") == 45))
        now[days] = int((last["error_m"] <= 250).sum())
        first = run.outcomes.filter(home & (pl.col("criterion") == "within-250m"))
        noted[days] = int(first["observed"].sum())
    assert now[None] > now[7.0] > now[1.0]
    assert noted[7.0] > now[7.0] and noted[1.0] > now[1.0]


def test_privacy_zones_and_bans_use_the_towns_own_places(tiny_world: World) -> None:
    n = tiny_world.drivers.n_drivers
    reads = capture(tiny_world, 0, n, MobileBlocks(tiny_world)).own
    ground = ground_of(tiny_world)
    home = tiny_world.drivers.home_place
    off_m = np.hypot(
        reads.x_m - tiny_world.places.x_m[home[reads.plate]],
        reads.y_m - tiny_world.places.y_m[home[reads.plate]],
    )
    seen, _ = look_into(with_rules({"kind": "privacy-zone", "radius_m": 150}), reads, ground)
    assert 0 < seen.n_sightings == (off_m > 150).sum() < reads.n_sightings
    assert {kind: len(at) for kind, at in ground.sensitive.items()} == {
        "clinic": 2,
        "school": 2,
        "worship": 2,
    }
    view = view_of(tiny_world, reads, 0, n)
    assert view.indptr[-1] == reads.n_sightings and np.array_equal(view.time_s, reads.time_s)
