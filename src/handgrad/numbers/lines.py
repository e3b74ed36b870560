"""One element of one equation in, its worked line out: symbols = numbers = partial results = value.

All parts are expressions: numbers stand in as ``Value`` leaves, so symbols and numbers are written by
the same walk. Long sums are shown by their first and last terms; the value is that of the trace.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    Value,
    children,
    rebuild,
    substitute,
    transform,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS, by_definition
from handgrad.calculus.simplify import simplify
from handgrad.numbers.arithmetic import FLOATS, Arithmetic
from handgrad.numbers.evaluate import value_of

__all__ = ["DOTS", "Line", "expanded", "in_full", "line", "line_of", "with_numbers"]

Array = Any
DOTS = Ref(Symbol("…"))  # stands for the terms of a long sum that are not shown
SHOWN = 8  # terms of a sum shown in full; of a longer one three and the last
PARTIALS = 6


@dataclass(frozen=True)
class Line:
    """``lhs = parts[0] = parts[1] = …``: symbols, numbers, partial results, and the value last."""

    lhs: Expr
    parts: tuple[Expr, ...]
    why: str = ""

    @property
    def value(self) -> Any:
        """The value at the end of the line, in full precision: a float, or an exact number."""
        last = self.parts[-1]
        assert isinstance(last, Value)
        return last.value


def line(
    equation: Equation,
    element: tuple[int, ...],
    values: Mapping[Symbol, Array],
    decimals: int | None = 4,
    arithmetic: Arithmetic = FLOATS,
) -> Line:
    """The worked line of one element of an equation; ``element`` counts from 1."""
    target = Ref(equation.lhs.symbol, element)
    symbols = expanded(equation.at(target), values)
    value = values[equation.lhs.symbol][tuple(n - 1 for n in element)]
    return line_of(target, symbols, value, values, decimals, equation.why, arithmetic)


def line_of(
    lhs: Expr,
    symbols: Expr,
    value: Any,
    values: Mapping[Symbol, Array],
    decimals: int | None = 4,
    why: str = "",
    arithmetic: Arithmetic = FLOATS,
) -> Line:
    """The worked line of an expression without free indices."""
    value = arithmetic.plain(value)
    chosen = transform(symbols, lambda node: _spliced(_form(node, values, decimals, arithmetic)))
    parts = [chosen, with_numbers(chosen, values, arithmetic)]
    opened = _opened(parts[1])
    if opened is not None:
        parts.append(opened)
    parts += _reductions(parts[-1], arithmetic)
    kept: list[Expr] = []
    for part in parts:
        if _differs(part, value, arithmetic) and part not in kept:
            kept.append(part)
    if not kept and not isinstance(symbols, Num):
        kept = [symbols]
    return Line(lhs, (*kept, *in_full(value, arithmetic), Value(value)), why)


def in_full(value: Any, arithmetic: Arithmetic) -> tuple[Num, ...]:
    """The value as a short fraction, where it is known as one; its digits come behind it."""
    leaf = arithmetic.leaf(value)
    return (leaf,) if isinstance(leaf, Num) else ()


def _spliced(node: Expr) -> Expr:
    """A sum within a sum, a product within a product, read as one."""
    if not isinstance(node, Sum | Product):
        return node
    kind = type(node)
    nested = (children(part) if isinstance(part, kind) else (part,) for part in children(node))
    return kind(tuple(part for parts in nested for part in parts))


def _differs(part: Expr, value: Any, arithmetic: Arithmetic) -> bool:
    if isinstance(part, Value):
        return False
    return not (_atomic(part) and value_of(part, {}, arithmetic.library) == value)


def expanded(expr: Expr, values: Mapping[Symbol, Array]) -> Expr:
    """Sums written out term by term, vector functions by their definition, Kronecker's δ resolved."""
    match expr:
        case Sigma(indices, body):
            return _written_out(indices, body, values)
        case Along():
            definition = by_definition(expr)
            if definition is not None:
                return expanded(definition, values)
            return _terms(expr, values) if expr.at is None else expr
        case Delta():
            return simplify(expr)
        case _:
            parts = tuple(expanded(part, values) for part in children(expr))
            whole = rebuild(expr, parts)
            settled = any(isinstance(node, Delta) for node in children(expr))
            return simplify(whole) if settled else whole


def _terms(expr: Along, values: Mapping[Symbol, Array]) -> Expr:
    """A reduction as a function of all its terms: max(z[1], z[2], z[3])."""
    size = _size(expr.index, values)
    terms = (substitute(expr.body, {expr.index.name: n}) for n in range(1, size + 1))
    return Call(expr.function, tuple(expanded(term, values) for term in terms))


def _size(index: Index, values: Mapping[Symbol, Array]) -> int:
    assert index.axis is not None
    return int(values[index.axis[0]].shape[index.axis[1]])


