"""Write one figure into a file, whole, as PNG, PDF or SVG."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.layout import fit_figure, is_narrow, pt
from experiments.figures.style import house_style, new_figure
from simulator.errors import TableError, did_you_mean

#: Formats, with what must be left out of each so that the same figure gives the same file.
FORMATS: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None},
    "svg": {"Date": None},
}


def save_figure(figure: Figure, path: Path, *, caption: str | None = None) -> Path:
    """Write a figure whole, in the format that the name ends in.

    Call it within :func:`experiments.figures.style.house_style`. A figure as narrow as a paper's column is
    made so high that everything fits, and gets no small print, since papers have captions.

    Parameters
    ----------
    figure
        The figure.
    path
        Where to; ends in .png, .pdf or .svg. Its folder is made if missing.
    caption
        Small print below.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    TableError
        If the ending is another, or the file cannot be written.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise TableError(f"{path}: figures are written as .png, .pdf or .svg. {did_you_mean(kind, FORMATS)}")
    if caption:
        add_caption(figure, caption)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Names within an SVG file are drawn at random otherwise.
        style = getattr(figure, "house_style", None)
        with house_style(style), matplotlib.rc_context({"svg.hashsalt": path.stem}):
            fit_figure(figure)
            figure.savefig(partial, format=kind, metadata=FORMATS[kind])
        os.replace(partial, path)
    except OSError as error:
        raise TableError(f"Figure {path} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def add_caption(figure: Figure, caption: str) -> None:
    """Finish a figure: small print below with room kept for it, none where it is narrow; words that fit."""
    if not is_narrow(figure):
        figure.text(0.995, 0.004, caption, ha="right", va="bottom", fontsize=pt(9.5), color="#666666")
        figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))  # type: ignore[union-attr, call-arg]
    fit_figure(figure)


def save_one(
    draw: Callable[[Axes], object], path: Path, *, caption: str, size_in: tuple[float, float] = (12.0, 6.8)
) -> Path:
    """Draw one figure in this project's style and write it whole.

    Parameters
    ----------
    draw
        Draws into the axes it is given.
    path, caption
        As of :func:`save_figure`.
    size_in
        Width and height in the style ``screen``, inches.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    with house_style():
        figure = new_figure(*size_in)
        draw(figure.add_subplot())
        return save_figure(figure, path, caption=caption)
