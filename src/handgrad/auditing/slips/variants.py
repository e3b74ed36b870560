"""Every way one line can go wrong, the most plausible first."""

from __future__ import annotations

from collections.abc import Iterator

from handgrad.auditing.slips.arithmetic import factors, missing_terms, signs
from handgrad.auditing.slips.catalogue import Variant
from handgrad.auditing.slips.derivatives import derivatives, softmax
from handgrad.auditing.slips.references import biases, learning_rate, mislabelled, operands
from handgrad.auditing.slips.writing import Named
from handgrad.auditing.system import Line, System, booked
from handgrad.calculus.expr import Expr
from handgrad.language import writing

__all__ = ["variants"]

KINDS = (
    signs,
    derivatives,
    softmax,
    biases,
    learning_rate,
    factors,
    missing_terms,
    operands,
    mislabelled,
)


def variants(line: Line, system: System, named: Named = writing.name) -> Iterator[Variant]:
    """Every way this line can go wrong by itself, each right side once, the most plausible first.

    ``named`` says how a number is called in the sentences. A variant may use any number of the
    system, also one of a later line, but none that is computed from this line.
    """
    plain = Line(line.name, booked(line.rhs), line.phase)
    found = [variant for kind in KINDS for variant in kind(plain, system, named)]
    known: set[Expr] = {plain.rhs}
    for variant in sorted(found, key=lambda variant: variant.cost):
        if variant.rhs not in known:
            known.add(variant.rhs)
            yield variant
