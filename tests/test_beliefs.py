"""What adversaries wrongly believe: it changes their knowledge and practice, and nothing of the world."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.beliefs import believed
from simulator.cameras.roster import ReaderKind
from simulator.chunks import attack_setting
from simulator.errors import ScenarioError
from simulator.roads.network import RoadClass
from simulator.scenario_file import with_overrides
from simulator.shared_capture import reading_key
from simulator.training import make_town
from simulator.world import World


def with_errors(world: World, **errors: float) -> World:
    scenario = with_overrides(world.scenario, {f"attackers.believes.{k}": v for k, v in errors.items()})
    return replace(world, scenario=scenario)


def test_without_errors_the_world_is_believed_as_it_is(tiny_world: World) -> None:
    assert believed(tiny_world) is tiny_world


def test_errors_touch_knowledge_only(tiny_world: World) -> None:
    wrong = with_errors(tiny_world, time_error=0.2, read_rate_error=-0.1, unknown_reader_share=0.4)
    assert reading_key(wrong.scenario) == reading_key(tiny_world.scenario)
    true, told = attack_setting(tiny_world).knowledge, attack_setting(wrong).knowledge
    assert true.readers is not None and told.readers is not None
    assert true.streets is not None and told.streets is not None
    main = true.streets.edge_class <= RoadClass.SECONDARY
    ratio = told.streets.edge_speed_mps / true.streets.edge_speed_mps
    assert ratio[main] == pytest.approx(1.2, rel=1e-5)
    assert ratio[~main] == pytest.approx(1 / 1.2, rel=1e-5)
    unknown = (told.readers.edge < 0) & (true.readers.edge >= 0)
    fixed = tiny_world.cameras.kind == ReaderKind.FIXED
    assert 0 < unknown.sum() < fixed.sum()
    assert not unknown[~fixed].any()
    known = fixed & ~unknown
    np.testing.assert_allclose(told.readers.read_rate[known], true.readers.read_rate[known] - 0.1, atol=1e-6)


def test_practice_is_on_people_as_they_are_believed_to_be(tiny_world: World) -> None:
    """Nobody made up is read by a reader that the adversary does not know."""
    wrong = with_errors(tiny_world, unknown_reader_share=0.4)
    edge = attack_setting(wrong).knowledge.readers.edge  # type: ignore[union-attr]
    unknown = np.flatnonzero((edge < 0) & (tiny_world.cameras.kind == ReaderKind.FIXED))
    true, town = make_town(tiny_world, 80), make_town(wrong, 80)
    assert np.isin(true.reads.camera_id, unknown).any()
    assert not np.isin(town.reads.camera_id, unknown).any()
    assert town.reads.n_sightings > 0
    other = make_town(with_errors(tiny_world, perception_sigma=0.0), 80)
    assert other.world.scenario.travel.perception_sigma == 0.0
    np.testing.assert_array_equal(other.world.drivers.home_place, true.world.drivers.home_place)


def test_an_impossible_error_is_refused(tiny_world: World) -> None:
    with pytest.raises(ScenarioError, match="time_error"):
        with_errors(tiny_world, time_error=2.0)
