"""A run ready to begin and what is wanted of it in, a finished run out: the loop around an engine.

An engine is called for a tenth of a second at a time; between the calls the run tells how far it is,
saves what it has, and notices Ctrl-C and the time.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import numpy as np

from handgrad.errors import NumericError
from handgrad.numbers.updates import Updates
from handgrad.training import costs
from handgrad.training.beginning import Setup, Wish
from handgrad.training.devices import agreed
from handgrad.training.engines import Engine, State
from handgrad.training.program import is_small
from handgrad.training.task import Task

__all__ = [
    "SLICE",
    "History",
    "Progress",
    "interrupts",
    "next_slice",
    "reason",
    "refuse",
    "run",
    "thinned",
]

Array = Any
T = TypeVar("T")
SLICE = 0.1  # seconds an engine is left alone
KEPT = 32  # states kept in memory to replay updates from
KEPT_BYTES = 1 << 26
ASKED, LATE = -1, 0  # in place of updates wanted: end, as Ctrl-C or the time says


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

    Ctrl-C ends the run at its next pause and keeps what is done, as does a loss that is no finite
    number.
    """
    kept = [state]
    unknown = wish.devices > 1 or wish.search  # they wait for each other, or search along a line
    many = 1 if unknown else _first_slice(setup.task, engine)
    engine.advance(state, state.done)  # no update, but all compiling
    begun, going, halted, why = time.monotonic(), True, False, ""
    with interrupts() as interrupted:
        while going and state.done < wish.updates:
            done, late = state.done, time.monotonic() - begun >= wish.seconds
            planned = ASKED if interrupted.is_set() else LATE if late else done + many
            wanted = agreed(min(wish.updates, planned))
            if wanted in (ASKED, LATE):
                halted = wanted == ASKED
                break
            before = time.perf_counter()
            step = engine.advance(state, wanted)
            state, going, why = step.state, step.going, step.why
            spent = time.perf_counter() - before
            history.loss += step.losses.tolist()
            history.validation += step.checked.tolist()
            history.seconds += spent
            many = next_slice(many, state.done - done, spent)
            if going or state.done > done:
                kept = thinned([*kept, state], sum(a.nbytes for a in state.arrays), _done)
                if saved:
                    saved(state, history)
                if told:
                    told(_progress(state, wish, setup.task, history, time.monotonic() - begun))
        history.stopped = why or reason(state, wish, going, halted or interrupted.is_set(), setup)
    return state, kept


def _first_slice(task: Task, engine: Engine) -> int:
    small = engine.name == "jax" and is_small(task)
    one = costs.xla_update(task, small=small) if engine.name == "jax" else costs.numpy_update(task)
    return max(1, int(SLICE / one))


def next_slice(many: int, done: int, spent: float) -> int:
    """How many updates to ask for after ``done`` of ``many`` took so many seconds."""
    if done < many // 2 or spent <= 0:
        return many
    return max(1, min(2 * many, int(many * SLICE / spent)))


def _progress(state: State, wish: Wish, task: Task, history: History, spent: float) -> Progress:
    loss = history.loss[-1] if history.loss else math.nan
    checked = history.validation[-1] if history.validation else None
    return Progress(state.done, wish.updates, state.done // task.batches, loss, checked, spent)


def reason(state: State, wish: Wish, going: bool, interrupted: bool, setup: Setup) -> str:
    """Why a run ended."""
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


def refuse(setup: Setup, state: State) -> NoReturn:
    """Raise ``NumericError``: where the first number that is not finite came up."""
    updates = _at(setup, state)
    step = state.done + 1
    advice = "Use a smaller learning rate, or scale the data."
    try:
        updates.evaluated(setup.derivation, updates.values(step))
    except NumericError as error:
        raise NumericError(f"Update {step:,}: {error} {advice}") from None
    raise NumericError(f"Update {step:,}: the loss is no finite number. {advice}")


def _done(state: State) -> int:
    return state.done


def thinned(states: list[T], size: int, done: Callable[[T], int]) -> list[T]:
    """At most so many states of a size, spread over the run; the first and the last always stay."""
    most = max(2, min(KEPT, KEPT_BYTES // max(size, 1)))
    if len(states) <= most:
        return states
    gaps = [done(b) - done(a) for a, b in zip(states, states[2:], strict=False)]
    closest = gaps.index(min(gaps)) + 1
    return states[:closest] + states[closest + 1 :]


@contextmanager
def interrupts() -> Generator[threading.Event]:
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
