"""Studies on a dask cluster: the same bits, also if a worker is killed; and what is said if there is none."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from test_sweep import SCENARIO, STUDY, cells_of, hashes

from experiments.sweep.cluster import run_on_cluster
from experiments.sweep.command import prepare
from experiments.sweep.design import Design
from experiments.sweep.folder import StudyFolder
from experiments.sweep.results import study_results, write_results
from experiments.sweep.work import run_here
from simulator.errors import ClusterError

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    folder = tmp_path_factory.mktemp("study")
    (folder / "town.toml").write_text(SCENARIO)
    (folder / "study.toml").write_text(STUDY)
    return prepare(str(folder / "study.toml"))


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None, silence_logs=50
    ) as running:
        yield running


def summed_up(design: Design, folder: StudyFolder) -> dict[str, str]:
    write_results(study_results(design, folder), folder.path)
    return hashes(design, folder)


def test_a_worker_killed_in_mid_study_changes_nothing(
    design: Design, cluster: LocalCluster, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill_one(done: int, what: str) -> None:
        if done == 2 and not killed:
            killed.append(next(iter(cluster.workers.values())).pid)
            os.kill(killed[0], signal.SIGKILL)

    far, near = StudyFolder(path=tmp_path / "far"), StudyFolder(path=tmp_path / "near")
    far.open(design, force=False)
    run_on_cluster(far, design.groups(), cluster.scheduler_address, kill_one)
    assert killed and not far.missing(cells_of(design))
    near.open(design, force=False)
    run_here(near, design.groups(), 1, lambda done, what: None)
    assert summed_up(design, far) == summed_up(design, near)


def test_a_cluster_that_dies_leaves_what_is_done(design: Design, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard", "--no-show"]
    scheduler = subprocess.Popen(
        [*command, "--host", address], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny"]
        + ["--no-dashboard", "--death-timeout", "20"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    folder = StudyFolder(path=tmp_path / "out")
    folder.open(design, force=False)

    def kill(done: int, what: str) -> None:
        if done == 1:
            scheduler.kill()

    try:
        with pytest.raises(ClusterError, match=r"went away.*Finished cells are kept.*same command again"):
            run_on_cluster(folder, design.groups(), address, kill)
    finally:
        for process in (scheduler, worker):
            process.kill()
            process.wait()
    left = folder.missing(cells_of(design))
    assert 0 < len(left) < design.n_cells
    run_here(folder, design.groups(), 1, lambda done, what: None)
    assert not folder.missing(cells_of(design))


def test_a_cluster_that_is_not_there(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("experiments.sweep.cluster._CONNECT_S", 0.5)
    folder = StudyFolder(path=tmp_path / "out")
    folder.open(design, force=False)
    for address in ("tcp://127.0.0.1:9", "no such thing", "foo://127.0.0.1:9"):
        with pytest.raises(ClusterError, match=r"cannot be reached.*Is the scheduler running"):
            run_on_cluster(folder, design.groups(), address, lambda done, what: None)
