"""What rules leave of a search.

How often a sought car is found under each rule, on the same reads and the same events.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.figures.gallery import example_run, write
from experiments.figures.utility import plot_utility
from experiments.utility import events_of, utility_of
from simulator.recapture import recapture_run
from simulator.usefulness.rules import rules_compared


def draw() -> Figure:
    taken = recapture_run(example_run().folder)
    scenario = taken.world.scenario
    events = events_of(taken, count=150, delay_h=6.0, thief=False)
    rules = rules_compared(scenario.archive, taken.world.cameras.owners, days=scenario.days)
    table = utility_of(taken, events, rules)
    with house_style("screen"):
        figure = new_figure(12.5, 8.4)
        plot_utility(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
