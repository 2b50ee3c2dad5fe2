"""From a plate's sightings to the ends of its stays: which reader was last before one, which first after it.

A gap between two reads is a stay somewhere. Which kind is a matter of the hours: nights are spent at home by
most, weekday noons at work by those who have any.
"""

from __future__ import annotations

from simulator.adversary.bayes.borrow import borrows

DAY_S = 86_400
# Rows of the counts come in pairs: first sign after a stay, last sign before it; by what a stay says about
# home and work, and how far its kind can be trusted.
HOME_SURE, HOME_MAYBE, HOME_DAY, WORK_SURE, WORK_MAYBE = 0, 2, 4, 6, 8
N_CLASSES = 10
# A gap between two reads of a plate that is longer holds a stay.
STAY_S = 3600
# Two reads within this time are taken to be of one trip.
SAME_TRIP_S = 25 * 60
NIGHT_S, NOON_S = int(3.5 * 3600), int(11.5 * 3600)


@borrows()
def _count(row, c, counts, touched, used):  # type: ignore[no-untyped-def]
    if counts[row, c] == 0:
        touched[used] = row * counts.shape[1] + c
        used += 1
    counts[row, c] += 1
    return used


@borrows()
def _sign(camera, time_s, near, following, of_pair):  # type: ignore[no-untyped-def]
    """Return the sign of a sighting next to a stay, with the one beyond it in the same trip."""
    beyond = of_pair.shape[0]
    if following >= 0 and abs(time_s[following] - time_s[near]) < SAME_TRIP_S:
        beyond = camera[following]
    sign = of_pair[camera[near], beyond]
    return sign if sign >= 0 else camera[near]


@borrows()
def night_shift(time_s, visible, n, v):  # type: ignore[no-untyped-def]
    """Return whether the gap that ends with the v-th visible sighting looks like a night shift.

    Out between 21 and 23 h, back between 4:45 and 8:30 h, and then not seen until noon.
    """
    a, b = time_s[visible[v - 1]], time_s[visible[v]]
    out, back = a % DAY_S, b % DAY_S
    if b - a > 12 * 3600 or not (75_600 <= out < 82_800 and 17_100 <= back < 30_600):
        return False
    later = v + 1
    while later < n and time_s[visible[later]] - b < 2400:
        later += 1
    return later == n or time_s[visible[later]] - b > 43_200 - back


@borrows()
def count_stays(time_s, camera, use, expires_s, now_s, start_weekday, of_pair, visible, counts, touched):  # type: ignore[no-untyped-def]
    """Count signs at the ends of stays in what is visible at a moment; return how many counts were touched.

    Parameters
    ----------
    time_s, camera, expires_s
        The plate's sightings, ascending in time, shape (n,).
    of_pair
        Signs of pairs of readers.
    visible
        Room for as many rows as there are sightings.
    use
        Whether a reader stands at a fixed place, shape (n_cameras,).
    now_s, start_weekday
        The moment, and the weekday of day 0.
    counts
        Zero on entry, shape (N_CLASSES, n_signs).
    touched
        Receives the numbers ``class * n_signs + sign`` of the counts that are not zero.
    """
    n = 0
    for i in range(len(time_s)):
        if time_s[i] >= now_s:
            break
        if expires_s[i] > now_s and use[camera[i]]:
            visible[n] = i
            n += 1
    used = 0
    # A late evening and an early morning happen to anybody; three of them are a habit.
    shifts = 0
    for v in range(1, n):
        shifts += night_shift(time_s, visible, n, v)
    asleep = False
    for v in range(1, n):
        before, i = visible[v - 1], visible[v]
        if time_s[i] - time_s[before] > STAY_S:
            a, b = time_s[before], time_s[i]
            gap = b - a
            over_night = (b - NIGHT_S) // DAY_S > (a - NIGHT_S) // DAY_S
            over_noon = (b - NOON_S) // DAY_S > (a - NOON_S) // DAY_S
            weekday = (start_weekday + a // DAY_S) % 7 < 5
            # Late shifts: away in the afternoon, back around midnight.
            over_evening = 13 <= (a // 3600) % 24 < 17 and 6 * 3600 < gap < 11 * 3600
            at_night = shifts >= 3 and night_shift(time_s, visible, n, v)
            by_day, asleep = asleep and gap > 4 * 3600, at_night or (asleep and gap <= 4 * 3600)
            for side in range(2):
                home, work = -1, -1
                if at_night:
                    work = WORK_SURE
                elif by_day:
                    home = HOME_SURE
                elif over_night and gap > 4 * 3600:
                    # Who leaves in the morning, or came in the evening, has hardly been elsewhere unseen.
                    hour = ((b if side == 0 else a) // 3600) % 24
                    sure = 4 <= hour < 13 if side == 0 else hour >= 14 or hour < 4
                    home = HOME_SURE if sure else HOME_MAYBE
                else:
                    home = HOME_DAY
                    if over_evening or (over_noon and weekday and gap > 3 * 3600):
                        work = WORK_SURE if gap > 6 * 3600 else WORK_MAYBE
                if side == 0:
                    following = visible[v + 1] if v + 1 < n else -1
                    c = _sign(camera, time_s, i, following, of_pair)
                else:
                    following = visible[v - 2] if v >= 2 else -1
                    c = _sign(camera, time_s, before, following, of_pair)
                if home >= 0:
                    used = _count(home + side, c, counts, touched, used)
                if work >= 0:
                    used = _count(work + side, c, counts, touched, used)
    return used
