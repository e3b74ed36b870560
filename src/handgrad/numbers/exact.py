"""Numbers known exactly: a fraction, or two bounds a thousand digits long that enclose the number.

What is rational stays a fraction while it is not too long; everything else is enclosed, so that a
rounding is proved. Two numbers that a hundred digits do not tell apart count as equal.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from numbers import Rational, Real
from typing import Any

import numpy as np

from handgrad.numbers import enclosures
from handgrad.numbers.enclosures import Bounds, side, size, spread

__all__ = ["DIGITS", "UNDEFINED", "Exact"]

DIGITS = 50  # shown at most; twice as many are certain
CERTAIN = 333  # bits, a hundred digits, in which the bounds of a result agree
LONG = 6_644  # bits, two thousand digits, of a numerator or denominator; a longer one is enclosed
SMALLEST = -3_322  # what is below 2 to this, 1e-1000, counts as 0


def _operator(method: Callable[[Any, Any], Exact]) -> Callable[[Any, Any], Exact]:
    """An operator with any other number; with an array NumPy takes over, element by element."""

    def combined(self: Exact, other: Any) -> Exact:
        return NotImplemented if isinstance(other, np.ndarray) else method(self, Exact.of(other))

    return combined


@dataclass(frozen=True, eq=False)
class Exact:
    """One number: a ``Fraction``, or bounds that enclose it, or None where it is undefined.

    A float in a calculation is the decimal it is written as: 0.1 is 1/10. ``cut`` says that the
    number comes from a fraction that became too long. ``str`` gives the fraction, or 50 digits.

    >>> Exact.of(0.1) + Exact.of(0.2), Exact.of(2).sqrt() ** 2 == 2, f"{Exact.of(2.675):.2f}"
    (3/10, True, '2.68')
    """

    value: Fraction | Bounds | None
    cut: bool = False

    @staticmethod
    def of(number: Any) -> Exact:
        """The number as it is written; an array of no axes is its only element."""
        if isinstance(number, Exact):
            return number
        if isinstance(number, np.ndarray):
            return Exact.of(number.item())
        if isinstance(number, Rational):
            return Exact(Fraction(int(number.numerator), int(number.denominator)))
        if isinstance(number, Real):
            double = float(number)
            return Exact(Fraction(repr(double))) if math.isfinite(double) else UNDEFINED
        raise TypeError(f"{type(number).__name__} is no real number")

    @staticmethod
    def between(bounds: Bounds, cut: bool = False) -> Exact:
        """The number that two bounds enclose."""
        return UNDEFINED if enclosures.undefined(bounds) else Exact(bounds, cut)

    @property
    def fraction(self) -> Fraction | None:
        """The number as a fraction; None if it is not known as one."""
        return self.value if isinstance(self.value, Fraction) else None

    @cached_property
    def bounds(self) -> Bounds:
        """Two numbers of mpmath that enclose this one, which is defined."""
        assert self.value is not None
        return self.value if isinstance(self.value, tuple) else _around(self.value)

    @property
    def sign(self) -> int:
        """1, 0 or −1; 0 also where the bounds lie on either side of 0, or nothing is defined."""
        if isinstance(self.value, Fraction):
            return (self.value > 0) - (self.value < 0)
        return 0 if self.value is None else side(self.value)

    def settled(self) -> Exact:
        """0 where the number cannot be told from it by a thousand decimals."""
        tiny = isinstance(self.value, tuple) and size(self.value) < SMALLEST
        return Exact(Fraction(0), self.cut) if tiny else self

    def certain(self) -> bool:
        """Whether a hundred digits of the number are known."""
        if not isinstance(self.value, tuple):
            return True
        return self.sign != 0 and spread(self.value) < size(self.value) - CERTAIN

    # --- calculating ---

    @_operator
    def __add__(self, other: Exact) -> Exact:
        total = _combined(self, other, operator.add, enclosures.add)
        if isinstance(total.value, tuple) and total.sign == 0:
            largest = max(size(self.bounds), size(other.bounds))
            if size(total.value) < largest - CERTAIN:
                return Exact(Fraction(0), total.cut)
        return total

    def __neg__(self) -> Exact:
        return self * -1

    @_operator
    def __sub__(self, other: Exact) -> Exact:
        return self + -other

    @_operator
    def __mul__(self, other: Exact) -> Exact:
        if 0 in (self.fraction, other.fraction) and None not in (self.value, other.value):
            return Exact(Fraction(0))
        return _combined(self, other, operator.mul, enclosures.multiply)

    @_operator
    def __truediv__(self, other: Exact) -> Exact:
        if other.sign == 0:
            return UNDEFINED
        return _combined(self, other, _divided, enclosures.divide)

    __radd__, __rmul__ = __add__, __mul__

    @_operator
    def __rsub__(self, other: Exact) -> Exact:
        return other - self

    @_operator
    def __rtruediv__(self, other: Exact) -> Exact:
        return other / self

    @_operator
    def __pow__(self, exponent: Exact) -> Exact:
        n = exponent.fraction
        if self.value is None or exponent.value is None:
            return UNDEFINED
        if n is not None and n.denominator == 1:
            return 1 / self._whole_power(-int(n)) if n < 0 else self._whole_power(int(n))
        if n == Fraction(1, 2):
            return self.sqrt()
        if self.sign <= 0:
            return self if self.fraction == 0 and exponent.sign > 0 else UNDEFINED
        logarithm = Exact.between(enclosures.LOG(self.bounds), self.cut) * exponent
        return Exact.between(enclosures.EXP(logarithm.bounds), logarithm.cut)

    @_operator
    def __rpow__(self, base: Exact) -> Exact:
        return base**self

    def _whole_power(self, n: int) -> Exact:
        f = self.fraction
        if f is not None and (f in (0, 1) or n * _length(f) <= LONG):
            return Exact(f**n, self.cut)
        return Exact.between(enclosures.power(self.bounds, n), self.cut or f is not None)

    def sqrt(self) -> Exact:
        """The root: of a fraction of squares a fraction."""
        f = self.fraction
        if f is not None and f >= 0:
            above, below = math.isqrt(f.numerator), math.isqrt(f.denominator)
            if (above**2, below**2) == (f.numerator, f.denominator):
                return Exact(Fraction(above, below), self.cut)
        if self.sign <= 0:
            return UNDEFINED
        return Exact.between(enclosures.root(self.bounds), self.cut)

    def __abs__(self) -> Exact:
        return -self if self.sign < 0 else self

    # --- comparing ---

    def __eq__(self, other: object) -> bool:
        return self._ahead(other) == 0 if isinstance(other, Exact | Real) else NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self._ahead(other) == -1

    def __gt__(self, other: Any) -> bool:
        return self._ahead(other) == 1

    def __le__(self, other: Any) -> bool:
        return self._ahead(other) in (-1, 0)

    def __ge__(self, other: Any) -> bool:
        return self._ahead(other) in (1, 0)

    def __hash__(self) -> int:
        return hash(float(self))

    def _ahead(self, other: Any) -> int | None:
        """1, 0 or −1 as this number is larger, equal or smaller; None where one is undefined."""
        difference = self - other
        return None if difference.value is None else difference.sign

    # --- showing ---

    def _ends(self) -> tuple[tuple[int, int], ...]:
        """The number, or its bounds, as quotients of whole numbers."""
        if isinstance(self.value, Fraction):
            return ((self.value.numerator, self.value.denominator),)
        return enclosures.quotients(self.bounds)

    def __float__(self) -> float:
        if self.value is None:
            return math.nan
        power = size(self.value) if isinstance(self.value, tuple) else 0
        if not -enclosures.HUGE < power < enclosures.HUGE:
            return 0.0 if power < 0 else math.copysign(math.inf, self.sign)
        above, below = self._ends()[0]
        try:
            return above / below
        except OverflowError:
            return math.copysign(math.inf, self.sign)

    def rounded(self, decimals: int) -> Fraction:
        """Rounded to so many decimals, halves away from zero; both bounds round alike.

        Where they do not, a hundred digits do not tell the number from a half, and it counts as one.
        """
        return self._units(decimals) / Fraction(10) ** decimals

    def _units(self, decimals: int) -> int:
        """How many units of the last of so many decimals the rounded number has."""
        scale = 10 ** abs(decimals)
        up, down = (scale, 1) if decimals > 0 else (1, scale)
        return max((_nearest(p * up, q * down) for p, q in self._ends()), key=abs)

    def __round__(self, decimals: int = 0) -> Exact:
        return Exact(self.rounded(decimals))

    def __format__(self, spec: str) -> str:
        """The formats ``.4f`` and ``.4e`` of a float, rounded as ``rounded``; or the text."""
        asked = re.fullmatch(r"\.(\d+)([ef])", spec)
        if asked is None:
            return format(str(self), spec)
        write = self._scientific if asked[2] == "e" else self._fixed
        return write(int(asked[1]))

    def _fixed(self, decimals: int) -> str:
        n = self._units(decimals)
        digits = str(abs(n)).rjust(decimals + 1, "0")
        place = len(digits) - decimals
        rest = "." + digits[place:] if decimals else ""
        return f"{'-' * (n < 0)}{digits[:place]}{rest}"

    def _scientific(self, decimals: int) -> str:
        exponent = self._exponent()
        n = self._units(decimals - exponent)
        if abs(n) == 10 ** (decimals + 1):  # 9.99 became 10.0
            n, exponent = n // 10, exponent + 1
        digits = str(abs(n))
        rest = "." + digits[1:].ljust(decimals, "0") if decimals else ""
        return f"{'-' * (n < 0)}{digits[0]}{rest}e{exponent:+03d}"

    def _exponent(self) -> int:
        """The power of ten of the first digit; 0 of zero."""
        above, below = self._ends()[0]
        above = abs(above)
        if above == 0:
            return 0
        exponent = len(str(above)) - len(str(below))
        ten = 10 ** abs(exponent)
        up, down = (1, ten) if exponent > 0 else (ten, 1)
        return exponent - (above * up < below * down)

    def __str__(self) -> str:
        if self.value is None:
            return "undefined"
        return str(self.value) if isinstance(self.value, Fraction) else f"{self:.{DIGITS - 1}e}"

    __repr__ = __str__


UNDEFINED = Exact(None)


def _combined(a: Exact, b: Exact, fractions: Any, intervals: Any) -> Exact:
    """Two numbers combined: two fractions to a fraction, unless it becomes too long."""
    cut = a.cut or b.cut
    if a.value is None or b.value is None:
        return UNDEFINED
    if isinstance(a.value, Fraction) and isinstance(b.value, Fraction):
        result: Fraction = fractions(a.value, b.value)
        return Exact(result, cut) if _length(result) <= LONG else Exact(_around(result), True)
    return Exact.between(intervals(a.bounds, b.bounds), cut)


def _divided(a: Fraction, b: Fraction) -> Fraction:
    return a / b


def _around(f: Fraction) -> Bounds:
    return enclosures.around(f.numerator, f.denominator)


def _length(f: Fraction) -> int:
    return max(f.numerator.bit_length(), f.denominator.bit_length())


def _nearest(above: int, below: int) -> int:
    """The whole number nearest to a quotient, halves away from zero."""
    whole = (2 * abs(above) + below) // (2 * below)
    return -whole if above < 0 else whole
