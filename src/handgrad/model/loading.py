"""A validated problem file in, a Problem out: parameters drawn or read, equations parsed.

``initial`` draws what was not given, from a seed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import (
    FileError,
    InputError,
    LanguageError,
    LimitError,
    Mistake,
    ProblemFileError,
)
from handgrad.model.forms import Activation, Loss
from handgrad.model.limits import Limits
from handgrad.model.network import ACTIVATIONS, LOSSES, Formula, Layer
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.problem import (
    Claim,
    Notation,
    Problem,
    Training,
    equations_problem,
    network_problem,
)
from handgrad.model.problem_file import mistake_at, read_problem_file
from handgrad.model.schema import LayerTable, NetworkTable, ProblemFile, TrainingTable

__all__ = [
    "INITS",
    "LEARNING_RATES",
    "Drawn",
    "draw",
    "known_optimizer",
    "layer_sizes",
    "learning_rate",
    "load",
    "problem_of",
    "weights_file",
]

Array = Any
T = TypeVar("T")
ACTIVATION_NAMES, LOSS_NAMES = tuple(ACTIVATIONS), tuple(LOSSES)

# PyTorch's, where it has a default worth having; 0.1 for gradient descent, as in textbooks
LEARNING_RATES = {"adagrad": 0.01, "rmsprop": 0.01, "adam": 0.001, "adamw": 0.001}


def load(path: str | os.PathLike[str]) -> Problem:
    """The problem in a TOML file. Raises ``InputError`` with every mistake in it."""
    return problem_of(read_problem_file(path), Path(path).parent)


def problem_of(file: ProblemFile, folder: Path = Path()) -> Problem:
    """The problem a validated file describes; weights are looked for in ``folder``."""
    details: dict[str, Any] = {
        "training": training(file.training),
        "notation": Notation(**{k: v for k, v in vars(file.notation).items() if v is not None}),
        "claims": tuple(Claim(c.quantity, c.value, c.step) for c in file.claims),
        "title": file.title,
        "source": file.source,
    }
    if file.network is not None:
        return _network(file, file.network, folder, details)
    assert file.equations is not None
    table = file.equations
    return _placed(
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


def learning_rate(optimizer: str, given: float | None) -> float:
    """The rate that was given, or the optimizer's usual one; raises ``InputError`` unless ≥ 0."""
    if given is None:
        return LEARNING_RATES.get(optimizer, 0.1)
    if not isinstance(given, int | float) or not 0 <= given < float("inf"):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The learning rate is {given}; it must be a number from 0 up.")
    return float(given)


def known_optimizer(name: str, options: Iterable[str]) -> str:
    """The name of an optimizer whose options are all its own; else ``InputError``."""
    if name not in OPTIMIZERS:
        raise InputError(f"There is no optimizer {name!r}. There are {', '.join(OPTIMIZERS)}.")
    known = [key for key, _ in OPTIMIZERS[name].constants.values()]
    for option in options:
        if option not in known:
            there = f"Its options: {', '.join(known)}." if known else "It has no options."
            raise InputError(f"{name} has no option {option!r}. {there}")
    return name


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
    )


def _placed(file: ProblemFile, path: tuple[str | int, ...], build: Callable[[], T]) -> T:
    """Build, and tell a mistake found on the way with its place in the file."""
    try:
        return build()
    except LanguageError as error:
        mistake = _inside(file, mistake_at(file, path, error.message), error)
        raise ProblemFileError(file.origin.name, [mistake]) from None
    except InputError as error:
        raise ProblemFileError(file.origin.name, [mistake_at(file, path, str(error))]) from None


def _inside(file: ProblemFile, place: Mistake, error: LanguageError) -> Mistake:
    """The mistake at its own line of the file, where the text spans several."""
    lines = file.origin.text.splitlines()
    if place.line is None or place.column is None or place.line > len(lines):
        return place
    opening = lines[place.line - 1][place.column - 1 :]
    if opening.rstrip() in ('"""', "'''"):  # the text begins on the next line, as written
        return Mistake(place.message, place.line + error.line, error.column, place.key)
    if opening.startswith(('"""', "'''")):
        shift = place.column + 2 if error.line == 1 else 0
        return Mistake(place.message, place.line + error.line - 1, error.column + shift, place.key)
    return Mistake(place.message, place.line, place.column + error.column, place.key)


