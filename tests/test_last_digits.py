"""Every row of the rule table against a 400-digit reference: values to 4 units, derivatives to 8.

What a unit is, and what is measured where terms cancel: ``tests.last_digits``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from tests.last_digits import BEGIN, DIGITS, END, along, elementwise, error, points
from tests.oracles import mpmath_functions

import handgrad as hg
from handgrad.calculus.functions import FUNCTIONS
from handgrad.model.network import ACTIVATIONS
from handgrad.numbers import vectors
from handgrad.numbers.kernels import ALONG, ELEMENTWISE
from handgrad.numbers.twofold import total, two_product, two_sum

VALUE, SLOPE = 4, 8  # units in the last place
DTYPES = (np.float64, np.float32)
ROWS = [name for name, row in FUNCTIONS.items() if row.arity]
VECTORS = [name for name, row in FUNCTIONS.items() if row.pullback]
COUNTS = (2, pytest.param(60, marks=pytest.mark.slow))


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROWS)
def test_values_and_derivatives(name: str, dtype: Any, count: int) -> None:
    worst = elementwise(name, None, dtype, count)
    assert worst.ulps <= VALUE, worst
    for place in range(FUNCTIONS[name].arity):
        worst = elementwise(name, place, dtype, count)
        assert worst.ulps <= SLOPE, (place, worst)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", VECTORS)
def test_vector_functions(name: str, dtype: Any, count: int) -> None:
    value, slope = along(name, dtype, count)
    assert value.ulps <= VALUE, value
    assert slope.ulps <= SLOPE, slope


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("far", [5.0, 60.0, 300.0])
def test_cross_entropy_of_a_saturated_softmax(dtype: Any, far: float) -> None:
    """dL/dz is a − y: where a rounds to 1 it is minus the sum of all others."""
    rng = np.random.default_rng(6)
    z = rng.normal(size=(600, 3))
    z[:, 0] += far if dtype is np.float64 else min(far, 80.0)
    y = np.eye(3)[rng.integers(3, size=600)]
    problem = hg.Equations(
        "a[m,j] = softmax(k, z[m,k])[j]\nE = -sum(m,j, T[m,j]*log(a[m,j]))",
        loss="E", parameters={"z": z.astype(dtype)}, data={"T": y},
    )  # fmt: skip
    found = hg.evaluate(hg.derive(problem), problem, dtype=dtype)["dE/dz"]
    with mp.workdps(DIGITS):
        for row, target, got in zip(z.astype(dtype)[:60], y, found, strict=False):
            powers = [mp.exp(mpf(float(v))) for v in row]
            for n, p in enumerate(powers):
                exact = p / mp.fsum(powers) - mpf(float(target[n]))
                assert error(got[n], (exact,), dtype) <= SLOPE, (row, target, n)


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus", "softmax", "silu"])
def test_a_kernel_that_loses_digits_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one writes first: right to most digits almost everywhere, and refused."""
    naive = {
        "sigmoid": lambda z: 1 - 1 / (1 + np.exp(z)),
        "tanh": lambda z: 2 / (1 + np.exp(-2 * z)) - 1,
        "softplus": lambda z: np.log(1 + np.exp(z)),
        "silu": lambda z: z / (1 + np.exp(-z)) * (1 + 1e-15),
        "softmax": lambda z: np.exp(z - z.max(-1, keepdims=True)) / np.sum(
            np.exp(z - z.max(-1, keepdims=True)), axis=-1, keepdims=True
        ),
    }  # fmt: skip
    if name in ALONG:
        monkeypatch.setitem(ALONG, name, naive[name])
        assert along(name, np.float64, 10)[0].ulps > 10 * VALUE
    else:
        monkeypatch.setitem(ELEMENTWISE, name, lambda z: np.nan_to_num(naive[name](z)))
        assert elementwise(name, None, np.float64, 6).ulps > VALUE


def test_a_derivative_by_the_book_form_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("sigmoid", "tanh"):
        row = FUNCTIONS[name]
        monkeypatch.setitem(FUNCTIONS, name, type(row)(row.slopes, samples=row.samples))
        worst = elementwise(name, 0, np.float64, 6)
        assert worst.ulps > 1e6, (name, worst)


def test_every_row_has_a_reference() -> None:
    assert set(mpmath_functions.ELEMENTWISE) == set(ROWS)
    assert set(mpmath_functions.VECTORS) == set(VECTORS)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_points_reach_everywhere(dtype: Any) -> None:
    found, info = points(dtype, 60), np.finfo(dtype)
    assert {0.0, float(info.max), float(info.smallest_subnormal)} <= set(found.tolist())
    for sign in (1, -1):
        sizes = np.sort(np.log10(np.abs(found[np.sign(found) == sign].astype(float))))
        assert np.max(np.diff(sizes)) < (sizes[-1] - sizes[0]) / 10


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"softmax", "log_softmax", "hardmax"}))
def test_every_activation_is_that_of_its_formula(name: str) -> None:
    options = ACTIVATIONS[name]
    constants = "".join(f", {value}" for value in options.values())
    made = [
        hg.Network([2, 3, 1], activation=activation, seed=4, init="normal")
        for activation in (name, f"{name}(z{constants})")
    ]
    one, other = (hg.evaluate(hg.derive(p), p) for p in made)
    for key in ("a1", "dL/dW1", "dL/db1"):
        np.testing.assert_array_equal(one[key], other[key])
    assert hg.check(made[0]).agrees


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "hardmax"])
def test_vector_activations(name: str) -> None:
    problem = hg.Network([2, 3, 3], activation=name, seed=4, init="normal")
    assert hg.check(problem).agrees


