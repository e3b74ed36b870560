"""Whole updates calculated as a textbook does, with NumPy alone, against what ``explain`` says.

The calculations name their quantities as the public JSON does; every array of the JSON is compared,
and every array calculated has to be in it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.calculus.expr import Expr, Partial, Ref, Value
from handgrad.language.writing import name as written
from handgrad.model.problem import Problem
from handgrad.render.document import Formula, Line
from handgrad.verbs import Worked
from pages import EXAMPLES, PROBLEMS, READINGS, problem, trace_of

Array = Any
CLOSE = 1e-13  # a handful of double operations
STEPS = 4


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    return np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)


def told(problem: Problem, steps: int = STEPS) -> dict[str, Any]:
    return json.loads(hg.explain(problem, steps=steps).to_json())


def assert_same(values: Mapping[str, Any], expected: Mapping[str, Any], step: int) -> None:
    """The arrays of one step: the same names, shapes and numbers."""
    assert sorted(values) == sorted(expected), f"step {step}"
    for name, array in expected.items():
        assert np.shape(values[name]) == np.shape(array), f"shape of {name}, step {step}"
        scale = np.max(np.abs(array))
        np.testing.assert_allclose(
            values[name], array, CLOSE, CLOSE * scale, err_msg=f"{name}, step {step}"
        )


# --- layered networks, by the book -----------------------------------------------------------


def one_neuron(x, y, W1, b1, rate):
    """1-1: a sigmoid neuron, half the squared error."""
    z1 = x @ W1.T + b1
    a1 = sigmoid(z1)
    L = 0.5 * np.sum((a1 - y) ** 2)
    dL_da1 = a1 - y
    dL_dz1 = dL_da1 * a1 * (1 - a1)
    dL_dW1 = dL_dz1.T @ x
    dL_db1 = dL_dz1.sum(axis=0)
    return {
        "x": x, "y": y, "W1": W1, "b1": b1, "z1": z1, "a1": a1, "L": L,
        "dL/da1": dL_da1, "dL/dz1": dL_dz1, "dL/dW1": dL_dW1, "dL/db1": dL_db1,
        "W1_new": W1 - rate * dL_dW1, "b1_new": b1 - rate * dL_db1,
    }  # fmt: skip


def two_layers(x, y, W1, b1, W2, b2, rate):
    """1-1-1, 2-2-1 and wider: sigmoid twice, half the squared error, any number of examples."""
    z1 = x @ W1.T + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2.T + b2
    a2 = sigmoid(z2)
    L = 0.5 * np.sum((a2 - y) ** 2)
    dL_da2 = a2 - y
    dL_dz2 = dL_da2 * a2 * (1 - a2)
    dL_dW2 = dL_dz2.T @ a1
    dL_db2 = dL_dz2.sum(axis=0)
    dL_da1 = dL_dz2 @ W2
    dL_dz1 = dL_da1 * a1 * (1 - a1)
    dL_dW1 = dL_dz1.T @ x
    dL_db1 = dL_dz1.sum(axis=0)
    return {
        "x": x, "y": y, "W1": W1, "b1": b1, "W2": W2, "b2": b2,
        "z1": z1, "a1": a1, "z2": z2, "a2": a2, "L": L,
        "dL/da2": dL_da2, "dL/dz2": dL_dz2, "dL/dW2": dL_dW2, "dL/db2": dL_db2,
        "dL/da1": dL_da1, "dL/dz1": dL_dz1, "dL/dW1": dL_dW1, "dL/db1": dL_db1,
        "W2_new": W2 - rate * dL_dW2, "b2_new": b2 - rate * dL_db2,
        "W1_new": W1 - rate * dL_dW1, "b1_new": b1 - rate * dL_db1,
    }  # fmt: skip


def classifier(x, y, W1, b1, W2, b2, rate):
    """tanh, then softmax with cross-entropy, the mean over m examples: δ = (a − y)/m."""
    m = len(x)
    z1 = x @ W1.T + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2.T + b2
    a2 = softmax(z2)
    L = -np.sum(y * np.log(a2)) / m
    dL_dz2 = (a2 - y) / m
    dL_dW2 = dL_dz2.T @ a1
    dL_db2 = dL_dz2.sum(axis=0)
    dL_da1 = dL_dz2 @ W2
    dL_dz1 = dL_da1 * (1 - a1**2)
    dL_dW1 = dL_dz1.T @ x
    dL_db1 = dL_dz1.sum(axis=0)
    return {
        "x": x, "y": y, "W1": W1, "b1": b1, "W2": W2, "b2": b2,
        "z1": z1, "a1": a1, "z2": z2, "a2": a2, "L": L,
        "dL/dz2": dL_dz2, "dL/dW2": dL_dW2, "dL/db2": dL_db2,
        "dL/da1": dL_da1, "dL/dz1": dL_dz1, "dL/dW1": dL_dW1, "dL/db1": dL_db1,
        "W2_new": W2 - rate * dL_dW2, "b2_new": b2 - rate * dL_db2,
        "W1_new": W1 - rate * dL_dW1, "b1_new": b1 - rate * dL_db1,
    }  # fmt: skip


def arrays(
    sizes: list[int], examples: int, seed: int, *, one_hot: bool = False
) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    values = {"x": rng.normal(size=(examples, sizes[0]))}
    values["y"] = rng.uniform(size=(examples, sizes[-1]))
    if one_hot:
        values["y"] = np.eye(sizes[-1])[rng.integers(sizes[-1], size=examples)]
    for number, (inputs, units) in enumerate(pairwise(sizes), 1):
        values[f"W{number}"] = rng.normal(size=(units, inputs))
        values[f"b{number}"] = rng.normal(size=units)
    return values


def network(values: Mapping[str, Array], activation: Any, loss: str, rate: float) -> Problem:
    layers = range(1, 1 + sum(name.startswith("W") for name in values))
    return hg.Network(
        [values["x"].shape[1], *(len(values[f"W{n}"]) for n in layers)],
        activation=activation,
        loss=loss,
        W=[values[f"W{n}"] for n in layers],
        b=[values[f"b{n}"] for n in layers],
        x=values["x"],
        y=values["y"],
        learning_rate=rate,
    )


@pytest.mark.parametrize(
    ("calculate", "sizes", "examples", "activation", "loss"),
    [
        pytest.param(one_neuron, [1, 1], 1, "sigmoid", "half_squared_error", id="1-1"),
        pytest.param(one_neuron, [1, 1], 3, "sigmoid", "half_squared_error", id="1-1, 3 examples"),
        pytest.param(one_neuron, [3, 2], 4, "sigmoid", "half_squared_error", id="3-2, 4 examples"),
        pytest.param(two_layers, [1, 1, 1], 1, "sigmoid", "half_squared_error", id="1-1-1"),
        pytest.param(two_layers, [2, 2, 1], 1, "sigmoid", "half_squared_error", id="2-2-1"),
        pytest.param(two_layers, [2, 2, 1], 5, "sigmoid", "half_squared_error", id="2-2-1, 5"),
        pytest.param(two_layers, [2, 3, 2], 4, "sigmoid", "half_squared_error", id="2-3-2, 4"),
        pytest.param(classifier, [2, 3, 3], 5, ["tanh", "softmax"], "cross_entropy", id="softmax"),
        pytest.param(
            classifier, [2, 2, 2], 1, ["tanh", "softmax"], "cross_entropy", id="softmax, 1"
        ),
    ],
)
def test_every_quantity_of_every_step_is_the_textbook_s(
    calculate, sizes, examples, activation, loss
):
    rate = 0.3
    values = arrays(sizes, examples, seed=7, one_hot=loss == "cross_entropy")
    document = told(network(values, activation, loss, rate))
    state = dict(values)
    for n, step in enumerate(document["steps"], 1):
        expected = calculate(**state, rate=rate)
        assert step["step"] == n
        assert step["loss"] == step["values"]["L"]
        assert_same(step["values"], expected, n)
        state |= {name: expected[f"{name}_new"] for name in values if f"{name}_new" in expected}
    assert len(document["steps"]) == STEPS
    last = calculate(**state, rate=rate)
    forward = {name: last[name] for name in document["final"]["values"]}
    assert_same(document["final"]["values"], forward, STEPS + 1)
    assert set(forward) >= {*values, "z1", "a1", "L"}
    assert not any(name.startswith("dL/") or name.endswith("_new") for name in forward)
    assert document["final"]["loss"] == document["final"]["values"]["L"]


def test_a_wrong_calculation_is_found():
    values = arrays([2, 2, 1], 3, seed=1)
    document = told(network(values, "sigmoid", "half_squared_error", 0.3), steps=1)
    (step,) = document["steps"]
    expected = two_layers(**values, rate=0.3)
    assert_same(step["values"], expected, 1)
    slightly_off = expected | {"b2_new": expected["b2_new"] * (1 + 1e-11)}
    with pytest.raises(AssertionError, match="b2_new"):
        assert_same(step["values"], slightly_off, 1)
    with pytest.raises(AssertionError, match="step 1"):
        assert_same(step["values"], expected | {"dL/dx": np.zeros(2)}, 1)


# --- biases, frozen parameters, l2 -----------------------------------------------------------


def test_a_shared_bias_is_a_scalar_and_its_gradient_the_sum_over_units():
    v = arrays([2, 3, 1], 4, seed=3)
    p = network(v | {"b1": np.float64(0.25)}, "sigmoid", "half_squared_error", 0.1)
    values = told(p, steps=1)["steps"][0]["values"]
    by_unit = two_layers(**(v | {"b1": np.full(3, 0.25)}), rate=0.1)
    assert values["b1"] == 0.25
    assert values["dL/db1"] == pytest.approx(by_unit["dL/db1"].sum(), rel=CLOSE)
    assert values["b1_new"] == pytest.approx(0.25 - 0.1 * by_unit["dL/db1"].sum(), rel=CLOSE)
    np.testing.assert_allclose(values["dL/dW1"], by_unit["dL/dW1"], CLOSE)


def test_a_network_without_biases_has_none():
    v = arrays([2, 2, 1], 2, seed=4)
    p = hg.Network([2, 2, 1], W=[v["W1"], v["W2"]], b=False, x=v["x"], y=v["y"])
    values = told(p, steps=1)["steps"][0]["values"]
    zeros = two_layers(**(v | {"b1": np.zeros(2), "b2": np.zeros(1)}), rate=0.1)
    assert_same(
        values, {name: a for name, a in zeros.items() if "b1" not in name and "b2" not in name}, 1
    )


FROZEN = """
[data]
x = [[0.5, -1.0]]
y = [[1.0]]
[network]
[[network.layers]]
activation = "sigmoid"
W = { value = [[0.3, 0.2], [0.1, -0.4]], trainable = false }
b = [0.1, 0.2]
[[network.layers]]
activation = "sigmoid"
W = [[0.2, 0.5]]
b = { value = [0.4], trainable = false }
"""


def test_a_frozen_parameter_has_neither_gradient_nor_update(tmp_path):
    path = tmp_path / "frozen.toml"
    path.write_text(FROZEN, "utf-8")
    document = told(hg.load(path), steps=2)
    first, second = (step["values"] for step in document["steps"])
    given = {k: np.array(first[k]) for k in ("x", "y", "W1", "b1", "W2", "b2")}
    expected = two_layers(**given, rate=0.1)
    absent = {"dL/dW1", "W1_new", "dL/db2", "b2_new"}
    assert_same(first, {name: a for name, a in expected.items() if name not in absent}, 1)
    assert second["W1"] == first["W1"]
    assert second["b2"] == first["b2"]
    assert second["W2"] == first["W2_new"]


def test_l2_adds_half_lambda_times_the_squared_weights_and_never_the_biases():
    v, penalty, rate = arrays([2, 2, 1], 3, seed=5), 0.2, 0.1
    values = {k: v[k] for k in ("x", "y")}
    p = hg.Network(
        [2, 2, 1],
        W=[v["W1"], v["W2"]],
        b=[v["b1"], v["b2"]],
        **values,
        l2=penalty,
        learning_rate=rate,
    )
    got = told(p, steps=1)["steps"][0]["values"]
    plain = two_layers(**v, rate=rate)
    expected = dict(plain)
    expected["L"] = plain["L"] + 0.5 * penalty * (np.sum(v["W1"] ** 2) + np.sum(v["W2"] ** 2))
    for W in ("W1", "W2"):
        expected[f"dL/d{W}"] = plain[f"dL/d{W}"] + penalty * v[W]
        expected[f"{W}_new"] = v[W] - rate * expected[f"dL/d{W}"]
    assert_same(got, expected, 1)


# --- equations in the user's names -----------------------------------------------------------

NOTE = """
z1 = w1*x + b1
a1 = sigmoid(z1)
z2 = w2*a1 + b2
a2 = sigmoid(z2)
E  = (T - a2)**2 / 2
"""


def note(x, T, w1, b1, w2, b2, rate, mean=False):
    """One hidden neuron; x and T are single numbers, or one for each example."""
    z1 = w1 * x + b1
    a1 = sigmoid(z1)
    z2 = w2 * a1 + b2
    a2 = sigmoid(z2)
    E_n = (T - a2) ** 2 / 2
    E = np.mean(E_n) if mean else np.sum(E_n)
    dE_da2 = -(T - a2) / (np.size(x) if mean else 1)
    dE_dz2 = dE_da2 * a2 * (1 - a2)
    dE_dw2 = np.sum(dE_dz2 * a1)
    dE_db2 = np.sum(dE_dz2)
    dE_da1 = dE_dz2 * w2
    dE_dz1 = dE_da1 * a1 * (1 - a1)
    dE_dw1 = np.sum(dE_dz1 * x)
    dE_db1 = np.sum(dE_dz1)
    return {
        "x": x, "T": T, "w1": w1, "b1": b1, "w2": w2, "b2": b2,
        "z1": z1, "a1": a1, "z2": z2, "a2": a2, "E_n": E_n, "E": E,
        "dE/da2": dE_da2, "dE/dz2": dE_dz2, "dE/dw2": dE_dw2, "dE/db2": dE_db2,
        "dE/da1": dE_da1, "dE/dz1": dE_dz1, "dE/dw1": dE_dw1, "dE/db1": dE_db1,
        "w2_new": w2 - rate * dE_dw2, "b2_new": b2 - rate * dE_db2,
        "w1_new": w1 - rate * dE_dw1, "b1_new": b1 - rate * dE_db1,
    }  # fmt: skip


START = {"w1": 0.15, "b1": 0.40, "w2": 0.45, "b2": 0.65}


def test_equations_keep_the_names_of_their_author():
    p = hg.Equations(
        NOTE, loss="E", parameters=START, data={"x": 0.1, "T": 0.25}, learning_rate=0.4
    )
    state = {"x": 0.1, "T": 0.25, **START}
    for n, step in enumerate(told(p)["steps"], 1):
        expected = note(**state, rate=0.4)
        del expected["E_n"]  # a single example has no total
        assert_same(step["values"], expected, n)
        assert step["loss"] == step["values"]["E"]
        state |= {name: expected[f"{name}_new"] for name in START}


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_with_examples_there_is_the_loss_of_each_and_their_total(reduce):
    data = {"x": np.array([0.1, 0.5, 0.9]), "T": np.array([0.25, 0.5, 0.75])}
    p = hg.Equations(NOTE, loss="E", parameters=START, data=data, reduce=reduce, learning_rate=0.4)
    state = data | START
    for n, step in enumerate(told(p)["steps"], 1):
        expected = note(**state, rate=0.4, mean=reduce == "mean")
        assert_same(step["values"], expected, n)
        assert np.shape(step["values"]["E_n"]) == (3,)
        state |= {name: expected[f"{name}_new"] for name in START}


def test_frozen_equations_parameters_have_neither_gradient_nor_update():
    data = {"x": 0.1, "T": 0.25}
    p = hg.Equations(NOTE, loss="E", parameters=START, data=data, frozen=["w1", "b2"])
    values = told(p, steps=1)["steps"][0]["values"]
    assert {"dE/dw1", "w1_new", "dE/db2", "b2_new"}.isdisjoint(values)
    assert {"dE/db1", "b1_new", "dE/dw2", "w2_new", "w1", "b2"} <= values.keys()


# --- the public JSON -------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_json_has_the_keys_phases_and_shapes_that_are_promised(example):
    p = problem(example)
    worked = hg.explain(p, steps=2)
    document = json.loads(worked.to_json())
    assert list(document) == ["equations", "steps", "final"]
    phases = []
    for equation in document["equations"]:
        assert list(equation) == ["name", "phase", "text", "latex", "why"]
        assert equation["text"].startswith(equation["name"])
        phases.append(equation["phase"])
    assert phases == sorted(phases, key=["forward", "backward", "update"].index)
    assert set(phases) == {"forward", "backward", "update"}
    names = {equation["name"] for equation in document["equations"]}
    for n, step in enumerate(document["steps"], 1):
        assert list(step) == ["step", "loss", "values"]
        assert step["step"] == n
        given = {str(s) for s in p.values}
        assert step["values"].keys() == names | given
        if p.layered:
            for name in (name for name in step["values"] if name[0] in "xyza"):
                assert np.ndim(step["values"][name]) == 2, f"{name} has examples and units"
    assert list(document["final"]) == ["loss", "values"]
    first, second = (step["values"] for step in document["steps"])
    for parameter in map(str, p.parameters):
        assert second[parameter] == first[f"{parameter}_new"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_json_holds_every_double_to_its_last_bit(example):
    worked = hg.explain(problem(example))
    values = json.loads(worked.to_json())["steps"][0]["values"]
    for name, array in values.items():
        assert np.array_equal(array, trace_of(worked)[name]), name


def test_the_latex_of_the_json_follows_the_notation_and_the_text_does_not():
    equations = {e["name"]: e for e in told(problem("one-hidden-neuron-equations"))["equations"]}
    assert equations["z1"]["text"] == "z1 = w1·x + b1"
    assert equations["z1"]["latex"] == "z_{1} = w_{1} \\cdot x + b_{1}"


def test_one_update_unless_asked_for_more():
    document = json.loads(hg.explain(problem("one-neuron")).to_json())
    assert [step["step"] for step in document["steps"]] == [1]
    only = json.loads(hg.explain(problem("one-neuron"), step=3).to_json())
    assert [step["step"] for step in only["steps"]] == [3]
    three = told(problem("one-neuron"), steps=3)
    assert only["steps"][0] == three["steps"][2]
    assert only["final"] == three["final"]


def test_training_stops_at_its_threshold():
    worked = hg.explain(problem("one-hidden-neuron"), steps=200)
    losses = [step["loss"] for step in json.loads(worked.to_json())["steps"]]
    assert worked.stopped
    assert len(losses) == 81  # the loss is tested before each update
    assert min(losses) >= 0.001
    assert json.loads(worked.to_json())["final"]["loss"] == pytest.approx(0.0009641351074, rel=1e-9)
    with pytest.raises(hg.InputError, match=r"below 0\.001 after 81 updates"):
        hg.explain(problem("one-hidden-neuron"), step=82)


def test_batches_take_their_examples_in_turn():
    v = arrays([2, 2, 1], 5, seed=6)
    p = hg.Network(
        [2, 2, 1], W=[v["W1"], v["W2"]], b=[v["b1"], v["b2"]], x=v["x"], y=v["y"], batch_size=2
    )
    state = dict(v)
    for n, step in enumerate(told(p, steps=4)["steps"]):
        rows = [[0, 1], [2, 3], [4], [0, 1]][n]
        expected = two_layers(**(state | {"x": v["x"][rows], "y": v["y"][rows]}), rate=0.1)
        assert_same(step["values"], expected, n + 1)
        state |= {name: expected[f"{name}_new"] for name in ("W1", "b1", "W2", "b2")}


# --- one quantity ----------------------------------------------------------------------------


def worked_out(worked: Worked) -> dict[Expr, float]:
    """The value of every element that a page works out, by what stands on the left."""
    items = (item for section in worked.document.sections for item in section.items)
    lines = (item for item in items if isinstance(item, Line))
    return {line.lhs: line.value for line in lines if isinstance(line.parts[-1], Value)}


@pytest.mark.parametrize("example", PROBLEMS)
@pytest.mark.parametrize("reading", ["chain", "delta"])
def test_asking_for_one_parameter_leads_to_its_gradient_and_its_update(example, reading):
    p = problem(example)
    for symbol in p.parameters:
        places = list(np.ndindex(np.shape(p.values[symbol])))
        for place in places if reading == "chain" else {places[0], places[-1]}:
            indices = tuple(n + 1 for n in place)
            ref = Ref(symbol, indices)
            worked = hg.explain(p, of=written(ref), reading=reading)
            trace, values = trace_of(worked), worked_out(worked)
            gradient, new = symbol.gradient(p.loss), symbol.updated
            assert values[Ref(gradient, indices)] == trace[gradient][place], written(ref)
            assert values[Ref(new, indices)] == trace[new][place], written(ref)
            shown = {lhs.symbol for lhs in values if isinstance(lhs, Ref)}
            assert not shown & {s.updated for s in p.parameters if s != symbol}


@pytest.mark.parametrize("example", EXAMPLES)
def test_asking_for_one_parameter_in_matrices_shows_its_whole_gradient(example):
    p = problem(example)
    for symbol in p.parameters:
        worked = hg.explain(p, of=str(symbol), reading="matrix")
        gradient = symbol.gradient(p.loss)
        items = [item for section in worked.document.sections for item in section.items]
        left = [item.lhs for item in items if isinstance(item, Line | Formula)]
        assert gradient in {lhs.symbol for lhs in left if isinstance(lhs, Ref)}
        assert symbol.updated in {lhs.symbol for lhs in left if isinstance(lhs, Ref)}


def test_a_chain_over_few_paths_shows_each_and_over_many_their_number():
    p = problem("general-formulation")  # 3-4-3-2, two examples
    last = hg.explain(p, of="W3[1,1]", reading="chain")
    assert "2 paths lead to the loss; their products are added." in last.to_text()
    middle = hg.explain(p, of="W2[1,1]", reading="chain")
    assert "4 paths lead to the loss; their products are added." in middle.to_text()
    assert sum(isinstance(lhs, Partial) for lhs in worked_out(middle)) == 2 * (2 + 2 + 2 + 1 + 1)
    first = hg.explain(p, of="W1[2,3]", reading="chain")
    assert "12 paths lead to the loss; the inner sums are put together." in first.to_text()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize(
    "example", ["sum-of-two-2-2-1", "maxout", "circuit-max", "softmax-classifier"]
)
def test_whatever_is_computed_can_be_asked_for_and_nothing_else(example, reading):
    p = problem(example)
    computed = {str(e.lhs.symbol) for e in hg.derive(p).equations} | set(map(str, p.parameters))
    for quantity in trace_of(hg.explain(p)):
        worked = hg.explain(p, of=quantity, reading=reading)
        if quantity in computed:
            assert worked.document.sections, quantity
        else:
            with pytest.raises(hg.InputError, match="is given; there is nothing to work out"):
                worked.to_text()


def test_a_gradient_that_goes_by_delta_or_stands_inside_one_can_be_asked_for():
    p = problem("sum-of-two-2-2-1")
    by_delta = hg.explain(p, of="dL/dz1[2]", reading="delta").to_text()
    assert "δ_2 = δ_o·w_h2·a_2·(1 − a_2)" in by_delta
    inside = hg.explain(p, of="dL/da1[2]", reading="delta").to_text()
    assert "dL/da_2 = δ_o·w_h2" in inside
    assert "How z1[2] acts on the loss" in hg.explain(p, of="z1[2]", reading="delta").to_text()


def test_a_name_that_is_wrong_is_refused_with_those_there_are():
    p = problem("xor")
    with pytest.raises(hg.InputError, match=r"^There is no quantity 'W9'\. There are L, W1"):
        hg.explain(p, of="W9")
    with pytest.raises(hg.InputError, match="index 1 of W1 runs from 1 to 2"):
        hg.explain(p, of="W1[3,1]")
    with pytest.raises(hg.InputError, match="W1 has 2 indices"):
        hg.explain(p, of="W1[3]")
    with pytest.raises(hg.InputError, match="counting from 1"):
        hg.explain(p, of="W1[0,1]")
    with pytest.raises(hg.InputError, match=r"no reading 'backwards'.*steps, chain, delta, matrix"):
        hg.explain(p, reading="backwards")
    with pytest.raises(hg.InputError, match="Steps run from 1"):
        hg.explain(p, steps=0)


def test_an_array_of_three_axes_is_a_symbol_in_the_matrix_reading():
    ones = np.ones((2, 2, 2))
    p = hg.Equations("E = sum(i,j,k,w[i,j,k]**2)", loss="E", parameters={"w": ones})
    assert "E = Σ_i,j,k w²" in hg.explain(p, reading="matrix").to_text()
