"""The mathematics of a document cut into tokens, whether it is LaTeX, Unicode or code-like text.

Macros are never expanded: a command that is not known is a token that no expression accepts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["GREEK", "Token", "tokens"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of mathematics; ``kind`` says which, ``text`` is what it means, places are the text's.

    Kinds: number, letter (a single one), word, open, close, op (+ - * / ^ _ ' ,), rel, row, amp,
    frac, sqrt, sum, accent, begin, end, dots, text, vulgar, unknown.
    """

    kind: str
    text: str
    start: int
    end: int


GREEK = {
    name: unicodedata.lookup(f"GREEK SMALL LETTER {name.upper()}")
    for name in (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa mu nu xi pi rho sigma tau phi chi "
        "psi omega"
    ).split()
} | {"lambda": "λ", "varepsilon": "ε", "vartheta": "θ", "varphi": "φ", "varsigma": "σ"}
GREEK |= {"Delta": "Δ", "Sigma": "Σ", "Theta": "Θ", "Phi": "Φ", "Omega": "Ω", "Lambda": "Λ"}

_OPERATORS = {
    "cdot": "*", "times": "*", "ast": "*", "bullet": "*", "div": "/", "circ": "*", "odot": "*",
    "star": "*", "otimes": "*",
}  # fmt: skip
_RELATIONS = {
    "approx": "≈", "simeq": "≈", "sim": "≈", "cong": "≈", "approxeq": "≈", "doteq": "≈",
    "equiv": "=", "coloneqq": "←", "leftarrow": "←", "gets": "←", "longleftarrow": "←",
    "Leftarrow": "←", "rightarrow": "→", "to": "→", "longrightarrow": "→", "mapsto": "→",
    "Rightarrow": "⇒", "implies": "⇒", "Longrightarrow": "⇒", "iff": "⇒",
    "Leftrightarrow": "⇒", "leadsto": "⇒", "rightsquigarrow": "⇒", "therefore": "⇒",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">", "ne": "≠", "neq": "≠",
    "in": "∈", "propto": "∝", "ll": "<", "gg": ">", "triangleq": "=", "quad": " ", "qquad": " ",
}  # fmt: skip
_SPACES = set(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle limits "
    "nolimits textstyle scriptstyle nonumber notag mathbf boldsymbol bm vec mathcal mathbb mathit "
    "bf rm it underbrace overbrace boxed hfill noindent middle mathstrut strut enspace thinspace "
    "hline cancel bcancel xcancel underline mathsf mathtt pmb cr allowbreak".split()
)
_ARGUMENT_DROPPED = {"label", "tag", "color", "hspace", "vspace", "textcolor", "ref", "eqref"}
_TEXT = {"text", "mathrm", "operatorname", "textbf", "textrm", "textit", "mbox", "texttt", "textsf"}
_ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "widetilde": "\u0303",
    "bar": "\u0304", "overline": "\u0304", "dot": "\u0307",
}  # fmt: skip
_WORDS = set(
    "exp ln log tanh max min sin cos arctan sech sinh cosh sigmoid relu softmax sign".split()
)
_CHARACTERS = {
    "·": "*", "×": "*", "⋅": "*", "∙": "*", "•": "*", "*": "*", "∗": "*", "⊙": "*", "∘": "*",
    "÷": "/", "∕": "/", "⁄": "/", "/": "/", "+": "+", "-": "-", "−": "-", "–": "-", "‐": "-",
    "‑": "-", "^": "^", "_": "_", "'": "'", "′": "'", "’": "'", ",": ",", ";": ";",
}  # fmt: skip
_RELATION_CHARACTERS = {
    "=": "=", "≈": "≈", "≃": "≈", "≅": "≈", "~": "≈", "≡": "=", "←": "←", "⟵": "←", "→": "→",
    "⟶": "→", "⇒": "⇒", "⟹": "⇒", "↦": "→", "⇔": "⇒", "≤": "≤", "≥": "≥", "<": "<", ">": ">",
    "≠": "≠", "∝": "∝", "∈": "∈",
}  # fmt: skip
_OPEN, _CLOSE = "([{", ")]}"
_BELOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ", "0123456789+-()aeoxhklmnpstijruv")
_ABOVE = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵀ", "0123456789+-()niT")
_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_POINT = r"(?:\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?|\d+\.?\d*|\.\d+)"
_COMMA = r"(?:\d+(?:\{,\}|,)\d+|\d+\.\d+|\d+|\.\d+)"
_EXPONENT = r"(?:[eE][-+−]?\d{1,4}(?![\w.]))?"
_PIECE = r"""(?P<blank>[\s\u2061\u2062\u2063\u200b\u00a0\u2009]+|\\[,;:! ()\[\]]|~(?=\\|\s|$))
  | (?P<number>%s)
  | (?P<command>\\[A-Za-z]+\*?)
  | (?P<row>\\\\(?:\[[^\]\n]{0,20}\])?)
  | (?P<escaped>\\.)
  | (?P<power>\*\*)
  | (?P<becomes>:=|<-(?![\d.])|←)
  | (?P<implies>=>|->|⟶|-->)
  | (?P<like>~=|=~|≈|==)
  | (?P<dots>\.{3}|…|⋯)
  | (?P<below>[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ]+)
  | (?P<above>[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵀ]+)
  | (?P<letters>%s)
  | (?P<any>.)"""
