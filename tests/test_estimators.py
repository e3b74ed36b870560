"""The estimators against scikit-learn's of the same names: the same numbers, words and warnings.

scikit-learn's own tests of its perceptron run against ours too, see test_estimator_checks.py.
"""

from __future__ import annotations

import copy
import pickle
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import make_classification, make_multilabel_classification, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError
from threadpoolctl import ThreadpoolController

import handgrad as hg
from handgrad.estimator import solving

Array = Any
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, CLASSES = make_classification(300, 10, n_informative=6, n_classes=3, random_state=0)
_, LABELS = make_multilabel_classification(300, 10, n_classes=4, random_state=0)
NUMBERS = make_regression(300, 10, random_state=0)[1] / 100
COUNTS = np.abs(3 * NUMBERS).round()
WEIGHTS = np.random.default_rng(0).uniform(0.5, 2, 300)
PAIRS = {
    "classes": (theirs.MLPClassifier, hg.MLPClassifier, CLASSES, {}),
    "two classes": (theirs.MLPClassifier, hg.MLPClassifier, CLASSES > 0, {}),
    "labels": (theirs.MLPClassifier, hg.MLPClassifier, LABELS, {}),
    "numbers": (theirs.MLPRegressor, hg.MLPRegressor, NUMBERS, {}),
    "counts": (theirs.MLPRegressor, hg.MLPRegressor, COUNTS, {"loss": "poisson"}),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "tanh in small batches": {"activation": "tanh", "batch_size": 32},
    "logistic, two layers": {"activation": "logistic", "hidden_layer_sizes": (5, 4)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "in order, without penalty": {"shuffle": False, "batch_size": 50, "alpha": 0.0},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.01},
    "invscaling": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling"},
    "adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.02,
        "n_iter_no_change": 2,
        "tol": 0.02,
    },
    "early": {"early_stopping": True, "n_iter_no_change": 2},
    "early and adaptive": {
        "solver": "sgd",
        "learning_rate": "adaptive",
        "learning_rate_init": 0.02,
        "early_stopping": True,
        "n_iter_no_change": 1,
    },
}


def made(kind: str, **settings: Any) -> tuple[Any, Any, Array]:
    """scikit-learn's estimator, ours, and what to learn."""
    them, us, y, own = PAIRS[kind]
    settings = {"hidden_layer_sizes": (8,), "max_iter": 25, "random_state": 1, **own, **settings}
    return them(**settings), us(**settings), y


def assert_same(ours: Any, other: Any, rtol: float = 1e-10) -> None:
    """The same network after the same run."""
    for name in ("coefs_", "intercepts_"):
        for one, two in zip(getattr(ours, name), getattr(other, name), strict=True):
            assert one.dtype == two.dtype
            assert_allclose(one, two, rtol=rtol, atol=rtol, err_msg=name)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_"):
        assert getattr(ours, name) == getattr(other, name), name
    for name in ("loss_", "loss_curve_", "best_loss_", "validation_scores_"):
        one, two = getattr(ours, name, None), getattr(other, name, None)
        assert (one is None) == (two is None), name
        if one is not None:
            assert_allclose(one, two, rtol=rtol, err_msg=name)


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_numbers_are_scikit_learns(setting, kind, weights):
    other, ours, y = made(kind, **SETTINGS[setting])
    other.fit(X, y, sample_weight=weights)
    ours.fit(X, y, sample_weight=weights)
    assert_same(ours, other)
    assert_allclose(ours.predict(X), other.predict(X), rtol=1e-9)
    assert ours.score(X, y) == pytest.approx(other.score(X, y), rel=1e-12)
    if hasattr(other, "predict_proba"):
        assert_allclose(ours.predict_proba(X), other.predict_proba(X), rtol=1e-9)
        assert_allclose(ours.predict_log_proba(X), other.predict_log_proba(X), rtol=1e-9)


