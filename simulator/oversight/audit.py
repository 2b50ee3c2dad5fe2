"""How many lines of an access log must be sampled to find a violation, under which logging rule.

An auditor draws lines without replacement and recognises a violation by what the log records, not by the
truth. Of ``N`` lines, ``K`` show it, and ``m`` of these are needed as evidence: the sample of ``n`` holds
enough with the chance P(X >= m), X hypergeometric. The smallest ``n`` with that chance is the answer
(acceptance sampling, as in Dodge & Romig 1929, with the roles of lot and defect taken by log and violation).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import hypergeom

from simulator.oversight.access_log import (
    DAY_S,
    LAWFUL,
    AccessSetting,
    Agencies,
    access_log,
    possible_violations,
)

#: What a log records, by logging rule; None: no lines at all.
LOGGING_RULES: dict[str, str] = {
    "full": "who, whom, whose sightings, why, when, how far back",
    "no-plate": "all but whom",
    "no-reason": "all but why",
    "own-agency-only": "all, but only of the audited owner's own staff",
    "totals-by-month": "look-ups a month by agency and owner",
    "none": "nothing",
}
#: Lines of one plate by one agency that are a pattern, and not a case.
STALKING_EVIDENCE = 3
_PATTERN_LINES = 10
_EVIDENCE = {"stalking": STALKING_EVIDENCE}
_MONTH_S = 30 * DAY_S


def as_logged(log: pl.DataFrame, rule: str, agencies: Agencies) -> pl.DataFrame:
    """Return what an auditor gets to see of a log under a logging rule; the truth is left out.

    Raises
    ------
    KeyError
        If there is no such rule.
    """
    LOGGING_RULES[rule]
    seen = log.drop("violation")
    match rule:
        case "no-plate":
            return seen.drop("plate")
        case "no-reason":
            return seen.drop("reason")
        case "own-agency-only":
            return seen.filter(pl.col("agency") == agencies.audited)
        case "totals-by-month":
            month = (pl.col("time_s") // _MONTH_S).alias("month")
            return seen.group_by("agency", "owner", month).len().sort("agency", "owner", "month")
        case "none":
            return seen.clear()
        case _:
            return seen


def shows(seen: pl.DataFrame, violation: str, agencies: Agencies) -> pl.Series:
    """Return which lines show a violation to an auditor who knows the archive's rules.

    Parameters
    ----------
    seen
        What :func:`as_logged` returned.
    violation
        ``"unlawful-sharing"`` and ``"misconfigured"`` show as an agency in sightings closed to it,
        ``"beyond-look-back"`` by the span searched, ``"no-reason"`` by an empty reason, ``"stalking"`` by
        a plate that one agency looks up over and over.
    """
    nothing = pl.Series("shows", np.zeros(seen.height, dtype=np.bool_))
    match violation:
        case "unlawful-sharing" | "misconfigured":
            closed = {f"{agencies.names[a]}\n{agencies.owners[o]}" for a, o in agencies.closed_pairs()}
            pair = pl.concat_str("agency", "owner", separator="\n")
            found = pair.is_in(sorted(closed)).fill_null(False)
        case "beyond-look-back":
            if "days_back" not in seen.columns:
                return nothing
            known = zip(agencies.owners, agencies.limit_days, strict=True)
            limits = {owner: days for owner, days in known if days is not None}
            if not limits:
                return nothing
            limit = pl.col("owner").replace_strict(limits, default=float("inf"), return_dtype=pl.Float64)
            # A stored span is rounded to 32 bits.
            found = pl.col("days_back") > limit * 1.001
        case "no-reason":
            if "reason" not in seen.columns:
                return nothing
            found = pl.col("reason").cast(pl.String) == "none"
        case _:
            if "plate" not in seen.columns:
                return nothing
            # Look-ups of one moment in several owners' sightings are one look-up.
            looks = pl.col("time_s").n_unique().over("agency", "plate")
            found = looks >= _PATTERN_LINES
    return seen.select(found.alias("shows")).to_series()


def lines_needed(n_lines: int, n_bad: int, *, evidence: int = 1, probability: float = 0.95) -> int | None:
    """Return the smallest sample that holds enough bad lines with a probability; None if no sample does.

    Parameters
    ----------
    n_lines, n_bad
        Lines in the log, and those of them that show the violation.
    evidence
        How many of these the auditor must have drawn.
    probability
        Wanted chance.
    """
    if n_bad < evidence or n_lines < evidence:
        return None
    low, high = evidence, n_lines
    while low < high:
        middle = (low + high) // 2
        if hypergeom.sf(evidence - 1, n_lines, n_bad, middle) >= probability:
            high = middle
        else:
            low = middle + 1
    return low


def audit(
    agencies: Agencies,
    setting: AccessSetting,
    *,
    days: int,
    n_plates: int,
    seed: int,
    draws: int = 20,
    probability: float = 0.95,
    logging_rules: Sequence[str] = tuple(LOGGING_RULES),
    progress: Callable[[int], None] = lambda n: None,
) -> pl.DataFrame:
    """Return how many lines must be sampled, by violation and logging rule, over several draws of the log.

    Returns
    -------
    polars.DataFrame
        ``violation, logging, draws, found_draws`` (draws in which the log shows it at all), and medians
        over these of ``log_lines, bad_lines, lines_needed`` with the middle 95% of the last, ``low`` and
        ``high``; ``share_of_log`` is the median of what must be read, ``innocent_patterns`` that of other
        plates that show the same pattern. Null where no sample of any size finds it.
    """
    found: dict[tuple[str, str], list[tuple[float, ...]]] = {
        (violation, rule): [] for violation in possible_violations(agencies) for rule in logging_rules
    }
    for draw in range(draws):
        progress(draw)
        log = access_log(agencies, setting, days=days, n_plates=n_plates, seed=seed, draw=draw)
        for violation, rule in found:
            # One breach at a time, as if it were the only one.
            one = log.filter(pl.col("violation").cast(pl.String).is_in([LAWFUL, violation]))
            seen = as_logged(one, rule, agencies)
            bad = shows(seen, violation, agencies)
            innocent = 0
            if violation == "stalking" and bad.any():
                # A case that is looked up as often looks the same; only following it up tells.
                who = one.filter(pl.col("violation").cast(pl.String) == violation)
                stalked = (seen["plate"] == who["plate"][0]) & (seen["agency"] == who["agency"][0])
                innocent = seen.filter(bad & ~stalked).select("agency", "plate").unique().height
                bad = bad & stalked
            evidence = _EVIDENCE.get(violation, 1)
            n_bad = int(np.count_nonzero(bad.to_numpy()))
            needed = lines_needed(seen.height, n_bad, evidence=evidence, probability=probability)
            if needed is not None:
                found[violation, rule].append((seen.height, n_bad, needed, needed / seen.height, innocent))
    rows = [
        {
            "violation": violation,
            "logging": rule,
            "draws": draws,
            "found_draws": len(values),
            **_middle(np.array(values, dtype=np.float64).reshape(-1, 5)),
        }
        for (violation, rule), values in found.items()
    ]
    numbers = ("log_lines", "bad_lines", "lines_needed", "low", "high", "share_of_log", "innocent_patterns")
    schema = {
        "violation": pl.String, "logging": pl.String, "draws": pl.Int32, "found_draws": pl.Int32,
        **dict.fromkeys(numbers, pl.Float64),
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def _middle(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Return medians over draws, and the middle 95% of the lines needed; nothing of no draw."""
    names = ("log_lines", "bad_lines", "lines_needed", "share_of_log", "innocent_patterns")
    if len(values) == 0:
        return dict.fromkeys((*names, "low", "high"))
    low, high = np.quantile(values[:, 2], (0.025, 0.975))
    middle = dict(zip(names, np.median(values, axis=0).tolist(), strict=True))
    return {**middle, "low": float(low), "high": float(high)}
