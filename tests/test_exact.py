"""Exact mode: fractions where they will do, proved digits elsewhere, against other libraries."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import handgrad as hg
from handgrad.calculus.expr import Value
from handgrad.calculus.functions import FUNCTIONS
from handgrad.cli import main
from handgrad.errors import InputError, LimitError, NumericError
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.problem import Problem
from handgrad.numbers import kernels
from handgrad.numbers.evaluate import Trace, kernel_of
from handgrad.numbers.exact import UNDEFINED, Exact
from handgrad.numbers.exact_kernels import EXACT, PRIMITIVES
from handgrad.numbers.lines import Line
from handgrad.render.digits import Digits
from pages import EXAMPLES, READINGS, problem

Array = Any
DIGITS = 60


def exactly(p: Problem) -> Trace:
    return hg.evaluate(hg.derive(p), p, exact=True)


def decimals(array: Array) -> Array:
    """Numbers as they were written, as sympy's fractions."""
    return sympy.Matrix(
        [[sympy.Rational(repr(float(v))) for v in row] for row in np.atleast_2d(array)]
    )


def assert_same(found: Exact, expected: Any) -> None:
    """The fraction itself where sympy knows one, else 50 digits."""
    if expected.is_Rational:
        assert found.fraction == Fraction(int(expected.p), int(expected.q))
        return
    difference = sympy.Rational(*found._ends()[0]) - expected
    assert abs(difference.evalf(DIGITS)) <= abs(expected.evalf(DIGITS)) * sympy.Rational(1, 10**50)


# --- the number ------------------------------------------------------------------------------

fractions = st.fractions(max_denominator=10**6, min_value=-(10**6), max_value=10**6)


