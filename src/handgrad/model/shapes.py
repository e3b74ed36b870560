"""The shapes of the givens in, the shape of every quantity out; or what does not fit, in words."""

from __future__ import annotations

from collections.abc import Mapping

from handgrad.calculus.derivation import Derivation, Equation
from handgrad.calculus.expr import (
    Along,
    Delta,
    Expr,
    Index,
    Position,
    Ref,
    Sigma,
    Symbol,
    children,
)
from handgrad.errors import ShapeError

__all__ = ["check_shapes", "shape_text"]


def check_shapes(
    derivation: Derivation, shapes: Mapping[Symbol, tuple[int, ...]]
) -> dict[Symbol, tuple[int, ...]]:
    """The shape of every quantity, from those of the givens.

    Raises ``ShapeError`` where the arrays given do not fit the equations that use them.
    """
    sizes = dict(shapes)
    for symbol, rank in derivation.givens.items():
        if symbol in sizes and len(sizes[symbol]) != rank:
            raise ShapeError(
                f"{symbol} has {rank} ind{'ex' if rank == 1 else 'ices'} in the equations, "
                f"but its value has the shape {shape_text(sizes[symbol])}."
            )
    for equation in derivation.equations:
        found: dict[str, tuple[int, str]] = {}
        _meet(equation.rhs, sizes, found, equation)
        lhs: list[int] = []
        for position in equation.lhs.indices:
            if isinstance(position, Index):
                own = sizes[position.axis[0]][position.axis[1]] if position.axis else 1
                lhs.append(found.get(position.name, (own, ""))[0])
        sizes[equation.lhs.symbol] = tuple(lhs)
    return sizes


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as one writes it: 2×3; of many axes only how many they are."""
    if len(shape) > 8:
        return f"{len(shape)} axes"
    return "×".join(map(str, shape)) if shape else "of a single number"


def _meet(
    expr: Expr,
    sizes: Mapping[Symbol, tuple[int, ...]],
    found: dict[str, tuple[int, str]],
    equation: Equation,
) -> None:
    """Collect how far each index runs; two answers for one index are an error."""
    bound = (
        [expr.index]
        if isinstance(expr, Along)
        else list(expr.indices)
        if isinstance(expr, Sigma)
        else []
    )
    hidden = {index.name: found.pop(index.name) for index in bound if index.name in found}
    for part in children(expr):
        _meet(part, sizes, found, equation)
    read = found.get(expr.index.name) if isinstance(expr, Along) else None
    if isinstance(expr, Delta):
        _meet_delta(expr, sizes, equation)
    for index in bound:
        found.pop(index.name, None)
    found.update(hidden)
    if isinstance(expr, Along) and expr.at is not None and read:
        _meet_position(expr.at, read, found, equation, f"{expr.function}(…)[{expr.at}]")
    if not isinstance(expr, Ref):
        return
    written = f"{expr.symbol}[{','.join(map(str, expr.indices))}]"
    for place, position in enumerate(expr.indices):
        length = sizes[expr.symbol][place]
        where = f"axis {place + 1} of {expr.symbol} ({shape_text(sizes[expr.symbol])})"
        _meet_position(position, (length, where), found, equation, written, str(expr.symbol))


def _meet_position(
    position: Position,
    axis: tuple[int, str],
    found: dict[str, tuple[int, str]],
    equation: Equation,
    written: str,
    name: str = "",
) -> None:
    """A constant lies on the axis it is written for; an index runs as far as anywhere else."""
    length, where = axis
    of = equation.lhs.symbol
    if isinstance(position, int):
        if position > length:
            raise ShapeError(
                f"{written} in the equation of {of}: index {position} is out of range, "
                f"{where} has {length}.",
                of=str(of),
                name=name or str(position),
            )
        return
    before, said = found.setdefault(position.name, axis)
    if before != length:
        raise ShapeError(
            f"In the equation of {of} the index {position.name} runs over {said} and over {where}: "
            f"{before} against {length}. Make the two agree.",
            of=str(of),
            name=name or position.name,
        )


def _meet_delta(expr: Delta, sizes: Mapping[Symbol, tuple[int, ...]], equation: Equation) -> None:
    """Refuse a constant in δ that the index beside it never reaches."""
    places = (expr.left, expr.right)
    constant = next((p for p in places if isinstance(p, int)), None)
    index = next((p for p in places if isinstance(p, Index) and p.axis), None)
    if constant is None or index is None or index.axis is None:
        return
    symbol, place = index.axis
    if constant > sizes[symbol][place]:
        raise ShapeError(
            f"δ({expr.left},{expr.right}) in the equation of {equation.lhs.symbol}: index {constant} "
            f"is out of range, {index} runs from 1 to {sizes[symbol][place]}.",
            of=str(equation.lhs.symbol),
            name=str(constant),
        )
