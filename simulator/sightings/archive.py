"""The archive: all rules of a scenario, applied to sightings in one order whatever order they are written in.

Collection comes first (switch-off, bans, privacy zones, hot list, thinning), then what is stored instead
(pseudonyms, rounding), then deletion, then who looks (sharing, look-back). What cannot be seen at any time is
dropped; all else is a matter of when a sighting stops being visible, so that a view *as of a day* needs no
more than :attr:`ArchiveView.expires_s`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.archive_rules import (
    Archive,
    HotListOnly,
    LookBack,
    PlaceBan,
    PlaceRounding,
    PrivacyZone,
    Pseudonyms,
    SwitchOff,
    Thinning,
    TimeRounding,
)
from simulator.cameras.roster import Cameras, ReaderKind
from simulator.sightings import rules
from simulator.sightings.capture import Sightings
from simulator.streams import Stream, stream_key

_LEAST_RATE = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """Facts that rules are measured against; the archive has them, whoever looks into it does not.

    Parameters
    ----------
    cameras
        Readers and their owners.
    seed
        Root seed of the replicate.
    home_x_m, home_y_m
        The home registered for each plate, row = plate, metres, shape (n_drivers,).
    sensitive
        Coordinates of sensitive places by kind ("clinic", "school", "worship"), metres, shape (n, 2) each.
    """

    cameras: Cameras
    seed: int
    home_x_m: NDArray[np.float64]
    home_y_m: NDArray[np.float64]
    sensitive: Mapping[str, NDArray[np.float64]]

    def homes_of(self, plate: NDArray[np.uint32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the registered home of each plate, NaN for plates that were misread into nobody's."""
        known = plate < len(self.home_x_m)
        at = np.where(known, plate, 0)
        return np.where(known, self.home_x_m[at], np.nan), np.where(known, self.home_y_m[at], np.nan)


def visible_owners(archive: Archive, cameras: Cameras) -> NDArray[np.bool_]:
    """Return whose sightings the agency that looks may see, shape (n_owners,)."""
    return np.array([archive.may_see(owner) for owner in cameras.owners], dtype=np.bool_)


def visible_readers(archive: Archive, cameras: Cameras) -> NDArray[np.bool_]:
    """Return whose reads the agency that looks may see and can look up, shape (n_cameras,)."""
    seen = visible_owners(archive, cameras)[cameras.owner]
    face = cameras.kind == ReaderKind.FACE
    if archive.identifiers == "plates":
        seen &= ~face
    elif archive.identifiers == "faces":
        seen &= face
    return seen


def effective_read_rate(archive: Archive, cameras: Cameras) -> NDArray[np.float64]:
    """Return the share of passing plates that each reader shows to the agency that looks, shape (n_cameras,).

    The rules are public: who looks does not take a missing read for an absent car where nothing was kept or
    nothing is shared.
    """
    rate = cameras.read_rate.copy()
    for rule in archive.of_type(Thinning):
        bound = np.array([not rule.owners or name in rule.owners for name in cameras.owners], dtype=np.bool_)
        rate[bound[cameras.owner]] *= rule.keep_share
    rate[~visible_readers(archive, cameras)] = 0.0
    # Attackers take logarithms.
    return np.maximum(rate, np.minimum(cameras.read_rate, _LEAST_RATE))


