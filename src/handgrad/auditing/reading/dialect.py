"""What a whole document does throughout, from how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handgrad.auditing.reading.vocabulary import GREEK

__all__ = ["Dialect", "dialect_of"]

_BELOW = r"(?:_(?:\w{1,6}(?:,\w{1,3})?|\{[\w,\\{}]{1,20}\}))?"
_NAME = rf"([A-Za-zα-ω]|\\[A-Za-z]{{2,8}}){_BELOW}\^(?:\d|\{{\d\}}){_BELOW}"
_EQUAL = re.compile(
    rf"(?:^|[$\[(&=≈,;]|\\ |\\q?quad\b)[ \t]{{0,20}}{_NAME}(?:_new)?"
    r"(?=\s{0,20}\$?\s{0,20}\$?&?(?:=|\\approx|≈))",
    re.MULTILINE,
)
_BY = re.compile(rf"(?:/[d∂]|\{{[d∂]|\\partial) ?{_NAME}")
_TWICE = re.compile(r"(?:∂|\bd|\\partial ?)(?:²|\^\{?2)")
_APART = re.compile(r"(?<=[{}_^,\w])[ \t]{1,20}(?=[{}_^,])|(?<=[{,])[ \t]{1,20}(?=\w)|(?<=∂)[ \t]+")
_BRACED = re.compile(r"\{([A-Za-zα-ω])\}(?=[_^])")
_APPLIED = re.compile(r"(?<![A-Za-z\\])([fgh])[ \t]{0,20}(?:\\left)?\(")
_COMMA = re.compile(r"(?<![\w.,{(\[])-?\d+(?:\{,\}|,)\d+(?![\d,]*(?:[,)\]]|\.\d))")
_POINT = re.compile(r"(?<![\w.,])-?\d+\.\d+(?![\d.])")


@dataclass(frozen=True)
class Dialect:
    """What a document does throughout: superscripts that are labels, a decimal comma."""

    layered: frozenset[str] = frozenset()  # letters whose superscript is no power: a^1, w^2
    functions: frozenset[str] = frozenset()  # letters that are applied: f(z), L(y, ŷ)
    comma: bool = False


def dialect_of(text: str) -> Dialect:
    """What a whole document does throughout, from how it is written."""
    comma = len(_COMMA.findall(text)) > len(_POINT.findall(text))
    return Dialect(_layered(text), frozenset(match[1] for match in _APPLIED.finditer(text)), comma)


def _layered(text: str) -> frozenset[str]:
    """Letters that are given a value with a digit above them, or by which something is derived."""
    compact = _BRACED.sub(r"\1", _APART.sub("", text))
    found = _EQUAL.findall(compact)
    if not _TWICE.search(text):  # d²L/dw² has a power of dw
        found += _BY.findall(compact)
    letters = (letter.lstrip("\\") for letter in found)
    return frozenset(GREEK.get(letter) or letter for letter in letters)
