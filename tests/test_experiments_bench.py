"""The benchmark measures what it says, and runs."""

from __future__ import annotations

import dataclasses
import sys

import pytest
from rich.console import Console

from experiments import bench
from experiments.bench_process import measure

TINY = dataclasses.replace(
    bench.QUICK, city_nodes=80, city_area_km2=1.2, city_drivers=60, days=2, longer_days=4
)

HOLD = "import sys, time; held = bytearray(int(sys.argv[1])); held[::4096] = b'x' * len(held[::4096]); "


def test_memory_of_child_processes_counts() -> None:
    child = f"{HOLD} time.sleep(0.4)"
    parent = f"{HOLD} import subprocess; subprocess.run([sys.executable, '-c', sys.argv[2], sys.argv[1]])"
    alone = measure([sys.executable, "-c", child, "60000000"])
    both = measure([sys.executable, "-c", parent, "60000000", child])
    assert 60e6 < alone.peak_bytes < 120e6
    assert 120e6 < both.peak_bytes < 220e6
    assert both.wall_s > 0.4


def test_a_command_that_fails_is_shown_with_what_it_printed() -> None:
    with pytest.raises(RuntimeError, match="out of order"):
        measure([sys.executable, "-c", "raise SystemExit('out of order')"])


def test_goals_are_upper_bounds() -> None:
    assert bench._at_most("a", 2.0, 2.0, "s").ok
    assert not bench._at_most("a", 2.1, 2.0, "s").ok


def test_big_city_is_the_one_that_the_goals_are_about() -> None:
    scenario = bench.city_scenario(bench.Sizes(), 90)
    assert (scenario.people.drivers, scenario.days, scenario.streets.nodes) == (20_000, 90, 10_000)
    assert [group.count for group in scenario.readers] == [120, 5, 5]


@pytest.mark.slow
def test_quick_benchmark_runs_and_judges_only_that_results_are_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "QUICK", TINY)
    rows = bench.main(quick=True)
    assert [row.what for row in rows if row.ok] == [bench._SAME_BITS]
    assert sum(row.ok is None for row in rows) == len(rows) - 1
    bench.print_rows(Console(), rows, quick=True)
    said = capsys.readouterr()
    printed = said.out
    assert "million sightings/s" in said.err
    assert "million sightings/s" in printed
    assert "Small sizes" in printed
