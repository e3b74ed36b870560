"""The factors of a product in, how it is set out: a sign, a fraction, and what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.calculus.expr import Expr, Forms, Num, Power, Product, Sigma, Sum

__all__ = ["Quotient", "flat_factors", "quotient"]


@dataclass(frozen=True)
class Quotient:
    """``−(above/below)·behind``; with nothing ``below``, the factors are all ``above``."""

    negative: bool
    above: tuple[Expr, ...]
    below: tuple[Expr, ...] = ()
    behind: tuple[Expr, ...] = ()


def quotient(factors: Sequence[Expr]) -> Quotient:
    """Divisors go below one fraction, a long numerator behind it; a leading −1 is a sign."""
    flat = tuple(part for factor in factors for part in flat_factors(factor))
    negative = len(flat) > 1 and flat[0] == Num(-1)
    above: list[Expr] = []
    below: list[Expr] = []
    for factor in flat[negative:]:
        match factor:
            case Power(base, Num(value)) if value < 0:
                below.append(base if value == -1 else Power(base, Num(-value)))
            case _:
                above.append(factor)
    if not below or not _long(above):
        return Quotient(negative, tuple(above or [Num(1)]), tuple(below))
    head: list[Expr] = [f for f in above if isinstance(f, Num)] or [Num(1)]
    return Quotient(negative, tuple(head), tuple(below), tuple(f for f in above if f not in head))


def flat_factors(factor: Expr) -> tuple[Expr, ...]:
    """A product that is one form of a factor reads as part of the product around it."""
    book = factor.book if isinstance(factor, Forms) else factor
    return book.factors if isinstance(factor, Forms) and isinstance(book, Product) else (book,)


def _long(above: Sequence[Expr]) -> bool:
    """Whether a numerator is better written behind its fraction."""
    sums = any(isinstance(f, Sigma) for f in above)
    return sums or (len(above) > 1 and any(isinstance(f, Sum) for f in above))
