"""Checking gradients: the derivation's own, and somebody else's with a bug in it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import handgrad as hg
from handgrad.cli import main
from handgrad.errors import FileError, InputError, LimitError, ShapeError
from handgrad.model.limits import Limits
from handgrad.numbers.archives import read_archive

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
    assert found.largest < 1e-12


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "gelu", "elu", "softplus", "silu"])
def test_the_derivation_of_a_network_agrees(activation: str) -> None:
    problem = hg.Network([2, 3, 2], activation=activation, seed=3, init="normal")
    found = hg.check(problem)
    assert found.agrees, str(found)
    assert found.witness == ("central difference" if activation == "gelu" else "complex step")


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
    assert "First, in W1[1,1]" in str(found)
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


def test_archives_are_read_without_trust(tmp_path: Path) -> None:
    good, pickled, cut, bomb = (tmp_path / name for name in ("a.npz", "b.npz", "c.npz", "d.npz"))
    np.savez_compressed(good, W1=np.eye(2, dtype=np.float32), b1=np.arange(3))
    assert read_archive(good)["b1"].tolist() == [0.0, 1.0, 2.0]
    np.savez(pickled, W1=np.array([{}], dtype=object))
    with pytest.raises(FileError, match="other than numbers"):
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
