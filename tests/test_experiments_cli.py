"""The command line: what it prints, and how it refuses what cannot work."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from polars.exceptions import ComputeError
from typer.testing import CliRunner

from experiments import cli
from scenarios import scenario_names
from simulator.errors import TableError

COMMANDS = ("list", "show", "run", "calibrate", "plot", "demo", "cite", "replay", "bench")


def invoke(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, " ".join(result.stderr.split())


def refused(*words: str | Path) -> str:
    code, _, message = invoke(*words)
    assert code == 2
    assert "Traceback" not in message
    return message


def test_help_names_every_command_and_shows_examples() -> None:
    code, text, _ = invoke("--help")
    assert code == 0
    assert all(f"  {command} " in text for command in COMMANDS)
    assert "platetrail run first-town" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str) -> None:
    code, text, _ = invoke(command, "--help")
    assert code == 0
    assert text.startswith("Usage:")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys, experiments.cli\n"
        "heavy = {'numpy', 'polars', 'numba', 'matplotlib', 'scipy', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_list_names_every_scenario() -> None:
    code, text, _ = invoke("list")
    assert code == 0
    assert all(name in text for name in scenario_names())


@pytest.mark.parametrize("name", scenario_names())
def test_show_gives_question_parameters_and_sources(name: str) -> None:
    code, text, _ = invoke("show", name)
    assert code == 0
    assert "people.drivers" in text
    assert "Sources" in text


def test_shown_toml_is_a_scenario_again(tmp_path: Path) -> None:
    code, text, _ = invoke("show", "first-town", "--toml")
    copy = tmp_path / "copy.toml"
    copy.write_text(text)
    assert code == 0
    assert invoke("show", copy)[1] == invoke("show", "first-town")[1]
    assert invoke("show", copy, "--toml")[1] == text


def test_cite_gives_program_attackers_and_sources() -> None:
    code, text, _ = invoke("cite", "norfolk-density")
    assert code == 0
    assert "@software{platetrail" in text
    assert "Krumm" in text
    assert "Norfolk" in text


def test_an_unknown_scenario_gets_the_nearest_names(tmp_path: Path) -> None:
    assert "Did you mean 'norfolk-density'?" in refused("run", "norfolk-denisty", "--out", tmp_path / "r")
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("people.drviers=5", "Did you mean 'drivers'"),
        ("people.drivers=0", "'people.drivers' = 0"),
        ("people.drivers=many", "'people.drivers' = 'many'"),
        ("people", "not of the form part.field=value"),
        ("readers.street-reader.count=3", "Did you mean 'street-readers'"),
        ("readers.street-readers.read_rate=1.2", "read_rate' = 1.2"),
        ('attackers.names=["night-mod"]', "Did you mean 'night-mode'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_explained(tmp_path: Path, setting: str, expected: str) -> None:
    assert expected in refused("run", "first-town", "--out", tmp_path / "r", "--set", setting)


def test_zero_days_are_refused(tmp_path: Path) -> None:
    assert "'days' = 0" in refused("run", "first-town", "--out", tmp_path / "r", "--days", "0")


def test_a_syntax_error_is_given_with_file_and_line(tmp_path: Path) -> None:
    torn = tmp_path / "torn.toml"
    torn.write_text('id = "torn"\ntitle = \n')
    message = refused("show", torn)
    assert "torn.toml is not valid TOML" in message
    assert "line 2" in message


def test_a_map_is_asked_for_and_missed_by_name(tmp_path: Path) -> None:
    assert "give one with --map FILE" in refused("run", "real-streets", "--out", tmp_path / "r")
    missing = tmp_path / "gone.osm.pbf"
    message = refused("run", "real-streets", "--out", tmp_path / "r", "--map", missing)
    assert f"no map file {missing}" in message


def test_missing_reader_positions_are_named(tmp_path: Path) -> None:
    message = refused(
        "run", "first-town", "--out", tmp_path / "r",
        "--set", "readers.street-readers.placement=file", "--set", "readers.street-readers.file=gone.geojson",
    )  # fmt: skip
    assert "'street-readers'" in message
    assert "gone.geojson" in message


def test_a_full_folder_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    message = refused("run", "first-town", "--out", tmp_path)
    assert "not empty" in message
    assert "--force" in message
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_the_demo_does_not_touch_a_folder_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    assert "not empty" in refused("demo", "--out", tmp_path)


def test_an_unknown_table_is_named(tmp_path: Path) -> None:
    message = refused("run", "first-town", "--out", tmp_path / "r", "--tables", "sightings,trip")
    assert "Did you mean 'trips'?" in message


def test_an_interrupt_ends_the_command_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.app.registered_commands[0], "callback", interrupted)
    code, _, message = invoke("list")
    assert code == 130
    assert "half-written" in message


@pytest.mark.parametrize("how", ["plain", "wrapped", "in words"])
def test_a_full_disk_is_named(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    def full() -> None:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if how == "wrapped":
            raise TableError("Table 'beliefs' could not be written.") from error
        if how == "in words":
            raise ComputeError(f"parquet: underlying IO error: {os.strerror(errno.ENOSPC)} (os error 28)")
        raise error

    monkeypatch.setattr(cli.app.registered_commands[0], "callback", full)
    assert "The disk is full: make room" in refused("list")


def test_a_fault_of_the_program_itself_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.app.registered_commands[0], "callback", broken)
    assert isinstance(CliRunner().invoke(cli.app, ["list"]).exception, ZeroDivisionError)
