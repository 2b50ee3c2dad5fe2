"""Manners of the command line: JSON and quiet modes, exit codes, completion, examples, plain pipes."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import typer.main
from engine_town import tiny_scenario
from typer.core import TyperGroup
from typer.testing import CliRunner

from experiments import cli, completion
from experiments.cli_help import EXAMPLES
from experiments.figures import FIGURES
from experiments.prepare import BIG_TABLES
from experiments.sweep.spec import study_names
from experiments.terminal import EXIT_CODES, plain, share_of_run
from scenarios import scenario_names
from simulator.run import Run, simulate
from simulator.tables import read_table, write_table

ROOT = Path(__file__).resolve().parents[1]
GROUP = typer.main.get_command(cli.app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = tuple(GROUP.commands)
TINY = (
    "--drivers", "20", "--days", "3", "--set", "streets.nodes=80", "--set", "streets.area_km2=1.2",
    "--set", 'attackers.names=["night-mode"]', "--set", "travel.route_variants=1",
)  # fmt: skip


def invoke(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def document(*words: str | Path) -> Any:
    code, out, _ = invoke(*words)
    assert code == 0
    return json.loads(out)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = tiny_scenario(days=5, attackers__names=["bayes", "night-mode"])
    return simulate(scenario, seed=2, out=tmp_path_factory.mktemp("runs") / "tiny")


# --- JSON and quiet ---


def test_a_run_answers_with_one_document_and_nothing_else(tmp_path: Path) -> None:
    found = document("run", "first-town", "--out", tmp_path / "r", *TINY, "--json")
    assert (found["command"], found["scenario"], found["drivers"], found["days"]) == (
        "run",
        "first-town",
        20,
        3,
    )
    summary = read_table("summary", tmp_path / "r" / "summary.parquet")
    assert len(found["summary"]) == summary.height
    assert found["summary"][0]["share"] == pytest.approx(summary["share"][0])
    assert [Path(path).is_file() for path in found["figures"]]
    # The drawn seed makes the same run again.
    again = document(
        "--json", "run", "first-town", "--out", tmp_path / "s", *TINY, "--seed", str(found["seed"])
    )
    assert again["summary"] == found["summary"]


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ("list", "scenarios"),
        ("list --studies", "studies"),
        ("sweep --list", "studies"),
        ("sweep smoke --dry-run", "cost"),
        ("show first-town", "scenario"),
        ("show first-town --toml", "toml"),
        ("cite first-town", "attackers"),
        ("plot RUN map", "figures"),
        ("quality RUN", "table"),
        ("replay RUN", "tables"),
        ("audit RUN --draws 2", "table"),
        ("report RUN", "page"),
        ("--version", "platetrail"),
    ],
)
def test_every_command_has_a_document(run: Run, words: str, key: str) -> None:
    found = document(*words.replace("RUN", str(run.folder)).split(), "--json")
    assert found["platetrail"] and found[key]
    if key in ("scenarios", "studies"):
        wanted = scenario_names() if key == "scenarios" else study_names()
        assert {row["name"] for row in found[key]} == set(wanted)


def test_a_shown_scenario_in_json_is_whole() -> None:
    assert document("show", "first-town", "--json")["scenario"]["people"]["drivers"] == 400


def test_errors_are_documents_too(tmp_path: Path) -> None:
    for words, name, part in (
        (("show", "frist-town"), "ScenarioError", "'first-town'"),
        (("plot", tmp_path), "TableError", "not a finished result folder"),
        (("run",), "UsageError", "--out"),
        (("run", "first-town", "--out", tmp_path / "r", "--workers", "0"), "UsageError", "--workers"),
        (("lst",), "UsageError", "'list'"),
        (("list", "--al"), "UsageError", "--al"),
    ):
        for line in (("--json", *words), (*words, "--json")):
            code, out, err = invoke(*line)
            found = json.loads(out)
            assert (code, found["exit_code"], found["error"]) == (2, 2, name)
            assert part in found["message"]
            assert err.strip()  # people who watch are told, too


def test_a_difference_found_is_an_answer_and_exit_code_1(run: Run, tmp_path: Path) -> None:
    assert run.folder is not None
    edited = tmp_path / "edited"
    shutil.copytree(run.folder, edited)
    table = read_table("outcomes", edited / "outcomes.parquet")
    write_table("outcomes", table.with_columns(days=pl.col("days") + 1), edited / "outcomes.parquet")
    code, out, _ = invoke("replay", edited, "--json")
    found = json.loads(out)
    assert code == 1 and found["same"] is False
    assert [name for name, same in found["tables"].items() if not same] == ["outcomes"]
    code, out, err = invoke("replay", edited)
    assert code == 1 and "outcomes             DIFFERENT" in out and "Not all tables" in err


def test_quiet_leaves_the_answer_alone(tmp_path: Path) -> None:
    for i, words in enumerate((("-q", "run"), ("run", "--quiet"))):
        code, out, err = invoke(*words, "first-town", "--out", tmp_path / str(i), *TINY)
        assert code == 0 and err == "" and "of homes within 250 m" in " ".join(out.split())
    code, out, err = invoke("run", "first-town", "--out", tmp_path / "loud", *TINY)
    assert "Seed" in err and "Results:" in err


def test_what_json_cannot_hold_is_put_in_its_terms() -> None:
    frame = pl.DataFrame({"x": [1.0, float("nan"), float("inf")], "y": ["a", None, "b"]})
    assert plain({"f": frame, 3: Path("a/b"), "t": (True, 2)}) == {
        "f": [{"x": 1.0, "y": "a"}, {"x": None, "y": None}, {"x": None, "y": "b"}],
        "3": "a/b",
        "t": [True, 2],
    }


# --- help and exit codes ---


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_examples_that_work(command: str) -> None:
    code, text, _ = invoke(command, "--help")
    assert code == 0 and "Example" in text and "--json" in text and "--quiet" in text
    for line in EXAMPLES[command]:
        words = shlex.split(re.split(r" > | && ", line)[0])
        assert words[:2] == ["platetrail", command]
        GROUP.commands[command].make_context(command, words[2:])  # fails on unknown options or arguments
        assert line.split()[-1] in text
    assert all(len(line) <= 80 for line in text.splitlines())


def test_exit_codes_are_said_in_help_and_docs() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    text = invoke("--help")[1]
    for code, words in EXIT_CODES.items():
        assert f"{code:>5}  {words}" in text
        assert f"| {code} | {words}" in page


def test_as_a_module_it_has_the_same_name() -> None:
    for words in (["--help"], ["run"], ["nope"]):
        done = [
            subprocess.run([*how, *words], capture_output=True, text=True, check=False, cwd=ROOT)
            for how in (
                [sys.executable, "-m", "experiments"],
                [sys.executable, "-c", "from experiments.cli import main; main()"],
            )
        ]
        assert "Usage: platetrail" in done[0].stdout + done[0].stderr
        assert (done[0].stdout, done[0].stderr, done[0].returncode) == (
            done[1].stdout,
            done[1].stderr,
            done[1].returncode,
        )


# --- the terminal ---


def test_a_pipe_gets_no_control_characters_and_may_close_early(tmp_path: Path) -> None:
    environment = {**os.environ, "COLUMNS": "100"}
    words = [sys.executable, "-m", "experiments", "run", "first-town", "--out", str(tmp_path / "r"), *TINY]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", done.stdout + done.stderr)
    line = f"{shlex.quote(sys.executable)} -m experiments list | head -1"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "Places\n" and "Traceback" not in done.stderr


@pytest.mark.parametrize("no_color", [False, True])
def test_colours_are_for_terminals_that_want_them(no_color: bool) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    environment |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    main, other = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "experiments", "list"], stdout=other, stderr=other, cwd=ROOT, env=environment
    ) as child:
        os.close(other)
        shown = b""
        try:
            while part := os.read(main, 65_536):
                shown += part
        except OSError:  # how a pseudo-terminal says that it is over
            pass
    os.close(main)
    assert child.returncode == 0 and b"first-town" in shown
    assert (re.search(rb"\x1b\[(3|9)\d", shown) is None) == no_color


def test_an_interrupt_is_told_and_leaves_an_unfinished_folder(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    words = [sys.executable, "-m", "experiments", "run", "norfolk-density", "--out", str(folder), "--json"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        for _ in range(600):
            if folder.is_dir():
                break
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert json.loads(out) == {
        "error": "Interrupted",
        "message": "Stopped. No table was left half-written.",
        "exit_code": 130,
    }
    assert "Traceback" not in err
    assert "not a finished result folder" in invoke("plot", folder)[2]


def test_progress_never_runs_backwards() -> None:
    stages = ("streets", "people", "routes", "readers", "drive", "attack", "summarise", "write", "figures")
    shares = [share_of_run(stage, done) for stage in stages for done in (0.0, 0.5, 1.0)]
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] == pytest.approx(1)


# --- completion ---


def completed(words: str, *, cwd: Path = ROOT) -> list[str]:
    """Return what bash offers for a line, asked as its completion function asks."""
    parts = words.split(" ")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "_PLATETRAIL_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(parts),
        "COMP_CWORD": str(len(parts) - 1),
    }
    program = [sys.executable, "-m", "experiments"]
    done = subprocess.run(program, capture_output=True, text=True, check=True, cwd=cwd, env=environment)
    return done.stdout.split()


def test_bash_completes_commands_names_and_folders(tmp_path: Path, run: Run) -> None:
    assert run.folder is not None
    shutil.copytree(run.folder, tmp_path / "runs" / "deep" / "first")
    (tmp_path / "runs" / "empty").mkdir()
    (tmp_path / "studies" / "s").mkdir(parents=True)
    (tmp_path / "studies" / "s" / "study.json").write_text("{}")
    assert completed("platetrail re") == ["replay", "report", "reidentify"]
    assert completed("platetrail show first") == ["first-town"]
    assert completed("platetrail sweep smo") == ["smoke"]
    assert completed("platetrail run first-town --tables sightings,") == ["sightings,trips"]
    assert completed("platetrail plot ru", cwd=tmp_path) == ["runs/deep/first"]
    assert completed("platetrail plot runs/deep/first homes") == ["homes-known"]
    assert completed("platetrail report ", cwd=tmp_path) == ["runs/deep/first", "studies/s"]


def test_bash_takes_the_completion_script() -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    script = subprocess.run(
        [sys.executable, "-m", "experiments", "--show-completion", "bash"],
        capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, "SHELL": bash},
    ).stdout  # fmt: skip
    ask = (
        f"platetrail() {{ {shlex.quote(sys.executable)} -m experiments; }}; export -f platetrail\n{script}\n"
        'COMP_WORDS=(platetrail show first); COMP_CWORD=2; _platetrail_completion "bash -c platetrail"\n'
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    ).replace("$1 ) )", "bash -c platetrail ) )")
    done = subprocess.run([bash, "-c", ask], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["first-town"], done.stderr


def test_completed_names_are_those_of_the_program() -> None:
    assert completion.scenarios("") == sorted(scenario_names())
    assert completion.studies("") == sorted(study_names())
    assert tuple(FIGURES) == completion.FIGURE_NAMES
    assert completion.BIG_TABLES == BIG_TABLES


def test_completion_imports_nothing_heavy() -> None:
    program = (
        "import sys; from experiments import cli, completion\n"
        "completion.scenarios(''), completion.studies(''), completion.run_folders('')\n"
        "heavy = {'numpy', 'polars', 'numba', 'matplotlib', 'scipy', 'pydantic', 'rich'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
