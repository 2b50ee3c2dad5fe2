"""All that a run's page shows, worked out from its folder: town, stories of drivers, curves, provenance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.report.areas import areas_of
from experiments.report.cases import AS_SIMULATED, ATTACKER, Case, CaseRunner, cases_of
from experiments.report.curves import curves_of
from experiments.report.stories import MAP_LEVEL, STEPS, Story, frame_days, some_truth, story_of
from experiments.report.telling import told_within_budget
from experiments.report.town import rounds_of, town_of
from experiments.words import attacker_order, attacker_title
from simulator.adversary.attacker import attacker_named
from simulator.manifest import read_manifest
from simulator.privacy.scoring import Scored, score
from simulator.recapture import Recaptured, recapture
from simulator.run import Run, load_run
from simulator.scenario import Scenario
from simulator.sightings.capture import Sightings
from simulator.spec import Citation
from simulator.streams import replicate_seed
from simulator.tables import SCHEMAS
from simulator.world import World, build_world

Progress = Callable[[str, float], None]
# Beyond so many driver-days the reads are not made again: only the examples kept by the run are shown.
MOST_DRIVER_DAYS = 4_000_000
# Levers are worked out for so many residents.
MOST_RESIDENTS = 500


def run_content(folder: Path, *, n_drivers: int, progress: Progress) -> dict[str, Any]:
    """Return what the page of a run shows, ready for JSON.

    Parameters
    ----------
    folder
        A folder that a run wrote.
    n_drivers
        How many example drivers to choose from.
    progress
        Called with a stage and the part of it that is done.

    Raises
    ------
    TableError
        If the folder is unfinished, torn, or of another version.
    MapError
        If its map is not the one that the run was made on.
    """
    run = load_run(folder)
    world = build_world(run.scenario, replicate_seed(run.seed, run.replicate), progress, city=run.city)
    taken, whole = reads_of(run, world, progress)
    chosen, sooner = example_drivers(run, taken, n_drivers)
    days = frame_days(run.scenario.days, run.scenario.checkpoints())
    runner, cases, areas = CaseRunner(taken), cases_of(world), areas_of(run.city.network)
    stories: dict[str, Story] = {}
    for i, case in enumerate(cases):
        progress("attack", i / (2 * len(cases)))
        if len(chosen):
            stories[case.key] = story_of(runner, world, areas, case, chosen, days)
    curves, lever_n = _case_curves(run, world, runner, cases if whole else cases[:1], progress)
    drivers, shown = told_within_budget(run, world, taken, chosen, sooner, stories, days)
    return {
        "kind": "run",
        "title": run.scenario.title,
        "question": run.scenario.question,
        "facts": facts_of(run, folder),
        "days": [days[k] for k in shown],
        "last_day": run.scenario.days,
        "steps": list(STEPS),
        "map_level": MAP_LEVEL,
        "town": town_of(run.city, run.cameras),
        "areas": areas.told(run.city.network),
        "rounds": rounds_of(world, [days[k] for k in shown]),
        "cases": [
            {"key": c.key, "label": c.label, "phrase": c.phrase, "curves": curves.get(c.key)} for c in cases
        ],
        "lever_residents": lever_n,
        "drivers": drivers,
        "in_run": ATTACKER in run.beliefs["attacker"].cast(pl.String).unique().to_list(),
    }


def reads_of(run: Run, world: World, progress: Progress) -> tuple[Recaptured, bool]:
    """Return the reads of all drivers; those of the run's examples alone if it is too large to make again."""
    if run.drivers.height * run.scenario.days <= MOST_DRIVER_DAYS:
        return recapture(world, progress, keep_trips=False), True
    kept = run.example_sightings.sort("plate", "time_s", "camera_id")
    names = ("plate", "time_s", "camera_id", "x_m", "y_m")
    reads = Sightings(**{name: kept[name].to_numpy() for name in names})
    nothing = pl.DataFrame(schema=SCHEMAS["trips"].columns)
    stray = np.zeros(reads.n_sightings, dtype=np.bool_)
    return Recaptured(world=world, sightings=reads, stray=stray, trips=nothing), False


