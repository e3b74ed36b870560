"""A number as it was printed: which values it stands for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import numpy as np

from handgrad.calculus.expr import Ref
from handgrad.errors import InputError

__all__ = ["Printed", "Reading", "reading"]

SLACK = 1e-9  # of the last place: a result in the middle between two roundings is either
EXACT = 1e-12  # relative: what floats lose in a few operations
LARGEST = 300  # of a decimal exponent
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True, slots=True)
class Printed:
    """What was printed for a number at a step, digits kept: ``"0.3005"``, ``".85"``, ``"0,25"``."""

    ref: Ref
    step: int
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The printed value and the unit of its last place; ``digits`` are the significant ones."""

    value: float
    unit: float
    digits: str

    @property
    def low(self) -> float:
        """The smallest value that is rounded to it."""
        return self.value - self.unit * (0.5 + SLACK)

    @property
    def high(self) -> float:
        """The largest value that is rounded to it."""
        return self.value + self.unit * (0.5 + SLACK)

    def exact(self, value: float) -> bool:
        """Whether the value is the printed number itself."""
        return abs(value - self.value) <= EXACT * max(abs(self.value), self.unit)

    def rounds(self, values: Any) -> Any:
        """Whether a value, or each of an array, is rounded to what was printed."""
        return (values >= self.low) & (values <= self.high)

    def cuts(self, values: Any) -> Any:
        """Whether a value, or each of an array, has its digits cut off to what was printed."""
        size = np.where(self.value < 0, -1.0, 1.0) * values
        start, slack = abs(self.value), self.unit * SLACK
        return (size >= start - slack) & (size < start + self.unit) & (start > 0)


@lru_cache(maxsize=4096)
def reading(text: str) -> Reading:
    """A printed number read. Raises ``InputError`` for what is none.

    >>> reading("−2.406e-3").unit, reading(",25").value, reading("0.3005").digits
    (1e-06, 0.25, '3005')
    """
    plain = text.strip().replace("−", "-").replace("–", "-").replace(" ", "").replace(",", ".")
    if len(plain) > LARGEST or not NUMBER.fullmatch(plain):
        raise InputError(f"{text[:40]!r} is no printed number. Write it as 0.3005, .85 or -2.4e-3.")
    try:
        number = Decimal(plain)
    except InvalidOperation:
        raise InputError(f"{text[:40]!r} is no number.") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or abs(number.adjusted()) > LARGEST or abs(exponent) > LARGEST:
        raise InputError(f"{text[:40]!r} is beyond every number of a calculation.")
    digits = "".join(map(str, number.as_tuple().digits)).lstrip("0")
    return Reading(float(number), float(Decimal(1).scaleb(exponent)), digits or "0")
