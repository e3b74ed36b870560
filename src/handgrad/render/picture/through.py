"""One quantity of a step in, how it acts on the loss through one example out, as lines of a caption.

The factors are those of ``explain``: the same graph, the same worked lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import cast

from handgrad.calculus.expr import Ref, Symbol
from handgrad.numbers.evaluate import value_of
from handgrad.numbers.lines import Line
from handgrad.numbers.page import Page, graph_of
from handgrad.numbers.paths import MOST_PATHS, Chain, Element
from handgrad.render.picture.labels import Label, Run, Writer, plain

__all__ = ["Example", "through"]

MOST_FACTORS = 12


@dataclass(frozen=True)
class Example:
    """The elements that belong to one example, and those that belong to none; a container."""

    batched: frozenset[Symbol]
    row: int

    def __contains__(self, element: object) -> bool:
        """Whether a path of this example may run through an element."""
        symbol, place = cast("Element", element)
        return symbol.plain not in self.batched or place[0] == self.row


def through(page: Page, of: Ref, row: int, write: Writer) -> Iterator[Label]:
    """The factors on the paths of one example, and their product; then the whole gradient."""
    graph = graph_of(page)
    element: Element = (of.symbol, tuple(n for n in of.indices if isinstance(n, int)))
    data = [len(page.values[symbol]) for symbol in page.problem.data]
    several = of.symbol not in page.problem.batched and max(data, default=1) > 1
    every = graph.paths(element, Example(page.problem.batched, row))
    # what acts without an example, such as a penalty, is no part of one
    paths = list(islice((p for p in every if len(p) > 1 or not several), MOST_PATHS + 1))
    if not 0 < len(paths) <= MOST_PATHS:
        yield plain("Many paths lead to the loss; the inner sums are put together:")
        yield from product(graph.chain(Ref(*element)).total, write)
        return
    found = graph.singly(element, paths)
    if len(found.factors) <= MOST_FACTORS:
        yield from (worked(factor, write) for factor in found.factors)
    if several:
        yield from of_one_example(found, write)
        lhs, total = graph.gradient(element)
        yield (*plain("All examples together:  "), *write.equal(write.formula(lhs), total))
    else:
        yield from product(found.total, write)


def worked(line: Line, write: Writer) -> Label:
    """A factor: its name, its formula, its number."""
    formula = write.formula(line.parts[0]) if len(line.parts) > 1 else ()
    named = (*write.formula(line.lhs), *((Run(" = "), *formula) if formula else ()))
    return write.equal(named, line.value)


def product(line: Line, write: Writer) -> Iterator[Label]:
    """The product in symbols, then in numbers with its value."""
    yield (*write.formula(line.lhs), Run(" = "), *write.formula(line.parts[0]))
    numbers = line.parts[1:-1][:1]
    runs: Label = tuple(run for part in numbers for run in (Run(" = "), *write.formula(part)))
    yield write.equal((*write.formula(line.lhs), *runs), line.value)


def of_one_example(found: Chain, write: Writer) -> Iterator[Label]:
    """The product, or sum of products, that one example adds to a gradient."""
    symbols, *rest = found.total.parts
    yield (*plain("This example adds  "), *write.formula(symbols))
    if len(rest) > 1:
        share = float(value_of(rest[0], {}))
        yield write.equal((*plain("in numbers  "), *write.formula(rest[0])), share)
    else:
        yield write.equal(plain("in numbers"), found.factors[0].value)