@pytest.mark.parametrize("loss", ["gelu_tanh(a - y)", "huber(a - y, 0.5)", "softplus(-y*a)"])
def test_a_loss_as_a_formula_of_them(loss: str) -> None:
    problem = hg.Network([2, 2], activation="mish", loss=loss, seed=1)
    assert hg.check(problem).agrees


# --- PyTorch's definitions -------------------------------------------------------------------


@pytest.mark.torch
@pytest.mark.parametrize(
    ("name", "torch_name", "options"),
    [
        ("hard_sigmoid", "hardsigmoid", {}),
        ("hard_tanh", "hardtanh", {}),
        ("hard_silu", "hardswish", {}),
        ("softsign", "softsign", {}),
        ("selu", "selu", {}),
        ("mish", "mish", {}),
        ("gelu_tanh", "gelu", {"approximate": "tanh"}),
    ],
)
def test_the_definition_is_that_of_pytorch(
    name: str, torch_name: str, options: dict[str, str]
) -> None:
    torch = pytest.importorskip("torch")
    numbers = [-7.0, -3.0, -2.9, -1.5, -1.0, -0.3, 0.0, 0.4, 1.0, 2.0, 3.0, 3.1, 8.0]
    z = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    a = getattr(torch.nn.functional, torch_name)(z, **options)
    a.sum().backward()
    problem = hg.Equations(f"E = sum(i, {name}(z[i]))", loss="E", parameters={"z": numbers})
    found = hg.evaluate(hg.derive(problem), problem)
    # PyTorch has 1/6 in single precision
    values = ELEMENTWISE[name](np.array(numbers))
    np.testing.assert_allclose(values, a.detach(), rtol=1e-13, atol=1e-16)
    slopes = z.grad.numpy()
    if name == "selu":  # whose slope at 0 PyTorch takes from the left as well
        assert slopes[6] == pytest.approx(1.7580993408473766)
    np.testing.assert_allclose(found["dE/dz"], slopes, rtol=1e-7, atol=1e-12)


# --- exact arithmetic ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_sums_and_products_are_exact(dtype: Any) -> None:
    rng = np.random.default_rng(7)
    x, y = (rng.normal(size=200) * 10.0 ** rng.uniform(-4, 4, 200) for _ in range(2))
    x, y = x.astype(dtype), y.astype(dtype)
    pairs = zip(x, y, *two_sum(x, y), *two_product(x, y), strict=True)
    with mp.workdps(100):
        for numbers in pairs:
            a, b, s, s_rest, p, p_rest = (exactly(v) for v in numbers)
            assert a + b == s + s_rest
            assert a * b == p + p_rest


def exactly(value: Any) -> Any:
    """A float of any type, in two parts that float64 holds."""
    high = float(value)
    return mpf(high) + mpf(float(value - type(value)(high)))


@pytest.mark.parametrize("size", [1, 2, 1000, 100_000])
def test_a_total_is_nearly_rounded_once(size: int) -> None:
    terms = np.random.default_rng(8).uniform(size=size) ** 9
    with mp.workdps(60):
        exact = mp.fsum(map(mpf, terms.tolist()))
        assert error(total(terms)[0], (exact,), np.float64) <= 1


def test_the_largest_floats_are_no_trouble() -> None:
    top = float(np.finfo(float).max)
    z = np.array([[top, -top, 0.0], [-top, top, top]])
    with np.errstate(over="ignore", invalid="ignore"):  # as evaluate has it
        np.testing.assert_array_equal(vectors.softmax(z), [[1, 0, 0], [0, 0.5, 0.5]])
        np.testing.assert_array_equal(vectors.softmax_rest(z), [[0, 1, 1], [1, 0.5, 0.5]])
        np.testing.assert_array_equal(vectors.logsumexp(z), [top, top])


@pytest.mark.parametrize("name", ["softmax", "softmax_rest", "log_softmax", "logsumexp"])
def test_blocks_of_rows_are_the_rows_one_by_one(name: str) -> None:
    z = np.random.default_rng(9).normal(size=(5, 400, 30))
    found = ALONG[name](z)
    np.testing.assert_array_equal(found[3, 17], ALONG[name](z[3, 17]))
    for dtype in (np.float32, np.longdouble, complex):
        assert ALONG[name](z.astype(dtype)).dtype == dtype


# --- the table in the documentation ----------------------------------------------------------


def test_the_documented_table_has_every_row_within_its_bounds() -> None:
    path = Path(__file__).parents[1] / "docs" / "accuracy.md"
    written = path.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    rows = [line.strip("| ").split(" | ") for line in written.splitlines() if "`" in line]
    names = [f"`{n}`" for n in ROWS] + [f"`{n}(k, …)`" for n in VECTORS]
    assert sorted(row[0] for row in rows) == sorted(names)
    for name, *numbers in rows:
        bounds = (VALUE, SLOPE, VALUE, SLOPE)
        assert all(float(u) <= b for u, b in zip(numbers, bounds, strict=True)), name
