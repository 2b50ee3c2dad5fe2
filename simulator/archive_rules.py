"""The rules of an archive as small frozen objects: who may look at what, for how long.

Each models a law or a policy, names it in ``citation``, and does one thing. Rules compose in a scenario file
as ``[[archive.rules]]``; the order in which they are written means nothing. What they do to sightings is in
:mod:`simulator.sightings.rules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import Field, model_validator

from simulator.errors import did_you_mean
from simulator.spec import Citation, Spec

MINUTES_A_DAY = 1440
SensitivePlace = Literal["clinic", "school", "worship"]

#: Steps of retention found in law and policy, days (None: for ever), shortest first, and where.
RETENTION_LADDER: tuple[tuple[float | None, str], ...] = (
    (3 / MINUTES_A_DAY, "New Hampshire (3 minutes)"),
    (7.0, "a large vendor's default since August 2026"),
    (14.0, "St Paul; bills in Massachusetts and Michigan"),
    (21.0, "Maine, Virginia, Washington, Connecticut"),
    (30.0, "Iowa, Oregon; the same vendor's default before"),
    (60.0, "Minnesota; California Highway Patrol"),
    (90.0, "Tennessee, North Carolina, Montana, Kentucky"),
    (150.0, "Arkansas"),
    (180.0, "Nebraska"),
    (270.0, "Utah"),
    (365.0, "United Kingdom (1 year)"),
    (547.5, "Vermont (18 months)"),
    (912.5, "Georgia (30 months)"),
    (1095.0, "New Jersey (3 years)"),
    (1825.0, "New York police, Alabama (5 years)"),
    (None, "commercial archives (no limit)"),
)


def _law(source: str, reason: str) -> Any:
    return Field(
        Citation(source=source, reason=reason), description="The law or policy that the rule models."
    )


class _Rule(Spec):
    name: str = Field("", description="Name, unique; kind (and number, if used twice) if left out.")


class _OwnersRule(_Rule):
    owners: tuple[str, ...] = Field((), description="Whose readers it binds; all if empty.")


class Retention(_Rule):
    """One owner deletes after so many days, in place of archive.retention_days."""

    kind: Literal["retention"] = "retention"
    owner: str = Field(min_length=1, description="Whose sightings.")
    days: float | None = Field(
        None, gt=0, description="Deleted after so many days, 3 minutes = 0.0021; never if left out."
    )
    citation: Citation = _law(
        "American state statutes, vendor and police policies, 2026, as reported",
        "Retention runs from 3 minutes (New Hampshire) over 21, 30 and 90 days to 5 years and no limit.",
    )


class LookBack(_Rule):
    """The agency that looks may not search further back, whatever is stored."""

    kind: Literal["look-back"] = "look-back"
    days: float = Field(gt=0, description="Days back from the day of the search.")
    citation: Citation = _law(
        "Federal policy on searches in commercial plate archives, as reported",
        "Federal agents may search five years back.",
    )


class Sharing(_Rule):
    """One owner's sightings may be looked at by itself and these agencies, and by nobody else."""

    kind: Literal["sharing"] = "sharing"
    owner: str = Field(min_length=1, description="Whose sightings.")
    partners: tuple[str, ...] = Field(
        (), description="Agencies that may look; nobody else if empty. Not passed on from partner to partner."
    )
    citation: Citation = _law(
        "State sharing laws, 2026, as reported; EFF and MuckRock 2018 on sharing lists",
        "Virginia and California keep sharing inside the state; an agency shared with 160 others on average.",
    )


class Purchase(_Rule):
    """The agency that looks buys access to an owner's archive, which no sharing rule then closes."""

    kind: Literal["purchase"] = "purchase"
    owner: str = Field(min_length=1, description="A commercial owner whose archive is for sale.")
    citation: Citation = _law(
        "Records of a commercial plate archive, 2018-2019, as reported",
        "Over five billion commercial reads were open to paying agencies.",
    )


