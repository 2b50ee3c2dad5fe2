"""A learned attacker: gradient-boosted trees on made-up drivers, to see how near a black box comes.

Two stages for each target. Regressors (squared error) say how far the place is from a reference point, given
summaries of the sightings (:mod:`simulator.adversary.learned_features`). Then a classifier says of every
candidate, that is the regressed point and the guesses of the simple attackers, how likely it is within 250 m
of the truth; the likeliest is the guess, and its probability the confidence. The classifier learns on made-up
drivers that the regressors have not seen, so that it does not trust them too much.

Trees: J. H. Friedman (2001), Greedy Function Approximation: A Gradient Boosting Machine, Annals of Statistics
29(5); on histograms as by G. Ke et al. (2017), LightGBM, NeurIPS 30.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.adversary.attacker import Attack, Extra, Guesses
from simulator.adversary.knowledge import Knowledge, Rung
from simulator.adversary.learned_features import Features, features_of
from simulator.adversary.recipe import RecipeAttacker
from simulator.adversary.training import Training
from simulator.errors import ScenarioError
from simulator.sightings.view import ArchiveView

FloatArray = NDArray[np.float64]

SCIKIT_LEARN = Extra(name="learned", module="sklearn", package="scikit-learn")
NEAR_M = 250.0
# Share of the made-up drivers that regressors learn from; the classifiers get the others.
_REGRESSED_SHARE = 0.6
_FEWEST_ROWS = 40
_SEED = 0
# Checkpoints of one driver are much alike: so many rows, drawn at random, are enough to learn from.
_MOST_ROWS, _MOST_CHOSEN_ROWS = 8_000, 3_000

# Models go when the drivers that they learnt from go.
_TRAINED: weakref.WeakKeyDictionary[Training, dict[str, _TargetModel | None]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class LearnedAttacker:
    """Trees trained on drivers that the adversary makes up by all it knows, never on those it attacks.

    Parameters
    ----------
    name, title, citation, rung
        As of every attacker.
    simple
        Attackers whose guesses it may choose and learn from.
    learns
        Tells the run to make up drivers.
    """

    simple: tuple[RecipeAttacker, ...]
    name: str = "learned"
    title: str = "Boosted decision trees"
    citation: str = (
        "J. H. Friedman (2001), Greedy Function Approximation: A Gradient Boosting Machine, "
        "Annals of Statistics 29(5); features and training are this project's"
    )
    rung: Rung = Rung.HABITS
    learns: bool = True

    def infer(self, view: ArchiveView, knowledge: Knowledge) -> Attack:
        """Guess homes and work places; abstain where nothing is seen, or no work place is likelier.

        Raises
        ------
        ScenarioError
            If there are no made-up drivers to learn from.
        """
        training = knowledge.training
        if training is None:
            raise ScenarioError(
                f"Attacker '{self.name}' has no drivers to learn from: pass its setting through "
                "simulator.training.with_training first."
            )
        from threadpoolctl import threadpool_limits

        features = features_of(view, self.simple)
        shape = (view.n_plates, view.n_checkpoints)
        # Runs share out drivers to processes; threads that wait for one another in each would only be slower.
        with threadpool_limits(1):
            models = _TRAINED.get(training)
            if models is None:
                models = _TRAINED[training] = _train(training, self.simple)
            home, work = (_guess(models[t], features[t], shape) for t in ("home", "work"))
        return Attack(home=home, work=work)


@dataclass(frozen=True, kw_only=True, eq=False)
class _TargetModel:
    """Fitted trees of one target; ``exists`` is ``None`` where everybody, or nobody, has such a place."""

    offset_x: Any
    offset_y: Any
    near: Any
    exists: Any | None

    def candidates(self, features: Features) -> tuple[FloatArray, FloatArray]:
        """Return the candidates of all rows, the regressed point first."""
        ref_x, ref_y = _reference(features)
        relative = _relative(features, ref_x, ref_y)
        x = ref_x + self.offset_x.predict(relative)
        y = ref_y + self.offset_y.predict(relative)
        return np.column_stack([x, features.x_m]), np.column_stack([y, features.y_m])


def _reference(features: Features) -> tuple[FloatArray, FloatArray]:
    """Return the median of each row's candidates; NaN where there is none."""
    x, y = (np.full(len(features.seen), np.nan) for _ in range(2))
    some = np.isfinite(features.x_m).any(axis=1)
    x[some] = np.nanmedian(features.x_m[some], axis=1)
    y[some] = np.nanmedian(features.y_m[some], axis=1)
    return x, y


def _relative(features: Features, ref_x: FloatArray, ref_y: FloatArray) -> FloatArray:
    """Return the table with the reference and the candidates as seen from it."""
    return np.column_stack(
        [features.table, ref_x, ref_y, features.x_m - ref_x[:, None], features.y_m - ref_y[:, None]]
    )


