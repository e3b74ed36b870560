"""One expression in, the operations on arrays that work it out where they stand: nothing is allocated.

The same operations serve one line in all columns, and several lines of one form at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Ref, Sum, Value
from handgrad.numbers.evaluate import kernel_of

__all__ = ["Operation", "Workspace", "operations"]

Array = Any
Operation = tuple[Callable[..., Any], tuple[Any, ...]]


@dataclass(frozen=True)
class Workspace:
    """Arrays of one shape for what stands within an expression, made as they are needed."""

    shape: tuple[int, ...]
    arrays: list[Array] = field(default_factory=list[Array])

    def __getitem__(self, depth: int) -> Array:
        while depth >= len(self.arrays):
            self.arrays.append(np.empty(self.shape))
        return self.arrays[depth]


def operations(
    expr: Expr, operands: Mapping[Ref, Array], out: Array, work: Workspace, depth: int = 0
) -> Iterator[Operation]:
    """The operations that put the value of an expression into ``out``, which is no operand."""
    match expr:
        case Ref():
            yield np.copyto, (out, operands[expr])
        case Num(value):
            yield np.copyto, (out, float(value))
        case Value(value):
            yield np.copyto, (out, value)
        case Sum(terms):
            yield from _chain(terms, np.add, operands, out, work, depth)
        case Product(factors):
            yield from _chain(factors, np.multiply, operands, out, work, depth)
        case Power(base, exponent):
            yield from _power(base, exponent, operands, out, work, depth)
        case Call(function, arguments):
            given: list[Array] = []
            for n, argument in enumerate(arguments):
                value = operands.get(argument) if isinstance(argument, Ref) else None
                if value is None:
                    value, below = work[depth + n], depth + len(arguments)
                    yield from operations(argument, operands, value, work, below)
                given.append(value)
            yield from _called(function, given, out)
        case _:
            raise TypeError(f"{type(expr).__name__} stands in no line")


def _chain(
    parts: Sequence[Expr],
    function: Any,
    operands: Mapping[Ref, Array],
    out: Array,
    work: Workspace,
    depth: int,
) -> Iterator[Operation]:
    """Terms added, or factors multiplied, one after the other; a minus is a subtraction."""
    numbers = [float(part.value) for part in parts if isinstance(part, Num)]
    so_far: Any = None
    if numbers:
        so_far = np.float64(np.prod(numbers) if function is np.multiply else np.sum(numbers))
    others = [part for part in parts if not isinstance(part, Num)]
    for part in others:
        how, operand = function, part
        if function is np.add and so_far is not None:
            how, operand = _subtracted(part)
        value = operands.get(operand) if isinstance(operand, Ref) else None
        if value is None:
            value, below = (out, depth) if so_far is None else (work[depth], depth + 1)
            yield from operations(operand, operands, value, work, below)
        if so_far is None:
            so_far = value
        else:
            yield how, (so_far, value, out)
            so_far = out
    if so_far is not out:
        yield np.copyto, (out, so_far)


def _subtracted(term: Expr) -> tuple[Any, Expr]:
    match term:
        case Product((Num(value), *rest)) if value == -1 and rest:
            return np.subtract, rest[0] if len(rest) == 1 else Product(tuple(rest))
        case _:
            return np.add, term


def _power(
    base: Expr,
    exponent: Expr,
    operands: Mapping[Ref, Array],
    out: Array,
    work: Workspace,
    depth: int,
) -> Iterator[Operation]:
    bottom = work[depth]
    yield from operations(base, operands, bottom, work, depth + 2)
    if exponent == Num(2):
        yield np.multiply, (bottom, bottom, out)
    elif exponent == Num(-1):
        yield np.divide, (1.0, bottom, out)
    else:
        yield from operations(exponent, operands, work[depth + 1], work, depth + 2)
        yield np.power, (bottom, work[depth + 1], out)


# functions as programs compute them, in place and without the care that costs ten times the time
_PLAIN: Mapping[str, Sequence[Callable[[Array, Array], Operation]]] = {
    "sigmoid": (
        lambda z, out: (np.negative, (z, out)),
        lambda _, out: (np.exp, (out, out)),
        lambda _, out: (np.add, (out, 1.0, out)),
        lambda _, out: (np.divide, (1.0, out, out)),
    ),
    "tanh": (lambda z, out: (np.tanh, (z, out)),),
    "exp": (lambda z, out: (np.exp, (z, out)),),
    "log": (lambda z, out: (np.log, (z, out)),),
    "relu": (lambda z, out: (np.maximum, (z, 0.0, out)),),
}


def _called(function: str, given: Sequence[Array], out: Array) -> Iterator[Operation]:
    if function in _PLAIN:
        yield from (make(given[0], out) for make in _PLAIN[function])
    else:
        yield _applied, (kernel_of(function), given, out)


def _applied(function: Callable[..., Array], given: Sequence[Array], out: Array) -> None:
    np.copyto(out, function(*given))
