"""The roster of readers: one row a reader, in flat arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class ReaderKind(IntEnum):
    """What carries a reader."""

    FIXED = 0
    PATROL = 1
    SPOTTER = 2
    LOT = 3
    FACE = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class Cameras:
    """All readers of a scenario; every array has shape (n_cameras,), camera ids are row numbers.

    Parameters
    ----------
    kind
        :class:`ReaderKind` codes.
    owner
        Index into ``owners``.
    group
        Index of the scenario's reader group.
    edge, offset_m
        The directed edge that a fixed reader watches, or at which a reader of faces stands, and where on
        it; -1 for other kinds.
    both_directions
        Whether a fixed reader also reads the opposite direction.
    place
        The place whose entries and exits a lot reader watches, or whose door a reader of faces; ``-2 - s``
        for a reader of faces at the entrance of station ``s``; -1 for others.
    x_m, y_m
        Position, metres; NaN for readers on cars.
    read_rate
        Share of passing plates read by day (moving cars); of faces, the hit rate.
    parked_read_rate
        Share of visible parked cars read in passing by day (readers on cars; else 0).
    night_penalty
        Read rate lost at night.
    misread_rate
        Share of reads with a wrong plate; of faces, the chance that one that is not recognised is taken for
        somebody else.
    downtime_share
        Share of days without any read.
    gps_error_m
        Standard deviation of a sighting's position, metres; 0 for readers at a fixed place.
    key
        Random-stream id of the reader, from its group's name and its number in the group, so that the
        draws of one reader do not depend on what other readers there are.
    owners
        Owner names.
    """

    kind: NDArray[np.uint8]
    owner: NDArray[np.int32]
    group: NDArray[np.int32]
    edge: NDArray[np.int32]
    offset_m: NDArray[np.float64]
    both_directions: NDArray[np.bool_]
    place: NDArray[np.int32]
    x_m: NDArray[np.float64]
    y_m: NDArray[np.float64]
    read_rate: NDArray[np.float64]
    parked_read_rate: NDArray[np.float64]
    night_penalty: NDArray[np.float64]
    misread_rate: NDArray[np.float64]
    downtime_share: NDArray[np.float64]
    gps_error_m: NDArray[np.float64]
    key: NDArray[np.uint32]
    owners: tuple[str, ...]

    @property
    def n_cameras(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, kw_only=True, eq=False)
class MobilePasses:
    """Where readers on cars were during some days: one row per edge driven, sorted by edge, then time.

    Parameters
    ----------
    edge_indptr
        Passes along directed edge ``e`` are rows ``edge_indptr[e]:edge_indptr[e + 1]``, shape (n_edges + 1,).
    enter_s
        When the reader entered the edge, seconds since the scenario's first midnight.
    duration_s
        How long it took to drive it, seconds.
    camera
        The reader.
    sweep
        True where the car sweeps lots beside the edge too (spotter cars).
    """

    edge_indptr: NDArray[np.int64]
    enter_s: NDArray[np.int64]
    duration_s: NDArray[np.float32]
    camera: NDArray[np.int32]
    sweep: NDArray[np.bool_]
