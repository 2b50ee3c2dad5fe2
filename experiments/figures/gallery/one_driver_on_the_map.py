"""One driver on the map.

Streets, readers, where the driver was read and how often, the true home and work place, and where each
attacker puts them on the last day. `driver_id` chooses the driver.
"""

from __future__ import annotations

from matplotlib.figure import Figure

from experiments.figures import house_style, map_of_driver, new_figure, plot_map
from experiments.figures.gallery import example_run, write


def draw() -> Figure:
    run = example_run()
    table = map_of_driver(
        run.engine.city,
        cameras=run.cameras,
        drivers=run.drivers,
        sightings=run.example_sightings,
        beliefs=run.beliefs,
        driver_id=None,
    )
    with house_style("screen"):
        figure = new_figure(11.5, 8.2)
        plot_map(table, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
