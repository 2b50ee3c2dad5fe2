"""Does a sweep survive SIGKILL at any moment? ``python -m experiments.sweep.kills`` tries it out.

A sweep is killed at random moments and started again until it is done, then compared with one that nobody
disturbed: file by file, and whether a finished cell was ever written again.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.sweep.folder import STUDY_FILE

_POLL_S, _PATIENCE_S = 0.005, 600.0


@dataclass(frozen=True, kw_only=True)
class KillCheck:
    """What came of it.

    Parameters
    ----------
    done_at_kill
        Cells that were done at each kill that hit a sweep at work.
    missed
        Kills that came after the sweep had ended; they count for nothing.
    sweeps
        Sweeps that were brought to their end.
    written_twice
        Names of finished cells that were written again.
    different
        Files that differ from those of the undisturbed sweep.
    """

    done_at_kill: tuple[int, ...]
    missed: int
    sweeps: int
    written_twice: tuple[str, ...]
    different: tuple[str, ...]

    def words(self) -> str:
        """Return the outcome in two sentences."""
        done = ", ".join(map(str, self.done_at_kill))
        return (
            f"{len(self.done_at_kill)} kills of a sweep at work (cells done at each: {done}), "
            f"{self.missed} that came too late, {self.sweeps} sweeps brought to their end. "
            f"Finished cells written again: {len(self.written_twice)}; "
            f"files that differ from the undisturbed sweep's: {len(self.different)}."
        )


def check_kills(
    study: str,
    scratch: Path,
    *,
    kills: int,
    workers: Sequence[int] = (1, 2),
    options: Sequence[str] = (),
    longest_s: float = 2.0,
    seed: int = 1,
    undisturbed: Path | None = None,
) -> KillCheck:
    """Kill sweeps of a study until that has hit one at work often enough.

    Parameters
    ----------
    study
        Name or file.
    scratch
        Folder for the results.
    kills
        How many must hit.
    workers
        Processes of the first, second … sweep, in turn.
    options
        More of the command line, such as ``("--replicates", "12")``.
    longest_s
        A kill comes evenly between nothing and so many seconds after the sweep has opened its folder.
    seed
        Draws the moments.
    undisturbed
        Results of the same study to compare with; made here if left out.
    """
    if undisturbed is None:
        undisturbed = scratch / "undisturbed"
        subprocess.run(
            _command(study, undisturbed, workers[0], options), stdout=subprocess.DEVNULL, check=True
        )
    rng = np.random.default_rng(seed)
    done_at_kill: list[int] = []
    twice: list[str] = []
    different: list[str] = []
    missed = sweeps = 0
    while len(done_at_kill) < kills or sweeps == 0:
        out = scratch / f"killed-{sweeps}"
        command = _command(study, out, workers[sweeps % len(workers)], options)
        written: dict[str, int] = {}
        ended = False
        while not ended:
            wait_s = float(rng.uniform(0, longest_s)) if len(done_at_kill) < kills else None
            ended = not _killed(command, out, wait_s)
            missed += ended and wait_s is not None
            now = _written(out)
            twice += [name for name, when in written.items() if now.get(name) != when]
            written = now
            if not ended:
                done_at_kill.append(len(now))
        sweeps += 1
        different += _different(undisturbed, out)
    return KillCheck(
        done_at_kill=tuple(done_at_kill),
        missed=missed,
        sweeps=sweeps,
        written_twice=tuple(twice),
        different=tuple(different),
    )


def _command(study: str, out: Path, workers: int, options: Sequence[str]) -> list[str]:
    sweep = [sys.executable, "-m", "experiments", "sweep", study, "--out", str(out), "--quiet"]
    return [*sweep, "--workers", str(workers), *options]


def _killed(command: list[str], out: Path, wait_s: float | None) -> bool:
    """Start a sweep, kill it after a while; return whether that hit it. ``None``: let it go to its end."""
    before = _opened(out)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    if wait_s is not None:
        patience_s = time.monotonic() + _PATIENCE_S
        while process.poll() is None and _opened(out) == before and time.monotonic() < patience_s:
            time.sleep(_POLL_S)
        time.sleep(wait_s)
        process.kill()
    code = process.wait()
    if code not in (0, -signal.SIGKILL):
        raise subprocess.CalledProcessError(code, command)
    return code != 0


def _opened(out: Path) -> int:
    """Return when a sweep last opened the folder: it writes its study then."""
    path = out / STUDY_FILE
    return path.stat().st_mtime_ns if path.is_file() else 0


def _written(out: Path) -> dict[str, int]:
    cells = out / "cells"
    found = cells.iterdir() if cells.is_dir() else ()
    return {path.name: path.stat().st_mtime_ns for path in found if not path.name.endswith(".partial")}


def _different(expected: Path, found: Path) -> list[str]:
    """Return the files of cells and results that are not the same to the bit; and what was left behind."""
    wrong = [str(path.relative_to(found)) for path in (found / "captures").iterdir()]
    wanted, there = (
        {path.relative_to(out): path for path in (*out.glob("cells/*/*"), *out.glob("*.parquet"))}
        for out in (expected, found)
    )
    both = wanted.keys() & there.keys()
    wrong += map(str, sorted(wanted.keys() ^ there.keys()))
    wrong += (str(name) for name in sorted(both) if wanted[name].read_bytes() != there[name].read_bytes())
    return wrong


def main(arguments: list[str] | None = None) -> None:
    """Kill the study 'smoke', with more towns, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m experiments.sweep.kills", description=main.__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--towns", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        options = ("--replicates", str(chosen.towns))
        found = check_kills("smoke", Path(scratch), kills=chosen.kills, options=options, seed=chosen.seed)
    print(found.words())
    sys.exit(1 if found.written_twice or found.different else 0)


if __name__ == "__main__":
    main()
