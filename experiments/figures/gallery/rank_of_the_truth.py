"""Where the truth ranks in the belief.

The level of the smallest credible set that holds the true home: flat, within the band, if the belief is
honest.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.certainty import level_histogram, plot_level_histogram
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = level_histogram(run.beliefs, target="home", day=30, bins=20)
    with house_style("screen"):
        figure = new_figure(9.0, 6.0)
        plot_level_histogram(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
