"""Results in the documentation: the README's table and figure, and the calibration table.

They come from runs, which take time, so no check holds them against the code; before a release, make anew:

``python -m experiments.docs_results readme demo-run`` (a folder that ``platetrail demo`` wrote), and
``python -m experiments.docs_results calibration norfolk-density``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import polars as pl
from PIL import Image

from experiments.calibration import CALIBRATION_DAYS, CALIBRATION_DRIVERS, calibrate
from experiments.docs_tables import DOCS, markdown_table, with_part
from experiments.words import attacker_title
from scenarios import scenario_named
from simulator.tables import read_table

FIGURE = "homes-known.png"
_DAYS = (7, 30, 60)
_DISTANCES_M = (250, 500)


def results_table(summary: pl.DataFrame) -> str:
    """Return the share of homes and work places known, in percent, by attacker, distance and day."""
    cells = {
        (row["attacker"], row["target"], row["criterion"], row["day"]): row
        for row in summary.iter_rows(named=True)
    }
    last = f"within-{_DISTANCES_M[0]}m"
    order = (
        summary.filter(
            (pl.col("target") == "home") & (pl.col("criterion") == last) & (pl.col("day") == _DAYS[-1])
        )
        .sort(["share", "attacker"], descending=[True, False])["attacker"]
        .to_list()
    )

    def shares(attacker: str, target: str, distance_m: int) -> str:
        found = [cells.get((attacker, target, f"within-{distance_m}m", day)) for day in _DAYS]
        return " / ".join("–" if row is None else f"{100 * row['share']:.0f}" for row in found)

    head = ("attacker", *(f"{t}, {d} m" for t in ("homes", "work places") for d in _DISTANCES_M))
    rows = [
        (attacker_title(a), *(shares(a, t, d) for t in ("home", "work") for d in _DISTANCES_M)) for a in order
    ]
    return "\n".join(markdown_table(head, rows))


def calibration_table(figures: pl.DataFrame) -> str:
    """Return simulated figures beside published ones."""
    rows = [
        (
            row["id"],
            row["what"] + (f", {row['unit']}" if row["unit"] else ""),
            _figure(row["published"]),
            f"{_figure(row['accepted_low'])} to {_figure(row['accepted_high'])}",
            _figure(row["simulated"]),
            "yes" if row["holds"] else "**no**",
        )
        for row in figures.filter("applies").iter_rows(named=True)
    ]
    return "\n".join(markdown_table(("", "figure", "published", "accepted", "simulated", "holds"), rows))


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def write_readme(run: Path, readme: Path) -> None:
    """Put a demo's result table into the README and its figure beside the documentation."""
    summary = read_table("summary", run / "summary.parquet")
    text = with_part(readme.read_text(encoding="utf-8"), "results", results_table(summary))
    with Image.open(run / "figures" / FIGURE) as figure:
        figure.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(DOCS / FIGURE, optimize=True)
    readme.write_text(text, encoding="utf-8")


def write_calibration(name: str, page: Path) -> None:
    """Calibrate a scenario and put the table into the page."""
    figures = calibrate(scenario_named(name), seed=1, drivers=CALIBRATION_DRIVERS, days=CALIBRATION_DAYS)
    text = with_part(page.read_text(encoding="utf-8"), f"calibration {name}", calibration_table(figures))
    page.write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Write one of the two."""
    parser = argparse.ArgumentParser(prog="python -m experiments.docs_results", description=__doc__)
    parser.add_argument("what", choices=("readme", "calibration"))
    parser.add_argument("run_or_scenario", help="results folder of the demo, or name of a scenario")
    chosen = parser.parse_args(arguments)
    if chosen.what == "readme":
        write_readme(Path(chosen.run_or_scenario), DOCS.parent / "README.md")
    else:
        write_calibration(chosen.run_or_scenario, DOCS / "calibration.md")


if __name__ == "__main__":
    main()
