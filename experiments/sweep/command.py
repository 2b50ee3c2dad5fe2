"""From a study's name to its tables, its figure and its finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from experiments.prepare import check_files
from experiments.sweep.cost import Cost, is_begun
from experiments.sweep.design import Design, design_of
from experiments.sweep.folder import RESULTS, StudyFolder
from experiments.sweep.measures import BY_CRITERION, check_criteria, measure_named
from experiments.sweep.report import finding, headline_rows, result_table
from experiments.sweep.results import StudyResults, study_results, write_results
from experiments.sweep.spec import Study, resolve_study, study_named, study_names
from experiments.terminal import count_bar, note
from simulator.errors import StudyError, did_you_mean
from simulator.scenario_file import parse_override


def prepare(
    name_or_file: str | Path,
    *,
    seed: int | None = None,
    replicates: int | None = None,
    map_file: Path | None = None,
    overrides: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
) -> Design:
    """Return a study with a user's changes, everything in it checked.

    Parameters
    ----------
    name_or_file
        A study's name, or the path of a TOML file.
    seed, replicates
        In place of the study's own.
    map_file
        Street map of all cells, in place of the scenario's streets.
    overrides, changes
        Changes of its scenario, as ``part.field=value`` and by dotted path.

    Raises
    ------
    StudyError, ScenarioError
        Naming what cannot be used, and the nearest right names.
    MapError, ReaderError
        If a file that a scenario names does not exist.
    """
    study = resolve_study(name_or_file)
    changed = {key: value for key, value in (("seed", seed), ("replicates", replicates)) if value is not None}
    study = study.model_copy(update=changed)
    for name in study.measures:
        measure_named(name)
    check_criteria(study.criteria)
    for part, headline in (("headline", study.headline), ("second", study.second)):
        if headline is not None and headline.measure not in study.measures:
            raise StudyError(
                f"Study '{study.id}': {part}.measure = '{headline.measure}' is not among its measures."
            )
        if headline is not None and headline.criterion is not None and headline.measure in BY_CRITERION:
            _check_among(study, f"{part}.criterion", headline.criterion, study.criteria)
    on_map = {} if map_file is None else {"streets.kind": "map", "streets.map": str(map_file.absolute())}
    design = design_of(study, {**on_map, **dict(map(parse_override, overrides)), **(changes or {})})
    for setting in _first(design):
        check_files(setting.scenario)
    _check_attackers(design)
    return design


def carry_out(
    design: Design,
    *,
    out: Path,
    workers: int = 1,
    cluster: str | None = None,
    force: bool = False,
    quiet: bool = False,
    cost: Cost | None = None,
) -> tuple[StudyResults, tuple[Path, ...]]:
    """Do a study, or what is left of it, write its tables and its figure, and return both.

    Raises
    ------
    StudyError, TableError, ClusterError
        If the folder cannot be used, a process or the cluster dies.
    """
    folder = StudyFolder(path=out)
    with folder.locked():
        folder.open(design, force=force)
        groups = design.groups()
        cells = [cell for group in groups for cell in group.cells]
        left = folder.missing(cells)
        if is_begun(folder):
            note(f"{len(cells) - len(left):,} of {len(cells):,} cells are done; going on.", quiet=quiet)
        elif cost is not None:
            note(cost.words(), quiet=quiet)
        with count_bar(len(cells), quiet=quiet) as report:
            if cluster is None:
                from experiments.sweep.work import run_here

                run_here(folder, groups, workers, report)
            else:
                from experiments.sweep.cluster import run_on_cluster

                run_on_cluster(folder, groups, cluster, report)
            report(len(cells), "summing up")
            results = study_results(design, folder)
        write_results(results, out)
        figures = draw(design.study, results, out / "figures")
    return results, figures


def draw(study: Study, results: StudyResults, folder: Path) -> tuple[Path, ...]:
    """Draw the study's figure into a folder; none where there is none to draw."""
    if not has_figure(study, results):
        return ()
    import matplotlib

    matplotlib.use("Agg")
    from experiments.figures.study import study_figure
    from experiments.figures.write import save_figure

    return (save_figure(study_figure(study, results.results), folder / f"{study.id}.png"),)


def has_figure(study: Study, results: StudyResults) -> bool:
    """Return whether there is a ladder to draw: a Latin hypercube leaves none, nor do no rows."""
    return not study.factors[0].is_hypercube and headline_rows(study, results.results).height > 0


def print_study(console: Console, study: Study, results: StudyResults) -> None:
    """Print what a study found: its table, and one sentence."""
    console.print(result_table(study, results))
    console.print(finding(study, results), highlight=False)


def study_document(
    study: Study, results: StudyResults, out: Path, figures: tuple[Path, ...]
) -> dict[str, Any]:
    """Return what a study found as a document for JSON."""
    return {
        "study": study.id,
        "scenario": study.scenario,
        "seed": study.seed,
        "replicates": study.replicates,
        "folder": out,
        "figures": figures,
        "finding": finding(study, results),
        "headline": headline_rows(study, results.results),
        "tables": {name: out / f"{name}.parquet" for name in RESULTS},
    }


def print_studies(console: Console) -> None:
    """Print one line a study that comes with the program."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for head in ("Study", "Scenario", "Cells", "Question"):
        table.add_column(head, justify="right" if head == "Cells" else "left")
    for name in study_names():
        study = study_named(name)
        cells = Design(study=study, scenario=None).n_cells  # type: ignore[arg-type]
        table.add_row(Text(name, style="bold"), study.scenario, f"{cells:,}", study.question)
    console.print(table)
    console.print("\nDo one with [bold]platetrail sweep NAME --out DIR[/].")


def _check_among(study: Study, part: str, name: str, choices: Sequence[str]) -> None:
    if name not in choices:
        raise StudyError(
            f"Study '{study.id}': {part} = '{name}' is not among its criteria. {did_you_mean(name, choices)}"
        )


def _check_attackers(design: Design) -> None:
    import simulator.adversary.catalogue  # noqa: F401  (enters the attackers)
    from simulator.adversary.attacker import ready_attacker

    named = {name for setting in _first(design) for name in setting.scenario.attackers.names}
    for name in sorted(named):
        ready_attacker(name)


def _first(design: Design, most: int = 200):  # type: ignore[no-untyped-def]
    for i, setting in enumerate(design.settings()):
        if i >= most:
            return
        yield setting
