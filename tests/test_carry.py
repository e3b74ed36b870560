"""Hand mode: every line rounded, halves away from zero, and carried on, as in an exam."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.calculus.functions import FUNCTIONS
from handgrad.cli import main
from handgrad.errors import InputError
from handgrad.model.network import ACTIVATIONS, LOSSES
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import _evaluated, _Walk
from handgrad.numbers.exact import Exact
from handgrad.numbers.exact_kernels import EXACT

EXAMPLES = Path(__file__).parents[1] / "examples"


def by_hand(value: float, decimals: int) -> float:
    return float(Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


@pytest.mark.parametrize("carry", [1, 2, 3, 4, 6])
def test_one_neuron_as_on_paper(carry: int) -> None:
    def r(value: float) -> float:
        return by_hand(value, carry)

    x, y, w, b, rate = 0.5, 1.5, 0.3, 0.1, 0.1
    z = r(w * x + b)
    a = r(sigmoid(z))
    loss = r((y - a) ** 2 / 2)
    da = r(-(y - a))
    dz = r(da * a * (1 - a))
    dw, db = r(dz * x), r(dz)
    worked = hg.explain(hg.load(EXAMPLES / "one-neuron.toml"), carry=carry)
    trace = worked.traces[0][1]
    said = {"z1": z, "a1": a, "L": loss, "dL/da1": da, "dL/dz1": dz, "dL/dW1": dw, "dL/db1": db}
    said |= {"W1_new": r(w - rate * dw), "b1_new": r(b - rate * db)}
    for name, value in said.items():
        assert float(np.squeeze(trace[name])) == value, name


def test_rounded_weights_go_into_the_next_step() -> None:
    worked = hg.explain(hg.load(EXAMPLES / "one-neuron.toml"), carry=3, steps=2)
    (_, first), (_, second) = worked.traces
    assert second["W1"] == first["W1_new"]
    assert float(second["z1"][0, 0]) == by_hand(
        float(first["W1_new"][0, 0]) * 0.5 + float(first["b1_new"][0]), 3
    )


def test_the_delta_reading_carries_rounded_deltas() -> None:
    worked = hg.explain(hg.load(EXAMPLES / "sum-of-two-2-2-1.toml"), carry=4)
    trace = worked.traces[0][1]
    a1, a2 = trace["a1"][0], trace["a2"][0]
    delta = by_hand(float((a2[0] - 3.3) * a2[0] * (1 - a2[0])), 4)
    assert float(trace["δ2"][0, 0]) == delta
    assert float(trace["dL/dW2"][0, 0]) == by_hand(delta * float(a1[0]), 4)
    assert "δ_o = (y_pred − y)·y_pred·(1 − y_pred)" in worked.to_text()


def test_a_half_is_rounded_away_from_zero() -> None:
    problem = hg.Equations("L = w*x", loss="L", parameters={"w": 0.25}, data={"x": 0.5})
    assert float(hg.explain(problem, carry=2).traces[0][1]["L"]) == 0.13
    problem = hg.Equations("L = -w*x", loss="L", parameters={"w": 0.25}, data={"x": 0.5})
    assert float(hg.explain(problem, carry=2).traces[0][1]["L"]) == -0.13


def test_every_number_shown_has_the_digits_carried(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "one-neuron", "--carry", "2"])
    printed = capsys.readouterr().out
    assert "= −0.94·0.56·0.44 ≈ −0.23" in printed
    assert "≈ 0.31" in printed


@pytest.mark.parametrize("name", [path.stem for path in sorted(EXAMPLES.glob("*.toml"))])
def test_every_example_and_loss_can_be_carried(name: str) -> None:
    problem = hg.load(EXAMPLES / f"{name}.toml")
    exact = hg.explain(problem).traces[0][1]
    rounded = hg.explain(problem, carry=6).traces[0][1]
    for key in rounded:
        if key in exact:
            np.testing.assert_allclose(rounded[key], exact[key], atol=2e-5, err_msg=key)


# --- every function and every loss -----------------------------------------------------------


def assert_each_line_is_rounded(problem: Problem, carry: int = 4) -> None:
    """Every quantity is its equation of the rounded ones, worked out exactly and rounded once."""
    worked = hg.explain(problem, carry=carry)
    derivation, trace = worked.derivation, worked.traces[0][1]
    known = {s: EXACT.given(v, object) for s, v in trace.arrays.items()}
    for equation in derivation.equations:
        exact = _evaluated(equation, _Walk(known, book=True, library=EXACT.library))
        found = known[equation.lhs.symbol]
        for value, shown in zip(exact.flat, found.flat, strict=True):
            assert Exact.of(value).rounded(carry) == shown.fraction, equation.lhs
    assert worked.to_text()
    assert hg.explain(problem, carry=carry, reading="delta").to_latex()


SPLIT = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_every_activation_can_be_carried(activation: str) -> None:
    p = hg.Network([2, 3, 2], activation=activation, seed=4, x=[[0.5, -1.2], [0.8, 0.3]])
    assert_each_line_is_rounded(p)


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("reduce", ["", "sum", "mean"])
def test_every_loss_can_be_carried(loss: str, reduce: str) -> None:
    told = {"name": loss} | ({"reduce": reduce} if reduce else {})
    last = SPLIT.get(loss, "tanh")
    y = [[1.0, 0.0], [0.0, 1.0]]
    p = hg.Network([2, 3, 2], activation=["tanh", last], loss=told, seed=5, y=y)
    assert_each_line_is_rounded(p)


@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row.arity])
def test_every_function_of_one_number_can_be_carried(name: str) -> None:
    arguments = ", ".join(["z", "c"][: FUNCTIONS[name].arity])
    text = f"z = w*x\nL = ({name}({arguments}) - y)**2 + w**2"
    data = {"x": 0.9, "y": 0.35, "c": 0.8}
    p = hg.Equations(text, loss="L", parameters={"w": 1.37}, data=data)
    assert_each_line_is_rounded(p)


@pytest.mark.parametrize("name", [n for n, row in FUNCTIONS.items() if row.pullback])
def test_every_function_along_an_index_can_be_carried(name: str) -> None:
    along = f"{name}(k, z[k])"
    value = along if FUNCTIONS[name].reduces else f"sum(j, T[j]*{along}[j])"
    text = f"z[k] = sum(i, W[k,i]*x[i])\nL = ({value})**2"
    data = {"x": [0.9, -0.4], "T": [0.2, 0.5, 0.3]}
    data = data if "T" in text else {"x": data["x"]}
    W = [[0.3, 0.1], [-0.2, 0.7], [0.5, 0.5]]
    p = hg.Equations(text, loss="L", parameters={"W": W}, data=data)
    assert_each_line_is_rounded(p)


def test_a_line_that_is_not_rounded_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    p = hg.load(EXAMPLES / "one-neuron.toml")
    monkeypatch.setattr("handgrad.numbers.evaluate._rounded", lambda array, _decimals: array)
    with pytest.raises(AssertionError):
        assert_each_line_is_rounded(p)


def test_the_number_of_decimals_has_limits() -> None:
    with pytest.raises(InputError, match="0 to 12 decimals"):
        hg.explain(hg.load(EXAMPLES / "xor.toml"), carry=13)
    with pytest.raises(InputError, match="steps and delta"):
        hg.explain(hg.load(EXAMPLES / "xor.toml"), carry=3, reading="chain")
