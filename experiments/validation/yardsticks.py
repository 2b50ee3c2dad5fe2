"""All yardsticks, in order, and what measures them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import polars as pl

from experiments.validation import crowds, links, tracks
from experiments.validation.checks import Check, Size
from experiments.validation.worlds import Context
from simulator.errors import ScenarioError, did_you_mean

_MEASURES: dict[str, Callable[[Context], Iterable[Check]]] = {
    "V1": crowds.v1,
    "V2": crowds.v2,
    "V3": tracks.v3,
    "V7": links.v7,
    "V11": links.v11,
    "V12": links.v12,
    "V13": links.v13,
    "V14": tracks.v14,
    "V15": crowds.v15,
}


@dataclass(frozen=True, kw_only=True)
class Yardstick:
    """A published study and our set-up of it.

    Parameters
    ----------
    id, title
        Its number, and a few words.
    source, status
        The source, and how its figures are known: P read there, S second-hand, D arithmetic, M from memory.
    published, set_up
        What was found, and how ours was measured.
    headline
        The figure to show where there is room for one only.
    """

    id: str
    title: str
    source: str
    status: str
    published: str
    set_up: str
    headline: str


def _read() -> dict[str, Yardstick]:
    text = (files("experiments.validation") / "yardsticks.toml").read_text(encoding="utf-8")
    return {key: Yardstick(id=key, **words) for key, words in tomllib.loads(text).items()}


YARDSTICKS = _read()


def chosen(only: str | None) -> list[Yardstick]:
    """Return the yardsticks named, with commas in between and in any case; all if none is.

    Raises
    ------
    ScenarioError
        If one is unknown.
    """
    wanted = {name.strip().upper() for name in (only or "").split(",") if name.strip()}
    for name in sorted(wanted):
        if name not in YARDSTICKS:
            raise ScenarioError(f"There is no yardstick '{name}'. {did_you_mean(name, YARDSTICKS)}")
    return [y for y in YARDSTICKS.values() if not wanted or y.id in wanted]


def measure(
    yardsticks: Sequence[Yardstick],
    *,
    seed: int = 1,
    small: bool = False,
    progress: Callable[[str, int], None] = lambda stage, done: None,
) -> pl.DataFrame:
    """Measure yardsticks in worlds that they share.

    Parameters
    ----------
    yardsticks
        Which ones.
    seed
        Root seed.
    small
        Small sizes, to see that it works.
    progress
        Called with the yardstick that begins and how many are done.

    Returns
    -------
    pl.DataFrame
        One row a figure: id, what, status, published, accept_low, accept_high, ours, low, high, holds; blank
        where a number is not known, where there is no interval, or where a figure is shown and not judged.
    """
    context = Context(Size(small=small), seed)
    checks: list[Check] = []
    for i, yardstick in enumerate(yardsticks):
        progress(yardstick.id, i)
        checks += _MEASURES[yardstick.id](context)
    rows = [
        {
            "id": c.id,
            "what": c.what,
            "status": YARDSTICKS[c.id].status,
            "published": c.published,
            "accept_low": c.accept_low,
            "accept_high": c.accept_high,
            "ours": c.value.ours,
            "low": c.value.low,
            "high": c.value.high,
            "holds": c.holds,
        }
        for c in checks
    ]
    numbers = ["published", "accept_low", "accept_high", "ours", "low", "high"]
    frame = pl.DataFrame(rows, schema_overrides={"holds": pl.Boolean})
    return frame.with_columns(pl.col(numbers).cast(pl.Float64).fill_nan(None))


def verdicts(figures: pl.DataFrame) -> dict[str, bool]:
    """Return whether each yardstick holds: all of its judged figures do."""
    judged = figures.filter(pl.col("holds").is_not_null())
    return dict(judged.group_by("id", maintain_order=True).agg(pl.col("holds").all()).rows())
