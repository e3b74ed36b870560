"""L-BFGS as an engine: an update is one iteration of SciPy's search, over all examples at once.

The search is determined by where it begins. A run taken up again, and an update replayed, go through
it from the beginning, to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.training.engines import Advance, Inputs, NumpyEngine, State
from handgrad.training.lbfgs import Minimum, iterated
from handgrad.training.task import Task

__all__ = ["LBFGS", "LbfgsEngine"]

LBFGS = "lbfgs"
Search = Generator[tuple[float, tuple[Any, ...]], None, Minimum]


class LbfgsEngine(NumpyEngine):
    """SciPy's L-BFGS over the derived gradient, which NumPy or XLA works out.

    What is asked of an epoch besides its updates (the loss of examples held back, patience) is as in
    ``NumpyEngine``.
    """

    def __init__(self, task: Task, inputs: Inputs, first: State, engine: str) -> None:
        super().__init__(task, inputs)
        self.name, self.first = engine, first
        self._begin()

    def _begin(self) -> None:
        """Stand at the beginning of the search, whose loss its first step tells."""
        self.search: Search = iterated(self.task, self.inputs, self.first.arrays, engine=self.name)
        self.at, self.arrays = 0, self.first.arrays
        self.loss, self.ended = math.nan, ""

    def advance(self, state: State, wanted: int) -> Advance:
        """Iteration by iteration; see ``Engine``."""
        if state.done < self.at:
            self._begin()
        while self.at < state.done and not self.ended:
            self._step()
        losses: list[float] = []
        checked: list[float] = []
        going = True
        while going and state.done < wanted:
            before = self._loss_here()
            if not self.inputs.threshold <= before < math.inf:
                going = False
                break
            self._step()
            if self.ended:
                return self._advance(state, losses, checked, why=self.ended)
            for symbol, array in zip(self.task.state, self.arrays, strict=True):
                np.copyto(self.state[symbol], array)
            losses.append(before)
            state, going = self._judged(replace(state, done=self.at), losses, checked)
        return self._advance(state, losses, checked, going=going)

    def _advance(
        self,
        state: State,
        losses: list[float],
        checked: list[float],
        *,
        going: bool = False,
        why: str = "",
    ) -> Advance:
        after = replace(state, arrays=tuple(np.array(array) for array in self.arrays))
        return Advance(after, np.array(losses), np.array(checked), going, why)

    def _loss_here(self) -> float:
        """The loss where the search stands; at its beginning it is worked out."""
        if not self.at:
            for symbol, array in zip(self.task.state, self.first.arrays, strict=True):
                np.copyto(self.state[symbol], array)
            with np.errstate(all="ignore"):
                self.loss = self._loss(self.plans[self.task.rows][0])
        return self.loss

    def _step(self) -> None:
        """One iteration, unless the search has ended."""
        if self.ended:
            return
        try:
            self.loss, self.arrays = next(self.search)
            self.at += 1
        except StopIteration as stop:
            self.ended = _said(stop.value)


def _said(found: Minimum) -> str:
    return (
        "converged" if found.status == 0 else f"no step lowers the loss ({found.message.lower()})"
    )
