"""How a figure fits its size: words wrap, legends go below where it is narrow, sizes follow the style.

Drawing functions give absolute sizes for the style ``screen`` (letters of 14 points); :func:`pt` turns them
into those of the style in use, so that a figure looks the same at 3.5 inches and on a projector.
"""

from __future__ import annotations

import re
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.textpath import TextPath
from matplotlib.transforms import ScaledTranslation

_SCREEN_PT = 14.0
# Below so many letter heights of width there is no room for a legend beside the axes.
_NARROW_EM = 40.0
# Height of axes in narrow figures as a share of their width; inches a row to begin with.
_LEAST_HEIGHT = 0.56
_NARROW_ROW_IN = 3.2
# What axes have at least of their part of the figure, beside labels and legends.
_AXES_SHARE = 0.58
# A number and its unit stay together.
_UNIT = re.compile(r"(\d) (?=(?:m|km|days?|h|s)\b)")
_SIDES = ("left", "center", "right")


def pt(points: float) -> float:
    """Return a size given for the style ``screen`` in points of the style in use."""
    return points * float(matplotlib.rcParams["font.size"]) / _SCREEN_PT


def figure_of(ax: Axes) -> Figure:
    """Return the figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def is_narrow(figure: Figure) -> bool:
    """Return whether a figure is as narrow as a column of a paper, by the size of its letters."""
    return float(figure.get_figwidth()) * 72 / float(matplotlib.rcParams["font.size"]) < _NARROW_EM


def panels(figure: Figure, n: int, *, columns: int, narrow_columns: int = 1) -> list[Axes]:
    """Return axes for ``n`` panels, row by row, in fewer columns where the figure is narrow."""
    narrow = is_narrow(figure)
    columns = min(n, narrow_columns if narrow else columns)
    rows = -(-n // max(columns, 1))
    if narrow:
        figure.set_figheight(_NARROW_ROW_IN * rows)
    return [figure.add_subplot(rows, columns, i + 1) for i in range(n)]


def has_room(ax: Axes, words: str, size_pt: float) -> bool:
    """Return whether a line fits between the left end of the axes and the right rim of the figure."""
    figure = figure_of(ax)
    figure.draw_without_rendering()
    room = float(1.0 - ax.get_position().x0) * float(figure.get_figwidth()) * 72
    return _width(words, FontProperties(size=size_pt)) < 0.98 * room


def height_em(ax: Axes) -> float:
    """Return about how high axes will be, in heights of the style's letters."""
    spec = ax.get_subplotspec()
    rows = spec.get_gridspec().nrows if spec is not None else 1
    letters = figure_of(ax).get_figheight() * 72 / float(matplotlib.rcParams["font.size"])
    return float(letters) / rows * _AXES_SHARE


def legend_beside(ax: Axes, **options: Any) -> Legend:
    """Put the legend right of the axes, or below them where the figure is narrow.

    Parameters
    ----------
    ax
        Axes with everything drawn and all labels set.
    options
        Of :meth:`matplotlib.axes.Axes.legend`, but for the place.
    """
    figure = figure_of(ax)
    if options.get("title") is not None:
        options.setdefault("alignment", "left")
    if not is_narrow(figure):
        return ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1.0), **options)
    return legend_below(ax, **options)


def legend_below(ax: Axes, **options: Any) -> Legend:
    """Put the legend below the axes and their labels, in as many columns (two at most) as fit."""
    figure = figure_of(ax)
    handles = options.get("handles") or ax.get_legend_handles_labels()[0]
    size = FontProperties(size=matplotlib.rcParams["legend.fontsize"])
    widest = max((_width(str(h.get_label()), size) for h in handles), default=0.0)
    room = figure.get_figwidth() * 72 * _share_of_width(ax)
    # Handle and gaps of a column take some three letters.
    options.setdefault("ncols", 2 if 2 * (widest + 2.9 * size.get_size_in_points()) <= room else 1)
    options |= {"columnspacing": 0.8, "handlelength": 1.7, "handletextpad": 0.4}
    figure.draw_without_rendering()
    labels = ax.xaxis.get_tightbbox()
    drop_in = 0.0 if labels is None else max(ax.bbox.y0 - labels.y0, 0.0) / figure.dpi
    drop_in += 0.3 * size.get_size_in_points() / 72
    below = ax.transAxes + ScaledTranslation(0, -drop_in, figure.dpi_scale_trans)
    options |= {
        "loc": "upper right",
        "bbox_to_anchor": (1.0, 0.0),
        "bbox_transform": below,
        "borderaxespad": 0,
    }
    return ax.legend(**options)


