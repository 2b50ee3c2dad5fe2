"""Films of one driver: frames and numbers, formats, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_town import tiny_scenario
from matplotlib.animation import FFMpegWriter
from PIL import Image
from typer.testing import CliRunner

from experiments.cli import app
from simulator.run import Run, simulate


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    scenario = tiny_scenario(days=3, people__drivers=20, attackers__names=["night-mode"])
    return simulate(scenario, seed=4, out=tmp_path_factory.mktemp("runs") / "tiny")


def animate(*words: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["animate", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def findable(run: Run) -> int:
    return int(run.drivers.filter("home_on_map")["driver_id"][0])


def test_a_gif_has_a_frame_a_day(run: Run, tmp_path: Path) -> None:
    assert run.folder is not None
    film = tmp_path / "film.gif"
    code, said = animate(run.folder, "--driver", str(findable(run)), "--out", film)
    assert code == 0 and "Written by Pillow" in said
    with Image.open(film) as picture:
        assert (picture.n_frames, picture.size) == (3, (1280, 720))
    assert list(tmp_path.iterdir()) == [film]


def test_an_mp4_is_made_where_ffmpeg_is_present(run: Run) -> None:
    if not FFMpegWriter.isAvailable():
        pytest.skip("no ffmpeg on this system")
    assert run.folder is not None
    code, said = animate(run.folder, "--driver", str(findable(run)))
    film = run.folder / "figures" / f"driver-{findable(run)}-home.mp4"
    assert code == 0 and "Written by ffmpeg" in said
    assert film.read_bytes()[4:8] == b"ftyp"


def test_without_ffmpeg_a_gif_is_offered(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.folder is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    code, said = animate(run.folder, "--driver", str(findable(run)), "--out", tmp_path / "film.mp4")
    assert code == 2 and "MP4 needs ffmpeg" in said and ".gif" in said


def test_what_cannot_be_filmed_is_refused(run: Run, tmp_path: Path) -> None:
    assert run.folder is not None
    code, said = animate(run.folder, "--driver", "20")
    assert code == 2 and "no driver 20" in said and "0 to 19" in said
    somebody = str(findable(run))
    assert "ends in .mp4 or .gif" in animate(run.folder, "--driver", somebody, "--out", tmp_path / "f.avi")[1]
    assert "no folder" in animate(run.folder, "--driver", somebody, "--out", tmp_path / "none" / "f.gif")[1]
    assert "choose 'home' or 'work'" in animate(run.folder, "--driver", "0", "--target", "pub")[1]
    (tmp_path / "study.json").write_text("{}")
    assert "holds a study" in animate(tmp_path, "--driver", "0")[1]
    assert "not a finished result folder" in animate(tmp_path / "nothing", "--driver", "0")[1]
