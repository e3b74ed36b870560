"""A number in, its digits as shown out. Rounding is for the eye: what is computed stays in full.

Halves are rounded away from zero. A float is rounded as its shortest decimal, 2.675 to 2.68; an exact
number (``numbers.exact``) as itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from handgrad.language.writing import number

__all__ = ["Digits"]

Number = Any  # a float, or an exact number, which rounds and formats itself


@dataclass(frozen=True)
class Digits:
    """``decimals`` after the point, or ``significant`` digits if that is given.

    A number that needs fewer decimals is shown as it is (0.25); one that is rounded keeps all of
    them (0.9210), and three digits at least (0.000892). Below 0.0001 it gets an exponent, so that
    what is not zero is never shown as 0.

    >>> d = Digits(4)
    >>> [d.show(v) for v in (0.25, 0.92103, 1.1 * 0.2, 0.00089214, 4.2481e-18, -0.0)]
    ['0.25', '0.9210', '0.22', '0.000892', '4.25e-18', '0']
    """

    decimals: int = 4
    significant: int | None = None
    mark: str = "."  # the decimal mark

    def show(self, value: Number) -> str:
        """The digits of a number."""
        return _pointed(self, value).replace(".", self.mark)

    def exactly(self, value: Fraction | int) -> str:
        """An exact number as one writes it: ½, 0.01, 2/3."""
        return number(value).replace(".", self.mark)

    def exact(self, value: Number) -> bool:
        """Whether what is shown is the number itself, but for the last bits."""
        shown = _pointed(self, value)
        try:
            return _equal(_read(shown, value), value)
        except ValueError:
            return False


@lru_cache(65_536, typed=True)  # a page shows most of its numbers several times
def _pointed(digits: Digits, value: Number) -> str:
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "undefined"
    if value == 0:
        return "0"
    decimals = digits.decimals
    least = 3 if digits.significant is None else digits.significant
    size = int(f"{value:.{least - 1}e}".partition("e")[2])  # of the rounded number
    if digits.significant is not None or size < 0:
        wanted = max(least - 1 - size, 0)
        decimals = wanted if digits.significant is not None else max(decimals, wanted)
    short = round(value, digits.decimals)
    if digits.significant is None and size < 15 and _equal(value, short):
        return _short(short, digits.decimals)
    if size < -4 or size >= 15:
        shown = digits.decimals + 1 + size if digits.significant is None and size < 0 else 0
        return _scientific(value, max(least, shown))
    rounded = round(value, decimals)
    return _short(rounded, decimals) if _equal(value, rounded) else _fixed(value, decimals)


def _equal(value: Number, other: Number) -> bool:
    if not isinstance(other, float):
        return bool(value == other)
    return abs(value - other) <= 4 * math.ulp(value)


def _read(shown: str, like: Number) -> Number:
    """What is shown, as a number of the same kind."""
    return float(shown) if isinstance(like, float) else Fraction(shown)


def _short(value: Number, decimals: int) -> str:
    """A number of so many decimals by the fewest digits that tell it from every other."""
    text = f"{Decimal(repr(value)):f}" if isinstance(value, float) else f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fixed(value: Number, decimals: int) -> str:
    """Rounded as by hand: 0.3925 to three decimals is 0.393, whatever its binary digits are."""
    if not isinstance(value, float):
        return f"{value:.{decimals}f}"
    unit = Decimal(1).scaleb(-decimals)
    return f"{Decimal(f'{value:.15g}').quantize(unit, ROUND_HALF_UP):f}"


def _scientific(value: Number, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{max(digits - 1, 0)}e}".partition("e")
    if "." in mantissa and _equal(_read(f"{mantissa}e{exponent}", value), value):
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
