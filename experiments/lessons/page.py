"""What all lessons are made of: guess first, then look, then talk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import marimo as mo
from matplotlib.figure import Figure

from experiments.figures import house_style, new_figure
from experiments.lessons import Lesson, lesson_named

# 13.3 inches at this are sharp on a projector of 1920 points, and some 100 kB.
_DPI = 110
_PLACE = "The town, its drivers and the person who looks are made up by a computer. Nobody is real."


def opening(name: str, aim: str) -> mo.Html:
    """Return the head of a lesson: title, what for, how long.

    Parameters
    ----------
    name
        Of the lesson.
    aim
        What the class will know, in two sentences.
    """
    lesson: Lesson = lesson_named(name)
    return mo.md(f"# {lesson.title}\n\n{aim}\n\n*About {lesson.minutes} minutes. {_PLACE}*")


def reveal(label: str = "We have guessed: show the picture") -> Any:
    """Return a switch that keeps a picture back until the class has guessed.

    In front of a class (``marimo run``) it is off; in a script, an exported page or an editor it is on.
    """
    return mo.ui.switch(value=mo.app_meta().mode != "run", label=f"**{label}**")


def guess(label: str, *, start: int = 0, stop: int = 100, step: int = 5, value: int | None = None) -> Any:
    """Return a slider for the guess of the class."""
    middle = value if value is not None else (start + stop) // 2 // step * step
    return mo.ui.slider(
        start=start, stop=stop, step=step, value=middle, label=label, show_value=True, full_width=True
    )


def ask(question: str, *controls: Any) -> mo.Html:
    """Return a question to guess at before anything is shown."""
    return mo.callout(mo.vstack([mo.md(f"## Guess first\n\n{question}"), *controls], gap=1.0), kind="warn")


def hold_back(shown: Any) -> None:
    """Stop the cell here until the class has guessed."""
    mo.stop(not shown.value, mo.md("*The picture comes when you have guessed.*"))


def picture(draw: Callable[[Figure], object], words: str) -> mo.Html:
    """Draw a picture for the lecture hall.

    Parameters
    ----------
    draw
        Draws into an empty figure.
    words
        What it shows, for who cannot see it; made of the numbers.
    """
    with house_style("projection"):
        figure = new_figure()
        draw(figure)
        file = BytesIO()
        figure.savefig(file, format="png", dpi=_DPI)
    return mo.image(file.getvalue(), alt=words, width="100%")


def look_for(points: Sequence[str]) -> mo.Html:
    """Return what to look for in a picture."""
    return mo.callout(mo.md("### What to look for\n\n" + _list(points)), kind="info")


def talk(questions: Sequence[str]) -> mo.Html:
    """Return questions to discuss."""
    lines = "\n".join(f"{i}. {q}" for i, q in enumerate(questions, 1))
    return mo.md(f"## Talk about it\n\n{lines}")


def limits(points: Sequence[str]) -> mo.Html:
    """Return what the model cannot tell."""
    return mo.md("## What this cannot tell\n\n" + _list(points))


def _list(points: Sequence[str]) -> str:
    return "\n".join(f"- {p}" for p in points)


def percent(share: float) -> str:
    """Return a share in whole percent."""
    return f"{100 * share:.0f}%"


def share(
    row: dict[str, Any], name: str = "share", ends: tuple[str, str] = ("share_low", "share_high")
) -> str:
    """Return a share with its 95% interval in words."""
    low, high = (row[end] for end in ends)
    return f"{percent(row[name])} ({percent(low)} to {percent(high)})"
