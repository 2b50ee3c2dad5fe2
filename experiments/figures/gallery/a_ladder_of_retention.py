"""A study's ladder.

The share of homes that can be found on the last day if reads are deleted after so many days: ten towns,
with intervals over towns and drivers. The numbers are those of [the findings](../findings/retention.md);
`pt.open_study("studies/mine").figure()` draws any study.
"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.gallery import write
from experiments.figures.study import ladder_curve, plot_ladder
from experiments.finding_ages import FINDINGS
from experiments.sweep.spec import study_named


def draw() -> Figure:
    study = study_named("retention")
    results = pl.read_csv(FINDINGS / "retention" / "results.csv", infer_schema_length=None)
    table = ladder_curve(study, results)
    with house_style("screen"):
        figure = new_figure(12.0, 6.4)
        plot_ladder(table, study, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
