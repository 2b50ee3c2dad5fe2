"""Result tables for the terminal, and the combination of replicates."""

from __future__ import annotations

import io
from pathlib import Path

import polars as pl
import pytest
from experiments_frames import ATTACKERS, made_up_run
from rich.console import Console
from scipy import stats

from experiments.replicates import combine_summaries, write_combined
from experiments.report_tables import calibration_table, summary_tables
from experiments.words import attacker_title


def text_of(summary: pl.DataFrame, **options: object) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    for table in summary_tables(summary, **options):  # type: ignore[arg-type]
        console.print(table)
    return console.export_text()


def test_the_best_attacker_comes_first_with_its_share_and_interval() -> None:
    summary = made_up_run().summary
    text = text_of(summary, target="home", criteria=("within-250m",))
    at = [text.index(attacker_title(name)) for name in ("longest-gap", "krumm-last-destination")]
    assert at == sorted(at)
    row = summary.filter(
        (pl.col("attacker") == ATTACKERS[-1])
        & (pl.col("target") == "home")
        & (pl.col("criterion") == "within-250m")
        & (pl.col("day") == 60)
    ).row(0, named=True)
    cell = f"{100 * row['share']:.0f} ({100 * row['share_low']:.0f}–{100 * row['share_high']:.0f})"
    assert cell in text
    assert "% of" in text
    assert "95% interval" in text


def test_a_target_without_rows_has_no_table() -> None:
    assert summary_tables(made_up_run().summary, target="both") == []


def test_replicates_are_averaged_with_students_interval() -> None:
    summaries = [made_up_run(seed=seed).summary for seed in (1, 2, 3)]
    pick = (
        (pl.col("attacker") == "longest-gap")
        & (pl.col("target") == "home")
        & (pl.col("criterion") == "within-250m")
        & (pl.col("day") == 30)
    )
    shares = [s.filter(pick)["share"].item() for s in summaries]
    row = combine_summaries(summaries).filter(pick).row(0, named=True)
    expected = stats.ttest_1samp(shares, 0).confidence_interval()
    assert row["share"] == pytest.approx(sum(shares) / 3)
    assert row["share_low"] == pytest.approx(max(expected.low, 0))
    assert row["share_high"] == pytest.approx(min(expected.high, 1))
    assert row["drivers"] == sum(s.filter(pick)["drivers"].item() for s in summaries)


def test_a_median_that_one_replicate_misses_is_not_averaged() -> None:
    base = made_up_run().summary
    missing = base.with_columns(median_days=pl.lit(None, dtype=pl.Float64))
    found = base.with_columns(median_days=pl.lit(5.0))
    assert combine_summaries([found, missing])["median_days"].is_null().all()
    assert (combine_summaries([found, found])["median_days"] == 5.0).all()


def test_the_combined_file_holds_every_replicate_and_all(tmp_path: Path) -> None:
    summaries = [made_up_run(seed=seed).summary for seed in (1, 2)]
    write_combined(summaries, combine_summaries(summaries), tmp_path / "summary.csv")
    table = pl.read_csv(tmp_path / "summary.csv", schema_overrides={"replicate": pl.String})
    assert table["replicate"].value_counts().sort("replicate")["count"].to_list() == [summaries[0].height] * 3
    assert [p.name for p in tmp_path.iterdir()] == ["summary.csv"]


def test_calibration_counts_only_figures_that_apply() -> None:
    figures = pl.DataFrame(
        {
            "id": ["V4", "V6", "V9"],
            "what": ["reads of a driver", "reads of a patrol car", "trips of a driver"],
            "unit": ["a day", "a day", "a day"],
            "published": [3.9, 1590.0, 2.43],
            "accepted_low": [1.0, 1060.0, 2.31],
            "accepted_high": [6.0, 2385.0, 2.55],
            "simulated": [2.5, float("nan"), 2.9],
            "holds": [True, False, False],
            "applies": [True, False, True],
        }
    )
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(calibration_table(figures, "some-town"))
    lines = console.export_text().splitlines()
    assert "some-town: 1 of 2 figures that apply hold" in lines[0]
    by_id = {line.split()[0]: line.split() for line in lines if line.strip().startswith("V")}
    assert by_id["V4"][-2:] == ["2.5", "yes"]
    assert by_id["V9"][-1] == "NO"
    assert by_id["V6"][-2:] == ["–", "–"]
    assert "1,060–2,385" in by_id["V6"]