def _network(
    file: ProblemFile, table: NetworkTable, folder: Path, details: Mapping[str, Any]
) -> Problem:
    layers = [_layer(layer) for layer in table.layers]
    missing = [name for name in ("x", "y") if name not in file.data]
    if missing:
        said = f"{' and '.join(missing)} missing. Write [data] with x and y, one row per example."
        raise ProblemFileError(file.origin.name, [mistake_at(file, ("data",), said)])
    x, y = (np.asarray(file.data[name], dtype=np.float64) for name in ("x", "y"))
    values: dict[Symbol, Array] = {Symbol("x"): x, Symbol("y"): y}
    given = weights_file(folder / table.values) if table.values else {}
    values |= _parameters(table, x.shape[1], given)
    return _placed(
        file,
        ("network",),
        lambda: network_problem(layers, _loss(table.loss), values, seed=table.seed, **details),
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
) -> dict[Symbol, Array]:
    """Every W and b: as written, from the file of weights, or drawn; biases start at zero."""
    values: dict[Symbol, Array] = {}
    drawn: list[Drawn] = []
    before = inputs
    for number, layer in enumerate(table.layers, 1):
        weight, bias = Symbol("W", number), Symbol("b", number)
        units = layer.units
        if layer.W.value is not None:
            values[weight] = np.asarray(layer.W.value, dtype=np.float64)
        elif str(weight) in given:
            values[weight] = given[str(weight)]
        elif units is None:
            raise InputError(f"Layer {number} needs units or W.")
        else:
            drawn.append(Drawn(weight, units, before))
        units = units or len(values[weight])
        if layer.b is not None:
            written = layer.b.value if layer.b.value is not None else given.get(str(bias))
            zeros = 0.0 if layer.b.shared else np.zeros(units)
            values[bias] = np.asarray(zeros if written is None else written, dtype=np.float64)
        before = units
    return values | draw(drawn, table.init or "glorot", table.seed)


def weights_file(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file by name, as float64.

    Raises ``FileError`` for a file that is none, ``LimitError`` for one that is too large.
    """
    limits = Limits()
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}.") from None
    if size > limits.data_bytes:
        raise LimitError(f"{path} has {size:,} bytes; at most {limits.data_bytes:,} are read.")
    try:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file  # pyright: ignore[reportUnknownVariableType]
    except ImportError:
        raise InputError(
            'Reading weights needs safetensors: pip install "handgrad[safetensors]".'
        ) from None
    try:
        arrays: dict[str, Array] = load_file(path)
        return {name: np.asarray(v, dtype=np.float64) for name, v in arrays.items()}
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise FileError(f"{path} is no safetensors file: {error}") from None


# --- initial weights -------------------------------------------------------------------------


@dataclass(frozen=True)
class Drawn:
    """A weight matrix to draw: one row per unit."""

    symbol: Symbol
    units: int
    inputs: int


Draw = Callable[
    [Any, int, int], Array
]  # (random generator, units, inputs); the generator loads late


def _glorot(rng: np.random.Generator, units: int, inputs: int) -> Array:
    bound = np.sqrt(6 / (units + inputs))
    return rng.uniform(-bound, bound, (units, inputs))


INITS: Mapping[str, Draw] = {
    "glorot": _glorot,
    "he": lambda rng, units, inputs: rng.normal(0, np.sqrt(2 / inputs), (units, inputs)),
    "lecun": lambda rng, units, inputs: rng.normal(0, np.sqrt(1 / inputs), (units, inputs)),
    "normal": lambda rng, units, inputs: rng.normal(0, 1, (units, inputs)),
}


def draw(weights: Iterable[Drawn], init: str, seed: int) -> dict[Symbol, Array]:
    """Initial weights, each from its own stream of the seed, so that none depends on another.

    ``glorot`` draws uniformly from ±√(6/(units + inputs)), ``he`` and ``lecun`` from a normal
    distribution of variance 2/inputs and 1/inputs, ``normal`` from N(0, 1).
    """
    if init not in INITS:
        raise InputError(f"There is no init {init!r}. There are {', '.join(INITS)}.")
    values: dict[Symbol, Array] = {}
    for weight in weights:
        rng = np.random.default_rng([seed, 0, weight.symbol.number or 0])
        values[weight.symbol] = INITS[init](rng, weight.units, weight.inputs)
    return values


def layer_sizes(sizes: Sequence[int]) -> list[Drawn]:
    """The weight matrices of a network with these numbers of units, inputs first."""
    pairs = zip(sizes[1:], sizes[:-1], strict=True)
    return [Drawn(Symbol("W", n), units, inputs) for n, (units, inputs) in enumerate(pairs, 1)]
