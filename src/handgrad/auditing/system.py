"""A problem as scalar lines: every element of every quantity is one line, as one writes it by hand.

``unrolled`` makes the lines of a problem; ``values`` works them out, or again what depends on a
change; ``number`` works out one expression, also for many hypotheses at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from itertools import product
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Phase
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
    Value,
    children,
    rebuild,
    refs,
    substitute,
    walk,
)
from handgrad.calculus.functions import by_definition
from handgrad.calculus.simplify import simplify
from handgrad.errors import DerivationError, InputError, LimitError
from handgrad.model.optimizers import STEP
from handgrad.model.problem import Problem, derive
from handgrad.model.schedules import Schedule
from handgrad.model.shapes import check_shapes
from handgrad.numbers.evaluate import kernel_of
from handgrad.numbers.kernels import NUMPY
from handgrad.numbers.updates import start

__all__ = ["MOST_LINES", "Line", "System", "number", "unrolled", "values"]

Shape = tuple[int, ...]
MOST_LINES = 20_000
MOST_TERMS = 500_000  # terms of all lines together


@dataclass(frozen=True, slots=True)
class Line:
    """One number and how it is computed; no index is open, and no Σ is left."""

    name: Ref
    rhs: Expr
    phase: Phase


@dataclass(frozen=True, eq=False)
class System:
    """The lines of one update, in their order, over given numbers.

    ``carried`` says what becomes what from one update to the next: a given number and the line that
    holds its next value. Left out, it is every ``…_new`` line whose quantity is given.
    """

    lines: tuple[Line, ...]
    givens: Mapping[Ref, float]
    loss: Ref
    parameters: tuple[Ref, ...]
    carried: Mapping[Ref, Ref] = field(default_factory=dict[Ref, Ref])
    counter: Ref | None = None  # the number of the update, where an optimizer counts

    def __post_init__(self) -> None:
        if not self.carried:
            object.__setattr__(self, "carried", dict(_updates(self)))

    @cached_property
    def line(self) -> Mapping[Ref, Line]:
        """The line that defines a number."""
        return {line.name: line for line in self.lines}

    @cached_property
    def plain(self) -> Mapping[Ref, Expr]:
        """Every right side in the form books print."""
        return {line.name: booked(line.rhs) for line in self.lines}

    @cached_property
    def uses(self) -> Mapping[Ref, tuple[Ref, ...]]:
        """What each line is computed from, as printed, once each, in reading order."""
        return {name: tuple(dict.fromkeys(refs(rhs))) for name, rhs in self.plain.items()}

    @cached_property
    def users(self) -> Mapping[Ref, tuple[Ref, ...]]:
        """The lines that use a number."""
        found: dict[Ref, list[Ref]] = {}
        for name, used in self.uses.items():
            for ref in used:
                found.setdefault(ref, []).append(name)
        return {ref: tuple(names) for ref, names in found.items()}


def _updates(system: System) -> Iterator[tuple[Ref, Ref]]:
    """The givens and lines named as the old and new value of one quantity."""
    names = {line.name for line in system.lines}
    for given in system.givens:
        new = Ref(given.symbol.updated, given.indices)
        if new in names:
            yield given, new


def booked(expr: Expr) -> Expr:
    """The expression as it is printed: of two forms the book's, a sum within a sum as one."""
    if isinstance(expr, Forms):
        return booked(expr.book)
    parts = tuple(map(booked, children(expr)))
    if isinstance(expr, Sum | Product):
        kind = type(expr)
        nested = (children(part) if isinstance(part, kind) else (part,) for part in parts)
        return kind(tuple(part for own in nested for part in own))
    return rebuild(expr, parts)


# A problem's lines


