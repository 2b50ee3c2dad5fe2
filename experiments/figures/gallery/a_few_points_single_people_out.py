"""A few points single people out.

The share of drivers whom some known points of their trace, place and time, tell from all others, by
resolution.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.gallery import example_run, write
from experiments.figures.reidentification import plot_unicity
from experiments.reidentification import unicity_table
from simulator.recapture import recapture_run


def draw() -> Figure:
    taken = recapture_run(example_run().folder)
    table = unicity_table(taken.sightings, taken.world.drivers.n_drivers, points=(1, 2, 3, 4))
    with house_style("screen"):
        figure = new_figure(9.0, 6.4)
        plot_unicity(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
