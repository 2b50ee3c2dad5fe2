"""What made the committed tables of findings, and which are older than engine and studies as they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from experiments.finding_pages import AUDITS, PAGES
from experiments.sweep.design import design_of
from experiments.sweep.engine import SHOWN_DIGITS, engine_digest
from experiments.sweep.folder import STUDY_FILE
from experiments.sweep.spec import Study, study_named

FINDINGS = Path(__file__).parent / "findings"
_WORDS_OF_A_SCENARIO = ("id", "title", "topic", "question", "description", "citations", "calibrate")


@dataclass(frozen=True, kw_only=True)
class Age:
    """How a committed table stands to the program as it is.

    Parameters
    ----------
    name
        The study.
    engine
        Digest of the engine that made it; ``None`` if that was not recorded.
    is_current
        Whether nothing has changed that it depends on.
    words
        What has changed, in words.
    """

    name: str
    engine: str | None
    is_current: bool
    words: str


def about(study: Study) -> dict[str, Any]:
    """Return what a study's table depends on, as it is kept beside the table."""
    return {
        "study": study.id,
        "scenario": study.scenario,
        "seed": study.seed,
        "replicates": study.replicates,
        "set": json.loads(json.dumps(study.set)),
        "levels": {
            f.name: {level.label: json.loads(json.dumps(level.changes())) for level in f.levels}
            or list(f.labels())
            for f in study.factors
        },
    }


def made_with(there: Mapping[str, Any]) -> dict[str, str]:
    """Return what made a results folder, from its ``study.json``: engine, scenario and map as digests.

    Raises
    ------
    KeyError
        If the file does not say so.
    """
    scenario = there["scenario"]
    made = {"engine": there["software"]["engine"], "scenario": scenario_digest(scenario)}
    street_map = scenario["streets"].get("map")
    if street_map is not None:
        made["map"] = f"{Path(street_map).name} {_file_digest(Path(street_map))}"
    return made


def _file_digest(path: Path) -> str:
    """Return the first digits of a file's SHA-256; "?" where the file has gone."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:SHOWN_DIGITS]
    except OSError:
        return "?"


def scenario_digest(scenario: Mapping[str, Any]) -> str:
    """Return a digest of a scenario as a document, its words and citations left out.

    So is where a map lies, which differs from machine to machine.
    """
    rest = {key: value for key, value in scenario.items() if key not in _WORDS_OF_A_SCENARIO}
    if rest.get("streets", {}).get("map") is not None:
        rest["streets"] = {**rest["streets"], "map": None}
    text = json.dumps(rest, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def ages(out: Path = FINDINGS) -> tuple[Age, ...]:
    """Return how each committed table stands to the program as it is, in the order of the pages."""
    names = [name for name in (*PAGES, AUDITS) if (out / name / "results.csv").is_file()]
    return tuple(_age(name, out) for name in names)


def ages_table(found: tuple[Age, ...]) -> Table:
    """Return ages for the terminal."""
    table = Table(
        title=f"This engine is {engine_digest()[:SHOWN_DIGITS]}", title_justify="left", box=box.SIMPLE_HEAD
    )
    for head in ("study", "engine", "its table is of"):
        table.add_column(head)
    for age in found:
        engine = "?" if age.engine is None else age.engine[:SHOWN_DIGITS]
        table.add_row(age.name, engine, age.words, style="" if age.is_current else "yellow")
    return table


def made_line(name: str, out: Path = FINDINGS) -> str:
    """Return a page's line on what made its table; it changes only when the table is made anew."""
    said = _said(name, out)
    what = f"{said['replicates']} towns" if "replicates" in said else "Logs"
    made = said.get("made")
    by = f"with engine `{made['engine'][:SHOWN_DIGITS]}`" if made else "before engines were recorded"
    street_map = made.get("map", "").rsplit(" ", 1) if made else [""]
    on = f", on the map {street_map[0]} (SHA-256 `{street_map[1]}`…)" if len(street_map) > 1 else ""
    return f"*{what}, made {by}{on}.*"


def _age(name: str, out: Path) -> Age:
    said = _said(name, out)
    made: dict[str, str] = said.pop("made", {})
    engine = made.get("engine")
    older = []
    if engine is None:
        older.append("an engine that was not recorded")
    elif engine != engine_digest():
        older.append("another engine")
    if name != AUDITS:
        study = study_named(name)
        now = json.loads(json.dumps(about(study)))
        if said.get("replicates") != now["replicates"]:
            older.append(f"{said.get('replicates')} towns, the study now has {now['replicates']}")
        if {**said, "replicates": 0} != {**now, "replicates": 0}:
            older.append("other levels or settings")
        if made and made["scenario"] != scenario_digest(design_of(study).scenario.model_dump(mode="json")):
            older.append("another scenario")
    return Age(name=name, engine=engine, is_current=not older, words="; ".join(older) or "this engine")


def _said(name: str, out: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((out / name / STUDY_FILE).read_text("utf-8")))
    except FileNotFoundError:
        return {}
