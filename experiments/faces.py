"""The command ``faces``: plates against faces, and both together, on the reads of one run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from rich import box
from rich.console import Console
from rich.table import Table

from experiments.figures.write import save_one
from experiments.words import attacker_title
from simulator.archive_rules import Pseudonyms
from simulator.cameras.roster import ReaderKind
from simulator.chunks import attack, attack_setting
from simulator.errors import ScenarioError
from simulator.manifest import write_text_whole
from simulator.privacy.time_to_inference import wilson
from simulator.recapture import Recaptured, recapture_run
from simulator.streaming import driver_chunks
from simulator.tables import conform
from simulator.training import with_training

IDENTIFIERS = ("plates", "faces", "both")
BASELINE = "prior-alone"
RADII_M = (250, 500)
SEEN = "seen"
#: Groups in the order of the table, and how they are told from the table ``drivers``.
GROUPS: dict[str, pl.Expr] = {
    "car in the street": (pl.col("kind") == "resident") & (pl.col("home_parking") == "street"),
    "car in a driveway": (pl.col("kind") == "resident") & (pl.col("home_parking") == "driveway"),
    "car in a garage": (pl.col("kind") == "resident") & (pl.col("home_parking") == "garage"),
    "all drivers": pl.col("kind") == "resident",
    "no car, walks to work": (pl.col("kind") == "car-free") & pl.col("work_on_map"),
    "no car, train to work": (pl.col("kind") == "car-free")
    & ~pl.col("work_on_map")
    & pl.col("work_place").is_not_null(),
    "no car, no work": (pl.col("kind") == "car-free") & pl.col("work_place").is_null(),
    "all without a car": pl.col("kind") == "car-free",
}
#: Who looks knows who has a car registered, and may attack the two by different means.
WHOLE = {True: "all drivers", False: "all without a car"}
#: Attackers by view, and by whether people have a car.
Chosen = dict[tuple[str, bool], str]
Progress = Callable[[str, float], None]


def beliefs_by_identifiers(
    taken: Recaptured, attackers: Sequence[str] = (), progress: Progress = lambda stage, done: None
) -> pl.DataFrame:
    """Attack the same reads three times: by plates, by faces, by both.

    Parameters
    ----------
    taken
        What was read.
    attackers
        Names; those of the scenario if empty. The baseline attacks, too.

    Returns
    -------
    polars.DataFrame
        The table ``beliefs`` on homes, with the column ``identifiers``; text columns as text.

    Raises
    ------
    ScenarioError
        If no reader reads faces, or plates have changing labels.
    """
    scenario = taken.world.scenario
    if not (taken.world.cameras.kind == ReaderKind.FACE).any():
        raise ScenarioError(
            f"Scenario '{scenario.id}' has no reader of faces to compare plates with; add a group of kind "
            "'face', or run 'faces-at-the-station'."
        )
    for rule in scenario.archive.of_type(Pseudonyms):
        raise ScenarioError(
            f"Rule '{rule.name}' gives plates new labels, which cannot be tied to faces; run without it."
        )
    chunks = driver_chunks(scenario, None, 1)
    found = []
    for k, identifiers in enumerate(IDENTIFIERS):
        changed = scenario.model_copy(
            update={
                "archive": scenario.archive.model_copy(update={"identifiers": identifiers}),
                "attackers": scenario.attackers.model_copy(
                    update={"names": (*attackers, BASELINE) if attackers else scenario.attackers.names}
                ),
            }
        )
        world = replace(taken.world, scenario=changed)
        setting = with_training(attack_setting(world), world)
        for i, (first, last) in enumerate(chunks):
            progress("attack", (k + i / len(chunks)) / len(IDENTIFIERS))
            low, high = np.searchsorted(taken.sightings.plate, [first, last])
            scored = attack(world, setting, taken.sightings.take(np.arange(low, high)), first, last)
            homes = conform("beliefs", scored.beliefs).filter(pl.col("target") == "home")
            found.append(
                homes.with_columns(
                    pl.col("attacker").cast(pl.String), pl.lit(identifiers).alias("identifiers")
                )
            )
    return pl.concat(found)


def shares_trackable(beliefs: pl.DataFrame, drivers: pl.DataFrame) -> pl.DataFrame:
    """Return whose home the view of a day gives away, by group.

    Parameters
    ----------
    beliefs
        As of :func:`beliefs_by_identifiers`.
    drivers
        The table ``drivers``.

    Returns
    -------
    polars.DataFrame
        ``identifiers, attacker, group, day, measure, people, share, low, high``; measures are ``seen`` (one
        sighting at least) and ``within-250m``, ``within-500m`` (the guess of that day is so near to the home;
        an abstention is not). Intervals are Wilson's, over people of this one town.
    """
    measures = {SEEN: pl.col("sightings_seen") > 0}
    measures |= {f"within-{r}m": (pl.col("error_m") <= r).fill_null(False) for r in RADII_M}
    parts = []
    for group, told in GROUPS.items():
        who = drivers.filter(told.fill_null(False))["driver_id"].implode()
        counted = (
            beliefs.filter(pl.col("driver_id").is_in(who))
            .group_by("identifiers", "attacker", "day", maintain_order=True)
            .agg(pl.len().alias("people"), *(m.sum().alias(name) for name, m in measures.items()))
            .unpivot(
                on=list(measures),
                index=["identifiers", "attacker", "day", "people"],
                variable_name="measure",
                value_name="known",
            )
        )
        parts.append(counted.with_columns(pl.lit(group).alias("group")))
    table = pl.concat(parts)
    low, high = wilson(table["known"].to_numpy(), table["people"].to_numpy())
    return table.select(
        "identifiers",
        "attacker",
        "group",
        "day",
        "measure",
        pl.col("people").cast(pl.Int64),
        (pl.col("known") / pl.col("people")).alias("share"),
        pl.Series("low", low),
        pl.Series("high", high),
    )


def has_car(group: str) -> bool:
    """Return whether the people of a group have a car."""
    return "no car" not in group and "without" not in group


def best_attackers(table: pl.DataFrame, *, measure: str, day: int) -> Chosen:
    """Return the attacker that finds most homes, by view and by whether people have a car.

    Chosen by the truth, so that shares are a little too high where many attackers are about as good. The
    baseline, which looks at no read, does not count.
    """
    found = table.filter(
        (pl.col("measure") == measure) & (pl.col("day") == day) & (pl.col("attacker") != BASELINE)
    ).sort(["share", "attacker"], descending=[True, False])
    chosen: Chosen = {}
    for car, group in WHOLE.items():
        for i in IDENTIFIERS:
            ranked = found.filter((pl.col("group") == group) & (pl.col("identifiers") == i))
            if ranked.height:
                chosen[i, car] = str(ranked["attacker"][0])
    return chosen


def of_chosen(table: pl.DataFrame, chosen: Chosen) -> pl.DataFrame:
    """Return the rows of the chosen attackers, in the order of the groups."""
    parts = [
        table.filter(
            (pl.col("identifiers") == i)
            & (pl.col("attacker") == name)
            & pl.col("group").is_in([group for group in GROUPS if has_car(group) == car])
        )
        for (i, car), name in chosen.items()
    ]
    return pl.concat(parts).sort(pl.col("group").cast(pl.Enum(list(GROUPS))), maintain_order=True)


def newly_trackable(
    beliefs: pl.DataFrame, drivers: pl.DataFrame, attackers: Chosen, *, within_m: float, day: int
) -> pl.DataFrame:
    """Return, by group, who is found by faces or both and not by plates, and the other way round.

    Parameters
    ----------
    attackers
        As of :func:`best_attackers`.

    Returns
    -------
    polars.DataFrame
        ``group, identifiers, people, gained, lost``: shares of the group, against plates, of the same people.
    """
    at_day = beliefs.filter(pl.col("day") == day)
    right = {
        (i, car): set(
            at_day.filter(
                (pl.col("identifiers") == i) & (pl.col("attacker") == name) & (pl.col("error_m") <= within_m)
            )["driver_id"]
        )
        for (i, car), name in attackers.items()
    }
    rows = []
    for group, told in GROUPS.items():
        who, car = set(drivers.filter(told.fill_null(False))["driver_id"]), has_car(group)
        for i in IDENTIFIERS[1:] if who else ():
            n = len(who)
            rows.append(
                {
                    "group": group,
                    "identifiers": i,
                    "people": len(who),
                    "gained": len(who & (right[i, car] - right["plates", car])) / n,
                    "lost": len(who & (right["plates", car] - right[i, car])) / n,
                }
            )
    return pl.DataFrame(rows)


@dataclass(frozen=True, kw_only=True, eq=False)
class FacesReport:
    """What the command found.

    Parameters
    ----------
    table
        As of :func:`shares_trackable`.
    newly
        As of :func:`newly_trackable`, at the last checkpoint.
    attackers
        As of :func:`best_attackers`.
    within_m, days
        What is printed: the distance, and two checkpoints.
    written
        The files written.
    """

    table: pl.DataFrame
    newly: pl.DataFrame
    attackers: Chosen
    within_m: int
    days: tuple[int, ...]
    written: tuple[Path, ...]

    def document(self) -> dict[str, Any]:
        """Return the result as a document for JSON."""
        return {"table": self.table, "newly_trackable": self.newly, "written": self.written}

    def print_to(self, console: Console) -> None:
        """Print the table and what was written."""
        console.print(self._table())
        for car, group in WHOLE.items():
            names = [self.attackers[i, car] for i in IDENTIFIERS if (i, car) in self.attackers]
            if names:
                # Nobody without a car has a plate: no attacker finds them by plates.
                titles = [attacker_title(name) for name in names[0 if car else 1 :]]
                console.print(f"Best attackers, {group}: {' / '.join(titles)}.", highlight=False)
        console.print(
            f"'new' are found by both and not by plates; {self._by_luck()} are found without a look at any "
            f"read ({attacker_title(BASELINE)}).",
            highlight=False,
        )
        for path in self.written:
            console.print(str(path), highlight=False, soft_wrap=True)

    def _by_luck(self) -> str:
        rows = self.table.filter(
            (pl.col("attacker") == BASELINE)
            & (pl.col("identifiers") == "both")
            & (pl.col("measure") == f"within-{self.within_m}m")
            & (pl.col("day") == self.days[-1])
            & pl.col("group").is_in(["all drivers", "all without a car"])
        )
        if not rows.height:
            return "an unknown share"
        return f"{100 * np.average(rows['share'].to_numpy(), weights=rows['people'].to_numpy()):.0f}%"

    def _table(self) -> Table:
        shown = Table(
            title=f"Home known within {self.within_m} m, % of each group: plates / faces / both",
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        shown.add_column("Group", no_wrap=True)
        shown.add_column("n", justify="right", no_wrap=True)
        for head in (*(f"day {day}" for day in self.days), "new", "seen at all"):
            shown.add_column(head, justify="right", no_wrap=True)
        measure, last = f"within-{self.within_m}m", self.days[-1]
        cells = {
            (r["identifiers"], r["attacker"], r["group"], r["day"], r["measure"]): r
            for r in self.table.iter_rows(named=True)
        }
        for group in GROUPS:
            car = has_car(group)
            key = (IDENTIFIERS[0], self.attackers.get((IDENTIFIERS[0], car), ""), group, last, measure)
            if key not in cells:
                continue

            def three(day: int, what: str, of: str = group, car: bool = car) -> str:
                found = (cells[i, self.attackers[i, car], of, day, what]["share"] for i in IDENTIFIERS)
                return " / ".join(f"{100 * share:.0f}" for share in found)

            new = self.newly.filter((pl.col("group") == group) & (pl.col("identifiers") == "both"))
            shown.add_row(
                group,
                f"{cells[key]['people']:,}",
                *(three(day, measure) for day in self.days),
                f"{100 * new['gained'][0]:.0f}",
                three(last, SEEN),
                style="bold" if group.startswith("all") else "",
            )
        return shown


def report_faces(
    folder: Path, *, within_m: int = 250, attackers: Sequence[str] = (), progress: Progress
) -> FacesReport:
    """Compare plates, faces and both on a run's reads; write ``faces.csv`` and ``figures/faces.png``.

    Raises
    ------
    ScenarioError
        If no reader of the run reads faces, or the distance is none of those that are worked out.
    TableError
        If the folder cannot be used.
    """
    from experiments.figures.faces import plot_trackable

    if within_m not in RADII_M:
        raise ScenarioError(f"--within {within_m}: choose one of {', '.join(map(str, RADII_M))} metres.")
    taken = recapture_run(folder, progress)
    world = taken.world
    beliefs = beliefs_by_identifiers(taken, attackers, progress)
    drivers = conform("drivers", world.drivers.to_frame(world.places))
    table = shares_trackable(beliefs, drivers)
    checkpoints = world.scenario.checkpoints()
    last = checkpoints[-1]
    days = tuple(d for d in (7,) if d in checkpoints and d < last) + (last,)
    best = best_attackers(table, measure=f"within-{within_m}m", day=last)
    newly = newly_trackable(beliefs, drivers, best, within_m=within_m, day=last)
    write_text_whole(folder / "faces.csv", table.write_csv())
    chosen = of_chosen(
        table.filter((pl.col("day") == last) & (pl.col("measure") == f"within-{within_m}m")), best
    )
    n = int((world.cameras.kind == ReaderKind.FACE).sum())
    picture = save_one(
        lambda ax: plot_trackable(chosen, within_m=within_m, ax=ax),
        folder / "figures" / "faces.png",
        caption=f"{world.scenario.id}: {world.cameras.n_cameras - n} readers of plates, {n} of faces, "
        f"{last} days; best attacker of each view",
        size_in=(11.5, 6.8),
    )
    return FacesReport(
        table=table,
        newly=newly,
        attackers=best,
        within_m=within_m,
        days=days,
        written=(folder / "faces.csv", picture),
    )
