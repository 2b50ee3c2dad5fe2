"""Does a database without names still name people? Unicity, directories, pseudonyms, two networks, looks.

Every function returns a frame, one row a setting, with the chance baseline or the number asked beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.adversary.attacker import attacker_named
from simulator.adversary.linking.directory import Directory, look_up
from simulator.adversary.linking.habits import Score, habit_counts, link_periods
from simulator.adversary.linking.looks import Detections, follow_looks, reader_travel_s
from simulator.adversary.linking.networks import link_networks
from simulator.archive_rules import Pseudonyms
from simulator.chunks import MobileBlocks, attack_setting, capture, drive, truth_of, view_of
from simulator.errors import ScenarioError
from simulator.people.vehicles import VehicleShares, draw_vehicles, looks_as_noted
from simulator.privacy.anonymity import anonymity_sets, levels_of
from simulator.privacy.linkability import Joined, Tracked, score_links, score_lookup, score_tracking
from simulator.privacy.traces import DISTRICT_M, Traces, cells, make_traces
from simulator.privacy.unicity import unicity
from simulator.scenario import WEEKDAYS
from simulator.sightings.capture import Sightings, read_fixed
from simulator.sightings.labels import one_network, pseudonymise
from simulator.sightings.view import DAY_S
from simulator.world import World

CHUNK_DRIVERS = 2_000
ROTATIONS = ("monthly", "weekly", "daily", "trip")
_ROTATION_DAYS = {"monthly": 30, "weekly": 7, "daily": 1, "trip": 1}
#: Pairs of neighbouring periods looked at, at most, spread over the whole span.
_MOST_ROUNDS = 12


def capture_all(world: World) -> Sightings:
    """Return all sightings under the plates of simulated drivers, sorted by plate, time and reader."""
    blocks, n = MobileBlocks(world), world.drivers.n_drivers
    parts = []
    for first in range(0, n, CHUNK_DRIVERS):
        captured = capture(world, first, min(first + CHUNK_DRIVERS, n), blocks)
        parts += [captured.own, captured.strays]
    return Sightings.concatenate(parts).sorted()


def traces_at(reads: Sightings, n_people: int, *, place: str, minutes: float) -> Traces:
    """Return traces of all plates at a resolution: ``reader``, ``district``, or a square's side in metres."""
    if place == "reader":
        code: NDArray[np.integer] = reads.camera_id
    else:
        side_m = DISTRICT_M if place == "district" else float(place)
        code = cells(reads.x_m, reads.y_m, side_m)
    return make_traces(reads.plate.astype(np.int64), code, reads.time_s, n_people=n_people, minutes=minutes)


def unicity_table(
    reads: Sightings,
    n_people: int,
    *,
    points: Iterable[int],
    places: Sequence[str] = ("reader", "500", "1000", "district"),
    minutes: Sequence[float] = (1, 15, 60, 1_440),
    seed: int = 0,
    draws: int = 10,
) -> pl.DataFrame:
    """Return unicity by resolution and number of points: place, minutes, and the fields of ``Unicity``."""
    rows = []
    points = list(points)
    for place in places:
        for span in minutes:
            traces = traces_at(reads, n_people, place=place, minutes=span)
            rows += [
                {"place": place, "minutes": float(span), **asdict(unicity(traces, p, seed=seed, draws=draws))}
                for p in points
            ]
    return pl.DataFrame(rows).with_columns(pl.col("share", "low", "high").fill_nan(None))


def anonymity_table(world: World) -> pl.DataFrame:
    """Return the sizes of sets of people with one home-work pair; see :func:`anonymity_sets`."""
    return anonymity_sets(levels_of(truth_of(world, 0, world.drivers.n_drivers), world.city.network))


