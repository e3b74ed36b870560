"""What is found of one printed number: how it shows a value, and the verdicts that follow."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from handgrad.auditing.reading.nodes import Name, Written
from handgrad.auditing.worth import Reach, close
from handgrad.calculus.expr import Expr

__all__ = ["FINE", "WRONG", "Blame", "Claim", "fit", "fit_value", "shown"]

FINE = frozenset({"exact", "rounded", "truncated", "given"})
WRONG = frozenset({"wrong", "inherited", "mislabelled", "unexplained"})


@dataclass(eq=False)
class Claim:
    """One printed number and what is found of it; ``line`` is the expression it results from."""

    kind: str  # result, part, operand, stated, later
    name: Name | None
    written: Written
    place: int  # the number of its chain
    line: Expr | None = None
    local: str = "unread"
    verdict: str = "unjudged"
    true: float | None = None
    full: tuple[float, ...] = ()  # what the author had before rounding, as far as one can tell
    roots: list[Claim] = field(default_factory=list["Claim"])  # the wrong numbers it follows from
    formula: Expr | None = None  # the equation of its name that holds here
    step: int = 1

    @property
    def wrong(self) -> bool:
        """Whether it counts as wrong."""
        return self.verdict in WRONG or self.local == "wrong"


@dataclass
class Blame:
    """A slip, its sentence, the number it was made in, and all numbers it explains."""

    slip: str
    sentence: str
    root: Claim
    explains: list[Claim] = field(default_factory=list[Claim])


def fit(written: Written, found: Reach) -> str | None:
    """How a printed number shows what an expression can be worth; None where it does not."""
    pure = (found.printed, found.full)
    if all(close(v, written.value) and (not written.unit or v in written.rounded) for v in pure):
        return "exact"
    if found.meets(written.rounded):
        return "rounded"
    cut = written.unit and not written.whole and any(v in written.truncated for v in pure)
    return "truncated" if cut else None


def fit_value(written: Written, value: float) -> str | None:
    """How a printed number shows a value: exact, rounded, truncated; None where it does not."""
    return fit(written, Reach(np.array([value]), True, value, value))


def shown(value: float, number: Written) -> bool:
    """Whether a printed number can be a copy of a value, in its own digits."""
    if number.whole:
        return close(value, number.value) or (
            number.value != 0 and value in number.rounded and abs(number.value) > 99
        )
    return value in number.rounded or value in number.truncated
