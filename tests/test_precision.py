"""Gradients of ordinary networks against 60-digit backpropagation, beside JAX on the same networks.

The error of a network is its largest absolute error over all gradients, over its largest gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.oracles import mpmath_oracle

from handgrad.calculus.expr import Symbol
from handgrad.model.network import Formula, Layer
from handgrad.model.problem import Problem, derive, network_problem
from handgrad.numbers.evaluate import evaluate
from handgrad.numbers.updates import start

Array = Any
NETWORKS = 100
SIZES = (
    (1, 1, 1),
    (2, 2, 1),
    (2, 2, 2),
    (2, 3, 2),
    (3, 4, 3),
    (4, 8, 3),
    (3, 5, 4, 2),
    (8, 8, 8, 4),
)


@dataclass(frozen=True)
class Network:
    """N(0, 1) weights, biases and inputs; softmax with cross-entropy, or the squared error."""

    W: list[Array]
    b: list[Array]
    x: Array
    y: Array
    activations: list[str]
    loss: str

    def problem(self) -> Problem:
        values: dict[Symbol, Array] = {Symbol("x"): self.x, Symbol("y"): self.y}
        for n, (weight, bias) in enumerate(zip(self.W, self.b, strict=True), 1):
            values |= {Symbol("W", n): weight, Symbol("b", n): bias}
        layers = [Layer(Formula(name)) for name in self.activations]
        return network_problem(layers, Formula(self.loss), values)


def random_network(seed: int) -> Network:
    rng = np.random.default_rng([seed, 22])
    sizes, examples = SIZES[seed % len(SIZES)], int(rng.choice([1, 2, 4]))
    activations = [str(rng.choice(["tanh", "sigmoid", "relu"])) for _ in sizes[1:]]
    classes = sizes[-1] > 1 and rng.random() < 0.5
    y = rng.normal(size=(examples, sizes[-1]))
    if classes:
        activations[-1] = "softmax"
        y = np.eye(sizes[-1])[rng.integers(0, sizes[-1], examples)]
    return Network(
        [rng.normal(size=(here, before)) for before, here in pairwise(sizes)],
        [rng.normal(size=here) for here in sizes[1:]],
        rng.normal(size=(examples, sizes[0])),
        y,
        activations,
        "cross_entropy" if classes else "half_squared_error",
    )


def ours(network: Network, dtype: Any = np.float64) -> list[Array]:
    problem = network.problem()
    derivation = derive(problem)
    trace = evaluate(derivation, start(problem, derivation), dtype)
    layers = range(1, len(network.W) + 1)
    return [trace[f"dL/d{letter}{n}"] for letter in "Wb" for n in layers]


def jax_gradients(network: Network, dtype: Any = np.float64) -> list[Array]:
    """The same network as one writes it in JAX."""
    functions = {"tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "relu": jax.nn.relu}

    def loss(parameters: list[tuple[Array, Array]]) -> Array:
        a = jnp.asarray(network.x, dtype)
        y = jnp.asarray(network.y, dtype)
        for (weight, bias), activation in zip(parameters, network.activations, strict=True):
            z = a @ weight.T + bias
            a = z if activation == "softmax" else functions[activation](z)
        if network.loss == "cross_entropy":
            return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(a), axis=1))
        return jnp.sum((a - y) ** 2) / 2

    with jax.enable_x64(dtype == np.float64):
        pairs = zip(network.W, network.b, strict=True)
        found = jax.grad(loss)([(jnp.asarray(w, dtype), jnp.asarray(b, dtype)) for w, b in pairs])
        return [np.asarray(g) for kind in (0, 1) for g in (pair[kind] for pair in found)]


def error(network: Network, gradients: list[Array]) -> float:
    truth = mpmath_oracle.gradients(
        network.W, network.b, network.x, network.y, network.activations, network.loss
    )
    worst, largest = mpmath_oracle.error(gradients, (*truth.dW, *truth.db))
    return worst / largest if largest else worst


@pytest.fixture(scope="module")
def errors() -> Array:
    """Of every network: our error and JAX's."""
    networks = [random_network(seed) for seed in range(NETWORKS)]
    return np.array([(error(n, ours(n)), error(n, jax_gradients(n))) for n in networks])


@pytest.mark.slow
def test_every_gradient_is_the_nearest_float_but_for_a_few_bits(errors: Array):
    mine = errors[:, 0]
    assert np.median(mine) <= 3e-16
    if np.finfo(np.longdouble).eps < np.finfo(float).eps:  # extended precision is at hand
        assert np.max(mine) <= 1.2e-16, "half a unit in the last place is 1.1e-16"


@pytest.mark.slow
@pytest.mark.skipif(
    np.finfo(np.longdouble).eps == np.finfo(float).eps, reason="no extended precision here"
)
def test_no_network_is_further_from_the_truth_than_twice_jax(errors: Array):
    # A correctly rounded gradient is as near as any float can be, so JAX's luck does not matter.
    mine, jax_error = errors.T
    beyond = np.argwhere(mine > 2 * jax_error)
    assert not len(beyond), f"networks {beyond.ravel().tolist()}: {errors[beyond.ravel()]}"


def test_float32_is_good_to_a_few_of_its_units():
    unit = float(np.finfo(np.float32).eps)
    found = [error(n, ours(n, np.float32)) for n in map(random_network, range(24))]
    assert all(g.dtype == np.float32 for g in ours(random_network(3), np.float32))
    assert np.median(found) <= 2 * unit
    assert np.max(found) <= 100 * unit  # a saturated unit loses digits in float32


def test_large_arrays_are_summed_as_exactly_as_float64_can():
    """Beyond the size for extended precision the arithmetic is plain float64."""
    rng = np.random.default_rng(5)
    weights = [rng.normal(size=(40, 60)) / 8, rng.normal(size=(3, 40))]
    network = Network(
        weights,
        [rng.normal(size=40), rng.normal(size=3)],
        rng.normal(size=(30, 60)),
        np.eye(3)[rng.integers(0, 3, 30)],
        ["tanh", "softmax"],
        "cross_entropy",
    )
    assert error(network, ours(network)) < 3e-15


def test_an_error_of_one_part_in_ten_to_the_fifteenth_shows():
    network = random_network(7)
    gradients = ours(network)
    largest = max(gradients, key=lambda g: np.max(np.abs(g)))
    largest *= 1 + 1e-15
    assert error(network, gradients) > 5e-16
