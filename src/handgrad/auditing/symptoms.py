"""Slips told from the numbers alone: few digits, a stale operand, a term twice, a slip of the pen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from handgrad.auditing.align import numeric
from handgrad.auditing.printed import reading
from handgrad.auditing.reading.nodes import Name, Named, Written
from handgrad.auditing.record import Record
from handgrad.auditing.slips.misprints import misprints
from handgrad.auditing.verdicts import Blame, Claim
from handgrad.auditing.worth import close, exchanged, leaves, plain, reach
from handgrad.calculus.expr import Call, Expr, Sum

__all__ = [
    "Reason",
    "carried",
    "few_digits",
    "misplaced",
    "miswritten",
    "repeated",
    "stale",
    "unlike",
]

Reason = tuple[float, str, str]  # cost, slip, sentence
FEWEST_CARRIED, MOST_OF = 2, 0.8  # wrong lines that make few digits a rule, and their part
FEWEST_SINGLE = 3  # the same for single precision
SINGLE = 2.0**-22  # relative, what a line of single precision may lose
NEAR = 1e-4  # relative, between a result and that of the rounded numbers it is shown with
UNLIKE = 3.5  # the cost of digits that are not those of the numbers the line shows
TELLING = 5  # digits by which an old value is known again


def few_digits(record: Record, roots: Sequence[Claim]) -> list[Blame]:
    """Few digits carried throughout, where that gives nearly all wrong numbers."""
    told = [c for c in roots if c.local == "wrong" and c.line is not None]
    if len(told) < FEWEST_CARRIED:
        return []
    for short, said in _shortenings():
        fitting = _nearly_all(told, lambda claim, short=short: _by(record, claim, short))
        if len(fitting) >= FEWEST_CARRIED:
            return [_throughout(record, fitting, said)]
    if len(told) >= FEWEST_SINGLE:
        fitting = _nearly_all(told, lambda claim: _single(record, claim))
        if fitting:
            return [_throughout(record, fitting, "all was calculated in single precision")]
    return []


def _nearly_all(claims: Sequence[Claim], fits: Callable[[Claim], bool]) -> list[Claim]:
    """The claims that fit, none where they are too few; it ends with the first that is too many."""
    fitting, others = list[Claim](), 0
    for claim in claims:
        if fits(claim):
            fitting.append(claim)
        else:
            others += 1
            if len(claims) - others < MOST_OF * len(claims):
                return []
    return fitting


def _throughout(record: Record, fitting: Sequence[Claim], said: str) -> Blame:
    own = set(map(id, fitting))
    followers = [c for c in record.claims if any(id(root) in own for root in c.roots)]
    return Blame("precision", said, fitting[0], [*fitting, *followers])


def _shortenings() -> Iterator[tuple[Callable[[float], float], str]]:
    """The ways numbers are carried with fewer digits than they are printed with."""
    for digits in range(1, 8):
        yield (
            lambda value, digits=digits: float(f"{value:.{digits - 1}e}"),
            f"only {digits} significant digit{'s' * (digits > 1)} were carried throughout",
        )
        yield (
            lambda value, digits=digits: round(value, digits),
            f"only {digits} decimal{'s' * (digits > 1)} were carried throughout",
        )


def _by(record: Record, claim: Claim, short: Callable[[float], float]) -> bool:
    """Whether a line gives the number if its operands, or all, are shortened."""
    assert claim.line is not None, "asked of lines only"

    def operand(leaf: Written | Named) -> tuple[float, ...]:
        return tuple(short(v) for v in record.choices(leaf, claim.place, fine=False))

    found = reach(record.world.applied(claim.line), operand)
    if found is None:
        return False
    cut = [short(value) for value in found.values]
    return found.meets(claim.written.rounded) or any(v in claim.written.rounded for v in cut)


def _single(record: Record, claim: Claim) -> bool:
    """Whether a number is off by no more than what single precision loses on its line."""
    assert claim.line is not None, "asked of lines only"
    found = record.reached(claim.line, claim.place, fine=False)
    if found is None:
        return False
    numbers = [claim.written, *(x for x in leaves(claim.line) if isinstance(x, Written))]
    room = SINGLE * max(abs(number.value) for number in numbers) + claim.written.unit / 2
    return room > claim.written.unit and bool(
        np.any(np.abs(found.values - claim.written.value) <= room)
    )


def misplaced(record: Record, claim: Claim) -> str | None:
    """A factor such as 1 − a², worked out with another value of the unit in the place of a or z."""
    if claim.line is None:
        return None
    for leaf in leaves(claim.line):
        known = leaf if isinstance(leaf, Named) else record.stood(leaf)[0]
        if not isinstance(known, Named):
            continue
        definition = record.world.forward(known.name, claim.place)
        inner = definition.expr if definition is not None else None
        if isinstance(inner, Call) and len(inner.arguments) == 1:
            others: list[Expr] = [inner.arguments[0], Call(inner.function, (inner,))]
        else:
            others = [*activations(record, known.name)]
        for other in others:
            put = exchanged(claim.line, leaf, other)
            found = record.reached(put, claim.place, fine=False)
            if found is not None and found.meets(claim.written.rounded):
                return f"the derivative was taken at another value than {known.name}"
    return None


def activations(record: Record, name: Name) -> Iterator[Named]:
    """What is a function of one name and nothing else."""
    for user, found in record.world.definitions.items():
        for definition in found:
            match definition.expr:
                case Call(_, (Named(argument),)) if argument == name:
                    yield Named(user, 0, 0)
                case _:
                    pass


def formulas(record: Record, claim: Claim) -> list[Expr]:
    """The formulas that hold for a claim, and the line of numbers it stands in."""
    found = [] if claim.formula is None else [claim.formula]
    chain = record.document.chains[claim.place]
    found += [m.expr for m in chain.members if m.expr is not None and not numeric(m.expr)]
    return [e for e in found if not isinstance(e, Named)]


def stale(record: Record, claim: Claim) -> Iterator[Reason]:
    """One operand as it was in the pass before."""
    place = claim.place
    for expr in formulas(record, claim)[:2]:
        for name in dict.fromkeys(n.name for n in leaves(expr) if isinstance(n, Named)):
            now = record.world.value(name, place)
            claims = [*record.of.get(name, ()), *record.of.get(name.plain, ())]
            again = [*claims, *record.of.get(name.plain.as_new, ())]
            unit = min((c.written.unit for c in again if not c.written.whole), default=0.0)
            old = {v for c in claims for v in (c.written.value, c.true, *c.full) if v is not None}
            old = {v for v in old if now is not None and abs(v - now) > 2 * unit}

            def leaf_values(
                leaf: Written | Named, name: Name = name, old: set[float] = old
            ) -> Sequence[float]:
                if isinstance(leaf, Named) and leaf.name == name:
                    return tuple(old)
                return record.choices(leaf, place, fine=False)

            found = reach(record.world.applied(expr), leaf_values) if old else None
            if found is not None and found.meets(claim.written.rounded):
                short = len(reading(claim.written.text).digits) < TELLING
                cost = 1.6 if short else 0.9
                yield cost, "stale_value", f"{name} was used as it was in the pass before"
                return


def repeated(record: Record, claim: Claim) -> Iterator[Reason]:
    """A term of the formula that stands twice among the numbers."""
    terms = claim.line.terms if isinstance(claim.line, Sum) else ()
    for expr in formulas(record, claim)[:2]:
        if not isinstance(expr, Sum) or len(terms) != len(expr.terms) + 1:
            continue
        numbers = [t.value for t in terms if isinstance(t, Written)]
        for term in expr.terms:
            value = record.world.number(term, claim.place)
            twice = value is not None and sum(close(n, value) for n in numbers) > 1
            if twice and isinstance(term, Named):
                yield 0.1, "bias", f"{term.name} was added twice"


def miswritten(claim: Claim) -> Iterator[Reason]:
    """A slip of the pen in the number itself."""
    printed = reading(claim.written.text)
    values = list(claim.full)
    line = plain(claim.line) if claim.line is not None else None
    values += [v for v in (line, claim.true) if v is not None]
    for value in dict.fromkeys(values):
        for m in misprints(value, printed):
            yield (
                m.cost + unlike(value, claim),
                m.slip,
                f"{claim.name or 'the number'}: {m.sentence}",
            )


def carried(claim: Claim) -> Iterator[Reason]:
    """A value rounded to few digits, and filled up with zeros."""
    text = claim.written.text.lstrip("-").split("e")[0]
    digits = text.replace(".", "").lstrip("0")
    kept = digits.rstrip("0")
    values = (claim.full + ((claim.true,) if claim.true is not None else ())) or ()
    line = plain(claim.line) if claim.line is not None else None
    values += () if line is None else (line,)
    if "." not in text or not kept or len(digits) < len(kept) + 2:
        return
    for count in range(len(kept), len(digits) - 1):
        for value in values:
            if float(f"{value:.{count - 1}e}") == claim.written.value:
                said = f"only {count} digit{'s' * (count > 1)} were carried"
                yield 0.4 if count > 1 else 1.2, "precision", said
                return


def unlike(value: float, claim: Claim) -> float:
    """What it costs to take a value for the one written down that is not that of the line shown."""
    line = plain(claim.line) if claim.line is not None else None
    near = line is None or abs(value - line) <= NEAR * max(abs(value), abs(line))
    return 0.0 if near else UNLIKE
