"""The page of a run: its numbers against the run's own tables, and how it behaves in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from browser import chromium, open_page
from engine_town import tiny_scenario

from experiments.report.command import report
from experiments.report.content import run_content
from experiments.report.pack import pack, unpack
from simulator.run import Run, simulate

NAMES = ["bayes", "krumm-last-destination", "prior-alone"]


def silent(stage: str, done: float) -> None:
    """Show no progress."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = tiny_scenario(days=12, attackers__names=NAMES)
    return simulate(scenario, seed=4, out=tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def content(run: Run) -> dict[str, Any]:
    assert run.folder is not None
    return run_content(run.folder, n_drivers=3, progress=silent)


@pytest.fixture(scope="module")
def page(run: Run) -> Path:
    assert run.folder is not None
    return report(run.folder, out=None, n_drivers=3, progress=silent)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


# --- what the page holds ---


@pytest.mark.parametrize("values", [[], [0, 255], [0, 256], [-1, 3], [70_000, -70_000]])
def test_packed_integers_come_back(values: list[int]) -> None:
    assert unpack(pack(values)).tolist() == values


def test_the_story_tells_what_the_run_found(run: Run, content: dict[str, Any]) -> None:
    days = content["days"]
    checked = 0
    for driver in content["drivers"]:
        for target in ("home", "work"):
            told = driver["cases"]["as-simulated"][target]
            rows = run.beliefs.filter(
                (pl.col("attacker").cast(pl.String) == "bayes")
                & (pl.col("target").cast(pl.String) == target)
                & (pl.col("driver_id") == driver["id"])
            )
            for row in rows.iter_rows(named=True):
                k = days.index(row["day"])
                assert told["seen"][k] == row["sightings_seen"]
                for name, column, within in (
                    ("claimed", "mass_within_250m", 0.001),
                    ("error", "error_m", 0.51),
                    ("anonymity", "anonymity_set", 0.51),
                ):
                    if row[column] is None:
                        assert told[name][k] is None
                    else:
                        assert told[name][k] == pytest.approx(row[column], abs=within)
                        checked += 1
    assert checked > 50


def test_reads_on_a_day_are_those_that_the_adversary_counts(content: dict[str, Any]) -> None:
    for driver in content["drivers"]:
        for case in driver["cases"].values():
            day, until = (unpack(case["reads"][name]) for name in ("day", "until"))
            for k, today in enumerate(content["days"]):
                assert ((day <= today) & (until >= today)).sum() == case["home"]["seen"][k]


def test_coloured_streets_hold_the_belief_likeliest_last(content: dict[str, Any]) -> None:
    n_streets = len(unpack(content["town"]["start"])) - 1
    for driver in content["drivers"]:
        pictures = driver["pictures"]
        start, street = unpack(pictures["start"]), unpack(pictures["area"])
        counts = unpack(pictures["count"]).reshape(len(start) - 1, len(content["steps"]) + 1)
        assert (counts.sum(axis=1) == np.diff(start)).all()
        assert street.min() >= 0 and street.max() < n_streets
        # 80% of a belief cannot lie on streets that each hold more than a step allows.
        for n, row in enumerate(counts):
            least = sum(c * low for c, low in zip(row, (0.0, *content["steps"]), strict=True))
            assert least <= 1.0, f"picture {n} claims more than all of the belief"


def test_cases_are_the_levers_one_at_a_time(content: dict[str, Any]) -> None:
    keys = [case["key"] for case in content["cases"]]
    assert keys == ["as-simulated", "kept-7", "own-only", "readers-2", "readers-4"]
    base, kept = (content["cases"][i]["curves"]["home"]["now"] for i in (0, 1))
    before = {line["attacker"]: line["share"][: line["day"].index(7) + 1] for line in base}
    for line in kept:  # nothing is deleted before day 7; the Bayesian adversary practises on other reads
        assert (
            line["attacker"] == "bayes"
            or line["share"][: line["day"].index(7)] == before[line["attacker"]][:-1]
        )
    for driver in content["drivers"]:
        seen = {key: np.array(case["home"]["seen"]) for key, case in driver["cases"].items()}
        for key in keys[1:]:
            assert (seen[key] <= seen["as-simulated"]).all()


# --- in a browser ---


def test_it_loads_without_complaint_or_request(browser: Any, page: Path) -> None:
    opened = open_page(browser, page)
    assert opened.complaints == []
    assert opened.requests == [page.as_uri()]
    assert page.stat().st_size < 10_000_000


def test_slider_and_play_move_the_belief(browser: Any, page: Path) -> None:
    tab = open_page(browser, page).page
    shapes = "JSON.stringify(document.getElementById('map').layout.shapes.map((s) => s.path))"
    before, words = tab.evaluate(shapes), tab.inner_text("#story")
    tab.focus("#day")
    tab.keyboard.press("End")
    tab.wait_for_function(f"{shapes} !== {before!r}")
    assert tab.inner_text("#story") != words
    assert tab.inner_text("#day-out") == "Day 12 of 12"
    tab.click("#play")
    tab.wait_for_function("document.getElementById('day-out').textContent === 'Day 3 of 12'")
    tab.click("#play")
    assert tab.inner_text("#play") == "Play"
