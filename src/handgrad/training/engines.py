"""The two engines that carry out a task: NumPy update by update, XLA as one program.

``advance`` takes a state and goes on until so many updates are done, or the run stops itself. Both
engines follow the same equations, the same batches, and the same rules of stopping.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.model.optimizers import ETA, STEP
from handgrad.model.schedules import ENDLESS, Pace, Patience, judged
from handgrad.training.compiling import compiled
from handgrad.training.devices import Spread
from handgrad.training.plan import Plan
from handgrad.training.program import HEAD
from handgrad.training.task import Task

__all__ = ["Engine", "Inputs", "NumpyEngine", "State", "XlaEngine", "order_of"]

Array = Any
EPOCHS = 1 << 11
"""Epochs of one call of a program at most. One number for all runs: a longer run, or one that is
taken up again, is the same program, to the last bit."""
ORDERED = 1 << 16
"""Rows of shuffled order handed to a program at once."""


@dataclass(frozen=True)
class State:
    """Where a run is: the arrays in the order of the task, and the little that judges it."""

    arrays: tuple[Array, ...]
    done: int = 0  # updates
    total: float = 0.0  # the loss of the epoch that is under way
    pace: Pace = field(default=Pace())
    best_arrays: tuple[Array, ...] = ()


@dataclass(frozen=True)
class Inputs:
    """Everything of a run that its task leaves open."""

    data: tuple[Array, ...]
    held: tuple[Array, ...]
    scalars: tuple[float, ...]
    others: tuple[Array, ...]
    seed: int = 0
    threshold: float = -math.inf
    patience: Patience = ENDLESS
    rate: Callable[[int], float] | None = None  # the factor of the learning rate in an epoch
    order: Callable[[int], Array] | None = None  # the examples of an epoch, in place of the seed's
    begun: int = 0  # updates of the optimizer before this run


@dataclass(frozen=True)
class Advance:
    """What a call of an engine has done: losses of the epochs it ended, and whether to go on.

    ``why`` says why not, where that is the engine's own affair.
    """

    state: State
    losses: Array
    checked: Array
    going: bool
    why: str = ""


class Engine(Protocol):
    """Goes on with a run until ``wanted`` updates are done."""

    name: str

    def advance(self, state: State, wanted: int) -> Advance:
        """The state after ``wanted`` updates, or after fewer where the run stops or is long."""
        ...


def order_of(task: Task, inputs: Inputs, epoch: int) -> Array:
    """The examples of an epoch in the order they are used."""
    if not task.shuffled:
        return np.arange(task.rows, dtype=np.int32)
    if inputs.order is not None:
        return inputs.order(epoch)
    return np.random.default_rng([inputs.seed, 1, epoch]).permutation(task.rows).astype(np.int32)


def _fill(target: Array, source: Array, rows: Any) -> None:
    """Some rows of dense or sparse data, written into an array."""
    if not isinstance(source, np.ndarray):
        source[rows].toarray(out=target)
    elif isinstance(rows, slice):
        np.copyto(target, source[rows])
    else:
        np.take(source, rows, axis=0, out=target, mode="clip")


class NumpyEngine:
    """The equations by NumPy, one call after the other."""

    name = "numpy"

    def __init__(self, task: Task, inputs: Inputs) -> None:
        self.task, self.inputs = task, inputs
        given = zip(task.others, inputs.others, strict=True)
        self.scalars = {
            s: np.array(v, task.dtype) for s, v in zip(task.scalars, inputs.scalars, strict=True)
        }
        self.shared: dict[Symbol, Array] = {**dict(given), **self.scalars}
        shapes = dict(task.shapes)
        self.state = {s: np.empty(shapes[s], task.dtype) for s in task.state}
        whole = task.batch == task.rows
        self.plans = {
            rows: self._plan(rows, inputs.data if whole else None)
            for rows in {task.batch, task.rest} - {0}
        }
        self.everything = (
            self._plan(task.rows, inputs.data, updates=False)
            if task.threshold and not whole
            else None
        )
        self.judge = (
            self._plan(task.validated, inputs.held, updates=False) if task.validated else None
        )

    def _plan(
        self, rows: int, data: Sequence[Array] | None, *, updates: bool = True
    ) -> tuple[Plan, tuple[Array, ...]]:
        """The calls for so many examples, and the arrays that hold them."""
        task, shapes = self.task, dict(self.task.shapes)
        held = tuple(data or (np.empty((rows, *shapes[s]), task.dtype) for s in task.data))
        given = {**self.shared, **self.state, **dict(zip(task.data, held, strict=True))}
        return Plan(task.stage(rows, updates=updates), given, task.state if updates else ()), held

    def advance(self, state: State, wanted: int) -> Advance:
        """Epoch by epoch; see ``Engine``."""
        task = self.task
        for symbol, array in zip(task.state, state.arrays, strict=True):
            np.copyto(self.state[symbol], array)
        losses: list[float] = []
        checked: list[float] = []
        going = True
        with np.errstate(all="ignore"):
            while going and state.done < wanted:
                before = state.done // task.batches
                state, going = self._epoch(state, wanted)
                if going and state.done // task.batches > before:
                    losses.append(state.total)
                    state, going = self._judged(replace(state, total=0.0), losses, checked)
        arrays = tuple(self.state[s].copy() for s in task.state)
        return Advance(replace(state, arrays=arrays), np.array(losses), np.array(checked), going)

    def _epoch(self, state: State, wanted: int) -> tuple[State, bool]:
        """The batches of an epoch that are left, as far as they are wanted."""
        task = self.task
        epoch, place = divmod(state.done, task.batches)
        order = order_of(task, self.inputs, epoch) if task.shuffled else None
        if ETA in self.scalars:
            self.scalars[ETA][...] = self._rate(epoch, state.pace.factor)
        done, total = state.done, state.total
        while place < task.batches and done < wanted:
            loss, going = self._update(order, place, done + 1)
            if not going:
                return replace(state, done=done, total=total), False
            total += loss
            done, place = done + 1, place + 1
        return replace(state, done=done, total=total), True

    def _rate(self, epoch: int, factor: float) -> Array:
        """The learning rate of an epoch."""
        dtype = np.dtype(self.task.dtype).type
        rate = dtype(self.inputs.scalars[self.task.scalars.index(ETA)])
        if self.inputs.rate is not None:
            rate = rate * dtype(self.inputs.rate(epoch))
        return rate * dtype(factor)

    def _update(self, order: Array | None, place: int, step: int) -> tuple[float, bool]:
        """One update, unless the loss says to stop; the part of the epoch's loss it has."""
        task = self.task
        begin = place * task.batch
        rows = min(task.batch, task.rows - begin)
        plan, held = self.plans[rows]
        if task.batch < task.rows:
            for source, target in zip(self.inputs.data, held, strict=True):
                batch = slice(begin, begin + rows)
                _fill(target, source, batch if order is None else order[batch])
        if STEP in self.scalars:
            self.scalars[STEP][...] = self.inputs.begun + step
        for call in plan.before:
            call()
        loss = tested = float(plan.loss)
        if self.everything is not None:
            tested = self._loss(self.everything[0])
        if not (tested >= self.inputs.threshold and loss < math.inf and tested < math.inf):
            return loss, False
        for call in plan.after:
            call()
        return loss * (rows / task.rows if task.counted and rows < task.rows else 1), True

    def _loss(self, plan: Plan) -> float:
        for call in plan.before:
            call()
        return float(plan.loss)

    def _judged(
        self, state: State, losses: list[float], checked: list[float]
    ) -> tuple[State, bool]:
        task, loss = self.task, losses[-1]
        if self.judge is not None:
            loss = self._loss(self.judge[0])
            checked.append(loss)
        if not (task.patient or task.best):
            return state, True
        if loss < state.pace.best and task.best:
            kept = tuple(self.state[s].copy() for s in task.state)
            state = replace(state, best_arrays=kept)
        pace, going = judged(state.pace, loss, self.inputs.patience)
        return replace(state, pace=pace), going


