"""A validated problem file in, a Problem out: parameters drawn or read, equations parsed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import (
    InputError,
    ProblemFileError,
    ShapeError,
    TextError,
    quoted,
)
from handgrad.model.drawing import Drawn, draw
from handgrad.model.forms import Activation, Loss
from handgrad.model.mistakes import Finding, mistakes_at
from handgrad.model.naming import misnamed
from handgrad.model.network import ACTIVATIONS, LOSSES, Formula, Layer
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.positions import Path
from handgrad.model.problem import (
    TAKEN,
    Claim,
    Notation,
    Problem,
    Training,
    equations_problem,
    network_problem,
    taken_names,
)
from handgrad.model.problem_file import read_problem_file
from handgrad.model.schema import LayerTable, NetworkTable, ProblemFile, TrainingTable
from handgrad.model.spelling import did_you_mean
from handgrad.model.weights import read_weights

__all__ = [
    "LEARNING_RATES",
    "known_clipping",
    "known_optimizer",
    "learning_rate",
    "load",
    "problem_of",
]

Array = Any
T = TypeVar("T")
ACTIVATION_NAMES, LOSS_NAMES = tuple(ACTIVATIONS), tuple(LOSSES)

# PyTorch's, where it has a default worth having; 0.1 for gradient descent, as in textbooks
LEARNING_RATES = {"adagrad": 0.01, "rmsprop": 0.01, "adam": 0.001, "adamw": 0.001}


def load(path: str | os.PathLike[str]) -> Problem:
    """The problem in a TOML file. Raises ``InputError`` with every mistake in it."""
    return problem_of(read_problem_file(path), FilePath(path).parent)


def problem_of(file: ProblemFile, folder: FilePath = FilePath()) -> Problem:
    """The problem a validated file describes; weights are looked for in ``folder``."""
    details: dict[str, Any] = {
        "training": training(file.training),
        "notation": Notation(**{k: v for k, v in vars(file.notation).items() if v is not None}),
        "claims": tuple(Claim(c.quantity, c.value, c.step) for c in file.claims),
        "title": file.title,
        "source": file.source,
    }
    if file.network is not None:
        return _named(file, _network(file, file.network, folder, details))
    assert file.equations is not None
    table = file.equations
    problem = _placed(
        file,
        ("equations", "forward"),
        lambda: equations_problem(
            table.forward,
            table.loss,
            dict(file.parameters),
            dict(file.data),
            frozen=table.frozen,
            reduce=table.reduce,
            **details,
        ),
    )
    return _named(file, problem)


def _named(file: ProblemFile, problem: Problem) -> Problem:
    """The problem, once no name in it is taken and every key of its names means something."""
    findings = [_taken(file, name) for name in taken_names(problem)]
    findings += [_misnamed(key, said) for key, said in misnamed(problem)]
    if findings:
        raise _told(file, findings)
    return problem


def _taken(file: ProblemFile, name: str) -> Finding:
    """A name that the derivation makes itself: at its key, or in the line that defines it."""
    said = TAKEN.format(name)
    for table, names in (("parameters", file.parameters), ("data", file.data)):
        if name in names:
            return Finding((table, name), lambda: said, at_key=True)
    forward = file.equations.forward if file.equations else ""
    defined = re.search(rf"^[^\S\n]*(?={re.escape(name)}\s*[=\[])", forward, re.MULTILINE)
    before = forward[: defined.end()].split("\n") if defined else [""]
    inside = (len(before) if defined else 0, len(before[-1]) + 1)
    return Finding(("equations", "forward"), lambda: said, inside=inside)


def _misnamed(key: str, said: str) -> Finding:
    return Finding(("notation", "names", key), lambda: said, at_key=True)


def learning_rate(optimizer: str, given: float | None) -> float:
    """The rate that was given, or the optimizer's usual one; raises ``InputError`` unless ≥ 0."""
    if given is None:
        return LEARNING_RATES.get(optimizer, 0.1)
    if not isinstance(given, int | float) or not 0 <= given < float("inf"):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The learning rate is {given!r:.60}; it must be a number from 0 up.")
    return float(given)


