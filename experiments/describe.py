"""What ``list``, ``show`` and ``cite`` print."""

from __future__ import annotations

from importlib.metadata import metadata
from importlib.resources import files
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from scenarios import scenarios_by_topic
from simulator.scenario import Scenario
from simulator.spec import Citation

_PROSE = {"id", "title", "topic", "question", "description", "calibrate", "citations", "readers", "events"}


def print_catalogue(console: Console) -> None:
    """Print one line a standard scenario, under the headings of the catalogue."""
    topics = scenarios_by_topic()
    all_of_them = [scenario for scenarios in topics.values() for scenario in scenarios]
    name_width = max(len(scenario.id) for scenario in all_of_them)
    title_width = max(len(scenario.title) for scenario in all_of_them)
    for topic, scenarios in topics.items():
        console.print(Text(topic, style="bold"))
        for scenario in scenarios:
            size = f"{scenario.people.drivers:,} × {scenario.days:,}"
            line = Text("  ")
            line.append(f"{scenario.id:<{name_width}}", style="cyan")
            line.append(f"  {scenario.title:<{title_width}}  {size:>11}")
            console.print(line, highlight=False, soft_wrap=True)
    console.print(
        "\nNumbers are drivers × days. Read one with [bold]platetrail show NAME[/], run it with\n"
        "[bold]platetrail run NAME --out DIR[/].",
        highlight=False,
    )


def print_scenario(console: Console, scenario: Scenario) -> None:
    """Print a scenario: question, description, every parameter with its meaning, sources with reasons."""
    console.print(Text(scenario.title, style="bold"), Text(f"({scenario.id})", style="dim"))
    console.print(Text(scenario.question, style="italic"))
    console.print()
    console.print(Markdown(scenario.description))
    console.print()
    console.print(_parameters("scenario", scenario, skip=_PROSE, prefix=""))
    for name, part in scenario:
        if isinstance(part, BaseModel):
            console.print(_parameters(name, part, prefix=f"{name}.", skip={"rules"}))
        if name == "archive":
            for rule in scenario.archive.rules:
                at = f"archive.rules.{rule.name}"
                console.print(_parameters(at, rule, prefix=f"{at}.", skip={"name", "kind", "citation"}))
    for event in scenario.events:
        at = f"events.{event.name}"
        console.print(_parameters(at, event, prefix=f"{at}.", skip={"name"}))
    for group in scenario.readers:
        console.print(_parameters(f"readers.{group.name}", group, prefix=f"readers.{group.name}."))
    if scenario.calibrate:
        console.print(
            f"Checked against published figures {', '.join(scenario.calibrate)}: platetrail calibrate."
        )
        console.print()
    print_sources(console, scenario)


def print_sources(console: Console, scenario: Scenario) -> None:
    """Print the sources of a scenario and what each is cited for."""
    console.print(Text("Sources, and what each is cited for", style="bold"))
    for citation in _sources(scenario):
        console.print(Text(f"  {citation.source}", overflow="fold"))
        about = f" ({citation.part})" if citation.part else ""
        console.print(Text(f"      {citation.reason}{about}", style="dim"))


def print_how_to_cite(console: Console, scenario: Scenario | None) -> None:
    """Print how to cite this program, the attackers' papers, and a scenario's sources."""
    package = metadata("platetrail")
    version, summary = package["Version"], package["Summary"]
    console.print(Text("If you use platetrail in published work, please cite it:", style="bold"))
    console.print(Text(f"\n  {_software(summary, version)}\n"), highlight=False)
    entry = (
        f"  @software{{platetrail,\n    author  = {{{{The platetrail developers}}}},\n"
        f"    title   = {{{{platetrail: {summary}}}}},\n    version = {{{version}}}\n  }}\n"
    )
    console.print(Text(entry), highlight=False, soft_wrap=True)
    console.print(Text("and the papers behind the attackers whose results you show:", style="bold"))
    for name, title, source in _attackers():
        console.print(Text(f"  {title} ({name})"))
        console.print(Text(f"      {source}", style="dim"))
    if scenario is not None:
        console.print()
        print_sources(console, scenario)


def citations(scenario: Scenario | None) -> dict[str, Any]:
    """Return what :func:`print_how_to_cite` prints as a document for JSON."""
    package = metadata("platetrail")
    attackers = [dict(zip(("name", "title", "citation"), found, strict=True)) for found in _attackers()]
    sources = [] if scenario is None else [c.model_dump(mode="json") for c in _sources(scenario)]
    return {
        "software": _software(package["Summary"], package["Version"]),
        "attackers": attackers,
        "sources": sources,
    }


def toml_of(name: str) -> str:
    """Return the TOML text of a standard scenario, to start one's own from."""
    return (files("scenarios") / "catalogue" / f"{name}.toml").read_text(encoding="utf-8")


def _software(summary: str, version: str) -> str:
    return f"The platetrail developers. platetrail: {summary} Version {version}."


def _sources(scenario: Scenario) -> list[Citation]:
    laws = [rule.citation for rule in scenario.archive.rules]
    return list(dict.fromkeys((*scenario.citations, *laws)))


def _attackers() -> list[tuple[str, str, str]]:
    from experiments.words import attacker_order
    from simulator.adversary.attacker import attacker_named

    found = [attacker_named(name) for name in attacker_order()]
    return [(a.name, a.title, a.citation) for a in found]


def _parameters(title: str, part: BaseModel, *, prefix: str, skip: set[str] | None = None) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    table.add_column("Parameter", no_wrap=True)
    table.add_column("Value", justify="right")
    table.add_column("Meaning", style="dim")
    for name, value, meaning in _rows(part, skip or set()):
        table.add_row(prefix + name, value, meaning)
    return table


def _rows(part: BaseModel, skip: set[str]) -> list[tuple[str, str, str]]:
    rows = []
    for name, field in type(part).model_fields.items():
        value: Any = getattr(part, name)
        if name in skip:
            continue
        if isinstance(value, BaseModel):
            if "citations" in skip:  # the scenario itself, whose parts have tables of their own
                continue
            rows += [(f"{name}.{inner}", shown, meaning) for inner, shown, meaning in _rows(value, set())]
        else:
            rows.append((name, _shown(value), field.description or ""))
    return rows


def _shown(value: Any) -> str:
    if value is None or value == ():
        return "–"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
