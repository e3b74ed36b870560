"""A problem and what is wanted of its training in, a run ready to begin out: task, state, engine."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from handgrad.calculus.derivation import Derivation
from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.model.problem import Problem, derive
from handgrad.model.schedules import ENDLESS, Patience, Schedule, factor, patience_of
from handgrad.numbers.jax_kernels import has_jax
from handgrad.training import costs
from handgrad.training.devices import Spread, spread_over
from handgrad.training.engines import Engine, Inputs, NumpyEngine, State, XlaEngine
from handgrad.training.lanes import LanesEngine, OneLane
from handgrad.training.program import is_small
from handgrad.training.searching import LBFGS, LbfgsEngine
from handgrad.training.task import Task, parts_of

__all__ = ["ENGINES", "Setup", "Wish", "engine_for", "engine_name", "pays", "set_up"]

Array = Any
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
    lanes: int = 0  # how many networks its program trains side by side; 0: it is alone in its own
    lane: int = 0  # its place among them
    devices: int = 1  # over which a batch is divided, those of all hosts together
    search: str = ""  # "lbfgs": what takes the place of the updates


@dataclass(frozen=True)
class Setup:
    """A run ready to begin: its task, its first state, and all the arrays."""

    problem: Problem
    derivation: Derivation
    task: Task
    inputs: Inputs
    first: State


def set_up(
    problem: Problem,
    wish: Wish,
    held: Mapping[Symbol, Array] | None = None,
    derivation: Derivation | None = None,
) -> Setup:
    """A run ready to begin. ``held`` are examples kept apart to judge by."""
    derivation = derivation or derive(problem)
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


def engine_for(setup: Setup, wish: Wish, name: str) -> Engine:
    """The engine asked for; ``auto`` takes the one that is done first.

    Raises ``InputError`` for an engine that is not there.
    """
    task, inputs = setup.task, setup.inputs
    chosen = engine_name(task, wish.updates, name)
    if wish.search == LBFGS:
        return LbfgsEngine(task, inputs, setup.first, chosen)
    if wish.devices > 1:
        return XlaEngine(task, inputs, _spread(task, wish.devices, name))
    if chosen == "jax" and wish.lanes:
        return OneLane(LanesEngine(task, [inputs] * wish.lanes), wish.lane)
    return XlaEngine(task, inputs) if chosen == "jax" else NumpyEngine(task, inputs)


def engine_name(task: Task, updates: int, name: str) -> str:
    """Which engine that is for so many updates: ``jax`` or ``numpy``."""
    if name not in ENGINES:
        raise InputError(f"engine is {name!r:.40}; it may be {', '.join(ENGINES)}.")
    if name == "jax" and not has_jax():
        raise InputError('The engine jax needs JAX: pip install "handgrad[fast]".')
    if name == "auto":
        return "jax" if has_jax() and pays(task, updates) else "numpy"
    return name


def _spread(task: Task, devices: int, name: str) -> Spread:
    if name == "numpy" or not has_jax():
        raise InputError("Several devices need the engine jax.")
    if task.batch % devices:
        nearest = max(1, round(task.batch / devices)) * devices
        raise InputError(
            f"A batch of {task.batch:,} examples cannot be divided evenly among {devices} devices. "
            f"Use a batch_size such as {nearest:,}."
        )
    return spread_over(devices)


def pays(task: Task, updates: int) -> bool:
    """Whether compiling costs less than it spares."""
    by_numpy = updates * costs.numpy_update(task)
    by_xla = costs.xla_start(task) + updates * costs.xla_update(task, small=is_small(task))
    return by_xla < by_numpy
