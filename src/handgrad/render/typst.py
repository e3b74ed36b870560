"""Typst: a complete document that breaks long lines by measuring them and says every formula in words.

Whatever a user wrote stands in string literals, so nothing of it is read as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from handgrad.calculus.expr import (
    Call,
    Expr,
    Forms,
    Index,
    Num,
    Position,
    Power,
    Product,
    Sum,
    Value,
)
from handgrad.render.document import Document, Formula, Item, Line, Picture, Remark, related
from handgrad.render.notation import Name
from handgrad.render.quotient import flat_factors
from handgrad.render.setting import ATOM, PRODUCT, Piece, Setter
from handgrad.render.spoken import SpokenWriter, sentence, writer_of
from handgrad.render.widths import widest

__all__ = ["FUNCTIONS", "TypstWriter", "quoted", "to_typst"]

# how a function of the rule table is set; {} is its argument
FUNCTIONS = {
    "abs": "abs({})",
    "arctan": "arctan({})",
    "cos": "cos({})",
    "elu": '"elu"({})',
    "equal": "[{}]",
    "erf": '"erf"({})',
    "exp": "e^({})",
    "expm1": '"expm1"({})',
    "gaussian": '"gaussian"({})',
    "gelu": '"gelu"({})',
    "gelu_gate": '"gelu gate"({})',
    "gelu_tanh": '"gelu tanh"({})',
    "hard_sigmoid": '"hard sigmoid"({})',
    "hard_silu": '"hard silu"({})',
    "hard_tanh": '"hard tanh"({})',
    "hardmax": '"hardmax"({})',
    "huber": '"huber"({})',
    "identity": "{}",
    "leaky_relu": '"leaky relu"({})',
    "log": "ln({})",
    "log_sigmoid": "ln σ({})",
    "log_softmax": '"log softmax"({})',
    "logsumexp": '"logsumexp"({})',
    "max": "max({})",
    "min": "min({})",
    "mish": '"mish"({})',
    "normal_cdf": "Φ({})",
    "normal_pdf": "φ({})",
    "relu": '"relu"({})',
    "sech": '"sech"({})',
    "selu": '"selu"({})',
    "sigmoid": "σ({})",
    "sign": '"sign"({})',
    "silu": '"silu"({})',
    "sin": "sin({})",
    "softmax": '"softmax"({})',
    "softmax_rest": '"softmax rest"({})',
    "softplus": '"softplus"({})',
    "softsign": '"softsign"({})',
    "sqrt": "sqrt({})",
    "step": '"step"({})',
    "tanh": "tanh({})",
}
PREAMBLE = Path(__file__).with_name("page.typ").read_text("utf-8").rstrip()
SHAPES = ("abs(", "sqrt(", "e^(")  # set around their argument: no place for a prime
LETTERS = frozenset("αβγδεζηθικλμνξοπρςστυφχψωΓΔΘΛΞΠΣΦΨΩ∂∇ℓ…")


def quoted(text: str) -> str:
    r"""A text as a string literal, which Typst prints as it is.

    >>> quoted('a "b" #c')
    '"a \\"b\\" #c"'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class TypstWriter(Setter):
    """Expressions to the mathematics of Typst, without dollar signs, in a page's names and digits."""

    FUNCTIONS = FUNCTIONS
    TIMES = " dot "
    ENTRYWISE = " compose "

    def bracketed(self, markup: str) -> str:
        return f"({markup})"

    def number(self, digits: str) -> str:
        """Digits; a comma among them would end an argument, so they are a string then."""
        return quoted(digits) if "," in digits or digits == "undefined" else digits

    def tens(self, exponent: str) -> str:
        return f"10^({exponent})"

    def over(self, above: str, below: str) -> str:
        return f"frac({above}, {below})"

    def raised(self, base: Expr, exponent: str) -> str:
        below = self.inside(base, ATOM)
        if not below.startswith("(") and ("^" in below or "frac(" in below):
            below = self.bracketed(below)
        return f"{below}^({exponent})"

    def name(self, name: Name) -> Piece:
        inside = [letters_of(name.sub)] if name.sub else []
        sub = ",".join(inside + ['"new"'] * name.new)
        base = letter(name.base)
        above = f"^({letters_of(name.sup)})" if name.sup else ""
        written = base + (f"_({sub})" if sub else "") + above
        if name.state:
            kept = name.state[0]
            kept = f"hat({kept})" if name.state.endswith("hat") else kept
            written = f"{kept}_({','.join(filter(None, (base + above, sub)))})"
        if name.loss:
            written = self.derivative(self.name(name.loss).markup, written)
        return Piece(written, ATOM)

    def differential(self, markup: str) -> str:
        return f"{self.names.derivative or '∂'} {markup}"

    def directly(self, markup: str) -> str:
        return f'lr({markup} |)_"direct"'

    def total(self, indices: Sequence[Index], body: str) -> str:
        return f"sum_({','.join(letter(index.name) for index in indices)}) {body}"

    def kronecker(self, left: Position, right: Position) -> str:
        return f"δ_({left},{right})"

    def transposed(self, array: Expr) -> str:
        inner = self.inside(array, ATOM)
        inner = self.bracketed(inner) if re.search(r"[\^(]", inner) else inner
        return f"{inner}^⊤"

    def matrix(self, rows: Sequence[str]) -> str:
        return f'mat(delim: "[", {"; ".join(rows)})'

    def row(self, cells: Sequence[str]) -> str:
        return ", ".join(cells)

    def by_z(self, markup: str) -> str:
        return f"frac(d, d z) {self.bracketed(markup)}"

    def primed(self, markup: str) -> str:
        bare = "(" not in markup or markup.startswith(SHAPES)
        return f"{self.bracketed(markup)}'" if bare else markup.replace("(", "'(", 1)

    def marked(self, markup: str, place: Position) -> str:
        return f"{markup}_({letter(str(place))})"

    # --- where a line may break --------------------------------------------------------------

    def breakable(self, expr: Expr) -> list[str]:
        """The mathematics of a part in pieces between which a line may break."""
        match expr:
            case Sum(terms):
                return self.terms(terms)
            case Product(factors) if not any(map(_divides, factors)) and factors[0] != Num(-1):
                flat = tuple(part for factor in factors for part in flat_factors(factor))
                whole = len(flat) == 1 or any(map(_divides, flat))
                return [self.write(expr)] if whole else self.bracket(flat)
            case Call("@" | "∘" as function, arguments):
                sign = "dot" if function == "@" else "compose"
                first, *rest = (self.inside(a, PRODUCT) for a in arguments)
                return [first, *(f"{sign} {piece}" for piece in rest)]
            case Forms(book, _):
                return self.breakable(book)
            case _:
                return [self.write(expr)]

    def bracket(self, factors: tuple[Expr, ...]) -> list[str]:
        """Factors; a sum in brackets at the end may break within: ½·((a − b)² + (c − d)²)."""
        first, *rest = self.factors(factors)
        minus = "-" * (isinstance(factors[0], Num | Value) and self.piece(factors[0]).minus)
        *ahead, last = [minus + first, *(f"dot {factor}" for factor in rest)]
        match factors[-1]:
            case Sum(terms) if "frac(" not in last:
                opening, *others = self.terms(terms)
                return [*ahead, rf"dot \( {opening}", *others[:-1], rf"{others[-1]} \)"]
            case _:
                return [*ahead, last]