class HotListOnly(_OwnersRule):
    """Reads that hit no hot list are dropped at once."""

    kind: Literal["hot-list-only"] = "hot-list-only"
    share: float = Field(0.005, ge=0, le=1, description="Plates on the hot list, drawn at random.")
    citation: Citation = _law(
        "EFF and MuckRock, Data Driven, 2018",
        "99.5% of 2.5 billion scans of 2016 and 2017 were on no hot list.",
    )


class Pseudonyms(_Rule):
    """Labels in place of plates, for all owners alike; the link from one label to the next is destroyed."""

    kind: Literal["pseudonyms"] = "pseudonyms"
    rotation: Literal["never", "monthly", "weekly", "daily", "trip"] = Field(
        "daily",
        description="When a plate gets a new label: every 30 days, 7 days or day from day 1 on, or by trip.",
    )
    gap_minutes: float = Field(
        30.0, gt=0, le=10_080, description="A trip ends when its plate is not read for so long."
    )
    citation: Citation = _law(
        "Gelderie 2024 on rotating pseudonyms of vehicles",
        "A random pseudonym a day protects, less so on unpopular routes.",
    )


class TimeRounding(_Rule):
    """Times are stored cut down to whole steps."""

    kind: Literal["time-rounding"] = "time-rounding"
    minutes: int = Field(60, ge=1, le=1440, description="Step; must divide a day.")
    citation: Citation = _law(
        "de Montjoye et al. 2013, Unique in the Crowd",
        "Coarser time lowers uniqueness, slowly.",
    )

    @model_validator(mode="after")
    def _divides_a_day(self) -> Self:
        if MINUTES_A_DAY % self.minutes:
            raise ValueError(
                f"{self.minutes} minutes do not divide a day; take 1, 5, 10, 15, 30, 60, 120, 180, 240, "
                "360, 480, 720 or 1440"
            )
        return self


class PlaceRounding(_Rule):
    """Places are stored as the middle of a square, and readers of one square cannot be told apart."""

    kind: Literal["place-rounding"] = "place-rounding"
    grid_m: float = Field(1000.0, ge=1, le=100_000, description="Side of the squares.")
    citation: Citation = _law(
        "Krumm 2007, Inference Attacks on Location Tracks, as reported",
        "A grid of 5 km defeats home finding in dense tracks.",
    )


class Thinning(_OwnersRule):
    """Only a random share of reads is stored."""

    kind: Literal["thinning"] = "thinning"
    keep_share: float = Field(0.5, ge=0, le=1, description="Reads stored.")
    citation: Citation = _law(
        "Hoh et al. 2006 on lower sampling rates of tracks",
        "The sparser the samples, the fewer homes are found.",
    )


class PlaceBan(_OwnersRule):
    """Nothing is collected near sensitive places; reads in the circle are never stored."""

    kind: Literal["place-ban"] = "place-ban"
    radius_m: float = Field(200.0, gt=0, le=50_000, description="Radius of the circles.")
    place_kinds: tuple[SensitivePlace, ...] = Field(
        ("clinic", "school", "worship"), min_length=1, description="Around which places."
    )
    citation: Citation = _law(
        "Washington State law on plate readers, as reported 2026",
        "No collection at clinics, schools, places of worship and courts.",
    )


class PrivacyZone(_OwnersRule):
    """Reads near the registered address of the plate are never stored; the archive sees to it."""

    kind: Literal["privacy-zone"] = "privacy-zone"
    radius_m: float = Field(200.0, gt=0, le=50_000, description="Radius around the own home.")
    citation: Citation = _law(
        "Hassan et al. 2018 on privacy zones of fitness networks, as reported",
        "With hidden ends of tracks, homes were still found: 84% with more than one trip, 95% with three.",
    )


