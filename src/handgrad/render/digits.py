"""A number in, its digits as shown out. Rounding is for the eye: what is computed stays in full."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Digits"]


@dataclass(frozen=True)
class Digits:
    """``decimals`` after the point, or ``significant`` digits if that is given.

    A number that needs fewer decimals is shown as it is (0.25); one that is rounded keeps all of
    them (0.9210). What would be shown as 0 or loses nearly all digits gets an exponent.

    >>> d = Digits(4)
    >>> d.show(0.25), d.show(0.92103), d.show(1.1 * 0.2), d.show(4.2e-18), d.show(-0.0)
    ('0.25', '0.9210', '0.22', '4.2e-18', '0')
    """

    decimals: int = 4
    significant: int | None = None

    def show(self, value: float) -> str:
        """The digits of a number."""
        if not math.isfinite(value):
            return "∞" if value > 0 else "−∞" if value < 0 else "undefined"
        if value == 0:
            return "0"
        digits = self.significant or max(self.decimals, 1)
        if self.significant is not None:
            size = math.floor(math.log10(abs(value)))
            decimals = max(digits - 1 - size, 0)
            tiny, huge = size < -5, size >= max(digits, 6)
        else:
            decimals = self.decimals
            tiny, huge = abs(value) < 0.5 * 10.0**-decimals * 10, abs(value) >= 1e15
            tiny = tiny and not _equal(value, round(value, decimals))
        if tiny or huge:
            return _scientific(value, digits)
        rounded = round(value, decimals)
        if _equal(value, rounded):
            return _short(rounded, decimals)
        return f"{value:.{decimals}f}"

    def exact(self, value: float) -> bool:
        """Whether what is shown is the number itself, but for the last bits."""
        shown = self.show(value)
        try:
            return _equal(float(shown), value)
        except ValueError:
            return False


def _equal(value: float, other: float) -> bool:
    return abs(value - other) <= 4 * math.ulp(value)


def _short(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scientific(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{max(digits - 1, 0)}e}".partition("e")
    if "." in mantissa and _equal(float(f"{mantissa}e{exponent}"), value):
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
