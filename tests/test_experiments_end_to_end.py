"""From a command to a folder of results: one small run, drawn again, replayed, and run in replicates."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from experiments import cli
from experiments.figures import FIGURES
from experiments.running import say_workers
from scenarios import first_town

SMALL = ("--drivers", "60", "--days", "5", "--seed", "3", "--quiet")


def invoke(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli.app, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    out = tmp_path_factory.mktemp("runs") / "town"
    code, text, _ = invoke("run", "first-town", "--out", out, *SMALL)
    assert code == 0
    return out, text


def test_a_run_writes_tables_summary_manifest_and_figures(finished: tuple[Path, str]) -> None:
    out, text = finished
    assert {"manifest.json", "summary.csv", "beliefs.parquet", "outcomes.parquet"} <= {
        p.name for p in out.iterdir()
    }
    assert {p.stem for p in (out / "figures").iterdir()} == set(FIGURES)
    assert not list(out.rglob(".*"))
    assert "Homes known within 250 m" in text
    assert "By day 5" in text


def test_the_printed_share_is_that_of_the_summary(finished: tuple[Path, str]) -> None:
    out, text = finished
    best = (
        pl.read_csv(out / "summary.csv")
        .filter((pl.col("target") == "home") & (pl.col("criterion") == "within-250m") & (pl.col("day") == 5))
        .select(pl.max("share"))
        .item()
    )
    assert f"has had {best:.0%} of homes" in " ".join(text.split())


def test_plot_draws_the_same_pictures_again(finished: tuple[Path, str]) -> None:
    out, _ = finished
    before = {p.name: p.read_bytes() for p in (out / "figures").iterdir()}
    shutil.rmtree(out / "figures")
    assert invoke("plot", out)[0] == 0
    assert {p.name: p.read_bytes() for p in (out / "figures").iterdir()} == before


def test_replay_finds_every_table_the_same(finished: tuple[Path, str]) -> None:
    out, _ = finished
    code, text, message = invoke("replay", out, "--quiet")
    assert "DIFFERENT" not in text
    assert code == 0, message


def test_replay_names_a_table_that_was_changed(finished: tuple[Path, str], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(finished[0], copy)
    summary = pl.read_parquet(copy / "summary.parquet").with_columns(share=pl.lit(1.0))
    meta = pl.read_parquet_metadata(copy / "summary.parquet")
    keep = {key: value for key, value in meta.items() if key.startswith("platetrail")}
    summary.write_parquet(copy / "summary.parquet", metadata=keep)
    code, text, _ = invoke("replay", copy, "--quiet")
    assert code == 1
    changed = [line.split()[0] for line in text.splitlines() if line.endswith("DIFFERENT")]
    assert changed == ["summary"]


def test_force_replaces_results_and_keeps_other_files(finished: tuple[Path, str], tmp_path: Path) -> None:
    out = tmp_path / "copy"
    shutil.copytree(finished[0], out)
    (out / "notes.txt").write_text("mine")
    assert invoke("run", "first-town", "--out", out, *SMALL)[0] == 2
    code, text, _ = invoke("run", "first-town", "--out", out, *SMALL, "--force", "--replicates", "2")
    assert code == 0
    assert "Means over 2 replicates" in text
    assert {p.name for p in out.iterdir()} == {
        "notes.txt",
        "summary.csv",
        "figures",
        "replicate-00",
        "replicate-01",
    }
    table = pl.read_csv(out / "summary.csv", schema_overrides={"replicate": pl.String})
    assert set(table["replicate"]) == {"0", "1", "all"}
    assert invoke("run", "first-town", "--out", out, *SMALL, "--force")[0] == 0
    assert not list(out.glob("replicate-*"))
    assert (out / "notes.txt").read_text() == "mine"


def test_no_readers_find_nobody(tmp_path: Path) -> None:
    none = [f"readers.{name}.count=0" for name in ("street-readers", "patrol-car")]
    by_reads = 'attackers.names=["night-mode", "bayes"]'  # "prior-alone" guesses without any
    code, text, _ = invoke(
        "run", "first-town", "--out", tmp_path / "r", *SMALL,
        "--set", none[0], "--set", none[1], "--set", by_reads,
    )  # fmt: skip
    assert code == 0
    assert "has had 0% of homes" in " ".join(text.split())


def test_more_workers_than_cores_are_allowed_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    say_workers(4096)
    assert "4096 workers on" in capsys.readouterr().err
    say_workers(1)
    assert capsys.readouterr().err == ""


def test_the_script_of_the_first_town_runs() -> None:
    summary = first_town.main(drivers=40, days=3)
    assert set(summary["target"]) >= {"home", "work"}
