"""Everything of the adversary's that does not depend on a driver: hypotheses, tables, and their index."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.bayes.arrays import PlaceArrays
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.hypotheses import Hypotheses, build_hypotheses
from simulator.adversary.bayes.pairs import Ways, find_ways
from simulator.adversary.bayes.parked import ParkedSide, parked_side
from simulator.adversary.bayes.routes import (
    Labels,
    OtherEnds,
    reader_labels,
    reader_rows,
    sample_other_ends,
)
from simulator.adversary.bayes.tables import (
    FirstLast,
    Signs,
    chance_of_levels,
    find_signs,
    level_of,
    stay_tables,
)
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.errors import ScenarioError

# A cell shows a sign if it is there at least so many times as common as usual.
_RARE = 0.2


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One target's hypotheses with their tables.

    Parameters
    ----------
    places
        The hypotheses.
    table
        First and last readers of each.
    cell_prior
        Prior of each cell, shape (n_cells,).
    column_indptr, column_cell, column_level
        The tables averaged over cells, by sign: rows ``column_indptr[side * n_signs + c]`` up to the next
        are the cells from which sign ``c`` is seen first (side 0) or last (side 1), and how likely.
    column_first, column_size, row_place, row_level
        The same of the hypotheses themselves: those of a cell are rows ``column_first`` and so many more.
    """

    places: Hypotheses
    table: FirstLast
    cell_prior: NDArray[np.float64]
    column_indptr: NDArray[np.int64]
    column_cell: NDArray[np.int32]
    column_level: NDArray[np.uint8]
    column_first: NDArray[np.int32]
    column_size: NDArray[np.uint8]
    row_place: NDArray[np.int32]
    row_level: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Model:
    """What the adversary makes of its knowledge before it looks at any plate."""

    home: Side
    work: Side
    home_arrays: PlaceArrays
    work_arrays: PlaceArrays
    ways: Ways
    ends: OtherEnds
    signs: Signs
    read_rate: NDArray[np.float64]
    usual: NDArray[np.float64]


