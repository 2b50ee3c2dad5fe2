"""Words for readers: what targets, criteria and groups of drivers are called in figures and tables."""

from __future__ import annotations

import re

TARGET_WORDS = {
    "home": "homes",
    "work": "work places",
    "both": "homes and work places",
    "visitor": "visitors",
    "car": "sought cars",
}
TARGET_WORD = {"home": "home", "work": "work place", "both": "home and work place"}
SCHEDULE_WORDS = {
    "day": "works by day",
    "hybrid": "works partly at home",
    "evening": "evening shift",
    "night": "night shift",
    "rotating": "rotating shifts",
    "driving": "drives for a living",
    "none": "does not work",
}


def criterion_words(criterion: str) -> str:
    """Return a criterion in words: ``within-250m-for-good`` is "within 250 m for good"."""
    spaced = re.sub(r"(\d+)m\b", lambda found: f"{int(found[1]):,} m", criterion).replace("-", " ")
    return re.sub(r"\baddress top (\d+)", r"to \1 address(es)", spaced).replace(
        "right street", "to the street"
    )


def attacker_order() -> tuple[str, ...]:
    """Return the names of all attackers in the order of their registry."""
    import simulator.adversary.catalogue  # noqa: F401  (enters the attackers)
    from simulator.adversary.attacker import attacker_names

    return tuple(attacker_names())


def attacker_title(name: str) -> str:
    """Return an attacker's title; its name with blanks if it is not registered."""
    from simulator.adversary.attacker import attacker_named

    return attacker_named(name).title if name in attacker_order() else name.replace("-", " ")
