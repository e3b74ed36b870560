"""A problem and what is wanted of its training in, a finished run out: the loop around an engine.

An engine is called for a tenth of a second at a time; between the calls the run tells how far it is,
saves what it has, and notices Ctrl-C and the time.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError, NumericError
from handgrad.model.problem import Problem, derive
from handgrad.model.schedules import ENDLESS, Patience, Schedule, factor, patience_of
from handgrad.numbers.jax_kernels import has_jax
from handgrad.numbers.updates import Updates
from handgrad.training import costs
from handgrad.training.engines import Engine, Inputs, NumpyEngine, State, XlaEngine
from handgrad.training.program import is_small
from handgrad.training.task import Task, parts_of

__all__ = [
    "ENGINES",
    "History",
    "Progress",
    "Setup",
    "Wish",
    "engine_for",
    "engine_name",
    "run",
    "set_up",
]

Array = Any
SLICE = 0.1  # seconds an engine is left alone
KEPT = 32  # states kept in memory to replay updates from
KEPT_BYTES = 1 << 26
ENGINES = ("auto", "jax", "numpy")


@dataclass(frozen=True)
class Wish:
    """What is wanted of a run beside the problem's own training."""

    updates: int
    engine: str = "auto"
    dtype: str = "float64"
    patience: int = 0  # epochs without a better loss after which it ends; 0: never
    tolerance: float = 0.0
    seconds: float = math.inf
    restore: bool = False  # end with the best parameters, not the last


@dataclass(frozen=True)
class Setup:
    """A run ready to begin: its task, its first state, and all the arrays."""

    problem: Problem
    derivation: Derivation
    task: Task
    inputs: Inputs
    first: State


@dataclass
class History:
    """What a run leaves behind besides its parameters; lists have one entry for each epoch."""

    loss: list[float] = field(default_factory=list[float])
    validation: list[float] = field(default_factory=list[float])
    seconds: float = 0.0  # of training, without compiling
    stopped: str = ""  # why it ended


