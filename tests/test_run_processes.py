"""How a run is shared out: chunks bounded in memory, and no more processes than are of use."""

from __future__ import annotations

import os

import pytest
from engine_town import tiny_scenario
from hypothesis import given
from hypothesis import strategies as st

from simulator import streaming


@given(
    drivers=st.integers(1, 50_000),
    days=st.integers(1, 3650),
    workers=st.integers(1, 5_000),
    asked=st.none() | st.integers(1, 60_000),
)
def test_chunks_are_all_drivers_in_order_and_bounded(
    drivers: int, days: int, workers: int, asked: int | None
) -> None:
    scenario = tiny_scenario(people__drivers=drivers, days=days)
    chunks = streaming.driver_chunks(scenario, asked, workers)
    assert [a for a, _ in chunks] == [0, *(b for _, b in chunks[:-1])]
    assert chunks[-1][1] == drivers
    sizes = {b - a for a, b in chunks}
    if asked is None:
        assert max(sizes) * days <= 120_000
        small = [b - a for a, b in chunks[:-1] if b - a < min(50, 120_000 // days)]
        assert not small


@pytest.mark.parametrize(("workers", "chunks", "least"), [(1, 9, 1), (2, 1, 1), (2, 9, 2)])
def test_processes_are_at_most_what_is_asked_for_and_of_use(workers: int, chunks: int, least: int) -> None:
    assert streaming.processes(workers, chunks) == least


def test_thousands_of_workers_are_not_thousands_of_processes() -> None:
    assert streaming.processes(4_096, 4_096) == 2 * (os.cpu_count() or 1)
    assert len(streaming.driver_chunks(tiny_scenario(people__drivers=400), None, 4_096)) == 8
