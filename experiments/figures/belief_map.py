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

from simulator.adversary.posterior import Posterior
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
    """

    streets: NDArray[np.float64]
    beliefs: pl.DataFrame
    truth_m: tuple[float, float] | None = None


def belief_on_map(
    network: RoadNetwork,
    posterior: Posterior,
    checkpoint_days: NDArray[np.int32],
    *,
    plate: int,
    days: tuple[int, ...] = (1, 7, 30),
    truth_m: tuple[float, float] | None = None,
) -> BeliefMap:
    """Return one plate's belief at some checkpoint days.

    Parameters
    ----------
    plate
        Its number in the posterior.
    days
        Days wanted; those that are no checkpoints are left out.
    """
    parts = []
    for k, day in enumerate(checkpoint_days.tolist()):
        if day not in days:
            continue
        place, mass = posterior.place[plate, k], posterior.mass[plate, k]
        shown = place >= 0
        edge = posterior.edge[place[shown]]
        parts.append(
            pl.DataFrame({"day": np.full(len(edge), day), "edge_id": edge, "mass": mass[shown]}).filter(
                pl.col("edge_id") >= 0
            )
        )
    schema = pl.Schema({"day": pl.Int32, "edge_id": pl.Int32, "mass": pl.Float64})
    ends = [(network.node_x_m[n], network.node_y_m[n]) for n in (network.edge_tail, network.edge_head)]
    return BeliefMap(
        streets=np.stack([np.stack(e, axis=-1) for e in ends], axis=1),
        beliefs=pl.concat([p.cast(schema) for p in parts]) if parts else pl.DataFrame(schema=schema),
        truth_m=truth_m,
    )


def plot_belief(data: BeliefMap, day: int, *, ax: Axes) -> Axes:
    """Draw the belief of one day: likelier streets darker and broader, the truth as a ring."""
    ax.add_collection(LineCollection(list(data.streets), colors="#D9D9D9", linewidths=0.4))
    shown = data.beliefs.filter(pl.col("day") == day).sort("mass")
    if shown.height:
        lines = LineCollection(
            list(data.streets[shown["edge_id"].to_numpy()]),
            array=shown["mass"].to_numpy(),
            cmap="viridis_r",
            norm=LogNorm(1e-4, 0.3),
            linewidths=1.0 + 5.0 * np.sqrt(shown["mass"].to_numpy()),
        )
        ax.add_collection(lines)
    if data.truth_m is not None:
        ax.plot(
            *data.truth_m,
            marker="o",
            markersize=14,
            markerfacecolor="none",
            color="#D55E00",
            markeredgewidth=2,
        )
    ax.autoscale_view()
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"After {day} day{'s' if day != 1 else ''}")
    return ax


def plot_belief_over_days(data: BeliefMap, figure: Figure) -> Figure:
    """Draw all days of a belief side by side."""
    days = data.beliefs["day"].unique().sort().to_list()
    for i, day in enumerate(days):
        plot_belief(data, day, ax=figure.add_subplot(1, len(days), i + 1))
    return figure
