"""One capture for many archives gives what a run of each scenario gives, to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_town import tiny_scenario

from simulator.errors import ScenarioError
from simulator.run import simulate
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.shared_capture import SharedCapture, open_capture, same_reads, take_capture
from simulator.streams import replicate_seed
from simulator.tables import content_hash
from simulator.world import build_world

SEED = 5
ARCHIVES: dict[str, dict[str, Any]] = {
    "for ever": {},
    "longer than the run": {"archive.retention_days": 11.0},
    "two days": {"archive.retention_days": 2.0},
    "thinned": {"archive.rules": [{"kind": "thinning", "keep_share": 0.5}]},
    "not shared": {
        "archive.viewer": "city",
        "archive.rules": [{"kind": "sharing", "owner": "firm"}, {"kind": "place-rounding", "grid_m": 300.0}],
    },
    "few attackers": {"attackers.names": ["night-mode", "learned"], "attackers.checkpoint_days": [3, 6]},
}


@pytest.fixture(scope="module")
def shared(tiny: Scenario, tmp_path_factory: pytest.TempPathFactory) -> SharedCapture:
    world = build_world(tiny, replicate_seed(SEED, 0))
    folder = tmp_path_factory.mktemp("captures") / "one"
    taken = take_capture(world, folder, chunk_drivers=7)
    assert [p.name for p in folder.parent.iterdir()] == ["one"]
    again = open_capture(world, folder)
    assert again is not None and again.chunks == taken.chunks and again.parts == taken.parts
    return again


@pytest.mark.parametrize("name", ARCHIVES)
def test_same_bits_as_a_run_of_its_own(tiny: Scenario, shared: SharedCapture, name: str) -> None:
    scenario = with_overrides(tiny, ARCHIVES[name])
    assert same_reads(tiny, scenario)
    alone = simulate(scenario, seed=SEED)
    for capture in (shared, shared.in_memory()):
        looked = capture.look(scenario)
        for table in ("beliefs", "outcomes", "claims"):
            assert content_hash(getattr(looked, table)) == content_hash(getattr(alone, table)), table


def test_rules_that_delete_nothing_are_looked_at_once(tiny: Scenario, shared: SharedCapture) -> None:
    for_ever = shared.look(tiny)
    assert shared.look(with_overrides(tiny, {"archive.retention_days": 10.0})) is for_ever
    assert shared.look(with_overrides(tiny, {"archive.retention_days": 8.0})) is not for_ever


def test_what_changes_reads_needs_a_capture_of_its_own(tiny: Scenario, shared: SharedCapture) -> None:
    for change in ({"days": 9}, {"people.drivers": 41}, {"readers.streets.count": 7}):
        other = tiny_scenario(**{k.replace(".", "__"): v for k, v in change.items()})
        assert not same_reads(tiny, other)
        with pytest.raises(ScenarioError, match="capture of its own"):
            shared.look(other)


def test_there_is_no_capture_where_none_was_finished(tiny: Scenario, tmp_path: Path) -> None:
    assert open_capture(build_world(tiny, 1), tmp_path / "nothing") is None