@pytest.mark.parametrize("kind", PAIRS)
def test_lbfgs_goes_scikit_learns_way(kind):
    # Sums of the same numbers in another order: after some line searches fewer digits agree.
    other, ours, y = made(kind, solver="lbfgs", max_iter=8)
    assert_same(ours.fit(X, y), other.fit(X, y), rtol=1e-8)


def test_float32_stays_float32():
    for solver in ("adam", "sgd", "lbfgs"):
        other, ours, y = made("classes", solver=solver, max_iter=3)
        x = X.astype(np.float32)
        ours.fit(x, y)
        assert {a.dtype for a in (*ours.coefs_, *ours.intercepts_)} == {np.dtype(np.float32)}
        assert ours.predict_proba(x).dtype == np.float32
        assert_allclose(ours.predict_proba(x), other.fit(x, y).predict_proba(x), rtol=1e-3)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive"])
def test_partial_fits_go_on_as_scikit_learns(solver, schedule):
    other, ours, y = made(
        "classes", solver=solver, learning_rate=schedule, n_iter_no_change=1, tol=0.1
    )
    for part in (slice(0, 120), slice(120, 300), slice(0, 77), slice(0, 300)):
        other.partial_fit(X[part], y[part], classes=[0, 1, 2])
        ours.partial_fit(X[part], y[part], classes=[0, 1, 2])
        assert_same(ours, other)


@pytest.mark.parametrize("setting", ["adam", "invscaling", "adaptive"])
def test_a_warm_start_goes_on_as_scikit_learns(setting):
    other, ours, y = made("numbers", warm_start=True, **SETTINGS[setting])
    for _ in range(3):
        assert_same(ours.fit(X, y), other.fit(X, y))


def test_a_warm_start_that_improves_nothing_ends_with_the_best():
    # scikit-learn writes over its copy of the best weights in the second run, and ends elsewhere.
    _, ours, y = made("numbers", early_stopping=True, warm_start=True, max_iter=40)
    best = ours.fit(X, y).coefs_[0]
    ours.set_params(learning_rate_init=1.0, max_iter=2, validation_fraction=0.5).fit(X, y)
    assert ours.validation_scores_[-1] < ours.best_validation_score_
    assert np.array_equal(ours.coefs_[0], best)


