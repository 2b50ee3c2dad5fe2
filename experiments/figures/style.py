"""The look of all figures, in three styles, and one colour and dash for each attacker in all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any

import matplotlib
import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.words import attacker_order, attacker_title
from simulator.errors import ScenarioError, did_you_mean

# Okabe & Ito, "Color universal design" (2008); grey stands in for yellow, which vanishes on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A4B12", "#8C8C8C")
# The one that reasons with all the data allow, and the one that looks at none, stand out from the others.
_APART: dict[str, tuple[str, object, str]] = {
    "bayes": ("#000000", "-", "*"),
    "prior-alone": ("#555555", (0, (1, 2.5)), ""),
}
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_MARKERS = "os^Dv<>P"
_NOTEBOOK_DPI = 72


@dataclass(frozen=True, kw_only=True)
class LineLook:
    """How one attacker is drawn, the same in every figure of a run."""

    label: str
    color: str
    dash: object
    marker: str


#: Style sheets by the name of their style: for a screen, for a column of a paper, for a projector.
STYLES = {
    "screen": "platetrail.mplstyle",
    "print": "platetrail-print.mplstyle",
    "projection": "platetrail-projection.mplstyle",
}
_in_use: ContextVar[str] = ContextVar("style", default="screen")


@contextmanager
def house_style(style: str | None = None) -> Iterator[None]:
    """Draw in this project's style within the block; the user's own settings come back after it.

    Parameters
    ----------
    style
        ``"screen"``; ``"print"``: 3.5 inches wide, 8 points, TrueType letters in PDF; ``"projection"``:
        16:9, large letters, thick lines. If left out, that of the block around, or ``"screen"``.

    Raises
    ------
    ScenarioError
        If there is no such style.
    """
    style = style or _in_use.get()
    if style not in STYLES:
        raise ScenarioError(f"No style of figures is called '{style}'. {did_you_mean(style, STYLES)}")
    before = _in_use.set(style)
    try:
        with as_file(files("experiments.figures") / STYLES[style]) as path, matplotlib.style.context(path):
            yield
    finally:
        _in_use.reset(before)


def style_in_use() -> str:
    """Return the name of the style of the block around."""
    return _in_use.get()


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the axes given, or those of a new pyplot figure (for notebooks)."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(layout="constrained")[1]


class ShownFigure(Figure):
    """A figure that shows itself in notebooks, whether or not pyplot was ever imported there."""

    #: The style that it was drawn in, and is written in.
    house_style: str = "screen"

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """Write the figure as matplotlib does, in the style that it was drawn in."""
        with house_style(self.house_style):
            super().savefig(*args, **kwargs)

    def _repr_png_(self) -> bytes:
        picture = BytesIO()
        self.savefig(picture, format="png", dpi=_NOTEBOOK_DPI)
        return picture.getvalue()


def new_figure(width_in: float = 10.5, height_in: float = 6.0) -> Figure:
    """Return a figure that belongs to no window system and to no pyplot state.

    Parameters
    ----------
    width_in, height_in
        Size in the style ``screen``, inches; the other styles have sizes of their own.
    """
    style = _in_use.get()
    size = (width_in, height_in) if style == "screen" else matplotlib.rcParams["figure.figsize"]
    figure = ShownFigure(figsize=size, layout="constrained")
    figure.house_style = style
    return figure


def attacker_looks(names: Iterable[str]) -> dict[str, LineLook]:
    """Return the look of each attacker; registered ones keep theirs whatever else is shown."""
    registered = attacker_order()
    wanted = list(dict.fromkeys(names))
    order = [n for n in [*registered, *sorted(set(wanted) - set(registered))] if n not in _APART]
    looks = {}
    for name in wanted:
        label = two_lines(attacker_title(name))
        if name in _APART:
            color, dash, marker = _APART[name]
            looks[name] = LineLook(label=label, color=color, dash=dash, marker=marker)
            continue
        i = order.index(name)
        looks[name] = LineLook(
            label=label,
            color=PALETTE[i % len(PALETTE)],
            # A second round of colours gets other dashes and markers than the first.
            dash=_DASHES[(i % len(PALETTE) // 2 + i // len(PALETTE)) % len(_DASHES)],
            marker=_MARKERS[(i + i // len(PALETTE)) % len(_MARKERS)],
        )
    return looks


def two_lines(text: str) -> str:
    """Return a legend label, broken over two lines if it is long."""
    words = text.split()
    if len(text) <= 24 or len(words) < 2:
        return text
    best = min(range(1, len(words)), key=lambda k: abs(len(" ".join(words[:k])) - len(text) / 2))
    return " ".join(words[:best]) + "\n" + " ".join(words[best:])
