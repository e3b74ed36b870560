r"""LaTeX, inside what KaTeX, MathJax and GitHub all accept: formulas, a fragment, a whole document."""

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
from handgrad.render.document import Document, Formula, Item, Line, Remark, equals
from handgrad.render.notation import Name, Names
from handgrad.render.quotient import quotient

__all__ = ["FUNCTIONS", "LatexWriter", "aligned", "fragment", "to_latex"]

# how a function of the rule table is set; {} is its argument
FUNCTIONS = {
    "abs": r"\left|{}\right|",
    "arctan": r"\arctan\left({}\right)",
    "cos": r"\cos\left({}\right)",
    "elu": r"\text{{elu}}\left({}\right)",
    "equal": r"\left[{}\right]",
    "erf": r"\text{{erf}}\left({}\right)",
    "exp": r"e^{{{}}}",
    "expm1": r"\text{{expm1}}\left({}\right)",
    "gaussian": r"\text{{gaussian}}\left({}\right)",
    "gelu": r"\text{{gelu}}\left({}\right)",
    "gelu_gate": r"\text{{gelu gate}}\left({}\right)",
    "gelu_tanh": r"\text{{gelu tanh}}\left({}\right)",
    "hard_sigmoid": r"\text{{hard sigmoid}}\left({}\right)",
    "hard_silu": r"\text{{hard silu}}\left({}\right)",
    "hard_tanh": r"\text{{hard tanh}}\left({}\right)",
    "hardmax": r"\text{{hardmax}}\left({}\right)",
    "huber": r"\text{{huber}}\left({}\right)",
    "identity": r"{}",
    "leaky_relu": r"\text{{leaky relu}}\left({}\right)",
    "log": r"\ln\left({}\right)",
    "log_sigmoid": r"\ln\sigma\left({}\right)",
    "log_softmax": r"\text{{log softmax}}\left({}\right)",
    "logsumexp": r"\text{{logsumexp}}\left({}\right)",
    "max": r"\max\left({}\right)",
    "min": r"\min\left({}\right)",
    "mish": r"\text{{mish}}\left({}\right)",
    "normal_cdf": r"\Phi\left({}\right)",
    "normal_pdf": r"\varphi\left({}\right)",
    "relu": r"\text{{relu}}\left({}\right)",
    "sech": r"\text{{sech}}\left({}\right)",
    "selu": r"\text{{selu}}\left({}\right)",
    "sigmoid": r"\sigma\left({}\right)",
    "sign": r"\text{{sign}}\left({}\right)",
    "silu": r"\text{{silu}}\left({}\right)",
    "sin": r"\sin\left({}\right)",
    "softmax": r"\text{{softmax}}\left({}\right)",
    "softmax_rest": r"\text{{softmax rest}}\left({}\right)",
    "softplus": r"\text{{softplus}}\left({}\right)",
    "softsign": r"\text{{softsign}}\left({}\right)",
    "sqrt": r"\sqrt{{{}}}",
    "step": r"\text{{step}}\left({}\right)",
    "tanh": r"\tanh\left({}\right)",
}
LETTERS = {
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon",
    "ζ": r"\zeta", "η": r"\eta", "θ": r"\theta", "ι": r"\iota", "κ": r"\kappa", "λ": r"\lambda",
    "μ": r"\mu", "µ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho", "σ": r"\sigma",
    "τ": r"\tau", "υ": r"\upsilon", "φ": r"\varphi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega",
    "Γ": r"\Gamma", "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Ξ": r"\Xi", "Π": r"\Pi",
    "Σ": r"\Sigma", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega", "∂": r"\partial", "∇": r"\nabla",
    "ℓ": r"\ell", "ŷ": r"\hat{y}", "…": r"\dots",
}  # fmt: skip
MARKS = {"−": "-", "·": r"\cdot", "×": r"\times", "±": r"\pm"}
UNKNOWN = "ĦħĸĿŀŉŦŧſ"  # letters that pdflatex's fonts lack; KaTeX lacks ¡ to ¿, and ÷
SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "^": r"\textasciicircum{}", "_": r"\_", "~": r"\textasciitilde{}", "%": r"\%",
    "<": "{<}", ">": "{>}", "[": "{[}", "]": "{]}",  # a tag or a link to a reader of Markdown
}  # fmt: skip
SUM, PRODUCT, POWER, ATOM = range(4)


