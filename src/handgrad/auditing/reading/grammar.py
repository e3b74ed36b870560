"""Tokens in, expressions out: one grammar for LaTeX, Unicode and code-like mathematics.

It is written by hand, since what a letter before a bracket or a superscript means depends on the
document (``docs/decisions/0009-reading-documents.md``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from handgrad.auditing.reading.names import FUNCTIONS, UPDATED, name_of, scripted
from handgrad.auditing.reading.nodes import (
    Applied,
    Matrix,
    Name,
    Named,
    Opaque,
    Written,
    canonical,
    literal,
)
from handgrad.auditing.reading.tokens import Token
from handgrad.calculus.expr import Call, Expr, Num, Power, Product, Sum, call

__all__ = ["Dialect", "Unreadable", "expression"]

NEW_WORDS = {"new", "neues", "neuer", "updated"}
ARRAYS = {"array", "asarray", "tensor", "Tensor", "Matrix"}
TRANSPOSE = ("T", "⊤", "⊺")
DEEPEST = 40  # brackets, fractions and scripts inside each other
LOSSES = {"L", "E", "C", "J", "Loss", "Error", "MSE", "Cost"}
ALWAYS_FUNCTIONS = {"f", "g", "h", "φ", "ϕ", "S"}


class Unreadable(Exception):
    """What stands here is no expression; ``token`` is the first that does not fit."""


@dataclass(frozen=True)
class Dialect:
    """What a document does throughout: superscripts that are labels, a decimal comma."""

    layered: frozenset[str] = frozenset()  # letters whose superscript is no power: a^1, w^2
    functions: frozenset[str] = frozenset()  # letters that are applied: f(z), L(y, ŷ)
    comma: bool = False
    names: frozenset[str] = frozenset()  # words of the document that are one name each


def expression(found: Sequence[Token], dialect: Dialect) -> Expr:
    """The expression that all of the tokens are. Raises ``Unreadable``."""
    parser = _Parser(list(found), dialect)
    expr = parser.sum()
    if parser.at < len(parser.found):
        raise Unreadable
    return expr


class _Parser:
    def __init__(self, found: list[Token], dialect: Dialect) -> None:
        self.found, self.dialect = found, dialect
        self.at = self.depth = 0

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.found[place] if place < len(self.found) else Token("finish", "", -1, -1)

    def next(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def takes(self, *texts: str) -> bool:
        """Whether the next token is an operator or bracket of these; then it is taken."""
        if self.peek().kind in ("op", "open", "close") and self.peek().text in texts:
            self.at += 1
            return True
        return False

    def expect(self, text: str) -> None:
        if not self.takes(text):
            raise Unreadable

    # sums, products, powers

    def sum(self) -> Expr:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Unreadable
        terms = [self.product()]
        while self.peek().kind == "op" and self.peek().text in "+-":
            minus = self.next().text == "-"
            term = self.product()
            terms.append(_less(term) if minus else term)
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def product(self) -> Expr:
        factors = [self.signed()]
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
        factors = _scientific(factors)
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def begins_factor(self) -> bool:
        token = self.peek()
        return token.kind in (
            "number", "letter", "word", "text", "frac", "sqrt", "sum", "accent", "vulgar", "begin", "dots",
        ) or (token.kind == "open")  # fmt: skip

    def signed(self) -> Expr:
        if self.takes("-"):
            self.deeper()
            return _negative(self.signed())
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
            base = Applied("transpose", (base,)) if self.turned() else Power(base, self.exponent())
        if self.peek().text == "_" and not isinstance(base, Named):  # an underbrace says what it is
            self.next()
            self.group()
        return base

    def turned(self) -> bool:
        """Whether a T of a transpose comes; it is taken then."""
        bare = self.peek().text in TRANSPOSE
        if not bare and not (self.peek().text == "{" and self.peek(1).text in TRANSPOSE and self.peek(2).text == "}"):
            return False
        self.at += 1 if bare else 3
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
            return _negative(self.primary())
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
                return Opaque("…")
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
        parts = [self.sum()]
        while self.peek().text in (",", ";") and self.peek().kind == "op":
            self.next()
            parts.append(self.sum())
        if not (self.takes(closing) or (opening != "{" and self.takes(")", "]"))):
            raise Unreadable
        if len(parts) > 1 or (opening == "[" and isinstance(parts[0], Matrix)):
            inner = [part.rows[0] for part in parts if isinstance(part, Matrix)]
            return Matrix(tuple(inner) if len(inner) == len(parts) else (tuple(parts),))
        if opening == "{" and isinstance(parts[0], Named) and self.peek().text in ("_", "^", "'"):
            base = parts[0]
            if base.name == Name("e") and self.peek().text == "^":
                self.next()
                return call("exp", self.exponent())
            name, primes = self.scripts(base.name, self.found[self.at - 1])
            name = replace(name, new=name.new or bool(primes))
            return Named(name, base.start, self.found[self.at - 1].end)
        return parts[0]

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

    def raw_group(self) -> list[Token]:
        """The tokens of the group that comes, without its braces; or the next token."""
        if self.peek().text != "{":
            before = self.at
            self.group()
            return self.found[before : self.at]
        depth, start = 0, self.at
        while self.at < len(self.found):
            text = self.next()
            depth += {"{": 1, "}": -1}.get(text.text, 0) if text.kind in ("open", "close") else 0
            if not depth:
                return self.found[start + 1 : self.at - 1]
        raise Unreadable

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
        """A sum over an index: read, and left without a value."""
        self.next()
        while self.peek().text in ("_", "^") and self.peek().kind == "op":
            self.next()
            self.raw_group() if self.peek().text == "{" else self.next()
        body = self.product() if self.begins_factor() else Opaque("")
        return Opaque("Σ", (body,))

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

    # names and functions

    def named(self) -> Expr:
        token = self.peek()
        linear = self.linear_derivative()
        if linear is not None:
            return linear
        if token.text.lower() in NEW_WORDS and self.peek(1).kind in ("letter", "word", "text", "accent"):
            self.next()
            following = self.named()
            if not isinstance(following, Named):
                raise Unreadable
            return replace(following, name=replace(following.name, new=True), start=token.start)
        if token.text == "e" and token.kind == "letter" and self.peek(1).text == "^":
            self.at += 2
            return call("exp", self.exponent())
        if token.text in ARRAYS and self.peek(1).text == "(":
            self.next()
            return self.bracketed()
        if token.kind == "accent":
            self.next()
            inner = self.under_accent()
            if not inner:
                raise Unreadable
            base = unicodedata.normalize("NFC", inner[0].text + token.text)
            head = Name(base)
        else:
            self.next()
            head = name_of(token.text, token.kind)
        function = FUNCTIONS.get(head.base) if not head.sub else None
        if function and self.peek().text not in ("_",):
            return self.applied(head.base, function, token)
        name, primes = self.scripts(head, token)
        return self.maybe_applied(name, primes, token)

    def applied(self, base: str, function: str, token: Token) -> Expr:
        """A function of the rule table, its derivative (σ′), or its letter alone."""
        primes = 0
        while self.takes("'"):
            primes += 1
        if self.peek().text == "^":
            if self.peek(1).text == "{" and self.peek(2).text == "'":
                self.at += 4
                primes += 1
            elif self.peek(1).text == "'":
                self.at += 2
                primes += 1
        raised: Expr | None = None  # tanh²(z)
        if self.peek().text == "^" and len(base) > 1 and not self.peek(1).text == "-":
            self.next()
            raised = self.exponent()
        if self.peek().kind == "open":
            argument = self.bracketed()
        elif self.begins_factor() and function in ("exp", "log", "tanh") and len(base) > 1:
            argument = self.power()
        else:
            if raised is not None:
                raise Unreadable
            return Named(Name(base, new=False), token.start, token.end)
        if raised is not None:
            return Power(call(function, argument), raised)
        parts = argument.rows[0] if isinstance(argument, Matrix) else (argument,)
        if primes:
            return Applied(function, parts, primes)
        if function in ("max", "min"):
            return Call(function, parts) if len(parts) == 2 else Applied(function, parts)
        if function == "softmax" or len(parts) != 1:
            return Applied(function, parts)
        return Call(function, parts)

    def under_accent(self) -> list[Token]:
        """The letters an accent stands over: those of its group, or the next."""
        found = self.raw_group() if self.peek().text == "{" else [self.next()]
        return [token for token in found if token.kind in ("letter", "word", "text")]

    def scripts(self, head: Name, token: Token) -> tuple[Name, int]:
        """Everything below and above a letter that belongs to its name."""
        name, primes = head, 0
        while True:
            sign = self.peek()
            if sign.kind != "op" or sign.text not in ("_", "^", "'"):
                return name, primes
            if sign.text == "'":
                self.next()
                primes += 1
                continue
            if sign.text == "_":
                self.next()
                name = scripted(name, _label(self.raw_script()), above=False)
                continue
            label = self.superscript_label(name)
            if label is None:
                return name, primes
            if label == "'":
                primes += 1
            else:
                name = scripted(name, label, above=True)

    def raw_script(self) -> list[Token]:
        """The tokens of a subscript or superscript."""
        if self.peek().text == "{":
            return self.raw_group()
        token = self.next()
        if token.text == "(":
            found = [token]
            while self.peek().kind != "finish" and found[-1].text != ")":
                found.append(self.next())
            return found
        if token.kind == "accent":
            return [token, *self.raw_script()]
        if token.kind == "finish":
            raise Unreadable
        return [token]

    def superscript_label(self, name: Name) -> str | None:
        """The superscript that comes, if it is a label and no power; it is taken then."""
        before = self.at
        self.next()
        try:
            inner = self.raw_script()
        except Unreadable:
            self.at = before
            return None
        label = _label(inner)
        bracketed = re.fullmatch(r"\((?:\d{1,2}|[lLt]|[lLt][-+]1|\w{1,4})\)|\[(?:\w{1,3}|[lLt][-+]1)\]", label)
        if bracketed or label in ("'", "*") or label.strip("()") in UPDATED:
            return label
        if name.base in self.dialect.layered and re.fullmatch(r"\d{1,2}|[lL]([-+]1)?", label):
            return label
        if re.fullmatch(r"[lL]([-+]1)?|[a-z]{2,}|[hoij]\d?", label):
            return label
        self.at = before
        return None

    def maybe_applied(self, name: Name, primes: int, token: Token) -> Expr:
        end = self.found[self.at - 1].end
        functions = ALWAYS_FUNCTIONS | LOSSES | self.dialect.functions
        bare = not name.sub and not name.sup
        if self.peek().kind == "open" and self.peek().text in "([" and name.base in functions:
            if bare or name.base in ALWAYS_FUNCTIONS:
                argument = self.bracketed()
                parts = argument.rows[0] if isinstance(argument, Matrix) else (argument,)
                return Applied(str(name), parts, primes)
        if primes:
            name = replace(name, new=True)
        return Named(name, token.start, max(end, token.end))

    def linear_derivative(self) -> Expr | None:
        """∂L/∂w, dL/dw written on one line."""
        before, start = self.at, self.peek().start
        top = self.one_differential()
        if top is not None and self.takes("/"):
            below = self.one_differential()
            if below is not None:
                end = self.found[self.at - 1].end
                return Named(replace(below, of=top), start, end)
        self.at = before
        return None

    def one_differential(self) -> Name | None:
        """A d or ∂ and the name after it."""
        token = self.peek()
        if token.text in ("∂", "δ", "d") and self.peek(1).kind in ("letter", "word", "text", "accent"):
            self.next()
            head = self.peek()
        elif token.kind in ("word", "letter", "text") and len(token.text) > 1 and token.text[0] in "dδ":
            head = replace(token, text=token.text[1:], kind="word")
            self.found[self.at] = head
            try:
                return self.one_name(head)
            finally:
                self.found[self.found.index(head)] = token
        else:
            return None
        return self.one_name(head)

    def one_name(self, head: Token) -> Name | None:
        if head.kind == "accent":
            self.next()
            inner = self.under_accent()
            if not inner:
                return None
            name = Name(unicodedata.normalize("NFC", inner[0].text + head.text))
        else:
            self.next()
            name = name_of(head.text, head.kind)
        name, primes = self.scripts(name, head)
        return replace(name, new=name.new or bool(primes))


def _label(found: Sequence[Token]) -> str:
    """A subscript or superscript as one text: pred, 11, (2), h1."""
    text = "".join(t.text for t in found if t.kind not in ("unknown", "dots", "amp", "row"))
    for blank in "{} ":
        text = text.replace(blank, "")
    return re.sub(r"(?<=\b\d),(?=\d\b)", "", text)


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


def _negative(expr: Expr) -> Expr:
    """Minus an expression; of a printed number or its product, the number with a minus."""
    match expr:
        case Written():
            found = literal(Product((Num(-1), expr)))
            assert found is not None, "a number has a negative"
            return found
        case Product((Written() as first, *rest)) if not first.text.startswith("-"):
            return Product((_negative(first), *rest))
        case Product((Num(-1), *rest)):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product(factors):
            return Product((Num(-1), *factors))
        case _:
            return Product((Num(-1), expr))


def _less(term: Expr) -> Expr:
    """A term that is taken away; its numbers stay as they are printed."""
    match term:
        case Product((Num(-1), *rest)):
            return rest[0] if len(rest) == 1 else Product(tuple(rest))
        case Product(factors):
            return Product((Num(-1), *factors))
        case _:
            return Product((Num(-1), term))


def _scientific(factors: list[Expr]) -> list[Expr]:
    """4.2·10⁻³ as the one number it is."""
    result: list[Expr] = []
    for factor in factors:
        match result[-1:], factor:
            case [Written() as mantissa], Power(Written("10"), exponent) if (
                (power := literal(exponent)) is not None
                and power.whole
                and abs(int(power.text)) <= 300
                and "e" not in mantissa.text.lower()
            ):
                result[-1] = replace(mantissa, text=f"{mantissa.text}e{power.text}", end=power.end)
            case _:
                result.append(factor)
    return result
