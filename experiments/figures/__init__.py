"""Figures: each is a data function that returns a table and a drawing function that takes ``ax``.

Neither shows nor saves; :func:`save_all` writes the whole set of a run, :func:`save_figure` one figure.
:func:`house_style` chooses among the styles ``screen``, ``print`` and ``projection``.
"""

from __future__ import annotations

from experiments.figures.error import error_over_time, plot_error_over_time
from experiments.figures.groups import best_attacker, days_by_group, plot_days_by_group
from experiments.figures.known import known_curve, plot_known_curve
from experiments.figures.map import MapData, map_of_driver, plot_map
from experiments.figures.save import FIGURES, draw_figure, draw_map_of, figures_of, save_all
from experiments.figures.sightings import plot_sightings_per_day, sightings_per_day
from experiments.figures.style import STYLES, house_style, new_figure
from experiments.figures.write import FORMATS, save_figure

__all__ = [
    "FIGURES",
    "FORMATS",
    "STYLES",
    "MapData",
    "best_attacker",
    "days_by_group",
    "draw_figure",
    "draw_map_of",
    "error_over_time",
    "figures_of",
    "house_style",
    "known_curve",
    "map_of_driver",
    "new_figure",
    "plot_days_by_group",
    "plot_error_over_time",
    "plot_known_curve",
    "plot_map",
    "plot_sightings_per_day",
    "save_all",
    "save_figure",
    "sightings_per_day",
]
