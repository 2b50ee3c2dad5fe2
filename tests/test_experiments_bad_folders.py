"""Folders and machines that commands meet in the wild: torn, foreign, read-only, without display or reads."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from engine_town import tiny_scenario
from typer.testing import CliRunner

from experiments import cli
from simulator.run import Run, simulate

ROOT = Path(__file__).resolve().parents[1]
#: Commands on a finished run, with what else they need.
ON_A_RUN = {
    "plot": (),
    "quality": (),
    "replay": (),
    "animate": ("--driver", "3"),
    "utility": (),
    "exposure": ("--place", "worship"),
    "convoys": ("--pairs", "3"),
    "audit": ("--draws", "2"),
    "faces": (),
}
CAP_DAC_OVERRIDE, PR_CAPBSET_DROP = 1, 24


def refused(*words: str | Path) -> str:
    result = CliRunner().invoke(cli.app, [str(w) for w in words])
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 2 and result.stdout == ""
    return " ".join(result.stderr.split())


def folder_of(run: Run) -> Path:
    assert run.folder is not None
    return run.folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = tiny_scenario(days=9, attackers__names=["bayes", "night-mode"])
    return simulate(scenario, seed=2, out=tmp_path_factory.mktemp("runs") / "tiny")


@pytest.mark.parametrize("command", ON_A_RUN)
def test_a_study_in_place_of_a_run_is_told_apart(command: str, tmp_path: Path) -> None:
    (tmp_path / "study.json").write_text("{}")
    said = refused(command, tmp_path, *ON_A_RUN[command])
    assert "holds a study" in said and "platetrail report" in said


@pytest.mark.parametrize("command", [*ON_A_RUN, "report"])
def test_a_folder_of_another_version_names_both(command: str, run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(folder_of(run), other)
    manifest = other / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    said = refused(command, other, *ON_A_RUN.get(command, ()))
    assert "has format 99, this program reads format 1" in said


@pytest.mark.parametrize("command", ["plot", "quality", "replay", "animate", "report"])
def test_a_run_without_beliefs_is_not_whole(command: str, run: Run, tmp_path: Path) -> None:
    torn = tmp_path / "torn"
    shutil.copytree(folder_of(run), torn)
    (torn / "beliefs.parquet").unlink()
    said = refused(command, torn, *ON_A_RUN.get(command, ()))
    assert (
        f"{torn} is not whole: what the run wrote as beliefs.parquet is gone" in said and "--seed 2" in said
    )


@pytest.mark.parametrize("command", [*ON_A_RUN, "report"])
def test_a_folder_that_is_none_is_named(command: str, tmp_path: Path) -> None:
    said = refused(command, tmp_path / "gone", *ON_A_RUN.get(command, ()))
    assert f"{tmp_path / 'gone'} is not a finished result folder" in said


def test_wrong_names_of_figures_get_the_nearest(run: Run) -> None:
    assert "Did you mean 'homes-known'" in refused("plot", folder_of(run), "home-known")


# --- what no command can write to ---


def without_rights() -> Callable[[], None] | None:
    """Return what makes a child obey permission bits even if root started it; None if it does anyway."""
    if os.name != "posix":
        pytest.skip("permission bits work differently here")
    if os.geteuid() != 0:
        return None
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        pytest.skip("root may write anywhere here")
    return lambda: prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)


def in_a_process_of_their_own(
    lines: Iterable[Iterable[str | Path]], *, before: Callable[[], None] | None = None, **environment: str
) -> list[tuple[int, str]]:
    """Return exit code and stderr of some command lines, all in one new process."""
    program = (
        "import json, sys; from typer.testing import CliRunner; from experiments import cli\n"
        "found = [CliRunner().invoke(cli.app, words) for words in json.load(sys.stdin)]\n"
        "print(json.dumps([[f.exit_code, f.stderr + ('' if f.exit_code != 1 else repr(f.exception))]"
        " for f in found]))"
    )
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([[str(word) for word in words] for words in lines]),
        capture_output=True, text=True, check=True, cwd=ROOT, preexec_fn=before, env=kept | environment,
    )  # fmt: skip
    return [(code, " ".join(said.split())) for code, said in json.loads(done.stdout)]


def test_a_read_only_run_is_refused_before_any_work(run: Run, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    shutil.copytree(folder_of(run), locked)
    (locked / "figures").mkdir(exist_ok=True)
    for folder in (locked / "figures", locked):
        folder.chmod(0o555)
    commands = ("plot", "animate", "utility", "exposure", "convoys", "audit", "report")
    lines = [(command, locked, *ON_A_RUN.get(command, ())) for command in commands]
    try:
        for line, (code, said) in zip(
            lines, in_a_process_of_their_own(lines, before=without_rights()), strict=True
        ):
            assert code == 2 and "cannot be written to" in said, (line, said)
            assert "copy the run" in said or "--out" in said
        assert not any(path.name.endswith(".partial") for path in locked.rglob("*"))
    finally:
        locked.chmod(0o755)
        (locked / "figures").chmod(0o755)


def test_a_read_only_place_for_new_results_is_refused(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    small = ("--drivers", "20", "--days", "3")
    lines = [
        ("run", "first-town", *small, "--out", locked),
        ("run", "first-town", *small, "--out", locked / "new"),
        ("sweep", "smoke", "--out", locked / "new"),
        ("reidentify", "first-town", *small, "--out", locked / "new"),
        ("calibration", "first-town", *small, "--figure", locked / "f.png"),
        ("validate", "--quick", "--out", locked),
    ]
    try:
        for line, (code, said) in zip(
            lines, in_a_process_of_their_own(lines, before=without_rights()), strict=True
        ):
            assert code == 2 and str(locked) in said, (line, said)
    finally:
        locked.chmod(0o755)


# --- machines and towns that lack something ---


def test_figures_and_films_need_no_display(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(folder_of(run), folder)
    lines = [("plot", folder, "map"), ("animate", folder, "--driver", "3", "--out", tmp_path / "f.gif")]
    assert [code for code, _ in in_a_process_of_their_own(lines, MPLBACKEND="TkAgg")] == [0, 0]
    assert (folder / "figures" / "map.png").is_file() and (tmp_path / "f.gif").read_bytes()[:3] == b"GIF"


@pytest.mark.parametrize("how", ["no readers", "blind readers"])
def test_a_town_without_a_single_read_gets_its_page_figures_and_a_word(how: str, tmp_path: Path) -> None:
    readers = [{"kind": "fixed", "name": "s", "count": 3, "read_rate": 0.0, "misread_rate": 0.0}]
    scenario = tiny_scenario(
        days=9, readers=readers if how == "blind readers" else [], attackers__names=["bayes", "prior-alone"]
    )
    simulate(scenario, seed=1, out=tmp_path / "run")
    for command in ("report", "plot", "quality", "utility", "exposure"):
        words = [command, str(tmp_path / "run"), *ON_A_RUN.get(command, ())]
        result = CliRunner().invoke(cli.app, words)
        assert result.exit_code == 0, (command, result.output)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "without a single read" in page
    result = CliRunner().invoke(cli.app, ["audit", str(tmp_path / "run"), "--draws", "2"])
    assert result.exit_code == (2 if how == "no readers" else 0)


def test_a_run_in_which_nothing_is_read_says_so(tmp_path: Path) -> None:
    town = tmp_path / "town.toml"
    town.write_text('extends = "first-town"\nid = "t"\ntitle = "T"\nreaders = []\n')
    small = ("--set", "streets.nodes=80", "--set", "streets.area_km2=1.2", "--drivers", "20", "--days", "3")
    names = ("--set", 'attackers.names=["night-mode"]')
    result = CliRunner().invoke(cli.app, ["run", str(town), "--out", str(tmp_path / "r"), *small, *names])
    assert result.exit_code == 0
    assert "Not a single plate was read" in " ".join(result.stdout.split())
