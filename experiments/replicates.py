"""Several replicates of a scenario: run, kept in a folder each, and summarised together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from simulator.errors import TableError
from simulator.results import prepare_folder

_KEYS = ["attacker", "target", "criterion", "day"]


def replicate_folder(out: Path, replicate: int) -> Path:
    """Return where a replicate's results go: ``replicate-00`` and so on."""
    return out / f"replicate-{replicate:02d}"


def clear_replicates(out: Path) -> None:
    """Remove what earlier runs with replicates wrote to a folder; other files stay."""
    for folder in sorted(out.glob("replicate-[0-9][0-9]*")):
        if folder.is_dir():
            prepare_folder(folder, force=True)
            for empty in (folder / "figures", folder):
                if empty.is_dir() and not any(empty.iterdir()):
                    empty.rmdir()


def combine_summaries(summaries: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the mean of each share and median over replicates, with the interval of that mean.

    The interval is Student's, from the spread between replicates, and thus holds what a single run's
    interval cannot know: how much another town drawn in the same way would differ. A median that some
    replicate did not reach is null.

    Parameters
    ----------
    summaries
        Tables ``summary``, two or more.
    """
    stacked = pl.concat([s.with_columns(replicate=pl.lit(i)) for i, s in enumerate(summaries)])
    n = len(summaries)
    reach = float(stats.t.ppf(0.975, n - 1)) / np.sqrt(n)
    half = reach * pl.col("share").std()
    half_median = reach * pl.col("median_days").std()
    whole = pl.col("median_days").count() == n
    return (
        stacked.group_by(_KEYS, maintain_order=True)
        .agg(
            drivers=pl.col("drivers").sum(),
            share=pl.col("share").mean(),
            share_low=(pl.col("share").mean() - half).clip(0, 1),
            share_high=(pl.col("share").mean() + half).clip(0, 1),
            median_days=pl.when(whole).then(pl.col("median_days").mean()),
            median_days_low=pl.when(whole).then((pl.col("median_days").mean() - half_median).clip(0)),
            median_days_high=pl.when(whole).then(pl.col("median_days").mean() + half_median),
        )
        .select("attacker", "target", "criterion", "drivers", "day", pl.exclude(*_KEYS, "drivers"))
    )


def write_combined(summaries: Sequence[pl.DataFrame], combined: pl.DataFrame, path: Path) -> None:
    """Write all replicates' summaries and their combination (replicate "all") as one CSV file, whole.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    parts = [(str(i), s.select(combined.columns)) for i, s in enumerate(summaries)] + [("all", combined)]
    table = pl.concat(
        [
            part.select(pl.lit(name).alias("replicate"), pl.all()).cast({"drivers": pl.Int64})
            for name, part in parts
        ],
        how="vertical_relaxed",
    )
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        table.write_csv(partial)
        os.replace(partial, path)
    except OSError as error:
        raise TableError(f"{path} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
