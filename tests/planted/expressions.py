"""Formulas of a worked example, and their value in decimal digits or in float32.

Nothing of handgrad is used here or anywhere in this package but in ``scoring``: what judges the
audit must not share its mistakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, getcontext
from typing import Any, NamedTuple

import numpy as np

getcontext().prec = 40


class Quantity(NamedTuple):
    """One number of the example. Kinds: x y W b eta, z a E L, ga fp gz gW gb, Wn bn.

    ``ga`` is dL/da, ``fp`` da/dz, ``gz`` dL/dz; ``i`` is the unit, ``j`` the input of a weight;
    ``turn`` the pass, or the number of updates of a long run.
    """

    kind: str
    layer: int = 0
    i: int = 0
    j: int = 0
    turn: int = 1


@dataclass(frozen=True)
class Expr:
    """A formula."""


@dataclass(frozen=True)
class Num(Expr):
    text: str


@dataclass(frozen=True)
class Ref(Expr):
    quantity: Quantity


@dataclass(frozen=True)
class Add(Expr):
    terms: tuple[Expr, ...]


@dataclass(frozen=True)
class Mul(Expr):
    factors: tuple[Expr, ...]


@dataclass(frozen=True)
class Div(Expr):
    top: Expr
    bottom: Expr


@dataclass(frozen=True)
class Square(Expr):
    base: Expr


@dataclass(frozen=True)
class Neg(Expr):
    inner: Expr


@dataclass(frozen=True)
class Fn(Expr):
    """sigmoid, tanh, relu, step (the slope of relu), exp, log; abs, a sign that was lost."""

    name: str
    argument: Expr


ONE, HALF, TWO = Num("1"), Num("1/2"), Num("2")


def minus(left: Expr, right: Expr) -> Expr:
    return Add((left, Neg(right)))


def children(expr: Expr) -> Iterator[Expr]:
    for field in fields(expr):
        value = getattr(expr, field.name)
        if isinstance(value, Expr) and not isinstance(value, Quantity):
            yield value
        elif isinstance(value, tuple) and not isinstance(value, Quantity):
            yield from value


def references(expr: Expr) -> list[Quantity]:
    """The quantities of a formula, in the order they are printed, each once."""
    if isinstance(expr, Ref):
        return [expr.quantity]
    return list(dict.fromkeys(q for child in children(expr) for q in references(child)))


def replaced(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The formula with every node for which ``change`` has an answer replaced by that answer."""
    if (new := change(expr)) is not None:
        return new
    parts: dict[str, Any] = {}
    for field in fields(expr):
        value = getattr(expr, field.name)
        if isinstance(value, Expr):
            parts[field.name] = replaced(value, change)
        elif isinstance(value, tuple) and not isinstance(value, Quantity):
            parts[field.name] = tuple(replaced(v, change) for v in value)
        else:
            parts[field.name] = value
    return type(expr)(**parts)


def exchanged(expr: Expr, old: Expr, new: Expr) -> Expr:
    return replaced(expr, lambda node: new if node == old else None)


def _exp(z: Any) -> Any:
    return z.exp() if isinstance(z, Decimal) else np.exp(z)


def _log(z: Any) -> Any:
    return z.ln() if isinstance(z, Decimal) else np.log(z)


def call(name: str, z: Any) -> Any:
    one = type(z)(1)
    match name:
        case "exp":
            return _exp(z)
        case "log":
            return _log(z)
        case "sigmoid":
            return one / (one + _exp(-z))
        case "tanh":
            return (_exp(z) - _exp(-z)) / (_exp(z) + _exp(-z))
        case "relu":
            return max(z, type(z)(0))
        case "step":
            return one if z > 0 else type(z)(0)
        case "abs":
            return abs(z)
    raise ValueError(name)


def value(expr: Expr, values: Mapping[Quantity, Any], number: Callable[[Any], Any]) -> Any:
    """The value of a formula; ``number`` is Decimal or np.float32 and makes its constants."""
    match expr:
        case Num("1/2"):
            return number(1) / number(2)
        case Num(text):
            return number(text)
        case Ref(quantity):
            return number(values[quantity])
        case Add(terms):
            total = value(terms[0], values, number)
            for term in terms[1:]:
                total = total + value(term, values, number)
            return total
        case Mul(factors):
            return math.prod((value(f, values, number) for f in factors), start=number(1))
        case Div(top, bottom):
            return value(top, values, number) / value(bottom, values, number)
        case Square(base):
            return value(base, values, number) * value(base, values, number)
        case Neg(inner):
            return -value(inner, values, number)
        case Fn(name, argument):
            return call(name, value(argument, values, number))
    raise TypeError(expr)
