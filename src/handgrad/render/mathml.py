"""MathML, of MathML Core only: an expression in, the markup inside ``<math>`` out.

A browser sets it without any script. What a user wrote is escaped; nothing but the elements below
can come out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

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
from handgrad.render.letters import FIXED, accented, letter, letters_of
from handgrad.render.notation import Name, Names
from handgrad.render.quotient import quotient

__all__ = ["FUNCTIONS", "MathWriter"]

APPLIED = "<mo>&#x2061;</mo>"  # stands, unseen, between a function and its argument


def _applied(function: str) -> str:
    return f"<mi>{function}</mi>{APPLIED}<mrow><mo>(</mo>{{}}<mo>)</mo></mrow>"


# how a function of the rule table is set; {} is its argument
FUNCTIONS = {
    "abs": "<mrow><mo>|</mo>{}<mo>|</mo></mrow>",
    "arctan": _applied("arctan"),
    "cos": _applied("cos"),
    "elu": _applied("elu"),
    "equal": "<mrow><mo>[</mo>{}<mo>]</mo></mrow>",
    "erf": _applied("erf"),
    "exp": "<msup><mi>e</mi><mrow>{}</mrow></msup>",
    "expm1": _applied("expm1"),
    "gaussian": _applied("gaussian"),
    "gelu": _applied("gelu"),
    "gelu_gate": _applied("gelu gate"),
    "gelu_tanh": _applied("gelu tanh"),
    "hard_sigmoid": _applied("hard sigmoid"),
    "hard_silu": _applied("hard silu"),
    "hard_tanh": _applied("hard tanh"),
    "hardmax": _applied("hardmax"),
    "huber": _applied("huber"),
    "identity": "{}",
    "leaky_relu": _applied("leaky relu"),
    "log": _applied("ln"),
    "log_sigmoid": f"<mi>ln</mi>{APPLIED}{_applied('σ')}",
    "log_softmax": _applied("log softmax"),
    "logsumexp": _applied("logsumexp"),
    "max": _applied("max"),
    "min": _applied("min"),
    "mish": _applied("mish"),
    "normal_cdf": _applied("Φ"),
    "normal_pdf": _applied("φ"),
    "relu": _applied("relu"),
    "sech": _applied("sech"),
    "selu": _applied("selu"),
    "sigmoid": _applied("σ"),
    "sign": _applied("sign"),
    "silu": _applied("silu"),
    "sin": _applied("sin"),
    "softmax": _applied("softmax"),
    "softmax_rest": _applied("softmax rest"),
    "softplus": _applied("softplus"),
    "softsign": _applied("softsign"),
    "sqrt": "<msqrt>{}</msqrt>",
    "step": _applied("step"),
    "tanh": _applied("tanh"),
}
BRACKET = re.compile(r"<mo>(?=[()\[\]|])")
LOW = {function: BRACKET.sub(FIXED, template) for function, template in FUNCTIONS.items()}
MINUS, TIMES, COMMA = "<mo>−</mo>", "<mo>⋅</mo>", "<mo>,</mo>"
SUM, PRODUCT, POWER, ATOM, PLAIN = range(5)  # how tightly a piece holds; PLAIN takes an exponent


class Piece(NamedTuple):
    """Markup without its minus sign, how tightly it holds together, and whether there is a minus."""

    markup: str
    holds: int
    minus: bool = False

    @property
    def signed(self) -> str:
        """The markup with its sign; a row of its own makes the minus a sign, not a difference."""
        return f"<mrow>{MINUS}{self.markup}</mrow>" if self.minus else self.markup


@dataclass(frozen=True)
class MathWriter:
    """Expressions to MathML, in the names and digits of a page; what recurs is set once."""

    names: Names
    digits: Digits
    _pieces: dict[Ref, Piece] = field(default_factory=dict["Ref", "Piece"], init=False)
    _shown: dict[float, str] = field(default_factory=dict[float, str], init=False)

    def write(self, expr: Expr) -> str:
        """The markup of an expression, to stand inside ``<math>`` or a row."""
        return self.piece(expr).signed

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
                return Piece(_directly(written) if direct else written, ATOM)
            case Sum(terms):
                return self.sum(terms)
            case Product() | Power(_, Num()):
                return self.product(expr.factors if isinstance(expr, Product) else (expr,))
            case Power(base, exponent):
                return self.power(base, exponent)
            case Sigma(indices, body):
                letters = COMMA.join(letter(index.name) for index in indices)
                sign = f"<munder><mo>∑</mo>{_row(letters)}</munder>"
                return Piece(sign + self.inside(body, PRODUCT), PRODUCT)
            case Call(function, arguments):
                return self.call(function, arguments)
            case Along(function, index, body, at):
                return self.along(function, index, body, at)
            case Delta(left, right):
                inside = f"{_place(left)}{COMMA}{_place(right)}"
                return Piece(f"<msub><mi>δ</mi><mrow>{inside}</mrow></msub>", PLAIN)
            case Forms(book, _):
                return self.piece(book)
            case _:
                raise TypeError(f"no MathML for {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The markup of a node, in brackets where it would not hold together."""
        piece = self.piece(expr)
        return piece.signed if piece.holds >= least else _bracketed(piece.signed)

    def power(self, base: Expr, exponent: Expr) -> Piece:
        """A power; a base that has a superscript or a bar of its own gets brackets."""
        return Piece(
            f"<msup>{_row(self.inside(base, PLAIN))}{_row(self.write(exponent))}</msup>", POWER
        )

    def exact(self, value: Fraction) -> Piece:
        """An exact number, as a fraction where it is one."""
        written = str(abs(value)) if abs(value) in VULGAR else self.digits.exactly(abs(value))
        above, _, below = written.partition("/")
        size = f"<mfrac><mn>{above}</mn><mn>{below}</mn></mfrac>" if below else f"<mn>{above}</mn>"
        return Piece(size, SUM if value < 0 else ATOM if below else PLAIN, value < 0)

    def rounded(self, value: float) -> Piece:
        """A computed number in the digits of the page."""
        shown = self.shown(value).replace("−", "-")
        minus, size = shown.startswith("-"), shown.removeprefix("-")
        mantissa, _, exponent = size.partition("e")
        kind = "mn" if mantissa[0].isdigit() else "mi"
        written, holds = f"<{kind}>{mantissa}</{kind}>", PLAIN
        if exponent:
            power = Piece(f"<mn>{exponent.lstrip('-')}</mn>", ATOM, exponent[0] == "-").signed
            written, holds = f"{written}{TIMES}<msup><mn>10</mn>{power}</msup>", PRODUCT
        return Piece(written, SUM if minus else holds, minus)

    def reference(self, ref: Ref) -> Piece:
        """A quantity or element by its name; a page has few of them, many times."""
        if ref not in self._pieces:
            self._pieces[ref] = self.name(self.names.name(ref))
        return self._pieces[ref]

    def shown(self, value: float) -> str:
        """The digits of a number."""
        if value not in self._shown:
            self._shown[value] = self.digits.show(value)
        return self._shown[value]

    def name(self, name: Name) -> Piece:
        """A name with everything that belongs to it."""
        base = letter(name.base)
        below = [letters_of(name.sub)] if name.sub else []
        below += ["<mi>new</mi>"] * name.new
        above = _row(letters_of(name.sup)) if name.sup else ""
        if name.state:
            below = [f"<msup>{base}{above}</msup>" if above else base, *below]
            base, above = f"<mi>{name.state[0]}</mi>", ""
            base = accented(base, "^") if name.state.endswith("hat") else base
        written = _scripts(base, _row(COMMA.join(below)), above)
        if name.loss:
            return Piece(self.derivative(self.name(name.loss).markup, written), ATOM)
        return Piece(written, ATOM if above else PLAIN)

    def derivative(self, top: str, bottom: str) -> str:
        """The derivative of one thing by another."""
        sign = f"<mi>{self.names.derivative or '∂'}</mi>"
        return f"<mfrac><mrow>{sign}{top}</mrow><mrow>{sign}{bottom}</mrow></mfrac>"

    def sum(self, terms: Sequence[Expr]) -> Piece:
        """Terms with their signs."""
        pieces: list[str] = []
        for term in terms:
            piece = self.piece(term)
            written = _bracketed(piece.markup) if isinstance(term, Sum) else piece.markup
            sign = MINUS if piece.minus else "<mo>+</mo>" if pieces else ""
            pieces.append(sign + written)
        return Piece(f"<mrow>{''.join(pieces)}</mrow>", SUM)

    def product(self, factors: Sequence[Expr]) -> Piece:
        """Divisors go below one fraction; a leading −1 is a sign."""
        found = quotient(factors)
        if found.below:
            piece = self.fraction(found.above, found.below)
            if found.behind:
                dot = "" if isinstance(found.behind[0], Sigma) else TIMES
                piece = Piece(f"{piece.markup}{dot}{self.factor(found.behind)}", PRODUCT)
        else:
            piece = self.times(found.above)
        if not found.negative:
            return piece
        loose = piece.minus or (len(found.above) == 1 and piece.holds < PRODUCT)
        return Piece(_bracketed(piece.signed) if loose else piece.markup, SUM, True)

    def fraction(self, above: Sequence[Expr], below: Sequence[Expr]) -> Piece:
        """A numerator over a denominator."""
        parts = (_row(self.times(factors).signed) for factors in (above, below))
        return Piece(f"<mfrac>{''.join(parts)}</mfrac>", ATOM)

    def factor(self, factors: Sequence[Expr]) -> str:
        """Factors that stand behind another one."""
        alone = len(factors) == 1
        return self.inside(factors[0], PRODUCT) if alone else self.times(factors).signed

    def times(self, factors: Sequence[Expr]) -> Piece:
        """Factors side by side; the first may have a minus, the last may be a Σ."""
        if len(factors) == 1:
            match factors[0]:
                case Power(base, exponent):
                    return self.power(base, exponent)
                case other:
                    return self.piece(other)
        first = self.piece(factors[0])
        minus = first.minus and isinstance(factors[0], Num | Value)
        head = first.markup if minus else self.one_of(factors[0], last=False)
        rest = [self.one_of(f, last=n == len(factors)) for n, f in enumerate(factors[1:], 2)]
        return Piece(TIMES.join([head, *rest]), SUM if minus else PRODUCT, minus)

    def one_of(self, factor: Expr, *, last: bool) -> str:
        """One factor of several."""
        match factor:
            case Power(base, exponent):
                return self.power(base, exponent).markup
            case Sigma() if not last:
                return _bracketed(self.write(factor))
            case _:
                return self.inside(factor, PRODUCT)

    def call(self, function: str, arguments: tuple[Expr, ...]) -> Piece:
        """A function, by its template, or an operation on whole arrays."""
        match function:
            case "@" | "∘":
                sign = TIMES if function == "@" else "<mo>∘</mo>"
                return Piece(sign.join(self.inside(a, PRODUCT) for a in arguments), PRODUCT)
            case "T":
                inner = _row(self.inside(arguments[0], PLAIN))
                return Piece(f"<msup>{inner}<mo>⊤</mo></msup>", ATOM)
            case "rows":
                rows = "".join(f"<mtr>{self.write(row)}</mtr>" for row in arguments)
                table = f"<mtable>{rows}</mtable>"
                return Piece(_template("equal", table).format(table), PLAIN)
            case "row":
                return Piece("".join(f"<mtd>{self.write(a)}</mtd>" for a in arguments), PLAIN)
            case "d/dz":
                operator = "<mfrac><mi>d</mi><mrow><mi>d</mi><mi>z</mi></mrow></mfrac>"
                return Piece(operator + _bracketed(self.write(arguments[0])), ATOM)
            case "′":
                return Piece(_primed(self.write(arguments[0])), ATOM)
            case _ if FUNCTIONS[function] == "{}":
                return self.piece(arguments[0])
            case _:
                sign = "<mo>=</mo>" if function == "equal" else COMMA
                inside = sign.join(self.write(a) for a in arguments)
                holds = POWER if function == "exp" else PLAIN
                return Piece(_template(function, inside).format(inside), holds)

    def along(self, function: str, index: Index, body: Expr, at: Position | None) -> Piece:
        """A function along an index, marked with the place where it is read."""
        if isinstance(at, Index) and at.name not in free_indices(Along(function, index, body)):
            index, body = at, substitute(body, {index.name: at})
        inside = self.write(body)
        written = _template(function, inside).format(inside)
        if at is None:
            head, _, argument = written.partition(APPLIED)
            below = f"<munder>{_row(head)}{letter(index.name)}</munder>"
            return Piece(below + APPLIED + argument, PLAIN)
        return Piece(f"<msub>{_row(written)}{_place(at)}</msub>", PLAIN)


