"""What a document's expression is worth: a value for each leaf in, the value out, or what it can be.

Leaves may be arrays, one element for each way of reading the numbers, so that all ways are worked
out at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.auditing.reading.nodes import EQUAL, Applied, Interval, Matrix, Named, Opaque, Written
from handgrad.calculus.expr import (
    Call,
    Expr,
    Forms,
    Num,
    Power,
    Product,
    Sum,
    Value,
    children,
    rebuild,
)
from handgrad.calculus.functions import FUNCTIONS, slope
from handgrad.numbers.evaluate import kernel_of

__all__ = [
    "Reach",
    "Unknown",
    "close",
    "exchanged",
    "leaves",
    "plain",
    "reach",
    "replaced",
    "worth",
]

Leaf = Callable[[Expr], Any]
MOST_WAYS = 4096
SAME = 1e-9  # relative, between two ways to the same value
LARGEST_EXPONENT = 1000.0


class Unknown(Exception):
    """The expression has a part without a value."""


def worth(expr: Expr, leaf: Leaf) -> Any:
    """The value of an expression, ``leaf`` giving that of each name and printed number.

    Raises ``Unknown`` where a part has no value.
    """
    with np.errstate(all="ignore"):
        return _worth(expr, leaf)


def _worth(expr: Expr, leaf: Leaf) -> Any:
    match expr:
        case Num(value):
            return float(value)
        case Value(value):
            return value
        case Written() | Named():
            return leaf(expr)
        case Sum(terms):
            return sum(_worth(term, leaf) for term in terms)
        case Product(factors):
            total: Any = 1.0
            for factor in factors:
                total = total * _worth(factor, leaf)
            return total
        case Power(base, exponent):
            return _power(_worth(base, leaf), _worth(exponent, leaf))
        case Call(function, arguments):
            return _called(function, arguments, leaf)
        case Applied(function, (one, other), 0) if function == EQUAL:
            return np.isclose(_worth(one, leaf), _worth(other, leaf), rtol=SAME, atol=0) * 1.0
        case Applied(function, (argument,), 1) if function in FUNCTIONS:
            return _worth(_slope(function, argument), leaf)
        case Forms(_, stable):
            return _worth(stable, leaf)
        case _:
            raise Unknown


def _power(base: Any, exponent: Any) -> Any:
    if np.any(np.abs(exponent) > LARGEST_EXPONENT):
        raise Unknown
    return np.power(np.asarray(base, dtype=float), exponent)


def _called(function: str, arguments: tuple[Expr, ...], leaf: Leaf) -> Any:
    row = FUNCTIONS.get(function)
    if row is None or row.arity != len(arguments):
        raise Unknown
    return kernel_of(function)(*(np.asarray(_worth(a, leaf), dtype=float) for a in arguments))


def _slope(function: str, argument: Expr) -> Expr:
    """f′(z) in the form that keeps its digits."""
    row = FUNCTIONS[function]
    if row.arity != 1:
        raise Unknown
    return slope(function, 0, (argument,), Call(function, (argument,)))[1]


def parts(expr: Expr) -> tuple[Expr, ...]:
    """The direct parts of any node, those of the document's own kinds included."""
    match expr:
        case Applied(arguments=inner) | Opaque(parts=inner):
            return inner
        case Matrix(rows):
            return tuple(cell for row in rows for cell in row)
        case _:
            return children(expr)


def leaves(expr: Expr) -> Iterator[Written | Named]:
    """Every name and printed number, in reading order."""
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Written | Named):
            yield node
        else:
            waiting += reversed(parts(node))


