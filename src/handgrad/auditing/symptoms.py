"""Slips told from the numbers alone: few digits, a stale operand, a term twice, a slip of the pen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from handgrad.auditing.align import numeric
from handgrad.auditing.printed import reading
from handgrad.auditing.reading.nodes import Name, Named, Written
from handgrad.auditing.record import Record
from handgrad.auditing.slips.misprints import misprints
from handgrad.auditing.verdicts import Blame, Claim
from handgrad.auditing.worth import close, exchanged, leaves, plain, reach
from handgrad.calculus.expr import Call, Expr, Sum

__all__ = ["Reason", "carried", "few_digits", "misplaced", "miswritten", "repeated", "stale"]

Reason = tuple[float, str, str]  # cost, slip, sentence
FEWEST_CARRIED, MOST_OF = 4, 0.8  # wrong lines that make few digits a rule, and their part


def few_digits(record: Record, roots: Sequence[Claim]) -> list[Blame]:
    """Few digits carried throughout, where that gives nearly all wrong numbers."""
    told = [c for c in roots if c.local == "wrong" and c.line is not None]
    if len(told) < FEWEST_CARRIED:
        return []
    for digits in range(1, 8):
        fitting = [c for c in told if with_digits(record, c, digits)]
        if len(fitting) >= MOST_OF * len(told):
            said = f"only {digits} significant digits were carried throughout"
            followers = [c for c in record.claims if set(map(id, c.roots)) & set(map(id, fitting))]
            return [Blame("precision", said, fitting[0], [*fitting, *followers])]
    return []


def with_digits(record: Record, claim: Claim, digits: int) -> bool:
    """Whether a line gives the number if its operands, or all, have so many digits."""
    assert claim.line is not None, "asked of lines only"

    def short(leaf: Written | Named) -> tuple[float, ...]:
        found = record.choices(leaf, claim.place, fine=False)
        return tuple(float(f"{value:.{digits - 1}e}") for value in found)

    found = reach(record.world.applied(claim.line), short)
    if found is None:
        return False
    cut = [float(f"{value:.{digits - 1}e}") for value in found.values]
    return found.meets(claim.written.rounded) or any(v in claim.written.rounded for v in cut)


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
            old = {v for c in claims for v in (c.written.value, c.true, *c.full) if v is not None}
            old = {v for v in old if now is not None and not near(v, now)}

            def leaf_values(
                leaf: Written | Named, name: Name = name, old: set[float] = old
            ) -> Sequence[float]:
                if isinstance(leaf, Named) and leaf.name == name:
                    return tuple(old)
                return record.choices(leaf, place, fine=False)

            found = reach(record.world.applied(expr), leaf_values) if old else None
            if found is not None and found.meets(claim.written.rounded):
                yield 0.9, "stale_value", f"{name} was used as it was in the pass before"
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
            yield m.cost, m.slip, f"{claim.name or 'the number'}: {m.sentence}"


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
                yield 0.4, "precision", f"only {count} digits were carried"
                return


def near(one: float, other: float) -> bool:
    """Whether two values agree to three digits: one may be the other, rounded."""
    return abs(one - other) <= 1e-3 * max(abs(one), abs(other))
