"""A problem in, the trace of each of its updates out, one after the other.

``W1_new`` of one step is ``W1`` of the next. A threshold is tested before each update, on the loss
of all examples; a schedule sets the learning rate of each epoch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation, Phase
from handgrad.calculus.expr import Symbol
from handgrad.errors import NumericError
from handgrad.model.network import EXAMPLES
from handgrad.model.optimizers import ETA, STEP, optimizer_row
from handgrad.model.problem import Problem, constants
from handgrad.model.schedules import Pace, Schedule, factor, filled, judged, patience_of
from handgrad.numbers.arithmetic import FLOATS, Arithmetic
from handgrad.numbers.evaluate import Trace, evaluate

__all__ = ["Updates", "start"]

Array = Any


@dataclass
class Updates:
    """The run of a problem: iterate for its traces, then read ``state`` and ``stopped``."""

    problem: Problem
    derivation: Derivation
    steps: int
    dtype: Any = np.float64
    carry: int | None = None  # decimals each result is rounded to and carried on with
    arithmetic: Arithmetic = FLOATS
    stopped: bool = False  # the threshold was reached before all steps were done
    done: int = 0
    pace: Pace = field(default=Pace())

    def __post_init__(self) -> None:
        self.schedule = _settled(self.problem)
        self.state = start(self.problem, self.derivation)
        self.total = 0.0  # the loss of the epoch so far
        self.forward = replace(self.derivation, equations=self.derivation.phase(Phase.FORWARD))

    def __iter__(self) -> Iterator[Trace]:
        whole = self.problem.training.batch_size is None
        for step in range(1, self.steps + 1):
            if not whole and self.reached(self.final()):
                return
            try:
                trace = self.evaluated(self.derivation, self.values(step))
            except NumericError as error:
                raise NumericError(f"Step {step}: {error}") from None
            if whole and self.reached(trace):
                return
            self.done = step
            yield trace
            self.state = {s: trace.arrays.get(s.updated, v) for s, v in self.state.items()}
            if not self.goes_on(trace):
                return

    def goes_on(self, trace: Trace) -> bool:
        """Whether an adaptive schedule does not end the run after an update; it looks at epochs."""
        training, count = self.problem.training, self.problem.examples
        patience = patience_of(self.schedule, training.learning_rate)
        if patience is None:
            return True
        rows = len(self.batch(self.done))
        counted = EXAMPLES in self.state and EXAMPLES not in self.problem.values
        self.total += float(trace[self.problem.loss]) * (rows / count if counted else 1)
        if self.done % _batches(self.problem):
            return True
        self.pace, going = judged(self.pace, self.total, patience)
        self.total = 0.0
        return going

    def reached(self, trace: Trace) -> bool:
        """Whether the loss is below the threshold, where there is one."""
        threshold = self.problem.training.loss_below
        self.stopped = threshold is not None and bool(trace[self.problem.loss] < threshold)
        return self.stopped

    def values(self, step: int) -> dict[Symbol, Array]:
        """What is given at a step: the state, and the examples of its batch."""
        rows = self.batch(step)
        values = {s: v[rows] if s in self.problem.batched else v for s, v in self.state.items()}
        if EXAMPLES in self.state and EXAMPLES not in self.problem.values:
            values[EXAMPLES] = np.asarray(float(len(rows)))
        if STEP in self.state:
            values[STEP] = np.asarray(float(step))
        if ETA in self.state and self.schedule != Schedule():
            epoch = (step - 1) // _batches(self.problem)
            scale = factor(self.schedule, epoch, self.problem.examples) * self.pace.factor
            values[ETA] = np.asarray(self.problem.training.learning_rate * scale)
        return values

    def batch(self, step: int) -> Array:
        """The examples of a step, in order or in the order of its epoch's shuffle."""
        size, count = self.problem.training.batch_size, self.problem.examples
        if size is None or size >= count:
            return np.arange(count)
        epoch, place = divmod(step - 1, _batches(self.problem))
        order = np.arange(count)
        if self.problem.training.shuffle:
            order = np.random.default_rng([self.problem.seed, 1, epoch]).permutation(count)
        return order[place * size : (place + 1) * size]

    def final(self) -> Trace:
        """The forward pass over all examples, with the parameters as they are now."""
        return self.evaluated(self.forward, self.state)

    def evaluated(self, derivation: Derivation, values: Mapping[Symbol, Array]) -> Trace:
        """Every quantity of a derivation, in the numbers of this run."""
        return evaluate(derivation, values, self.dtype, self.carry, self.arithmetic)


def _batches(problem: Problem) -> int:
    """Updates of an epoch."""
    return -(-problem.examples // (problem.training.batch_size or problem.examples))


def _settled(problem: Problem) -> Schedule:
    """The schedule over the run that the problem asks for."""
    training = problem.training
    if training.epochs is not None:
        return filled(training.schedule, training.epochs)
    if training.steps is not None:
        return filled(training.schedule, -(-training.steps // _batches(problem)))
    return training.schedule


def start(problem: Problem, derivation: Derivation) -> dict[Symbol, Array]:
    """Everything given before the first update; the optimizer's state is zero."""
    values = {s: np.asarray(v) for s, v in problem.values.items()}
    values |= {s: np.asarray(v) for s, v in constants(problem).items()}
    for kept in optimizer_row(problem.training.optimizer).state:
        for parameter in problem.parameters:
            values[replace(parameter, state=kept)] = np.zeros_like(problem.values[parameter])
    return {s: v for s, v in values.items() if s in derivation.givens}
