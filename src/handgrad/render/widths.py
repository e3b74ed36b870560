"""How wide mathematics of Typst is at most: what surely fits on a line need not be measured there.

The widths are those of New Computer Modern, the font of a page, rounded up. What is not known here,
a user's own words among it, is as wide as can be: Typst then measures it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from math import inf

__all__ = ["widest"]

LETTERS = {  # in em, the wider of italic and upright
    0.3: "l",
    0.36: "i",
    0.43: "jtℓ",
    0.475: "cesrς",
    0.5: "012345689oz",
    0.515: "7",
    0.54: "agvykqιξζθδηερ",
    0.6: "bdfhnpuxσπτκλυνI",
    0.61: "βμ∂",
    0.68: "αγφχψωΓSJ",
    0.7: "LΛΞ",
    0.76: "wATZΣΦΩΠ",
    0.8: "BCEFGOPQRUVYΨΘ",
    0.85: "DΔ∇…⊤",
    0.93: "mHKNX",
    1.08: "MW∞",
}
SIGNS_WITHIN = {".": 0.28, ",": 0.45, ";": 0.45, "'": 0.4, "|": 0.4, "\\": 0.0, "_": 0.0, "^": 0.0}
NAMED = {"arctan": 2.8, "cos": 1.6, "ln": 1.1, "max": 2.0, "min": 1.8, "sin": 1.5, "tanh": 2.2}
SHAPES = {"abs": 0.0, "frac": 0.21, "hat": -0.78, "sqrt": 0.9, "sum": 1.65}  # hat: no brackets
WIDTHS = {letter: width for width, letters in LETTERS.items() for letter in letters} | (
    dict.fromkeys("+-", 0.78) | dict.fromkeys("()[]", 0.39) | SIGNS_WITHIN | NAMED | SHAPES
)
SMALLER = 0.82  # so much is a letter in a subscript or superscript, at most
SMALL = {sign: SMALLER * width for sign, width in WIDTHS.items()} | (
    {",": 0.24, "(": 0.28, ")": 0.28, "hat": -0.56}
)
SIGNS = {"=": 1.34, "approx": 1.34, "+": 1.23, "-": 1.23, "dot": 0.73, "compose": 1.0}  # alone
GROWN = {"frac": 0.42, "^": 0.2, "_": 0.2}  # how much wider a bracket around these is
TUCKED = {"W": 0.22}  # what leans over a subscript
WITHIN = r"(?:[^()]|\((?:[^()]|\([^()]*\))*\))*"
SCRIPTS = re.compile(rf"(\S?)_\(({WITHIN})\)(?:\^\(({WITHIN})\))?|\^\(({WITHIN})\)")
ARGUMENT = rf"((?:[^(),]|\({WITHIN}\))*)"
FRACTION = re.compile(rf"frac\({ARGUMENT}, {ARGUMENT}\)")
TOKENS = re.compile(r'"(?:[^\W_]|[(),.+-])+"|[A-Za-z]+|.')


def widest(markup: str) -> float:
    """An upper bound of the width of a piece of mathematics, in em."""
    fractions = FRACTION.findall(markup)
    rest = FRACTION.sub("", markup)
    growing = rest.count("(") - sum(map(rest.count, ("_(", "^(", "hat(", '"(')))
    more = max((width for sign, width in GROWN.items() if sign in markup), default=0.0)
    width = sum(map(_word, rest.split(" "))) + 2 * growing * more
    return width + sum(_fraction(above, below) for above, below in fractions)


@lru_cache(10_000)
def _fraction(above: str, below: str) -> float:
    return 0.21 + max(widest(above), widest(below))


@lru_cache(10_000)
def _word(word: str) -> float:
    """The width of what has no blank: subscript and superscript stand above each other."""
    if word in SIGNS:
        return SIGNS[word]
    scripts = sum(map(_scripts, SCRIPTS.finditer(word)))
    return scripts + _run(SCRIPTS.sub(r"\1", word), WIDTHS)


def _scripts(found: re.Match[str]) -> float:
    base, below, above, alone = found.groups(default="")
    return 0.06 + max(_script(below) - TUCKED.get(base, 0.0), _script(above or alone))


def _script(text: str) -> float:
    nested = "_(" in text or "^(" in text
    return SMALLER * widest(text) if nested else _run(text, SMALL)


def _run(text: str, widths: Mapping[str, float]) -> float:
    return sum(_token(token, widths) for token in TOKENS.findall(text))


def _token(token: str, widths: Mapping[str, float]) -> float:
    if token in widths:
        return widths[token]
    letters = token.strip('"')  # of a word set upright; none if a single mark was left over
    return sum(widths.get(letter, inf) for letter in letters) if token != letters != "" else inf