def look_into(archive: Archive, sightings: Sightings, ground: Ground) -> tuple[Sightings, NDArray[np.int64]]:
    """Return the sightings that can be seen at some time, and from when on each of them cannot.

    Parameters
    ----------
    sightings
        All reads under some plates, sorted by plate, time and reader.

    Returns
    -------
    Sightings
        As stored, sorted by plate, time and reader.
    expires_s
        From this second on a sighting is gone, shape (n_sightings,).
    """
    cameras = ground.cameras
    kept = _collected(archive, sightings, ground)
    stored = sightings if kept.all() else sightings.take(kept)
    owner = cameras.owner[stored.camera_id]
    expires_s = np.full(stored.n_sightings, rules.NEVER_S)
    for i, name in enumerate(cameras.owners):
        mine = owner == i
        expires_s[mine] = rules.after(stored.time_s[mine], archive.retention_of(name))
    ends = [rules.after(stored.time_s, r.days) for r in archive.of_type(LookBack)]
    ends += [rules.label_ends(stored.plate, stored.time_s, r) for r in archive.of_type(Pseudonyms)]
    ends += [
        np.where(_of(r.owners, stored, cameras), rules.erased_at(stored.time_s, r), rules.NEVER_S)
        for r in archive.of_type(SwitchOff)
        if r.erase
    ]
    for end in ends:
        expires_s = np.minimum(expires_s, end)
    seen = visible_readers(archive, cameras)
    if not seen.all():
        shown = seen[stored.camera_id]
        stored, expires_s = stored.take(shown), expires_s[shown]
    return _rounded(archive, stored, expires_s, cameras)


def _of(owners: tuple[str, ...], sightings: Sightings, cameras: Cameras) -> NDArray[np.bool_]:
    """Return which sightings are bound by a rule for some owners (none named: for all)."""
    if not owners:
        return np.ones(sightings.n_sightings, dtype=np.bool_)
    bound = np.isin(np.array(cameras.owners, dtype=object), owners)
    return np.asarray(bound[cameras.owner[sightings.camera_id]], dtype=np.bool_)


def _collected(archive: Archive, read: Sightings, ground: Ground) -> NDArray[np.bool_]:
    """Return which reads are stored at all; no rule looks at what another drops, so order is free."""
    kept = np.ones(read.n_sightings, dtype=np.bool_)
    for rule in archive.rules:
        match rule:
            case SwitchOff():
                dropped = rules.switched_off(read.time_s, rule)
            case PlaceBan():
                places = np.concatenate([ground.sensitive[kind] for kind in rule.place_kinds])
                dropped = rules.near_any(read.x_m, read.y_m, places, rule.radius_m)
            case PrivacyZone():
                home_x_m, home_y_m = ground.homes_of(read.plate)
                dropped = rules.near_own_home(read.x_m, read.y_m, home_x_m, home_y_m, rule.radius_m)
            case HotListOnly():
                key = stream_key(ground.seed, Stream.HOT_LIST)
                dropped = ~rules.on_hot_list(key, read.plate, rule.share)
            case Thinning():
                key = stream_key(ground.seed, Stream.THINNING)
                camera_key = ground.cameras.key[read.camera_id]
                dropped = ~rules.kept_at_random(key, read.plate, read.time_s, camera_key, rule.keep_share)
            case _:
                continue
        kept &= ~(dropped & _of(rule.owners, read, ground.cameras))
    return kept


def _rounded(
    archive: Archive, stored: Sightings, expires_s: NDArray[np.int64], cameras: Cameras
) -> tuple[Sightings, NDArray[np.int64]]:
    time_s, camera_id, x_m, y_m = stored.time_s, stored.camera_id, stored.x_m, stored.y_m
    blurs = False
    for when in archive.of_type(TimeRounding):
        time_s, blurs = rules.rounded_time(time_s, when.minutes), True
    for where in archive.of_type(PlaceRounding):
        # A reader of faces never stands for one of plates: who looks knows which of the two was read.
        of_one_kind = 2 * cameras.owner + (cameras.kind == ReaderKind.FACE)
        stands_for = rules.merged_readers(cameras.x_m, cameras.y_m, of_one_kind, where.grid_m)
        camera_id, blurs = stands_for[camera_id], True
        x_m = rules.rounded_place(x_m, where.grid_m).astype(np.float32)
        y_m = rules.rounded_place(y_m, where.grid_m).astype(np.float32)
    if not blurs:
        return stored, expires_s
    # Sorted anew: the order of rows must not tell what rounding has taken away.
    order = np.lexsort((y_m, x_m, camera_id, time_s, stored.plate))
    blurred = Sightings(plate=stored.plate, time_s=time_s, camera_id=camera_id, x_m=x_m, y_m=y_m)
    return blurred.take(order), expires_s[order]
