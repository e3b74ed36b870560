"""What the walk over an expression has to know of its numbers: floats here, exact ones in ``exact``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import Expr, Value
from handgrad.errors import NumericError
from handgrad.numbers.kernels import NUMPY, Library

__all__ = ["FLOATS", "Arithmetic", "finite", "name_at"]

Array = Any


@dataclass(frozen=True)
class Arithmetic:
    """One kind of numbers."""

    given: Callable[[Array, Any], Array]  # (array, type) -> its values as numbers of this kind
    library: Library
    # (equation, its value, type, what is said of a value that is not finite) -> the value
    checked: Callable[[Equation, Array, Any, Callable[[Array], str]], Array]
    plain: Callable[[Any], Any]  # a single number, out of an array of no axes too
    leaf: Callable[[Any], Expr]  # how a number stands in a worked line


def finite(_: Equation, array: Array, dtype: Any, say: Callable[[Array], str]) -> Array:
    """The array itself; raises ``NumericError`` where a number is not finite in ``dtype``."""
    with np.errstate(all="ignore"):
        told = array.astype(dtype)
    if not np.isfinite(told).all():
        raise NumericError(say(told))
    return array


def name_at(equation: Equation, wrong: Array) -> tuple[str, tuple[int, ...]]:
    """The name of the first element that is wrong, and its place counted from 0."""
    place = tuple(int(n) for n in np.argwhere(wrong)[0])
    inside = ",".join(str(n + 1) for n in place)
    return f"{equation.lhs.symbol}[{inside}]" if place else f"{equation.lhs.symbol}", place


FLOATS = Arithmetic(
    given=lambda array, dtype: np.asarray(array, dtype=dtype),
    library=NUMPY,
    checked=finite,
    plain=float,
    leaf=lambda value: Value(float(value)),
)