class XlaEngine:
    """The equations as one XLA program."""

    name = "jax"

    def __init__(self, task: Task, inputs: Inputs, spread: Spread | None = None) -> None:
        import jax

        self.task, self.inputs, self.spread = task, inputs, spread
        self.length = max(1, ORDERED // task.rows) if task.shuffled else EPOCHS
        self.call = compiled(task, self.length, spread=spread)
        rule = inputs.patience
        with jax.enable_x64(True):
            fixed = (
                inputs.data,
                inputs.held,
                np.array(inputs.scalars, task.dtype),
                inputs.others,
                np.array(
                    [inputs.threshold, rule.tolerance, rule.divisor, rule.least, inputs.begun]
                ),
            )
            if spread is None:
                fixed = jax.device_put(fixed)
            else:
                fixed = (spread.put(fixed[0], rows=task.batch == task.rows), *spread.put(fixed[1:]))
            self.data, self.held, self.scalars, self.others, self.numbers = fixed

    def advance(self, state: State, wanted: int) -> Advance:
        """One call of the program; see ``Engine``."""
        import jax

        task = self.task
        first = state.done // task.batches
        wanted = min(wanted, (first + self.length) * task.batches)
        epochs = range(first, first + self.length)
        order = rates = None
        if task.shuffled:
            last = min(epochs.stop, -(-wanted // task.batches))
            order = np.zeros((self.length, task.rows), np.int32)
            for n in range(first, last):
                order[n - first] = order_of(task, self.inputs, n)
        if self.inputs.rate is not None:
            rates = np.array([self.inputs.rate(n) for n in epochs], task.dtype)
        pace = state.pace
        now = [state.done, wanted, first, self.inputs.patience.epochs]
        now += [state.total, pace.best, pace.waited, pace.factor, 1]
        best = state.best_arrays or (state.arrays if task.best else ())
        given = (state.arrays, order, rates, np.array(now, np.float64), best)
        with jax.enable_x64(True):
            arrays, order, rates, at, best = self.spread.put(given) if self.spread else given
            arrays, best, found = self.call(
                arrays,
                self.data,
                self.held,
                order,
                rates,
                self.scalars,
                self.others,
                self.numbers,
                at,
                best,
            )
        return self._after(state, arrays, best, np.asarray(found))

    def _after(self, state: State, arrays: Any, best: Any, found: Array) -> Advance:
        """What the program gave back; the arrays of the state stay where they are."""
        task, length = self.task, self.length
        done, going, total, least, waited, factor = found[:HEAD].tolist()
        patient = task.patient and waited >= self.inputs.patience.epochs
        count = int(done) - (not going and not patient)
        ended = count // task.batches - state.done // task.batches
        whole = task.batch == task.rows
        kept = best if least < math.inf else ()
        pace = Pace(least, int(waited), factor)
        after = State(arrays, count, 0.0 if whole else total, pace, kept)
        losses, checked = found[HEAD : HEAD + ended], found[HEAD + length : HEAD + length + ended]
        return Advance(after, losses, checked, bool(going))
