"""Tables of the study of traffic from elsewhere, for docs/trust.md and the terminal.

``python -m experiments.elsewhere_report FILE`` prints what :mod:`experiments.elsewhere_study` has found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
from scipy import stats

from experiments.docs_tables import DOCS, markdown_table
from experiments.elsewhere_study import COLUMNS, LAYOUTS
from experiments.sweep.estimates import pooled_share

CSV = DOCS / "elsewhere.csv"
RATIO = "bayes over the median"
#: What the figures were to reach.
WANTED = {
    RATIO: 4.0,
    "home: 80% sets hold": 0.75,
    "home: 95% sets hold": 0.90,
    "home: of these right": 0.85,
    "work: 80% sets hold": 0.75,
    "work: 95% sets hold": 0.90,
    "work: of these right": 0.85,
}
#: The ratio is about one fixed reader a kilometre; these are the layouts that may be meant by it.
_JUDGED = ("primary", "main")
_TOWN = ("vehicles", "trips", "km of primary road", "km of primary and secondary road")
_READ = ("readers", "reads a vehicle and day")
_STRENGTH = ("median of first and last readers", "last destination", "bayes", RATIO)
_SURE = ("claimed at 0.9 within 500 m", "of these right")
_WHERE = ("95% sets hold, place in town", "95% sets hold, place outside")
_HONESTY = tuple(
    f"{target}: {figure}"
    for target in ("home", "work")
    for figure in ("50% sets hold", "80% sets hold", "95% sets hold", *_WHERE, *_SURE)
)
_WHY = (
    "ratio if all homes were found", "never read", "read on fewer than three days",
    "bayes, read on fewer than three days", "bayes, read on three days or more", "bayes, within 1 km",
    "median error of those not found, m", "belief within 500 m of home", "the same, of those not found",
    "home: within 500 m, of all", "home: mean claim within 500 m",
)  # fmt: skip
_WORDS = {
    "median of first and last readers": "homes within 500 m: median of each day's first and last readers",
    "last destination": "the same: Krumm's last destination",
    "bayes": "the same: Bayesian adversary",
    RATIO: "Bayesian adversary over the median",
    "ratio if all homes were found": "ratio to the median, had all homes been found",
    "never read": "residents never read",
    "read on fewer than three days": "residents read on fewer than three days",
    "bayes, read on fewer than three days": "of these, home found within 500 m",
    "bayes, read on three days or more": "of all others, home found within 500 m",
    "bayes, within 1 km": "homes found within 1 km",
    "median error of those not found, m": "median error of homes not found within 500 m, m",
    "belief within 500 m of home": "mean belief within 500 m of the true home",
    "the same, of those not found": "the same, of homes not found",
    "home: within 500 m, of all": "homes found within 500 m, of all drivers",
    "home: mean claim within 500 m": "mean belief within 500 m of the guess, of all drivers",
}


def pooled(rows: pl.DataFrame) -> tuple[float, float, float]:
    """Return one figure over all towns, and its 95% interval.

    Shares are pooled with towns as clusters (:mod:`experiments.sweep.estimates`). Of ratios the geometric
    mean is taken, with Student's t over the logarithms of towns; of other numbers the mean alone.
    """
    some = rows.filter(pl.col("value").is_not_null())
    if not some.height:
        return np.nan, np.nan, np.nan
    n, value = some["n"].to_numpy().astype(np.float64), some["value"].to_numpy()
    if not n.any():
        return float(value.mean()), np.nan, np.nan
    if some["figure"][0] != RATIO:
        return pooled_share(n, value)
    if some.height == 1:
        return float(value[0]), float(some["low"][0]), float(some["high"][0])
    log = np.log(value)
    half = stats.t.ppf(0.975, len(log) - 1) * stats.sem(log)
    return float(np.exp(log.mean())), float(np.exp(log.mean() - half)), float(np.exp(log.mean() + half))


def holds(found: tuple[float, float, float], wanted: float | None) -> str:
    """Return whether a figure reaches what is wanted, and whether it could be otherwise by chance."""
    value, low, high = found
    if wanted is None or not np.isfinite(value):
        return "–"
    if value >= wanted:
        return "yes" if low >= wanted else "yes, within the error"
    return "**no**" if high < wanted else "no, within the error"


def table(frame: pl.DataFrame, layout: str, figures: Sequence[str]) -> list[str]:
    """Return the table of one layout, town by town and pooled, in Markdown."""
    own = frame.filter(pl.col("layout") == layout)
    towns = sorted(own["town"].unique())
    goals = {f: w for f, w in WANTED.items() if f != RATIO or layout in _JUDGED}
    judged = any(f in goals for f in figures)
    rows = []
    for figure in figures:
        some = own.filter(pl.col("figure") == figure).sort("town")
        if not some.height:
            continue
        of_town = {r["town"]: r for r in some.iter_rows(named=True)}
        found = pooled(some)
        cells = [_cell(figure, of_town[town]) if town in of_town else "–" for town in towns]
        wanted = [f"≥ {goals[figure]:g}" if figure in goals else "–"] if judged else []
        last = [holds(found, goals.get(figure))] if judged else []
        rows.append((_words(figure), *wanted, *cells, _interval(found, _total(figure, some)), *last))
    head = ("", *(["wanted"] if judged else []), *(t.removeprefix("town-") for t in towns), "all (95%)")
    return markdown_table((*head, *(["holds"] if judged else [])), rows)


def _words(figure: str) -> str:
    for target, words in (("home: ", "homes: "), ("work: ", "work places: ")):
        if figure.startswith(target) and figure not in _WORDS:
            return words + figure.removeprefix(target)
    return _WORDS.get(figure, figure)


def _is_claim(figure: str) -> bool:
    return figure.endswith(_SURE[1])


def _cell(figure: str, row: dict[str, float]) -> str:
    if row["value"] is None:
        return "none"
    if _is_claim(figure):
        return f"{round(row['value'] * row['n']):,} of {row['n']:,}"
    if figure == RATIO:
        return f"{row['value']:.2f} ({row['low']:.2f}–{row['high']:.2f})"
    return _plain(row["value"])


def _plain(value: float) -> str:
    if abs(value) >= 30 or (value >= 2 and float(value).is_integer()):
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1.5 else f"{value:.3f}"


def _total(figure: str, rows: pl.DataFrame) -> str:
    return f", of {rows['n'].sum():,}" if _is_claim(figure) else ""


def _interval(found: tuple[float, float, float], more: str) -> str:
    value, low, high = found
    if not np.isfinite(value):
        return "none"
    return _plain(value) + more + (f" ({_plain(low)}–{_plain(high)})" if np.isfinite(low) else "")


def tables(path: Path = CSV) -> str:
    """Return the part of docs/trust.md that is made from the study's file."""
    frame = pl.read_csv(path, schema=COLUMNS)
    parts: list[str] = []
    for name, layout in LAYOUTS.items():
        if not frame.filter(pl.col("layout") == name).height:
            continue
        if not parts:
            parts += ["**The towns:**", "", *table(frame, name, _TOWN), ""]
        shown = (*_READ, *_STRENGTH, *_HONESTY)
        parts += [f"**{layout.title[0].upper()}{layout.title[1:]}:**", "", *table(frame, name, shown), ""]
    for name in _JUDGED[::-1]:
        if frame.filter(pl.col("layout") == name).height:
            parts += [f"**Who is not found, with {LAYOUTS[name].title}:**", "", *table(frame, name, _WHY), ""]
    return "\n".join(parts).rstrip()


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", default=CSV)
    print(tables(parser.parse_args(arguments).file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
