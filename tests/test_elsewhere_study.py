"""The study of traffic from elsewhere: its figures on a small town, and how towns are put together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from experiments.elsewhere_report import CSV, RATIO, WANTED, holds, pooled, tables
from experiments.elsewhere_study import COLUMNS, LAYOUTS, Town, main, mass_near, study
from experiments.sumo_town import main as make_a_town
from simulator.adversary.posterior import Posterior


def frame(*rows: tuple[str, str, str, int, float, float, float]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=COLUMNS, orient="row")


def test_mass_near_is_a_sum_over_places_on_the_map() -> None:
    rng = np.random.default_rng(4)
    n, top = 300, 40
    posterior = Posterior(
        edge=np.where(rng.random(n) < 0.1, -1, np.arange(n)).astype(np.int32),
        x_m=rng.uniform(0, 2_000, n), y_m=rng.uniform(0, 2_000, n),
        area_m2=np.ones(n), prior=np.full(n, 1 / n),
        place=np.where(rng.random((9, 2, top)) < 0.1, -1, rng.integers(0, n, (9, 2, top))).astype(np.int32),
        mass=rng.random((9, 2, top)).astype(np.float32), none=np.zeros((9, 2), np.float32),
    )  # fmt: skip
    x, y = rng.uniform(0, 2_000, (2, 9))
    slow = [
        sum(
            posterior.mass[i, 1, j]
            for j in range(top)
            if (p := posterior.place[i, 1, j]) >= 0
            and posterior.edge[p] >= 0
            and np.hypot(posterior.x_m[p] - x[i], posterior.y_m[p] - y[i]) <= 500
        )
        for i in range(9)
    ]
    np.testing.assert_allclose(mass_near(posterior, x, y), slow, rtol=1e-6)
    assert max(slow) > 0


def test_towns_are_pooled_as_clusters() -> None:
    shares = frame(*(("main", f"town-{i}", "bayes", 100 * i, 0.7 + 0.02 * i, 0, 1) for i in (1, 2, 3)))
    value, low, high = pooled(shares)
    assert value == pytest.approx((72 + 148 + 228) / 600)
    assert low < value < high
    # Towns that differ by far more than chance make a wide interval; a single one, Wilson's.
    apart = frame(*(("main", f"town-{i}", "bayes", 1_000, v, 0, 1) for i, v in enumerate((0.2, 0.8, 0.5))))
    assert pooled(apart)[1] < 0.2 and pooled(apart)[2] > 0.8
    one = pooled(apart.head(1))
    exact = stats.binomtest(200, 1_000).proportion_ci(method="wilson")
    assert one[1:] == pytest.approx((exact.low, exact.high), abs=1e-3)
    ratios = frame(
        *(("main", f"town-{i}", RATIO, 900, v, v - 1, v + 1) for i, v in enumerate((3.0, 4.0, 5.0)))
    )
    t = stats.ttest_1samp(np.log([3.0, 4.0, 5.0]), 0.0).confidence_interval()
    assert pooled(ratios) == pytest.approx((60 ** (1 / 3), np.exp(t.low), np.exp(t.high)))
    assert all(np.isnan(pooled(frame(("main", "town-1", "home: of these right", 0, None, None, None)))))


def test_what_holds_by_more_than_chance_is_told_from_what_may_not() -> None:
    assert holds((4.5, 4.2, 4.8), 4.0) == "yes"
    assert holds((4.1, 3.8, 4.4), 4.0) == "yes, within the error"
    assert holds((3.9, 3.6, 4.2), 4.0) == "no, within the error"
    assert holds((3.0, 2.8, 3.2), 4.0) == "**no**"
    assert holds((0.5, 0.4, 0.6), None) == holds((np.nan,) * 3, 4.0) == "–"


def test_the_page_shows_every_town_and_layout_of_the_file() -> None:
    found, text = pl.read_csv(CSV, schema=COLUMNS), tables()
    assert set(found["layout"]) == set(LAYOUTS)
    assert found.group_by("layout").agg(pl.col("town").n_unique())["town"].min() >= 3
    assert WANTED.keys() <= set(found["figure"])
    for layout in LAYOUTS.values():
        assert layout.title[1:] in text
    for row in found.filter(pl.col("figure") == RATIO).iter_rows(named=True):
        assert f"{row['value']:.2f} ({row['low']:.2f}–{row['high']:.2f})" in text


def test_figures_of_a_small_town_add_up(tmp_path: Path) -> None:
    pytest.importorskip("sumolib", reason="sumolib is not installed; pip install sumolib")
    folder = tmp_path / "town-9"
    folder.symlink_to(Path(__file__).parent / "data" / "sumo", target_is_directory=True)
    towns, nothing = [Town(side=14, seed=9)], frame()
    (rows,) = study(tmp_path, layouts=["fixed-and-patrols"], towns=towns, seed=1, done=nothing)
    by = {r["figure"]: r for r in rows.iter_rows(named=True)}
    residents = by["bayes"]["n"]
    few, many = by["bayes, read on fewer than three days"], by["bayes, read on three days or more"]
    assert few["n"] + many["n"] == residents
    hits = sum(round(part["n"] * (part["value"] or 0.0)) for part in (few, many))
    assert hits == round(residents * by["bayes"]["value"])
    simple = by["median of first and last readers"]["value"]
    assert by[RATIO]["value"] == pytest.approx(by["bayes"]["value"] / simple)
    assert by["readers"]["value"] == round(by["km of primary road"]["value"]) + 1
    for target in ("home", "work"):
        held = [by[f"{target}: {q} sets hold"]["value"] for q in ("50%", "80%", "95%")]
        assert held == sorted(held)
    # What is there is not made again.
    assert not list(study(tmp_path, layouts=["fixed-and-patrols"], towns=towns, seed=1, done=rows))


def test_towns_that_cannot_be_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["--side", "4"], ["--drivers", "0"], ["--days", "-1"]):
        assert make_a_town([str(tmp_path / "town"), *wrong]) == 2
        assert "at least 10 junctions a side" in capsys.readouterr().err
    assert not (tmp_path / "town").exists()


def test_layouts_and_towns_that_are_none_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for wrong in (["--layout", "everywhere"], ["--town", "99"]):
        with pytest.raises(SystemExit):
            main([str(tmp_path), *wrong])
        assert "invalid choice" in capsys.readouterr().err
