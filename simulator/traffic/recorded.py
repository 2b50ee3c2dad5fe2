"""Recorded trips as the rest of the program wants them: trips between places, and timed passes of readers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.people.drivers import Drivers
from simulator.people.places import Places
from simulator.roads.city import City
from simulator.traffic.passes import passes_of
from simulator.traffic.routes import DAY_S, Routes
from simulator.travel.legs import Legs, WatchedEdges
from simulator.travel.tours import Purpose
from simulator.travel.trips import Trips


@dataclass(frozen=True, kw_only=True, eq=False)
class Recorded:
    """The traffic of another simulator on a city, with its people.

    Parameters
    ----------
    city, places, drivers
        The streets; homes, work places and all other ends of trips; who drives.
    routes
        What was driven.
    from_place, to_place
        Where each trip starts and ends, shape (n_trips,).
    truth
        Where homes and work places were taken from, in words.
    """

    city: City
    places: Places
    drivers: Drivers
    routes: Routes
    from_place: NDArray[np.int32]
    to_place: NDArray[np.int32]
    truth: str

    def volume(self, days: int) -> NDArray[np.float64]:
        """Return how often each directed edge was driven along on a day in the mean, shape (n_edges,)."""
        edge = self.routes.edge
        counts = np.bincount(edge[edge >= 0], minlength=self.city.network.n_edges)
        return counts / max(days, self.routes.days)

    def drive(self, first: int, last: int, days: int, watched: WatchedEdges) -> tuple[Trips, Legs]:
        """Return the trips of drivers ``first`` to ``last - 1`` that begin within some days, a leg each."""
        a, b = np.searchsorted(self.routes.driver, [first, last])
        rows = np.arange(a, b)[self.routes.depart_s[a:b] < days * DAY_S]
        routes = self.routes.take(rows)
        network = self.city.network
        indptr, camera, seconds, distance_m = passes_of(
            routes.edge_indptr, routes.edge, routes.leave_s, routes.from_m, routes.to_m,
            network.edge_length_m, watched.indptr, watched.camera, watched.offset_m,
        )  # fmt: skip
        n = routes.n_trips
        day = (routes.depart_s // DAY_S).astype(np.int32)
        from_place, to_place = self.from_place[rows], self.to_place[rows]
        work = self.drivers.work_place[routes.driver]
        commute = (work >= 0) & ((from_place == work) | (to_place == work))
        trips = Trips(
            driver=routes.driver,
            day=day,
            number=_number_in_day(routes.driver, day),
            from_place=from_place,
            to_place=to_place,
            purpose=np.where(commute, Purpose.COMMUTE, Purpose.ERRAND).astype(np.uint8),
            field=np.zeros(n, dtype=np.uint8),
            leg=np.arange(n, dtype=np.int64),
            depart_s=routes.depart_s,
            arrive_s=routes.arrive_s,
            pace=np.ones(n),
        )
        legs = Legs(
            of_trip=np.arange(n, dtype=np.int64),
            duration_s=routes.arrive_s - routes.depart_s,
            distance_m=distance_m,
            pass_indptr=indptr,
            pass_camera=camera,
            pass_s=seconds,
            edge_indptr=routes.edge_indptr,
            edge=routes.edge,
        )
        return trips, legs

    def content_hash(self) -> str:
        """Return a short hash of all trips, homes and work places, for manifests."""
        digest = hashlib.blake2b("\x1f".join(self.routes.vehicle).encode(), digest_size=12)
        for array in (
            self.routes.driver, self.routes.depart_s, self.routes.arrive_s, self.routes.edge,
            self.routes.leave_s, self.drivers.home_place, self.drivers.work_place,
            self.places.x_m, self.places.y_m,
        ):  # fmt: skip
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _number_in_day(driver: NDArray[np.int32], day: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number trips within each driver's day; trips are in order of driver and time."""
    key = driver.astype(np.int64) * (int(day.max(initial=0)) + 1) + day
    first = np.flatnonzero(np.diff(key, prepend=-1))
    size = np.diff(np.append(first, len(key)))
    return (np.arange(len(key)) - np.repeat(first, size)).astype(np.int32)
