"""What the pages are made of: sections, and one item for an element, a formula, a chain, a matrix.

A ``Page`` is one step of a problem in one reading; nothing here decides what is shown of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Index,
    Ref,
    Sigma,
    Symbol,
    refs,
    transform,
    walk,
)
from handgrad.errors import InputError, LanguageError
from handgrad.language.reading import parse_element
from handgrad.model.problem import Problem
from handgrad.model.spelling import closest
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.lines import Line, line
from handgrad.numbers.paths import Graph
from handgrad.rewrites.matrix import by_columns, matrix_form
from handgrad.rewrites.names import inlined

__all__ = [
    "ELEMENTS",
    "Formula",
    "Item",
    "Page",
    "Remark",
    "Section",
    "chain_items",
    "element",
    "formula",
    "graph_of",
    "item_of",
    "matrix_items",
    "opens_out",
    "shown_singly",
    "single_element",
]

Array = Any
IN_SYMBOLS = 8  # elements of one array written out where only symbols are wanted
ELEMENTS = 32  # elements of one array worked out where all of it is asked for


@dataclass(frozen=True)
class Formula:
    """An equation in symbols alone."""

    lhs: Expr
    rhs: Expr


@dataclass(frozen=True)
class Remark:
    """A sentence."""

    text: str


Item = Line | Formula | Remark


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it."""

    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True)
class Page:
    """What a page of one step is made from."""

    problem: Problem
    derivation: Derivation
    trace: Trace
    reading: str = "steps"
    symbols_only: bool = False
    full: bool = False
    decimals: int | None = 4  # None: every result is rounded as it is shown, and carried on

    @property
    def values(self) -> Mapping[Symbol, Array]:
        """The value of every quantity of the step."""
        return self.trace.arrays

    @property
    def columns(self) -> bool:
        """Whether the matrix reading has an example in each column."""
        return self.problem.notation.vectors == "columns"

    def elements(self, equation: Equation) -> Iterator[tuple[int, ...]]:
        """Every element an equation defines."""
        shape = self.values[equation.lhs.symbol].shape
        return product(*(range(1, size + 1) for size in shape))

    def line(self, equation: Equation, place: tuple[int, ...]) -> Line:
        """The worked line of one element."""
        return line(equation, place, self.values, self.decimals, self.trace.arithmetic)


def element(problem: Problem, trace: Trace, written: str) -> Ref:
    """The quantity or element a user names; with a single example its index may be left out.

    Raises ``InputError`` for a name or an index that does not exist.
    """
    names = {str(symbol): symbol for symbol in trace.arrays}
    try:
        ref = parse_element(written, names)
    except LanguageError as error:  # its line and column say nothing about a single name
        raise InputError(f"{error.message}{_meant(problem, names, written)}") from None
    shape = np.shape(trace.arrays[ref.symbol])
    places = tuple(p for p in ref.indices if isinstance(p, int))
    if (
        ref.symbol.plain in problem.batched
        and problem.examples == 1
        and len(places) == len(shape) - 1
    ):
        places = (1, *places)
    if places and len(places) != len(shape):
        example = f"{ref.symbol}[{','.join('1' for _ in shape)}]" if shape else str(ref.symbol)
        count = f"has {len(shape)} indices" if shape else "is a single number"
        raise InputError(f"{written:.60}: {ref.symbol} {count}. Write {example}.")
    for n, (place, size) in enumerate(zip(places, shape, strict=False), 1):
        if place > size:
            raise InputError(f"{written}: index {n} of {ref.symbol} runs from 1 to {size}.")
    return Ref(ref.symbol, places if places or not shape else ())


def single_element(problem: Problem, trace: Trace, written: str) -> Ref:
    """One number that acts on the loss, as ``dL/dW1[2,1]`` or ``W1[2,1]``: what its derivative is by.

    Raises ``InputError`` for a name that does not exist or is not one number, and for what has no
    derivative.
    """
    found = element(problem, trace, written)
    symbol, loss = found.symbol.plain, problem.loss
    shape = np.shape(trace.arrays[symbol])
    places = found.indices or tuple(1 for _ in shape)
    if math.prod(shape) > 1 and not found.indices:
        first = ",".join("1" for _ in places)
        raise InputError(f"{written}: a picture follows one number, such as {symbol}[{first}].")
    if symbol == loss or symbol.gradient(loss) not in trace.arrays:
        raise InputError(
            f"{written}: no derivative of {loss} by {symbol} is needed for the update."
        )
    return Ref(symbol, places)


def _meant(problem: Problem, names: Iterable[str], written: str) -> str:
    """Which quantity was probably meant: one that the page shows under that name, or one like it."""
    notation = problem.notation
    shown = {str(problem.loss): notation.loss, "y": notation.target, "η": notation.learning_rate}
    for own, letters in {**shown, **notation.names}.items():
        if letters and _plain(letters) == _plain(written):
            return f" The page shows {own} as {letters}: write {own}."
    base, bracket, rest = written.partition("[")
    near = closest(base.strip(), names)
    return f" Did you mean {near}{bracket}{rest}?" if near and near != base else ""


