"""Lines of an access log that must be sampled to find a violation, by logging rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from experiments.figures.bars import interval_bars
from experiments.figures.layout import fit_words, legend_beside, pt
from experiments.figures.style import PALETTE, axes_or_new

_VIOLATIONS = {
    "unlawful-sharing": "sharing against the rules",
    "misconfigured": "a partner too many",
    "beyond-look-back": "searching too far back",
    "stalking": "stalking one plate",
    "no-reason": "no reason given",
}
_RULES = {
    "full": ("full log", "o"),
    "no-plate": ("without the plate", "s"),
    "no-reason": ("without the reason", "^"),
    "own-agency-only": ("own agency only", "D"),
    "totals-by-month": ("totals by month", "v"),
    "none": ("no log", "x"),
}


def plot_audit(table: pl.DataFrame, *, probability: float = 0.95, ax: Axes | None = None) -> Axes:
    """Draw the table of :func:`simulator.oversight.audit.audit`.

    Parameters
    ----------
    table
        Lines needed by violation and logging rule.
    probability
        The chance that they give.
    ax
        Where to draw; a new figure if left out.
    """
    ax = axes_or_new(ax)
    violations = [v for v in _VIOLATIONS if v in table["violation"].to_list()]
    most = table["lines_needed"].max()
    never = 10.0 ** (np.ceil(np.log10(float(most))) + 0.5) if isinstance(most, (int, float)) else 10.0
    for k, (rule, (label, marker)) in enumerate(_RULES.items()):
        for i, violation in enumerate(violations):
            chosen = table.filter((pl.col("violation") == violation) & (pl.col("logging") == rule))
            needed, low, high = chosen.select("lines_needed", "low", "high").row(0)
            height = i + 0.13 * (k - 2.5)
            look: dict[str, Any] = {
                "color": PALETTE[k],
                "marker": marker,
                "markersize": pt(8),
                "linestyle": "none",
            }
            if needed is None:
                ax.plot([never], [height], **{**look, "fillstyle": "none"})
            else:
                interval_bars(ax, [needed], [height], low=[low], high=[high], **look)
        ax.plot([], [], color=PALETTE[k], marker=marker, linestyle="none", markersize=pt(8), label=label)
    ax.set_xscale("log")
    ax.axvline(never / 10**0.25, color="#999999", linewidth=pt(1.0), linestyle=":")
    ax.text(never, -0.62, "never found", ha="center", va="bottom", fontsize=pt(12), color="#555555")
    ax.set_xlim(0.8, never * 2.2)
    ax.set_ylim(len(violations) - 0.5, -0.6)
    ax.set_yticks(np.arange(len(violations)), [_VIOLATIONS[v] for v in violations])
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value < never / 2 else ""))
    ax.set_xlabel(f"Log lines to sample for a {probability:.0%} chance (bar: middle 95% of logs)")
    ax.set_title("What an auditor must read to find a broken rule", pad=pt(24))
    legend_beside(fit_words(ax), title="The log records")
    return ax
