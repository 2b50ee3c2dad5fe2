"""Each script of the gallery runs by itself and draws a figure; the page shows them all."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import matplotlib
import pytest

from experiments.figures import gallery
from experiments.figures.gallery.__main__ import main


# One test, so that one process makes the example run once.
def test_each_script_draws_a_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib.use("Agg")
    names = gallery.scripts()
    assert "homes_known" in names
    for name in names:
        out = tmp_path / f"{name}.png"
        monkeypatch.setattr(sys, "argv", [f"{name}.py", str(out)])
        runpy.run_module(f"{gallery.__name__}.{name}", run_name="__main__")
        assert out.read_bytes().startswith(b"\x89PNG"), name
        source = Path(gallery.__file__).with_name(f"{name}.py").read_text("utf-8")
        assert len(source.split('"""', 2)[2].strip().splitlines()) < 40, f"{name} is no short script"
    main(tmp_path / "page", ["homes_known"])
    page = (tmp_path / "page" / "index.md").read_text("utf-8")
    assert "![Homes known, day by day.](homes_known.png)" in page
    assert "known_curve(run.outcomes" in page
    assert "def example_run" in page
