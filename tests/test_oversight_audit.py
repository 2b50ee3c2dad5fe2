"""Audits: the closed form against drawn samples, and what each logging rule can and cannot show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from engine_town import tiny_scenario
from typer.testing import CliRunner

from experiments.cli import app
from simulator.archive_rules import Archive, LookBack, Sharing
from simulator.errors import ScenarioError
from simulator.oversight.access_log import (
    LAWFUL,
    VIOLATIONS,
    AccessSetting,
    Agencies,
    access_log,
    agencies_of,
    possible_violations,
)
from simulator.oversight.audit import LOGGING_RULES, as_logged, audit, lines_needed, shows
from simulator.run import simulate
from simulator.tables import read_table

STATE = Archive(
    viewer="city",
    agencies=("federal",),
    retention_days=21.0,
    rules=(
        Sharing(name="city-shares", owner="city", partners=("county",)),
        Sharing(name="county-shares", owner="county", partners=("city",)),
    ),
)
SETTING = AccessSetting(lookups_per_day=10.0, bad_share=0.02)


@pytest.fixture(scope="module")
def agencies() -> Agencies:
    return agencies_of(STATE, ("city", "county"), np.array([8, 3]))


@pytest.fixture(scope="module")
def log(agencies: Agencies) -> pl.DataFrame:
    return access_log(agencies, SETTING, days=60, n_plates=5_000, seed=4)


def bad(log: pl.DataFrame, violation: str) -> pl.Series:
    return log["violation"].cast(pl.String) == violation


def test_one_bad_line_takes_the_wanted_share_of_the_log() -> None:
    assert lines_needed(1_000, 1, probability=0.95) == 950
    assert lines_needed(1_000, 1_000) == 1
    assert lines_needed(1_000, 0) is None
    assert lines_needed(1_000, 2, evidence=3) is None
    assert lines_needed(1_000, 3, evidence=3, probability=0.999) == 1_000
    # With few bad lines in a long log: N (1 - 0.05^(1/K)).
    n = lines_needed(1_000_000, 12)
    assert n is not None
    assert abs(n - 1_000_000 * (1 - 0.05 ** (1 / 12))) < 20


@pytest.mark.parametrize(("n_lines", "n_bad", "evidence"), [(400, 12, 1), (400, 25, 3), (90, 5, 2)])
def test_drawn_samples_find_it_as_often_as_the_closed_form_says(
    n_lines: int, n_bad: int, evidence: int
) -> None:
    n = lines_needed(n_lines, n_bad, evidence=evidence, probability=0.9)
    assert n is not None
    rng = np.random.default_rng(8)
    times = 4_000
    drawn = np.argsort(rng.random((times, n_lines)), axis=1)
    for size, reached in ((n, True), (n - 1, False)):
        share = ((drawn[:, :size] < n_bad).sum(axis=1) >= evidence).mean()
        tolerance = 4 * np.sqrt(0.09 / times)
        assert (share >= 0.9 - tolerance) if reached else (share <= 0.9 + tolerance)


def test_rules_say_what_is_unlawful(agencies: Agencies) -> None:
    assert agencies.audited == "city"
    closed = {(agencies.names[a], agencies.owners[o]) for a, o in agencies.closed_pairs()}
    assert closed == {("federal", "city"), ("federal", "county")}
    assert possible_violations(agencies) == VIOLATIONS
    free = agencies_of(Archive(), ("city",), np.array([1]))
    assert possible_violations(free) == ("stalking", "no-reason")
    limited = agencies_of(Archive(rules=(LookBack(name="l", days=5.0),)), ("city",), np.array([1]))
    assert limited.limit_days == (5.0,)


def test_lawful_look_ups_keep_to_the_rules(log: pl.DataFrame, agencies: Agencies) -> None:
    lawful = log.filter(bad(log, LAWFUL))
    for violation in VIOLATIONS:
        if violation != "stalking":
            assert not shows(lawful, violation, agencies).any()
    assert lawful.height == pytest.approx(2 * 2 * 10 * 60, rel=0.15)  # two agencies, two owners each
    assert lawful["time_s"].is_sorted() and lawful["time_s"].max() < 60 * 86_400


def test_a_full_log_shows_each_breach_and_nothing_else(log: pl.DataFrame, agencies: Agencies) -> None:
    for violation in ("unlawful-sharing", "misconfigured", "beyond-look-back", "no-reason"):
        one = log.filter(bad(log, LAWFUL) | bad(log, violation))
        shown = shows(as_logged(one, "full", agencies), violation, agencies)
        assert (shown == bad(one, violation)).all()
        assert shown.any()


def test_what_is_not_recorded_is_not_found(agencies: Agencies) -> None:
    table = audit(agencies, SETTING, days=60, n_plates=5_000, seed=4, draws=4)
    needed = {(r["violation"], r["logging"]): r["lines_needed"] for r in table.iter_rows(named=True)}
    never = {key for key, lines in needed.items() if lines is None}
    foreign = {("unlawful-sharing", "own-agency-only"), ("misconfigured", "own-agency-only")}
    inner = ("beyond-look-back", "stalking", "no-reason")
    assert never == {
        *((v, "none") for v in VIOLATIONS),
        *((v, "totals-by-month") for v in inner),
        *foreign,
        ("stalking", "no-plate"),
        ("no-reason", "no-reason"),
    }
    # A log of the own staff alone is shorter, so that what they do is found sooner.
    assert all(needed[v, "own-agency-only"] < needed[v, "full"] for v in inner)
    assert needed["misconfigured", "full"] < needed["unlawful-sharing", "full"]
    assert set(table["logging"]) == set(LOGGING_RULES)


def test_more_breaches_are_found_sooner_and_more_certainty_takes_longer(agencies: Agencies) -> None:
    def full(bad_share: float, probability: float) -> float:
        setting = AccessSetting(lookups_per_day=10.0, bad_share=bad_share)
        table = audit(
            agencies, setting, days=60, n_plates=5_000, seed=4, draws=2,
            probability=probability, logging_rules=("full",),
        )  # fmt: skip
        return float(table.filter(pl.col("violation") == "no-reason")["lines_needed"][0])

    assert full(0.05, 0.95) < full(0.02, 0.95) < full(0.02, 0.99)


def test_no_readers_nothing_to_look_up() -> None:
    with pytest.raises(ScenarioError, match="no readers"):
        agencies_of(Archive(), (), np.empty(0, dtype=int))
    with pytest.raises(ScenarioError, match="Look-ups a day"):
        AccessSetting(lookups_per_day=0.0)


def test_the_command_writes_log_and_table(tmp_path: Path) -> None:
    rules = {
        "viewer": "city",
        "shared_by_default": False,
        "rules": [{"kind": "sharing", "owner": "police", "partners": ["city"]}],
    }
    out = tmp_path / "run"
    simulate(tiny_scenario(archive=rules, attackers__names=["night-mode"]), seed=3, out=out)
    result = CliRunner().invoke(app, ["audit", str(out), "--draws", "3", "--as", "json"])
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)
    assert pl.DataFrame(rows).height == pl.read_csv(out / "audit.csv").height == 4 * len(LOGGING_RULES)
    assert set(read_table("access_log", out / "access_log.parquet")["owner"]) == {"city", "firm", "police"}
    assert (out / "figures" / "audit.png").stat().st_size > 10_000
    assert "never" in CliRunner().invoke(app, ["audit", str(out), "--draws", "1"]).stdout
    refused = CliRunner().invoke(app, ["audit", str(tmp_path)])
    assert refused.exit_code == 2 and "not a finished result folder" in refused.output
    manifest = out / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    refused = CliRunner().invoke(app, ["audit", str(out)])
    assert refused.exit_code == 2 and "format 99" in refused.output