def _row(markup: str) -> str:
    """One element, where one is asked for."""
    single = markup.count("<") == 2 and markup.startswith("<m")
    return markup if single or not markup else f"<mrow>{markup}</mrow>"


def _bracketed(markup: str) -> str:
    template = "<mrow><mo>(</mo>{}<mo>)</mo></mrow>"
    return (template if _tall(markup) else BRACKET.sub(FIXED, template)).format(markup)


def _template(function: str, inside: str) -> str:
    return (FUNCTIONS if _tall(inside) else LOW)[function]


def _tall(markup: str) -> bool:
    """Whether brackets have to grow; those that may are set wider apart by some fonts."""
    return "<mfrac" in markup or "<munder" in markup or "</mtr><mtr>" in markup


def _directly(written: str) -> str:
    return f"<msub><mrow><mrow></mrow>{written}<mo>|</mo></mrow><mtext>direct</mtext></msub>"


def _scripts(base: str, below: str, above: str) -> str:
    if below and above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    if below:
        return f"<msub>{base}{below}</msub>"
    return f"<msup>{base}{above}</msup>" if above else base


def _primed(written: str) -> str:
    """A function's name with a prime; |z| and √z have no place for one."""
    head, applied, argument = written.rpartition(APPLIED)
    if not applied:
        return f"<msup>{_bracketed(written)}<mo>′</mo></msup>"
    return f"<msup>{_row(head)}<mo>′</mo></msup>{applied}{argument}"


def _place(position: Position) -> str:
    return letter(position.name) if isinstance(position, Index) else f"<mn>{position}</mn>"