def unrolled(problem: Problem) -> System:
    """The lines of one update of a problem, of all its examples.

    Every number keeps all its indices, that of a single example too. Raises ``LimitError`` beyond
    20,000 lines, ``InputError`` for a learning rate that changes, and what ``derive`` raises.
    """
    schedule = problem.training.schedule
    if schedule != Schedule():
        raise InputError(
            f"An audit goes by one learning rate in all updates, and the schedule {schedule.name} "
            "changes it. Leave the schedule out to audit the first update."
        )
    derivation = derive(problem)
    given = {symbol: np.asarray(value) for symbol, value in start(problem, derivation).items()}
    shapes = check_shapes(derivation, {s: v.shape for s, v in given.items()})
    _refuse_size(derivation, shapes)
    lines = tuple(_lines(derivation, shapes))
    numbers = {
        Ref(s, place): float(v[_zero(place)]) for s, v in given.items() for place in _all(v.shape)
    }
    trained = (Ref(s, place) for s in problem.parameters for place in _all(shapes[s]))
    counter = Ref(STEP) if STEP in derivation.givens else None
    return System(lines, numbers, Ref(derivation.loss), tuple(trained), counter=counter)


def _all(shape: Shape) -> Iterable[tuple[int, ...]]:
    return product(*(range(1, size + 1) for size in shape))


def _zero(place: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n - 1 for n in place)


def _refuse_size(derivation: Derivation, shapes: Mapping[Any, Shape]) -> None:
    lines = terms = 0
    for equation in derivation.equations:
        size = math.prod(shapes[equation.lhs.symbol])
        lines += size
        terms += size * _range(equation.rhs, shapes)
    if lines > MOST_LINES or terms > MOST_TERMS:
        raise LimitError(
            f"Line by line this problem has {lines:,} numbers and {terms:,} terms; at most "
            f"{MOST_LINES:,} and {MOST_TERMS:,} are looked through. Use a smaller network or "
            "fewer examples."
        )


def _range(expr: Expr, shapes: Mapping[Any, Shape]) -> int:
    """How many terms an expression has, written out."""
    inner = sum(_range(part, shapes) for part in children(expr)) or 1
    match expr:
        case Sigma(indices):
            return inner * math.prod(_size(index, shapes) for index in indices)
        case Along(_, index):
            return inner * _size(index, shapes)
        case _:
            return inner


def _size(index: Index, shapes: Mapping[Any, Shape]) -> int:
    assert index.axis is not None
    return shapes[index.axis[0]][index.axis[1]]


def _lines(derivation: Derivation, shapes: Mapping[Any, Shape]) -> Iterator[Line]:
    for equation in derivation.equations:
        for place in _all(shapes[equation.lhs.symbol]):
            name = Ref(equation.lhs.symbol, place)
            rhs = _written_out(equation.at(name), {}, shapes)
            settled = any(isinstance(node, Delta) for node in walk(equation.rhs))
            yield Line(name, simplify(rhs) if settled else rhs, equation.phase)


def _written_out(expr: Expr, at: Mapping[str, int], shapes: Mapping[Any, Shape]) -> Expr:
    """Every index at its place, every sum term by term, functions of a row by their definition."""

    def placed(position: Position) -> Position:
        return at[position.name] if isinstance(position, Index) else position

    match expr:
        case Ref(symbol, indices):
            return Ref(symbol, tuple(map(placed, indices)))
        case Delta(left, right):
            return Num(int(placed(left) == placed(right)))
        case Sigma(indices, body):
            ranges = (range(1, _size(index, shapes) + 1) for index in indices)
            names = [index.name for index in indices]
            terms = tuple(
                _written_out(body, {**at, **dict(zip(names, place, strict=True))}, shapes)
                for place in product(*ranges)
            )
            return terms[0] if len(terms) == 1 else Sum(terms)
        case Along():
            return _row(expr, at, shapes)
        case _:
            return rebuild(expr, tuple(_written_out(part, at, shapes) for part in children(expr)))


def _row(expr: Along, at: Mapping[str, int], shapes: Mapping[Any, Shape]) -> Expr:
    """A function of a row: by its definition, or as a function of all its terms."""
    definition = by_definition(expr)
    if definition is not None:
        return _written_out(definition, at, shapes)
    places = range(1, _size(expr.index, shapes) + 1)
    terms = (substitute(expr.body, {expr.index.name: n}) for n in places)
    return Call(expr.function, tuple(_written_out(term, at, shapes) for term in terms))


