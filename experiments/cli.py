"""The command line, ``platetrail list | show | run | sweep | report | ...``.

Commands import what they need when they run, so that ``--help`` is quick.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from experiments import cli_policy, cli_runs, cli_show, cli_studies, cli_trust
from experiments.cli_help import enter, group_epilog
from experiments.cli_options import NameOrFile
from experiments.completion import scenarios
from experiments.terminal import Commands, Json, Quiet, answer

app = typer.Typer(
    name="platetrail",
    cls=Commands,
    help="How many days of licence-plate reads does it take to know where a driver lives and works? "
    "All drivers are simulated.",
    epilog=group_epilog(),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        number = version("platetrail")
        answer("version", dict, lambda console: console.print(f"platetrail {number}", highlight=False))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Take the options that come before a command."""


def list_scenarios(
    studies: Annotated[bool, typer.Option("--studies", help="List the studies instead.")] = False,
) -> None:
    """List the standard scenarios."""
    if studies:
        cli_studies.list_studies("list")
        return
    from experiments.describe import print_catalogue
    from experiments.notebook.start import scenarios as catalogue

    answer("list", lambda: {"scenarios": catalogue()}, print_catalogue)


def show(
    name_or_file: NameOrFile,
    toml: Annotated[bool, typer.Option("--toml", help="Print the TOML file, to start your own.")] = False,
) -> None:
    """Show a scenario: question, parameters, sources.

    Every parameter is shown with its meaning.
    """
    from experiments.describe import print_scenario, toml_of
    from scenarios import resolve

    scenario = resolve(name_or_file)

    def document() -> dict[str, Any]:
        return {"scenario": scenario.model_dump(mode="json")} | ({"toml": text()} if toml else {})

    def text() -> str:
        path = Path(name_or_file)
        return path.read_text(encoding="utf-8") if path.is_file() else toml_of(name_or_file)

    answer(
        "show",
        document,
        lambda console: typer.echo(text(), nl=False) if toml else print_scenario(console, scenario),
    )


def cite(
    name_or_file: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME_OR_FILE", help="Also print this scenario's sources.", autocompletion=scenarios
        ),
    ] = None,
) -> None:
    """Print what to cite: platetrail, papers, sources."""
    from experiments.describe import citations, print_how_to_cite
    from scenarios import resolve

    scenario = resolve(name_or_file) if name_or_file else None
    answer("cite", lambda: citations(scenario), lambda console: print_how_to_cite(console, scenario))


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
    from experiments.bench import print_rows

    rows = measure(quick=quick, maps=maps)
    answer("bench", lambda: {"quick": quick, "rows": [vars(row) for row in rows]},
           lambda console: print_rows(console, rows, quick=quick))  # fmt: skip


enter(app, "list", list_scenarios)
enter(app, "show", show)
cli_runs.add_to(app)
cli_show.add_to(app)
cli_studies.add_to(app)
cli_policy.add_to(app)
cli_trust.add_to(app)
enter(app, "cite", cite)
enter(app, "bench", bench)


def main() -> None:
    """Run the command line."""
    app(prog_name="platetrail")
