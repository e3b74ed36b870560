"""Printed formulas judged: one that is not that of its quantity, and the change that makes it right.

A formula is decided at values drawn at random, so no number has to be printed for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import isfinite

from handgrad.auditing.align import numeric
from handgrad.auditing.learning import bare
from handgrad.auditing.reading.nodes import Name, Named, Written, every
from handgrad.auditing.record import Record
from handgrad.auditing.roles import is_loss
from handgrad.auditing.statements import heads
from handgrad.auditing.verdicts import Claim, fit
from handgrad.auditing.worth import close, leaves, replaced
from handgrad.calculus.expr import Expr, Num, Power, Product, Sum, children, rebuild

__all__ = [
    "Repair",
    "announced_squares",
    "other_name",
    "repair",
    "wrong_equations",
    "wrong_formula",
]

Repair = tuple[
    str, Name | None, Name | None
]  # what is wrong; the name that stands, and that belongs
MOST_NAMES = 60  # that are tried in the place of another
FACTORS = (2, Fraction(1, 2))
EDGE = re.compile(r"&|=|≈|≃|\\(?:approx|simeq|\\|\]|\[|\)|\()|\$+|\n|`|<")
LONGEST = 400  # characters of a formula
PLAIN = (Sum, Product, Power, Named, Written, Num)
WORLDS = (1, 2, 3)  # drawn at random
SQUARED = re.compile(r"squared?[ -]error|\bMSE\b|quadrati\w+ (?:error|fehler)", re.IGNORECASE)


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


def wrong_equations(record: Record) -> Iterator[Claim]:
    """The printed formulas that are not those of the name they stand behind, as claims to explain."""
    for place, chain in enumerate(record.document.chains):
        name = next(iter(heads(chain)), None)
        if name is None or name.new or name.base == "δ":
            continue
        for member in chain.members:
            expr = member.expr
            if expr is None or member.name is not None or not _symbolic(expr, name):
                continue
            written = _span(expr, record.document.source.text)
            claim = Claim("formula", name, written, place, expr, "unread", "wrong")
            if _differs(record, name, expr, place) or announced_squares(record, claim):
                yield claim
                break  # what follows in the chain follows from it


def _symbolic(expr: Expr, name: Name) -> bool:
    own = [leaf.name.base for leaf in leaves(expr) if isinstance(leaf, Named)]
    return len(own) > 0 and not isinstance(expr, Named) and name.base not in own


def _differs(record: Record, name: Name, expr: Expr, place: int) -> bool:
    """Whether a formula gives other values than its name has, in every world drawn."""
    world = record.world
    if name.of is None and len(world.definitions.get(name, ())) < 2:
        return False
    for drawn in WORLDS:
        value, own = world.number(expr, place, drawn), world.value(name, place, drawn)
        if value is None or own is None or not isfinite(value) or close(value, own):
            return False
    return True


def announced_squares(record: Record, claim: Claim) -> bool:
    """Whether a squared error is announced, and differences are added up as they are."""
    chain, name, expr = record.document.chains[claim.place], claim.name, claim.line
    if name is None or expr is None or not is_loss(name) or not SQUARED.search(chain.remark):
        return False
    nodes = [*every(expr)]
    return (
        any(isinstance(node, Sum) and _difference(node) for node in nodes)
        and all(isinstance(node, PLAIN) for node in nodes)
        and all(node.exponent == Num(-1) for node in nodes if isinstance(node, Power))
        and _linear(expr)
    )


def _difference(terms: Sum) -> bool:
    return len(terms.terms) == 2 and any(
        isinstance(t, Product) and Num(-1) in t.factors for t in terms.terms
    )


def _linear(expr: Expr) -> bool:
    """Whether no difference is multiplied by another, or by itself."""
    return all(
        sum(any(isinstance(n, Sum) for n in every(f)) for f in node.factors) < 2
        for node in every(expr)
        if isinstance(node, Product)
    )


def _span(expr: Expr, text: str) -> Written:
    """The place of a formula in the text, from the sign of equality before it to the next."""
    found = [leaf for leaf in leaves(expr) if leaf.start >= 0]
    start, end = min(leaf.start for leaf in found), max(leaf.end for leaf in found)
    before = [*EDGE.finditer(text, max(0, start - LONGEST), start)]
    after = EDGE.search(text, end)
    start = before[-1].end() if before else start
    end = after.start() if after else end
    whole = text[start:end]
    return Written(
        "nan", start + len(whole) - len(whole.lstrip()), start + len(whole.rstrip(" \t,.;"))
    )


def other_name(record: Record, claim: Claim) -> Name | None:
    """The other quantity that a formula is right for."""
    world, expr = record.world, claim.line
    assert expr is not None, "asked of formulas only"
    for name in world.definitions:
        if claim.name is None or name == claim.name or (name.of is None) != (claim.name.of is None):
            continue
        pairs = [
            (world.number(expr, claim.place, n), world.value(name, claim.place, n)) for n in WORLDS
        ]
        if all(a is not None and b is not None and close(a, b) for a, b in pairs):
            return name
    return None


def repair(record: Record, formula: Expr, claim: Claim) -> Repair | None:
    """The smallest change that makes a formula right for the claim's quantity."""
    place, name = claim.place, claim.name
    truths = {0: claim.true}
    if name is not None and (claim.kind == "formula" or claim.true == 0):  # many things are 0
        truths = {drawn: record.world.value(name, place, drawn) for drawn in WORLDS}

    def right(expr: Expr) -> bool:
        found = ((record.world.number(expr, place, drawn), true) for drawn, true in truths.items())
        return all(v is not None and true is not None and close(v, true) for v, true in found)

    if right(Product((Num(-1), formula))) or any(right(expr) for expr in _turned(formula)):
        return "sign", None, None
    for stands, other in _exchanges(record, formula, claim):
        if right(_put(formula, stands, other)):
            return "operand", stands, other
    if any(right(expr) for expr in _thinned(formula)):
        return "twice", None, None
    if any(right(Product((Num(by), formula))) for by in FACTORS):
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
    plain = [bare(f) for f in factors]
    doubled = [n for n, f in enumerate(plain) if f in plain[:n]]
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
