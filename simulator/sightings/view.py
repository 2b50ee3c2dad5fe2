"""What one agency may look at: sightings, and from when on each of them is deleted.

This is the only thing about drivers that an attacker receives, together with its
:class:`simulator.adversary.knowledge.Knowledge`. Plates are labels; nothing here says who is behind them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400


@dataclass(frozen=True, kw_only=True, eq=False)
class ArchiveView:
    """The sightings of some plates as an agency sees them on its checkpoint days.

    Parameters
    ----------
    plate
        Plate labels, shape (n_plates,).
    indptr
        Sightings of plate ``p`` are rows ``indptr[p]:indptr[p + 1]``, shape (n_plates + 1,).
    time_s
        Seconds since the scenario's first midnight, ascending within a plate, shape (n_sightings,).
    camera_id
        Reader, shape (n_sightings,).
    x_m, y_m
        Where the reader says it read the plate, metres, shape (n_sightings,).
    expires_s
        From this moment on the sighting is deleted (a huge number: never), shape (n_sightings,).
    checkpoint_days
        Days after which the agency looks, ascending: checkpoint ``d`` sees what was read before the end of
        day ``d`` (days count from 1) and has not expired by then, shape (n_checkpoints,).
    start_weekday
        Weekday of the first day, 0 = Monday.
    """

    plate: NDArray[np.uint32]
    indptr: NDArray[np.int64]
    time_s: NDArray[np.int64]
    camera_id: NDArray[np.int32]
    x_m: NDArray[np.float32]
    y_m: NDArray[np.float32]
    expires_s: NDArray[np.int64]
    checkpoint_days: NDArray[np.int32]
    start_weekday: int

    @property
    def n_plates(self) -> int:
        return len(self.plate)

    @property
    def n_checkpoints(self) -> int:
        return len(self.checkpoint_days)

    def visible(self, plate: int, checkpoint: int) -> NDArray[np.int64]:
        """Return the rows of one plate that can be seen at a checkpoint (both by index)."""
        rows = np.arange(self.indptr[plate], self.indptr[plate + 1])
        now_s = int(self.checkpoint_days[checkpoint]) * DAY_S
        return rows[(self.time_s[rows] < now_s) & (self.expires_s[rows] > now_s)]

    def of_cameras(self, wanted: NDArray[np.bool_]) -> ArchiveView:
        """Return the sightings of some readers alone, which are numbered anew from 0 in their order.

        Parameters
        ----------
        wanted
            Whose sightings to keep, shape (n_cameras,).
        """
        if wanted.all():
            return self
        kept = wanted[self.camera_id]
        number = (np.cumsum(wanted) - 1).astype(np.int32)
        return replace(
            self,
            indptr=np.concatenate([[0], np.cumsum(kept)])[self.indptr].astype(np.int64),
            time_s=self.time_s[kept],
            camera_id=number[self.camera_id[kept]],
            x_m=self.x_m[kept],
            y_m=self.y_m[kept],
            expires_s=self.expires_s[kept],
        )

    def sightings_seen(self) -> NDArray[np.int32]:
        """Return how many sightings each plate shows at each checkpoint, shape (n_plates, n_checkpoints)."""
        owner = np.repeat(np.arange(self.n_plates), np.diff(self.indptr))
        seen = np.empty((self.n_plates, self.n_checkpoints), dtype=np.int32)
        for k, day in enumerate(self.checkpoint_days):
            now_s = int(day) * DAY_S
            shown = (self.time_s < now_s) & (self.expires_s > now_s)
            seen[:, k] = np.bincount(owner[shown], minlength=self.n_plates)
        return seen
