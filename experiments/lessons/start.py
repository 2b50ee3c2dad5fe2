"""Start a lesson in the browser, or copy it to be changed."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from experiments.lessons import Lesson
from simulator.errors import PlatetrailError, ScenarioError


def start(lesson: Lesson, *, port: int | None = None, browser: bool = True) -> int:
    """Serve a lesson on this computer until it is stopped, and return marimo's exit code.

    Parameters
    ----------
    lesson
        Which.
    port
        Where; marimo takes a free one if left out.
    browser
        Whether to open it.

    Raises
    ------
    PlatetrailError
        If marimo is not installed.
    """
    if find_spec("marimo") is None:
        raise PlatetrailError("Lessons need marimo. Install it with: pip install 'platetrail[teach]'")
    command = [sys.executable, "-m", "marimo", "run", str(lesson.file)]
    command += ["--port", str(port)] if port is not None else []
    command += [] if browser else ["--headless"]
    return subprocess.run(command, check=False).returncode


def copy(lesson: Lesson, to: Path) -> Path:
    """Copy a lesson's notebook to a new file and return it.

    Raises
    ------
    ScenarioError
        If the file is there already, is no ``.py`` file, or cannot be written.
    """
    if to.suffix != ".py":
        raise ScenarioError(f"{to}: a notebook's name ends in .py; take {to.with_suffix('.py')}.")
    if to.exists():
        raise ScenarioError(f"{to} is there already; choose another name.")
    partial = to.with_name(f".{to.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(lesson.file.read_bytes())
        os.replace(partial, to)
    except OSError as error:
        raise ScenarioError(f"{to} cannot be written: {error.strerror}. Choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)
    return to
