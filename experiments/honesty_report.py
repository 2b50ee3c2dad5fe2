"""Table and figure of the study of honesty."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from rich.table import Table

from experiments.figures.certainty import claimed_against_held, plot_claimed_against_held
from experiments.figures.layout import panels
from experiments.figures.style import house_style, new_figure
from experiments.figures.write import save_figure
from experiments.words import TARGET_WORDS, attacker_title

_WORDS = {**TARGET_WORDS, "both": "pairs of them"}


def coverage_table(data: pl.DataFrame, scenario_id: str) -> Table:
    """Return :func:`experiments.honesty.coverage` as a table for the terminal."""
    names = [attacker_title(a) for a in data["attacker"].unique(maintain_order=True)]
    table = Table(title=f"Claimed and held: {scenario_id}, {' and '.join(names)}", title_justify="left")
    for name in (*(["Adversary"] if len(names) > 1 else []), "Of", "Day"):
        table.add_column(name)
    table.add_column("Drivers", justify="right")
    claims = [c.removeprefix("held_") for c in data.columns if c.startswith("held_")]
    for name in (*(f"{c}%" for c in claims), "Sure of", "Right"):
        table.add_column(name, justify="right")
    for row in data.iter_rows(named=True):
        right = row["sure_right"]
        table.add_row(
            *([attacker_title(row["attacker"])] if len(names) > 1 else []),
            _WORDS[row["target"]],
            str(row["day"]),
            f"{row['drivers']:,}",
            *(f"{100 * row[f'held_{c}']:.0f} ± {100 * row[f'se_{c}']:.0f}" for c in claims),
            f"{100 * row['sure']:.0f}%",
            "–" if right is None else f"{100 * right:.0f}%",
        )
    table.caption_justify = "left"
    table.caption = (
        "Drivers whose place lay in the set for which it claimed so much, in percent, with standard errors.\n"
        "Sure: it claims at least 0.9 within 250 m of its guess. Right: share of these within 250 m."
    )
    return table


def draw_claimed_against_held(beliefs: pl.DataFrame, path: Path) -> None:
    """Draw homes and work places side by side into a PNG, PDF or SVG file."""
    with house_style():
        figure = new_figure(12.0, 6.4)
        for ax, target in zip(panels(figure, 2, columns=2), ("home", "work"), strict=True):
            plot_claimed_against_held(claimed_against_held(beliefs, target=target), ax=ax)
        save_figure(figure, path)
