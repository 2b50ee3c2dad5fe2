"""The work of a study on a dask cluster: workers capture and look, this process writes.

A group's reads are one task, each cell another that needs them. The scheduler keeps cells near the reads
and does again what a lost worker had; since every task is a pure function of the study, that changes no bit.
Workers need this program, of the same version, and no common disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from experiments.sweep.design import Cell, Group
from experiments.sweep.folder import StudyFolder
from experiments.sweep.work import Report, look, world_of
from simulator.errors import ClusterError
from simulator.shared_capture import SharedCapture, take_capture

_CONNECT_S = 15.0
# Worker deaths that one task is allowed; a cluster may lose machines all the time.
_RETRIES = 5
# Groups under way at a time for each worker: reads of all of them would not fit into memory.
_AHEAD = 2


def run_on_cluster(folder: StudyFolder, groups: Sequence[Group], address: str, report: Report) -> None:
    """Do all cells that are missing, on the workers of a dask scheduler.

    Parameters
    ----------
    folder
        Where the cells go; only this process writes there.
    groups
        All groups of the study.
    address
        Of the scheduler, such as ``tcp://127.0.0.1:8786``.
    report
        Told how many cells are done.

    Raises
    ------
    ClusterError
        If dask is not installed, the cluster cannot be reached, has no worker, or goes away. Finished cells
        are kept.
    """
    cells = [cell for group in groups for cell in group.cells]
    total, waiting = len(cells), [g for g in groups if folder.missing(g.cells)]
    done = total - len(folder.missing(cells))
    report(done, "starting")
    if not waiting:
        return
    with _client(address) as client, _said_plainly(address, folder):
        from distributed import as_completed

        try:
            # Workers that were started together with the scheduler may still be on their way.
            client.wait_for_workers(1, timeout=_CONNECT_S)
        except TimeoutError:
            raise ClusterError(
                f"The cluster at {address} has no workers; start some, then give the command again."
            ) from None
        workers = len(client.scheduler_info(n_workers=-1)["workers"])
        watched = as_completed(loop=client.loop)
        of: dict[str, tuple[Cell, str]] = {}
        left: dict[str, int] = {}

        def begin() -> None:
            group = waiting.pop(0)
            shared = client.submit(_captured, group, key=f"reads-{group.name}", retries=_RETRIES)
            missing = folder.missing(group.cells)
            left[group.name] = len(missing)
            for cell in missing:
                future = client.submit(
                    look, shared, cell, group.probes, key=f"cell-{group.name}-{cell.name}", retries=_RETRIES
                )
                of[future.key] = cell, group.name
                watched.add(future)

        for _ in range(min(_AHEAD * workers, len(waiting))):
            begin()
        for future in watched:
            tables: dict[str, pl.DataFrame] = future.result()
            cell, group_name = of.pop(future.key)
            folder.write(cell, tables)
            future.release()
            done += 1
            report(done, "at work")
            left[group_name] -= 1
            if not left[group_name] and waiting:
                begin()


def _captured(group: Group) -> SharedCapture:
    with tempfile.TemporaryDirectory(prefix="platetrail-reads-") as place:
        return take_capture(world_of(group), Path(place) / "reads").in_memory()


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ImportError:
        raise ClusterError(
            "--cluster needs dask.distributed, which is not installed: install 'platetrail[cluster]'."
        ) from None
    try:
        # A client of an address that is none would go on trying after it has failed.
        get_address_host_port(address)
        client = Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ClusterError(
            f"The cluster at {address} cannot be reached ({_short(error)}). Is the scheduler running, and is "
            "the address the one that it prints, such as tcp://127.0.0.1:8786?"
        ) from None
    try:
        yield client
    finally:
        client.close(timeout=2)


@contextmanager
def _said_plainly(address: str, folder: StudyFolder) -> Iterator[None]:
    from concurrent.futures import CancelledError

    from distributed.comm.core import CommClosedError
    from distributed.scheduler import KilledWorker

    kept = f"Finished cells are kept in {folder.path}: give the same command again to go on."
    try:
        yield
    except KilledWorker as error:
        raise ClusterError(
            f"Workers of the cluster at {address} died over and over ({_short(error)}), maybe for want of "
            f"memory. {kept}"
        ) from None
    except (CommClosedError, CancelledError, OSError, TimeoutError) as error:
        raise ClusterError(
            f"The cluster at {address} went away ({_short(error) or 'closed'}). {kept}"
        ) from None


def _short(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
