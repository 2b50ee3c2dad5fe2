"""Committed findings fit their studies, and pages say nothing that is not in their tables."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from experiments import findings
from experiments.docs_tables import DOCS
from experiments.finding_ages import ages, made_line, made_with, scenario_digest
from experiments.finding_pages import PAGES, README_RULES, Strength
from experiments.finding_strength import best_rivals, strength_table
from experiments.sweep.design import design_of
from experiments.sweep.engine import SHOWN_DIGITS, digest_of, engine_digest
from experiments.sweep.group_measure import groups_of
from experiments.sweep.measures import FOUND, check_criteria, measure_named
from experiments.sweep.spec import RESULT_COLUMNS, study_named
from simulator.adversary.attacker import attacker_named, default_attacker_names
from simulator.adversary.catalogue import BAYES, LOWER_RUNGS
from simulator.errors import StudyError

KEPT = findings.kept_names()
_MOST_ROWS = 400


def _made(text: str) -> list[str]:
    found = re.findall(r"<!-- made: [a-z]+ -->\n(.*?)<!-- end -->", text, flags=re.DOTALL)
    assert found
    return found


def _said(text: str) -> str:
    found = re.search(r"## Found\n(.*?)\n## What it cannot tell", text, flags=re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", PAGES)
def test_pages_ask_for_what_their_study_measures(name: str) -> None:
    study = study_named(name)
    design_of(study)
    check_criteria(study.criteria)
    factors = {factor.name: factor.labels() for factor in study.factors}
    for column in PAGES[name].taken():
        assert column.where["measure"] in study.measures
        for key, value in column.where.items():
            assert key in RESULT_COLUMNS or value in factors[key]
    for page in (PAGES[name], *PAGES[name].more.values()):
        assert all(row in (*RESULT_COLUMNS, *factors) for row in page.rows)
    strength = PAGES[name].strength
    if strength is not None:
        # Ratios are of the headline's attacker.
        assert strength.attacker == study.headline.attacker and strength.measure in FOUND
        assert set(strength.criteria) <= set(study.criteria) and strength.factor in factors
        assert {strength.attacker, strength.alone} <= set(study.set["attackers.names"])


@pytest.mark.parametrize("name", KEPT)
def test_a_committed_table_is_of_the_study_as_it_is(name: str) -> None:
    study = study_named(name)
    said = json.loads((findings.FINDINGS / name / "study.json").read_text("utf-8"))
    said.pop("made", None)
    towns = said.pop("replicates")
    now = json.loads(json.dumps(findings.about(study)))
    # More towns and levels may be asked for before they are done; then 'findings age' says so.
    assert towns <= now.pop("replicates")
    done, wanted = said.pop("levels"), now.pop("levels")
    assert said == now and list(done) == list(wanted)
    for factor, levels in done.items():
        if isinstance(levels, dict):
            assert {label: wanted[factor].get(label) for label in levels} == levels
        else:
            assert set(levels) <= set(wanted[factor])
    results, contrasts = findings.kept(name), findings.kept(name, "contrasts")
    factors = [factor.name for factor in study.factors]
    assert set(results.columns) == {*RESULT_COLUMNS, *factors}
    assert set(contrasts.columns) >= {*factors, "varied", "baseline", "difference", "low", "high"}
    assert results["n_replicates"].max() == towns
    assert 0 < results.height + contrasts.height <= _MOST_ROWS
    for factor in study.factors:
        assert results[factor.name].cast(pl.String).unique(maintain_order=True).to_list() == list(
            done[factor.name]
        )
    ordered = results.drop_nulls(["low", "estimate", "high"])
    assert ordered.select(
        ((pl.col("low") <= pl.col("estimate")) & (pl.col("estimate") <= pl.col("high"))).all()
    ).item()
    for measure in results["measure"].unique():
        if measure_named(measure).unit == "share":
            assert results.filter(pl.col("measure") == measure)["estimate"].is_between(0, 1).all()


@pytest.mark.parametrize("name", [*KEPT, findings.AUDITS])
def test_a_page_is_short_and_quotes_its_own_numbers(name: str) -> None:
    text = (DOCS / "findings" / f"{name}.md").read_text("utf-8")
    tables, words = _made(text), text
    for table in tables:
        words = words.replace(table, "")
    # Each further table has a line that says what it is, two marks and two empty lines.
    assert len(words.splitlines()) <= 35 + 5 * len(tables)
    allowed = {number for table in tables for number in re.findall(r"\d[\d,]*\.?\d*", table)}
    if name in KEPT:
        differences = findings.kept(name, "contrasts").select("difference", "low", "high", "unit")
        for *values, unit in differences.iter_rows():
            allowed |= {findings.figure(abs(v), unit) for v in values if v is not None}
    # Numbers with a point, or of two digits before "%" or "days", are findings; others are names and set-up.
    quoted = re.findall(r"\d[\d,]*\.\d+", _said(text))
    assert quoted or name == findings.AUDITS
    assert not [number for number in quoted if number not in allowed]


def test_the_readme_shows_the_table_of_rules() -> None:
    pages = findings.findings_pages()
    readme = DOCS.parent / "README.md"
    assert pages[readme] == readme.read_text("utf-8")
    assert findings.numbers_table(README_RULES, findings.kept("rules")) in pages[readme]


def _finished(folder: Path, name: str, *, seed: int | None = None) -> Path:
    """Make a results folder of a committed table."""
    study = study_named(name)
    folder.mkdir()
    for table in findings.TABLES:
        findings.kept(name, table).write_parquet(folder / f"{table}.parquet")
    levels = {f.name: {label: {} for label in f.labels()} for f in study.factors}
    there = {
        "study": {"id": name, "seed": study.seed if seed is None else seed, "factors": levels},
        "software": {"engine": engine_digest()},
        "scenario": design_of(study).scenario.model_dump(mode="json"),
    }
    (folder / "study.json").write_text(json.dumps(there), encoding="utf-8")
    return folder


def test_keeping_takes_the_rows_of_the_page_and_no_others(tmp_path: Path) -> None:
    done = _finished(tmp_path / "done", "rules")
    more = findings.kept("rules").with_columns(pl.lit("calibration").alias("measure"))
    pl.concat([findings.kept("rules"), more]).write_parquet(done / "results.parquet")
    findings.keep("rules", done, out=tmp_path / "kept")
    assert findings.kept("rules", out=tmp_path / "kept").equals(findings.kept("rules"))
    (age,) = ages(tmp_path / "kept")
    assert age.is_current and age.engine == engine_digest()
    assert engine_digest()[:SHOWN_DIGITS] in made_line("rules", tmp_path / "kept")


def test_a_table_of_another_engine_or_study_is_said_to_be_old(tmp_path: Path) -> None:
    findings.keep("rules", _finished(tmp_path / "done", "rules"), out=tmp_path)
    path = tmp_path / "rules" / "study.json"
    said = json.loads(path.read_text("utf-8"))
    for changes, words in (
        ({"made": {**said["made"], "engine": "0" * 24}}, "another engine"),
        ({"made": {**said["made"], "scenario": "0" * 24}}, "another scenario"),
        ({"replicates": 1}, "1 towns, the study now has"),
        ({"seed": 7}, "other levels or settings"),
    ):
        path.write_text(json.dumps(said | changes), encoding="utf-8")
        (age,) = ages(tmp_path)
        assert not age.is_current and words in age.words
    path.write_text(json.dumps({k: v for k, v in said.items() if k != "made"}), encoding="utf-8")
    assert [age.words for age in ages(tmp_path)] == ["an engine that was not recorded"]


def test_a_digest_of_the_engine_is_of_its_code_and_not_of_its_words(tmp_path: Path) -> None:
    def digest(text: str, name: str = "a.py") -> str:
        folder = tmp_path / "engine"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / name).write_text(text, encoding="utf-8")
        return digest_of([folder])

    code = "x = 1\n\n\ndef f(y):\n    return x + y\n"
    words = (
        "\"\"\"What it is.\"\"\"\nx = 1  # one\n#: More.\n\ndef f(y):\n    '''Add.'''\n    return (x +\n y)\n"
    )
    assert digest(code) == digest(words)
    others = [code.replace(*change) for change in (("1", "2"), ("1", "1.0"), ("1", "'1'"), ("+", "-"))]
    assert len({digest(text) for text in (code, *others)} | {digest(code, "b.py")}) == 6


def test_where_a_map_lies_does_not_make_a_table_old() -> None:
    scenario = design_of(study_named("attackers-columbus")).scenario.model_dump(mode="json")
    elsewhere = {**scenario, "streets": {**scenario["streets"], "map": "/maps/columbus.osm.pbf"}}
    assert scenario_digest(elsewhere) == scenario_digest(scenario)
    assert scenario_digest({**scenario, "days": 3}) != scenario_digest(scenario)
    made = made_with({"scenario": elsewhere, "software": {"engine": "e"}})
    assert made["map"] == "columbus.osm.pbf ?", "the file is not there"


def test_the_best_rival_is_the_one_that_finds_most() -> None:
    strength = Strength(factor="readers", head="readers", criteria=("within-500m",), days=(7, 30))
    shares = {("bayes", 7): 0.3, ("bayes", 30): 0.6, ("a", 7): 0.1, ("a", 30): 0.1, ("b", 7): 0.05}
    shares |= {("b", 30): 0.2, ("prior-alone", 7): 0.01, ("prior-alone", 30): 0.01}
    results = pl.DataFrame(
        [
            {
                "readers": "44", "attacker": who, "target": target, "criterion": "within-500m",
                "measure": "right-at-day", "day": day, "estimate": share, "low": share / 2, "high": 2 * share,
            }
            for (who, day), share in shares.items()
            for target in ("home", "work")
        ]
    )  # fmt: skip
    ratios = results.filter(pl.col("attacker") != "bayes").select(
        pl.exclude("estimate"),
        pl.when(pl.col("day") == 7).then(0.3).otherwise(0.6).truediv("estimate").alias("ratio"),
    )
    best = best_rivals(strength, results, ratios)
    assert best.filter(target="home").select("day", "attacker").rows() == [(7, "a"), (30, "b")]
    first = strength_table(strength, results, best).splitlines()[2]
    assert first == (
        "| 44 | homes within 500 m | 60.0 (30.0–120.0) | 20.0 (10.0–40.0) | b | 1.0 (0.5–2.0) "
        "| 3.0 (0.1–0.2) | 3.0 (0.1–0.4) |"
    )


def test_results_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no finished study"):
        findings.keep("rules", tmp_path, out=tmp_path)
    with pytest.raises(StudyError, match="seed 7, not 'rules' with 1"):
        findings.keep("rules", _finished(tmp_path / "seed", "rules", seed=7), out=tmp_path)
    done = _finished(tmp_path / "towns", "rules")
    fewer = findings.kept("rules").with_columns(n_replicates=pl.lit(2))
    fewer.write_parquet(done / "results.parquet")
    with pytest.raises(StudyError, match="2 towns, 'rules' has"):
        findings.keep("rules", done, out=tmp_path)
    shutil.rmtree(done)


def test_groups_cover_each_resident_on_the_map_three_times() -> None:
    n = 30
    drivers = pl.DataFrame(
        {
            "driver_id": range(n),
            "kind": ["resident"] * (n - 3) + ["visitor"] * 3,
            "home_on_map": [True] * n,
            # A cluster of nine, a looser one, and people far from everybody.
            "home_x_m": [0.0] * 9 + [5_000.0] * 6 + [20_000.0 + 5_000 * i for i in range(n - 15)],
            "home_y_m": [0.0] * n,
            "home_parking": ["street", "driveway", "garage"] * (n // 3),
            "schedule": ["day", "night"] * (n // 2),
        }
    )
    groups = groups_of(drivers)
    assert groups.height == 3 * (n - 3) and groups["driver_id"].n_unique() == n - 3
    dense = groups.filter(pl.col("group") == "dense district")["driver_id"].sort()
    assert dense.to_list() == list(range(9))
    assert groups.filter(pl.col("group") == "parks in the street").height == 9


def test_lower_rungs_know_less_and_attack_only_where_they_are_named() -> None:
    rungs = [attacker.rung for attacker in LOWER_RUNGS]
    assert rungs == sorted(rungs) and max(rungs) < BAYES.rung
    assert not {attacker.name for attacker in LOWER_RUNGS} & set(default_attacker_names())
    assert BAYES.name in default_attacker_names() and attacker_named("bayes-streets") in LOWER_RUNGS
