"""The command ``report``: write the page of a run or of a study."""

from __future__ import annotations

from pathlib import Path

from experiments.report.charts import charts_of
from experiments.report.content import Progress, run_content
from experiments.report.page import page_text, write_page

PAGE = "report.html"


def report(folder: Path, *, out: Path | None, n_drivers: int, progress: Progress) -> Path:
    """Write the page of a result folder; return where it is.

    Parameters
    ----------
    folder
        A folder that a run or a sweep wrote.
    out
        The file; ``report.html`` in the folder if left out.
    n_drivers
        Example drivers to choose from; a study has none.
    progress
        Called with a stage and the part of it that is done.

    Raises
    ------
    TableError, StudyError
        If the folder is neither, unfinished, torn, or of another version, or the page cannot be written.
    """
    path = folder / PAGE if out is None else out
    content = run_content(folder, n_drivers=n_drivers, progress=progress)
    return write_page(page_text(content, charts_of(content)), path)
