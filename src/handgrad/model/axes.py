"""Equations and the axes of what is given in; the same equations, each index knowing its axis, out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Expr,
    Index,
    Position,
    Ref,
    Sigma,
    Symbol,
    bound_indices,
    children,
    own_positions,
    rebuild,
    substitute,
)
from handgrad.errors import DerivationError

__all__ = ["with_axes"]

Axis = tuple[Symbol, int]  # whose axis, and which of them


def with_axes(equations: Iterable[Equation], givens: Mapping[Symbol, int]) -> tuple[Equation, ...]:
    """The equations, every index knowing whose axis it runs over.

    An index runs over the axis of the given quantity it is used on, directly or through earlier
    equations. Raises ``DerivationError`` where nothing says how far an index runs.
    """
    axes: dict[Axis, Axis] = {(s, n): (s, n) for s, rank in givens.items() for n in range(rank)}
    result: list[Equation] = []
    for equation in equations:
        rhs = _spread(equation.rhs, axes, equation)
        found = _ranges(rhs)
        lhs = equation.lhs
        named: dict[str, Position] = {}
        for place, position in enumerate(lhs.indices):
            if isinstance(position, Index):
                axis = _known(position, found.get(position.name), lhs.symbol)
                axes[lhs.symbol, place] = axis
                named[position.name] = replace(position, axis=axis)
        result.append(replace(equation, lhs=substitute(lhs, named), rhs=substitute(rhs, named)))
    return tuple(result)


def _ranges(expr: Expr) -> dict[str, Axis]:
    """What each free index runs over, as far as the references below say."""
    found: dict[str, Axis] = {}
    for part in children(expr):
        found = _ranges(part) | found
    for index in bound_indices(expr):
        found.pop(index.name, None)
    own = (p for p in own_positions(expr) if isinstance(p, Index) and p.axis is not None)
    return found | {p.name: p.axis for p in own if p.axis is not None}


def _spread(expr: Expr, axes: Mapping[Axis, Axis], equation: Equation) -> Expr:
    """Write into every index below the axis that its uses say it runs over."""
    match expr:
        case Ref(symbol, indices):
            placed = (_marked(p, axes.get((symbol, n))) for n, p in enumerate(indices))
            return Ref(symbol, tuple(placed))
        case Sigma(indices, body):
            inner = _spread(body, axes, equation)
            ranged = tuple(_ranged(i, inner, equation) for i in indices)
            return Sigma(ranged, substitute(inner, {i.name: i for i in ranged}))
        case Along(function, index, body, at):
            inner = _spread(body, axes, equation)
            ranged = _ranged(index, inner, equation)
            place = None if at is None else _marked(at, ranged.axis)
            return Along(function, ranged, substitute(inner, {index.name: ranged}), place)
        case _:
            return rebuild(expr, tuple(_spread(part, axes, equation) for part in children(expr)))


def _marked(position: Position, axis: Axis | None) -> Position:
    return replace(position, axis=axis) if isinstance(position, Index) and axis else position


def _ranged(index: Index, body: Expr, equation: Equation) -> Index:
    axis = _ranges(body).get(index.name) or index.axis
    return replace(index, axis=_known(index, axis, equation.lhs.symbol))


def _known(index: Index, axis: Axis | None, where: Symbol) -> Axis:
    if axis is None:
        raise DerivationError(
            f"Nothing says how far the index {index.name} runs in the equation of {where}: "
            "it is used on no array there. Remove it, or use it on one.",
            of=str(where),
            name=index.name,
        )
    return axis
