"""Formulas set in two dimensions: one walk over an expression, for every format that can set it.

A format says how its marks look: a fraction, a bracket, a name. What stands above and below a fraction,
where a minus goes and what needs brackets is decided here, once.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, NamedTuple

from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Forms,
    Index,
    Num,
    Partial,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Value,
    free_indices,
    substitute,
)
from handgrad.language.writing import VULGAR
from handgrad.render.digits import Digits
from handgrad.render.notation import Name, Names
from handgrad.render.quotient import quotient

__all__ = ["ATOM", "PLAIN", "POWER", "PRODUCT", "SUM", "Piece", "Setter"]

SUM, PRODUCT, POWER, ATOM, PLAIN = range(5)  # how tightly a piece holds; PLAIN takes an exponent


class Piece(NamedTuple):
    """Markup without its minus sign, how tightly it holds together, and whether there is a minus."""

    markup: str
    holds: int
    minus: bool = False


@dataclass(frozen=True)
class Setter(ABC):
    """Expressions to markup, in the names and digits of a page; what recurs is set once."""

    names: Names
    digits: Digits
    _pieces: dict[Ref, Piece] = field(default_factory=dict["Ref", "Piece"], init=False, repr=False)
    _shown: dict[float, str] = field(default_factory=dict[float, str], init=False, repr=False)

    FUNCTIONS: ClassVar[Mapping[str, str]]  # a template for each function of the rule table
    SPACE: ClassVar[str] = " "  # between terms, and before a Σ behind a fraction
    PLUS: ClassVar[str] = "+ "
    MINUS: ClassVar[str] = "- "
    TIMES: ClassVar[str]
    ENTRYWISE: ClassVar[str]
    COMMA: ClassVar[str] = ", "
    EQUALS: ClassVar[str] = " = "

    def write(self, expr: Expr) -> str:
        """The markup of an expression."""
        return self.signed(self.piece(expr))

    def piece(self, expr: Expr) -> Piece:
        """The markup of a node, and how it holds together."""
        match expr:
            case Num(value):
                return self.exact(Fraction(value))
            case Value(value):
                return self.rounded(value)
            case Ref():
                return self.reference(expr)
            case Partial(top, bottom, direct):
                written = self.derivative(self.write(top), self.write(bottom))
                return Piece(self.directly(written) if direct else written, ATOM)
            case Sum(terms):
                return Piece(self.run(self.terms(terms)), SUM)
            case Product() | Power(_, Num()):
                return self.product(expr.factors if isinstance(expr, Product) else (expr,))
            case Power(base, exponent):
                return self.power(base, exponent)
            case Sigma(indices, body):
                return Piece(self.total(indices, self.inside(body, PRODUCT)), PRODUCT)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Along(function, index, body, at):
                return self.along(function, index, body, at)
            case Delta(left, right):
                return Piece(self.kronecker(left, right), PLAIN)
            case Forms(book, _):
                return self.piece(book)
            case _:
                raise TypeError(f"{type(self).__name__} cannot set {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The markup of a node, in brackets where it would not hold together."""
        piece = self.piece(expr)
        signed = self.signed(piece)
        return signed if piece.holds >= least else self.bracketed(signed)

    def power(self, base: Expr, exponent: Expr) -> Piece:
        """A power."""
        return Piece(self.raised(base, self.write(exponent)), POWER)

    # --- numbers and names -------------------------------------------------------------------

    def exact(self, value: Fraction) -> Piece:
        """An exact number, as a fraction where it is one."""
        size = abs(value)
        written = str(size) if size in VULGAR else self.digits.exactly(size)
        above, _, below = written.partition("/")
        markup = self.over(self.number(above), self.number(below)) if below else self.number(above)
        return Piece(markup, SUM if value < 0 else ATOM if below else PLAIN, value < 0)

    def rounded(self, value: float) -> Piece:
        """A computed number in the digits of the page."""
        shown = self.shown(value).replace("−", "-")
        mantissa, _, exponent = shown.removeprefix("-").partition("e")
        markup, holds = self.number(mantissa), PLAIN
        if exponent:
            markup, holds = f"{markup}{self.TIMES}{self.tens(exponent)}", PRODUCT
        minus = shown.startswith("-")
        return Piece(markup, SUM if minus else holds, minus)

    def shown(self, value: float) -> str:
        """The digits of a number."""
        if value not in self._shown:
            self._shown[value] = self.digits.show(value)
        return self._shown[value]

    def reference(self, ref: Ref) -> Piece:
        """A quantity or element by its name; a page has few of them, many times."""
        if ref not in self._pieces:
            self._pieces[ref] = self.name(self.names.name(ref))
        return self._pieces[ref]

    def derivative(self, above: str, below: str) -> str:
        """The derivative of one thing by another."""
        return self.over(self.differential(above), self.differential(below))

    # --- sums and products -------------------------------------------------------------------

    def terms(self, terms: Sequence[Expr]) -> list[str]:
        """Terms, each behind the first with its sign."""
        first, *others = (self._term(term) for term in terms)
        rest = ((self.MINUS if p.minus else self.PLUS) + p.markup for p in others)
        return [self.signed(first), *rest]

    def _term(self, term: Expr) -> Piece:
        piece = self.piece(term)
        return Piece(self.bracketed(piece.markup), PLAIN) if isinstance(term, Sum) else piece

    def product(self, factors: Sequence[Expr]) -> Piece:
        """Divisors go below one fraction; a leading −1 is a sign."""
        found = quotient(factors)
        if found.below:
            above, below = (self.signed(self.times(some)) for some in (found.above, found.below))
            piece = Piece(self.over(above, below), ATOM)
            if found.behind:
                alone = len(found.behind) == 1
                sign = self.SPACE if alone and isinstance(found.behind[0], Sigma) else self.TIMES
                piece = Piece(f"{piece.markup}{sign}{self._behind(found.behind)}", PRODUCT)
        else:
            piece = self.times(found.above)
        if not found.negative:
            return piece
        loose = piece.minus or (len(found.above) == 1 and piece.holds < PRODUCT)
        return Piece(self.bracketed(self.signed(piece)) if loose else piece.markup, SUM, True)

    def _behind(self, factors: Sequence[Expr]) -> str:
        alone = len(factors) == 1
        return self.inside(factors[0], PRODUCT) if alone else self.signed(self.times(factors))

    def times(self, factors: Sequence[Expr]) -> Piece:
        """Factors side by side."""
        match factors:
            case [Power(base, exponent)]:
                return self.power(base, exponent)
            case [alone]:
                return self.piece(alone)
            case _:
                pieces = self.factors(factors)
                minus = isinstance(factors[0], Num | Value) and self.piece(factors[0]).minus
                return Piece(self.TIMES.join(pieces), SUM if minus else PRODUCT, minus)

    def factors(self, factors: Sequence[Expr]) -> list[str]:
        """Several factors; the first may have had a minus, the last may be a Σ."""
        pieces: list[str] = []
        for n, factor in enumerate(factors):
            match factor:
                case Power(base, exponent):
                    pieces.append(self.power(base, exponent).markup)
                case Num() | Value() if n == 0:
                    pieces.append(self.piece(factor).markup)
                case Sigma() if n < len(factors) - 1:
                    pieces.append(self.bracketed(self.write(factor)))
                case _:
                    pieces.append(self.inside(factor, PRODUCT))
        return pieces

    # --- functions ---------------------------------------------------------------------------

    def call(self, function: str, arguments: Sequence[Expr]) -> Piece:
        """A function, by its template, or an operation on whole arrays."""
        match function:
            case "@" | "∘":
                sign = self.TIMES if function == "@" else self.ENTRYWISE
                return Piece(sign.join(self.inside(a, PRODUCT) for a in arguments), PRODUCT)
            case "T":
                return Piece(self.transposed(arguments[0]), ATOM)
            case "rows":
                return Piece(self.matrix([self.write(row) for row in arguments]), PLAIN)
            case "row":
                return Piece(self.row([self.write(a) for a in arguments]), PLAIN)
            case "d/dz":
                return Piece(self.by_z(self.write(arguments[0])), ATOM)
            case "′":
                return Piece(self.primed(self.write(arguments[0])), ATOM)
            case _ if self.FUNCTIONS[function] == "{}":
                return self.piece(arguments[0])
            case _:
                sign = self.EQUALS if function == "equal" else self.COMMA
                inside = sign.join(map(self.write, arguments))
                return Piece(self.applied(function, inside), POWER if function == "exp" else PLAIN)

    def along(self, function: str, index: Index, body: Expr, at: Position | None) -> Piece:
        """A function along an index, marked with the place where it is read."""
        if isinstance(at, Index) and at.name not in free_indices(Along(function, index, body)):
            index, body = at, substitute(body, {index.name: at})
        inside = self.write(body)
        if at is None:
            return Piece(self.reduced(function, inside, index), PLAIN)
        return Piece(self.marked(self.applied(function, inside), at), PLAIN)

    def applied(self, function: str, inside: str) -> str:
        """A function of what is inside."""
        return self.FUNCTIONS[function].format(inside)

    def reduced(self, function: str, inside: str, index: Index) -> str:
        """A function of all values along an index."""
        return self.marked(self.applied(function, inside), index)

    # --- what a format says of its marks -----------------------------------------------------

    def signed(self, piece: Piece) -> str:
        """The markup of a piece with its minus."""
        return f"-{piece.markup}" if piece.minus else piece.markup

    def run(self, terms: Sequence[str]) -> str:
        """The terms of a sum in a row."""
        return self.SPACE.join(terms)

    @abstractmethod
    def bracketed(self, markup: str) -> str:
        """Brackets around what does not hold together."""

    @abstractmethod
    def number(self, digits: str) -> str:
        """Digits without a sign; ∞; ``undefined``."""

    @abstractmethod
    def tens(self, exponent: str) -> str:
        """Ten to a whole number, which may have a minus."""

    @abstractmethod
    def over(self, above: str, below: str) -> str:
        """A fraction."""

    @abstractmethod
    def raised(self, base: Expr, exponent: str) -> str:
        """A power; a base that has a superscript or a bar of its own gets brackets."""

    @abstractmethod
    def name(self, name: Name) -> Piece:
        """A name with everything that belongs to it."""

    @abstractmethod
    def differential(self, markup: str) -> str:
        """∂ of something."""

    @abstractmethod
    def directly(self, markup: str) -> str:
        """A derivative by one path only."""

    @abstractmethod
    def total(self, indices: Sequence[Index], body: str) -> str:
        """Σ over indices."""

    @abstractmethod
    def kronecker(self, left: Position, right: Position) -> str:
        """Kronecker's δ."""

    @abstractmethod
    def transposed(self, array: Expr) -> str:
        """The transpose of an array."""

    @abstractmethod
    def matrix(self, rows: Sequence[str]) -> str:
        """The rows of a matrix."""

    @abstractmethod
    def row(self, cells: Sequence[str]) -> str:
        """The numbers of one row."""

    @abstractmethod
    def by_z(self, markup: str) -> str:
        """The derivative by z, as an operator before brackets."""

    @abstractmethod
    def primed(self, markup: str) -> str:
        """A function with a prime."""

    @abstractmethod
    def marked(self, markup: str, place: Position) -> str:
        """A function with the index it runs along, or the place where it is read, below."""
