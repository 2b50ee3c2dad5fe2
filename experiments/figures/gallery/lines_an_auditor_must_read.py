"""Lines that an auditor must read.

Log lines to sample for a 95% chance of finding a broken rule, by what the log records. The numbers are
those of [the findings](../findings/audits.md); `platetrail audit RUN` makes those of a run.
"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.audit import plot_audit
from experiments.figures.gallery import write
from experiments.finding_ages import FINDINGS


def draw() -> Figure:
    table = pl.read_csv(FINDINGS / "audits" / "results.csv")
    with house_style("screen"):
        figure = new_figure(12.0, 6.6)
        plot_audit(table, probability=0.95, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
