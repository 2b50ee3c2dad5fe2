"""Code blocks of the documentation, and how each kind of them is executed.

A block is a fence of ``python``, ``console`` or ``toml``. What cannot be executed says so, with the reason,
in an HTML comment on the line before: ``<!-- not executed: takes an hour -->``. A command that shall fail
has ``<!-- exit 2 -->``.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import FencedCodeBlockLexer
from typer.testing import CliRunner

from experiments import cli
from experiments.sweep.command import prepare
from scenarios import resolve
from simulator.scenario_file import with_overrides

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
LANGUAGES = ("python", "console", "toml")
_MARK = re.compile(r"<!-- (not executed: (?P<why>.+?)|exit (?P<code>\d+)) -->\n\Z")
_FILE = re.compile(r"\A# (\S+\.toml)\n")


def pages() -> list[Path]:
    """Return the pages that may hold code, made ones included."""
    return [ROOT / "README.md", *(p for p in sorted(DOCS.rglob("*.md")) if "gallery" not in p.parts)]


@dataclass(frozen=True)
class Block:
    """A block of code: what it says, where, and what stands before it."""

    language: str
    source: str
    line: int
    not_executed: str | None
    exit_code: int


def blocks_of(document: Document) -> Iterable[tuple[Region, Block]]:
    """Yield the blocks of a page in their order."""
    lexer = FencedCodeBlockLexer(language=".+", mapping={"language": "language", "source": "source"})
    for region in lexer(document):
        mark = _MARK.search(document.text[: region.start])
        yield (
            region,
            Block(
                language=region.lexemes["language"],
                source=str(region.lexemes["source"]),
                line=document.text.count("\n", 0, region.start) + 1,
                not_executed=mark["why"] if mark else None,
                exit_code=int(mark["code"] or 0) if mark else 0,
            ),
        )


def parse(document: Document) -> Iterable[Region]:
    """Yield what is to be executed of a page, for sybil."""
    for region, block in blocks_of(document):
        if block.language in LANGUAGES and block.not_executed is None:
            evaluate = {"python": _python, "console": _console, "toml": _toml}[block.language]
            yield Region(region.start, region.end, (block, region.lexemes["source"]), evaluate)


def commands_of(source: str) -> list[str]:
    """Return the commands of a console block; lines without ``$`` go on with the last, or are output."""
    commands: list[str] = []
    for line in source.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
        elif commands and commands[-1].endswith("\\"):
            commands[-1] = commands[-1][:-1] + line
    return commands


def _python(example: Example) -> None:
    _, source = example.parsed
    example.parsed = source
    example.namespace.setdefault("__name__", "docs")
    PythonEvaluator()(example)


def _console(example: Example) -> None:
    block, _ = example.parsed
    commands = commands_of(block.source)
    assert commands, "a console block without a command: begin it with '$ '"
    for command in commands:
        words = shlex.split(command, comments=True)
        assert words[0] == "platetrail", f"only platetrail is executed, mark the block: {command}"
        for sign in (">", "|"):
            if sign in words:
                words, then = words[: words.index(sign)], words[words.index(sign) :]
                break
        else:
            then = []
        result = CliRunner().invoke(cli.app, words[1:])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError(command) from result.exception
        assert result.exit_code == block.exit_code, f"{command}\n{result.output}"
        if then[:1] == [">"]:
            Path(then[1]).write_text(result.stdout, encoding="utf-8")
        elif then[:2] == ["|", "jq"]:
            json.loads(result.stdout)
            if shutil.which("jq"):
                subprocess.run(
                    then[1:], input=result.stdout, text=True, check=True, stdout=subprocess.DEVNULL
                )


def _toml(example: Example) -> None:
    """Load a whole file, written for the commands to come; lay a fragment over a standard scenario."""
    block, _ = example.parsed
    name = _FILE.match(block.source)
    if name:
        Path(name[1]).write_text(block.source, encoding="utf-8")
        prepare(name[1]) if "[[factors]]" in block.source else resolve(name[1])
        return
    fragment: dict[str, Any] = tomllib.loads(block.source)
    overrides = {f"{part}.{key}": value for part, keys in fragment.items() if isinstance(keys, dict)
                 for key, value in keys.items()}  # fmt: skip
    overrides |= {part: value for part, value in fragment.items() if not isinstance(value, dict)}
    with_overrides(resolve("first-town"), overrides)
