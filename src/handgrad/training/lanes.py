"""Several networks of one task on the same data in, one XLA program that trains them side by side out.

Every array has one more axis, its last, with a place for each network; a network that has ended
stays as it is until all have. ``OneLane`` is an engine for one of them: the same program, the same
place in it, so the same bits.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.model.schedules import Pace
from handgrad.training.compiling import compiled
from handgrad.training.engines import EPOCHS, ORDERED, Advance, Inputs, State, order_of
from handgrad.training.program import HEAD
from handgrad.training.task import Task

__all__ = ["Lanes", "LanesEngine", "OneLane"]

Array = Any


@dataclass(frozen=True)
class Lanes:
    """Where several networks are: a ``State`` with one more axis on everything, the last."""

    arrays: tuple[Array, ...]
    done: Array
    going: Array
    total: Array
    best: Array
    waited: Array
    factor: Array
    best_arrays: tuple[Array, ...] = ()

    def states(self) -> list[State]:
        """The state of each network."""
        arrays, best = ([np.asarray(a) for a in part] for part in (self.arrays, self.best_arrays))
        return [
            State(
                tuple(a[..., n] for a in arrays),
                int(self.done[n]),
                float(self.total[n]),
                Pace(float(self.best[n]), int(self.waited[n]), float(self.factor[n])),
                tuple(a[..., n] for a in best) if self.best[n] < math.inf else (),
            )
            for n in range(len(self.done))
        ]


@dataclass(frozen=True)
class LanesAdvance:
    """What a call has done: where the networks are, and the losses of the epochs each has ended."""

    lanes: Lanes
    losses: list[Array]
    checked: list[Array]


class LanesEngine:
    """The equations as one XLA program for several networks."""

    name = "jax"

    def __init__(self, task: Task, inputs: Sequence[Inputs]) -> None:
        import jax

        self.task, self.inputs, self.count = task, inputs, len(inputs)
        ordered = ORDERED // (task.rows * self.count)
        self.length = max(1, ordered) if task.shuffled else EPOCHS
        self.call = compiled(task, self.length, self.count)
        rules = [each.patience for each in inputs]
        numbers = np.array(
            [
                (each.threshold, rule.tolerance, rule.divisor, rule.least, each.begun)
                for each, rule in zip(inputs, rules, strict=True)
            ]
        ).T
        scalars = np.array([each.scalars for each in inputs], task.dtype).T
        fixed = (
            tuple(a[..., None] for a in inputs[0].data),
            tuple(a[..., None] for a in inputs[0].held),
            scalars.reshape(len(task.scalars), self.count),
            _stacked([each.others for each in inputs]),
            numbers,
        )
        with jax.enable_x64(True):
            self.data, self.held, self.scalars, self.others, self.numbers = jax.device_put(fixed)

    @property
    def native(self) -> bool:
        """Whether XLA made one native loop of the program, once it is compiled."""
        return self.call.native

    def begin(self, states: Sequence[State]) -> Lanes:
        """The networks side by side, all after the same number of updates."""
        best = [each.best_arrays or (each.arrays if self.task.best else ()) for each in states]
        return Lanes(
            _stacked([each.arrays for each in states]),
            np.array([each.done for each in states]),
            np.ones(len(states), bool),
            np.array([each.total for each in states]),
            np.array([each.pace.best for each in states]),
            np.array([each.pace.waited for each in states]),
            np.array([each.pace.factor for each in states]),
            _stacked(best),
        )

    def advance(self, lanes: Lanes, wanted: int) -> LanesAdvance:
        """Each network after ``wanted`` updates, or after fewer where it stops or the run is long."""
        import jax

        task, inputs = self.task, self.inputs
        done = int(lanes.done[lanes.going].max(initial=0))
        first = done // task.batches
        wanted = min(wanted, (first + self.length) * task.batches)
        now = np.empty((9, self.count))
        now[0], now[1:4] = lanes.done, np.array([[wanted], [first], [inputs[0].patience.epochs]])
        now[4:] = lanes.total, lanes.best, lanes.waited, lanes.factor, lanes.going
        rates = None
        if (rate := inputs[0].rate) is not None:
            rates = np.array([rate(n) for n in range(first, first + self.length)], task.dtype)
        with jax.enable_x64(True):
            arrays, best, found = self.call(
                lanes.arrays,
                self.data,
                self.held,
                self._orders(first, -(-wanted // task.batches)),
                rates,
                self.scalars,
                self.others,
                self.numbers,
                now,
                lanes.best_arrays,
            )
        return self._after(lanes, arrays, best, np.asarray(found))

    def _orders(self, first: int, last: int) -> Array | None:
        task = self.task
        if not task.shuffled:
            return None
        order = np.zeros((self.length, task.rows, self.count), np.int32)
        drawn: dict[tuple[int, int], Array] = {}  # networks of one seed have one order
        for epoch in range(first, min(first + self.length, last)):
            for lane, inputs in enumerate(self.inputs):
                key = inputs.seed, epoch
                if key not in drawn:
                    drawn[key] = order_of(task, inputs, epoch)
                order[epoch - first, :, lane] = drawn[key]
        return order

    def _after(self, before: Lanes, arrays: Any, best: Any, found: Array) -> LanesAdvance:
        """What the program gave back; the arrays stay where they are."""
        task, length = self.task, self.length
        done, going, total, least, waited, factor = found[:HEAD]
        patient = task.patient & (waited >= self.inputs[0].patience.epochs)
        count = done - ((going == 0) & ~patient)
        count = np.where(before.going, count, before.done).astype(int)
        total = np.zeros_like(total) if task.batch == task.rows else total
        after = Lanes(arrays, count, going > 0, total, least, waited.astype(int), factor, best)
        ended = count // task.batches - before.done // task.batches
        rows = found[HEAD : HEAD + length], found[HEAD + length :]
        losses, checked = ([part[:e, n] for n, e in enumerate(ended)] for part in rows)
        return LanesAdvance(after, losses, checked)


class OneLane:
    """One of several networks by the program of all of them; the others repeat what it does."""

    name = "jax"

    def __init__(self, engine: LanesEngine, place: int) -> None:
        self.engine, self.place = engine, place

    def advance(self, state: State, wanted: int) -> Advance:
        """One call of the program; see ``Engine``."""
        begun = self.engine.begin([state] * self.engine.count)
        step, n = self.engine.advance(begun, wanted), self.place
        after = step.lanes
        return Advance(after.states()[n], step.losses[n], step.checked[n], bool(after.going[n]))


def _stacked(parts: Sequence[tuple[Array, ...]]) -> tuple[Array, ...]:
    return tuple(np.stack(each, axis=-1) for each in zip(*parts, strict=True))
