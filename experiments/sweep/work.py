"""The work of a study on this machine: groups of cells, shared among processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for

import polars as pl

import experiments.sweep.exposure_probe  # noqa: F401  (enters a probe)
from experiments.sweep.design import Cell, Group
from experiments.sweep.folder import PROBE, StudyFolder, tables_of
from experiments.sweep.probes import probe_named
from simulator.errors import StudyError
from simulator.shared_capture import SharedCapture, open_capture, take_capture
from simulator.streaming import processes
from simulator.streams import replicate_seed
from simulator.tables import conform
from simulator.world import World, build_world

#: Called with the number of cells done and what is being done.
Report = Callable[[int, str], None]
_LOOK_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Block:
    """Some cells of a group, for one process to do one after the other; none: only capture the reads."""

    group: Group
    cells: tuple[Cell, ...]


def world_of(group: Group) -> World:
    """Build the world that the cells of a group share."""
    return build_world(group.cells[0].setting.scenario, replicate_seed(group.seed, group.replicate))


def look(shared: SharedCapture, cell: Cell, probes: tuple[str, ...] = ()) -> dict[str, pl.DataFrame]:
    """Return the tables of a cell, with those of some probes."""
    world, scenario = shared.world, cell.setting.scenario
    drivers = conform("drivers", world.drivers.to_frame(world.places))
    tables = tables_of(shared.look(scenario), drivers)
    return tables | {f"{PROBE}{name}": probe_named(name)(shared, scenario) for name in probes}


def run_here(folder: StudyFolder, groups: Sequence[Group], workers: int, report: Report) -> None:
    """Do all cells that are missing.

    Raises
    ------
    StudyError
        If a process dies. What is done is kept.
    """
    open_groups = [g for g in groups if folder.missing(g.cells)]
    folder.forget_captures(groups)
    cells = [cell for group in groups for cell in group.cells]
    done = len(cells) - len(folder.missing(cells))
    report(done, "starting")
    if not open_groups:
        return
    if workers <= 1:
        for group in open_groups:
            for cell in _Here().block(folder, Block(group=group, cells=folder.missing(group.cells))):
                done += cell is not None
                report(done, "captured" if cell is None else "looked")
            folder.forget_captures([group])
        return
    n = processes(workers, sum(len(folder.missing(g.cells)) for g in open_groups))
    # A world is built once a block: no more blocks than it takes to keep every process busy.
    each = -(-n // len(open_groups))
    if each > 1:
        captures = [Block(group=g, cells=()) for g in open_groups if not folder.capture(g).is_dir()]
        _share_out(folder, captures, groups, n, report)
    blocks = []
    for group in open_groups:
        left = folder.missing(group.cells)
        blocks += [Block(group=group, cells=left[i::each]) for i in range(min(each, len(left)))]
    _share_out(folder, blocks, groups, n, report)


def _share_out(
    folder: StudyFolder, blocks: list[Block], groups: Sequence[Group], workers: int, report: Report
) -> None:
    if not blocks:
        return
    # Forked children would inherit the locks of polars' and numba's threads; spawned ones start clean.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(blocks)), context, initializer=_start_worker)
    cells = [cell for group in groups for cell in group.cells]
    try:
        waiting: set[Future[None]] = {pool.submit(_block_in_worker, folder, block) for block in blocks}
        while waiting:
            finished, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
                folder.forget_captures(groups)
            report(len(cells) - len(folder.missing(cells)), "at work")
    except BaseException as error:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()
        if isinstance(error, BrokenProcessPool):
            raise StudyError(
                "A process of the sweep died, maybe for want of memory. Finished cells are kept: give the "
                "same command again to go on, with fewer --workers."
            ) from None
        raise
    pool.shutdown()


class _Here:
    """One process's work; the last world is kept, since the next block is often of the same group."""

    def __init__(self) -> None:
        self._last: tuple[str, SharedCapture] | None = None

    def block(self, folder: StudyFolder, block: Block):  # type: ignore[no-untyped-def]
        """Do a block; yield ``None`` when the reads are there, then each cell that is done."""
        group, place = block.group, folder.capture(block.group)
        if self._last is None or self._last[0] != group.name or not place.is_dir():
            self._last = None  # two worlds at a time would take twice the memory
            world = world_of(group)
            self._last = (group.name, open_capture(world, place) or take_capture(world, place))
        yield None
        for cell in block.cells:
            folder.write(cell, look(self._last[1], cell, group.probes))
            yield cell


_here = _Here()


def _block_in_worker(folder: StudyFolder, block: Block) -> None:
    for _ in _here.block(folder, block):
        pass


def _start_worker() -> None:
    os.environ["POLARS_MAX_THREADS"] = "1"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """End this process as soon as its parent has ended, however that came: nobody waits for it any more."""
    with suppress(OSError):
        wait_for([sentinel])
    os._exit(1)
