"""The ``direction`` of a reader as mappers write it, in four spellings.

Degrees clockwise from north (``338``), a clockwise sector (``338-23``), compass letters (``NNW``), and
several of these (``90;270``). See https://wiki.openstreetmap.org/wiki/Key:camera:direction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COMPASS = ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"]
SPELLINGS = (
    'degrees clockwise from north ("338"), a sector ("338-23"), compass letters ("NNW"), or several of them '
    '("90;270")'
)
_DEGREES = re.compile(r"\d{1,3}(\.\d+)?\s*°?")


@dataclass(frozen=True, kw_only=True)
class Facing:
    """Where a reader looks.

    Parameters
    ----------
    centre_deg
        Compass bearing of the middle, degrees clockwise from north, in [0, 360).
    width_deg
        Width of the sector, in [0, 360]; 0 where only a bearing is given.
    """

    centre_deg: float
    width_deg: float = 0.0


def parse_direction(text: str) -> tuple[Facing, ...]:
    """Read a ``direction`` value.

    Raises
    ------
    ValueError
        If it is in none of the four spellings.
    """
    parts = [part.strip() for part in text.replace("–", "-").split(";")]
    facings = tuple(_facing(part) for part in parts if part)
    if not facings:
        raise ValueError("unreadable direction")
    return facings


def _facing(text: str) -> Facing:
    ends = [_bearing(end.strip()) for end in text.split("-")]
    if len(ends) == 1:
        return Facing(centre_deg=ends[0] % 360.0)
    if len(ends) != 2:
        raise ValueError(f"unreadable direction {text!r}")
    start, end = ends
    width = (end - start) % 360.0
    if width == 0.0 and start != end:
        width = 360.0
    return Facing(centre_deg=(start + width / 2.0) % 360.0, width_deg=width)


def _bearing(text: str) -> float:
    if text.upper() in COMPASS:
        return COMPASS.index(text.upper()) * 22.5
    if not _DEGREES.fullmatch(text):
        raise ValueError(f"unreadable direction {text!r}")
    degrees = float(text.rstrip("° "))
    if degrees > 360.0:
        raise ValueError(f"unreadable direction {text!r}")
    return degrees
