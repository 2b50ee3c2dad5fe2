"""Where a run or study of a notebook lies: a folder of one's own, or one that goes when nobody needs it."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.errors import PlatetrailError, TableError

if TYPE_CHECKING:
    import polars as pl


class Kept:
    """Something with a folder; a temporary one is removed with the last reference to this object."""

    folder: Path
    temporary: bool

    def _keep(self, folder: Path, *, temporary: bool) -> None:
        self.folder, self.temporary = folder, temporary
        if temporary:
            weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def save(self, folder: str | Path) -> Path:
        """Copy everything to a new folder, and return it.

        Raises
        ------
        TableError
            If the folder is there already and holds something, or cannot be written to.
        """
        to = Path(folder)
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise TableError(f"{to} is there already and not an empty folder; choose another.")
        try:
            shutil.copytree(self.folder, to, dirs_exist_ok=True)
        except OSError as error:
            raise TableError(f"{to} cannot be written to: {error}.") from error
        return to


@contextmanager
def folder_for(out: str | Path | None) -> Iterator[Path]:
    """Give the folder that was asked for, or a new temporary one, which goes if the work in it fails."""
    if out is not None:
        yield Path(out)
        return
    folder = Path(tempfile.mkdtemp(prefix="platetrail-"))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def pandas_of(frame: pl.DataFrame) -> object:
    """Return a polars frame as a pandas frame; ``frame.to_pandas()`` with a message that helps.

    Raises
    ------
    PlatetrailError
        If pandas or pyarrow are not installed.
    """
    try:
        return frame.to_pandas()
    except ModuleNotFoundError as error:
        raise PlatetrailError(
            f"pandas frames need pandas and pyarrow ({error.name or error} is missing): "
            "pip install 'platetrail[notebook]'."
        ) from None