def escape(text: str) -> str:
    """A text that LaTeX prints as it is; a sign its fonts lack becomes a question mark."""
    return "".join(_printable(c) for c in text)


def _printable(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in LETTERS or character in MARKS:
        return f"${LETTERS.get(character) or MARKS[character]}$"
    return character if ord(character) < 0x180 and character not in UNKNOWN else "?"


@dataclass(frozen=True)
class LatexWriter:
    """Expressions to LaTeX, in the names and digits of a page."""

    names: Names
    digits: Digits

    def write(self, expr: Expr) -> str:
        """The LaTeX of an expression, without dollar signs."""
        return self.piece(expr)[0]

    def piece(self, expr: Expr) -> tuple[str, int]:
        """The LaTeX of a node, and how tightly it holds together."""
        match expr:
            case Num(value):
                return self.exact(Fraction(value))
            case Value(value):
                return self.rounded(value)
            case Ref():
                return self.name(self.names.name(expr)), ATOM
            case Partial(top, bottom, direct):
                written = self.derivative(self.write(top), self.write(bottom))
                return rf"\left.{written}\right|_{{\text{{direct}}}}" if direct else written, ATOM
            case Sum(terms):
                return self.sum(terms), SUM
            case Product() | Power(_, Num()):
                return self.product(expr.factors if isinstance(expr, Product) else (expr,))
            case Power(base, exponent):
                return self.power(base, exponent), POWER
            case Sigma(indices, body):
                letters = ",".join(letter(index.name) for index in indices)
                return rf"\sum_{{{letters}}} {self.inside(body, PRODUCT)}", PRODUCT
            case Call(function, arguments):
                return self.call(function, arguments)
            case Along(function, index, body, at):
                return self.along(function, index, body, at)
            case Delta(left, right):
                return rf"\delta_{{{left},{right}}}", ATOM
            case Forms(book, _):
                return self.piece(book)
            case _:
                raise TypeError(f"no LaTeX for {type(expr).__name__}")

    def inside(self, expr: Expr, least: int) -> str:
        """The LaTeX of a node, in brackets where it would not hold together."""
        written, tightness = self.piece(expr)
        return written if tightness >= least else rf"\left({written}\right)"

    def power(self, base: Expr, exponent: Expr) -> str:
        """A power; a base that has a superscript or a bar of its own gets brackets."""
        below = self.inside(base, ATOM)
        if not below.startswith(r"\left(") and ("^" in below or r"\frac" in below):
            below = rf"\left({below}\right)"
        return f"{below}^{{{self.write(exponent)}}}"

    def exact(self, value: Fraction) -> tuple[str, int]:
        """An exact number, as a fraction where it is one."""
        size = abs(value)
        written = str(size) if size in VULGAR else self.digits.exactly(size).replace(",", "{,}")
        above, _, below = written.partition("/")
        shown = rf"\frac{{{above}}}{{{below}}}" if below else above
        return (f"-{shown}", SUM) if value < 0 else (shown, ATOM)

    def rounded(self, value: float) -> tuple[str, int]:
        """A computed number in the digits of the page."""
        mantissa, _, exponent = self.digits.show(value).partition("e")
        named = {"∞": r"\infty", "−∞": r"-\infty", "undefined": r"\text{undefined}"}
        written = named.get(mantissa, mantissa.replace(",", "{,}"))
        if exponent:
            written += rf" \cdot 10^{{{exponent}}}"
        return written, SUM if written.startswith("-") else PRODUCT if exponent else ATOM

    def name(self, name: Name) -> str:
        """A name with everything that belongs to it."""
        sub = letters_of(name.sub)
        if name.new:
            sub = (sub + "," if sub else "") + r"\text{new}"
        base = letter(name.base)
        written = base + (f"^{{{letters_of(name.sup)}}}" if name.sup else "")
        written += f"_{{{sub}}}" if sub else ""
        if name.state:
            kept = name.state[0]
            kept = rf"\hat{{{kept}}}" if name.state.endswith("hat") else kept
            inner = f"{base}^{{{letters_of(name.sup)}}}" if name.sup else base
            written = f"{kept}_{{{inner}" + (f",{sub}" if sub else "") + "}"
        if name.loss:
            return self.derivative(self.name(name.loss), written)
        return written

    def derivative(self, above: str, below: str) -> str:
        """The derivative of one thing by another."""
        sign = letter(self.names.derivative or "∂")
        return rf"\frac{{{sign} {above}}}{{{sign} {below}}}"

    def sum(self, terms: tuple[Expr, ...]) -> str:
        """Terms with their signs."""
        written = ""
        for term in terms:
            piece, _ = self.piece(term)
            if isinstance(term, Sum):
                piece = rf"\left({piece}\right)"
            sign = "" if not written else " " if piece.startswith("-") else " + "
            written += sign + (f"- {piece[1:]}" if written and piece.startswith("-") else piece)
        return written

    def product(self, factors: tuple[Expr, ...]) -> tuple[str, int]:
        """Divisors go below one fraction; a leading −1 is a sign."""
        found = quotient(factors)
        if not found.below:
            written = self.factor(found.above) if found.negative else self.times(found.above)
        else:
            written = rf"\frac{{{self.times(found.above)}}}{{{self.times(found.below)}}}"
        if found.behind:
            behind = self.factor(found.behind)
            written += f" {behind}" if behind.startswith(r"\sum") else rf" \cdot {behind}"
        if found.negative and written.startswith("-"):
            written = rf"\left({written}\right)"
        minus = found.negative or written.startswith("-")
        single = len(found.above) == 1 and isinstance(found.above[0], Power)
        holds = POWER if single and not found.below else PRODUCT
        return ("-" * found.negative) + written, SUM if minus else holds

    def factor(self, factors: Sequence[Expr]) -> str:
        """Factors that stand behind another one, or behind a sign."""
        return self.inside(factors[0], PRODUCT) if len(factors) == 1 else self.times(factors)

    def times(self, factors: Sequence[Expr]) -> str:
        """Factors side by side."""
        if len(factors) == 1:
            match factors[0]:
                case Power(base, exponent):
                    return self.power(base, exponent)
                case other:
                    return self.write(other)
        pieces: list[str] = []
        for n, factor in enumerate(factors):
            last = n == len(factors) - 1
            if isinstance(factor, Power):
                pieces.append(self.times([factor]))
            elif isinstance(factor, Num | Value) and n == 0:
                pieces.append(self.write(factor))
            elif isinstance(factor, Sigma):
                pieces.append(self.write(factor) if last else rf"\left({self.write(factor)}\right)")
            else:
                pieces.append(self.inside(factor, PRODUCT))
        return r" \cdot ".join(pieces)

    def call(self, function: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        """A function, by its template, or an operation on whole arrays."""
        match function:
            case "@":
                return r" \cdot ".join(self.inside(a, PRODUCT) for a in arguments), PRODUCT
            case "∘":
                return r" \circ ".join(self.inside(a, PRODUCT) for a in arguments), PRODUCT
            case "T":
                inner = self.inside(arguments[0], ATOM)
                simple = not re.search(r"[\^{]", inner)
                return (rf"{inner}^{{\top}}" if simple else rf"\left({inner}\right)^{{\top}}"), ATOM
            case "rows":
                rows = r" \\ ".join(self.write(row) for row in arguments)
                return rf"\begin{{bmatrix}} {rows} \end{{bmatrix}}", ATOM
            case "row":
                return " & ".join(self.write(a) for a in arguments), ATOM
            case "d/dz":
                return rf"\frac{{d}}{{dz}} \left({self.write(arguments[0])}\right)", ATOM
            case "′":
                written = self.write(arguments[0])
                if r"\left(" not in written:  # |z| and √z have no place for a prime
                    return rf"\left({written}\right)'", ATOM
                return written.replace(r"\left(", r"'\left(", 1), ATOM
            case "equal":
                inside = " = ".join(self.write(a) for a in arguments)
                return FUNCTIONS["equal"].format(inside), ATOM
            case _ if FUNCTIONS[function] == "{}":
                return self.piece(arguments[0])
            case _:
                inside = ", ".join(self.write(a) for a in arguments)
                return FUNCTIONS[function].format(inside), POWER if function == "exp" else ATOM

    def along(self, function: str, index: Index, body: Expr, at: object) -> tuple[str, int]:
        """A function along an index, marked with the place where it is read."""
        if isinstance(at, Index) and at.name not in free_indices(Along(function, index, body)):
            index, body = at, substitute(body, {index.name: at})
        inside = FUNCTIONS[function].format(self.write(body))
        mark = index.name if at is None else str(at)
        if at is None:
            return FUNCTIONS[function].format(self.write(body)) + f"_{{{letter(mark)}}}", ATOM
        return f"{inside}_{{{letter(mark)}}}", ATOM


def letter(text: str) -> str:
    """A letter or word of a name: greek by its command, words upright, anything else escaped."""
    if text in LETTERS:
        return LETTERS[text]
    if len(text) == 1 and text.isascii() and text.isalnum():
        return text
    base, underscore, sub = text.partition("_")
    if underscore and base and sub:
        return f"{letter(base)}_{{{letter(sub)}}}"
    if len(text) > 1 and text[0] in LETTERS and _is_number(text[1:]):
        return f"{LETTERS[text[0]]}_{{{text[1:]}}}"
    signs = LETTERS | MARKS  # each by its command, outside \text: two dollars would end the formula
    runs = re.findall(f"[{''.join(signs)}]|[^{''.join(signs)}]+", text)
    return "".join(signs.get(run) or rf"\text{{{escape(_common(run))}}}" for run in runs)


def _common(text: str) -> str:
    """A text in signs that KaTeX knows too."""
    return "".join(c if c.isascii() or (c >= "À" and c != "÷") else "?" for c in text)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def letters_of(text: str) -> str:
    """A subscript or superscript: digits and single letters as they are, words upright."""
    if re.fullmatch(r"\[\d+\]", text, re.ASCII):  # W^{[1]}
        return text
    pieces = re.findall(r"[^\W\d_]+|\d+|[(),+−\-]|.", text)
    written = (p if _is_number(p) or p in "(),+−-" else letter(p) for p in pieces)
    return "".join(written).replace("−", "-")


# --- documents -------------------------------------------------------------------------------


ONE_LINE = 75  # characters of a line that is not broken at its equals signs


def _length(written: str) -> int:
    """About how wide a formula is set: its characters without commands, braces and lowered digits."""
    wide = re.sub(r"\\frac\{(.*?)\}\{(.*?)\}", r"\1", written)
    return len(re.sub(r"\\[a-z]+|[{}^_ ]", "", wide)) + wide.count(" ") // 2


def aligned(document: Document, item: Line | Formula) -> str:
    """One worked line, its signs under each other; a formula on one line."""
    writer = LatexWriter(document.names, document.digits)
    left = writer.write(item.lhs)
    if isinstance(item, Formula):
        return f"{left} = {writer.write(item.rhs)}"
    places = range(len(item.parts))
    signs = ["=" if equals(item.parts, n, document.digits) else r"\approx" for n in places]
    pieces = list(dict.fromkeys(zip(signs, map(writer.write, item.parts), strict=True)))
    if sum(_length(p) for p in (left, *(p for _, p in pieces))) < ONE_LINE:
        return left + "".join(f" {sign} {part}" for sign, part in pieces)
    rows = [f"{left} &{pieces[0][0]} {pieces[0][1]}"]
    rows += [f"&{sign} {part}" for sign, part in pieces[1:]]
    joined = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{joined}\n\\end{{aligned}}"


def _items(document: Document, items: tuple[Item, ...]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Remark):
            yield escape(item.text)
        else:
            yield f"\\[\n{aligned(document, item)}\n\\]"


def fragment(document: Document) -> str:
    """Sections and formulas, to be put into a document that loads amsmath."""
    parts: list[str] = []
    for section in document.sections:
        parts.append(rf"\section*{{{escape(section.title)}}}")
        parts += _items(document, section.items)
    return "\n\n".join(parts) + "\n"


def to_latex(document: Document) -> str:
    """A complete document that compiles with pdflatex."""
    title = rf"{{\Large\bfseries {escape(document.title)}\par}}" + "\n\n" if document.title else ""
    source = f"Source: {escape(document.source)}\n\n" if document.source else ""
    return f"{PREAMBLE}{title}{source}{fragment(document)}\\end{{document}}\n"


PREAMBLE = r"""\documentclass{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[margin=2.5cm]{geometry}
\usepackage{amsmath}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\allowdisplaybreaks
\begin{document}
"""
