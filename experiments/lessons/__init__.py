"""Lessons: marimo notebooks for a class or a citizens' evening, about 45 minutes each.

Here is only which there are; ``page`` holds what the notebooks are made of, ``pictures`` what they draw,
``start`` starts one. The notebooks lie in ``notebooks`` and are plain Python files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simulator.errors import ScenarioError, did_you_mean

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One lesson.

    Parameters
    ----------
    name
        What it is called on the command line.
    title, question
        For people.
    minutes
        How long a class takes.
    """

    name: str
    title: str
    question: str
    minutes: int = 45

    @property
    def file(self) -> Path:
        """The notebook."""
        return HERE / "notebooks" / f"{self.name.replace('-', '_')}.py"


#: In the order in which they build on each other.
LESSONS = (
    Lesson(
        name="one-car-one-week",
        title="One car, one week",
        question="What does a list of plate reads tell about one driver after a week?",
    ),
    Lesson(
        name="just-a-few-cameras",
        title="Just a few cameras",
        question="How many readers does it take to find homes, and does it matter where they stand?",
    ),
    Lesson(
        name="how-long-is-too-long",
        title="How long is too long?",
        question="What does it change if reads are deleted after some days?",
    ),
    Lesson(
        name="names-are-not-needed",
        title="Names are not needed",
        question="Does it help to store no plates, or plates under other names?",
    ),
)


def lesson_named(name: str) -> Lesson:
    """Return a lesson.

    Raises
    ------
    ScenarioError
        If there is none of that name, with the nearest ones.
    """
    for lesson in LESSONS:
        if lesson.name == name:
            return lesson
    raise ScenarioError(
        f"No lesson is called '{name}'. {did_you_mean(name, [lesson.name for lesson in LESSONS])}"
    )
