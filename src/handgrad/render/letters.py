"""The letters of a name in, their MathML out: a letter slanted, a word upright, a mark above."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from html import escape

__all__ = ["FIXED", "accented", "letter", "letters_of"]

FIXED = '<mo stretchy="false">'  # a sign that does not grow with what is beside it
ACCENTS = {"\u0302": "^", "\u0303": "~", "\u0304": "¯", "\u0307": "˙"}  # combining mark: its sign


def accented(letter: str, sign: str) -> str:
    """A letter with a sign above it."""
    return f'<mover accent="true">{letter}{FIXED}{sign}</mo></mover>'


def letter(text: str) -> str:
    """A letter or word of a name as one element: a letter slanted, a word upright, ŷ as y and hat."""
    base, underscore, sub = text.partition("_")
    if underscore and base and sub:
        return f"<msub>{letter(base)}{letter(sub)}</msub>"
    if len(text) > 1 and "α" <= text[0] <= "ω" and text[1:].isdecimal():
        return f"<msub><mi>{text[0]}</mi><mn>{text[1:]}</mn></msub>"
    apart = unicodedata.normalize("NFD", text)
    if len(apart) == 2 and apart[1] in ACCENTS:
        return accented(f"<mi>{escape(apart[0])}</mi>", ACCENTS[apart[1]])
    return f"<mi>{escape(text)}</mi>"


@lru_cache(1_000)
def letters_of(text: str) -> str:
    """A subscript or superscript: numbers, brackets and signs as such, words upright."""
    pieces = re.findall(r"[^\W\d_]+|\d+|.", text)
    return "".join(map(_script, pieces))


def _script(piece: str) -> str:
    if piece.isdecimal():
        return f"<mn>{piece}</mn>"
    if piece in "()":
        return f"{FIXED}{piece}</mo>"
    if piece in ",+-−":
        return f"<mo>{piece.replace('-', '−')}</mo>"
    return letter(piece)
