"""One loop over the rule table: values, derivatives and kinks against mpmath, and every table whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from mpmath import mp, mpf
from tests.oracles import jax_oracle, mpmath_functions

from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Index,
    Num,
    Power,
    Product,
    Ref,
    Sum,
    Symbol,
    call,
)
from handgrad.calculus.functions import FUNCTIONS, Function, Pullback, slope
from handgrad.model.problem import derive, equations_problem
from handgrad.numbers.evaluate import evaluate, value_of
from handgrad.numbers.kernels import ALONG, ELEMENTWISE, REAL_ONLY
from handgrad.numbers.updates import start

Numbers = Mapping[Symbol, Any]

TRUTH: dict[str, Callable[..., Any]] = {
    n: row.value for n, row in mpmath_functions.ELEMENTWISE.items()
}
SLOPE_AT_KINK = {
    ("relu", 0.0): 0,
    ("leaky_relu", 0.0): 0.3,
    ("elu", 0.0): 0.3,
    ("selu", 0.0): 1.7580993408473768,
    ("abs", 0.0): 0,
    ("sign", 0.0): 0,
    ("step", 0.0): 0,
    ("hard_sigmoid", -3.0): 0,
    ("hard_sigmoid", 3.0): 0,
    ("hard_tanh", -1.0): 0,
    ("hard_tanh", 1.0): 0,
    ("hard_silu", -3.0): 0,
    ("hard_silu", 3.0): 1,
    ("max", 0.0): 0.5,
    ("min", 0.0): 0.5,
}
TIE = ("max", "min")

ROWS = [name for name, row in FUNCTIONS.items() if row.arity]
VECTORS = [name for name, row in FUNCTIONS.items() if row.pullback]
Z, SECOND, A = Ref(Symbol("z")), Ref(Symbol("c")), Ref(Symbol("a"))


def exactly(expr: Expr, numbers: Numbers) -> Any:
    """The value of an expression of single numbers, in the precision mpmath is set to."""
    match expr:
        case Num(value):
            return mpf(value.numerator) / value.denominator
        case Ref(symbol, ()):
            return numbers[symbol]
        case Sum(terms):
            return sum((exactly(term, numbers) for term in terms), mpf(0))
        case Product(factors):
            return mp.fprod(exactly(factor, numbers) for factor in factors)
        case Power(base, exponent):
            return exactly(base, numbers) ** exactly(exponent, numbers)
        case Call(function, arguments):
            return TRUTH[function](*(exactly(argument, numbers) for argument in arguments))
        case _:
            raise TypeError(type(expr).__name__)


def arguments(name: str) -> tuple[Ref, ...]:
    return (Z, SECOND)[: FUNCTIONS[name].arity]


def sample_points(name: str) -> Iterator[dict[Symbol, Any]]:
    """Numbers inside the domain, off the kinks; the second argument is one of two."""
    low, high = FUNCTIONS[name].samples
    for z in np.linspace(low, high, 13)[1:-1] + 0.017:
        for c in (0.3, 1.25):
            yield {Z.symbol: mpf(float(z)), SECOND.symbol: mpf(c)}


def slope_complaints(name: str, digits: int = 50) -> Iterator[str]:
    """Both forms of every derivative against the numeric derivative of the function."""
    with mp.workdps(digits):
        for numbers in sample_points(name):
            given = [numbers[ref.symbol] for ref in arguments(name)]
            known = {**numbers, A.symbol: TRUTH[name](*given)}
            for place in range(len(given)):
                order = tuple(int(n == place) for n in range(len(given)))
                expected = mp.diff(TRUTH[name], tuple(given), order)
                for form in slope(name, place, arguments(name), A):
                    got = exactly(form, known)
                    if abs(got - expected) > mpf(10) ** (-digits // 3) * (1 + abs(expected)):
                        yield f"{name}, argument {place + 1} at {given}: {got}, not {expected}"


@pytest.mark.parametrize("name", ROWS)
def test_derivative_is_the_numeric_one(name: str):
    assert not list(slope_complaints(name))


@pytest.mark.parametrize("name", [n for n in ROWS if any(FUNCTIONS[n].stable)])
def test_book_form_is_the_stable_form_at_400_digits(name: str):
    with mp.workdps(400):
        for numbers in sample_points(name):
            given = [numbers[ref.symbol] for ref in arguments(name)]
            known = {**numbers, A.symbol: TRUTH[name](*given)}
            book, stable = slope(name, 0, arguments(name), A)
            assert book != stable
            assert mp.almosteq(exactly(book, known), exactly(stable, known), mpf(10) ** -390)


@pytest.mark.parametrize("name", [n for n in ROWS if FUNCTIONS[n].definition])
def test_value_is_that_of_the_definition(name: str):
    definition = FUNCTIONS[name].definition
    assert definition is not None
    with mp.workdps(50):
        for numbers in sample_points(name):
            got = exactly(definition(*arguments(name)), numbers)
            expected = exactly(call(name, *arguments(name)), numbers)
            assert mp.almosteq(got, expected, mpf(10) ** -45), (name, numbers)


@pytest.mark.parametrize("name", ROWS)
def test_kernel_is_the_function(name: str):
    for numbers in sample_points(name):
        given = [numbers[ref.symbol] for ref in arguments(name)]
        with mp.workdps(50):
            expected = float(TRUTH[name](*given))
        got = ELEMENTWISE[name](*(np.asarray(float(v)) for v in given))
        # A few units in the last place, and the cancellation in erfc of a rounded argument.
        np.testing.assert_allclose(got, expected, rtol=1e-14, err_msg=f"{name} at {given}")


@pytest.mark.parametrize(
    ("name", "z", "expected"),
    [
        ("sigmoid", -40.0, 4.248354255291589e-18),
        ("sigmoid", 40.0, 4.248354255291589e-18),  # a(1 - a) is 0 here
        ("sigmoid", 800.0, 0.0),
        ("tanh", 20.0, 1.6993417021166355e-17),
        ("tanh", -800.0, 0.0),
        ("silu", 40.0, 1.0),
        ("arctan", 0.0, 1.0),
        ("arctan", -0.5, 0.8),
        ("arctan", 1e150, 1e-300),  # z² and z⁴ would overflow
    ],
)
def test_stable_form_keeps_its_digits_where_the_book_form_has_none(name, z, expected):
    _, stable = slope(name, 0, (Z,), call(name, Z))
    got = value_of(stable, {Z.symbol: np.asarray(z)})
    np.testing.assert_allclose(got, expected, rtol=1e-14)


@pytest.mark.parametrize("name", [n for n in ROWS if FUNCTIONS[n].kinks])
def test_slope_at_a_kink_is_the_stated_one(name: str):
    for kink in FUNCTIONS[name].kinks:
        other = kink if name in TIE else 0.3
        numbers = {Z.symbol: mpf(kink), SECOND.symbol: mpf(other)}
        value = TRUTH[name](*(numbers[ref.symbol] for ref in arguments(name)))
        for form in slope(name, 0, arguments(name), A):
            got = exactly(form, {**numbers, A.symbol: value})
            assert float(got) == pytest.approx(SLOPE_AT_KINK[name, kink]), name


def has_one_slope(name: str, at: float) -> bool:
    """Whether the slopes to the left and to the right of a number are the same, and finite."""
    others = [mpf("0.3")] * (FUNCTIONS[name].arity - 1)
    with mp.workdps(60):
        step = mpf(10) ** -20
        low, here, high = (TRUTH[name](mpf(at) + n * step, *others) for n in (-1, 0, 1))
        return high - low < 1e-10 and abs((here - low) - (high - here)) < 1e-6 * step


@pytest.mark.parametrize("name", [n for n in ROWS if n != "equal"])
def test_the_kinks_are_where_the_slope_jumps_and_nowhere_else(name: str):
    tie = 0.3 if name in TIE else 0.0  # with the second argument
    places = [z for z in np.arange(-16, 17) / 4 if z > FUNCTIONS[name].samples[0]]
    assert tuple(z for z in places if not has_one_slope(name, z + tie)) == FUNCTIONS[name].kinks


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize(("x", "y"), [(1.0, 2.0), (2.0, 1.0), (3.0, 3.0)])
def test_the_shares_of_an_extremum_add_up_to_one(name: str, x: float, y: float):
    numbers = {Z.symbol: mpf(x), SECOND.symbol: mpf(y)}
    shares = (slope(name, place, (Z, SECOND), A)[0] for place in (0, 1))
    assert sum(exactly(share, numbers) for share in shares) == 1


# --- along an index --------------------------------------------------------------------------


def vector_truth(name: str, z: list[Any]) -> Any:
    """The values of a vector function; of a reduction the only one."""
    values = [mp.fsum(terms) for terms in mpmath_functions.VECTORS[name].value(z)]
    return values[0] if FUNCTIONS[name].reduces else values


VECTOR = [0.3, -1.2, 2.5, 0.31]


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("vector", [VECTOR, [1.5, -40.0, -43.5, -39.0]], ids=["even", "one leads"])
def test_pullback_is_the_numeric_derivative(name: str, vector: list[float]):
    """Also where one argument takes nearly all, and the others less than a rounding of 1."""
    weights = [0.7, -0.4, 1.1, 0.2]
    read = f"{name}(k, z[k])"
    if not FUNCTIONS[name].reduces:
        read = f"sum(j, t[j]*{name}(k, z[k])[j])"
    problem = equations_problem(f"E = {read}", "E", {"z": vector}, {"t": weights})
    if FUNCTIONS[name].reduces:
        problem = equations_problem(f"E = {read}", "E", {"z": vector})
    derivation = derive(problem)
    trace = evaluate(derivation, start(problem, derivation))

    def loss(*z: Any) -> Any:
        value = vector_truth(name, list(z))
        return value if FUNCTIONS[name].reduces else mp.fdot(map(mpf, weights), value)

    with mp.workdps(90):
        for place in range(len(vector)):
            order = tuple(int(n == place) for n in range(len(vector)))
            expected = float(mp.diff(loss, tuple(map(mpf, vector)), order))
            np.testing.assert_allclose(trace["dE/dz"][place], expected, rtol=1e-14, atol=1e-30)


@pytest.mark.parametrize("name", [n for n in VECTORS if FUNCTIONS[n].total])
@pytest.mark.parametrize("vector", [VECTOR, [2.0, 1.0, 2.0, 2.0]], ids=["even", "a tie"])
def test_vector_function_is_its_definition(name: str, vector: list[float]):
    symbol, index = Symbol("z"), Index("k", (Symbol("z"), 0))

    def element(place: Any) -> Expr:
        return Ref(symbol, (place,))

    total = FUNCTIONS[name].total
    assert total is not None
    values = {symbol: np.array(vector)}
    for place in range(1, 5):
        at = None if FUNCTIONS[name].reduces else place
        definition = total(Pullback(element, element, element, index), place)
        got = value_of(Along(name, index, element(index), at), values)
        np.testing.assert_allclose(got, value_of(definition, values), rtol=1e-14)
        with mp.workdps(50):
            exact = vector_truth(name, [mpf(v) for v in vector])
        expected = exact if at is None else exact[place - 1]
        np.testing.assert_allclose(got, float(expected), rtol=1e-15)


@pytest.mark.parametrize("name", VECTORS)
@pytest.mark.parametrize("shift", [800.0, -800.0])
def test_vector_kernels_do_not_overflow(name: str, shift: float):
    z = np.array([0.0, 1.0, shift])
    assert np.isfinite(ALONG[name](z)).all()


def test_a_tie_of_a_maximum_is_shared_equally():
    problem = equations_problem("E = max(k, z[k])", "E", {"z": [2.0, 1.0, 2.0, 2.0]})
    derivation = derive(problem)
    trace = evaluate(derivation, start(problem, derivation))
    np.testing.assert_allclose(trace["dE/dz"], [1 / 3, 0, 1 / 3, 1 / 3], rtol=1e-15)


def test_a_maximum_of_an_expression_finds_itself_again():
    """The terms are computed once in the forward and once in the backward pass, with other bits."""
    rng = np.random.default_rng(8)
    source = "h = max(k, log_softmax(i, A[k,i] + x[i])[2] + sum(i, A[k,i]*x[i]))\nE = h^2"
    given = {"A": rng.normal(size=(50, 7))}
    problem = equations_problem(source, "E", given, {"x": rng.normal(size=7)})
    derivation = derive(problem)
    values = start(problem, derivation)
    for dtype in (np.float32, np.float64):
        trace = evaluate(derivation, values, dtype)
        assert np.count_nonzero(np.any(trace["dE/dA"], axis=1)) == 1


def test_an_extremum_written_out_has_any_number_of_terms():
    terms = [np.array([v]) for v in VECTOR]
    assert ELEMENTWISE["max"](*terms) == max(VECTOR)
    assert ELEMENTWISE["min"](*terms) == min(VECTOR)
    assert ELEMENTWISE["max"](terms[0]) == VECTOR[0]


def test_kroneckers_delta_of_two_numbers():
    assert [float(value_of(Delta(1, n), {})) for n in (1, 2)] == [1.0, 0.0]


# --- tables ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (ELEMENTWISE, ROWS),
        (ALONG, VECTORS),
        (jax_oracle.ELEMENTWISE, ROWS),
        (jax_oracle.ALONG, VECTORS),
        (mpmath_functions.ELEMENTWISE, ROWS),
        (mpmath_functions.VECTORS, VECTORS),
    ],
)
def test_every_table_covers_every_row(table: Mapping[str, Any], names: list[str]):
    assert set(table) == set(names)


def test_every_row_has_a_rule_and_a_sample_interval():
    for name, row in FUNCTIONS.items():
        assert row.slopes or row.pullback, name
        assert row.samples[0] < row.samples[1], name


@pytest.mark.parametrize("factor", [Num(-1), Num(1) + Num(1) / 1000])
def test_a_wrong_rule_is_reported(factor: Expr, monkeypatch: pytest.MonkeyPatch):
    right = FUNCTIONS["tanh"]
    wrong = Function((lambda z, a: factor * right.slopes[0](z, a),), samples=right.samples)
    monkeypatch.setitem(FUNCTIONS, "tanh", wrong)
    assert len(list(slope_complaints("tanh"))) > 10


def test_a_stable_form_that_is_not_the_book_form_is_reported(monkeypatch: pytest.MonkeyPatch):
    right = FUNCTIONS["sigmoid"]
    wrong = replace(right, stable=(lambda z, a: call("sigmoid", z) * call("sigmoid", z),))
    monkeypatch.setitem(FUNCTIONS, "sigmoid", wrong)
    assert list(slope_complaints("sigmoid"))


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in ROWS
        if FUNCTIONS[n].arity == 1 and n not in REAL_ONLY and n not in ("step", "sign")
    ],
)
def test_complex_numbers_keep_their_imaginary_part(name: str) -> None:
    real, step = 0.7, 1e-30
    slope = ELEMENTWISE[name](np.asarray(real + step * 1j)).imag / step
    h = 1e-6
    difference = (
        ELEMENTWISE[name](np.asarray(real + h)) - ELEMENTWISE[name](np.asarray(real - h))
    ) / (2 * h)
    np.testing.assert_allclose(slope, difference, rtol=1e-8)