class SwitchOff(_OwnersRule):
    """Readers are off from a day on, for good or until a day: a moratorium or an ended contract."""

    kind: Literal["switch-off"] = "switch-off"
    from_day: int = Field(ge=1, description="First day without reads; days count from 1.")
    to_day: int | None = Field(None, ge=1, description="Last day without reads; off for good if left out.")
    erase: bool = Field(False, description="What was stored before is deleted as well, when that day begins.")
    citation: Citation = _law(
        "Town decisions of 2026 and Rhode Island's pause, as reported",
        "At least 56 towns ended their contracts in 2026; Rhode Island paused new installations.",
    )

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.to_day is not None and self.to_day < self.from_day:
            raise ValueError(
                f"to_day = {self.to_day} lies before from_day = {self.from_day}; swap them, or drop to_day "
                "to switch off for good"
            )
        return self


Rule = Annotated[
    Retention
    | LookBack
    | Sharing
    | Purchase
    | HotListOnly
    | Pseudonyms
    | TimeRounding
    | PlaceRounding
    | Thinning
    | PlaceBan
    | PrivacyZone
    | SwitchOff,
    Field(discriminator="kind"),
]
RULE_TYPES: tuple[type[_Rule], ...] = get_args(get_args(Rule)[0])
RULE_KINDS: tuple[str, ...] = tuple(get_args(t.model_fields["kind"].annotation)[0] for t in RULE_TYPES)
_R = TypeVar("_R", bound=_Rule)
# Switch-offs and bans may pile up; of the others, two that bind the same reads would contradict each other.
_MAY_OVERLAP = (SwitchOff, PlaceBan)


_LABEL_DAYS = {"never": None, "monthly": 30.0, "weekly": 7.0, "daily": 1.0, "trip": 1.0}


