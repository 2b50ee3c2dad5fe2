"""Who seems to travel together.

Pairs of plates that the same readers read within seconds: how many planted escorts are found, and how many
of the pairs found are escorts.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.convoys import convoys_of
from experiments.figures import house_style, new_figure
from experiments.figures.convoys import plot_convoys
from experiments.figures.gallery import example_run, write
from simulator.recapture import recapture_run


def draw() -> Figure:
    taken = recapture_run(example_run().folder)
    table = convoys_of(taken, taken.world.scenario.archive, pairs=30, joint_days=4, gap_s=30)
    with house_style("screen"):
        figure = new_figure(12.0, 6.8)
        plot_convoys(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
