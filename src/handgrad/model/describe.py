"""Problems described in Python: networks from sizes, equations from text, every argument checked.

What comes out is the same ``Problem`` that a problem file gives.
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import index
from typing import Any, Literal, SupportsIndex, cast

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError, LimitError, ShapeError, quoted
from handgrad.model import loading
from handgrad.model.drawing import draw, layer_sizes
from handgrad.model.limits import Limits
from handgrad.model.naming import misnamed
from handgrad.model.network import Formula, Layer
from handgrad.model.problem import (
    Notation,
    Problem,
    Training,
    equations_problem,
    network_problem,
)
from handgrad.model.schedules import schedule_of

__all__ = ["Equations", "Network", "as_array", "drawn_network"]

Array = Any


def Network(
    sizes: Sequence[int],
    *,
    activation: str | Sequence[str] = "sigmoid",
    loss: str | Mapping[str, Any] = "half_squared_error",
    W: Sequence[Array | None] | None = None,
    b: Sequence[Array | Literal[False] | None] | Literal[False] | None = None,
    x: Array = None,
    y: Array = None,
    optimizer: str = "sgd",
    learning_rate: float | None = None,
    steps: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    loss_below: float | None = None,
    l2: float = 0.0,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    schedule: str | Mapping[str, Any] = "constant",
    init: str = "glorot",
    seed: int = 0,
    title: str = "",
    notation: Notation | None = None,
    **options: float,
) -> Problem:
    """A layered network; what is not given is drawn from the seed, biases start at zero.

    ``sizes`` are the numbers of units, inputs first. ``W[l]`` has one row per unit and one column
    per input; ``b[l]`` one number per unit, a single number if the layer shares it, False for none.
    ``x`` and ``y`` have one row per example. ``activation`` is one name (or formula in z) for all
    layers, or one for each. ``schedule`` is a name such as ``cosine``, or a mapping with a name and
    options. ``options`` are the optimizer's.

    Raises ``InputError`` for an unknown name and ``ShapeError`` where sizes and arrays disagree.

    >>> p = Network(
    ...     [2, 2, 1],
    ...     W=[[[0.2, 0.4], [0.3, 0.7]], [[0.6, -0.1]]],
    ...     b=False,
    ...     x=[[1.1, 2.2]],
    ...     y=[[3.3]],
    ... )
    >>> p.values[Symbol("W", 2)].tolist()
    [[0.6, -0.1]]
    """
    sizes = _sizes(sizes)
    count, seed = len(sizes) - 1, _whole(seed, "seed", 0)
    names = _each(activation, "activation", count, ())
    biases = _each(b, "b", count, (None, False))
    weights = _each(W, "W", count, (None,))
    _shown(title, notation)
    made = _formula(loss, loading.LOSS_NAMES)
    values = _examples(sizes, x, y, made.name, seed)
    layers: list[Layer] = []
    drawn = layer_sizes(sizes)
    for number, (name, bias, weight) in enumerate(zip(names, biases, weights, strict=True), 1):
        if weight is not None:
            values[Symbol("W", number)] = as_array(weight, f"W of layer {number}")
        if bias is not False:
            zeros = np.zeros(sizes[number])
            values[Symbol("b", number)] = (
                zeros if bias is None else as_array(bias, f"b of layer {number}")
            )
        kind = (
            "none"
            if bias is False
            else "shared"
            if np.ndim(values[Symbol("b", number)]) == 0
            else "unit"
        )
        layers.append(Layer(_formula(name, loading.ACTIVATION_NAMES), kind))
    missing = [d for d in drawn if d.symbol not in values]
    values |= draw(missing, init, seed)
    for number, size in enumerate(sizes[1:], 1):
        _fits(values, number, (size, sizes[number - 1]))
    _consistent(steps, epochs, batch_size, l2)
    loading.known_clipping(clip_norm, clip_value)
    return _named(
        network_problem(
            layers,
            made,
            values,
            training=Training(
                optimizer=loading.known_optimizer(optimizer, options),
                learning_rate=loading.learning_rate(optimizer, learning_rate),
                options=options,
                steps=steps,
                epochs=epochs,
                batch_size=batch_size,
                shuffle=shuffle,
                loss_below=loss_below,
                l2=l2,
                clip_norm=clip_norm,
                clip_value=clip_value,
                schedule=schedule_of(schedule),
            ),
            seed=seed,
            drawn={d.symbol: init for d in missing},
            title=title,
            notation=notation or Notation(),
        )
    )


def drawn_network(
    sizes: Sequence[int], examples: int, *, activation: str, loss: str, seed: int
) -> Problem:
    """A network whose weights and data are all drawn from the seed."""
    known = _sizes(sizes)
    data = _examples(known, None, None, loss, seed, examples)
    name = "-".join(map(str, known))
    layers = [activation] * (len(known) - 1)
    if loss == "cross_entropy":
        layers[-1] = "softmax"
    return Network(
        known,
        activation=layers,
        loss=loss,
        x=data[Symbol("x")],
        y=data[Symbol("y")],
        seed=seed,
        title=f"A {name} network, numbers drawn from seed {seed}",
    )


def Equations(
    forward: str,
    *,
    loss: str,
    parameters: Mapping[str, Array],
    data: Mapping[str, Array] | None = None,
    frozen: Sequence[str] = (),
    reduce: Literal["sum", "mean"] = "sum",
    optimizer: str = "sgd",
    learning_rate: float | None = None,
    title: str = "",
    notation: Notation | None = None,
    **options: float,
) -> Problem:
    r"""A problem written as forward equations, one a line.

    A data entry with one axis more than its use in the equations has one row per example; then
    ``reduce`` says whether the loss is the sum or the mean over the examples.

    Raises ``LanguageError`` with line and column for a text that is no equation, ``DerivationError``
    for names or indices that do not fit together.

    >>> p = Equations(
    ...     "z = w*x + b\nE = (T - z)**2 / 2",
    ...     loss="E",
    ...     parameters={"w": 2.0, "b": 0.5},
    ...     data={"x": 3.0, "T": 7.0},
    ... )
    >>> [str(name) for name in p.parameters]
    ['w', 'b']
    """
    if not isinstance(forward, str) or not isinstance(loss, str):
        raise InputError("forward and loss are texts: the equations, and the name of the loss.")
    _shown(title, notation)
    if not all(isinstance(given, Mapping) for given in (parameters, data or {})):
        raise InputError("parameters and data map names to numbers or arrays.")
    return _named(
        equations_problem(
            forward,
            loss,
            {str(k): as_array(v, str(k)) for k, v in parameters.items()},
            {str(k): as_array(v, str(k)) for k, v in (data or {}).items()},
            frozen=frozen,
            reduce=reduce,
            training=Training(
                optimizer=loading.known_optimizer(optimizer, options),
                learning_rate=loading.learning_rate(optimizer, learning_rate),
                options=options,
            ),
            title=title,
            notation=notation or Notation(),
        )
    )


def _named(problem: Problem) -> Problem:
    """The problem, once every key of its names means something."""
    for key, said in misnamed(problem):
        raise InputError(f"names[{quoted(key)}]: {said}")
    return problem


def _shown(title: object, notation: object) -> None:
    if not isinstance(title, str) or not isinstance(notation, Notation | None):
        raise InputError("title is a text, and notation a handgrad.Notation.")


def _whole(value: object, what: str, least: int) -> int:
    """A whole number of at least ``least``; NumPy's integers count."""
    try:
        number = index(cast("SupportsIndex", value))
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise InputError(f"{what} is {value!r:.60}; a whole number from {least} up is expected.")
    return number


