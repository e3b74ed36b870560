"""The loss of forward equations as a function of one of the given quantities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Equation
from handgrad.calculus.expr import Call, Symbol, refs, walk
from handgrad.numbers.evaluate import SMALL, followed
from handgrad.numbers.kernels import NUMPY, REAL_ONLY, Library

__all__ = ["ForwardPass"]

Array = Any


class ForwardPass:
    """The loss where one given quantity is another; what does not depend on it is kept.

    ``known`` holds every quantity as it is, and ``real_only`` the functions on the way whose kernels
    take no complex numbers.
    """

    def __init__(
        self, forward: Sequence[Equation], loss: Symbol, values: Mapping[Symbol, Array]
    ) -> None:
        self.forward, self.loss = _leading_to(forward, loss), loss
        nodes = [node for equation in self.forward for node in walk(equation.rhs)]
        called = {node.function for node in nodes if isinstance(node, Call)}
        self.real_only = tuple(sorted(called & REAL_ONLY))
        self.known = self._base(values)
        self.after: dict[Symbol, list[Equation]] = {}

    def _base(self, values: Mapping[Symbol, Array]) -> dict[Symbol, Array]:
        """Every quantity as it is; in extended precision where that costs little."""
        known = {s: np.asarray(v, dtype=np.float64) for s, v in values.items()}
        with np.errstate(all="ignore"):
            first = followed(self.forward, known, NUMPY)
            if sum(np.size(v) for v in first.values()) > SMALL:
                return first
            wide = {s: v.astype(np.longdouble) for s, v in known.items()}
            return followed(self.forward, wide, NUMPY)

    @property
    def work(self) -> int:
        """How many numbers one evaluation has."""
        return sum(np.size(v) for v in self.known.values())

    def at(self, symbol: Symbol, value: Array, library: Library = NUMPY) -> Array:
        """The loss where ``symbol`` has another value, computed with the kernels of ``library``."""
        if symbol not in self.after:
            self.after[symbol] = _depending_on(self.forward, symbol)
        with np.errstate(all="ignore"):
            return followed(self.after[symbol], {**self.known, symbol: value}, library)[self.loss]


def _leading_to(forward: Sequence[Equation], loss: Symbol) -> tuple[Equation, ...]:
    wanted, found = {loss}, list[Equation]()
    for equation in reversed(forward):
        if equation.lhs.symbol in wanted:
            wanted |= {ref.symbol for ref in refs(equation.rhs)}
            found.insert(0, equation)
    return tuple(found)


def _depending_on(forward: Sequence[Equation], symbol: Symbol) -> list[Equation]:
    moved, found = {symbol}, list[Equation]()
    for equation in forward:
        if any(ref.symbol in moved for ref in refs(equation.rhs)):
            moved.add(equation.lhs.symbol)
            found.append(equation)
    return found
