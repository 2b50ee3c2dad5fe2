"""Homes known, day by day.

A curve for each attacker: the Kaplan-Meier share of residents whose home it has had within 250 m, with 95%
intervals. Other targets: `"work"`, `"both"`; other criteria are in [Measures](../measures.md).
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, known_curve, new_figure, plot_known_curve
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = known_curve(run.outcomes, run.drivers, target="home", criterion="within-250m")
    with house_style("screen"):
        figure = new_figure(12.0, 6.2)
        plot_known_curve(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
