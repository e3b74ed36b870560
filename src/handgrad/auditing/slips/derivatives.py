"""Slips of the derivative of an activation, and of softmax."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.roles import family, roles
from handgrad.auditing.slips.writing import Named, Put, places
from handgrad.auditing.system import Line, System, booked
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Ref, Sum
from handgrad.calculus.functions import FUNCTIONS, slope
from handgrad.calculus.simplify import simplify

__all__ = ["Slope", "derivatives", "slopes", "softmax"]


@dataclass(frozen=True)
class Slope:
    """f′ as it stands in a line: of which activation, as what, and how to put something else there."""

    activation: Ref
    argument: Ref
    function: str
    rest: tuple[Expr, ...]
    book: Expr
    put: Put

    def at(self, z: Expr, a: Expr) -> Expr:
        """The derivative with another argument or value in its formula."""
        return simplify(booked(slope(self.function, 0, (z, *self.rest), a)[0]))


def derivatives(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """f′ left out, taken twice, at the wrong place, at another unit, or f in its place."""
    if line.phase is not Phase.BACKWARD:
        return
    for found in slopes(line, system):
        a, z, f = found.activation, found.argument, found.function
        prime = f"{f}′({named(z)})"
        value = Call(f, (a, *found.rest))
        yield Variant(
            "derivative",
            found.put(Num(1)),
            f"the derivative {prime} was left out",
            1.0,
            f"none {f}",
        )
        twice = found.put(Product((found.book, found.book)))
        yield Variant(
            "derivative",
            twice,
            f"the derivative {prime} was multiplied in twice",
            2.0,
            f"twice {f}",
        )
        at_a = found.put(found.at(a, value))
        sentence = f"{f}′ was taken at {named(a)} as if it were {named(z)}"
        yield Variant("derivative", at_a, sentence, 1.0, f"at a {f}")
        sentence = f"{named(z)} was put where {named(a)} belongs in {f}′"
        yield Variant("derivative", found.put(found.at(z, z)), sentence, 1.5, f"of z {f}")
        sentence = f"{f}({named(z)}) was taken instead of its derivative"
        yield Variant("derivative", found.put(a), sentence, 2.0, f"f {f}")
        if isinstance(found.book, Product) and len(found.book.factors) == 2:
            second = found.put(found.book.factors[1])
            sentence = f"only half of the derivative {prime} was taken"
            yield Variant("derivative", second, sentence, 2.0, f"half {f}")
        yield from _of_others(found, system, named)


def _of_others(found: Slope, system: System, named: Named) -> Iterator[Variant]:
    pairs = roles(system).before
    alike = [a for a in pairs if a != found.activation and _call(a, system) == found.function]
    alike.sort(key=lambda a: family(a) != family(found.activation))
    for n, other in enumerate(alike[:8]):
        there, here = named(pairs[other]), named(found.argument)
        sentence = f"{found.function}′ was taken at {there} instead of {here}"
        yield Variant(
            "derivative", found.put(found.at(pairs[other], other)), sentence, 1.5 + 0.1 * n, ""
        )


def _call(activation: Ref, system: System) -> str:
    rhs = system.line[activation].rhs if activation in system.line else None
    return rhs.function if isinstance(rhs, Call) else ""


def slopes(line: Line, system: System) -> Iterator[Slope]:
    """Every derivative of an activation that stands in a line, also spread over its factors."""
    for activation, z in roles(system).before.items():
        rhs = system.line[activation].rhs if activation in system.line else None
        known = isinstance(rhs, Call) and FUNCTIONS[rhs.function].slopes
        if not isinstance(rhs, Call) or not known or not _mentions(line, activation, z, system):
            continue
        book = booked(slope(rhs.function, 0, rhs.arguments, activation)[0])
        if isinstance(book, Num):
            continue
        for node, put in places(line.rhs):
            within = _within(node, book)
            if within is not None:
                whole = _spread(put, within)
                yield Slope(activation, z, rhs.function, rhs.arguments[1:], book, whole)


def _mentions(line: Line, activation: Ref, z: Ref, system: System) -> bool:
    used = system.uses[line.name]
    return activation in used or z in used


def _within(node: Expr, book: Expr) -> tuple[Expr, ...] | None:
    """What is left of a node without the derivative: nothing if it is all of it."""
    alike = (book, simplify(book))
    if node in alike:
        return ()
    if isinstance(node, Product) and isinstance(book, Product):
        rest = list(node.factors)
        for factor in book.factors:
            if factor not in rest:
                return None
            rest.remove(factor)
        return tuple(rest)
    return None


def _spread(put: Put, rest: Sequence[Expr]) -> Put:
    return lambda new: put(Product((*rest, new)) if rest else new)


def softmax(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """a/Σa for e^z/Σe^z; a sum of exponentials that is not whole; e^z itself."""
    match line.rhs:
        case Product((Call("exp", (z,)) as top, Power(Sum(terms), Num(value)))) if value == -1:
            if line.phase is not Phase.FORWARD or not all(isinstance(t, Call) for t in terms):
                return
            plain = tuple(term.arguments[0] for term in terms if isinstance(term, Call))
            own = named(line.name)
            yield Variant(
                "softmax",
                z / Sum(plain),
                f"{own} was divided out without exponentials",
                1.0,
                "plain",
            )
            yield Variant("softmax", top, f"{own} was not divided by the sum", 2.0, "undivided")
            yield Variant(
                "softmax", z / Sum(terms), f"{own} has no exponential above the line", 2.5, "above"
            )
            rest = Sum(tuple(term for term in terms if term != top))
            sentence = f"{own} was divided by the sum of the other exponentials"
            yield Variant("softmax", top / rest, sentence, 2.0, "others")
        case _:
            yield from _logits(line, system, named)


def _logits(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """The weighted sum where a − y has the activation."""
    own = roles(system)
    if line.phase is not Phase.BACKWARD:
        return
    for node, put in places(line.rhs):
        if not isinstance(node, Ref) or node not in own.before:
            continue
        if isinstance(system.line[node].rhs, Product):
            z = own.before[node]
            sentence = f"{named(z)} was used where {named(node)} belongs, before the softmax"
            yield Variant("softmax", put(z), sentence, 1.5, "logits")