def _rows_of(features: Features, x: FloatArray, y: FloatArray) -> FloatArray:
    """Return one row for each candidate of each row: what it is, how it lies to the others, and the table.

    Shape (n_rows * n_candidates, n_features).
    """
    n, m = x.shape
    away = np.hypot(x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :])
    own = np.stack(
        [
            np.broadcast_to(np.arange(m, dtype=np.float64), (n, m)),
            x,
            y,
            (away <= NEAR_M).sum(axis=2),
            (away <= 2 * NEAR_M).sum(axis=2),
        ],
        axis=2,
    )
    own = np.concatenate([own, away], axis=2)
    table = np.broadcast_to(features.table[:, None, :], (n, m, features.table.shape[1]))
    return np.concatenate([own, table], axis=2).reshape(n * m, -1)


def _train(training: Training, simple: tuple[RecipeAttacker, ...]) -> dict[str, _TargetModel | None]:
    """Fit the trees; ``None`` for a target that the made-up drivers show too little of."""
    features = features_of(training.view, simple)
    k = training.view.n_checkpoints
    driver = np.repeat(np.arange(training.n_drivers), k)
    first = driver < int(_REGRESSED_SHARE * training.n_drivers)  # drivers are in random order
    models: dict[str, _TargetModel | None] = {}
    for target, x_m, y_m, edge in (
        ("home", training.home_x_m, training.home_y_m, training.home_edge),
        ("work", training.work_x_m, training.work_y_m, training.work_edge),
    ):
        x_m, y_m = (np.where(edge >= 0, v, np.nan) for v in (x_m, y_m))
        has = np.ones(training.n_drivers, dtype=bool) if target == "home" else training.has_work
        models[target] = _train_target(features[target], x_m[driver], y_m[driver], has[driver], first)
    return models


def _train_target(
    features: Features,
    true_x: FloatArray,
    true_y: FloatArray,
    has: NDArray[np.bool_],
    first: NDArray[np.bool_],
) -> _TargetModel | None:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    ref_x, ref_y = _reference(features)
    relative = _relative(features, ref_x, ref_y)
    usable = np.isfinite(true_x) & np.isfinite(ref_x)
    learn = _drawn(usable & first, _MOST_ROWS)
    check = _drawn(np.isfinite(ref_x) & ~first, _MOST_CHOSEN_ROWS)
    if len(learn) < _FEWEST_ROWS or len(check) < _FEWEST_ROWS:
        return None
    trees = {"max_iter": 100, "learning_rate": 0.08, "max_leaf_nodes": 15, "l2_regularization": 1.0}
    trees |= {"max_features": 0.5, "early_stopping": False, "random_state": _SEED}
    offset_x, offset_y = (
        HistGradientBoostingRegressor(**trees).fit(relative[learn], true[learn] - ref[learn])
        for true, ref in ((true_x, ref_x), (true_y, ref_y))
    )
    some = _some(features, check)
    x = np.column_stack([ref_x[check] + offset_x.predict(relative[check]), some.x_m])
    y = np.column_stack([ref_y[check] + offset_y.predict(relative[check]), some.y_m])
    rows, at = _rows_of(some, x, y), np.isfinite(x).ravel()
    right = (np.hypot(x - true_x[check, None], y - true_y[check, None]) <= NEAR_M).ravel()
    if len(np.unique(right[at])) < 2:
        return None
    small = trees | {"max_iter": 60}
    near = HistGradientBoostingClassifier(**small).fit(rows[at], right[at])
    seen = _drawn(features.seen, _MOST_ROWS)
    exists = None
    if len(np.unique(has[seen])) == 2:
        exists = HistGradientBoostingClassifier(**small).fit(features.table[seen], has[seen])
    return _TargetModel(offset_x=offset_x, offset_y=offset_y, near=near, exists=exists)


def _drawn(usable: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
    """Return the usable rows, or as many of them as are enough."""
    rows = np.flatnonzero(usable)
    if len(rows) <= most:
        return rows
    return np.sort(np.random.default_rng(_SEED).choice(rows, most, replace=False))


def _some(features: Features, rows: NDArray[np.int64]) -> Features:
    return Features(
        table=features.table[rows], x_m=features.x_m[rows], y_m=features.y_m[rows], seen=features.seen[rows]
    )


def _guess(model: _TargetModel | None, features: Features, shape: tuple[int, int]) -> Guesses:
    out = np.full((3, len(features.seen)), np.nan, dtype=np.float32)
    rows = np.flatnonzero(features.seen & np.isfinite(features.x_m).any(axis=1))
    if model is not None and len(rows) and model.exists is not None:
        rows = rows[model.exists.predict_proba(features.table[rows])[:, 1] >= 0.5]
    if model is not None and len(rows):
        some = _some(features, rows)
        x, y = model.candidates(some)
        chance = model.near.predict_proba(_rows_of(some, x, y))[:, 1].reshape(x.shape)
        best = np.where(np.isfinite(x), chance, -1.0).argmax(axis=1)
        at = np.arange(len(rows))
        for part, values in zip(out, (x, y, chance), strict=True):
            part[rows] = values[at, best]
    return Guesses(x_m=out[0].reshape(shape), y_m=out[1].reshape(shape), confidence=out[2].reshape(shape))
