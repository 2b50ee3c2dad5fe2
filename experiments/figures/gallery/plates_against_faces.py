"""Plates against faces.

Who can be tracked home by plates, by faces, or by both, people without a car included: a small run with
cameras that read faces, attacked by one simple attacker.
"""

from __future__ import annotations

from matplotlib.figure import Figure

import platetrail as pt
from experiments.faces import beliefs_by_identifiers, shares_trackable
from experiments.figures import house_style, new_figure
from experiments.figures.faces import plot_trackable
from experiments.figures.gallery import write
from simulator.recapture import recapture_run


def draw() -> Figure:
    simple = {"attackers.names": ["krumm-largest-cluster"]}
    run = pt.run("faces-at-the-station", drivers=100, days=7, seed=1, set=simple, quiet=True)
    beliefs = beliefs_by_identifiers(recapture_run(run.folder), [])
    table = shares_trackable(beliefs, run.drivers)
    table = table.filter(day=7, measure="within-250m", attacker="krumm-largest-cluster")
    with house_style("screen"):
        figure = new_figure(11.5, 6.8)
        plot_trackable(table, within_m=250, ax=figure.add_subplot())
    return figure


if __name__ == "__main__":
    write(draw)
