"""Lessons run by themselves, show what they say, and can be started."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import marimo
import matplotlib
import polars as pl
import pytest
from typer.testing import CliRunner

from experiments import cli, completion
from experiments.lessons import LESSONS, lesson_named, start
from simulator.errors import PlatetrailError, ScenarioError

# Where the sign of a difference is asked for, "clear" is more than this share of all drivers.
CLEAR = 0.03


def run_lesson(name: str) -> tuple[str, dict[str, Any]]:
    """Run a notebook as a script does, and return all that it shows as text, and its variables."""
    matplotlib.use("Agg")
    module = import_module(f"experiments.lessons.notebooks.{name.replace('-', '_')}")
    outputs, defs = module.app.run()
    shown = "".join(getattr(o, "text", str(o)) for o in outputs if o is not None)
    for part in ("What to look for", "Guess first", "Talk about it", "What this cannot tell"):
        assert part in shown, f"{name}: {part}"
    for bad in ("Traceback", "nan%", "None%"):
        assert bad not in shown, f"{name}: {bad}"
    assert shown.count("<img") >= 2 and shown.count("alt=") >= shown.count("<img"), name
    return shown, defs


def test_one_car_one_week() -> None:
    shown, defs = run_lesson("one-car-one-week")
    rows = defs["right_by_day"]
    last = {r["attacker"]: r for r in rows.filter(pl.col("day") == defs["DAYS"]).iter_rows(named=True)}
    first = rows.filter((pl.col("attacker") == "bayes") & (pl.col("day") == 1)).row(0, named=True)
    # More days and more thought find more; reads find more than none.
    assert last["bayes"]["share"] > first["share"] + CLEAR
    assert last["bayes"]["share"] > last["krumm-last-destination"]["share"] - CLEAR
    assert last["bayes"]["share_low"] > last["prior-alone"]["share_high"]
    assert f"{100 * last['bayes']['share']:.0f}%" in shown
    assert defs["reads"].height == defs["driver"].sightings.height > 0


def test_just_a_few_cameras() -> None:
    shown, defs = run_lesson("just-a-few-cameras")
    for where in defs["places"]:
        found = [defs["at"](defs["found"], n, where)["estimate"] for n in defs["counts"]]
        reads = [defs["at"](defs["reads"], n, where)["estimate"] for n in defs["counts"]]
        assert all(b > a - CLEAR for a, b in pairwise(found)), (where, found)
        assert found[-1] > found[0] + 5 * CLEAR
        assert reads == sorted(reads)  # on the same trips more readers read more
    assert defs["said"](defs["most"]) in shown


def test_how_long_is_too_long() -> None:
    _, defs = run_lesson("how-long-is-too-long")
    for table in (defs["once"], defs["noted"]):
        shares = [
            table.row(by_predicate=pl.col("retention") == label, named=True)["estimate"]
            for label in defs["kept"]
        ]
        assert all(b > a - CLEAR for a, b in pairwise(shares)), shares
    # With one day kept, who looks once finds far fewer than if all is kept.
    once = defs["once"]
    day, ever = (
        once.row(by_predicate=pl.col("retention") == x, named=True)
        for x in (defs["kept"][0], defs["kept"][-1])
    )
    assert day["high"] < ever["low"]


def test_names_are_not_needed() -> None:
    _, defs = run_lesson("names-are-not-needed")
    cars = defs["left"]["cars"].to_list()
    assert cars == sorted(cars, reverse=True) and cars[-1] >= 1
    for _, rows in defs["unicity"].sort("points").group_by("place", "minutes", maintain_order=True):
        shares = rows["share"].to_list()
        assert all(b > a - CLEAR for a, b in pairwise(shares))
    fine, coarse = (
        defs["unicity"].row(
            by_predicate=(pl.col("place") == p) & (pl.col("minutes") == m) & (pl.col("points") == 4),
            named=True,
        )
        for p, m in (("reader", 60), ("1000", 1440))
    )
    assert fine["low"] > coarse["high"]
    joined = defs["joined"]
    assert (joined["recall"] > joined["chance"]).all()
    last = defs["homes"].filter(pl.col("day") == pl.col("day").max())["share"].to_list()
    assert last[0] > last[2] + CLEAR, "labels that change daily hide homes"


def test_notebooks_keep_to_what_marimo_asks_of_them() -> None:
    files = [str(lesson.file) for lesson in LESSONS]
    done = subprocess.run(
        [sys.executable, "-m", "marimo", "check", "--strict", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for lesson in LESSONS:
        source = lesson.file.read_text("utf-8")
        assert source.count("@app.cell(hide_code=True)") == source.count("@app.cell"), lesson.name
        assert lesson.title in source


# --- the command ---


def test_the_list_names_all(tmp_path: Path) -> None:
    shown = CliRunner().invoke(cli.app, ["lesson"])
    as_json = json.loads(CliRunner().invoke(cli.app, ["lesson", "--list", "--json"]).stdout)
    assert [row["name"] for row in as_json["lessons"]] == [lesson.name for lesson in LESSONS]
    assert all(lesson.name in shown.stdout for lesson in LESSONS)
    assert tuple(lesson.name for lesson in LESSONS) == completion.LESSON_NAMES


def test_a_wrong_name_gets_the_nearest() -> None:
    with pytest.raises(ScenarioError, match="one-car-one-week"):
        lesson_named("one-car-one-day")


def test_a_copy_is_the_notebook_and_overwrites_nothing(tmp_path: Path) -> None:
    to = tmp_path / "mine.py"
    done = CliRunner().invoke(cli.app, ["lesson", "one-car-one-week", "--copy", str(to)])
    assert done.exit_code == 0
    assert to.read_bytes() == lesson_named("one-car-one-week").file.read_bytes()
    assert list(tmp_path.iterdir()) == [to]
    for bad in (to, tmp_path / "mine.ipynb", tmp_path / "nowhere" / "mine.py"):
        done = CliRunner().invoke(cli.app, ["lesson", "one-car-one-week", "--copy", str(bad)])
        assert done.exit_code == 2 and str(bad) in done.output


def test_without_marimo_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "find_spec", lambda name: None)
    with pytest.raises(PlatetrailError, match=r"pip install 'platetrail\[teach\]'"):
        start.start(LESSONS[0])


def test_a_copy_runs_elsewhere(tmp_path: Path) -> None:
    to = start.copy(lesson_named("one-car-one-week"), tmp_path / "mine.py")
    done = subprocess.run(
        [sys.executable, str(to)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert marimo.__version__
