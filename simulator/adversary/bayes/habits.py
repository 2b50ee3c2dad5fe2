"""What is publicly known about how people travel, in numbers that the adversary reasons with.

They are population figures (travel surveys, censuses, studies of route choice), never facts about a driver,
and need not be those that a simulated city was made with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.adversary.knowledge import Manner


@dataclass(frozen=True, kw_only=True)
class Habits:
    """The population's travel habits.

    Parameters
    ----------
    commute_scale_m, errand_scale_m
        Scales of the exponential decay of trips with distance, metres.
    commute_share, errand_share, visit_share
        Relative frequency of the other end of a trip from or to home: a work place, a shop or the like, a
        house of somebody else.
    gateway_share
        Share of each of these whose other end lies beyond the map.
    route_spread
        Log standard deviation of perceived edge times (route choice); drivers vary by a factor of two.
    taste_spread
        The same for a driver's liking of a whole road class.
    aid_share
        Share of trips on the fastest route, as told by a navigation aid.
    missed_share
        Share of passes that a reader misses beside what its read rate says (downtime, misreads).
    outside_share
        Share of drivers seen on the map who live beyond it.
    no_work_share
        Share of drivers without a regular work place.
    outside_work_share
        Share of workers whose work place lies beyond the map.
    """

    commute_scale_m: float = 9_000.0
    errand_scale_m: float = 3_000.0
    commute_share: float = 0.40
    errand_share: float = 0.40
    visit_share: float = 0.20
    gateway_share: float = 0.28
    route_spread: float = 0.35
    taste_spread: float = 0.12
    aid_share: float = 0.35
    missed_share: float = 0.07
    outside_share: float = 0.20
    no_work_share: float = 0.40
    outside_work_share: float = 0.30

    def in_the_manner_of(self, manner: Manner | None) -> Habits:
        """Return the habits of people who drive in some manner; ``None``: as they are."""
        if manner is None:
            return self
        return replace(
            self,
            route_spread=self.route_spread * manner.spread,
            taste_spread=self.taste_spread * manner.spread * manner.taste,
            commute_scale_m=self.commute_scale_m * manner.reach,
            errand_scale_m=self.errand_scale_m * manner.reach,
            aid_share=min(self.aid_share * manner.aid, 1.0),
        )


#: Somebody who knows the town but not how people travel: other ends are as likely far as near.
UNKNOWN_HABITS = Habits(
    commute_scale_m=1e6, errand_scale_m=1e6, commute_share=1 / 3, errand_share=1 / 3, visit_share=1 / 3
)
