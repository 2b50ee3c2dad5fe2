"""Commands that make a run, or look at a finished one: ``run``, ``demo``, ``plot``, ``quality`` ..."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli_help import enter
from experiments.cli_options import (
    Days,
    Drivers,
    MapFile,
    NameOrFileOrNone,
    Overrides,
    RootSeed,
    RunFolder,
    Workers,
)
from experiments.completion import big_tables as complete_tables
from experiments.completion import figures as complete_figures
from experiments.terminal import EXIT_NOT_THE_SAME, answer, note, progress_bar

if TYPE_CHECKING:
    from rich.console import Console

Routes = Annotated[
    list[Path] | None,
    typer.Option("--traffic", metavar="FILE", help="SUMO's vehicle routes with exit times; can repeat."),
]
Net = Annotated[Path | None, typer.Option("--net", metavar="FILE", help="SUMO's network under --traffic.")]
VehicleId = Annotated[
    str | None,
    typer.Option("--vehicle-id", metavar="REGEX", help="What in an id is the vehicle: (?P<vehicle>...)."),
]
Homes = Annotated[
    Path | None, typer.Option("--homes", metavar="CSV", help="Where the vehicles of --traffic live and work.")
]
Dwell = Annotated[bool, typer.Option("--dwell", help="Take the longest stays for homes and work places.")]
Tables = Annotated[
    str | None,
    typer.Option(
        help="Big tables to write too: sightings, trips, or both with a comma.",
        autocompletion=complete_tables,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for name, command in (
        ("run", run),
        ("demo", demo),
        ("plot", plot),
        ("quality", quality),
        ("replay", replay),
    ):
        enter(app, name, command)


def run(
    *,
    name_or_file: NameOrFileOrNone = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; new or empty.")],
    seed: RootSeed = None,
    drivers: Drivers = None,
    days: Days = None,
    map_file: MapFile = None,
    traffic: Routes = None,
    net: Net = None,
    vehicle_id: VehicleId = None,
    homes: Homes = None,
    dwell: Dwell = False,
    workers: Workers = 1,
    replicates: Annotated[int, typer.Option(min=1, help="Independent repetitions.")] = 1,
    overrides: Overrides = None,
    tables: Tables = None,
    force: Annotated[bool, typer.Option("--force", help="Replace results that are in the folder.")] = False,
) -> None:
    """Run a scenario; write tables and figures.

    DIR gets the tables, summary.csv, manifest.json and figures/; the result is printed.
    """
    from experiments.elsewhere import scenario_of_traffic
    from experiments.prepare import big_tables, scenario_from_options
    from experiments.running import run_into
    from simulator.errors import ScenarioError

    if traffic or net or vehicle_id or homes or dwell:
        scenario = scenario_of_traffic(
            name_or_file, routes=tuple(traffic or ()), net=net, vehicle_id=vehicle_id, homes=homes,
            dwell=dwell, drivers=drivers, days=days, map_file=map_file, overrides=overrides or (),
        )  # fmt: skip
    elif name_or_file is None:
        raise ScenarioError("Which scenario? 'platetrail list' shows them; or give --traffic and --net.")
    else:
        scenario = scenario_from_options(
            name_or_file, drivers=drivers, days=days, map_file=map_file, overrides=overrides or ()
        )
    done = run_into(
        out,
        scenario,
        seed=seed,
        workers=workers,
        replicates=replicates,
        tables=big_tables(tables),
        force=force,
    )
    answer("run", done.document, done.print_to)
    note(done.where())


def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path("demo-run"),
) -> None:
    """Run 'first-town': a table, a page, figures, what to try next.

    The seed is fixed. Results of an earlier demo in DIR are replaced.
    """
    from experiments.prepare import holds_own_results, refuse_full_folder, scenario_from_options
    from experiments.report.command import report
    from experiments.running import run_into

    refuse_full_folder(out, force=holds_own_results(out))
    scenario = scenario_from_options("first-town")
    done = run_into(out, scenario, seed=1, force=True)
    with progress_bar() as progress:
        page = report(out, out=None, n_drivers=4, progress=progress)
    then = (
        "platetrail show first-town",
        "platetrail run first-town --out runs/fewer --seed 1 --set readers.street-readers.count=6",
        "platetrail report runs/fewer",
    )

    def words(console: Console) -> None:
        typer.echo(f"{scenario.title}: {scenario.question}\n")
        done.print_to(console)
        typer.echo(f"\nOpen the page in a browser (it needs no network):\n  {page}\nLook at the figures:")
        for path in done.figures:
            typer.echo(f"  {path}")
        typer.echo("\nThen try:\n" + "\n".join(f"  {line}" for line in then))

    answer("demo", lambda: {**done.document(), "page": page, "then_try": then}, words)


def plot(
    folder: RunFolder,
    figures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FIGURE", help="Only these; all if left out.", autocompletion=complete_figures
        ),
    ] = None,
    style: Annotated[
        str, typer.Option(metavar="screen|print|projection", help="For a screen, a paper's column, a slide.")
    ] = "screen",
    kind: Annotated[str, typer.Option("--format", metavar="png|pdf|svg", help="Of the files.")] = "png",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where to; figures/ of the run if left out.")
    ] = None,
) -> None:
    """Draw the figures of a results folder again."""
    from experiments.figures import FORMATS, STYLES
    from experiments.prepare import COPY_FIRST, refuse_unwritable
    from experiments.running import draw
    from simulator.errors import ScenarioError, did_you_mean
    from simulator.run import load_run

    for option, given, choices in (("--style", style, STYLES), ("--format", kind, FORMATS)):
        if given not in choices:
            raise ScenarioError(f"{option} {given}: there is no such one. {did_you_mean(given, choices)}")
    run = load_run(folder)
    goes_to = out or folder / "figures"
    refuse_unwritable(goes_to, COPY_FIRST if out is None else "Choose another folder with --out.")
    with progress_bar(stages={"figures": 1.0}) as progress:
        paths = draw(
            run,
            goes_to,
            progress,
            only=tuple(figures or ()),
            style=style,
            kind=kind,
        )
    answer("plot", lambda: {"figures": paths}, lambda console: typer.echo("\n".join(map(str, paths))))


def quality(
    folder: RunFolder,
    day: Annotated[int | None, typer.Option(help="Checkpoint day; the last one if left out.")] = None,
    within_m: Annotated[
        float, typer.Option("--within", min=1, help="A guess this near is right, m.")
    ] = 250.0,
    sure: Annotated[float, typer.Option(min=0, max=1, help="Confidence from which a claim is sure.")] = 0.5,
) -> None:
    """Show for whom attackers are right or wrong.

    By working schedule; with abstentions, and work places named of people who have none.
    """
    from experiments.quality import print_quality, quality_of

    answer(
        "quality",
        lambda: {"table": quality_of(folder, day=day, within_m=within_m, sure=sure)[0]},
        lambda console: print_quality(console, folder, day=day, within_m=within_m, sure=sure),
    )


def replay(folder: RunFolder, workers: Workers = 1) -> None:
    """Run a manifest again and compare every table.

    Says which tables are the same to the bit; the exit code is 1 if one is not.
    """
    from simulator.replay import replay as replay_run

    with progress_bar() as progress:
        verdicts = replay_run(folder, workers=workers, progress=progress)
    same = all(verdict.same for verdict in verdicts)

    def words(console: Console) -> None:
        for verdict in verdicts:
            typer.echo(f"{verdict.table:<20} {'the same' if verdict.same else 'DIFFERENT'}")
        if same:
            typer.echo("Every table is the same to the bit.")
        else:
            what = "Not all tables are the same: another version of the program, or an edited file?"
            typer.echo(what, err=True)

    answer("replay", lambda: {"same": same, "tables": {v.table: v.same for v in verdicts}}, words)
    if not same:
        raise typer.Exit(EXIT_NOT_THE_SAME)
