"""Spoken words: a formula as a screen reader says it well, and as a listener can write it down again.

    z 1 element 1 equals w sub 11 times x element 1, equals 0.2 times 1.1, equals 0.22.

What a page shows by place or size is said: fractions, sums and powers have an end, brackets open and
close. Whatever is still open at the end of a part ends there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

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
    refs,
    substitute,
)
from handgrad.language.writing import VULGAR
from handgrad.render.digits import Digits
from handgrad.render.document import Document, Formula, Item, Line, Remark, related
from handgrad.render.quotient import flat_factors
from handgrad.render.spoken_words import FUNCTIONS, SpokenNames

__all__ = ["FUNCTIONS", "SpokenWriter", "sentence", "to_spoken", "writer_of"]

POWERS: dict[Expr, str] = {Num(2): "squared", Num(3): "cubed"}
SUM, NEGATED, PRODUCT, POWER, ATOM = range(5)


HALF = Fraction(1, 2)


@dataclass(frozen=True)
class SpokenWriter:
    """Expressions to words, in the names and digits of a page.

    >>> from handgrad.language.reading import parse_formula
    >>> from handgrad.render.notation import Names
    >>> SpokenWriter(SpokenNames(Names()), Digits()).write(parse_formula("1/(1 + exp(-z1[2]))"))
    'the fraction 1 over 1 plus e to the power minus z 1 element 2 end power end fraction'
    """

    names: SpokenNames
    digits: Digits

    def write(self, expr: Expr) -> str:
        """The words of a whole part; the end of a sum or power at its very end is not said."""
        match expr:
            case Product((above, Power(below, Num(-1)))) if _plain(above) and _plain(below):
                return f"{self.piece(above)[0]} over {self.piece(below)[0]}"
            case _:
                return re.sub("( end (sum|power))+$", "", self.piece(expr)[0])

    def piece(self, expr: Expr) -> tuple[str, int]:
        """The words of a node, and how tightly they hold together."""
        match expr:
            case Num(value):
                return self.exact(Fraction(value))
            case Value(value):
                return self.rounded(value)
            case Ref():
                return self.names.name(expr), ATOM
            case Partial(top, bottom, direct):
                said = f"d {self.names.name(top)} by d {self.names.name(bottom)}"
                return f"direct {said}" if direct else said, ATOM
            case Sum(terms):
                return self.sum(terms), SUM
            case Product(factors):
                return self.product(factors)
            case Power(_, Num(value)) if value < 0:
                return self.product((expr,))
            case Power(base, exponent):
                raised = f"raised to the power {self.piece(exponent)[0]} end power"
                return f"{self.inside(base, ATOM)} {POWERS.get(exponent, raised)}", POWER
            case Sigma(indices, body):
                letters = " and ".join(index.name for index in indices)
                return f"the sum over {letters} of {self.piece(body)[0]} end sum", ATOM
            case Call(function, arguments):
                return self.call(function, arguments)
            case Along(function, index, body, at):
                return self.along(function, index, body, at), POWER
            case Delta(left, right):
                return f"kronecker delta of {left} and {right}", ATOM
            case Forms(book, _):
                return self.piece(book)
            case _:
                raise TypeError(f"no words for {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The words of a node, in brackets where they would not hold together."""
        said, tightness = self.piece(expr)
        return said if tightness >= least else bracketed(said)

    def exact(self, value: Fraction) -> tuple[str, int]:
        """An exact number; a fraction is said as one, but for one half."""
        size = abs(value)
        written = str(size) if size in VULGAR else self.digits.exactly(size)
        above, _, below = written.partition("/")
        said = f"the fraction {above} over {below} end fraction" if below else above
        said = "one half" if size == HALF else said
        return (f"minus {said}", NEGATED) if value < 0 else (said, ATOM)

    def rounded(self, value: float) -> tuple[str, int]:
        """A computed number in the digits of the page."""
        mantissa, _, exponent = self.digits.show(value).partition("e")
        said = _signed(mantissa).replace("∞", "infinity")
        if exponent:
            said += f" times ten to the {_signed(exponent)}"
        return said, NEGATED if said.startswith("minus ") else ATOM

    def sum(self, terms: Sequence[Expr]) -> str:
        """Terms with their signs."""
        said = self.inside(terms[0], NEGATED)
        for term in terms[1:]:
            piece = self.inside(term, NEGATED)
            said += f" {piece}" if piece.startswith("minus ") else f" plus {piece}"
        return said

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        """Factors in their order; a divisor closes a fraction over everything before it."""
        flat = [part for factor in factors for part in flat_factors(factor)]
        negated = len(flat) > 1 and flat[0] == Num(-1)
        said, tightness = "", PRODUCT
        del flat[:negated]
        for n, factor in enumerate(flat):
            match factor:
                case Power(base, Num(value)) if value < 0:
                    below = base if value == -1 else Power(base, Num(-value))
                    said = self.piece(flat[0])[0] if n == 1 else said
                    said = f"the fraction {said or 1} over {self.piece(below)[0]} end fraction"
                    tightness = ATOM
                case _:
                    piece, held = self.piece(factor)
                    signed = isinstance(factor, Num | Value) and n == 0 and not negated
                    piece = piece if held >= POWER or signed else bracketed(piece)
                    said = f"{said} times {piece}" if said else piece
                    tightness = PRODUCT
        if negated or said.startswith("minus "):
            return f"minus {said}" if negated else said, NEGATED
        return said, tightness

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        """A function by its template, or an operation on whole arrays."""
        match function:
            case "@" | "∘":
                sign = " times " if function == "@" else " times element by element "
                return sign.join(self.inside(a, POWER) for a in arguments), PRODUCT
            case "T":
                return f"the transpose of {self.argument(arguments)}", POWER
            case "rows":
                rows = " next row ".join(self.piece(row)[0] for row in arguments)
                return f"the matrix of rows {rows} end matrix", ATOM
            case "row":
                return " and ".join(self.piece(a)[0] for a in arguments), ATOM
            case "d/dz":
                return f"the derivative by z of {self.argument(arguments)}", POWER
            case "′":
                return self.prime(arguments[0])
            case "equal":
                inside = " equals ".join(self.piece(a)[0] for a in arguments)
                return FUNCTIONS[function].format(inside), ATOM
            case _ if FUNCTIONS[function] == "{}":
                return self.piece(arguments[0])
            case _ if not FUNCTIONS[function].endswith("{}"):
                return FUNCTIONS[function].format(self.piece(arguments[0])[0]), ATOM
            case _:
                return FUNCTIONS[function].format(self.argument(arguments)), POWER

    def prime(self, inner: Expr) -> tuple[str, int]:
        """The derivative of a function at its argument: σ′(z)."""
        match inner:
            case Call(function, arguments) if FUNCTIONS[function].endswith(" of {}"):
                said = FUNCTIONS[function].removesuffix(" of {}")
                return f"the derivative of {said} at {self.argument(arguments)}", POWER
            case _:
                return f"the derivative of {bracketed(self.piece(inner)[0])}", POWER

    def argument(self, arguments: tuple[Expr, ...]) -> str:
        """What a function is applied to: a name or number as it is, anything else in brackets."""
        if len(arguments) != 1:
            return bracketed(" and ".join(self.piece(a)[0] for a in arguments))
        (argument,) = arguments
        said, _ = self.piece(argument)
        match argument:
            case Product((Num(-1), inner)) if _plain(inner):
                return said
            case Num(Fraction() as value) if value.denominator != 1:
                return bracketed(said)
            case Num() | Value() | Ref():
                return said
            case _:
                return bracketed(said)

    def along(self, function: str, index: Index, body: Expr, at: Position | None) -> str:
        """A function of all values along an index, read at one place."""
        if isinstance(at, Index) and at.name not in free_indices(Along(function, index, body)):
            index, body = at, substitute(body, {index.name: at})
        said = FUNCTIONS[function].removesuffix(" of {}")
        said += f" over {index} of {self.argument((body,))}"
        return said if at is None or at == index else f"{said} at {at}"


