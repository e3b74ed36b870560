"""A task in, one XLA program out: every batch and epoch of a run, with bounds given as it runs.

A program that is small throughout becomes one native loop, without a call between its operations.
With ``lanes`` it trains so many networks on the same data at once: every array has one more axis, the
last, and a network that has ended stays as it is until all have.
"""

# JAX is an extra: it is imported where it is asked for, and its types are not known before.
# pyright: reportMissingImports=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownLambdaType=false, reportUnknownParameterType=false
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.model.optimizers import ETA, STEP
from handgrad.training.devices import Spread
from handgrad.training.task import Stage, Task
from handgrad.training.xla import SMALL, emitted

__all__ = ["HEAD", "is_small", "trained_by"]

Array = Any
Arrays = tuple[Array, ...]
NATIVE = 1 << 14
"""Multiply-adds of an update up to which it runs as one native loop."""
HEAD = 6
"""Numbers that a program gives back before the losses."""


def is_small(task: Task) -> bool:
    """Whether all of an update is small enough for one native loop."""
    stages = [task.stage(task.batch)]
    if task.tests_all:
        stages.append(task.stage(task.rows, updates=False))
    if task.validated:
        stages.append(task.stage(task.validated, updates=False))
    works = [one for stage in stages for one in stage.contractions]
    return sum(works) <= NATIVE and all(one < SMALL for one in works)


class _Epoch(NamedTuple):
    """What goes from batch to batch."""

    t: Array  # updates begun; with lanes, of each network
    state: Arrays
    total: Array  # the loss of the epoch so far
    going: Array  # whether the last update was carried out; with lanes, of each network


class _Whole(NamedTuple):
    """What goes from epoch to epoch."""

    epoch: _Epoch
    judge: Array  # the best loss, for how many epochs there was no better one, the rate's factor
    best: Arrays
    history: Array
    checked: Array


