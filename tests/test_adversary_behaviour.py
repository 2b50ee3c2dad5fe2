"""What must hold of every simple attacker whatever its recipe, and what each finds in plain cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import simulator.adversary.catalogue as catalogue
from simulator.adversary.attacker import attacker_named, attacker_names, register
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.errors import ScenarioError
from simulator.sightings.view import ArchiveView

DAY_S = 86_400
NEVER_S = 2**62
KNOWLEDGE = Knowledge()
each_attacker = pytest.mark.parametrize("attacker", catalogue.SIMPLE_ATTACKERS, ids=lambda a: a.name)


def make_view(
    tracks: list[list[tuple[int, float, float]]], days: list[int], *, start_weekday: int = 0, **parts: object
) -> ArchiveView:
    """A view from one list of (time_s, x_m, y_m) a plate."""
    rows = np.array([r for t in tracks for r in t], dtype=np.float64).reshape(-1, 3)
    view = ArchiveView(
        plate=np.arange(len(tracks), dtype=np.uint32),
        indptr=np.concatenate([[0], np.cumsum([len(t) for t in tracks])]).astype(np.int64),
        time_s=rows[:, 0].astype(np.int64),
        camera_id=np.zeros(len(rows), dtype=np.int32),
        x_m=rows[:, 1].astype(np.float32),
        y_m=rows[:, 2].astype(np.float32),
        expires_s=np.full(len(rows), NEVER_S, dtype=np.int64),
        checkpoint_days=np.array(days, dtype=np.int32),
        start_weekday=start_weekday,
    )
    return replace(view, **parts)


def random_tracks(seed: int, n_plates: int = 6, n: int = 60, days: int = 20) -> list[list[tuple]]:
    rng = np.random.default_rng(seed)
    reader = rng.integers(0, 40, (8, 2)) * 64.0
    tracks = []
    for _ in range(n_plates):
        times = np.sort(rng.integers(0, days * DAY_S, n))
        at = reader[rng.integers(0, 8, n)]
        tracks.append([(int(t), float(x), float(y)) for t, (x, y) in zip(times, at, strict=True)])
    return tracks


def parts_of(attacker, view):
    attack = attacker.infer(view, KNOWLEDGE)
    return [(g.x_m, g.y_m, g.confidence) for g in (attack.home, attack.work)]


@each_attacker
def test_relabelled_plates_permute_the_guesses(attacker):
    tracks = random_tracks(1)
    order = [4, 0, 5, 2, 1, 3]
    plain = parts_of(attacker, make_view(tracks, [3, 20]))
    shuffled = parts_of(attacker, make_view([tracks[i] for i in order], [3, 20]))
    for a, b in zip(plain, shuffled, strict=True):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_array_equal(u[order], v)


@each_attacker
def test_a_shifted_city_shifts_the_guesses(attacker):
    """By a whole number of the 25 m cells that sightings are grouped in."""
    tracks = random_tracks(2)
    shifted = [[(t, x + 1600.0, y - 3200.0) for t, x, y in track] for track in tracks]
    plain = parts_of(attacker, make_view(tracks, [3, 20]))
    moved = parts_of(attacker, make_view(shifted, [3, 20]))
    for a, b in zip(plain, moved, strict=True):
        assert np.isfinite(a[0]).any()
        np.testing.assert_allclose(a[0] + 1600.0, b[0], atol=0.01)
        np.testing.assert_allclose(a[1] - 3200.0, b[1], atol=0.01)
        np.testing.assert_allclose(a[2], b[2], atol=1e-6)


@each_attacker
def test_later_sightings_do_not_change_earlier_guesses(attacker):
    tracks = random_tracks(3)
    until_10 = [[r for r in track if r[0] < 10 * DAY_S] for track in tracks]
    for a, b in zip(
        parts_of(attacker, make_view(tracks, [1, 4, 10, 20])),
        parts_of(attacker, make_view(until_10, [1, 4, 10])),
        strict=True,
    ):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_array_equal(u[:, :3], v)


@each_attacker
def test_expired_sightings_are_as_if_never_made(attacker):
    tracks = random_tracks(4)
    rows = [r for t in tracks for r in t]
    gone = np.random.default_rng(0).random(len(rows)) < 0.4
    expires_s = np.where(gone, 20 * DAY_S, NEVER_S)
    keep = iter(~gone)
    kept = [[r for r in track if next(keep)] for track in tracks]
    for a, b in zip(
        parts_of(attacker, make_view(tracks, [20], expires_s=expires_s)),
        parts_of(attacker, make_view(kept, [20])),
        strict=True,
    ):
        for u, v in zip(a, b, strict=True):
            np.testing.assert_array_equal(u, v)


@each_attacker
def test_without_sightings_everyone_abstains(attacker):
    view = make_view([[], [(5 * DAY_S, 1.0, 1.0)]], [1, 2])
    for x, y, confidence in parts_of(attacker, view):
        assert x.shape == (2, 2)
        assert np.isnan(x).all() and np.isnan(y).all() and np.isnan(confidence).all()


@each_attacker
def test_no_plates_at_all(attacker):
    assert all(x.shape == (0, 1) for x, _, _ in parts_of(attacker, make_view([], [1])))


@each_attacker
def test_confidence_is_a_share(attacker):
    for x, _, confidence in parts_of(attacker, make_view(random_tracks(5, n=200), [2, 5, 20])):
        given = np.isfinite(x)
        assert given.any()
        assert ((confidence[given] >= 0) & (confidence[given] <= 1)).all()


def gps_like_track(rng: np.random.Generator, home, work, days: int) -> list[tuple]:
    """One fix a minute: home, an hour's half on the way, office hours at work, with a 10 m GPS error."""
    track = []
    for day in range(days):
        at_work = day % 7 < 5
        leave = int(rng.normal(8 * 60, 15))
        back = int(rng.normal(17 * 60, 20))
        for minute in range(24 * 60):
            way = 0.0
            if at_work:
                way = float(np.clip(min((minute - leave) / 25, (back - minute) / 25), 0, 1))
            place = (1 - way) * home + way * work + rng.normal(0, 10, 2)
            track.append((day * DAY_S + minute * 60, *place))
    return track


