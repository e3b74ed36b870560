"""Minus signs and powers of ten, so that a printed number stays the one that is printed."""

from __future__ import annotations

from dataclasses import replace

from handgrad.auditing.reading.nodes import Written, literal
from handgrad.calculus.expr import Expr, Num, Power, Product

__all__ = ["less", "negative", "scientific"]


def negative(expr: Expr) -> Expr:
    """Minus an expression; of a printed number or its product, the number with a minus."""
    match expr:
        case Written():
            found = literal(Product((Num(-1), expr)))
            assert found is not None, "a number has a negative"
            return found
        case Product((Written() as first, *rest)) if not first.text.startswith("-"):
            return Product((negative(first), *rest))
        case Product((Num(-1), *rest)):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product(factors):
            return Product((Num(-1), *factors))
        case _:
            return Product((Num(-1), expr))


def less(term: Expr) -> Expr:
    """A term that is taken away; its numbers stay as they are printed."""
    match term:
        case Product((Num(-1), *rest)):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product(factors):
            return Product((Num(-1), *factors))
        case _:
            return Product((Num(-1), term))


def scientific(factors: list[Expr]) -> list[Expr]:
    """4.2·10⁻³ as the one number it is."""
    result: list[Expr] = []
    for factor in factors:
        match result[-1:], factor:
            case [Written() as mantissa], Power(Written("10"), exponent) if (
                (power := literal(exponent)) is not None
                and power.whole
                and abs(int(power.text)) <= 300
                and "e" not in mantissa.text.lower()
            ):
                result[-1] = replace(mantissa, text=f"{mantissa.text}e{power.text}", end=power.end)
            case _:
                result.append(factor)
    return result
