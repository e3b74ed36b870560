"""What is read in a document, as data: names, printed numbers, and chains of what is said to be equal.

Expressions are those of the calculus, with leaves of their own that remember where they stand.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cached_property

from handgrad.calculus.expr import Expr, Num, Product, walk

__all__ = [
    "DOTS",
    "EQUAL",
    "SUM",
    "Applied",
    "Chain",
    "Interval",
    "Matrix",
    "Member",
    "Name",
    "Named",
    "Opaque",
    "Unread",
    "Written",
    "literal",
    "named_in",
    "written_in",
]

EQUAL = "[=]"  # the function that is 1 where its two arguments are equal, else 0
DOTS = "…"  # what an opaque ellipsis is called
SUM = "Σ"  # before the indices that an opaque sum is over
LONGEST_NUMBER = 60  # characters
CLOSE = 1e-6  # of the last place: what floats lose where numbers nearly cancel
BELOW = 1 - CLOSE  # the next number in its last place is not cut off to it
EXPONENTS = 300  # of ten; a double has no more


@dataclass(frozen=True, slots=True)
class Name:
    """What a quantity is called, whatever the dialect: letter, subscript, superscript.

    ``new`` tells the value after an update; ``of`` is the quantity that is differentiated by it.

    >>> str(Name("w", "11", new=True)), str(Name("w", "11", of=Name("L")))
    ('w_11_new', 'dL/dw_11')
    """

    base: str
    sub: str = ""
    sup: str = ""
    new: bool = False
    of: Name | None = None
    _hash: int = field(init=False, repr=False, compare=False)  # it is asked for all the time

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.base, self.sub, self.sup, self.new, self.of)))

    def __hash__(self) -> int:
        return self._hash

    def __str__(self) -> str:
        sup = f"^({self.sup})" if self.sup else ""
        sub = f"_{self.sub}" if self.sub else ""
        own = f"{self.base}{sup}{sub}{'_new' * self.new}"
        return f"d{self.of}/d{own}" if self.of else own

    @property
    def plain(self) -> Name:
        """The same quantity before any update, and not as what is differentiated by."""
        return Name(self.base, self.sub, self.sup)

    @property
    def as_new(self) -> Name:
        """The same after an update."""
        return self if self.new else Name(self.base, self.sub, self.sup, True, self.of)

    @property
    def as_old(self) -> Name:
        """The same before an update."""
        return Name(self.base, self.sub, self.sup, False, self.of) if self.new else self


@dataclass(frozen=True)
class Interval:
    """All numbers from ``low`` to ``high``, both included."""

    low: float
    high: float

    def meets(self, other: Interval) -> bool:
        """Whether some number is in both."""
        return self.low <= other.high and other.low <= self.high

    def __contains__(self, number: float) -> bool:
        return self.low <= number <= self.high


@dataclass(frozen=True)
class Written(Expr):
    """A number as it is printed: ``text`` in canonical form (``-0.250``), and where it stands.

    ``unit`` is the place of its last digit: 0.001 for 0.250. A fraction such as ½ has the unit 0.
    """

    text: str
    start: int
    end: int

    @cached_property
    def value(self) -> float:
        """The number; infinite where it is beyond a double."""
        return float(self.text)

    @cached_property
    def unit(self) -> float:
        """What one step of the last printed digit is worth."""
        try:
            exponent = Decimal(self.text).as_tuple().exponent
        except InvalidOperation:
            return 0.0
        if not isinstance(exponent, int) or abs(exponent) > EXPONENTS:
            return 0.0
        return float(Decimal(1).scaleb(exponent))

    @property
    def whole(self) -> bool:
        """Whether it is printed without a point: exact, as a rule."""
        return self.text.lstrip("+-").isdigit()

    @cached_property
    def rounded(self) -> Interval:
        """All numbers that round to it; both ends, for halves go either way."""
        slack = math.ulp(self.value) * 4 + self.unit * CLOSE
        return Interval(self.value - self.unit / 2 - slack, self.value + self.unit / 2 + slack)

    @cached_property
    def truncated(self) -> Interval:
        """All numbers that become it when the digits after its last are cut off."""
        slack = math.ulp(self.value) * 4
        far = math.copysign(self.unit * BELOW, self.value)
        ends = sorted((self.value, self.value + far))
        if not self.value:
            ends = [-self.unit * BELOW, self.unit * BELOW]
        return Interval(ends[0] - slack, ends[1] + slack)


@dataclass(frozen=True)
class Named(Expr):
    """A quantity by its printed name, and where it stands."""

    name: Name
    start: int
    end: int


@dataclass(frozen=True)
class Applied(Expr):
    """A function that is no row of the rule table, or the derivative of one: f(z), σ′(z), L(y, ŷ)."""

    function: str
    arguments: tuple[Expr, ...]
    primes: int = 0


@dataclass(frozen=True)
class Opaque(Expr):
    """Mathematics that is read as such but has no value here: a sum over i, an operator d/dx."""

    text: str
    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Matrix(Expr):
    """Rows of expressions in brackets; a list in one pair of brackets is one row."""

    rows: tuple[tuple[Expr, ...], ...]


@dataclass(frozen=True)
class Member:
    """One side of a chain: ``relation`` (= ≈ ← →, empty for the first) and what stands after it.

    ``expr`` is None where it cannot be read; ``start`` and ``end`` are places in the text.
    """

    relation: str
    expr: Expr | None
    start: int
    end: int

    @property
    def name(self) -> Name | None:
        """The quantity, where the member is nothing but a name."""
        return self.expr.name if isinstance(self.expr, Named) else None

    @property
    def number(self) -> Written | None:
        """The number, where the member is nothing but one."""
        return literal(self.expr) if self.expr is not None else None


@dataclass(frozen=True)
class Chain:
    """Members that are said to be equal, in reading order."""

    members: tuple[Member, ...]
    context: str = ""  # the headings it stands under
    remark: str = ""  # the sentence before it
    inline: bool = False  # in running text or a table


@dataclass(frozen=True)
class Unread:
    """A piece of mathematics that is not understood."""

    text: str
    start: int


def literal(expr: Expr) -> Written | None:
    """The printed number that an expression is, a minus before it included."""
    match expr:
        case Written():
            return expr
        case Product((Num(-1), Written() as inner)):
            text = inner.text.lstrip("+")
            return replace(inner, text=text[1:] if text.startswith("-") else f"-{text}")
        case _:
            return None


def written_in(expr: Expr) -> Iterator[Written]:
    """Every printed number of an expression, in reading order."""
    return (node for node in every(expr) if isinstance(node, Written))


def named_in(expr: Expr) -> Iterator[Named]:
    """Every name of an expression, in reading order."""
    return (node for node in every(expr) if isinstance(node, Named))


def every(expr: Expr) -> Iterator[Expr]:
    """The node and everything below it, the parts of functions and matrices included."""
    for node in walk(expr):
        yield node
        match node:
            case Applied(arguments=parts) | Opaque(parts=parts):
                for part in parts:
                    yield from every(part)
            case Matrix(rows):
                for row in rows:
                    for part in row:
                        yield from every(part)
            case _:
                pass


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?")


def canonical(text: str) -> str | None:
    """A printed number as Python reads it, or None: ".85" as "0.85"."""
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    sign = text[0] if text[0] in "+-" else ""
    body = text.lstrip("+-")
    return f"{'-' if sign == '-' else ''}{'0' if body.startswith('.') else ''}{body}"
