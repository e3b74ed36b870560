"""Central differences of the loss, and where a kink within their step makes them worthless.

Real numbers alone: (L(w + h) − L(w − h))/2h, at h and at 2h, so that its error shows. The slopes on
both sides differ by hL″ where the loss is smooth, so twice as much at 2h; at a kink, near or far within
the step, by a jump that does not grow so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.numbers.checking.forward import ForwardPass

__all__ = ["Differences"]

Array = Any
KINK = 30.0  # times what rounding makes of the jump; a smooth loss has h³L⁗


class Differences:
    """Central differences of a loss, element by element.

    ``moved`` is how far the loss moves per relative change of every number on the way to it.
    """

    def __init__(self, loss: ForwardPass, moved: float) -> None:
        self.loss = loss
        kind = np.float64 if loss.real_only else np.result_type(*loss.known.values())
        self.precision = float(np.finfo(kind).eps)
        self.rounding = 2 * self.precision * moved  # of the loss

    def element(self, symbol: Symbol, place: tuple[int, ...]) -> tuple[float, float]:
        """The derivative by one number and its expected error; NaN where the loss has a kink near."""
        here = self.loss.known[symbol]
        h = self.precision ** (1 / 3) * max(1.0, abs(float(here[place])))
        middle = self.loss.known[self.loss.loss]
        sides = [_sides(self.loss, symbol, place, step) - middle for step in (h, 2 * h)]
        widths = [_widths(here[place], step) for step in (h, 2 * h)]
        (left, right), (far_left, far_right) = (s / w for s, w in zip(sides, widths, strict=True))
        fine, coarse = (left + right) / 2, (far_left + far_right) / 2
        jump = abs(2 * (right - left) - (far_right - far_left)) / 2
        rounding = self.rounding / h
        if not jump <= KINK * rounding:
            return float("nan"), 0.0
        return float(fine), float(abs(fine - coarse) + jump + rounding)


def _widths(value: Array, step: float) -> Array:
    """The steps down and up as they come out in floats."""
    return np.array([(value - step) - value, (value + step) - value])


def _sides(loss: ForwardPass, symbol: Symbol, place: tuple[int, ...], step: float) -> Array:
    """The loss a step below and a step above."""
    found: list[Array] = []
    for signed in (-step, step):
        moved = np.array(loss.known[symbol])
        moved[place] += signed
        found.append(loss.at(symbol, moved))
    return np.array(found)
