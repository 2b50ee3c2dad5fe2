"""The first town as a script: ``python -m scenarios.first_town``.

Prints the share of homes and work places that each attacker has within 250 m, and after how many days.
"""

from __future__ import annotations

import polars as pl

from scenarios import scenario_named
from simulator.run import simulate


def main(drivers: int = 400, days: int = 60) -> pl.DataFrame:
    """Run the scenario with a fixed seed and return its summary table."""
    town = scenario_named("first-town")
    scenario = town.model_copy(
        update={"days": days, "people": town.people.model_copy(update={"drivers": drivers})}
    )
    return simulate(scenario, seed=1).summary


if __name__ == "__main__":
    with pl.Config(tbl_rows=60, tbl_cols=12):
        print(main())