@pytest.fixture(scope="module")
def gps_case():
    """Twelve people with a fix a minute for eight days: what the published attacks were made for."""
    rng = np.random.default_rng(20)
    homes = rng.uniform(0, 8000, (12, 2))
    works = homes + rng.choice([-1, 1], (12, 2)) * rng.uniform(2000, 5000, (12, 2))
    tracks = [gps_like_track(rng, h, w, 8) for h, w in zip(homes, works, strict=True)]
    return make_view(tracks, [8]), homes, works


def test_where_nothing_goes_unseen_longest_gap_abstains(gps_case):
    assert np.isnan(catalogue.LONGEST_GAP.infer(gps_case[0], KNOWLEDGE).home.x_m).all()


@pytest.mark.parametrize(
    "attacker", [a for a in catalogue.SIMPLE_ATTACKERS if a.name != "longest-gap"], ids=lambda a: a.name
)
def test_dense_tracks_give_the_home_away(attacker, gps_case):
    """Krumm's finders had median errors of about 60 m for last destination on real tracks; here the
    routine is regular, so every attacker must come near, and last destination within 120 m.
    """
    view, homes, _ = gps_case
    guesses = attacker.infer(view, KNOWLEDGE).home
    error_m = np.hypot(guesses.x_m[:, 0] - homes[:, 0], guesses.y_m[:, 0] - homes[:, 1])
    assert np.median(error_m) < 120.0


