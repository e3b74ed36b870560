"""Equations and a list of points in, the value of one quantity at every point out.

The points get an index of their own, as examples have one, so that many are worked out at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation
from handgrad.calculus.expr import Expr, Index, Ref, Symbol, index_names, refs, transform
from handgrad.errors import NumericError
from handgrad.model.axes import with_axes
from handgrad.numbers.evaluate import evaluate

__all__ = ["at_points", "leading_to"]

Array = Any
AT_ONCE = 1_000_000  # numbers worked out together


def leading_to(equations: Sequence[Equation], wanted: Symbol) -> tuple[Equation, ...]:
    """The equations that a quantity is computed by, in order."""
    needed, kept = {wanted}, list[Equation]()
    for equation in reversed(equations):
        if equation.lhs.symbol in needed:
            needed |= {ref.symbol for ref in refs(equation.rhs)}
            kept.append(equation)
    return tuple(reversed(kept))


def at_points(
    equations: Sequence[Equation],
    values: Mapping[Symbol, Array],
    places: Sequence[Ref],
    points: Array,
    wanted: Symbol,
) -> Array:
    """``wanted`` with the elements ``places`` set to each row of ``points`` (points × places).

    The first axis of the result counts the points; a point whose values are not finite gives nan.
    ``values`` holds the givens, of which only those that lead to ``wanted`` are used.
    """
    cone = leading_to(equations, wanted)
    used = {ref.symbol for equation in cone for ref in refs(equation.rhs)}
    given = {s: np.asarray(v, dtype=float) for s, v in values.items() if s in used}
    base = evaluate(Derivation(cone, {s: v.ndim for s, v in given.items()}, wanted), given)
    moved = {place.symbol for place in places} & set(given)
    lifted = _lifted(cone, given, moved)

    def value(rows: Array) -> Array:
        filled = {s: _filled(given[s], s, places, rows) for s in moved}
        try:
            found = evaluate(lifted, {**given, **filled})[wanted]
        except NumericError:
            if len(rows) == 1:
                return np.full((1, *base[wanted].shape), np.nan)
            half = len(rows) // 2
            return np.concatenate((value(rows[:half]), value(rows[half:])))
        return np.broadcast_to(found, (len(rows), *base[wanted].shape))

    length = max(1, AT_ONCE // sum(v.size for v in base.arrays.values()))
    pieces = (points[n : n + length] for n in range(0, len(points), length))
    return np.concatenate([value(rows) for rows in pieces])


def _lifted(
    equations: Sequence[Equation], given: Mapping[Symbol, Array], moved: Set[Symbol]
) -> Derivation:
    """The equations with one more index, that of the points, on all that depends on what is moved."""
    taken = {name for e in equations for name in index_names(e.rhs) | index_names(e.lhs)}
    point = Index(next(name for name in map("p{}".format, count()) if name not in taken))
    marked = set(moved)

    def mark(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node.symbol not in marked:
            return node
        return Ref(node.symbol, (point, *node.indices))

    result: list[Equation] = []
    for equation in equations:
        if any(ref.symbol in marked for ref in refs(equation.rhs)):
            marked.add(equation.lhs.symbol)
        lhs = Ref(
            equation.lhs.symbol, (point,) * (equation.lhs.symbol in marked) + equation.lhs.indices
        )
        result.append(replace(equation, lhs=lhs, rhs=transform(equation.rhs, mark)))
    ranks = {s: v.ndim + (s in moved) for s, v in given.items()}
    return Derivation(with_axes(result, ranks), ranks, equations[-1].lhs.symbol)


def _filled(array: Array, symbol: Symbol, places: Sequence[Ref], rows: Array) -> Array:
    """One copy of an array for each row, its places set to the numbers of the row."""
    filled = np.repeat(array[None], len(rows), axis=0)
    for column, place in enumerate(places):
        if place.symbol == symbol:
            at = tuple(p - 1 for p in place.indices if isinstance(p, int))
            filled[:, *at] = rows[:, column]
    return filled
