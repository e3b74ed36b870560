"""MathML, of MathML Core only: an expression in, the markup inside ``<math>`` out.

A browser sets it without any script. What a user wrote is escaped; nothing but the elements below
can come out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from handgrad.calculus.expr import Expr, Index, Position
from handgrad.render.letters import FIXED, accented, letter, letters_of
from handgrad.render.notation import Name
from handgrad.render.setting import ATOM, PLAIN, Piece, Setter

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


@dataclass(frozen=True)
class MathWriter(Setter):
    """Expressions to MathML, to stand inside ``<math>`` or a row, in the names and digits of a page."""

    FUNCTIONS = FUNCTIONS
    SPACE = ""
    PLUS = "<mo>+</mo>"
    MINUS = MINUS
    TIMES = TIMES
    ENTRYWISE = "<mo>∘</mo>"
    COMMA = COMMA
    EQUALS = "<mo>=</mo>"

    def signed(self, piece: Piece) -> str:
        """With its sign; a row of its own makes the minus a sign, not a difference."""
        return f"<mrow>{MINUS}{piece.markup}</mrow>" if piece.minus else piece.markup

    def run(self, terms: Sequence[str]) -> str:
        return f"<mrow>{''.join(terms)}</mrow>"

    def bracketed(self, markup: str) -> str:
        return _bracketed(markup)

    def number(self, digits: str) -> str:
        kind = "mn" if digits[0].isdigit() else "mi"
        return f"<{kind}>{digits}</{kind}>"

    def tens(self, exponent: str) -> str:
        power = Piece(f"<mn>{exponent.lstrip('-')}</mn>", ATOM, exponent[0] == "-")
        return f"<msup><mn>10</mn>{self.signed(power)}</msup>"

    def over(self, above: str, below: str) -> str:
        return f"<mfrac>{_row(above)}{_row(below)}</mfrac>"

    def raised(self, base: Expr, exponent: str) -> str:
        return f"<msup>{_row(self.inside(base, PLAIN))}{_row(exponent)}</msup>"

    def name(self, name: Name) -> Piece:
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

    def differential(self, markup: str) -> str:
        return f"<mi>{self.names.derivative or '∂'}</mi>{markup}"

    def directly(self, markup: str) -> str:
        return f"<msub><mrow><mrow></mrow>{markup}<mo>|</mo></mrow><mtext>direct</mtext></msub>"

    def total(self, indices: Sequence[Index], body: str) -> str:
        letters = _row(COMMA.join(letter(index.name) for index in indices))
        return f"<munder><mo>∑</mo>{letters}</munder>{body}"

    def kronecker(self, left: Position, right: Position) -> str:
        inside = f"{_place(left)}{COMMA}{_place(right)}"
        return f"<msub><mi>δ</mi><mrow>{inside}</mrow></msub>"

    def transposed(self, array: Expr) -> str:
        return f"<msup>{_row(self.inside(array, PLAIN))}<mo>⊤</mo></msup>"

    def matrix(self, rows: Sequence[str]) -> str:
        return self.applied("equal", f"<mtable>{''.join(rows)}</mtable>")

    def row(self, cells: Sequence[str]) -> str:
        return f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in cells)}</mtr>"

    def by_z(self, markup: str) -> str:
        operator = "<mfrac><mi>d</mi><mrow><mi>d</mi><mi>z</mi></mrow></mfrac>"
        return operator + _bracketed(markup)

    def primed(self, markup: str) -> str:
        """A prime at the name of the function; |z| and √z have no place for one."""
        head, applied, argument = markup.rpartition(APPLIED)
        if not applied:
            return f"<msup>{_bracketed(markup)}<mo>′</mo></msup>"
        return f"<msup>{_row(head)}<mo>′</mo></msup>{applied}{argument}"

    def applied(self, function: str, inside: str) -> str:
        """A function of what is inside; its brackets grow where that is tall."""
        return (FUNCTIONS if _tall(inside) else LOW)[function].format(inside)

    def reduced(self, function: str, inside: str, index: Index) -> str:
        """The index stands under the name of the function."""
        head, _, argument = self.applied(function, inside).partition(APPLIED)
        return f"<munder>{_row(head)}{letter(index.name)}</munder>{APPLIED}{argument}"

    def marked(self, markup: str, place: Position) -> str:
        return f"<msub>{_row(markup)}{_place(place)}</msub>"


def _row(markup: str) -> str:
    """One element, where one is asked for."""
    single = markup.count("<") == 2 and markup.startswith("<m")
    return markup if single or not markup else f"<mrow>{markup}</mrow>"


def _bracketed(markup: str) -> str:
    template = "<mrow><mo>(</mo>{}<mo>)</mo></mrow>"
    return (template if _tall(markup) else BRACKET.sub(FIXED, template)).format(markup)


def _tall(markup: str) -> bool:
    """Whether brackets have to grow; those that may are set wider apart by some fonts."""
    return "<mfrac" in markup or "<munder" in markup or "</mtr><mtr>" in markup


def _scripts(base: str, below: str, above: str) -> str:
    if below and above:
        return f"<msubsup>{base}{below}{above}</msubsup>"
    if below:
        return f"<msub>{base}{below}</msub>"
    return f"<msup>{base}{above}</msup>" if above else base


def _place(position: Position) -> str:
    return letter(position.name) if isinstance(position, Index) else f"<mn>{position}</mn>"
