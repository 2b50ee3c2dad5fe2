"""The engine: streets, people, travel, readers, sightings, adversaries and privacy measures.

No plotting and no command line. Start at :func:`simulator.simulate`::

    import scenarios
    import simulator

    run = simulator.simulate(scenarios.load("first-town"), seed=1)
    run.outcomes

What is named in ``__all__`` is imported when it is first asked for (PEP 562), so that ``import simulator``
is quick. :mod:`platetrail` has figures and pages on top.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from simulator.kernel_cache import choose_kernel_folder

if TYPE_CHECKING:
    from simulator.errors import PlatetrailError as PlatetrailError
    from simulator.run import Run as Run
    from simulator.run import load_run as load_run
    from simulator.run import simulate as simulate
    from simulator.scenario import Scenario as Scenario
    from simulator.scenario_file import with_overrides as with_overrides
    from simulator.tables import SCHEMAS as SCHEMAS
    from simulator.tables import read_table as read_table
    from simulator.world import World as World
    from simulator.world import build_world as build_world

# Before any module with kernels is imported.
choose_kernel_folder()

_HOME = {
    "PlatetrailError": "errors",
    "Run": "run",
    "SCHEMAS": "tables",
    "Scenario": "scenario",
    "World": "world",
    "build_world": "world",
    "load_run": "run",
    "read_table": "tables",
    "simulate": "run",
    "with_overrides": "scenario_file",
}
__all__ = [
    "SCHEMAS",
    "PlatetrailError",
    "Run",
    "Scenario",
    "World",
    "build_world",
    "load_run",
    "read_table",
    "simulate",
    "with_overrides",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        from simulator.errors import did_you_mean

        raise AttributeError(f"module 'simulator' has no attribute '{name}'. {did_you_mean(name, _HOME)}")
    found = globals()[name] = getattr(import_module(f"simulator.{_HOME[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
