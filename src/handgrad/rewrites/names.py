"""Which quantities have a name: a value that has one is called by it, a name can be put away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Index,
    Ref,
    Symbol,
    placed,
    substitute,
    transform,
)

__all__ = ["inlined", "reuse"]


def reuse(forward: Iterable[Equation], backward: Iterable[Equation]) -> tuple[Equation, ...]:
    """The backward equations with ``a2`` for ``softmax(z2)``: where a value has a name, the name."""
    named: dict[tuple[str, Symbol], tuple[Equation, Ref]] = {}
    for equation in forward:
        match equation.rhs:
            case Call(function, (Ref(z) as ref, *_)) | Along(function, _, Ref(z) as ref):
                named.setdefault((function, z), (equation, ref))
            case _:
                pass

    def name(node: Expr) -> Expr:
        match node:
            case Call(function, (Ref(z) as ref, *_)) | Along(function, _, Ref(z) as ref):
                known = named.get((function, z))
                return (known and _named(*known, node, ref)) or node
            case _:
                return node

    return tuple(replace(equation, rhs=transform(equation.rhs, name)) for equation in backward)


def _named(known: Equation, own: Ref, node: Expr, ref: Ref) -> Expr | None:
    """The left side of an equation at the indices at which its right side equals the node."""
    places = placed(own, ref)
    match known.rhs, node:
        case Along(at=Index(j)), Along(at=at) if at is not None:
            places[j] = at
        case _:
            pass
    same = _outlined(substitute(known.rhs, places)) == _outlined(node)
    return substitute(known.lhs, places) if same else None


def _outlined(expr: Expr) -> Expr:
    """The same with a nameless index, to compare it with another."""
    if not isinstance(expr, Along):
        return expr
    return Along(
        expr.function, Index(""), substitute(expr.body, {expr.index.name: Index("")}), expr.at
    )


def inlined(forward: Sequence[Equation], symbol: Symbol) -> tuple[Equation, ...]:
    """The equations without the one that defines ``symbol``: its right side stands where it was."""
    source = next(equation for equation in forward if equation.lhs.symbol == symbol)

    def put_in(node: Expr) -> Expr:
        return source.at(node) if isinstance(node, Ref) and node.symbol == symbol else node

    others = (equation for equation in forward if equation is not source)
    return tuple(replace(other, rhs=transform(other.rhs, put_in)) for other in others)