@pytest.mark.parametrize(
    "name",
    ["night-mode", "dbscan", "krumm-last-destination", "krumm-weighted-median", "krumm-largest-cluster"],
)
def test_dense_tracks_give_work_away(name, gps_case):
    view, _, works = gps_case
    guesses = attacker_named(name).infer(view, KNOWLEDGE).work
    error_m = np.hypot(guesses.x_m[:, 0] - works[:, 0], guesses.y_m[:, 0] - works[:, 1])
    assert np.median(error_m) < 120.0


def commuter_reads(weeks: int) -> list[tuple]:
    """Reads at a reader near home and at one near work, out at 8 and back at 17:30, on weekdays."""
    home, work = (100.0, 100.0), (4000.0, 3000.0)
    reads = []
    for day in range(7 * weeks):
        if day % 7 < 5:
            for hour, place in ((7.9, home), (8.4, work), (17.3, work), (17.8, home)):
                reads.append((int(day * DAY_S + hour * 3600), *place))
    return reads


def test_longest_gap_reads_home_and_work_off_the_unseen_stays():
    attack = catalogue.LONGEST_GAP.infer(make_view([commuter_reads(2)], [14]), KNOWLEDGE)
    assert (attack.home.x_m[0, 0], attack.home.y_m[0, 0]) == (100.0, 100.0)
    assert (attack.work.x_m[0, 0], attack.work.y_m[0, 0]) == (4000.0, 3000.0)


def test_a_weekend_gap_is_neither_a_night_nor_a_working_day():
    """Friday evening to Monday morning is longer than any night."""
    reads = [(int(4 * DAY_S + 18 * 3600), 0.0, 0.0), (int(7 * DAY_S + 8 * 3600), 9.0, 9.0)]
    attack = catalogue.LONGEST_GAP.infer(make_view([reads], [14]), KNOWLEDGE)
    assert np.isnan(attack.home.x_m[0, 0]) and np.isnan(attack.work.x_m[0, 0])


def test_the_weekday_comes_from_the_view():
    """The same working day, on a Monday and on a Saturday."""
    reads = [r for r in commuter_reads(1) if r[0] < DAY_S]
    for start_weekday, found in ((0, True), (5, False)):
        view = make_view([reads], [1], start_weekday=start_weekday)
        work = catalogue.LONGEST_GAP.infer(view, KNOWLEDGE).work
        assert np.isfinite(work.x_m[0, 0]) == found


def test_night_mode_takes_the_most_seen_reader_and_ignores_the_day():
    night, day = 23 * 3600, 12 * 3600
    reads = [(night, 10.0, 10.0), (DAY_S + night, 10.0, 10.0), (2 * DAY_S + night, 900.0, 10.0)]
    reads += [(d * DAY_S + day, 5000.0, 5000.0) for d in range(3)]
    attack = catalogue.NIGHT_MODE.infer(make_view([sorted(reads)], [3]), KNOWLEDGE)
    assert attack.home.x_m[0, 0] == 10.0
    assert attack.home.confidence[0, 0] == pytest.approx(2 / 3)
    assert attack.work.x_m[0, 0] == 5000.0


def test_registry_has_all_simple_attackers_with_their_papers():
    assert set(attacker_names()) >= {
        "night-mode",
        "weighted-centroid",
        "dbscan",
        "krumm-last-destination",
        "krumm-weighted-median",
        "krumm-largest-cluster",
        "krumm-best-time",
        "longest-gap",
    }
    for attacker in catalogue.SIMPLE_ATTACKERS:
        assert attacker_named(attacker.name) is attacker
        assert attacker.rung == Rung.SIGHTINGS
        assert "(19" in attacker.citation or "(20" in attacker.citation


def test_a_misspelt_attacker_gets_the_nearest_name_and_a_name_is_taken_once():
    with pytest.raises(ScenarioError, match="'night-mode'"):
        attacker_named("nightmode")
    with pytest.raises(ValueError, match="registered already"):
        register(catalogue.DBSCAN)
