"""What every attacker is: a named object with one method, entered in a registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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
    """

    home: Guesses
    work: Guesses | None
    home_posterior: Posterior | None = None
    work_posterior: Posterior | None = None


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


_REGISTRY: dict[str, Attacker] = {}


def register(attacker: Attacker) -> Attacker:
    """Enter an attacker under its name; a name can be taken once."""
    if attacker.name in _REGISTRY:
        raise ValueError(f"An attacker named '{attacker.name}' is registered already.")
    _REGISTRY[attacker.name] = attacker
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


def attacker_names() -> Iterable[str]:
    """Return all registered names, in order of registration."""
    return tuple(_REGISTRY)
