"""How a record becomes XLA's program where all of it is small."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose

from handgrad.calculus.expr import Symbol
from handgrad.numbers.kernels import NUMPY
from handgrad.training.graph import Graph
from handgrad.training.xla import emitted

jax = pytest.importorskip("jax")
Z = Symbol("z")


@pytest.mark.parametrize(("dtype", "largest"), [("float32", 80.0), ("float64", 700.0)])
def test_one_exponential_gives_sigmoid_and_its_rest_with_all_digits(dtype: str, largest: float):
    graph = Graph()
    z = graph.given(Z, (801,))
    nodes = [graph.elementwise("sigmoid", z), graph.elementwise("sigmoid", -1 * z)]
    at = np.linspace(-largest, largest, 801).astype(dtype)
    with jax.enable_x64(dtype == "float64"):
        found = emitted(nodes, {Z: jax.numpy.asarray(at)}, dtype, small=True)
        far = jax.numpy.asarray(np.full(801, -10 * largest, dtype))
        small, rest = map(np.asarray, emitted(nodes, {Z: far}, dtype, small=True))
    wanted = NUMPY.elementwise["sigmoid"]
    exact = at.astype(np.float64)
    for values, argument in zip(found, (exact, -exact), strict=True):
        assert values.dtype == dtype
        assert_allclose(values, wanted(argument), rtol=6 * np.finfo(dtype).eps)
    assert np.all((small >= 0) & (small < 1e-30))
    assert_allclose(rest, 1, rtol=2 * np.finfo(dtype).eps)


def calls(small: bool) -> int:
    """The calls in the program of two sums over the same product."""
    graph = Graph()
    z = graph.given(Z, (4, 3))
    product = graph.elementwise("multiply", z, z)
    sums = [graph.library.xp.sum(product, axis=(axis,)) for axis in (0, 1)]
    traced = jax.make_jaxpr(lambda value: emitted(sums, {Z: value}, "float32", small=small))
    return len(re.findall(r"\b(?:pjit|jit)\b", str(traced(np.ones((4, 3), "float32")))))


def test_what_several_sums_take_is_a_call_of_its_own_in_a_small_program():
    assert calls(small=True) == 1
    assert calls(small=False) == 0


@pytest.mark.parametrize("terms", [1, 5, 16, 17])
def test_a_sum_written_out_or_not_is_the_contraction(terms: int):
    rng = np.random.default_rng(terms)
    x, w = rng.normal(size=(4, terms)), rng.normal(size=(3, terms))
    graph, W = Graph(), Symbol("W")
    nodes = graph.given(Z, x.shape), graph.given(W, w.shape)
    outputs = [
        graph.library.xp.einsum(nodes[0], [0, 1], nodes[1], [2, 1], [0, 2]),
        graph.library.xp.einsum(nodes[1], [0, 1], nodes[0], [2, 1], [0, 2]),
        graph.library.xp.einsum(nodes[0], [0, 1], nodes[0], [0, 2], [1, 2]),
    ]
    with jax.enable_x64(True):
        found = emitted(outputs, {Z: x, W: w}, "float64", small=True)
    for values, exact in zip(found, (x @ w.T, w @ x.T, x.T @ x), strict=True):
        assert_allclose(values, exact, rtol=1e-13, atol=1e-13)
