"""What concerns one quantity: how it is computed, how it acts on the loss, and its update."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import (
    Expr,
    Ref,
    Symbol,
    refs,
)
from handgrad.errors import InputError
from handgrad.language.writing import name
from handgrad.numbers.page import (
    ELEMENTS,
    Item,
    Page,
    Remark,
    Section,
    chain_items,
    formula,
    graph_of,
    item_of,
    matrix_items,
    opens_out,
    shown_singly,
)

__all__ = ["UPDATE", "gradient_equation", "of_one"]

Array = Any
UPDATE = "Update"
"""The heading over the new values."""


def of_one(page: Page, of: Ref) -> Iterator[Section]:
    """The sections about one quantity or element. Raises ``InputError`` where it is given."""
    loss = page.problem.loss
    symbol = of.symbol
    if symbol == symbol.plain.gradient(loss):
        own = gradient_equation(page, symbol.plain)
        if own is not None:
            symbol = own.lhs.symbol
        if symbol.plain in page.problem.parameters:
            symbol = symbol.plain
        of = Ref(symbol, of.indices)
    targets = _targets(page, of)
    derived = gradient_equation(page, symbol) if symbol == symbol.plain else None
    defined = [e for e in page.derivation.equations if e.lhs.symbol == symbol]
    if defined:
        items = [*_explained(page, defined[0], targets)]
        yield Section(f"{_title(page, of)}", tuple(items))
    if derived:
        yield from _gradient_of(page, derived, targets, of)
    if symbol in page.problem.parameters:
        yield Section(UPDATE, tuple(_update_of(page, symbol, targets)))
    if not defined and not derived:
        raise InputError(f"{_title(page, of)} is given; there is nothing to work out.")


def _update_of(page: Page, symbol: Symbol, places: list[tuple[int, ...]]) -> Iterator[Item]:
    """What all parameters have in common, then the update of one."""
    for equation in page.derivation.phase(Phase.UPDATE):
        owner = equation.lhs.symbol.plain
        if owner == symbol:
            yield from _explained(page, equation, places)
        elif owner not in page.problem.parameters:
            yield from _explained(page, equation, [()])


def gradient_equation(page: Page, symbol: Symbol) -> Equation | None:
    """The equation of dL/dz, also where it goes by the name of δ."""
    names = (symbol.gradient(page.problem.loss), replace(symbol, state="δ"))
    return next((e for e in page.derivation.equations if e.lhs.symbol in names), None)


def _title(page: Page, of: Ref) -> str:
    """The public name of a quantity, the index of a single example left out."""
    single = page.problem.examples == 1 and of.symbol.plain in page.problem.batched
    return name(Ref(of.symbol, of.indices[1:] if single else of.indices))


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
    if len(places) != 1 or opens_out(equation):
        yield formula(page, equation)
    if len(places) == 1 or shown_singly(page, places):
        yield from (item_of(page, equation, place) for place in places)


def _gradient_of(
    page: Page, gradient: Equation, places: list[tuple[int, ...]], of: Ref
) -> Iterator[Section]:
    title = f"How {_title(page, of)} acts on the loss"
    if page.reading == "matrix":
        yield Section(title, tuple(matrix_items(page, gradient)))
    elif page.reading == "delta" or page.decimals is None:
        yield Section(title, tuple(_deltas_of(page, gradient, places)))
    else:
        graph, known = graph_of(page), set[Expr]()
        targets = (Ref(of.symbol, place) for place in places)
        items = [item for target in targets for item in chain_items(page, graph, target, known)]
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