def directory_table(
    world: World,
    reads: Sightings,
    *,
    attackers: Sequence[str],
    within_m: Sequence[float] = (50.0, 250.0, 1_000.0),
    most_drivers: int = 400,
) -> pl.DataFrame:
    """Look up true and inferred home-work pairs of residents in a list of all residents.

    Returns
    -------
    pl.DataFrame
        pair (``true`` or an attacker's name), within_m, and the fields of ``Named``.
    """
    n = min(world.drivers.n_drivers, most_drivers)
    everybody = truth_of(world, 0, world.drivers.n_drivers)
    listed = np.flatnonzero(everybody.home_inside & everybody.work_inside)
    book = Directory(
        home_x_m=everybody.home_x_m[listed],
        home_y_m=everybody.home_y_m[listed],
        work_x_m=everybody.work_x_m[listed],
        work_y_m=everybody.work_y_m[listed],
    )
    asked = listed[listed < n]
    row = np.arange(len(asked))  # row of the book: both are in order of drivers
    pairs = {
        "true": (
            everybody.home_x_m[asked],
            everybody.home_y_m[asked],
            everybody.work_x_m[asked],
            everybody.work_y_m[asked],
        )
    }
    view = view_of(world, reads.take(reads.plate < n), 0, n)
    knowledge = attack_setting(world).knowledge
    for name in attackers:
        attacker = attacker_named(name)
        attack = attacker.infer(view, knowledge.up_to(attacker.rung))
        if attack.work is None:
            raise ScenarioError(
                f"Attacker '{name}' looks for homes only; a directory needs a work place, too."
            )
        guesses = (attack.home.x_m, attack.home.y_m, attack.work.x_m, attack.work.y_m)
        pairs[name] = tuple(g[asked, -1].astype(np.float64) for g in guesses)  # type: ignore[assignment]
    rows = []
    for name, (home_x, home_y, work_x, work_y) in pairs.items():
        for radius in within_m:
            found = look_up(
                book, home_x_m=home_x, home_y_m=home_y, work_x_m=work_x, work_y_m=work_y, within_m=radius
            )
            rows.append({"pair": name, "within_m": radius, **asdict(score_lookup(found, row))})
    return pl.DataFrame(rows)


def link_rotation(
    world: World, reads: Sightings, rotation: str, *, score: Score = "likelihood"
) -> tuple[Joined, int]:
    """Join neighbouring periods of pseudonyms by habits; return the score and how many pairs were joined.

    Raises
    ------
    ScenarioError
        If the pseudonyms last longer than the data.
    """
    view, plate = pseudonymise(
        reads,
        Pseudonyms(rotation=rotation),  # type: ignore[arg-type]
        seed=world.seed,
        start_weekday=WEEKDAYS.index(world.scenario.start_weekday),
    )
    counts = habit_counts(view)
    periods = np.unique(view.period)
    steps = list(zip(periods[:-1].tolist(), periods[1:].tolist(), strict=True))
    if len(steps) > _MOST_ROUNDS:
        steps = [steps[i] for i in np.linspace(0, len(steps) - 1, _MOST_ROUNDS).round().astype(int)]
    if not steps:
        link_periods(view, 0, 1)  # says why that cannot be
    links, sides = [], []
    for earlier, later in steps:
        links.append(
            link_periods(view, earlier, later, score=score, counts=counts, one_to_one=rotation != "trip")
        )
        sides.append((np.flatnonzero(view.period == earlier), np.flatnonzero(view.period == later)))
    return score_links(links, plate, plate, sides), len(steps)


