"""The baseline without sightings: the densest spot, for everybody, whatever was seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_adversary_behaviour import make_view, random_tracks

from simulator.adversary import catalogue
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.adversary.prior_alone import PriorAloneAttacker, densest_point
from simulator.chunks import attack_setting
from simulator.errors import ScenarioError
from simulator.world import World


def test_every_plate_gets_the_same_guess_and_nobody_is_spared(tiny_world: World) -> None:
    knowledge = attack_setting(tiny_world).knowledge
    seen = catalogue.PRIOR_ALONE.infer(make_view(random_tracks(1), [3, 20]), knowledge)
    unseen = catalogue.PRIOR_ALONE.infer(make_view([[]], [1]), knowledge)
    for one, other in ((seen.home, unseen.home), (seen.work, unseen.work)):
        assert one is not None and other is not None
        for part in ("x_m", "y_m", "confidence"):
            values = getattr(one, part)
            assert np.isfinite(values).all()
            assert set(values.ravel().tolist()) == set(getattr(other, part).ravel().tolist())
            assert len(set(values.ravel().tolist())) == 1


def test_it_is_the_point_with_most_weight_near_it(tiny_world: World) -> None:
    """Against a search over all pieces of streets by plain distances."""
    streets, use = tiny_world.city.network, tiny_world.city.land_use.employment.astype(np.float64)
    x, y, weight = [], [], []
    for edge in np.flatnonzero(use > 0):
        n = max(int(np.ceil(streets.edge_length_m[edge] / 50.0)), 1)
        at = (np.arange(n) + 0.5) * streets.edge_length_m[edge] / n
        px, py = streets.point_along(np.full(n, edge), at)
        x += px.tolist()
        y += py.tolist()
        weight += [use[edge] / n / use.sum()] * n
    away = np.hypot(np.subtract.outer(x, x), np.subtract.outer(y, y))
    best = ((away <= 200.0) @ np.array(weight)).max()
    gx, gy, share = densest_point(streets, tiny_world.city.land_use.employment, 200.0)
    mine = np.hypot(np.array(x) - gx, np.array(y) - gy)
    assert (mine <= 200.1) @ np.array(weight) == pytest.approx(best, rel=0.02)
    assert share == pytest.approx((mine <= 250.0) @ np.array(weight), rel=0.05)
    assert 0 < share <= 1


def test_homes_and_jobs_are_looked_for_where_land_use_says(tiny_world: World) -> None:
    """All homes along one edge, all jobs along another."""
    knowledge = attack_setting(tiny_world).knowledge
    assert knowledge.land_use is not None
    streets = tiny_world.city.network
    nothing = np.zeros(streets.n_edges, dtype=np.float32)
    homes, jobs = nothing.copy(), nothing.copy()
    homes[5], jobs[60] = 1.0, 2.0
    known = replace(knowledge, land_use=replace(knowledge.land_use, residential=homes, employment=jobs))
    attack = PriorAloneAttacker().infer(make_view([[]], [1]), known)
    assert attack.work is not None
    for guess, edge in ((attack.home, 5), (attack.work, 60)):
        x, y = streets.point_along(np.array([edge]), streets.edge_length_m[[edge]] / 2)
        away_m = np.hypot(guess.x_m[0] - x, guess.y_m[0] - y)
        assert away_m[0] <= streets.edge_length_m[edge] / 2 + 1.0
        assert guess.confidence[0, 0] == pytest.approx(1.0)


def test_without_a_map_it_says_what_is_missing() -> None:
    with pytest.raises(ScenarioError, match=r"'prior-alone' needs a street map.*'sightings'"):
        PriorAloneAttacker().infer(make_view([[]], [1]), Knowledge(rung=Rung.SIGHTINGS))
