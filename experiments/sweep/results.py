"""The tables of a finished study: ``results``, ``contrasts``, ``ratios`` and ``design``."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from experiments.sweep.design import Cell, Design, Setting
from experiments.sweep.estimates import (
    median_over_replicates,
    moments,
    over_replicates,
    paired_moments,
    ratio_moments,
    ratios_over_replicates,
)
from experiments.sweep.folder import RESULTS, StudyFolder
from experiments.sweep.measures import BY_CRITERION, KEYS, CellTables, driver_values, measure_named, probes_of
from simulator.errors import TableError
from simulator.privacy.time_to_inference import compare

# Values of so many cells are kept at a time, for the pairs that need them again.
_KEPT_CELLS = 24
_LOGRANK_KEYS = ["attacker", "target", "criterion"]


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """The tables of a finished study."""

    results: pl.DataFrame
    contrasts: pl.DataFrame
    ratios: pl.DataFrame
    design: pl.DataFrame


def study_results(design: Design, folder: StudyFolder) -> StudyResults:
    """Work out all estimates and differences of a study whose cells are all done.

    Raises
    ------
    TableError
        If a cell's table is missing or torn.
    """
    study = design.study
    settings = tuple(design.settings())
    cells = _Cells(design=design, folder=folder)
    pairs = _pairs(design, settings)
    factors = [factor.name for factor in study.factors]
    per_setting: dict[int, list[pl.DataFrame]] = {s.number: [] for s in settings}
    medians: dict[int, list[pl.DataFrame]] = {s.number: [] for s in settings}
    per_pair: dict[tuple[int, int, str], list[pl.DataFrame]] = {pair: [] for pair in pairs}
    survival: dict[int, list[pl.DataFrame]] = {s.number: [] for s in settings}
    beside: dict[int, list[pl.DataFrame]] = {s.number: [] for s in settings}
    for replicate in range(study.replicates):
        for setting in settings:
            values, outcomes = cells.values(setting, replicate)
            is_median = pl.col("measure").is_in(
                [name for name in study.measures if measure_named(name).statistic == "median"]
            )
            per_setting[setting.number].append(moments(values.filter(~is_median)))
            medians[setting.number].append(values.filter(is_median))
            survival[setting.number].append(outcomes)
            # Only where a study says whose strength it is about.
            beside[setting.number].append(ratio_moments(values, study.headline.attacker or ""))
        for pair in pairs:
            here, there = (cells.values(settings[number], replicate)[0] for number in pair[:2])
            mean_only = pl.col("measure").is_in(
                [name for name in study.measures if measure_named(name).statistic == "mean"]
            )
            per_pair[pair].append(paired_moments(here.filter(mean_only), there))
    rows = []
    for setting in settings:
        found = pl.concat(
            [over_replicates(per_setting[setting.number]), median_over_replicates(medians[setting.number])]
        )
        rows.append(_labelled(study.id, factors, setting, _with_unit(found)))
    contrasts = []
    for pair, replicates in per_pair.items():
        setting, base, varied = settings[pair[0]], settings[pair[1]], pair[2]
        found = over_replicates(replicates, shares=False).rename({"estimate": "difference"})
        test = compare(pl.concat(survival[setting.number]), pl.concat(survival[base.number])).select(
            *_LOGRANK_KEYS, pl.col("p_value").alias("logrank_p")
        )
        found = _with_unit(found).join(test, on=_LOGRANK_KEYS, how="left", maintain_order="left")
        of_survival = pl.col("measure").is_in(BY_CRITERION)
        found = found.with_columns(pl.when(of_survival).then(pl.col("logrank_p")).alias("logrank_p"))
        baseline = base.labels[factors.index(varied)]
        found = found.with_columns(pl.lit(varied).alias("varied"), pl.lit(baseline).alias("baseline"))
        contrasts.append(_labelled(study.id, factors, setting, found))
    results = pl.concat(rows)
    ratios = pl.concat(
        _labelled(study.id, factors, setting, _with_unit(ratios_over_replicates(beside[setting.number])))
        for setting in settings
    )
    return StudyResults(
        results=results,
        contrasts=pl.concat(contrasts) if contrasts else _no_contrast(results),
        ratios=ratios.drop("unit"),
        design=_design_table(design, settings),
    )


def write_results(results: StudyResults, folder: Path) -> None:
    """Write each table as Parquet and CSV, whole.

    Raises
    ------
    TableError
        If a file cannot be written.
    """
    for name in RESULTS:
        frame: pl.DataFrame = getattr(results, name)
        for ending, write in (("parquet", frame.write_parquet), ("csv", frame.write_csv)):
            path = folder / f"{name}.{ending}"
            partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
            try:
                write(partial)
                os.replace(partial, path)
            except OSError as error:
                raise TableError(f"{path} could not be written: {error}.") from error
            finally:
                partial.unlink(missing_ok=True)


@dataclass(frozen=True, kw_only=True)
class _Cells:
    design: Design
    folder: StudyFolder
    _kept: OrderedDict[str, tuple[pl.DataFrame, pl.DataFrame]] = field(default_factory=OrderedDict)

    def values(self, setting: Setting, replicate: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return a cell's values by driver, and its outcomes."""
        cell = Cell(setting=setting, replicate=replicate)
        if cell.name not in self._kept:
            study = self.design.study
            checkpoints = setting.scenario.checkpoints()
            tables = CellTables(
                **self.folder.read(cell),
                probes=self.folder.read_probes(cell, probes_of(study.measures)),
                criteria=study.criteria,
                days=tuple(d for d in checkpoints if d in study.days or d == checkpoints[-1]),
            )
            self._kept[cell.name] = driver_values(tables, study.measures), tables.chosen_outcomes
            while len(self._kept) > _KEPT_CELLS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(cell.name)
        return self._kept[cell.name]