def example_drivers(run: Run, taken: Recaptured, count: int) -> tuple[NDArray[np.int64], list[float] | None]:
    """Return residents with home and work on the map, spread from those found least well to best.

    Returns
    -------
    drivers
        Ascending ids, shape (n,); all without a work place on the map come in if there is nobody else.
    sooner
        For each, the share of such residents who are found less well: whose true home has had less of the
        Bayesian adversary's belief near it, over all checkpoints. ``None`` if the run had no such adversary;
        then drivers are spread by how often they are read.
    """
    resident = run.drivers.filter((pl.col("kind").cast(pl.String) == "resident") & pl.col("home_on_map"))
    worker = resident.filter("work_on_map")
    pool = (worker if worker.height else resident)["driver_id"].to_numpy().astype(np.int64)
    reads = np.bincount(taken.sightings.plate, minlength=taken.world.drivers.n_people)[pool]
    if run.drivers.height * run.scenario.days > MOST_DRIVER_DAYS:
        pool, reads = pool[reads > 0], reads[reads > 0]
    if not len(pool):
        return np.empty(0, dtype=np.int64), None
    near = (
        run.beliefs.filter(
            (pl.col("attacker").cast(pl.String) == ATTACKER) & (pl.col("target").cast(pl.String) == "home")
        )
        .group_by("driver_id")
        .agg((pl.col("mass_within_250m") * (pl.col("error_m") <= 250)).fill_null(0).mean().alias("held"))
    )
    held = dict(near.iter_rows())
    value = np.array([held.get(d, 0.0) for d in pool.tolist()]) if held else reads.astype(np.float64)
    order = np.argsort(value, kind="stable")
    at = np.linspace(0.1, 0.9, count) if count > 1 else np.array([0.5])
    ranks = np.unique(np.rint(at * (len(pool) - 1)).astype(int))
    sooner = {int(pool[order[r]]): float(r / max(len(pool) - 1, 1)) for r in ranks}
    chosen = np.array(sorted(sooner), dtype=np.int64)
    return chosen, [round(sooner[d], 2) for d in chosen.tolist()] if held else None


def _case_curves(
    run: Run, world: World, runner: CaseRunner, cases: Sequence[Case], progress: Progress
) -> tuple[dict[str, Any], int]:
    residents = run.drivers.filter(pl.col("kind").cast(pl.String) == "resident")
    who = residents["driver_id"].to_numpy().astype(np.int64)[:MOST_RESIDENTS]
    found = {AS_SIMULATED: curves_of(run.beliefs, run.outcomes, run.drivers)}
    names = runner.names()
    for i, case in enumerate(cases):
        progress("attack", 0.5 + i / (2 * len(cases)))
        if case.key == AS_SIMULATED and len(who) == residents.height:
            continue  # the run itself has worked that out
        if not len(who) or not names:
            continue
        attacked = runner.attack(case, world.drivers.plate[who], run.scenario.checkpoints(), names)
        truth = some_truth(world, who)
        scored = Scored.together(
            [
                score(
                    name,
                    attack,
                    attacked.view,
                    truth,
                    network=world.city.network,
                    homes=runner.homes,
                    works=runner.works,
                )
                for name, attack in attacked.attacks.items()
            ]
        )
        found[case.key] = curves_of(scored.beliefs, scored.outcomes, run.drivers)
    return found, len(who)


def facts_of(run: Run, folder: Path) -> dict[str, Any]:
    """Return how the run was made, and what to cite."""
    manifest, scenario = read_manifest(folder), run.scenario
    kinds = run.cameras["kind"].cast(pl.String).value_counts(sort=True).rows()
    network = run.city.network
    names = run.beliefs["attacker"].cast(pl.String).unique(maintain_order=True).to_list()
    return {
        "scenario": scenario.id,
        "description": scenario.description.strip(),
        "seed": run.seed,
        "replicate": run.replicate,
        "software": dict(manifest.software),
        "page_by": f"platetrail {version('platetrail')}",
        "drivers": run.drivers.height,
        "residents": run.drivers.filter(pl.col("kind").cast(pl.String) == "resident").height,
        "days": scenario.days,
        "readers": {str(kind): count for kind, count in kinds},
        "reads": int(run.reads_by_camera.sum()),
        "street_km": round(float(network.edge_length_m.sum()) / 2000),
        "retention_days": scenario.archive.memory_days(),
        "viewer": scenario.archive.viewer,
        "rules": [rule.kind for rule in scenario.archive.rules],
        **provenance_of(scenario, names),
    }


def provenance_of(
    scenario: Scenario, attackers: Sequence[str], *, more: Sequence[Citation] = ()
) -> dict[str, Any]:
    """Return attackers, sources and papers, and what each is cited for."""
    laws = [rule.citation for rule in scenario.archive.rules]
    cited = {c.source: c.reason for c in (*more, *scenario.citations, *laws)}
    papers: dict[str, list[str]] = {}
    for name in dict.fromkeys([*attackers, ATTACKER]):
        if name in attacker_order():  # of others no paper is known
            papers.setdefault(attacker_named(name).citation, []).append(attacker_title(name))
    return {
        "attackers": [attacker_title(name) for name in attackers],
        "citations": [{"source": s, "reason": r} for s, r in cited.items()],
        "papers": [{"source": s, "reason": "; ".join(t)} for s, t in papers.items()],
    }
