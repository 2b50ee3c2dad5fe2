"""An access log, simulated: lawful look-ups, and some that break the rules of the archive.

One look-up of an agency asks every owner whose sightings it may see, and leaves one line for each. What is
unlawful is what the archive's rules exclude. All rates are free parameters: no source counts look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from simulator.archive_rules import Archive, LookBack
from simulator.errors import ScenarioError
from simulator.streams import Stream, generator
from simulator.tables import SCHEMAS, conform

DAY_S = 86_400
REASONS = ("stolen-car", "missing-person", "investigation", "traffic", "none")
_REASON_SHARES = (0.30, 0.05, 0.50, 0.15)
LAWFUL = "lawful"
VIOLATIONS = ("unlawful-sharing", "misconfigured", "beyond-look-back", "stalking", "no-reason")
_OFFICE_H = (13.0, 4.0)
_USUAL_DAYS_BACK = 7.0


@dataclass(frozen=True, kw_only=True)
class AccessSetting:
    """How often agencies look, and how often they break rules; all free.

    Parameters
    ----------
    lookups_per_day
        Lawful look-ups of each agency.
    again_share
        Chance that a look-up is followed by another of the same plate within a week.
    bad_share
        Share of a rule breaker's look-ups that break the rule: unlawful sharing, too far back, no reason.
    stalked_times
        How often one officer looks up one plate for private reasons.
    """

    lookups_per_day: float = 20.0
    again_share: float = 0.3
    bad_share: float = 0.01
    stalked_times: int = 24

    def __post_init__(self) -> None:
        if not 0 < self.lookups_per_day <= 10_000:
            raise ScenarioError(
                f"Look-ups a day must lie above 0 and up to 10,000: {self.lookups_per_day:g}."
            )
        if not 0 <= self.again_share < 1 or not 0 < self.bad_share <= 1:
            raise ScenarioError("Shares of look-ups must lie between 0 and 1.")
        if self.stalked_times < 1:
            raise ScenarioError("Who stalks looks at least once.")


@dataclass(frozen=True, kw_only=True)
class Agencies:
    """Who looks, and into what the rules let them.

    Parameters
    ----------
    names
        All agencies: owners of readers first.
    owners
        Owners of readers.
    audited
        The owner whose log is audited.
    open_to
        Whether agency ``a`` may see owner ``o``, row by row as in ``names`` and ``owners``.
    limit_days
        How far back each owner's sightings may be searched at most; None: no limit.
    """

    names: tuple[str, ...]
    owners: tuple[str, ...]
    audited: str
    open_to: tuple[tuple[bool, ...], ...]
    limit_days: tuple[float | None, ...]

    def closed_pairs(self) -> list[tuple[int, int]]:
        """Return the pairs (agency, owner) that the rules exclude, the audited owner's sightings first."""
        pairs = [
            (a, o) for a in range(len(self.names)) for o in range(len(self.owners)) if not self.open_to[a][o]
        ]
        return sorted(pairs, key=lambda pair: self.owners[pair[1]] != self.audited)


def agencies_of(archive: Archive, owners: tuple[str, ...], readers_of: NDArray[np.integer]) -> Agencies:
    """Return who looks and into what, by the rules of an archive.

    Parameters
    ----------
    archive
        The rules.
    owners
        Owners of readers.
    readers_of
        Readers of each owner, shape (n_owners,); the owner of most is audited, unless the viewer owns some.

    Raises
    ------
    ScenarioError
        If nobody owns a reader: there is nothing to look up.
    """
    if not owners:
        raise ScenarioError("The scenario has no readers, so that there is nothing to look up.")
    names = tuple(dict.fromkeys((*owners, *archive.agencies)))
    look_backs = [rule.days for rule in archive.of_type(LookBack)]
    limits = []
    for owner in owners:
        days = [d for d in (archive.retention_of(owner), *look_backs) if d is not None]
        limits.append(min(days) if days else None)
    most = owners[int(np.argmax(readers_of))]
    return Agencies(
        names=names,
        owners=owners,
        audited=archive.viewer if archive.viewer in owners else most,
        open_to=tuple(tuple(archive.seen_by(a).may_see(o) for o in owners) for a in names),
        limit_days=tuple(limits),
    )


def possible_violations(agencies: Agencies) -> tuple[str, ...]:
    """Return which violations the rules allow to exist: where nothing is forbidden, nothing is broken."""
    impossible = set()
    if not agencies.closed_pairs():
        impossible |= {"unlawful-sharing", "misconfigured"}
    if agencies.limit_days[agencies.owners.index(agencies.audited)] is None:
        impossible.add("beyond-look-back")
    return tuple(v for v in VIOLATIONS if v not in impossible)


