"""Is the certainty true?

Of sets of streets that the adversary says hold the home with 80%, 80% should. Below the diagonal it claims
too much.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.certainty import claimed_against_held, plot_claimed_against_held
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = claimed_against_held(run.beliefs, target="home", days=(2, 7, 30))
    with house_style("screen"):
        figure = new_figure(7.5, 7.0)
        plot_claimed_against_held(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
