"""Figures: what their tables say, and that every one of them is drawn and written whole."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import polars as pl
import pytest
from experiments_frames import ATTACKERS, DAYS, made_up_run
from matplotlib.figure import Figure

from experiments import figures
from experiments.figures.groups import telling_criterion
from experiments.figures.map import spread_out
from experiments.figures.statistics import quantile_with_unknown
from experiments.words import criterion_words
from simulator.errors import ScenarioError, TableError

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def run() -> SimpleNamespace:
    return made_up_run()


def test_known_curve_is_the_share_of_residents_found_by_then(run: SimpleNamespace) -> None:
    curve = figures.known_curve(run.outcomes, run.drivers)
    residents = run.drivers.filter(pl.col("kind") == "resident")["driver_id"]
    mine = run.outcomes.filter(
        (pl.col("attacker") == "longest-gap")
        & (pl.col("target") == "home")
        & pl.col("driver_id").is_in(residents.implode())
    )
    for day in DAYS:
        found = mine.filter(pl.col("observed") & (pl.col("days") <= day)).height / len(residents)
        row = curve.filter((pl.col("attacker") == "longest-gap") & (pl.col("day") == day))
        assert row["share"].item() == pytest.approx(found)
        assert row["low"].item() <= found <= row["high"].item()


def test_known_curve_starts_at_nothing_and_never_falls(run: SimpleNamespace) -> None:
    for _, line in figures.known_curve(run.outcomes, run.drivers, target="work").group_by("attacker"):
        share = line.sort("day")["share"].to_numpy()
        assert share[0] == 0
        assert (np.diff(share) >= 0).all()


def test_an_abstention_counts_as_infinitely_far() -> None:
    beliefs = pl.DataFrame(
        {
            "attacker": "a",
            "driver_id": [0, 1, 2, 3],
            "target": "home",
            "day": [7] * 4,
            "error_m": [10.0, 20.0, None, None],
        }
    )
    row = figures.error_over_time(beliefs).row(0, named=True)
    assert (row["drivers"], row["guessed"], row["q25_m"], row["median_m"]) == (4, 2, 10.0, 20.0)
    assert np.isnan(row["q75_m"])


@pytest.mark.parametrize(("q", "expected"), [(0.25, 1.0), (0.5, 2.0), (0.75, 3.0), (0.9, np.nan)])
def test_quantiles_among_the_unknown_are_unknown(q: float, expected: float) -> None:
    got = quantile_with_unknown(np.array([3.0, 1.0, 2.0]), q, unknown=1)
    assert got == pytest.approx(expected, nan_ok=True)


def test_sightings_per_day_uses_the_last_checkpoint_before_deletion(run: SimpleNamespace) -> None:
    kept = figures.sightings_per_day(run.beliefs, run.drivers)
    deleted = figures.sightings_per_day(run.beliefs, run.drivers, retention_days=20)
    assert kept["day"].unique().to_list() == [60]
    assert deleted["day"].unique().to_list() == [14]
    assert kept.height == run.drivers.height
    one = run.beliefs.filter((pl.col("driver_id") == 3) & (pl.col("day") == 60))["sightings_seen"].max()
    assert kept.filter(pl.col("driver_id") == 3)["per_day"].item() == pytest.approx(one / 60)


def test_days_by_group_shows_the_best_attacker_and_leaves_no_driver_uncounted(run: SimpleNamespace) -> None:
    table = figures.days_by_group(run.outcomes, run.drivers, smallest_group=1)
    assert set(table["attacker"]) == {ATTACKERS[-1]}
    assert table["drivers"].sum() == run.drivers.height
    late = table.filter(pl.col("share_known") < 0.5)
    assert late.height
    assert late["median"].is_nan().all()


def test_the_criterion_shown_by_group_is_the_strictest_that_tells_something(run: SimpleNamespace) -> None:
    at_250 = run.outcomes
    nobody = at_250.with_columns(observed=pl.lit(False))
    wider = at_250.with_columns(criterion=pl.lit("within-500m"))
    assert telling_criterion(at_250, target="home") == "within-250m"
    assert telling_criterion(pl.concat([nobody, wider]), target="home") == "within-500m"
    assert telling_criterion(nobody, target="home") == "within-1000m"


def test_the_map_gathers_one_drivers_sightings(run: SimpleNamespace) -> None:
    data = figures.map_of_driver(
        run.city,
        cameras=run.cameras,
        drivers=run.drivers,
        sightings=run.example_sightings,
        beliefs=run.beliefs,
        driver_id=2,
    )
    assert data.sightings["reads"].sum() == run.example_sightings.filter(pl.col("driver_id") == 2).height
    assert data.readers["kind"].to_list().count("patrol") == 0
    home = data.marks.filter(pl.col("attacker").is_null() & (pl.col("what") == "home")).row(0, named=True)
    assert home["x_m"] == run.drivers["home_x_m"][2]


def test_marks_in_one_place_are_spread_and_lone_ones_stay() -> None:
    x, y = np.array([0.0, 0.0, 0.0, 500.0]), np.array([0.0, 0.0, 1.0, 500.0])
    shown_x, shown_y = spread_out(x, y, gap=20.0)
    assert (shown_x[3], shown_y[3]) == (500.0, 500.0)
    apart = np.hypot(shown_x[:, None] - shown_x, shown_y[:, None] - shown_y)[np.triu_indices(4, 1)]
    assert (apart >= 20.0).all()
    assert np.hypot(shown_x - x, shown_y - y).max() < 50.0


@pytest.mark.parametrize("name", list(figures.FIGURES))
def test_each_figure_has_title_units_and_leaves_no_state(run: SimpleNamespace, name: str) -> None:
    before = dict(matplotlib.rcParams)
    with figures.house_style():
        figure = figures.FIGURES[name](run)
    assert isinstance(figure, Figure)
    for ax in figure.axes:
        assert ax.get_title(loc="left")
        if name not in ("map", "belief-on-the-map"):
            assert ax.get_xlabel()
    assert dict(matplotlib.rcParams) == before


def test_save_all_writes_every_figure_whole(run: SimpleNamespace, tmp_path: Path) -> None:
    paths = figures.save_all(run, tmp_path / "figures")
    assert [p.stem for p in paths] == list(figures.FIGURES)
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == sorted(p.name for p in paths)
    assert all(p.read_bytes().startswith(b"\x89PNG") for p in paths)


def test_a_run_in_which_nobody_is_seen_still_gets_its_figures(tmp_path: Path) -> None:
    run = made_up_run(drivers=30)
    run.cameras = run.cameras.head(0)
    run.example_sightings = run.example_sightings.head(0)
    gone = [pl.lit(None, dtype=pl.Float64).alias(c) for c in ("x_m", "y_m", "error_m")]
    run.beliefs = run.beliefs.with_columns(*gone, sightings_seen=pl.lit(0))
    run.outcomes = run.outcomes.with_columns(observed=pl.lit(False), days=pl.lit(60))
    assert len(figures.save_all(run, tmp_path)) == len(figures.FIGURES)


def test_a_folder_that_cannot_be_made_is_named(run: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(TableError, match="taken"):
        figures.save_all(run, tmp_path / "taken")


@pytest.mark.parametrize(
    ("criterion", "words"),
    [("within-250m", "within 250 m"), ("within-1000m-for-good", "within 1,000 m for good")],
)
def test_criteria_read_as_words(criterion: str, words: str) -> None:
    assert criterion_words(criterion) == words


@pytest.mark.parametrize("style", ["print", "projection"])
def test_every_figure_keeps_its_words_within_the_page_in_each_style(
    run: SimpleNamespace, tmp_path: Path, style: str
) -> None:
    size_in = {"print": 3.5, "projection": 13.333}[style]
    with figures.house_style(style):
        for name in figures.figures_of(run):
            figure = figures.draw_figure(run, name)
            figures.save_figure(figure, tmp_path / f"{name}.png")
            assert figure.get_figwidth() == pytest.approx(size_in)
            assert figure.get_figheight() < 10.0, name
            figure.draw_without_rendering()  # from the file's dots back to the figure's own
            page, clear = figure.bbox, 0.02 * figure.bbox.width
            for ax in figure.axes:
                for words in (ax.xaxis.label, ax.yaxis.label, ax._left_title, ax.get_legend()):  # type: ignore[attr-defined]
                    if words is None or (hasattr(words, "get_text") and not words.get_text()):
                        continue
                    box = words.get_window_extent()
                    assert box.x0 > page.x0 - clear and box.x1 < page.x1 + clear, (name, words)
                    assert box.y0 > page.y0 - clear and box.y1 < page.y1 + clear, (name, words)
                assert ax.get_position().height * figure.get_figheight() > 0.2 * size_in / len(figure.axes), (
                    name
                )


def test_a_figure_for_print_has_letters_that_journals_take_and_is_the_same_every_time(
    run: SimpleNamespace, tmp_path: Path
) -> None:
    files = []
    for name in ("once.pdf", "twice.pdf"):
        with figures.house_style("print"):
            figures.save_figure(figures.draw_figure(run, "homes-known"), tmp_path / name)
        files.append((tmp_path / name).read_bytes())
    assert files[0] == files[1]
    assert b"/FontFile2" in files[0]
    assert b"/Type3" not in files[0].replace(b" ", b"")


def test_styles_and_formats_that_do_not_exist_are_refused_by_name(
    run: SimpleNamespace, tmp_path: Path
) -> None:
    with pytest.raises(ScenarioError, match=r"'prnt'.*'print'"), figures.house_style("prnt"):
        pass
    with pytest.raises(TableError, match=r"\.png, \.pdf or \.svg"):
        figures.save_figure(figures.new_figure(), tmp_path / "figure.bmp")


def test_the_style_of_the_block_around_comes_back() -> None:
    with figures.house_style("projection"):
        with figures.house_style("print"):
            assert figures.new_figure().get_figwidth() == 3.5
        with figures.house_style():
            assert figures.new_figure().get_figwidth() == pytest.approx(13.333)
