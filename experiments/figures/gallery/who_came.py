"""Who came, and whose home is known.

Of those who came to the busiest place of worship on some days: whose plate is listed, and whose home the
same archive gives away, by rule and by when one asks.
"""

from __future__ import annotations

import polars as pl
from matplotlib.figure import Figure

from experiments.exposure import archives_compared, exposure_of
from experiments.figures import house_style, new_figure
from experiments.figures.exposure import plot_exposure
from experiments.figures.gallery import example_run, write
from experiments.occasions import place_occasion
from simulator.recapture import recapture_run


def draw() -> Figure:
    taken = recapture_run(example_run().folder)
    scenario = taken.world.scenario
    occasion = place_occasion(taken, "worship", hours=(0.0, 24.0), radius_m=500.0)
    parts = [
        exposure_of(taken, occasion, archive, "krumm-largest-cluster").select(
            pl.lit(rule).alias("rule"), pl.all()
        )
        for rule, archive in archives_compared(scenario.archive, days=scenario.days).items()
    ]
    table = pl.concat(parts)
    with house_style("screen"):
        figure = new_figure(12.0, 7.0)
        plot_exposure(table, title=f"Who came to {occasion.title}", ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
