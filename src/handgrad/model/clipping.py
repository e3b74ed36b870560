"""Clipping: the gradients of all parameters in, smaller ones out, as equations of the update.

The formulas are those of PyTorch's ``clip_grad_norm_`` and ``clip_grad_value_``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Expr, Index, Num, Ref, Sigma, Sum, Symbol, call
from handgrad.calculus.simplify import simplify

__all__ = ["BOUND", "CLIPPED", "clipped", "made_by_clipping"]

NORM, SCALE, BOUND = Symbol("G"), Symbol("κ"), Symbol("τ")
CLIPPED = "g"
"""The state of a clipped gradient: ``g_W1``."""
SMALL = Num(Fraction(1, 10**6))  # PyTorch's: a norm of zero is divided by, too


def clipped(
    gradients: Sequence[Ref], norm: float | None, value: float | None
) -> tuple[Sequence[Equation], Sequence[Ref]]:
    """The equations that clip gradients where there is a bound, and the gradients that go on."""
    if norm is not None and gradients:
        return _by_norm(gradients)
    if value is not None:
        return _by_value(gradients)
    return (), gradients


def made_by_clipping(parameter: Symbol) -> set[Symbol]:
    """The quantities that stand for the gradients and for that of a parameter."""
    return {NORM, SCALE, replace(parameter, state=CLIPPED)}


def _clipped(gradient: Ref) -> Ref:
    """What goes on in place of a gradient: g_W1[j,i]."""
    return Ref(replace(gradient.symbol.plain, state=CLIPPED), gradient.indices)


def _update(lhs: Ref, rhs: Expr, why: str) -> Equation:
    return Equation(lhs, simplify(rhs), Phase.UPDATE, why)


def _squares(gradient: Ref) -> Expr:
    indices = tuple(index for index in gradient.indices if isinstance(index, Index))
    return Sigma(indices, gradient**2) if indices else gradient**2


def _by_norm(gradients: Sequence[Ref]) -> tuple[list[Equation], list[Ref]]:
    """All gradients made shorter by one factor where their common norm is above the bound."""
    norm, scale = Ref(NORM), Ref(SCALE)
    total = Sum(tuple(map(_squares, gradients)))
    factor = call("min", 1, Ref(BOUND) / (norm + SMALL))
    found = [
        _update(norm, call("sqrt", total), "The length of the gradient, all parameters together."),
        _update(scale, factor, "What makes it no longer than the bound; PyTorch's 10⁻⁶ included."),
    ]
    found += [_update(_clipped(g), scale * g, "The gradient, clipped.") for g in gradients]
    return found, [*map(_clipped, gradients)]


def _by_value(gradients: Sequence[Ref]) -> tuple[list[Equation], list[Ref]]:
    """Each element of each gradient kept within the bound."""
    bound, why = Ref(BOUND), "The gradient, each element kept within the bound."
    found = [
        _update(_clipped(g), call("max", -bound, call("min", bound, g)), why) for g in gradients
    ]
    return found, [*map(_clipped, gradients)]