def _side(places: Hypotheses, table: FirstLast, usual: NDArray[np.float64]) -> Side:
    n_signs = len(usual)
    cell = np.repeat(np.arange(places.n_cells), np.diff(places.cell_indptr))
    cell_prior = np.bincount(cell, places.prior, places.n_cells).astype(np.float64)
    weight = places.prior / np.maximum(cell_prior[cell], 1e-300)
    indptr, columns, levels = [np.zeros(1, np.int64)], [], []
    starts, sizes, row_places, row_levels, n_rows, n_columns = [], [], [], [], 0, 0
    for side in range(2):
        known = table.sign[side] >= 0
        sign, level = table.sign[side][known], table.level[side][known]
        place = np.repeat(np.arange(places.n, dtype=np.int32), known.sum(axis=1))
        order = np.argsort(sign, kind="stable")
        row_places.append(place[order])
        row_levels.append(level[order])
        # Places are sorted by cell, so that equal keys lie together.
        key = sign[order].astype(np.int64) * places.n_cells + cell[place[order]]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        chance = chance_of_levels()[level[order]]
        mean = np.add.reduceat(chance * weight[place[order]], first)
        most = np.maximum.reduceat(chance, first)
        # A cell is worth a look if one of its places is: its chance lies between the mean and the most.
        total = mean**0.6 * most**0.4
        # Where a sign is rarer than usual, it says little: such cells are as good as never showing it.
        keep = most > _RARE * usual[key[first] // places.n_cells]
        used = key[first][keep]
        starts.append((n_rows + first[keep]).astype(np.int32))
        # A cell that holds more places than a byte counts (far from usual) shows its first 255.
        sizes.append(np.minimum(np.diff(first, append=len(key))[keep], 255).astype(np.uint8))
        n_rows += len(key)
        columns.append((used % places.n_cells).astype(np.int32))
        levels.append(level_of(total[keep]))
        indptr.append(n_columns + np.searchsorted(used // places.n_cells, np.arange(1, n_signs + 1)))
        n_columns += len(used)
    return Side(
        places=places,
        table=table,
        cell_prior=np.maximum(cell_prior, 1e-300),
        column_indptr=np.concatenate(indptr),
        column_cell=np.concatenate(columns),
        column_level=np.concatenate(levels),
        column_first=np.concatenate(starts),
        column_size=np.concatenate(sizes),
        row_place=np.concatenate(row_places),
        row_level=np.concatenate(row_levels),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Imagined:
    """Routes and tables as the adversary imagines them, before they are indexed.

    ``home`` and ``work`` are the hypotheses of each with their first and last readers.
    """

    ends: OtherEnds
    labels: Labels
    signs: Signs
    read_rate: NDArray[np.float64]
    home: tuple[Hypotheses, FirstLast]
    work: tuple[Hypotheses, FirstLast]


#: Other ends of trips that are drawn: work places, shops and the like, houses.
OTHER_ENDS = (160, 120, 200)


def imagine(
    knowledge: Knowledge, habits: Habits, seed: int = 0, other_ends: tuple[int, int, int] = OTHER_ENDS
) -> Imagined:
    """Imagine routes, and look up which readers they make likely at the ends of stays.

    Raises
    ------
    ScenarioError
        If streets or readers are not known: the tables need both.
    """
    network, facts = knowledge.streets, knowledge.readers
    if network is None or facts is None:
        raise ScenarioError("Tables of first and last readers need the street map and the readers.")
    rng = np.random.default_rng(seed)
    rows = reader_rows(knowledge, network)
    ends = sample_other_ends(knowledge, network, rng, other_ends)
    labels = reader_labels(network, ends, rows, habits, rng)
    n_cameras = len(facts.read_rate)
    signs = find_signs(labels, n_cameras)
    read_rate = np.clip(facts.read_rate.astype(np.float64) * (1.0 - habits.missed_share), 0.02, 0.999)
    use = knowledge.land_use
    inside, outside = 1.0 - habits.gateway_share, habits.gateway_share
    far, near = habits.commute_scale_m, habits.errand_scale_m

    def side(
        weight: Any, outside_share: float, share: tuple[float, float, float, float], scale: Any
    ) -> tuple[Hypotheses, FirstLast]:
        places = build_hypotheses(network, weight, knowledge.gateway_node, outside_share)
        table = stay_tables(
            places.tail, places.head, places.x_m, places.y_m, ends, labels, signs,
            share=share, scale_m=scale, read_rate=read_rate,
        )  # fmt: skip
        return places, table

    home = side(
        None if use is None else use.residential,
        habits.outside_share,
        (habits.commute_share * inside, habits.errand_share * inside, habits.visit_share * inside, outside),
        (far, near, near, far),
    )
    work = side(
        None if use is None else use.employment,
        habits.outside_work_share,
        (0.0, 0.2, 0.6, 0.2),
        (far, near, far, far),
    )
    return Imagined(ends=ends, labels=labels, signs=signs, read_rate=read_rate, home=home, work=work)


def build_model(knowledge: Knowledge, habits: Habits, seed: int = 0) -> Model:
    """Build hypotheses and tables from public knowledge; see :func:`imagine`."""
    network, made = knowledge.streets, imagine(knowledge, habits, seed)
    assert network is not None  # or there would be no routes
    home, work = made.home, made.work
    usual = usual_signs(made.signs, (home, work))
    sides = [_side(*one, usual) for one in (home, work)]
    return Model(
        home=sides[0],
        work=sides[1],
        home_arrays=_arrays(sides[0], parked_side(home[0], network)),
        work_arrays=_arrays(sides[1], parked_side(work[0], network)),
        ways=find_ways(home[0], work[0], made.ends, made.labels, habits, made.read_rate, made.signs.of_pair),
        ends=made.ends,
        signs=made.signs,
        read_rate=made.read_rate,
        usual=usual,
    )


def _arrays(side: Side, parked: ParkedSide) -> PlaceArrays:
    places = side.places
    return PlaceArrays(
        edge=places.edge,
        tail=places.tail,
        head=places.head,
        x_m=places.x_m,
        y_m=places.y_m,
        prior=places.prior,
        cell_prior=side.cell_prior,
        log_cell_prior=np.log(side.cell_prior),
        cell_indptr=places.cell_indptr,
        cell_of_place=parked.cell_of_place,
        sign=side.table.sign,
        level=side.table.level,
        col_indptr=side.column_indptr,
        col_cell=side.column_cell,
        col_level=side.column_level,
        col_first=side.column_first,
        col_size=side.column_size,
        row_place=side.row_place,
        row_level=side.row_level,
        place_of_edge=parked.place_of_edge,
        density=parked.density,
    )


def usual_signs(signs: Signs, sides: tuple[tuple[Hypotheses, FirstLast], ...]) -> NDArray[np.float64]:
    """Return how common each sign is at the ends of anybody's stays, shape (signs.n,).

    Single readers sum to 1, and so do pairs. A tenth is spread evenly over readers, and over the pairs of
    each, so that no sign is impossible.
    """
    n_cameras = signs.of_pair.shape[0]
    seen = np.full(signs.n, 1e-12)
    for places, table in sides:
        for s in range(2):
            known = table.sign[s] >= 0
            likely = (chance_of_levels()[table.level[s]] * places.prior[:, None])[known]
            seen += np.bincount(table.sign[s][known], likely, signs.n)
    single = seen[:n_cameras] / max(float(seen[:n_cameras].sum()), 1e-300)
    single = 0.9 * single + 0.1 / max(n_cameras, 1)
    near, beyond = np.nonzero(signs.of_pair >= 0)
    sign = signs.of_pair[near, beyond]
    total = np.bincount(near, seen[sign], n_cameras)
    count = np.bincount(near, minlength=n_cameras)
    share = 0.9 * seen[sign] / total[near] + 0.1 / count[near]
    usual = np.empty(signs.n)
    usual[:n_cameras] = single
    usual[sign] = single[near] * share
    return usual


_Key = tuple[Rung, Habits, int, int]
_MODELS: weakref.WeakKeyDictionary[Any, dict[_Key, tuple[Knowledge, Model]]] = weakref.WeakKeyDictionary()


def model_of(knowledge: Knowledge, habits: Habits) -> Model:
    """Return the model of some knowledge, made once for all chunks of a run."""
    if knowledge.readers is None:
        raise ScenarioError("Tables of first and last readers need to know the readers.")
    models = _MODELS.setdefault(knowledge.readers, {})
    key = (knowledge.rung, habits, id(knowledge.streets), id(knowledge.land_use))
    if key not in models:
        # Streets and land use are kept with the model, so that their ids stay theirs.
        kept = replace(knowledge, readers=None)
        models[key] = kept, build_model(knowledge, habits)
    return models[key][1]
