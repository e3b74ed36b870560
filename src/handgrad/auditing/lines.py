"""A document's equations as scalar lines, the form in which slips are made and runs are worked out.

Names become references, printed numbers exact ones. Where the document gives no formula for a
gradient or a new value, the chain rule and plain gradient descent give it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

from handgrad.auditing.reading.nodes import Applied, Name, Named, Written
from handgrad.auditing.roles import is_parameter
from handgrad.auditing.slopes import partial
from handgrad.auditing.system import Line, System
from handgrad.auditing.world import World
from handgrad.auditing.worth import leaves, replaced
from handgrad.calculus.chain import backward
from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import Call, Expr, Forms, Num, Product, Ref, Sum, Symbol, refs
from handgrad.calculus.functions import FUNCTIONS, slope
from handgrad.errors import HandgradError

__all__ = ["called", "ref_of", "system_at"]

SAME = 1e-7  # relative, between a formula of the document and the value it should have


def ref_of(name: Name) -> Ref:
    """How a name is called in the lines."""
    own = name.plain
    loss = Symbol(str(name.of)) if name.of else None
    return Ref(Symbol(str(own), loss=loss, new=name.new))


def called(ref: Ref) -> str:
    """How the document calls a quantity of the lines."""
    return str(ref.symbol)


def system_at(world: World, place: int, wanted: Iterable[Name] = ()) -> System | None:
    """The lines that hold at a place; None where the document's forward pass has no values.

    ``wanted`` are names that must be among them if they have a value at all.
    """
    return _Builder(world, place).build(wanted)


class _Builder:
    def __init__(self, world: World, place: int) -> None:
        self.world, self.place = world, place
        self.loss = world.loss()
        self.forward: dict[Name, Expr] = {}
        self.givens: dict[Ref, float] = {}
        self.late: dict[Name, Expr] = {}
        self.strange: list[Name] = []  # δ whose own formula is wrong

    def build(self, wanted: Iterable[Name]) -> System | None:
        names = [name for name in wanted if not name.new and name.of is None]
        for name in (*names, *filter(None, [self.loss])):
            self.visit(name, frozenset())
        if not self.forward:
            return None
        if self.loss not in self.forward:
            self.loss = None
        top = self.loss or [*self.forward][-1]
        parameters = self.trained()
        equations = [
            Equation(ref_of(n), self.exact(e), Phase.FORWARD) for n, e in self.forward.items()
        ]
        lines = [Line(e.lhs, e.rhs, Phase.FORWARD) for e in equations]
        lines += self.gradients(equations, parameters)
        for name in wanted:
            if name.of is not None or name in self.late:
                self.backward(name)
        lines += self.deltas(lines)
        printed = [Line(ref_of(n), self.exact(e), Phase.BACKWARD) for n, e in self.late.items()]
        updates = [*self.updates(parameters)]
        told = {line.name for line in printed}
        whole = ordered(
            [*(x for x in lines if x.name not in told), *printed, *updates], self.givens
        )
        missing = told - {line.name for line in whole}
        if missing:  # formulas that lead nowhere: the chain rule's instead
            kept = [line for line in printed if line.name not in missing]
            kept += [line for line in lines if line.name not in told - missing]
            whole = ordered([*kept, *updates], self.givens)
        return System(tuple(whole), self.givens, ref_of(top), tuple(map(ref_of, parameters)))

    def visit(self, name: Name, above: frozenset[Name]) -> None:
        """A name of the forward pass, after everything it is computed from."""
        if name in self.forward or ref_of(name) in self.givens or name in above:
            return
        if name.new:  # in a second pass
            value = self.world.value(name, self.place)
            if value is not None:
                self.givens[ref_of(name)] = value
            return
        definition = self.world.forward(name, self.place)
        given = self.world.given(name, self.place)
        if definition and given and given.place <= self.place < definition.place:
            definition = None  # a new value under the old name, worked out further down
        expr = self.world.applied(definition.expr) if definition else None
        uses = set[Name]() if expr is None else names_in(expr)
        if expr is not None and (name.base == "δ" or any(n.of or n.base == "δ" for n in uses)):
            value, true = self.world.number(expr, self.place), self.world.value(name, self.place)
            if value is None or true is None or abs(value - true) > SAME * abs(true):
                self.strange.append(name)
                return
            self.late[name] = expr
            for used in sorted(uses, key=str):
                self.visit(used, above | {name}) if used.of is None else self.backward(used)
            return
        if expr is None or name in uses:
            value = self.world.value(name, self.place)
            if value is not None:
                self.givens[ref_of(name)] = value
            return
        for used in sorted(uses, key=str):
            self.visit(used, above | {name})
        if name not in self.forward and all(self.known(used) for used in uses):
            self.forward[name] = expr

    def known(self, name: Name) -> bool:
        return name in self.forward or ref_of(name) in self.givens

    def backward(self, name: Name) -> None:
        """A gradient by the document's own formula, if it has one that is right."""
        true = self.world.value(name, self.place)
        for definition in self.world.holding(name, self.place)[:4]:
            value = self.world.number(definition.expr, self.place)
            if value is None or true is None or abs(value - true) > SAME * abs(true):
                continue
            expr = self.world.applied(definition.expr)
            self.late[name] = expr
            for used in names_in(expr) - {name}:
                if not self.known(used) and used not in self.late:
                    self.backward(used)
            return
        top = self.forward.get(name.of) if name.of else None
        below = replace(name, of=None)
        if top is not None and any(isinstance(n, Named) and n.name == below for n in leaves(top)):
            expr = partial(top, below)
            value = self.world.number(expr, self.place)
            if value is not None and true is not None and abs(value - true) <= SAME * abs(true):
                self.late[name] = expr

    def trained(self) -> list[Name]:
        """The quantities that get a new value; else all that look like weights and biases."""
        new = {n.as_old for n in (*self.world.definitions, *self.world.givens) if n.new}
        new |= self.world.updated
        given = [
            n for n in self.world.givens if n.of is None and not n.new and ref_of(n) in self.givens
        ]
        return [n for n in given if n in new] or [n for n in given if is_parameter(n)]

    def gradients(self, equations: list[Equation], parameters: list[Name]) -> Iterator[Line]:
        """dL/d of everything on the way from the loss to a parameter."""
        if self.loss is None:
            return
        symbols = [ref_of(p).symbol for p in parameters]
        try:
            found = backward(equations, ref_of(self.loss).symbol, symbols)
        except HandgradError:
            return
        for equation in found:
            yield Line(equation.lhs, equation.rhs, Phase.BACKWARD)

    def deltas(self, lines: Iterable[Line]) -> list[Line]:
        """Each δ with a wrong formula by that of the gradient it stands for."""
        found: list[Line] = []
        rhs = {line.name: line.rhs for line in lines}
        for name in self.strange:
            target = self.world.target(name, self.place)
            expr = rhs.get(ref_of(replace(target, of=self.loss))) if target else None
            if expr is not None:
                found.append(Line(ref_of(name), expr, Phase.BACKWARD))
        return found

    def updates(self, parameters: list[Name]) -> Iterator[Line]:
        """The new value of each parameter, by the document's formula or by gradient descent."""
        rate = self.world.rate(self.place)
        if rate is None or self.loss is None:
            return
        self.givens.setdefault(ref_of(rate), self.world.value(rate, self.place) or 0.0)
        for name in parameters:
            if ref_of(name.as_new) in self.givens:
                continue
            slope_ = ref_of(replace(name, of=self.loss))
            step = Product((Num(-1), ref_of(rate), slope_))
            yield Line(ref_of(name.as_new), Sum((ref_of(name), step)), Phase.UPDATE)

    def exact(self, expr: Expr) -> Expr:
        """The expression in references and exact numbers."""

        def change(node: Expr) -> Expr | None:
            match node:
                case Named(name):
                    return ref_of(name)
                case Written(text):
                    return Num(Fraction(text))
                case Applied(function, (argument,), 1) if function in FUNCTIONS:
                    inner = self.exact(argument)
                    book, stable = slope(function, 0, (inner,), Call(function, (inner,)))
                    return Forms(book, stable)
                case _:
                    return None

        return replaced(expr, change)


def names_in(expr: Expr) -> set[Name]:
    """Every name of an expression."""
    return {leaf.name for leaf in leaves(expr) if isinstance(leaf, Named)}


def ordered(lines: list[Line], givens: Iterable[Ref]) -> list[Line]:
    """Each line after those it uses; what can never be worked out is left out."""
    done = set(givens)
    result: list[Line] = []
    waiting = lines
    while ready := [line for line in waiting if all(ref in done for ref in refs(line.rhs))]:
        result += ready
        done |= {line.name for line in ready}
        waiting = [line for line in waiting if line.name not in done]
    return result