def replaced(expr: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """The expression with nodes exchanged, from the top: what ``change`` gives stays as it is."""
    new = change(expr)
    if new is not None:
        return new
    match expr:
        case Applied(function, arguments, primes):
            return Applied(function, tuple(replaced(a, change) for a in arguments), primes)
        case Opaque(text, inner):
            return Opaque(text, tuple(replaced(a, change) for a in inner))
        case Matrix(rows):
            return Matrix(tuple(tuple(replaced(c, change) for c in row) for row in rows))
        case _:
            return rebuild(expr, tuple(replaced(part, change) for part in children(expr)))


def exchanged(expr: Expr, leaf: Expr, other: Expr) -> Expr:
    """The expression with another in the place of one leaf, that very one."""
    return replaced(expr, lambda node: other if node is leaf else None)


def plain(expr: Expr) -> float | None:
    """The value of an expression of printed numbers alone; None where it has another leaf."""

    def value(node: Expr) -> float:
        if isinstance(node, Written):
            return node.value
        raise Unknown

    try:
        return float(worth(expr, value))
    except (Unknown, OverflowError, ZeroDivisionError, ValueError):
        return None


@dataclass(frozen=True)
class Reach:
    """What an expression can be worth: every value that was found; ``all`` if there are no others.

    ``printed`` is its value with the first choice of each leaf, ``full`` with the last.
    """

    values: np.ndarray
    all: bool
    printed: float
    full: float

    def meets(self, interval: Interval) -> bool:
        """Whether one of the values is in an interval; where not all are known, one between them."""
        if self.all:
            return bool(np.any((self.values >= interval.low) & (self.values <= interval.high)))
        return interval.meets(Interval(float(self.values.min()), float(self.values.max())))


def reach(expr: Expr, choices: Callable[[Written | Named], Sequence[float]]) -> Reach | None:
    """All that an expression can be worth, each leaf being one of its choices, mixtures allowed.

    Every mixture is tried where there are few; else all first, all last, each alone, and the two
    that push the value furthest. None where a leaf has no choice, or nothing is finite.
    """
    found = [*leaves(expr)]
    options = [tuple(dict.fromkeys(choices(leaf))) for leaf in found]
    if not all(options):
        return None
    ways, complete = _ways(expr, found, options)
    values = _over(expr, found, ways)
    if values is None or not np.any(np.isfinite(values)):
        return None
    return Reach(values[np.isfinite(values)], complete, float(values[0]), float(values[-1]))


def _over(expr: Expr, found: Sequence[Expr], ways: np.ndarray) -> np.ndarray | None:
    column = {id(leaf): ways[:, n] for n, leaf in enumerate(found)}
    try:
        value = worth(expr, lambda node: column[id(node)])
    except (Unknown, OverflowError, ZeroDivisionError, ValueError):
        return None
    return np.broadcast_to(np.asarray(value, dtype=float), (len(ways),))


def _mixtures(options: Sequence[tuple[float, ...]], many: int) -> np.ndarray:
    """One choice of each leaf in every way, a row each; the last leaf changes fastest."""
    table, outer = np.empty((many, len(options))), 1
    for n, option in enumerate(options):
        by_choice = table.reshape(outer, len(option), -1, len(options))
        by_choice[..., n] = np.array(option)[:, np.newaxis]
        outer *= len(option)
    return table


def _ways(
    expr: Expr, found: Sequence[Expr], options: Sequence[tuple[float, ...]]
) -> tuple[np.ndarray, bool]:
    """The mixtures that are tried, one a row, and whether those are all."""
    many = 1
    for option in options:
        many *= len(option)
        if many > MOST_WAYS:
            break
    if many <= MOST_WAYS:
        return _mixtures(options, many), True
    first = np.array([option[0] for option in options], dtype=float)
    rows = [first, np.array([option[-1] for option in options], dtype=float)]
    for n, option in enumerate(options):
        for choice in option[1:]:
            rows.append(first.copy())
            rows[-1][n] = choice
    single = _over(expr, found, np.array(rows))
    if single is None:
        return np.array(rows), False
    low, high, at = first.copy(), first.copy(), 2
    for n, option in enumerate(options):
        outcomes = [single[0], *single[at : at + len(option) - 1]]
        low[n], high[n] = option[int(np.argmin(outcomes))], option[int(np.argmax(outcomes))]
        at += len(option) - 1
    return np.array([*rows, low, high, rows[1]]), False


def close(one: float, other: float) -> bool:
    """Whether two values are the same but for rounding in double precision."""
    return abs(one - other) <= SAME * max(abs(one), abs(other)) + 1e-15
