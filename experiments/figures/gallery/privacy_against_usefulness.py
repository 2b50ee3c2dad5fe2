"""What a rule hides, and what it costs.

Homes that can be found against sought cars that are found, a point a rule, with both intervals. The numbers
are those of [the findings](../findings/usefulness.md).
"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.gallery import write
from experiments.figures.study import plot_trade_off, trade_off
from experiments.finding_ages import FINDINGS
from experiments.sweep.spec import study_named


def draw() -> Figure:
    study = study_named("usefulness")
    results = pl.read_csv(FINDINGS / "usefulness" / "results.csv", infer_schema_length=None)
    table = trade_off(study, results)
    with house_style("screen"):
        figure = new_figure(12.0, 6.8)
        plot_trade_off(table, study, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