def _each(given: Any, what: str, count: int, alone: tuple[Any, ...]) -> list[Any]:
    """One entry for each layer: a list, or one of ``alone`` for all layers."""
    if any(given is single for single in alone) or isinstance(given, str | Mapping):
        return [given] * count
    try:
        entries = list(given)
    except TypeError:
        raise InputError(
            f"{what} is {given!r:.60}; a list with one entry per layer is expected."
        ) from None
    if len(entries) != count:
        raise InputError(f"{what} has {len(entries)} entries for {count} layers.")
    return entries


def _sizes(sizes: Sequence[int]) -> list[int]:
    limits = Limits()
    try:
        units = [_whole(size, "a number of units", 1) for size in sizes]
    except TypeError:
        raise InputError(f"sizes is {sizes!r:.60}; a list such as [2, 2, 1] is expected.") from None
    if len(units) < 2:
        raise InputError(f"A network needs inputs and at least one layer, got sizes {units}.")
    if len(units) - 1 > limits.layers or max(units) > limits.units:
        raise LimitError(f"At most {limits.layers} layers of {limits.units:,} units are accepted.")
    parameters = sum((inputs + 1) * outputs for inputs, outputs in pairwise(units))
    if parameters > limits.parameters:
        raise LimitError(f"{parameters:,} parameters; at most {limits.parameters:,} are accepted.")
    return units


