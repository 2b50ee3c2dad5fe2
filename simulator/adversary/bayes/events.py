"""From a plate's sightings to the ends of its stays: which reader was last before one, which first after it.

A gap between two reads is a stay somewhere. Which kind is a matter of the hours: nights are spent at home by
most, weekday noons at work by those who have any.
"""

from __future__ import annotations

from numba import njit

DAY_S = 86_400
# Rows of the counts that a plate's stays yield.
AFTER_NIGHT, BEFORE_NIGHT, AFTER_NOON, BEFORE_NOON = 0, 1, 2, 3
N_CLASSES = 4
NIGHT_S, NOON_S = int(3.5 * 3600), int(11.5 * 3600)


@njit(cache=True)
def count_stays(time_s, camera, use, expires_s, now_s, start_weekday, counts, touched):  # type: ignore[no-untyped-def]
    """Count readers at the ends of stays of what is visible at a moment; return how many counts were touched.

    Parameters
    ----------
    time_s, camera, expires_s
        The plate's sightings, ascending in time, shape (n,).
    use
        Whether a reader stands at a fixed place, shape (n_cameras,).
    now_s, start_weekday
        The moment, and the weekday of day 0.
    counts
        Zero on entry, shape (N_CLASSES, n_cameras).
    touched
        Receives the numbers ``class * n_cameras + camera`` of the counts that are not zero.
    """
    n_cameras = counts.shape[1]
    used = 0
    before = -1
    for i in range(len(time_s)):
        if time_s[i] >= now_s:
            break
        if expires_s[i] <= now_s or not use[camera[i]]:
            continue
        if before >= 0:
            a, b = time_s[before], time_s[i]
            gap = b - a
            kind = -1
            if gap > 4 * 3600 and (b - NIGHT_S) // DAY_S > (a - NIGHT_S) // DAY_S:
                kind = 0
            elif (
                3 * 3600 < gap < 13 * 3600
                and (start_weekday + a // DAY_S) % 7 < 5
                and (b - NOON_S) // DAY_S > (a - NOON_S) // DAY_S
            ):
                kind = 2
            if kind >= 0:
                for side in range(2):
                    c = camera[i] if side == 0 else camera[before]
                    if counts[kind + side, c] == 0:
                        touched[used] = (kind + side) * n_cameras + c
                        used += 1
                    counts[kind + side, c] += 1
        before = i
    return used
