"""Speed and memory on this machine."""

from __future__ import annotations

import time


def main(*, quick: bool = False) -> None:
    """Time a warm run of 'first-town' and print drivers simulated a second."""
    from simulator.run import simulate

    from scenarios import scenario_named

    town = scenario_named("first-town")
    scenario = town.model_copy(update={"days": 7 if quick else town.days})
    simulate(scenario, seed=1)
    start = time.perf_counter()
    simulate(scenario, seed=1)
    print(f"first-town, {scenario.days} days, warm: {time.perf_counter() - start:.2f} s")
