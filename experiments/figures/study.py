"""A study's headline against its levels, with bands; for two factors, a line for each level of the second."""

from __future__ import annotations

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from experiments.figures.bars import interval_bars
from experiments.figures.layout import fit_words, legend_beside, panels, pt
from experiments.figures.style import PALETTE, attacker_looks, axes_or_new, house_style, new_figure
from experiments.figures.write import add_caption
from experiments.sweep.measures import RIGHT_WITHIN_M, measure_named
from experiments.sweep.report import headline_rows
from experiments.sweep.spec import Headline, Study
from experiments.words import TARGET_WORDS, criterion_words

_MOST_LINES = len(PALETTE)
# Letters of all labels together that fit side by side.
_WIDE_LABELS = 50
_NOT_RESIDENTS = ("visitor", "car")


def study_figure(study: Study, results: pl.DataFrame) -> Figure:
    """Draw what a study is about: its headlines over its first factor, one above the other."""
    shown = [study.headline, *([] if study.second is None else [study.second])]
    with house_style():
        n = len(shown) + study.second_against_first
        figure = new_figure(12.0, 6.4 * n)
        axes = panels(figure, n, columns=1)
        for headline, ax in zip(shown, axes, strict=False):
            plot_ladder(ladder_curve(study, results, headline), study, headline, ax=ax)
        if study.second_against_first:
            plot_trade_off(trade_off(study, results), study, ax=axes[-1])
        add_caption(figure, f"{study.id} on {study.scenario}, seed {study.seed}: {study.replicates} towns")
    return figure


def ladder_curve(study: Study, results: pl.DataFrame, headline: Headline | None = None) -> pl.DataFrame:
    """Return a headline by level of the first factor, a line an attacker (or a level of the second factor).

    Parameters
    ----------
    study, results
        The study and its table ``results``.
    headline
        What to show; the study's own if left out.

    Returns
    -------
    polars.DataFrame
        ``line, step, level, estimate, low, high``; steps count from 0 in the order of the study.
    """
    first = study.factors[0]
    two = len(study.factors) > 1
    rows = headline_rows(study, results, headline, all_attackers=not two)
    line = study.factors[1].name if two else "attacker"
    steps = pl.DataFrame({"level": first.labels(), "step": range(len(first.labels()))})
    return (
        rows.select(pl.col(line).alias("line"), pl.col(first.name).alias("level"), "estimate", "low", "high")
        .join(steps, on="level", how="inner", maintain_order="left")
        .select("line", "step", "level", "estimate", "low", "high")
        # Lines in the order of the second factor's levels, which need not be that of the alphabet.
        .sort(_place(study.factors[1].labels()) if two else "line", "step", maintain_order=True)
    )


def _place(labels: tuple[str, ...]) -> pl.Expr:
    places = {label: i for i, label in enumerate(labels)}
    return pl.col("line").cast(pl.String).replace_strict(places, return_dtype=pl.Int64)


