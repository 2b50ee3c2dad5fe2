"""Published yardsticks: what holds is decided as said, and every one of them can be measured."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from experiments.cli import app
from experiments.figures.validation import places_in_band, plot_places_in_band
from experiments.validation.checks import Check, Size, bootstrap, over_replicates, plain, share
from experiments.validation.crowds import _equal_areas, _favourites
from experiments.validation.links import _quarters
from experiments.validation.report import cells_of, validation_table
from experiments.validation.worlds import Context, dense_tracks
from experiments.validation.yardsticks import YARDSTICKS, chosen, measure, verdicts
from simulator.adversary.linking.zone_ends import zone_centre
from simulator.errors import ScenarioError
from simulator.people.drivers import DriverKind

ALL = ["V1", "V2", "V3", "V7", "V11", "V12", "V13", "V14", "V15"]


def test_a_figure_holds_if_it_lies_in_its_band_and_is_judged_at_all() -> None:
    def check(ours: float, low: float = math.nan, high: float = math.nan) -> Check:
        return Check(id="V1", what="x", published=1.0, value=plain(ours), accept_low=low, accept_high=high)

    assert check(5.0).holds is None
    assert check(5.0, 1.0, 5.0).holds and check(5.0, 5.0, math.inf).holds
    assert check(0.9, 1.0, 5.0).holds is False
    assert check(math.nan, 0.0, 1.0).holds is False


def frame(*rows: tuple[str, float | None, float | None, float, bool | None]) -> pl.DataFrame:
    columns = ("id", "accept_low", "accept_high", "ours", "holds")
    data = [dict(zip(columns, row, strict=True)) | {"what": "x", "published": 1.0, "low": 0.5, "high": 2.0}
            for row in rows]  # fmt: skip
    return pl.DataFrame(data, schema_overrides={"holds": pl.Boolean})


def test_a_yardstick_holds_if_all_of_its_judged_figures_do() -> None:
    figures = frame(
        ("V1", 0.0, 2.0, 1.0, True),
        ("V1", None, None, 9.0, None),
        ("V2", 0.0, 2.0, 1.0, True),
        ("V2", 0.0, 2.0, 9.0, False),
    )
    assert verdicts(figures) == {"V1": True, "V2": False}
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(validation_table(figures))
    text = console.export_text()
    assert "1 of 2 published yardsticks hold" in text and "NO" in text


def test_bands_are_written_as_people_would() -> None:
    def accepted(low: float | None, high: float | None, holds: bool | None = True) -> str:
        return cells_of({"what": "x", "published": None, "accept_low": low, "accept_high": high, "ours": 1.0,
                         "low": None, "high": None, "holds": holds})[2]  # type: ignore[typeddict-item, dict-item]  # fmt: skip

    assert accepted(0.95, 1.0) == "0.95 to 1"
    assert accepted(500.0, math.inf) == "≥ 500"
    assert accepted(1e-9, 1.0) == "> 0" and accepted(-1.0, -1e-9) == "< 0"
    assert accepted(1.0, 1.0) == "1"
    assert accepted(None, None, None) == "–"


def test_the_figure_puts_the_band_from_nought_to_one() -> None:
    data = places_in_band(
        frame(
            ("V1", 2.0, 4.0, 3.0, True),
            ("V2", 1.0, math.inf, 5.0, True),
            ("V2", 1e-9, 1.0, 0.5, True),
            ("V3", None, None, 1.0, None),
            ("V7", 0.0, 1.0, 9.0, False),
        )
    )
    assert data["at"].to_list() == [0.5, 9.0]
    assert data["published"].to_list() == [-0.5, 1.0]
    ax = plot_places_in_band(data)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["V1  x", "V7  x"]


def test_intervals() -> None:
    assert share(0, 0).ours != share(0, 0).ours
    half = share(50, 100)
    assert half.low < 0.5 < half.high
    sample = np.random.default_rng(1).exponential(1.0, 400)
    by = bootstrap(sample, np.median, seed=1, name="x")
    # The median of 400 exponentials has a standard error of 1 / sqrt(400).
    assert by.high - by.low == pytest.approx(2 * 1.96 * 0.05, rel=0.35)
    assert bootstrap(sample, np.median, seed=1, name="x") == by
    three = over_replicates([1.0, 2.0, 3.0])
    # Student's 97.5% quantile of 2 degrees of freedom is 4.303 (tables), the standard error 1 / sqrt(3).
    assert (three.ours, three.high) == (2.0, pytest.approx(2 + 4.303 / math.sqrt(3), abs=1e-3))


def test_areas_have_equally_many_residents() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.exponential(1.0, (2, 4_000))
    residents = rng.integers(0, 4_000, 3_200)
    area = _equal_areas(x, y, residents, 4)
    count = np.bincount(area[residents], minlength=16)
    assert len(count) == 16 and count.min() > 180 and count.max() < 220


def test_favourite_places_and_quarters_by_hand() -> None:
    person = np.array([0, 0, 0, 1, 1, 1, 1, 3])
    place = np.array([5, 5, 2, 7, 7, 4, 1, 9])
    assert _favourites(person, place, 4, 2).tolist() == [[5, 2], [7, 1], [-1, -1], [9, -1]]
    # Within each number of reads the four ranks spread over the four quarters, whatever their values.
    assert _quarters(np.array([9.0, 1, 3, 2, 80, 90, 60, 70]), np.array([1] * 4 + [5] * 4)).tolist() == [
        3, 0, 2, 1, 2, 3, 0, 1,
    ]  # fmt: skip


def test_a_zone_is_undone_where_its_circle_is_the_only_one() -> None:
    doors = np.array(
        [(x, y) for x in range(-1_000, 1_001, 50) for y in range(-1_000, 1_001, 50)], dtype=float
    )
    home, radius = np.array([150.0, -50.0]), 400.0
    angle = np.array([0.3, 2.0, 4.4])
    cuts = home + (radius + 5.0) * np.column_stack([np.cos(angle), np.sin(angle)])
    beyond = home + 700.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    radii = np.array([200.0, 400.0, 600.0])
    door, found_radius, misfit = zone_centre(cuts, np.vstack([cuts, beyond]), doors, radii, step_m=10.0)
    assert doors[door].tolist() == home.tolist() and found_radius == radius and misfit < 1e-6
    # A track seen through the middle of a zone rules that zone out.
    through = np.vstack([cuts, home[None, :]])
    again, _, worse = zone_centre(cuts, through, doors, radii, step_m=10.0)
    assert again != door and worse > misfit
    assert zone_centre(cuts[:0], cuts, doors, radii, step_m=10.0)[0] == -1


@pytest.fixture(scope="module")
def small() -> Context:
    return Context(Size(small=True), 1)


def test_dense_tracks_lie_on_the_drives(small: Context) -> None:
    world = small.city_world
    tracks = dense_tracks(world, residents=8, days=3, spacing_m=50.0, gps_m=0.0)
    assert (world.drivers.kind[tracks.drivers] == DriverKind.RESIDENT).all() and len(tracks.drivers) == 8
    trips, trip = tracks.trips, tracks.trip
    assert (trips.driver[trip] == tracks.drivers[tracks.driver]).all()
    assert (tracks.time_s >= trips.depart_s[trip] - 1e-6).all()
    assert (tracks.time_s <= trips.arrive_s[trip] + 1e-6).all()
    # Points of one drive are no farther apart than was driven, and the first is near where it began.
    inside = np.diff(trip) == 0
    assert np.hypot(np.diff(tracks.x_m), np.diff(tracks.y_m))[inside].max() <= 50.0 + 1e-6
    first = np.flatnonzero(np.diff(trip, prepend=-1))
    start = trips.from_place[trip[first]]
    on_map = world.places.edge[start] >= 0
    off = np.hypot(tracks.x_m[first] - world.places.x_m[start], tracks.y_m[first] - world.places.y_m[start])
    assert on_map.any() and off[on_map].max() <= 50.0 + 1e-6


def test_an_unknown_yardstick_is_named_with_the_nearest() -> None:
    assert [y.id for y in chosen(None)] == ALL == list(YARDSTICKS)
    assert [y.id for y in chosen("v3, V2")] == ["V2", "V3"]
    with pytest.raises(ScenarioError, match="no yardstick 'V33'"):
        chosen("V33")
    result = CliRunner().invoke(app, ["validate", "--only", "W2"])
    assert result.exit_code == 2 and "no yardstick 'W2'" in result.output


def test_the_command_measures_every_yardstick_and_writes_the_table(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    result = CliRunner().invoke(app, ["validate", "--quick", "--quiet", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "too small to judge" in result.output
    figures = pl.read_csv(out / "validation.csv")
    assert figures["id"].unique(maintain_order=True).to_list() == ALL
    assert {"id", "published", "ours", "low", "high", "holds"} <= set(figures.columns)
    assert (out / "validation.png").stat().st_size > 10_000
    judged = figures.filter(pl.col("holds").is_not_null())
    again = (judged["ours"] >= judged["accept_low"]) & (judged["ours"] <= judged["accept_high"])
    assert (again == judged["holds"]).all()


def test_the_same_seed_gives_the_same_figures() -> None:
    some = chosen("V2,V14")
    assert measure(some, small=True, seed=4).equals(measure(some, small=True, seed=4))