def _pairs(design: Design, settings: tuple[Setting, ...]) -> list[tuple[int, int, str]]:
    """Return each setting with the one that differs in one factor only, which is at its baseline."""
    by_labels = {setting.labels: setting.number for setting in settings}
    pairs = []
    for setting in settings:
        for i, factor in enumerate(design.study.factors):
            base = factor.baseline_label
            if base is None or setting.labels[i] == base:
                continue
            partner = by_labels.get((*setting.labels[:i], base, *setting.labels[i + 1 :]))
            if partner is not None:
                pairs.append((setting.number, partner, factor.name))
    return pairs


def _with_unit(found: pl.DataFrame) -> pl.DataFrame:
    names = found["measure"].unique()
    units = {name: measure_named(name).unit for name in names}
    return found.with_columns(
        pl.col("measure").replace_strict(units, return_dtype=pl.String).alias("unit"),
        pl.when(pl.col("day") > 0).then(pl.col("day")).alias("day"),
    )


def _labelled(study: str, factors: list[str], setting: Setting, found: pl.DataFrame) -> pl.DataFrame:
    labels = [pl.lit(label).alias(name) for name, label in zip(factors, setting.labels, strict=True)]
    beside = [c for c in ("varied", "baseline") if c in found.columns]
    about = (*KEYS[:-1], "unit", "day")
    return found.select(pl.lit(study).alias("study"), *labels, *beside, *about, pl.exclude(*beside, *about))


def _no_contrast(results: pl.DataFrame) -> pl.DataFrame:
    extra = (pl.lit(None, dtype=pl.Float64).alias("logrank_p"),)
    return results.clear().rename({"estimate": "difference"}).with_columns(*extra)


def _design_table(design: Design, settings: tuple[Setting, ...]) -> pl.DataFrame:
    """Return one row a combination: labels, and what each level changes."""
    paths: list[str] = []
    rows: list[dict[str, Any]] = []
    for setting in settings:
        row: dict[str, Any] = {"setting": setting.number}
        for factor, levels, label in zip(design.study.factors, design.levels, setting.labels, strict=True):
            row[factor.name] = label
            level = next(level for level in levels if level.label == label)
            for path, value in level.changes().items():
                row[path] = value
                if path not in paths:
                    paths.append(path)
        rows.append(row)
    for path in paths:
        numbers = all(isinstance(row.get(path), (int, float, type(None))) for row in rows)
        for row in rows:
            value = row.get(path)
            row[path] = value if value is None else float(value) if numbers else json.dumps(value)
    return pl.DataFrame(rows, infer_schema_length=None)
