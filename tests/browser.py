"""A headless Chromium for the tests of pages; without one they are skipped, and say why."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Opened:
    """A page, and all that it complained about or asked for."""

    page: Any
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def chromium() -> Iterator[Any]:
    """Yield a browser of this system."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing (extra 'dev')")
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no Chromium on this system (looked for {', '.join(_NAMES)}): apt-get install chromium")
    with playwright.sync_playwright() as driver:
        # Root needs no sandbox; the files are this project's own. Without a GPU it looks alike anywhere.
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


def open_page(browser: Any, path: Path, *, width: int = 1440, height: int = 900, **look: Any) -> Opened:
    """Open a file and wait until it can be used."""
    opened = Opened(page=browser.new_context(viewport={"width": width, "height": height}, **look).new_page())
    opened.page.on(
        "console", lambda m: opened.complaints.append(m.text) if m.type in ("error", "warning") else None
    )
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    opened.page.on("request", lambda request: opened.requests.append(request.url))
    opened.page.goto(path.as_uri())
    opened.page.wait_for_function("document.documentElement.dataset.complete === '1'", polling=50)
    return opened
