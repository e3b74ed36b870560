"""One step of a problem as sections of worked lines, in the reading of the backward pass asked for.

``steps`` shows dL/da, dL/dz, dL/dW equation by equation; ``chain`` the factors of every parameter;
``delta`` the same with δ for dL/dz; ``matrix`` whole arrays at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Ref,
    Sigma,
    Symbol,
    Value,
    refs,
    walk,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import InputError
from handgrad.model.optimizers import ETA
from handgrad.model.schedules import Schedule
from handgrad.model.spelling import did_you_mean
from handgrad.numbers.evaluate import Trace, evaluate
from handgrad.numbers.page import (
    Formula,
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
from handgrad.numbers.proofs import PRIMED, proof
from handgrad.numbers.quantity import UPDATE, gradient_equation, of_one
from handgrad.rewrites.delta import delta_form

__all__ = ["READINGS", "appendix", "derivative", "known_reading", "sections"]

Array = Any
READINGS = ("steps", "chain", "delta", "matrix")
IN_FULL = 2_000  # scalar operations of a page shown in full; beyond, one line stands for its kind


def known_reading(name: str) -> str:
    """The name of a reading that there is; else ``InputError``."""
    if name not in READINGS:
        hint = did_you_mean(name, READINGS)
        raise InputError(
            f"There is no reading {name!r:.60}.{hint} There are {', '.join(READINGS)}."
        )
    return name


def sections(page: Page, of: Ref | None = None) -> tuple[Section, ...]:
    """The sections of a page: all of a step, or what concerns one quantity."""
    if page.reading == "delta" and page.decimals is not None:
        deltas = _with_deltas(page)
        hidden = of is not None and not gradient_equation(deltas, of.symbol.plain)
        page = page if hidden else deltas  # dL/da, which stands inside a δ, is asked for
    if of is not None:
        return tuple(_with_rate(page, section) for section in of_one(page, of))
    made = _matrix_page(page) if page.reading == "matrix" else _whole_page(page)
    kept = (Section(s.title, _said_once(s.items)) for s in made if s.items)
    return tuple(_with_rate(page, section) for section in kept)


def _with_rate(page: Page, section: Section) -> Section:
    """The updates, before them the learning rate where a schedule has changed it."""
    schedule, full = page.problem.training.schedule, page.problem.training.learning_rate
    plain = page.symbols_only or not full or ETA not in page.values
    if section.title != UPDATE or schedule == Schedule() or plain:
        return section
    rate = page.values[ETA].item()
    why = f"The learning rate of this epoch, by the schedule {schedule.name}."
    changed = Equation(Ref(ETA), Value(full) * Value(rate / full), Phase.UPDATE, why)
    return Section(UPDATE, (Remark(why), item_of(page, changed, ()), *section.items))


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
    dtype, arithmetic = page.values[page.problem.loss].dtype, page.trace.arithmetic
    trace = evaluate(derivation, values, dtype, arithmetic=arithmetic)
    together = Trace({**page.values, **trace.arrays}, arithmetic)
    return replace(page, derivation=derivation, trace=together)


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
    yield Section(UPDATE, tuple(_groups(page, _by_parameter(update), short)))


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
        yield formula(page, equation)
    if not shown_singly(page, places):
        return
    for place in places[:1] if short else places:
        for equation in group:
            yield item_of(page, equation, place)
    if short:
        yield Remark(f"{len(places) - 1:,} more elements are worked out in the same way.")


def _alone(page: Page, equation: Equation, place: tuple[int, ...]) -> Iterator[Item]:
    """An equation that defines a single number: its formula only where the line does not show it."""
    general = page.symbols_only and page.problem.examples > 1
    yield Remark(equation.why)
    if general or opens_out(equation):
        yield formula(page, equation)
    if not general:
        yield item_of(page, equation, place)


def _chains(page: Page) -> Iterator[Section]:
    """The chain of factors of every trained number, from the output back; each factor once."""
    graph, known = graph_of(page), set[Expr]()
    items: list[Item] = []
    for gradient in page.derivation.phase(Phase.BACKWARD):
        if gradient.lhs.symbol.plain in page.derivation.parameters:
            for place in page.elements(gradient):
                items += chain_items(page, graph, Ref(gradient.lhs.symbol.plain, place), known)
    yield Section("Backward pass: the chain of factors", tuple(items))


def _matrix_page(page: Page) -> Iterator[Section]:
    before, loss = _forward(page)
    parts = {
        "Forward pass": before,
        "Loss": loss,
        "Backward pass": page.derivation.phase(Phase.BACKWARD),
        UPDATE: page.derivation.phase(Phase.UPDATE),
    }
    for title, equations in parts.items():
        yield Section(title, tuple(i for e in equations for i in matrix_items(page, e)))