def fit_words(ax: Axes) -> Axes:
    """Break title and axis labels over lines where they are longer than the room that they have."""
    figure = figure_of(ax)
    if _surely_fits(ax):
        return ax
    figure.draw_without_rendering()
    place = ax.get_position(original=True)
    width_pt, height_pt = (72 * side for side in figure.get_size_inches())
    if is_narrow(figure):
        # The final height is not known yet, and panels to come may take from the width.
        _wrap(ax.xaxis.label, width_pt * place.width * 0.95)
        _wrap(ax.yaxis.label, width_pt * place.width * _LEAST_HEIGHT * 1.1)
    else:
        _wrap(ax.xaxis.label, width_pt * place.width * 1.12)
        _wrap(ax.yaxis.label, height_pt * place.height * 1.15)
    fit_title(ax)
    return ax


def fit_title(ax: Axes) -> None:
    """Break the title where it would leave the figure, or reach over the panel to the right."""
    figure = figure_of(ax)
    spec, place = ax.get_subplotspec(), ax.get_position()
    last = spec is None or spec.colspan.stop == spec.get_gridspec().ncols
    right = 0.99 if last else ax.get_position(original=True).x1 + 0.02
    for side in _SIDES:
        title = _title(ax, side)
        title.set_text(title.get_text().replace("\n", " "))
        _wrap(title, float(figure.get_figwidth()) * 72 * (right - place.x0))


def fit_suptitle(figure: Figure, text: str, **options: Any) -> Text:
    """Write a title over the whole figure, broken over lines where it is longer than the figure is wide."""
    title = figure.suptitle(text, x=0.01, ha="left", **options)
    _wrap(title, figure.get_figwidth() * 72 * 0.97)
    return title


def fit_figure(figure: Figure) -> Figure:
    """Break titles anew by the final layout; make a narrow figure so high that its axes get a good shape."""
    narrow = is_narrow(figure)
    if not narrow and all(map(_surely_fits, figure.axes)):
        return figure
    figure.draw_without_rendering()
    rows = {ax.get_subplotspec().rowspan.start for ax in figure.axes}  # type: ignore[union-attr]
    if narrow:
        # From too high downwards: axes that collapse under their legend do not say how high they should be.
        figure.set_figheight(4.0 + _NARROW_ROW_IN * len(rows))
        figure.draw_without_rendering()
    for ax in figure.axes:
        fit_title(ax)
    for _ in range(4 if narrow else 0):
        figure.draw_without_rendering()
        width_in, height_in = figure.get_size_inches()
        missing: dict[int, float] = {}
        for ax in figure.axes:
            place, spec = ax.get_position(original=True), ax.get_subplotspec()
            shape = _LEAST_HEIGHT
            if ax.get_aspect() != "auto":
                shape = float(np.ptp(ax.get_ylim()) / np.ptp(ax.get_xlim())) * float(ax.get_aspect())
            row = spec.rowspan.start if spec is not None else 0
            more = shape * place.width * width_in - place.height * height_in
            missing[row] = max(missing.get(row, -np.inf), more)
        by = sum(missing.values())
        if abs(by) < 0.02:
            break
        figure.set_figheight(max(height_in + by, 1.2))
    return figure


def _share_of_width(ax: Axes) -> float:
    spec = ax.get_subplotspec()
    return 1.0 / (spec.get_gridspec().ncols if spec is not None else 1)


def _surely_fits(ax: Axes) -> bool:
    """Return whether title and labels are so short that no layout is needed to know that they fit."""
    figure, spec = figure_of(ax), ax.get_subplotspec()
    grid = spec.get_gridspec() if spec is not None else None
    rows, columns = (grid.nrows, grid.ncols) if grid is not None else (1, 1)
    wide = _AXES_SHARE * 72 * float(figure.get_figwidth()) / columns
    high = _AXES_SHARE * 72 * float(figure.get_figheight()) / rows
    across = [_title(ax, side) for side in _SIDES] + [ax.xaxis.label]
    return all(_width(text.get_text(), text.get_fontproperties()) < wide for text in across) and (
        _width(ax.yaxis.label.get_text(), ax.yaxis.label.get_fontproperties()) < high
    )


def _title(ax: Axes, side: str) -> Text:
    return {"left": ax._left_title, "center": ax.title, "right": ax._right_title}[side]  # type: ignore[attr-defined, no-any-return]


def _wrap(text: Text, room_pt: float) -> None:
    font = text.get_fontproperties()
    words = text.get_text()
    if not words or max(_width(line, font) for line in words.split("\n")) <= room_pt:
        return
    lines = [""]
    for k, part in enumerate(words.split("\n")):
        lines += [""] if k else []
        for word in _UNIT.sub("\\1\u00a0", part).split(" "):
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and _width(longer, font) > room_pt:
                lines.append(word)
            else:
                lines[-1] = longer
    text.set_text("\n".join(lines))


def _width(words: str, font: FontProperties) -> float:
    """Return the width of the longest line, points; no canvas is needed for it."""
    size = font.get_size_in_points()
    paths = [TextPath((0, 0), line, size=size, prop=font) for line in words.split("\n") if line.strip()]
    return max((float(path.get_extents().width) for path in paths), default=0.0)
