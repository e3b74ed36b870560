"""The calculus case by case: capture, shortcuts, δ-form, matrix form, the language, validate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import sympy
from tests.oracles import jax_oracle

from handgrad.calculus.chain import backward
from handgrad.calculus.derivation import Derivation, Equation, Phase, validate
from handgrad.calculus.expr import (
    LETTERS,
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    bound_indices,
    call,
    free_indices,
    fresh,
    substitute,
    walk,
)
from handgrad.calculus.simplify import gathered, relettered, simplify
from handgrad.errors import DerivationError, InputError, LanguageError
from handgrad.language.reading import parse_equations, parse_formula, symbol
from handgrad.language.writing import text
from handgrad.model.axes import with_axes
from handgrad.model.network import LOSSES, Formula, Layer, forward_equations
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.problem import Problem, Training, derive, equations_problem, network_problem
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.updates import start
from handgrad.rewrites.delta import delta_form
from handgrad.rewrites.logits import shortcut, with_logits
from handgrad.rewrites.matrix import by_columns, matrix_form

Array = Any
RNG = np.random.default_rng(12)
A, B = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))
v, x = RNG.normal(size=3), RNG.normal(size=3)


def traced(problem: Problem) -> tuple[Derivation, Trace]:
    derivation = derive(problem)
    return derivation, evaluate(derivation, start(problem, derivation))


def gradients(
    source: str, parameters: Mapping[str, Array], data: Mapping[str, Array] | None = None
) -> Trace:
    """The trace of the equations; JAX is asked about every gradient on the way."""
    problem = equations_problem(source, "E", parameters, data)
    derivation, trace = traced(problem)
    values = start(problem, derivation)
    _, expected = jax_oracle.gradients(problem.forward, problem.loss, problem.parameters, values)
    for parameter, gradient in expected.items():
        got = trace[parameter.gradient(problem.loss)]
        np.testing.assert_allclose(got, gradient, rtol=1e-12, atol=1e-14)
    return trace


def backward_text(source: str, parameters: Mapping[str, Array], **data: Array) -> dict[str, str]:
    derivation = derive(equations_problem(source, "E", parameters, data))
    return {text(e.lhs): text(e.rhs) for e in derivation.phase(Phase.BACKWARD)}


# --- capture, repeated and constant indices --------------------------------------------------


def test_square_of_a_sum():
    trace = gradients("E = (sum(i, v[i]*x[i]))^2", {"v": v}, {"x": x})
    np.testing.assert_allclose(trace["dE/dv"], 2 * (v @ x) * x, rtol=1e-14)
    assert backward_text("E = (sum(i, v[i]*x[i]))^2", {"v": v}, x=x) == {
        "dE/dv[i]": "2·(Σ_k v[k]·x[k])·x[i]"
    }


def test_quadratic_form():
    trace = gradients("E = sum(i, j, v[i]*A[i,j]*v[j])", {"v": v, "A": A})
    np.testing.assert_allclose(trace["dE/dv"], (A + A.T) @ v, rtol=1e-14)
    np.testing.assert_allclose(trace["dE/dA"], np.outer(v, v), rtol=1e-14)


def test_diagonal():
    trace = gradients("E = sum(i, A[i,i]^2)", {"A": A})
    np.testing.assert_allclose(trace["dE/dA"], np.diag(2 * np.diag(A)), rtol=1e-14)


def test_constant_indices():
    trace = gradients("E = x[2]*A[1,3] + sum(i, A[i,2])", {"x": x, "A": A})
    np.testing.assert_allclose(trace["dE/dx"], [0, A[0, 2], 0])
    np.testing.assert_allclose(trace["dE/dA"], [[0, 1, x[1]], [0, 1, 0], [0, 1, 0]])


def test_unrolled_recurrence_shares_its_weights():
    source = """
    h1[j] = tanh(sum(i, V[j,i]*h0[i]) + x[j])
    h2[j] = tanh(sum(i, V[j,i]*h1[i]) + x[j])
    h3[i] = tanh(sum(j, V[i,j]*h2[j]) + h1[i])
    E = sum(j, h3[j]^2)
    """
    trace = gradients(source, {"V": A, "h0": v}, {"x": x})
    h1 = np.tanh(A @ v + x)
    h2 = np.tanh(A @ h1 + x)
    h3 = np.tanh(A @ h2 + h1)
    d3 = 2 * h3 * (1 - h3**2)
    d2 = (A.T @ d3) * (1 - h2**2)
    d1 = (A.T @ d2 + d3) * (1 - h1**2)
    dV = np.outer(d3, h2) + np.outer(d2, h1) + np.outer(d1, v)
    np.testing.assert_allclose(trace["dE/dV"], dV, rtol=1e-13)


def test_nested_log_sum_exp():
    source = "E = log(sum(i, exp(log(sum(j, exp(A[i,j] + v[j]))))))"
    trace = gradients(source, {"A": A, "v": v})
    share = np.exp(A + v) / np.exp(A + v).sum()
    np.testing.assert_allclose(trace["dE/dA"], share, rtol=1e-14)
    np.testing.assert_allclose(trace["dE/dv"], share.sum(axis=0), rtol=1e-14)


def test_sum_over_an_absent_index_multiplies_by_its_range():
    i, z, b = Index("i", (Symbol("x"), 0)), Ref(Symbol("z")), Symbol("b")
    forward = (Equation(z, Sigma((i,), Ref(b) ** 2), Phase.FORWARD),)
    derivation = Derivation(
        (*forward, *backward(forward, z.symbol, [b])), {b: 0, Symbol("x"): 1}, z.symbol
    )
    trace = evaluate(validate(derivation), {b: np.array(0.3), Symbol("x"): x})
    np.testing.assert_allclose([trace["z"], trace["dz/db"]], [3 * 0.09, 3 * 0.6], rtol=1e-15)
    trace = gradients("E = sum(i, x[i] + b)", {"b": 0.5}, {"x": x})
    assert trace["dE/db"] == 3


def test_the_same_letter_in_siblings_and_hidden_inside():
    source = """
    h[i] = sum(i, A[1,i]*x[i])*v[i] + sum(j, A[i,j]*sum(i, A[i,j]*x[i]))
    E = sum(i, h[i]*sum(i, h[i])) + sum(i, x[i])*sum(i, v[i])
    """
    trace = gradients(source, {"A": A, "v": v, "x": x})
    h = (A[0] @ x) * v + A @ (A.T @ x)
    np.testing.assert_allclose(trace["h"], h, rtol=1e-13)


@pytest.mark.parametrize(
    "source",
    [
        # two bound letters, one of which has to make way for the other
        "h[j,k] = tanh(B[k,j])\nE = sum(i, h[i,1]*sum(j, k, A[j,2]*B[k,j]*A[i,k]))",
        "E = B[1,1]/(1 + 2^tanh(sum(i, A[i,1]*sum(j, k, A[j,i]*B[2,k]*v[k])))^2)",
        # softmax read at an index that also stands in its argument
        "h[j,k] = sigmoid(A[k,j]) - softmax(i, A[i,k] + B[2,i])[k]\nE = sum(i, j, h[i,j]^2)",
        "E = sum(k, i, softmax(j, A[j,k]*v[j])[i]*log_softmax(i, A[k,i])[k])",
        "E = logsumexp(i, max(j, A[i,j]*logsumexp(i, B[i,j])))",
        "h[i] = tanh(sum(i, x[i]*B[1,i])*logsumexp(j, B[i,j]))\nE = sum(i, h[i])",
        "E = sum(i, sum(j, δ(i,j)*A[i,j]*v[j]))",
        "E = erf(v[1]) + normal_cdf(v[2])*gelu(v[3])",
        "E = min(max(v[1], v[2]), relu(v[3]) + abs(x[1]))*sum(i, v[i])^3/x[2]",
    ],
)
def test_gradients_of_awkward_equations(source: str):
    gradients(source, {"A": A, "B": B, "v": v, "x": x})


def test_a_bound_index_makes_way_for_one_that_arrives():
    i, j, k = (Index(letter) for letter in "ijk")
    matrix = Symbol("A")
    body = Product((Ref(matrix, (i, j)), Ref(matrix, (j, k))))
    moved = substitute(Sigma((j, i), Product((body, Ref(matrix, (i, k))))), {"k": j})
    assert isinstance(moved, Sigma)
    assert len({index.name for index in moved.indices}) == 2
    assert set(free_indices(moved)) == {"j"}


def test_a_fresh_index_has_its_own_letter_then_another_then_a_number():
    j = Index("j′")
    assert fresh(j, set()).name == "j"
    assert fresh(j, {"j"}).name == LETTERS[0]
    assert fresh(j, set(LETTERS)).name == "j1"
    assert fresh(j, {*LETTERS, "j1"}).name == "j2"


def test_relettering_leaves_the_place_where_a_softmax_is_read_alone():
    i, k = Index("i"), Index("k")
    read = Along("softmax", i, Ref(Symbol("A"), (i, k)), k)
    again = relettered(read, {"i", "k"})
    assert isinstance(again, Along)
    assert again.index.name not in ("i", "k")
    assert again.body == Ref(Symbol("A"), (again.index, k))


def test_parameter_that_nothing_uses_has_the_gradient_zero():
    trace = gradients("E = u^2", {"u": 2.0, "A": A, "w": 1.0})
    np.testing.assert_array_equal(trace["dE/dA"], np.zeros((3, 3)))
    np.testing.assert_array_equal(trace["A_new"], A)
    assert trace["dE/dw"] == 0


def test_loss_must_be_one_number():
    with pytest.raises(DerivationError, match="single number"):
        derive(equations_problem("E[i] = v[i]^2", "E", {"v": v}))


# --- shortcuts -------------------------------------------------------------------------------


def classifier(z: Array, y: Array, activation: str, loss: str) -> Problem:
    """One layer whose weights are the identity, so that z1 is x."""
    size = np.shape(z)[1]
    values = {Symbol("x"): z, Symbol("y"): y, Symbol("W", 1): np.eye(size)}
    return network_problem([Layer(Formula(activation), bias="none")], Formula(loss), values)


def long_way(problem: Problem) -> Trace:
    """The same gradients, by the chain rule through log and the activation, no rewrite on the way."""
    equations = (*problem.forward, *backward(problem.forward, problem.loss, problem.parameters))
    values = {**problem.values, Symbol("m"): np.array(float(problem.examples))}
    ranks = {s: np.ndim(value) for s, value in values.items()}
    return evaluate(Derivation(equations, ranks, problem.loss), values)


def test_softmax_with_cross_entropy_is_a_minus_y_symbolically():
    z, y = sympy.symbols("z1:4", real=True), [*sympy.symbols("y1:3", real=True)]
    y.append(1 - sum(y))  # the rows of the target add up to 1
    a = [sympy.exp(each) / sum(map(sympy.exp, z)) for each in z]
    loss = -sum(target * sympy.log(each) for target, each in zip(y, a, strict=True))
    for each, target, logit in zip(a, y, z, strict=True):
        assert sympy.simplify(sympy.diff(loss, logit) - (each - target)) == 0


def test_sigmoid_with_binary_cross_entropy_is_a_minus_y_symbolically():
    z, y = sympy.symbols("z y", real=True)
    a = 1 / (1 + sympy.exp(-z))
    loss = -(y * sympy.log(a) + (1 - y) * sympy.log(1 - a))
    assert sympy.simplify(sympy.diff(loss, z) - (a - y)) == 0


@pytest.mark.parametrize(
    ("activation", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]
)
def test_shortcut_is_the_long_way(activation: str, loss: str):
    z = RNG.normal(size=(4, 3))
    problem = classifier(z, np.eye(3)[[0, 2, 1, 1]], activation, loss)
    derivation, trace = traced(problem)
    other = long_way(problem)
    delta = derivation.defining(Symbol("z", 1).gradient(problem.loss))
    assert text(delta.rhs) == "1/m·(a1[n,j] − y[n,j])"
    np.testing.assert_allclose(trace["dL/dz1"], other["dL/dz1"], rtol=1e-13, atol=1e-17)
    np.testing.assert_allclose(trace["L"], other["L"], rtol=1e-14)


def test_softmax_shortcut_needs_rows_that_add_up_to_one():
    problem = classifier(RNG.normal(size=(2, 3)), np.full((2, 3), 0.5), "softmax", "cross_entropy")
    derivation, trace = traced(problem)
    delta = derivation.defining(Symbol("z", 1).gradient(problem.loss))
    assert "a1[n,j] − y[n,j])" not in text(delta.rhs)
    np.testing.assert_allclose(trace["dL/dz1"], long_way(problem)["dL/dz1"], rtol=1e-13)


@pytest.mark.parametrize(
    ("activation", "loss"), [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")]
)
def test_saturation_gives_numbers(activation: str, loss: str):
    z = np.array([[800.0, -800.0], [-800.0, 800.0], [40.0, -40.0]])
    y = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    _, trace = traced(classifier(z, y, activation, loss))
    distance = 80.0 if activation == "softmax" else 40.0
    tail = np.exp(-distance) / (1 + np.exp(-distance))
    expected = np.array([[0, 0], [-1, 1], [-tail, tail]]) / 3
    np.testing.assert_allclose(trace["dL/dz1"], expected, rtol=1e-14, atol=1e-300)
    rounding = np.log1p(np.exp(-distance)) * (1 if activation == "softmax" else 2)
    total = 1600 + rounding  # the second example is wrong by the whole distance of its two z
    np.testing.assert_allclose(trace["L"], total / 3, rtol=1e-14)


def test_shortcut_leaves_other_equations_alone():
    sources = (
        "g[j] = a[j] - y[j]",
        "g = p*q - r",
        "g[j] = sum(i, A[j,i]*y[i])",
        "g = sigmoid(-z) + 2",
    )
    for source in sources:
        (equation,) = parse_equations(source, phase=Phase.BACKWARD)
        assert shortcut(equation, Symbol("y")) is equation


def test_logits_are_only_put_where_the_logarithm_of_an_activation_stands():
    forward = parse_equations("a = sigmoid(z)\nE = log(a) + log(1 - a) + log(b) + log(2 - a)")
    total = with_logits(forward)[1].rhs
    assert isinstance(total, Sum)
    kinds = [isinstance(term, Forms) for term in total.terms]
    assert kinds == [True, True, False, False]


# --- the δ-form and the matrix form ----------------------------------------------------------


def small_network(
    hidden: str = "tanh", last: str = "softmax", loss: str = "cross_entropy"
) -> Problem:
    rng = np.random.default_rng(3)
    values = {
        Symbol("x"): rng.normal(size=(4, 3)),
        Symbol("y"): np.eye(2)[[0, 1, 1, 0]],
        Symbol("W", 1): rng.normal(size=(5, 3)),
        Symbol("b", 1): rng.normal(size=5),
        Symbol("W", 2): rng.normal(size=(2, 5)),
        Symbol("b", 2): rng.normal(size=2),
    }
    return network_problem([Layer(Formula(hidden)), Layer(Formula(last))], Formula(loss), values)


def test_delta_form_is_the_textbooks_and_has_the_same_numbers():
    problem = small_network("sigmoid", "sigmoid", "half_squared_error")
    derivation, trace = traced(problem)
    other = delta_form(derivation)
    written = {text(e.lhs): text(e.rhs) for e in other.phase(Phase.BACKWARD)}
    assert written["δ2[n,j]"] == "(a2[n,j] − y[n,j])·a2[n,j]·(1 − a2[n,j])"
    assert written["δ1[n,j]"] == "(Σ_k δ2[n,k]·W2[k,j])·a1[n,j]·(1 − a1[n,j])"
    assert written["dL/dW1[j,i]"] == "Σ_n δ1[n,j]·x[n,i]"
    numbers = evaluate(other, start(problem, derivation))
    for name in ("dL/dW1", "dL/db1", "dL/dW2", "dL/db2", "W1_new"):
        np.testing.assert_allclose(numbers[name], trace[name], rtol=1e-14)
    np.testing.assert_allclose(numbers["δ1"], trace["dL/dz1"], rtol=1e-14)


def test_delta_form_keeps_the_name_of_a_parameter_that_feeds_a_function():
    problem = equations_problem("a = tanh(w)\nE = a*v", "E", {"w": 0.3, "v": 2.0})
    other = delta_form(derive(problem))
    assert "dE/dw" in {str(e.lhs.symbol) for e in other.equations}


def array_value(expr: Expr, known: Mapping[Symbol, Array]) -> Array:
    """A formula between whole arrays, as NumPy computes it."""
    match expr:
        case Num(value):
            return float(value)
        case Ref(found, _):
            return known[found]
        case Sum(terms):
            return sum(array_value(term, known) for term in terms)
        case Product(factors):
            return np.prod(np.array([array_value(f, known) for f in factors], object))
        case Power(base, exponent):
            return array_value(base, known) ** array_value(exponent, known)
        case Call("@", (left, right)):
            return array_value(left, known) @ array_value(right, known)
        case Call("T", (array,)):
            return array_value(array, known).T
        case Call("∘", (first, *others)):
            result = array_value(first, known)
            for other in others:
                result = result * array_value(other, known)
            return result
        case Call("tanh", (z,)):
            return np.tanh(array_value(z, known))
        case Call("softmax", (z,)):
            e = np.exp(array_value(z, known))
            return e / e.sum(axis=-1, keepdims=True)
        case Sigma(_, body):
            return np.sum(array_value(body, known), axis=0)
        case Forms(book, _):
            return array_value(book, known)
    raise TypeError(type(expr).__name__)


def test_matrix_form_has_the_numbers_of_the_trace():
    problem = small_network()
    derivation, trace = traced(problem)
    seen: set[str] = set()
    for equation in derivation.equations:
        whole = matrix_form(equation)
        if whole is None or equation.lhs.symbol == problem.loss:
            continue
        seen.add(str(equation.lhs.symbol))
        got = array_value(whole.rhs, trace.arrays)
        expected = trace[equation.lhs.symbol]
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15, err_msg=text(whole.rhs))
    assert {"z1", "a1", "z2", "a2", "dL/dz2", "dL/dW2", "dL/db2", "dL/da1", "dL/dW1"} <= seen


def test_matrix_form_by_columns_has_the_transposed_numbers():
    problem = small_network()
    derivation, trace = traced(problem)
    matrices = {symbol for symbol, value in trace.arrays.items() if np.ndim(value) == 2}
    turned = {
        symbol: value.T if symbol in matrices and symbol.plain in problem.batched else value
        for symbol, value in trace.arrays.items()
    } | {s: v[:, None] for s, v in trace.arrays.items() if np.ndim(v) == 1}  # a bias is a column
    seen: set[str] = set()
    for equation in derivation.equations:
        whole = matrix_form(equation)
        if whole is None or equation.lhs.symbol not in matrices:
            continue
        whole = by_columns(whole, matrices, problem.batched)
        if "softmax" in text(whole.rhs):  # along the units, which are rows now
            continue
        seen.add(text(whole.rhs))
        got = array_value(whole.rhs, turned)
        expected = turned[equation.lhs.symbol]
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-15, err_msg=text(whole.rhs))
    assert {
        "W1·x + b1",
        "W2·a1 + b2",
        "dL/dz2·a1ᵀ",
        "dL/dz1·xᵀ",
    } <= seen


@pytest.mark.parametrize(
    ("activation", "derived"),
    [
        ("tanh(z)**2 + z/10", "dE/da·(2·tanh(z)·(1 − tanh(z)²) + 0.1)"),
        ("z/(1 + abs(z))", "dE/da·(1/(1 + abs(z)) − z·sign(z)/(1 + abs(z))²)"),
        ("log(1 + exp(z))", "dE/da·exp(z)/(1 + exp(z))"),
        ("z*sigmoid(z)", "dE/da·(sigmoid(z) + z·sigmoid(z)·(1 − sigmoid(z)))"),
    ],
)
def test_a_formulas_derivative_is_written_as_one_would(activation: str, derived: str):
    problem = equations_problem(f"z = w*x\na = {activation}\nE = a**2", "E", {"w": 0.3, "x": 2.0})
    gradient = Symbol("z").gradient(problem.loss)
    assert text(derive(problem).defining(gradient).rhs) == derived


ADAM = [
    "m_w_new = β1·m_w + (1 − β1)·dE/dw",
    "v_w_new = β2·v_w + (1 − β2)·(dE/dw)²",
    "mhat_w = m_w_new/(1 − β1^t)",
    "vhat_w = v_w_new/(1 − β2^t)",
]
UPDATES = {
    "sgd": ["w_new = w − η·dE/dw"],
    "momentum": ["v_w_new = β·v_w + dE/dw", "w_new = w − η·v_w_new"],
    "nesterov": ["v_w_new = β·v_w + dE/dw", "w_new = w − η·(dE/dw + β·v_w_new)"],
    "adagrad": ["v_w_new = v_w + (dE/dw)²", "w_new = w − η·dE/dw/(sqrt(v_w_new) + ε)"],
    "rmsprop": [
        "v_w_new = ρ·v_w + (1 − ρ)·(dE/dw)²",
        "w_new = w − η·dE/dw/(sqrt(v_w_new) + ε)",
    ],
    "adam": [*ADAM, "w_new = w − η·mhat_w/(sqrt(vhat_w) + ε)"],
    "adamw": [*ADAM, "w_new = w − η·mhat_w/(sqrt(vhat_w) + ε) − η·ω·w"],
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_is_written_as_in_pytorchs_documentation(optimizer: str):
    training = Training(optimizer=optimizer)
    problem = equations_problem("E = w*x", "E", {"w": 1.0}, {"x": 2.0}, training=training)
    updates = derive(problem).phase(Phase.UPDATE)
    assert [f"{text(e.lhs)} = {text(e.rhs)}" for e in updates] == UPDATES[optimizer]


# --- the chain rule's own bookkeeping --------------------------------------------------------


def test_an_index_of_the_same_letter_inside_is_another_one():
    x, w = np.array([1.0, 2.0, 3.0]), np.array([0.5, -1.0])
    for inside, slopes in (("sum(i, w[i])", [3.0, 3.0]), ("max(i, w[i])", [3.0, 0.0])):
        trace = gradients(f"E = sum(i, x[i] + {inside})", {"w": w}, {"x": x})
        np.testing.assert_array_equal(trace["dE/dw"], slopes)


def test_a_parameter_that_nothing_uses_has_the_gradient_zero():
    forward = parse_equations("E = w**2")
    *_, unused = backward(forward, Symbol("E"), [Symbol("w"), Symbol("v")])
    assert (text(unused.lhs), text(unused.rhs)) == ("dE/dv", "0")
    *_, unused = backward(forward, Symbol("E"), [Symbol("w"), Symbol("v")], {Symbol("v"): 2})
    assert len(unused.lhs.indices) == 2
    assert unused.why == "v does not influence the loss."


def test_the_reason_names_every_way_to_the_loss():
    source = "a = w*2\nb = w*3\nc = w*5\nE = a*b*c"
    derivation = derive(equations_problem(source, "E", {"w": 1.0}))
    why = derivation.defining(Symbol("w").gradient(Symbol("E"))).why
    assert why == "Chain rule: w acts on the loss through c, b and a, summed over every use."
    derivation = derive(equations_problem("a = w*2\nE = a*w", "E", {"w": 1.0}))
    why = derivation.defining(Symbol("w").gradient(Symbol("E"))).why
    assert why == "Chain rule: w acts on the loss directly and through a, summed over every use."


# --- layers and losses ----------------------------------------------------------------------


def one_layer(z: Array, y: Array, activation: Formula, loss: Formula) -> Trace:
    """One layer whose weights are the identity, so that z1 is x."""
    values = {Symbol("x"): z, Symbol("y"): y, Symbol("W", 1): np.eye(np.shape(z)[1])}
    return traced(network_problem([Layer(activation, bias="none")], loss, values))[1]


@pytest.mark.parametrize("reduce", ["", "sum", "mean"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_is_summed_or_averaged_as_it_says(loss: str, reduce: str):
    a = np.array([[0.25, 0.5, 0.125], [0.75, 0.5, 0.375]])
    y = np.array([[0.0, 1.0, 0.0], [0.5, 0.25, 0.25]])
    m, mk = 2, 6
    squares, sizes = np.sum((a - y) ** 2), np.sum(np.abs(a - y))
    crossed, both = -np.sum(y * np.log(a)), -np.sum(y * np.log(a) + (1 - y) * np.log(1 - a))
    expected = {  # by itself, reduce = "sum", reduce = "mean"
        "half_squared_error": (squares / 2, squares / 2, squares / 2 / m),
        "squared_error": (squares, squares, squares / mk),
        "half_mean_squared_error": (squares / 2 / m, squares / 2, squares / 2 / m),
        "mean_squared_error": (squares / mk, squares, squares / mk),
        "mean_absolute_error": (sizes / mk, sizes, sizes / mk),
        "huber": (squares / 2 / mk, squares / 2, squares / 2 / mk),  # all errors are below δ = 1
        "binary_cross_entropy": (both / m, both, both / m),
        "cross_entropy": (crossed / m, crossed, crossed / m),
    }
    trace = one_layer(a, y, Formula("identity"), Formula(loss, reduce=reduce))
    place = ("", "sum", "mean").index(reduce)
    assert trace["L"] == pytest.approx(expected[loss][place], rel=1e-14)


def test_a_formulas_loss_is_a_sum_or_a_mean_over_entries():
    a, y = np.array([[0.25, 0.5], [0.75, 0.5]]), np.array([[0.0, 1.0], [0.5, 0.25]])
    total = np.sum((a - y) ** 4)
    for reduce, wanted in (("", total), ("sum", total), ("mean", total / 4)):
        loss = Formula(text="(a - y)**4", reduce=reduce)
        assert one_layer(a, y, Formula("identity"), loss)["L"] == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize(
    ("activation", "value"),
    [
        (Formula("leaky_relu"), -0.02),
        (Formula("leaky_relu", {"slope": 0.25}), -0.5),
        (Formula("elu"), np.expm1(-2.0)),
        (Formula("elu", {"alpha": 0.5}), 0.5 * np.expm1(-2.0)),
        (Formula("gaussian"), np.exp(-2.0)),
        (Formula("gaussian", {"height": 0.5}), 0.5 * np.exp(-2.0)),
    ],
)
def test_options_of_activations_and_their_defaults(activation: Formula, value: float):
    trace = one_layer(np.array([[-2.0]]), np.array([[0.0]]), activation, Formula("squared_error"))
    assert trace["a1"][0, 0] == pytest.approx(value, rel=1e-14)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("z[1]**2", "Write z without an index in the activation: it is one entry."),
        ("z + x", "uses x; it may use z only."),
        ("sum(i, z)", "The activation"),
    ],
)
def test_a_formula_is_about_one_entry(written: str, said: str):
    with pytest.raises(InputError, match=re.escape(said)):
        one_layer(np.array([[1.0]]), np.array([[0.0]]), Formula(text=written), Formula("huber"))


@pytest.mark.parametrize("delta", [0.0, -0.5, float("inf")])
def test_hubers_delta_is_above_zero(delta: float):
    with pytest.raises(InputError, match="delta of huber must be above 0"):
        one_layer(
            np.ones((1, 1)),
            np.ones((1, 1)),
            Formula("identity"),
            Formula("huber", {"delta": delta}),
        )


@pytest.mark.parametrize(
    ("activation", "said"),
    [
        (Formula("tanh", {"slope": 1.0}), "tanh has no option 'slope'; its options: none."),
        (
            Formula("elu", {"slope": 1.0, "b": 1.0}),
            "elu has no option 'b'; its options: alpha.",
        ),
    ],
)
def test_an_unknown_option_is_told(activation: Formula, said: str):
    with pytest.raises(InputError, match=re.escape(said)):
        one_layer(np.ones((1, 1)), np.ones((1, 1)), activation, Formula("squared_error"))


def test_hubers_delta_is_where_it_becomes_a_line():
    for delta, wanted in (({}, 1.5), ({"delta": 0.5}, 0.875), ({"delta": 4.0}, 2.0)):
        loss = Formula("huber", delta, reduce="sum")
        trace = one_layer(np.array([[2.0]]), np.array([[0.0]]), Formula("identity"), loss)
        assert trace["L"] == wanted


# --- simplify --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "simple"),
    [
        ("0*x + y", "y"),
        ("1*x*1", "x"),
        ("x + x", "2·x"),
        ("x - x", "0"),
        ("2*x*3/6", "x"),
        ("x*x*x", "x³"),
        ("x/x", "1"),
        ("x**2/x", "x"),
        ("x**0", "1"),
        ("(1 + x)**0*y", "y"),
        ("x/(1 + y)*z", "x·z/(1 + y)"),  # what is divided by stands last
        ("x*(1 + y)**½*z", "x·(1 + y)^½·z"),
        ("2**3*x", "8·x"),
        ("1**3*x", "x"),
        ("(-1)**3*x", "−x"),
        ("2**½*x", "2^½·x"),
        ("2**(1/3)*8**(1/3)", "2^⅓·8^⅓"),
        ("2**64*x", "18446744073709551616·x"),
        ("2**65*x", "2^65·x"),  # longer than anybody reads
        ("x/0", "x/0"),  # told when it is evaluated
        ("x/2**3", "0.125·x"),
        ("(x**2)**3", "x^6"),
        ("(x**2)**½", "(x²)^½"),  # |x|, not x
        ("(2*x)**2", "4·x²"),
        ("(2*x)**½", "(2·x)^½"),
        ("(2*x)**-1", "½/x"),
        ("(x*y)**2", "(x·y)²"),
        ("(x**½)**2", "(x^½)²"),
        ("x**2*x**y", "x²·x^y"),
        ("sum(i, 0*x[i])", "0"),
        ("sum(i, j, δ(i,j)*A[i,j])", "Σ_j A[j,j]"),
        ("sum(i, j, δ(i,j)*δ(j,2)*A[i,j])", "A[2,2]"),
        ("sum(i, sum(j, δ(i,j)*A[i,j]))", "Σ_i A[i,i]"),
        ("sum(i, δ(j,i)*x[i])", "x[j]"),
        ("sum(i, δ(i,i)*x[i])", "Σ_i x[i]"),
        ("sum(i, δ(j,k)*x[i])", "Σ_i δ(j, k)·x[i]"),
        ("sum(i, δ(i,j) + x[i])", "Σ_i (δ(i, j) + x[i])"),
        ("sum(i, sum(j, A[i,j]))", "Σ_i,j A[i,j]"),
        ("sum(i, δ(i,j)*x[i])", "x[j]"),
        ("sum(i, δ(i,2)*x[i])", "x[2]"),
        ("δ(1,2)*x + δ(3,3)*y", "y"),
        ("2 + 3*4", "14"),
        ("1/3 + 1/6", "½"),
        ("x*2/3", "⅔·x"),
        ("-1/6 - 2/3", "−⅚"),
        ("x*(1/7 + 1/7)", "2/7·x"),
    ],
)
def test_simplify(written: str, simple: str):
    assert text(simplify(parse_formula(written))) == simple


@pytest.mark.parametrize(
    ("written", "together"),
    [
        ("dE/da*x + dE/da*y", "dE/da·(x + y)"),
        ("dE/da*x + dE/da", "dE/da·(x + 1)"),
        ("x*dE/da*2 + y*dE/da*z", "dE/da·(2·x + y·z)"),
        ("dE/db*dE/da*x + dE/da*y", "dE/da·(dE/db·x + y)"),
        ("sum(i, dE/da[i]*x[i] + dE/da[i]*y[i])", "Σ_i dE/da[i]·(x[i] + y[i])"),
        ("dE/da[1]*x + dE/da[2]*y", "dE/da[1]·x + dE/da[2]·y"),  # two numbers
        ("dE/da*x + dE/db*y", "dE/da·x + dE/db·y"),
        ("dE/da*x + y", "dE/da·x + y"),
        ("a*x + a*y", "a·x + a·y"),  # no gradient
    ],
)
def test_the_gradient_all_terms_share_stands_in_front(written: str, together: str):
    (equation,) = parse_equations(f"g = {written}", "E")
    assert text(gathered(equation.rhs)) == together


def test_letters_that_are_free_outside_are_not_used_inside():
    (equation,) = parse_equations("g[k] = sum(k, x[k]*sum(i, A[i,k]*max(j, B[j,i] + x[k])))")
    again = relettered(equation.rhs, {"k", "i", "j"})
    letters = {p.name for node in walk(again) for p in bound_indices(node)}
    assert len(letters) == 3
    assert not letters & {"k", "i", "j"}
    assert not free_indices(again)
    for inner in ("sum(j, A[i,j])", "max(j, A[i,j])"):
        for outer in (f"sum(i, {inner})", f"max(i, {inner})"):
            again = relettered(parse_formula(outer), {"j"})
            assert {p.name for node in walk(again) for p in bound_indices(node)} == {"i", "k"}


# --- the language ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("w1*x + b1", "w1·x + b1"),
        ("a - b - c", "a − b − c"),
        ("a - (b - c)", "a − (b − c)"),
        ("a/b/c", "a/b/c"),
        ("a/(b*c)", "a/(b·c)"),
        ("(a + b)*c", "(a + b)·c"),
        ("-x^2", "−x²"),
        ("(-x)^2", "(−x)²"),
        ("2^3^x", "2^(3^x)"),
        ("(2^3)^x", "(2³)^x"),
        ("x**-1", "1/x"),
        ("a*-b", "a·(−b)"),
        ("½*x", "½·x"),
        ("0.01*x", "0.01·x"),
        ("1e-3*x", "0.001·x"),
        ("x²·y³", "x²·y³"),
        ("sum(i, W[j,i]*x[i]) + b[j]", "Σ_i W[j,i]·x[i] + b[j]"),
        ("Σ_i W[j,i]·x[i] + b[j]", "Σ_i W[j,i]·x[i] + b[j]"),
        ("Σ_{i,j} A[i,j]", "Σ_i,j A[i,j]"),
        ("sum(i, x[i] + 1)", "Σ_i (x[i] + 1)"),
        ("sum(i, x[i])*y", "(Σ_i x[i])·y"),
        ("softmax(k, z[k])", "softmax(k, z[k])"),
        ("softmax(k, z[k])[j]", "softmax(j, z[j])"),
        ("softmax(k, A[k,j])[j]", "softmax(k, A[k,j])[j]"),
        ("softmax(k, z[k])[2]", "softmax(k, z[k])[2]"),
        ("softmax(k, w)", "softmax(k, w)"),  # derived where a body does not vary along k
        ("max(k, z[k])", "max(k, z[k])"),
        ("max(0, z)", "max(0, z)"),
        ("σ(z)", "sigmoid(z)"),
        ("ln(z)", "log(z)"),
        ("[a = b]*c", "[a = b]·c"),
    ],
)
def test_text_is_canonical_and_read_back(written: str, canonical: str):
    once = text(parse_formula(written))
    assert once == canonical
    assert text(parse_formula(once)) == canonical


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("-2^2", -4),
        ("2^3^2", 512),
        ("2^-1", 0.5),
        ("1 - 2 - 3", -4),
        ("12/2/3", 2),
        ("12/2*3", 18),
        ("2*3^2", 18),
        ("-2*3", -6),
        ("2 - -3", 5),
        ("2/3 + 1/3", 1),
        ("½ + ¼", 0.75),
        ("⅓ + ⅔ - ⅙ + ⅚", 1 + 2 / 3),
        ("1.5e1", 15),
        ("−(2 + 3)·2", -10),
        ("1/2^2", 0.25),
    ],
)
def test_precedence(written: str, value: float):
    problem = equations_problem(f"E = {written} + 0*w", "E", {"w": 1.0})
    assert traced(problem)[1]["E"] == pytest.approx(value, rel=1e-15)


def test_gradient_is_one_name_only_without_blanks_and_only_of_the_loss():
    (equation,) = parse_equations("u = dE/dw + 1", "E")
    assert equation.rhs == Sum((Ref(Symbol("w").gradient(Symbol("E"))), Num(1)))
    (equation,) = parse_equations("u = dE / dw", "E")
    assert equation.rhs == Product((Ref(Symbol("dE")), Power(Ref(Symbol("dw")), Num(-1))))
    (equation,) = parse_equations("u = dF/dw", "E")
    assert isinstance(equation.rhs, Product)


def test_names_end_in_numbers():
    assert symbol("z12") == Symbol("z", 12)
    assert symbol("w") == Symbol("w")
    assert symbol("x0") == Symbol("x", 0)


@pytest.mark.parametrize(
    ("source", "line", "column", "said"),
    [
        ("z = w*", 1, 7, "end of the line"),
        ("z = (a + b", 1, 11, "')'"),
        ("z = a + b)", 1, 10, "an operator or the end"),
        ("z = a $ b", 1, 7, "'$'"),
        ("ok = 1\nz = foo(1)", 2, 5, "no function 'foo'"),
        ("ok = 1\n\n  z = tanh(1, 2)", 3, 7, "takes 1 argument"),
        ("z + 1 = a", 1, 3, "'='"),
        ("3 = a", 1, 1, "a name"),
        ("tanh(z) = a", 1, 1, "left side"),
        ("z[ = a", 1, 4, "an index"),
        ("z[j = a", 1, 5, "','"),
        ("z = sum(x)", 1, 5, "sum(i"),
        ("z = softmax(x)", 1, 5, "an index and a body"),
        ("z = x[1.5]", 1, 7, "an index"),
        ("z = x x", 1, 7, "an operator"),
        ("z = 1e999999", 1, 5, "exponent"),
        ("z = " + "(" * 80 + "x", 1, 65, "nest"),
        ("z = " + "-" * 80 + "x", 1, 65, "nest"),
        ("z =", 1, 4, "end of the line"),
        ("z = *x", 1, 5, "'*'"),
    ],
)
def test_errors_say_where(source: str, line: int, column: int, said: str):
    with pytest.raises(LanguageError) as caught:
        parse_equations(source, "E")
    assert said in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert f"line {line}, column {column}" in str(caught.value)


# --- validate --------------------------------------------------------------------------------


def refusal(source: str, **givens: int) -> str:
    equations = parse_equations(source)
    ranks = {symbol(name): rank for name, rank in givens.items()}
    with pytest.raises(DerivationError) as caught:
        validate(Derivation(equations, ranks, Symbol("E")))
    return str(caught.value)


@pytest.mark.parametrize(
    ("source", "givens", "said"),
    [
        ("E = w*x", {"w": 0}, "x, in the equation of E, is not defined"),
        ("E = z\nz = w", {"w": 0}, "z, in the equation of E, is used before it is defined"),
        ("E = w\nE = w", {"w": 0}, "E is defined twice"),
        ("w = 1\nE = w", {"w": 0}, "w is given and also defined"),
        ("E = E + w", {"w": 0}, "E is defined by itself"),
        ("E = W[1]", {"W": 2}, "W has 2 indices but is used with 1"),
        ("E = w[1]", {"w": 0}, "w has no index but is used with 1"),
        ("E = x[i]", {"x": 1}, "index i in the equation of E is neither summed nor on the left"),
        ("z[i,i] = A[i,i]\nE = z[1,1]", {"A": 2}, "a different letter for each index"),
        ("z[1] = w\nE = w", {"w": 0}, "a different letter for each index"),
        ("E = x[0]", {"x": 1}, "count from 1"),
        ("F = w", {"w": 0}, "The loss E is not defined"),
    ],
)
def test_validate_refuses(source: str, givens: dict[str, int], said: str):
    assert said in refusal(source, **givens)


@pytest.mark.parametrize(
    ("rhs", "said"),
    [
        (Call("tanh", (Num(1), Num(2))), "tanh takes 1 argument, not 2"),
        (Call("nonsense", (Num(1),)), "nonsense is no function of single numbers"),
        (Along("tanh", Index("k"), Ref(Symbol("x"), (Index("k"),))), "no function along an index"),
        (Along("softmax", Index("k"), Ref(Symbol("x"), (Index("k"),))), "no function along"),
    ],
)
def test_validate_refuses_a_function_given_the_wrong_arguments(rhs: Expr, said: str):
    equation = Equation(Ref(Symbol("E")), rhs, Phase.FORWARD)
    with pytest.raises(DerivationError, match=said):
        validate(Derivation((equation,), {Symbol("x"): 1}, Symbol("E")))


def test_an_index_used_on_no_array_is_refused():
    with pytest.raises(DerivationError, match="Nothing says how far the index i runs"):
        with_axes(parse_equations("E = sum(i, w)"), {Symbol("w"): 0})


def test_every_index_knows_its_axis_wherever_it_stands():
    (equation,) = with_axes(
        parse_equations("z[j] = sum(i, δ(i,j)*A[i,j]*x[i])"), {Symbol("A"): 2, Symbol("x"): 1}
    )
    body = equation.rhs
    assert isinstance(body, Sigma)
    assert isinstance(body.body, Product)
    delta = body.body.factors[0]
    assert isinstance(delta, Delta)
    assert [p.axis for p in (delta.left, delta.right) if isinstance(p, Index)] == [
        (Symbol("A"), 0),
        (Symbol("A"), 1),
    ]


def test_the_rewritten_network_equations_are_valid_for_every_loss():
    for loss in ("half_squared_error", "mean_absolute_error", "huber", "cross_entropy"):
        forward = forward_equations(
            [Layer(Formula("tanh")), Layer(Formula("softmax"))], Formula(loss)
        )
        ranks = dict.fromkeys(map(symbol, ("x", "y", "W1", "W2")), 2)
        ranks |= dict.fromkeys(map(symbol, ("b1", "b2")), 1) | dict.fromkeys(map(symbol, "mK"), 0)
        placed = with_axes(with_logits(forward), ranks)
        derived = backward(placed, Symbol("L"), [Symbol("W", 1), Symbol("b", 2)])
        validate(Derivation((*placed, *derived), ranks, Symbol("L")))


def test_call_makes_numbers_exact():
    assert call("max", 0, Ref(Symbol("z"))) == Call("max", (Num(0), Ref(Symbol("z"))))


def test_functions_with_options_can_be_keys() -> None:
    one, other = Formula("elu", {"alpha": 0.5}), Formula("elu", {"alpha": 0.7})
    assert {one: 1, other: 2}[Formula("elu", {"alpha": 0.7})] == 2
