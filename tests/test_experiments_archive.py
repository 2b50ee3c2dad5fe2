"""A scenario file with rules of the archive, as a user meets it: shown, cited, refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments import cli
from scenarios import resolve

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return the example on the page about archives."""
    page = (DOCS / "archive.md").read_text("utf-8")
    example = page.split("```toml\n", 1)[1].split("```", 1)[0]
    path = tmp_path / "ours.toml"
    path.write_text(example, "utf-8")
    return path


def _print(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, [str(w) for w in words])
    return result.exit_code, " ".join((result.stdout + result.stderr).split())


def test_the_example_on_the_page_is_what_it_says(file: Path) -> None:
    archive = resolve(file).archive
    assert archive.retention_of("city-police") == 30 and archive.retention_of("data-broker") is None
    assert all(map(archive.may_see, ("city-police", "county-sheriff", "data-broker")))
    assert not archive.may_see("state-police")
    without = archive.model_copy(update={"rules": archive.rules[:2]})
    assert not without.may_see("data-broker")


def test_show_and_cite_tell_the_rules_and_their_law(file: Path) -> None:
    code, shown = _print("show", file)
    assert code == 0
    assert re.search(r"archive\.rules\.sharing\.partners +city-police,.{1,60}federal-agency", shown)
    assert "archive.rules.purchase.owner" in shown and "An agreement County and city share." in shown
    code, cited = _print("cite", file)
    assert code == 0 and "An agreement County and city share." in cited


def test_a_wrong_rule_is_refused_before_anything_is_written(file: Path, tmp_path: Path) -> None:
    code, said = _print(
        "run", file, "--set", "archive.rules.sharing.partners=['city-polce']", "--out", tmp_path / "x"
    )
    assert code == 2 and "'sharing' shares with 'city-polce'" in said and "'city-police'" in said
    assert not (tmp_path / "x").exists()