@dataclass(frozen=True)
class _Call:
    """One call of the program; see ``compiled`` for what its arguments are."""

    task: Task
    small: bool
    lanes: int
    spread: Spread | None
    data: Arrays
    held: Arrays
    order: Array | None
    rates: Array | None
    scalars: Array
    others: Arrays
    numbers: Array
    counts: Array  # updates done, updates wanted, the first epoch, patience

    @property
    def whole(self) -> bool:
        """Whether an epoch is one update."""
        return self.task.batch == self.task.rows

    def losses(self, stage: Stage, state: Arrays, data: Arrays, t: Array, rate: Array) -> Any:
        """The loss of some examples, then the state after the update if the stage has one."""
        task = self.task
        given: dict[Symbol, Array] = dict(zip(task.state, state, strict=True))
        given |= zip(task.data, data, strict=True)
        given |= zip(task.others, self.others, strict=True)
        given |= {s: self.scalars[n] for n, s in enumerate(task.scalars)}
        if STEP in given:
            given[STEP] = (t + 1 + self.numbers[4]).astype(task.dtype)
        if ETA in given:
            given[ETA] = rate
        lanes = self.lanes > 0
        return emitted(stage.outputs, given, task.dtype, small=self.small, lanes=lanes)

    def first(self, t: Array) -> Array:
        """The updates begun, of the networks that go on: those are equally far."""
        import jax.numpy as jnp

        return jnp.max(t) if self.lanes else t

    def any(self, going: Array) -> Array:
        """Whether a network goes on."""
        import jax.numpy as jnp

        return jnp.any(going) if self.lanes else going

    def rate(self, epoch: Array, factor: Array) -> Array | None:
        """The learning rate of an epoch; None where nothing is trained."""
        if ETA not in self.task.scalars:
            return None
        rate = self.scalars[self.task.scalars.index(ETA)]
        if self.rates is not None:
            rate = rate * self.rates[epoch - self.counts[2]]
        return rate * factor.astype(self.task.dtype) if self.task.patient else rate

    def rows(self, epoch: Array, place: Array, count: int) -> Arrays:
        """The examples of a batch."""
        import jax

        if self.whole:
            return self.data
        start = place * np.int32(self.task.batch)
        if self.order is None:
            return tuple(jax.lax.dynamic_slice_in_dim(d, start, count) for d in self.data)
        at = (epoch - self.counts[2], start, *[np.int32(0)] * bool(self.lanes))
        size = (1, count, *[self.lanes] * bool(self.lanes))
        rows = jax.lax.dynamic_slice(self.order, at, size)[0]

        def chosen(data: Array, rows: Array) -> Array:
            return data.at[rows].get(mode="promise_in_bounds")

        if not self.lanes:
            return tuple(chosen(d, rows) for d in self.data)
        each = jax.vmap(chosen, (None, -1), -1)
        return tuple(each(d[..., 0], rows) for d in self.data)

    def update(self, now: _Epoch, epoch: Array, rate: Array, place: Array, count: int) -> _Epoch:
        """One update, unless the loss is below the threshold or no finite number."""
        import jax
        import jax.numpy as jnp

        task = self.task
        data = self.rows(epoch, place, count)
        data = self.spread.divided(data) if self.spread else data
        loss, *new = self.losses(task.stage(count), now.state, data, now.t, rate)
        going = (loss >= self.numbers[0].astype(loss.dtype)) & (loss < jnp.inf)
        if task.tests_all:
            everything = task.stage(task.rows, updates=False)
            (tested,) = self.losses(everything, now.state, self.data, now.t, rate)
            going = (tested >= self.numbers[0].astype(loss.dtype)) & (tested < jnp.inf)
            going = going & (loss < jnp.inf)
        if self.lanes:
            going = going & now.going
        kept = jnp.where if self.lanes else jax.lax.select  # a select is fused with the update
        state = tuple(kept(going, a, b) for a, b in zip(new, now.state, strict=True))
        loss = loss.astype("float64")
        if not self.whole:
            weight = count / task.rows if task.counted else 1
            loss = now.total + jnp.where(going, loss * weight, 0)
        return _Epoch(now.t + now.going if self.lanes else now.t + 1, state, loss, going)

    def batches(
        self, now: _Epoch, epoch: Array, rate: Array, begin: Array, end: Array, count: int
    ) -> tuple[Array, _Epoch]:
        """The batches of ``count`` examples of an epoch, from one place to another."""
        import jax

        def body(carry: tuple[Array, _Epoch]) -> tuple[Array, _Epoch]:
            place, now = carry
            return place + 1, self.update(now, epoch, rate, place, count)

        def more(carry: tuple[Array, _Epoch]) -> Array:
            return (carry[0] < end) & self.any(carry[1].going)

        return jax.lax.while_loop(more, body, (begin, now))

    def epoch(self, now: _Whole) -> _Whole:
        """An epoch, or what is left and wanted of it."""
        import jax
        import jax.numpy as jnp

        task, inner = self.task, now.epoch
        if self.whole:
            epoch = self.first(inner.t)
            rate = self.rate(epoch, now.judge[2])
            inner = self.update(inner, epoch, rate, np.int32(0), task.rows)
            finished = inner.going
        else:
            many, full = np.int32(task.batches), np.int32(task.rows // task.batch)
            first = self.first(inner.t)
            epoch, place = first // many, first % many
            rate = self.rate(epoch, now.judge[2])
            end = jnp.minimum(many, place + self.counts[1] - first)
            last = jnp.minimum(end, full)
            place, inner = self.batches(inner, epoch, rate, place, last, task.batch)
            if task.rest:
                place, inner = self.batches(inner, epoch, rate, place, end, task.rest)
            finished = (place == many) & inner.going
        at = epoch - self.counts[2]
        history = jax.lax.dynamic_update_index_in_dim(now.history, inner.total, at, 0)
        now = now._replace(epoch=inner, history=history)
        now = self.judged(now, rate, at, finished)
        if not self.whole:
            total = jnp.where(finished, 0.0, inner.total)
            now = now._replace(epoch=now.epoch._replace(total=total))
        return now

    def judged(self, now: _Whole, rate: Array, at: Array, finished: Array) -> _Whole:
        """The epoch judged by the examples held back, or by its own loss: ``schedules.judged``."""
        import jax
        import jax.numpy as jnp

        task, inner, loss = self.task, now.epoch, now.epoch.total
        if task.validated:
            stage = task.stage(task.validated, updates=False)
            loss = self.losses(stage, inner.state, self.held, inner.t, rate)[0].astype("float64")
            checked = jax.lax.dynamic_update_index_in_dim(now.checked, loss, at, 0)
            now = now._replace(checked=checked)
        if not (task.patient or task.best):
            return now
        least, waited, factor = now.judge
        better = finished & (loss < least)
        lasting = jnp.where(loss < least - self.numbers[1], 0, waited + 1)
        waited = jnp.where(finished, lasting, waited)
        if task.best:
            pairs = zip(inner.state, now.best, strict=True)
            now = now._replace(best=tuple(jnp.where(better, a, b) for a, b in pairs))
        if task.patient:
            over = finished & (waited >= self.counts[3])
            slower = over & (factor > self.numbers[3])
            waited = jnp.where(slower, 0, waited)
            factor = jnp.where(slower, factor / self.numbers[2], factor)
            now = now._replace(epoch=inner._replace(going=inner.going & (slower | ~over)))
        return now._replace(judge=jnp.stack([jnp.where(better, loss, least), waited, factor]))


def trained_by(
    task: Task,
    length: int,
    lanes: int,
    spread: Spread | None,
    state: Arrays,
    data: Arrays,
    held: Arrays,
    order: Array | None,
    rates: Array | None,
    scalars: Array,
    others: Arrays,
    numbers: Array,
    now: Array,
    best: Arrays,
) -> Any:
    """One call of the program, to be traced; what it takes and gives back: ``compiled``."""
    import jax
    import jax.numpy as jnp

    counts, judge = now[:4].astype("int32"), now[4:8]
    own = (lanes,) if lanes else ()
    call = _Call(
        task,
        is_small(task) and spread is None,
        lanes,
        spread,
        data,
        held,
        order,
        rates,
        scalars,
        others,
        numbers,
        counts[:, 0] if lanes else counts,
    )
    start = _Whole(
        _Epoch(counts[0], state, judge[0], now[8] > 0),
        judge[1:],
        best,
        jnp.zeros((length, *own), "float64"),
        jnp.zeros((length if task.validated else 0, *own), "float64"),
    )

    def more(now: _Whole) -> Array:
        return (call.first(now.epoch.t) < call.counts[1]) & call.any(now.epoch.going)

    (t, state, total, going), judge, best, history, checked = jax.lax.while_loop(
        more, call.epoch, start
    )
    head = jnp.stack([t.astype("float64"), going.astype("float64"), total])
    return state, best, jnp.concatenate([head, judge, history, checked])
