"""The validation in the documentation, made from what ``platetrail validate --out DIR`` wrote.

``python -m experiments.validation.docs DIR`` puts the tables into ``docs/trust.md`` and the README, and the
figure beside the documentation. It takes some minutes to measure, so no check holds them against the code.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl
from PIL import Image

from experiments.docs_tables import DOCS, markdown_table, with_part
from experiments.validation.report import cells_of
from experiments.validation.yardsticks import YARDSTICKS, verdicts

FIGURE = "validation.png"


def whole_table(figures: pl.DataFrame) -> str:
    """Return all figures; those that do not hold are bold."""
    rows = []
    for row in figures.iter_rows(named=True):
        what, published, accepted, ours, verdict = cells_of(row)
        rows.append((row["id"], what, published, accepted, ours, "**no**" if verdict == "NO" else verdict))
    return "\n".join(markdown_table(("", "figure", "published", "accepted", "ours (95%)", "holds"), rows))


def short_table(figures: pl.DataFrame) -> str:
    """Return one line a yardstick, with the figure that stands for it."""
    held = verdicts(figures)
    rows = []
    for yardstick in YARDSTICKS.values():
        shown = figures.filter((pl.col("id") == yardstick.id) & (pl.col("what") == yardstick.headline))
        if shown.is_empty():
            continue
        what, published, _, ours, _ = cells_of(shown.row(0, named=True))
        verdict = "yes" if held[yardstick.id] else "**no**"
        rows.append((yardstick.id, yardstick.source.split(",")[0], what, published, ours, verdict))
    return "\n".join(
        markdown_table(("", "study", "for example", "published", "ours (95%)", "all holds"), rows)
    )


def set_ups() -> str:
    """Return what each study found, and how ours was measured."""
    lines = []
    for y in YARDSTICKS.values():
        lines += [
            f"- **{y.id} {y.title}** ({y.source}; {y.status}). *Found:* {y.published} *Ours:* {y.set_up}"
        ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Write the tables and the figure."""
    parser = argparse.ArgumentParser(prog="python -m experiments.validation.docs", description=__doc__)
    parser.add_argument("folder", type=Path, help="folder that platetrail validate wrote")
    folder = parser.parse_args(arguments).folder
    figures = pl.read_csv(folder / "validation.csv", infer_schema_length=None)
    page, readme = DOCS / "trust.md", DOCS.parent / "README.md"
    text = with_part(page.read_text(encoding="utf-8"), "validation", whole_table(figures))
    page.write_text(with_part(text, "set-ups", set_ups()), encoding="utf-8")
    text = with_part(readme.read_text(encoding="utf-8"), "validation", short_table(figures))
    readme.write_text(text, encoding="utf-8")
    with Image.open(folder / FIGURE) as figure:
        figure.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(DOCS / FIGURE, optimize=True)


if __name__ == "__main__":
    main()
