"""Put a page together: template, style, glue, data and plotly in one HTML file."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from experiments.report.charts import THEMES
from simulator.manifest import write_text_whole

_PARTS = files("experiments.report")
MOST_BYTES = 10_000_000


def page_text(content: Mapping[str, Any], charts: Mapping[str, Any]) -> str:
    """Return the page as text.

    Parameters
    ----------
    content
        From :func:`experiments.report.content.run_content` or :func:`experiments.report.study.study_content`.
    charts
        Its figures by name, as plotly's JSON.
    """
    from plotly.offline import get_plotlyjs

    data = {**content, "charts": charts, "themes": THEMES}
    return Template(_part("page.html")).substitute(
        title=html.escape(str(content["title"])),
        kind=html.escape(str(content["kind"])),
        style=_part("page.css"),
        data=_json(data),
        glue="\n".join(_part(name) for name in ("page.js", f"{content['kind']}.js")),
        plotly=get_plotlyjs(),
    )


def write_page(text: str, path: Path) -> Path:
    """Write a page whole.

    Raises
    ------
    TableError
        If it cannot be written.
    """
    write_text_whole(path, text)
    return path


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _json(data: Mapping[str, Any]) -> str:
    """Return JSON that no script element ends in the midst of; a NaN would be no JSON."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("<", "\\u003c")
