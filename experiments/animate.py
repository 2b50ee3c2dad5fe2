"""The command ``animate``: the adversary closing in on one driver, as a film (MP4 or GIF)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from experiments.figures.map import draw_readers, draw_streets
from experiments.figures.style import PALETTE, house_style, new_figure
from experiments.report.areas import streets_as_areas
from experiments.report.cases import AS_SIMULATED, CaseRunner, cases_of
from experiments.report.charts import BELIEF_WIDTHS, THEMES
from experiments.report.stories import Frame, frame_days, some_truth, story_of
from experiments.report.town import street_of_edge
from experiments.sweep.folder import STUDY_FILE
from experiments.words import TARGET_WORD
from simulator.errors import ScenarioError, StudyError, TableError
from simulator.manifest import MANIFEST
from simulator.recapture import recapture
from simulator.roads.city import City
from simulator.run import Run, load_run
from simulator.sightings.view import DAY_S
from simulator.streams import replicate_seed
from simulator.world import build_world

Progress = Callable[[str, float], None]
_DOTS_PER_INCH = 100
_TRUTH, _READ = "#006d52", PALETTE[0]


@dataclass(frozen=True, kw_only=True, eq=False)
class Film:
    """What is drawn, a frame a day.

    Parameters
    ----------
    city, cameras
        Streets, and the table of readers.
    driver_id, target
        Whose home or work place is looked for.
    days
        The days shown, shape (n,).
    frames
        The belief on each day.
    numbers
        Rows of ``beliefs``, a day each.
    reads
        ``day, until, x_m, y_m`` of the driver's reads.
    truth_m
        The true place, metres.
    """

    city: City
    cameras: pl.DataFrame
    driver_id: int
    target: str
    days: list[int]
    frames: list[Frame]
    numbers: pl.DataFrame
    reads: dict[str, NDArray[np.float64]]
    truth_m: tuple[float, float]


def animate(
    folder: Path, *, driver: int, target: str, out: Path | None, frames_per_s: float, progress: Progress
) -> tuple[Path, str]:
    """Write the film of one driver; return the file and who wrote it.

    Parameters
    ----------
    folder
        A folder that a run wrote.
    driver
        Number of the driver.
    target
        "home" or "work".
    out
        A file that ends in ``.mp4`` or ``.gif``; in the run's ``figures/`` if left out, as MP4 where ffmpeg
        is present, else as GIF.
    frames_per_s
        Days a second.
    progress
        Called with a stage and the part of it that is done.

    Raises
    ------
    TableError, StudyError
        If the folder holds no finished run, or the film cannot be written.
    ScenarioError
        If there is no such driver, target or place.
    """
    if target not in ("home", "work"):
        raise ScenarioError(f"--target {target}: choose 'home' or 'work'.")
    if (folder / STUDY_FILE).is_file() and not (folder / MANIFEST).is_file():
        raise StudyError(
            f"{folder} holds a study, whose cells keep no reads to film. Give the folder of a run; "
            "'platetrail report' makes a page of a study."
        )
    run = load_run(folder)
    check_driver(run, driver, target)
    path, writer = _writer(folder, driver, target, out, frames_per_s)
    film = film_of(run, driver, target, progress)
    with house_style():
        _write(film, path, writer, progress)
    return path, "ffmpeg" if isinstance(writer, FFMpegWriter) else "Pillow"


def check_driver(run: Run, driver: int, target: str) -> None:
    """Refuse a driver who does not exist, or has no such place on the map.

    Raises
    ------
    ScenarioError
        Naming the range, or drivers who have one.
    """
    people = run.drivers.filter(pl.col("kind").cast(pl.String) != "car-free")
    if not 0 <= driver < people.height:
        raise ScenarioError(
            f"There is no driver {driver} in this run: drivers are numbered 0 to {people.height - 1}."
        )
    if not people.filter(pl.col("driver_id") == driver)[f"{target}_on_map"][0]:
        some = people.filter(f"{target}_on_map")["driver_id"].head(5).to_list()
        whom = ", ".join(map(str, some)) or "nobody"
        raise ScenarioError(f"Driver {driver} has no {TARGET_WORD[target]} on the map; {whom} ... have one.")


def film_of(run: Run, driver: int, target: str, progress: Progress) -> Film:
    """Work out what the adversary believes about one driver day by day."""
    world = build_world(run.scenario, replicate_seed(run.seed, run.replicate), progress, city=run.city)
    chosen = np.array([driver], dtype=np.int64)
    taken = recapture(world, progress, plates=world.drivers.plate[chosen], keep_trips=False)
    days = frame_days(run.scenario.days, run.scenario.checkpoints())
    case = next(c for c in cases_of(world) if c.key == AS_SIMULATED)
    story = story_of(CaseRunner(taken), world, streets_as_areas(run.city.network), case, chosen, days)
    truth, view = some_truth(world, chosen), story.view
    return Film(
        city=run.city,
        cameras=run.cameras,
        driver_id=driver,
        target=target,
        days=days,
        frames=story.frames[target][0],
        numbers=story.beliefs.filter(pl.col("target").cast(pl.String) == target).sort("day"),
        reads={
            "day": (view.time_s // DAY_S + 1).astype(np.float64),
            "until": ((view.expires_s - 1) // DAY_S).astype(np.float64),
            "x_m": view.x_m.astype(np.float64),
            "y_m": view.y_m.astype(np.float64),
        },
        truth_m=(float(getattr(truth, f"{target}_x_m")[0]), float(getattr(truth, f"{target}_y_m")[0])),
    )


def _writer(
    folder: Path, driver: int, target: str, out: Path | None, frames_per_s: float
) -> tuple[Path, AbstractMovieWriter]:
    """Return where the film goes and what writes it, before any work is done."""
    has_ffmpeg = FFMpegWriter.isAvailable()
    if out is None:
        ending = ".mp4" if has_ffmpeg else ".gif"
        out = folder / "figures" / f"driver-{driver}-{target}{ending}"
        try:
            out.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise TableError(f"{out.parent} cannot be made: {error}. Name a file with --out.") from error
    if out.suffix not in (".mp4", ".gif"):
        raise ScenarioError(f"{out}: a film ends in .mp4 or .gif.")
    if out.suffix == ".mp4" and not has_ffmpeg:
        raise ScenarioError(f"{out}: MP4 needs ffmpeg, which is not installed. Install it, or name a .gif.")
    if not out.parent.is_dir():
        raise TableError(f"There is no folder {out.parent} to write {out.name} to; make it first.")
    if not os.access(out.parent, os.W_OK):
        raise TableError(f"{out.parent} cannot be written to; name another place with --out.")
    if out.suffix == ".mp4":
        # Even sizes and this pixel format play everywhere.
        return out, FFMpegWriter(fps=frames_per_s, codec="h264", extra_args=["-pix_fmt", "yuv420p"])  # type: ignore[arg-type]
    return out, PillowWriter(fps=frames_per_s)  # type: ignore[arg-type]


def _write(film: Film, path: Path, writer: AbstractMovieWriter, progress: Progress) -> None:
    figure = new_figure(12.8, 7.2)
    show = _stage(figure, film)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        with writer.saving(figure, str(partial), _DOTS_PER_INCH):
            for k in range(len(film.days)):
                show(k)
                writer.grab_frame()
                progress("figures", k / len(film.days))
        os.replace(partial, path)
    except (OSError, subprocess.CalledProcessError) as error:
        raise TableError(f"The film {path} could not be written: {error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def _stage(figure: Figure, film: Film) -> Callable[[int], None]:
    """Draw what stays, and return a function that draws a day."""
    town, claimed, error = figure.subplot_mosaic(
        [["map", "claimed"], ["map", "error"]], width_ratios=[1.9, 1]
    ).values()
    network = film.city.network
    draw_streets(town, film.city)
    draw_readers(town, film.cameras)
    west, south, east, north = network.bounds_m
    pad = 0.03 * max(east - west, north - south)
    town.set(xlim=(west - pad, east + pad), ylim=(south - pad, north + pad), xticks=[], yticks=[])
    town.set_aspect("equal")
    town.grid(visible=False)
    for spine in town.spines.values():
        spine.set_visible(False)
    colors = THEMES["light"]["belief"]
    belief = LineCollection([], zorder=2)
    town.add_collection(belief, autolim=False)
    (reads,) = town.plot([], [], "o", color=_READ, markersize=7, zorder=4, label="read of this car")
    (guess,) = town.plot([], [], "X", color="black", markersize=13, zorder=6, label="the adversary's guess")
    town.plot(
        *film.truth_m, "*", color=_TRUTH, markersize=20, zorder=5, label="the truth, which it never sees"
    )
    town.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=3, fontsize=11, frameon=False)
    days = np.array(film.days)
    lines = _strips(film, claimed, error)
    title = figure.suptitle("", fontsize=17, x=0.02, ha="left")
    figure.text(
        0.99, 0.004, "All drivers are simulated (platetrail)", ha="right", va="bottom", fontsize=9.5,
        color="#666666",
    )  # fmt: skip
    figure.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))  # type: ignore[union-attr, call-arg]
    _, drawn = street_of_edge(network)
    points = np.column_stack([network.geometry_x_m, network.geometry_y_m])
    at = network.geometry_indptr

    def show(k: int) -> None:
        frame, row, day = film.frames[k], film.numbers.row(k, named=True), film.days[k]
        edges = drawn[frame.area]
        belief.set_segments([points[at[e] : at[e + 1]] for e in edges])
        belief.set_color([colors[s] for s in frame.step])
        belief.set_linewidth([1.2 * BELIEF_WIDTHS[s] for s in frame.step])
        seen = (film.reads["day"] <= day) & (film.reads["until"] >= day)
        reads.set_data(film.reads["x_m"][seen], film.reads["y_m"][seen])
        named = row["x_m"] is not None
        guess.set_data([row["x_m"]] if named else [], [row["y_m"]] if named else [])
        for column, line in lines.items():
            values = film.numbers[column].cast(pl.Float64).fill_nan(None).to_numpy()
            line.set_data(days[: k + 1], values[: k + 1])
        title.set_text(_words(day, film, row))

    return show


def _strips(film: Film, claimed: Any, error: Any) -> dict[str, Any]:
    last = film.days[-1]
    worst = film.numbers["error_m"].cast(pl.Float64).fill_nan(None).max()
    (sure,) = claimed.plot([], [], color=THEMES["light"]["belief"][4], drawstyle="steps-post")
    (off,) = error.plot([], [], color=_TRUTH, drawstyle="steps-post")
    claimed.set(xlim=(0, last), ylim=(0, 1.03), title="Certainty it claims")
    claimed.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    top = 1.08 * max(float(worst or 0.0), 300.0)  # type: ignore[arg-type]
    error.set(xlim=(0, last), ylim=(0, top), title="True distance of its guess (m)", xlabel="Day")
    return {"mass_within_250m": sure, "error_m": off}


def _words(day: int, film: Film, row: dict[str, Any]) -> str:
    n = row["sightings_seen"]
    head = f"Driver {film.driver_id}, day {day}, {n} read{'' if n == 1 else 's'}: "
    if row["x_m"] is None:
        return head + f"the adversary names no {TARGET_WORD[film.target]}"
    return (
        head + f"{row['mass_within_250m']:.0%} sure of the {TARGET_WORD[film.target]} within 250 m, "
        f"truly {row['error_m']:,.0f} m off"
    )
