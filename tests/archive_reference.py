"""A slow reading of the archive's rules by their words, and reads to hold it against."""

from __future__ import annotations

from math import floor, hypot
from typing import Any

import numpy as np

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
from simulator.cameras.roster import Cameras
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict
from simulator.sightings.archive import Ground
from simulator.sightings.capture import Sightings
from simulator.streams import Stream, stream_key, uniforms

DAY_S = 86_400
OWNERS = ("city", "county", "firm")
N_PLATES, N_CAMERAS, DAYS = 6, 14, 40


def ground_of_three(seed: int) -> Ground:
    """Return readers of three owners on a square of 3 km, some of them on cars."""
    rng = np.random.default_rng(seed)
    zeros = np.zeros(N_CAMERAS)
    x_m, y_m = rng.uniform(0, 3000, (2, N_CAMERAS))
    x_m[-3:] = y_m[-3:] = np.nan
    cameras = Cameras(
        kind=np.where(np.isnan(x_m), 1, 0).astype(np.uint8),
        owner=(np.arange(N_CAMERAS) % 3).astype(np.int32),
        group=np.zeros(N_CAMERAS, np.int32),
        edge=np.zeros(N_CAMERAS, np.int32),
        offset_m=zeros,
        both_directions=np.zeros(N_CAMERAS, np.bool_),
        place=np.full(N_CAMERAS, -1, np.int32),
        x_m=x_m,
        y_m=y_m,
        read_rate=np.full(N_CAMERAS, 0.9),
        parked_read_rate=zeros,
        night_penalty=zeros,
        misread_rate=zeros,
        downtime_share=zeros,
        gps_error_m=zeros,
        key=rng.integers(0, 2**32, N_CAMERAS, dtype=np.uint32),
        owners=OWNERS,
    )
    return Ground(
        cameras=cameras,
        seed=seed,
        home_x_m=rng.uniform(0, 3000, N_PLATES),
        home_y_m=rng.uniform(0, 3000, N_PLATES),
        sensitive={k: rng.uniform(0, 3000, (2, 2)) for k in ("clinic", "school", "worship")},
    )


