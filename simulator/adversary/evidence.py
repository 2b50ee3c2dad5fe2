"""What a sighting is worth to a simple attacker: a weight for each of one plate's at one checkpoint."""

from __future__ import annotations

from enum import IntEnum

from numba import njit

from simulator.adversary.weeks import curve_at, curve_integral


class Evidence(IntEnum):
    """How sightings are weighted."""

    #: By when they were made: the week curve at that moment.
    MOMENT = 0
    #: By the time until the next sighting, or until now: the week curve's integral over it, seconds.
    DWELL = 1
    #: 1 for each day's last sighting within the week curve's support, 0 for others.
    LAST_OF_DAY = 2
    #: The number of long unseen stays that begin or end with the sighting.
    GAP_ENDS = 3


@njit(cache=True)
def weigh(  # type: ignore[no-untyped-def]
    evidence, curve, running, hours_s, start_weekday, time_s, expires_s, now_s, weight
):
    """Fill the weights of one plate's sightings (0 for those not visible); return how many are visible.

    ``hours_s`` holds, in seconds: where a day is cut, the moment that a stay must cover, and the shortest and
    longest stay.
    """
    monday_s = start_weekday * 86_400
    cut_s, anchor_s, shortest_s, longest_s = hours_s[0], hours_s[1], hours_s[2], hours_s[3]
    before = -1
    seen = 0
    before_day = 0
    before_integral = 0.0
    for i in range(len(time_s)):
        weight[i] = 0.0
        if time_s[i] >= now_s or expires_s[i] <= now_s:
            continue
        seen += 1
        moment_s = time_s[i] + monday_s
        if evidence == 0:
            weight[i] = curve_at(curve, moment_s)
        elif evidence == 1:
            integral = curve_integral(curve, running, moment_s)
            if before >= 0:
                weight[before] = integral - before_integral
            before_integral = integral
        elif evidence == 2:
            if curve_at(curve, moment_s) <= 0.0:
                continue
            day = (time_s[i] - cut_s) // 86_400
            if before >= 0 and day == before_day:
                weight[before] = 0.0
            weight[i] = 1.0
            before_day = day
        elif before >= 0 and shortest_s <= time_s[i] - time_s[before] <= longest_s:
            last_anchor_s = (time_s[i] - anchor_s) // 86_400 * 86_400 + anchor_s
            if last_anchor_s > time_s[before] and curve_at(curve, last_anchor_s + monday_s) > 0.0:
                weight[before] += 1.0
                weight[i] += 1.0
        before = i
    if evidence == 1 and before >= 0:
        weight[before] = curve_integral(curve, running, now_s + monday_s) - before_integral
    return seen
