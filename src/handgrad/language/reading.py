"""The language of equations: text to expressions, every mistake with its line and column.

    z[j] = sum(i, W[j,i]*x[i]) + b[j]      or as printed:  z[j] = Σ_i W[j,i]·x[i] + b[j]
    a = softmax(k, z[k])                   along an index; ``softmax(k, z[k])[j]`` at another place
    E = (T - a2)**2 / 2                    ``**`` or ``^``; ½, ², ³, ·, − are read too

Σ extends over the following product. ``dE/dw1`` without blanks, E being the loss, is one name.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction

from handgrad.calculus.derivation import Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Delta,
    Expr,
    Index,
    Num,
    Position,
    Power,
    Product,
    Ref,
    Sigma,
    Sum,
    Symbol,
    free_indices,
)
from handgrad.calculus.functions import FUNCTIONS
from handgrad.errors import MOST_TOLD, LanguageError
from handgrad.language import writing
from handgrad.language.tokens import Token, statements, tokens

__all__ = [
    "parse_element",
    "parse_equations",
    "parse_formula",
    "symbol",
]

MAX_DEPTH = 60
MAX_CHARACTERS = 200_000
MAX_TOKENS = 5_000  # of one equation
MAX_FACTORS = 300  # of one product: its derivative has as many terms of as many factors

MAX_NUMBER = Fraction(sys.float_info.max)

_DEEP = f"{{}} nest more than {MAX_DEPTH} deep. Give a part of the expression a name of its own."

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
ALIASES = {"σ": "sigmoid", "ln": "log", "Exp": "exp", "θ": "step"}
VULGAR = {sign: value for value, sign in writing.VULGAR.items()} | {
    "¼": Fraction(1, 4),  # written 0.25
    "¾": Fraction(3, 4),
}


def symbol(written: str) -> Symbol:
    """The symbol of a written name: trailing digits are its number.

    >>> symbol("W12")
    Symbol(base='W', number=12, state='', loss=None, new=False)
    """
    found = re.fullmatch(r"(.*?[^0-9])([1-9][0-9]{0,5}|0)", written)
    return Symbol(found[1], int(found[2])) if found else Symbol(written)


def parse_equations(
    source: str,
    loss: str = "",
    names: Mapping[str, Symbol] | None = None,
    phase: Phase = Phase.FORWARD,
) -> tuple[Equation, ...]:
    """One equation a line; blank lines and ``#`` comments are skipped.

    ``names`` says which written names are which symbols, where the spelling alone does not.
    Raises ``LanguageError`` with the first mistake of every line.
    """
    _refuse_length(source)
    result: list[Equation] = []
    wrong: list[LanguageError] = []
    for number, line in statements(source):
        if len(wrong) == MOST_TOLD:
            break
        try:
            lhs, rhs = _Parser(line, number, source, loss, names or {}).equation()
            result.append(Equation(lhs, rhs, phase))
        except LanguageError as error:
            wrong.append(error)
    if wrong:
        wrong[0].also = tuple(wrong[1:])
        raise wrong[0]
    return tuple(result)


def _refuse_length(source: str) -> None:
    if len(source) > MAX_CHARACTERS:
        said = f"{len(source):,} characters; at most {MAX_CHARACTERS:,} are read. Shorten it."
        raise LanguageError(said)


def parse_formula(source: str, names: Mapping[str, Symbol] | None = None) -> Expr:
    """One expression, for an activation or loss given as a formula."""
    _refuse_length(source)
    parser = _Parser(source.replace("\n", " "), 1, source, "", names or {})
    expr = parser.expression()
    parser.finished("an operator or the end of the formula")
    return expr


def parse_element(source: str, names: Mapping[str, Symbol]) -> Ref:
    """A quantity or one of its elements, as on the command line: ``W1[2,1]``, ``dL/dz1[1]``.

    ``names`` maps every known name to its symbol.
    """
    found = re.fullmatch(r"\s*(.+?)\s*(?:\[([\s\d,]*)\])?\s*", source)
    written = found[1] if found else source
    if found is None or written not in names:
        from_known = ", ".join(sorted(names)[:12])
        raise LanguageError(f"There is no quantity {written!r:.60}. There are {from_known}, …")
    inside = [part.strip() for part in found[2].split(",")] if found[2] else []
    if not all(re.fullmatch("[1-9][0-9]{0,8}", part) for part in inside):
        raise LanguageError(f"{source!r:.60}: an element is written W1[2,1], counting from 1.")
    return Ref(names[written], tuple(int(part) for part in inside))


class _Parser:
    """Recursive descent over one line."""

    def __init__(
        self, line: str, line_number: int, source: str, loss: str, names: Mapping[str, Symbol]
    ) -> None:
        self.line_number, self.source, self.loss, self.names = line_number, source, loss, names
        self.tokens = list(tokens(line, line_number, source, loss))
        self.place = 0
        self.depth = 0

    def error(self, column: int, message: str) -> LanguageError:
        return LanguageError(message, source=self.source, line=self.line_number, column=column)

    @property
    def next(self) -> Token:
        return self.tokens[self.place]

    def take(self) -> Token:
        self.place += 1
        return self.tokens[self.place - 1]

    def accept(self, *texts: str) -> Token | None:
        return (
            self.take() if self.next.kind in ("op", "power") and self.next.text in texts else None
        )

    def expect(self, symbol_text: str) -> Token:
        return self.accept(symbol_text) or self.fail(f"{symbol_text!r}")

    def finished(self, wanted: str) -> None:
        if self.next.kind != "end":
            self.fail(wanted, " Write * to multiply." * (self.next.kind in ("name", "number")))
        if self.place > MAX_TOKENS:
            said = f"An equation has at most {MAX_TOKENS:,} names, numbers and signs. Divide it."
            raise self.error(self.tokens[MAX_TOKENS].column, said)

    def fail(self, wanted: str, advice: str = "") -> Token:
        got = f"{self.next.text!r:.60}" if self.next.text else "the end of the line"
        raise self.error(self.next.column, f"Expected {wanted}, got {got}.{advice}")

    def equation(self) -> tuple[Ref, Expr]:
        start = self.next
        if start.kind != "name":
            self.fail("a name, as in z1 = w1*x + b1")
        lhs = self.atom()
        if not isinstance(lhs, Ref):
            raise self.error(
                start.column, "The left side of an equation is one name, such as z1[j]."
            )
        self.expect("=")
        rhs = self.expression()
        self.finished("an operator or the end of the equation")
        return lhs, rhs

    def expression(self) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(self.next.column, _DEEP.format("Brackets"))
        terms = [self.term()]
        while operator := self.accept("+", "-", "−"):
            term = self.term()
            terms.append(term if operator.text == "+" else _negated(term))
        self.depth -= 1
        return terms[0] if len(terms) == 1 else Sum(tuple(terms))

    def term(self) -> Expr:
        if self.accept("-", "−"):
            return _negated(self.nested(self.term))
        if self.accept("+"):
            return self.nested(self.term)
        factors: list[Expr] = [self.factor()]
        while operator := self.accept("*", "·", "×", "/"):
            if len(factors) == MAX_FACTORS:
                said = f"A product has at most {MAX_FACTORS} factors. Give a part of it a name."
                raise self.error(operator.column, said)
            factor = self.factor()
            over = operator.text == "/"
            match factors[-1], factor:
                case Num(above), Num(below) if over and len(factors) == 1 and below != 0:
                    factors = [Num(Fraction(above) / below)]
                case _:
                    factors.append(Power(factor, Num(-1)) if over else factor)
        if isinstance(factors[0], Num) and factors[0].value == 1 and len(factors) > 1:
            factors = factors[1:] if _divides(factors[1]) else factors
        return factors[0] if len(factors) == 1 else Product(tuple(factors))

    def nested(self, parse: Callable[[], Expr]) -> Expr:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(self.next.column, _DEEP.format("Signs or powers"))
        result = parse()
        self.depth -= 1
        return result

    def factor(self) -> Expr:
        if self.next.kind == "sigma":
            letters = self.take().text[2:].strip("{}").split(",")
            return Sigma(tuple(map(Index, letters)), self.nested(self.term))
        if self.next.text in ("-", "−"):
            self.take()
            return _negated(self.nested(self.factor))
        base = self.atom()
        if self.next.kind != "power":
            return base
        power = self.take()
        if power.text in ("**", "^"):
            exponent = self.nested(self.factor)
        else:
            exponent = Num(int(power.text.translate(SUPERSCRIPTS)[:6]))
        return Power(base, exponent)

    def atom(self) -> Expr:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "name":
            if self.accept("("):
                return self.call(token)
            indices = tuple(self.indices()) if self.accept("[") else ()
            return Ref(self.names.get(token.text) or self.named(token.text), indices)
        if token.text == "(":
            inner = self.expression()
            self.expect(")")
            return inner
        if token.text == "[":
            left = self.expression()
            self.expect("=")
            right = self.expression()
            self.expect("]")
            return Call("equal", (left, right))
        self.place -= 1
        self.fail("a number, a name or a bracket")
        raise AssertionError

    def named(self, written: str) -> Symbol:
        prefix = f"d{self.loss}/d"
        if self.loss and written.startswith(prefix):
            rest = written[len(prefix) :]
            return (self.names.get(rest) or symbol(rest)).gradient(symbol(self.loss))
        return symbol(written)

    def number(self, token: Token) -> Num:
        if token.text in VULGAR:
            return Num(VULGAR[token.text])
        digits, _, exponent = token.text.lower().partition("e")
        if len(digits) > 400 or len(exponent) > 4 or abs(int(exponent or 0)) > 400:
            raise self.error(token.column, "A number has at most 400 digits and exponent 400.")
        value = Fraction(token.text)
        if value > MAX_NUMBER:
            raise self.error(token.column, "Numbers go up to about 1.8e308. Write a smaller one.")
        return Num(value.numerator if value.denominator == 1 else value)

    def indices(self) -> Iterator[Position]:
        while True:
            yield self.position()
            if self.accept("]"):
                return
            self.expect(",")

    def position(self) -> Position:
        token = self.next
        if token.kind == "name":
            return Index(self.take().text)
        if token.kind == "number" and re.fullmatch("[0-9]{1,9}", token.text):
            return int(self.take().text)
        self.fail("an index: a letter, or a number counted from 1")
        raise AssertionError

    def call(self, token: Token) -> Expr:
        function = ALIASES.get(token.text, token.text)
        if function in ("sum", "Σ"):
            return self.sum(token)
        if function in ("δ", "delta") and function not in FUNCTIONS:
            left = self.position()
            self.expect(",")
            right = self.position()
            self.expect(")")
            return Delta(left, right)
        if function not in FUNCTIONS:
            near = ", ".join(sorted(f for f in FUNCTIONS if f[0] == function[0])) or "sum, exp, log"
            raise self.error(
                token.column,
                f"There is no function {token.text!r:.60} (near it: {near}). Write * to multiply.",
            )
        arguments = [self.expression()]
        while self.accept(","):
            arguments.append(self.expression())
        self.expect(")")
        return self.along(function, token, arguments)

    def sum(self, token: Token) -> Expr:
        letters: list[Index] = []
        while self.next.kind == "name" and self.tokens[self.place + 1].text == ",":
            letters.append(Index(self.take().text))
            self.take()
        if not letters:
            raise self.error(
                token.column, "Write sum(i, …): first the index, then what is added up."
            )
        body = self.expression()
        self.expect(")")
        return Sigma(tuple(letters), body)

    def along(self, function: str, token: Token, arguments: list[Expr]) -> Expr:
        """A call whose first argument is an index of the second runs along that index."""
        row = FUNCTIONS[function]
        match arguments:
            case [Ref(letter, ()), body] if row.pullback and (
                not row.arity or str(letter) in free_indices(body)
            ):
                index = Index(str(letter))
                if row.reduces:
                    return Along(function, index, body)
                at: Position = index
                if self.accept("["):
                    at = self.position()
                    self.expect("]")
                return Along(function, index, body, at)
            case _ if row.arity == len(arguments):
                return Call(function, tuple(arguments))
            case _ if row.arity:
                wanted = f"{row.arity} argument{'s' * (row.arity > 1)}"
            case _:
                wanted = f"an index and a body, as in {function}(k, z[k])"
        raise self.error(token.column, f"{function} takes {wanted}, not {len(arguments)}.")


def _divides(factor: Expr) -> bool:
    return isinstance(factor, Power) and factor.exponent == Num(-1)


def _negated(expr: Expr) -> Expr:
    match expr:
        case Num(value):
            return Num(-value)
        case Product((Num(value), *rest)) if value > 0:
            return Product((Num(-value), *rest))
        case Product(factors):
            return Product((Num(-1), *factors))
        case _:
            return Product((Num(-1), expr))
