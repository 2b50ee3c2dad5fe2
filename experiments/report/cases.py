"""The cases that a page can switch between: the same capture under other rules, or with fewer readers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack, attacker_named, default_attacker_names
from simulator.adversary.knowledge import Knowledge, ReaderFacts
from simulator.archive_rules import Archive, Purchase, Sharing
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.chunks import attack_setting
from simulator.recapture import Recaptured, view_of_plates
from simulator.sightings.view import ArchiveView
from simulator.training import MadeUpTown, make_town, manner_of, training_of
from simulator.world import World

#: Whose belief the page shows.
ATTACKER = "bayes"
AS_SIMULATED = "as-simulated"
# Fewer street readers than these, and leaving out every second one says nothing.
_LEAST_READERS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Case:
    """One case.

    Parameters
    ----------
    key, label
        Its name in the page, and for people.
    phrase
        The end of a sentence: "if reads are deleted after 7 days".
    archive
        The rules.
    readers
        Which readers stand at all, shape (n_cameras,).
    """

    key: str
    label: str
    phrase: str
    archive: Archive
    readers: NDArray[np.bool_]


def cases_of(world: World) -> tuple[Case, ...]:
    """Return the scenario as it is, then one lever moved at a time: retention, sharing, density."""
    archive, days, cameras = world.scenario.archive, world.scenario.days, world.cameras
    every = np.ones(cameras.n_cameras, dtype=np.bool_)
    cases = [
        Case(key=AS_SIMULATED, label="As simulated", phrase="as simulated", archive=archive, readers=every)
    ]
    if not cameras.n_cameras:
        return tuple(cases)

    def add(key: str, label: str, phrase: str, rules: Archive, readers: NDArray[np.bool_] = every) -> None:
        if rules != archive or not readers.all():
            cases.append(Case(key=key, label=label, phrase=phrase, archive=rules, readers=readers))

    for kept in (7.0, 30.0):
        if kept < days and archive.memory_days() != kept:
            add(
                f"kept-{kept:g}",
                f"Deleted after {kept:g} days",
                f"if reads are deleted after {kept:g} days",
                archive.model_copy(update={"retention_days": kept, "rules": _without_retention(archive)}),
            )
    if (archive.memory_days() or days) < days:
        add(
            "kept-for-ever",
            "Never deleted",
            "if reads are never deleted",
            archive.model_copy(update={"retention_days": None, "rules": _without_retention(archive)}),
        )
    add(*_own_only(archive, cameras))
    for step, label, phrase in (
        (2, "Half of the street readers", "with every second street reader left out"),
        (4, "A quarter of the street readers", "with a quarter of the street readers"),
    ):
        fixed = np.flatnonzero(cameras.kind == ReaderKind.FIXED)
        if len(fixed) >= _LEAST_READERS * step // 2:
            left = every.copy()
            left[fixed] = np.arange(len(fixed)) % step == 0
            add(f"readers-{step}", label, phrase, archive, left)
    return tuple(cases)


def _without_retention(archive: Archive) -> tuple[object, ...]:
    return tuple(rule for rule in archive.rules if rule.kind not in ("retention", "look-back"))


def _own_only(archive: Archive, cameras: Cameras) -> tuple[str, str, str, Archive]:
    """Return the case in which the agency with the most readers looks at its own reads alone."""
    counts = np.bincount(cameras.owner, minlength=len(cameras.owners))
    owner = archive.viewer if archive.viewer in cameras.owners else cameras.owners[int(counts.argmax())]
    kept = tuple(rule for rule in archive.rules if not isinstance(rule, Sharing | Purchase))
    nobody = tuple(Sharing(name=f"own-{i}", owner=name) for i, name in enumerate(cameras.owners))
    rules = (
        archive
        if len(cameras.owners) < 2
        else archive.model_copy(
            update={"viewer": owner, "shared_by_default": False, "rules": (*kept, *nobody)}
        )
    )
    return "own-only", f"No sharing: {owner} alone", f"if {owner} sees its own reads alone", rules


@dataclass(frozen=True, kw_only=True, eq=False)
class CaseAttacks:
    """Attacks on some plates in one case.

    Parameters
    ----------
    view
        What could be seen.
    attacks
        By attacker.
    """

    view: ArchiveView
    attacks: dict[str, Attack]


class CaseRunner:
    """Looks at one capture in all cases; keeps what the adversary knows as long as it stays the same."""

    def __init__(self, taken: Recaptured) -> None:
        self._taken = taken
        self._setting = attack_setting(taken.world)
        self.homes, self.works = self._setting.homes, self._setting.works
        self._town: MadeUpTown | None = None
        self._manner = manner_of(self._setting, taken.world)
        self._known: dict[str, Knowledge] = {}

    def names(self) -> tuple[str, ...]:
        """Return the run's attackers, but for those that would have to be trained anew at length."""
        names = self._taken.world.scenario.attackers.names or default_attacker_names()
        return tuple(n for n in names if n == ATTACKER or not getattr(attacker_named(n), "learns", False))

    def attack(
        self, case: Case, plates: NDArray[np.uint32], days: Sequence[int], names: Sequence[str]
    ) -> CaseAttacks:
        """Let attackers loose on some plates, as of some days, in one case."""
        view = view_of_plates(self._taken, case.archive, plates, days).of_cameras(case.readers)
        knowledge = self._knowledge(case)
        attackers = [attacker_named(name) for name in names]
        return CaseAttacks(
            view=view, attacks={a.name: a.infer(view, knowledge.up_to(a.rung)) for a in attackers}
        )

    def _knowledge(self, case: Case) -> Knowledge:
        if case.key not in self._known:
            self._known[case.key] = self._know(case)
        return self._known[case.key]

    def _know(self, case: Case) -> Knowledge:
        world = self._taken.world
        known = self._setting.knowledge
        ruled = replace(world, scenario=world.scenario.model_copy(update={"archive": case.archive}))
        readers = attack_setting(ruled).knowledge.readers
        assert readers is not None and known.readers is not None  # at this rung they are known
        # The same object where nothing differs, so that an attacker's tables about it serve again.
        if np.array_equal(readers.read_rate, known.readers.read_rate):
            readers = known.readers
        # The adversary practises on drivers that it makes up, once, as every case would have shown them.
        self._town = self._town or make_town(world, manner=self._manner)
        taught = training_of(self._town, ruled.scenario)
        if not case.readers.all():
            taught = replace(
                taught,
                view=taught.view.of_cameras(case.readers),
                reads_plates=taught.reads_plates[case.readers],
            )
        return replace(known, readers=_some(readers, case.readers), training=taught, manner=self._manner)


def _some(facts: ReaderFacts, wanted: NDArray[np.bool_]) -> ReaderFacts:
    """Return the facts of some readers alone, numbered anew from 0 in their order."""
    if wanted.all():
        return facts
    parts: dict[str, Any] = {m.name: getattr(facts, m.name) for m in fields(facts)}
    return replace(facts, **{name: part[wanted] for name, part in parts.items() if part is not None})