def known_optimizer(name: str, options: Iterable[str]) -> str:
    """The name of an optimizer whose options are all its own; else ``InputError``."""
    if not isinstance(name, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(
            f"optimizer is {name!r:.60}; it is a name, such as momentum, and options={{…}} go beside it."
        )
    if name not in OPTIMIZERS:
        hint = did_you_mean(name, OPTIMIZERS)
        there = ", ".join(OPTIMIZERS)
        raise InputError(f"There is no optimizer {name!r:.60}.{hint} There are {there}.")
    known = [key for key, _ in OPTIMIZERS[name].constants.values()]
    for option in options:
        if option not in known:
            there = f"Its options: {', '.join(known)}." if known else "It has no options."
            hint = did_you_mean(option, known)
            raise InputError(f"{name} has no option {option!r:.60}.{hint} {there}")
    return name


def known_clipping(norm: float | None, value: float | None) -> None:
    """Raises ``InputError`` unless at most one bound is given, a number above 0."""
    if norm is not None and value is not None:
        raise InputError("clip_norm and clip_value are both given. Give one of them.")
    for name, bound in (("clip_norm", norm), ("clip_value", value)):
        if bound is None:
            continue
        if isinstance(bound, bool) or not isinstance(bound, int | float) or not 0 < bound < np.inf:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise InputError(f"{name} is {bound!r:.60}; it must be a number above 0.")


def training(table: TrainingTable) -> Training:
    """The training of a file, the learning rate filled in."""
    return Training(
        optimizer=table.optimizer,
        learning_rate=learning_rate(table.optimizer, table.learning_rate),
        options=table.options(),
        steps=table.steps,
        epochs=table.epochs,
        batch_size=table.batch_size,
        shuffle=table.shuffle,
        loss_below=table.stop.loss_below if table.stop else None,
        l2=table.l2,
        clip_norm=table.clip_norm,
        clip_value=table.clip_value,
        schedule=table.schedule,
    )


def _placed(file: ProblemFile, path: Path, build: Callable[[], T]) -> T:
    """Build, and tell mistakes found on the way with their places in the file."""
    try:
        return build()
    except TextError as error:
        raise _told(file, [_inside(path, one) for one in (error, *error.also)]) from None
    except InputError as error:
        said = str(error)
        raise _told(file, [Finding(path, lambda: said)]) from None


def _told(file: ProblemFile, findings: list[Finding]) -> ProblemFileError:
    return ProblemFileError(file.origin.name, mistakes_at(file.origin, findings))


def _inside(path: Path, error: TextError) -> Finding:
    return Finding(path, lambda: error.message, inside=(error.line, error.column))


def _network(
    file: ProblemFile, table: NetworkTable, folder: FilePath, details: Mapping[str, Any]
) -> Problem:
    layers = [_layer(layer) for layer in table.layers]
    missing = [name for name in ("x", "y") if name not in file.data]
    if missing:
        said = f"{' and '.join(missing)} missing. Write [data] with x and y, one row per example."
        raise _told(file, [Finding(("data",), lambda: said)])
    x, y = (np.asarray(file.data[name], dtype=np.float64) for name in ("x", "y"))
    values: dict[Symbol, Array] = {Symbol("x"): x, Symbol("y"): y}
    weights = folder / (table.values or "")
    at_values: Path = ("network", "values")
    given = _placed(file, at_values, lambda: read_weights(weights)) if table.values else {}
    known, drawn = _placed(file, at_values, lambda: _parameters(table, x.shape[1], given))
    init = table.init or "glorot"
    values |= known | draw(drawn, init, table.seed)
    details = {**details, "seed": table.seed, "drawn": {d.symbol: init for d in drawn}}
    return _placed(
        file,
        ("network",),
        lambda: network_problem(layers, _loss(table.loss), values, **details),
    )


def _layer(table: LayerTable) -> Layer:
    kind = "none" if table.b is None else "shared" if table.b.shared else "unit"
    trained = table.b is not None and table.b.trainable
    return Layer(_activation(table.activation), kind, table.W.trainable, trained)


def _activation(given: Activation) -> Formula:
    return Formula(given.name or "", given.options, given.formula or "")


def _loss(given: Loss) -> Formula:
    return Formula(given.name or "", given.options, given.formula or "", given.reduce or "")


def _parameters(
    table: NetworkTable, inputs: int, given: Mapping[str, Array]
) -> tuple[dict[Symbol, Array], list[Drawn]]:
    """Every W and b, as written or from the file of weights, biases zero; and the W to draw."""
    values: dict[Symbol, Array] = {}
    drawn: list[Drawn] = []
    before = inputs
    for number, layer in enumerate(table.layers, 1):
        weight, bias = Symbol("W", number), Symbol("b", number)
        units = layer.units
        if layer.W.value is not None:
            values[weight] = np.asarray(layer.W.value, dtype=np.float64)
        elif str(weight) in given:
            values[weight] = _fitting_weight(given[str(weight)], str(weight), before)
        elif units is None:
            raise InputError(_no_weight(str(weight), given))
        else:
            drawn.append(Drawn(weight, units, before))
        units = units or len(values[weight])
        if layer.b is not None:
            written = layer.b.value if layer.b.value is not None else given.get(str(bias))
            zeros = 0.0 if layer.b.shared else np.zeros(units)
            values[bias] = np.asarray(zeros if written is None else written, dtype=np.float64)
        before = units
    return values, drawn


def _no_weight(name: str, given: Mapping[str, Array]) -> str:
    listed = ", ".join(map(quoted, list(given)[:8]))
    holds = f"it holds {listed}" if given else "it holds no arrays"
    return (
        f"there is no {name} in the file: {holds}. Name it so, or give the layer units to draw it."
    )


def _fitting_weight(weight: Array, name: str, inputs: int) -> Array:
    if weight.ndim == 2 and weight.shape[1] == inputs:
        return weight
    shape = "×".join(map(str, weight.shape)) or "a single number"
    raise ShapeError(
        f"{name} in the file is {shape}; a matrix of one row per unit and {inputs} columns, one per "
        "input, is expected. Transpose it if it is the other way round."
    )
