r"""LaTeX, inside what KaTeX, MathJax and GitHub all accept: formulas, a fragment, a whole document."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handgrad.calculus.expr import Expr, Index, Position
from handgrad.render.document import Document, Formula, Item, Line, Remark, equals
from handgrad.render.notation import Name
from handgrad.render.setting import ATOM, Piece, Setter

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
class LatexWriter(Setter):
    """Expressions to LaTeX, without dollar signs, in the names and digits of a page."""

    FUNCTIONS = FUNCTIONS
    TIMES = r" \cdot "
    ENTRYWISE = r" \circ "

    def bracketed(self, markup: str) -> str:
        return rf"\left({markup}\right)"

    def number(self, digits: str) -> str:
        words = {"∞": r"\infty", "undefined": r"\text{undefined}"}
        return words.get(digits) or digits.replace(",", "{,}")

    def tens(self, exponent: str) -> str:
        return f"10^{{{exponent}}}"

    def over(self, above: str, below: str) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def raised(self, base: Expr, exponent: str) -> str:
        below = self.inside(base, ATOM)
        if not below.startswith(r"\left(") and ("^" in below or r"\frac" in below):
            below = self.bracketed(below)
        return f"{below}^{{{exponent}}}"

    def name(self, name: Name) -> Piece:
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
            written = self.derivative(self.name(name.loss).markup, written)
        return Piece(written, ATOM)

    def differential(self, markup: str) -> str:
        return f"{letter(self.names.derivative or '∂')} {markup}"

    def directly(self, markup: str) -> str:
        return rf"\left.{markup}\right|_{{\text{{direct}}}}"

    def total(self, indices: Sequence[Index], body: str) -> str:
        return rf"\sum_{{{','.join(letter(index.name) for index in indices)}}} {body}"

    def kronecker(self, left: Position, right: Position) -> str:
        return rf"\delta_{{{left},{right}}}"

    def transposed(self, array: Expr) -> str:
        inner = self.inside(array, ATOM)
        inner = self.bracketed(inner) if re.search(r"[\^{]", inner) else inner
        return rf"{inner}^{{\top}}"

    def matrix(self, rows: Sequence[str]) -> str:
        lines = r" \\ ".join(rows)
        return rf"\begin{{bmatrix}} {lines} \end{{bmatrix}}"

    def row(self, cells: Sequence[str]) -> str:
        return " & ".join(cells)

    def by_z(self, markup: str) -> str:
        return rf"\frac{{d}}{{dz}} {self.bracketed(markup)}"

    def primed(self, markup: str) -> str:
        if r"\left(" not in markup:  # |z| and √z have no place for a prime
            return f"{self.bracketed(markup)}'"
        return markup.replace(r"\left(", r"'\left(", 1)

    def marked(self, markup: str, place: Position) -> str:
        return f"{markup}_{{{letter(str(place))}}}"


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
