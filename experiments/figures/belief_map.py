"""The belief about one driver on the map, shrinking from day to day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from experiments.figures.layout import fit_suptitle, panels, pt
from simulator.roads.network import RoadNetwork


@dataclass(frozen=True, kw_only=True)
class BeliefMap:
    """What :func:`plot_belief` draws.

    Parameters
    ----------
    streets
        End points of every street, shape (n_edges, 2, 2), metres.
    beliefs
        ``day, edge_id, mass`` of the street sides that the adversary holds likeliest.
    truth_m
        True place, metres, or ``None``.
    driver, target
        Who and what it is about.
    """

    streets: NDArray[np.float64]
    beliefs: pl.DataFrame
    truth_m: tuple[float, float] | None = None
    driver: int = 0
    target: str = "home"


def belief_on_map(
    network: RoadNetwork,
    example_beliefs: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    driver: int | None = None,
    target: str = "home",
    days: tuple[int, ...] = (),
    attacker: str = "bayes",
) -> BeliefMap:
    """Return one driver's belief at some checkpoint days.

    Parameters
    ----------
    example_beliefs, drivers
        A run's tables.
    driver
        One of those in ``example_beliefs``; the first by default.
    days
        Days wanted, those that are no checkpoints left out; by default four spread over the run.
    """
    told = example_beliefs.filter(
        (pl.col("attacker").cast(pl.String) == attacker) & (pl.col("target").cast(pl.String) == target)
    )
    if driver is None:
        driver = told.select(pl.col("driver_id").min()).item() if told.height else -1
    told = told.filter(pl.col("driver_id") == driver)
    every = told["day"].unique().sort().to_list()
    if not days and every:
        days = tuple(sorted({every[round(i * (len(every) - 1) / 3)] for i in range(4)}))
    one = drivers.filter(pl.col("driver_id") == driver)
    truth = one.select(f"{target}_x_m", f"{target}_y_m").row(0) if one.height else (None, None)
    ends = [(network.node_x_m[n], network.node_y_m[n]) for n in (network.edge_tail, network.edge_head)]
    return BeliefMap(
        streets=np.stack([np.stack(e, axis=-1) for e in ends], axis=1),
        beliefs=told.filter(pl.col("day").is_in(list(days))).select("day", "edge_id", "mass"),
        truth_m=None if truth[0] is None else (float(truth[0]), float(truth[1])),
        driver=driver,
        target=target,
    )


def plot_belief(data: BeliefMap, day: int, *, ax: Axes) -> Axes:
    """Draw the belief of one day: likelier streets darker and broader, the truth as a ring."""
    ax.add_collection(LineCollection(list(data.streets), colors="#D9D9D9", linewidths=pt(0.4)))
    shown = data.beliefs.filter(pl.col("day") == day).sort("mass")
    if shown.height:
        lines = LineCollection(
            list(data.streets[shown["edge_id"].to_numpy()]),
            array=shown["mass"].to_numpy(),
            cmap="viridis_r",
            norm=LogNorm(1e-4, 0.3),
            linewidths=pt(1.0) + pt(5.0) * np.sqrt(shown["mass"].to_numpy()),
        )
        ax.add_collection(lines)
    if data.truth_m is not None:
        ax.plot(
            *data.truth_m,
            marker="o",
            markersize=pt(14),
            markerfacecolor="none",
            color="#D55E00",
            markeredgewidth=pt(2),
        )
    ax.autoscale_view()
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    ax.set_title(f"After {day} day{'s' if day != 1 else ''}")
    return ax


def plot_belief_over_days(data: BeliefMap, figure: Figure) -> Figure:
    """Draw all days of a belief side by side."""
    days = data.beliefs["day"].unique().sort().to_list()
    for day, ax in zip(days, panels(figure, len(days), columns=4, narrow_columns=2), strict=True):
        plot_belief(data, day, ax=ax)
    fit_suptitle(
        figure,
        f"Where the adversary believes that driver {data.driver} "
        f"{'lives' if data.target == 'home' else 'works'}: darker and broader is likelier; ring: the truth",
        fontsize=pt(14),
    )
    return figure