def pseudonym_table(
    world: World,
    reads: Sightings,
    *,
    rotations: Sequence[str] = ROTATIONS,
    scores: Sequence[Score] = ("likelihood",),
) -> pl.DataFrame:
    """Return how well labels of neighbouring periods are joined.

    Rotations of which the data do not hold two periods are left out.
    """
    rows = []
    for rotation in rotations:
        length_s = DAY_S * _ROTATION_DAYS[rotation]
        if world.scenario.days * DAY_S < 2 * length_s or len(np.unique(reads.time_s // length_s)) < 2:
            continue
        for score in scores:
            joined, rounds = link_rotation(world, reads, rotation, score=score)
            rows.append({"rotation": rotation, "score": score, "rounds": rounds, **asdict(joined)})
    return pl.DataFrame(rows)


def two_networks(
    world: World, reads: Sightings, first: NDArray[np.bool_], days: Sequence[int]
) -> pl.DataFrame:
    """Join the ids of two networks after so many days.

    Parameters
    ----------
    first
        Whether each reader belongs to the first network, shape (n_cameras,).

    Returns
    -------
    pl.DataFrame
        day, and the fields of ``Joined``.
    """
    weekday = WEEKDAYS.index(world.scenario.start_weekday)
    of_first = first[reads.camera_id]
    a, driver_a = one_network(reads.take(of_first), "a", seed=world.seed, start_weekday=weekday)
    b, driver_b = one_network(reads.take(~of_first), "b", seed=world.seed, start_weekday=weekday)
    rows = []
    for day in days:
        seen_a, seen_b = a.until(day), b.until(day)
        links = link_networks(seen_a, seen_b)
        there_a, there_b = (np.flatnonzero(np.diff(v.indptr) > 0) for v in (seen_a, seen_b))
        joined = score_links([links], driver_a, driver_b, [(there_a, there_b)])
        rows.append({"day": day, **asdict(joined)})
    return pl.DataFrame(rows)


def track_looks(world: World, *, shares: VehicleShares | None = None) -> Tracked:
    """Follow cars by their looks over all days of a world, by fixed readers, plates removed."""
    shares = shares or VehicleShares()
    trips, legs = drive(world, 0, world.drivers.n_drivers)
    raw = read_fixed(trips, legs, world.cameras, world.lot_camera, world.working, world.seed)
    # The trip of each read: the driver's last departure before it.
    width = np.int64(1) << 40
    departs = trips.driver.astype(np.int64) * width + np.floor(trips.depart_s).astype(np.int64)
    when = raw.driver.astype(np.int64) * width + np.floor(raw.time_s).astype(np.int64)
    trip = np.searchsorted(departs, when, side="right") - 1
    look = looks_as_noted(draw_vehicles(shares, world.drivers.n_drivers, world.seed), raw.driver, world.seed)
    order = np.lexsort((raw.camera_id, raw.driver, np.floor(raw.time_s)))
    by_trip = np.lexsort((raw.time_s, trip))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    successor = np.full(len(order), -1, dtype=np.int64)
    onward = trip[by_trip[1:]] == trip[by_trip[:-1]]
    successor[place[by_trip[:-1][onward]]] = place[by_trip[1:][onward]]
    detections = Detections(
        time_s=np.floor(raw.time_s[order]).astype(np.int64),
        camera_id=raw.camera_id[order].astype(np.int32),
        look=look[order],
    )
    facts = attack_setting(world).knowledge.readers
    assert facts is not None
    way_s = reader_travel_s(world.city.network, facts)
    return score_tracking(follow_looks(detections, way_s, days=world.scenario.days), successor)


def reidentify(
    world: World,
    *,
    points: int = 4,
    attackers: Sequence[str] = ("krumm-last-destination", "bayes"),
    progress: Callable[[str, float], None] = lambda stage, done: None,
) -> dict[str, pl.DataFrame]:
    """Return all tables for one world, by name.

    Raises
    ------
    ScenarioError
        If no plate was read at all.
    """
    progress("drive", 0.0)
    reads = capture_all(world)
    if reads.n_sightings == 0:
        raise ScenarioError(
            f"No plate was read in {world.scenario.days} days, so there is nobody to re-identify: give the "
            "scenario more readers, drivers or days."
        )
    n = world.drivers.n_drivers
    progress("attack", 0.0)
    tables = {
        "unicity": unicity_table(reads, n, points=range(1, points + 1), seed=world.seed),
        "anonymity": anonymity_table(world),
        "directory": directory_table(world, reads, attackers=attackers),
        "pseudonyms": pseudonym_table(world, reads),
    }
    progress("attack", 0.7)
    fixed = world.cameras.edge >= 0
    if fixed.sum() >= 2:
        # Every other fixed reader belongs to another owner, who has other ids.
        first = np.zeros(world.cameras.n_cameras, dtype=np.bool_)
        first[np.flatnonzero(fixed)[::2]] = True
        weeks = [7 * k for k in (1, 2, 4, 8, 12) if 7 * k <= world.scenario.days] or [world.scenario.days]
        tables["networks"] = two_networks(world, reads, first, weeks)
        tables["looks"] = pl.DataFrame(
            [
                {"misjudged": share, **asdict(track_looks(world, shares=VehicleShares(misjudged=share)))}
                for share in (0.0, 0.1)
            ]
        )
    progress("attack", 1.0)
    return tables
