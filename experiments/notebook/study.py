"""A finished study in a notebook: its tables, its finding, its figure, and how it shows itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from experiments.notebook.folders import Kept, pandas_of
from experiments.notebook.shown import Html, card, facts, note, table
from experiments.sweep.finished import read_study
from experiments.sweep.folder import RESULTS
from experiments.sweep.measures import measure_named
from experiments.sweep.report import finding, headline_rows, headline_title, interval
from simulator.errors import StudyError, TableError, did_you_mean
from simulator.manifest import MANIFEST

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Study(Kept):
    """A finished study: many runs on the same random numbers, compared.

    Parameters
    ----------
    folder
        A folder that ``platetrail sweep`` or :func:`platetrail.study` wrote.
    temporary
        Remove the folder when this object goes.

    Raises
    ------
    StudyError
        If the folder holds no finished study, or one of another version.
    """

    def __init__(self, folder: str | Path, *, temporary: bool = False) -> None:
        path = Path(folder)
        if (path / MANIFEST).is_file():
            raise StudyError(f"{path} holds a run, not a study; open it with open_run.")
        done = read_study(path)
        self.spec, self.scenario, self.software = done.study, done.scenario, done.software
        self._results = done.results
        self._keep(path, temporary=temporary)

    @property
    def results(self) -> pl.DataFrame:
        """Estimates with intervals: a row a combination of levels, measure, attacker, day."""
        return self._results.results

    @property
    def contrasts(self) -> pl.DataFrame:
        """Differences from the baseline, driver by driver."""
        return self._results.contrasts

    @property
    def ratios(self) -> pl.DataFrame:
        """How many times as many the headline's attacker finds as each other; empty if it names none."""
        return self._results.ratios

    @property
    def design(self) -> pl.DataFrame:
        """What each combination of levels changes."""
        return self._results.design

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables."""
        return RESULTS

    def table(self, name: str) -> pl.DataFrame:
        """Return a table as a polars frame.

        Raises
        ------
        TableError
            If there is no such table.
        """
        if name not in RESULTS:
            raise TableError(f"A study has no table '{name}'. {did_you_mean(name, RESULTS)}")
        frame: pl.DataFrame = getattr(self._results, name)
        return frame

    def pandas(self, name: str = "results") -> object:
        """Return a table as a pandas frame; needs the extra ``notebook``."""
        return pandas_of(self.table(name))

    @property
    def finding(self) -> str:
        """What was found, in one sentence made of the numbers."""
        return finding(self.spec, self._results)

    @property
    def headline(self) -> pl.DataFrame:
        """The rows of :attr:`results` that the study is about, in the order of its levels."""
        return headline_rows(self.spec, self.results)

    def figure(self, *, style: str | None = None) -> Figure:
        """Draw the study's figure, in one of the styles of :meth:`Run.figure`.

        Raises
        ------
        StudyError
            If there is none: a Latin hypercube has no ladder of levels.
        """
        from experiments.figures import house_style
        from experiments.figures.study import study_figure
        from experiments.sweep.command import has_figure

        if not has_figure(self.spec, self._results):
            raise StudyError(
                f"Study '{self.spec.id}' has no figure: there is no ladder of levels to draw. "
                "Its numbers are in study.results."
            )
        with house_style(style):
            return study_figure(self.spec, self.results)

    def report(self, out: str | Path | None = None) -> Path:
        """Write the page that explains this study, as ``platetrail report`` does, and return its path.

        Raises
        ------
        TableError
            If the page cannot be written.
        """
        from experiments.report.command import report

        if out is None and self.temporary:
            raise TableError(
                "This study lies in a temporary folder: name a file for its page, as out='page.html'."
            )
        to = None if out is None else Path(out)
        return report(self.folder, out=to, n_drivers=4, progress=lambda stage, done: None)

    def __repr__(self) -> str:
        where = "" if self.temporary else f" in {self.folder}"
        return f"<Study '{self.spec.id}'{where}: {self.finding}>"

    def _repr_html_(self) -> str:
        spec, rows = self.spec, self.headline
        about: list[tuple[str, str | Html]] = [
            ("Study", spec.id),
            ("Scenario", spec.scenario),
            ("Levels", "; ".join(f"{f.words}: {', '.join(f.labels())}" for f in spec.factors)),
            ("Seed", f"{spec.seed}; {spec.replicates} towns a combination"),
            ("Folder", "temporary; study.save('folder') keeps it" if self.temporary else str(self.folder)),
            ("Tables", ", ".join(f"{name} ({self.table(name).height:,} rows)" for name in RESULTS)),
        ]
        if not rows.height:
            return card(spec.title, spec.question, facts(about), note(self.finding))
        measure = measure_named(spec.headline.measure)
        head = (*(factor.words for factor in spec.factors), "Estimate (95% interval)")
        lines = [
            (*(str(row[f.name]) for f in spec.factors), interval(row, "estimate", measure.unit))
            for row in rows.iter_rows(named=True)
        ]
        shown = table(headline_title(spec, rows), head, lines)
        return card(spec.title, spec.question, facts(about), shown, note(self.finding))
