"""Who is found sooner.

Days until a home is known, by working schedule: median, quartiles, middle 80%, and an arrow where they lie
beyond the run. Groups of fewer than ten drivers are left out.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import days_by_group, house_style, new_figure, plot_days_by_group
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = days_by_group(run.outcomes, run.drivers, target="home", kind="resident")
    with house_style("screen"):
        figure = new_figure(13.0, 5.0)
        plot_days_by_group(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
