"""The command line, ``platetrail list | show | run | calibrate | calibration | plot | demo`` and more.

Commands import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from experiments import cli_policy, cli_show, cli_trust
from experiments.terminal import Commands, progress_bar, stop

EXAMPLES = """\b
Examples:
  platetrail demo
  platetrail show norfolk-density
  platetrail run first-town --out runs/fewer --seed 7 \\
      --set readers.street-readers.count=12
  platetrail run real-streets --map city.osm.pbf --out runs/city \\
      --drivers 5000 --workers 2
"""

app = typer.Typer(
    name="platetrail",
    cls=Commands,
    help="How many days of licence-plate reads does it take to know where a driver lives and works? "
    "All drivers are simulated.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

NameOrFile = Annotated[
    str, typer.Argument(metavar="NAME_OR_FILE", help="A standard scenario or a TOML file.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Root seed; one is drawn and printed if left out.")]
Drivers = Annotated[int | None, typer.Option(help="Drivers to simulate.")]
Days = Annotated[int | None, typer.Option(help="Days to simulate.")]
MapFile = Annotated[Path | None, typer.Option("--map", metavar="FILE", help="Street map to run on.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes; results do not depend on it.")]
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
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PART.FIELD=VALUE", help="Change a parameter; can repeat."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress bar.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder that a run wrote.")]


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"platetrail {version('platetrail')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


@app.command("list")
def list_scenarios(
    studies: Annotated[bool, typer.Option("--studies", help="List the studies instead.")] = False,
) -> None:
    """List the standard scenarios."""
    from rich.console import Console

    if studies:
        from experiments.sweep.command import print_studies

        print_studies(Console())
        return
    from experiments.describe import print_catalogue

    print_catalogue(Console())


@app.command()
def show(
    name_or_file: NameOrFile,
    toml: Annotated[bool, typer.Option("--toml", help="Print the TOML file, to start your own.")] = False,
) -> None:
    """Show a scenario: question, parameters, sources.

    Every parameter is shown with its meaning.
    """
    from rich.console import Console

    from experiments.describe import print_scenario, toml_of
    from scenarios import resolve

    scenario = resolve(name_or_file)
    if toml:
        path = Path(name_or_file)
        typer.echo(path.read_text(encoding="utf-8") if path.is_file() else toml_of(name_or_file), nl=False)
    else:
        print_scenario(Console(), scenario)


@app.command()
def run(
    *,
    name_or_file: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME_OR_FILE]",
            help="A standard scenario or a TOML file; may be left out with --traffic.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results; new or empty.")],
    seed: Seed = None,
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
    tables: Annotated[
        str | None, typer.Option(help="Big tables to write too: sightings, trips, or both with a comma.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace results that are in the folder.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run a scenario; write tables and figures.

    DIR gets the tables, summary.csv, manifest.json and figures/; the result is printed.
    """
    from experiments.elsewhere import scenario_of_traffic
    from experiments.prepare import big_tables, scenario_from_options
    from experiments.running import run_and_report
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
    run_and_report(
        scenario,
        out=out,
        seed=seed,
        workers=workers,
        replicates=replicates,
        tables=big_tables(tables),
        force=force,
        quiet=quiet,
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the results.")] = Path("demo-run"),
    quiet: Quiet = False,
) -> None:
    """Run 'first-town': a table, a page, figures, what to try next.

    The seed is fixed. Results of an earlier demo in DIR are replaced.
    """
    from experiments.prepare import holds_own_results, refuse_full_folder, scenario_from_options
    from experiments.running import run_and_report

    refuse_full_folder(out, force=holds_own_results(out))
    scenario = scenario_from_options("first-town")
    typer.echo(f"{scenario.title}: {scenario.question}\n")
    run_and_report(scenario, out=out, seed=1, workers=1, replicates=1, tables=(), force=True, quiet=quiet)
    from experiments.report.command import report

    with progress_bar(quiet=quiet) as progress:
        page = report(out, out=None, n_drivers=4, progress=progress)
    typer.echo(f"\nOpen the page in a browser (it needs no network):\n  {page}\nLook at the figures:")
    for path in sorted((out / "figures").glob("*.png")):
        typer.echo(f"  {path}")
    typer.echo(
        "\nThen try:\n"
        "  platetrail show first-town\n"
        "  platetrail run first-town --out runs/fewer --seed 1 --set readers.street-readers.count=6\n"
        "  platetrail report runs/fewer"
    )


@app.command()
def sweep(
    name_or_study: Annotated[
        str | None, typer.Argument(metavar="NAME_OR_STUDY", help="A study of the list, or a TOML file.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for the results; begun ones go on.")
    ] = None,
    workers: Workers = 1,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Scheduler of a dask cluster to work on.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Root seed, in place of the study's.")] = None,
    replicates: Annotated[int | None, typer.Option(min=1, help="Towns, in place of the study's.")] = None,
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take; do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin a large study without asking back.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin anew over what lies in DIR.")] = False,
    list_studies: Annotated[bool, typer.Option("--list", help="List the studies.")] = False,
    quiet: Quiet = False,
) -> None:
    """Do a study: many runs on the same random numbers.

    Can be stopped, or killed, at any moment: the same command goes on where it was.
    """
    from rich.console import Console

    from experiments.sweep.command import prepare, print_studies
    from experiments.sweep.command import sweep as do_study
    from simulator.errors import StudyError

    if list_studies:
        print_studies(Console())
        return
    if name_or_study is None:
        raise StudyError("Which study? 'platetrail sweep --list' shows them; a file is named by its path.")
    if out is None and not dry_run:
        raise StudyError("Where to? Name a folder for the results: --out DIR.")
    design = prepare(name_or_study, seed=seed, replicates=replicates, overrides=overrides or ())
    do_study(
        design,
        out=out or Path(),
        workers=workers,
        cluster=cluster,
        dry_run=dry_run,
        yes=yes,
        force=force,
        quiet=quiet,
    )


