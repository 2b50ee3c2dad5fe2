"""Exposure: of those who came to a place by car, whose home an agency can name, under some rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from experiments.occasions import Occasion
from simulator.adversary.attacker import ready_attacker
from simulator.archive_rules import Archive, HotListOnly, PlaceBan
from simulator.chunks import AttackSetting, attack_setting, ground_of, truth_of
from simulator.privacy.criteria import right_street
from simulator.privacy.exposure import ASKED, NAMED_M, Named, exposed, read_near
from simulator.privacy.time_to_inference import wilson
from simulator.recapture import Recaptured, view_of_plates
from simulator.sightings.archive import look_into
from simulator.training import with_training

LATER_DAYS = 365


def archives_compared(archive: Archive, *, days: int) -> dict[str, Archive]:
    """Return the rules to compare: the scenario's own, then retention, hot list and place ban alone."""
    kept = {f"kept {d:g} days": Archive(retention_days=d) for d in (7.0, 30.0, 90.0) if d < days}
    compared = {
        "as in the scenario": archive,
        **kept,
        "kept for ever": Archive(),
        "hot list only": Archive(rules=(HotListOnly(name="hot-list-only"),)),
        "none near clinics etc.": Archive(rules=(PlaceBan(name="place-ban"),)),
    }
    # What the scenario does anyway need not be worked out twice.
    return {k: a for i, (k, a) in enumerate(compared.items()) if i == 0 or a != archive}


def exposure_of(taken: Recaptured, occasion: Occasion, archive: Archive, attacker: str) -> pl.DataFrame:
    """Return who is exposed under some rules, by when the agency asks.

    Parameters
    ----------
    taken
        All that was read.
    occasion
        Who gathered where.
    archive
        The rules, ``archive.viewer`` being who looks.
    attacker
        Name of the attack that finds homes.

    Returns
    -------
    polars.DataFrame
        One row a value of ``asked``: the counts of :func:`simulator.privacy.exposure.exposed`, added up over
        the gatherings, with ``precision`` (of those listed, came), ``recall`` (of those who came, listed) and
        ``share_named`` (of those who came, home named within 250 m), each with Wilson's interval ``_low``,
        ``_high``.
    """
    lists, named = _lists_and_names(taken, occasion, archive, attacker)
    rows = []
    for asked in ASKED:
        totals: dict[str, int] = {}
        for came, (listed, day) in zip(occasion.came, lists[asked], strict=True):
            for key, count in exposed(came, listed, named, as_of_day=day).items():
                totals[key] = totals.get(key, 0) + count
        rows.append(
            {
                "asked": asked,
                **totals,
                **_share("precision", totals["caught"], totals["listed"]),
                **_share("recall", totals["caught"], totals["came"]),
                **_share("share_named", totals["named_250m"], totals["came"]),
            }
        )
    return pl.DataFrame(
        rows, schema_overrides=dict.fromkeys(("precision", "recall", "share_named"), pl.Float64)
    )


def people_exposed(
    taken: Recaptured,
    occasion: Occasion,
    archive: Archive,
    attacker: str,
    setting: AttackSetting | None = None,
) -> pl.DataFrame:
    """Return the same person by person: ``asked, visit, plate, listed, named_250m, named_500m``.

    ``visit`` numbers those who came to each gathering, the same under all rules. ``setting`` says what the
    attacker knows, for several occasions under the same rules; made here if left out.
    """
    lists, named = _lists_and_names(taken, occasion, archive, attacker, setting)
    first = np.concatenate([[0], np.cumsum([len(came) for came in occasion.came])])
    parts = []
    for asked in ASKED:
        for i, (came, (listed, day)) in enumerate(zip(occasion.came, lists[asked], strict=True)):
            there = np.isin(came, listed)
            error_m = np.full(len(came), np.nan)
            error_m[there], _ = named.of(came[there].astype(np.uint32), day)
            parts.append(
                pl.DataFrame(
                    {
                        "asked": [asked] * len(came),
                        "visit": np.arange(first[i], first[i + 1], dtype=np.int32),
                        "plate": came.astype(np.uint32),
                        "listed": there,
                        "named_250m": error_m <= NAMED_M[0],
                        "named_500m": error_m <= NAMED_M[1],
                    }
                )
            )
    return pl.concat(parts)


def _lists_and_names(
    taken: Recaptured,
    occasion: Occasion,
    archive: Archive,
    attacker: str,
    setting: AttackSetting | None = None,
) -> tuple[dict[str, list[tuple[NDArray[np.uint32], int]]], Named]:
    """Return, by time of asking, each gathering's list and the day of asking; and where those listed live."""
    world = taken.world
    stored, expires_s = look_into(archive, taken.sightings, ground_of(world))
    later = {g.day: min(g.day + LATER_DAYS, world.scenario.days) for g in occasion.gatherings}
    evening = [read_near(stored, expires_s, g, as_of_day=g.day) for g in occasion.gatherings]
    afterwards = [read_near(stored, expires_s, g, as_of_day=later[g.day]) for g in occasion.gatherings]
    everyone = np.unique(np.concatenate([*evening, *afterwards]))
    named = name_homes(taken, archive, everyone, sorted({*later, *later.values()}), attacker, setting)
    days = [g.day for g in occasion.gatherings]
    late = [later[day] for day in days]
    lists = (
        list(zip(evening, days, strict=True)),
        list(zip(afterwards, late, strict=True)),
        list(zip(evening, late, strict=True)),
    )
    return dict(zip(ASKED, lists, strict=True)), named


def _share(name: str, part: int, whole: int) -> dict[str, float | None]:
    if whole == 0:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    low, high = (float(v) for v in wilson(part, whole))
    return {name: part / whole, f"{name}_low": low, f"{name}_high": high}


def name_homes(
    taken: Recaptured,
    archive: Archive,
    plates: NDArray[np.uint32],
    days: Sequence[int],
    attacker: str,
    setting: AttackSetting | None = None,
) -> Named:
    """Let an attack find the homes of some plates under some rules, as of some days."""
    world = taken.world
    found = ready_attacker(attacker)
    shape = (len(plates), len(days))
    if len(plates) == 0:
        return Named(
            plate=plates,
            days=np.array(days, dtype=np.int32),
            error_m=np.empty(shape),
            right_street=np.empty(shape, dtype=np.bool_),
        )
    if setting is None:
        attackers = world.scenario.attackers.model_copy(update={"names": (attacker,)})
        scenario = world.scenario.model_copy(update={"archive": archive, "attackers": attackers})
        ruled = replace(world, scenario=scenario)
        setting = with_training(attack_setting(ruled), ruled)
    view = view_of_plates(taken, archive, plates, days)
    home = found.infer(view, setting.knowledge.up_to(found.rung)).home
    truth, who = truth_of(world, 0, world.drivers.n_people), plates.astype(np.int64)
    x_m, y_m = home.x_m.astype(np.float64), home.y_m.astype(np.float64)
    error_m = np.hypot(x_m - truth.home_x_m[who, None], y_m - truth.home_y_m[who, None])
    edge = np.broadcast_to(np.where(truth.home_inside, truth.home_edge, -1)[who, None], shape)
    return Named(
        plate=plates,
        days=np.array(days, dtype=np.int32),
        error_m=error_m,
        right_street=right_street(x_m, y_m, edge.astype(np.int32), error_m, world.city.network),
    )
