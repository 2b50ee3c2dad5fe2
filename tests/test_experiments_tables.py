"""Result tables for the terminal, and the combination of replicates."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from experiments_frames import ATTACKERS, made_up_run
from rich.console import Console
from scipy import stats

from experiments.replicates import combine_summaries, write_combined
from experiments.report_tables import summary_tables
from experiments.words import attacker_title


def text_of(summary: pl.DataFrame, **options: object) -> str:
    console = Console(width=160, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
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
