"""platetrail in Python: run a scenario by name, look at its tables and figures.

    import platetrail as pt

    run = pt.run("first-town", drivers=100, days=21, seed=1)
    run.figure("homes-known")

This package is only a door: what is behind it is in :mod:`experiments.notebook`, the engine in
:mod:`simulator`, the catalogue in :mod:`scenarios`. Names are imported when first asked for (PEP 562).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.notebook.driver import Driver as Driver
    from experiments.notebook.run import Run as Run
    from experiments.notebook.start import open_run as open_run
    from experiments.notebook.start import open_study as open_study
    from experiments.notebook.start import run as run
    from experiments.notebook.start import scenario as scenario
    from experiments.notebook.start import scenarios as scenarios
    from experiments.notebook.start import studies as studies
    from experiments.notebook.start import study as study
    from experiments.notebook.study import Study as Study
    from simulator.errors import PlatetrailError as PlatetrailError
    from simulator.scenario import Scenario as Scenario

_HOME = {
    "Driver": "experiments.notebook.driver",
    "PlatetrailError": "simulator.errors",
    "Run": "experiments.notebook.run",
    "Scenario": "simulator.scenario",
    "Study": "experiments.notebook.study",
    "open_run": "experiments.notebook.start",
    "open_study": "experiments.notebook.start",
    "run": "experiments.notebook.start",
    "scenario": "experiments.notebook.start",
    "scenarios": "experiments.notebook.start",
    "studies": "experiments.notebook.start",
    "study": "experiments.notebook.start",
}
__all__ = [
    "Driver",
    "PlatetrailError",
    "Run",
    "Scenario",
    "Study",
    "open_run",
    "open_study",
    "run",
    "scenario",
    "scenarios",
    "studies",
    "study",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("platetrail")
    if name not in _HOME:
        from simulator.errors import did_you_mean

        raise AttributeError(f"platetrail has no '{name}'. {did_you_mean(name, _HOME)}")
    found = globals()[name] = getattr(import_module(_HOME[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
