"""Typst: a complete document that breaks long lines by measuring them and says every formula in words.

Whatever a user wrote stands in string literals, so nothing of it is read as markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

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
from handgrad.render.document import Document, Formula, Item, Line, Picture, Remark, related
from handgrad.render.notation import Name, Names
from handgrad.render.quotient import Quotient, flat_factors, quotient
from handgrad.render.spoken import SpokenWriter, sentence, writer_of

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
SUM, PRODUCT, POWER, ATOM = range(4)


def _pointed(digits: str) -> str:
    """The digits of a number; a comma among them would end an argument."""
    sign, size = digits[: digits.startswith("-")], digits.removeprefix("-")
    return sign + (quoted(size) if "," in size else size)


def quoted(text: str) -> str:
    r"""A text as a string literal, which Typst prints as it is.

    >>> quoted('a "b" #c')
    '"a \\"b\\" #c"'
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class TypstWriter:
    """Expressions to the mathematics of Typst, in the names and digits of a page."""

    names: Names
    digits: Digits

    def write(self, expr: Expr) -> str:
        """The mathematics of an expression, without dollar signs."""
        return self.piece(expr)[0]

    def piece(self, expr: Expr) -> tuple[str, int]:
        """The mathematics of a node, and how tightly it holds together."""
        match expr:
            case Num(value):
                return self.exact(Fraction(value))
            case Value(value):
                return self.rounded(value)
            case Ref():
                return self.name(self.names.name(expr)), ATOM
            case Partial(top, bottom, direct):
                written = self.derivative(self.write(top), self.write(bottom))
                return f'lr({written} |)_"direct"' if direct else written, ATOM
            case Sum(terms):
                return " ".join(self.terms(terms)), SUM
            case Product() | Power(_, Num()):
                return self.product(expr.factors if isinstance(expr, Product) else (expr,))
            case Power(base, exponent):
                return self.power(base, exponent), POWER
            case Sigma(indices, body):
                letters = ",".join(letter(index.name) for index in indices)
                return f"sum_({letters}) {self.inside(body, PRODUCT)}", PRODUCT
            case Call(function, arguments):
                return self.call(function, arguments)
            case Along(function, index, body, at):
                return self.along(function, index, body, at), ATOM
            case Delta(left, right):
                return f"δ_({left},{right})", ATOM
            case Forms(book, _):
                return self.piece(book)
            case _:
                raise TypeError(f"no Typst for {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The mathematics of a node, in brackets where it would not hold together."""
        written, tightness = self.piece(expr)
        return written if tightness >= least else f"({written})"

    def power(self, base: Expr, exponent: Expr) -> str:
        """A power; a base that has a superscript or a bar of its own gets brackets."""
        below = self.inside(base, ATOM)
        if not below.startswith("(") and ("^" in below or "frac(" in below):
            below = f"({below})"
        return f"{below}^({self.write(exponent)})"

    def exact(self, value: Fraction) -> tuple[str, int]:
        """An exact number, as a fraction where it is one."""
        size = abs(value)
        written = str(size) if size in VULGAR else self.digits.exactly(size)
        above, _, below = written.partition("/")
        shown = f"frac({above}, {below})" if below else _pointed(above)
        return (f"-{shown}", SUM) if value < 0 else (shown, ATOM)

    def rounded(self, value: float) -> tuple[str, int]:
        """A computed number in the digits of the page."""
        mantissa, _, exponent = self.digits.show(value).replace("−", "-").partition("e")
        written = quoted(mantissa) if mantissa == "undefined" else _pointed(mantissa)
        written += f" dot 10^({exponent})" if exponent else ""
        return written, SUM if written.startswith("-") else PRODUCT if exponent else ATOM

    def name(self, name: Name) -> str:
        """A name with everything that belongs to it."""
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
            return self.derivative(self.name(name.loss), written)
        return written

    def derivative(self, above: str, below: str) -> str:
        """The derivative of one thing by another."""
        sign = self.names.derivative or "∂"
        return f"frac({sign} {above}, {sign} {below})"

    def terms(self, terms: Sequence[Expr]) -> list[str]:
        """Terms, each behind the first with its sign."""
        pieces: list[str] = []
        for term in terms:
            piece = self.write(term)
            piece = f"({piece})" if isinstance(term, Sum) else piece
            if pieces:
                piece = f"- {piece[1:]}" if piece.startswith("-") else f"+ {piece}"
            pieces.append(piece)
        return pieces

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        """Divisors go below one fraction; a leading −1 is a sign."""
        found = quotient(factors)
        if found.below:
            written = self.fraction(found)
        else:
            single = found.negative and len(found.above) == 1
            written = self.inside(found.above[0], PRODUCT) if single else self.times(found.above)
        written = f"({written})" if found.negative and written.startswith("-") else written
        if found.negative or written.startswith("-"):
            return "-" * found.negative + written, SUM
        power = len(found.above) == 1 and isinstance(found.above[0], Power) and not found.below
        return written, POWER if power else PRODUCT

    def fraction(self, found: Quotient) -> str:
        """A fraction, and what stands behind it."""
        written = f"frac({self.times(found.above)}, {self.times(found.below)})"
        if not found.behind:
            return written
        rest = found.behind
        behind = self.inside(rest[0], PRODUCT) if len(rest) == 1 else self.times(rest)
        return f"{written} {'' if behind.startswith('sum_') else 'dot '}{behind}"

    def times(self, factors: Sequence[Expr]) -> str:
        """Factors side by side."""
        return " ".join(self.factors(factors))

    def factors(self, factors: Sequence[Expr]) -> list[str]:
        """Factors, each behind the first with its dot."""
        if len(factors) == 1:
            one = factors[0]
            return [
                self.power(one.base, one.exponent) if isinstance(one, Power) else self.write(one)
            ]
        pieces: list[str] = []
        for n, factor in enumerate(factors):
            if isinstance(factor, Power):
                piece = self.power(factor.base, factor.exponent)
            elif isinstance(factor, Num | Value) and n == 0:
                piece = self.write(factor)
            elif isinstance(factor, Sigma) and n < len(factors) - 1:
                piece = f"({self.write(factor)})"
            else:
                piece = self.inside(factor, PRODUCT)
            pieces.append(f"dot {piece}" if pieces else piece)
        return pieces

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        """A function by its template, or an operation on whole arrays."""
        match function:
            case "@" | "∘":
                sign = " dot " if function == "@" else " compose "
                return sign.join(self.inside(a, PRODUCT) for a in arguments), PRODUCT
            case "T":
                inner = self.inside(arguments[0], ATOM)
                simple = not re.search(r"[\^(]", inner)
                return f"{inner}^⊤" if simple else f"({inner})^⊤", ATOM
            case "rows":
                return f'mat(delim: "[", {"; ".join(map(self.write, arguments))})', ATOM
            case "row":
                return ", ".join(map(self.write, arguments)), ATOM
            case "d/dz":
                return f"frac(d, d z) ({self.write(arguments[0])})", ATOM
            case "′":
                written = self.write(arguments[0])
                bare = "(" not in written or written.startswith(SHAPES)
                return f"({written})'" if bare else written.replace("(", "'(", 1), ATOM
            case "equal":
                return FUNCTIONS[function].format(" = ".join(map(self.write, arguments))), ATOM
            case _ if FUNCTIONS[function] == "{}":
                return self.piece(arguments[0])
            case _:
                inside = ", ".join(map(self.write, arguments))
                return FUNCTIONS[function].format(inside), POWER if function == "exp" else ATOM

    def along(self, function: str, index: Index, body: Expr, at: Position | None) -> str:
        """A function along an index, marked with the place where it is read."""
        if isinstance(at, Index) and at.name not in free_indices(Along(function, index, body)):
            index, body = at, substitute(body, {index.name: at})
        mark = letter(index.name if at is None else str(at))
        return f"{FUNCTIONS[function].format(self.write(body))}_({mark})"

    # --- where a line may break --------------------------------------------------------------

    def breakable(self, expr: Expr) -> list[str]:
        """The mathematics of a part in pieces between which a line may break."""
        match expr:
            case Sum(terms):
                return self.terms(terms)
            case Product(factors) if not any(map(_divides, factors)) and factors[0] != Num(-1):
                flat = tuple(part for factor in factors for part in flat_factors(factor))
                return self.bracket(flat) if not any(map(_divides, flat)) else [self.write(expr)]
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
        *ahead, last = self.factors(factors)
        match factors[-1]:
            case Sum(terms) if ahead and "frac(" not in last:
                first, *rest = self.terms(terms)
                return [*ahead, rf"dot \( {first}", *rest[:-1], rf"{rest[-1]} \)"]
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
    rows: list[str] = []
    for equal, part in related(item, writer.digits):
        pieces = " ".join(f"${piece}$," for piece in writer.breakable(part))
        row = f"  (${'=' if equal else 'approx'}$, {pieces.removesuffix(',')}),"
        rows += [row] if row not in rows else []
    head = f"#worked(\n  {quoted(words)},\n  ${writer.write(item.lhs)}$,"
    return "\n".join((head, *rows, ")"))
