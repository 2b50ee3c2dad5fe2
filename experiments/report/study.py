"""What a study's page shows: its shares by day at every combination of levels, its finding, provenance."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from experiments.report.content import provenance_of
from experiments.sweep.finished import read_study
from experiments.sweep.measures import measure_named
from experiments.sweep.report import finding
from experiments.sweep.spec import Study
from experiments.words import attacker_title, criterion_words


def study_content(folder: Path) -> dict[str, Any]:
    """Return what the page of a study shows, ready for JSON.

    Raises
    ------
    StudyError
        If the folder holds no finished study, or one of another version.
    """
    done = read_study(folder)
    study, results, scenario = done.study, done.results, done.scenario
    views = _views(study, results.results)
    return {
        "kind": "study",
        "title": study.title,
        "question": study.question,
        "description": study.description.strip(),
        "finding": finding(study, results),
        "factors": [
            {
                "name": factor.name,
                "title": factor.words,
                "labels": list(factor.labels()),
                "baseline": factor.baseline_label or factor.labels()[0],
            }
            for factor in study.factors
        ],
        "views": views,
        "last_day": max((day for view in views for cell in view["cells"] for day in cell["day"]), default=1),
        "facts": {
            "study": study.id,
            "scenario": study.scenario,
            "seed": study.seed,
            "replicates": study.replicates,
            "set": {key: str(value) for key, value in study.set.items()},
            "software": done.software,
            "page_by": f"platetrail {version('platetrail')}",
            **provenance_of(
                scenario,
                results.results["attacker"].unique(maintain_order=True).to_list(),
                more=study.citations,
            ),
        },
    }


def _views(study: Study, results: pl.DataFrame) -> list[dict[str, Any]]:
    """Return each share by day that was measured: a curve for each combination of levels and attacker."""
    names = [factor.name for factor in study.factors]
    rows = results.filter(
        (pl.col("unit") == "share") & pl.col("day").is_not_null() & pl.col("estimate").is_not_null()
    )
    views = []
    for (measure, criterion), part in rows.group_by(["measure", "criterion"], maintain_order=True):
        # Claims and calibration are shares of other things than homes.
        if measure not in ("known-by-day", "right-at-day", "right-at-day-no-car"):
            continue
        cells = []
        keys = [*names, "target", "attacker"]
        for key, curve in part.sort("day").group_by(keys, maintain_order=True):
            found = dict(zip(keys, key, strict=True))
            cells.append(
                {
                    "levels": [found[name] for name in names],
                    "target": found["target"],
                    "attacker": found["attacker"],
                    "title": attacker_title(str(found["attacker"])),
                    "n": int(curve["n_drivers"].max() or 0),  # type: ignore[arg-type]
                    "day": curve["day"].to_list(),
                    "share": [round(v, 4) for v in curve["estimate"]],
                    "low": [round(v, 4) for v in curve["low"].fill_null(0.0)],
                    "high": [round(v, 4) for v in curve["high"].fill_null(1.0)],
                }
            )
        words, how = measure_named(str(measure)).words, criterion_words(str(criterion))
        labels = {
            "known-by-day": f"known {how}",
            "right-at-day": f"guessed right {how}, from what can be seen on the day itself",
        }
        views.append(
            {
                "key": f"{measure}/{criterion}",
                "label": labels.get(str(measure), words),
                "words": words,
                "cells": cells,
            }
        )
    # What the study is about comes first.
    return sorted(views, key=lambda view: not view["key"].startswith(f"{study.headline.measure}/"))
