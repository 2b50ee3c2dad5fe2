"""What a study will take, before it begins: a rough model, good to about a factor of two.

World: a shortest-path tree in and one out for each attractor and version of travel times. Reads: by driver
and day. Looks: by driver, checkpoint and attacker. Constants were measured with ``norfolk-density`` and
``first-town``; a warm machine is assumed, kernels compiled.
"""

from __future__ import annotations

from dataclasses import dataclass

from experiments.sweep.design import Design, Setting
from experiments.sweep.folder import StudyFolder
from simulator.errors import StudyError
from simulator.scenario import Scenario

#: Studies of more cells, or hours, begin only when told to.
MANY_CELLS, MANY_HOURS = 10_000, 24.0

_WORLD_S, _TREE_NODE_S = 0.4, 1.4e-7
_DRIVER_DAY_S, _READS_A_DAY = 4.5e-6, 4.0
_GUESS_S = {"bayes": 2.0e-4, "learned": 5.0e-4}
_SIMPLE_GUESS_S, _TABLES_S, _MODEL_S = 1.5e-5, 0.15, 4.0
_READ_BYTES, _GUESS_BYTES, _OUTCOME_BYTES = 14.0, 16.0, 0.6
_BASE_MB, _TREE_BYTES = 450.0, 8.0
_SIMPLE = 8


@dataclass(frozen=True, kw_only=True)
class Cost:
    """An estimate.

    Parameters
    ----------
    cells, groups
        How many there are, and how many of the first share each capture.
    hours
        With all workers.
    disk_mb
        Of cells, at the end; and of the captures that are there at a time.
    memory_mb
        Of all workers together.
    """

    cells: int
    groups: int
    hours: float
    disk_mb: float
    capture_mb: float
    memory_mb: float

    def words(self) -> str:
        """Return the estimate in one line."""
        return (
            f"{self.cells:,} cells in {self.groups:,} groups that share their reads: about "
            f"{_time(self.hours)}, {_size(self.disk_mb)} of results and {_size(self.capture_mb)} of reads "
            f"meanwhile on disk, {_size(self.memory_mb)} of memory (rough: half or double is likely)."
        )


def cost_of(design: Design, workers: int) -> Cost:
    """Estimate what a study takes, from its first combination of levels."""
    first: Setting = next(iter(design.settings()))
    scenario = first.scenario
    n_cells, n_groups = design.n_cells, design.n_groups
    seconds = n_groups * _group_s(scenario) + n_cells * _look_s(scenario)
    busy = max(1, min(workers, n_cells))
    drivers = scenario.n_people
    guesses = drivers * len(scenario.checkpoints()) * 2 * _n_attackers(scenario)
    cell_bytes = guesses * _GUESS_BYTES + drivers * _n_attackers(scenario) * 60 * _OUTCOME_BYTES + 2e4
    read_mb = drivers * scenario.days * _READS_A_DAY * _READ_BYTES / 1e6
    tree_mb = _tree_nodes(scenario) * _TREE_BYTES / 1e6
    return Cost(
        cells=n_cells,
        groups=n_groups,
        hours=seconds / busy / 3600,
        disk_mb=n_cells * cell_bytes / 1e6,
        capture_mb=min(busy, n_groups) * read_mb,
        memory_mb=busy * (_BASE_MB + tree_mb + guesses * 60 / 1e6),
    )


def refuse_if_large(cost: Cost, *, yes: bool) -> None:
    """Refuse to begin a very large study by accident.

    Raises
    ------
    StudyError
        With the estimate, and what to do.
    """
    if not yes and (cost.cells > MANY_CELLS or cost.hours > MANY_HOURS):
        raise StudyError(
            f"This is a large study. {cost.words()} Take fewer levels or replicates, look at it with "
            "--dry-run, or give --yes to begin all the same."
        )


def is_begun(folder: StudyFolder) -> bool:
    """Return whether a study has been begun in a folder."""
    return (folder.path / "cells").is_dir() and any((folder.path / "cells").iterdir())


def _n_attackers(scenario: Scenario) -> int:
    return len(scenario.attackers.names) or _SIMPLE + 2


def _tree_nodes(scenario: Scenario) -> float:
    people = scenario.people
    attractors = (
        (people.workplaces + people.shops + people.leisure_places + people.schools + people.worship_places)
        + people.clinics
        + people.external_places
    )
    return 2.0 * attractors * scenario.travel.route_variants * scenario.streets.nodes


def _group_s(scenario: Scenario) -> float:
    driver_days = scenario.n_people * scenario.days
    return (
        _WORLD_S
        + _tree_nodes(scenario) * _TREE_NODE_S
        + driver_days * _DRIVER_DAY_S
        + _MODEL_S * _thinks(scenario)
    )


def _look_s(scenario: Scenario) -> float:
    names = scenario.attackers.names or ("bayes", *("simple",) * (_SIMPLE + 1))
    guesses = scenario.n_people * len(scenario.checkpoints())
    return _TABLES_S + guesses * sum(_GUESS_S.get(name, _SIMPLE_GUESS_S) for name in names)


def _thinks(scenario: Scenario) -> bool:
    return not scenario.attackers.names or "bayes" in scenario.attackers.names


def _time(hours: float) -> str:
    if hours < 1.5 / 60:
        return f"{3600 * hours:.0f} seconds"
    if hours < 1.5:
        return f"{60 * hours:.0f} minutes"
    return f"{hours:,.0f} hours" if hours < 72 else f"{hours / 24:,.0f} days"


def _size(mb: float) -> str:
    return f"{mb:.0f} MB" if mb < 1000 else f"{mb / 1000:,.1f} GB"
