"""How much of a gradient is rounding: what an honest backward pass in floating point can be off by.

Every result of every equation is changed by a random part in 10⁹, as rounding changes it by one in
10¹⁶; how far the gradient moves, per element, says how far rounding moves it. So a gradient
that is what large terms leave over (at a minimum, in saturation) is given the room it needs, and
every other none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Equation, Phase
from handgrad.calculus.expr import (
    Along,
    Call,
    Expr,
    Forms,
    Power,
    Product,
    Ref,
    Sum,
    Symbol,
    Value,
    transform,
)
from handgrad.numbers.evaluate import followed
from handgrad.numbers.kernels import NUMPY

__all__ = ["Room", "room_of", "sensitivity"]

Array = Any
CHANGE = 2.0**-30  # far above rounding, and so small that the cosine of a million changes little
DRAWS = 4  # of one alone, a few elements in a hundred would hardly move by chance
ROUNDINGS = 100.0  # of the last digit, that a right gradient may be off by: sums have many terms
RELATIVE = 1e-9  # of itself, as well
NOTHING = 1e-30  # of the largest gradient: the complex step's own h, and beyond any use


@dataclass(frozen=True)
class Room:
    """What a right gradient may be off by, element by element."""

    moved: Mapping[Symbol, Array]  # by how much per relative change of every number; the loss too
    single: bool  # the gradient was computed in float32
    least: float  # what is nothing beside the largest gradient

    @property
    def precision(self) -> float:
        """The last digit of what the gradient was computed in, relative to a number."""
        return float(np.finfo(np.float32 if self.single else np.float64).eps)

    def shape(self, symbol: Symbol) -> tuple[int, ...]:
        """The shape of a parameter."""
        return np.shape(self.moved[symbol])

    def rounding(self, symbol: Symbol) -> Array:
        """One rounding of every number on the way."""
        return self.precision * self.moved[symbol]

    def of(self, symbol: Symbol, expected: Array) -> Array:
        """What each element of a gradient may be off by."""
        relative = max(RELATIVE, ROUNDINGS * self.precision)
        return ROUNDINGS * self.rounding(symbol) + relative * np.abs(expected) + self.least

    def along(self, symbol: Symbol, direction: Array) -> float:
        """What the slope along a direction may be off by; roundings of many elements cancel."""
        return ROUNDINGS * float(np.linalg.norm(self.rounding(symbol) * direction))


def room_of(
    derivation: Derivation,
    values: Mapping[Symbol, Array],
    gradient: Mapping[Symbol, Array],
    *,
    book: bool,
) -> Room:
    """The room of a gradient computed by the stable forms, or (``book``) by any other."""
    largest = max((float(np.max(np.abs(g), initial=0.0)) for g in gradient.values()), default=0.0)
    least = NOTHING * largest + np.finfo(float).tiny / np.finfo(float).eps  # fewer digits below
    moved = sensitivity(derivation, values, book=book)
    return Room(moved, book and _single(gradient), float(least))


def _single(given: Mapping[Symbol, Array]) -> bool:
    """Whether all numbers are floats of 32 bits, and not merely short ones such as 0 or ½."""
    with np.errstate(over="ignore", under="ignore"):
        singles = all(np.array_equal(g, g.astype(np.float32)) for g in given.values())
        return singles and not all(np.array_equal(g, g.astype(np.float16)) for g in given.values())


def sensitivity(
    derivation: Derivation, values: Mapping[Symbol, Array], *, book: bool
) -> dict[Symbol, Array]:
    """For each parameter, how far its gradient moves per relative change of every number, once.

    For the loss, how far it moves itself.

    ``book`` takes the backward pass as books write it, a(1 − a), which loses more digits in
    saturation than the stable forms do.
    """
    equations = [e for e in derivation.equations if e.phase is not Phase.UPDATE]
    equations = [_in_one_form(e, book=book) for e in equations]
    noise = {e.lhs.symbol: replace(e.lhs.symbol, state="noise_of") for e in equations}
    known = {s: np.asarray(v, dtype=np.float64) for s, v in values.items()}
    gradients = {s: s.gradient(derivation.loss) for s in derivation.parameters}
    gradients[derivation.loss] = derivation.loss
    with np.errstate(all="ignore"):
        still = followed(equations, known, NUMPY)
        moved = {s: np.zeros(np.shape(still[g])) for s, g in gradients.items()}
        for draw in range(DRAWS):
            rng = np.random.default_rng([draw, 3])
            changed = {s: v * _noise(rng, v) for s, v in known.items()}
            factors = {n: _noise(rng, still[s]) for s, n in noise.items()}
            noisy = [_noisy(e, noise[e.lhs.symbol], rng) for e in equations]
            found = followed(noisy, {**changed, **factors}, NUMPY)
            for s, g in gradients.items():
                moved[s] = np.maximum(moved[s], np.abs(found[g] - still[g]) / CHANGE)
    return {s: _finite(v, still[gradients[s]]) for s, v in moved.items()}


def _noisy(equation: Equation, noise: Symbol, rng: np.random.Generator) -> Equation:
    """The equation with its result changed at each place, and each part of it as a whole."""

    def changed(node: Expr) -> Expr:
        is_result = isinstance(node, Call | Sum | Power | Along)
        return Product((node, Value(float(_noise(rng, 0.0))))) if is_result else node

    rhs = transform(equation.rhs, changed)
    return replace(equation, rhs=Product((rhs, Ref(noise, equation.lhs.indices))))


def _noise(rng: np.random.Generator, like: Array) -> Array:
    """Factors a little below 1: a probability stays one, and a logarithm or root defined."""
    return 1 - CHANGE * rng.random(np.shape(like))


def _finite(moved: Array, gradient: Array) -> Array:
    """Where a change left the domain of a function: a thousand times the largest gradient."""
    largest = 1e3 * float(np.max(np.abs(gradient), initial=0.0))
    return np.where(np.isfinite(moved), moved, largest)


def _in_one_form(equation: Equation, *, book: bool) -> Equation:
    def chosen(node: Expr) -> Expr:
        return (node.book if book else node.stable) if isinstance(node, Forms) else node

    return replace(equation, rhs=transform(equation.rhs, chosen))
