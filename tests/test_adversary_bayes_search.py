"""The search for a place: its index and its kernels against sums that are easy to follow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_adversary_bayes import knowledge

from simulator.adversary.bayes.attacker import BayesAttacker
from simulator.adversary.bayes.columns import columns_of
from simulator.adversary.bayes.hypotheses import Doors
from simulator.adversary.bayes.infer import point_guesses
from simulator.adversary.bayes.model import model_of
from simulator.adversary.bayes.search import (
    MASS_DEPTH,
    _choose_cells,
    _judge_cells,
    _rank_cells,
    decay,
    forget,
    level_at,
    make_room,
    posterior,
)
from simulator.adversary.bayes.tables import LEVELS, FirstLast, chance_of_levels


@given(st.floats(0, MASS_DEPTH, exclude_max=True))
@settings(deadline=None)
def test_decay_is_the_exponential_function(depth: float) -> None:
    assert decay(depth) == pytest.approx(np.exp(-depth), rel=5e-8)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_columns_say_of_each_cell_what_the_tables_say_of_its_doors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_nodes, n_signs, n_cells, most = rng.integers(1, (30, 20, 6, 9))
    sign = np.full((2, n_nodes, most), -1, np.int32)
    level = rng.integers(0, LEVELS, sign.shape).astype(np.uint8)
    for side in range(2):
        for node in range(n_nodes):
            some = np.sort(rng.choice(n_signs, rng.integers(0, min(most, n_signs) + 1), replace=False))
            sign[side, node, : len(some)] = some
    n_doors = rng.integers(0, 5, (n_cells, 2))
    bounds = np.concatenate([[0], np.cumsum(n_doors)])
    doors = Doors(
        node=rng.integers(0, n_nodes, bounds[-1]).astype(np.int32),
        side=np.repeat(np.tile([0, 1], n_cells), n_doors.ravel()).astype(np.int8),
        cell_indptr=bounds[::2].copy(), cell_middle=bounds[1::2].copy(),
        out=np.empty(0, np.uint16), into=np.empty(0, np.uint16),
    )  # fmt: skip
    weight, usual = rng.dirichlet(np.ones(max(bounds[-1], 1)))[: bounds[-1]], rng.dirichlet(np.ones(n_signs))
    got = columns_of(FirstLast(sign=sign, level=level), doors, weight, usual)
    chance, found = chance_of_levels(), 0
    for side in range(2):
        for c in range(n_signs):
            rows = range(got.indptr[side * n_signs + c], got.indptr[side * n_signs + c + 1])
            at = {int(got.cell[i]): i for i in rows}
            assert list(at) == sorted(at)
            for cell in range(n_cells):
                mine = range(bounds[2 * cell + side], bounds[2 * cell + side + 1])
                levels = [
                    {int(s): int(v) for s, v in zip(sign[side, n], level[side, n], strict=True)}.get(c, -1)
                    for n in doors.node[mine]
                ]
                highest = max(levels, default=-1)
                if highest < 0 or chance[highest] <= 0.2 * usual[c]:
                    assert cell not in at
                    continue
                found += 1
                first = int(got.first[at[cell]])
                assert got.door_level[first : first + len(mine)].tolist() == [v + 1 for v in levels]
                mean = sum(chance[v] * weight[d] for v, d in zip(levels, mine, strict=True) if v >= 0)
                middle = np.clip(mean**0.6 * chance[highest] ** 0.4, chance[0], 1.0)
                off = np.log(chance[got.level[at[cell]] - 1] / middle)
                assert abs(off) < 0.51 * np.log(chance[1] / chance[0])
    assert len(got.cell) == found


def test_a_cell_is_weighed_by_the_sum_of_its_streets() -> None:
    """Many streets near sightings by readers on cars: odds add up."""
    side = model_of(knowledge(), BayesAttacker().habits).home_arrays
    n = len(side.prior)
    rng = np.random.default_rng(4)
    where = rng.choice(n, 150, replace=False)
    odds = np.zeros(n)
    odds[where] = rng.exponential(20.0, len(where))
    room = make_room(side, side, 1, 1)
    for _ in range(2):
        nothing = np.zeros(1, np.int64), np.zeros((1, LEVELS + 1), np.float32)
        _judge_cells(1, *nothing, side, len(where), where, odds, room)
        mass = np.add.reduceat(side.prior * (1.0 + odds), side.cell_indptr[:-1])
        np.testing.assert_allclose(room.middle, np.log(mass), rtol=1e-5)


def test_cells_that_are_not_looked_into_count_as_others() -> None:
    side = model_of(knowledge(), BayesAttacker().habits).home_arrays
    n, room = len(side.cell_prior), make_room(side, side, 100, 1)
    assert n >= 5
    depth = np.append([0.0, 0.0, 0.01], np.full(n - 3, 2.0)).astype(np.float32)
    for most, expected in ((100, n), (3, 3), (2, 2), (1, 1)):
        room.middle[:] = 5.0 - depth
        best, others = _rank_cells(n, room)
        assert best == 5.0
        got, _, left = _choose_cells(n, 0, most, 0, 0.0, others, room)
        assert got == expected
        assert room.cells[: min(got, 3)].tolist() == [0, 1, 2][:got]
        assert left == pytest.approx(np.exp(-depth.astype(float))[got:].sum(), rel=0.02, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([5, 40, 400]))
@settings(max_examples=40, deadline=None)
def test_all_cells_looked_into_give_the_whole_posterior(seed: int, n_top: int) -> None:
    """Random worths of random signs, with readers on cars and "none", against a sum over all streets."""
    model, rng = model_of(knowledge(), BayesAttacker().habits), np.random.default_rng(seed)
    side, table, n_signs = model.work_arrays, model.work.table, len(model.usual)
    slots, n, n_where = int(rng.integers(1, 30)), len(side.prior), int(rng.integers(0, 6))
    key = np.append(0, rng.choice(2 * n_signs, slots - 1, replace=False))
    gain = np.zeros((slots, LEVELS + 1), np.float32)
    often = rng.uniform(0.1, 1.0, slots) / model.usual[key % n_signs]
    gain[1:, 1:] = np.log1p(often[1:, None] * chance_of_levels())
    slot = np.zeros((2, n_signs), np.int64)
    slot[key[1:] // n_signs, key[1:] % n_signs] = np.arange(1, slots)
    where, odds = rng.choice(n, n_where, replace=False), np.zeros(n)
    odds[where] = rng.exponential(5.0, n_where)
    room = make_room(side, side, 10_000, slots)
    places, masses = np.full(n_top, -1, np.int32), np.zeros(n_top, np.float32)
    log = np.log(side.prior * (1.0 + odds))
    for r in range(1, slots):
        for p in range(n):
            node = (side.head, side.tail)[key[r] // n_signs][p]
            row = table.sign[key[r] // n_signs, node]
            for level in table.level[key[r] // n_signs, node][row == key[r] % n_signs]:
                log[p] += gain[r, level + 1]
    mass = np.exp(log)
    none = 0.4 * np.exp(0.3) / 0.6
    for _ in range(2):
        listed, looked, got_none = posterior(
            slots, 0.3, 0.4, key, gain, side, n_where, where, odds, 10_000, room, places, masses
        )
        if slots == 1 and n_where == 0:
            assert (listed, looked) == (0, 0)
        else:
            # Cells that hold less than a hundredth together are not looked into, but count by their middles;
            # and those are left out that hardly ever show a sign.
            expected = mass / (mass.sum() + none)
            mine = places[:listed]
            assert len(set(mine.tolist())) == listed
            assert (np.diff(masses[:listed]) <= 0).all() and (places[listed:] == -1).all()
            np.testing.assert_allclose(masses[:listed], expected[mine], rtol=0.25, atol=2e-3)
            best = np.sort(expected)[::-1][:listed]
            np.testing.assert_allclose(np.cumsum(masses[:listed]), np.cumsum(best), atol=0.03)
            assert got_none == pytest.approx(none / (mass.sum() + none), abs=0.03)
            for r in range(1, slots):
                s, c = divmod(int(key[r]), n_signs)
                for p in mine[:3]:
                    node = (side.head, side.tail)[s][p]
                    levels = table.level[s, node][table.sign[s, node] == c]
                    assert level_at(side, s, p, r, room) in [0, *(levels + 1)]
        forget(looked, slots, slot.copy(), key, room)
        assert not room.looked.any()


def test_a_guess_is_the_likely_place_with_most_near_it() -> None:
    rng = np.random.default_rng(2)
    x_m, y_m = rng.uniform(0, 3_000, (2, 500)).astype(np.float64)
    inside = rng.random(500) < 0.9
    place = np.stack([rng.permutation(500)[:60] for _ in range(40)]).astype(np.int32)
    mass = -np.sort(-rng.dirichlet(np.full(60, 0.3), 40), axis=1).astype(np.float32)
    place[30:, 20:], mass[30:, 20:] = -1, 0.0
    place[7:9], mass[7:9] = place[6], mass[6]
    place[39] = -1
    got = np.full((3, 40), np.nan, np.float32)
    point_guesses(place, mass, inside, x_m, y_m, 400.0, *got)
    for r in range(39):
        at, its = place[r][place[r] >= 0], mass[r][place[r] >= 0]
        at, its = at[inside[at]], its[inside[at]]
        far_m = np.hypot(x_m[at][:, None] - x_m[at], y_m[at][:, None] - y_m[at])
        near = (np.maximum(1.0 - (far_m / 800.0) ** 2, 0.0) ** 3 * its).sum(axis=1)
        best = int(np.argmax(near[:24]))
        assert got[:2, r] == pytest.approx([x_m[at[best]], y_m[at[best]]])
        assert got[2, r] == pytest.approx(its[far_m[best] <= 400.0].sum(), abs=1e-6)
    assert np.isnan(got[:, 39]).all()