@app.command()
def calibrate(
    name_or_file: NameOrFile,
    seed: Annotated[int, typer.Option(min=0, help="Root seed.")] = 1,
    drivers: Annotated[int, typer.Option(min=1, help="Drivers to simulate, at most all.")] = 2_000,
    days: Annotated[int, typer.Option(min=7, help="Days; most published figures span three months.")] = 91,
    map_file: MapFile = None,
    overrides: Overrides = None,
    quiet: Quiet = False,
) -> None:
    """Compare simulated with published figures.

    Prints both with the accepted band, and which hold.
    """
    from rich.console import Console

    from experiments.prepare import scenario_from_options

    scenario = scenario_from_options(name_or_file, map_file=map_file, overrides=overrides or ())
    from experiments.calibration import calibrate as compare
    from experiments.report_tables import calibration_table

    with progress_bar(quiet=quiet) as progress:
        figures = compare(scenario, seed=seed, drivers=drivers, days=days, progress=progress)
    Console().print(calibration_table(figures, scenario.id))


@app.command()
def calibration(
    name_or_file: NameOrFile,
    seed: Annotated[int, typer.Option(min=0, help="Root seed.")] = 1,
    drivers: Drivers = None,
    days: Days = None,
    map_file: MapFile = None,
    workers: Workers = 1,
    overrides: Overrides = None,
    figure: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw claimed against held into this PNG file.")
    ] = None,
    own: Annotated[
        bool,
        typer.Option(
            "--own-assumptions", help="On drivers drawn from the adversary's own model; see docs/bayes.md."
        ),
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Compare how sure the adversary is with how often it is right.

    Prints, for claims of 50, 80 and 95%, the share of drivers for whom they held.
    """
    from rich.console import Console

    from experiments.honesty import coverage, own_assumptions, study
    from experiments.honesty_report import coverage_table, draw_claimed_against_held
    from experiments.prepare import scenario_from_options

    scenario = scenario_from_options(
        name_or_file, drivers=drivers, days=days, map_file=map_file, overrides=overrides or ()
    )
    with progress_bar(quiet=quiet) as progress:
        beliefs = (
            own_assumptions(scenario, seed=seed, drivers=drivers or 1_000, progress=progress)
            if own
            else study(scenario, seed=seed, workers=workers, progress=progress)
        )
    Console().print(coverage_table(coverage(beliefs), scenario.id))
    if figure is not None:
        draw_claimed_against_held(beliefs, figure)
        typer.echo(figure)


@app.command()
def plot(folder: Folder) -> None:
    """Draw the figures of a results folder again."""
    from experiments.running import draw
    from simulator.run import load_run

    for path in draw(load_run(folder), folder / "figures"):
        typer.echo(path)


@app.command()
def quality(
    folder: Folder,
    day: Annotated[int | None, typer.Option(help="Checkpoint day; the last one if left out.")] = None,
    within_m: Annotated[
        float, typer.Option("--within", min=1, help="A guess this near is right, m.")
    ] = 250.0,
    sure: Annotated[float, typer.Option(min=0, max=1, help="Confidence from which a claim is sure.")] = 0.5,
) -> None:
    """Show for whom attackers are right or wrong.

    By working schedule; with abstentions, and work places named of people who have none.
    """
    from rich.console import Console

    from experiments.quality import print_quality

    print_quality(Console(), folder, day=day, within_m=within_m, sure=sure)


@app.command()
def replay(folder: Folder, workers: Workers = 1, quiet: Quiet = False) -> None:
    """Run a manifest again and compare every table.

    Says which tables are the same to the bit; the exit code is 1 if one is not.
    """
    from simulator.replay import replay as replay_run

    with progress_bar(quiet=quiet) as progress:
        verdicts = replay_run(folder, workers=workers, progress=progress)
    for verdict in verdicts:
        typer.echo(f"{verdict.table:<20} {'the same' if verdict.same else 'DIFFERENT'}")
    if not all(verdict.same for verdict in verdicts):
        stop("Not all tables are the same: another version of the program, or an edited file?", 1)
    typer.echo("Every table is the same to the bit.")


@app.command()
def cite(
    name_or_file: Annotated[
        str | None, typer.Argument(metavar="[NAME_OR_FILE]", help="Also print this scenario's sources.")
    ] = None,
) -> None:
    """Print what to cite: platetrail, papers, sources."""
    from rich.console import Console

    from experiments.describe import print_how_to_cite
    from scenarios import resolve

    print_how_to_cite(Console(), resolve(name_or_file) if name_or_file else None)


@app.command()
def bench(
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes, to see that it works.")] = False,
    maps: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with columbus.osm.pbf, to time its import.")
    ] = None,
) -> None:
    """Measure speed and memory beside the goals.

    Takes some minutes.
    """
    from experiments.bench import main as measure

    measure(quick=quick, maps=maps)


cli_policy.add_to(app)
cli_trust.add_to(app)
cli_show.add_to(app)


def main() -> None:
    """Run the command line."""
    app()
