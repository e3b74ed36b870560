"""A printed formula that is not that of its quantity: the change that makes it right."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from handgrad.auditing.align import numeric
from handgrad.auditing.reading.nodes import Name, Named, Written
from handgrad.auditing.record import Record
from handgrad.auditing.verdicts import Claim, fit
from handgrad.auditing.worth import close, leaves, replaced
from handgrad.calculus.expr import Expr, Num, Power, Product, Sum, children, rebuild

__all__ = ["Repair", "repair", "wrong_formula"]

Repair = tuple[
    str, Name | None, Name | None
]  # what is wrong; the name that stands, and that belongs
MOST_NAMES = 60  # that are tried in the place of another
FACTORS = ((2.0, "2"), (0.5, "1/2"))


def wrong_formula(record: Record, claim: Claim) -> Expr | None:
    """The formula a claim's number follows from, where it is not worth the claim's true value."""
    if claim.true is None or claim.kind == "operand":
        return None
    for member in record.document.chains[claim.place].members:
        expr = member.expr
        if expr is None or member.name is not None or isinstance(expr, Named) or numeric(expr):
            continue
        value = record.world.number(expr, claim.place)
        if value is None or close(value, claim.true):
            continue
        found = record.reached(expr, claim.place, fine=False)
        if found is not None and fit(claim.written, found):
            return expr
    return None


def repair(record: Record, formula: Expr, claim: Claim) -> Repair | None:
    """The smallest change that makes a formula right for the claim's quantity."""
    true, place = claim.true, claim.place
    assert true is not None, "asked of formulas known to be wrong"

    def right(expr: Expr) -> bool:
        value = record.world.number(expr, place)
        return value is not None and close(value, true)

    if right(Product((Num(-1), formula))) or any(right(expr) for expr in _turned(formula)):
        return "sign", None, None
    for name, other in _exchanges(record, formula, claim):
        if right(_put(formula, name, other)):
            return "operand", name, other
    if any(right(expr) for expr in _thinned(formula)):
        return "twice", None, None
    if any(right(Product((Num(1), Written(str(by), -1, -1), formula))) for by, _ in FACTORS):
        return "factor", None, None
    if any(right(expr) for expr in _squared(formula)):
        return "square", None, None
    return None


def _exchanges(record: Record, formula: Expr, claim: Claim) -> Iterator[tuple[Name, Name]]:
    """A name of the formula and another that may belong in its place, names like it first."""
    world, place = record.world, claim.place
    known = dict.fromkeys([*world.definitions, *world.givens, *record.of])
    known = {**known, **{replace(n, new=not n.new): None for n in known if n.of is None}}
    valued = [n for n in known if n != claim.name and world.value(n, place) is not None]
    for name in dict.fromkeys(n.name for n in leaves(formula) if isinstance(n, Named)):
        others = [n for n in valued if n != name and (n.of is None) == (name.of is None)]
        others.sort(key=lambda n: (n.base != name.base, n.sub != name.sub))
        yield from ((name, other) for other in others[:MOST_NAMES])


def _put(formula: Expr, name: Name, other: Name) -> Expr:
    return replaced(
        formula, lambda n: Named(other, 0, 0) if isinstance(n, Named) and n.name == name else None
    )


def _thinned(formula: Expr) -> Iterator[Expr]:
    """The formula without factors that stand in it twice."""
    factors = [*_factors(formula)]
    bare = [replaced(f, _unplaced) for f in factors]
    doubled = [n for n, f in enumerate(bare) if f in bare[:n]]
    if doubled:
        yield Product((Num(1), *(f for n, f in enumerate(factors) if n not in doubled)))
        for leave in doubled:
            yield Product((Num(1), *(f for n, f in enumerate(factors) if n != leave)))


def _factors(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Product):
        for factor in expr.factors:
            yield from _factors(factor)
    else:
        yield expr


def _unplaced(node: Expr) -> Expr | None:
    return replace(node, start=0, end=0) if isinstance(node, Named | Written) else None


def _turned(formula: Expr) -> Iterator[Expr]:
    """The formula with one term of a sum subtracted in place of added, or the other way round."""
    for n, part in enumerate(children(formula)):
        for other in _turned(part):
            parts = children(formula)
            yield rebuild(formula, (*parts[:n], other, *parts[n + 1 :]))
    if isinstance(formula, Sum):
        for n, term in enumerate(formula.terms):
            yield Sum((*formula.terms[:n], Product((Num(-1), term)), *formula.terms[n + 1 :]))


def _squared(formula: Expr) -> Iterator[Expr]:
    """The formula with a difference squared, and a mean or a half of it."""
    for n, part in enumerate(children(formula)):
        for other in _squared(part):
            parts = children(formula)
            yield rebuild(formula, (*parts[:n], other, *parts[n + 1 :]))
    if isinstance(formula, Sum):
        yield Power(formula, Num(2))
