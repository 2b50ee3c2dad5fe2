"""Land left to search.

Land along the streets of the 95% credible set for a home: median and quartiles over residents.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.certainty import credible_area_over_time, plot_credible_area
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = credible_area_over_time(run.beliefs, target="home")
    with house_style("screen"):
        figure = new_figure(9.0, 6.0)
        plot_credible_area(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
