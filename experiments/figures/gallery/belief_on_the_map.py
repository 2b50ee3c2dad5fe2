"""What the adversary believes.

The streets on which the Bayesian adversary looks for one driver's home, at four checkpoints: darker and
broader is likelier; the ring is the truth, which it never sees.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.belief_map import belief_on_map, plot_belief_over_days
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    belief = belief_on_map(run.engine.city.network, run.example_beliefs, run.drivers)
    with house_style("screen"):
        figure = new_figure(15.0, 5.2)
        plot_belief_over_days(belief, figure)
    return figure


if __name__ == "__main__":
    write(draw)
