"""Tokens in, expressions out: one grammar for LaTeX, Unicode and code-like mathematics.

It is written by hand, since what a letter before a bracket or a superscript means depends on the
document (``docs/decisions/0010-reading-documents.md``).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from handgrad.auditing.reading.cursor import Unreadable
from handgrad.auditing.reading.dialect import Dialect
from handgrad.auditing.reading.nodes import (
    DOTS,
    EQUAL,
    SUM,
    Applied,
    Matrix,
    Name,
    Named,
    Opaque,
    Written,
    canonical,
)
from handgrad.auditing.reading.quantities import Quantities
from handgrad.auditing.reading.signs import less, negative, scientific
from handgrad.auditing.reading.tokens import Token
from handgrad.calculus.expr import Expr, Num, Power, Product, Sum, call

__all__ = ["expression"]

FACTORS = {
    "number", "letter", "word", "text", "frac", "sqrt", "sum", "accent", "vulgar", "begin", "dots",
    "open",
}  # fmt: skip
TRANSPOSE = ("T", "⊤", "⊺")
DEEPEST = 40  # brackets, fractions and scripts inside each other


def expression(found: Sequence[Token], dialect: Dialect) -> Expr:
    """The expression that all of the tokens are. Raises ``Unreadable``."""
    parser = _Parser(list(found), dialect)
    expr = parser.sum()
    if parser.at < len(parser.found):
        raise Unreadable
    return expr


class _Parser(Quantities):
    """Sums, products, powers, fractions, brackets and matrices."""

    # sums, products, powers

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable
        terms = [self.product()]
        while self.peek().kind == "op" and self.peek().text in "+-":
            minus = self.next().text == "-"
            term = self.product()
            terms.append(less(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def product(self) -> Expr:
        factors: list[Expr] = [self.signed()]
        while True:
            if self.takes("*"):
                factors.append(self.signed())
            elif self.takes("⊙"):
                left = factors[0] if len(factors) == 1 else Product(tuple(factors))
                factors = [Applied("⊙", (left, self.signed()))]
            elif self.takes("/"):
                factors.append(Power(self.signed(), Num(-1)))
            elif self.begins_factor():
                factors.append(self.power())
            else:
                break
        factors = scientific(factors)
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def begins_factor(self) -> bool:
        token = self.peek()
        return token.kind in FACTORS

    def signed(self) -> Expr:
        if self.takes("-"):
            self.deeper()
            return negative(self.signed())
        if self.takes("+"):
            self.deeper()
            return self.signed()
        return self.power()

    def deeper(self) -> None:
        if self.at > 3 and all(t.text in "+-" for t in self.found[self.at - 4 : self.at]):
            raise Unreadable

    def power(self) -> Expr:
        base = self.primary()
        while self.takes("^"):
            base = Applied("transpose", (base,)) if self.turned() else self.raised(base)
        if self.peek().text == "_" and not isinstance(base, Named):  # an underbrace says what it is
            self.next()
            self.group()
        return base

    def raised(self, base: Expr) -> Expr:
        """A power; that of a ten ends behind its closing brace, as the number it may be part of does."""
        exponent = self.exponent()
        if isinstance(exponent, Written) and isinstance(base, Written) and base.text == "10":
            exponent = replace(exponent, end=self.found[self.at - 1].end)
        return Power(base, exponent)

    def turned(self) -> bool:
        """Whether a T of a transpose comes; it is taken then."""
        deep = 0
        while self.peek(deep).text == "{":
            deep += 1
        if self.peek(deep).text not in TRANSPOSE:
            return False
        if any(self.peek(deep + 1 + n).text != "}" for n in range(deep)):
            return False
        self.at += 2 * deep + 1
        return True

    def exponent(self) -> Expr:
        """What stands in a superscript."""
        if self.peek().text in ("'", "*"):
            raise Unreadable
        if self.takes("{"):
            inner = self.sum()
            self.expect("}")
            return inner
        return self.signed_atom()

    def signed_atom(self) -> Expr:
        if self.takes("-"):
            return negative(self.primary())
        return self.primary()

    # what stands alone

    def primary(self) -> Expr:
        token = self.peek()
        match token.kind:
            case "number":
                return self.number()
            case "vulgar":
                self.next()
                return Num(Fraction(unicodedata.numeric(token.text)).limit_denominator(100))
            case "open":
                return self.bracketed()
            case "frac":
                return self.fraction()
            case "sqrt":
                return self.root()
            case "sum":
                return self.summed()
            case "begin":
                return self.matrix()
            case "dots":
                self.next()
                return Opaque(DOTS)
            case "letter" | "word" | "text" | "accent":
                return self.named()
            case _:
                raise Unreadable

    def number(self) -> Expr:
        token = self.next()
        text = canonical(token.text)
        if text is None:
            raise Unreadable
        return Written(text, token.start, token.end)

    def bracketed(self) -> Expr:
        opening = self.next().text
        closing = {"(": ")", "[": "]", "{": "}"}[opening]
        rows = self.rows_of_numbers() if opening == "[" else None
        if rows is not None:
            return rows
        parts = [self.sum()]
        if opening == "[" and (self.peek().kind, self.peek().text) == ("rel", "="):
            self.next()
            parts.append(self.sum())  # [a = b] is 1 where it holds
            self.expect("]")
            return Applied(EQUAL, tuple(parts))
        while self.peek().text in (",", ";") and self.peek().kind == "op":
            self.next()
            parts.append(self.sum())
        if not (self.takes(closing) or (opening != "{" and self.takes(")", "]"))):
            raise Unreadable
        if len(parts) > 1:
            inner = [part.rows[0] for part in parts if isinstance(part, Matrix)]
            return Matrix(tuple(inner) if len(inner) == len(parts) else (tuple(parts),))
        if opening == "{" and isinstance(parts[0], Named) and self.peek().text in ("_", "^", "'"):
            base = parts[0]
            if base.name == Name("e") and self.peek().text == "^":
                self.next()
                return call("exp", self.exponent())
            name, primes = self.scripts(base.name)
            name = replace(name, new=name.new or bool(primes))
            return Named(name, base.start, self.found[self.at - 1].end)
        return parts[0]

    def rows_of_numbers(self) -> Matrix | None:
        """[0.1 −0.2; 0.3 0.4]: numbers side by side, which are taken with the bracket after them."""
        end = next((n for n in range(self.at, len(self.found)) if self.found[n].text == "]"), None)
        inside = self.found[self.at : end] if end is not None else []
        rows: list[list[Expr]] = [[]]
        minus: Token | None = None
        for n, token in enumerate(inside):
            if token.text == ";":
                rows.append([])
            elif token.text == "-" and minus is None and _at_number(token, inside[n + 1 : n + 2]):
                minus = token
            elif token.kind == "number" and (text := canonical(token.text)) is not None:
                number = Written(text, token.start, token.end)
                rows[-1].append(number if minus is None else _signed(number, minus))
                minus = None
            else:
                return None
        if end is None or minus is not None or len({len(row) for row in rows}) != 1:
            return None
        if not rows[0] or len(inside) < 2 or (len(rows) == 1 and len(rows[0]) == 1):
            return None
        self.at = end + 1
        return Matrix(tuple(map(tuple, rows)))

    def group(self) -> Expr:
        """The argument of a command: a group, or the single token after it."""
        if self.takes("{"):
            inner = self.sum()
            self.expect("}")
            return inner
        if self.peek().kind == "number" and len(self.peek().text) > 1:  # \frac12
            token = self.next()
            head = Token("number", token.text[0], token.start, token.start + 1)
            rest = Token("number", token.text[1:], token.start + 1, token.end)
            self.found[self.at - 1 : self.at] = [head, rest]
            self.at -= 1
        return self.primary()

    def fraction(self) -> Expr:
        start = self.next().start
        top, below = self.raw_group(), self.raw_group()
        derivative = self.derivative(top, below, start)
        if derivative is not None:
            return derivative
        if _differential(below) and top and top[0].text in ("∂", "δ", "d") and len(top) == 1:
            rest = [self.power()] if self.begins_factor() else []
            while self.begins_factor():
                rest.append(self.power())
            return Opaque("derivative", tuple(rest))
        return Product((self.inside(top), Power(self.inside(below), Num(-1))))

    def inside(self, found: list[Token]) -> Expr:
        """The expression a group holds."""
        inner = _Parser(found, self.dialect)
        inner.depth = self.depth + 1
        expr = inner.sum()
        if inner.at < len(inner.found):
            raise Unreadable
        return expr

    def derivative(self, top: list[Token], below: list[Token], start: int) -> Expr | None:
        """∂top/∂below where both are differentials of a single name."""
        above, under = _differential(top), _differential(below)
        if above is None or under is None:
            return None
        try:
            upper, lower = self.inside(above), self.inside(under)
        except Unreadable:
            return None
        if isinstance(upper, Applied) and not upper.primes:
            upper = Named(Name(upper.function), start, start)
        if isinstance(upper, Named) and isinstance(lower, Named):
            end = self.found[self.at - 1].end if self.at else start
            name = replace(lower.name, of=upper.name)
            return Named(name, start, end)
        return None

    def root(self) -> Expr:
        self.next()
        if self.peek().text == "[":
            raise Unreadable
        return call("sqrt", self.group())

    def summed(self) -> Expr:
        """A sum over indices; it has a value only where it is over the entries of a matrix."""
        self.next()
        below = ""
        while self.peek().text in ("_", "^") and self.peek().kind == "op":
            sign = self.next().text
            script = self.raw_group() if self.peek().text == "{" else [self.next()]
            below = "".join(token.text for token in script) if sign == "_" else below
        body = self.product() if self.begins_factor() else Opaque("")
        return Opaque(SUM + below.partition("=")[0], (body,))

    def matrix(self) -> Expr:
        kind = self.next().text
        if "matrix" not in kind and kind != "array":
            raise Unreadable
        if kind == "array" and self.peek().text == "{":
            self.raw_group()
        rows: list[tuple[Expr, ...]] = []
        row: list[Token] = []
        cells: list[Expr] = []
        while self.peek().kind != "finish":
            token = self.next()
            if token.kind in ("amp", "row", "end"):
                if row:
                    cells.append(self.inside(row))
                row = []
                if token.kind != "amp" and cells:
                    rows.append(tuple(cells))
                    cells = []
                if token.kind == "end":
                    return Matrix(tuple(rows))
            else:
                row.append(token)
        raise Unreadable


def _differential(found: Sequence[Token]) -> list[Token] | None:
    """The name that is differentiated in one half of a fraction, without its d or ∂."""
    if not found:
        return None
    head = found[0]
    if head.text in ("∂", "δ", "d") and len(found) > 1:
        return list(found[1:])
    if head.kind in ("word", "text") and head.text[0] in "d∂" and len(head.text) > 1:
        kind = "letter" if len(head.text) == 2 else head.kind
        return [replace(head, text=head.text[1:], kind=kind), *found[1:]]
    return None


def _at_number(minus: Token, after: Sequence[Token]) -> bool:
    """Whether a minus belongs to the number behind it: no blank stands between them."""
    return bool(after) and after[0].kind == "number" and after[0].start == minus.end


def _signed(number: Written, minus: Token) -> Expr:
    return replace(number, text=f"-{number.text}", start=minus.start)
