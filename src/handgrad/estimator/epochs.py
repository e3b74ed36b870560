"""An engine in, one epoch after the other out; the engine may run ahead of who asks.

scikit-learn looks at every epoch before the next; an XLA program does many in one call. So the losses
of a call are handed out one by one, and where the run ends in between, or something changes, the
epochs up to there are done once more: the same program, the same bits.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from handgrad.training.engines import Engine, State
from handgrad.training.task import Task

__all__ = ["Epochs", "Orders"]

Array = Any
AHEAD = 64
"""Epochs of one call of an XLA program, at most."""


class Orders:
    """The order of the examples in each epoch, drawn from scikit-learn's generator as it draws them.

    Each is a shuffle of the one before. ``settle`` leaves the generator as after so many epochs.
    """

    def __init__(self, generator: np.random.RandomState, rows: int) -> None:
        self.generator = generator
        self.drawn: dict[int, tuple[Array, Any]] = {-1: (np.arange(rows), generator.get_state())}

    def __call__(self, epoch: int) -> Array:
        """The examples of an epoch."""
        for n in range(max(self.drawn) + 1, epoch + 1):
            before, _ = self.drawn[n - 1]
            shuffle = np.arange(len(before))
            self.generator.shuffle(shuffle)
            self.drawn[n] = before[shuffle], self.generator.get_state()
        return self.drawn[epoch][0]

    def settle(self, epochs: int) -> None:
        """Forget all but the last of so many epochs, and every draw after it."""
        self(epochs - 1)
        last = self.drawn[epochs - 1]
        self.drawn = {epochs - 1: last}
        self.generator.set_state(last[1])


class Epochs:
    """A run taken epoch by epoch. ``done`` counts them."""

    def __init__(
        self, engine: Engine, task: Task, first: State, orders: Orders | None, most: int
    ) -> None:
        self.engine, self.task, self.orders, self.most = engine, task, orders, most
        self.begin = self.end = first
        self.ahead: list[float] = []
        self.done = 0
        self.finite = True

    def next(self, *, alone: bool) -> float:
        """The loss of the next epoch; not a number from the first one on that has none.

        ``alone``: the state after this epoch will be asked for, so there is no use in more.
        """
        if self.finite and not self.ahead:
            self._advance(1 if alone or self.engine.name == "numpy" else AHEAD)
        self.done += 1
        return self.ahead.pop(0) if self.ahead else math.nan

    def _advance(self, many: int) -> None:
        if self.orders is not None:
            self.orders.settle(self.done)
        wanted = min(self.most, self.done + many) * self.task.batches
        step = self.engine.advance(self.end, wanted)
        self.begin, self.end = self.end, step.state
        self.ahead = step.losses.tolist()
        if not step.going and not self.ahead:
            self.finite = False
            nothing = tuple(
                np.full(np.shape(a), math.nan, self.task.dtype) for a in self.end.arrays
            )
            self.end = replace(self.end, arrays=nothing)

    def settled(self) -> State:
        """The state after the epochs that were asked for, and nothing drawn beyond them."""
        if self.ahead:
            self.end = self.engine.advance(self.begin, self.done * self.task.batches).state
            self.ahead = []
        if self.orders is not None:
            self.orders.settle(self.done)
        return self.end
