"""Where an expression can be rewritten, and how its parts are said."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from handgrad.calculus.expr import Expr, Num, Product, Ref, Sum, children, rebuild, transform
from handgrad.language import writing

__all__ = ["Named", "Put", "negated", "places", "said", "times", "unsigned", "with_ref"]

Named = Callable[[Ref], str]
Put = Callable[[Expr], Expr]
LONGEST = 40  # characters of a formula in a sentence


def places(expr: Expr) -> Iterator[tuple[Expr, Put]]:
    """Every node, and the whole with something else in its place; from the outside in."""
    yield expr, lambda new: new
    parts = children(expr)
    for n, part in enumerate(parts):
        for node, put in places(part):

            def within(new: Expr, n: int = n, put: Put = put) -> Expr:
                return rebuild(expr, (*parts[:n], put(new), *parts[n + 1 :]))

            yield node, within


def with_ref(expr: Expr, old: Ref, new: Expr) -> Expr:
    """The expression with one number in place of another, everywhere."""
    return transform(expr, lambda node: new if node == old else node)


def negated(expr: Expr) -> Expr:
    """Minus the expression; of a negative product the product."""
    sign, rest = unsigned(expr)
    return rest if sign < 0 else Product((Num(-1), rest))


def unsigned(expr: Expr) -> tuple[int, Expr]:
    """The sign that is written before a term, and the term without it."""
    match expr:
        case Product((Num(value), *rest)) if value < 0:
            factors = (*(() if value == -1 else (Num(-value),)), *rest)
            return -1, factors[0] if len(factors) == 1 else Product(factors)
        case Num(value) if value < 0:
            return -1, Num(-value)
        case _:
            return 1, expr


def times(number: Num, expr: Expr) -> Expr:
    """A number times an expression."""
    return Product((number, expr))


def said(expr: Expr, named: Named) -> str:
    """A part of a formula in a sentence; of a long one that it is long."""
    written = writing.text(expr, leaf=named)
    if len(written) > LONGEST:
        return f"the {'sum' if isinstance(expr, Sum) else 'term'} {written[: LONGEST - 1]}…"
    return written
