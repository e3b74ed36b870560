"""A value and a number as it was printed in, the value printed the same way out.

The decimals, the decimal mark, the form of the minus and of an exponent stay the author's.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

__all__ = ["Style", "restated", "style_of"]

PARTS = re.compile(
    r"(?P<sign>[-−–+]?)(?P<space>\s*)(?P<whole>\d*)(?P<mark>\{,\}|[.,])?(?P<after>\d*)"
    r"(?P<power>\s*(?:[eE]|\\cdot\s*10|\\times\s*10|[·×*]\s*10).*)?"
)
POWER = re.compile(r"[-−–+]?\d+(?=\D*$)")
USUAL = 4  # decimals where a document tells nothing


@dataclass(frozen=True)
class Style:
    """How a document prints its numbers: its usual decimals, and whether digits are cut off."""

    decimals: int = USUAL
    cut: bool = False


def style_of(printed: Iterable[str], verdicts: Iterable[str]) -> Style:
    """The usual decimals of the numbers printed; cut off where more are truncated than rounded.

    >>> style_of(["0.12", "0.123", "0.456", "7"], ["truncated", "truncated", "rounded"])
    Style(decimals=3, cut=True)
    """
    found = (PARTS.fullmatch(text.strip()) for text in printed)
    decimals = Counter(len(match["after"]) for match in found if match and match["after"])
    told = Counter(verdicts)
    usual = max(decimals, key=lambda n: (decimals[n], n), default=USUAL)
    return Style(usual, told["truncated"] > told["rounded"])


def restated(value: float, printed: str, style: Style | None = None) -> str:
    """The value with the digits and signs of ``printed``; empty where that has another form.

    >>> restated(-0.123456, "0,330"), restated(0.0001234, "2.40e-3"), restated(12.3456, ".85")
    ('-0,123', '1.23e-4', '12.35')
    """
    style = style or Style()
    match = PARTS.fullmatch(printed.strip())
    if not match or not math.isfinite(value) or not (match["whole"] or match["after"]):
        return ""
    size, power = abs(value), match["power"] or ""
    if power:
        exponent = math.floor(math.log10(size)) if size else 0
        size = size / 10.0**exponent
        power = POWER.sub(str(exponent), power, count=1)
    decimals = len(match["after"])
    if not decimals and not power and abs(size - round(size)) > 1e-9:
        decimals = style.decimals  # a whole number where none belongs
    digits = _digits(size, decimals, cut=style.cut)
    whole, _, after = digits.partition(".")
    whole = "" if whole == "0" and not match["whole"] and after else whole
    shown = whole + ((match["mark"] or ".") + after if after else "")
    return ("-" if value < 0 and set(digits) - set("0.") else "") + shown + power


def _digits(size: float, decimals: int, *, cut: bool) -> str:
    exact = Decimal(repr(size))
    unit = Decimal(1).scaleb(-decimals)
    if cut and abs(exact - exact.quantize(unit, ROUND_HALF_UP)) > unit * Decimal("1e-6"):
        return f"{exact.quantize(unit, ROUND_DOWN):f}"
    return f"{exact.quantize(unit, ROUND_HALF_UP):f}"
