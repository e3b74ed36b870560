"""The mathematics of a document cut into tokens, whether it is LaTeX, Unicode or code-like text.

A command that is not known is a token that no expression accepts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from handgrad.auditing.reading.vocabulary import (
    ABOVE,
    ACCENTS,
    ARGUMENT_DROPPED,
    BELOW,
    CHARACTERS,
    CLOSE,
    FRAMES,
    GAPS,
    GREEK,
    LIBRARIES,
    OPEN,
    OPERATORS,
    RELATION_CHARACTERS,
    RELATIONS,
    SPACES,
    TEXT,
    VULGAR,
    WORDS,
)

__all__ = ["Token", "tokens"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of mathematics; ``kind`` says which, ``text`` is what it means, places are the text's.

    Kinds: number, letter (a single one), word, open, close, op (+ - * / ^ _ ' ,), rel, row, amp,
    frac, sqrt, sum, accent, begin, end, dots, text, vulgar, gap, unknown.
    """

    kind: str
    text: str
    start: int
    end: int


_POINT = r"(?:\d{1,3}(?:(?:,|\{,\})\d{3})+(?![\d])(?:\.\d+)?|\d+\.?\d*|\.\d+)"
_COMMA = r"(?:\d{1,3}(?:\.\d{3})+,\d+|\d+(?:\{,\}|,)\d+|\d+\.\d+|\d+|\.\d+)"
_EXPONENT = r"(?:[eE][-+−]?\d{1,4}(?![\w.]))?"
_OF_CODE = r"""(?P<comment>(?<=\s)\#[^\n]*)
  | (?P<gap>[ \u00a0]{3,}|[ ]*\t\s*|(?<=\d)[ ]{2}(?=[^\W\d_]\w{0,5}[ ]{0,3}=(?!=)))
  | """
_PIECE = r"""(?P<blank>[\s\u2061\u2062\u2063\u200b\u00a0\u2009]+|\\[,;:! ()\[\]]|~(?=\\|\s|$))
  | (?P<number>%s)
  | (?P<command>\\[A-Za-z]+\*?)
  | (?P<row>\\\\(?:\[[^\]\n]{0,20}\])?)
  | (?P<escaped>\\.)
  | (?P<turned>\.T(?![\w.]))
  | (?P<power>\*\*)
  | (?P<becomes>:=|<-(?![\d.])|←)
  | (?P<implies>=>|->|⟶|-->)
  | (?P<like>~=|=~|≈|==)
  | (?P<dots>\.{3}|…|⋯)
  | (?P<below>[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₐₑₒₓₕₖₗₘₙₚₛₜᵢⱼᵣᵤᵥ]+)
  | (?P<above>[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱᵀ]+)
  | (?P<summed>[Σ∑]_[a-z](?:,[a-z])*(?![\w{]))
  | (?P<letters>%s)
  | (?P<any>.)"""
_LETTER = r"(?:[^\W\d_ΣΠ½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞₀-₉⁰-⁹²³¹ₐ-ₜᵢᵣᵤᵥⱼⁿⁱᵀ][\u0302\u0303\u0304\u0307]?)"
_DIGIT = "[0-9]"
_INDEX = r"(?:[0-9]+|[a-z](?![\w.]))"
_LATEX_WORDS = rf"{_LETTER}{{3,}}|{_LETTER}"
_PLAIN_WORDS = (
    rf"(?:(?:{LIBRARIES})\.(?=[a-z]))?{_LETTER}+{_DIGIT}*(?:_(?:{_LETTER}|{_DIGIT})+)*"
    rf"(?:(?<=_[0-9n]),[ho]?(?:{_DIGIT}{{1,2}}|[jk])(?![\w.,]))?(?:\[{_INDEX}(?:,\s?{_INDEX})*\])?"
)


