"""A problem in, what holds in a document about it out: equations and values in its names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from handgrad.auditing.callings import canonical
from handgrad.auditing.learning import world_of
from handgrad.auditing.matching import Evidence, evidence, matched
from handgrad.auditing.reading.document import Document
from handgrad.auditing.reading.nodes import Name, Named, Written
from handgrad.auditing.said import Definition
from handgrad.auditing.statements import heads, stated
from handgrad.auditing.system import System, unrolled, values
from handgrad.auditing.world import World
from handgrad.auditing.worth import leaves, replaced
from handgrad.calculus.expr import Expr, Forms, Ref, Value
from handgrad.model.problem import Problem

__all__ = ["known_world"]

SAME = 1e-9  # relative, between the document's formula and the true value
ROUGHLY = 1e-6  # relative, between two ways to one value
TINY = 1e-12
MOST_LEAVES = 200  # of a formula from one printed number to the next
Segment = tuple[int, int]  # from which chain on, and which example is meant there


def known_world(read: Document, problem: Problem) -> tuple[World, dict[str, str]]:
    """What holds in a document when the problem is given, and which conventions it was found to have.

    Raises ``LimitError`` for too large a problem and what ``derive`` raises.
    """
    system = unrolled(problem)
    true = values(system)
    own = world_of(read.chains)
    told = evidence(read.chains, own)
    match = matched(problem, system, true, read.chains, told, own)
    builder = _Builder(problem, system, true, match.names)
    world = builder.world(_segments(problem, read, match.names, true, told))
    _state(world, read, own)
    _add_own(world, own)
    return world, match.conventions


@dataclass
class _Builder:
    problem: Problem
    system: System
    true: Mapping[Ref, float]
    names: Mapping[Name, tuple[Expr, ...]]

    def __post_init__(self) -> None:
        self.first: dict[Ref, Name] = {}  # what each number is called, whatever the example
        for name, own in self.names.items():
            if len(own) == 1 and isinstance(own[0], Ref):
                self.first.setdefault(own[0], name)
        self.result = World()
        self.result.top = self.called(self.system.loss)

    def called(self, ref: Ref) -> Name:
        """What a number is called: as in the document, or else as in the problem."""
        if ref in self.first:
            return self.first[ref]
        symbol = ref.symbol
        inner = Ref(symbol.plain, ref.indices)
        if symbol == symbol.plain or symbol.state or symbol.loss not in (None, self.problem.loss):
            return Name(canonical(self.problem, ref))
        plain = self.called(inner)
        return replace(
            plain, new=symbol.new, of=self.called(self.system.loss) if symbol.loss else None
        )

    def world(self, segments: Sequence[Segment]) -> World:
        """All equations and given values; those of an example from where it is meant."""
        for ref in (*self.system.givens, *self.system.line):
            self.tell(self.called(ref), ref, 0, self.called)
        for name, own in self.names.items():
            if len(own) == 1:
                self.alias(name, own[0], 0, self.called)
        for place, example in segments:
            self.example(place, example)
        self.result.settle()
        self.check()
        return self.result

    def check(self) -> None:
        """Values that the equations do not give, such as that of a function of a row."""
        for ref, true in self.true.items():
            name = self.called(ref)
            value = self.result.value(name, 0)
            if value is None or abs(value - true) > ROUGHLY * abs(true) + TINY:
                self.result.definitions.pop(name, None)
                self.result.give(name, Written(repr(true), -1, -1), 0, true)
        self.result.settle()

    def tell(self, name: Name, ref: Ref, place: int, called: Callable[[Ref], Name]) -> None:
        """A number under a name: its value if it is given, else its equation."""
        self.result.known.setdefault(name, []).append((place, canonical(self.problem, ref)))
        if ref in self.system.line:
            for expr in dict.fromkeys((self.system.plain[ref], self.through(ref))):
                self.result.define(name, in_names(expr, called), place)
            return
        value = self.system.givens[ref]
        self.result.give(name, Written(repr(value), -1, -1), place, value)

    def alias(self, name: Name, expr: Expr, place: int, called: Callable[[Ref], Name]) -> None:
        """Another name, or δ with the other sign."""
        if isinstance(expr, Ref) and called(expr) == name:
            return
        for ref in (
            node for node in (expr, *getattr(expr, "factors", ())) if isinstance(node, Ref)
        ):
            if ref in self.system.givens and isinstance(expr, Ref):
                self.tell(name, ref, place, called)
                return
            self.result.known.setdefault(name, []).append((place, canonical(self.problem, ref)))
        self.result.define(name, in_names(expr, called), place)

    def example(self, place: int, example: int) -> None:
        """The names that stand for one example after the other, from here on for this one."""
        meant: dict[Ref, Name] = {}
        for name, own in self.names.items():
            stands = own[example - 1] if len(own) > 1 else None
            if isinstance(stands, Ref):
                meant.setdefault(stands, name)

        def called(ref: Ref) -> Name:
            return meant.get(ref) or self.called(ref)

        for name, own in self.names.items():
            if len(own) < 2:
                continue
            expr = own[example - 1]
            if isinstance(expr, Ref) and meant.get(expr) == name:
                self.tell(name, expr, place, called)
            else:
                self.alias(name, expr, place, called)

    def written_out(self, expr: Expr, hidden: Set[Ref]) -> Expr:
        """The expression with the equations of some numbers in their place."""

        def change(node: Expr) -> Expr | None:
            return self.system.plain[node] if isinstance(node, Ref) and node in hidden else None

        return replaced(expr, change)

    def through(self, ref: Ref) -> Expr:
        """The equation of a number with all that the document has no name for written out."""
        expr = self.system.plain[ref]
        while True:
            hidden = {r for r in _refs(expr) if r in self.system.line and r not in self.first}
            inlined = self.written_out(expr, hidden)
            if not hidden or sum(1 for _ in _refs(inlined)) > MOST_LEAVES:
                return expr
            expr = inlined


def _refs(expr: Expr) -> Iterator[Ref]:
    return (leaf for leaf in leaves(expr) if isinstance(leaf, Ref))


def in_names(expr: Expr, called: Callable[[Ref], Name]) -> Expr:
    """An expression of the problem in the document's names."""

    def change(node: Expr) -> Expr | None:
        match node:
            case Ref():
                return Named(called(node), -1, -1)
            case Forms(book, _):
                return replaced(book, change)
            case Value(value):
                return Written(repr(value), -1, -1)
            case _:
                return None

    return replaced(expr, change)


