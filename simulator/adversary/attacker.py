"""What every attacker is: a named object with one method, entered in a registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.joint import Joint
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.adversary.posterior import Posterior
from simulator.errors import ScenarioError, did_you_mean
from simulator.sightings.view import ArchiveView


@dataclass(frozen=True, kw_only=True, eq=False)
class Guesses:
    """Where an attacker says a place is, for each plate and checkpoint; NaN where it abstains.

    All arrays have shape (n_plates, n_checkpoints).

    Parameters
    ----------
    x_m, y_m
        The point, metres.
    confidence
        The attacker's own score in [0, 1]; a share of supporting evidence for the simple attackers, a
        probability only for attackers that say so.
    """

    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]
    confidence: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Attack:
    """The result of one attacker on one view.

    Parameters
    ----------
    home, work
        Guesses; ``work`` is ``None`` for attackers that look for homes only.
    home_posterior, work_posterior
        What the guesses were drawn from, for attackers that can say how sure they are.
    joint
        How the two go together, for attackers that weigh pairs.
    """

    home: Guesses
    work: Guesses | None
    home_posterior: Posterior | None = None
    work_posterior: Posterior | None = None
    joint: Joint | None = None


class Attacker(Protocol):
    """An attacker: sees an archive view and its knowledge, and nothing else."""

    # Read-only, so that frozen dataclasses qualify.
    @property
    def name(self) -> str:
        """Name in the registry and in scenario files."""

    @property
    def title(self) -> str:
        """Name for people."""

    @property
    def citation(self) -> str:
        """The paper that the attack comes from."""

    @property
    def rung(self) -> Rung:
        """The knowledge that it needs."""

    def infer(self, view: ArchiveView, knowledge: Knowledge) -> Attack:
        """Guess homes (and work places) of all plates at all checkpoints of a view."""


@dataclass(frozen=True, kw_only=True)
class Extra:
    """An optional part of this package that an attacker cannot do without.

    Parameters
    ----------
    name
        Name of the extra, as in ``platetrail[name]``.
    module, package
        The module that comes with it, and the name of its package.
    """

    name: str
    module: str
    package: str


_REGISTRY: dict[str, Attacker] = {}
_EXTRA: dict[str, Extra] = {}
_ONLY_WHERE_NAMED: set[str] = set()


def register(attacker: Attacker, *, extra: Extra | None = None, only_where_named: bool = False) -> Attacker:
    """Enter an attacker under its name; a name can be taken once.

    Parameters
    ----------
    attacker
        The attacker.
    extra
        What it needs beside the package itself. Attackers with an extra attack only where they are named.
    only_where_named
        It attacks only where a scenario names it, though it needs no extra.
    """
    if attacker.name in _REGISTRY:
        raise ValueError(f"An attacker named '{attacker.name}' is registered already.")
    _REGISTRY[attacker.name] = attacker
    if extra is not None:
        _EXTRA[attacker.name] = extra
    if extra is not None or only_where_named:
        _ONLY_WHERE_NAMED.add(attacker.name)
    return attacker


def attacker_named(name: str) -> Attacker:
    """Return the attacker of that name.

    Raises
    ------
    ScenarioError
        If there is none; the message lists the nearest names.
    """
    try:
        return _REGISTRY[name]
    except KeyError:
        raise ScenarioError(f"No attacker is called '{name}'. {did_you_mean(name, _REGISTRY)}") from None


def ready_attacker(name: str) -> Attacker:
    """Return the attacker of that name, sure that it can run here.

    Raises
    ------
    ScenarioError
        If there is none, or an optional package that it needs is not installed.
    """
    attacker = attacker_named(name)
    extra = _EXTRA.get(name)
    if extra is not None and find_spec(extra.module) is None:
        raise ScenarioError(
            f"Attacker '{name}' needs {extra.package}, which is not installed: install "
            f"'platetrail[{extra.name}]', or take '{name}' out of attackers.names."
        )
    return attacker


def attacker_names() -> Iterable[str]:
    """Return all registered names, in order of registration."""
    return tuple(_REGISTRY)


def default_attacker_names() -> tuple[str, ...]:
    """Return the names of those that attack where a scenario names none."""
    return tuple(name for name in _REGISTRY if name not in _ONLY_WHERE_NAMED)
