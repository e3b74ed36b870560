"""SciPy's L-BFGS over the derived loss and gradient."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import handgrad as hg
from handgrad.model.vocabulary import OPTIMIZERS
from handgrad.training.beginning import Setup, Wish, set_up
from handgrad.training.lbfgs import minimised, slope_of

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(30, 3)), rng.normal(size=(30, 2))


def setup_of(sizes: list[int], **settings: object) -> Setup:
    problem = hg.Network(sizes, x=X, y=Y, loss="half_mean_squared_error", **settings)
    return set_up(problem, Wish(0))


@pytest.mark.parametrize("engine", ["numpy", "jax"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_slope_is_the_gradient_of_the_worked_steps(engine, optimizer):
    setup = setup_of([3, 4, 2], activation="tanh", optimizer=optimizer, l2=0.1)
    slope = slope_of(setup.task, setup.inputs, engine)
    trace = hg.evaluate(setup.derivation, setup.problem)
    for factor in (2.0, 1.0):  # the second call knows nothing of the first
        given = [factor * setup.problem.values[s] for s in setup.task.parameters]
        loss, gradients = slope(given)
    assert loss == pytest.approx(trace["L"].item(), rel=1e-14)
    for symbol, gradient in zip(setup.task.parameters, gradients, strict=True):
        assert_allclose(gradient, trace[f"dL/d{symbol}"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("engine", ["numpy", "jax"])
def test_a_linear_network_ends_at_the_least_squares(engine):
    setup = setup_of([3, 2], activation="identity")
    found = minimised(setup.task, setup.inputs, setup.first.arrays, engine=engine, tolerance=1e-10)
    best = np.linalg.lstsq(np.hstack([X, np.ones((30, 1))]), Y, rcond=None)[0]
    assert found.status == 0
    assert_allclose(found.arrays[0], best[:3].T, rtol=1e-4, atol=1e-5)
    assert_allclose(found.arrays[1], best[3], rtol=1e-4, atol=1e-5)


def test_it_ends_where_it_is_told_to():
    setup = setup_of([3, 5, 2], activation="tanh")
    losses: list[float] = []

    def told(iteration: int, loss: float, _: object) -> bool:
        losses.append(loss)
        return iteration == 3

    found = minimised(setup.task, setup.inputs, setup.first.arrays, told=told)
    assert found.iterations == len(losses) == 3
    assert losses == sorted(losses, reverse=True)
    assert found.loss == losses[-1]
    assert found.status != 0
    few = minimised(setup.task, setup.inputs, setup.first.arrays, iterations=3)
    assert np.array_equal(few.arrays[0], found.arrays[0])


def test_scipy_is_asked_for_by_name(monkeypatch):
    setup = setup_of([3, 2])
    monkeypatch.setitem(sys.modules, "scipy.optimize", None)
    with pytest.raises(hg.InputError, match=r"handgrad\[sklearn\]"):
        minimised(setup.task, setup.inputs, setup.first.arrays)


def test_the_formulas_of_the_estimators_are_no_optimizers_of_a_problem_file():
    assert not [name for name in OPTIMIZERS if "sklearn" in name]
    with pytest.raises(hg.InputError, match="sklearn_adam"):
        hg.Network([3, 2], x=X, y=Y, optimizer="sklearn_adam")
