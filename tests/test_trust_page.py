"""The page on trust: made parts are taken from where they are kept."""

from __future__ import annotations

import polars as pl
import pytest

from experiments.docs_tables import DOCS, with_part
from experiments.findings import kept
from experiments.trust_page import CALIBRATED, part_of, sets_table, trust_page


def test_parts_are_put_in_and_taken_out_again() -> None:
    page = "a\n<!-- made: x -->\n<!-- end -->\nb\n<!-- made: y -->\nold\n<!-- end -->\nc\n"
    # An empty part is one, too, and does not reach to the end of the next.
    filled = with_part(with_part(page, "x", "one\ntwo"), "y", "new")
    assert filled == page.replace("x -->\n", "x -->\none\ntwo\n").replace("old", "new")
    assert part_of(filled, "x") == "one\ntwo" and part_of(filled, "y") == "new"
    with pytest.raises(LookupError, match="made: z"):
        with_part(page, "z", "")
    with pytest.raises(LookupError, match="made: z"):
        part_of(page, "z")


def test_the_page_has_the_tables_of_calibration_and_honesty() -> None:
    page, calibration = trust_page(DOCS), (DOCS / "calibration.md").read_text(encoding="utf-8")
    assert part_of(page, "calibration") == part_of(calibration, CALIBRATED)
    table = part_of(page, "honesty").splitlines()
    own = kept("honesty").filter(
        pl.col("measure") == "calibration",
        pl.col("criterion") == "credible-80",
        pl.col("day").is_in((7, 30, 90)),
    )
    assert len(table) == 2 + own.select("readers", "day").n_unique()
    first = own.filter(pl.col("target") == "home").row(0, named=True)
    (line,) = (row for row in table if row.startswith(f"| {first['readers']} | {first['day']} |"))
    assert line.split(" | ")[3].split()[0] == f"{100 * first['estimate']:.0f}"


def test_what_was_not_measured_is_left_open() -> None:
    rows = [("44", "bayes", "home", f"credible-{q}", "calibration", 7, q / 100, 0.4, 0.99) for q in (50, 95)]
    columns = ["readers", "attacker", "target", "criterion", "measure", "day", "estimate", "low", "high"]
    last = sets_table(pl.DataFrame(rows, schema=columns, orient="row")).splitlines()[-1]
    assert last == "| 44 | 7 | 50 (40–99) | – | 95 (40–99) | – | – | – |"