def _fits(values: Mapping[Symbol, Array], number: int, shape: tuple[int, int]) -> None:
    """Whether the weights of a layer have the shape that its sizes ask for."""
    found = np.shape(values[Symbol("W", number)])
    if found != shape:
        written, wanted = ("×".join(map(str, s)) or "a single number" for s in (found, shape))
        raise ShapeError(
            f"W of layer {number} is {written}; its sizes ask for {wanted}, one row per unit and "
            "one column per input."
        )


def _consistent(steps: int | None, epochs: int | None, batch_size: int | None, l2: float) -> None:
    """The checks of a problem file's [training], for what is given in Python."""
    if steps is not None and epochs is not None:
        raise InputError("steps and epochs are both given. Give one of them.")
    for value, what, least in (
        (steps, "steps", 0),
        (epochs, "epochs", 0),
        (batch_size, "batch_size", 1),
    ):
        if value is not None:
            _whole(value, what, least)
    if not isinstance(l2, int | float) or not 0 <= l2 < float("inf"):
        raise InputError(f"l2 is {l2!r:.60}; a number from 0 up is expected.")


def as_array(value: Array, what: str) -> Array:
    """A float64 array; raises ``InputError`` naming what is no array of finite numbers."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"{what} must be an array of numbers with rows of equal length.") from None
    if not np.isfinite(array).all():
        place = ", ".join(str(n + 1) for n in np.argwhere(~np.isfinite(array))[0])
        where = f" at [{place}]" if place else ""
        raise InputError(f"{what} is not finite{where}. Give finite numbers.")
    return array


def _examples(
    sizes: list[int], x: Array, y: Array, loss: str, seed: int, rows: int = 1
) -> dict[Symbol, Array]:
    """The data: as given, or drawn with two decimals, so that one can calculate with them."""
    given = {
        what: as_array(value, what) for what, value in (("x", x), ("y", y)) if value is not None
    }
    if len(given) == 2:
        return {Symbol(what): value for what, value in given.items()}
    rows = next((len(value) for value in given.values() if value.ndim), rows)
    rng = np.random.default_rng([seed, 2])
    inputs = rng.uniform(-1, 1, (rows, sizes[0])).round(2)
    if loss == "binary_cross_entropy":
        targets = rng.integers(2, size=(rows, sizes[-1])).astype(float)
    elif loss == "cross_entropy":
        targets = np.eye(sizes[-1])[rng.integers(sizes[-1], size=rows)]
    else:
        targets = rng.uniform(0, 1, (rows, sizes[-1])).round(2)
    return {Symbol("x"): given.get("x", inputs), Symbol("y"): given.get("y", targets)}


def _number(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"{what} is {value!r:.60}; a number is expected.")
    return float(value)


def _formula(given: str | Mapping[str, Any], known: Sequence[str]) -> Formula:
    if not isinstance(given, str | Mapping):
        raise InputError(f"{given!r:.60} is neither a name, a formula nor a table with a name.")
    if isinstance(given, str):
        return Formula(given) if given in known or given.isidentifier() else Formula(text=given)
    if "name" not in given:
        raise InputError(
            f"{dict(given)!r:.60} needs a name, such as {{'name': 'huber', 'delta': 1.0}}."
        )
    options = {k: _number(v, k) for k, v in given.items() if k not in ("name", "reduce")}
    return Formula(str(given.get("name", "")), options, reduce=str(given.get("reduce", "")))
