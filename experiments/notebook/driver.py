"""One simulated driver in a notebook: the truth, what was read, what attackers believed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from experiments.notebook.shown import Html, card, facts, table
from experiments.words import SCHEDULE_WORDS, attacker_title
from simulator.errors import ScenarioError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from experiments.notebook.run import Run


class Driver:
    """One driver of a run; nobody real.

    Parameters
    ----------
    run
        The run.
    number
        ``driver_id``.

    Raises
    ------
    ScenarioError
        If there is no such driver.
    """

    def __init__(self, run: Run, number: int) -> None:
        last = run.drivers.height - 1
        if not 0 <= number <= last:
            raise ScenarioError(
                f"There is no driver {number} in this run: drivers are numbered 0 to {last}."
                if last >= 0
                else "This run has no drivers."
            )
        self.run, self.number = run, number

    @cached_property
    def truth(self) -> dict[str, Any]:
        """The row of ``drivers``: kind, schedule, where home and work place are."""
        return self.run.drivers.row(by_predicate=pl.col("driver_id") == self.number, named=True)

    @cached_property
    def beliefs(self) -> pl.DataFrame:
        """Rows of ``beliefs``: what each attacker believed at each checkpoint."""
        return self.run.beliefs.filter(pl.col("driver_id") == self.number)

    @cached_property
    def outcomes(self) -> pl.DataFrame:
        """Rows of ``outcomes``: after how many days and sightings each attacker knew."""
        return self.run.outcomes.filter(pl.col("driver_id") == self.number)

    @cached_property
    def sightings(self) -> pl.DataFrame:
        """All reads of the driver's plate: ``time_s, day, hour, camera_id, x_m, y_m``.

        Taken from the run's tables where they hold them, else made again, which takes some seconds.
        """
        run = self.run
        if "sightings" in run.tables:
            reads = run.table("sightings").filter(pl.col("plate") == self.truth["plate"])
        else:
            kept = run.table("example_sightings").filter(pl.col("driver_id") == self.number)
            reads = kept if kept.height else self._captured_again()
        return (
            reads.sort("time_s")
            .with_columns(
                (pl.col("time_s") // 86_400 + 1).cast(pl.Int32).alias("day"),
                (pl.col("time_s") % 86_400 / 3_600).alias("hour"),
            )
            .select("time_s", "day", "hour", "camera_id", "x_m", "y_m")
        )

    def figure(self, name: str = "map", *, style: str | None = None) -> Figure:
        """Draw the driver on the map; ``"belief-on-the-map"`` for those in ``run.example_beliefs``.

        Styles are those of :meth:`Run.figure`.
        """
        from experiments.figures import draw_figure, draw_map_of, house_style

        with house_style(style):
            if name == "map":
                reads = self.sightings.with_columns(driver_id=pl.lit(self.number))
                return draw_map_of(self.run.engine, self.number, reads)
            return draw_figure(self.run.engine, name, driver=self.number)

    def _captured_again(self) -> pl.DataFrame:
        from simulator.recapture import recapture
        from simulator.streams import replicate_seed
        from simulator.world import build_world

        engine = self.run.engine
        world = build_world(
            engine.scenario,
            replicate_seed(engine.seed, engine.replicate),
            lambda stage, done: None,
            city=engine.city,
        )
        plate = np.array([self.truth["plate"]], dtype=np.uint32)
        reads = recapture(world, plates=plate, keep_trips=False).sightings
        return pl.DataFrame(
            {"time_s": reads.time_s, "camera_id": reads.camera_id, "x_m": reads.x_m, "y_m": reads.y_m}
        )

    def __repr__(self) -> str:
        truth = self.truth
        return f"<Driver {self.number} of '{self.run.scenario.id}': {truth['kind']}, {self._schedule()}>"

    def _repr_html_(self) -> str:
        truth = self.truth
        rows: list[tuple[str, str | Html]] = [("Kind", str(truth["kind"])), ("Schedule", self._schedule())]
        rows += [
            (name, f"at x {truth[f'{key}_x_m']:,.0f} m, y {truth[f'{key}_y_m']:,.0f} m")
            for name, key in (("Home", "home"), ("Work place", "work"))
            if truth[f"{key}_x_m"] is not None
        ]
        chosen = self.outcomes.filter(
            (pl.col("criterion").cast(pl.String) == "within-250m")
            & (pl.col("target").cast(pl.String) == "home")
        ).sort("observed", "days", descending=[True, False])
        found = [
            (
                attacker_title(str(row["attacker"])),
                f"{row['days']}" if row["observed"] else f"not by {row['days']}",
                f"{row['sightings']:,}",
            )
            for row in chosen.iter_rows(named=True)
        ]
        parts = [table("Home first guessed within 250 m", ("Attacker", "by day", "reads by then"), found)]
        return card(f"Driver {self.number} (simulated)", "", facts(rows), *(parts if found else []))

    def _schedule(self) -> str:
        schedule = str(self.truth["schedule"])
        return SCHEDULE_WORDS.get(schedule, schedule)
