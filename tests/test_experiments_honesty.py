"""Claimed against held: the table, the figures' data, and the figures themselves."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from cameras_town import grid_town
from matplotlib.figure import Figure

from experiments import own_assumptions_study
from experiments.figures.belief_map import belief_on_map, plot_belief_over_days
from experiments.figures.certainty import (
    claimed_against_held,
    credible_area_over_time,
    level_histogram,
    plot_claimed_against_held,
    plot_credible_area,
    plot_level_histogram,
)
from experiments.honesty import coverage, own_assumptions, study
from scenarios.lookup import scenario_named
from simulator.errors import ScenarioError
from simulator.scenario_file import scenario_from_dict, with_overrides


def beliefs(power: float, n: int = 4_000) -> pl.DataFrame:
    """Levels uniform for power 1; below 1 they crowd near 1, as of an adversary that claims too much."""
    level = np.random.default_rng(3).random(n) ** power
    return pl.DataFrame(
        {
            "attacker": ["bayes"] * n,
            "target": ["home"] * n,
            "day": np.repeat([7, 30], n // 2),
            "truth_level": level,
            "mass_within_250m": np.where(np.arange(n) % 10 == 0, 0.95, 0.2),
            "error_m": np.where(np.arange(n) % 20 == 0, 100.0, 900.0),
            "credible_area_m2": np.full(n, 2e6),
        }
    )


def test_honest_claims_hold_as_often_as_claimed() -> None:
    table = coverage(beliefs(1.0))
    assert table["day"].to_list() == [7, 30]
    for claimed in (50, 80, 95):
        for held, error in table.select(f"held_{claimed}", f"se_{claimed}").iter_rows():
            assert abs(held - claimed / 100) < 4 * error
    assert (table["uniform_p"] > 0.01).all()
    assert table["sure"].to_list() == [0.1, 0.1]
    assert table["sure_right"].to_list() == [0.5, 0.5]


def test_boasts_are_seen() -> None:
    table = coverage(beliefs(0.4))
    assert (table["held_80"] < 0.65).all()
    assert (table["uniform_p"] < 1e-6).all()


def test_figures_show_their_data() -> None:
    honest = beliefs(1.0)
    figure = Figure()
    curve = claimed_against_held(honest)
    assert (curve.filter(pl.col("claimed") == 0.5)["held"] - 0.5).abs().max() < 0.05
    assert ((curve["low"] <= curve["claimed"]) & (curve["claimed"] <= curve["high"])).all()
    ax = plot_claimed_against_held(curve, ax=figure.add_subplot(2, 2, 1))
    assert len(ax.lines) == 3  # the diagonal and two days
    histogram = level_histogram(honest, day=30)
    assert histogram["drivers"].sum() == 2_000
    plot_level_histogram(histogram, ax=figure.add_subplot(2, 2, 2))
    area = credible_area_over_time(honest)
    assert area["median_km2"].to_list() == [2.0, 2.0]
    plot_credible_area(area, ax=figure.add_subplot(2, 2, 3))


def test_belief_map_draws_each_day() -> None:
    network = grid_town().network
    beliefs = pl.DataFrame(
        {
            "attacker": ["bayes"] * 3,
            "driver_id": [5] * 3,
            "target": ["home"] * 3,
            "day": [1, 1, 7],
            "edge_id": [0, 1, 2],
            "mass": [0.6, 0.2, 0.9],
        }
    )
    drivers = pl.DataFrame({"driver_id": [5], "home_x_m": [1.0], "home_y_m": [2.0]})
    data = belief_on_map(network, beliefs, drivers)
    assert data.truth_m == (1.0, 2.0)
    assert data.beliefs.filter(pl.col("day") == 7)["edge_id"].to_list() == [2]
    assert len(plot_belief_over_days(data, Figure()).axes) == 2


def test_a_scenario_without_an_adversary_that_is_sure_of_anything_is_refused() -> None:
    scenario = scenario_from_dict({"id": "t", "title": "t", "attackers": {"names": ["night-mode"]}})
    with pytest.raises(ScenarioError, match="bayes"):
        study(scenario, seed=1)


def test_it_is_honest_about_drivers_drawn_from_its_own_model() -> None:
    town = with_overrides(scenario_named("first-town"), {"people.drivers": 60})
    told = coverage(own_assumptions(town, seed=1, drivers=400))
    assert set(told["target"]) == {"home", "work"} and told["drivers"].to_list() == [400] * 6
    for claimed in (0.5, 0.8, 0.95):
        off = (told[f"held_{100 * claimed:g}"] - claimed).abs()
        # Six cells of 400 drivers: three standard errors.
        assert off.max() < 3 * np.sqrt(claimed * (1 - claimed) / 400)  # type: ignore[operator]


def test_the_study_of_own_assumptions_does_nothing_twice_and_sums_up() -> None:
    town = with_overrides(scenario_named("first-town"), {"people.drivers": 60})
    first, second = own_assumptions_study.study(town, densities=(8, 24), drivers=30)
    rows = pl.concat([first, second])
    assert dict(rows.schema) == own_assumptions_study.COLUMNS
    assert rows["readers"].to_list() == [8] * 6 + [24] * 6
    held = coverage(
        own_assumptions(with_overrides(town, {"readers.street-readers.count": 8}), seed=1, drivers=30)
    )
    assert first["held_80"].to_list() == held["held_80"].to_list()
    # What is marked in a row that is done comes back; rows of another engine do not.
    marked = rows.with_columns(uniform_p=pl.lit(0.5))
    again = own_assumptions_study.study(town, densities=(8, 24), drivers=30, done=marked)
    assert pl.concat(again)["uniform_p"].to_list() == [0.5] * 12
    old = marked.with_columns(engine=pl.lit("0" * 24))
    anew = next(own_assumptions_study.study(town, densities=(8,), drivers=30, done=old))
    assert anew.equals(first)


def test_the_table_of_own_assumptions_counts_what_is_off() -> None:
    honest = {"engine": "abcdef0123", "seed": 1, "readers": 44, "target": "home", "day": 7, "drivers": 3000}
    honest |= {f"held_{q}": q / 100 for q in (50, 80, 95)} | {f"se_{q}": 0.01 for q in (50, 80, 95)}
    honest |= {"uniform_p": 0.5, "sure": 0.1, "sure_right": 0.95}
    off = honest | {"day": 30, "held_50": 0.54, "uniform_p": 1e-5}
    lines = own_assumptions_study.table(pl.DataFrame([honest, off])).splitlines()
    assert lines[2] == "| 44 | homes | 7 | 50.0 ± 1.0 | 80.0 ± 1.0 | 95.0 ± 1.0 | 0.500 |"
    assert lines[3].endswith("| < 0.001 |")
    assert "5 of 6 sets hold within 3 points; the worst is 4.0 off" in lines[-1]
    assert "Of 2 tests 1 have p below 0.05; the least is 1e-05" in lines[-1]
