"""Plain text for the terminal: aligned equals signs, wrapped to its width, with styles to colour by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from textwrap import wrap as fill
from unicodedata import category, east_asian_width

from handgrad.calculus.expr import Expr, Position, Ref
from handgrad.language.writing import VULGAR, text
from handgrad.render.document import Document, Formula, Item, Line, Remark, equals
from handgrad.render.notation import Name, Names

__all__ = ["FUNCTIONS", "Span", "spans", "to_text"]

# how a function of the rule table is written; {} is its argument
FUNCTIONS = {
    "abs": "|{}|",
    "arctan": "arctan({})",
    "cos": "cos({})",
    "elu": "elu({})",
    "equal": "[{}]",
    "erf": "erf({})",
    "exp": "exp({})",
    "expm1": "expm1({})",
    "gaussian": "gaussian({})",
    "gelu": "gelu({})",
    "gelu_gate": "gelu_gate({})",
    "gelu_tanh": "gelu_tanh({})",
    "hard_sigmoid": "hard_sigmoid({})",
    "hard_silu": "hard_silu({})",
    "hard_tanh": "hard_tanh({})",
    "hardmax": "hardmax({})",
    "huber": "huber({})",
    "identity": "{}",
    "leaky_relu": "leaky_relu({})",
    "log": "ln({})",
    "log_sigmoid": "ln σ({})",
    "log_softmax": "log_softmax({})",
    "logsumexp": "logsumexp({})",
    "max": "max({})",
    "min": "min({})",
    "mish": "mish({})",
    "normal_cdf": "Φ({})",
    "normal_pdf": "φ({})",
    "relu": "relu({})",
    "sech": "sech({})",
    "selu": "selu({})",
    "sigmoid": "σ({})",
    "sign": "sign({})",
    "silu": "silu({})",
    "sin": "sin({})",
    "softmax": "softmax({})",
    "softmax_rest": "softmax_rest({})",
    "softplus": "softplus({})",
    "softsign": "softsign({})",
    "sqrt": "√({})",
    "step": "step({})",
    "tanh": "tanh({})",
}
# Latin, Greek and mathematical signs take one column each
EVEN = re.compile(r"[\x00-\u02ff\u0370-\u0482\u2000-\u20cf\u2100-\u22ff]*")

SPELLED = str.maketrans({sign: str(value) for value, sign in VULGAR.items()})  # 1/3 is ⅓


@dataclass(frozen=True)
class Span:
    """A piece of a line, and the role it plays: title, heading, remark, name, sign, value, plain."""

    text: str
    role: str = "plain"


def to_text(document: Document, width: int = 88) -> str:
    """The whole document as plain text, ending with a newline."""
    lines = ("".join(span.text for span in line).rstrip() for line in spans(document, width))
    return "\n".join(lines) + "\n"


def spans(document: Document, width: int = 88) -> Iterator[list[Span]]:
    """The document line by line, each line in pieces."""
    if document.title:
        yield [Span(document.title, "title")]
    if document.source:
        yield [Span(f"Source: {document.source}", "remark")]
    for number, section in enumerate(document.sections):
        if number or document.title or document.source:
            yield []
        yield [Span(section.title, "heading")]
        yield [Span("─" * columns(section.title), "heading")]
        writer = _Text(document, width)
        before: Item | None = None
        for item in section.items:
            ends = isinstance(before, Line) and not isinstance(item, Line)
            if ends or (before is not None and isinstance(item, Remark)):
                yield []
            yield from writer.item(item)
            before = item


@dataclass(frozen=True)
class _Text:
    document: Document
    width: int

    def item(self, item: Item) -> Iterator[list[Span]]:
        match item:
            case Remark(sentence):
                for line in fill(sentence, self.width - 2):
                    yield [Span("  "), Span(line, "remark")]
            case Formula(lhs, rhs):
                yield from self.chain(lhs, [("=", self.write(rhs))], last="plain")
            case Line(lhs, parts):
                digits, places = self.document.digits, range(len(parts))
                signs = ["=" if equals(parts, n, digits) else "≈" for n in places]
                written = list(zip(signs, map(self.write, parts), strict=True))
                spelled = [part.translate(SPELLED) for _, part in written]
                kept = [w for n, w in enumerate(written) if n == 0 or spelled[n] != spelled[n - 1]]
                yield from self.chain(lhs, kept, last="value")

    def write(self, expr: Expr) -> str:
        digits, sign = self.document.digits, self.document.names.derivative or "d"
        return text(expr, self.name, digits.show, FUNCTIONS, digits.exactly, sign)

    def name(self, ref: Ref) -> str:
        return plain_name(self.document.names, ref)

    def chain(self, lhs: Expr, parts: list[tuple[str, str]], last: str) -> Iterator[list[Span]]:
        """``lhs = a = b ≈ c`` on one line if it fits, else the signs under each other."""
        left = self.write(lhs)
        roles = ["plain"] * (len(parts) - 1) + [last]
        wide = columns(left)
        total = 4 + wide + sum(columns(p) + 3 for _, p in parts)
        if total <= self.width:
            line = [Span("    "), Span(left, "name")]
            for (sign, part), role in zip(parts, roles, strict=True):
                line += [Span(f" {sign} ", "sign"), Span(part, role)]
            yield line
            return
        indent = min(wide, self.width // 3)
        head = [Span("    "), Span(left, "name")]
        if wide > indent:
            yield head
            head = [Span(" " * (4 + indent))]
        for (sign, part), role in zip(parts, roles, strict=True):
            for n, piece in enumerate(wrapped(part, self.width - indent - 7)):
                yield [*head, Span(f" {sign} " if n == 0 else "   ", "sign"), Span(piece, role)]
                head = [Span(" " * (4 + indent))]


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: two for 損, none for a mark over a letter."""
    if EVEN.fullmatch(text):
        return len(text)
    wide = sum(east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(category(c) in ("Mn", "Me") for c in text)


def wrapped(part: str, width: int) -> Iterator[str]:
    """A long expression in pieces: broken between terms, else after a factor or a matrix row."""
    line = ""
    for term in terms(part):
        if line and len(line) + len(term) > width:
            yield line
            line = "  " + term.lstrip()
        else:
            line += term
        while len(line) > width:
            ends = [m.end() for m in re.finditer(r"·|; |∘ |(?<=.) (?=[+−] )", line[:width])]
            end = max((e for e in ends if e > len(line) - len(line.lstrip()) + 1), default=0)
            if not end:
                break
            yield line[:end].rstrip()
            line = "    " + line[end:]
    yield line


def terms(part: str) -> Iterator[str]:
    """The terms of a sum, each with its sign; what stands in brackets stays together."""
    depth, start = 0, 0
    for place, character in enumerate(part):
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character == " " and part[place + 1 : place + 3] in ("+ ", "− "):
            yield part[start:place]
            start = place
    yield part[start:]


def plain_name(names: Names, ref: Ref) -> str:
    """A name on one line: the user's (``w_11``, ``dL/dw^(1)``) or the public one (``dL/dW1[2,1]``)."""
    written, rest = _plain(names, ref)
    inside = ",".join(map(str, rest))
    return f"{written}[{inside}]" if inside else written


def _plain(names: Names, ref: Ref) -> tuple[str, tuple[Position, ...]]:
    """The name without its indices, and the indices."""
    symbol = ref.symbol
    found = names.given(ref)
    if found is not None:
        return flat(found[0]), found[1]
    inner = Ref(symbol.plain, ref.indices)
    if symbol.state == "δ" and names.patterns.get("z"):
        return flat(names.delta(ref)), ()
    written, rest = str(replace(symbol, loss=None, new=False)), names.indices(ref)
    if symbol.state != "δ" and names.given(inner) is not None:
        written, rest = _plain(names, inner)
        written = f"{symbol.state}_{written}" if symbol.state else written
    d = names.derivative or "d"
    written = f"{d}{flat(names.of_loss)}/{d}{written}" if symbol.loss else written
    return (f"{written}_new" if symbol.new else written), rest


def flat(name: Name) -> str:
    """Base, subscript and superscript on one line: ``w_11``, ``w^(1)``."""
    return name.base + (name.sub and f"_{name.sub}") + (name.sup and f"^{name.sup}")
