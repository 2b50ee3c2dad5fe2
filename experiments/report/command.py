"""The command ``report``: write the page of a run or of a study."""

from __future__ import annotations

import os
from pathlib import Path

from experiments.report.charts import charts_of, study_charts
from experiments.report.content import Progress, run_content
from experiments.report.page import page_text, write_page
from experiments.report.study import study_content
from experiments.sweep.folder import STUDY_FILE
from simulator.errors import TableError
from simulator.manifest import MANIFEST, read_manifest

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
    is_study = (folder / STUDY_FILE).is_file() and not (folder / MANIFEST).is_file()
    if not is_study:
        read_manifest(folder)  # what cannot be shown is refused first, whatever the place for the page
    check_writable(path)
    if is_study:
        content = study_content(folder)
        return write_page(page_text(content, study_charts(int(content["last_day"]))), path)
    content = run_content(folder, n_drivers=n_drivers, progress=progress)
    return write_page(page_text(content, charts_of(content)), path)


def check_writable(path: Path) -> None:
    """Refuse a place that cannot be written to before time is spent.

    Raises
    ------
    TableError
        If it is a folder, lies in none, or in one that cannot be written to.
    """
    if path.is_dir():
        raise TableError(f"{path} is a folder; name a file in it: --out {path / PAGE}.")
    if not path.parent.is_dir():
        raise TableError(f"There is no folder {path.parent} to write {path.name} to; make it first.")
    if not os.access(path.parent, os.W_OK):
        raise TableError(f"{path.parent} cannot be written to; name another place with --out.")