def test_a_warm_start_may_change_its_solver():
    _, ours, y = made("classes", warm_start=True, max_iter=5)
    changes = ({"solver": "lbfgs"}, {"solver": "adam"}, {"early_stopping": True}, {"solver": "sgd"})
    losses = [ours.set_params(**settings).fit(X, y).loss_ for settings in changes]
    assert np.ptp(losses) < 0.05  # each goes on where the one before it ended
    ours = hg.MLPClassifier(solver="sgd", random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    ours.set_params(solver="adam").partial_fit(X, y)
    assert ours._optimizer.updates == 2
    assert {s.state for s in ours._optimizer.arrays} == {"m", "v"}


def test_fits_in_threads_leave_the_cores_as_they_were():
    controller = ThreadpoolController().select(user_api="blas")
    before = [each["num_threads"] for each in controller.info()]
    estimators = [made("classes", random_state=n)[1] for n in range(6)]
    with ThreadPoolExecutor(3) as pool:
        fitted = list(pool.map(lambda estimator: estimator.fit(X, CLASSES), estimators))
    assert [each["num_threads"] for each in controller.info()] == before
    for n, estimator in enumerate(fitted):
        assert_same(estimator, made("classes", random_state=n)[1].fit(X, CLASSES), rtol=0)


def test_wide_sparse_examples_take_no_more_memory_than_their_batch():
    wide = sparse.random_array((2000, 200_000), density=1e-5, rng=0, format="csr")
    ours = hg.MLPRegressor(hidden_layer_sizes=(2,), batch_size=10, max_iter=1, random_state=0)
    y = np.asarray(wide.sum(axis=1)).ravel()
    tracemalloc.start()
    ours.fit(wide, y)
    assert tracemalloc.get_traced_memory()[1] < 0.1 * 8 * wide.shape[0] * wide.shape[1]
    tracemalloc.stop()


def test_a_generator_is_left_where_scikit_learn_leaves_it():
    other, ours, y = made("classes", tol=1.0, n_iter_no_change=3)
    left = []
    for estimator in (other, ours):
        generator = np.random.RandomState(7)
        estimator.set_params(random_state=generator).fit(X, y)
        left.append(generator.random_sample())
    assert left[0] == left[1]


@pytest.mark.parametrize("setting", ["adam", "adaptive", "early", "invscaling"])
def test_both_engines_run_the_same_epochs(setting):
    # XLA runs ahead and is taken back where an epoch ends the run or lowers the rate.
    _, ours, y = made("classes", activation="tanh", **SETTINGS[setting])
    ours.set_params(max_iter=60)
    generators = np.random.RandomState(3), np.random.RandomState(3)
    numpy = clone(ours).set_params(engine="numpy", random_state=generators[0]).fit(X, y)
    xla = clone(ours).set_params(engine="jax", random_state=generators[1]).fit(X, y)
    assert_same(xla, numpy, rtol=1e-9)
    assert generators[0].random_sample() == generators[1].random_sample()


def test_lbfgs_by_xla_takes_the_steps_of_numpy():
    _, ours, y = made("two classes", solver="lbfgs", max_iter=8)
    assert_same(clone(ours).set_params(engine="jax").fit(X, y), ours.fit(X, y), rtol=1e-8)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("batch_size", [64, 300])
def test_sparse_examples_are_as_dense_ones(solver, form, batch_size):
    x = np.where(np.abs(X) > 1, X, 0)
    _, ours, y = made("classes", solver=solver, max_iter=4, batch_size=batch_size)
    dense, thin = clone(ours).fit(x, y), clone(ours).fit(form(x), y)
    for one, two in zip(thin.coefs_, dense.coefs_, strict=True):
        assert np.array_equal(one, two)
    assert np.array_equal(thin.predict_proba(form(x)), dense.predict_proba(x))


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_a_weight_is_a_repetition(kind, solver):
    _, ours, y = made(kind, solver=solver, shuffle=False, batch_size=1000, max_iter=5, alpha=0.1)
    counts = np.random.default_rng(1).integers(0, 4, 300)
    with (
        pytest.warns(UserWarning, match="clipped")
        if solver != "lbfgs"
        else warnings.catch_warnings()
    ):
        weighted = clone(ours).fit(X, y, sample_weight=counts)
        repeated = clone(ours).fit(np.repeat(X, counts, 0), np.repeat(y, counts, 0))
    for one, two in zip(weighted.coefs_, repeated.coefs_, strict=True):
        assert_allclose(one, two, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ["numbers", "counts", "labels", "several numbers"])
def test_the_gradient_is_that_of_the_loss(kind):
    several = np.column_stack([NUMBERS, X[:, 0] * X[:, 1], X[:, 2]])
    if kind == "several numbers":
        ours, y = hg.MLPRegressor("squared_error", (4,), "tanh", random_state=0), several
    else:
        _, ours, y = made(kind, activation="tanh")
    ours.set_params(alpha=0.3, max_iter=2).fit(X, y)
    found = ours.loss_gradients(X, y, WEIGHTS)

    def loss_at(layer: int, place: tuple[int, ...], value: float) -> float:
        moved = copy.deepcopy(ours)
        moved.coefs_[layer][place] = value
        return moved.loss_gradients(X, y, WEIGHTS).loss

    h = 1e-5
    for layer, place in ((0, (2, 1)), (1, (3, 0))):
        at = ours.coefs_[layer][place]
        slope = (loss_at(layer, place, at + h) - loss_at(layer, place, at - h)) / (2 * h)
        assert found.coefs[layer][place] == pytest.approx(slope, rel=1e-7)


def test_the_loss_of_several_outputs_is_scikit_learns_and_its_gradient_is_not():
    y = np.column_stack([NUMBERS, X[:, 2]])
    settings = {"activation": "tanh", "random_state": 0, "shuffle": False, "batch_size": 300}
    settings |= {"max_iter": 1, "hidden_layer_sizes": (3,), "alpha": 1.0}
    other, ours = theirs.MLPRegressor(**settings), hg.MLPRegressor(**settings)
    assert ours.fit(X, y).loss_ == pytest.approx(other.fit(X, y).loss_, rel=1e-12)
    # Where L-BFGS ends, the gradient is zero only if it is that of the loss.
    settings = {"solver": "lbfgs", "max_iter": 5000, "max_fun": 100_000, "tol": 1e-7}
    steepest = []
    for estimator in (ours, other):
        estimator.set_params(**settings).fit(X, y)
        ours.coefs_, ours.intercepts_ = estimator.coefs_, estimator.intercepts_
        found = ours.loss_gradients(X, y)
        steepest.append(max(np.abs(g).max() for g in (*found.coefs, *found.intercepts)))
    assert steepest[0] < 1e-4
    assert steepest[1] > 1e-3


def test_what_each_layer_does_can_be_looked_at():
    _, ours, y = made("classes", activation="tanh", hidden_layer_sizes=(5, 4))
    ours.fit(X, y)
    one, two, three = ours.layer_activations(X)
    assert_allclose(one, np.tanh(X @ ours.coefs_[0] + ours.intercepts_[0]), rtol=1e-12)
    assert_allclose(two, np.tanh(one @ ours.coefs_[1] + ours.intercepts_[1]), rtol=1e-12)
    assert np.array_equal(three, ours.predict_proba(X))
    found = ours.loss_gradients(X, y)
    delta = (three - np.eye(3)[y]) / len(X)
    assert_allclose(found.sums[-1], delta, rtol=1e-9, atol=1e-15)
    assert_allclose(found.coefs[2], two.T @ delta + ours.alpha * ours.coefs_[2] / len(X), rtol=1e-9)
    assert [a.shape for a in found.intercepts] == [b.shape for b in ours.intercepts_]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_the_worked_update_is_the_one_partial_fit_does(solver):
    _, ours, y = made("classes", solver=solver, activation="tanh", max_iter=4)
    ours.fit(X, y)
    worked = ours.explain(X[:3], y[:3], WEIGHTS[:3], of="W1[2,5]")
    ((step, trace),) = worked.traces
    ours.partial_fit(X[:3], y[:3], WEIGHTS[:3])
    assert_allclose(trace["W1_new"], ours.coefs_[0].T, rtol=1e-12, atol=1e-15)
    assert step == ours._optimizer.updates
    assert "W1_new[2,5]" in worked.to_text()
    with pytest.raises(hg.InputError, match="W9"):
        ours.explain(X[:1], y[:1], of="W9")


def test_the_page_of_lbfgs_says_what_it_shows():
    _, ours, y = made("numbers", solver="lbfgs", hidden_layer_sizes=(2,))
    assert "L-BFGS" in ours.fit(X, y).explain(X[:1], y[:1]).to_text()


def test_every_verb_takes_the_network():
    _, ours, y = made("counts", activation="tanh")
    assert hg.check(ours.fit(X, y).to_problem(X[:20], y[:20], WEIGHTS[:20])).agrees


def test_activations_may_differ_from_layer_to_layer():
    leaky = {"name": "leaky_relu", "slope": 0.2}
    _, ours, y = made(
        "numbers", hidden_layer_sizes=(3, 4, 5), activation=["elu", leaky, "z*sigmoid(z)"]
    )
    ours.fit(X, y)
    a1, a2, a3, _ = ours.layer_activations(X)
    z2 = a1 @ ours.coefs_[1] + ours.intercepts_[1]
    z3 = a2 @ ours.coefs_[2] + ours.intercepts_[2]
    assert_allclose(a2, np.where(z2 > 0, z2, 0.2 * z2), rtol=1e-12)
    assert_allclose(a3, z3 / (1 + np.exp(-z3)), rtol=1e-9)
    assert hg.check(ours.to_problem(X[:5], y[:5])).agrees
    same, plain, _ = made("classes", hidden_layer_sizes=(4, 3))
    plain.set_params(activation=["tanh", "tanh"]).fit(X, CLASSES)
    assert_same(plain, same.set_params(activation="tanh").fit(X, CLASSES))


def test_first_weights_may_be_given():
    _, ours, y = made("numbers", max_iter=1)
    drawn = clone(ours).fit(X, y)
    W = np.full((10, 8), 0.1)
    given = clone(ours).set_params(coefs_init=[W, None], learning_rate_init=1e-12).fit(X, y)
    assert_allclose(given.coefs_[0], W, atol=1e-9)
    assert_allclose(given.coefs_[1], drawn.coefs_[1], atol=0.01)  # drawn as ever
    assert np.all(W == 0.1)


def test_training_ends_below_a_threshold():
    for solver in ("adam", "sgd", "lbfgs"):
        _, ours, y = made("two classes", solver=solver, max_iter=500, learning_rate_init=0.01)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ours.set_params(loss_threshold=0.5).fit(X, y)
        assert ours.loss_ < 0.5
        assert ours.n_iter_ < 500
        if solver != "lbfgs":
            assert min(ours.loss_curve_[:-1]) >= 0.5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"alpha": -1}, "The 'alpha' parameter of MLPClassifier must be a float"),
        ({"solver": "newton"}, "The 'solver' parameter of MLPClassifier must be a str among"),
        ({"activation": "rleu"}, "The 'activation' parameter of MLPClassifier must be a str among"),
        ({"momentum": 2}, "The 'momentum' parameter of MLPClassifier must be a float"),
        ({"hidden_layer_sizes": (4, -1)}, r"hidden_layer_sizes must be > 0, got \[4, -1\]."),
        ({"early_stopping": True, "validation_fraction": 0.001}, "The validation set is too small"),
        ({"activation": ["tanh"], "hidden_layer_sizes": (3, 4)}, "activation lists 1 for 2 hidden"),
        ({"activation": ["tnah"]}, "Did you mean"),
        ({"activation": ["q + 1"]}, "it may use z only"),
        ({"coefs_init": [None]}, "coefs_init lists 1 arrays for 2 layers"),
        ({"intercepts_init": [np.zeros(3), None]}, r"intercepts_init\[0\] has shape \(3,\)"),
        ({"engine": "abacus"}, "The 'engine' parameter of MLPClassifier must be a str among"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(settings, said):
    _, ours, y = made("classes")
    ours.set_params(**settings)
    with pytest.raises(ValueError, match=said) as told:
        ours.fit(X[:60], y[:60])
    if "parameter of" in said:
        assert told.type is InvalidParameterError


@pytest.mark.parametrize("sizes", [(2.5,), (4, True), ("5",)])
def test_units_are_counted_in_whole_numbers(sizes):
    _, ours, y = made("classes")
    with pytest.raises(TypeError):
        ours.set_params(hidden_layer_sizes=sizes).fit(X[:60], y[:60])


def test_data_that_cannot_be_used_are_named():
    _, ours, y = made("classes")
    with pytest.raises(ValueError, match="Input X contains NaN"):
        ours.fit(np.where(X > 2, np.nan, X), y)
    some = np.arange(300) < 3
    with pytest.raises(ZeroDivisionError, match="Weights sum to zero"):
        ours.set_params(batch_size=50, shuffle=False).fit(X, y, sample_weight=some)
    _, counts, _ = made("counts")
    with pytest.raises(ValueError, match="out of the valid range of the loss 'poisson'"):
        counts.fit(X, -COUNTS)
    with pytest.raises(TypeError, match="y holds <U2 in place of numbers"):
        hg.MLPRegressor().fit(X[:4], np.array(["1", "2", "10", "4"]))
    with pytest.raises(NotFittedError):
        clone(ours).predict(X)
    with pytest.raises(ValueError, match="warm_start=False"):
        clone(ours).set_params(warm_start=True).fit(X, y).set_params(hidden_layer_sizes=(3,)).fit(
            X, y
        )


def test_a_run_that_diverges_is_an_error():
    _, ours, _ = made("numbers", solver="sgd", learning_rate_init=1e3, activation="identity")
    with pytest.raises(ValueError, match="Solver produced non-finite parameter weights"):
        ours.fit(X * 1e3, NUMBERS)


@pytest.mark.parametrize("setting", ["adam", "adaptive", "early", "early and adaptive"])
def test_what_is_printed_and_warned_of_is_scikit_learns(setting, capsys):
    told = []
    for estimator in made("two classes", verbose=True, **SETTINGS[setting])[:2]:
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            estimator.fit(X, CLASSES > 0)
        told.append((capsys.readouterr().out, [(w.category, str(w.message)) for w in seen]))
    assert told[1] == told[0]


def test_lbfgs_warns_as_scikit_learns_does():
    told = []
    for estimator in made("two classes", solver="lbfgs", max_iter=2)[:2]:
        with pytest.warns(ConvergenceWarning) as seen:
            estimator.fit(X, CLASSES > 0)
        told.append(str(seen[0].message).split())
    assert told[1] == told[0]


def test_partial_fit_is_there_for_stochastic_solvers_only():
    ours = hg.MLPClassifier(solver="lbfgs")
    assert not hasattr(ours, "partial_fit")
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'"):
        _ = ours.partial_fit
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        hg.MLPClassifier(early_stopping=True).partial_fit(X, CLASSES, classes=[0, 1, 2])
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`"):
        hg.MLPClassifier().partial_fit(X, CLASSES, classes=[0, 1])


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    _, ours, y = made("classes")
    count = solving.Solving._count

    def interrupted(self: Any, loss: float, rows: int) -> None:
        count(self, loss, rows)
        if self.n_iter_ == 7:
            raise KeyboardInterrupt

    monkeypatch.setattr(solving.Solving, "_count", interrupted)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        ours.fit(X, y)
    monkeypatch.undo()
    assert ours.n_iter_ == len(ours.loss_curve_) == 7
    other = made("classes", max_iter=7)[0].fit(X, y)
    for one, two in zip(ours.coefs_, other.coefs_, strict=True):
        assert_allclose(one, two, rtol=1e-10)


def test_it_works_where_estimators_work():
    pandas = pytest.importorskip("pandas")
    _, ours, y = made("classes")
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), ours), {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2
    ).fit(X, y)
    assert grid.best_estimator_.predict(X).shape == y.shape
    assert len(cross_val_score(ours, X, y, cv=3)) == 3
    frame = pandas.DataFrame(X, columns=[f"c{n}" for n in range(10)])
    fitted = clone(ours).fit(frame, y)
    assert list(fitted.feature_names_in_) == list(frame.columns)
    again = pickle.loads(pickle.dumps(fitted))  # noqa: S301 (our own bytes)
    assert np.array_equal(again.predict_proba(frame), fitted.predict_proba(frame))
    assert_same(again.partial_fit(frame, y), fitted.partial_fit(frame, y), rtol=0)
    scaled = make_pipeline(StandardScaler(), clone(ours)).set_output(transform="pandas")
    assert list(scaled.fit(frame, y)[-1].feature_names_in_) == list(frame.columns)


def test_every_parameter_of_scikit_learns_is_there_with_its_default():
    for other, ours in ((cls[0](), cls[1]()) for cls in PAIRS.values()):
        own = ours.get_params()
        assert {k: own[k] for k in other.get_params()} == other.get_params()
        assert set(own) - set(other.get_params()) == {
            "coefs_init",
            "engine",
            "intercepts_init",
            "loss_threshold",
        }


def test_a_difference_in_a_digit_would_be_noticed():
    other, ours, y = made("classes")
    assert_same(ours.fit(X, y), other.fit(X, y))
    ours.coefs_[0][3, 2] *= 1 + 1e-8
    with pytest.raises(AssertionError, match="coefs_"):
        assert_same(ours, other)
