"""Small HTML tables for notebooks: escaped, and in the colours of whatever page they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from urllib.parse import quote

# Half-transparent grey lines and the page's own text colour do in light and dark.
_LINE = "border-bottom:1px solid rgba(127,127,127,.35)"
_TABLE = "border-collapse:collapse;margin:.4em 0;color:inherit"
_ROW = "background:none;color:inherit"
_CELL = "padding:.2em .9em .2em 0;color:inherit;background:none;vertical-align:top"


class Html(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def card(title: str, subtitle: str, *parts: str) -> Html:
    """Return a block with a heading, a line below it, and parts that are HTML already."""
    head = f'<div style="font-weight:600;font-size:1.1em">{escape(title)}</div>'
    below = f'<div style="opacity:.75;font-style:italic">{escape(subtitle)}</div>' if subtitle else ""
    return Html(
        f'<div class="platetrail" style="color:inherit;line-height:1.45">{head}{below}{"".join(parts)}</div>'
    )


def facts(rows: Iterable[tuple[str, str | Html]]) -> Html:
    """Return a table of names and values."""
    lines = "".join(
        f'<tr style="{_ROW}"><th scope="row" style="{_CELL};text-align:left;opacity:.75;'
        f'font-weight:500">{escape(name)}</th><td style="{_CELL};text-align:left">{_text(value)}</td></tr>'
        for name, value in rows
    )
    return Html(f'<table style="{_TABLE}">{lines}</table>')


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str | Html]]) -> Html:
    """Return a table with a caption; all columns but the first are numbers."""
    align = ["left", *["right"] * (len(head) - 1)]
    top = "".join(
        f'<th scope="col" style="{_CELL};text-align:{a};{_LINE}">{escape(h)}</th>'
        for h, a in zip(head, align, strict=True)
    )
    body = "".join(
        f'<tr style="{_ROW}">'
        + "".join(
            f'<td style="{_CELL};text-align:{a}">{_text(c)}</td>' for c, a in zip(row, align, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return Html(
        f'<table style="{_TABLE}">'
        f'<caption style="caption-side:top;text-align:left;color:inherit;padding:.2em 0">{escape(caption)}'
        f'</caption><thead><tr style="{_ROW}">{top}</tr></thead><tbody>{body}</tbody></table>'
    )


def note(text: str | Html) -> Html:
    """Return a line of small print."""
    return Html(f'<div style="opacity:.75;font-size:.92em">{_text(text)}</div>')


def link(path: Path, text: str) -> Html:
    """Return a link to a file on this machine."""
    return Html(f'<a style="color:inherit" href="file://{quote(str(path.resolve()))}">{escape(text)}</a>')


def joined(parts: Iterable[str | Html], by: str = ", ") -> Html:
    """Return parts with something between them, those that are not HTML escaped."""
    return Html(escape(by).join(_text(part) for part in parts))


def _text(value: str | Html) -> str:
    return value if isinstance(value, Html) else escape(value)
