"""One step of a problem as sections of worked lines, in the reading of the backward pass asked for.

``steps`` shows dL/da, dL/dz, dL/dW equation by equation; ``chain`` the factors of every parameter;
``delta`` the same with δ for dL/dz; ``matrix`` whole arrays at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    Value,
    refs,
    transform,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.calculus.matrix import matrix_form
from handgrad.calculus.rewrite import delta_form, inlined
from handgrad.errors import InputError, LanguageError
from handgrad.language.reading import parse_element
from handgrad.model.problem import Problem
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.lines import Line, line
from handgrad.numbers.paths import Graph
from handgrad.numbers.proofs import PRIMED, proof

__all__ = [
    "READINGS",
    "Formula",
    "Item",
    "Page",
    "Remark",
    "Section",
    "appendix",
    "derivative",
    "element",
    "known_reading",
    "sections",
]

Array = Any
READINGS = ("steps", "chain", "delta", "matrix")
IN_FULL = 2_000  # scalar operations of a page shown in full; beyond, one line stands for its kind
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

    def elements(self, equation: Equation) -> Iterator[tuple[int, ...]]:
        """Every element an equation defines."""
        shape = self.values[equation.lhs.symbol].shape
        return product(*(range(1, size + 1) for size in shape))

    def line(self, equation: Equation, place: tuple[int, ...]) -> Line:
        """The worked line of one element."""
        return line(equation, place, self.values, self.decimals)


def element(problem: Problem, trace: Trace, written: str) -> Ref:
    """The quantity or element a user names; with a single example its index may be left out.

    Raises ``InputError`` for a name or an index that does not exist.
    """
    names = {str(symbol): symbol for symbol in trace.arrays}
    try:
        ref = parse_element(written, names)
    except LanguageError as error:  # its line and column say nothing about a single name
        raise InputError(error.message) from None
    shape = np.shape(trace.arrays[ref.symbol])
    places = tuple(p for p in ref.indices if isinstance(p, int))
    if (
        ref.symbol.plain in problem.batched
        and problem.examples == 1
        and len(places) == len(shape) - 1
    ):
        places = (1, *places)
    if places and len(places) != len(shape):
        raise InputError(f"{written}: {ref.symbol} has {len(shape)} indices.")
    for n, (place, size) in enumerate(zip(places, shape, strict=False), 1):
        if place > size:
            raise InputError(f"{written}: index {n} of {ref.symbol} runs from 1 to {size}.")
    return Ref(ref.symbol, places if places or not shape else ())


def known_reading(name: str) -> str:
    """The name of a reading that there is; else ``InputError``."""
    if name not in READINGS:
        raise InputError(f"There is no reading {name!r:.60}. There are {', '.join(READINGS)}.")
    return name


def sections(page: Page, of: Ref | None = None) -> tuple[Section, ...]:
    """The sections of a page: all of a step, or what concerns one quantity."""
    if page.reading == "delta" and page.decimals is not None:
        deltas = _with_deltas(page)
        hidden = of is not None and not _derived(deltas, of.symbol.plain)
        page = page if hidden else deltas  # dL/da, which stands inside a δ, is asked for
    if of is not None:
        return tuple(_of_one(page, of))
    made = _matrix_page(page) if page.reading == "matrix" else _whole_page(page)
    return tuple(Section(s.title, _said_once(s.items)) for s in made if s.items)


def _said_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """A sentence is not said again right after itself, and nothing is said where there is nothing."""
    kept: list[Item] = []
    said: Item | None = None
    for item in items:
        if item not in (said, Remark("")):
            kept.append(item)
        said = item if isinstance(item, Remark) else said
    return tuple(kept)


def _with_deltas(page: Page) -> Page:
    derivation = delta_form(page.derivation)
    values = {s: page.values[s] for s in derivation.givens}
    trace = evaluate(derivation, values, page.values[page.problem.loss].dtype)
    return replace(page, derivation=derivation, trace=Trace({**page.values, **trace.arrays}))


def appendix(derivation: Derivation) -> tuple[Section, ...]:
    """The derivatives of the functions in the forward pass, each derived line by line."""
    used = dict.fromkeys(
        node.function
        for equation in derivation.phase(Phase.FORWARD)
        for node in walk(equation.rhs)
        if isinstance(node, Call)
    )
    known = (f for f in used if f in FUNCTIONS and FUNCTIONS[f].arity and FUNCTIONS[f].definition)
    return tuple(derivative(function) for function in known)


def derivative(function: str) -> Section:
    """The derivative of one function, derived line by line."""
    found = proof(function)
    items: list[Item] = []
    constants = (Ref(Symbol("c")),) * (FUNCTIONS[function].arity - 1)
    lhs = Call(PRIMED, (Call(function, (Ref(Symbol("z")), *constants)),))
    for expr, why in found.lines:
        items += [Remark(why), Formula(lhs, expr)]
    return Section(f"Appendix: the derivative of {function}", tuple(items))


# --- a whole step ----------------------------------------------------------------------------


def _whole_page(page: Page) -> Iterator[Section]:
    before, loss = _forward(page)
    short = not page.full and sum(_operations(page, e) for e in page.derivation.equations) > IN_FULL
    yield Section("Forward pass", tuple(_groups(page, _grouped(before), short)))
    yield Section("Loss", tuple(_groups(page, [[e] for e in loss], short)))
    backward = page.derivation.phase(Phase.BACKWARD)
    if page.reading == "chain" and not short:
        yield from _chains(page)
    else:
        yield Section("Backward pass", tuple(_groups(page, [[e] for e in backward], short)))
    update = page.derivation.phase(Phase.UPDATE)
    yield Section("Update", tuple(_groups(page, _by_parameter(update), short)))


def _forward(page: Page) -> tuple[list[Equation], list[Equation]]:
    """The forward pass up to the loss, and the loss."""
    forward = page.derivation.phase(Phase.FORWARD)
    loss = [e for e in forward if e.lhs.symbol in (page.problem.loss, page.problem.per_example)]
    return [e for e in forward if e not in loss], loss


def _operations(page: Page, equation: Equation) -> int:
    """Roughly how many scalar operations an equation takes."""
    size = math.prod(page.values[equation.lhs.symbol].shape)
    inner = 1
    for node in walk(equation.rhs):
        if isinstance(node, Sigma):
            for index in node.indices:
                inner *= page.values[index.axis[0]].shape[index.axis[1]] if index.axis else 1
    return size * inner


def _grouped(equations: Sequence[Equation]) -> list[list[Equation]]:
    """Weighted sum and activation of one layer together, so that a unit is worked through at once."""
    groups: list[list[Equation]] = []
    for equation in equations:
        follows = groups and _follows(equation, groups[-1][0])
        if follows:
            groups[-1].append(equation)
        else:
            groups.append([equation])
    return groups


def _follows(equation: Equation, first: Equation) -> bool:
    used = {ref for ref in refs(equation.rhs) if ref.symbol == first.lhs.symbol}
    vector = any(isinstance(node, Along) for node in walk(equation.rhs))
    only = {ref.symbol for ref in refs(equation.rhs)} == {first.lhs.symbol}
    return only and not vector and used == {first.lhs} and equation.lhs.indices == first.lhs.indices


def _by_parameter(equations: Sequence[Equation]) -> list[list[Equation]]:
    """State and new value of one parameter together."""
    groups: dict[Symbol, list[Equation]] = {}
    for equation in equations:
        groups.setdefault(equation.lhs.symbol.plain, []).append(equation)
    return list(groups.values())


def _groups(page: Page, groups: Iterable[Sequence[Equation]], short: bool) -> Iterator[Item]:
    for group in groups:
        yield from _group(page, group, short)


def _group(page: Page, group: Sequence[Equation], short: bool) -> Iterator[Item]:
    """The sentences and formulas of some equations, then their elements in turn."""
    places = list(page.elements(group[0]))
    if len(places) == 1:
        for equation in group:
            yield from _alone(page, equation, places[0])
        return
    yield Remark(" ".join(equation.why for equation in group if equation.why))
    for equation in group:
        yield _formula(page, equation)
    if not _shown_singly(page, places):
        return
    for place in places[:1] if short else places:
        for equation in group:
            yield _item(page, equation, place)
    if short:
        yield Remark(f"{len(places) - 1:,} more elements are worked out in the same way.")


def _alone(page: Page, equation: Equation, place: tuple[int, ...]) -> Iterator[Item]:
    """An equation that defines a single number: its formula only where the line does not show it."""
    general = page.symbols_only and page.problem.examples > 1
    yield Remark(equation.why)
    if general or _opens_out(equation):
        yield _formula(page, equation)
    if not general:
        yield _item(page, equation, place)


def _shown_singly(page: Page, places: Sequence[tuple[int, ...]]) -> bool:
    """Whether the elements follow the formula: always with numbers, in symbols only if they are few."""
    return not page.symbols_only or (page.problem.examples == 1 and len(places) <= IN_SYMBOLS)


def _item(page: Page, equation: Equation, place: tuple[int, ...]) -> Item:
    """The worked line of one element, or its formula where only symbols are wanted."""
    worked = page.line(equation, place)
    return Formula(worked.lhs, worked.parts[0]) if page.symbols_only else worked


def _formula(page: Page, equation: Equation) -> Formula:
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


def _opens_out(equation: Equation) -> bool:
    """Whether the line of a single element would not show the formula as it is."""
    return any(isinstance(node, Along) for node in walk(equation.rhs))


def _chains(page: Page) -> Iterator[Section]:
    """The chain of factors of every trained number, from the output back; each factor once."""
    graph, known = _graph(page), set[Expr]()
    items: list[Item] = []
    for gradient in page.derivation.phase(Phase.BACKWARD):
        if gradient.lhs.symbol.plain in page.derivation.parameters:
            for place in page.elements(gradient):
                items += _chain(page, graph, Ref(gradient.lhs.symbol.plain, place), known)
    yield Section("Backward pass: the chain of factors", tuple(items))


def _chain(page: Page, graph: Graph, target: Ref, known: set[Expr]) -> Iterator[Item]:
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


def _graph(page: Page) -> Graph:
    forward = page.derivation.phase(Phase.FORWARD)
    if page.problem.per_example:
        forward = inlined(forward, page.problem.per_example)
    return Graph(page.derivation, forward, page.values, page.decimals)


# --- matrices --------------------------------------------------------------------------------


def _matrix_page(page: Page) -> Iterator[Section]:
    before, loss = _forward(page)
    parts = {
        "Forward pass": before,
        "Loss": loss,
        "Backward pass": page.derivation.phase(Phase.BACKWARD),
        "Update": page.derivation.phase(Phase.UPDATE),
    }
    for title, equations in parts.items():
        yield Section(title, tuple(i for e in equations for i in _matrix_items(page, e)))


def _matrix_items(page: Page, equation: Equation) -> Iterator[Item]:
    whole = matrix_form(equation)
    if equation.why:
        yield Remark(equation.why)
    if whole is None:
        yield Formula(equation.lhs, equation.rhs)
        return
    array = page.values[equation.lhs.symbol]
    if page.symbols_only or not _small(array) or not _all_small(page, whole):
        yield Formula(whole.lhs, whole.rhs)
        return
    numbers = transform(whole.rhs, lambda node: _array(node, page.values))
    parts = (whole.rhs, numbers) if numbers != whole.rhs else (whole.rhs,)
    value = _array(Ref(equation.lhs.symbol), page.values)
    yield Line(whole.lhs, (*parts, value) if parts[-1] != value else parts)


def _all_small(page: Page, equation: Equation) -> bool:
    return all(_small(page.values[ref.symbol]) for ref in refs(equation.rhs))


def _small(array: Array) -> bool:
    """Whether an array is written out: one of three axes is not, however few elements it has."""
    return array.size <= ELEMENTS and array.ndim <= 2


def _array(node: Expr, values: Mapping[Symbol, Array]) -> Expr:
    if not isinstance(node, Ref):
        return node
    array = values[node.symbol]
    if array.ndim == 0:
        return Value(float(array))
    if array.ndim == 1:
        return Call("rows", (_row(array),))
    return Call("rows", tuple(_row(row) for row in array))


def _row(row: Array) -> Call:
    return Call("row", tuple(Value(float(v)) for v in row))


# --- one quantity ----------------------------------------------------------------------------


def _of_one(page: Page, of: Ref) -> Iterator[Section]:
    loss = page.problem.loss
    symbol = of.symbol
    if symbol == symbol.plain.gradient(loss):
        own = _derived(page, symbol.plain)
        if own is not None:
            symbol = own.lhs.symbol
        if symbol.plain in page.problem.parameters:
            symbol = symbol.plain
        of = Ref(symbol, of.indices)
    targets = _targets(page, of)
    derived = _derived(page, symbol) if symbol == symbol.plain else None
    defined = [e for e in page.derivation.equations if e.lhs.symbol == symbol]
    if defined:
        items = [*_explained(page, defined[0], targets)]
        yield Section(f"{_title(of)}", tuple(items))
    if derived:
        yield from _gradient_of(page, derived, targets, of)
    update = [e for e in page.derivation.phase(Phase.UPDATE) if e.lhs.symbol.plain == symbol]
    if symbol in page.problem.parameters:
        items = [item for e in update for item in _explained(page, e, targets)]
        yield Section("Update", tuple(items))
    if not defined and not derived:
        raise InputError(f"{_title(of)} is given; there is nothing to work out.")


def _derived(page: Page, symbol: Symbol) -> Equation | None:
    """The equation of dL/dz, also where it goes by the name of δ."""
    names = (symbol.gradient(page.problem.loss), replace(symbol, state="δ"))
    return next((e for e in page.derivation.equations if e.lhs.symbol in names), None)


def _title(of: Ref) -> str:
    inside = ",".join(str(p) for p in of.indices)
    return f"{of.symbol}[{inside}]" if inside else str(of.symbol)


def _targets(page: Page, of: Ref) -> list[tuple[int, ...]]:
    place = tuple(p for p in of.indices if isinstance(p, int))
    shape = page.values[of.symbol].shape
    if place or not shape:
        return [place]
    if math.prod(shape) > ELEMENTS and not page.symbols_only:
        raise InputError(
            f"{of.symbol} has {math.prod(shape):,} elements. Name one, such as "
            f"{of.symbol}[{','.join('1' for _ in shape)}]."
        )
    return list(product(*(range(1, size + 1) for size in shape)))


def _explained(page: Page, equation: Equation, places: list[tuple[int, ...]]) -> Iterator[Item]:
    if equation.why:
        yield Remark(equation.why)
    if len(places) != 1 or _opens_out(equation):
        yield _formula(page, equation)
    if len(places) == 1 or _shown_singly(page, places):
        yield from (_item(page, equation, place) for place in places)


def _gradient_of(
    page: Page, gradient: Equation, places: list[tuple[int, ...]], of: Ref
) -> Iterator[Section]:
    title = f"How {_title(of)} acts on the loss"
    if page.reading == "matrix":
        yield Section(title, tuple(_matrix_items(page, gradient)))
    elif page.reading == "delta" or page.decimals is None:
        yield Section(title, tuple(_deltas_of(page, gradient, places)))
    else:
        graph, known = _graph(page), set[Expr]()
        targets = (Ref(of.symbol, place) for place in places)
        items = [item for target in targets for item in _chain(page, graph, target, known)]
        yield Section(title, tuple(items))


def _deltas_of(page: Page, gradient: Equation, places: list[tuple[int, ...]]) -> Iterator[Item]:
    """The gradient in δ, and every δ that its lines show, from the output back."""
    backward = page.derivation.phase(Phase.BACKWARD)
    needed: dict[Symbol, dict[tuple[int, ...], None]] = {}
    waiting = [(gradient, place) for place in places]
    while waiting:
        equation, place = waiting.pop()
        for ref in refs(page.line(equation, place).parts[0]):
            other = next((e for e in backward if e.lhs.symbol == ref.symbol), None)
            at = tuple(p for p in ref.indices if isinstance(p, int))
            if other is not None and at not in needed.setdefault(ref.symbol, {}):
                needed[ref.symbol][at] = None
                waiting.append((other, at))
    for equation in backward:
        if equation.lhs.symbol in needed:
            yield from _explained(page, equation, sorted(needed[equation.lhs.symbol]))
    yield from _explained(page, gradient, places)
