"""Checking gradients: the derivation's own, and somebody else's with a bug in it."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.calculus import functions
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Call, Num, Ref, Symbol
from handgrad.calculus.functions import FUNCTIONS, Rule
from handgrad.cli import main
from handgrad.errors import FileError, InputError, LimitError, ShapeError
from handgrad.language.reading import symbol
from handgrad.model.limits import Limits
from handgrad.numbers import jax_kernels
from handgrad.numbers.archives import read_archive
from handgrad.numbers.checking import complex_step, witness
from handgrad.numbers.checking.differences import Differences
from handgrad.numbers.checking.forward import ForwardPass
from handgrad.numbers.checking.rounding import sensitivity
from handgrad.numbers.evaluate import kernel_of, value_of
from handgrad.numbers.kernels import ALONG, ELEMENTWISE
from handgrad.numbers.updates import start

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.toml"))


def network(**options: Any) -> hg.Problem:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(3, 2)), rng.uniform(size=(3, 2))
    return hg.Network([2, 3, 2], activation="tanh", x=x, y=y, init="normal", **options)


def derived(problem: hg.Problem) -> dict[str, np.ndarray]:
    derivation = hg.derive(problem)
    trace = hg.evaluate(derivation, problem)
    return {str(s): np.array(trace[s.gradient(problem.loss)]) for s in derivation.parameters}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_derivation_of_every_example_agrees(path: Path) -> None:
    found = hg.check(hg.load(path))
    assert found.agrees, str(found)
    assert found.compared > 0
    for one, most in zip(found.witnesses, (1e-12, 1e-8, 1e-12), strict=True):
        assert one.largest < most, one


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "gelu", "elu", "softplus", "silu"])
def test_the_derivation_of_a_network_agrees(activation: str) -> None:
    problem = hg.Network([2, 3, 2], activation=activation, seed=3, init="normal")
    found = hg.check(problem)
    assert found.agrees, str(found)
    by_differences = activation == "gelu"  # its kernel takes no complex numbers
    assert ("gelu by differences" in found.witnesses[0].name) == by_differences
    assert found.witnesses[1].name == "central differences"
    assert "JAX" in found.witnesses[2].name


@pytest.mark.parametrize(("name", "place"), [("W1", (2, 1)), ("W2", (0, 2)), ("b1", (1,))])
def test_one_part_in_a_million_in_one_weight_is_found_and_named(name: str, place: Any) -> None:
    problem = network()
    gradient = derived(problem)
    gradient[name][place] *= 1 + 1e-6
    (found,) = hg.check(problem, gradient=gradient).wrong
    assert (str(found.element.symbol), found.element.indices) == (name, tuple(n + 1 for n in place))
    assert found.relative == pytest.approx(1e-6, rel=1e-3)


def test_the_first_disagreement_is_that_of_the_first_layer() -> None:
    gradient = {name: -value for name, value in derived(network()).items()}
    found = hg.check(network(), gradient=gradient)
    assert str(found.wrong[0].element.symbol) == "W1"
    assert "The first that is wrong, in layer 1:\n  dL/dW1[1,1]  given" in str(found)
    assert not found.agrees


def test_a_missing_gradient_is_told() -> None:
    found = hg.check(network(), gradient={"dL/dW1": derived(network())["W1"]})
    assert {str(s) for s in found.missing} == {"b1", "W2", "b2"}
    assert not found.agrees


def test_a_function_of_the_arrays_can_be_checked() -> None:
    problem = hg.Network(
        [2, 1], activation="identity", x=[[1.0, 2.0]], y=[[0.5]], W=[[[0.3, -0.1]]]
    )

    def gradient(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        error = given["x"] @ given["W1"].T + given["b1"] - given["y"]
        return {"W1": error.T @ given["x"], "b1": error.sum(axis=0)}

    assert hg.check(problem, gradient=gradient).agrees


def at_a_kink() -> hg.Problem:
    return hg.Network([2, 1], activation="relu", x=[[1.0, 1.0]], y=[[1.0]], W=[[[1.0, -1.0]]])


def test_a_kink_is_never_called_an_error_between_its_slopes() -> None:
    for slope in (0.0, -0.5, -1.0):  # to the left the loss is flat, to the right it falls
        gradient = {"W1": np.full((1, 2), slope), "b1": np.full(1, slope)}
        found = hg.check(at_a_kink(), gradient=gradient)
        assert found.agrees, str(found)


def test_a_wrong_slope_at_a_kink_is_still_wrong() -> None:
    gradient = {"W1": np.full((1, 2), 0.7), "b1": np.zeros(1)}
    assert len(hg.check(at_a_kink(), gradient=gradient).wrong) == 2


def test_names_and_shapes_are_checked() -> None:
    with pytest.raises(InputError, match="no parameter 'W9'"):
        hg.check(network(), gradient={"W9": np.zeros(2)})
    with pytest.raises(ShapeError, match="gradient of W1"):
        hg.check(network(), gradient={"W1": np.zeros((2, 2))})
    with pytest.raises(InputError, match="not finite"):
        hg.check(network(), gradient={"b1": [0.0, np.nan, 0.0]})


def test_the_command_answers_with_its_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["check", "sum-of-two-2-2-1"])
    assert "they agree" in capsys.readouterr().out
    path = tmp_path / "g.npz"
    np.savez(path, W1=np.zeros((2, 2)), W2=np.zeros((1, 2)))
    with pytest.raises(SystemExit) as ended:
        main(["check", "sum-of-two-2-2-1", "--gradient", str(path)])
    assert ended.value.code == 1
    assert "6 disagree" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["check", "sum-of-two-2-2-1", "--gradient", str(path), "--format", "json"])
    told = json.loads(capsys.readouterr().out)
    assert (told["agrees"], told["compared"], told["exhaustive"]) == (False, 6, True)
    assert told["wrong"][0]["quantity"] == "dL/dW1[1,1]"
    assert [w["asked"] for w in told["witnesses"]] == ["every element"] * 3


def test_a_sign_flipped_in_one_bias_is_found() -> None:
    gradient = derived(network())
    gradient["b2"][1] *= -1
    (found,) = hg.check(network(), gradient=gradient).wrong
    assert (str(found.element.symbol), found.element.indices) == ("b2", (2,))
    assert found.relative == pytest.approx(2.0)


def test_a_transposed_matrix_is_told() -> None:
    gradient = derived(network())
    with pytest.raises(ShapeError, match="looks transposed"):
        hg.check(network(), gradient={"W1": gradient["W1"].T})
    square = hg.Network([2, 2], activation="tanh", x=[[1.0, 0.5]], y=[[0.0, 1.0]], seed=1)
    gradient = derived(square)
    gradient["W1"] = gradient["W1"].T
    off = {pair.element.indices for pair in hg.check(square, gradient=gradient).wrong}
    assert off == {(1, 2), (2, 1)}


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "gelu", "softplus"])
def test_a_rule_wrong_by_a_thousandth_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    row = FUNCTIONS[name]
    right: Rule = (row.stable and row.stable[0]) or row.slopes[0]

    def wrong(z: Any, a: Any) -> Any:
        return Num(Fraction(1001, 1000)) * right(z, a)

    monkeypatch.setitem(FUNCTIONS, name, replace(row, slopes=(wrong,), stable=()))
    problem = hg.Network([2, 3, 1], activation=[name, "identity"], seed=2, init="normal")
    found = hg.check(problem)
    assert {str(pair.element.symbol) for pair in found.wrong} == {"W1", "b1"}
    assert found.first is not None
    assert found.first.relative == pytest.approx(1e-3, rel=1e-2)
    for one in found.witnesses:
        assert one.largest > 1e-5, one


# --- rounding is no error, and float32 is float32 --------------------------------------------


def test_at_a_minimum_only_noise_is_left_and_it_agrees() -> None:
    rng = np.random.default_rng(8)
    x = rng.normal(size=(40, 3))
    y = rng.normal(size=(40, 1))
    best, *_ = np.linalg.lstsq(x, y, rcond=None)
    problem = hg.Network([3, 1], activation="identity", x=x, y=y, W=[best.T], b=False)
    noise = (x @ best - y).T @ x
    assert hg.check(problem).agrees
    assert np.abs(noise).max() < 1e-12
    assert hg.check(problem, gradient={"W1": noise}).agrees
    assert not hg.check(problem, gradient={"W1": noise + 1e-10}).agrees


def test_what_the_square_of_the_complex_step_leaves_is_no_slope() -> None:
    cubic = hg.Equations("E = w^3", loss="E", parameters={"w": 0.0}, data={})
    assert hg.check(cubic).agrees
    faint = hg.Equations("E = sigmoid(w)", loss="E", parameters={"w": -120.0}, data={})
    gradient = derived(faint)["w"]
    assert 0 < gradient < 1e-50
    assert hg.check(faint).agrees
    assert not hg.check(faint, gradient={"w": gradient * (1 + 1e-6)}).agrees


def test_where_rounding_is_multiplied_by_millions_it_is_still_rounding() -> None:
    source = "z = 10000000*w\na = cos(z)\nE = cos(300*a)"
    given: dict[str, Any] = {"loss": "E", "parameters": {"w": 0.7}, "data": {}}
    problem = hg.Equations(source, **given)
    z = np.nextafter(1e7 * 0.7, np.inf)  # the last digit of z is another
    gradient = np.sin(300 * np.cos(z)) * 300 * np.sin(z) * 1e7
    off = abs(gradient - derived(problem)["w"]) / abs(gradient)
    assert off > 1e-7
    assert hg.check(problem, gradient={"w": gradient}).agrees
    assert not hg.check(problem, gradient={"w": gradient * (1 + 1000 * off)}).agrees


def test_a_gradient_lost_in_saturation_by_the_book_form_agrees() -> None:
    problem = hg.Network(
        [1, 1], x=[[1.0], [0.3]], y=[[0.0], [0.0]], W=[[[40.0]]], b=False, activation="sigmoid"
    )
    a = 1 / (1 + np.exp(-40 * np.array([1.0, 0.3])))
    gradient = {"W1": [[float(np.sum(a * a * (1 - a) * np.array([1.0, 0.3])))]]}
    assert hg.check(problem, gradient=gradient).agrees
    assert hg.check(problem).agrees


def test_single_precision_is_recognised() -> None:
    gradient = {k: v.astype(np.float32) for k, v in derived(network()).items()}
    found = hg.check(network(), gradient=gradient)
    assert found.agrees, str(found)
    assert "float32" in str(found)
    gradient["W1"][1, 1] *= 1.001
    assert [p.element.indices for p in hg.check(network(), gradient=gradient).wrong] == [(2, 2)]


# --- the forms a gradient comes in -----------------------------------------------------------


def by_hand(W1: Any, b1: Any, x: Any, y: Any) -> dict[str, np.ndarray]:
    error = x @ W1.T + b1 - y
    return {"W1": error.T @ x, "b1": error.sum(axis=0)}


def linear() -> hg.Problem:
    return hg.Network([2, 1], activation="identity", x=[[1.0, 2.0]], y=[[0.5]], W=[[[0.3, -0.1]]])


@pytest.mark.parametrize(
    "function",
    [
        by_hand,
        lambda arrays: by_hand(arrays["W1"], arrays["b1"], arrays["x"], arrays["y"]),
        lambda **arrays: by_hand(arrays["W1"], arrays["b1"], arrays["x"], arrays["y"]),
        lambda x, W1, y, b1=0.0: {"W1": by_hand(W1, b1, x, y)["W1"], "b1": by_hand(W1, b1, x, y)["b1"]},
    ],
    ids=["by name", "one mapping", "keywords", "default"],
)  # fmt: skip
def test_a_function_is_called_as_its_arguments_ask(function: Any) -> None:
    assert hg.check(linear(), gradient=function).agrees


@pytest.mark.torch
def test_tensors_of_pytorch_are_taken() -> None:
    import torch

    def gradient(W1: Any, b1: Any, x: Any, y: Any) -> dict[str, Any]:
        W, b = (torch.tensor(v, requires_grad=True) for v in (W1, b1))
        loss = ((torch.tensor(x) @ W.T + b - torch.tensor(y)) ** 2).sum() / 2
        loss.backward()
        return {"W1": W.grad, "b1": b.grad}

    assert hg.check(linear(), gradient=gradient).agrees
    with pytest.raises(InputError, match="backward"):
        hg.check(linear(), gradient={"W1": torch.zeros(1, 2).grad})


def test_misuse_is_told() -> None:
    with pytest.raises(InputError, match="mapping"):
        hg.check(linear(), gradient=[1.0, 2.0])  # type: ignore[arg-type]  # the mistake that is told
    with pytest.raises(InputError, match="function of the gradient takes weights, bias"):
        hg.check(linear(), gradient=lambda weights, bias: {})
    with pytest.raises(InputError, match="given twice"):
        hg.check(linear(), gradient={"W1": [[0.0, 0.0]], "dL/dW1": [[0.0, 0.0]]})


def test_gradients_from_safetensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from safetensors.numpy import save_file

    problem = hg.load(EXAMPLES[0].with_stem("sum-of-two-2-2-1"))
    path = tmp_path / "g.safetensors"
    save_file(derived(problem), path)
    main(["check", "sum-of-two-2-2-1", "--gradient", str(path)])
    assert "they agree" in capsys.readouterr().out
    other = tmp_path / "g.txt"
    other.write_text("0")
    with pytest.raises(SystemExit) as ended:
        main(["check", "sum-of-two-2-2-1", "--gradient", str(other)])
    assert ended.value.code == 2
    assert "safetensors" in capsys.readouterr().err


# --- kinks -----------------------------------------------------------------------------------


def test_a_kink_is_told_with_its_quantity_and_example() -> None:
    problem = hg.Network(
        [2, 1], activation="relu", x=[[2.0, 1.0], [1.0, 1.0]], y=[[1.0], [1.0]], W=[[[1.0, -1.0]]]
    )
    gradient = {"W1": [[-1.0, -1.0]], "b1": [-1.0]}  # relu'(0) taken as 1
    found = hg.check(problem, gradient=gradient)
    assert found.agrees, str(found)
    assert {kink.where for kink in found.kinks} == {"z1[2,1] is at a kink of relu, in example 2"}
    assert "no error" in str(found)


def test_slopes_of_units_that_cancel_at_a_kink_are_allowed() -> None:
    problem = hg.Equations(
        "E = relu(w) - relu(-w)", loss="E", parameters={"w": 0.0}, data={}
    )  # smooth: yet 0, 1 and 2 are what conventions make of it
    for slope in (0.0, 1.0, 2.0):
        assert hg.check(problem, gradient={"w": slope}).agrees
    assert not hg.check(problem, gradient={"w": 2.5}).agrees


def test_a_kink_behind_a_jump_is_met_from_the_value_at_the_jump() -> None:
    problem = hg.Equations(
        "a = sign(v)\nE = abs(b + a)*exp(3*a)", loss="E", parameters={"b": 0.0}, data={"v": 0.0}
    )  # where a is −1 the slope is −e⁻³, where it is 1 it is e³, and where it is 0 from −1 to 1
    for slope in (-1.0, 0.0, 1.0, 20.0):
        assert hg.check(problem, gradient={"b": slope}).agrees
    for slope in (-1.1, 20.2):
        assert not hg.check(problem, gradient={"b": slope}).agrees


# --- central differences ---------------------------------------------------------------------


def differences(problem: hg.Problem) -> Differences:
    derivation = hg.derive(problem)
    values = start(problem, derivation)
    moved = sensitivity(derivation, values, book=False)[problem.loss]
    loss = ForwardPass(derivation.phase(Phase.FORWARD), problem.loss, values)
    return Differences(loss, float(moved))


@pytest.mark.parametrize("activation", ["sigmoid", "gelu", "softmax"])
def test_central_differences_keep_to_the_error_they_expect(activation: str) -> None:
    problem = hg.Network([2, 3, 2], activation=activation, seed=3, init="normal")
    asked = differences(problem)
    for name, gradient in derived(problem).items():
        for place in np.ndindex(gradient.shape):
            value, error = asked.element(symbol(name), place)
            assert abs(value - gradient[place]) <= error + 1e-16
            assert error < (1e-8 if activation == "gelu" else 1e-9)  # erf has no further digits


@pytest.mark.parametrize("function", ["relu", "abs", "hard_tanh", "elu_of_two"])
@pytest.mark.parametrize("away", [0.0, 1e-13, -1e-8, 1e-7])
def test_central_differences_say_nothing_next_to_a_kink(function: str, away: float) -> None:
    called = {"elu_of_two": "elu(v, 2)", "hard_tanh": "hard_tanh(v + 1)"}
    written = called.get(function, f"{function}(v)")
    problem = hg.Equations(
        f"v = w - 1\nE = {written}", loss="E", parameters={"w": 1.0 + away}, data={}
    )
    assert np.isnan(differences(problem).element(Symbol("w"), ())[0])
    found = hg.check(problem)
    assert found.agrees, str(found)
    silent = "The central differences meet no loss smooth enough within their step at 1 of them."
    assert silent in str(found)


def test_what_cancels_in_the_loss_is_the_error_of_its_differences() -> None:
    source = "a = sigmoid(w)\nE = (log(1 - a) - v)*(1 + v)"
    problem = hg.Equations(source, loss="E", parameters={"w": 25.0, "v": 0.3}, data={})
    for name, gradient in derived(problem).items():
        value, error = differences(problem).element(symbol(name), ())
        assert abs(value - gradient) <= error
    assert hg.check(problem).agrees


def test_a_curve_is_no_kink() -> None:
    for written in ("w^2", "exp(3*w)", "1/w^3", "sin(9*w)", "silu(w)", "abs(w)"):
        problem = hg.Equations(f"E = {written}", loss="E", parameters={"w": 0.4}, data={})
        asked = next(w for w in hg.check(problem).witnesses if w.name == "central differences")
        assert asked.largest <= asked.expected < 1e-8, written


def test_what_is_wrong_in_complex_numbers_only_is_found_by_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    right = ELEMENTWISE["tanh"]

    def wrong(z: Any) -> Any:
        """Right for real numbers; the imaginary part off by a millionth."""
        value = right(z)
        return np.real(value) + (1 + 1e-6) * 1j * np.imag(value) if np.iscomplexobj(z) else value

    problem = hg.Equations("E = tanh(w)", loss="E", parameters={"w": 0.4}, data={})
    monkeypatch.setattr(witness, "has_jax", lambda: False)
    monkeypatch.setattr(complex_step, "ELEMENTWISE", {**ELEMENTWISE, "tanh": wrong})
    gradient = (1 + 1e-6) / np.cosh(0.4) ** 2
    (found,) = hg.check(problem, gradient={"w": gradient}).wrong
    assert found.witness == "central differences"
    assert found.relative == pytest.approx(1e-6, rel=1e-2)


# --- large problems --------------------------------------------------------------------------


def large() -> hg.Problem:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(20, 120)), np.eye(4)[rng.integers(4, size=20)]
    return hg.Network([120, 40, 4], activation=["relu", "softmax"], loss="cross_entropy", x=x, y=y)


@pytest.mark.parametrize("with_jax", [True, False])
def test_one_weight_of_a_large_network_is_found(
    with_jax: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(witness, "has_jax", lambda: with_jax)
    assert hg.check(large()).agrees
    gradient = derived(large())
    place = np.unravel_index(np.argmax(np.abs(gradient["W1"])), (40, 120))
    gradient["W1"][place] *= 1 + 1e-6
    told: list[float] = []
    found = hg.check(large(), gradient=gradient, progress=told.append)
    (pair,) = found.wrong
    assert pair.element.indices == tuple(n + 1 for n in place)
    assert found.exhaustive
    assert told == sorted(told)
    assert told[-1] == 1.0
    wrong = hg.check(large(), gradient={k: -v for k, v in gradient.items()})
    assert wrong.exhaustive == with_jax
    assert wrong.wrong[0].element.symbol.number == 1


def test_without_jax_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "has_jax", lambda: False)
    found = hg.check(network())
    assert [w.name for w in found.witnesses] == ["complex step", "central differences"]
    assert "JAX is not installed" in str(found)


def test_a_witness_that_comes_to_no_number_is_told() -> None:
    problem = hg.Equations("E = (w^2)^0.75", loss="E", parameters={"w": 0.0}, data={})
    found = hg.check(problem, gradient={"w": 0.0})  # 0·∞ by JAX
    assert found.agrees
    assert "(JAX) comes to no number at 1 of them" in str(found)


def test_jax_is_imported_by_check_only() -> None:
    said = (
        "import sys, handgrad as hg; p = hg.Network([2, 1]); str(hg.explain(p)); "
        "assert 'jax' not in sys.modules; hg.check(p); import jax; "
        "assert not jax.config.jax_enable_x64"
    )
    done = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_function_has_a_jax_kernel() -> None:
    library = jax_kernels.jax_library()
    for name, row in FUNCTIONS.items():
        assert not row.arity or name in library.elementwise or row.definition, name
        assert not row.pullback or name in library.along or row.total, name


@pytest.mark.parametrize("name", sorted(name for name, row in FUNCTIONS.items() if row.arity))
def test_jax_kernels_have_the_value_of_numpys(name: str) -> None:
    import jax

    low, high = FUNCTIONS[name].samples
    z = np.linspace(low, high, 41)
    others = [np.full(41, 0.7)] * (FUNCTIONS[name].arity - 1)
    with jax.enable_x64(True):
        got = np.asarray(kernel_of(name, jax_kernels.jax_library())(z, *others))
    np.testing.assert_allclose(got, ELEMENTWISE[name](z, *others), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(n for n, row in FUNCTIONS.items() if row.arity == 1))
def test_jax_keeps_its_digits_in_the_tails(name: str) -> None:
    import jax

    row = FUNCTIONS[name]
    z = np.linspace(-12.2, 12.1, 61) if row.samples[0] < 0 else np.linspace(0.1, 12.1, 61)
    ref = Ref(Symbol("z"))
    _, stable = functions.slope(name, 0, (ref,), Call(name, (ref,)))
    known = {ref.symbol: z}
    kernel = kernel_of(name, jax_kernels.jax_library())
    with jax.enable_x64(True):
        values = np.asarray(kernel(z))
        slopes = np.asarray(jax.vmap(jax.grad(kernel))(z))
    expected = np.broadcast_to(value_of(stable, known), z.shape)
    np.testing.assert_allclose(values, ELEMENTWISE[name](z), rtol=1e-12, atol=1e-300)
    # near a zero of the slope only the size of its terms can be kept
    size = np.maximum(np.abs(expected), 1e-3 * (np.abs(z) < 4) * np.abs(expected).max())
    assert np.all(np.abs(slopes - expected) <= 1e-11 * size + 1e-300)


def test_jax_keeps_what_the_largest_leaves_to_the_others() -> None:
    import jax

    along = jax_kernels.jax_library().along
    for z in ([166.5, -121.4, 124.8], [0.0, -41.0, -45.0], [2.0, 2.0, 1.0], [0.1, 0.1, 0.1]):
        given = np.array(z)
        with jax.enable_x64(True):
            for name in ("log_softmax", "logsumexp"):
                got = np.asarray(along[name](given))
                np.testing.assert_allclose(got, ALONG[name](given), rtol=1e-12, err_msg=str(z))
            slopes = np.asarray(jax.jacobian(along["log_softmax"])(given))
            shares = np.asarray(jax.grad(along["logsumexp"])(given))
        expected = np.eye(3) - ALONG["softmax"](given)
        np.fill_diagonal(expected, ALONG["softmax_rest"](given))
        np.testing.assert_allclose(slopes, expected, rtol=1e-12)
        np.testing.assert_allclose(shares, ALONG["softmax"](given), rtol=1e-12)


def test_archives_are_read_without_trust(tmp_path: Path) -> None:
    good, pickled, cut, bomb = (tmp_path / name for name in ("a.npz", "b.npz", "c.npz", "d.npz"))
    np.savez_compressed(good, W1=np.eye(2, dtype=np.float32), b1=np.arange(3))
    assert read_archive(good)["b1"].tolist() == [0.0, 1.0, 2.0]
    np.savez(pickled, W1=np.array([{}], dtype=object))
    with pytest.raises(FileError, match="Python objects"):
        read_archive(pickled)
    cut.write_bytes(good.read_bytes()[:100])
    with pytest.raises(FileError, match="no archive"):
        read_archive(cut)
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("W1.npy", b"\0" * 2_000_000)
    with pytest.raises(LimitError, match="unpacks to"):
        read_archive(bomb, Limits(data_bytes=1_000_000))
    with pytest.raises(FileError, match="no such file"):
        read_archive(tmp_path / "none.npz")