@dataclass(frozen=True)
class Progress:
    """How far a run is."""

    done: int
    wanted: int
    epoch: int
    loss: float
    validation: float | None
    seconds: float

    @property
    def rate(self) -> float:
        """Updates in a second."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def left(self) -> float:
        """Seconds until all updates are done, at this rate."""
        return (self.wanted - self.done) / self.rate if self.rate else math.inf


def set_up(problem: Problem, wish: Wish, held: Mapping[Symbol, Array] | None = None) -> Setup:
    """A run ready to begin. ``held`` are examples kept apart to judge by."""
    derivation = derive(problem)
    held = held or {}
    rows = len(next(iter(held.values()))) if held else 0
    task, values = parts_of(
        problem,
        derivation,
        wish.dtype,
        validated=rows,
        patient=wish.patience > 0 or problem.training.schedule.name == "adaptive",
        best=wish.restore,
    )
    training = problem.training
    below, rule = training.loss_below, patience_of(training.schedule, training.learning_rate)
    inputs = Inputs(
        data=tuple(values[s] for s in task.data),
        held=tuple(np.asarray(held[s], wish.dtype) for s in task.data) if held else (),
        scalars=tuple(float(values[s]) for s in task.scalars),
        others=tuple(values[s] for s in task.others),
        seed=problem.seed,
        threshold=-math.inf if below is None else below,
        patience=rule or (Patience(wish.patience, wish.tolerance) if wish.patience else ENDLESS),
        rate=_rate_of(training.schedule, task.rows),
    )
    first = State(tuple(values[s] for s in task.state))
    return Setup(problem, derivation, task, inputs, first)


def _rate_of(schedule: Schedule, rows: int) -> Callable[[int], float] | None:
    """The factor of the learning rate by the epoch, where it is not always 1."""
    if schedule.name in ("constant", "adaptive") and not schedule.options.get("warmup"):
        return None
    return lambda epoch: factor(schedule, epoch, rows)


def engine_for(setup: Setup, wanted: int, name: str) -> Engine:
    """The engine asked for; ``auto`` takes the one that is done first.

    Raises ``InputError`` for an engine that is not there.
    """
    task, inputs = setup.task, setup.inputs
    chosen = engine_name(task, wanted, name)
    return XlaEngine(task, inputs) if chosen == "jax" else NumpyEngine(task, inputs)


def engine_name(task: Task, wanted: int, name: str) -> str:
    """Which engine that is: ``jax`` or ``numpy``."""
    if name not in ENGINES:
        raise InputError(f"engine is {name!r:.40}; it may be {', '.join(ENGINES)}.")
    if name == "jax" and not has_jax():
        raise InputError('The engine jax needs JAX: pip install "handgrad[fast]".')
    if name == "auto":
        return "jax" if has_jax() and _pays(task, wanted) else "numpy"
    return name


def _pays(task: Task, updates: int) -> bool:
    """Whether compiling costs less than it spares."""
    by_numpy = updates * costs.numpy_update(task)
    by_xla = costs.xla_start(task) + updates * costs.xla_update(task, small=is_small(task))
    return by_xla < by_numpy


def run(
    setup: Setup,
    engine: Engine,
    wish: Wish,
    state: State,
    history: History,
    *,
    told: Callable[[Progress], None] | None = None,
    saved: Callable[[State, History], None] | None = None,
) -> tuple[State, list[State]]:
    """Go on from a state until the wish is fulfilled; the last state, and some on the way.

    Ctrl-C ends the run at its next pause and keeps what is done. Raises ``NumericError`` where the
    loss is no finite number, and says where that began.
    """
    kept = [state]
    many = _first_slice(setup.task, engine)
    engine.advance(state, state.done)  # no update, but all compiling
    begun, going = time.monotonic(), True
    with _interrupts() as interrupted:
        while going and state.done < wish.updates and not interrupted.is_set():
            if time.monotonic() - begun >= wish.seconds:
                break
            before, done = time.perf_counter(), state.done
            step = engine.advance(state, min(wish.updates, done + many))
            state, going = step.state, step.going
            spent = time.perf_counter() - before
            history.loss += step.losses.tolist()
            history.validation += step.checked.tolist()
            history.seconds += spent
            many = _next_slice(many, state.done - done, spent)
            if going or state.done > done:
                kept = _thinned([*kept, state])
                if saved:
                    saved(state, history)
                if told:
                    told(_progress(state, wish, setup.task, history, time.monotonic() - begun))
        history.stopped = _reason(state, wish, going, interrupted.is_set(), setup)
    if history.stopped == "not finite":
        _refuse(setup, state)
    return state, kept


def _first_slice(task: Task, engine: Engine) -> int:
    small = engine.name == "jax" and is_small(task)
    one = costs.xla_update(task, small=small) if engine.name == "jax" else costs.numpy_update(task)
    return max(1, int(SLICE / one))


def _next_slice(many: int, done: int, spent: float) -> int:
    if done < many // 2 or spent <= 0:
        return many
    return max(1, min(2 * many, int(many * SLICE / spent)))


def _progress(state: State, wish: Wish, task: Task, history: History, spent: float) -> Progress:
    loss = history.loss[-1] if history.loss else math.nan
    checked = history.validation[-1] if history.validation else None
    return Progress(state.done, wish.updates, state.done // task.batches, loss, checked, spent)


def _reason(state: State, wish: Wish, going: bool, interrupted: bool, setup: Setup) -> str:
    if interrupted:
        return "interrupted"
    if going:
        return "all updates done" if state.done >= wish.updates else "time"
    if setup.task.patient and state.pace.waited >= setup.inputs.patience.epochs:
        return "no improvement"
    return "loss below threshold" if _finite_loss(setup, state) else "not finite"


def _finite_loss(setup: Setup, state: State) -> bool:
    """Whether the loss that ended a run was a number: below the threshold, then."""
    if setup.inputs.threshold == -math.inf:
        return False
    updates = _at(setup, state)
    try:
        return bool(
            updates.final()[setup.problem.loss]
            < setup.inputs.threshold + 1e-6 * abs(setup.inputs.threshold)
        )
    except NumericError:
        return False


def _at(setup: Setup, state: State) -> Updates:
    updates = Updates(
        setup.problem, setup.derivation, state.done + 1, np.dtype(setup.task.dtype).type
    )
    updates.state |= dict(zip(setup.task.state, state.arrays, strict=True))
    updates.pace = state.pace
    return updates


def _refuse(setup: Setup, state: State) -> None:
    """Say where the first number that is not finite came up."""
    updates = _at(setup, state)
    step = state.done + 1
    advice = "Use a smaller learning rate, or scale the data."
    try:
        updates.evaluated(setup.derivation, updates.values(step))
    except NumericError as error:
        raise NumericError(f"Update {step:,}: {error} {advice}") from None
    raise NumericError(f"Update {step:,}: the loss is no finite number. {advice}")


def _thinned(states: list[State]) -> list[State]:
    """At most so many states, spread over the run; the first and the last always stay."""
    size = sum(a.nbytes for a in states[0].arrays) or 1
    most = max(2, min(KEPT, KEPT_BYTES // size))
    if len(states) <= most:
        return states
    gaps = [b.done - a.done for a, b in zip(states, states[2:], strict=False)]
    closest = gaps.index(min(gaps)) + 1
    return states[:closest] + states[closest + 1 :]


@contextmanager
def _interrupts() -> Generator[threading.Event]:
    """Ctrl-C as a flag, so that no update is cut in two; a second one ends at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def note(*_: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    before = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
