"""Gradients of ordinary networks against 60-digit backpropagation, beside JAX on the same networks.

The error of a network is its largest absolute error over all gradients, over its largest gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from handgrad.calculus.expr import Symbol
from handgrad.model.network import Formula, Layer
from handgrad.model.problem import Problem, derive, network_problem
from handgrad.numbers.evaluate import evaluate
from handgrad.numbers.updates import start
from tests.oracles import mpmath_oracle

Array = Any
NETWORKS = 100
SIZES = ((1, 1, 1), (2, 2, 1), (2, 2, 2), (2, 3, 2), (3, 4, 3), (4, 8, 3), (3, 5, 4, 2), (8, 8, 8, 4))


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
        [rng.normal(size=(here, before)) for before, here in zip(sizes, sizes[1:], strict=False)],
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
