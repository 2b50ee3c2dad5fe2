"""Home and work weighed pair by pair, held against plain enumeration; parked cars, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_adversary_bayes import (
    dense,
    enumerated_home,
    knowledge,
    log_urn,
    random_plates,
    stay_counts,
    view_of,
)

from simulator.adversary.bayes import pairs
from simulator.adversary.bayes.attacker import BayesAttacker
from simulator.adversary.bayes.events import N_CLASSES
from simulator.adversary.bayes.model import Model, Side, imagine, model_of
from simulator.adversary.bayes.parked import AT_HOME, nearby, park
from simulator.adversary.bayes.reader_trees import readers_of
from simulator.adversary.bayes.tables import chance_of_levels
from simulator.adversary.joint import Joint
from simulator.adversary.posterior import Posterior
from simulator.sightings.view import DAY_S


def likely_signs(of: Side, side: int, place: int) -> dict[int, float]:
    node = (of.places.head, of.places.tail)[side][place]
    chance = chance_of_levels()[of.table.level[side, node]]
    return dict(zip(of.table.sign[side, node].tolist(), chance.tolist(), strict=True))


def way_signs(model: Model, near: np.ndarray) -> dict[int, float]:
    """Chance of each sign along one way, misses included: which reader reads first, and which next."""
    rate, of_pair, found = model.read_rate, model.signs.of_pair, {}
    readers = [int(c) for c in near if c >= 0]
    for i, a in enumerate(readers):
        first = rate[a] * np.prod([1 - rate[c] for c in readers[:i]])
        found[a] = found.get(a, 0.0) + first
        rest = first
        for b in readers[i + 1 :]:
            found[of_pair[a, b]] = found.get(of_pair[a, b], 0.0) + rest * rate[b]
            rest *= 1 - rate[b]
        found[of_pair[a, -1]] = found.get(of_pair[a, -1], 0.0) + rest
    return {int(c): p for c, p in found.items() if c >= 0}


def enumerated_pairs(attacker: BayesAttacker, model: Model, counts: np.ndarray) -> np.ndarray:
    """Weigh every (home, work place) and, last, every home without any; return the mass of each."""
    home, work, ways = model.home.places, model.work.places, model.ways
    alone = enumerated_home(attacker, model, counts)
    mixed: list[dict[int, float]] = [{}, {}]
    for h in np.argsort(-alone)[:10]:
        for side in (0, 1):
            for c, p in likely_signs(model.home, side, h).items():
                mixed[side][c] = mixed[side].get(c, 0.0) + alone[h] * p
    own, alpha = np.repeat(attacker.work_own, 2), attacker.alpha
    full, half = attacker.work_temper
    temper = full * (1 + sum(own[k] * (counts[k] > 0).sum() for k in range(N_CLASSES)) / half) ** -0.6
    keys = [(k, int(c)) for k in range(N_CLASSES) if own[k] > 0 for c in np.flatnonzero(counts[k])]

    def mean(k: int, c: int, likely: float, at_home: float, spent: float) -> float:
        other = (1 - at_home) * model.usual[c] + at_home * mixed[k % 2].get(c, 0.0)
        return alpha * (spent * likely + (1 - spent) * other)

    def urns(likely: list[dict[int, float]]) -> float:
        return sum(
            log_urn(int(counts[k, c]), mean(k, c, likely[k % 2].get(c, 0.0), attacker.work_home, own[k]))
            for k, c in keys
        )

    no_work = attacker.habits.no_work_share
    none = np.log(no_work) + temper * sum(
        log_urn(int(counts[k, c]), mean(k, c, 0.0, attacker.none_home, 0.0)) for k, c in keys
    )
    ways_read = readers_of(imagine(knowledge(), attacker.habits).labels.words)
    cells = np.repeat(np.arange(home.n_cells), np.diff(home.cell_indptr))
    log = np.empty((home.n, work.n))
    for w in range(work.n):
        tables = [likely_signs(model.work, side, w) for side in (0, 1)]
        base = urns(tables)
        gain = np.empty(home.n_cells)
        for cell in range(home.n_cells):
            given = []
            for side, label, word, node in (
                (0, ways.going, ways.going_word, work.head[w]),
                (1, ways.coming, ways.coming_word, work.tail[w]),
            ):
                way: dict[int, float] = {}
                seen = 0.0
                for t, share in zip(ways.trees[cell], ways.weight[cell], strict=True):
                    near = ways_read[word[t, label[node, t]]]
                    seen += share * (1 - np.prod([1 - model.read_rate[c] for c in near if c >= 0]))
                    for c, p in way_signs(model, near).items():
                        way[c] = way.get(c, 0.0) + share * p
                b = pairs._BETWEEN[side]
                given.append(
                    {
                        c: b * way.get(c, 0.0) + (1 - b * seen) * tables[side].get(c, 0.0)
                        for c in {*way, *tables[side]}
                    }
                )
            gain[cell] = pairs._PAIR_POWER * temper * (urns(given) - base)
        far_m = np.hypot(home.x_m - work.x_m[w], home.y_m - work.y_m[w])
        both = (home.edge >= 0) & (work.edge[w] >= 0)
        commute = np.where(both, -far_m / ways.scale_m - np.log(ways.reach)[cells], 0.0)
        log[:, w] = (
            np.log(alone + 1e-300) + np.log((1 - no_work) * work.prior[w]) + temper * base + gain[cells]
        ) + commute
    nobody = np.log(alone + 1e-300) + none
    top = max(log.max(), nobody.max())
    mass, nobody = np.exp(log - top), np.exp(nobody - top)
    total = mass.sum() + nobody.sum()
    return np.asarray(np.column_stack([mass, nobody]) / total)


def dense_pairs(home: Posterior, work: Posterior, joint: Joint, plate: int) -> np.ndarray:
    """Masses of all pairs, shape (n_homes, n_works + 1); the last column is no work place."""
    lift = joint.lift[plate, -1].astype(np.float64)
    at = []
    for side, paired, row in (
        (home, joint.home[plate, -1], joint.row[plate, -1]),
        (work, joint.work[plate, -1], np.arange(joint.work.shape[2])),
    ):
        found = np.where(side.edge >= 0, len(paired), len(paired) + 1)
        found[paired[paired >= 0]] = row[paired >= 0]
        at.append(found)
    with_none = np.append(dense(work, plate), work.none[plate, -1])
    columns = np.append(at[1], lift.shape[1] - 1)
    return np.asarray(dense(home, plate)[:, None] * with_none * lift[at[0]][:, columns])


def test_equals_enumeration_of_every_pair() -> None:
    attacker, known = BayesAttacker(), knowledge()
    model = model_of(known, attacker.habits)
    assert model.home.places.n <= 400
    view = view_of(random_plates(1, 24))
    attack = attacker.infer(view, known)
    assert attack.home_posterior is not None and attack.work_posterior is not None
    joint = attack.joint
    assert joint is not None
    off: dict[str, list[float]] = {"home": [], "work": [], "none": [], "pairs": [], "marginals": []}
    for p in range(view.n_plates):
        every = enumerated_pairs(attacker, model, stay_counts(view, p, model))
        home, work, none = every.sum(axis=1), every[:, :-1].sum(axis=0), float(every[:, -1].sum())
        by_home, by_work = dense(attack.home_posterior, p), dense(attack.work_posterior, p)
        off["home"].append(0.5 * np.abs(by_home - home).sum())
        off["work"].append(0.5 * np.abs(by_work - work).sum())
        off["none"].append(abs(float(attack.work_posterior.none[p, 0]) - none))
        pair = dense_pairs(attack.home_posterior, attack.work_posterior, joint, p)
        off["pairs"].append(0.5 * np.abs(pair - every).sum())
        # Without practice, the joint posterior's marginals are the two posteriors.
        off["marginals"].append(
            float(np.abs(pair.sum(axis=1) - by_home).sum() + np.abs(pair[:, :-1].sum(axis=0) - by_work).sum())
        )
    median = {name: round(float(np.median(v)), 3) for name, v in off.items()}
    assert {name: m for name, m in median.items() if m > 0.05} == {}
    assert max(off["marginals"]) < 1e-3


def test_a_parked_car_speaks_for_the_streets_around_it_by_their_density() -> None:
    """One sighting at night: the odds of each street near it, worked out by hand; another reader's are 1."""
    known = knowledge()
    facts, net = known.readers, known.streets
    assert facts is not None and net is not None
    # Reader 0 is taken for one on a car.
    fixed = facts.fixed.copy()
    fixed[0] = False
    facts = replace(facts, fixed=fixed)
    view = view_of([[(2 * 3600, 0), (9 * 3600, 1)], [(2 * 3600, 0), (DAY_S + 2 * 3600, 0)]])
    near = nearby(view, facts, net)
    assert near.row.tolist() == [0, -1, 1, 2]
    assert near.share[0].sum() == pytest.approx(1.0)
    home = model_of(replace(known, readers=facts), BayesAttacker().habits).home_arrays

    def odds(plate: int, elsewhere: np.ndarray) -> tuple[dict[int, float], float]:
        a, b = view.indptr[plate], view.indptr[plate + 1]
        found, day = np.zeros(len(home.prior)), np.full(len(home.prior), -1, np.int64)
        where = np.empty(len(home.prior), np.int64)
        n, nowhere = park(
            view.time_s[a:b], view.expires_s[a:b], 30 * DAY_S, 0, near.row[a:b], near.edge, near.share,
            near.lot, home.place_of_edge, home.density, np.array(AT_HOME), elsewhere, found, day, where,
        )  # fmt: skip
        return {int(home.edge[p]): float(found[p]) for p in where[:n]}, float(nowhere)

    q, nothing = AT_HOME[0], np.zeros(net.n_edges)
    once, none_once = odds(0, nothing)
    for e, share in zip(near.edge[0], near.share[0], strict=True):
        if int(e) in once:
            expected = q / (1 - q) * share * net.edge_length_m.sum() / net.edge_length_m[e]
            assert once[int(e)] == pytest.approx(expected, rel=1e-5)
    assert len(once) >= 2
    assert none_once == pytest.approx(-np.log(1 - q))
    twice, _ = odds(1, nothing)
    assert twice == pytest.approx({e: 2 * v for e, v in once.items()})
    # A car that surely stands at its other place there says nothing about this one.
    surely = nothing.copy()
    surely[near.edge[0, 0]] = 1.0
    gone, none_gone = odds(0, surely)
    assert max(gone.values()) == 0.0
    assert none_gone == 0.0