_LETTER = r"(?:[^\W\d_½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞₀-₉⁰-⁹²³¹ₐ-ₜᵢᵣᵤᵥⱼⁿⁱᵀ][\u0302\u0303\u0304\u0307]?)"
_DIGIT = "[0-9]"
_LATEX_WORDS = rf"{_LETTER}{{3,}}|{_LETTER}"
_PLAIN_WORDS = (
    rf"{_LETTER}+{_DIGIT}*(?:_(?:{_LETTER}|{_DIGIT})+)*(?:\[{_DIGIT}+(?:,\s?{_DIGIT}+)*\])?"
)


def _compiled(comma: bool, latex: bool) -> re.Pattern[str]:
    number = (_COMMA if comma else _POINT) + _EXPONENT
    words = _LATEX_WORDS if latex else _PLAIN_WORDS
    return re.compile(_PIECE % (number, words), re.VERBOSE | re.DOTALL)


_PATTERNS = {
    (comma, latex): _compiled(comma, latex) for comma in (False, True) for latex in (False, True)
}


def tokens(text: str, start: int, end: int, *, latex: bool, comma: bool = False) -> list[Token]:
    """The tokens of ``text[start:end]``; letters stand alone in LaTeX and make words elsewhere."""
    return _Scan(text, end, _PATTERNS[comma, latex]).run(start)


