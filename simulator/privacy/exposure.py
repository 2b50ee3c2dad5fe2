"""Exposure: of those who came to a place, whose home can an agency name, and whom does it accuse wrongly?

An agency lists the plates that were read near the place while people were there, as far as it may still see
these reads, and looks up where each plate lives by an attack on all else that it may see. Both can be done
that evening or long afterwards, and the list made that evening can be kept as a note.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.sightings.capture import Sightings
from simulator.sightings.view import DAY_S

NAMED_M = (250.0, 500.0)
ASKED = ("that evening", "later", "later, by that evening's list")


@dataclass(frozen=True, kw_only=True)
class Gathering:
    """People at one place on one day.

    Parameters
    ----------
    x_m, y_m
        Where, metres.
    day
        On which day, counted from 1.
    from_s, until_s
        Between which moments, seconds since the first midnight.
    radius_m
        Reads as near as this are taken for reads of people who came.
    margin_s
        Reads so long before and after count as well: people come and go.
    """

    x_m: float
    y_m: float
    day: int
    from_s: int
    until_s: int
    radius_m: float = 250.0
    margin_s: int = 1_800


def read_near(
    stored: Sightings, expires_s: NDArray[np.int64], gathering: Gathering, *, as_of_day: int
) -> NDArray[np.uint32]:
    """Return the plates, ascending, read near a gathering by reads that are visible at the end of a day.

    Parameters
    ----------
    stored, expires_s
        A view's reads, and when each is gone.
    gathering
        Where and when.
    as_of_day
        The day on which the agency looks, counted from 1.
    """
    now_s = as_of_day * DAY_S
    near = np.hypot(stored.x_m - gathering.x_m, stored.y_m - gathering.y_m) <= gathering.radius_m
    then = (stored.time_s >= gathering.from_s - gathering.margin_s) & (
        stored.time_s <= gathering.until_s + gathering.margin_s
    )
    there = (stored.time_s < now_s) & (expires_s > now_s)
    return np.unique(stored.plate[near & then & there])


@dataclass(frozen=True, kw_only=True, eq=False)
class Named:
    """Where an attack says that plates live, against the truth.

    Parameters
    ----------
    plate
        Ascending, shape (n_plates,).
    days
        Days as of which it was asked, ascending, shape (n_days,).
    error_m
        Distance of guess and home, NaN where the attack abstains, shape (n_plates, n_days).
    right_street
        Whether the guess lies in the home's street, shape (n_plates, n_days).
    """

    plate: NDArray[np.uint32]
    days: NDArray[np.int32]
    error_m: NDArray[np.float64]
    right_street: NDArray[np.bool_]

    def of(self, plates: NDArray[np.uint32], day: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return error and right street of some of the plates as of a day."""
        row = np.searchsorted(self.plate, plates)
        column = int(np.searchsorted(self.days, day))
        return self.error_m[row, column], self.right_street[row, column]


def exposed(
    came: NDArray[np.integer], listed: NDArray[np.uint32], named: Named, *, as_of_day: int
) -> dict[str, int]:
    """Count who is exposed at one gathering.

    Parameters
    ----------
    came
        Plates of those who came (truth).
    listed
        Plates that the agency takes for those who came; all among ``named.plate``.
    named, as_of_day
        Where it thinks they live, and when it asks.

    Returns
    -------
    dict
        ``came, listed, caught`` (came and listed), of these ``named_250m, named_500m, right_street``; of
        those listed who did not come ``accused`` (all) and ``accused_named`` (home named within 250 m).
    """
    caught = np.isin(listed, came)
    error_m, street = named.of(listed, as_of_day)
    right = error_m <= NAMED_M[0]
    return {
        "came": len(np.unique(came)),
        "listed": len(listed),
        "caught": int(caught.sum()),
        "named_250m": int((right & caught).sum()),
        "named_500m": int(((error_m <= NAMED_M[1]) & caught).sum()),
        "right_street": int((street & caught).sum()),
        "accused": int((~caught).sum()),
        "accused_named": int((right & ~caught).sum()),
    }
