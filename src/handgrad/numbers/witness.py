"""A gradient and its problem in; how it compares with independent derivatives out.

Two witnesses that know nothing of the chain rule: the complex step, as exact as the gradient itself
wherever every function continues to complex numbers, and the central difference elsewhere. Where
the one-sided differences disagree the loss has a kink, and a kink is never an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Phase
from handgrad.calculus.expr import Call, Ref, Symbol, walk
from handgrad.errors import ShapeError
from handgrad.language.writing import name
from handgrad.numbers.evaluate import evaluate
from handgrad.numbers.kernels import REAL_ONLY

__all__ = ["Check", "Disagreement", "compare"]

Array = Any
TINY = 1e-30  # its square vanishes: the complex step has no truncation error
STEP = float(np.finfo(float).eps) ** (1 / 3)  # of the central difference, relative to the number


@dataclass(frozen=True)
class Witness:
    """How far a right gradient may be from it: absolute, times the largest gradient, and relative."""

    name: str
    absolute: float
    relative: float


COMPLEX_STEP = Witness("complex step", 1e-13, 1e-9)
CENTRAL_DIFFERENCE = Witness("central difference", 2e-8, 1e-6)


@dataclass(frozen=True)
class Disagreement:
    """One element of a gradient, and what the witness says."""

    element: Ref
    given: float
    expected: float

    @property
    def relative(self) -> float:
        """How far apart they are, relative to the larger of both."""
        size = max(abs(self.given), abs(self.expected))
        return abs(self.given - self.expected) / size if size else 0.0


@dataclass(frozen=True)
class Check:
    """The outcome: what was compared with which witness, and every disagreement in layer order.

    ``largest`` is the largest difference seen at an element judged right, relative to the largest
    gradient; ``kinks`` are elements whose one-sided derivatives differ: there nothing is judged.
    """

    witness: str
    compared: int
    largest: float
    wrong: tuple[Disagreement, ...]
    kinks: tuple[Ref, ...]
    missing: tuple[Symbol, ...]

    @property
    def agrees(self) -> bool:
        """Whether nothing is wrong and nothing is missing."""
        return not self.wrong and not self.missing

    def __str__(self) -> str:
        judged = f"{self.compared} derivatives compared with the {self.witness}"
        if self.agrees:
            lines = [
                f"{judged}: they agree (largest difference {self.largest:.1e} of the gradient)."
            ]
        else:
            lines = [f"{judged}: {len(self.wrong)} disagree."]
        lines += [f"No gradient was given for {symbol}." for symbol in self.missing]
        for number, pair in enumerate(self.wrong[:8]):
            first = "First, in" if number == 0 else "Also"
            lines.append(
                f"{first} {name(pair.element)}: given {pair.given!r}, should be {pair.expected!r} "
                f"(off by {pair.relative:.1e} of it)."
            )
        if len(self.wrong) > 8:
            lines.append(f"… and {len(self.wrong) - 8} more.")
        if self.kinks:
            where = ", ".join(name(element) for element in self.kinks[:8])
            lines.append(f"At a kink of the loss, so not judged: {where}.")
        return "\n".join(lines)


def compare(
    derivation: Derivation, gradient: Mapping[Symbol, Array], values: Mapping[Symbol, Array]
) -> Check:
    """Compare ``gradient`` (parameter → array of its shape) with a witness, element by element.

    ``values`` holds the givens of the derivation. Raises ``ShapeError`` for an array of another
    shape than its parameter.
    """
    judge = _Judge(derivation, values)
    order = sorted(derivation.parameters, key=lambda s: (s.number or 0, str(s)))
    present = [symbol for symbol in order if symbol in gradient]
    pairs = [pair for symbol in present for pair in judge.pairs(symbol, gradient[symbol])]
    scale = max((abs(p.expected) for p in pairs), default=0.0)
    off = [p for p in pairs if not judge.close(p, scale)]
    kinks = {p.element for p in off if judge.at_kink(p)}
    right = (abs(p.given - p.expected) for p in pairs if judge.close(p, scale))
    return Check(
        judge.witness.name,
        len(pairs),
        max(right, default=0.0) / scale if scale else 0.0,
        tuple(p for p in off if p.element not in kinks),
        tuple(p.element for p in off if p.element in kinks),
        tuple(symbol for symbol in order if symbol not in gradient),
    )


class _Judge:
    """Derivatives of the loss by evaluation of the forward equations alone."""

    def __init__(self, derivation: Derivation, values: Mapping[Symbol, Array]) -> None:
        forward = derivation.phase(Phase.FORWARD)
        nodes = (node for equation in forward for node in walk(equation.rhs))
        real = any(isinstance(node, Call) and node.function in REAL_ONLY for node in nodes)
        self.witness = CENTRAL_DIFFERENCE if real else COMPLEX_STEP
        self.values = {
            s: np.asarray(values[s], dtype=float) for s in derivation.givens if s in values
        }
        self.ranks = {s: v.ndim for s, v in self.values.items()}
        self.forward, self.symbol = forward, derivation.loss

    def loss(self, element: Ref, change: complex) -> complex:
        """The loss with one number changed."""
        dtype = complex if isinstance(change, complex) else float
        moved = self.values[element.symbol].astype(dtype)
        moved[self.place(element)] += change
        known = {**self.values, element.symbol: moved}
        derivation = Derivation(self.forward, self.ranks, self.symbol)
        return evaluate(derivation, known, dtype)[self.symbol][()]

    @staticmethod
    def place(element: Ref) -> tuple[int, ...]:
        return tuple(p - 1 for p in element.indices if isinstance(p, int))

    def pairs(self, symbol: Symbol, given: Array) -> Iterator[Disagreement]:
        """Every element of a parameter: what was given, and what the witness says."""
        array = np.asarray(given, dtype=float)
        if array.shape != self.values[symbol].shape:
            raise ShapeError(
                f"The gradient of {symbol} has the shape {array.shape}, {symbol} has "
                f"{self.values[symbol].shape}. Give one number for each number of {symbol}."
            )
        for place in np.ndindex(*array.shape):
            element = Ref(symbol, tuple(n + 1 for n in place))
            yield Disagreement(element, float(array[place]), self.expected(element))

    def expected(self, element: Ref) -> float:
        """The derivative of the loss by one number, as the witness says."""
        if self.witness is COMPLEX_STEP:
            return float(self.loss(element, TINY * 1j).imag / TINY)
        return self.difference(element, 1, -1)

    def difference(self, element: Ref, above: int, below: int) -> float:
        """(L(w + above·h) − L(w + below·h)) over the step as it came out after rounding."""
        number = float(self.values[element.symbol][self.place(element)])
        h = STEP * max(1.0, abs(number))
        up, down = number + above * h, number + below * h
        rise = self.loss(element, up - number).real - self.loss(element, down - number).real
        return float(rise / (up - down))

    def close(self, pair: Disagreement, scale: float) -> bool:
        """Whether a difference is no more than the witness's own error."""
        allowed = self.witness.absolute * scale + self.witness.relative * abs(pair.expected)
        return abs(pair.given - pair.expected) <= allowed

    def at_kink(self, pair: Disagreement) -> bool:
        """Whether the slopes to both sides differ, by more than curvature does, and span the given."""
        right, left = self.difference(pair.element, 1, 0), self.difference(pair.element, 0, -1)
        bend = max(
            abs(self.difference(pair.element, 2, 1) - right),
            abs(left - self.difference(pair.element, -1, -2)),
        )
        margin = 1e-4 * max(abs(right), abs(left))
        low, high = min(right, left) - margin, max(right, left) + margin
        return abs(right - left) > 10 * bend + margin and low <= pair.given <= high
