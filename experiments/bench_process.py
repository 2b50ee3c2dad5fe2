"""Wall time and peak memory of a command with all its child processes."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_SAMPLE_EVERY_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What a command took.

    Parameters
    ----------
    wall_s
        Seconds from start to end.
    peak_bytes
        Largest sum of resident memory over the process and its children, seen at a sample every 50 ms.
        Pages that processes share count once for each, so this is an upper bound. Where the system does not
        tell (no /proc), the largest single process.
    output
        What it printed.
    """

    wall_s: float
    peak_bytes: int
    output: str


def measure(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command and watch it.

    Raises
    ------
    RuntimeError
        If it fails, with what it printed.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **(environment or {})},
    )
    watch = _Watch(process.pid)
    watch.start()
    output, _ = process.communicate()
    wall_s = time.perf_counter() - start
    watch.stop()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed with {process.returncode}:\n{output}")
    return Measured(wall_s=wall_s, peak_bytes=watch.peak_bytes or _largest_child_bytes(), output=output)


def tree_bytes(root: int) -> int:
    """Return the resident memory of a process and its descendants, bytes; 0 where there is no /proc."""
    parent, resident = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in brackets, may hold blanks and brackets itself.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        pid = int(folder.name)
        parent[pid], resident[pid] = int(fields[1]), int(fields[21])
    family = {root}
    while True:
        more = {pid for pid, above in parent.items() if above in family} - family
        if not more:
            break
        family |= more
    return sum(resident.get(pid, 0) for pid in family) * resource.getpagesize()


class _Watch(threading.Thread):
    """Samples the memory of a process tree until told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        while not self._done.is_set():
            self.peak_bytes = max(self.peak_bytes, tree_bytes(self._pid))
            self._done.wait(_SAMPLE_EVERY_S)

    def stop(self) -> None:
        self._done.set()
        self.join()


def _largest_child_bytes() -> int:
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
