"""The gallery: each standard figure by a short script of its own, to be copied and changed.

``python -m experiments.figures.gallery.homes_known [out.png]`` draws one figure,
``python -m experiments.figures.gallery DIR`` all of them, with the page that shows them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from pkgutil import iter_modules

from matplotlib.figure import Figure

import platetrail as pt
from experiments.figures import save_figure


@cache
def example_run() -> pt.Run:
    """Return the run that most figures show: a small town, made anew in some seconds; once a process."""
    return pt.run("first-town", drivers=200, days=30, seed=1, quiet=True)


def scripts() -> list[str]:
    """Return the names of the scripts, in the order of the alphabet."""
    return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))


def write(draw: Callable[[], Figure]) -> Path:
    """Draw into the file that the command line names, or one named after the script."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(Path(sys.argv[0]).stem + ".png")
    return save_figure(draw(), out)
