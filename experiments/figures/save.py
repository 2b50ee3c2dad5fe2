"""Write all figures of a run into a folder, each one whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from matplotlib.figure import Figure

from experiments.figures.belief_map import belief_on_map, plot_belief_over_days
from experiments.figures.certainty import (
    claimed_against_held,
    credible_area_over_time,
    level_histogram,
    plot_claimed_against_held,
    plot_credible_area,
    plot_level_histogram,
)
from experiments.figures.error import error_over_time, plot_error_over_time
from experiments.figures.groups import days_by_group, plot_days_by_group, telling_criterion
from experiments.figures.known import known_curve, plot_known_curve
from experiments.figures.layout import panels
from experiments.figures.map import map_of_driver, plot_map
from experiments.figures.sightings import plot_sightings_per_day, sightings_per_day
from experiments.figures.style import house_style, new_figure, style_in_use
from experiments.figures.write import add_caption, save_figure
from simulator.errors import ScenarioError, TableError, did_you_mean
from simulator.privacy.time_to_inference import of_kind

if TYPE_CHECKING:
    from simulator.run import Run

CRITERION = "within-250m"


def _map(run: Run, driver: int | None = None, reads: pl.DataFrame | None = None) -> Figure:
    west, south, east, north = run.city.network.bounds_m
    across = min(max((east - west) / max(north - south, 1.0), 0.6), 2.2)
    figure = new_figure(3.9 + 7.4 * across, 8.2)
    data = map_of_driver(
        run.city,
        cameras=run.cameras,
        drivers=run.drivers,
        sightings=run.example_sightings if reads is None else reads,
        beliefs=run.beliefs,
        driver_id=driver,
    )
    plot_map(data, ax=figure.add_subplot())
    return figure


def _known(run: Run, target: str) -> Figure:
    figure = new_figure(12.0, 6.2)
    data = known_curve(run.outcomes, run.drivers, target=target, criterion=CRITERION)
    plot_known_curve(data, ax=figure.add_subplot())
    return figure


def _error(run: Run) -> Figure:
    figure = new_figure(12.0, 6.2)
    residents = of_kind(run.beliefs, run.drivers, "resident")
    plot_error_over_time(error_over_time(residents, target="home"), ax=figure.add_subplot())
    return figure


def _sightings(run: Run) -> Figure:
    figure = new_figure()
    data = sightings_per_day(run.beliefs, run.drivers, retention_days=run.scenario.archive.memory_days())
    plot_sightings_per_day(data, ax=figure.add_subplot())
    return figure


def _groups(run: Run) -> Figure:
    figure = new_figure(13.0, 10.0)
    axes = panels(figure, 2, columns=1)
    # Who lives off the map cannot be found at home, however long one looks; at work, everyone can.
    for ax, target, kind in zip(axes, ("home", "work"), ("resident", None), strict=True):
        criterion = telling_criterion(of_kind(run.outcomes, run.drivers, kind), target=target)
        data = days_by_group(run.outcomes, run.drivers, criterion=criterion, target=target, kind=kind)
        plot_days_by_group(data, ax=ax)
    return figure


def _certainty(run: Run) -> Figure:
    figure = new_figure(15.0, 12.0)
    # A slide has room for two panels, not for four.
    axes = panels(figure, 2 if style_in_use() == "projection" else 4, columns=2)
    for ax, target in zip(axes[:2], ("home", "work"), strict=True):
        plot_claimed_against_held(claimed_against_held(run.beliefs, target=target), ax=ax)
    if len(axes) > 2:
        plot_level_histogram(level_histogram(run.beliefs, target="home"), ax=axes[2])
        plot_credible_area(credible_area_over_time(run.beliefs, target="home"), ax=axes[3])
    return figure


def _belief(run: Run, driver: int | None = None) -> Figure:
    west, south, east, north = run.city.network.bounds_m
    across = min(max((east - west) / max(north - south, 1.0), 0.6), 1.6)
    figure = new_figure(15.0, 1.4 + 15.0 / 4.0 / across)
    data = belief_on_map(run.city.network, run.example_beliefs, run.drivers, driver=driver)
    return plot_belief_over_days(data, figure)


#: Figures about an attacker that says how sure it is.
OF_CERTAINTY = ("certainty", "belief-on-the-map")
FIGURES: dict[str, Callable[[Run], Figure]] = {
    "map": _map,
    "homes-known": lambda run: _known(run, "home"),
    "work-places-known": lambda run: _known(run, "work"),
    "error-distance": _error,
    "sightings-per-day": _sightings,
    "days-by-kind-of-driver": _groups,
    "certainty": _certainty,
    "belief-on-the-map": _belief,
}
#: Figures about one driver, with the table that says for whom they can be drawn.
OF_A_DRIVER: dict[str, tuple[Callable[[Run, int | None], Figure], str]] = {
    "map": (_map, "example_sightings"),
    "belief-on-the-map": (_belief, "example_beliefs"),
}


def figures_of(run: Run) -> tuple[str, ...]:
    """Return the names of the figures that a run has something for, in the order of :data:`FIGURES`."""
    sure = run.example_beliefs.height > 0
    return tuple(name for name in FIGURES if sure or name not in OF_CERTAINTY)


def check_figures(run: Run, names: Iterable[str]) -> None:
    """Refuse names of figures that there are not, or not for this run.

    Raises
    ------
    ScenarioError
        With the nearest right names.
    """
    for name in names:
        if name not in FIGURES:
            raise ScenarioError(f"No figure is called '{name}'. {did_you_mean(name, FIGURES)}")
        if name not in figures_of(run):
            raise ScenarioError(
                f"There is no figure '{name}' of this run: none of its attackers says how sure it is. "
                f"There are {', '.join(figures_of(run))}."
            )


def draw_figure(run: Run, name: str, *, driver: int | None = None) -> Figure:
    """Draw one standard figure of a run, in this project's style, with its caption.

    Parameters
    ----------
    run
        A finished run.
    name
        One of :func:`figures_of`.
    driver
        For figures about one driver: who; a telling one if left out.

    Raises
    ------
    ScenarioError
        If there is no such figure, or not for this run or driver; the message says which there are.
    """
    check_figures(run, [name])
    with house_style():
        if driver is None:
            figure = FIGURES[name](run)
        else:
            if name not in OF_A_DRIVER:
                raise ScenarioError(
                    f"Figure '{name}' is about all drivers; about one are {', '.join(OF_A_DRIVER)}."
                )
            draw, table = OF_A_DRIVER[name]
            kept = getattr(run, table)["driver_id"].unique().sort().to_list()
            if driver not in kept:
                raise ScenarioError(
                    f"Figure '{name}' cannot be drawn of driver {driver}: the run kept what it shows for "
                    f"drivers {', '.join(map(str, kept)) or '(nobody)'} only."
                )
            figure = draw(run, driver)
        add_caption(figure, _caption(run))
    return figure


def draw_map_of(run: Run, driver: int, reads: pl.DataFrame) -> Figure:
    """Draw the map of any driver, whose reads (``driver_id, camera_id, x_m, y_m``) the caller has."""
    with house_style():
        figure = _map(run, driver, reads)
        add_caption(figure, _caption(run))
    return figure


def save_all(
    run: Run,
    folder: Path,
    *,
    style: str = "screen",
    kind: str = "png",
    progress: Callable[[str, float], None] | None = None,
    only: Sequence[str] = (),
) -> tuple[Path, ...]:
    """Draw figures of a run and write each, over its namesake.

    Parameters
    ----------
    run
        A finished run.
    folder
        Where to; made if missing.
    style
        Of :func:`experiments.figures.style.house_style`.
    kind
        Of :data:`experiments.figures.write.FORMATS`.
    progress
        Called with "figures" and the share of them that is done.
    only
        Names of figures; all that the run has something for if empty.

    Returns
    -------
    tuple of Path
        The files, in the order of :data:`FIGURES`; those of certainty need an attacker with a posterior.

    Raises
    ------
    TableError
        If a file cannot be written.
    ScenarioError
        If there is no such style, or no figure of a name.
    """
    check_figures(run, only)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TableError(f"The folder for figures {folder} cannot be made: {error}.") from error
    paths = []
    wanted = tuple(dict.fromkeys(only)) or figures_of(run)
    with house_style(style):
        for i, name in enumerate(wanted):
            if progress:
                progress("figures", i / len(wanted))
            paths.append(save_figure(draw_figure(run, name), folder / f"{name}.{kind}"))
    if progress:
        progress("figures", 1.0)
    return tuple(paths)


def _caption(run: Run) -> str:
    drivers, cameras = run.drivers.height, run.cameras.height
    kinds = run.cameras["kind"].cast(pl.String).value_counts(sort=True).rows()
    readers = ", ".join(f"{count} {kind}" for kind, count in kinds) or "no readers"
    noun = "reader" if cameras == 1 else "readers"
    readers = f"{readers} {noun}" if cameras else readers
    people = f"{drivers:,} simulated drivers, {run.scenario.days} days"
    return f"{run.scenario.id}, seed {run.seed}: {people}, {readers}"
