"""A finished run in a notebook: its tables, its figures, one driver of it, and how it shows itself."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from experiments.notebook.driver import Driver
from experiments.notebook.folders import Kept, pandas_of
from experiments.notebook.shown import Html, card, facts, joined, link, note, table
from experiments.report_tables import on_all_days, share_words
from experiments.running import headline
from experiments.sweep.finished import holds_study
from experiments.words import attacker_title
from simulator.errors import ScenarioError, StudyError, TableError, did_you_mean
from simulator.manifest import Manifest, read_manifest
from simulator.privacy.criteria import DISTANCES_M
from simulator.run import load_run
from simulator.scenario import Scenario
from simulator.scenario_file import scenario_from_dict
from simulator.tables import ADDED_TABLES, SCHEMAS, read_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from simulator.run import Run as EngineRun


class Run(Kept):
    """A finished run.

    Tables are attributes, read when first asked for: ``run.outcomes``, ``run.drivers``, ``run.cameras`` ...
    (all: ``run.tables``, their columns: docs/tables.md). They are polars frames.

    Parameters
    ----------
    folder
        A folder that a run wrote.
    temporary
        Remove the folder when this object goes.

    Raises
    ------
    TableError, StudyError
        If the folder holds no finished run, or one of another version.
    """

    def __init__(self, folder: str | Path, *, temporary: bool = False) -> None:
        path = Path(folder)
        if holds_study(path):
            raise StudyError(f"{path} holds a study, not a run; open it with open_study.")
        self.manifest: Manifest = read_manifest(path)
        self._frames: dict[str, pl.DataFrame] = {}
        self._keep(path, temporary=temporary)

    @cached_property
    def scenario(self) -> Scenario:
        """What was simulated."""
        return scenario_from_dict(self.manifest.scenario, where=f"the scenario in {self.folder}")

    @property
    def seed(self) -> int:
        """The root seed: the same run again is ``run(..., seed=this)``."""
        return self.manifest.seed

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables that the folder holds."""
        there = {*self.manifest.tables, *ADDED_TABLES}
        return tuple(n for n in SCHEMAS if n in there and (self.folder / f"{n}.parquet").is_file())

    def table(self, name: str) -> pl.DataFrame:
        """Return a table as a polars frame.

        Raises
        ------
        TableError
            If there is no such table, with the nearest names, or its file is missing or torn.
        """
        if name not in self._frames:
            if name in ("sightings", "trips") and name not in self.manifest.tables:
                raise TableError(
                    f"This run did not keep its {name}; make it with tables=['{name}'] (--tables {name})."
                )
            if name not in self.manifest.tables and name not in self.tables:
                raise TableError(f"This run has no table '{name}'. {did_you_mean(name, self.tables)}")
            self._frames[name] = read_table(name, self.folder / f"{name}.parquet")
        return self._frames[name]

    def pandas(self, name: str) -> object:
        """Return a table as a pandas frame; needs the extra ``notebook``."""
        return pandas_of(self.table(name))

    if TYPE_CHECKING:
        # For editors: the tables that every run has.
        @property
        def places(self) -> pl.DataFrame: ...
        @property
        def drivers(self) -> pl.DataFrame: ...
        @property
        def cameras(self) -> pl.DataFrame: ...
        @property
        def beliefs(self) -> pl.DataFrame: ...
        @property
        def outcomes(self) -> pl.DataFrame: ...
        @property
        def summary(self) -> pl.DataFrame: ...

    def __getattr__(self, name: str) -> pl.DataFrame:
        if name in SCHEMAS:
            return self.table(name)
        if name.startswith("_"):  # what notebooks and copy ask every object for
            raise AttributeError(name)
        raise AttributeError(
            f"A run has no '{name}'. {did_you_mean(name, set(dir(self)) - set(dir(object)))}"
        )

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(self.tables if "manifest" in self.__dict__ else ())})

    @cached_property
    def engine(self) -> EngineRun:
        """The engine's own record of the run, with its streets: :class:`simulator.Run`."""
        return load_run(self.folder)

    def figures(self) -> tuple[str, ...]:
        """Return the names of the standard figures that this run has something for."""
        from experiments.figures import figures_of

        return figures_of(self.engine)

    def figure(
        self, name: str = "homes-known", *, driver: int | None = None, style: str | None = None
    ) -> Figure:
        """Draw a standard figure.

        Parameters
        ----------
        name
            One of :meth:`figures`.
        driver
            Whom ``"map"`` and ``"belief-on-the-map"`` are about; a telling driver if left out. A map can be
            drawn of anybody, a belief of those in ``run.example_beliefs``.
        style
            ``"screen"``, ``"print"`` (a column of a paper) or ``"projection"`` (a lecture hall); see
            :func:`experiments.figures.house_style`. That of the block around, or ``"screen"``, if left out.

        Returns
        -------
        matplotlib.figure.Figure
            Shows itself in notebooks; ``figure.savefig("file.pdf")`` writes it.

        Raises
        ------
        ScenarioError
            If there is no such figure, or style, with the nearest names, or not of that driver.
        """
        from experiments.figures import draw_figure, house_style

        if driver is not None and name == "map":
            return self.driver(driver).figure(style=style)
        with house_style(style):
            return draw_figure(self.engine, name, driver=driver)

    def known(
        self,
        *,
        radius_m: int = 250,
        target: str = "home",
        for_good: bool = False,
        attacker: str | None = None,
        day: int | None = None,
    ) -> pl.DataFrame:
        """Return the share of residents whose home or work place is known, by attacker and day.

        Kaplan-Meier estimates with 95% intervals, as in the table ``summary``.

        Parameters
        ----------
        radius_m
            How near a guess must be, metres: 100, 250, 500 or 1000.
        target
            ``"home"`` or ``"work"``.
        for_good
            Count a place only once all later guesses are right, too.
        attacker, day
            Only this attacker, or day; all if left out.

        Returns
        -------
        polars.DataFrame
            ``attacker, day, drivers, share, share_low, share_high, median_days, median_days_low,
            median_days_high``, the best attacker of the last day first.

        Raises
        ------
        ScenarioError
            If a radius, target, attacker or day is not in the summary; the message says which are.
        """
        _among("radius_m", radius_m, DISTANCES_M)
        rows = self.table("summary").cast({"target": pl.String, "attacker": pl.String})
        _among("target", target, ("home", "work", "both"))
        criterion = f"within-{radius_m}m" + ("-for-good" if for_good else "")
        rows = rows.filter((pl.col("target") == target) & (pl.col("criterion").cast(pl.String) == criterion))
        rows = on_all_days(rows)
        best = rows.filter(pl.col("day") == pl.col("day").max()).sort(
            "share", "attacker", descending=[True, False]
        )["attacker"]
        if attacker is not None:
            _among("attacker", attacker, best)
            rows = rows.filter(pl.col("attacker") == attacker)
        if day is not None:
            _among("day", day, rows["day"].unique().sort())
            rows = rows.filter(pl.col("day") == day)
        place = {name: i for i, name in enumerate(best)}
        return rows.sort(
            pl.col("attacker").replace_strict(place, return_dtype=pl.Int32), "day", maintain_order=True
        ).select("attacker", "day", "drivers", "^share.*$", "^median_days.*$")

    @property
    def finding(self) -> str:
        """What the best attacker knows by the last day, in a sentence for each target."""
        said = [line for target in ("home", "work") for line in headline(self.table("summary"), target)]
        return " ".join(said) or "Nobody was attacked, or nobody lives here."

    def driver(self, number: int) -> Driver:
        """Return one simulated driver: the truth, what was read, what was believed.

        Raises
        ------
        ScenarioError
            If there is no such driver; the message says how they are numbered.
        """
        return Driver(self, number)

    def report(self, out: str | Path | None = None, *, drivers: int = 4) -> Path:
        """Write the page that explains this run, as ``platetrail report`` does, and return its path.

        Raises
        ------
        TableError
            If the page cannot be written.
        """
        from experiments.report.command import report

        if out is None and self.temporary:
            raise TableError(
                "This run lies in a temporary folder: name a file for its page, as out='page.html'."
            )
        to = None if out is None else Path(out)
        return report(self.folder, out=to, n_drivers=drivers, progress=lambda stage, done: None)

    def __repr__(self) -> str:
        where = "" if self.temporary else f" in {self.folder}"
        return (
            f"<Run of '{self.scenario.id}'{where}: seed {self.seed}, {self.drivers.height:,} drivers, "
            f"{self.scenario.days:,} days, {self.cameras.height:,} readers. {self.finding}>"
        )

    def _repr_html_(self) -> str:
        drivers, scenario = self.drivers, self.scenario
        residents = drivers.filter(pl.col("kind").cast(pl.String) == "resident").height
        reads = int(self.table("camera_reads")["reads"].sum())
        again = f", replicate {self.manifest.replicate}" if self.manifest.replicate else ""
        rows: list[tuple[str, str | Html]] = [
            ("Scenario", scenario.id),
            ("Seed", f"{self.seed}{again}"),
            ("Drivers", f"{drivers.height:,} simulated, {residents:,} of them residents"),
            ("Days", f"{scenario.days:,}"),
            ("Readers", self._readers()),
            ("Reads", f"{reads:,}" if reads else "none: nothing was ever read"),
            ("Folder", "temporary; run.save('folder') keeps it" if self.temporary else str(self.folder)),
            ("Tables", joined(self._table_links())),
        ]
        return card(scenario.title, scenario.question, facts(rows), *self._shares())

    def _readers(self) -> str:
        kinds = (
            self.cameras["kind"]
            .cast(pl.String)
            .value_counts(sort=True)
            .sort("count", "kind", descending=True)
        )
        return ", ".join(f"{count} {kind}" for kind, count in kinds.iter_rows()) or "none"

    def _table_links(self) -> list[str | Html]:
        if self.temporary:
            return list(self.tables)
        return [link(self.folder / f"{name}.parquet", name) for name in self.tables]

    def _shares(self) -> list[Html]:
        homes, works = (
            self.known(target=t).filter(pl.col("day") == pl.col("day").max()) for t in ("home", "work")
        )
        if not homes.height:
            return [note("Nobody was attacked, or nobody lives here.")]
        of_work = {row["attacker"]: row for row in works.iter_rows(named=True)}
        rows = [
            (
                attacker_title(row["attacker"]),
                share_words(row),
                f"> {row['day']}" if row["median_days"] is None else f"{row['median_days']:.0f}",
                share_words(of_work.get(row["attacker"])),
            )
            for row in homes.iter_rows(named=True)
        ]
        head = ("Attacker", "Homes, %", "half known by day", "Work places, %")
        caption = f"Had within 250 m at some checkpoint up to day {homes['day'][0]} (95% interval)"
        return [table(caption, head, rows), note("Every driver is simulated.")]


def _among(what: str, value: object, choices: Iterable[object]) -> None:
    found = list(choices)
    if value not in found:
        raise ScenarioError(f"No {what} {value!r} here. {did_you_mean(str(value), map(str, found))}")