@given(fractions, st.integers(0, 12))
def test_a_fraction_is_rounded_as_the_decimal_module_does(f: Fraction, places: int) -> None:
    # 40 digits show whether it is a half; a fraction this short is no nearer to one
    digits = Decimal(f.numerator * 10**40 // f.denominator).scaleb(-40)
    digits = digits if f >= 0 else -Decimal(-f.numerator * 10**40 // f.denominator).scaleb(-40)
    expected = digits.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    assert Exact(f).rounded(places) == Fraction(expected)
    assert f"{Exact(f):.{places}f}" == f"{expected or abs(expected):f}"


@given(fractions, st.integers(0, 8))
def test_digits_in_scientific_form_are_those_of_decimal(f: Fraction, places: int) -> None:
    if f.denominator != 1:  # a decimal, so that both sides have all of it
        f = Fraction(f.numerator, 2**8 * 5**8)
    digits = Decimal(f.numerator) / Decimal(f.denominator)
    kept = Decimal(1).scaleb(digits.adjusted() - places)
    expected = digits.quantize(kept, ROUND_HALF_UP)
    assert Fraction(f"{Exact(f):.{places}e}") == Fraction(expected)


@given(fractions, fractions)
def test_enclosures_calculate_as_fractions_do(a: Fraction, b: Fraction) -> None:
    x, y = (Exact(Exact(f).bounds) for f in (a, b))
    for enclosed, true in ((x + y, a + b), (x - y, a - b), (x * y, a * b)):
        assert enclosed == Exact(true)
    assert (x < y, x > y, x == y) == (a < b, a > b, a == b)
    assert x / y == Exact(a / b) if b else (x / y).value is None


def exact_kernel(function: str) -> Any:
    """A function on exact numbers."""
    return kernel_of(function, EXACT.library)


def test_what_is_rational_stays_a_fraction() -> None:
    third = Exact.of(Fraction(1, 3))
    assert str(third * 3 - 1) == "0"
    assert str((third**2).sqrt()) == "1/3"
    assert str(third**-2) == "9"
    assert str(exact_kernel("sigmoid")(Exact.of(0))) == "1/2"
    assert str(exact_kernel("tanh")(Exact.of(0))) == "0"
    assert str(0 * Exact.of(2).sqrt()) == "0"


def test_what_is_not_rational_is_known_to_a_hundred_digits() -> None:
    root = Exact.of(2).sqrt()
    assert root.fraction is None
    assert root.certain()
    assert str(root) == "1.4142135623730950488016887242096980785696718753769e+00"
    assert root * root == 2
    assert root * root != 2 + Exact.of(10) ** -90


def test_a_double_is_the_decimal_that_was_written() -> None:
    assert Exact.of(0.1) + 0.2 == Fraction(3, 10)
    assert Exact.of(np.float64(2.675)).rounded(2) == Fraction("2.68")
    assert float(Exact.of(1e-320)) == 1e-320
    assert float(Exact.of(1.7976931348623157e308) * 10) == math.inf


@pytest.mark.parametrize(
    "undefined",
    [
        lambda: Exact.of(1) / 0,
        lambda: Exact.of(-1).sqrt(),
        lambda: Exact.of(-2) ** 0.3,
        lambda: exact_kernel("log")(Exact.of(0)),
        lambda: exact_kernel("exp")(exact_kernel("exp")(exact_kernel("exp")(Exact.of(999)))),
        lambda: Exact.of(math.inf),
        lambda: UNDEFINED * 0,
    ],
)
def test_what_has_no_value_is_undefined_and_stays_so(undefined: Any) -> None:
    number = undefined()
    assert number.value is None
    assert math.isnan(float(number + 1))
    assert not number < 1
    assert not number >= 1


def test_a_difference_that_a_hundred_digits_do_not_tell_from_0_is_0() -> None:
    z = Exact.of(0.7)
    difference = exact_kernel("log")(exact_kernel("exp")(z)) - z
    assert difference.fraction == 0
    assert exact_kernel("step")(difference).fraction == 0
    near = 1 + Exact.of(10) ** -90 * exact_kernel("exp")(z)
    assert (near - 1).sign == 1  # 90 digits are told


# --- the functions ---------------------------------------------------------------------------


def test_every_function_of_the_rule_table_is_covered() -> None:
    for name, row in FUNCTIONS.items():
        assert not row.arity or name in PRIMITIVES or row.definition, name
        assert not row.pullback or name in EXACT.library.along or row.total, name


WITNESSES = {
    "arctan": mpmath.atan,
    "cos": mpmath.cos,
    "erf": mpmath.erf,
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log_sigmoid": lambda z: -mpmath.log(1 + mpmath.exp(-z)),
    "normal_cdf": mpmath.ncdf,
    "sin": mpmath.sin,
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
}


@pytest.mark.parametrize("name", sorted(set(PRIMITIVES) - {"equal", "max", "step"}))
@pytest.mark.parametrize(
    "z", ["0", "1/3", "-1/3", "1", "7.25", "-31", "40", "300", "-300", "1e-30"]
)
def test_a_kernel_encloses_the_value_of_a_longer_calculation(name: str, z: str) -> None:
    at = Fraction(z)
    if name in ("log", "sqrt") and at <= 0:
        return
    found = PRIMITIVES[name](Exact(at))
    assert found.certain()
    with mpmath.workdps(2_000):
        true = WITNESSES[name](mpmath.mpf(at.numerator) / at.denominator)
        low, high = (mpmath.mpf(p) / q for p, q in (found._ends() * 2)[:2])
        assert low - abs(true) * mpmath.mpf(10) ** -1900 <= true
        assert true <= high + abs(true) * mpmath.mpf(10) ** -1900


@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row.definition])
def test_a_function_goes_by_its_definition(name: str) -> None:
    low, high = FUNCTIONS[name].samples
    for z in (low, (low + high) / 3, high * 0.7):
        arguments = [z, 0.25, 0.5][: FUNCTIONS[name].arity]
        found = Exact.of(exact_kernel(name)(*map(Exact.of, arguments)))
        double = float(kernels.ELEMENTWISE[name](*map(np.float64, arguments)))
        assert float(found) == pytest.approx(double, rel=1e-14, abs=1e-300)


def test_a_new_function_needs_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "my_relu", FUNCTIONS["relu"])
    assert str(exact_kernel("my_relu")(Exact.of(0.3))) == "3/10"
    monkeypatch.setitem(FUNCTIONS, "my_primitive", FUNCTIONS["exp"])
    with pytest.raises(AssertionError, match="my_primitive has no definition"):
        exact_kernel("my_primitive")(Exact.of(0.3))


