"""Derivatives of the loss by evaluation of the forward equations alone: the complex step.

The imaginary part of L(w + ihu), over h, is the derivative along u, as exact as L itself: nothing is
subtracted, and h² vanishes. A kernel that takes no complex numbers is continued by central
differences of its own values, at two step sizes, so that their error shows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.numbers.checking.forward import ForwardPass
from handgrad.numbers.kernels import ALONG, ELEMENTWISE, REAL_ONLY, Library

__all__ = ["ComplexStep"]

Array = Any
TINY = 1e-30
FAINT = 1e-40  # a slope this small may be nothing but what h² leaves
# Central difference of eighth order: weights of f(z + kh) − f(z − kh), k = 1, 2, 3, 4.
WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
STEP = 2.0**-6  # its error, f⁽⁹⁾h⁸/630, is then about as large as that of rounding, εf/h


class ComplexStep:
    """The slope of a loss along directions in one of its givens.

    ``differenced`` are the functions that had to be continued by differences.
    """

    def __init__(self, loss: ForwardPass) -> None:
        self.loss = loss
        self.differenced = loss.real_only

    def along(self, symbol: Symbol, direction: Array) -> tuple[float, float]:
        """The slope along a direction in one quantity, and its expected error, by h² and differences."""
        slope, error = self._slope(symbol, direction), 0.0
        if self.differenced:
            error += abs(slope - self._slope(symbol, direction, variant=1))
        if 0 < abs(slope) < FAINT:
            error += abs(slope - self._slope(symbol, direction, step=2 * TINY))
        return slope, error

    def element(self, symbol: Symbol, place: tuple[int, ...]) -> tuple[float, float]:
        """The derivative by one number, and its expected error."""
        direction = np.zeros(np.shape(self.loss.known[symbol]))
        direction[place] = 1.0
        return self.along(symbol, direction)

    def _slope(
        self, symbol: Symbol, direction: Array, variant: int = 0, step: float = TINY
    ) -> float:
        moved = self.loss.known[symbol] + np.asarray(direction) * (1j * step)
        return float(np.imag(self.loss.at(symbol, moved, _library(variant))) / step)


def _library(variant: int) -> Library:
    continued = {name: partial(_continued, ELEMENTWISE[name], variant) for name in REAL_ONLY}
    return Library(np, {**ELEMENTWISE, **continued}, ALONG)


def _continued(kernel: Callable[[Array], Array], variant: int, z: Array) -> Array:
    """A kernel of real numbers, at numbers with a tiny imaginary part.

    Variant 1 has twice the step, and its slope is off by the rounding of the kernel's values: how
    far it is from variant 0 is the error to expect.
    """
    if not np.iscomplexobj(z):
        return kernel(z)
    x = np.real(z)
    h = (STEP * (1 + variant)) / (1 + np.abs(x) / 4)  # tails fall off faster the further out
    sides = [(kernel(x + k * h), kernel(x - k * h)) for k in (1, 2, 3, 4)]
    slope = sum(w * (up - down) for w, (up, down) in zip(WEIGHTS, sides, strict=True)) / h
    rounding = 4 * np.finfo(float).eps * np.abs(sides[0][0]) / h
    return kernel(x) + 1j * (np.imag(z) * (slope + variant * rounding))
