"""The study of honesty: does an adversary that claims 80% turn out right in 80% of cases?

Claims are credible sets of any level. The level of the smallest set that holds the truth (``truth_level``) is
uniform over drivers when claims are true; see :mod:`simulator.privacy.posterior`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from scipy.stats import kstest

from simulator.adversary.bayes.own_world import draw_own_world
from simulator.chunks import attack_setting
from simulator.errors import ScenarioError
from simulator.privacy.posterior import disclose
from simulator.run import simulate
from simulator.scenario import Scenario
from simulator.scenario_file import with_overrides
from simulator.streams import Stream, generator, replicate_seed
from simulator.world import build_world

LEVELS = (0.5, 0.8, 0.95)
SURE_MASS = 0.9
#: Attackers that say how sure they are.
WITH_POSTERIOR = ("bayes",)


def coverage(beliefs: pl.DataFrame, *, levels: tuple[float, ...] = LEVELS) -> pl.DataFrame:
    """Return how often credible sets hold the truth, by attacker, target and day.

    Parameters
    ----------
    beliefs
        A run's table; attackers without a posterior are left out.
    levels
        Claimed levels.

    Returns
    -------
    polars.DataFrame
        ``attacker, target, day, drivers``, ``held_50`` and so on with standard errors ``se_50``,
        ``uniform_p`` (Kolmogorov and Smirnov's test of the levels), ``sure`` (share of drivers of whom the
        adversary claims at least 0.9 within 250 m), ``sure_right`` (share of these within 250 m).
    """
    rows = []
    told = beliefs.filter(pl.col("truth_level").is_not_null()).with_columns(
        pl.col("attacker").cast(pl.String), pl.col("target").cast(pl.String)
    )
    for (attacker, target, day), group in told.group_by("attacker", "target", "day"):
        level = group["truth_level"].to_numpy()
        row: dict[str, object] = {
            "attacker": attacker,
            "target": target,
            "day": day,
            "drivers": len(level),
        }
        for claimed in levels:
            held = float((level <= claimed).mean())
            row[f"held_{100 * claimed:g}"] = held
            row[f"se_{100 * claimed:g}"] = float(np.sqrt(held * (1 - held) / len(level)))
        row["uniform_p"] = float(kstest(level, "uniform").pvalue)
        sure = group.filter(pl.col("mass_within_250m") >= SURE_MASS)
        row["sure"] = sure.height / group.height
        row["sure_right"] = (
            float((sure["error_m"].fill_null(np.inf) <= 250.0).to_numpy().mean()) if sure.height else None
        )
        rows.append(row)
    schema = {
        "attacker": pl.String,
        "target": pl.String,
        "day": pl.Int32,
        "drivers": pl.Int64,
        **{f"{part}_{100 * c:g}": pl.Float64 for c in levels for part in ("held", "se")},
        "uniform_p": pl.Float64,
        "sure": pl.Float64,
        "sure_right": pl.Float64,
    }
    order = pl.col("target").replace_strict({"home": 0, "work": 1, "both": 2}, return_dtype=pl.Int8)
    return pl.DataFrame(rows, schema=schema).sort("attacker", order, "day")


def study(
    scenario: Scenario,
    *,
    seed: int,
    workers: int = 1,
    progress: Callable[[str, float], None] = lambda stage, done: None,
) -> pl.DataFrame:
    """Run a scenario with the attackers that have a posterior and return its ``beliefs``.

    Those about home and work place together have the target "both".

    Raises
    ------
    ScenarioError
        If the scenario's own list of attackers names none with a posterior.
    """
    names = tuple(n for n in scenario.attackers.names or WITH_POSTERIOR if n in WITH_POSTERIOR)
    if not names:
        raise ScenarioError(
            f"No attacker of {scenario.id} says how sure it is; take one of: {', '.join(WITH_POSTERIOR)}."
        )
    only = with_overrides(scenario, {"attackers.names": list(names)})
    run = simulate(only, seed=seed, workers=workers, progress=progress)
    told = run.beliefs.with_columns(pl.col("target").cast(pl.String))
    pairs = run.pair_beliefs.with_columns(pl.lit("both").alias("target"))
    # A pair's rank may be beyond what that of a place can be.
    return pl.concat([told, pairs.select(c for c in pairs.columns if c != "truth_rank")], how="diagonal")


OWN_DAYS = (7, 30, 90)
_FEW_DRIVERS = 300


def own_assumptions(
    scenario: Scenario,
    *,
    seed: int,
    drivers: int,
    progress: Callable[[str, float], None] = lambda stage, done: None,
) -> pl.DataFrame:
    """Draw drivers from the adversary's own model and return what it believes of them.

    Simulation-based calibration (Talts et al. 2018): the streets and readers are a scenario's, places come
    from the adversary's prior and the signs at the ends of stays from its urns, so that nothing that it
    assumes is wrong. It takes no shortcuts in its search here.

    Returns
    -------
    polars.DataFrame
        ``attacker, driver_id, target, day, truth_level, mass_within_250m, error_m``, as of ``beliefs``.
    """
    # Who drives there only matters to where readers stand.
    few = with_overrides(scenario, {"people.drivers": min(scenario.people.drivers, _FEW_DRIVERS)})
    knowledge = attack_setting(build_world(few, replicate_seed(seed, 0), progress)).knowledge
    parts = []
    for i, target in enumerate(("home", "work")):
        progress("attack", i / 2)
        own = draw_own_world(
            knowledge,
            generator(seed, Stream.OWN_WORLD, target),
            n_plates=drivers,
            checkpoint_days=OWN_DAYS,
            work=target == "work",
        )
        attack = own.attacker.infer(own.view, knowledge)
        guesses, posterior = getattr(attack, target), getattr(attack, f"{target}_posterior")
        ids = np.arange(drivers, dtype=np.int32)
        found = disclose(
            posterior, guesses, own.truth, ids, np.ones(drivers, dtype=np.bool_), seed=seed
        ).columns
        x, y = posterior.x_m[own.truth][:, None], posterior.y_m[own.truth][:, None]
        shape = guesses.x_m.shape
        parts.append(
            pl.DataFrame(
                {
                    "attacker": [own.attacker.name] * (drivers * len(OWN_DAYS)),
                    "driver_id": np.repeat(ids, len(OWN_DAYS)),
                    "target": [target] * (drivers * len(OWN_DAYS)),
                    "day": np.broadcast_to(np.array(OWN_DAYS, dtype=np.int32), shape).ravel(),
                    "truth_level": found["truth_level"].ravel(),
                    "mass_within_250m": found["mass_within_250m"].ravel(),
                    "error_m": np.hypot(guesses.x_m - x, guesses.y_m - y).ravel(),
                }
            )
        )
    return pl.concat(parts)
