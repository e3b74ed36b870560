"""The named rewrites, each where it holds and where it must be left alone."""

from __future__ import annotations

import numpy as np
import pytest

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Expr, Forms, Product, Ref, Symbol, walk
from handgrad.calculus.simplify import simplify
from handgrad.language.reading import parse_equations
from handgrad.language.writing import text
from handgrad.model.axes import with_axes
from handgrad.model.problem import derive, equations_problem
from handgrad.numbers.evaluate import value_of
from handgrad.rewrites.delta import delta_form
from handgrad.rewrites.logits import shortcut
from handgrad.rewrites.names import reuse

Y = Symbol("y")


def read(source: str, **ranks: int) -> Equation:
    (equation,) = with_axes(parse_equations(source), {Symbol(n): r for n, r in ranks.items()})
    return equation


# --- the shortcut δ = a − y ------------------------------------------------------------------


def forms(expr: Expr) -> Forms:
    (found,) = [node for node in walk(expr) if isinstance(node, Forms)][:1]
    return found


def test_every_way_to_write_the_shortcut_has_the_same_value():
    z, y = np.array([0.3, -1.2, 2.5]), np.array([0.0, 1.0, 0.0])
    a = np.exp(z) / np.exp(z).sum()
    source = "g[j] = sum(k, y[k])*softmax(k, z[k])[j] - y[j]"
    delta = forms(shortcut(read(source, y=1, z=1), Y).rhs)
    assert text(delta.book) == "softmax(j, z[j]) − y[j]"
    assert isinstance(delta.stable, Forms)  # as it is read in saturation, and as it is computed
    for form in (delta.book, delta.stable.book, delta.stable.stable):
        values = value_of(form, {Symbol("z"): z, Y: y})
        np.testing.assert_allclose(values, a - y, rtol=1e-14, err_msg=text(form))


def test_the_shortcut_of_sigmoid_has_the_same_value():
    equation = read("g = (1 - y)*sigmoid(z) - y*sigmoid(-z)", y=0, z=0)
    delta = forms(shortcut(equation, Y).rhs)
    assert text(delta.book) == "sigmoid(z) − y"
    for y in (0.0, 0.25, 1.0):
        known = {Symbol("z"): np.array(0.7), Y: np.array(y)}
        values = [value_of(form, known) for form in (equation.rhs, delta.book, delta.stable)]
        np.testing.assert_allclose(values, values[0], rtol=1e-14)


@pytest.mark.parametrize(
    "source",
    [
        "g[j] = sum(k, x[k])*softmax(k, z[k])[j] - y[j]",  # x is not one-hot
        "g[j] = sum(i, x[i]*y[i])*softmax(k, z[k])[j] - y[j]",  # the sum is the x that y picks
        "g[j] = sum(n, Y[n,1])*softmax(k, z[k])[j] - Y[1,j]",  # over examples, not over classes
        "g[j] = sum(k, Y[k,k])*softmax(k, z[k])[j] - Y[1,j]",  # along a diagonal
        "g[j] = sum(k, y[k])*softmax(k, z[k])[j] + y[j]",  # a + y
        "g[j] = sum(k, y[k])*softmax(k, z[k])[j] - 2*y[j]",
        "g[j] = sum(k, y[k])*softmax(k, z[k])[j] - x[j]",
    ],
)
def test_a_sum_that_is_not_one_prevents_the_shortcut(source: str):
    equation = read(source, x=1, y=1, z=1, Y=2)
    one_hot = Symbol("Y") if "Y" in source else Y
    assert shortcut(equation, one_hot) is equation


def test_rows_of_a_matrix_add_up_to_one_along_its_last_index():
    equation = read("g[n,j] = sum(k, Y[n,k])*softmax(k, Z[n,k])[j] - Y[n,j]", Y=2, Z=2)
    assert shortcut(equation, Symbol("Y")) is not equation


# --- names -----------------------------------------------------------------------------------


def test_a_softmax_read_at_another_place_has_the_name_of_that_place():
    forward = parse_equations("a[j] = softmax(k, z[k])[j]")
    (named,) = reuse(forward, parse_equations("g = softmax(k, z[k])[i]*softmax(p, z[p])[2]"))
    assert text(named.rhs) == "a[i]·a[2]"


def test_a_maximum_has_its_name_and_another_one_has_not():
    forward = parse_equations("h[j] = max(k, A[j,k])")
    (named,) = reuse(forward, parse_equations("g = max(k, A[i,k])*max(k, A[k,i])"))
    assert text(named.rhs) == "h[i]·max(k, A[k,i])"


# --- the δ-form ------------------------------------------------------------------------------


def test_the_delta_form_leaves_the_users_equations_as_they_were_written():
    problem = equations_problem("z = 2*w*3\na = tanh(z)*1\nE = a*a", "E", {"w": 0.3})
    derivation = derive(problem)
    other = delta_form(derivation)
    assert other.phase(Phase.FORWARD) == derivation.phase(Phase.FORWARD)


def test_what_is_put_into_a_delta_is_one_product():
    source = "z[j] = sum(i, W[j,i]*x[i])\na[j] = tanh(z[j])\nE = sum(j, a[j]*v[j])"
    given = {"W": np.ones((2, 3)), "v": np.ones(2)}
    problem = equations_problem(source, "E", given, {"x": np.ones(3)})
    written = {str(e.lhs.symbol): e.rhs for e in delta_form(derive(problem)).phase(Phase.BACKWARD)}
    delta = written["δ_z"]
    assert isinstance(delta, Product)
    assert not any(isinstance(factor, Product) for factor in delta.factors)
    assert delta == simplify(delta)
    assert any(isinstance(f, Ref) and f.symbol == Symbol("v") for f in delta.factors)


def test_a_delta_is_called_by_its_layer_or_else_by_its_weighted_sum():
    for source, called in (("z = w*2\nE = tanh(z)", "δ_z"), ("z3 = w*2\nE = tanh(z3)", "δ3")):
        derivation = delta_form(derive(equations_problem(source, "E", {"w": 0.3})))
        assert called in {text(e.lhs) for e in derivation.phase(Phase.BACKWARD)}
