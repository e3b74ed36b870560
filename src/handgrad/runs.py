"""Training as a verb: a problem and data in, a Run out, and any update of it as worked steps.

run = train(p, x, y, epochs=30)         a Run: .parameters .history .predict(x)
run.explain(step=1234, of="W2[1,4]")    worked steps of one update, in every format
run.save("folder"); load_run("folder").resume(epochs=60)
"""

# A door: what comes in is whatever a user gave, so types are looked at and not believed.
# pyright: reportUnnecessaryIsInstance=false

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError, LimitError
from handgrad.model.limits import Limits
from handgrad.model.loading import known_clipping
from handgrad.model.problem import Problem, Training
from handgrad.model.schedules import Schedule, filled, schedule_of
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.page import element
from handgrad.numbers.updates import Updates
from handgrad.numbers.worked import known_reading
from handgrad.render.losses import plot_losses
from handgrad.training.examples import held_back, with_examples
from handgrad.training.folder import Begun
from handgrad.training.running import ENGINES, Progress, Wish
from handgrad.training.trained import Trained, continued, opened, trained
from handgrad.verbs import Worked

__all__ = ["Run", "load_run", "train"]

Array = Any
USUAL_EPOCHS = 200


class Run(Trained):
    """A run, finished or ended early: what it learned, and every update of it.

    ``parameters`` are arrays by name, ``history`` the losses of the epochs, ``stopped`` says why it
    ended. ``predict`` gives outputs for new examples.
    """

    def explain(
        self,
        *,
        step: int = 1,
        of: str | None = None,
        reading: str | None = None,
        symbols_only: bool = False,
        full: bool = False,
    ) -> Worked:
        """The worked steps of one update of the run, as ``explain`` shows them.

        The state before it is replayed by the program that trained, so the new values are the run's
        to the last bit; what stands between is worked out again in float64.

        Raises ``InputError`` for an update or a quantity that is not there.
        """
        before, after = self.replayed(step)
        setup = self.setup
        problem, derivation, task = setup.problem, setup.derivation, setup.task
        updates = Updates(problem, derivation, step)
        updates.state |= _by_symbol(task.state, before.arrays)
        updates.pace = before.pace
        usual = "chain" if of is not None else problem.notation.backward
        trace = updates.evaluated(derivation, updates.values(step))
        new = _by_symbol([s.updated for s in task.state], after.arrays)
        trace = Trace({**trace.arrays, **new}, trace.arithmetic)
        updates.state |= _by_symbol(task.state, after.arrays)
        updates.done = step
        if of is not None:
            element(problem, trace, of)
        return Worked(
            problem,
            derivation,
            ((step, trace),),
            updates,
            known_reading(reading or usual),
            of,
            symbols_only,
            full,
            appendix=False,
            carried=False,
            remark=self._said_of_bits(step),
        )

    def _said_of_bits(self, step: int) -> str:
        kind = self.setup.task.dtype
        return (
            f"Update {step:,} of {self.state.done:,} of a run in {kind}, replayed by the engine "
            f"{self.engine.name}: the new values are the run's to the last bit. The numbers between "
            f"are worked out again in float64 and agree with the run's within the rounding of {kind}."
        )

    def resume(
        self,
        *,
        epochs: int | None = None,
        seconds: float | None = None,
        progress: Callable[[Progress], None] | None = None,
        save_every: float = 10.0,
        tensorboard: str | os.PathLike[str] | None = None,
    ) -> Run:
        """Go on where the run is, up to ``epochs`` in all; left out, to the end it once had.

        A run taken up again gives the same bits as one that was never interrupted.
        """
        updates = self.wish.updates
        if epochs is not None:
            updates = _whole(epochs, "epochs", 0) * self.setup.task.batches
        wish = replace(self.wish, updates=updates, seconds=_seconds(seconds))
        events = None if tensorboard is None else Path(tensorboard)
        found = continued(self, wish, save_every=save_every, events=events, told=progress)
        return Run(**vars(found))

    def plot(
        self,
        *,
        ax: Any = None,
        log: bool | None = None,
        theme: str = "light",
        width: int = 800,
    ) -> Any:
        """Draw the loss of each epoch, and of the examples held back, on matplotlib axes.

        The arguments are those of ``hg.plot``. Raises ``InputError`` where matplotlib is not
        installed.
        """
        title = self.setup.problem.title
        return plot_losses(self.history, title=title, ax=ax, log=log, theme=theme, width=width)

    def __repr__(self) -> str:
        losses = self.record.loss
        last = f", loss {losses[-1]:.6g}" if losses else ""
        return f"<Run: {self.updates:,} updates, {self.epochs:,} epochs{last}; stopped: {self.stopped}>"


def _by_symbol(symbols: Any, arrays: Any) -> dict[Symbol, Array]:
    return {s: np.asarray(a, np.float64) for s, a in zip(symbols, arrays, strict=True)}


