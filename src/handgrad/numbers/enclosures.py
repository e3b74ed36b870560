"""Two bounds around a number in, two bounds around a function of it out: the directed side of mpmath.

Bounds are numbers of mpmath a thousand digits long. An undefined result has a bound that is no number.
"""

# mpmath has no types.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from mpmath.ctx_mp import MPContext
from mpmath.libmp import (
    finf,
    fnan,
    fninf,
    fone,
    from_rational,
    mpf_add,
    mpf_neg,
    mpf_shift,
    mpf_sign,
    mpf_sub,
    to_rational,
)
from mpmath.libmp.libmpi import mpi_add, mpi_div, mpi_mul, mpi_pow_int, mpi_sqrt

__all__ = [
    "EXP",
    "HUGE",
    "LOG",
    "MP",
    "Bounds",
    "add",
    "around",
    "divide",
    "increasing",
    "multiply",
    "power",
    "quotients",
    "root",
    "side",
    "size",
    "spread",
    "undefined",
    "wave",
]

BITS = 3_400  # of a bound: a thousand digits, and some to spare
HUGE = 1_100  # bits of a whole number that no double holds

End = Any  # a number of mpmath: (sign, mantissa, exponent, bits of the mantissa)
Bounds = tuple[End, End]
MP = MPContext()  # our own: the precision of mpmath's shared one is its user's
MP.prec = BITS + 60


def around(above: int, below: int) -> Bounds:
    """The bounds of a quotient of whole numbers."""
    return from_rational(above, below, BITS, "f"), from_rational(above, below, BITS, "c")


def quotients(bounds: Bounds) -> tuple[tuple[int, int], ...]:
    """Both bounds as quotients of whole numbers."""
    return tuple(to_rational(end) for end in bounds)


def side(bounds: Bounds) -> int:
    """1 above 0, −1 below it, 0 where 0 lies between the bounds."""
    low, high = map(mpf_sign, bounds)
    return 1 if low > 0 else -1 if high < 0 else 0


def size(bounds: Bounds) -> float:
    """The power of two just above both bounds."""
    return max(map(_power_above, bounds))


def spread(bounds: Bounds) -> float:
    """The power of two just above the distance of the bounds."""
    return _power_above(mpf_sub(bounds[1], bounds[0], 53, "c"))


def _power_above(end: End) -> float:
    _, mantissa, exponent, bits = end
    return exponent + bits if mantissa else math.inf if end in (finf, fninf) else -math.inf


def undefined(bounds: Bounds) -> bool:
    """Whether a bound is no number."""
    return fnan in bounds


def add(a: Bounds, b: Bounds) -> Bounds:
    """The bounds of a sum."""
    return mpi_add(a, b, BITS)


def multiply(a: Bounds, b: Bounds) -> Bounds:
    """The bounds of a product."""
    return mpi_mul(a, b, BITS)


def divide(a: Bounds, b: Bounds) -> Bounds:
    """The bounds of a quotient; 0 does not lie in ``b``."""
    return mpi_div(a, b, BITS)


def power(a: Bounds, n: int) -> Bounds:
    """The bounds of a power with a whole exponent from 0 up."""
    return mpi_pow_int(a, n, BITS)


def root(a: Bounds) -> Bounds:
    """The bounds of a root of a number above 0."""
    return mpi_sqrt(a, BITS)


def increasing(function: Callable[[Any], Any]) -> Callable[[Bounds], Bounds]:
    """An increasing function of mpmath between the bounds of its argument.

    mpmath's own error, a few units of 60 more bits, lies well inside the unit added on either side.
    """

    def between(bounds: Bounds) -> Bounds:
        if size(bounds) > HUGE:
            return fnan, fnan
        low, high = (function(MP.make_mpf(end))._mpf_ for end in bounds)
        return _wider(low, mpf_shift(low, -BITS), high, mpf_shift(high, -BITS))

    return between


def wave(function: Callable[[Any], Any]) -> Callable[[Bounds], Bounds]:
    """The sine or cosine of mpmath: no two values are further apart than their arguments."""

    def between(bounds: Bounds) -> Bounds:
        if size(bounds) > HUGE:
            return fnan, fnan
        low, high = bounds
        value = function(MP.make_mpf(low))._mpf_
        distance = mpf_sub(high, low, BITS, "c")
        margin = mpf_add(distance, mpf_shift(fone, -BITS), BITS, "c")
        return _wider(value, margin, value, margin)

    return between


def _wider(low: End, under: End, high: End, over: End) -> Bounds:
    """The bounds moved apart by the size of two margins."""
    under, over = (mpf_neg(m) if mpf_sign(m) < 0 else m for m in (under, over))
    return mpf_sub(low, under, BITS + 8, "f"), mpf_add(high, over, BITS + 8, "c")


EXP, LOG = increasing(MP.exp), increasing(MP.log)
