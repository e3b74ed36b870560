"""Training as a verb: a problem and data in, a Run out, and any update of it as worked steps.

run = train(p, x, y, epochs=30)         a Run: .parameters .history .predict(x)
run.explain(step=1234, of="W2[1,4]")    worked steps of one update, in every format
run.save("folder"); load_run("folder").resume(epochs=60)
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from handgrad.calculus.expr import Symbol
from handgrad.errors import InputError
from handgrad.model.problem import Problem
from handgrad.model.schedules import Schedule
from handgrad.numbers.evaluate import Trace
from handgrad.numbers.page import element
from handgrad.numbers.updates import Updates
from handgrad.numbers.worked import known_reading
from handgrad.render.losses import plot_losses
from handgrad.training.devices import connect, leads
from handgrad.training.running import Progress
from handgrad.training.trained import Trained, continued, opened, trained
from handgrad.training.wanted import begun_run, seconds_of, whole
from handgrad.verbs import Worked

__all__ = ["Run", "load_run", "train"]

Array = Any


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
        if self.wish.search:
            raise InputError(
                "An iteration of L-BFGS is a search along a line, and no equation that could be worked "
                "out step by step. Train with another optimizer to explain its updates."
            )
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
        bits = "to the last bit" if self.exact else "to rounding, for it had more devices"
        return (
            f"Update {step:,} of {self.state.done:,} of a run in {kind}, replayed by the engine "
            f"{self.engine.name}: the new values are the run's {bits}. The numbers between "
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
            updates = whole(epochs, "epochs", 0) * self.setup.task.batches
        wish = replace(self.wish, updates=updates, seconds=seconds_of(seconds))
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
    hosts: Sequence[str] | None = None,
    host: int = 0,
    progress: Callable[[Progress], None] | None = None,
    folder: str | os.PathLike[str] | None = None,
    save_every: float = 10.0,
    tensorboard: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Run:
    """Train a problem, on data of yours or on its own.

    ``x`` and ``y`` have one row per example; a ``y`` of one axis is a column, or classes from 0 for a
    network of several outputs. What is left out is as the problem says (``epochs``: 200 where it says
    nothing). Another ``seed`` draws the weights anew that the problem's seed drew. ``patience`` ends
    the run after so many epochs in a row without a loss better by ``tolerance``; with ``validation``
    (a part of the examples, or a pair of arrays) that is the loss of the examples held back, and the
    best parameters are kept. ``seconds`` limits the time.

    ``optimizer`` takes the place of the problem's: its name, with its usual options, or ``"lbfgs"``,
    SciPy's L-BFGS over all examples at once, of which an update is one iteration (extra ``sklearn``).

    ``schedule`` changes the learning rate from epoch to epoch: ``constant``, ``inverse_scaling``,
    ``adaptive`` or ``cosine``, or a mapping of such a name and its options. After ``patience`` epochs
    ``adaptive`` divides the rate, and ends the run once the rate is at its ``least``. ``clip_norm``
    bounds the norm of the whole gradient, ``clip_value`` each of its elements.

    ``engine`` is ``"jax"``, ``"numpy"``, or ``"auto"``: whichever will be done first. Data are
    float32 unless ``dtype`` says otherwise, a problem's own numbers float64. ``progress`` is told now
    and then how far the run is. With ``folder`` the run is saved there every ``save_every`` seconds
    and at its end; with ``tensorboard`` the losses of its epochs go into event files there. Ctrl-C ends
    it and keeps what is done.

    ``devices`` divide each batch among them, and give the same to rounding. With several ``hosts``,
    their addresses, each runs the same call with its own place ``host`` among them, from 0; the first
    address has a port, as in ``10.0.0.1:4000``. ``devices`` are then those of one host, and only the
    first host saves and tells how far the run is.

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
    if hosts is not None:
        connect(hosts, host)
        devices = (devices or 1) * len(hosts)
    begun = begun_run(
        problem,
        x,
        y,
        epochs=epochs,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        optimizer=optimizer,
        learning_rate=learning_rate,
        schedule=schedule,
        clip_norm=clip_norm,
        clip_value=clip_value,
        loss_below=loss_below,
        patience=patience,
        tolerance=tolerance,
        validation=validation,
        seconds=seconds,
        engine=engine,
        dtype=dtype,
        devices=devices,
        extra=extra,
    )
    if folder is not None and not os.fspath(folder):
        raise InputError("folder is empty. Name a folder, such as run, or leave it out.")
    place = Path(folder) if folder is not None and leads() else None
    told = progress if leads() else None
    events = Path(tensorboard) if tensorboard is not None and leads() else None
    found = trained(begun, place=place, save_every=save_every, events=events, told=told)
    return Run(**vars(found))


def load_run(folder: str | os.PathLike[str]) -> Run:
    """The run in a folder, at its last checkpoint; ``.resume()`` goes on from there.

    A damaged checkpoint is named in a warning, and the one before it used. Raises ``FileError``
    where the folder holds no run.
    """
    found, notes = opened(Path(folder))
    for note in notes:
        warnings.warn(note, stacklevel=2)
    return Run(**vars(found))
