"""The Python way: a scenario by name, run, a figure; what a run and a study show of themselves."""

from __future__ import annotations

import gc
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib
import polars as pl
import pytest
from engine_town import tiny_scenario
from polars.testing import assert_frame_equal

import platetrail as pt
import scenarios
import simulator
from experiments.notebook.shown import card, facts, table
from experiments.report_tables import on_all_days
from experiments.running import headline
from simulator.errors import PlatetrailError, ScenarioError, StudyError, TableError

ATTACKERS = ["bayes", "night-mode"]


@pytest.fixture(scope="module")
def run() -> pt.Run:
    return pt.run(tiny_scenario(attackers__names=ATTACKERS), seed=3, days=12, quiet=True)


@pytest.fixture(scope="module")
def study() -> pt.Study:
    small = {"people.drivers": 60, "days": 10, "streets.nodes": 80, "streets.area_km2": 1.2}
    return pt.study("smoke", replicates=2, set=small, quiet=True)


# --- importing ---


@pytest.mark.parametrize("package", ["simulator", "platetrail"])
def test_importing_is_quick_and_names_come_when_asked_for(package: str) -> None:
    program = (
        f"import sys, {package} as package\n"
        "heavy = {'numpy', 'polars', 'numba', 'matplotlib', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert set(package.__all__) <= set(dir(package))\n"
        "assert package.Scenario.__name__ == 'Scenario' and package.Run.__name__ == 'Run'\n"
        "assert all(getattr(package, name) is not None for name in package.__all__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_engine_alone_runs_a_scenario_of_the_catalogue() -> None:
    scenario = simulator.with_overrides(scenarios.load("first-town"), {"attackers.names": ["night-mode"]})
    small = {"people.drivers": 20, "days": 3, "streets.nodes": 80, "streets.area_km2": 1.2}
    result = simulator.simulate(simulator.with_overrides(scenario, small), seed=1)
    assert isinstance(result, simulator.Run)
    assert repr(result).startswith("<Run of 'first-town': seed 1, 20 drivers, 3 days, 25 readers,")


@pytest.mark.parametrize(
    ("package", "name", "right"), [(simulator, "Scenaro", "Scenario"), (pt, "stdy", "study")]
)
def test_a_misspelt_name_gets_the_nearest(package: object, name: str, right: str) -> None:
    with pytest.raises(AttributeError, match=f"'{right}'"):
        getattr(package, name)


# --- a run ---


def test_the_front_gives_what_the_engine_gives(run: pt.Run) -> None:
    result = simulator.simulate(tiny_scenario(attackers__names=ATTACKERS, days=12), seed=3)
    for name in ("outcomes", "beliefs", "drivers", "cameras", "summary"):
        assert_frame_equal(run.table(name), getattr(result, name))
    assert (run.seed, run.scenario.days) == (3, 12)
    assert "outcomes" in dir(run) and "outcomes" in run.tables


def test_drivers_days_and_settings_are_those_of_the_command_line(tmp_path: Path) -> None:
    changed = pt.scenario(
        "first-town", drivers=50, days=9, set={"readers.street-readers.count": 3, "archive.retention_days": 7}
    )
    assert (changed.people.drivers, changed.days, changed.archive.retention_days) == (50, 9, 7)
    assert changed.readers[0].count == 3
    own = tmp_path / "own.toml"
    own.write_text('extends = "first-town"\nid = "own"\ntitle = "Own"\ndays = 8\n')
    assert pt.scenario(own).days == pt.scenario(str(own)).days == 8


def test_shares_known_are_those_of_the_summary_best_attacker_first(run: pt.Run) -> None:
    known = run.known(radius_m=500)
    rows = run.summary.filter(
        (pl.col("target").cast(pl.String) == "home") & (pl.col("criterion").cast(pl.String) == "within-500m")
    )
    assert known.height == 2 * known["day"].n_unique()
    last = known.filter(pl.col("day") == 12)
    assert last["share"].is_sorted(descending=True) and last["attacker"][0] == known["attacker"][0]
    for row in known.iter_rows(named=True):
        there = rows.filter(
            (pl.col("attacker").cast(pl.String) == row["attacker"]) & (pl.col("day") == row["day"])
        )
        # No row any more once everybody was found.
        assert row["share"] == (there["share"][0] if there.height else 1.0)
        assert row["share_low"] <= row["share"] <= row["share_high"]
    only = run.known(radius_m=500, attacker="night-mode", day=12)
    assert_frame_equal(only, last.filter(pl.col("attacker") == "night-mode"))
    assert (run.known(for_good=True)["share"].to_numpy() <= 1).all()


def test_attackers_who_were_done_early_keep_their_share() -> None:
    rows = [("slow", 7, 0.4), ("slow", 30, 0.6), ("slow", 60, 0.7), ("quick", 7, 0.9), ("quick", 12, 1.0)]
    about = {"target": "home", "criterion": "within-250m", "drivers": 10}
    summary = pl.DataFrame([{"attacker": a, "day": d, "share": s, **about} for a, d, s in rows])
    filled = on_all_days(summary).sort("attacker", "day").select("attacker", "day", "share").rows()
    assert filled == [
        *(("quick", 7, 0.9), ("quick", 30, 1.0), ("quick", 60, 1.0)),
        *(("slow", 7, 0.4), ("slow", 30, 0.6), ("slow", 60, 0.7)),
    ]
    assert "60 the best of these attackers (quick) has had 100%" in headline(summary, "home")[0]


def test_a_figure_is_drawn_without_a_display_and_shows_itself(run: pt.Run) -> None:
    backend = matplotlib.get_backend()
    assert "homes-known" in run.figures()
    figure = run.figure("homes-known")
    assert figure.axes[0].get_title(loc="left")
    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert matplotlib.get_backend() == backend  # a notebook keeps its own
    assert any("seed 3" in text.get_text() for text in figure.texts)


def test_figures_in_the_styles_for_paper_and_lecture_hall(
    run: pt.Run, study: pt.Study, tmp_path: Path
) -> None:
    unread = (set(run.drivers["driver_id"]) - set(run.table("example_sightings")["driver_id"])).pop()
    for draw in (run.figure, run.driver(unread).figure, study.figure):
        screen, column, hall = draw(), draw(style="print"), draw(style="projection")
        assert column.get_figwidth() == 3.5 < screen.get_figwidth()
        assert hall.get_figwidth() / hall.get_figheight() == pytest.approx(16 / 9, rel=0.01)
    # Written in its style outside of any block: TrueType letters.
    run.figure("homes-known", style="print").savefig(tmp_path / "column.pdf")
    assert b"/Type42" in (written := (tmp_path / "column.pdf").read_bytes()) or b"/FontFile2" in written
    with pytest.raises(ScenarioError, match="'print'"):
        run.figure("homes-known", style="prnt")


def test_one_driver_with_reads_from_whichever_source(run: pt.Run) -> None:
    kept = run.table("example_sightings")
    number = int(kept["driver_id"][0])
    driver = run.driver(number)
    # Made again, and as the run kept them.
    again = driver._captured_again().sort("time_s")
    assert driver.sightings["time_s"].to_list() == again["time_s"].to_list()
    assert driver.truth["driver_id"] == number
    assert driver.beliefs["driver_id"].unique().to_list() == [number]
    hours = driver.sightings["hour"]
    assert driver.sightings["day"].min() >= 1 and hours.min() >= 0 and hours.max() < 24  # type: ignore[operator]
    unread = (set(run.drivers["driver_id"]) - set(kept["driver_id"])).pop()
    assert run.figure("map", driver=unread).axes


def test_a_temporary_folder_goes_with_its_run_unless_saved(tmp_path: Path) -> None:
    short = pt.run(tiny_scenario(days=2, attackers__names=["night-mode"]), seed=1, quiet=True)
    folder = short.folder
    with pytest.raises(TableError, match="name a file"):
        short.report()
    kept = short.save(tmp_path / "kept")
    with pytest.raises(TableError, match="there already"):
        short.save(kept)
    outcomes = short.outcomes
    assert folder.is_dir()
    del short
    gc.collect()
    assert not folder.exists()
    assert_frame_equal(pt.open_run(kept).outcomes, outcomes)


def test_tables_that_were_not_kept_are_asked_for_by_name(tmp_path: Path, run: pt.Run) -> None:
    with pytest.raises(TableError, match=r"tables=\['trips'\]"):
        run.table("trips")
    wanted = tiny_scenario(days=2, attackers__names=["night-mode"])
    full = pt.run(wanted, seed=1, tables=["sightings"], out=tmp_path / "r", quiet=True)
    read = full.table("sightings").group_by("plate").len().sort("len").row(-1, named=True)
    number = full.drivers.filter(pl.col("plate") == read["plate"])["driver_id"][0]
    assert full.driver(number).sightings.height == read["len"]


def test_wrong_names_get_the_nearest_right_ones(run: pt.Run) -> None:
    with pytest.raises(AttributeError, match="'outcomes'"):
        run.outcoms  # noqa: B018
    with pytest.raises(TableError, match="'outcomes'"):
        run.table("outcoms")
    with pytest.raises(ScenarioError, match="'homes-known'"):
        run.figure("home-known")
    with pytest.raises(ScenarioError, match="0 to 39"):
        run.driver(40)
    with pytest.raises(ScenarioError, match="0 to 39"):
        run.figure("map", driver=-1)
    with pytest.raises(ScenarioError, match="about all drivers"):
        run.figure("homes-known", driver=1)
    for wrong in ({"radius_m": 300}, {"target": "pub"}, {"attacker": "bays"}, {"day": 500}):
        with pytest.raises(ScenarioError, match=f"No {next(iter(wrong))}"):
            run.known(**wrong)  # type: ignore[arg-type]
    with pytest.raises(ScenarioError, match="'first-town'"):
        pt.run("frist-town", quiet=True)
    with pytest.raises(StudyError, match="'smoke'"):
        pt.study("smok", quiet=True)


def test_a_run_that_fails_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(PlatetrailError):
        pt.run(tiny_scenario(readers=[{"kind": "fixed", "name": "s", "count": 100_000}]), seed=1, quiet=True)
    assert not list(tmp_path.glob("platetrail-*"))


# --- a study ---


def test_a_study_has_its_tables_finding_and_figure(study: pt.Study, tmp_path: Path) -> None:
    assert study.finding.startswith("Homes guessed right within 250 m") and study.finding in repr(study)
    assert study.headline["retention"].to_list() == ["3 days", "7 days", "for ever"]
    assert study.figure().axes
    kept = pt.open_study(study.save(tmp_path / "study"))
    assert_frame_equal(kept.results, study.results)
    assert_frame_equal(kept.table("contrasts"), study.contrasts)
    with pytest.raises(TableError, match="'results'"):
        study.table("result")


def test_folders_of_the_other_kind_are_told_apart(run: pt.Run, study: pt.Study, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="open_run"):
        pt.open_study(run.folder)
    with pytest.raises(StudyError, match="open_study"):
        pt.open_run(study.folder)
    with pytest.raises(TableError, match="not a finished result folder"):
        pt.open_run(tmp_path)
    with pytest.raises(StudyError, match="holds no study"):
        pt.open_study(tmp_path)
    other = tmp_path / "other"
    shutil.copytree(run.folder, other)
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(TableError, match="format 99"):
        pt.open_run(other)


# --- what they show of themselves ---


class Words(HTMLParser):
    """Text of a page, refusing tags that do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_run_shows_what_was_run_and_what_came_out(run: pt.Run, tmp_path: Path) -> None:
    words = Words(run._repr_html_()).words
    assert {"A tiny town", "40 simulated, ", "12", "3", "Bayesian adversary"} & set(words) >= {
        "A tiny town",
        "12",
    }
    best = run.known(day=12).row(0, named=True)
    share = f"{100 * best['share']:.0f} ({100 * best['share_low']:.0f}–{100 * best['share_high']:.0f})"
    assert share in words
    assert "file://" not in run._repr_html_()
    kept = pt.open_run(run.save(tmp_path / "a & b"))
    assert 'a%20%26%20b/outcomes.parquet">outcomes</a>' in kept._repr_html_()
    assert f"<Run of 'tiny' in {kept.folder}: seed 3, 40 drivers, 12 days, " in repr(kept)


def test_a_driver_and_a_study_show_themselves(run: pt.Run, study: pt.Study) -> None:
    assert "Driver 0 (simulated)" in Words(run.driver(0)._repr_html_()).words
    words = Words(study._repr_html_()).words
    assert "A first study, in seconds" in words and "for ever" in words and study.finding in words


def test_what_a_user_named_is_escaped() -> None:
    html = card("<b>", "a & b", facts([("<i>", "<script>")]), table("<u>", ["<p>", "n"], [["<s>", "1"]]))
    assert {"<b>", "a & b", "<i>", "<script>", "<u>", "<p>", "<s>"} <= set(Words(html).words)


def test_a_town_where_nothing_is_read_shows_so() -> None:
    empty = pt.run(tiny_scenario(days=2, readers=[], attackers__names=["night-mode"]), seed=1, quiet=True)
    words = Words(empty._repr_html_()).words
    assert "none: nothing was ever read" in words and "none" in words
    assert empty.figure("homes-known").axes and empty.driver(0).sightings.height == 0


def test_tables_become_pandas_frames(run: pt.Run) -> None:
    pytest.importorskip("pyarrow")
    frame = run.outcomes.to_pandas()
    assert list(frame.columns) == run.outcomes.columns and len(frame) == run.outcomes.height
    assert run.pandas("outcomes").equals(frame)  # type: ignore[attr-defined]


def test_without_pyarrow_the_way_out_is_said() -> None:
    program = (
        "import sys; sys.modules['pyarrow'] = sys.modules['pandas'] = None\n"
        "import polars; from experiments.notebook.folders import pandas_of\n"
        "from platetrail import PlatetrailError\n"
        "try: pandas_of(polars.DataFrame({'a': ['b']}))\n"
        "except PlatetrailError as error: sys.exit(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pip install 'platetrail[notebook]'" in done.stderr and "Traceback" not in done.stderr


def test_catalogues_are_frames() -> None:
    assert set(scenarios.scenario_names()) == set(pt.scenarios()["name"])
    assert {"smoke", "rules"} <= set(pt.studies()["name"])
