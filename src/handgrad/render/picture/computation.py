"""A step of a problem in, what is computed from what in it: nodes, edges and their local derivatives.

A node is a whole quantity; where a step uses several examples, that of one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Ref, Symbol, refs
from handgrad.numbers.page import Page, graph_of
from handgrad.numbers.paths import Element, Graph

__all__ = ["Computation", "Edge"]

Edge = tuple[str, str]
Array = Any


@dataclass(frozen=True)
class Computation:
    """The graph of a step; ``of`` is the quantity whose paths are lit, ``row`` the example shown."""

    page: Page
    of: Ref | None
    row: int

    @cached_property
    def graph(self) -> Graph:
        """The elements of the problem, edge by edge."""
        return graph_of(self.page)

    @cached_property
    def equations(self) -> dict[str, Equation]:
        """The forward equations by the name they define, in order."""
        inlined = {e.lhs.symbol: e for e in self.graph.forward}
        forward = self.page.derivation.phase(Phase.FORWARD)
        kept = [e for e in forward if e.lhs.symbol != self.page.problem.per_example]
        return {str(e.lhs.symbol): inlined.get(e.lhs.symbol, e) for e in kept}

    @cached_property
    def symbols(self) -> dict[str, Symbol]:
        """The nodes: what is given and used, then what is computed, in order."""
        used = {r.symbol: None for e in self.equations.values() for r in refs(e.rhs)}
        given = [s for s in used if s in self.page.problem.values]
        return {str(s): s for s in (*given, *(e.lhs.symbol for e in self.equations.values()))}

    @cached_property
    def edges(self) -> list[Edge]:
        """Which node is computed from which."""
        found = {
            (str(ref.symbol), name): None
            for name, equation in self.equations.items()
            for ref in refs(equation.rhs)
            if str(ref.symbol) in self.symbols
        }
        return list(found)

    def array(self, symbol: Symbol) -> Array:
        """The value of a node: of one example where there are several."""
        array = self.page.values[symbol]
        return array[self.row - 1] if symbol.plain in self.page.problem.batched else array

    def element(self, symbol: Symbol) -> Element | None:
        """The one element of a node that is a single number."""
        array = self.array(symbol)
        if array.size != 1:
            return None
        first = (self.row,) if symbol.plain in self.page.problem.batched else ()
        return symbol, (*first, *(1 for _ in array.shape))

    @cached_property
    def slopes(self) -> dict[Edge, float]:
        """The local derivatives between single numbers, where the gradient goes on."""
        single = {e: name for name, s in self.symbols.items() if (e := self.element(s))}
        return {
            (name, single[upper]): self.graph.factor(upper, lower, local, direct=False).value
            for lower, name in single.items()
            if self.gradient(lower[0]) in self.page.values
            for upper, local in self.graph.find(lower, single)
        }

    def gradient(self, symbol: Symbol) -> Symbol:
        """The name of the derivative of the loss by a node."""
        return symbol.gradient(self.page.problem.loss)

    @cached_property
    def lit(self) -> set[Edge]:
        """The edges on the paths from ``of`` to the loss."""
        start = {str(self.of.symbol)} if self.of else set[str]()
        found: set[Edge] = set()
        single = {name for name, s in self.symbols.items() if self.element(s)}
        for edge in self.edges:  # in order: what an edge leads from was reached before
            acts = edge in self.slopes or not set(edge) <= single
            if edge[0] in start and acts and self.leads(edge[1]):
                start.add(edge[1])
                found.add(edge)
        return found

    def leads(self, name: str) -> bool:
        """Whether a node leads to the loss."""
        return any(e.lhs.symbol == self.symbols[name] for e in self.graph.forward)
