"""Curves of homes and work places known by day, by attacker, in each case."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from experiments.figures.known import known_curve
from experiments.words import attacker_title
from simulator.privacy.time_to_inference import of_kind, wilson

CRITERION, NEAR_M = "within-250m", 250.0
#: Two meanings of known: found at some time, and found from what can be seen on the day itself.
EVER, NOW = "ever", "now"


def curves_of(
    beliefs: pl.DataFrame, outcomes: pl.DataFrame, drivers: pl.DataFrame
) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return, by target and meaning of known, a curve for each attacker, the best one first.

    Parameters
    ----------
    beliefs, outcomes, drivers
        Tables of a run, or of a case of it.

    Returns
    -------
    dict
        ``[target][meaning]`` is a list of ``attacker, title, n, day, share, low, high`` (95% intervals).
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for target in ("home", "work"):
        ever = known_curve(outcomes, drivers, target=target, criterion=CRITERION)
        found[target] = {EVER: _lines(ever), NOW: _lines(right_now(beliefs, drivers, target))}
    return found


def right_now(beliefs: pl.DataFrame, drivers: pl.DataFrame, target: str) -> pl.DataFrame:
    """Return the share of residents guessed within 250 m from what can be seen on each checkpoint day.

    Returns
    -------
    polars.DataFrame
        ``attacker, day, drivers, share, low, high`` with Wilson's interval.
    """
    rows = (
        of_kind(beliefs, drivers, "resident")
        .filter(pl.col("target").cast(pl.String) == target)
        .group_by(pl.col("attacker").cast(pl.String), "day")
        .agg(pl.len().alias("drivers"), (pl.col("error_m") <= NEAR_M).fill_null(False).sum().alias("right"))
        .sort("attacker", "day")
    )
    low, high = wilson(rows["right"].to_numpy(), np.maximum(rows["drivers"].to_numpy(), 1))
    return rows.select(
        "attacker",
        "day",
        "drivers",
        (pl.col("right") / pl.col("drivers")).alias("share"),
        pl.Series("low", low),
        pl.Series("high", high),
    )


def _lines(curve: pl.DataFrame) -> list[dict[str, Any]]:
    lines = []
    for (name,), rows in curve.group_by("attacker", maintain_order=True):
        lines.append(
            {
                "attacker": str(name),
                "title": attacker_title(str(name)),
                "n": int(rows["drivers"].max() or 0),  # type: ignore[arg-type]
                "day": rows["day"].to_list(),
                **{c: [round(v, 4) for v in rows[c]] for c in ("share", "low", "high")},
            }
        )
    return sorted(lines, key=lambda line: -line["share"][-1])