def random_reads(ground: Ground, seed: int, n: int = 300) -> Sightings:
    """Return reads in bursts, as trips are, sorted."""
    rng = np.random.default_rng(seed + 1)
    camera = rng.integers(0, N_CAMERAS, n).astype(np.int32)
    trip_s = rng.integers(0, DAYS * DAY_S - 5000, n // 3)
    x_m, y_m = ground.cameras.x_m[camera], ground.cameras.y_m[camera]
    on_car = np.isnan(x_m)
    return Sightings(
        plate=rng.integers(0, N_PLATES, n).astype(np.uint32),
        time_s=rng.choice(trip_s, n) + rng.integers(0, 5000, n),
        camera_id=camera,
        x_m=np.where(on_car, rng.uniform(0, 3000, n), x_m).astype(np.float32),
        y_m=np.where(on_car, rng.uniform(0, 3000, n), y_m).astype(np.float32),
    ).sorted()


Row = tuple[int, int, int, float, float]


def rows_seen(found: tuple[Sightings, np.ndarray], day: int) -> list[Row]:
    """Return the rows that a view shows at the end of a day, by the rule of views."""
    s, expires_s = found
    shown = (s.time_s < day * DAY_S) & (expires_s > day * DAY_S)
    s = s.take(shown)
    rows = zip(s.plate, s.time_s, s.camera_id, s.x_m, s.y_m, strict=True)
    return sorted((int(p), int(t), int(c), float(x), float(y)) for p, t, c, x, y in rows)


def rows_slowly(archive: Archive, reads: Sightings, ground: Ground, day: int) -> list[Row]:
    """Return what can be seen at the end of a day, sighting by sighting, from the words of the rules."""
    now_s, cameras = day * DAY_S, ground.cameras
    stored = []
    for i in range(reads.n_sightings):
        plate, time_s, camera = int(reads.plate[i]), int(reads.time_s[i]), int(reads.camera_id[i])
        x_m, y_m = float(reads.x_m[i]), float(reads.y_m[i])
        owner = OWNERS[cameras.owner[camera]]
        if not any(
            _forbids(rule, ground, plate, time_s, camera, x_m, y_m)
            for rule in archive.rules
            if not getattr(rule, "owners", ()) or owner in rule.owners
        ):
            stored.append((plate, time_s, camera, x_m, y_m, owner))
    known = [row for row in stored if row[1] < now_s]
    for rule in archive.rules:
        if isinstance(rule, Pseudonyms):
            known = [row for row in known if _same_label(rule, row, known, now_s)]
    rows = []
    for plate, time_s, camera, x_m, y_m, owner in known:
        age_s = now_s - time_s
        kept = archive.retention_of(owner)
        if kept is not None and age_s >= round(kept * DAY_S):
            continue
        if not archive.may_see(owner):
            continue
        for rule in archive.rules:
            if isinstance(rule, LookBack) and age_s >= round(rule.days * DAY_S):
                break
            if isinstance(rule, SwitchOff) and rule.erase and (not rule.owners or owner in rule.owners):
                off_s = (rule.from_day - 1) * DAY_S
                if time_s < off_s < now_s:
                    break
        else:
            rows.append(_blurred(archive, ground, (plate, time_s, camera, x_m, y_m)))
    return sorted(rows)


def _forbids(rule: Any, ground: Ground, plate: int, time_s: int, camera: int, x_m: float, y_m: float) -> bool:
    match rule:
        case SwitchOff():
            today = time_s // DAY_S + 1
            return bool(rule.from_day <= today <= (rule.to_day or 10**9))
        case PlaceBan():
            places = [p for kind in rule.place_kinds for p in ground.sensitive[kind]]
            return any(hypot(x_m - x, y_m - y) <= rule.radius_m for x, y in places)
        case PrivacyZone():
            return hypot(x_m - ground.home_x_m[plate], y_m - ground.home_y_m[plate]) <= rule.radius_m
        case HotListOnly():
            key = np.uint64(stream_key(ground.seed, Stream.HOT_LIST))
            return bool(uniforms(key, plate, 0, 0, 0)[0] >= rule.share)
        case Thinning():
            key = np.uint64(stream_key(ground.seed, Stream.THINNING))
            return bool(
                uniforms(key, plate, time_s, int(ground.cameras.key[camera]), 0)[0] >= rule.keep_share
            )
    return False


def _same_label(rule: Pseudonyms, row: Any, known: list[Any], now_s: int) -> bool:
    """Return whether a plate carried the label that it has in the last second before now."""
    if rule.rotation == "never":
        return True
    if rule.rotation != "trip":
        period_s = {"daily": 1, "weekly": 7, "monthly": 30}[rule.rotation] * DAY_S
        return bool(row[1] // period_s == (now_s - 1) // period_s)
    times = sorted(r[1] for r in known if r[0] == row[0])
    begins = times[-1]
    for earlier in reversed(times):
        if begins - earlier >= rule.gap_minutes * 60:
            break
        begins = earlier
    return bool(row[1] >= begins)


def _blurred(archive: Archive, ground: Ground, row: Row) -> Row:
    plate, time_s, camera, x_m, y_m = row
    cameras = ground.cameras
    for rule in archive.rules:
        if isinstance(rule, TimeRounding):
            time_s -= time_s % (rule.minutes * 60)
        if isinstance(rule, PlaceRounding):

            def square(x: float, y: float, side: float = rule.grid_m) -> tuple[int, int]:
                return floor(x / side), floor(y / side)

            if not np.isnan(cameras.x_m[camera]):
                here = square(cameras.x_m[camera], cameras.y_m[camera])
                middle = ((here[0] + 0.5) * rule.grid_m, (here[1] + 0.5) * rule.grid_m)
                camera = min(
                    (
                        c
                        for c in range(N_CAMERAS)
                        if not np.isnan(cameras.x_m[c])
                        and cameras.owner[c] == cameras.owner[row[2]]
                        and square(cameras.x_m[c], cameras.y_m[c]) == here
                    ),
                    key=lambda c: (hypot(cameras.x_m[c] - middle[0], cameras.y_m[c] - middle[1]), c),
                )
            sx, sy = square(x_m, y_m)
            x_m, y_m = (sx + 0.5) * rule.grid_m, (sy + 0.5) * rule.grid_m
    return plate, time_s, camera, x_m, y_m


EACH_RULE: dict[str, list[dict[str, Any]]] = {
    "retention": [{"owner": "city", "days": 3.5}, {"owner": "firm", "days": 3 / 1440}, {"owner": "county"}],
    "look-back": [{"days": 9}, {"days": 0.25}],
    "sharing": [{"owner": "county", "partners": ["city"]}, {"owner": "firm"}],
    "purchase": [{"owner": "firm"}],
    "hot-list-only": [{"share": 0.5}, {"share": 0.4, "owners": ["city", "firm"]}],
    "pseudonyms": [
        *({"rotation": r} for r in ("never", "monthly", "weekly", "daily")),
        *({"rotation": "trip", "gap_minutes": g} for g in (5.0, 60.0, 1_500.0)),
    ],
    "time-rounding": [{"minutes": 15}, {"minutes": 1440}],
    "place-rounding": [{"grid_m": 1000}, {"grid_m": 250}, {"grid_m": 3000}],
    "thinning": [{"keep_share": 0.3}, {"keep_share": 0.5, "owners": ["county"]}],
    "place-ban": [{"radius_m": 400}, {"radius_m": 900, "place_kinds": ["clinic"], "owners": ["city"]}],
    "privacy-zone": [{"radius_m": 700}, {"radius_m": 1500, "owners": ["firm"]}],
    "switch-off": [
        {"from_day": 12},
        {"from_day": 5, "to_day": 20},
        {"from_day": 9, "erase": True, "owners": ["city"]},
        {"from_day": 8, "to_day": 8, "erase": True},
    ],
}


def with_rules(*rules: dict[str, Any], **rest: Any) -> Archive:
    return Archive.model_validate({"viewer": "city", "rules": rules, **rest})


def with_archive(scenario: Scenario, **archive: Any) -> Scenario:
    return scenario_from_dict({**scenario.model_dump(mode="json"), "archive": archive})