def train(
    problem: Problem,
    x: Any = None,
    y: Any = None,
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    shuffle: bool | None = None,
    seed: int | None = None,
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
    progress: Callable[[Progress], None] | None = None,
    folder: str | os.PathLike[str] | None = None,
    save_every: float = 10.0,
    tensorboard: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Run:
    """Train a problem, on data of yours or on its own.

    ``x`` and ``y`` have one row per example; a ``y`` of one axis is a column, or classes from 0 for a
    network of several outputs. What is left out is as the problem says (``epochs``: 200 where it says
    nothing). ``patience`` ends the run after so many epochs in a row without a loss better by
    ``tolerance``; with ``validation`` (a part of the examples, or a pair of arrays) that is the loss
    of the examples held back, and the best parameters are kept. ``seconds`` limits the time.

    ``schedule`` changes the learning rate from epoch to epoch: ``constant``, ``inverse_scaling``,
    ``adaptive`` or ``cosine``, or a mapping of such a name and its options. After ``patience`` epochs
    ``adaptive`` divides the rate, and ends the run once the rate is at its ``least``. ``clip_norm``
    bounds the norm of the whole gradient, ``clip_value`` each of its elements.

    ``engine`` is ``"jax"``, ``"numpy"``, or ``"auto"``: whichever will be done first. Data are
    float32 unless ``dtype`` says otherwise, a problem's own numbers float64. ``progress`` is told now
    and then how far the run is. With ``folder`` the run is saved there every ``save_every`` seconds
    and at its end; with ``tensorboard`` the losses of its epochs go into event files there. Ctrl-C ends
    it and keeps what is done.

    Raises ``InputError`` and ``ShapeError`` for data that cannot be used, with row and column;
    ``LimitError`` where memory will not suffice; ``NumericError`` where a loss is no finite number;
    ``FileError`` where the folder cannot be written.

    >>> import numpy as np
    >>> from handgrad import Network
    >>> p = Network([2, 1], activation="identity", W=[[[0.0, 0.0]]], x=[[0, 0]], y=[[0]])
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> run = train(p, x, x.sum(axis=1), epochs=500, dtype="float64")
    >>> run.parameters["W1"].round(3).tolist(), run.updates
    ([[1.0, 1.0]], 500)
    """
    if not isinstance(problem, Problem):
        raise InputError(
            f"train takes a Problem, from load or Network; got {type(problem).__name__}."
        )
    if engine not in ENGINES:
        raise InputError(f"engine is {engine!r:.40}; it may be {', '.join(ENGINES)}.")
    if (x is None) != (y is None) and not isinstance(x, Mapping):
        raise InputError("Give x and y, or neither to train on the problem's own data.")
    kind = _kind(dtype, own=x is None)
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
    patience = None if patience is None else _whole(patience, "patience", 1)
    tolerance = None if tolerance is None else _real(tolerance, "tolerance")
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
        seconds=_seconds(seconds),
        restore=bool(held),
    )
    place = None if folder is None else Path(folder)
    begun = Begun(problem, held, wish, engine, extra or {})
    events = None if tensorboard is None else Path(tensorboard)
    found = trained(begun, place=place, save_every=save_every, events=events, told=progress)
    return Run(**vars(found))


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
    seed = problem.seed if seed is None else _whole(seed, "seed", 0)
    return replace(problem, training=replace(problem.training, **given), seed=seed)


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
    return held_back(problem, _real(validation, "validation"), problem.seed)


def _updates(problem: Problem, epochs: int | None, batches: int) -> int:
    training = problem.training
    if epochs is None and training.epochs is None and training.steps is not None:
        return training.steps
    usual = USUAL_EPOCHS if training.epochs is None else training.epochs
    wanted = usual if epochs is None else _whole(epochs, "epochs", 0)
    if wanted > Limits.epochs or wanted * batches > Limits.steps:
        raise LimitError(
            f"{wanted:,} epochs of {batches:,} updates; at most {Limits.epochs:,} epochs and "
            f"{Limits.steps:,} updates are done. Ask for fewer."
        )
    return wanted * batches


def _whole(value: Any, name: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < least:
        raise InputError(f"{name} is {value!r:.40}; it is a whole number from {least} up.")
    return int(value)


def _real(value: Any, name: str) -> float:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 <= number < math.inf:
        raise InputError(f"{name} is {value!r:.40}; it is a number from 0 up.")
    return number


CHECKED: Mapping[str, Callable[[Any], Any]] = {
    "batch_size": lambda value: _whole(value, "batch_size", 1),
    "shuffle": bool,
    "learning_rate": lambda value: _real(value, "learning_rate"),
    "loss_below": lambda value: _real(value, "loss_below"),
    "schedule": schedule_of,
    "clip_norm": float,
    "clip_value": float,
}


def _seconds(seconds: float | None) -> float:
    return math.inf if seconds is None else _real(seconds, "seconds")


def load_run(folder: str | os.PathLike[str]) -> Run:
    """The run in a folder, at its last checkpoint; ``.resume()`` goes on from there.

    A damaged checkpoint is named in a warning, and the one before it used. Raises ``FileError``
    where the folder holds no run.
    """
    found, notes = opened(Path(folder))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Run(**vars(found))
