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
from simulator.travel.legs import Legs, Timing, WatchedEdges
from simulator.travel.stands import Stands
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
            timing=Timing(from_m=routes.from_m, to_m=routes.to_m, leave_s=routes.leave_s),
        )
        return trips, legs

    def stands(self, first: int, last: int, days: int) -> Stands:
        """Return where the cars of drivers ``first`` to ``last - 1`` stand, for the trips of :meth:`drive`.

        A car stands in the street, where its trip ended, until its next trip starts; before its first trip it
        stands where that one starts, be it after the last of the days. Who drives off the map at a gateway
        stands out of reach, unless at a home or work place on that street.
        """
        a, b = np.searchsorted(self.routes.driver, [first, last])
        opening = np.searchsorted(self.routes.driver, np.arange(first, last))
        rows = np.arange(a, b)[self.routes.depart_s[a:b] < days * DAY_S]
        routes, network = self.routes, self.city.network
        edge = np.concatenate([routes.first_edge[opening], routes.last_edge[rows]])
        offset_m = np.concatenate([routes.from_m[opening], routes.to_m[rows]])
        at = np.maximum(edge, 0)
        n = last - first
        node = np.concatenate([network.edge_tail[at[:n]], network.edge_head[at[n:]]])
        place = np.concatenate([self.from_place[opening], self.to_place[rows]])
        driver = np.concatenate([np.arange(first, last), routes.driver[rows]])
        own = (place == self.drivers.home_place[driver]) | (place == self.drivers.work_place[driver])
        beyond = np.isin(node, self.city.gateway_node) & ~own
        spot = np.full(self.drivers.n_drivers, -1, dtype=np.int32)
        spot[first:last] = np.arange(n)
        x_m, y_m = network.point_along(at, offset_m)
        return Stands(
            edge=np.where(beyond, -1, edge).astype(np.int32),
            offset_m=offset_m,
            x_m=x_m,
            y_m=y_m,
            in_lot=np.zeros(len(edge), dtype=np.bool_),
            first=spot,
            first_in_sight=np.ones(len(spot), dtype=np.bool_),
            after_trip=n + np.arange(len(rows), dtype=np.int32),
        )

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
