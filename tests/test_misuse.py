"""What Python users get wrong: one of our errors, and a message that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.cli import main
from handgrad.errors import HandgradError

N = hg.Network
ONE = {"parameters": {"w": 1.0}}

MISUSES: dict[str, tuple[Callable[[], Any], str]] = {
    "W a number": (lambda: N([2, 1], W=3), "one entry per layer"),  # type: ignore[arg-type]
    "b a number": (lambda: N([2, 1], b=0.5), "one entry per layer"),  # type: ignore[arg-type]
    "b too short": (lambda: N([2, 2, 1], b=[[0.0, 0.0]]), "1 entries for 2 layers"),
    "W of another shape": (lambda: N([2, 2, 1], W=[[[1, 2]], [[1]]], b=False), "W of layer 1 is 1×2; its sizes ask for 2×2"),
    "W ragged": (lambda: N([2, 2], W=[[[1, 2], [1]]]), "rows of equal length"),
    "W too large a number": (lambda: N([2, 1], W=[[[10**400, 1]]]), "array of numbers"),
    "W not finite": (lambda: N([2, 1], W=[[[np.inf, 1]]]), r"W of layer 1 is not finite at \[1, 1\]"),
    "sizes a number": (lambda: N(5), "list such as"),  # type: ignore[arg-type]
    "sizes of one": (lambda: N([2]), "at least one layer"),
    "sizes with zero": (lambda: N([2, 0]), "whole number from 1 up"),
    "sizes with a half": (lambda: N([2, 1.5]), "whole number from 1 up"),  # type: ignore[list-item]
    "sizes too many": (lambda: N([1] * 300), "256 layers"),
    "sizes too large": (lambda: N([60_000, 60_000]), "parameters"),
    "x of words": (lambda: N([1, 1], x=[["a"]]), "x must be an array of numbers"),
    "x and y of other lengths": (lambda: N([1, 1], x=[[1.0]], y=[[1.0], [2.0]]), "x has 1 examples, y has 2"),
    "x of other width": (lambda: N([2, 1], x=[[1.0]]), "layer 1 expects"),
    "an activation nobody knows": (lambda: N([2, 1], activation="sigmoyd"), "no activation 'sigmoyd'"),
    "an activation that is no text": (lambda: N([2, 1], activation=np.tanh), "one entry per layer"),  # type: ignore[arg-type]
    "a loss nobody knows": (lambda: N([2, 1], loss="mse"), "no loss 'mse'"),
    "a loss without a name": (lambda: N([2, 1], loss={"nam": "huber"}), "needs a name"),
    "an option of another loss": (lambda: N([2, 1], loss={"name": "squared_error", "delta": 1.0}), "no option 'delta'"),
    "a negative delta": (lambda: N([2, 1], loss={"name": "huber", "delta": -1}), "above 0"),
    "an unknown reduction": (lambda: N([2, 1], loss={"name": "huber", "reduce": "avg"}), "'sum' or 'mean'"),
    "a formula of other names": (lambda: N([2, 1], loss="(y - yhat)**2"), "uses yhat"),
    "a formula with an index": (lambda: N([2, 1], loss="sum(j, (y[j]-a[j])**2)"), "without an index"),
    "a rate of words": (lambda: N([2, 1], learning_rate="0.1"), "learning rate"),  # type: ignore[arg-type]
    "a negative rate": (lambda: N([2, 1], learning_rate=-1), "learning rate"),
    "an unknown optimizer": (lambda: N([2, 1], optimizer="adm"), "no optimizer 'adm'"),
    "an option of another optimizer": (lambda: N([2, 1], optimizer="adam", momentum=0.9), "no option 'momentum'"),
    "a negative seed": (lambda: N([2, 1], seed=-1), "seed is -1"),
    "a negative penalty": (lambda: N([2, 1], l2=-1), "l2 is -1"),
    "an empty batch": (lambda: N([2, 1], batch_size=0), "batch_size is 0"),
    "steps and epochs": (lambda: N([2, 1], steps=1, epochs=1), "Give one of them"),
    "an unknown init": (lambda: N([2, 1], init="xavier"), "no init 'xavier'"),
    "a title of numbers": (lambda: N([2, 1], title=3), "title is a text"),  # type: ignore[arg-type]
    "nothing to explain": (lambda: hg.explain(None), "takes a Problem"),  # type: ignore[arg-type]
    "a path to explain": (lambda: hg.explain("net.toml"), "takes a Problem"),  # type: ignore[arg-type]
    "nothing to derive": (lambda: hg.derive(None), "takes a Problem"),  # type: ignore[arg-type]
    "nothing to load": (lambda: hg.load(None), "path of a problem file"),  # type: ignore[arg-type]
    "half a step": (lambda: hg.explain(N([2, 1]), steps=1.5), "Steps run from 1"),  # type: ignore[arg-type]
    "no step": (lambda: hg.explain(N([2, 1]), steps=0), "Steps run from 1"),
    "an unknown quantity": (lambda: hg.explain(N([2, 1]), of="W9[1,1]"), "no quantity 'W9'"),
    "an index out of range": (lambda: hg.explain(N([2, 1]), of="W1[3,1]"), "runs from 1 to 1"),
    "too few indices": (lambda: hg.explain(N([2, 1]), of="W1[1]"), "has 2 indices"),
    "an unknown reading": (lambda: hg.explain(N([2, 1]), reading="tree"), "tree"),
    "an unknown type": (lambda: hg.explain(N([2, 1]), dtype="float16"), "float64 or float32"),
    "equations in a list": (lambda: hg.Equations(["E=w"], loss="E", **ONE), "are texts"),  # type: ignore[arg-type]
    "parameters in a list": (lambda: hg.Equations("E=w", loss="E", parameters=[1]), "map names"),  # type: ignore[arg-type]
    "no equation": (lambda: hg.Equations("# nothing", loss="E", **ONE), "no equations"),
    "reduce by another name": (lambda: hg.Equations("E=w", loss="E", reduce="avg", **ONE), "'sum' or 'mean'"),  # type: ignore[arg-type]
    "frozen letters": (lambda: hg.Equations("E=w", loss="E", frozen="w", **ONE), "list of names"),
    "frozen nobody": (lambda: hg.Equations("E=w", loss="E", frozen=["v"], **ONE), "no parameter"),
    "a name given twice": (lambda: hg.Equations("E=w", loss="E", data={"w": 1.0}, **ONE), "both a parameter and data"),
    "a loss that is not there": (lambda: hg.Equations("E=w", loss="F", **ONE), "F is not defined"),
    "a name that is not there": (lambda: hg.Equations("E=w*q", loss="E", **ONE), "q, in the equation of E, is not defined"),
    "used before defined": (lambda: hg.Equations("E=z\nz=w", loss="E", **ONE), "used before it is defined"),
    "defined by itself": (lambda: hg.Equations("E=E+w", loss="E", **ONE), "defined by itself"),
    "the learning rate as a parameter": (lambda: hg.derive(hg.Equations("E=η*x", loss="E", parameters={"η": 3.0}, data={"x": 1.0})), "η is a name that the derivation makes"),
    "an update as a parameter": (lambda: hg.derive(hg.Equations("E=w*w_new", loss="E", parameters={"w": 1.0, "w_new": 2.0})), "w_new is a name"),
    "a gradient as an equation": (lambda: hg.derive(hg.Equations("dE/dw=3*w\nE=w", loss="E", **ONE)), "dE/dw is a name"),
    "optimizer state as a name": (lambda: hg.derive(hg.Equations("E=w*m_w", loss="E", parameters={"w": 1.0, "m_w": 2.0}, optimizer="adam")), "m_w is a name"),
    "an index out of the range of a function": (lambda: hg.explain(hg.Equations("E=softmax(k, v[k])[3]", loss="E", parameters={"v": [1.0, 2.0]})), "index 3 is out of range"),
    "a function read along a longer array": (lambda: hg.explain(hg.Equations("E=sum(j, u[j]*softmax(k, v[k])[j])", loss="E", parameters={"v": [1.0, 2.0], "u": [1.0, 2.0, 3.0]})), "3 against 2"),
    "an index out of the range of an array": (lambda: hg.explain(hg.Equations("E=v[3]", loss="E", parameters={"v": [1.0, 2.0]})), "index 3 is out of range"),
    "a logarithm of a negative number": (lambda: hg.explain(hg.Equations("E=log(-w)", loss="E", **ONE)), "E is nan"),
    "a division by zero": (lambda: hg.explain(hg.Equations("E=1/(w-1)", loss="E", **ONE)), "E is inf"),
    "more than memory holds": (lambda: hg.explain(hg.Equations("A[i,j]=w[i]*w[j]\nE=sum(i,j,A[i,j])", loss="E", parameters={"w": np.ones(20_000)})), "most of them in A"),
}  # fmt: skip


@pytest.mark.parametrize("what", MISUSES)
def test_a_misuse_is_told(what: str) -> None:
    misuse, message = MISUSES[what]
    with pytest.raises(HandgradError, match=message):
        misuse()


@pytest.mark.parametrize(("given", "reduce", "same"), [
    ("half_squared_error", "mean", "half_mean_squared_error"),
    ("half_mean_squared_error", "sum", "half_squared_error"),
    ("squared_error", "mean", "mean_squared_error"),
    ("mean_squared_error", "sum", "squared_error"),
])  # fmt: skip
def test_reduce_makes_one_loss_of_the_table_another(given: str, reduce: str, same: str) -> None:
    data = {"x": [[1.0, 2.0], [0.5, -1.0]], "y": [[1.0, 0.0], [0.0, 1.0]], "seed": 4}
    first = hg.Network([2, 2], loss={"name": given, "reduce": reduce}, **data)
    second = hg.Network([2, 2], loss=same, **data)
    assert hg.derive(first).equations == hg.derive(second).equations


def test_the_sentence_says_what_is_averaged() -> None:
    summed = hg.Network([2, 1], loss={"name": "binary_cross_entropy", "reduce": "sum"})
    assert hg.derive(summed).defining(summed.loss).why.endswith("summed over examples and outputs.")


def test_a_threshold_already_met_still_shows_the_step(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    worked = hg.explain(hg.Network([2, 1], loss_below=9.0))
    assert worked.stopped
    assert "W1_new" in worked.to_text()
    with pytest.raises(HandgradError, match="no step 2"):
        hg.explain(hg.Network([2, 1], loss_below=9.0), step=2)
    path = tmp_path / "met.toml"
    path.write_text(
        "[data]\nx=[[1.0]]\ny=[[1.0]]\n[network]\n[[network.layers]]\nunits=1\n[training]\nstop={loss_below=9.0}\n"
    )
    main(["explain", str(path)])
    assert "Training stops after 0 updates" in capsys.readouterr().err


def test_an_overflow_after_the_update_does_not_hide_the_page() -> None:
    power = hg.Equations(
        "E = " + "*".join(["w"] * 50), loss="E", parameters={"w": 1.0}, learning_rate=1e8
    )
    worked = hg.explain(power)
    assert "dE/dw" in worked.to_text()
    with pytest.raises(HandgradError, match="E is"):
        worked.to_json()


def test_a_batch_says_which_examples_it_uses() -> None:
    x = [[1.0], [2.0], [3.0], [4.0]]
    problem = hg.Network([1, 1], x=x, y=[[0.0]] * 4, batch_size=2)
    assert "This update uses 2 of 4 examples: 3, 4." in hg.explain(problem, step=2).to_text()
    assert "This update uses" not in hg.explain(hg.Network([1, 1], x=x, y=[[0.0]] * 4)).to_text()


def test_hundreds_of_equations_are_no_matter() -> None:
    lines = ["z0 = w*x", *(f"z{n + 1} = tanh(z{n})" for n in range(300)), "E = z300**2"]
    chain = hg.Equations("\n".join(lines), loss="E", parameters={"w": 0.5}, data={"x": 1.0})
    assert len(hg.derive(chain).equations) == 302 + 302 + 1
