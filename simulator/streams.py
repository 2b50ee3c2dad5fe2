"""Named, counter-based random streams.

Every random decision belongs to a stream that has a name, and every draw is a pure function of
``(root seed, stream name, entity ids)``. No state is carried from one draw to the next, so results do
not depend on chunk sizes, worker counts or the order of evaluation, and a change in one stream (a reader
added, say) leaves every other draw as it was.

Kernels use Philox4x32-10 (Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011), checked in the tests against the authors' known-answer vectors. Set-up code that draws whole
arrays uses :class:`numpy.random.Generator`.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum, unique
from typing import Any

import numpy as np
from numba import njit

_M0 = np.uint64(0xD2511F53)
_M1 = np.uint64(0xCD9E8D57)
_W0 = np.uint64(0x9E3779B9)
_W1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)
_TO_UNIT = 2.0**-32


@unique
class Stream(StrEnum):
    """The names of all random streams; two decisions never share one."""

    CITY = "city"
    ATTRACTORS = "attractors"
    DRIVERS = "drivers"
    PERCEPTION = "perception"
    DAY_PLAN = "day-plan"
    EXPLORATION = "exploration"
    ROUTE_CHOICE = "route-choice"
    TRIP_SPEED = "trip-speed"
    PLACEMENT = "placement"
    MOBILE_ROUTES = "mobile-routes"
    GPS_ERROR = "gps-error"
    DOWNTIME = "downtime"
    READ_FIXED = "read-fixed"
    READ_LOT = "read-lot"
    READ_MOVING = "read-moving"
    READ_PARKED = "read-parked"
    MISREAD = "misread"
    THINNING = "thinning"
    HOT_LIST = "hot-list"
    TIE_BREAK = "tie-break"
    ATTACK_TRAINING = "attack-training"
    EVENT_ATTENDANCE = "event-attendance"
    SEARCH_EVENTS = "search-events"
    CONVOYS = "convoys"
    ACCESS_LOG = "access-log"
    STUDY_DESIGN = "study-design"
    PSEUDONYMS = "pseudonyms"
    UNICITY = "unicity"
    VEHICLES = "vehicles"
    STATIONS = "stations"
    CAR_FREE = "car-free"
    PARKING_WALK = "parking-walk"
    READ_FACE = "read-face"
    FALSE_MATCH = "false-match"
    VALIDATION = "validation"
    UNKNOWN_READERS = "unknown-readers"
    OWN_WORLD = "own-world"


def stream_key(root_seed: int, name: Stream, *entity: int | str) -> int:
    """Return the 64-bit kernel key of a stream.

    Parameters
    ----------
    root_seed
        The seed of the replicate, any non-negative integer.
    name
        The stream.
    entity
        Further ids that split the stream (a reader group's name, say).
    """
    return int.from_bytes(_digest(root_seed, name, entity)[:8], "little")


def generator(root_seed: int, name: Stream, *entity: int | str) -> np.random.Generator:
    """Return a numpy generator (Philox) for set-up code of one stream.

    Parameters are those of :func:`stream_key`; the two never yield related numbers.
    """
    key = int.from_bytes(_digest(root_seed, name, ("generator", *entity)), "little")
    return np.random.Generator(np.random.Philox(key=key))


def replicate_seed(root_seed: int, replicate: int) -> int:
    """Return the root seed of one replicate, a ``SeedSequence`` child, so that it can be run alone."""
    child = np.random.SeedSequence(entropy=root_seed, spawn_key=(replicate,))
    return int(child.generate_state(1, np.uint64)[0] >> np.uint64(1))


def fresh_seed() -> int:
    """Draw a seed from the operating system, for runs that name none; callers print and record it."""
    return int(np.random.SeedSequence().generate_state(1, np.uint32)[0])


def _digest(root_seed: int, name: Stream, entity: tuple[Any, ...]) -> bytes:
    text = "\x1f".join([str(int(root_seed)), Stream(name).value, *map(str, entity)])
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


@njit(cache=True)
def philox(key, c0, c1, c2, c3):  # type: ignore[no-untyped-def]
    """Philox4x32-10: a 64-bit key and four 32-bit counters to four 32-bit words (as uint64)."""
    k0 = np.uint64(key) & _LOW
    k1 = np.uint64(key) >> _32
    x0 = np.uint64(c0) & _LOW
    x1 = np.uint64(c1) & _LOW
    x2 = np.uint64(c2) & _LOW
    x3 = np.uint64(c3) & _LOW
    for _ in range(10):
        p0 = _M0 * x0
        p1 = _M1 * x2
        x0, x1, x2, x3 = (
            (p1 >> _32) ^ x1 ^ k0,
            p1 & _LOW,
            (p0 >> _32) ^ x3 ^ k1,
            p0 & _LOW,
        )
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return x0, x1, x2, x3


@njit(cache=True)
def uniforms(key, c0, c1, c2, c3):  # type: ignore[no-untyped-def]
    """Four independent uniforms in (0, 1) for a key and a counter; never exactly 0 or 1."""
    x0, x1, x2, x3 = philox(key, c0, c1, c2, c3)
    return (
        (np.float64(x0) + 0.5) * _TO_UNIT,
        (np.float64(x1) + 0.5) * _TO_UNIT,
        (np.float64(x2) + 0.5) * _TO_UNIT,
        (np.float64(x3) + 0.5) * _TO_UNIT,
    )