def plot_ladder(
    data: pl.DataFrame, study: Study, headline: Headline | None = None, *, ax: Axes | None = None
) -> Axes:
    """Draw :func:`ladder_curve`: lines with bands over a ladder, points where there is no order."""
    ax = axes_or_new(ax)
    first = study.factors[0]
    lines = data["line"].unique(maintain_order=True).to_list()[:_MOST_LINES]
    by_attacker = len(study.factors) == 1
    looks = attacker_looks(lines) if by_attacker else {}
    labels = first.labels()
    for i, name in enumerate(lines):
        rows = data.filter((pl.col("line") == name) & pl.col("estimate").is_not_null())
        x, y = rows["step"].to_numpy().astype(float), rows["estimate"].to_numpy()
        low = rows["low"].fill_null(0.0).to_numpy()
        high = rows["high"].fill_null(float(np.nanmax(y)) if len(y) else 0.0).to_numpy()
        look = looks.get(name)
        color = look.color if look else PALETTE[i]
        label = look.label if look else name
        if first.ordered:
            ax.fill_between(x, low, high, color=color, alpha=0.13, linewidth=0)
            dash = look.dash if look else "-"
            ax.plot(x, y, color=color, linestyle=dash, marker=look.marker if look else "o", label=label)  # type: ignore[arg-type]
        else:
            shift = (i - (len(lines) - 1) / 2) * 0.6 / max(len(lines), 1)
            point = {"color": color, "marker": "o", "label": label}
            interval_bars(ax, y, x + shift, low=low, high=high, upright=True, **point)
    wanted = headline or study.headline
    measure = measure_named(wanted.measure)
    slanted = len(labels) > 5 or sum(map(len, labels)) > _WIDE_LABELS
    ax.set_xticks(
        range(len(labels)),
        labels,
        rotation=35 if slanted else 0,
        ha="right" if slanted else "center",
    )
    # Steps at which nothing is reached have no point, but a place.
    ax.set_xlim(-0.6, len(labels) - 0.4)
    ax.set_xlabel(f"{first.words}" + (f" ({first.unit})" if first.unit and not _unit_said(labels) else ""))
    criterion = wanted.criterion or study.criteria[0]
    place = TARGET_WORDS[wanted.target]
    titles = {
        "known-by-day": f"Share of {place} known {criterion_words(criterion)}",
        "right-at-day": f"Share of {_findable(study, wanted)}",
    }
    if criterion.startswith("known-and-right") and measure.name == "known-by-day":
        titles["known-by-day"] = f"Share of {place} of which the adversary was once sure, and right"
    titles |= {
        "cars-found": f"Share of sought cars found ({criterion})",
        "visitors-listed": f"Share of visitors {criterion}",
        "visitors-named": f"Share of visitors {criterion}",
    }
    ax.set_title(titles.get(measure.name, f"{place.capitalize()}: {measure.words}"))
    if measure.unit == "share":
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        whom = TARGET_WORDS[wanted.target] if wanted.target in _NOT_RESIDENTS else "residents"
        ax.set_ylabel(f"Share of {whom}\n({'band' if first.ordered else 'bar'}: 95% interval)")
    else:
        ax.set_ylabel(f"{measure.unit}\n({'band' if first.ordered else 'bar'}: 95% interval)")
    ax.set_ylim(bottom=0)
    fit_words(ax)
    if len(lines) > 1 or not by_attacker:
        title = "Attacker" if by_attacker else study.factors[1].words
        legend_beside(ax, title=title)
    return ax


def _findable(study: Study, headline: Headline) -> str:
    """Return in words what 'right-at-day' is the share of; it is about plain distances alone."""
    criterion = headline.criterion or study.criteria[0]
    how = criterion_words(criterion if criterion in RIGHT_WITHIN_M else next(iter(RIGHT_WITHIN_M)))
    return f"{TARGET_WORDS[headline.target]} that can be found {how} on the last day"


def trade_off(study: Study, results: pl.DataFrame) -> pl.DataFrame:
    """Return the second headline against the first, by level of the first factor.

    Returns
    -------
    polars.DataFrame
        ``level``, and ``estimate, low, high`` of each with the endings ``_x`` (first) and ``_y``.
    """
    level = study.factors[0].name
    both = [
        headline_rows(study, results, headline).select(
            pl.col(level).alias("level"),
            *(pl.col(c).alias(f"{c}_{axis}") for c in ("estimate", "low", "high")),
        )
        for headline, axis in ((study.headline, "x"), (study.second, "y"))
    ]
    return both[0].join(both[1], on="level", maintain_order="left")


def plot_trade_off(data: pl.DataFrame, study: Study, *, ax: Axes | None = None) -> Axes:
    """Draw :func:`trade_off`: a point a level, with both intervals as bars, numbers in place of names."""
    ax = axes_or_new(ax)
    for i, row in enumerate(data.iter_rows(named=True)):
        x, y = row["estimate_x"], row["estimate_y"]
        bars = ([x - row["low_x"]], [row["high_x"] - x]), ([y - row["low_y"]], [row["high_y"] - y])
        color = PALETTE[i % len(PALETTE)]
        ax.errorbar(
            x, y, xerr=bars[0], yerr=bars[1], color=color, marker="o", markersize=pt(9), capsize=pt(3),
            alpha=0.85, label=f"{i + 1}  {row['level']}",
        )  # fmt: skip
        beside = {"xytext": (pt(7), pt(7)), "textcoords": "offset points"}
        ax.annotate(str(i + 1), (x, y), **beside, fontsize=pt(14), weight="bold")  # type: ignore[arg-type]
    for axis, headline in ((ax.xaxis, study.headline), (ax.yaxis, study.second)):
        assert headline is not None
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        said = {
            "right-at-day": _findable(study, headline),
            "cars-found": f"sought cars found\n({headline.criterion})",
        }
        axis.set_label_text(f"Share of {said.get(headline.measure, measure_named(headline.measure).words)}")
    ax.set_xlim(left=-0.02)
    ax.set_ylim(bottom=-0.02)
    ax.set_title("What a rule hides, and what it costs: up and to the left is better")
    legend_beside(fit_words(ax), title=study.factors[0].words)
    return ax


def _unit_said(labels: tuple[str, ...]) -> bool:
    return not all(label.replace(".", "", 1).isdigit() for label in labels)
