"""Where this program keeps what can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Return the cache folder: PLATETRAIL_CACHE, or platetrail in XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("PLATETRAIL_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "platetrail"
