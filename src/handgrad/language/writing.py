"""Expressions to text: the canonical text of an equation, or the same walk over other names.

    z[j] = Σ_i W[j,i]·x[i] + b[j]

``reading`` reads it back. A page writes with its own names, digits and function templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Value,
    free_indices,
    substitute,
)

__all__ = ["VULGAR", "name", "number", "text"]

SUM, NEGATED, PRODUCT, POWER, ATOM = range(5)  # how tightly a written piece holds together
POWERS = {Fraction(2): "²", Fraction(3): "³"}
VULGAR = {
    Fraction(written): sign
    for sign, written in {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "⅙": "1/6", "⅚": "5/6"}.items()
}

Leaf = Callable[[Ref], str]
Shown = Callable[[float], str]


def text(
    expr: Expr,
    leaf: Leaf | None = None,
    shown: Shown = repr,
    functions: Mapping[str, str] | None = None,
    exactly: Callable[[Fraction | int], str] | None = None,
    derivative: str = "d",
) -> str:
    """The canonical text; or the same walk over other names, digits and function templates."""
    writer = _Writer(leaf or name, shown, functions or {}, exactly or number, derivative)
    return writer.write(expr)[0]


def name(ref: Ref) -> str:
    """``W1[2,1]``, ``L``: the public name of a quantity or an element."""
    inside = ",".join(str(position) for position in ref.indices)
    return f"{ref.symbol}[{inside}]" if inside else str(ref.symbol)


def number(value: Fraction | int) -> str:
    """An exact number as one writes it: ½, 0.01, 2/7.

    >>> [number(Fraction(n)) for n in ("1/2", "0.01", "2/7", "-4")]
    ['½', '0.01', '2/7', '−4']
    """
    value = Fraction(value)
    sign, size = ("−" if value < 0 else ""), abs(value)
    if size in VULGAR:
        return sign + VULGAR[size]
    rest, twos, fives = size.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest != 1 or places > 30:
        return f"{sign}{size.numerator}/{size.denominator}"
    digits = str(size.numerator * 10**places // size.denominator).rjust(places + 1, "0")
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


@dataclass(frozen=True)
class _Writer:
    leaf: Leaf
    shown: Shown
    functions: Mapping[str, str]
    exactly: Callable[[Fraction | int], str]
    derivative: str

    def called(self, function: str, inside: str) -> str:
        return self.functions.get(function, f"{function}({{}})").format(inside)

    def write(self, expr: Expr) -> tuple[str, int]:
        """The text of a node, and how tightly it holds together."""
        match expr:
            case Num(value):
                return _held(self.exactly(value), "/" in self.exactly(value))
            case Value(value):
                return _held(self.shown(value), False)
            case Ref():
                return self.leaf(expr), ATOM
            case Partial(top, bottom, direct):
                d = self.derivative
                return f"{d}{self.leaf(top)}/{d}{self.leaf(bottom)}{'|direct' * direct}", ATOM
            case Sum(terms):
                return self.sum(terms), SUM
            case Product(factors):
                return self.product(factors)
            case Power(_, Num(value)) if value < 0:
                return self.product((expr,))
            case Power(base, exponent):
                return self.power(base, exponent), POWER
            case Sigma(indices, body):
                letters = ",".join(index.name for index in indices)
                return f"Σ_{letters} {self.inside(body, PRODUCT)}", NEGATED
            case Call("equal", (left, right)):
                return f"[{self.inside(left, SUM)} = {self.inside(right, SUM)}]", ATOM
            case Call("rows", rows):
                return f"[{'; '.join(self.write(row)[0] for row in rows)}]", ATOM
            case Call("row", numbers):
                return " ".join(self.write(number)[0] for number in numbers), ATOM
            case Call("T", (array,)):
                inner = self.inside(array, ATOM)
                return (f"({inner})ᵀ" if "/" in inner else f"{inner}ᵀ"), ATOM
            case Call("@" | "∘" as operator, arrays):
                sign = "·" if operator == "@" else " ∘ "
                return sign.join(self.inside(array, POWER) for array in arrays), PRODUCT
            case Call("d/dz", (inner,)):
                return f"d/dz({self.inside(inner, SUM)})", ATOM
            case Call("′", (Call(function, arguments),)):
                inside = ", ".join(self.inside(a, SUM) for a in arguments)
                written = self.called(function, inside)
                if "(" not in written:  # |z| has no place for a prime
                    return f"({written})′", ATOM
                return written.replace("(", "′(", 1), ATOM
            case Call(function, (inner,)) if self.functions.get(function) == "{}":
                return self.write(inner)
            case Call(function, arguments):
                inside = ", ".join(self.inside(a, SUM) for a in arguments)
                return self.called(function, inside), ATOM
            case Along(function, index, body, at):
                if isinstance(at, Index) and at.name not in free_indices(replace(expr, at=None)):
                    index, body = at, substitute(body, {index.name: at})
                inner = self.called(function, f"{index.name}, {self.inside(body, SUM)}")
                return inner + (f"[{at}]" if at is not None and at != index else ""), ATOM
            case Delta(left, right):
                return f"δ({left}, {right})", ATOM
            case Forms(book, _):
                return self.write(book)
            case _:
                raise TypeError(f"no text for {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The text, in brackets where it would not hold together."""
        written, tightness = self.write(expr)
        return written if tightness >= least else f"({written})"

    def sum(self, terms: tuple[Expr, ...]) -> str:
        pieces: list[str] = []
        for term in terms:
            piece = self.inside(term, NEGATED)
            if pieces and piece.startswith("−"):
                pieces.append(f" − {piece[1:]}")
            else:
                pieces.append(f" + {piece}" if pieces else piece)
        return "".join(pieces)

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        written, tightness = "", PRODUCT
        factors = tuple(part for factor in factors for part in _spread(factor))
        for n, factor in enumerate(factors):
            last = n == len(factors) - 1
            match factor:
                case Num(value) if value == -1 and n == 0 and not last:
                    written, tightness = "−", NEGATED
                    continue
                case Power(base, Num(value)) if value < 0:
                    below = base if value == -1 else Power(base, Num(-value))
                    head = written if written not in ("", "−") else written + "1"
                    written = f"{head}/{self.inside(below, POWER)}"
                    continue
                case _:
                    piece = self.factor(factor, written == "", last)
            if written == "" and piece.startswith("−"):
                tightness = NEGATED
            written += piece if written in ("", "−") else f"·{piece}"
        return written, tightness

    def factor(self, factor: Expr, first: bool, last: bool) -> str:
        """A factor: the first may carry a minus, the last may be a Σ; products stay grouped."""
        if isinstance(factor, Sigma) and last:
            return self.write(factor)[0]
        written, tightness = self.write(factor)
        signed = isinstance(factor, Num | Value) and written.startswith("−")
        if tightness >= POWER or (first and signed):
            return written
        if tightness == PRODUCT and isinstance(factor, Num):
            return written if first else f"({written})"
        return f"({written})"

    def power(self, base: Expr, exponent: Expr) -> str:
        below = self.inside(base, ATOM)
        if isinstance(base, Ref) and "/" in below:  # (dE/dw)², not dE/d(w²)
            below = f"({below})"
        if isinstance(exponent, Num) and Fraction(exponent.value) in POWERS:
            return below + POWERS[Fraction(exponent.value)]
        return f"{below}^{self.inside(exponent, ATOM)}"


def _spread(factor: Expr) -> tuple[Expr, ...]:
    """A product or quotient that is one form of a factor reads as part of the product around it."""
    book = factor.book if isinstance(factor, Forms) else factor
    return book.factors if isinstance(factor, Forms) and isinstance(book, Product) else (book,)


def _held(written: str, fraction: bool) -> tuple[str, int]:
    if written.startswith(("−", "-")):
        return "−" + written[1:], NEGATED
    return written, PRODUCT if fraction else ATOM