# What the document says besides


def _state(world: World, read: Document, own: World) -> None:
    """Values of the problem that the document states, or states as new ones."""
    for place, chain in enumerate(read.chains):
        number = next((m.number for m in chain.members[1:] if m.number is not None), None)
        if number is None or not stated(chain):
            continue
        for name in heads(chain):
            value, new = world.value(name, place), name.as_new
            if value is None or name.new or name.of is not None:
                continue
            if name in world.givens and _shows(number, value):
                world.give(name, number, place, value)
            elif new in world.known and (
                (name, place) in own.news or _shows(number, world.value(new, place))
            ):
                world.news.add((name, place))
    for given in world.givens.values():
        given.sort(key=lambda g: g.place)
    world.settle()


def _shows(number: Written, value: float | None) -> bool:
    return value is not None and (
        value in number.rounded or abs(value - number.value) <= SAME * abs(value)
    )


def _add_own(world: World, own: World) -> None:
    """The document's own names, and those of its formulas that are right."""
    world.functions.update(own.functions)
    world.updated |= own.updated
    for name, given in own.givens.items():
        if name not in world.known and world.value(name, given[0].place) is None:
            world.givens[name] = given
    waiting: list[tuple[Name, Definition]] = []
    for name, definitions in own.definitions.items():
        if name in world.known or world.value(name, definitions[0].place) is not None:
            waiting += [(name, d) for d in definitions]
        else:
            world.definitions[name] = definitions
    world.settle()
    for name, definition in waiting:
        if _again(world, name, definition):
            trained = [n for n in world.known if n.as_new in world.known]
            world.restart(trained, definition.place)
    right = [(name, d) for name, d in waiting if _right(world, name, d.expr, d.place)]
    for name, definition in right:
        world.define(name, definition.expr, definition.place)
    world.settle()


def _again(world: World, name: Name, definition: Definition) -> bool:
    """Whether an equation begins another pass: right but for new values in the place of the old."""

    def old(node: Expr) -> Expr | None:
        return (
            replace(node, name=node.name.as_old)
            if isinstance(node, Named) and node.name.new
            else None
        )

    if name.new or name.of is not None or _right(world, name, definition.expr, definition.place):
        return False
    before = replaced(definition.expr, old)
    return before != definition.expr and _right(world, name, before, definition.place)


def _right(world: World, name: Name, expr: Expr, place: int) -> bool:
    if not any(isinstance(leaf, Named) for leaf in leaves(expr)):
        return False
    value, true = world.number(expr, place), world.value(name, place)
    return (
        value is not None
        and true is not None
        and abs(value - true) <= SAME * max(abs(true), abs(value))
    )


def _segments(
    problem: Problem,
    read: Document,
    names: Mapping[Name, tuple[Expr, ...]],
    true: Mapping[Ref, float],
    told: Mapping[Name, Sequence[Evidence]],
) -> list[Segment]:
    """Where the document goes on to another example, by the inputs and targets it puts in."""
    found: list[Segment] = [(0, 1)]
    at: dict[int, list[tuple[list[float], Written]]] = {}
    for name, printed in told.items():
        own = names.get(name, ())
        data = [e for e in own if isinstance(e, Ref) and e.symbol in problem.data]
        if len(data) == len(own) > 1:
            for one in printed:
                at.setdefault(one.place, []).append(([true[ref] for ref in data], one.written))
    for place in range(len(read.chains)):
        if place not in at:
            continue
        fits = [
            all(_shows(written, values[n]) for values, written in at[place])
            for n in range(problem.examples)
        ]
        now = found[-1][1] - 1
        if not fits[now] and any(fits):
            ahead = [(now + step) % problem.examples for step in range(1, problem.examples)]
            found.append((place, next(n for n in ahead if fits[n]) + 1))
    return found
