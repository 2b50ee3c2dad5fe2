"""Studies: what is refused, the design, same bits as runs, kills and what is kept, the tables."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.sweep.command import prepare
from experiments.sweep.design import Cell, Design, design_of, levels_of
from experiments.sweep.folder import CELL_TABLES, RESULTS, StudyFolder
from experiments.sweep.kills import check_kills
from experiments.sweep.measures import FOUND, CellTables, driver_values
from experiments.sweep.results import study_results, write_results
from experiments.sweep.spec import Headline, Study, study_from_dict, study_named, study_names
from experiments.sweep.work import look, run_here, world_of
from scenarios import resolve
from simulator.errors import MapError, PlatetrailError, ScenarioError, StudyError
from simulator.run import simulate
from simulator.shared_capture import take_capture
from simulator.tables import content_hash

ROOT = Path(__file__).resolve().parents[1]
SCENARIO = """
id = "tiny"
title = "A tiny town"
days = 10
streets = { kind = "grid", nodes = 80, area_km2 = 1.2 }
travel = { route_variants = 2 }

[people]
drivers = 40
workplaces = 12
shops = 6
leisure_places = 8
schools = 2
worship_places = 2
clinics = 2
external_places = 8

[[readers]]
kind = "fixed"
name = "streets"
count = 8
min_spacing_m = 80
misread_rate = 0.1
"""
STUDY = """
id = "tiny-study"
title = "Tiny"
scenario = "town.toml"
seed = 5
replicates = 2
measures = ["known-by-day", "right-at-day", "median-days", "restricted-mean-days", "median-error-m"]
criteria = ["within-250m", "within-250m-for-good", "within-500m"]
days = [7]

[set]
attackers.names = ["night-mode", "krumm-largest-cluster"]

[headline]
measure = "known-by-day"
attacker = "krumm-largest-cluster"

[[factors]]
name = "retention"
ordered = true
baseline = "for ever"
levels = [
    { label = "2 days", at = 2, set = { archive.retention_days = 2 } },
    { label = "for ever", unset = ["archive.retention_days"] },
]

