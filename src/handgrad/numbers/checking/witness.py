"""A gradient and its problem in; how it compares with independent derivatives out.

Witnesses that know nothing of the chain rule as it is derived here: the complex step and central
differences, from values of the loss alone, and automatic differentiation by JAX where it is
installed. A right gradient may differ from them by rounding, as far as ``rounding.sensitivity`` says
of each element, by a part in 10⁹ of itself, and from differences by their own error; anything more
is a disagreement, unless the loss has a kink there.

In a large problem JAX compares every element at once; the complex step goes along one random
direction in each array, and only where that disagrees through its halves, down to the element.
Central differences are not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Phase
from handgrad.calculus.expr import Expr, Ref, Symbol, substitute, transform
from handgrad.errors import ShapeError
from handgrad.language.writing import text
from handgrad.model.problem import Problem
from handgrad.numbers.checking.complex_step import ComplexStep
from handgrad.numbers.checking.differences import Differences
from handgrad.numbers.checking.forward import ForwardPass
from handgrad.numbers.checking.kinks import Bend, Kinks
from handgrad.numbers.checking.rounding import Room, room_of
from handgrad.numbers.checking.search import Search
from handgrad.numbers.checking.verdict import Check, Disagreement, Kink, Witness
from handgrad.numbers.jax_kernels import has_jax, jax_gradient

__all__ = ["compare"]

Array = Any
Place = tuple[int, ...]
Arrays = Mapping[Symbol, Array]
Progress = Callable[[float], None]  # is told which part of the work is done, up to 1

EACH, WORK = 3_000, 30_000_000  # up to so many elements, and numbers evaluated, one by one
FOUND = 4  # wrong elements of one array, after which the search in a large problem stops
TRIED = 40  # elements of one array that are looked at for a kink in a large problem
WITHOUT = 'JAX is not installed, so it was not asked: pip install "handgrad[fast]".'


@dataclass
class _Opinion:
    """What a witness says of each element, NaN where it was not asked, and its own error."""

    name: str
    asked: str
    room: Room
    expected: dict[Symbol, Array]
    error: dict[Symbol, Array]
    finished: bool = True  # nothing is left that may be wrong too
    along: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    silence: str = "comes to no number"  # what it means where it was asked and is NaN


def compare(
    problem: Problem,
    derivation: Derivation,
    gradient: Arrays,
    values: Arrays,
    *,
    derived: bool = False,
    progress: Progress,
) -> Check:
    """Compare ``gradient`` (parameter → array of its shape) with the witnesses, element by element.

    ``values`` holds the givens of the derivation. ``derived`` says that the gradient is the
    derivation's own, whose stable forms lose fewer digits in saturation than book forms do. Raises
    ``ShapeError`` for an array of another shape than its parameter.
    """
    order = sorted(derivation.parameters, key=lambda s: (s.number or 0, str(s)))
    given = {s: _fitting(s, gradient[s], np.shape(values[s])) for s in order if s in gradient}
    book = room_of(derivation, values, given, book=True)
    room = room_of(derivation, values, given, book=False) if derived else book
    opinions = list(_opinions(derivation, given, values, (room, book), progress))
    kinks = Kinks(derivation.phase(Phase.FORWARD), derivation.loss, values)
    told = [_told(s, opinions, given[s], kinks, problem) for s in given]
    kinked = tuple(kink for _, found in told for kink in found)
    return Check(
        loss=derivation.loss,
        compared=sum(int(np.size(g)) for g in given.values()),
        witnesses=tuple(_witness(o, given, kinked) for o in opinions),
        wrong=tuple(pair for found, _ in told for pair in found),
        kinks=kinked,
        missing=tuple(s for s in order if s not in given),
        exhaustive=any(o.finished for o in opinions),
        notes=tuple(_notes(book, opinions)),
    )


def _fitting(symbol: Symbol, gradient: Array, shape: Place) -> Array:
    array = np.asarray(gradient, dtype=np.float64)
    if array.shape != shape:
        turned = " It looks transposed." if array.shape == shape[::-1] else ""
        raise ShapeError(
            f"The gradient of {symbol} has the shape {array.shape}, {symbol} has "
            f"{shape}.{turned} Give one number for each number of {symbol}."
        )
    return array


def _notes(room: Room, opinions: list[_Opinion]) -> Iterator[str]:
    if not has_jax():
        yield WITHOUT
    if room.single:
        yield "The gradient has the digits of float32, and was judged by those."
    for opinion in opinions:
        silent = sum(int(np.sum(np.isnan(v))) for v in opinion.expected.values())
        if silent and not opinion.along:
            yield f"The {opinion.name} {opinion.silence} at {silent:,} of them."


# --- what the witnesses say ------------------------------------------------------------------


def _opinions(
    derivation: Derivation,
    given: Arrays,
    values: Arrays,
    rooms: tuple[Room, Room],
    progress: Progress,
) -> Iterator[_Opinion]:
    """What each witness says; JAX differentiates as books do, and gets the room for that."""
    room, book = rooms
    forward, loss = derivation.phase(Phase.FORWARD), derivation.loss
    of_one = ForwardPass(forward, loss, values)
    step = ComplexStep(of_one)
    count = sum(np.size(g) for g in given.values())
    small = count <= EACH and count * of_one.work <= WORK
    by_jax = None
    if has_jax() and given:
        found = jax_gradient(forward, loss, tuple(given), values)
        none = {s: np.zeros(np.shape(g)) for s, g in given.items()}
        by_jax = _Opinion("automatic differentiation (JAX)", "every element", book, found, none)
    if small:
        by_step = _unasked(_named(step), given, room, "every element")
        by_differences = _unasked("central differences", given, room, "every element")
        by_differences.silence = "meet no loss smooth enough within their step"
        differences = Differences(of_one, float(room.moved[loss]))
        _one_by_one({step: by_step, differences: by_differences}, given, progress)
        yield from (by_step, by_differences)
    else:
        yield _along_directions(step, given, room, by_jax, progress)
    if by_jax:
        yield by_jax
    progress(1.0)


def _named(step: ComplexStep) -> str:
    how = f" ({', '.join(step.differenced)} by differences)" if step.differenced else ""
    return f"complex step{how}"


def _unasked(name: str, given: Arrays, room: Room, asked: str) -> _Opinion:
    nothing = {s: np.full(np.shape(g), np.nan) for s, g in given.items()}
    none = {s: np.zeros(np.shape(g)) for s, g in given.items()}
    return _Opinion(name, asked, room, nothing, none)


def _one_by_one(
    opinions: Mapping[ComplexStep | Differences, _Opinion], given: Arrays, progress: Progress
) -> None:
    places = [(s, place) for s, g in given.items() for place in np.ndindex(np.shape(g))]
    for number, (symbol, place) in enumerate(places):
        progress(number / len(places))
        for witness, opinion in opinions.items():
            _ask(opinion, witness, symbol, place)


def _ask(
    opinion: _Opinion, witness: ComplexStep | Differences, symbol: Symbol, place: Place
) -> None:
    value, error = witness.element(symbol, place)
    opinion.expected[symbol][place], opinion.error[symbol][place] = value, error


def _along_directions(
    step: ComplexStep, given: Arrays, room: Room, by_jax: _Opinion | None, progress: Progress
) -> _Opinion:
    """One direction an array; elements only where JAX or the direction finds something wrong."""
    opinion = _unasked(_named(step), given, room, "a direction in each array")
    for number, (symbol, array) in enumerate(given.items()):
        progress(number / len(given))
        search = Search(step, symbol, array, room)
        opinion.along.append(search.whole())
        known = _off(by_jax, symbol, array)[:FOUND] if by_jax else []
        if not known:
            known, finished = search.run(FOUND)
            opinion.finished &= finished
        for place in known:
            _ask(opinion, step, symbol, place)
    return opinion


# --- what follows from it --------------------------------------------------------------------


def _allowed(opinion: _Opinion, symbol: Symbol) -> Array:
    return opinion.room.of(symbol, opinion.expected[symbol]) + 10 * opinion.error[symbol]


def _off(opinion: _Opinion, symbol: Symbol, given: Array) -> list[Place]:
    """Where the gradient is further from a witness than rounding; never where it was not asked."""
    with np.errstate(invalid="ignore"):
        off = np.abs(given - opinion.expected[symbol]) > _allowed(opinion, symbol)
    return [tuple(map(int, place)) for place in np.argwhere(off)]


def _told(
    symbol: Symbol, opinions: list[_Opinion], given: Array, kinks: Kinks, problem: Problem
) -> tuple[list[Disagreement], list[Kink]]:
    """What is wrong in one array, and what is at a kink."""
    by: dict[Place, _Opinion] = {}
    for opinion in opinions:
        for place in _off(opinion, symbol, given):
            by.setdefault(place, opinion)
    wrong: list[Disagreement] = []
    bent: list[Kink] = []
    for tried, place in enumerate(sorted(by)):
        element = Ref(symbol, tuple(n + 1 for n in place))
        allowed = float(_allowed(by[place], symbol)[place])
        looked = kinks.places and (tried < TRIED or np.size(given) <= EACH)
        kink = _kink(element, float(given[place]), allowed, kinks, problem) if looked else None
        if kink:
            bent.append(kink)
        else:
            expected = float(by[place].expected[symbol][place])
            wrong.append(Disagreement(element, float(given[place]), expected, by[place].name))
    return wrong, bent


def _kink(
    element: Ref, given: float, allowed: float, kinks: Kinks, problem: Problem
) -> Kink | None:
    """The kink an element is at, if the given slope is one that meets there or lies between."""
    place = tuple(p - 1 for p in element.indices if isinstance(p, int))
    meeting = kinks.slopes(element.symbol, place)
    low, high = meeting.low, meeting.high
    margin = allowed + 1e-7 * max(abs(low), abs(high))  # taken next to the kink, not at it
    if high - low <= 2 * margin or not low - margin <= given <= high + margin:
        return None
    return Kink(element, given, low, high, _where(meeting.bend, problem) if meeting.bend else "")


def _where(bend: Bend, problem: Problem) -> str:
    """The argument at its kink, by name, and the example it belongs to."""
    single = problem.examples == 1

    def public(node: Expr) -> Expr:
        if single and isinstance(node, Ref) and node.symbol in problem.batched:
            return Ref(node.symbol, node.indices[1:])
        return node

    named = {i.name: n + 1 for i, n in zip(bend.indices, bend.place, strict=True)}
    argument = text(transform(substitute(bend.argument, named), public))
    rows = [
        n
        for index, n in zip(bend.indices, bend.place, strict=True)
        if index.axis and index.axis[0] in problem.batched and index.axis[1] == 0
    ]
    example = f", in example {rows[0] + 1}" if rows and not single else ""
    return f"{argument} is at a kink of {bend.function}{example}"


def _witness(opinion: _Opinion, given: Arrays, kinked: tuple[Kink, ...]) -> Witness:
    """How far the witness's word may be off, and is, relative to the largest gradient."""
    at_kinks = {kink.element for kink in kinked}
    scale = max((float(np.max(np.abs(g), initial=0.0)) for g in given.values()), default=0.0)
    expected, largest = 0.0, 0.0
    for symbol, array in given.items():
        asked = np.array(~np.isnan(opinion.expected[symbol]))
        for place in np.argwhere(asked):
            at = tuple(int(n) for n in place)
            if Ref(symbol, tuple(n + 1 for n in at)) in at_kinks:
                asked[at] = False
        apart = np.abs(array - opinion.expected[symbol])[asked]
        rounding = (opinion.room.rounding(symbol) + opinion.error[symbol])[asked]
        largest = max(largest, float(np.max(apart, initial=0.0)))
        expected = max(expected, float(np.max(rounding, initial=0.0)))
    for apart, allowed in opinion.along:
        largest, expected = max(largest, apart), max(expected, allowed)
    scale = scale or 1.0
    return Witness(opinion.name, opinion.asked, expected / scale, largest / scale)