def access_log(
    agencies: Agencies, setting: AccessSetting, *, days: int, n_plates: int, seed: int, draw: int = 0
) -> pl.DataFrame:
    """Return an access log with every violation that is possible in it, each by one agency.

    Parameters
    ----------
    agencies
        Who looks.
    setting
        How often.
    days
        Days that the log spans.
    n_plates
        Plates that may be looked up.
    seed, draw
        Root seed, and number of the log: each is another draw.

    Returns
    -------
    polars.DataFrame
        The ``access_log`` table, by time. Its column ``violation`` is truth, which no auditor sees.
    """
    rng = generator(seed, Stream.ACCESS_LOG, draw)
    parts = [
        part
        for a in range(len(agencies.names))
        if (part := _lawful(rng, agencies, a, setting, days, n_plates)) is not None
    ]
    possible = possible_violations(agencies)
    home = agencies.names.index(agencies.audited)
    own = agencies.owners.index(agencies.audited)
    closed = agencies.closed_pairs()
    few = max(1, round(setting.bad_share * setting.lookups_per_day * days))
    for violation in possible:
        n = setting.stalked_times if violation == "stalking" else few
        agency, owner, start = home, own, 0.0
        if violation == "unlawful-sharing":
            agency, owner = closed[0]
        elif violation == "misconfigured":
            # From a day on the system asks an owner too many; another pair, if there is one.
            agency, owner = closed[-1]
            start = days * float(rng.uniform(0.2, 0.8))
            n = max(1, int(rng.poisson(setting.lookups_per_day * (days - start))))
        limit = agencies.limit_days[owner] or np.inf
        lines = _lines(
            rng, agencies, agency, np.full(n, owner), days, n_plates, start_day=start, limit_days=limit
        )
        lines["violation"] = np.full(n, violation)
        if violation == "beyond-look-back":
            lines["days_back"] = limit * rng.uniform(1.1, 3.0, n)
        elif violation == "stalking":
            lines["plate"] = np.full(n, rng.integers(0, n_plates))
        elif violation == "no-reason":
            lines["reason"] = np.full(n, "none")
        parts.append(lines)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    kinds = SCHEMAS["access_log"].columns
    frame = pl.DataFrame(columns).sort("time_s", "agency", "owner", "plate")
    frame = frame.with_columns(pl.col("reason", "violation").cast(pl.String)).with_columns(
        pl.col(name).cast(kinds[name]) for name in ("reason", "violation")
    )
    return conform("access_log", frame.with_row_index("line"))


def _lawful(
    rng: np.random.Generator, agencies: Agencies, a: int, setting: AccessSetting, days: int, n_plates: int
) -> dict[str, NDArray[np.generic]] | None:
    """Return the lines of one agency's lawful look-ups; None if it may look at nothing."""
    visible = np.flatnonzero(agencies.open_to[a])
    if len(visible) == 0:
        return None
    # Cases come at random; each is looked up once, and again with a constant chance.
    cases = int(rng.poisson(setting.lookups_per_day * (1 - setting.again_share) * days))
    times = rng.geometric(1 - setting.again_share, cases)
    n = int(times.sum())
    case = np.repeat(np.arange(cases), times)
    lines = _lines(rng, agencies, a, np.zeros(n, dtype=np.int64), days, n_plates)
    first = np.concatenate([[0], np.cumsum(times)[:-1]]).astype(np.int64)
    later = np.ones(n, dtype=np.bool_)
    later[first] = False
    offset_s = np.where(later, rng.uniform(0, 7 * DAY_S, n), 0.0).astype(np.int64)
    begun_s = lines["time_s"].astype(np.int64)[first][case]
    lines["time_s"] = np.minimum(begun_s + offset_s, days * DAY_S - 1)
    for name in ("plate", "reason"):
        lines[name] = lines[name][first][case]
    # One line an owner.
    row = np.repeat(np.arange(n), len(visible))
    lines = {name: values[row] for name, values in lines.items()}
    owner = np.tile(visible, n)
    lines["owner"] = np.array(agencies.owners)[owner]
    limits = np.array([np.inf if d is None else d for d in agencies.limit_days])
    lines["days_back"] = np.minimum(lines["days_back"].astype(np.float64), limits[owner])
    return lines


def _lines(
    rng: np.random.Generator,
    agencies: Agencies,
    agency: int,
    owner: NDArray[np.int64],
    days: int,
    n_plates: int,
    start_day: float = 0.0,
    limit_days: float = np.inf,
) -> dict[str, NDArray[np.generic]]:
    """Return lines of ordinary look-ups, one an element of ``owner``."""
    n = len(owner)
    day = np.floor(rng.uniform(start_day, days, n))
    hour = np.clip(rng.normal(*_OFFICE_H, n), 0.0, 23.999)
    return {
        "time_s": (day * DAY_S + hour * 3600).astype(np.int64),
        "agency": np.full(n, agencies.names[agency]),
        "plate": rng.integers(0, n_plates, n),
        "owner": np.array(agencies.owners)[owner],
        "reason": np.array(REASONS)[rng.choice(4, n, p=_REASON_SHARES)],
        "days_back": np.minimum(rng.exponential(_USUAL_DAYS_BACK, n), limit_days),
        "violation": np.full(n, LAWFUL),
    }