[[factors]]
name = "thinned"
levels = [
    { label = "all" },
    { label = "half", set = { archive.rules = [{ kind = "thinning", keep_share = 0.5 }] } },
]
"""


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "town.toml").write_text(SCENARIO)
    (folder / "study.toml").write_text(STUDY)
    return folder / "study.toml"


@pytest.fixture(scope="module")
def design(study_file: Path) -> Design:
    return prepare(str(study_file))


def do(design: Design, out: Path, workers: int = 1) -> StudyFolder:
    folder = StudyFolder(path=out)
    folder.open(design, force=False)
    run_here(folder, design.groups(), workers, lambda done, what: None)
    write_results(study_results(design, folder), out)
    return folder


@pytest.fixture(scope="module")
def undisturbed(design: Design, tmp_path_factory: pytest.TempPathFactory) -> StudyFolder:
    return do(design, tmp_path_factory.mktemp("undisturbed"))


def cells_of(design: Design) -> list[Cell]:
    return [cell for group in design.groups() for cell in group.cells]


def hashes(design: Design, folder: StudyFolder) -> dict[str, str]:
    found = {
        f"{cell.name}/{name}": content_hash(frame)
        for cell in cells_of(design)
        for name, frame in folder.read(cell).items()
    }
    for name in RESULTS:
        found[name] = content_hash(pl.read_parquet(folder.path / f"{name}.parquet"))
    return found


def test_cells_are_runs_on_common_random_numbers(design: Design, undisturbed: StudyFolder) -> None:
    assert (design.n_settings, design.n_cells, design.n_groups) == (4, 8, 2)
    assert len(design.groups()) == 2
    for cell in cells_of(design)[::3]:
        alone = simulate(cell.setting.scenario, seed=5, replicate=cell.replicate)
        there = undisturbed.read(cell)
        for name in CELL_TABLES:
            assert content_hash(there[name]) == content_hash(getattr(alone, name)), name
    assert list((undisturbed.path / "captures").iterdir()) == [], "reads are deleted when they are used up"


def test_one_town_is_shared_by_several_processes(
    design: Design, undisturbed: StudyFolder, tmp_path: Path
) -> None:
    study = design.study.model_copy(update={"replicates": 1})
    one = Design(study=study, scenario=design.scenario)
    folder = StudyFolder(path=tmp_path / "out")
    folder.open(one, force=False)
    run_here(folder, one.groups(), 2, lambda done, what: None)
    for cell in cells_of(one):
        for name, frame in folder.read(cell).items():
            assert content_hash(frame) == content_hash(undisturbed.read(cell)[name])
    assert list((folder.path / "captures").iterdir()) == []


def test_a_stricter_rule_shows_no_driver_more(design: Design, undisturbed: StudyFolder) -> None:
    by_labels = {(c.setting.labels, c.replicate): undisturbed.read(c)["beliefs"] for c in cells_of(design)}
    for replicate in (0, 1):
        for less, more in (
            (("2 days", "all"), ("for ever", "all")),
            (("for ever", "half"), ("for ever", "all")),
        ):
            few, many = by_labels[less, replicate], by_labels[more, replicate]
            assert few["driver_id"].equals(many["driver_id"])
            assert (few["sightings_seen"] <= many["sightings_seen"]).all()
            assert few["sightings_seen"].sum() < many["sightings_seen"].sum()


def test_results_are_the_means_over_towns(design: Design, undisturbed: StudyFolder) -> None:
    results = pl.read_parquet(undisturbed.path / "results.parquet")
    chosen = results.filter(
        pl.col("retention") == "for ever", pl.col("thinned") == "all", pl.col("day") == 10,
        attacker="night-mode", target="home", criterion="within-250m", measure="known-by-day",
    )  # fmt: skip
    right = drivers = 0
    for cell in cells_of(design):
        if cell.setting.labels == ("for ever", "all"):
            tables = undisturbed.read(cell)
            residents = tables["drivers"].filter(pl.col("kind") == "resident")["driver_id"]
            rows = tables["outcomes"].filter(
                pl.col("driver_id").is_in(residents.implode()), pl.col("attacker") == "night-mode",
                pl.col("criterion") == "within-250m", pl.col("target") == "home",
            )  # fmt: skip
            right, drivers = right + rows["observed"].sum(), drivers + rows.height
    row = chosen.row(0, named=True)
    assert row["n_drivers"] == drivers and row["n_replicates"] == 2
    assert row["estimate"] == pytest.approx(right / drivers)
    assert 0 <= row["low"] < row["estimate"] < row["high"] <= 1


def test_contrasts_are_differences_of_the_same_drivers(undisturbed: StudyFolder) -> None:
    keys = ["attacker", "target", "criterion", "measure", "day"]
    results = pl.read_parquet(undisturbed.path / "results.parquet")
    contrasts = pl.read_parquet(undisturbed.path / "contrasts.parquet")
    assert set(contrasts.select("varied", "baseline").unique().rows()) == {
        ("retention", "for ever"), ("thinned", "all"),
    }  # fmt: skip
    one = contrasts.filter(varied="retention", thinned="half", measure="restricted-mean-days")
    both = one.join(results, on=[*keys, "retention", "thinned"], nulls_equal=True).join(
        results.filter(retention="for ever", thinned="half"), on=keys, nulls_equal=True, suffix="_base"
    )
    assert both.height == one.height > 0
    np.testing.assert_allclose(both["difference"], both["estimate"] - both["estimate_base"])
    assert (contrasts["up"] + contrasts["down"] <= contrasts["n_drivers"]).all()


def test_ratios_are_of_the_headlines_attacker_to_each_other(design: Design, undisturbed: StudyFolder) -> None:
    keys = ["retention", "thinned", "target", "criterion", "measure", "day"]
    results, ratios = (pl.read_parquet(undisturbed.path / f"{t}.parquet") for t in ("results", "ratios"))
    assert set(ratios["attacker"]) == {"night-mode"} and set(ratios["measure"]) == set(FOUND)
    own, other = (
        results.filter(attacker=name).select(*keys, "estimate")
        for name in ("krumm-largest-cluster", "night-mode")
    )
    both = ratios.join(own, on=keys).join(other, on=keys, suffix="_other").drop_nulls("ratio")
    assert both.height > 20
    np.testing.assert_allclose(both["ratio"], both["estimate"] / both["estimate_other"])
    assert ((both["low"] <= both["ratio"]) & (both["ratio"] <= both["high"])).all()
    nameless = design.study.model_copy(update={"headline": Headline(measure="known-by-day")})
    none = study_results(Design(study=nameless, scenario=design.scenario), undisturbed).ratios
    assert not none.height and none.columns == ratios.columns


def test_right_at_day_is_within_250_m_and_what_is_asked_for(design: Design, undisturbed: StudyFolder) -> None:
    tables = undisturbed.read(cells_of(design)[0])
    days = tuple(sorted(set(tables["beliefs"]["day"])))

    def right(*criteria: str) -> pl.DataFrame:
        cell = CellTables(**tables, criteria=criteria, days=days)
        return driver_values(cell, ["right-at-day"])

    alone, more = right("known-and-right"), right("within-500m", "within-100m-for-good")
    assert set(alone["criterion"]) == {"within-250m"}
    assert set(more["criterion"]) == {"within-250m", "within-500m"}
    assert more.filter(criterion="within-250m").equals(alone)
    residents = tables["drivers"].filter(kind="resident", home_on_map=True)
    truth = tables["beliefs"].join(residents, on="driver_id", how="semi").filter(target="home")
    found = more.filter(criterion="within-500m", target="home")
    assert found.height == truth.height
    assert found["value"].sum() == (truth["error_m"] <= 500).sum() > 0


def test_a_study_on_a_map_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="give one with --map FILE"):
        prepare("attackers-columbus")
    path = tmp_path / "columbus.osm.pbf"
    with pytest.raises(MapError, match="There is no map file"):
        prepare("attackers-columbus", map_file=path)
    path.touch()
    prepared = prepare("attackers-columbus", map_file=path)
    assert {s.scenario.streets.map for s in prepared.settings()} == {path}


def test_a_probe_looks_while_the_reads_are_there(study_file: Path, tmp_path: Path) -> None:
    """Sought cars, as of ``platetrail utility``: the same events under every rule, also without routes."""
    first = prepare(str(study_file), replicates=1)
    study = first.study.model_copy(update={"measures": ("right-at-day", "cars-found"), "seed": 6})
    design = Design(study=study, scenario=first.scenario)
    folder = do(design, tmp_path / "out")
    results = pl.read_parquet(folder.path / "results.parquet").filter(measure="cars-found", thinned="all")
    found = dict(results.filter(criterion="trace, asked after 7 d").select("retention", "estimate").rows())
    assert 0.0 == found["2 days"] < found["for ever"]
    live = results.filter(criterion="live, 1 week")["estimate"]
    assert live[0] == live[1] > 0, "what is deleted later does not matter to a hit"
    world = world_of(design.groups()[0])
    capture = take_capture(world, tmp_path / "reads").in_memory()
    cell = cells_of(design)[0]
    again = look(capture, cell, ("searches",))["probe-searches"]
    assert again.equals(folder.read_probes(cell, ["searches"])["searches"])
    without = Design(study=first.study.model_copy(update={"seed": 6}), scenario=first.scenario)
    folder.open(without, force=False)
    with pytest.raises(StudyError, match="done without searches, which a measure wants"):
        folder.open(design, force=False)


def test_measures_may_change_while_cells_stay(
    design: Design, undisturbed: StudyFolder, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(undisturbed.path, copy)
    study = design.study.model_copy(
        update={"measures": ("abstained",), "replicates": 1, "title": "Other words"}
    )
    folder = do(Design(study=study, scenario=design.scenario), copy)
    results = pl.read_parquet(copy / "results.parquet")
    assert set(results["measure"]) == {"abstained"} and set(results["n_replicates"]) == {1}
    assert all(
        folder.cell(c).stat().st_mtime_ns == undisturbed.cell(c).stat().st_mtime_ns for c in cells_of(design)
    )


def test_the_points_of_a_hypercube_are_spread_and_come_again() -> None:
    study = study_from_dict(
        {
            "id": "cube", "title": "Cube", "scenario": "first-town",
            "factors": [
                {
                    "name": "points", "points": 20,
                    "dimensions": [
                        {"path": "archive.retention_days", "low": 1, "high": 100, "scale": "log"},
                        {"path": "people.drivers", "low": 100, "high": 300, "integer": True},
                    ],
                }
            ],
        }
    )  # fmt: skip
    design = design_of(study)
    levels = levels_of(study.factors[0], study.seed)
    assert levels == levels_of(study.factors[0], study.seed) != levels_of(study.factors[0], study.seed + 1)
    days = np.array([level.set["archive.retention_days"] for level in levels])
    assert sorted(np.floor(np.log(days) / np.log(100) * 20)) == list(range(20)), "one point in each stratum"
    assert all(isinstance(level.set["people.drivers"], int) for level in levels)
    assert design.n_groups == 20 and len(list(design.settings())) == 20


def test_one_factor_at_a_time(study_file: Path) -> None:
    study = prepare(str(study_file)).study.model_copy(update={"design": "one-at-a-time"})
    design = Design(study=study, scenario=prepare(str(study_file)).scenario)
    labels = [setting.labels for setting in design.settings()]
    assert labels == [("for ever", "all"), ("2 days", "all"), ("for ever", "half")]
    assert design.n_settings == 3


# --- kills ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("workers", "moments"), [(1, 3), (2, 1)])
def test_killed_and_gone_on(
    undisturbed: StudyFolder, study_file: Path, tmp_path: Path, workers: int, moments: int
) -> None:
    found = check_kills(
        str(study_file),
        tmp_path,
        kills=moments,
        workers=(workers,),
        longest_s=0.3 * workers,
        seed=workers,
        undisturbed=undisturbed.path,
    )
    assert len(found.done_at_kill) == moments and found.sweeps >= 1
    assert not found.written_twice and not found.different


# --- what is refused -----------------------------------------------------------------------------------


def bad(**changes: Any) -> Study:
    factor = {"name": "drivers", "path": "people.drivers", "values": [100, 200]}
    data = {
        "id": "s",
        "title": "S",
        "scenario": "first-town",
        "factors": [factor | changes.pop("factor", {})],
    }
    return study_from_dict({**data, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"replicate": 3}, "unknown key 'replicate'.*'replicates'"),
        ({"factor": {"pth": "days"}}, "unknown key 'factors.0.pth'.*'path'"),
        ({"factor": {"values": []}}, "'path' and 'values' go together"),
        ({"factor": {"levels": [{"label": "a"}]}}, "needs one of"),
        ({"factor": {"baseline": "300"}}, "baseline '300' is no level.*'200'"),
        ({"factor": {"values": [100, 100]}}, "level '100' is there twice"),
        ({"factor": {"name": "measure"}}, "no factor can be called 'measure'"),
        ({"replicates": 0}, "'replicates' = 0"),
        ({"design": "one-at-a-time", "factors": [{"name": "x", "points": 3, "dimensions": [
            {"path": "days", "low": 1, "high": 5}]}]}, "which Latin hypercubes have not"),
        ({"factors": [{"name": "x", "points": 3, "dimensions": [
            {"path": "days", "low": 5, "high": 1}]}]}, "high = 1 must be larger than low = 5"),
    ],
)  # fmt: skip
def test_studies_that_cannot_be_used(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        bad(**changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"factor": {"path": "people.driver"}},
            "factor 'drivers', level '100'.*'driver' is unknown.*'drivers'",
        ),
        ({"factor": {"path": "archive.retention"}}, "'retention' is unknown.*'retention_days'"),
        ({"set": {"people.drivrs": 3}}, r"\[set\].*'drivrs' is unknown.*'drivers'"),
        ({"factor": {"values": [100, -1]}}, "level '-1'.*people.drivers"),
        ({"scenario": "frst-town"}, "No scenario is called 'frst-town'.*'first-town'"),
    ],
)
def test_levels_that_the_scenario_refuses(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(PlatetrailError, match=f"(?s){words}"):
        design_of(bad(**changes))


def test_names_that_there_are_not(study_file: Path, tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"No study is called 'retenton'.*'retention'"):
        prepare("retenton")
    for old, new, words in (
        ('"known-by-day"', '"known-by"', "No measure is called 'known-by'.*'known-by-day'"),
        ('"within-250m"', '"within-25m"', "No criterion is called 'within-25m'"),
        ('"night-mode"', '"night-mod"', "No attacker is called 'night-mod'.*'night-mode'"),
        ('[headline]\nmeasure = "known-by-day"', '[headline]\nmeasure = "sure"', "headline.measure = .sure."),
    ):  # fmt: skip
        (tmp_path / "town.toml").write_text(SCENARIO)
        (tmp_path / "study.toml").write_text(STUDY.replace(old, new, 1))
        with pytest.raises(PlatetrailError, match=words):
            prepare(str(tmp_path / "study.toml"))


def test_results_of_another_study_are_left_alone(
    design: Design, undisturbed: StudyFolder, tmp_path: Path
) -> None:
    before = hashes(design, undisturbed)
    other = design.study.model_copy(update={"id": "other"})
    more = design.study.model_copy(update={"seed": 6})
    with pytest.raises(StudyError, match=r"holds results of another study, 'tiny-study'"):
        undisturbed.open(Design(study=other, scenario=design.scenario), force=False)
    with pytest.raises(StudyError, match=r"'tiny-study' with another seed, design or levels.*--force"):
        undisturbed.open(Design(study=more, scenario=design.scenario), force=False)
    assert hashes(design, undisturbed) == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(StudyError, match=r"not empty \(notes\.txt\)"):
        StudyFolder(path=tmp_path).open(design, force=False)


def test_two_sweeps_do_not_share_a_folder(tmp_path: Path) -> None:
    folder = StudyFolder(path=tmp_path / "out")
    with folder.locked(), pytest.raises(StudyError, match="Another sweep is at work"), folder.locked():
        pass


def test_a_million_cells_are_refused_with_an_estimate(study_file: Path, tmp_path: Path) -> None:
    many = STUDY.replace("replicates = 2", "replicates = 10_000").replace(
        '{ label = "all" },', "\n".join(f'{{ label = "{i}" }},' for i in range(49)) + '{ label = "all" },'
    )
    (tmp_path / "town.toml").write_text(SCENARIO)
    (tmp_path / "study.toml").write_text(many)
    asked = [str(tmp_path / "study.toml"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["sweep", *asked])
    assert done.exit_code == 2 and "Traceback" not in done.stderr
    assert "1,020,000 cells" in done.stderr and "--yes" in done.stderr and "hours" in done.stderr
    assert not (tmp_path / "out").exists()
    said = CliRunner().invoke(app, ["sweep", *asked, "--dry-run"])
    assert said.exit_code == 0 and "1,020,000 cells" in said.stdout


def test_every_study_of_the_list_can_be_used(tmp_path: Path) -> None:
    assert study_names()[0] == "smoke" and "retention" in study_names()
    streets = tmp_path / "streets.osm"
    streets.touch()
    for name in study_names():
        on_map = resolve(study_named(name).scenario).streets.kind == "map"
        study = prepare(name, map_file=streets if on_map else None).study
        assert study.id == name and study.question and study.description
