"""Compile all kernels once, at set-up: ``python -m experiments.warm_up``.

A run of the first town with few drivers and days calls every kernel of the demo; numba keeps the results.
"""

from __future__ import annotations

from scenarios.lookup import scenario_named
from simulator.run import simulate
from simulator.scenario_file import with_overrides


def main() -> None:
    """Run a tiny first town and forget the result."""
    simulate(with_overrides(scenario_named("first-town"), {"people.drivers": 60, "days": 7}), seed=1)


if __name__ == "__main__":
    main()
