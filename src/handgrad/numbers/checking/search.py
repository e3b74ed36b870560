"""The wrong elements of a large gradient array, found with few evaluations.

The slope of the loss along a random direction is the direction times the gradient: one number for a
whole array. Where the two differ, halving the array leads to the element.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.numbers.checking.complex_step import ComplexStep
from handgrad.numbers.checking.rounding import Room

__all__ = ["Search"]

Array = Any
Place = tuple[int, ...]


@dataclass
class Search:
    """One array of a gradient, compared with slopes along parts of one random direction."""

    step: ComplexStep
    symbol: Symbol
    given: Array
    room: Room

    def __post_init__(self) -> None:
        self.direction: Array = np.random.default_rng(5).normal(size=np.shape(self.given))

    def whole(self) -> tuple[float, float]:
        """How far both slopes along the whole direction are apart, and how far they may be."""
        return self._apart(self._all())

    def run(self, most: int) -> tuple[list[Place], bool]:
        """The first elements that are off, at most so many, and whether there are no others."""
        found: list[Place] = []
        left = self._all()
        while self._is_off(left):
            if len(found) == most:
                return found, False
            found.append(self._narrowed(left))
            left[found[-1]] = False
        return found, True

    def _all(self) -> Array:
        return np.ones(np.shape(self.given), dtype=bool)

    def _apart(self, part: Array) -> tuple[float, float]:
        direction = np.where(part, self.direction, 0.0)
        slope, error = self.step.along(self.symbol, direction)
        allowed = self.room.along(self.symbol, direction) + 10 * error
        return abs(slope - float(np.sum(self.given * direction))), allowed

    def _is_off(self, part: Array) -> bool:
        apart, allowed = self._apart(part)
        return apart > allowed

    def _narrowed(self, part: Array) -> Place:
        """The first element of a part that is off: where its first half is not, its second is."""
        places = np.flatnonzero(part)
        while len(places) > 1:
            first, second = np.array_split(places, 2)
            mask = np.zeros(np.size(self.given), dtype=bool)
            mask[first] = True
            places = first if self._is_off(mask.reshape(part.shape)) else second
        return tuple(int(n) for n in np.unravel_index(int(places[0]), part.shape))
