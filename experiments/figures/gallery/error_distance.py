"""How far off the guesses are.

The median distance from the true home over *all* residents, day by day; whom an attacker says nothing about
counts as infinitely far. Bands are quartiles of the best two.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import error_over_time, house_style, new_figure, plot_error_over_time
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = error_over_time(run.beliefs, target="home")
    with house_style("screen"):
        figure = new_figure(12.0, 6.2)
        plot_error_over_time(table, ax=figure.add_subplot(), bands=2)
    return figure


if __name__ == "__main__":
    write(draw)