class Archive(Spec):
    """Who may look at what, for how long."""

    retention_days: float | None = Field(
        None, gt=0, description="Deleted after so many days, by owners without a rule; never if left out."
    )
    viewer: str | None = Field(
        None, description="The agency that looks; one that may see all owners' sightings if left out."
    )
    agencies: tuple[str, ...] = Field(
        (), description="Agencies that own no readers, but look or are shared with."
    )
    shared_by_default: bool = Field(
        True, description="Whether owners without a sharing rule share with everyone, or with nobody."
    )
    identifiers: Literal["both", "plates", "faces"] = Field(
        "both",
        description="What sightings can be looked up by: plates, faces, or both, a plate being linked to its "
        "driver's face.",
    )
    rules: tuple[Rule, ...] = Field((), description="See [[archive.rules]].")

    @model_validator(mode="before")
    @classmethod
    def _name_rules(cls, data: Any) -> Any:
        rules = data.get("rules") if isinstance(data, Mapping) else None
        if not isinstance(rules, (list, tuple)):
            return data
        kinds = [_get(rule, "kind") for rule in rules]
        named = []
        for i, (rule, kind) in enumerate(zip(rules, kinds, strict=True)):
            if not _get(rule, "name") and isinstance(kind, str):
                name = kind if kinds.count(kind) == 1 else f"{kind}-{kinds[: i + 1].count(kind)}"
                if isinstance(rule, Mapping):
                    rule = {**rule, "name": name}
                elif isinstance(rule, _Rule):
                    rule = rule.model_copy(update={"name": name})
            named.append(rule)
        return {**data, "rules": named}

    @model_validator(mode="after")
    def _no_contradiction(self) -> Self:
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"rule name '{name}' is used twice; names must be unique")
        for a, b in combinations(self.rules, 2):
            if type(a) is type(b) and not isinstance(a, _MAY_OVERLAP) and _bind_the_same(a, b):
                whose = f" for owner '{a.owner}'" if isinstance(a, (Retention, Sharing, Purchase)) else ""
                raise ValueError(f"rules '{a.name}' and '{b.name}' are both {a.kind} rules{whose}; keep one")
        self._check_pseudonyms()
        if self.viewer is None:
            for rule in self.rules:
                if isinstance(rule, (Sharing, Purchase)):
                    raise ValueError(
                        f"rule '{rule.name}' needs to know who looks; name the agency in archive.viewer"
                    )
            if not self.shared_by_default:
                raise ValueError(
                    "shared_by_default = false needs to know who looks; name it in archive.viewer"
                )
        for purchase in self.of_type(Purchase):
            if purchase.owner == self.viewer:
                raise ValueError(
                    f"rule '{purchase.name}': '{purchase.owner}' need not buy what is its own; drop the rule"
                )
        return self

    def _check_pseudonyms(self) -> None:
        for pseudonyms in self.of_type(Pseudonyms):
            for rule in self.of_type(HotListOnly):
                raise ValueError(
                    f"rules '{rule.name}' and '{pseudonyms.name}' contradict each other: a hit is stored to "
                    "be acted on under its plate, so it cannot carry a pseudonym; drop one of the two"
                )

    def of_type(self, rule_type: type[_R]) -> Iterator[_R]:
        """Yield the rules of one type."""
        return (rule for rule in self.rules if isinstance(rule, rule_type))

    def retention_of(self, owner: str) -> float | None:
        """Return after how many days an owner deletes; None: never."""
        for rule in self.of_type(Retention):
            if rule.owner == owner:
                return rule.days
        return self.retention_days

    def memory_days(self) -> float | None:
        """Return for how many days every sighting that is stored can be seen; None: for ever.

        A label that changes by trip is taken to last a day.
        """
        spans = [self.retention_days, *(rule.days for rule in self.of_type(Retention))]
        spans += [rule.days for rule in self.of_type(LookBack)]
        spans += [_LABEL_DAYS[rule.rotation] for rule in self.of_type(Pseudonyms)]
        limits = [days for days in spans if days is not None]
        return min(limits) if limits else None

    def may_see(self, owner: str) -> bool:
        """Return whether the agency that looks may see an owner's sightings."""
        if self.viewer in (None, owner) or any(p.owner == owner for p in self.of_type(Purchase)):
            return True
        for rule in self.of_type(Sharing):
            if rule.owner == owner:
                return self.viewer in rule.partners
        return self.shared_by_default

    def seen_by(self, agency: str) -> Archive:
        """Return the same archive with another agency looking; what the viewer bought stays the viewer's."""
        kept = self.rules
        if agency != self.viewer:
            kept = tuple(rule for rule in self.rules if not isinstance(rule, Purchase))
        return self.model_copy(update={"viewer": agency, "rules": kept})

    def check_owners(self, owners: frozenset[str]) -> None:
        """Hold all names of owners and agencies against those that there are.

        Raises
        ------
        ValueError
            Naming the rule, the unknown name and the nearest right ones.
        """
        known = owners | set(self.agencies)
        for rule in self.rules:
            named = (
                (rule.owner,)
                if isinstance(rule, (Retention, Sharing, Purchase))
                else getattr(rule, "owners", ())
            )
            for owner in named:
                if owner not in owners:
                    raise ValueError(
                        f"rule '{rule.name}': no reader belongs to '{owner}'. {_near(owner, owners)}"
                    )
            for partner in rule.partners if isinstance(rule, Sharing) else ():
                if partner not in known:
                    raise ValueError(
                        f"rule '{rule.name}' shares with '{partner}', which owns no reader and is not in "
                        f"archive.agencies. {_near(partner, known)}"
                    )
        if self.viewer is not None and self.viewer not in known:
            raise ValueError(
                f"archive.viewer = '{self.viewer}' owns no reader; if it only looks, list it in "
                f"archive.agencies. {_near(self.viewer, known)}"
            )


def _get(rule: Any, key: str) -> Any:
    return rule.get(key) if isinstance(rule, Mapping) else getattr(rule, key, None)


def _bind_the_same(a: _Rule, b: _Rule) -> bool:
    if isinstance(a, (Retention, Sharing, Purchase)):
        return bool(a.owner == _get(b, "owner"))
    mine, theirs = _get(a, "owners"), _get(b, "owners")
    return not mine or not theirs or bool(set(mine) & set(theirs))


def _near(name: str, choices: frozenset[str] | set[str]) -> str:
    return did_you_mean(name, choices) if choices else "The scenario has no readers."
