"""A problem and data in, the problem of that data out; and the outputs of a trained one.

Every mistake is told with its row and column before anything is computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import Symbol, refs
from handgrad.errors import InputError, ShapeError
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import NUMPY

__all__ = ["forward", "held_back", "output_of", "with_examples"]

Array = Any
ROWS = 1 << 12
"""Examples that go through the network at once where only its outputs are asked for."""


def with_examples(problem: Problem, x: Any, y: Any, dtype: Any) -> Problem:
    """The problem over other examples: one row of ``x`` and of ``y`` each.

    A ``y`` of one axis is a column where the network has one output, and classes 0, 1, … where it has
    several. For a problem of equations ``x`` maps the names of its data to arrays. Raises
    ``ShapeError`` and ``InputError`` with the place of the first number that cannot be used.
    """
    given = _by_name(problem, x, y)
    arrays = {s: _array(s, v, dtype) for s, v in given.items()}
    lengths = {str(s): len(v) for s, v in arrays.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise ShapeError(f"The data differ in the number of examples: {said}.")
    if 0 in lengths.values():
        raise ShapeError("The data hold no example.")
    for s, v in arrays.items():
        wanted = np.shape(problem.values[s])[1:]
        if v.shape[1:] != wanted:
            raise ShapeError(
                f"{s} has {_columns(v.shape[1:])} for each example, and the problem takes "
                f"{_columns(wanted)}. Give data of that shape, or a network of other sizes."
            )
    return replace(problem, values={**problem.values, **arrays})


def _columns(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) + " numbers" if shape != (1,) and shape else "1 number"


def _by_name(problem: Problem, x: Any, y: Any) -> dict[Symbol, Any]:
    names = {str(s): s for s in problem.data}
    if isinstance(x, Mapping):
        table = {str(k): v for k, v in cast("Mapping[Any, Any]", x).items()}
    elif problem.layered:
        table = {"x": x, "y": _targets(problem, y)}
    else:
        raise InputError(f"Give x as a mapping of the problem's data: {', '.join(names)}.")
    if set(table) != set(names):
        raise InputError(
            f"The data are {', '.join(sorted(table))}; the problem's are {', '.join(sorted(names))}."
        )
    return {names[name]: value for name, value in table.items()}


def _targets(problem: Problem, y: Any) -> Any:
    """Targets with one row per example: a column of numbers, or classes as 0 and 1."""
    array, outputs = np.asarray(y), np.shape(problem.values[Symbol("y")])[1]
    if array.ndim != 1:
        return array
    if outputs == 1:
        return array[:, None]
    whole = array.dtype.kind in "iub" or (array.dtype.kind == "f" and np.all(array == array // 1))
    if not whole or not np.all((array >= 0) & (array < outputs)):
        raise InputError(
            f"y has one axis, and the network {outputs} outputs: give classes from 0 to "
            f"{outputs - 1}, or a matrix with one row per example."
        )
    return np.eye(outputs)[array.astype(int)]


def _array(symbol: Symbol, value: Any, dtype: Any) -> Array:
    try:
        given = np.asarray(value)
        if given.dtype.kind not in "fiub":
            raise ValueError
        with np.errstate(over="ignore"):
            array = np.asarray(given, dtype, order="C")
    except (TypeError, ValueError):
        raise InputError(
            f"{symbol} is no array of numbers. Give one row of numbers per example."
        ) from None
    if array.ndim == 0:
        raise ShapeError(f"{symbol} is a single number; it has one row per example.")
    finite = np.isfinite(array)
    if not finite.all():
        place = np.argwhere(~finite)[0]
        where = ", ".join(
            f"{w} {n + 1:,}" for w, n in zip(("row", "column", "place"), place, strict=False)
        )
        number = given[tuple(place)]
        said = f", too large for {array.dtype.name}" if np.isfinite(number) else ""
        raise InputError(
            f"{where} of {symbol} is {number:g}{said}. Give finite numbers: "
            "leave such rows out, or put a number in their place."
        )
    return array


def held_back(problem: Problem, part: float, seed: int) -> tuple[Problem, dict[Symbol, Array]]:
    """The problem without some of its examples, drawn at random, and those examples."""
    count = round(problem.examples * part)
    if not 0 < part < 1 or not 0 < count < problem.examples:
        raise InputError(
            f"validation is {part:g} of {problem.examples:,} examples; it must leave at least one "
            "to train with, and one to judge by."
        )
    order = np.random.default_rng([seed, 2]).permutation(problem.examples)
    held = {s: problem.values[s][np.sort(order[:count])] for s in problem.data}
    kept = {s: problem.values[s][np.sort(order[count:])] for s in problem.data}
    return replace(problem, values={**problem.values, **kept}), held


def output_of(problem: Problem, derivation: Derivation) -> Symbol:
    """What the problem predicts: the last quantity before the loss that does not need the target.

    Of a layered network it is the activation of the last layer.
    """
    if problem.layered:
        return next(e.lhs.symbol for e in reversed(problem.forward) if e.lhs.symbol.base == "a")
    before = [e for e in derivation.phase(Phase.FORWARD) if e.lhs.symbol in problem.batched]
    losses = {problem.loss, problem.per_example}
    used = {r.symbol for e in before if e.lhs.symbol in losses for r in refs(e.rhs)}
    found = [e.lhs.symbol for e in before if e.lhs.symbol not in losses]
    named = [s for s in found if s in used]
    if not found:
        raise InputError("The problem has no output: nothing but its loss belongs to an example.")
    return (named or found)[-1]


def forward(
    problem: Problem,
    derivation: Derivation,
    parameters: Mapping[Symbol, Array],
    data: Mapping[Symbol, Array],
    of: Symbol,
) -> Array:
    """A quantity of the forward pass for every example, some thousands at a time."""
    needed = _leading_to(derivation, of)
    used = {r.symbol for e in needed for r in refs(e.rhs)}
    missing = [str(s) for s in problem.data if s in used and s not in data]
    if missing:
        raise InputError(f"{of} needs {', '.join(missing)}.")
    fixed = {s: v for s, v in problem.values.items() if s not in problem.batched}
    rows = len(next(iter(data.values())))
    pieces: list[Array] = []
    with np.errstate(all="ignore"):
        for begin in range(0, rows, ROWS):
            part = {s: v[begin : begin + ROWS] for s, v in data.items()}
            found = followed(needed, {**fixed, **parameters, **part}, NUMPY)
            pieces.append(np.array(found[of]))
    return np.concatenate(pieces)


def _leading_to(derivation: Derivation, of: Symbol) -> list[Equation]:
    wanted, kept = {of}, list[Equation]()
    for equation in reversed(derivation.phase(Phase.FORWARD)):
        if equation.lhs.symbol in wanted:
            kept.append(equation)
            wanted |= {ref.symbol for ref in refs(equation.rhs)}
    return kept[::-1]
