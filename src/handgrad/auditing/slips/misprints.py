"""Slips of the printed number itself: digits cut off, lost or swapped, the point moved, a lost minus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite, log10

from handgrad.auditing.printed import Reading

__all__ = ["Misprint", "digits_of", "misprints"]

LONG = 5  # digits that make one other digit among them a slip of the pen


@dataclass(frozen=True)
class Misprint:
    """How a right value became what was printed."""

    slip: str
    sentence: str
    cost: float


def misprints(value: float, printed: Reading) -> Iterator[Misprint]:
    """Every way the printed number comes from this value by its digits alone, the likeliest first.

    Nothing if the value is simply rounded to it.
    """
    if not isfinite(value) or value == 0 or printed.rounds(value):
        return
    if printed.cuts(value) and len(printed.digits) > 1:
        yield Misprint("truncated", "the digits were cut off instead of rounded", 0.5)
    if printed.rounds(-value):
        yield Misprint("sign", "the sign was lost in writing the number down", 0.8)
    if abs(value - printed.value) <= 1.5 * printed.unit and len(printed.digits) > 1:
        yield Misprint("last_digit", "the last digit is off by one", 1.5)
    if len(printed.digits) > 1:
        yield from _moved(value, printed)
        yield from _miswritten(value, printed)


def _moved(value: float, printed: Reading) -> Iterator[Misprint]:
    for power, how in ((10, "right"), (0.1, "left"), (100, "right"), (0.01, "left")):
        if printed.rounds(value * power) or printed.cuts(value * power):
            yield Misprint("digit", f"the decimal point was moved to the {how}", 1.2)


def digits_of(value: float, unit: float) -> str:
    """The digits of a value rounded to a unit, without sign and point and leading zeros.

    >>> digits_of(-0.08664, 0.001)
    '87'
    """
    steps = Decimal(repr(abs(value))) / Decimal(repr(unit))
    return str(int(steps.to_integral_value())) if steps < 10**40 else ""


def _miswritten(value: float, printed: Reading) -> Iterator[Misprint]:
    if (value < 0) != (printed.value < 0):
        return
    places = max(0, round(-log10(printed.unit)))  # the zeros behind the point are digits too
    right = digits_of(value, printed.unit).zfill(places)
    finer = digits_of(value, printed.unit / 10).zfill(places + 1)
    written, told = printed.digits.zfill(places), len(printed.digits)
    if told > 1 and len(finer) == len(written) + 1 and _one_lost(finer, written):
        yield Misprint("digit", "a digit was lost", 1.5 if told > 2 else 2.0)
    if len(right) + 1 == len(written) and told > 3 and _one_lost(written, right):
        yield Misprint("digit", "a digit was written too many", 2.5)
    differ = [n for n, (a, b) in enumerate(zip(right, written, strict=False)) if a != b]
    if len(right) != len(written):
        return
    swapped = len(differ) == 2 and differ[1] == differ[0] + 1
    if (
        swapped
        and right[differ[0]] == written[differ[1]]
        and right[differ[1]] == written[differ[0]]
    ):
        yield Misprint("digit", "two digits were exchanged", 1.5)
    elif len(differ) == 1 and told >= LONG:
        yield Misprint("digit", "one digit was written as another", 2.0)


def _one_lost(longer: str, shorter: str) -> bool:
    """Whether a digit is missing; without the last one it would only be cut off."""
    return any(longer[:n] + longer[n + 1 :] == shorter for n in range(len(longer) - 1))