def _divides(factor: Expr) -> bool:
    return (
        isinstance(factor, Power) and isinstance(factor.exponent, Num) and factor.exponent.value < 0
    )


def letter(text: str) -> str:
    """A letter or word of a name: greek as it is, words upright, anything else as a string."""
    if text == "ŷ":
        return "hat(y)"
    if text in LETTERS or (len(text) == 1 and text.isascii() and text.isalnum()):
        return text
    base, underscore, sub = text.partition("_")
    if underscore and base and sub:
        return f"{letter(base)}_({letter(sub)})"
    if len(text) > 1 and text[0] in LETTERS and text[1:].isdecimal() and text.isprintable():
        return f"{text[0]}_({quoted(text[1:])})"
    return quoted(text)


def letters_of(text: str) -> str:
    """A subscript or superscript: digits and single letters as they are, words upright."""
    pieces = re.findall(r"\([0-9]+\)|[^\W\d_]+|[0-9]+|,|[^\w,]+|.", text)
    written = [p if p == "," or (p.isascii() and p.isdigit()) else letter(p) for p in pieces]
    return re.sub(r'(?<=[\w"]) (?=[,"])|(?<=[,"]) (?=[\w",])', "", " ".join(written))


# --- documents -------------------------------------------------------------------------------


def to_typst(document: Document, pictures: Sequence[Picture] = ()) -> str:
    """A complete document: metadata, title and source, pictures, then the sections."""
    title, writer = quoted(document.title or "Worked steps"), writer_of(document)
    parts = [PREAMBLE.replace("TITLE", title)]
    parts += ["#title()"] if document.title else []
    parts += [f"#source({quoted(document.source)})"] if document.source else []
    parts += [_picture(picture) for picture in pictures]
    for section in document.sections:
        parts.append(f"#heading({quoted(section.title)})")
        parts += _items(document, writer, section.items)
    return "\n\n".join(parts) + "\n"


def _picture(picture: Picture) -> str:
    alt = quoted(picture.description)
    return f'#figure(image(bytes({quoted(picture.svg)}), format: "svg", alt: {alt}))'


def _items(document: Document, spoken: SpokenWriter, items: Sequence[Item]) -> Iterator[str]:
    writer = TypstWriter(document.names, document.digits)
    for item in items:
        if isinstance(item, Remark):
            yield f"#remark({quoted(item.text)})"
        else:
            yield worked(writer, item, sentence(spoken, item))


def worked(writer: TypstWriter, item: Line | Formula, words: str) -> str:
    """One worked line as a call: its words, its name, and each part in pieces that stay together."""
    name = writer.write(item.lhs)
    rows, widths = list[str](), [widest(name)]
    for equal, part in related(item, writer.digits):
        pieces = ["=" if equal else "approx", *writer.breakable(part)]
        row = ", ".join(f"${piece}$" for piece in pieces)
        if row not in rows:
            rows.append(row)
            widths.append(widest(" ".join(pieces)))
    known = ", ".join("float.inf" if width == inf else f"{width + 0.05:.1f}" for width in widths)
    parts = "".join(f"\n  ({row})," for row in rows)
    return f"#worked(\n  {quoted(words)},\n  ({known}),\n  ${name}$,{parts}\n)"
