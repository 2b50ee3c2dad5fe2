"""Everything of the adversary's that does not depend on a driver: hypotheses, tables, and their index."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.bayes.arrays import PlaceArrays
from simulator.adversary.bayes.columns import Columns, columns_of
from simulator.adversary.bayes.habits import Habits
from simulator.adversary.bayes.hypotheses import Doors, Hypotheses, build_hypotheses, doors_of
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
    hear_words,
    stay_tables,
)
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.errors import ScenarioError


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One target's hypotheses with their tables.

    Parameters
    ----------
    places, doors
        The hypotheses, and the nodes over which cars leave and come to them.
    table
        First and last readers at each node.
    cell_prior
        Prior of each cell, shape (n_cells,).
    columns
        The tables by sign.
    """

    places: Hypotheses
    doors: Doors
    table: FirstLast
    cell_prior: NDArray[np.float64]
    columns: Columns


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
    doors = doors_of(places)
    cell = np.repeat(np.arange(places.n_cells), np.diff(places.cell_indptr))
    cell_prior = np.maximum(np.bincount(cell, places.prior, places.n_cells), 1e-300)
    door_cell = np.repeat(np.arange(places.n_cells), np.diff(doors.cell_indptr))
    first = doors.cell_indptr[:-1][cell]
    weight = sum(
        np.bincount(first + door, places.prior, len(doors.node)) for door in (doors.out, doors.into)
    ) / cell_prior[door_cell]  # fmt: skip
    return Side(
        places=places,
        doors=doors,
        table=table,
        cell_prior=cell_prior,
        columns=columns_of(table, doors, weight, usual),
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

    home = build_hypotheses(
        network, None if use is None else use.residential, knowledge.gateway_node, habits.outside_share
    )
    work = build_hypotheses(
        network, None if use is None else use.employment, knowledge.gateway_node, habits.outside_work_share
    )
    tables = stay_tables(
        network.node_x_m, network.node_y_m, ends, labels, signs,
        share=(
            (*(inside * s for s in (habits.commute_share, habits.errand_share, habits.visit_share)), outside),
            (0.0, 0.2, 0.6, 0.2),
        ),
        scale_m=((far, near, near, far), (far, near, far, far)),
        read_rate=read_rate,
    )  # fmt: skip
    return Imagined(
        ends=ends,
        labels=labels,
        signs=signs,
        read_rate=read_rate,
        home=(home, tables[0]),
        work=(work, tables[1]),
    )


def build_model(knowledge: Knowledge, habits: Habits, seed: int = 0) -> Model:
    """Build hypotheses and tables from public knowledge; see :func:`imagine`."""
    network, made = knowledge.streets, imagine(knowledge, habits, seed)
    assert network is not None  # or there would be no routes
    targets = (made.home, made.work)
    usual = usual_signs(made.signs, targets)
    home, work = (_side(places, table, usual) for places, table in targets)
    labels = made.labels
    return Model(
        home=home,
        work=work,
        home_arrays=_arrays(home, parked_side(home.places, network)),
        work_arrays=_arrays(work, parked_side(work.places, network)),
        ways=find_ways(
            home.places,
            work.places,
            made.ends,
            labels,
            hear_words(labels.words, made.read_rate, made.signs.of_pair),
            habits,
        ),
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
        log_prior=np.log(np.maximum(places.prior, 1e-300)).astype(np.float32),
        cell_prior=side.cell_prior,
        log_cell_prior=np.log(side.cell_prior).astype(np.float32),
        cell_indptr=places.cell_indptr,
        cell_of_place=parked.cell_of_place,
        door_indptr=side.doors.cell_indptr,
        door_middle=side.doors.cell_middle,
        door_out=side.doors.out,
        door_into=side.doors.into,
        col_indptr=side.columns.indptr,
        col_cell=side.columns.cell,
        col_level=side.columns.level,
        col_first=side.columns.first,
        door_level=side.columns.door_level,
        place_of_edge=parked.place_of_edge,
        density=parked.density,
    )


def signs_seen(
    target: tuple[Hypotheses, FirstLast], n_signs: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how likely each sign is after the stays of all hypotheses together, and before them."""
    places, table = target
    seen = []
    for s, over in enumerate((places.head, places.tail)):
        prior = np.bincount(over, places.prior, table.sign.shape[1])
        known = table.sign[s] >= 0
        likely = (chance_of_levels()[table.level[s]] * prior[:, None])[known]
        seen.append(np.bincount(table.sign[s][known], likely, n_signs).astype(np.float64))
    return seen[0], seen[1]


def usual_signs(signs: Signs, targets: tuple[tuple[Hypotheses, FirstLast], ...]) -> NDArray[np.float64]:
    """Return how common each sign is at the ends of anybody's stays, shape (signs.n,).

    Single readers sum to 1, and so do pairs. A tenth is spread evenly over readers, and over the pairs of
    each, so that no sign is impossible.
    """
    n_cameras = signs.of_pair.shape[0]
    seen = np.full(signs.n, 1e-12)
    for target in targets:
        for part in signs_seen(target, signs.n):
            seen += part
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