# --- whole problems --------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_doubles_are_near_the_exact_values(name: str) -> None:
    p = problem(name)
    floats, exact = hg.evaluate(hg.derive(p), p), exactly(p)
    for key in floats:
        true = exact[key].astype(float)
        # a sum that cancels keeps the error of its terms: several units, of the array's largest
        tolerance = 1e-15 * max(1.0, float(np.max(np.abs(true))))
        np.testing.assert_allclose(floats[key], true, rtol=1e-15, atol=tolerance, err_msg=key)


def test_the_comparison_tells_a_wrong_value() -> None:
    exact = exactly(problem("one-neuron"))
    wrong = exact["L"].astype(float) * (1 + 4e-15)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(wrong, exact["L"].astype(float), rtol=1e-15)
    with pytest.raises(AssertionError):
        assert_same(exact["L"].item() * (1 + Exact.of(10) ** -49), sympy.Rational(1, 2))


def with_sympy(p: Problem, activations: Mapping[int, Any]) -> dict[str, Any]:
    """Half the squared error of a layered network, and its gradients, by sympy's own derivatives.

    An activation is a function of a symbolic argument and of its value.
    """
    values, known = {str(s): v for s, v in p.values.items()}, dict[Any, Any]()

    def symbols(name: str) -> Any:
        numbers = decimals(values[name])
        names = sympy.Matrix(*numbers.shape, lambda i, j: sympy.Symbol(f"{name}_{i}_{j}"))
        known.update(zip(names, numbers, strict=True))
        return names

    x, y = decimals(values["x"]), decimals(values["y"])
    parameters = {name: symbols(name) for name in values if name[0] in "Wb"}
    a = x
    for n, activation in activations.items():
        z = a * parameters[f"W{n}"].T
        if f"b{n}" in parameters:
            z += sympy.ones(x.rows, 1) * parameters[f"b{n}"]
        a = z.applyfunc(lambda v, activation=activation: activation(v, v.subs(known)))
    loss = sum((u - v) ** 2 for u, v in zip(a, y, strict=True)) / 2
    found = {"L": sympy.Matrix([[loss]])}
    for name, array in parameters.items():
        found[f"dL/d{name}"] = array.applyfunc(lambda w: sympy.diff(loss, w))
    return {name: value.subs(known) for name, value in found.items()}


def assert_as_sympy(p: Problem, activations: Mapping[int, Any]) -> None:
    trace = exactly(p)
    for name, expected in with_sympy(p, activations).items():
        for found, true in zip(np.ravel(trace[name]), expected, strict=True):
            assert_same(found, true)


def sigmoid(z: Any, at: Any) -> Any:
    return 1 / (1 + sympy.exp(-z))


@pytest.mark.parametrize("name", ["one-neuron", "two-neurons-in-a-row", "sum-of-two-2-2-1"])
def test_sigmoid_examples_are_those_of_sympy(name: str) -> None:
    p = problem(name)
    layers = sum(str(s).startswith("W") for s in p.values)
    assert_as_sympy(p, dict.fromkeys(range(1, layers + 1), sigmoid))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6))
def test_random_relu_networks_are_fractions_as_sympy_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = [int(n) for n in rng.integers(1, 4, 3)]
    p = hg.Network(
        sizes,
        activation=["relu", "identity"],
        W=[rng.integers(-9, 10, (b, a)) / 10 for a, b in pairwise(sizes)],
        b=[rng.integers(-9, 10, b) / 10 + 0.05 for b in sizes[1:]],
        x=rng.integers(-9, 10, (2, sizes[0])) / 10,
        y=rng.integers(-9, 10, (2, sizes[-1])) / 10,
    )
    trace = exactly(p)
    assert all(n.fraction is not None for key in trace for n in trace[key].flat)
    assert_as_sympy(p, {1: lambda z, at: z if at > 0 else sympy.S.Zero, 2: lambda z, at: z})


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_optimizers_go_on_for_several_steps(optimizer: str) -> None:
    p = hg.Network([2, 2, 1], optimizer=optimizer, seed=3, learning_rate=0.1)
    floats, exact = hg.explain(p, steps=3), hg.explain(p, steps=3, exact=True)
    for key in floats.final:
        true = exact.final[key].astype(float)
        np.testing.assert_allclose(floats.final[key], true, rtol=1e-12, err_msg=key)


