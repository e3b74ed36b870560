"""Why a number is not finite: the smallest part of its equation at which that begins, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Call,
    Expr,
    Forms,
    Index,
    Num,
    Power,
    Ref,
    Symbol,
    bound_indices,
    children,
    refs,
    substitute,
)
from handgrad.language.writing import name, text

__all__ = ["not_finite"]

Array = Any
Places = dict[str, int]  # the number each index stands for, from 0
Valued = Callable[[Expr], tuple[Array, tuple[str, ...]]]  # an array, and the indices of its axes
LONGEST = 120  # characters of a formula that are shown
INPUTS = 4  # quantities whose values are shown


def not_finite(
    equation: Equation, array: Array, valued: Valued, known: Mapping[Symbol, Array], *, book: bool
) -> str:
    """The message about the first element of ``array``, the value of an equation, that is no number.

    ``valued`` evaluates a part of the equation; ``book`` says which of two forms was evaluated.
    """
    place = tuple(int(n) for n in np.argwhere(~np.isfinite(array))[0])
    indices = (p.name for p in equation.lhs.indices if isinstance(p, Index))
    part, at = _smallest(equation.rhs, dict(zip(indices, place, strict=False)), valued, book=book)
    element = Ref(equation.lhs.symbol, tuple(n + 1 for n in place))
    shown = substitute(part, {letter: n + 1 for letter, n in at.items()})
    said = f"{name(element)} is {array[place]}: {_cut(text(shown))} is {_of(part, at, valued)}"
    return f"{said}{_inputs(shown, known)}. {_advice(part, at, valued)}"


def _smallest(expr: Expr, at: Places, valued: Valued, *, book: bool) -> tuple[Expr, Places]:
    """The deepest part that is not finite though all its own parts are, and at which indices."""
    parts = (expr.book if book else expr.stable,) if isinstance(expr, Forms) else children(expr)
    at = {letter: n for letter, n in at.items() if letter not in _bound(expr)}
    for part in parts:
        array, letters = valued(part)
        fixed = np.asarray(array)[tuple(at.get(letter, slice(None)) for letter in letters)]
        wrong = np.argwhere(~np.isfinite(fixed))
        if len(wrong):
            rest = (letter for letter in letters if letter not in at)
            found = dict(zip(rest, map(int, wrong[0]), strict=True))
            return _smallest(part, at | found, valued, book=book)
    return expr, at


def _bound(expr: Expr) -> set[str]:
    return {index.name for index in bound_indices(expr)}


def _of(expr: Expr, at: Places, valued: Valued) -> float:
    array, letters = valued(expr)
    return float(np.asarray(array)[tuple(at[letter] for letter in letters)])


def _inputs(shown: Expr, known: Mapping[Symbol, Array]) -> str:
    """What the part is made of: where a1[1,1] = 1."""
    constant = (ref for ref in dict.fromkeys(refs(shown)) if _is_element(ref))
    values = [
        f"{name(ref)} = {float(known[ref.symbol][tuple(int(str(p)) - 1 for p in ref.indices)]):.6g}"
        for ref in constant
    ]
    more = ", …" if len(values) > INPUTS else ""
    return f" where {', '.join(values[:INPUTS])}{more}" if values else ""


def _is_element(ref: Ref) -> bool:
    return all(isinstance(position, int) for position in ref.indices)


def _cut(written: str) -> str:
    return written if len(written) <= LONGEST else f"{written[: LONGEST - 1]}…"


def _advice(expr: Expr, at: Places, valued: Valued) -> str:
    match expr:
        case Call("log" | "log_sigmoid", (argument,)) if _of(argument, at, valued) <= 0:
            return (
                "A logarithm needs a number above 0. Where a probability is meant, sigmoid or "
                "softmax gives one."
            )
        case Power(base, exponent) if _of(base, at, valued) == 0 or _is_minus_one(exponent):
            return "That divides by zero. Change the values that make it 0."
        case Call("sqrt", _) | Power() if np.isnan(_of(expr, at, valued)):
            return "A root or a fractional power needs a number from 0 up."
        case _:
            return "Numbers go up to about 1.8e308. Smaller values or a smaller learning rate may help."


def _is_minus_one(exponent: Expr) -> bool:
    return exponent == Num(-1)
