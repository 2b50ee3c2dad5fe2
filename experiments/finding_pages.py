"""What the pages of findings show of each study: which rows, which columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.sweep.group_measure import GROUPS

#: The page that needs no sweep.
AUDITS = "audits"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of numbers: its title, and which rows of ``results`` it takes."""

    title: str
    where: dict[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Strength:
    """A table of one attacker beside the best other one (:mod:`experiments.finding_strength`).

    Parameters
    ----------
    factor, head
        Whose levels make the rows, and the title of their column.
    criteria, days
        What counts as found, and when; shares are shown of the last day.
    measure, attacker
        A share of :data:`experiments.sweep.measures.FOUND`, and whose strength it is about.
    alone
        The attacker that looks at no reads.
    """

    factor: str
    head: str
    criteria: tuple[str, ...]
    days: tuple[int, ...]
    measure: str = "right-at-day"
    attacker: str = "bayes"
    alone: str = "prior-alone"

    def columns(self) -> tuple[Column, ...]:
        """Return what it takes of ``results``, as columns of a page do."""
        return tuple(
            Column(title="", where={"measure": self.measure, "criterion": c, "day": day, "target": target})
            for c in self.criteria
            for day in self.days
            for target in ("home", "work")
        )


@dataclass(frozen=True, kw_only=True)
class Page:
    """The table of one page, and what else is made there.

    Parameters
    ----------
    rows
        Columns of ``results`` whose values make the rows.
    heads
        Their titles.
    columns
        The numbers.
    order
        Values of the first of ``rows`` in the order of the page; that of the table if empty.
    more
        Further tables, by the name of the part of the page that is made of them.
    strength
        The table in the part "strength", if there is one.
    """

    rows: tuple[str, ...]
    heads: tuple[str, ...]
    columns: tuple[Column, ...] = field(default=())
    order: tuple[str, ...] = ()
    more: Mapping[str, Page] = field(default_factory=dict)
    strength: Strength | None = None

    def taken(self) -> tuple[Column, ...]:
        """Return all that the page takes of ``results``."""
        further = (column for page in self.more.values() for column in page.columns)
        return (*self.columns, *further, *(self.strength.columns() if self.strength else ()))


_FIRST, _FOR_GOOD, _SURE, _SURE_FOR_GOOD = (
    "within-250m",
    "within-250m-for-good",
    "known-and-right",
    "known-and-right-for-good",
)


def _home(title: str, measure: str, criterion: str, *, attacker: str = "bayes", **more: str | int) -> Column:
    where: dict[str, str | int] = {"target": "home", "measure": measure}
    if criterion:
        where["criterion"] = criterion
    if attacker:
        where["attacker"] = attacker
    return Column(title=title, where={**where, **more})


def _found(title: str, search: str) -> Column:
    return Column(title=title, where={"target": "car", "measure": "cars-found", "criterion": search})


def _visitors(title: str, measure: str, criterion: str) -> Column:
    where: dict[str, str | int] = {"target": "visitor", "measure": measure, "criterion": criterion}
    return Column(title=title, where={**where, "attacker": "bayes"})


def _rules(last: int) -> tuple[Column, ...]:
    return (
        _home("half known by day (first)", "median-days", _FIRST),
        _home("half known by day (for good)", "median-days", _FOR_GOOD),
        _home(f"found on day {last}, %", "right-at-day", _FIRST, day=last),
        _home(f"sure and right once by day {last}, %", "known-by-day", _SURE, day=last),
    )


def _held(target: str, day: int | None, *levels: int) -> tuple[Column, ...]:
    """Return how often sets hold the truth, on a day or, where days are rows, on any."""
    word = "homes" if target == "home" else "work places"
    title, at = (word, {}) if day is None else (f"{word}, day {day}", {"day": day})
    return tuple(
        Column(
            title=f"{title}: {level}%",
            where={
                "target": target,
                "measure": "calibration",
                "criterion": f"credible-{level}",
                "attacker": "bayes",
                **at,
            },
        )
        for level in levels
    )


def _of_all_attackers(criterion: str) -> tuple[Column, ...]:
    return tuple(
        Column(
            title=f"{word} on day {day}, %",
            where={"target": target, "measure": "right-at-day", "criterion": criterion, "day": day},
        )
        for target, word in (("home", "homes"), ("work", "work places"))
        for day in (7, 30)
    )


#: The README's table is the one of the study 'rules'.
README_RULES = Page(rows=("rule",), heads=("rule, alone",), columns=_rules(90))

_STRENGTH = Strength(
    factor="readers", head="fixed readers", criteria=("within-250m", "within-500m"), days=(7, 30)
)

PAGES: dict[str, Page] = {
    "honesty": Page(
        rows=("readers", "day"),
        heads=("fixed readers", "day"),
        columns=(*_held("home", None, 50, 80, 95), *_held("work", None, 50, 80, 95)),
    ),
    "wrong-assumptions": Page(
        rows=("error",),
        heads=("the adversary believes",),
        columns=(
            *_held("home", 30, 50, 90),
            *_held("work", 30, 50, 90),
            *_held("home", 60, 50, 90),
            *_held("work", 60, 50, 90),
            _home("found on day 60, %", "right-at-day", _FIRST, day=60),
        ),
    ),
    "retention": Page(
        rows=("retention",),
        heads=("kept for",),
        columns=(
            _home("found on day 365, %", "right-at-day", _FIRST, day=365),
            _home("half known by day (for good)", "median-days", _FOR_GOOD),
            _home("sure and right once by day 365, %", "known-by-day", _SURE, day=365),
            _home("half known by day (first)", "median-days", _FIRST),
            _home("by 'largest cluster' on day 365, %", "right-at-day", _FIRST, day=365,
                  attacker="krumm-largest-cluster"),
        ),
    ),
    "rules": Page(rows=("rule",), heads=("rule",), columns=_rules(90)),
    "sharing": Page(
        rows=("sharing",),
        heads=("the city's police see",),
        columns=(
            _home("reads of a driver", "sightings", "any-read", day=60),
            _home("found on day 7, %", "right-at-day", _FIRST, day=7),
            _home("found on day 60, %", "right-at-day", _FIRST, day=60),
            _home("sure and right once by day 60, %", "known-by-day", _SURE, day=60),
            _home("by 'largest cluster' on day 60, %", "right-at-day", _FIRST, day=60,
                  attacker="krumm-largest-cluster"),
        ),
    ),
    "density": Page(
        rows=("kind", "number"),
        heads=("kind", "readers in 40 km²"),
        columns=(
            _home("reads of a driver", "sightings", "any-read", day=60),
            _home("found on day 7, %", "right-at-day", _FIRST, day=7),
            _home("found on day 60, %", "right-at-day", _FIRST, day=60),
            _home("sure and right once by day 60, %", "known-by-day", _SURE, day=60),
        ),
    ),
    "attackers": Page(
        rows=("readers", "attacker"),
        heads=("fixed readers", "attacker"),
        columns=_of_all_attackers(_FIRST),
        strength=_STRENGTH,
    ),
    "attackers-columbus": Page(
        rows=("readers", "attacker"),
        heads=("fixed readers", "attacker"),
        columns=_of_all_attackers("within-500m"),
        strength=_STRENGTH,
        more={
            "sets": Page(
                rows=("readers",),
                heads=("fixed readers",),
                columns=tuple(c for t in ("home", "work") for d in (7, 30) for c in _held(t, d, 50, 80, 95)),
            ),
            "claims": Page(
                rows=("readers",),
                heads=("fixed readers",),
                columns=tuple(
                    Column(
                        title=f"{word}, day {day}: {title}, %",
                        where={"target": target, "measure": measure, "criterion": _FIRST, "attacker": "bayes",
                               "day": day},
                    )
                    for target, word in (("home", "homes"), ("work", "work places"))
                    for day in (7, 30)
                    for measure, title in (("sure", "claims at least 0.9"), ("claims", "of these right"))
                ),
            ),
        },
    ),
    "knowledge": Page(
        rows=("attacker",),
        heads=("the adversary",),
        columns=(
            *(
                _home(f"kept {kept}: found on day 60, %", "right-at-day", _FIRST, attacker="", day=60,
                      retention=kept)
                for kept in ("7 days", "30 days", "for ever")
            ),
            _home("for ever: median error, m", "median-error-m", "any-guess", attacker="", day=60,
                  retention="for ever"),
            _home("for ever: claims at least 0.9, %", "sure", _FIRST, attacker="", day=60,
                  retention="for ever"),
            _home("of these right, %", "claims", _FIRST, attacker="", day=60, retention="for ever"),
        ),
    ),
    "pseudonyms": Page(
        rows=("label",),
        heads=("a label lasts",),
        columns=(
            _home("reads under the label, day 84", "sightings", "any-read", day=84),
            _home("found on day 84, %", "right-at-day", _FIRST, day=84),
            _home("found on day 90, %", "right-at-day", _FIRST, day=90),
            _home("sure and right once by day 90, %", "known-by-day", _SURE, day=90),
            _home(
                "by 'largest cluster' on day 90, %",
                "right-at-day",
                _FIRST,
                day=90,
                attacker="krumm-largest-cluster",
            ),
        ),
    ),
    "exposure": Page(
        rows=("retention",),
        heads=("kept for",),
        columns=(
            _visitors("listed that evening, %", "visitors-listed", "listed, that evening"),
            _visitors("named that evening, %", "visitors-named", "named within 250 m, that evening"),
            _visitors("named on day 60, %", "visitors-named", "named within 250 m, later"),
            _visitors("named on day 60 by that evening's list, %", "visitors-named",
                      "named within 250 m, later, by that evening's list"),
            *(
                _visitors(
                    f"{at}: listed on day 60, %", "visitors-listed", f"listed at the busiest {at}, later"
                )
                for at in ("clinic", "place of worship")
            ),
            *(
                _visitors(
                    f"{at}: named on day 60, %", "visitors-named",
                    f"named within 250 m at the busiest {at}, later",
                )
                for at in ("clinic", "place of worship")
            ),
            _home("of all residents, found on day 60, %", "right-at-day", _FIRST, day=60),
        ),
    ),
    "who": Page(
        rows=("criterion",),
        heads=("group",),
        columns=tuple(
            _home(f"{title}, %", "right-by-group", "", attacker=attacker, day=60, readers=readers)
            for title, attacker, readers in (
                ("fixed and patrol", "bayes", "fixed and patrol"),
                ("spotter cars", "bayes", "spotter cars"),
                ("'largest cluster', fixed and patrol", "krumm-largest-cluster", "fixed and patrol"),
                ("'largest cluster', spotter cars", "krumm-largest-cluster", "spotter cars"),
            )
        ),
        order=GROUPS,
    ),
    "usefulness": Page(
        rows=("rule",),
        heads=("rule",),
        columns=(
            _home("homes found on day 60, %", "right-at-day", _FIRST, day=60),
            _found("cars: live, within a day, %", "live, 1 day"),
            _found("cars: look-back, read of the last day, %", "look-back, 1 day"),
            _found("cars: look-back, still within 1 km, %", "look-back, now within 1 km"),
            _found("cars: trace, asked 7 days later, %", "trace, asked after 7 d"),
            _found("cars: trace, asked 30 days later, %", "trace, asked after 30 d"),
        ),
    ),
    "plates-against-faces": Page(
        rows=("cameras", "identifiers"),
        heads=("cameras of faces", "looked up by"),
        columns=(
            _home("drivers, by 'longest gap', %", "right-at-day", _FIRST, day=30, attacker="longest-gap"),
            _home("no car, by 'longest gap', %", "right-at-day-no-car", _FIRST, day=30,
                  attacker="longest-gap"),
            _home("drivers, by 'largest cluster', %", "right-at-day", _FIRST, day=30,
                  attacker="krumm-largest-cluster"),
            _home("no car, by 'largest cluster', %", "right-at-day-no-car", _FIRST, day=30,
                  attacker="krumm-largest-cluster"),
        ),
    ),
}  # fmt: skip
