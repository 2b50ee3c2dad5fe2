"""Measures of a cell: each gives one number a driver, so that cells can be compared driver by driver.

A measure is a small function of a cell's tables, entered with :func:`register` and named in a study's
``measures``. What it yields has the columns of :data:`KEYS`, ``driver_id`` and ``value``; what becomes of the
values over drivers and replicates is the ``statistic``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import polars as pl

from simulator.errors import StudyError, did_you_mean
from simulator.privacy.criteria import CRITERIA, DISTANCES_M, FOR_GOOD, POSTERIOR_CRITERIA
from simulator.privacy.posterior import KNOWN_MASS, KNOWN_RADIUS_M
from simulator.privacy.time_to_inference import of_kind

#: What a number is about; ``day`` is 0 where a measure is about no single day.
KEYS = ("attacker", "target", "criterion", "measure", "day")
ALL_CRITERIA = (*CRITERIA, *POSTERIOR_CRITERIA, *(c + FOR_GOOD for c in POSTERIOR_CRITERIA))
#: Measures that a study's criteria are for; the others have criteria of their own.
BY_CRITERION = ("known-by-day", "median-days", "restricted-mean-days")
#: Shares of drivers who are found, of which attackers are compared by their ratio.
FOUND = ("known-by-day", "right-at-day")
#: Criteria that 'right-at-day' knows, with their distances; the first is always measured.
RIGHT_WITHIN_M = {f"within-{d}m": d for d in sorted(DISTANCES_M, key=lambda d: (d != KNOWN_RADIUS_M, d))}
LEVELS = (0.5, 0.8, 0.9, 0.95)

Unit = Literal["share", "days", "m", "reads"]


@dataclass(frozen=True, kw_only=True)
class CellTables:
    """What a cell keeps, of residents who drive; work places are those on the map.

    Parameters
    ----------
    beliefs, outcomes, claims, drivers
        Tables as of a run.
    criteria, days
        What the study asks for; ``days`` are checkpoints of the cell.
    probes
        Tables of the probes that its measures want (:mod:`experiments.sweep.probes`).
    """

    beliefs: pl.DataFrame
    outcomes: pl.DataFrame
    claims: pl.DataFrame
    drivers: pl.DataFrame
    criteria: tuple[str, ...]
    days: tuple[int, ...]
    probes: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @cached_property
    def chosen_outcomes(self) -> pl.DataFrame:
        """Outcomes of the criteria asked for, text columns as text."""
        chosen = of_kind(self.outcomes, self.drivers, "resident")
        return _text(chosen, "attacker", "target", "criterion").filter(
            pl.col("criterion").is_in(list(self.criteria))
        )

    @cached_property
    def chosen_beliefs(self) -> pl.DataFrame:
        """Beliefs at the days asked for, text columns as text."""
        return self._beliefs_of("resident")

    @cached_property
    def beliefs_without_a_car(self) -> pl.DataFrame:
        """The same of people without a car, who are no drivers (:mod:`simulator.people.car_free`)."""
        return self._beliefs_of("car-free")

    @cached_property
    def beliefs_of_all_drivers(self) -> pl.DataFrame:
        """The same of everybody with a car, wherever they live and work.

        A posterior is honest over all drivers that it may be about: among those whose place is on the map,
        which the adversary does not know, it need not be.
        """
        drivers = self.drivers.filter(pl.col("kind") != "car-free").select("driver_id")
        chosen = self.beliefs.join(drivers, on="driver_id", how="semi")
        return _text(chosen.filter(pl.col("day").is_in(list(self.days))), "attacker", "target")

    def _beliefs_of(self, kind: str) -> pl.DataFrame:
        chosen = of_kind(self.beliefs, self.drivers, kind)
        return _text(chosen.filter(pl.col("day").is_in(list(self.days))), "attacker", "target")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One thing that is measured.

    Parameters
    ----------
    name, words
        Name in a study, and for people.
    unit
        Of the values; values of shares are 0 or 1.
    statistic
        What is reported of the values: their mean, or their median (infinite values are "not reached").
    values
        The function; columns ``attacker, target, criterion, day, driver_id, value``.
    probe
        Name of the probe whose table it reads, if any.
    """

    name: str
    words: str
    unit: Unit
    statistic: Literal["mean", "median"] = "mean"
    values: Callable[[CellTables], pl.DataFrame]
    probe: str | None = None


_REGISTRY: dict[str, Measure] = {}


def register(measure: Measure) -> Measure:
    """Enter a measure under its name; a name can be taken once."""
    if measure.name in _REGISTRY:
        raise ValueError(f"A measure named '{measure.name}' is registered already.")
    _REGISTRY[measure.name] = measure
    return measure


def measure_named(name: str) -> Measure:
    """Return a measure.

    Raises
    ------
    StudyError
        If there is none of that name; the message gives the nearest names.
    """
    if name not in _REGISTRY:
        raise StudyError(f"No measure is called '{name}'. {did_you_mean(name, _REGISTRY)}")
    return _REGISTRY[name]


def measure_names() -> tuple[str, ...]:
    """Return all names in order of registration."""
    return tuple(_REGISTRY)


def probes_of(measures: Iterable[str]) -> tuple[str, ...]:
    """Return the probes that some measures want."""
    wanted = (measure_named(name).probe for name in measures)
    return tuple(dict.fromkeys(probe for probe in wanted if probe is not None))


def check_criteria(criteria: Iterable[str]) -> None:
    """Refuse criteria that there are not.

    Raises
    ------
    StudyError
        With the nearest right names.
    """
    for name in criteria:
        if name not in ALL_CRITERIA:
            raise StudyError(f"No criterion is called '{name}'. {did_you_mean(name, ALL_CRITERIA)}")


