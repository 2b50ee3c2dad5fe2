"""Where compiled kernels are kept, so that a changed kernel is never taken for an unchanged one.

numba keeps the machine code of ``@njit(cache=True)`` functions on disk and compiles one again when *its own*
file changes. Callees are compiled into their callers, though, and so are the constants that they use: change
a function in one file, and what was compiled from another file goes on with the old one, silently. Kernels
are therefore kept in a folder named after the source of all of them.

Nothing here imports numba, so that the command line stays quick.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
from pathlib import Path

from simulator.folders import cache_folder

#: Set to "off" to leave numba's own rule in place, while working on kernels that nothing calls, say.
SWITCH = "PLATETRAIL_KERNEL_CACHE"
KEEP_DAYS = 30

_PACKAGE = Path(__file__).resolve().parent
_PREFIX = "kernels-"
# What was chosen here, handed to child processes: told apart from a folder that the user named.
_CHOSEN = "PLATETRAIL_KERNEL_FOLDER"
_IMPORTED = re.compile(rb"^\s*(?:from|import) (simulator[.\w]*)", re.MULTILINE)


def choose_kernel_folder() -> None:
    """Point numba at the folder for the kernels as they are now; a folder that the user named is kept."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if os.environ.get(SWITCH) == "off" or (named and named != os.environ.get(_CHOSEN)):
        return
    folder = cache_folder() / f"{_PREFIX}{kernel_digest(_PACKAGE)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        os.utime(folder)  # in use, however long ago it was filled
    except OSError:
        return  # numba finds a place by its own rule
    _forget_old(folder.parent)
    os.environ["NUMBA_CACHE_DIR"] = os.environ[_CHOSEN] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)


def kernel_digest(package: Path) -> str:
    """Return a hash of the files of a package that hold kernels, and of the modules that they import."""
    sources = {path: path.read_bytes() for path in sorted(package.rglob("*.py"))}
    kernels = {path for path, source in sources.items() if b"njit" in source}
    # Constants that a kernel uses may come from a module without kernels.
    imported = {
        package.parent.joinpath(*name.decode().split("."))
        for path in kernels
        for name in _IMPORTED.findall(sources[path])
    }
    counted = kernels | {p for p in sources if p.with_suffix("") in imported or p.parent in imported}
    digest = hashlib.blake2b(digest_size=12)
    for path in sorted(counted):
        name = path.relative_to(package).as_posix()
        digest.update(f"{name}\x1f{len(sources[path])}\x1f".encode())
        digest.update(sources[path])
    return digest.hexdigest()


def _forget_old(parent: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 86_400
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            if folder.is_dir() and folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # another process was quicker
