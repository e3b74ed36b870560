"""What a user asks of training in, what a run begins with out; whatever was given is looked at."""

# What comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false
from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, cast

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError, LimitError
from handgrad.model.drawing import redrawn
from handgrad.model.limits import Limits
from handgrad.model.loading import known_clipping, learning_rate
from handgrad.model.optimizers import OPTIMIZERS
from handgrad.model.problem import Problem, Training
from handgrad.model.schedules import Schedule, filled, schedule_of
from handgrad.model.spelling import did_you_mean
from handgrad.training.beginning import ENGINES, Wish
from handgrad.training.examples import held_back, with_examples
from handgrad.training.folder import Begun
from handgrad.training.searching import LBFGS

__all__ = ["begun_run", "real", "seconds_of", "whole"]

Array = Any
USUAL_EPOCHS = 200


def begun_run(
    problem: Problem,
    x: Any = None,
    y: Any = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    schedule: str | Mapping[str, Any] | Schedule | None = None,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    loss_below: float | None = None,
    patience: int | None = None,
    tolerance: float | None = None,
    validation: float | tuple[Any, Any] | None = None,
    seconds: float | None = None,
    engine: str = "auto",
    dtype: Any = None,
    devices: int | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Begun:
    """What a run begins with; the arguments are those of ``train``, and so is what is raised."""
    if not isinstance(problem, Problem):
        raise InputError(
            f"train takes a Problem, from load or Network; got {type(problem).__name__}."
        )
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r:.40}; it may be {', '.join(ENGINES)}.")
    if (x is None) != (y is None) and not isinstance(x, Mapping):
        raise InputError("Give x and y, or neither to train on the problem's own data.")
    kind = _kind(dtype, own=x is None)
    if optimizer is not None and not isinstance(optimizer, str):
        raise InputError(f"optimizer is {optimizer!r:.60}; it is a name, such as adam or lbfgs.")
    if optimizer == LBFGS:
        _refuse_beside_search(
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            clip_norm=clip_norm,
            clip_value=clip_value,
            devices=devices,
            shuffle=shuffle or None,
        )
    if optimizer is not None:
        problem = _optimized(problem, optimizer)
    problem = _changed(
        problem,
        seed,
        batch_size=batch_size,
        shuffle=shuffle,
        learning_rate=learning_rate,
        loss_below=loss_below,
        schedule=schedule,
        clip_norm=clip_norm,
        clip_value=clip_value,
    )
    patience = None if patience is None else whole(patience, "patience", 1)
    tolerance = None if tolerance is None else real(tolerance, "tolerance")
    if x is not None:
        problem = with_examples(problem, x, y, kind)
    problem, held = _split(problem, validation, kind)
    batch = min(problem.training.batch_size or problem.examples, problem.examples)
    batches = -(-problem.examples // batch)
    updates = _updates(problem, epochs, batches)
    training = _scheduled(problem.training, -(-updates // batches), patience, tolerance)
    problem = replace(problem, training=training)
    wish = Wish(
        updates=updates,
        engine=engine,
        dtype=kind,
        patience=patience or 0,
        tolerance=tolerance or 0.0,
        seconds=seconds_of(seconds),
        restore=bool(held),
        devices=1 if devices is None else whole(devices, "devices", 1),
        search=LBFGS if optimizer == LBFGS else "",
    )
    return Begun(problem, held, wish, engine, extra or {})


def _refuse_beside_search(**asked: Any) -> None:
    """Raise ``InputError`` for what L-BFGS has no use for."""
    given = [name for name, value in asked.items() if value is not None]
    if given:
        raise InputError(
            f"{given[0]} has no meaning for L-BFGS, which goes over all examples at once and finds the "
            "length of its steps. Leave it out, or choose another optimizer."
        )


def _optimized(problem: Problem, name: str) -> Problem:
    """The problem with another optimizer and its usual options."""
    training = problem.training
    if name == LBFGS:  # the gradient is all it takes from the update
        plain = Training(steps=training.steps, epochs=training.epochs, l2=training.l2)
        return replace(problem, training=replace(plain, loss_below=training.loss_below))
    if name == training.optimizer:
        return problem
    if name not in OPTIMIZERS:
        there = ", ".join((*OPTIMIZERS, LBFGS))
        hint = did_you_mean(name, (*OPTIMIZERS, LBFGS))
        raise InputError(f"There is no optimizer {name!r:.60}.{hint} There are {there}.")
    rate = learning_rate(name, None)
    return replace(
        problem, training=replace(training, optimizer=name, options={}, learning_rate=rate)
    )


def _kind(dtype: Any, *, own: bool) -> str:
    if dtype is None:
        return "float64" if own else "float32"
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = ""
    if name not in ("float32", "float64"):
        raise InputError(f"dtype is {dtype!r:.60}; it may be float64 or float32.")
    return name


def _changed(problem: Problem, seed: int | None, **asked: Any) -> Problem:
    """The problem with what is asked for in place of what it says."""
    known_clipping(asked["clip_norm"], asked["clip_value"])
    given = {name: CHECKED[name](value) for name, value in asked.items() if value is not None}
    if "clip_norm" in given or "clip_value" in given:
        given = {"clip_norm": None, "clip_value": None, **given}
    problem = replace(problem, training=replace(problem.training, **given))
    return problem if seed is None else redrawn(problem, whole(seed, "seed", 0))


def _scheduled(
    training: Training, epochs: int, patience: int | None, tolerance: float | None
) -> Training:
    """The training with its schedule over so many epochs, and with the patience that is asked for."""
    schedule = filled(training.schedule, epochs)
    if schedule.name == "adaptive":
        asked = {"patience": patience, "tolerance": tolerance}
        given = {name: float(value) for name, value in asked.items() if value is not None}
        schedule = replace(schedule, options={**schedule.options, **given})
    return replace(training, schedule=schedule)


def _split(problem: Problem, validation: Any, kind: str) -> tuple[Problem, dict[Symbol, Array]]:
    if validation is None:
        return problem, {}
    if isinstance(validation, tuple):
        pair = cast("tuple[Any, ...]", validation)
        if len(pair) != 2:
            raise InputError("validation is a part of the examples, such as 0.1, or a pair (x, y).")
        other = with_examples(problem, pair[0], pair[1], kind)
        return problem, {s: other.values[s] for s in other.data}
    return held_back(problem, real(validation, "validation"), problem.seed)


def _updates(problem: Problem, epochs: int | None, batches: int) -> int:
    training = problem.training
    if epochs is None and training.epochs is None and training.steps is not None:
        return training.steps
    usual = USUAL_EPOCHS if training.epochs is None else training.epochs
    wanted = usual if epochs is None else whole(epochs, "epochs", 0)
    if wanted > Limits.epochs or wanted * batches > Limits.steps:
        raise LimitError(
            f"{wanted:,} epochs of {batches:,} updates; at most {Limits.epochs:,} epochs and "
            f"{Limits.steps:,} updates are done. Ask for fewer."
        )
    return wanted * batches


def whole(value: Any, name: str, least: int) -> int:
    """A whole number from ``least`` up; raises ``InputError`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise InputError(f"{name} is {value!r:.40}; it is a whole number from {least} up.")
    return int(value)


def real(value: Any, name: str) -> float:
    """A finite number from 0 up; raises ``InputError`` for anything else."""
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 <= number < math.inf:
        raise InputError(f"{name} is {value!r:.40}; it is a number from 0 up.")
    return number


CHECKED: Mapping[str, Callable[[Any], Any]] = {
    "batch_size": lambda value: whole(value, "batch_size", 1),
    "shuffle": bool,
    "learning_rate": lambda value: real(value, "learning_rate"),
    "loss_below": lambda value: real(value, "loss_below"),
    "schedule": schedule_of,
    "clip_norm": float,
    "clip_value": float,
}


def seconds_of(seconds: float | None) -> float:
    """A limit of the time; without one there is none."""
    return math.inf if seconds is None else real(seconds, "seconds")
