"""The study of own assumptions: is the adversary honest where nothing that it assumes is wrong?

``python -m experiments.own_assumptions_study`` draws drivers from the adversary's own model
(:func:`experiments.honesty.own_assumptions`) on the streets of ``norfolk-density``, at three densities of
readers, and writes ``docs/own-assumptions.csv``, of which the table in ``docs/bayes.md`` is made. A density
that is there already, of this engine and of as many drivers, is not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from experiments.docs_tables import DOCS, markdown_table
from experiments.honesty import LEVELS, coverage, own_assumptions
from experiments.sweep.engine import SHOWN_DIGITS, engine_digest
from experiments.words import TARGET_WORDS
from scenarios import scenario_named
from simulator.manifest import write_text_whole
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides

SCENARIO, SEED, DRIVERS = "norfolk-density", 1, 3_000
DENSITIES = (44, 176, 352)
CSV = DOCS / "own-assumptions.csv"
#: Sets are to hold what they claim within so much.
WITHIN = 0.03
#: Of all tests of uniform ranks together.
LEVEL = 0.05
_SHARES = [f"{part}_{100 * level:g}" for level in LEVELS for part in ("held", "se")]
COLUMNS = {"engine": pl.String, "seed": pl.Int64, "readers": pl.Int64, "target": pl.String}
COLUMNS |= {"day": pl.Int64, "drivers": pl.Int64}
COLUMNS |= dict.fromkeys((*_SHARES, "uniform_p", "sure", "sure_right"), pl.Float64)


def study(
    scenario: Scenario,
    *,
    densities: Sequence[int] = DENSITIES,
    drivers: int = DRIVERS,
    seed: int = SEED,
    done: pl.DataFrame | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield the rows of each density, of :data:`COLUMNS`.

    Parameters
    ----------
    scenario
        Whose streets and land use; its group ``street-readers`` is what varies.
    densities
        Numbers of fixed readers.
    drivers
        Drawn anew for homes and for work places, at each density.
    seed
        Root seed.
    done
        Rows of an earlier call: taken over where engine, seed and number of drivers are the same.
    """
    engine = engine_digest()
    for readers in densities:
        if done is not None:
            same = done.filter(engine=engine, seed=seed, readers=readers, drivers=drivers)
            if same.height:
                yield same
                continue
        town = with_overrides(scenario, {"readers.street-readers.count": readers})
        held = coverage(own_assumptions(town, seed=seed, drivers=drivers))
        about = {"engine": engine, "seed": seed, "readers": readers}
        yield held.with_columns(pl.lit(v).alias(k) for k, v in about.items()).select(
            pl.col(name).cast(dtype) for name, dtype in COLUMNS.items()
        )


def read(path: Path = CSV) -> pl.DataFrame:
    """Return the study's file, rows in the order of the page."""
    return pl.read_csv(path, schema=COLUMNS).sort("readers", "target", "day")


def table(rows: pl.DataFrame) -> str:
    """Return the part of docs/bayes.md that is made of the study's rows."""
    shown = tuple(f"{100 * level:g}" for level in LEVELS)
    head = ("readers", "sets of", "day", *(f"{level}%" for level in shown), "ranks uniform, p")
    lines = [
        (
            str(row["readers"]),
            TARGET_WORDS[row["target"]],
            str(row["day"]),
            *(f"{100 * row[f'held_{level}']:.1f} ± {100 * row[f'se_{level}']:.1f}" for level in shown),
            f"{row['uniform_p']:.3f}" if row["uniform_p"] >= 0.001 else "< 0.001",
        )
        for row in rows.iter_rows(named=True)
    ]
    return "\n".join([*markdown_table(head, lines), "", _summary(rows)])


def _summary(rows: pl.DataFrame) -> str:
    off = [
        abs(row[f"held_{100 * level:g}"] - level) for row in rows.iter_rows(named=True) for level in LEVELS
    ]
    within = sum(o <= WITHIN for o in off)
    p, least = rows["uniform_p"].to_numpy(), LEVEL / rows.height
    drivers = " or ".join(f"{n:,}" for n in rows["drivers"].unique(maintain_order=True))
    engines = " and ".join(f"`{e[:SHOWN_DIGITS]}`" for e in rows["engine"].unique(maintain_order=True))
    return (
        f"*{drivers} drivers at each density for homes and as many for work places, made with engine "
        f"{engines}. {within} of {len(off)} sets hold within {100 * WITHIN:g} points; the worst is "
        f"{100 * max(off):.1f} off. "
        f"Of {rows.height} tests {(p < LEVEL).sum()} have p below {LEVEL:g}; the least is {p.min():.2g}. "
        f"Together they reject at {LEVEL:g} if one is below {least:.2g} (Bonferroni): {(p < least).sum()} of "
        "them.*"
    )


def main(arguments: list[str] | None = None) -> int:
    """Make the file, as far as it is not made yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--drivers", type=int, default=DRIVERS, help="at each density, for each target")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--csv", type=Path, default=CSV, help="docs/own-assumptions.csv, if left out")
    given = parser.parse_args(arguments)
    done = read(given.csv) if given.csv.is_file() else pl.DataFrame(schema=COLUMNS)
    rows = done
    for part in study(scenario_named(SCENARIO), drivers=given.drivers, seed=given.seed, done=done):
        readers = int(part["readers"][0])
        print(f"{readers} readers: least p {part['uniform_p'].to_numpy().min():.2g}", file=sys.stderr)
        rows = pl.concat([rows.filter(pl.col("readers") != readers), part]).sort("readers")
        rounded = [pl.col(c).round_sig_figs(5) for c, t in COLUMNS.items() if t == pl.Float64]
        write_text_whole(given.csv, rows.with_columns(rounded).write_csv())
    return 0


if __name__ == "__main__":
    sys.exit(main())
