"""Sightings under labels that are not plates, as an attacker sees them.

They are made in :mod:`simulator.sightings.labels`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.sightings.view import DAY_S


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelView:
    """The sightings of each label, all that an attacker sees who wants to join labels.

    Parameters
    ----------
    indptr
        Sightings of label ``i`` are rows ``indptr[i]:indptr[i + 1]``, shape (n_labels + 1,).
    period
        The period in which each label was used, 0 for the first, shape (n_labels,).
    time_s, camera_id, x_m, y_m
        Seconds since the first midnight (ascending within a label), reader and its position, metres; shape
        (n_sightings,).
    start_weekday
        Weekday of the first day, 0 = Monday.
    """

    indptr: NDArray[np.int64]
    period: NDArray[np.int64]
    time_s: NDArray[np.int64]
    camera_id: NDArray[np.int32]
    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]
    start_weekday: int

    @property
    def n_labels(self) -> int:
        return len(self.indptr) - 1

    def label(self) -> NDArray[np.int64]:
        """Return the label of each sighting, shape (n_sightings,)."""
        return np.repeat(np.arange(self.n_labels), np.diff(self.indptr))

    def until(self, day: int) -> LabelView:
        """Return what was seen before the end of a day (days count from 1); labels keep their numbers."""
        kept = self.time_s < day * DAY_S
        count = np.bincount(self.label()[kept], minlength=self.n_labels)
        return LabelView(
            indptr=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
            period=self.period,
            time_s=self.time_s[kept],
            camera_id=self.camera_id[kept],
            x_m=self.x_m[kept],
            y_m=self.y_m[kept],
            start_weekday=self.start_weekday,
        )
