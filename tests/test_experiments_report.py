"""The page of a run: its numbers against the run's own tables, and how it behaves in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from browser import chromium, open_page
from engine_town import tiny_scenario
from typer.testing import CliRunner

from experiments.cli import app
from experiments.report.areas import areas_of
from experiments.report.charts import charts_of
from experiments.report.command import report
from experiments.report.content import run_content
from experiments.report.pack import pack, unpack
from experiments.report.page import page_text, write_page
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


def test_cells_of_a_large_town_hold_the_middles_of_its_streets(run: Run) -> None:
    network = run.city.network
    areas = areas_of(network, most_streets=10)
    x_m, y_m = network.point_along(np.arange(network.n_edges), network.edge_length_m / 2)
    row, column = np.divmod(areas.of_edge, areas.columns)
    assert areas.of_edge.max() < areas.n
    for value, start, at in ((x_m, areas.west_m, column), (y_m, areas.south_m, row)):
        off = value - start - at * areas.side_m
        assert (off >= -1e-6).all() and (off <= areas.side_m + 1e-6).all()
    assert areas.told(network)["rows"] * areas.columns == areas.n
    assert areas_of(network).told(network) == {"kind": "streets"}


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


def test_switches_change_the_curves(browser: Any, page: Path) -> None:
    tab = open_page(browser, page).page
    curves = "JSON.stringify(document.getElementById('curves').data.map((t) => [t.x, t.y]))"
    levers = "JSON.stringify(document.getElementById('levers').data.map((t) => t.x))"
    seen = [tab.evaluate(curves)]
    for choice in ("case-kept-7", "known-now", "target-work"):
        name, value = choice.split("-", 1)
        before = tab.evaluate(levers)
        tab.check(f"input[name='{name}'][value='{value}']", force=True)
        seen.append(tab.evaluate(curves))
        assert seen[-1] != seen[-2], f"{choice} changed no curve"
        assert (tab.evaluate(levers) != before) == (name == "target")
    assert "work places" in tab.inner_text("#curves-finding")
    assert "if reads are deleted after 7 days" in tab.inner_text("#curves-finding")
    tab.select_option("#driver", index=0)
    assert f"Driver {tab.evaluate('driver().id')}" in tab.inner_text("#driver option:checked")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_hinders_people_who_cannot_see_or_point(browser: Any, page: Path, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    tab = open_page(browser, page, width=390, height=844, color_scheme=scheme).page
    tab.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    found = axe.run(tab, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(v["id"], v["impact"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []
    for chart in ("map", "path", "curves", "levers"):
        assert len(tab.get_attribute(f"#{chart}", "aria-label") or "") > 60
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_map_says_in_words_what_it_shows(browser: Any, page: Path) -> None:
    tab = open_page(browser, page).page
    before = tab.get_attribute("#map", "aria-label")
    tab.focus("#day")
    tab.keyboard.press("ArrowRight")
    assert tab.get_attribute("#map", "aria-label") != before
    assert tab.get_attribute("#day", "aria-valuetext") == "Day 2 of 12"


def test_the_slider_keeps_pace_with_a_large_town(
    browser: Any, content: dict[str, Any], tmp_path: Path
) -> None:
    """Ten thousand streets, five thousand cells that change every day."""
    rng = np.random.default_rng(0)
    at = rng.integers(-3_000, 3_000, (2, 10_000))
    points = np.stack([at, at + rng.integers(-90, 90, (2, 10_000))], axis=2)
    big = {**content, "drivers": [{**content["drivers"][0]}]}
    big["town"] = {
        **content["town"],
        "bounds": [-3_000, -3_000, 3_000, 3_000],
        "start": pack(np.arange(10_001) * 2),
        "x": pack(points[0]),
        "y": pack(points[1]),
        "class": pack(rng.choice([2, 5], 10_000)),
    }
    big["areas"] = {"kind": "cells", "columns": 71, "rows": 71, "side": 85, "west": -3_000, "south": -3_000}
    n_days, steps = len(content["days"]), len(content["steps"]) + 1
    big["drivers"][0]["pictures"] = {
        "start": pack(np.arange(n_days + 1) * 5_000),
        "area": pack(np.concatenate([rng.permutation(71 * 71)[:5_000] for _ in range(n_days)])),
        "count": pack(np.tile([5_000 - 100 * (steps - 1), *[100] * (steps - 1)], n_days)),
    }
    big["drivers"][0]["cases"] = {
        key: {**case, **{t: {**case[t], "picture": pack(np.arange(n_days))} for t in ("home", "work")}}
        for key, case in content["drivers"][0]["cases"].items()
    }
    path = write_page(page_text(big, charts_of(big)), tmp_path / "big.html")
    tab = open_page(browser, path).page
    frame_ms = tab.evaluate(
        """async () => {
          const took = [];
          for (let k = 0; k < 24; k++) {
            const t = performance.now();
            state.at = k % DAYS.length;
            say();
            await moveMap();
            await movePath();
            took.push(performance.now() - t);
          }
          return took.sort((a, b) => a - b)[2];
        }"""
    )
    # The quickest few frames: what else the machine does only ever slows them.
    assert frame_ms < 1000 / 15


# --- what is refused, and what is not ---


def page_of(folder: Path, *words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["report", str(folder), "-q", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_a_town_without_readers_gets_a_page_that_says_so(browser: Any, tmp_path: Path) -> None:
    simulate(tiny_scenario(days=3, readers=[], attackers__names=["night-mode"]), seed=1, out=tmp_path / "run")
    code, said = page_of(tmp_path / "run")
    assert code == 0 and said.endswith("report.html")
    opened = open_page(browser, tmp_path / "run" / "report.html")
    assert opened.complaints == []
    words = opened.page.inner_text("#main")
    assert "There are no readers in this town" in words
    assert "The run did not use the Bayesian adversary" in words
    assert "without a single read" in words


def test_what_cannot_be_shown_is_refused(run: Run, tmp_path: Path) -> None:
    assert run.folder is not None
    assert "not a finished result folder" in page_of(tmp_path)[1]
    code, said = page_of(run.folder, "--out", tmp_path / "none" / "p.html")
    assert code == 2 and "There is no folder" in said
    assert "is a folder" in page_of(run.folder, "--out", tmp_path)[1]
    other = tmp_path / "other"
    shutil.copytree(run.folder, other)
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    assert "has format 99" in page_of(other)[1]
    shutil.copy(run.folder / "manifest.json", manifest)
    (other / "beliefs.parquet").unlink()
    code, said = page_of(other)
    assert code == 2 and "beliefs" in said
    if Path("/proc").is_dir():  # where even root can write no file
        code, said = page_of(run.folder, "--out", "/proc/page.html")
        assert code == 2 and "not be written" in said.replace("cannot", "can not")
    (tmp_path / "study.json").write_text('{"format": 99}')
    assert "another version" in page_of(tmp_path)[1]