def test_a_fraction_that_becomes_too_long_is_cut_and_the_page_says_so() -> None:
    p = hg.Equations("L = (w*x - y)**4", loss="L", parameters={"w": 0.3}, data={"x": 1.1, "y": 0.7})
    worked = hg.explain(p, steps=9, exact=True)
    traces = [trace for _, trace in worked.traces]
    assert traces[1]["w"].item().fraction is not None
    assert traces[-1]["w"].item().fraction is None
    assert traces[-1]["w"].item().certain()
    w = Fraction(3, 10)
    for _ in range(8):  # the same in fractions of any length
        w -= Fraction(1, 10) * 4 * (w * Fraction(11, 10) - Fraction(7, 10)) ** 3 * Fraction(11, 10)
        w = w if w.denominator.bit_length() < 10_000 else w.limit_denominator(10**900)
    assert abs(w - Fraction(*traces[-1]["w"].item()._ends()[0])) < Fraction(1, 10**100)
    page = worked.to_text()
    assert "Fractions of more than 2,000 digits are not carried on:" in page
    assert "Fractions of more" not in hg.explain(p, exact=True).to_text()


# --- last digits -----------------------------------------------------------------------------


def product(w: float, x: float, **more: Any) -> Problem:
    return hg.Equations("L = w*x", loss="L", parameters={"w": w}, data={"x": x}, **more)


@pytest.mark.parametrize(
    ("w", "x", "digits", "shown"),
    [
        (0.5, 0.25, 2, "0.13"),
        (0.2621, 0.5, 4, "0.1311"),
        (0.2621, -0.5, 4, "-0.1311"),
        (2.675, 1.0, 2, "2.68"),
        (1.005, 1.0, 2, "1.01"),
        (0.2620999999999, 0.5, 4, "0.1310"),
    ],
)
def test_a_half_is_rounded_away_from_zero(w: float, x: float, digits: int, shown: str) -> None:
    number = exactly(product(w, x))["L"].item()
    expected = (Decimal(repr(w)) * Decimal(repr(x))).quantize(
        Decimal(1).scaleb(-digits), ROUND_HALF_UP
    )
    assert f"{number:.{digits}f}" == f"{expected:f}" == shown


def test_what_doubles_lose_exact_numbers_keep() -> None:
    text = "z = a + b - c\nL = z / b"
    given = {"b": 1e-25, "c": 1.0}
    p = hg.Equations(text, loss="L", parameters={"a": 1.0}, data=given)
    assert float(hg.evaluate(hg.derive(p), p)["L"]) == 0.0
    assert exactly(p)["L"].item().fraction == 1


def test_a_double_shows_a_wrong_last_digit_where_the_exact_number_shows_the_right_one() -> None:
    given = {"x": 0.13105, "c": -1e-17}
    p = hg.Equations("L = w*x + c", loss="L", parameters={"w": 1.0}, data=given)
    true = Decimal("0.13105") - Decimal("1e-17")
    assert str(true.quantize(Decimal("0.0001"), ROUND_HALF_UP)) == "0.1310"
    floats, exact = hg.evaluate(hg.derive(p), p), exactly(p)
    assert Digits(4).show(float(floats["L"])) == "0.1311"
    assert Digits(4).show(exact["L"].item()) == "0.1310"


# --- pages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", ["maxout", "one-hidden-neuron-equations", "softmax-classifier"])
def test_every_reading_and_format_can_be_exact(name: str, reading: str) -> None:
    floats, exact = (hg.explain(problem(name), reading=reading, exact=e) for e in (False, True))
    for written in (hg.verbs.Worked.to_text, hg.verbs.Worked.to_latex, hg.verbs.Worked.to_markdown):
        assert len(written(exact)) >= 0.9 * len(written(floats))


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_has_an_exact_page_with_the_same_lines(name: str) -> None:
    floats, exact = (hg.explain(problem(name), exact=e).document for e in (False, True))
    for ours, theirs in zip(exact.sections, floats.sections, strict=True):
        assert ours.title == theirs.title
        for one, other in zip(ours.items, theirs.items, strict=True):
            assert getattr(one, "lhs", None) == getattr(other, "lhs", None)
            if isinstance(one, Line) and isinstance(one.parts[-1], Value):
                assert float(one.value) == pytest.approx(other.value, rel=1e-13, abs=1e-15)