def _compiled(comma: bool, latex: bool) -> re.Pattern[str]:
    number = (_COMMA if comma else _POINT) + _EXPONENT
    words = _LATEX_WORDS if latex else _PLAIN_WORDS
    return re.compile(
        (_PIECE if latex else _OF_CODE + _PIECE) % (number, words), re.VERBOSE | re.DOTALL
    )


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
        self.dropped: set[int] = set()  # braces that only say how something is set

    def run(self, place: int) -> list[Token]:
        while place < self.end:
            if place in self.dropped:
                place += 1
                continue
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
        elif kind == "gap":
            self.add("gap", text, start, end)
        elif kind == "comment":
            self.comment(text, start)
        elif kind == "turned":
            self.add("op", "^", start, start)
            self.add("letter", "T", start, end)
        elif kind == "number":
            self.number(text, start, end)
        elif kind == "letters":
            word = unicodedata.normalize("NFC", text.rpartition(".")[2])
            self.add("letter" if len(word) == 1 else "word", word, start, end)
        elif kind == "summed":
            self.add("sum", "Σ", start, start + 1)
            self.script("_", text[2:], start + 1, end)
        elif kind in ("below", "above"):
            sign, table = ("_", BELOW) if kind == "below" else ("^", ABOVE)
            self.script(sign, text.translate(table), start, end)
        elif kind == "escaped":
            bracket = text[1] in "{}|"
            self.bracket(text[1], start, end) if bracket else self.add("unknown", text, start, end)
        elif kind == "any":
            self.character(text, start, end)
        return end

    def comment(self, text: str, start: int) -> None:
        """What stands behind # in code: the value of the line, or nothing that is read."""
        value = re.fullmatch(r"#\s*(?:=|≈|->|→|~)?\s*([-−]?\d*\.?\d+(?:e[-+]?\d+)?)\s*", text)
        if value and self.found:
            self.add("rel", "=", start, start + value.start(1))
            inner = _Scan(self.text, start + value.end(1), self.pattern)
            self.found += inner.run(start + value.start(1))

    def number(self, text: str, start: int, end: int) -> None:
        plain = text.replace("{,}", ",")
        if self.pattern in _points() and re.match(r"\d{1,3}(,\d{3})+", plain):
            plain = plain.replace(",", "")
        elif re.match(r"\d{1,3}(\.\d{3})+,", plain):
            plain = plain.replace(".", "")
        plain = plain.replace(",", ".").replace("−", "-")
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
        if text in OPEN or text in CLOSE or text == "|":
            self.bracket(text, start, end)
        elif text == "&":
            self.add("amp", text, start, end)
        elif text in RELATION_CHARACTERS:
            self.add("rel", RELATION_CHARACTERS[text], start, end)
        elif text in CHARACTERS:
            self.add("op", CHARACTERS[text], start, end)
        elif text in VULGAR:
            self.add("vulgar", text, start, end)
        elif text == "√":
            self.add("sqrt", text, start, end)
        elif text in "Σ∑∏":
            self.add("sum", text, start, end)
        elif text in "∂∇":
            self.add("letter", text, start, end)
        elif text not in ".$`":
            self.add("unknown", text, start, end)

    def bracket(self, text: str, start: int, end: int) -> None:
        kind = "open" if text in OPEN else "close" if text in CLOSE else "unknown"
        self.add(kind, text, start, end)

    def command(self, name: str, start: int, end: int) -> int:
        """A LaTeX command; some take the group after them along."""
        if name in TEXT:
            return self.words(start, end)
        if name in ARGUMENT_DROPPED:
            return self.unwrapped(self.group_end(end)) if "color" in name else self.group_end(end)
        if name in FRAMES:
            return self.unwrapped(end)
        if name in GAPS:
            self.add("gap", name, start, end)
            return end
        if name in ("begin", "end"):
            close = self.group_end(end)
            self.add(name, self.text[end:close].strip("{} *"), start, close)
            return close
        if name in ("left", "right", "middle") and self.text[end : end + 1] == ".":
            return end + 1
        if self.text.startswith("\\{", end) or self.text.startswith("\\}", end):
            brace = self.text[end + 1]  # \left\{ … \right\} is a bracket like any other
            if name[:4].lower().startswith(("left", "righ", "big")):
                self.add(*(("open", "(") if brace == "{" else ("close", ")")), end, end + 2)
                return end + 2
        self.known(name, start, end)
        return end

    def unwrapped(self, place: int) -> int:
        """Drop the braces of the group that begins here: a frame or a colour may hold an equation."""
        close = self.group_end(place)
        if close > place and self.text[place] == "{":
            self.dropped |= {place, close - 1}
        return place

    def known(self, name: str, start: int, end: int) -> None:
        named = {"partial": "∂", "nabla": "∇", "ell": "l", "top": "⊤", "intercal": "⊤"} | GREEK
        if name in named:
            kind = "sum" if name == "Sigma" else "letter"
            self.add(kind, named[name], start, end)
        elif name in OPERATORS:
            self.add("op", OPERATORS[name], start, end)
        elif name in RELATIONS:
            self.add("rel", RELATIONS[name], start, end)
        elif name in WORDS:
            self.add("word", name, start, end)
        elif name in ACCENTS:
            self.add("accent", ACCENTS[name], start, end)
        elif name == "prime":
            self.add("op", "'", start, end)
        elif name in ("lbrace", "rbrace", "lbrack", "rbrack"):
            self.bracket("{}[]"[["lbrace", "rbrace", "lbrack", "rbrack"].index(name)], start, end)
        elif name.endswith("dots"):
            self.add("dots", "…", start, end)
        elif name in ("sum", "prod"):
            self.add("sum", name, start, end)
        elif name.endswith("frac"):
            self.add("frac", name, start, end)
        elif name == "sqrt":
            self.add("sqrt", name, start, end)
        elif name not in SPACES:
            self.add("unknown", f"\\{name}", start, end)

    def words(self, start: int, end: int) -> int:
        r"""What stands in \text{…}: a name, or words between formulas."""
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