def bracketed(said: str) -> str:
    """Words in brackets."""
    return f"open paren {said} close paren"


def _signed(digits: str) -> str:
    return f"minus {digits[1:]}" if digits.startswith(("-", "−")) else digits


def _plain(expr: Expr) -> bool:
    """A name, or a whole or computed number without a sign."""
    match expr:
        case Num(value):
            return value >= 0 and Fraction(value).denominator == 1
        case Value(value):
            return value >= 0
        case _:
            return isinstance(expr, Ref)


# --- documents -------------------------------------------------------------------------------


def writer_of(document: Document) -> SpokenWriter:
    """The writer of a page: it says of a letter that it is a capital where the small one occurs too."""
    names = document.names
    items = [item for section in document.sections for item in section.items]
    shown = {ref for item in items for expr in _expressions(item) for ref in refs(expr)}
    letters = {names.of_loss.base}
    for ref in shown:
        found = names.given(Ref(ref.symbol.plain, ref.indices))
        letters.add(found[0].base if found else ref.symbol.base)
    small = {letter.upper() for letter in letters if len(letter) == 1 and letter.islower()}
    return SpokenWriter(SpokenNames(names, frozenset(letters & small)), document.digits)


def _expressions(item: Item) -> tuple[Expr, ...]:
    match item:
        case Line(lhs, parts):
            return (lhs, *parts)
        case Formula(lhs, rhs):
            return (lhs, rhs)
        case Remark():
            return ()


def sentence(writer: SpokenWriter, item: Line | Formula) -> str:
    """One worked line, or a formula, in one sentence."""
    pieces: list[str] = []
    for equal, part in related(item, writer.digits):
        said = f"{'equals' if equal else 'is about'} {writer.write(part)}"
        if said not in pieces[-1:]:
            pieces.append(said)
    return f"{writer.write(item.lhs)} {', '.join(pieces)}."


def to_spoken(document: Document) -> str:
    """The whole document as sentences, one a line; headings stand alone."""
    writer = writer_of(document)
    said = [document.title] if document.title else []
    said += [f"Source: {document.source}"] if document.source else []
    for section in document.sections:
        said += ["", section.title, *_sentences(writer, section.items)]
    return "\n".join(said).strip("\n") + "\n"


def _sentences(writer: SpokenWriter, items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield item.text if isinstance(item, Remark) else sentence(writer, item)