class _Scan:
    """One walk over a text."""

    def __init__(self, text: str, end: int, pattern: re.Pattern[str]) -> None:
        self.text, self.end, self.pattern = text, end, pattern
        self.found: list[Token] = []

    def run(self, place: int) -> list[Token]:
        while place < self.end:
            match = self.pattern.match(self.text, place, self.end)
            assert match is not None, "the last alternative takes any character"
            kind = match.lastgroup or ""
            place = self.take(kind, match[0], match.start(), match.end())
        return self.found

    def add(self, kind: str, text: str, start: int, end: int) -> None:
        self.found.append(Token(kind, text, start, end))

    def take(self, kind: str, text: str, start: int, end: int) -> int:
        """Add what one piece means; the place to go on from."""
        simple = {
            "row": ("row", "\n"), "power": ("op", "^"), "becomes": ("rel", "←"),
            "implies": ("rel", "⇒" if text == "=>" else "→"),
            "like": ("rel", "=" if text == "==" else "≈"), "dots": ("dots", "…"),
        }  # fmt: skip
        if kind in simple:
            self.add(*simple[kind], start, end)
        elif kind == "command":
            return self.command(text[1:].rstrip("*"), start, end)
        elif kind == "number":
            self.number(text, start, end)
        elif kind == "letters":
            word = unicodedata.normalize("NFC", text)
            self.add("letter" if len(text) == 1 or len(word) == 1 else "word", word, start, end)
        elif kind in ("below", "above"):
            sign, table = ("_", _BELOW) if kind == "below" else ("^", _ABOVE)
            self.script(sign, text.translate(table), start, end)
        elif kind == "escaped":
            bracket = text[1] in "{}|"
            self.bracket(text[1], start, end) if bracket else self.add("unknown", text, start, end)
        elif kind == "any":
            self.character(text, start, end)
        return end

    def number(self, text: str, start: int, end: int) -> None:
        grouped = re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d+)?.*", text)
        plain = text.replace(",", "") if grouped and self.pattern in _points() else text
        plain = plain.replace("{,}", ".").replace(",", ".").replace("−", "-")
        dot = plain.endswith(".")  # the full stop of a sentence
        self.add("number", plain.rstrip("."), start, end - dot)

    def script(self, sign: str, inner: str, start: int, end: int) -> None:
        """A subscript or superscript of Unicode, as the tokens that LaTeX would give."""
        self.add("op", sign, start, start)
        self.add("open", "{", start, start)
        for letter in inner:
            kind = "number" if letter.isdigit() else "letter" if letter.isalpha() else "op"
            kind = {"(": "open", ")": "close"}.get(letter, kind)
            last = self.found[-1]
            if kind == last.kind == "number":
                self.found[-1] = Token("number", last.text + letter, last.start, end)
            else:
                self.add(kind, letter, start, end)
        self.add("close", "}", end, end)

    def character(self, text: str, start: int, end: int) -> None:
        if text in _OPEN or text in _CLOSE or text == "|":
            self.bracket(text, start, end)
        elif text == "&":
            self.add("amp", text, start, end)
        elif text in _RELATION_CHARACTERS:
            self.add("rel", _RELATION_CHARACTERS[text], start, end)
        elif text in _CHARACTERS:
            self.add("op", _CHARACTERS[text], start, end)
        elif text in _VULGAR:
            self.add("vulgar", text, start, end)
        elif text == "√":
            self.add("sqrt", text, start, end)
        elif text in "Σ∑∏":
            self.add("sum", text, start, end)
        elif text in "∂∇":
            self.add("letter", text, start, end)
        elif text not in ".$":
            self.add("unknown", text, start, end)

    def bracket(self, text: str, start: int, end: int) -> None:
        kind = "open" if text in _OPEN else "close" if text in _CLOSE else "unknown"
        self.add(kind, text, start, end)

    def command(self, name: str, start: int, end: int) -> int:
        """A LaTeX command; some take the group after them along."""
        if name in _TEXT:
            return self.words(start, end)
        if name in _ARGUMENT_DROPPED:
            return self.group_end(end)
        if name in ("begin", "end"):
            close = self.group_end(end)
            self.add(name, self.text[end:close].strip("{} *"), start, close)
            return close
        if name in ("left", "right", "middle") and self.text[end : end + 1] == ".":
            return end + 1
        self.known(name, start, end)
        return end

    def known(self, name: str, start: int, end: int) -> None:
        named = {"partial": "∂", "nabla": "∇", "ell": "l"} | GREEK
        if name in named:
            kind = "sum" if name == "Sigma" else "letter"
            self.add(kind, named[name], start, end)
        elif name in _OPERATORS:
            self.add("op", _OPERATORS[name], start, end)
        elif name in _RELATIONS:
            self.add("rel", _RELATIONS[name], start, end)
        elif name in _WORDS:
            self.add("word", name, start, end)
        elif name in _ACCENTS:
            self.add("accent", _ACCENTS[name], start, end)
        elif name == "prime":
            self.add("op", "'", start, end)
        elif name in ("lbrace", "rbrace", "lbrack", "rbrack"):
            self.bracket("{}[]"["lbrace rbrace lbrack rbrack".split().index(name)], start, end)
        elif name.endswith("dots"):
            self.add("dots", "…", start, end)
        elif name in ("sum", "prod"):
            self.add("sum", name, start, end)
        elif name.endswith("frac"):
            self.add("frac", name, start, end)
        elif name == "sqrt":
            self.add("sqrt", name, start, end)
        elif name not in _SPACES:
            self.add("unknown", f"\\{name}", start, end)

    def words(self, start: int, end: int) -> int:
        """What stands in \\text{…}: a name, or words between formulas."""
        close = self.group_end(end)
        inner = self.text[end:close].strip().removeprefix("{").removesuffix("}")
        content = re.sub(r"\\[,;:! ]|[\s~]+", " ", inner).strip(" .:")
        content = re.sub(r"\\_", "_", content)
        if content:
            self.add("text", content, start, close)
        return close

    def group_end(self, place: int) -> int:
        """Where the group ends that begins here; the same place where none begins."""
        while place < self.end and self.text[place] in " \t":
            place += 1
        if place >= self.end or self.text[place] != "{":
            return place
        depth = 0
        for at in range(place, min(self.end, place + 2000)):
            depth += {"{": 1, "}": -1}.get(self.text[at], 0)
            if not depth:
                return at + 1
        return place


def _points() -> tuple[re.Pattern[str], ...]:
    """The patterns of documents whose numbers have a decimal point."""
    return (_PATTERNS[False, False], _PATTERNS[False, True])