def test_a_short_fraction_stands_before_its_digits() -> None:
    p = hg.Equations("z = x/3\nL = z*w", loss="L", parameters={"w": 0.13105}, data={"x": 1.0})
    page = hg.explain(p, exact=True)
    text = page.to_text()
    assert "z = x/3 = 1/3 ≈ 0.3333" in text
    assert "L = z·w = ⅓·0.13105 = 2621/60000 ≈ 0.0437" in text
    assert "w_new = w − η·dL/dw = 0.13105 − 0.1·⅓ = 0.13105 − 1/30 = 5863/60000" in text
    assert r"\frac{1}{3} \approx 0.3333" in page.to_latex()
    assert "≈ 0.1311" in hg.explain(product(0.2621, 0.5), exact=True, of="L").to_text()
    assert "= 0.13105 ≈ 0.1311" in hg.explain(product(0.2621, 0.5), exact=True, of="L").to_text()


def test_json_has_the_exact_values_beside_the_nearest_doubles() -> None:
    p = hg.Network([2, 2, 1], activation=["relu", "sigmoid"], seed=1)
    found = json.loads(hg.explain(p, exact=True, steps=2).to_json())
    plain = json.loads(hg.explain(p, steps=2).to_json())
    assert "exact" not in plain["steps"][0]
    assert [s["values"].keys() for s in found["steps"]] == [
        s["values"].keys() for s in plain["steps"]
    ]
    for state in (*found["steps"], found["final"]):
        for name, value in state["values"].items():
            texts = np.ravel(np.asarray(state["exact"][name]))
            for number, text in zip(np.ravel(np.asarray(value)), texts, strict=True):
                assert number == float(Fraction(str(text)))


def test_up_to_50_digits_are_shown_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "one-neuron", "--exact", "--digits", "50", "--of", "a1"])
    shown = capsys.readouterr().out
    with mpmath.workdps(80):
        true = mpmath.nstr(1 / (1 + mpmath.exp(-mpmath.mpf(1) / 4)), 50)
    assert true in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"carry": 3}, "exact or carry, not both"),
        ({"dtype": "float32"}, "have no dtype"),
        ({"steps": 5_000}, "at most 100,000 are accepted"),
    ],
)
def test_what_exact_numbers_are_not_for_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        hg.explain(problem("xor"), exact=True, **options)


def test_a_large_network_and_too_many_digits_are_refused() -> None:
    p = hg.Network([100, 100, 10])
    with pytest.raises(LimitError, match="a smaller network, or leave out exact"):
        exactly(p)
    shown = hg.Notation(digits=51)
    with pytest.raises(LimitError, match="at most 50"):
        hg.explain(product(1, 2, notation=shown), exact=True)


def test_a_number_outside_a_domain_is_told_as_ever() -> None:
    p = hg.Equations("L = log(w*x)", loss="L", parameters={"w": 0.0}, data={"x": 1.0})
    with pytest.raises(NumericError, match="L is nan: log"):
        exactly(p)


def test_digits_that_run_out_are_told() -> None:
    # of a thousand digits of e^w the difference leaves fifty
    text = "z = exp(w)\nL = (z + 10**-950*z**2) - z"
    p = hg.Equations(text, loss="L", parameters={"w": 0.5}, data={})
    with pytest.raises(NumericError, match="L is known to fewer than 100 digits"):
        exactly(p)
    p = hg.Equations(
        text.replace("L = (z", "L = step((z") + ")", loss="L", parameters={"w": 0.5}, data={}
    )
    with pytest.raises(NumericError, match="A partial result is known to fewer"):
        hg.explain(p, exact=True).to_text()