def _written_out(indices: tuple[Index, ...], body: Expr, values: Mapping[Symbol, Array]) -> Expr:
    sizes = [_size(index, values) for index in indices]
    count = math.prod(sizes)
    if count == 0:
        return Num(0)
    terms: list[Expr] = []
    for places in _shown_places(sizes, count):
        if places is None:
            terms.append(DOTS)
            continue
        fixed: dict[str, Position] = {i.name: n for i, n in zip(indices, places, strict=True)}
        terms.append(expanded(substitute(body, fixed), values))
    kept = [t for t in terms if t != Num(0)]
    return kept[0] if len(kept) == 1 else Sum(tuple(kept)) if kept else Num(0)


def _shown_places(sizes: list[int], count: int) -> Iterator[tuple[int, ...] | None]:
    """Every place of a short sum; of a long one the first three, a gap and the last."""
    for n, places in enumerate(product(*(range(1, size + 1) for size in sizes))):
        if count > SHOWN and n == 3:
            break
        yield places
    if count > SHOWN:
        yield None
        yield tuple(sizes)


def with_numbers(
    expr: Expr, values: Mapping[Symbol, Array], arithmetic: Arithmetic = FLOATS
) -> Expr:
    """The same expression with every symbol replaced by its number."""

    def put_in(node: Expr) -> Expr:
        if not isinstance(node, Ref) or node == DOTS:
            return node
        place = tuple(p - 1 for p in node.indices if isinstance(p, int))
        return arithmetic.leaf(values[node.symbol][place])

    return transform(expr, put_in)


def _form(
    node: Expr, values: Mapping[Symbol, Array], decimals: int | None, arithmetic: Arithmetic
) -> Expr:
    """The book form where rounded numbers still tell its value, else the stable one.

    Without ``decimals`` numbers are carried on as they are shown, always in the book form.
    """
    if not isinstance(node, Forms):
        return node
    if decimals is None or DOTS in walk(node):
        return node.book
    numbers = with_numbers(node.book, values, arithmetic)

    def rounded(leaf: Expr) -> Expr:
        return Value(round(leaf.value, decimals)) if isinstance(leaf, Value) else leaf

    told = value_of(transform(numbers, rounded), {}, arithmetic.library)
    true = value_of(with_numbers(node.stable, values, arithmetic), {}, arithmetic.library)
    return node.book if abs(told - true) <= 0.1 * abs(true) else expanded(node.stable, values)


def _opened(expr: Expr) -> Expr | None:
    """A function whose value is wanted, by its definition with the numbers in: 1/(1 + e^(−0.25))."""
    match expr:
        case Call(function, arguments) if len(arguments) == FUNCTIONS[function].arity:
            definition = None if function == CLEAR else FUNCTIONS[function].definition
            opened = definition(*arguments) if definition else None
            plain = opened is None or any(
                isinstance(n, Call) and n.function in _UNOPENED for n in walk(opened)
            )
            return None if plain or opened is None else _tidied(opened)
        case _:
            return None


CLEAR = "min"  # as plain as the maximum by which it is defined
_UNOPENED = ("step", "erf", "normal_pdf", "normal_cdf", "arctan")


def _tidied(expr: Expr) -> Expr:
    """Signs and numbers gathered: −1·(−1)·0.3 is 0.3."""

    def gathered(node: Expr) -> Expr:
        match node:
            case Product((Num(value), Value(number))) if value == -1 and number < 0:
                return Value(-number)
            case Product((Num(value), Num(number))) if value == -1 and number < 0:
                return Num(-number)
            case _:
                return node

    return transform(expr, gathered)


def _reductions(expr: Expr, arithmetic: Arithmetic) -> Iterator[Expr]:
    """The partial results: what is innermost is worked out first, line by line."""
    for _ in range(PARTIALS):
        smaller = _reduced(expr, arithmetic)
        if smaller == expr or any(_infinite(node) for node in walk(smaller)):
            return
        yield smaller
        expr = smaller


def _infinite(node: Expr) -> bool:
    return isinstance(node, Value) and not math.isfinite(node.value)


def _atomic(expr: Expr) -> bool:
    match expr:
        case Value() | Num():
            return True
        case Product((Num(value), Value() | Num())) if value == -1:
            return True
        case _:
            return False


def _reduced(expr: Expr, arithmetic: Arithmetic) -> Expr:
    """Every innermost operation worked out; a quotient is one operation with its product."""
    if _atomic(expr) or expr == DOTS or isinstance(expr, Ref):
        return expr
    parts = children(expr)

    def ready(part: Expr) -> bool:
        match part:
            case Power(base, Num(value)) if value == -1 and isinstance(expr, Product):
                return _atomic(base)
            case _:
                return _atomic(part)

    if all(ready(part) for part in parts):
        return arithmetic.leaf(value_of(expr, {}, arithmetic.library))
    if isinstance(expr, Product):
        done = tuple(_below(part, arithmetic) for part in parts)
    else:
        done = tuple(part if _atomic(part) else _reduced(part, arithmetic) for part in parts)
    return rebuild(expr, done)


def _below(factor: Expr, arithmetic: Arithmetic) -> Expr:
    """A divisor stays a divisor while what it divides by is worked out."""
    if isinstance(factor, Power) and factor.exponent == Num(-1):
        return Power(_reduced(factor.base, arithmetic), Num(-1))
    return factor if _atomic(factor) else _reduced(factor, arithmetic)
