"""Compiled kernels are never those of other source, and old ones do not pile up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulator import kernel_cache

SIMULATOR = Path(kernel_cache.__file__).parent
CALLEE = "from numba import njit\n@njit(cache=True)\ndef inner():\n    return {}\n"
CALLER = (
    "from numba import njit\nfrom simulator.inner import inner\n\n@njit(cache=True)\n"
    "def outer():\n    return inner()\n"
)
RUN = "from simulator.outer import outer; import numba; print(outer(), numba.config.CACHE_DIR)"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with the engine's top level and two kernels, one calling the other."""
    package = tmp_path / "simulator"
    package.mkdir()
    for name in ("__init__.py", "kernel_cache.py", "folders.py"):
        shutil.copy(SIMULATOR / name, package / name)
    (package / "inner.py").write_text(CALLEE.format(1))
    (package / "outer.py").write_text(CALLER)
    return tmp_path


def run(tree: Path, program: str = RUN, **variables: str) -> list[str]:
    """Run a program in a tree, with a cache folder beside it."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", kernel_cache.SWITCH)}
    environment = {**inherited, "PLATETRAIL_CACHE": str(tree / "cache"), **variables}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tree, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_a_changed_callee_changes_its_caller(tree: Path) -> None:
    before, folder = run(tree)
    (tree / "simulator/inner.py").write_text(CALLEE.format(2))
    after, other = run(tree)
    assert (before, after) == ("1", "2")
    assert folder != other
    assert Path(folder).parent == tree / "cache"


def test_numbas_own_rule_would_miss_the_change(tree: Path) -> None:
    off = {kernel_cache.SWITCH: "off"}
    before = run(tree, **off)
    (tree / "simulator/inner.py").write_text(CALLEE.format(2))
    # Should this ever fail, numba has learned to look at callees and this module can go.
    assert run(tree, **off)[0] == before[0] == "1"


def test_the_users_folder_and_an_early_numba_are_respected(tree: Path) -> None:
    where = "import numba, simulator; print(numba.config.CACHE_DIR)"
    mine = str(tree / "mine")
    assert run(tree, where, NUMBA_CACHE_DIR=mine) == [mine]
    assert run(tree, where)[0].startswith(str(tree / "cache"))


def test_a_cache_folder_that_cannot_be_made_is_no_error(tree: Path) -> None:
    (tree / "cache").write_text("a file")
    assert run(tree, "import simulator; print('fine')") == ["fine"]


def test_digest_counts_kernels_and_what_they_import_and_nothing_else(tree: Path) -> None:
    package = tree / "simulator"
    (package / "numbers.py").write_text("ONE = 1\n")
    (package / "talk.py").write_text("HELLO = 'hello'\n")
    (package / "outer.py").write_text("from simulator.numbers import ONE\n" + CALLER)
    first = kernel_cache.kernel_digest(package)
    (package / "talk.py").write_text("HELLO = 'good morning'\n")
    assert kernel_cache.kernel_digest(package) == first
    (package / "numbers.py").write_text("ONE = 2\n")
    assert kernel_cache.kernel_digest(package) != first


def test_old_kernels_go_and_those_in_use_stay(tree: Path) -> None:
    old, other = tree / "cache/kernels-0000", tree / "cache/somebodys"
    for folder in (old, other):
        folder.mkdir(parents=True)
        long_ago = time.time() - (kernel_cache.KEEP_DAYS + 1) * 86_400
        os.utime(folder, (long_ago, long_ago))
    run(tree, "import simulator")
    assert sorted(p.name[:8] for p in (tree / "cache").iterdir()) == ["kernels-", "somebody"]
    assert not old.exists()
