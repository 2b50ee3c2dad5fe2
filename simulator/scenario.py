"""The validated scenario: what a simulation is, apart from its seed.

A scenario is a TOML file (see :mod:`simulator.scenario_file`), turned into frozen, keyword-only objects whose
names carry units.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from simulator.archive_rules import Archive, Pseudonyms
from simulator.scenario_parts import (
    Attackers,
    Event,
    FaceReaders,
    People,
    ReaderGroup,
    Readers,
    Streets,
    TrafficFiles,
    Travel,
    Walking,
)
from simulator.spec import Citation, Spec

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[str, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
CHECKPOINT_DAYS = (1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 120, 180, 270, 365, 540, 730, 1095, 1825)
# What readers of some kinds would have to know of traffic from elsewhere.
_NOT_TOLD = {"lot": "which cars stand in a car park", "face": "who walks where"}


class Scenario(Spec):
    """Everything that defines a simulation apart from its seed."""

    id: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]*$", description="Name; lower-case letters, digits and hyphens."
    )
    title: str = Field(description="Title for people.")
    topic: str = Field("", description="Heading under which it is listed.")
    question: str = Field("", description="The question that this scenario answers.")
    description: str = Field("", description="What is simulated and why, in a few paragraphs.")
    calibrate: tuple[str, ...] = Field(
        (), description="Ids of published figures that apply to this scenario."
    )
    citations: tuple[Citation, ...] = ()
    days: int = Field(30, ge=1, le=3650, description="Days simulated.")
    start_weekday: Weekday = Field("monday", description="Weekday of the first day.")
    streets: Streets = Streets()
    people: People = People()
    travel: Travel = Travel()
    traffic: TrafficFiles | None = None
    events: tuple[Event, ...] = ()
    walking: Walking = Walking()
    readers: tuple[Readers, ...] = ()
    archive: Archive = Archive()
    attackers: Attackers = Attackers()

    @model_validator(mode="before")
    @classmethod
    def _name_reader_groups(cls, data: Any) -> Any:
        groups = data.get("readers") if isinstance(data, Mapping) else None
        if not isinstance(groups, (list, tuple)):
            return data
        named = []
        for i, group in enumerate(groups):
            if isinstance(group, Mapping) and not group.get("name"):
                group = {**group, "name": f"{group.get('kind', 'group')}-{i + 1}"}
            elif isinstance(group, ReaderGroup) and not group.name:
                group = group.model_copy(update={"name": f"{getattr(group, 'kind', 'group')}-{i + 1}"})
            named.append(group)
        return {**data, "readers": named}

    @model_validator(mode="before")
    @classmethod
    def _name_events(cls, data: Any) -> Any:
        events = data.get("events") if isinstance(data, Mapping) else None
        if not isinstance(events, (list, tuple)):
            return data
        named = []
        for i, event in enumerate(events, start=1):
            if isinstance(event, Mapping) and not event.get("name"):
                event = {**event, "name": f"event-{i}"}
            elif isinstance(event, Event) and not event.name:
                event = event.model_copy(update={"name": f"event-{i}"})
            named.append(event)
        return {**data, "events": named}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = [group.name for group in self.readers]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"reader group name '{twice[0]}' is used twice; names must be unique")
        days = self.attackers.checkpoint_days
        if any(b <= a for a, b in pairwise(days)) or any(d < 1 for d in days):
            raise ValueError("attackers.checkpoint_days must ascend and start at 1 or later")
        events = [event.name for event in self.events]
        for event in self.events:
            if events.count(event.name) > 1:
                raise ValueError(f"event name '{event.name}' is used twice; names must be unique")
            if event.day > self.days:
                raise ValueError(
                    f"event '{event.name}' is on day {event.day}, but only {self.days} days are simulated; "
                    "choose an earlier day, or more days"
                )
        self.archive.check_owners(frozenset(group.owner for group in self.readers))
        self._check_faces()
        self._check_traffic()
        return self

    def _check_traffic(self) -> None:
        if self.traffic is None:
            return
        net = self.streets.map
        if net is None or not net.name.lower().endswith((".net.xml", ".net.xml.gz")):
            raise ValueError(
                'traffic was driven on a network of SUMO\'s: name it, streets.kind = "map" and streets.map = '
                '"town.net.xml" (--net on the command line)'
            )
        for group in self.readers:
            if group.kind in _NOT_TOLD and group.count:
                raise ValueError(
                    f"reader group '{group.name}' is of kind '{group.kind}', but traffic from elsewhere does "
                    f"not tell {_NOT_TOLD[group.kind]}; take the group out, or set its count to 0"
                )
        if self.events or self.walking.car_free:
            raise ValueError("traffic from elsewhere knows no events and nobody on foot; take them out")

    def _check_faces(self) -> None:
        has_faces = any(isinstance(group, FaceReaders) and group.count for group in self.readers)
        if self.archive.identifiers == "faces" and not has_faces:
            raise ValueError(
                "archive.identifiers = 'faces', but no reader reads faces; add readers of kind 'face', or "
                "look at 'plates'"
            )
        if self.archive.identifiers != "plates" and has_faces:
            for rule in self.archive.of_type(Pseudonyms):
                raise ValueError(
                    f"rule '{rule.name}' gives plates new labels, but a face stays the same and readers of "
                    "kind 'face' know it again; drop the rule, or set archive.identifiers = 'plates'"
                )

    @property
    def n_people(self) -> int:
        """Drivers, and people without a car."""
        return self.people.drivers + self.walking.car_free

    @property
    def population(self) -> int:
        """How many people of the real city the simulated ones stand for."""
        represented = self.people.vehicles_represented or self.people.drivers
        return round(self.n_people * represented / self.people.drivers)

    def checkpoints(self) -> tuple[int, ...]:
        """Return the checkpoint days within the simulated span, the last day included."""
        ladder = self.attackers.checkpoint_days or CHECKPOINT_DAYS
        return tuple(d for d in ladder if d < self.days) + (self.days,)