# Their numbers


def number(expr: Expr, values: Mapping[Ref, Any]) -> Any:
    """The value of one expression; leaves are floats, or arrays of one shape, one entry a hypothesis.

    Of two forms the stable one is taken; ``booked`` chooses the other. What has no value (1/0) is
    nan or infinite, without a word.
    """
    with np.errstate(all="ignore"):
        return _number(expr, values)


def _number(expr: Expr, values: Mapping[Ref, Any]) -> Any:
    match expr:
        case Ref():
            return values[expr]
        case Num(value):
            return NUMPY.number(value)
        case Value(value):
            return value
        case Sum(terms):
            return sum(_number(term, values) for term in terms)
        case Product(factors):
            return reduce(lambda a, b: a * b, (_number(factor, values) for factor in factors))
        case Power(base, exponent):
            return _power(_number(base, values), _number(exponent, values))
        case Call(function, arguments):
            given = (np.asarray(_number(part, values), dtype=float) for part in arguments)
            return kernel_of(function)(*given)[()]
        case Forms(_, stable):
            return _number(stable, values)
        case _:
            raise TypeError(f"{type(expr).__name__} stands in no line")


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, int) and exponent in (2, -1):
        return base * base if exponent == 2 else np.divide(1.0, base)
    return np.power(base * 1.0, exponent)


def values(
    system: System,
    *,
    changed: Mapping[Ref, Expr] = {},
    givens: Mapping[Ref, float] | None = None,
    base: Mapping[Ref, float] | None = None,
) -> dict[Ref, float]:
    """Every number of one update: the givens and all lines.

    ``changed`` holds other right sides for some lines. ``base`` are the values without the change
    (and with the same givens unless ``givens`` says otherwise): only what depends on it is worked
    out again. What a change may touch is worked out by the forms books print, as its author did, the
    rest by those that keep their digits. Raises ``DerivationError`` where a change makes a number
    depend on itself.
    """
    given = dict(system.givens if givens is None else givens)
    if base is None:
        known: dict[Ref, float] = given
        waiting = [line.name for line in system.lines]
    else:
        moved = {ref for ref, value in given.items() if base.get(ref) != value}
        touched = affected(system, changed, moved)
        known = {**base, **given}
        for name in touched:
            known.pop(name, None)
        waiting = [line.name for line in system.lines if line.name in touched]
    rules = (
        system.plain if changed or base is not None else {n: system.line[n].rhs for n in waiting}
    )
    with np.errstate(all="ignore"):
        _work_out({**rules, **changed}, known, waiting)
    return known


def _work_out(rules: Mapping[Ref, Expr], known: dict[Ref, float], waiting: list[Ref]) -> None:
    """The waiting lines in their order, or later where a change makes one wait for another."""
    while waiting:
        left: list[Ref] = []
        for name in waiting:
            try:
                known[name] = float(_number(rules[name], known))
            except KeyError:
                left.append(name)
        if len(left) == len(waiting):
            raise DerivationError(
                f"{left[0].symbol} is computed from what is computed from it, or from a number that "
                "is not given."
            )
        waiting = left


def affected(system: System, changed: Iterable[Ref], moved: Iterable[Ref] = ()) -> set[Ref]:
    """The lines that are changed, and every line that uses such a line or a moved given."""
    found = set(changed)
    waiting = [*found, *moved]
    while waiting:
        for user in system.users.get(waiting.pop(), ()):
            if user not in found:
                found.add(user)
                waiting.append(user)
    return found


def run(
    system: System,
    steps: int,
    *,
    work: Callable[[Mapping[Ref, float]], dict[Ref, float]] | None = None,
) -> Iterator[dict[Ref, float]]:
    """The numbers of one update after the other; ``work`` works out one, from its givens."""
    given = dict(system.givens)
    for step in range(1, steps + 1):
        if system.counter is not None:
            given[system.counter] = float(step)
        known = work(given) if work else values(system, givens=given)
        yield known
        given |= {old: known[new] for old, new in system.carried.items()}
