"""Every code block of the documentation is executed, page by page, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import pytest
from docs_blocks import LANGUAGES, ROOT, blocks_of, pages, parse
from sybil import Document

# Blocks that take too long, or need what a test machine has not. A new one is to be weighed first.
NOT_EXECUTED = 16
_COMMAND = re.compile(r"^ {4}\$? ?(platetrail|python|pip|make) ", re.MULTILINE)

PAGES = [(page, Document.parse(str(page), parse)) for page in pages()]
WITH_CODE = {str(page.relative_to(ROOT)): document for page, document in PAGES if list(document.examples())}


@pytest.mark.parametrize("page", WITH_CODE)
def test_the_code_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    matplotlib.use("Agg")
    for example in WITH_CODE[page].examples():
        try:
            example.evaluate()
        except Exception as error:
            raise AssertionError(f"{page}, line {example.line}: {error}") from error


def test_what_is_not_executed_says_why_and_does_not_grow() -> None:
    marked = [
        (page.name, block.line, block.not_executed)
        for page, document in PAGES
        for _, block in blocks_of(document)
        if block.not_executed is not None
    ]
    assert len(marked) == NOT_EXECUTED, marked


def test_no_code_hides_from_being_executed() -> None:
    for page, document in PAGES:
        languages = {block.language for _, block in blocks_of(document)}
        others = {name for name in languages if name not in LANGUAGES and not name.startswith("{")}
        assert others <= {"text", "json"}, f"{page}: {others}"
        assert not _COMMAND.search(document.text), f"{page}: put commands into a console block"
