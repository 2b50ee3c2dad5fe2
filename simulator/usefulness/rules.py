"""Which rules the usefulness of an archive is measured under, and what each leaves of a search.

A hot list is compared with a read when it is made. So rules about how long a read is kept, under which
label, and how exactly, do not touch a live hit; neither does dropping what is on no hot list. Rules that
keep a read from being made at all (switch-off, place bans, privacy zones, thinning) do, and so does who
may be told of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.archive_rules import (
    Archive,
    HotListOnly,
    LookBack,
    PlaceBan,
    PlaceRounding,
    PrivacyZone,
    Pseudonyms,
    Retention,
    SwitchOff,
    Thinning,
    TimeRounding,
)

_NO_MATTER_LIVE = (Retention, LookBack, HotListOnly, Pseudonyms, TimeRounding, PlaceRounding)
EVERYONE = "any agency"
LADDER_DAYS = (3 / 1440, 1.0, 7.0, 30.0, 90.0, 365.0)


@dataclass(frozen=True, kw_only=True)
class RuleInForce:
    """One way of running an archive, and the agency that searches in it.

    Parameters
    ----------
    rule
        Name for tables.
    agency
        Who searches.
    archive
        The rules, seen by that agency.
    """

    rule: str
    agency: str
    archive: Archive


def live_archive(archive: Archive) -> Archive:
    """Return what is left of an archive's rules for a hit at the moment of the read."""
    kept = tuple(rule for rule in archive.rules if not isinstance(rule, _NO_MATTER_LIVE))
    return archive.model_copy(update={"retention_days": None, "rules": kept})


def rules_compared(archive: Archive, owners: tuple[str, ...], *, days: int) -> list[RuleInForce]:
    """Return the rules to compare: the scenario's own, then one rule at a time on an archive without any.

    Parameters
    ----------
    archive
        The scenario's own rules.
    owners
        Owners of readers.
    days
        Days that are simulated; a moratorium begins in the middle of the searches.
    """
    agencies = tuple(dict.fromkeys((*owners, *archive.agencies)))
    own = [
        RuleInForce(rule="as in the scenario", agency=agency, archive=archive.seen_by(agency))
        for agency in agencies
    ]
    if archive.viewer is None and archive.shared_by_default:
        own = [RuleInForce(rule="as in the scenario", agency=EVERYONE, archive=archive)]
    alone = [
        RuleInForce(
            rule="nobody shares",
            agency=owner,
            archive=Archive(viewer=owner, shared_by_default=False),
        )
        for owner in owners
        if len(owners) > 1
    ]
    middle = max(int(0.75 * (days - 7)), 1)
    plain = {
        "no rule": Archive(),
        **{f"kept {span_words(d)}": Archive(retention_days=d) for d in LADDER_DAYS},
        "hot list only": Archive(rules=(HotListOnly(),)),
        "pseudonyms, weekly": Archive(rules=(Pseudonyms(rotation="weekly"),)),
        "pseudonyms, daily": Archive(rules=(Pseudonyms(rotation="daily"),)),
        "half of reads stored": Archive(rules=(Thinning(keep_share=0.5),)),
        "none near clinics etc.": Archive(rules=(PlaceBan(),)),
        "none near the own home": Archive(rules=(PrivacyZone(),)),
        f"moratorium from day {middle}": Archive(rules=(SwitchOff(from_day=middle),)),
    }
    return [*own, *alone, *(RuleInForce(rule=k, agency=EVERYONE, archive=a) for k, a in plain.items())]


def span_words(days: float) -> str:
    """Return a span of days in words."""
    if days < 1:
        return f"{days * 1440:.0f} min"
    return f"{days:.0f} day" + ("" if days == 1 else "s")
