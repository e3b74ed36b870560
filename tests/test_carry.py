"""Hand mode: every line rounded, halves away from zero, and carried on, as in an exam."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest

import handgrad as hg
from handgrad.cli import main
from handgrad.errors import InputError

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


def test_the_number_of_decimals_has_limits() -> None:
    with pytest.raises(InputError, match="0 to 12 decimals"):
        hg.explain(hg.load(EXAMPLES / "xor.toml"), carry=13)
    with pytest.raises(InputError, match="steps and delta"):
        hg.explain(hg.load(EXAMPLES / "xor.toml"), carry=3, reading="chain")
