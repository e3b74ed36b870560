"""Slips of signs, of factors and of sums: a minus lost, ½ dropped, a term left out."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.roles import roles
from handgrad.auditing.slips.writing import Named, Put, negated, places, said, times, unsigned
from handgrad.auditing.system import Line, System
from handgrad.calculus.derivation import Phase
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Ref, Sum

__all__ = ["factors", "missing_terms", "signs"]


def signs(line: Line, _: System, named: Named) -> Iterator[Variant]:
    """A minus lost or added before a term, before an argument, or before all of it."""
    name = named(line.name)
    for node, put in places(line.rhs):
        match node:
            case Sum(terms):
                for n, term in enumerate(terms):
                    sign, rest = unsigned(term)
                    if n == 0 and sign > 0 and line.phase is Phase.UPDATE:
                        continue
                    changed = put(Sum((*terms[:n], negated(term), *terms[n + 1 :])))
                    yield Variant(
                        "sign", changed, _of_term(line, rest, sign, named), 1.0, f"term{n}"
                    )
            case Call(function, (argument,)) if line.phase is Phase.FORWARD:
                sentence = (
                    f"{function} was taken at {said(negated(argument), named)}, with the wrong sign"
                )
                yield Variant(
                    "sign", put(Call(function, (negated(argument),))), sentence, 2.0, "argument"
                )
            case _:
                pass
    if line.phase is not Phase.UPDATE:
        lost = unsigned(line.rhs)[0] < 0
        sentence = f"the minus of {name} was lost" if lost else f"{name} has the wrong sign"
        cost = 1.0 if lost or line.phase is Phase.BACKWARD else 3.0
        yield Variant("sign", negated(line.rhs), sentence, cost, "whole")


def _of_term(line: Line, term: Expr, sign: int, named: Named) -> str:
    if line.phase is Phase.UPDATE:
        return f"the step {said(term, named)} was added instead of subtracted, uphill"
    if sign < 0:
        return f"the minus before {said(term, named)} was lost"
    return f"{said(term, named)} was subtracted instead of added"


def factors(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """A number dropped or inverted, a square left out, a mean for a sum."""
    name = named(line.name)
    yield from _within(line.rhs, system, named)
    yield from _in_every_term(line.rhs, system, named)
    if line.phase is Phase.UPDATE:
        return
    first = 1.5 if _by_loss(line, system) else 4.0
    half = Num(Fraction(1, 2))
    yield Variant("factor", times(Num(2), line.rhs), f"{name} has a factor 2 too many", first, "×2")
    yield Variant("factor", times(half, line.rhs), f"{name} has a factor ½ too many", first, "×½")
    for count, what in _counts(line, system):
        part = Num(Fraction(1, count))
        sentence = f"{name} was divided by {count}, {what}: a mean for a sum"
        yield Variant("factor", times(part, line.rhs), sentence, first + 0.5, f"/{count}")
        sentence = f"{name} was multiplied by {count}, {what}: a sum for a mean"
        yield Variant("factor", times(Num(count), line.rhs), sentence, first + 1, f"×{count}")


def _within(expr: Expr, system: System, named: Named) -> Iterator[Variant]:
    """Numbers dropped and squares left out anywhere in an expression."""
    for node, put in places(expr):
        match node:
            case Product(parts):
                yield from _dropped(parts, put, named, system)
            case Power(base, Num(value)) if value == 2:
                sentence = f"the square of {said(base, named)} was left out"
                yield Variant("factor", put(base), sentence, 2.0, "square")
            case _:
                pass


def _in_every_term(expr: Expr, system: System, named: Named) -> Iterator[Variant]:
    """The same in all terms of a sum: ½ dropped, the squares left out, a minus lost."""
    for node, put in places(expr):
        if not isinstance(node, Sum):
            continue
        found = [{v.key: v for v in _of_one_term(term, system, named)} for term in node.terms]
        for key, first in found[0].items():
            if all(key in other for other in found):
                changed = put(Sum(tuple(other[key].rhs for other in found)))
                sentence = f"{first.sentence}, and so in every term"
                yield Variant(first.slip, changed, sentence, first.cost, f"every {key}")


def _of_one_term(term: Expr, system: System, named: Named) -> Iterator[Variant]:
    yield from _within(term, system, named)
    for node, put in places(term):
        match node:
            case Sum(terms):
                for n, part in enumerate(terms):
                    if unsigned(part)[0] < 0:
                        lost = put(Sum((*terms[:n], negated(part), *terms[n + 1 :])))
                        sentence = f"the minus before {said(unsigned(part)[1], named)} was lost"
                        yield Variant("sign", lost, sentence, 1.0, f"minus{n}")
            case _:
                pass


def _dropped(parts: tuple[Expr, ...], put: Put, named: Named, system: System) -> Iterator[Variant]:
    constants = roles(system).kind
    for n, factor in enumerate(parts):
        rest = Product(parts[:n] + parts[n + 1 :]) if len(parts) > 2 else parts[1 - n]
        match factor:
            case Num(value) if value == -1:
                yield Variant(
                    "sign",
                    put(rest),
                    f"the minus before {said(rest, named)} was lost",
                    1.0,
                    "minus",
                )
            case Num(value) if value not in (0, 1):
                shown = said(factor, named)
                yield Variant(
                    "factor", put(rest), f"the factor {shown} was dropped", 1.0, f"drop{n}"
                )
                if abs(value) < 1:
                    other = Num(Fraction(1) / Fraction(value))
                    inverse = put(Product((*parts[:n], other, *parts[n + 1 :])))
                    sentence = f"multiplied by {said(other, named)} instead of {shown}"
                    yield Variant("factor", inverse, sentence, 3.0, f"inverse{n}")
            case Power(base, Num(value)) if value == -1 and (
                isinstance(base, Num)
                or (isinstance(base, Ref) and constants.get(base) == "constant")
            ):
                sentence = f"the division by {said(base, named)} was left out"
                yield Variant("factor", put(rest), sentence, 1.0, f"undivided{n}")
            case _:
                pass


def _by_loss(line: Line, system: System) -> bool:
    """Whether a line is the loss, or the first of the backward pass."""
    backward = line.phase is Phase.BACKWARD
    gradients = roles(system).kind
    first = backward and not any(gradients.get(r) == "gradient" for r in system.uses[line.name])
    return first or line.name == system.loss


def _counts(line: Line, system: System) -> Iterator[tuple[int, str]]:
    """How many there are of what one takes means over."""
    own = max((len(n.terms) for n, _ in places(line.rhs) if isinstance(n, Sum)), default=1)
    loss = system.line.get(system.loss)
    nodes = places(system.plain[system.loss]) if loss else ()
    whole = max((len(n.terms) for n, _ in nodes if isinstance(n, Sum)), default=1)
    known = {2}  # that is a factor ½ or 2
    for count, what in (
        (own, "the number of its terms"),
        (whole, "the number of terms of the loss"),
    ):
        if count > 1 and count not in known and (count == own or _by_loss(line, system)):
            known.add(count)
            yield count, what


def missing_terms(line: Line, system: System, named: Named) -> Iterator[Variant]:
    """One term of a sum left out, or all but one."""
    for node, put in places(line.rhs):
        match node:
            case Sum(terms) if line.phase is not Phase.UPDATE and len(terms) > 1:
                for n, term in enumerate(terms):
                    rest = terms[:n] + terms[n + 1 :]
                    left = rest[0] if len(rest) == 1 else Sum(rest)
                    slip = "bias" if _bias_gradient(line, system) else "missing_term"
                    shown = said(unsigned(term)[1], named)
                    if isinstance(term, Ref) and term in roles(system).biases:
                        continue  # its own slip
                    yield Variant(
                        slip, put(left), f"the term {shown} was left out", 2.0, f"without{n}"
                    )
                    if len(terms) > 2:
                        sentence = f"only the term {shown} was taken"
                        yield Variant(slip, put(term), sentence, 3.0, f"only{n}")
            case Product(parts) if line.phase is not Phase.UPDATE and len(parts) > 1:
                for n, factor in enumerate(parts):
                    if isinstance(factor, Ref):
                        rest = (
                            Product(parts[:n] + parts[n + 1 :]) if len(parts) > 2 else parts[1 - n]
                        )
                        sentence = f"the factor {said(factor, named)} was left out"
                        yield Variant("missing_term", put(rest), sentence, 2.5, f"lost{n}")
            case _:
                pass


def _bias_gradient(line: Line, system: System) -> bool:
    """Whether a line sums the gradient of a bias over examples or units."""
    own = roles(system)
    return line.phase is Phase.BACKWARD and any(
        bias.symbol.gradient(system.loss.symbol) == line.name.symbol for bias in own.biases
    )
