"""What a whole document does throughout, from how it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Dialect", "dialect_of"]

_LAYERED = re.compile(
    r"(?:^|[$\[(&=≈,;]|\\partial)[ \t]{0,20}([A-Za-z])(?:_(?:\w|\{\w{1,20}\}))?\^(?:\d|\{\d\})"
    r"(?:_(?:\w|\{\w{1,20}\}))?\s{0,20}(?=&?(?:=|\\approx|≈)|\}\s{0,20}[\\$&=.,*]|\}$)",
    re.MULTILINE,
)
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
    layered = frozenset(match[1] for match in _LAYERED.finditer(text))
    comma = len(_COMMA.findall(text)) > len(_POINT.findall(text))
    return Dialect(layered, frozenset(match[1] for match in _APPLIED.finditer(text)), comma)
