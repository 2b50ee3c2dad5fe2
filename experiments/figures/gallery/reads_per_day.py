"""How often a driver is read.

A histogram over drivers, beside the one published rate of a single driver.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure, plot_sightings_per_day, sightings_per_day
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = sightings_per_day(run.beliefs, run.drivers)
    with house_style("screen"):
        figure = new_figure()
        plot_sightings_per_day(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
