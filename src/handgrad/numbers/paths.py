"""The chain of factors for one element: every path from the loss down to it, edge by edge.

∂L/∂w = ∂L/∂a·∂a/∂z·∂z/∂w, each factor with its formula and number, summed over examples and paths.
Beyond eight paths the inner sums are collapsed: ∂L/∂z·x, with the number of paths told.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from handgrad.calculus.chain import local_derivative
from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import (
    Expr,
    Forms,
    Index,
    Num,
    Partial,
    Position,
    Product,
    Ref,
    Sum,
    Symbol,
    Value,
    bound_indices,
    children,
    refs,
    substitute,
)
from handgrad.numbers.arithmetic import FLOATS, Arithmetic
from handgrad.numbers.evaluate import value_of
from handgrad.numbers.lines import Line, expanded, in_full, line, line_of

__all__ = ["MOST_PATHS", "Chain", "Element", "Graph", "chain"]

Array = Any
Element = tuple[Symbol, tuple[int, ...]]
MOST_PATHS = 8


@dataclass(frozen=True)
class Chain:
    """How one element acts on the loss.

    ``factors`` are the lines of the local derivatives, ``total`` the product (or sum of products).
    ``paths`` says over how many paths the sum runs; ``collapsed`` that they are not shown singly.
    """

    factors: tuple[Line, ...]
    total: Line
    paths: int
    collapsed: bool


def chain(
    derivation: Derivation,
    forward: Sequence[Equation],
    target: Ref,
    values: Mapping[Symbol, Array],
    decimals: int | None = 4,
    arithmetic: Arithmetic = FLOATS,
) -> Chain:
    """The chain of one element such as ``W1[2,1]``; ``forward`` are the equations paths run through.

    The result's value is the gradient in ``values``.
    """
    return Graph(derivation, forward, values, decimals, arithmetic).chain(target)


class Graph:
    """The elements of a problem as a graph: an edge wherever one is computed from another.

    One graph serves the chains of all parameters; an edge is differentiated once.
    """

    def __init__(
        self,
        derivation: Derivation,
        forward: Sequence[Equation],
        values: Mapping[Symbol, Array],
        decimals: int | None,
        arithmetic: Arithmetic = FLOATS,
    ) -> None:
        self.derivation, self.loss = derivation, derivation.loss
        self.forward = _leading_to_the_loss(forward, derivation.loss)
        self.values, self.decimals, self.arithmetic = values, decimals, arithmetic
        self.edges: dict[Element, list[tuple[Element, Expr]]] = {}

    def chain(self, target: Ref) -> Chain:
        """The chain of one element: its paths singly, or collapsed where they are many."""
        element = (target.symbol, tuple(p for p in target.indices if isinstance(p, int)))
        many = self.count(target.symbol)
        if many <= 8 * MOST_PATHS:
            paths = list(self.paths(element))
            if 0 < len(paths) <= MOST_PATHS:
                return self.singly(element, paths)
            many = len(paths)
        return self.collapsed(element, many)

    def count(self, symbol: Symbol) -> int:
        """How many paths lead from an element of a symbol to the loss, zeros not looked at."""
        if symbol == self.loss:
            return 1
        total = 0
        for equation in self.forward:
            for ref in _used(equation.rhs):
                if ref.symbol == symbol:
                    fixed = {p.name for p in ref.indices if isinstance(p, Index)}
                    sizes = self.shape(equation)
                    free = (s for name, s in sizes.items() if name not in fixed)
                    total += math.prod(free) * self.count(equation.lhs.symbol)
        return total

    def shape(self, equation: Equation) -> dict[str, int]:
        """How far each index of a left side runs."""
        sizes = self.values[equation.lhs.symbol].shape
        return {str(p): n for p, n in zip(equation.lhs.indices, sizes, strict=True)}

    def above(self, element: Element) -> list[tuple[Element, Expr]]:
        """The elements computed from this one, each with the local derivative."""
        if element not in self.edges:
            self.edges[element] = list(self.find(element))
        return self.edges[element]

    def find(
        self, element: Element, among: Container[Element] | None = None
    ) -> Iterator[tuple[Element, Expr]]:
        """What ``above`` keeps, equation by equation; or only those of some elements."""
        symbol, at = element
        for equation in self.forward:
            for place in self.places(equation, symbol, at):
                if among is not None and (equation.lhs.symbol, place) not in among:
                    continue
                local = local_derivative(equation, place, symbol, at)
                if local != Num(0):
                    yield (equation.lhs.symbol, place), self.known(equation, symbol, at, local)

    def known(self, equation: Equation, symbol: Symbol, at: tuple[int, ...], local: Expr) -> Expr:
        """Where the loss is next, the gradient that was derived: it has the shortcut, if there is one."""
        if equation.lhs.symbol != self.loss:
            return local
        gradient = symbol.gradient(self.loss)
        users = [e for e in self.forward if any(r.symbol == symbol for r in _used(e.rhs))]
        if len(users) > 1:
            return local
        for derived in self.derivation.phase(Phase.BACKWARD):
            if derived.lhs.symbol == gradient:
                element = Ref(gradient, at)
                return derived.at(element)
        return local

    def places(
        self, equation: Equation, symbol: Symbol, at: tuple[int, ...]
    ) -> Iterator[tuple[int, ...]]:
        """The elements of an equation in which u[at] may occur."""
        seen: set[tuple[int, ...]] = set()
        sizes = self.shape(equation)
        for ref in _used(equation.rhs):
            if ref.symbol != symbol:
                continue
            pairs = list(zip(ref.indices, at, strict=True))
            if any(isinstance(p, int) and p != n for p, n in pairs):
                continue
            fixed = {p.name: n for p, n in pairs if isinstance(p, Index)}
            ranges = ([fixed[k]] if k in fixed else range(1, n + 1) for k, n in sizes.items())
            for place in product(*ranges):
                if place not in seen:
                    seen.add(place)
                    yield place

    def paths(
        self, element: Element, among: Container[Element] | None = None
    ) -> Iterator[list[tuple[Element, Element, Expr]]]:
        """Every path from the loss to the element, as edges (upper, lower, derivative).

        With ``among`` only those through some elements, found one after the other.
        """
        if element[0] == self.loss:
            yield []
            return
        for upper, local in self.above(element) if among is None else self.find(element, among):
            for path in self.paths(upper, among):
                yield [*path, (upper, element, local)]

    def ref(self, element: Element) -> Ref:
        """The element as a reference."""
        return Ref(element[0], element[1])

    def gradient(self, element: Element) -> tuple[Ref, Any]:
        """The derivative of the loss by an element: its name and its value."""
        symbol = element[0].gradient(self.loss)
        array = self.values[symbol]
        value = array[tuple(n - 1 for n in element[1])]
        return Ref(symbol, element[1]), self.arithmetic.plain(value)

    def singly(self, element: Element, paths: list[list[tuple[Element, Element, Expr]]]) -> Chain:
        """Every path written out; each local derivative explained once."""
        factors: dict[tuple[Element, Element], Line] = {}
        for path in paths:
            for upper, lower, local in path:
                if (upper, lower) not in factors:
                    other = upper[0] == self.loss and len(self.above(lower)) > 1
                    factors[upper, lower] = self.factor(upper, lower, local, direct=other)
        leaf = self.arithmetic.leaf
        symbols: list[Expr] = []
        numbers: list[Expr] = []
        for path in paths:
            edges = [(upper, lower) for upper, lower, _ in path]
            symbols.append(_times([factors[e].lhs for e in edges]))
            numbers.append(_times([leaf(factors[e].value) for e in edges]))
        lhs, value = self.gradient(element)
        parts = [_plus(symbols), _plus(numbers)]
        if len(paths) > 1:
            products = [math.prod(factors[u, v].value for u, v, _ in path) for path in paths]
            parts.append(_plus([leaf(p) for p in products]))
        if isinstance(parts[1], Value | Num):
            parts.pop()
        total = Line(lhs, (*parts, *in_full(value, self.arithmetic), Value(value)))
        return Chain(tuple(factors.values()), total, len(paths), False)

    def factor(self, upper: Element, lower: Element, local: Expr, *, direct: bool) -> Line:
        """The worked line of one local derivative."""
        lhs = Partial(self.ref(upper), self.ref(lower), direct)
        value = value_of(local, self.values, self.arithmetic.library)
        symbols = expanded(local, self.values)
        return line_of(lhs, symbols, value, self.values, self.decimals, arithmetic=self.arithmetic)

    def collapsed(self, element: Element, many: int) -> Chain:
        """The gradient by its own equation, with the gradients it is made of."""
        lhs, _ = self.gradient(element)
        total = self.line(lhs.symbol, element[1])
        factors: dict[Ref, Line] = {}
        for ref in [r for r in refs(total.parts[0]) if r.symbol.loss][:4]:
            own = self.derived(ref)
            for inner in refs(own.parts[0]):
                if inner.symbol.loss and inner.indices == ref.indices:
                    factors.setdefault(inner, self.derived(inner))
            factors.setdefault(ref, own)
        return Chain(tuple(factors.values()), total, many, True)

    def derived(self, ref: Ref) -> Line:
        """The worked line of an element of a derived gradient."""
        place = tuple(p for p in ref.indices if isinstance(p, int))
        return self.line(ref.symbol, place)

    def line(self, symbol: Symbol, place: tuple[int, ...]) -> Line:
        """The worked line of an element of a derived quantity."""
        equation = self.derivation.defining(symbol)
        return line(equation, place, self.values, self.decimals, self.arithmetic)


def _leading_to_the_loss(forward: Sequence[Equation], loss: Symbol) -> tuple[Equation, ...]:
    live, kept = {loss}, list[Equation]()
    for equation in reversed(forward):
        if equation.lhs.symbol in live:
            live |= {ref.symbol for ref in _used(equation.rhs)}
            kept.append(equation)
    return tuple(reversed(kept))


def _used(expr: Expr) -> Iterator[Ref]:
    """The references that paths run through: of two forms the one that is evaluated.

    An index bound here is set aside: in h[i] = Σ_i x[i] it is another i than on the left.
    """
    if isinstance(expr, Forms):
        yield from _used(expr.stable)
    elif isinstance(expr, Ref):
        yield expr
    aside: dict[str, Position] = {
        i.name: replace(i, name=f"{i.name}′") for i in bound_indices(expr)
    }
    for part in () if isinstance(expr, Forms) else children(expr):
        yield from _used(substitute(part, aside))


def _times(factors: list[Expr]) -> Expr:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _plus(terms: list[Expr]) -> Expr:
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))