def driver_values(tables: CellTables, measures: Iterable[str]) -> pl.DataFrame:
    """Return all values of some measures: columns of :data:`KEYS`, ``driver_id`` and ``value``."""
    parts = []
    for measure in map(measure_named, measures):
        found = measure.values(tables).with_columns(pl.lit(measure.name).alias("measure"))
        parts.append(
            found.select(
                *(pl.col(k).cast(pl.String) for k in KEYS[:-1]),
                pl.col("day").cast(pl.Int32),
                pl.col("driver_id").cast(pl.Int32),
                pl.col("value").cast(pl.Float64),
            )
        )
    return pl.concat(parts)


def _text(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    return frame.with_columns(pl.col(c).cast(pl.String) for c in columns)


def _known_by_day(tables: CellTables) -> pl.DataFrame:
    known = pl.col("observed") & (pl.col("days") <= pl.col("day"))
    days = pl.DataFrame({"day": pl.Series(tables.days, dtype=pl.Int32)})
    return tables.chosen_outcomes.join(days, how="cross").with_columns(known.alias("value"))


def _days(tables: CellTables, held_out: pl.Expr) -> pl.DataFrame:
    value = pl.when("observed").then(pl.col("days").cast(pl.Float64)).otherwise(held_out)
    return tables.chosen_outcomes.with_columns(value.alias("value"), pl.lit(0).alias("day"))


def _right_at_day(tables: CellTables) -> pl.DataFrame:
    return pl.concat(
        _about_beliefs(tables.chosen_beliefs, criterion, (pl.col("error_m") <= distance).fill_null(False))
        for criterion, distance in RIGHT_WITHIN_M.items()
        if distance == KNOWN_RADIUS_M or criterion in tables.criteria
    )


def _about_beliefs(
    rows: pl.DataFrame, criterion: str, value: pl.Expr, who: pl.Expr | None = None
) -> pl.DataFrame:
    rows = rows if who is None else rows.filter(who)
    return rows.select(
        "attacker", "target", pl.lit(criterion).alias("criterion"), "day", "driver_id", value.alias("value")
    )


def _calibration(tables: CellTables) -> pl.DataFrame:
    told = pl.col("truth_level").is_not_null()
    return pl.concat(
        _about_beliefs(
            tables.beliefs_of_all_drivers, f"credible-{100 * level:g}", pl.col("truth_level") <= level, told
        )
        for level in LEVELS
    )


_SURE = pl.col(f"mass_within_{KNOWN_RADIUS_M}m") >= KNOWN_MASS
_WITH_POSTERIOR = pl.col(f"mass_within_{KNOWN_RADIUS_M}m").is_not_null()
_AT_ONCE = f"within-{KNOWN_RADIUS_M}m"

register(
    Measure(
        name="known-by-day",
        words="share known at some checkpoint up to the day: what a search at the right moment found",
        unit="share",
        values=_known_by_day,
    )
)
register(
    Measure(
        name="right-at-day",
        words="share guessed right, within 250 m or as criteria say, from what can be seen on the day itself",
        unit="share",
        values=_right_at_day,
    )
)
register(
    Measure(
        name="right-at-day-no-car",
        words="share of people without a car guessed right, within 250 m, on the day itself",
        unit="share",
        values=lambda tables: tables.beliefs_without_a_car.select(
            "attacker",
            "target",
            pl.lit(f"within-{KNOWN_RADIUS_M}m").alias("criterion"),
            "day",
            "driver_id",
            (pl.col("error_m") <= KNOWN_RADIUS_M).fill_null(False).alias("value"),
        ),
    )
)
register(
    Measure(
        name="median-days",
        words="day by which half are known",
        unit="days",
        statistic="median",
        values=lambda tables: _days(tables, pl.lit(float("inf"))),
    )
)
register(
    Measure(
        name="restricted-mean-days",
        words="mean days until known; who holds out counts as the last day",
        unit="days",
        values=lambda tables: _days(tables, pl.col("days").cast(pl.Float64)),
    )
)
register(
    Measure(
        name="median-error-m",
        words="median distance of the guess, of drivers for whom there is one",
        unit="m",
        statistic="median",
        values=lambda tables: _about_beliefs(
            tables.chosen_beliefs, "any-guess", pl.col("error_m"), pl.col("error_m").is_not_null()
        ),
    )
)
register(
    Measure(
        name="abstained",
        words="share for whom the attacker names no place",
        unit="share",
        values=lambda tables: _about_beliefs(tables.chosen_beliefs, "any-guess", pl.col("error_m").is_null()),
    )
)
register(
    Measure(
        name="calibration",
        words="share of all drivers whose place lies in the set of 50, 80, 90, 95%; as many if it is honest",
        unit="share",
        values=_calibration,
    )
)
register(
    Measure(
        name="sure",
        words="share of whom the attacker claims at least 0.9 within 250 m, right or not",
        unit="share",
        values=lambda tables: _about_beliefs(tables.beliefs_of_all_drivers, _AT_ONCE, _SURE, _WITH_POSTERIOR),
    )
)
register(
    Measure(
        name="claims",
        words="of drivers of whom it claims so much: share of claims that are right",
        unit="share",
        values=lambda tables: _about_beliefs(
            tables.beliefs_of_all_drivers,
            _AT_ONCE,
            (pl.col("error_m") <= KNOWN_RADIUS_M).fill_null(False),
            _WITH_POSTERIOR & _SURE,
        ),
    )
)
register(
    Measure(
        name="sightings",
        words="mean number of reads that can be seen on the day",
        unit="reads",
        values=lambda tables: _about_beliefs(tables.chosen_beliefs, "any-read", pl.col("sightings_seen")),
    )
)