def _plain(written: str) -> str:
    """A name without the marks of subscripts and superscripts: w_{11}, w_11 and w11 are one."""
    return re.sub(r"[\s_^{}\\]", "", written)


def shown_singly(page: Page, places: Sequence[tuple[int, ...]]) -> bool:
    """Whether the elements follow the formula: always with numbers, in symbols only if they are few."""
    return not page.symbols_only or (page.problem.examples == 1 and len(places) <= IN_SYMBOLS)


def item_of(page: Page, equation: Equation, place: tuple[int, ...]) -> Item:
    """The worked line of one element, or its formula where only symbols are wanted."""
    worked = page.line(equation, place)
    return Formula(worked.lhs, worked.parts[0]) if page.symbols_only else worked


def formula(page: Page, equation: Equation) -> Formula:
    """The equation in symbols; with a single example no sum over examples."""
    if page.problem.examples > 1:
        return Formula(equation.lhs, equation.rhs)

    def single(node: Expr) -> Expr:
        if not isinstance(node, Sigma):
            return node
        kept = tuple(i for i in node.indices if not _counts_examples(page, i))
        return Sigma(kept, node.body) if kept else node.body

    return Formula(equation.lhs, transform(equation.rhs, single))


def _counts_examples(page: Page, index: Index) -> bool:
    batched = index.axis is not None and index.axis[0].plain in page.problem.batched
    return batched and index.axis is not None and index.axis[1] == 0


def opens_out(equation: Equation) -> bool:
    """Whether the line of a single element would not show the formula as it is."""
    return any(isinstance(node, Along) for node in walk(equation.rhs))


def chain_items(page: Page, graph: Graph, target: Ref, known: set[Expr]) -> Iterator[Item]:
    """The chain of factors of one element; a factor that is known already is not shown again."""
    found = graph.chain(target)
    if found.total.lhs and len(found.total.parts) > 1:
        yield Formula(found.total.lhs, found.total.parts[0])
    if found.paths > 1:
        yield Remark(_paths(found.paths, found.collapsed))
    for factor in found.factors:
        if factor.lhs not in known:
            known.add(factor.lhs)
            yield factor if not page.symbols_only else Formula(factor.lhs, factor.parts[0])
    if not page.symbols_only:
        yield found.total


def _paths(count: int, collapsed: bool) -> str:
    if collapsed:
        return f"{count:,} paths lead to the loss; the inner sums are put together."
    return f"{count} paths lead to the loss; their products are added."


def graph_of(page: Page) -> Graph:
    """The graph of a page, through which all its chains run."""
    forward = page.derivation.phase(Phase.FORWARD)
    if page.problem.per_example:
        forward = inlined(forward, page.problem.per_example)
    return Graph(page.derivation, forward, page.values, page.decimals, page.trace.arithmetic)


def matrix_items(page: Page, equation: Equation) -> Iterator[Item]:
    """One equation between whole arrays, with their numbers where they are small."""
    whole = matrix_form(equation)
    if equation.why:
        yield Remark(equation.why)
    if whole is None:
        yield Formula(equation.lhs, equation.rhs)
        return
    array = page.values[equation.lhs.symbol]
    if page.columns:
        matrices = {symbol for symbol, value in page.values.items() if value.ndim == 2}
        whole = by_columns(whole, matrices, page.problem.batched)
    if page.symbols_only or not _small(array) or not _all_small(page, whole):
        yield Formula(whole.lhs, whole.rhs)
        return
    numbers = transform(whole.rhs, lambda node: _array(node, page))
    parts = (whole.rhs, numbers) if numbers != whole.rhs else (whole.rhs,)
    value = _array(Ref(equation.lhs.symbol), page)
    yield Line(whole.lhs, (*parts, value) if parts[-1] != value else parts)


def _all_small(page: Page, equation: Equation) -> bool:
    return all(_small(page.values[ref.symbol]) for ref in refs(equation.rhs))


def _small(array: Array) -> bool:
    """Whether an array is written out: one of three axes is not, however few elements it has."""
    return array.size <= ELEMENTS and array.ndim <= 2


def _array(node: Expr, page: Page) -> Expr:
    if not isinstance(node, Ref):
        return node
    array, leaf = page.values[node.symbol], page.trace.arithmetic.leaf
    if array.ndim == 0:
        return leaf(array)
    if array.ndim == 1:
        array = array[:, None] if page.columns else array[None, :]
    elif page.columns and node.symbol.plain in page.problem.batched:
        array = array.T
    return Call("rows", tuple(Call("row", tuple(map(leaf, row))) for row in array))
