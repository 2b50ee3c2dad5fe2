"""How good attackers are at whom: by schedule and kind of driver, with what they claim in vain.

Shares are of drivers, not of guesses, with Wilson's 95% interval (:func:`~.time_to_inference.wilson`). They
are about guesses at one checkpoint, not about the first right one.
"""

from __future__ import annotations

import polars as pl

from simulator.privacy.time_to_inference import wilson
from simulator.tables import SCHEMAS

#: A claim is sure from this confidence on.
SURE = 0.5
#: What :func:`quality` measures, in its order.
MEASURES = ("recall", "abstained", "false-claim", "sure-false-claim")

_KEYS = ("attacker", "target", "day", "kind", "schedule")
_COLUMNS = {
    **dict.fromkeys(("attacker", "target"), pl.String),
    "day": pl.Int32,
    **dict.fromkeys(("kind", "schedule", "measure"), pl.String),
    "drivers": pl.Int32,
    **dict.fromkeys(("share", "share_low", "share_high"), pl.Float64),
}


def quality(
    beliefs: pl.DataFrame,
    claims: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    within_m: float = 250.0,
    sure: float = SURE,
) -> pl.DataFrame:
    """Measure guesses by attacker, target, checkpoint, kind and schedule of drivers.

    Parameters
    ----------
    beliefs, claims, drivers
        Tables of a run.
    within_m
        A guess is right if it is no farther off than this, metres.
    sure
        Least confidence of a claim that counts as sure. For attackers without a posterior the confidence is a
        score of their own, and sure ones of two attackers cannot be compared.

    Returns
    -------
    pl.DataFrame
        Columns attacker, target, day, kind, schedule, measure, drivers, share, share_low, share_high. Kind
        and schedule are "all" in rows about all of them.

        ``recall``
            Guessed right, of drivers who have such a place on the map; abstentions are not right.
        ``abstained``
            No guess, of the same drivers.
        ``false-claim``
            Some work place named, of drivers who have none at all.
        ``sure-false-claim``
            The same with a confidence of at least ``sure``.
    """
    who = drivers.select(
        pl.col("driver_id").cast(pl.Int32),
        pl.col("kind").cast(pl.String),
        pl.col("schedule").cast(pl.String),
        "home_on_map",
        "work_on_map",
    )
    guesses = _plain(beliefs).join(who, on="driver_id", how="inner")
    about_home = pl.col("target") == "home"
    guesses = guesses.filter(pl.when(about_home).then("home_on_map").otherwise("work_on_map"))
    named = _plain(claims.with_columns(pl.lit("work").alias("target"))).join(who, on="driver_id", how="inner")
    some = pl.col("x_m").is_not_null()
    parts = [
        _shares(guesses, "recall", (pl.col("error_m") <= within_m).fill_null(False)),
        _shares(guesses, "abstained", ~some),
        _shares(named, "false-claim", some),
        _shares(named, "sure-false-claim", some & (pl.col("confidence") >= sure).fill_null(False)),
    ]
    return pl.concat(parts)


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        pl.col("attacker", "target").cast(pl.String), pl.col("driver_id", "day").cast(pl.Int32)
    )


def _shares(frame: pl.DataFrame, measure: str, hit: pl.Expr) -> pl.DataFrame:
    """Count hits over all drivers, by kind, by schedule, and by both."""
    everybody = pl.lit("all")
    counted = [
        frame.with_columns(hit.alias("hit"), **over)
        .group_by(_KEYS)
        .agg(pl.len().cast(pl.Int32).alias("drivers"), pl.col("hit").sum().cast(pl.Int64).alias("hits"))
        for over in (
            {"kind": everybody, "schedule": everybody},
            {"schedule": everybody},
            {"kind": everybody},
            {},
        )
    ]
    counts = pl.concat([c.select(*_KEYS, "drivers", "hits") for c in counted])
    if not counts.height:
        return pl.DataFrame(schema=_COLUMNS)
    low, high = wilson(counts["hits"].to_numpy(), counts["drivers"].to_numpy())
    return (
        counts.with_columns(
            pl.lit(measure).alias("measure"),
            (pl.col("hits") / pl.col("drivers")).alias("share"),
            pl.Series("share_low", low, dtype=pl.Float64),
            pl.Series("share_high", high, dtype=pl.Float64),
        )
        .select(list(_COLUMNS))
        .sort(
            "target", "attacker", "day",
            pl.col("kind").cast(pl.Enum(["all", *_words("kind")])),
            pl.col("schedule").cast(pl.Enum(["all", *_words("schedule")])),
        )
    )  # fmt: skip


def _words(column: str) -> list[str]:
    kind = SCHEMAS["drivers"].columns[column]
    assert isinstance(kind, pl.Enum)
    return kind.categories.to_list()
