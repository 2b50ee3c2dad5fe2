"""The page of a study: its numbers are those of its results, its switches move the curves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from browser import chromium, open_page
from typer.testing import CliRunner

from experiments.cli import app
from experiments.report.study import study_content


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("studies") / "small"
    file = folder.with_suffix(".toml")
    file.write_text(
        'id = "small"\ntitle = "Small"\nscenario = "first-town"\nreplicates = 2\ndays = [2, 4]\n'
        "[set]\ndays = 4\npeople.drivers = 30\nstreets.nodes = 80\nstreets.area_km2 = 1.2\n"
        'travel.route_variants = 2\nattackers.names = ["night-mode", "longest-gap"]\n'
        "attackers.checkpoint_days = [2, 4]\n"
        '[[factors]]\nname = "kept"\npath = "archive.retention_days"\nvalues = [1, 4]\n'
        '[[factors]]\nname = "readers"\npath = "readers.street-readers.count"\nvalues = [4, 8]\n'
    )
    result = CliRunner().invoke(app, ["sweep", str(file), "--out", str(folder), "-q"])
    assert result.exit_code == 0, result.output
    return folder


def test_curves_are_the_results(study: Path) -> None:
    content: dict[str, Any] = study_content(study)
    results = pl.read_parquet(study / "results.parquet")
    checked = 0
    for view in content["views"]:
        measure, criterion = view["key"].split("/")
        for cell in view["cells"]:
            for day, share in zip(cell["day"], cell["share"], strict=True):
                row = results.filter(
                    (pl.col("measure") == measure)
                    & (pl.col("criterion") == criterion)
                    & (pl.col("kept") == cell["levels"][0])
                    & (pl.col("readers") == cell["levels"][1])
                    & (pl.col("target") == cell["target"])
                    & (pl.col("attacker") == cell["attacker"])
                    & (pl.col("day") == day)
                )
                assert row.height == 1
                assert row["estimate"][0] == pytest.approx(share, abs=1e-4)
                checked += 1
    assert checked > 50


def test_levels_are_switches(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "study.html"
    assert CliRunner().invoke(app, ["report", str(study), "--out", str(page)]).exit_code == 0
    with chromium() as browser:
        opened = open_page(browser, page)
        assert opened.complaints == [] and opened.requests == [page.as_uri()]
        tab = opened.page
        seen = {tab.inner_text("#curves-finding")}
        for switch in ("input[name='kept'][value='4']", "input[name='readers'][value='8']"):
            tab.check(switch, force=True)
            seen.add(tab.inner_text("#curves-finding"))
        assert len(seen) == 3
        axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
        found = axe.run(tab, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in found] == []


def test_an_unfinished_study_is_told_so(study: Path, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_bytes((study / "study.json").read_bytes())
    result = CliRunner().invoke(app, ["report", str(tmp_path)])
    assert result.exit_code == 2 and "is not finished" in result.output
