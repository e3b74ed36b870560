"""Sums and products without their rounding error: what a float leaves out comes as a second float.

Sources: Knuth, TAOCP 2, 4.2.2 (two_sum); Dekker 1971 (two_product, with Veltkamp's halves);
Rump, Ogita and Oishi 2008 (total). All hold for every binary float type, barring overflow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["halves", "total", "two_product", "two_sum"]

Array = Any  # a NumPy array or scalar of any float type


def two_sum(x: Array, y: Array) -> tuple[Array, Array]:
    """The sum of two numbers as its rounded value and the rest, exactly; complex numbers part by part."""
    rounded = x + y
    share = rounded - x
    return rounded, (x - (rounded - share)) + (y - share)


def halves(x: Array) -> tuple[Array, Array]:
    """A real number as the sum of two of half as many digits, whose products are exact."""
    scaled = x * (2.0 ** ((np.finfo(np.result_type(x)).nmant + 2) // 2) + 1)
    high = scaled - (scaled - x)
    return high, x - high


def two_product(x: Array, y: Array) -> tuple[Array, Array]:
    """The product of two real numbers as its rounded value and the rest, exactly."""
    rounded = x * y
    (x1, x2), (y1, y2) = halves(x), halves(y)
    return rounded, (((x1 * y1 - rounded) + x1 * y2) + x2 * y1) + x2 * y2


def total(terms: Array) -> Array:
    """The sum along the last axis, kept as an axis of length 1, of terms no larger than 1.

    What of each term lies on a coarse grid adds up exactly; only the sum of the small rests rounds.
    """
    grid = 2.0 ** (2 + int(terms.shape[-1]).bit_length())
    high = grid + terms
    high -= grid
    whole = np.sum(high, axis=-1, keepdims=True)
    np.subtract(terms, high, out=high)
    return whole + np.sum(high, axis=-1, keepdims=True)
