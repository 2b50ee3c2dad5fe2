"""From a study to its cells: one scenario and one replicate each, in groups that share their reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
from scipy.stats import qmc

import experiments.sweep.exposure_probe
import experiments.sweep.group_measure
import experiments.sweep.probes  # noqa: F401  (enters measures)
from experiments.sweep.measures import probes_of
from experiments.sweep.spec import Factor, Level, Study
from scenarios import resolve
from simulator.errors import PlatetrailError, StudyError
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.shared_capture import AFTER_READING, reading_key
from simulator.streams import Stream, stream_key


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One combination of levels: a row of the design.

    Parameters
    ----------
    number
        Counts from 0.
    labels
        Label of the level of each factor, in the order of the study.
    scenario
        What is simulated.
    """

    number: int
    labels: tuple[str, ...]
    scenario: Scenario


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One combination of levels in one replicate."""

    setting: Setting
    replicate: int

    @property
    def name(self) -> str:
        """The cell's folder: number of the combination and of the replicate."""
        return f"{self.setting.number:05d}-{self.replicate:04d}"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Cells that share their reads."""

    name: str
    seed: int
    replicate: int
    cells: tuple[Cell, ...]
    probes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Design:
    """A study with its scenario.

    Parameters
    ----------
    study
        The study.
    scenario
        With the changes that all cells share.
    """

    study: Study
    scenario: Scenario

    @cached_property
    def levels(self) -> tuple[tuple[Level, ...], ...]:
        """All levels of each factor."""
        return tuple(levels_of(factor, self.study.seed) for factor in self.study.factors)

    @property
    def n_settings(self) -> int:
        """How many combinations there are, without making them."""
        sizes = [len(levels) for levels in self.levels]
        return prod(sizes) if self.study.design == "grid" else 1 + sum(n - 1 for n in sizes)

    @property
    def n_cells(self) -> int:
        return self.n_settings * self.study.replicates

    @property
    def n_groups(self) -> int:
        """How many captures there are at most, without making the combinations."""
        sizes = [len({_before_reading(level) for level in levels}) for levels in self.levels]
        each = prod(sizes) if self.study.design == "grid" else 1 + sum(n - 1 for n in sizes)
        return each * self.study.replicates

    def check_levels(self) -> None:
        """Try each level alone.

        Raises
        ------
        StudyError
            Naming factor, level, and what is wrong with it.
        """
        for factor, levels in zip(self.study.factors, self.levels, strict=True):
            if factor.is_hypercube:
                levels = levels[:1]
            for level in levels:
                self._changed(level.changes(), f"factor '{factor.name}', level '{level.label}'")

    def settings(self) -> Iterator[Setting]:
        """Yield all combinations, the last factor fastest.

        Raises
        ------
        StudyError
            If levels that are right alone contradict each other.
        """
        factors = self.study.factors
        if self.study.design == "grid":
            combinations: Iterator[tuple[Level, ...]] = product(*self.levels)
        else:
            combinations = self._one_at_a_time()
        for number, chosen in enumerate(combinations):
            labels = tuple(level.label for level in chosen)
            where = ", ".join(f"{f.name} = '{label}'" for f, label in zip(factors, labels, strict=True))
            changes = {path: value for level in chosen for path, value in level.changes().items()}
            yield Setting(number=number, labels=labels, scenario=self._changed(changes, where))

    def groups(self) -> tuple[Group, ...]:
        """Return all cells in groups that share their reads, replicate after replicate."""
        probes = probes_of(self.study.measures)
        by_reads: dict[str, list[Setting]] = {}
        for setting in self.settings():
            by_reads.setdefault(reading_key(setting.scenario), []).append(setting)
        return tuple(
            Group(
                name=f"{key}-{replicate:04d}",
                seed=self.study.seed,
                replicate=replicate,
                cells=tuple(Cell(setting=s, replicate=replicate) for s in settings),
                probes=probes,
            )
            for replicate in range(self.study.replicates)
            for key, settings in by_reads.items()
        )

    def _one_at_a_time(self) -> Iterator[tuple[Level, ...]]:
        base = tuple(
            next(level for level in levels if level.label == factor.baseline_label)
            for factor, levels in zip(self.study.factors, self.levels, strict=True)
        )
        yield base
        for i, levels in enumerate(self.levels):
            for level in levels:
                if level is not base[i]:
                    yield (*base[:i], level, *base[i + 1 :])

    def _changed(self, changes: Mapping[str, Any], where: str) -> Scenario:
        try:
            return with_overrides(self.scenario, changes)
        except PlatetrailError as error:
            raise StudyError(f"Study '{self.study.id}', {where}: {error}") from None


def design_of(study: Study, changes: Mapping[str, Any] | None = None) -> Design:
    """Return a study with its scenario, all levels tried.

    Parameters
    ----------
    study
        The study.
    changes
        More changes that all cells share, by dotted path; they win over the study's own.

    Raises
    ------
    StudyError, ScenarioError
        If the scenario does not exist, or a change or level names or sets something wrongly.
    """
    base = resolve(study.scenario)
    try:
        scenario = with_overrides(base, {**study.set, **(changes or {})})
    except PlatetrailError as error:
        raise StudyError(f"Study '{study.id}', [set]: {error}") from None
    design = Design(study=study, scenario=scenario)
    design.check_levels()
    return design


def levels_of(factor: Factor, seed: int) -> tuple[Level, ...]:
    """Return all levels of a factor.

    The points of a Latin hypercube are those of :class:`scipy.stats.qmc.LatinHypercube` (McKay, Beckman &
    Conover, Technometrics 21, 1979), drawn from the study's seed and the factor's name.
    """
    if factor.levels:
        return factor.levels
    if not factor.is_hypercube:
        assert factor.path is not None
        return tuple(
            Level(
                label=label,
                set={factor.path: value},
                at=float(value) if isinstance(value, (int, float)) else None,
            )
            for label, value in zip(factor.labels(), factor.values, strict=True)
        )
    # Scipy wants a generator that can have children, which those of streams cannot.
    rng = np.random.default_rng(stream_key(seed, Stream.STUDY_DESIGN, factor.name))
    unit = qmc.LatinHypercube(d=len(factor.dimensions), rng=rng).random(factor.points)
    columns = []
    for i, dimension in enumerate(factor.dimensions):
        low, high = dimension.low, dimension.high
        if dimension.scale == "log":
            values = np.exp(np.log(low) + unit[:, i] * (np.log(high) - np.log(low)))
        else:
            values = low + unit[:, i] * (high - low)
        columns.append([round(float(v)) if dimension.integer else float(v) for v in values])
    return tuple(
        Level(
            label=label,
            set={d.path: column[i] for d, column in zip(factor.dimensions, columns, strict=True)},
        )
        for i, label in enumerate(factor.labels())
    )


def _before_reading(level: Level) -> str:
    changes = level.changes().items()
    return repr(sorted((path, value) for path, value in changes if path.split(".")[0] not in AFTER_READING))
